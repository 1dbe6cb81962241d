//! What is left of a handle when it is dropped: nothing, however its appends ended.

use std::sync::{Mutex, Weak};
use std::task::{Context as PollContext, Waker};

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_io::{StoreOptions, TableStore};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};

use super::*;
use crate::action::CreateTable;
use crate::background::Background;
use crate::handle::Committer;
use crate::options::CommitOptions;

/// Drops what it is to run.
#[derive(Debug)]
struct Refuses;

impl Background for Refuses {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(work);
    }
}

/// Keeps what it is to run.
#[derive(Default)]
struct Keeps(Mutex<Vec<BoxFuture<'static, ()>>>);

impl std::fmt::Debug for Keeps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeps").finish_non_exhaustive()
    }
}

impl Background for Keeps {
    fn run(&self, work: BoxFuture<'static, ()>) {
        self.0.lock().unwrap().push(work);
    }
}

fn append(committer: &Committer, name: &str) -> Append {
    let path = TablePath::parse(&format!("data/{name}.parquet")).unwrap();
    let file = DataFile::new(committer.store().location().file(&path), FileFormat::Parquet, 1, 1);
    Append::new(SchemaId(0)).with_unwritten_file(PartitionSpecId(0), file, path, vec![7].into())
}

async fn table(store: TableStore, background: Arc<dyn Background>) -> Committer {
    let schema = Schema::new(vec![NestedField::required(1, "row", PrimitiveType::String)]).unwrap();
    let options = CommitOptions::default().with_background(background);
    Committer::create(store, CreateTable::new(schema), options).await.unwrap().0
}

fn core(committer: &Committer) -> Weak<Core> {
    Arc::downgrade(committer.core())
}

/// A handle of a bucket that takes its time, with an append that was begun and given up.
fn with_cancelled_append(background: &Arc<dyn Background>) -> (Simulation, Committer) {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::s3());
    let made = table(store.table(simulation.context()), Arc::clone(background));
    let committer = simulation.run(made).unwrap();
    let (clone, name) = (committer.clone(), "cancelled");
    let begun = async move {
        let cancelled = append(&clone, name);
        let mut call = Box::pin(clone.append(cancelled));
        // The first poll lets others go first; the second one begins.
        for _ in 0..2 {
            assert!(call.as_mut().poll(&mut PollContext::from_waker(Waker::noop())).is_pending());
        }
        assert!(clone.desk().queue().round.is_some(), "it is under way");
    };
    simulation.run(begun).unwrap();
    (simulation, committer)
}

#[tokio::test]
async fn a_handle_goes_when_its_append_has_ended() {
    let store = TableStore::open("memory://group/ended", StoreOptions::new()).await.unwrap();
    let committer = table(store, Arc::new(Refuses)).await;
    let core = core(&committer);
    committer.append(append(&committer, "a")).await.unwrap();
    drop(committer);
    assert!(core.upgrade().is_none());
}

#[test]
fn a_handle_goes_when_nobody_finishes_its_cancelled_append() {
    let background: Arc<dyn Background> = Arc::new(Refuses);
    let (_simulation, committer) = with_cancelled_append(&background);
    let core = core(&committer);
    drop(committer);
    assert!(core.upgrade().is_none());
}

#[test]
fn a_cancelled_append_that_the_background_refuses_is_finished_by_the_next_caller() {
    let background: Arc<dyn Background> = Arc::new(Refuses);
    let (simulation, committer) = with_cancelled_append(&background);
    let core = core(&committer);
    let next = async {
        let next = committer.append(append(&committer, "next")).await.unwrap();
        assert_eq!(next.version.0, 3, "the cancelled one is version 2");
    };
    simulation.run(next).unwrap();
    drop(committer);
    assert!(core.upgrade().is_none());
}

#[test]
fn a_handle_goes_when_the_background_has_finished_its_cancelled_append() {
    let keeps = Arc::new(Keeps::default());
    let background: Arc<dyn Background> = keeps.clone();
    let (simulation, committer) = with_cancelled_append(&background);
    let core = core(&committer);
    drop(committer);
    assert!(core.upgrade().is_some(), "it goes on without a handle");
    loop {
        let Some(work) = keeps.0.lock().unwrap().pop() else { break };
        simulation.run(work).unwrap();
    }
    assert!(core.upgrade().is_none());
}

#[test]
fn a_handle_goes_whose_cancelled_append_the_background_finished_meanwhile() {
    let keeps = Arc::new(Keeps::default());
    let background: Arc<dyn Background> = keeps.clone();
    let (simulation, committer) = with_cancelled_append(&background);
    let core = core(&committer);
    loop {
        let Some(work) = keeps.0.lock().unwrap().pop() else { break };
        simulation.run(work).unwrap();
    }
    assert_eq!(committer.base().unwrap().version.0, 2);
    drop(committer);
    assert!(core.upgrade().is_none());
}
