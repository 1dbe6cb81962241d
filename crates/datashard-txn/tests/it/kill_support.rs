//! Children that commit to a folder and kill themselves at a crash point, and what their parent finds.

use std::path::Path;
use std::sync::Arc;

use datashard_io::context::Context;
use datashard_io::local::SystemFolder;
use datashard_io::local::file_system::FileSystem;
use datashard_io::{Durability, Location, TableStore};
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitError, CommitOptions, Committer};

use crate::disk_child::{child, job, lines, say};
use crate::disk_watched::Watched;
use crate::kill_points::Point;
use crate::support::audit::{Audited, audit};
use crate::support::costs;
use crate::support::rows::{row, rows, table};

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Ends this process as a crash does.
fn die() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

pub(crate) fn store(folder: &Path, point: Option<Point>) -> TableStore {
    let below: Arc<dyn FileSystem> = Arc::new(SystemFolder::open(folder).unwrap());
    let fs = match point {
        Some(point) => Arc::new(Watched::new(below, point.watcher(die))),
        None => below,
    };
    let location = Location::parse(folder.to_str().unwrap()).unwrap();
    TableStore::on_file_system(fs, location, Durability::Full, Context::system()).unwrap()
}

/// The key under which the row of a child is sent.
fn key() -> Option<AppKey> {
    Some(AppKey::new("child", 1))
}

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Create,
    /// Two files at once, so that there is a time when only one of them is there.
    Append,
    /// Reads the retire boundary after its commit.
    StrictAppend,
}

/// The rows that a child appends.
pub(crate) const CHILDS: [&str; 2] = ["child-0", "child-1"];

/// A child's part of a test; `None` for the parent.
pub(crate) fn as_child(work: Work) -> Option<()> {
    let (point, folder) = job()?;
    let store = store(Path::new(&folder), Some(point.parse().unwrap()));
    block_on(async {
        let (options, kept) = costs::kept();
        let options = options.with_strict(work == Work::StrictAppend);
        if work == Work::Create {
            Committer::create(store, table(), options).await.unwrap();
        } else {
            let committer = Committer::open(store, options).await.unwrap();
            committer.commit(rows(&committer, &CHILDS, "killed"), key()).await.unwrap();
        }
        say("committed");
        kept.run().await;
    });
    say("finished");
    Some(())
}

/// What was found after a child was killed.
#[derive(Debug)]
pub(crate) struct Left {
    /// Whether it lived to tell that it had committed.
    pub(crate) told: bool,
    /// Whether the point was never reached.
    pub(crate) finished: bool,
    /// Whether what it did is part of the table.
    pub(crate) committed: bool,
    /// Files of the folder before anybody else came.
    pub(crate) files: Vec<String>,
    /// What the hint told.
    pub(crate) hint: Option<String>,
}

impl Left {
    pub(crate) fn has(&self, part: &str) -> bool {
        self.files.iter().any(|file| file.contains(part))
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort_unstable();
    files
}

pub(crate) fn kill(test: &str, point: &Point, folder: &Path) -> Left {
    let mut child = child(test, &point.to_string(), folder);
    let said: Vec<String> = lines(&mut child).collect();
    let status = child.wait().unwrap();
    let finished = said.iter().any(|line| line == "finished");
    assert_eq!(status.success(), finished, "{point}: {status}");
    Left {
        told: said.iter().any(|line| line == "committed"),
        finished,
        committed: false,
        files: files_below(folder),
        hint: std::fs::read_to_string(folder.join("metadata/version-hint.text")).ok(),
    }
}

pub(crate) async fn audited(store: &TableStore, rows: &[&str], point: &Point) -> Audited {
    let audited = audit(store).await.unwrap_or_else(|damage| panic!("{point}: {damage}"));
    let mut expected = rows.to_vec();
    expected.sort_unstable();
    assert_eq!(audited.each_once().into_iter().collect::<Vec<_>>(), expected, "{point}");
    audited
}

/// Kills a child that appends to a table with one row, at this point. The table is then sound, others go on at once, and the same key sent
/// again is applied once in all.
pub(crate) fn killed_append(test: &str, point: &Point) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), None);
    block_on(async {
        let (options, kept) = costs::kept();
        let (committer, _) = Committer::create(store.clone(), table(), options).await.unwrap();
        committer.append(row(&committer, "before", "0")).await.unwrap();
        kept.run().await;
    });
    let mut left = kill(test, point, folder.path());
    block_on(async {
        left.committed =
            audit(&store).await.unwrap_or_else(|damage| panic!("{point}: {damage}")).version == 3;
        assert!(left.committed || !left.told, "{point}: it was acknowledged");
        let mut expected = vec!["before"];
        if left.committed {
            expected.extend(CHILDS);
        }
        audited(&store, &expected, point).await;

        let committer = Committer::open(store.clone(), CommitOptions::default()).await.unwrap();
        let next = committer.append(row(&committer, "after", "0")).await.unwrap();
        assert_eq!(next.attempts, 1, "{point}: nothing is in the way");
        expected.push("after");
        audited(&store, &expected, point).await;

        let again = committer.commit(rows(&committer, &CHILDS, "again"), key()).await.unwrap();
        assert_eq!(again.duplicate, left.committed, "{point}");
        if !left.committed {
            expected.extend(CHILDS);
        }
        let version = audited(&store, &expected, point).await.version;
        committer.flush().await;
        let hint = committer.store().advance_hint(datashard_spec::id::MetadataVersion(version)).await;
        drop(hint);
        let told = std::fs::read_to_string(folder.path().join("metadata/version-hint.text")).unwrap();
        assert_eq!(told, version.to_string(), "{point}: the next commit moves the hint");
    });
    left
}

/// Kills a child that creates a table, at this point. The table is then there, whole, or not at all, and whoever creates it next succeeds or
/// is told that it exists.
pub(crate) fn killed_create(test: &str, point: &Point) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let mut left = kill(test, point, folder.path());
    let store = store(folder.path(), None);
    block_on(async {
        left.committed = store.find_head().await.unwrap().is_some();
        assert!(left.committed || !left.told, "{point}: it was acknowledged");
        let again = Committer::create(store.clone(), table(), CommitOptions::default()).await;
        let committer = match again {
            Ok((committer, _)) => {
                assert!(!left.committed, "{point}: there are two tables");
                committer
            }
            Err(CommitError::TableExists { .. }) => {
                assert!(left.committed, "{point}: there was no table");
                Committer::open(store.clone(), CommitOptions::default()).await.unwrap()
            }
            Err(other) => panic!("{point}: {other}"),
        };
        committer.append(row(&committer, "after", "0")).await.unwrap();
        assert_eq!(audited(&store, &["after"], point).await.version, 2, "{point}");
    });
    left
}
