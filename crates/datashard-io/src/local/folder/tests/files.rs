//! Files of a folder in good weather, and in races.

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};

use super::*;
use crate::local::{LocalFolder, LocalOptions};
use crate::store::Created;

fn folder(root: &SystemPath) -> LocalFolder {
    let options = LocalOptions::default().with_durability(Durability::None);
    LocalFolder::open(root, options, Context::system()).unwrap()
}

async fn names(folder: &LocalFolder, prefix: Option<&str>, after: Option<&str>) -> Vec<String> {
    let prefix = prefix.map(Path::from);
    let listed = match after {
        Some(after) => folder.list_with_offset(prefix.as_ref(), &Path::from(after)),
        None => folder.list(prefix.as_ref()),
    };
    listed.map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
}

#[tokio::test]
async fn files_are_created_once_read_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("t");
    let store = open(&root).await;
    assert!(!root.exists(), "opening writes nothing");
    let v1 = path("metadata/v1.metadata.json");
    assert!(store.create(&v1, "one".into()).await.unwrap().is_yes());
    assert!(matches!(store.create(&v1, "two".into()).await.unwrap(), Created::No));
    assert_eq!(read(&store, "metadata/v1.metadata.json").await, "one");
    store.delete(&v1).await.unwrap();
    assert!(matches!(store.info(&v1).await, Err(crate::StoreError::NotFound { .. })));
}

#[tokio::test]
async fn listings_are_sorted_by_path_begin_after_a_name_and_keep_to_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let all = ["d", "d-e/x", "data/a-b", "data/a.b", "data/a/x", "data/a/y/z", "data/a0", "data2/x", "z"];
    for name in all {
        folder.put(&Path::from(name), name.into()).await.unwrap();
    }
    assert_eq!(names(&folder, None, None).await, all);
    assert_eq!(names(&folder, Some("data"), None).await, all[2..7]);
    assert_eq!(names(&folder, Some("d"), None).await, [""; 0]);
    assert_eq!(names(&folder, Some("missing"), None).await, [""; 0]);
    for (at, after) in all.iter().enumerate() {
        assert_eq!(names(&folder, None, Some(after)).await, all[at + 1..], "after {after}");
    }
    assert_eq!(names(&folder, None, Some("data/a/y")).await, all[5..]);
    let one = folder.list_with_delimiter(Some(&Path::from("data"))).await.unwrap();
    assert_eq!((one.common_prefixes.len(), one.objects.len()), (1, 3));
}

#[tokio::test]
async fn large_folders_are_listed_in_portions() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    for n in 0..1_000 {
        std::fs::write(dir.path().join(format!("data/{n:04}")), "").unwrap();
    }
    let listed = names(&folder(dir.path()), Some("data"), None).await;
    assert_eq!(listed.len(), 1_000);
    assert!(listed.is_sorted());
}

#[tokio::test]
async fn ranges_are_read_to_the_byte_also_of_large_files() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let name = Path::from("data/large");
    folder.put(&name, bytes.clone().into()).await.unwrap();
    assert_eq!(folder.get(&name).await.unwrap().bytes().await.unwrap(), bytes);
    let get = |range: GetRange| {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let (folder, name) = (&folder, &name);
        async move { folder.get_opts(name, options).await.unwrap().bytes().await.unwrap() }
    };
    assert_eq!(get(GetRange::Bounded(10..2_000_000)).await, bytes[10..2_000_000]);
    assert_eq!(get(GetRange::Offset(3_000_000)).await, bytes[3_000_000..]);
    assert_eq!(get(GetRange::Suffix(7)).await, bytes[2_999_994..]);
    assert_eq!(get(GetRange::Suffix(9_000_000)).await, bytes);
    let beyond = GetOptions { range: Some(GetRange::Offset(3_000_001)), ..GetOptions::default() };
    assert!(folder.get_opts(&name, beyond).await.is_err());
}

#[tokio::test]
async fn replacement_happens_only_over_what_was_read_and_not_under_a_foreign_lock() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let name = Path::from("metadata/version-hint.text");
    let update = |tag: &Option<String>, text: &'static str| {
        let mode = PutMode::Update(UpdateVersion { e_tag: tag.clone(), version: None });
        let (folder, name) = (&folder, &name);
        async move { folder.put_opts(name, text.into(), mode.into()).await }
    };
    assert!(matches!(update(&None, "1").await, Err(object_store::Error::Precondition { .. })), "missing");
    folder.put(&name, "1".into()).await.unwrap();
    let first = folder.get(&name).await.unwrap().meta.e_tag;
    let second = update(&first, "2").await.unwrap().e_tag;
    assert!(matches!(update(&first, "3").await, Err(object_store::Error::Precondition { .. })), "stale");
    let lock = std::fs::File::open(dir.path().join("metadata/_datashard/lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(update(&second, "3").await, Err(object_store::Error::Precondition { .. })), "locked");
    lock.unlock().unwrap();
    update(&second, "3").await.unwrap();
    assert_eq!(folder.get(&name).await.unwrap().bytes().await.unwrap(), "3");
    let unchanged = folder.get(&name).await.unwrap().meta.e_tag;
    let options = GetOptions { if_none_match: unchanged, ..GetOptions::default() };
    assert!(matches!(folder.get_opts(&name, options).await, Err(object_store::Error::NotModified { .. })));
}

#[tokio::test]
async fn uploads_in_parts_appear_whole_at_the_end_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let name = Path::from("data/large");
    let mut upload = folder.put_multipart(&name).await.unwrap();
    let (first, second) = (upload.put_part("one".into()), upload.put_part("two".into()));
    second.await.unwrap();
    assert!(!dir.path().join("data/large").exists());
    first.await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(folder.get(&name).await.unwrap().bytes().await.unwrap(), "onetwo");

    let mut aborted = folder.put_multipart(&Path::from("data/aborted")).await.unwrap();
    aborted.put_part("x".into()).await.unwrap();
    aborted.abort().await.unwrap();
    let mut dropped = folder.put_multipart(&Path::from("data/dropped")).await.unwrap();
    dropped.put_part("x".into()).await.unwrap();
    drop(dropped);
    let mut short = folder.put_multipart(&Path::from("data/short")).await.unwrap();
    let never_sent = short.put_part("x".into());
    assert!(short.complete().await.is_err());
    drop((never_sent, short));
    assert_eq!(tree(dir.path()), ["data/large"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_threads_that_create_one_name_exactly_one_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let name = format!("metadata/v{round}");
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let (root, name) = (dir.path().to_owned(), name.clone());
                // Each with a handle of its own, as processes have.
                tokio::spawn(async move {
                    let options = StoreOptions::new().with_durability(Durability::None);
                    let store = TableStore::open(root.to_str().unwrap(), options).await.unwrap();
                    let text = format!("writer {n}");
                    store.create(&path(&name), text.clone().into()).await.unwrap().is_yes().then_some(text)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for thread in threads {
            winners.extend(thread.await.unwrap());
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(std::fs::read_to_string(dir.path().join(&name)).unwrap(), winners[0]);
    }
    assert_eq!(tree(dir.path()).len(), 20, "no temporary file stays");
}

#[tokio::test]
async fn staged_file_appears_at_create_and_leaves_nothing_when_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let (v1, before) = (path("metadata/v1"), store.counts());
    let staged = store.stage(&v1, "one".into()).await.unwrap();
    assert_eq!(store.counts().since(&before).total(), 0);
    assert!(matches!(store.info(&v1).await, Err(crate::StoreError::NotFound { .. })));
    let other = store.stage(&v1, "two".into()).await.unwrap();
    let before = store.counts();
    assert!(staged.create().await.unwrap().is_yes());
    assert_eq!(store.counts().since(&before).put, 1);
    assert!(matches!(other.create().await.unwrap(), Created::No));
    drop(store.stage(&path("metadata/v2"), "x".into()).await.unwrap());
    assert_eq!(tree(dir.path()), ["metadata/v1"]);

    let swept = store.stage(&path("metadata/v3"), "three".into()).await.unwrap();
    let temporary = tree(dir.path()).remove(0);
    std::fs::remove_file(dir.path().join(temporary)).unwrap();
    assert!(swept.create().await.unwrap().is_yes());
    assert_eq!(read(&store, "metadata/v3").await, "three");
}

#[tokio::test]
async fn a05_old_temporary_files_are_swept_at_the_first_write_young_and_foreign_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("metadata")).unwrap();
    let ours = |n: u32| format!("metadata/.datashard-{n:032x}.tmp");
    let foreign = "metadata/.datashard-notes.tmp";
    for (name, age_s) in [(ours(1), 7_200), (ours(2), 60), (foreign.to_owned(), 7_200)] {
        let file = std::fs::File::create(dir.path().join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - std::time::Duration::from_secs(age_s)).unwrap();
    }
    let store = on(Faulty::new(dir.path(), &[]), dir.path(), Durability::None);
    let folder = folder(dir.path());
    assert_eq!(names(&folder, None, None).await, [foreign], "temporaries are not listed");
    assert!(store.create(&path("metadata/v1"), "one".into()).await.unwrap().is_yes());
    assert_eq!(tree(dir.path()), [ours(2).as_str(), foreign, "metadata/v1"]);
    assert!(store.put(&path(&ours(2)), "x".into()).await.is_err(), "such names are ours");
}

#[tokio::test]
async fn group_is_flushed_by_a_thread_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Faulty::new(dir.path(), &[]);
    let interval = std::time::Duration::from_millis(1);
    let options = LocalOptions::default().with_durability(Durability::group_within(interval));
    let folder = LocalFolder::on(fs.clone(), options, Context::system());
    folder.put(&Path::from("data/x"), "x".into()).await.unwrap();
    drop(folder);
    // However slow the machine is: it comes, and nobody asked for it.
    while !fs.take_log().iter().any(|call| call == "sync_folder data") {
        std::thread::sleep(interval);
    }
}
