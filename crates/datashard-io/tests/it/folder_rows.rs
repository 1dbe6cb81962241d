//! Rows of the failure catalogue that are about the folder as a whole: its names, and what it is that has its name.

use std::path::Path;

use bytes::Bytes;
use datashard_io::{StoreError, StoreOptions, TablePath, TableStore};
use datashard_spec::id::MetadataVersion;

fn version(n: u64) -> TablePath {
    TablePath::parse(&format!("metadata/v{n}.metadata.json")).unwrap()
}

async fn open(folder: &Path) -> TableStore {
    TableStore::open(folder.to_str().unwrap(), StoreOptions::new()).await.unwrap()
}

/// Names of files and folders below a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            names.extend(self::names(&entry.path()));
        }
    }
    names
}

#[tokio::test]
async fn g08_names_made_here_have_no_upper_case() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t");
    let store = open(&table).await;
    for n in 1..=12 {
        assert!(store.create(&version(n), Bytes::from_static(b"{}")).await.unwrap().is_yes());
    }
    let _ = store.advance_hint(MetadataVersion(12)).await;
    store.raise_retired(MetadataVersion(3)).await.unwrap();
    store.store_time_ms().await.unwrap();
    let names = names(&table);
    assert!(names.len() > 12, "{names:?}");
    for name in names {
        assert_eq!(name, name.to_lowercase());
    }
}

#[tokio::test]
async fn g09_a_folder_that_was_removed_or_replaced_takes_no_file() {
    for replace in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("t");
        let store = open(&table).await;
        assert!(store.create(&version(1), Bytes::from_static(b"{}")).await.unwrap().is_yes());
        std::fs::remove_dir_all(&table).unwrap();
        if replace {
            std::fs::create_dir(&table).unwrap();
        }
        let error = store.create(&version(2), Bytes::from_static(b"{}")).await.unwrap_err();
        assert!(
            matches!(error, StoreError::RootReplaced { .. } | StoreError::NoContainer { .. }),
            "{error:?}"
        );
        assert!(store.read(&version(1), 100).await.is_err());
        assert!(store.find_head().await.is_err());
        if replace {
            assert_eq!(names(&table), Vec::<String>::new());
        } else {
            assert!(!table.exists());
        }
    }
}
