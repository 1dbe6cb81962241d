//! Deletion vectors to a Puffin file and its entries.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use datashard_spec::ErrorKind;
use datashard_spec::puffin::{PuffinReader, check_head};
use datashard_spec::value::Value;

use super::*;
use crate::path::TablePath;
use crate::write::testing::{files_of, table};

fn vector(positions: &[u64]) -> DeletionVector {
    DeletionVector::from_positions(positions.iter().copied()).unwrap()
}

fn slice(bytes: &[u8], entry: &DataFile) -> Vec<u8> {
    let start = usize::try_from(entry.content_offset.unwrap()).unwrap();
    let length = usize::try_from(entry.content_size_in_bytes.unwrap()).unwrap();
    bytes[start..start + length].to_vec()
}

#[tokio::test]
async fn trap_20_and_21_vectors_share_a_file_and_are_found_by_their_entries() {
    let store = table(-1);
    let path = TablePath::parse("data/0-deletes.puffin").unwrap();
    let output = OutputFile::new(&store, &path, "memory://lake/t/data/0-deletes.puffin").unwrap();
    let (first, second) = (vector(&[1, 3, 5]), vector(&[0, 70_000, 1 << 40]));
    let tuple = vec![Some(Value::Int(7))];
    let entries = write_deletion_vectors(
        output,
        vec![
            NewDeletionVector::new("m://a", tuple.clone(), first.clone()),
            NewDeletionVector::new("m://b", vec![], second.clone()),
        ],
    )
    .await
    .unwrap();
    assert_eq!((store.counts().put, store.counts().total()), (1, 1));

    let bytes = store.read(&path, u64::MAX).await.unwrap();
    for (entry, (data_file, partition, vector)) in
        entries.iter().zip([("m://a", tuple, first), ("m://b", vec![], second)])
    {
        assert!(entry.is_deletion_vector());
        assert_eq!(entry.file_path, "memory://lake/t/data/0-deletes.puffin");
        assert_eq!(entry.referenced_data_file.as_deref(), Some(data_file));
        assert_eq!(entry.partition, partition);
        assert_eq!(entry.record_count, 3);
        assert_eq!(usize::try_from(entry.file_size_in_bytes).unwrap(), bytes.len());
        assert_eq!(entry.sort_order_id, None);
        assert_eq!(DeletionVector::deserialize(&slice(&bytes, entry), Some(3)).unwrap(), vector);
        let sha256 = entry.extras.by_name("datashard_sha256").and_then(|value| value.as_str());
        assert_eq!(sha256.map(str::len), Some(64));
    }
    // The blob of the format's own example.
    let expect =
        "00000026d1d339640100000000000000000000003a3000000100000000000200100000000100030005005a9e5d39";
    let hex: String = slice(&bytes, &entries[0]).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, expect);

    check_head(&bytes).unwrap();
    let footer = PuffinReader::new(&bytes).unwrap();
    let blobs = &footer.footer().blobs;
    assert_eq!(blobs.len(), 2);
    assert_eq!(blobs[1].range.offset, u64::try_from(entries[1].content_offset.unwrap()).unwrap());
    assert!(footer.footer().properties.get(Footer::CREATED_BY).unwrap().starts_with("datashard "));
}

#[tokio::test]
async fn checksum_is_that_of_the_whole_file() {
    use sha2::{Digest, Sha256};
    let store = table(-1);
    let path = TablePath::parse("v.puffin").unwrap();
    let output = OutputFile::new(&store, &path, "memory://lake/t/v.puffin").unwrap();
    let entries = write_deletion_vectors(output, vec![NewDeletionVector::new("m://a", vec![], vector(&[0]))])
        .await
        .unwrap();
    let bytes = store.read(&path, u64::MAX).await.unwrap();
    let expect: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let found = entries[0].extras.by_name("datashard_sha256").and_then(|value| value.as_str());
    assert_eq!(found, Some(expect.as_str()));
}

#[tokio::test]
async fn nothing_to_delete_makes_no_file() {
    let store = table(-1);
    let path = TablePath::parse("v.puffin").unwrap();
    let output = || OutputFile::new(&store, &path, "memory://lake/t/v.puffin").unwrap();
    assert!(write_deletion_vectors(output(), vec![]).await.unwrap().is_empty());
    let one = NewDeletionVector::new("m://a", vec![], vector(&[1]));
    let empty = NewDeletionVector::new("m://b", vec![], vector(&[]));
    for (vectors, text) in [
        (vec![one.clone(), one.clone()], "`m://a` is the second one"),
        (vec![one, empty], "`m://b` deletes nothing"),
    ] {
        let error = write_deletion_vectors(output(), vectors).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(text), "{error}");
    }
    assert!(files_of(&store).await.is_empty());
    assert_eq!(store.counts().put, 0);
}
