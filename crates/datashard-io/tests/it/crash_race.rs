//! Many processes that race for the same names in one real folder, some of them killed while they do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use bytes::Bytes;
use datashard_io::{Created, Durability, TableStore};

use crate::disk_child::{child, job, lines, say};
use crate::disk_support::{self as support, path, real_file_system, version_path};

const PROCESSES: usize = 8;
/// How often a process is killed, if it is one of those.
const LIVES: usize = 4;

/// What a process writes: nobody else writes the same, and a part of it is told from all of it.
fn body(token: &str) -> Bytes {
    let lines = 20 + token.bytes().map(usize::from).sum::<usize>() % 900;
    Bytes::from(format!("{token}\n").repeat(lines) + "end")
}

/// Creates the version after the newest there is, again and again until `until` exists.
async fn race(store: &TableStore, until: u64) {
    let mut newest = 0;
    let mut number = 0;
    loop {
        while support::try_read(store, &version_path(newest + 1)).await.is_some() {
            newest += 1;
        }
        if newest >= until {
            break;
        }
        let next = newest + 1;
        let token = format!("{}-{number}", std::process::id());
        number += 1;
        say(&format!("tries {next} {token}"));
        match store.create(&path(&version_path(next)), body(&token)).await.unwrap() {
            Created::Yes => say(&format!("won {next} {token}")),
            Created::No => say(&format!("lost {next} {token}")),
            Created::Unclear(error) => panic!("a folder on this machine answered {error}"),
        }
    }
}

fn race_of_processes(test: &str, durability: Durability, until: u64) {
    if let Some((job, folder)) = job() {
        let until = job.parse().unwrap();
        support::block_on_real(async {
            let store = support::real_store(real_file_system(Path::new(&folder)), durability);
            race(&store, until).await;
        });
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = Mutex::new(Vec::new());
    let killed = Mutex::new(0_usize);
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let (folder, said, killed) = (folder.path(), &said, &killed);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(u64::try_from(process).unwrap());
                // Half of the processes are killed and started again a few times before they may go on to the end.
                for life in 0.. {
                    let mortal = process % 2 == 0 && life < LIVES;
                    // Those that are to be killed go on until they are.
                    let goal = if mortal { u64::MAX } else { until };
                    let mut child = child(test, &goal.to_string(), folder);
                    let lines_to_live = if mortal { rng.usize(1..12) } else { usize::MAX };
                    for (number, line) in lines(&mut child).enumerate() {
                        said.lock().unwrap().push(line);
                        if number + 1 == lines_to_live {
                            child.kill().unwrap();
                        }
                    }
                    if child.wait().unwrap().success() {
                        break;
                    }
                    assert!(mortal, "a process failed that nobody killed");
                    *killed.lock().unwrap() += 1;
                }
            });
        }
    });
    let said = said.into_inner().unwrap();
    let killed = killed.into_inner().unwrap();
    assert_eq!(killed, PROCESSES / 2 * LIVES, "processes were killed");

    let mut found: BTreeMap<u64, Bytes> = BTreeMap::new();
    for (file, bytes) in support::files_below(folder.path()) {
        if let Some(version) = support::version_of(&file) {
            found.insert(version, bytes);
        }
    }
    let newest = u64::try_from(found.len()).unwrap();
    assert!(newest >= until && found.keys().copied().eq(1..=newest), "{:?}", found.keys());
    let mut winners: BTreeMap<u64, String> = BTreeMap::new();
    let mut tried: BTreeMap<String, u64> = BTreeMap::new();
    for line in &said {
        let [what, version, token] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let version = version.parse().unwrap();
        match what {
            "won" => assert_eq!(winners.insert(version, token.to_owned()), None, "two winners of {version}"),
            "tries" => assert_eq!(tried.insert(token.to_owned(), version), None),
            _ => assert_ne!(found[&version], body(token), "{token} was told that it lost {version}"),
        }
    }
    for (version, bytes) in &found {
        let token = String::from_utf8(bytes.to_vec()).unwrap();
        let token = token.lines().next().unwrap();
        assert_eq!(*bytes, body(token), "version {version} is not whole");
        if let Some(winner) = winners.get(version) {
            assert_eq!(winner, token, "version {version} is not its winner's");
        } else {
            assert_eq!(tried.get(token), Some(version), "{token} won {version} without trying");
        }
    }
}

#[test]
fn of_processes_that_race_and_are_killed_one_wins_each_version_when_all_is_flushed() {
    const TEST: &str =
        "crash_race::of_processes_that_race_and_are_killed_one_wins_each_version_when_all_is_flushed";
    race_of_processes(TEST, Durability::Full, 40);
}

#[test]
fn of_processes_that_race_and_are_killed_one_wins_each_version_when_nothing_is_flushed() {
    const TEST: &str =
        "crash_race::of_processes_that_race_and_are_killed_one_wins_each_version_when_nothing_is_flushed";
    race_of_processes(TEST, Durability::None, 300);
}
