//! The same by handles: tables in a store in memory, where one handle still knows the version before the other's commit.

use datashard_io::head::METADATA_LIMIT_BYTES;
use datashard_io::{StoreOptions, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::manifest::ManifestEntry;
use datashard_spec::property::IsolationLevel;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::command::{Command, Verb};
use super::engine::Any;
use super::interleaved::FILES;
use super::rows::{self, Live, Row};
use super::stage::{Ended, Stage, create, first_files, plan};
use crate::base::Base;
use crate::error::CommitError;
use crate::handle::Committer;
use crate::options::CommitOptions;
use crate::rules::Rules;

async fn live(store: &TableStore, base: &Base) -> Vec<Live> {
    let location = store.location();
    let Some(list) = base.manifest_list(MAIN_BRANCH, location).unwrap() else { return Vec::new() };
    let bytes = store.read(&list, METADATA_LIMIT_BYTES).await.unwrap();
    let mut entries: Vec<ManifestEntry> = Vec::new();
    for row in ManifestListReader::new(&bytes).unwrap() {
        let row = row.unwrap();
        let path = location.relative(&row.manifest_path).unwrap();
        let bytes = store.read(&path, METADATA_LIMIT_BYTES).await.unwrap();
        let mut inheritance = row.inherit();
        for entry in ManifestReader::new(&bytes).unwrap() {
            let mut entry = entry.unwrap();
            inheritance.apply(&mut entry).unwrap();
            entries.extend(entry.status.is_live().then_some(entry));
        }
    }
    rows::read(&entries)
}

/// Plans a command by a handle of its own.
async fn prepare(store: &TableStore, command: &Command) -> (Committer, Option<Any>) {
    let handle = Committer::open(store.clone(), CommitOptions::default()).await.unwrap();
    let base = handle.base().unwrap();
    let live = live(store, &base).await;
    let planned = plan(command, &store.location().to_string(), &base, &live);
    (handle, planned)
}

async fn commit((handle, planned): (Committer, Option<Any>)) -> Ended {
    let Some(planned) = planned else { return Ended::Idle };
    match handle.commit(planned, None).await {
        Ok(_) => Ended::Committed,
        Err(CommitError::Conflict(conflict)) => Ended::Conflict(conflict.kind, None),
        Err(other) => panic!("{other}"),
    }
}

/// How the second of two commands ends that were planned on the same version, and the rows afterwards.
async fn run(name: &str, files: &[&[Row]], [first, second]: [Command; 2]) -> (Ended, Vec<Row>) {
    let store = TableStore::open(&format!("memory://conflicts/{name}"), StoreOptions::new()).await.unwrap();
    let (reader, _) = Committer::create(store.clone(), create(), CommitOptions::default()).await.unwrap();
    reader.commit(first_files(&store.location().to_string(), "base", files), None).await.unwrap();
    let ours = prepare(&store, &second).await;
    let theirs = prepare(&store, &first).await;
    assert_eq!(commit(theirs).await, Ended::Committed);
    let ended = commit(ours).await;
    (ended, rows::all(&live(&store, &reader.refresh().await.unwrap()).await))
}

#[test]
fn handles_that_lost_a_slot_end_as_the_decision_function_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let at = |verb, key, tag| Command { verb, key, level: IsolationLevel::Serializable, tag };
    for (number, second) in Verb::ALL.into_iter().enumerate() {
        for (first, key) in [(Verb::Append, 4), (Verb::DeleteRows, 1), (Verb::RewriteOld, 0)] {
            let pair = [at(first, key, 1), at(second, 0, 2)];
            let name = format!("{number}-{first:?}");
            let by_handles = runtime.block_on(run(&name, &FILES, pair));
            let mut stage = Stage::new(&FILES, Rules::all());
            let [theirs, ours] = [stage.prepare(pair[0]), stage.prepare(pair[1])];
            assert_eq!(stage.commit(theirs), Ended::Committed);
            let ended = match stage.commit(ours) {
                // Handles draw ids of their own.
                Ended::Conflict(kind, _) => Ended::Conflict(kind, None),
                ended => ended,
            };
            assert_eq!(by_handles, (ended, stage.rows()), "{pair:?}");
        }
    }
}
