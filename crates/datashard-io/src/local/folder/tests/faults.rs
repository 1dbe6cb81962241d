//! What a folder answers when the file system fails or lies.

use super::*;
use crate::StoreError;
use crate::store::Created;

const EPERM: i32 = 1;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

/// Creates `metadata/v1` under one fault, after the method was found out without.
async fn create_with(call: &'static str, fault: Fault) -> (Result<Created, StoreError>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
    assert!(store.create(&path("metadata/v0"), "zero".into()).await.unwrap().is_yes());
    fs.set(&[(call, fault)]);
    let created = store.create(&path("metadata/v1"), "one".into()).await;
    fs.set(&[]);
    // After the fault the store works again.
    assert!(store.create(&path("metadata/v2"), "two".into()).await.unwrap().is_yes());
    let mut names = tree(dir.path());
    names.retain(|name| name != "metadata/v0" && name != "metadata/v2");
    (created, names)
}

#[tokio::test]
async fn g01_full_disk_fails_definitely_before_the_rename_and_leaves_nothing() {
    for call in ["create_file", "write", "sync", "rename_new"] {
        for code in [ENOSPC, EDQUOT] {
            let (created, left) = create_with(call, Fault::Fails(code)).await;
            let error = created.unwrap_err();
            assert!(matches!(error, StoreError::StorageFull { .. }), "{call}: {error:?}");
            assert!(error.definitely_not_done(), "{call}: {error:?}");
            assert_eq!(left, [""; 0], "{call}");
        }
    }
}

#[tokio::test]
async fn g03_failed_flush_of_the_content_is_a_definite_error_sent_once() {
    let (created, left) = create_with("sync", Fault::Fails(EIO)).await;
    let error = created.unwrap_err();
    assert!(matches!(error, StoreError::FlushFailed { .. }) && error.definitely_not_done(), "{error:?}");
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn g03_failed_flush_of_the_name_is_unclear_after_the_rename_and_definite_before() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
    assert!(store.create(&path("metadata/v0"), "zero".into()).await.unwrap().is_yes());
    fs.set(&[("sync_folder", Fault::Fails(EIO))]);
    let error = store.create(&path("metadata/v1"), "one".into()).await.unwrap_err();
    assert!(error.definitely_not_done(), "{error:?}");
    // A plain put flushes the name only afterwards.
    let error = store.put(&path("metadata/x"), "x".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::FlushFailed { .. }) && !error.definitely_not_done(), "{error:?}");
    assert_eq!(tree(dir.path()), ["metadata/v0", "metadata/x"]);
}

#[tokio::test]
async fn g04_link_is_used_where_rename_cannot_keep_from_replacing() {
    for fault in [Fault::Fails(EINVAL), Fault::Replaces] {
        let dir = tempfile::tempdir().unwrap();
        let fs = Faulty::new(dir.path(), &[("rename_new", fault)]);
        let store = on(Arc::clone(&fs), dir.path(), Durability::None);
        assert!(store.create(&path("metadata/v1"), "one".into()).await.unwrap().is_yes());
        assert!(matches!(store.create(&path("metadata/v1"), "two".into()).await.unwrap(), Created::No));
        assert_eq!(read(&store, "metadata/v1").await, "one");
        assert_eq!(tree(dir.path()), ["metadata/v1"], "{fault:?}");
    }
}

#[tokio::test]
async fn g04_file_system_without_atomic_create_is_refused_unless_there_is_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let faults = [("rename_new", Fault::Fails(EINVAL)), ("link", Fault::Fails(EPERM))];
    let fs = Faulty::new(dir.path(), &faults);
    let store = on(Arc::clone(&fs), dir.path(), Durability::None);
    let error = store.create(&path("metadata/v1"), "one".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::NoAtomicCreate { .. }), "{error:?}");
    assert_eq!(tree(dir.path()), [""; 0]);

    use crate::local::{LocalFolder, LocalOptions};
    use object_store::{ObjectStore, PutMode, path::Path};
    let options = LocalOptions::default().with_unsafe_single_writer(true);
    let folder = LocalFolder::on(fs, options, Context::system());
    folder.put_opts(&Path::from("v1"), "one".into(), PutMode::Create.into()).await.unwrap();
    let error = folder.put_opts(&Path::from("v1"), "two".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error:?}");
}

#[tokio::test]
async fn g04_folders_that_cannot_be_flushed_are_refused_in_full_durability() {
    let (created, left) = create_with("sync_folder", Fault::Fails(EINVAL)).await;
    let error = created.unwrap_err();
    assert!(matches!(error, StoreError::Unsupported { .. }), "{error:?}");
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn g05_create_whose_answer_was_lost_is_recognised_as_own() {
    // What NFS does: the call is repeated after its answer was lost, and finds the name taken.
    const EEXIST: i32 = 17;
    for code in [EEXIST, EIO] {
        let (created, left) = create_with("rename_new", Fault::WorksAndFails(code)).await;
        assert!(created.unwrap().is_yes());
        assert_eq!(left, ["metadata/v1"]);
        let dir = tempfile::tempdir().unwrap();
        let fs = Faulty::new(dir.path(), &[("rename_new", Fault::Fails(EINVAL))]);
        let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
        assert!(store.create(&path("v0"), "zero".into()).await.unwrap().is_yes());
        fs.set(&[("rename_new", Fault::Fails(EINVAL)), ("link", Fault::WorksAndFails(code))]);
        assert!(store.create(&path("v1"), "one".into()).await.unwrap().is_yes());
        assert!(matches!(store.create(&path("v0"), "one".into()).await.unwrap(), Created::No));
        assert_eq!(tree(dir.path()), ["v0", "v1"]);
    }
}

#[tokio::test]
async fn g05_rename_that_may_have_happened_is_unclear() {
    let (created, left) = create_with("rename_new", Fault::Fails(EIO)).await;
    assert!(matches!(created.unwrap(), Created::Unclear(_)));
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn g02_read_only_folder_is_read_without_a_single_write() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("metadata")).unwrap();
    std::fs::write(dir.path().join("metadata/v1"), "one").unwrap();
    let writes =
        ["create_file", "create_folder", "rename_new", "rename_over", "link", "remove_file", "try_lock"];
    for code in [EROFS, EACCES] {
        let faults: Vec<_> = writes.iter().map(|call| (*call, Fault::Fails(code))).collect();
        let fs = Faulty::new(dir.path(), &faults);
        let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
        assert_eq!(read(&store, "metadata/v1").await, "one");
        assert_eq!(store.info(&path("metadata/v1")).await.unwrap().size_bytes, 3);
        let log = fs.take_log();
        assert!(
            !log.is_empty() && log.iter().all(|call| !writes.iter().any(|w| call.starts_with(w))),
            "{log:?}"
        );
        let error = store.create(&path("metadata/v2"), "two".into()).await.unwrap_err();
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn g06_too_many_open_files_is_a_definite_error_worth_a_retry() {
    let (created, left) = create_with("create_file", Fault::Fails(EMFILE)).await;
    let error = created.unwrap_err();
    assert!(error.is_retryable() && error.definitely_not_done(), "{error:?}");
    assert_eq!(left, [""; 0]);
    let (created, _) = create_with("rename_new", Fault::Fails(EMFILE)).await;
    assert!(created.unwrap_err().definitely_not_done());
}

#[tokio::test]
async fn g06_short_and_interrupted_writes_make_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = on(Faulty::new(dir.path(), &[("write", Fault::Short)]), dir.path(), Durability::None);
    assert!(store.create(&path("v1"), "a longer text".into()).await.unwrap().is_yes());
    assert_eq!(read(&store, "v1").await, "a longer text");
}

#[tokio::test]
async fn full_durability_flushes_content_folder_name_in_this_order() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
    assert!(store.create(&path("metadata/v1"), "one".into()).await.unwrap().is_yes());
    let flushes = |log: Vec<String>| -> Vec<String> {
        log.into_iter()
            .filter(|c| c.starts_with("sync") || c.ends_with("metadata/v1") || c.ends_with("/v2"))
            .collect()
    };
    let log = flushes(fs.take_log());
    assert_eq!(
        log,
        [
            "sync ",
            "sync_above ",
            "sync_folder ",
            "sync_folder metadata",
            "rename_new metadata/v1",
            "sync_folder metadata"
        ]
    );
    assert!(store.create(&path("metadata/v2"), "two".into()).await.unwrap().is_yes());
    let log = flushes(fs.take_log());
    assert_eq!(log, ["sync ", "sync_folder metadata", "rename_new metadata/v2", "sync_folder metadata"]);
}

#[tokio::test]
async fn group_flush_comes_later_contents_first_and_a_failed_one_ends_writing() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let hour = Durability::group_within(std::time::Duration::from_secs(3_600));
    let store = on(Arc::clone(&fs), dir.path(), hour);
    assert!(store.create(&path("metadata/v1"), "one".into()).await.unwrap().is_yes());
    store.put(&path("data/x"), "x".into()).await.unwrap();
    let log = fs.take_log();
    assert!(log.iter().all(|call| !call.starts_with("sync")), "{log:?}");
    store.flush().await.unwrap();
    let log = fs.take_log();
    let expected = [
        "sync ",
        "sync ",
        "sync_above ",
        "sync_folder ",
        "sync_folder data",
        "sync_folder ",
        "sync_folder metadata",
    ];
    assert_eq!(log, expected);
    store.flush().await.unwrap();
    assert_eq!(fs.take_log(), [""; 0]);

    store.put(&path("data/y"), "y".into()).await.unwrap();
    fs.set(&[("sync", Fault::Fails(EIO))]);
    let error = store.flush().await.unwrap_err();
    assert!(matches!(error, StoreError::FlushFailed { .. }), "{error:?}");
    fs.set(&[]);
    assert!(store.flush().await.is_err(), "a second flush proves nothing");
    let error = store.create(&path("metadata/v2"), "two".into()).await.unwrap_err();
    assert!(error.definitely_not_done() && !error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn put_all_flushes_each_folder_once() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let store = on(Arc::clone(&fs), dir.path(), Durability::Full);
    let names: Vec<String> = (0..100).map(|n| format!("data/{n}")).collect();
    let files = names.iter().map(|name| (path(name), Bytes::from(name.clone()))).collect();
    let before = store.counts();
    store.put_all(files).await.unwrap();
    assert_eq!(store.counts().since(&before).put, 100);
    let log = fs.take_log();
    assert_eq!(log.iter().filter(|call| *call == "sync_folder data").count(), 1);
    assert_eq!(log.iter().filter(|call| *call == "sync ").count(), 100);
    assert_eq!(tree(dir.path()).len(), 100);
    assert_eq!(read(&store, "data/77").await, "data/77");
}
