use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

use super::*;

#[tokio::test]
async fn files_are_created_once_read_listed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("t");
    let folder = LocalFolder::open(&root, LocalOptions::default(), Context::system()).unwrap();
    assert!(!root.exists(), "opening writes nothing");
    let path = Path::from("metadata/v1.metadata.json");
    folder.put_opts(&path, "one".into(), PutMode::Create.into()).await.unwrap();
    let error = folder.put_opts(&path, "two".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error:?}");
    folder.put(&Path::from("data/a/x"), "x".into()).await.unwrap();
    folder.put(&Path::from("data/a.b"), "y".into()).await.unwrap();
    assert_eq!(folder.get(&path).await.unwrap().bytes().await.unwrap(), "one");
    let listed: Vec<_> = folder.list(None).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    assert_eq!(listed, ["data/a.b", "data/a/x", "metadata/v1.metadata.json"]);
    folder.delete(&path).await.unwrap();
    assert!(matches!(folder.head(&path).await, Err(object_store::Error::NotFound { .. })));
}
