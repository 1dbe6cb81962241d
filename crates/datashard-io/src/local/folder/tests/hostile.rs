//! Links, pipes, odd names, and roots that go away.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::*;
use crate::StoreError;
use crate::local::SystemFolder;
use crate::local::file_system::FileSystem;
use crate::store::Created;

fn is_link_refusal<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::SymbolicLink { .. }))
}

#[tokio::test]
async fn e07_root_that_is_a_link_is_refused_with_the_real_path_and_links_above_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    std::fs::create_dir_all(real.join("t")).unwrap();
    symlink(real.join("t"), dir.path().join("link")).unwrap();
    for ending in ["", "/", "//", "/."] {
        let name = format!("{}/link{ending}", dir.path().display());
        let error = TableStore::open(&name, StoreOptions::new()).await.unwrap_err();
        assert!(matches!(error, StoreError::SymbolicLink { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("real/t"), "{error}");
    }
    symlink(&real, dir.path().join("above")).unwrap();
    let store = open(&dir.path().join("above/t")).await;
    store.put(&path("x"), "x".into()).await.unwrap();
    assert_eq!(tree(&real), ["t/x"]);
}

#[tokio::test]
async fn e07_spellings_of_the_root_are_one_table_and_siblings_are_others() {
    let dir = tempfile::tempdir().unwrap();
    for root in ["tbl", "tbl2", "d"] {
        let store = open(&dir.path().join(root)).await;
        store.put(&path("d/x"), root.to_owned().into()).await.unwrap();
    }
    let at = dir.path().display();
    for name in
        [format!("{at}/tbl/"), format!("{at}//tbl"), format!("{at}/./tbl/."), format!("{at}/d/../tbl")]
    {
        let store = TableStore::open(&name, StoreOptions::new()).await.unwrap();
        assert_eq!(read(&store, "d/x").await, "tbl", "{name}");
    }
    assert_eq!(tree(dir.path()), ["d/d/x", "tbl/d/x", "tbl2/d/x"]);
}

#[tokio::test]
async fn f07_links_in_the_table_are_refused_and_nothing_outside_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("t"), dir.path().join("outside"));
    std::fs::create_dir_all(root.join("data")).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    symlink(&outside, root.join("linked")).unwrap();
    symlink(outside.join("secret"), root.join("data/file")).unwrap();
    let store = open(&root).await;
    for name in ["linked/secret", "data/file"] {
        assert!(is_link_refusal(store.read(&path(name), 100).await), "{name}");
        assert!(is_link_refusal(store.info(&path(name)).await), "{name}");
        assert!(is_link_refusal(store.put(&path(name), "x".into()).await), "{name}");
        assert!(is_link_refusal(store.create(&path(name), "x".into()).await), "{name}");
        assert!(is_link_refusal(store.delete(&path(name)).await), "{name}");
    }
    assert!(is_link_refusal(store.create(&path("linked/new/x"), "x".into()).await));
    assert_eq!(tree(&outside), ["secret"]);
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert_eq!(tree(&root), ["data/file", "linked"]);
}

#[test]
fn f07_both_ways_to_resolve_a_path_refuse_links_and_agree() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    std::fs::write(dir.path().join("a/b/file"), "text").unwrap();
    symlink("b", dir.path().join("a/link")).unwrap();
    symlink("file", dir.path().join("a/b/link")).unwrap();
    for fs in [SystemFolder::open(dir.path()).unwrap(), SystemFolder::walking(dir.path()).unwrap()] {
        let mut buffer = [0; 10];
        assert_eq!(fs.open_file("a/b/file").unwrap().read_at(0, &mut buffer).unwrap(), 4);
        let is_loop = |error: std::io::Error| error.raw_os_error() == Some(40);
        assert!(is_loop(fs.open_file("a/link/file").unwrap_err()));
        assert!(is_loop(fs.open_file("a/b/link").unwrap_err()));
        assert!(is_loop(fs.create_file("a/link/new").unwrap_err()));
        assert!(is_loop(fs.read_folder("a/link").unwrap_err()));
        assert!(is_loop(fs.rename_over("a/b/file", "a/link/x").unwrap_err()));
        assert!(is_loop(fs.sync_folder("a/link").unwrap_err()));
        for out in ["../x", "a/../../x", "/etc/passwd"] {
            assert!(fs.open_file(out).is_err(), "{out}");
            assert!(fs.create_file(out).is_err(), "{out}");
        }
        let missing = fs.open_file("a/none/file").unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
        let through_file = fs.open_file("a/b/file/x").unwrap_err();
        assert_eq!(through_file.kind(), std::io::ErrorKind::NotADirectory);
    }
    assert_eq!(tree(dir.path()), ["a/b/file", "a/b/link", "a/link"]);
}

#[tokio::test]
async fn f07_folder_swapped_for_a_link_all_the_time_never_leads_out() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("t"), dir.path().join("outside"));
    std::fs::create_dir_all(root.join("data")).unwrap();
    std::fs::create_dir(&outside).unwrap();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let swapper = {
        let (root, outside, done) = (root.clone(), outside.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::rename(root.join("data"), root.join("aside")).unwrap();
                symlink(&outside, root.join("data")).unwrap();
                std::fs::remove_file(root.join("data")).unwrap();
                std::fs::rename(root.join("aside"), root.join("data")).unwrap();
            }
        })
    };
    let options = StoreOptions::new().with_durability(Durability::None);
    let store = TableStore::open(root.to_str().unwrap(), options).await.unwrap();
    let store = store.with_retry(crate::store::RetryPolicy::none());
    let fs = SystemFolder::open(&root).unwrap();
    for n in 0..300 {
        let _ = fs.create_file(&format!("data/f{n}"));
        let _ = fs.rename_over(&format!("data/f{n}"), &format!("data/g{n}"));
        let _ = store.read(&path("data/g0"), 10).await;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    swapper.join().unwrap();
    assert_eq!(tree(&outside), [""; 0]);
}

#[tokio::test]
async fn pipes_and_folders_are_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let store = open(dir.path()).await;
    for name in ["pipe", "folder"] {
        for answer in [
            store.read(&path(name), 100).await.map(|_| ()),
            store.put(&path(name), "x".into()).await,
            store.delete(&path(name)).await,
        ] {
            assert!(matches!(answer, Err(StoreError::Refused { .. })), "{name}: {answer:?}");
        }
        assert!(matches!(store.create(&path(name), "x".into()).await.unwrap(), Created::No), "{name}");
    }
}

#[tokio::test]
async fn g06_names_of_255_bytes_work_and_names_that_are_not_text_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
    let store = open(dir.path()).await;
    let long = "n".repeat(255);
    assert!(store.create(&path(&long), "long".into()).await.unwrap().is_yes());
    use futures_util::TryStreamExt;
    let listed: Vec<_> = store.list(None, None).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].path.as_str(), long);
}

#[tokio::test]
async fn g09_removed_or_replaced_root_is_an_error_for_reads_and_writes() {
    for replaced in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("t");
        let store = open(&root).await;
        assert!(store.create(&path("metadata/v1"), "one".into()).await.unwrap().is_yes());
        let staged = store.stage(&path("metadata/v2"), "two".into()).await.unwrap();
        std::fs::rename(&root, dir.path().join("aside")).unwrap();
        if replaced {
            std::fs::create_dir(&root).unwrap();
        }
        let gone = |error: StoreError| matches!(error, StoreError::RootReplaced { .. });
        assert!(gone(store.create(&path("metadata/v2"), "two".into()).await.unwrap_err()));
        assert!(gone(store.put(&path("data/x"), "x".into()).await.unwrap_err()));
        assert!(gone(store.delete(&path("metadata/v1")).await.unwrap_err()));
        assert!(gone(store.read(&path("metadata/v2"), 10).await.unwrap_err()));
        assert!(gone(staged.create().await.unwrap_err()));
        assert_eq!(tree(&dir.path().join("aside")), ["metadata/v1"]);
    }
}

#[tokio::test]
async fn table_below_a_folder_that_does_not_exist_is_told_so_at_the_first_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("missing/t")).await;
    assert!(matches!(store.read(&path("x"), 10).await, Err(StoreError::NotFound { .. })));
    let error = store.create(&path("x"), "x".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::NoContainer { .. }), "{error:?}");
    std::fs::write(dir.path().join("file"), "").unwrap();
    let name = dir.path().join("file");
    assert!(TableStore::open(name.to_str().unwrap(), StoreOptions::new()).await.is_err());
}
