//! Head, hint and boundary in a real folder.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::head::{HeadAfter, HintAdvance, HintState, metadata_path};
use datashard_io::store::StoreOptions;
use datashard_io::{Durability, Head, TableStore};
use datashard_spec::error::ErrorKind;
use datashard_spec::id::MetadataVersion;

/// A table in a folder of its own, with versions 1 to `newest`.
struct Folder {
    folder: tempfile::TempDir,
    store: TableStore,
}

async fn open(folder: &tempfile::TempDir) -> TableStore {
    let options = StoreOptions::new().with_durability(Durability::None);
    TableStore::open(folder.path().to_str().unwrap(), options).await.unwrap()
}

impl Folder {
    async fn with_versions(newest: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        std::fs::create_dir_all(folder.path().join("metadata")).unwrap();
        for version in 1..=newest {
            let path = metadata_path(MetadataVersion(version)).unwrap();
            assert!(store.create(&path, Bytes::from(version.to_string())).await.unwrap().is_yes());
        }
        Self { folder, store }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("metadata").join(name)
    }

    fn hint(&self) -> PathBuf {
        self.file("version-hint.text")
    }

    async fn find(&self) -> Head {
        self.store.find_head().await.unwrap().expect("a table")
    }
}

#[tokio::test]
async fn c01_hints_that_are_no_version_are_ignored() {
    let table = Folder::with_versions(12).await;
    for content in ["", "garbage", "v7", "-7", "1000000000000000000000000000000"] {
        std::fs::write(table.hint(), content).unwrap();
        let head = table.find().await;
        assert_eq!(head.version, MetadataVersion(12));
        assert!(matches!(head.hint, HintState::Malformed { .. }), "{content:?}: {:?}", head.hint);
    }
}

#[tokio::test]
async fn c01_a_hint_that_is_a_folder_is_ignored_at_once() {
    let table = Folder::with_versions(12).await;
    std::fs::create_dir(table.hint()).unwrap();
    std::fs::write(table.hint().join("x"), "7").unwrap();
    let start = table.store.context().clock.elapsed();
    let head = table.find().await;
    assert_eq!(head.version, MetadataVersion(12));
    assert!(matches!(head.hint, HintState::Unreadable { .. } | HintState::Missing), "{:?}", head.hint);
    let moved = table.store.advance_hint(MetadataVersion(12)).await;
    assert!(matches!(moved, HintAdvance::Failed(_) | HintAdvance::Overtaken), "{moved:?}");
    assert!(table.store.context().clock.elapsed() - start < Duration::from_secs(5));
}

#[cfg(unix)]
#[tokio::test]
async fn c01_a_hint_that_is_a_link_is_not_followed() {
    let table = Folder::with_versions(3).await;
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "2").unwrap();
    std::os::unix::fs::symlink(outside.path(), table.hint()).unwrap();
    let head = table.find().await;
    assert_eq!(head.version, MetadataVersion(3));
    assert!(matches!(head.hint, HintState::Unreadable { .. }), "{:?}", head.hint);
}

#[tokio::test]
async fn c02_and_c08_the_hint_follows_and_holds_digits() {
    let table = Folder::with_versions(12).await;
    for version in [1, 2, 12] {
        let moved = table.store.advance_hint(MetadataVersion(version)).await;
        assert!(matches!(moved, HintAdvance::Written(told) if told.0 == version), "{moved:?}");
        assert_eq!(std::fs::read_to_string(table.hint()).unwrap(), version.to_string());
    }
    let before = table.store.counts();
    let head = table.find().await;
    let cost = table.store.counts().since(&before);
    assert_eq!((head.version, head.hint), (MetadataVersion(12), HintState::Version(MetadataVersion(12))));
    assert_eq!((cost.get, cost.head, cost.list, cost.put), (2, 1, 2, 0));
}

#[tokio::test]
async fn c06_writers_at_the_same_time_never_move_the_hint_back() {
    let table = Folder::with_versions(1).await;
    let writers = (0..6_u64).map(|writer| {
        let folder = &table.folder;
        async move {
            let store = open(folder).await;
            let mut written = 0;
            for step in 1..=20 {
                let version = MetadataVersion(step * 10 + writer);
                match store.advance_hint(version).await {
                    HintAdvance::Written(_) => written += 1,
                    HintAdvance::Already(told) => assert!(told >= version),
                    HintAdvance::Overtaken => {}
                    other => panic!("{other:?}"),
                }
            }
            written
        }
    });
    let watcher = async {
        let mut last = 0;
        for _ in 0..2_000 {
            if let Ok(content) = std::fs::read_to_string(table.hint()) {
                let now: u64 = content.parse().unwrap();
                assert!(last <= now, "{last} to {now}");
                last = now;
            }
            tokio::task::yield_now().await;
        }
    };
    let (written, ()) = futures_util::join!(futures_util::future::join_all(writers), watcher);
    assert!(written.iter().sum::<i32>() > 6, "{written:?}");
}

#[tokio::test]
async fn the_boundary_in_a_folder_is_the_largest_name() {
    let table = Folder::with_versions(40).await;
    assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(0));
    for (to, expect) in [(5, 5), (3, 5), (30, 30)] {
        let raised = table.store.raise_retired(MetadataVersion(to)).await.unwrap();
        assert_eq!(raised, MetadataVersion(expect));
    }
    let names = || -> BTreeSet<String> {
        std::fs::read_dir(table.file("_datashard/retired.d"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    // A reader that began before the last raise may miss the new name, and needs the old one.
    assert!(names().iter().eq(["30", "5"]), "{:?}", names());
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    for name in names() {
        let file =
            std::fs::File::options().write(true).open(table.file(&format!("_datashard/retired.d/{name}")));
        file.unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(table.store.raise_retired(MetadataVersion(31)).await.unwrap(), MetadataVersion(31));
    assert!(names().iter().eq(["30", "31"]), "{:?}", names());
    // What lies below the boundary is not returned, whatever the hint says.
    for version in 8..30 {
        std::fs::remove_file(table.file(&format!("v{version}.metadata.json"))).unwrap();
    }
    std::fs::write(table.hint(), "7").unwrap();
    let head = table.find().await;
    assert_eq!((head.version, head.retired), (MetadataVersion(40), Some(MetadataVersion(31))));
}

#[tokio::test]
async fn raises_at_the_same_time_end_at_the_highest() {
    let table = Folder::with_versions(1).await;
    let raises =
        (1..=8_u64).map(|n| {
            let folder = &table.folder;
            async move {
                open(folder).await.raise_retired(MetadataVersion(n)).await.unwrap() >= MetadataVersion(n)
            }
        });
    assert_eq!(futures_util::future::join_all(raises).await, [true; 8]);
    assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(8));
}

#[tokio::test]
async fn c10_names_of_others_in_the_folder_are_no_versions() {
    let table = Folder::with_versions(7).await;
    for name in ["v008.metadata.json", "v8.metadata.json.tmp", "V9.metadata.json", ".v8.metadata.json.crc"] {
        std::fs::write(table.file(name), "").unwrap();
    }
    let head = table.find().await;
    assert_eq!(head.version, MetadataVersion(7));
    table.store.check_layout(head.version).await.unwrap();
    let HeadAfter::Same(_) = table.store.find_head_after(head.known()).await.unwrap() else {
        panic!("there is none newer")
    };
    std::fs::write(table.file("00003-6a1f.metadata.json"), "").unwrap();
    let error = table.store.check_layout(head.version).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn a_folder_without_metadata_is_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    assert_eq!(store.find_head().await.unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "reading writes nothing");
}
