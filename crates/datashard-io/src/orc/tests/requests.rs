//! What a read costs in requests.

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
