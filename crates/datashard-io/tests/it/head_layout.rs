//! Files that may not lie beside our metadata, and files that only look like metadata.

use datashard_io::StoreError;
use datashard_spec::error::ErrorKind;
use datashard_spec::id::MetadataVersion;

use crate::head_support::{Table, nothing};

async fn check(names: &[&str]) -> Result<(), StoreError> {
    let table = Table::on_bucket(1..=7);
    for name in names {
        table.chain.put(&format!("metadata/{name}"), "");
    }
    table.store.check_layout(MetadataVersion(7)).await
}

#[tokio::test]
async fn c09_compressed_metadata_beside_or_next_refuses_writers() {
    for name in ["v7.gz.metadata.json", "v8.gz.metadata.json", "v7.metadata.json.gz", "v8.metadata.json.gz"] {
        let error = check(&[name]).await.unwrap_err();
        assert!(matches!(error, StoreError::MixedLayout { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(name), "{error}");
    }
    // What was compressed before an upgrade and has plain successors forks nothing.
    check(&["v6.gz.metadata.json", "v9.gz.metadata.json"]).await.unwrap();
}

#[tokio::test]
async fn c09_readers_take_the_plain_file_and_are_told_if_there_is_only_a_compressed_one() {
    let table = Table::on_bucket(1..=7);
    table.chain.hint("7");
    table.chain.put("metadata/v7.gz.metadata.json", "");
    table.chain.put("metadata/v8.gz.metadata.json", "");
    assert_eq!(table.store.find_head().await.unwrap().unwrap().version, MetadataVersion(7));
    table.chain.set_versions(nothing());
    let error = table.store.find_head().await.unwrap_err();
    assert!(matches!(&error, StoreError::MixedLayout { found, .. } if found.contains("v7.gz")), "{error}");
}

#[tokio::test]
async fn c10_names_that_only_look_like_versions_are_none() {
    let table = Table::on_bucket(1..=7);
    for name in ["v008.metadata.json", "v8.metadata.json.tmp", "V8.metadata.json", "v8.metadata.json.crc"] {
        table.chain.put(&format!("metadata/{name}"), "");
    }
    assert_eq!(table.store.find_head().await.unwrap().unwrap().version, MetadataVersion(7));
    table.store.check_layout(MetadataVersion(7)).await.unwrap();
}

#[tokio::test]
async fn c10_metadata_of_a_catalog_refuses_writers() {
    for name in [
        "00000-6a1f.metadata.json",
        "00012-0b9c-11.gz.metadata.json",
        "00001-2c5ea75f-07ba-445f.metadata.json",
    ] {
        let error = check(&[name]).await.unwrap_err();
        assert!(matches!(&error, StoreError::MixedLayout { found, .. } if found.contains(name)), "{error}");
    }
    // Manifests have such names, too.
    check(&["00001-2c5ea75f-m0.avro", "0b9c11-m0.avro", "snap-1-1-0b9c.avro"]).await.unwrap();
}

#[tokio::test]
async fn c10_a_table_yet_to_be_made_is_checked_as_well() {
    let table = Table::on_bucket(nothing());
    table.store.check_layout(MetadataVersion(0)).await.unwrap();
    table.chain.put("metadata/v1.gz.metadata.json", "");
    assert!(table.store.check_layout(MetadataVersion(0)).await.is_err());
}

#[tokio::test]
async fn c10_the_check_costs_four_heads_and_one_page() {
    let table = Table::on_bucket(1..=7);
    for n in 0..2_500 {
        table.chain.put(&format!("metadata/{n:05}-6a1f-m0.avro"), "");
    }
    let (checked, cost) = table.cost(table.store.check_layout(MetadataVersion(7))).await;
    checked.unwrap();
    assert_eq!(cost, [0, 4, 0, 1, 0]);
}
