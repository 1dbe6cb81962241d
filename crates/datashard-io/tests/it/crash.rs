//! Processes that are killed in the middle of their work on a real folder.
//!
//! A test starts itself again as a child (its own binary, its own name, a variable in the environment). The child kills itself with a
//! signal that cannot be caught, or is killed by its parent, and the parent looks at what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::{Durability, TableStore};

use crate::disk_child::{child, job, lines, say};
use crate::disk_support::{self as support, is_temporary, path, real_file_system, version_path};
use crate::disk_watched::{Moment, Seen, Watched};

/// Ends this process as a crash does.
fn die() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

fn work() -> Vec<(String, Bytes)> {
    let bytes = |n: u8, length: usize| Bytes::from(vec![n; length]);
    vec![
        ("data/day=1/a.parquet".to_owned(), bytes(1, 40_000)),
        ("metadata/m0.avro".to_owned(), bytes(2, 100)),
        (version_path(1), bytes(3, 20_000)),
        ("data/day=2/b.parquet".to_owned(), bytes(4, 10)),
        (version_path(2), bytes(5, 100)),
    ]
}

async fn do_work(store: &TableStore) {
    for (file, bytes) in work() {
        if file.contains(".metadata.json") {
            let created = store.create(&path(&file), bytes).await.unwrap();
            assert!(created.is_yes(), "{created:?}");
        } else {
            store.put(&path(&file), bytes).await.unwrap();
        }
        say(&file);
    }
    say("finished");
}

/// Rows A5 and A6 for each call that a commit makes of the file system, before it and after it.
#[test]
fn a05_a06_a_process_killed_at_any_call_leaves_whole_files_all_that_was_acknowledged_and_one_temporary_at_most()
 {
    const TEST: &str = "crash::a05_a06_a_process_killed_at_any_call_leaves_whole_files_all_that_was_acknowledged_and_one_temporary_at_most";
    if let Some((job, folder)) = job() {
        let (last, made) = job.split_once(' ').unwrap();
        let last: u64 = last.parse().unwrap();
        let moment = if made == "made" { Moment::After } else { Moment::Before };
        let watcher = move |now, seen: &Seen<'_>| {
            if (now, seen.number) == (moment, last) {
                die();
            }
        };
        let fs = Watched::new(real_file_system(Path::new(&folder)), Arc::new(watcher));
        support::block_on_real(do_work(&support::real_store(Arc::new(fs), Durability::Full)));
        return;
    }
    let mut calls = 0;
    let mut temporaries = 0;
    loop {
        let mut finished = false;
        for made in ["not made", "made"] {
            let folder = tempfile::tempdir().unwrap();
            let mut child = child(TEST, &format!("{calls} {made}"), folder.path());
            let said: Vec<String> = lines(&mut child).collect();
            let status = child.wait().unwrap();
            finished = said.iter().any(|line| line == "finished");
            assert_eq!(status.success(), finished, "call {calls}, {made}: {status}");
            temporaries += check_after_kill(folder.path(), &said);
        }
        if finished {
            break;
        }
        calls += 1;
    }
    assert!(calls > 20, "{calls} calls are too few for this work");
    assert!(temporaries > 3, "{temporaries} of the kills left a temporary file");
}

/// Returns how many temporary files there were.
fn check_after_kill(folder: &Path, said: &[String]) -> usize {
    let intended: BTreeMap<String, Bytes> = work().into_iter().collect();
    let found = support::files_below(folder);
    let (temporary, found): (BTreeMap<_, _>, BTreeMap<_, _>) =
        found.into_iter().partition(|(file, _)| is_temporary(file));
    // The trial of what the file system can do takes two more, both empty.
    let (empty, written): (Vec<_>, Vec<_>) = temporary.values().partition(|bytes| bytes.is_empty());
    assert!(written.len() <= 1 && empty.len() <= 3, "{:?}", temporary.keys());
    for (file, bytes) in &found {
        assert_eq!(Some(bytes), intended.get(file), "{file} is torn or strange");
    }
    for file in said.iter().filter(|line| *line != "finished") {
        assert!(found.contains_key(file), "{file} was acknowledged");
    }
    assert!(!found.contains_key(&version_path(2)) || found.contains_key(&version_path(1)));

    support::block_on_real(async {
        let store = support::real_store(real_file_system(folder), Durability::Full);
        assert!(support::listed(&store).await.iter().eq(found.keys()));
        let next = (1..).find(|version| !found.contains_key(&version_path(*version))).unwrap();
        let created = store.create(&path(&version_path(next)), Bytes::from_static(b"next")).await.unwrap();
        assert!(created.is_yes(), "{created:?}");
        assert_eq!(support::read(&store, &version_path(next)).await, "next");
    });
    check_swept(folder, temporary.keys());
    temporary.len()
}

/// Once they are old, temporary files go when somebody writes to their folder.
fn check_swept<'a>(folder: &Path, temporaries: impl Iterator<Item = &'a String>) {
    let mut folders = BTreeSet::new();
    for temporary in temporaries {
        let file = std::fs::File::options().write(true).open(folder.join(temporary)).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - Duration::from_secs(7_200)).unwrap();
        folders.extend(temporary.rsplit_once('/').map(|(folder, _)| folder));
    }
    let store = support::real_store(real_file_system(folder), Durability::None);
    for name in folders {
        let other = path(&format!("{name}/other"));
        support::block_on_real(store.put(&other, Bytes::from_static(b"other"))).unwrap();
    }
    let left: Vec<String> =
        support::files_below(folder).into_keys().filter(|file| is_temporary(file)).collect();
    assert_eq!(left, [""; 0]);
}
