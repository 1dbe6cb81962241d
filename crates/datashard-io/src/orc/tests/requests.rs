//! What a read costs in requests.

use orc_rust::proto::Stream;
use orc_rust::proto::stream::Kind as StreamKind;

use super::parts::Parts;
use super::*;
use crate::path::TablePath;
use crate::store::{StoreOptions, TableStore};

async fn store() -> (tempfile::TempDir, TableStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = TableStore::open(folder.path().to_str().unwrap(), StoreOptions::new()).await.unwrap();
    (folder, store)
}

async fn cost(store: &TableStore, input: &InputFile, leaves: Vec<usize>) -> (u64, u64, usize) {
    let before = store.counts();
    let options = OpenOptions { verify: true, memory_limit_bytes: 64 * MIB };
    let decoder = open_decoder(input, &options).await.unwrap();
    let opened = store.counts();
    let how = How { leaves: Some(leaves), ..How::default() };
    let (_, batches) = run(decoder, how).await.unwrap();
    let after = store.counts();
    assert_eq!(after.head, before.head);
    let rows = batches.iter().map(|decoded| decoded.batch.num_rows()).sum();
    (opened.get - before.get, after.get - opened.get, rows)
}

#[tokio::test]
async fn a_small_file_costs_one_request() {
    let (folder, store) = store().await;
    std::fs::write(folder.path().join("a.orc"), bytes("groups")).unwrap();
    let path = TablePath::parse("a.orc").unwrap();
    let input = InputFile::new(store.clone(), path, "a.orc").with_size_bytes(bytes("groups").len() as u64);
    assert_eq!(cost(&store, &input, vec![0, 2]).await, (1, 0, 6000));
    let wrong = input.with_size_bytes(17);
    let options = OpenOptions { verify: true, memory_limit_bytes: MIB };
    let found = open_decoder(&wrong, &options).await.map(|_| ()).unwrap_err().to_string();
    assert!(found.contains("length in bytes") && found.contains("17"), "{found}");
    let trusting = OpenOptions { verify: false, ..options };
    open_decoder(&wrong, &trusting).await.unwrap();
}

/// A file whose stripes lie far apart; each is as long as asked for.
fn apart(stripe_bytes: usize) -> Bytes {
    let mut parts = Parts::of(&bytes("groups"));
    parts.gap_bytes = 9 << 20;
    for stripe in &mut parts.stripes {
        let first_data =
            stripe.footer.streams.iter().position(|stream| stream.kind() != StreamKind::RowIndex);
        let at = first_data.unwrap();
        let bloom = Stream { kind: Some(StreamKind::BloomFilterUtf8.into()), column: Some(0), length: None };
        stripe.footer.streams.insert(at, bloom);
        stripe.streams.insert(at, vec![0; stripe_bytes].into());
    }
    parts.build()
}

#[tokio::test]
async fn a_small_stripe_costs_one_request_and_a_large_one_two_and_a_filter_one_more() {
    let (folder, store) = store().await;
    // What is wanted of the last stripe came with the tail of the file, but for the start of a small one.
    for (stripe_bytes, requests, filtered) in [(100_000, 4, 1), (3 << 20, 6, 3)] {
        let file = apart(stripe_bytes);
        std::fs::write(folder.path().join("a.orc"), &file).unwrap();
        let path = TablePath::parse("a.orc").unwrap();
        let input = InputFile::new(store.clone(), path, "a.orc").with_size_bytes(file.len() as u64);
        let before = store.counts();
        assert_eq!(cost(&store, &input, vec![0, 2]).await, (1, requests, 6000));
        let moved = store.counts().bytes_read - before.bytes_read;
        assert!(moved < 1_000_000, "{moved} bytes");

        let options = OpenOptions { verify: true, memory_limit_bytes: 64 * MIB };
        let mut decoder = open_decoder(&input, &options).await.unwrap();
        let before = store.counts();
        let plan = prune::plan(decoder.file_schema(), Some(prune::bind("id = 1700")));
        decoder.begin(plan).await.unwrap();
        let mut rows = 0;
        while let Some(decoded) = decoder.next().await.unwrap() {
            rows += decoded.batch.num_rows();
        }
        assert_eq!((rows, store.counts().get - before.get), (500, filtered));
    }
}
