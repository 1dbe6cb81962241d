//! The same calls on a real folder, where the answers come from a file system.

use datashard_spec::error::ErrorKind;
use futures_util::TryStreamExt;

use super::*;
use crate::error::StoreError;
use crate::store::{Durability, StoreOptions};

async fn folder() -> (TableStore, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    let options = StoreOptions::new().with_durability(Durability::None);
    (TableStore::open(root.path().to_str().unwrap(), options).await.unwrap(), root)
}

#[tokio::test]
async fn b15_paths_through_files_are_not_found_and_folders_are_told_as_such() {
    let (store, _root) = folder().await;
    store.put(&path("data/f"), some_bytes(3)).await.unwrap();
    for missing in ["data/f/x", "data/g", "nowhere/f"] {
        let missing = path(missing);
        for error in [store.read(&missing, 10).await.unwrap_err(), store.info(&missing).await.unwrap_err()] {
            assert!(matches!(&error, StoreError::NotFound { path, .. } if *path == missing), "{error:?}");
        }
        assert!(!store.exists(&missing).await.unwrap());
    }
    for error in
        [store.read(&path("data"), 10).await.unwrap_err(), store.info(&path("data")).await.unwrap_err()]
    {
        assert!(matches!(&error, StoreError::Refused { path, .. } if path == "data"), "{error:?}");
        assert!(error.to_string().contains("folder"), "{error}");
    }
    assert_eq!(store.read(&path("data/f"), 3).await.unwrap(), some_bytes(3));
}

#[tokio::test]
async fn ranges_limits_and_tails_are_held_to_the_files_size() {
    let (store, _root) = folder().await;
    let (file, bytes) = (path("data/f"), some_bytes(300_000));
    store.put(&file, bytes.clone()).await.unwrap();
    let ranges = [250_000..300_000, 0..10, 20..30];
    let found = store.read_ranges(&file, &ranges).await.unwrap();
    assert_eq!(found, ranges.iter().map(|range| slice(&bytes, range)).collect::<Vec<_>>());
    assert_eq!(store.counts().get, 2);
    for range in [299_999..300_001, 300_000..300_001, u64::MAX - 1..u64::MAX] {
        let error = store.read_range(&file, range).await.unwrap_err();
        assert!(matches!(error, StoreError::BadRange { .. }), "{error:?}");
    }
    assert_eq!(store.read(&file, 299_999).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let tail = store.read_tail(&file, 8).await.unwrap();
    assert_eq!((tail.bytes, tail.size_bytes), (bytes.slice(299_992..), 300_000));
    store.put(&path("empty"), Bytes::new()).await.unwrap();
    let tail = store.read_tail(&path("empty"), 8).await.unwrap();
    assert_eq!((tail.bytes.len(), tail.size_bytes), (0, 0));
}

#[tokio::test]
async fn names_are_listed_as_on_a_bucket() {
    let (store, root) = folder().await;
    let none: Vec<_> = store.list(Some(&path("data")), None).try_collect().await.unwrap();
    assert!(none.is_empty());
    let mut expected = ["data-1", "data/a.txt", "data/a/z", "data/b", "data2/x", "metadata/v1", "z"];
    for file in expected.iter().rev() {
        store.put(&path(file), some_bytes(1)).await.unwrap();
    }
    std::fs::create_dir(root.path().join("data/nothing")).unwrap();
    std::fs::write(root.path().join("data/back\\slash"), "x").unwrap();
    expected.sort_unstable();
    let list = async |folder: Option<&str>, after: Option<&str>| {
        let (folder, after) = (folder.map(path), after.map(path));
        let names: Result<Vec<_>, _> = store
            .list(folder.as_ref(), after.as_ref())
            .map_ok(|file| file.path.to_string())
            .try_collect()
            .await;
        names.unwrap()
    };
    assert_eq!(list(None, None).await, expected);
    assert_eq!(list(Some("data"), None).await, ["data/a.txt", "data/a/z", "data/b"]);
    assert_eq!(list(None, Some("data/a.txt")).await, expected[2..]);
    assert_eq!(list(Some("data"), Some("data/a/y")).await, ["data/a/z", "data/b"]);
}

#[tokio::test]
async fn deletions_and_uploads_do_what_they_do_on_a_bucket() {
    let (store, _root) = folder().await;
    let paths: Vec<_> = (0..20).map(|i| path(&format!("data/{i}"))).collect();
    for path in paths.iter().skip(3) {
        store.put(path, some_bytes(1)).await.unwrap();
    }
    let report = store.delete_all(paths).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.deleted_count, store.counts().delete), (20, 1));
    store.delete(&path("data/0")).await.unwrap();

    let bytes = some_bytes(20 * 1024 * 1024 + 7);
    let mut upload = store.upload(&path("data/large")).unwrap();
    for start in (0..bytes.len()).step_by(3_000_000) {
        upload.write(bytes.slice(start..bytes.len().min(start + 3_000_000))).await.unwrap();
    }
    let uploaded = upload.finish().await.unwrap();
    assert_eq!(uploaded.size_bytes, store.info(&path("data/large")).await.unwrap().size_bytes);
    assert!(store.read(&path("data/large"), u64::MAX).await.unwrap() == bytes);

    let mut upload = store.upload(&path("data/given-up")).unwrap();
    upload.write(bytes).await.unwrap();
    upload.abort().await.unwrap();
    let names: Vec<_> = store.list(None, None).map_ok(|file| file.path).try_collect().await.unwrap();
    assert_eq!(names, [path("data/large")]);
    let now_ms = store.store_time_ms().await.unwrap();
    assert!(now_ms >= store.info(&path("data/large")).await.unwrap().modified_ms);
}
