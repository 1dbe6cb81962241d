//! Histories of commits on a simulated disk, and what of them must be there after the power was lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use datashard_io::sim::Simulation;
use datashard_io::sim::disk::SimDisk;
use datashard_io::{Durability, TableStore};
use datashard_txn::Committer;

use crate::disk_support::{block_on, disk, sim_store, store_in};
use crate::support::audit::{Audited, audit};
use crate::support::costs;
use crate::support::kept::Kept;
use crate::support::rows::{row, table};

/// One commit and when it happened, counted in steps of the disk.
#[derive(Debug, Clone)]
struct Row {
    row: String,
    begun: usize,
    acknowledged: usize,
    /// When a flush of everything ended that was begun after the acknowledgement.
    flushed: Option<usize>,
}

/// A writer: a process of its own with an open table.
pub(crate) struct Writer {
    committer: Committer,
    kept: Kept,
}

/// What was committed to a table on a disk.
pub(crate) struct History {
    pub(crate) disk: SimDisk,
    rows: Mutex<Vec<Row>>,
    /// When the table was acknowledged.
    created: usize,
}

impl History {
    /// A table that process 0 makes.
    pub(crate) async fn begin(durability: Durability) -> Self {
        let disk = disk();
        let (options, _) = costs::kept();
        Committer::create(sim_store(&disk, durability), table(), options).await.unwrap();
        let created = disk.steps().len();
        Self { disk, rows: Mutex::default(), created }
    }

    /// Takes what was done so far for durable, and looks only at what comes now.
    pub(crate) fn settle(&mut self) {
        self.disk.settle();
        self.created = 0;
    }

    fn now(&self) -> usize {
        self.disk.steps().len()
    }

    /// Another process opens the table.
    pub(crate) async fn writer(&self, process: u32, durability: Durability) -> Writer {
        self.writer_on(sim_store(&self.disk.process(process), durability)).await
    }

    pub(crate) async fn writer_on(&self, store: TableStore) -> Writer {
        let (options, kept) = costs::kept();
        Writer { committer: Committer::open(store, options).await.unwrap(), kept }
    }

    /// Appends a row, and moves the hint afterwards.
    pub(crate) async fn append(&self, writer: &Writer, name: &str) {
        let begun = self.now();
        writer.committer.append(row(&writer.committer, name, "0")).await.unwrap();
        let acknowledged = self.now();
        let row = Row { row: name.to_owned(), begun, acknowledged, flushed: None };
        self.rows.lock().unwrap().push(row);
        writer.kept.run().await;
    }

    /// Flushes everything that was acknowledged to a writer.
    pub(crate) async fn flush(&self, writer: &Writer) {
        let flushed = self.rows.lock().unwrap().len();
        writer.committer.store().flush().await.unwrap();
        let now = self.now();
        for row in &mut self.rows.lock().unwrap()[..flushed] {
            row.flushed.get_or_insert(now);
        }
    }

    /// Looks at the disks that a loss of power can leave behind at each moment, at no more than `most` for each. Returns at how many.
    pub(crate) fn replay(&self, most: u64, mut look: impl FnMut(usize, &SimDisk, &str)) -> u32 {
        let mut looked_at = 0;
        for moment in self.disk.moments() {
            let loss = self.disk.power_loss(moment);
            for left in loss.some(most, u64::try_from(moment).unwrap()) {
                look(moment, &loss.leaves(left), &format!("power lost after step {moment}, {left:?}"));
                looked_at += 1;
            }
        }
        looked_at
    }

    fn told(&self, moment: usize) -> String {
        let steps = self.disk.steps();
        let told = steps.iter().take(moment).map(|step| format!("  {}: {step}", step.process));
        told.collect::<Vec<_>>().join("\n")
    }

    fn rows(&self, counts: impl Fn(&Row) -> bool) -> BTreeSet<String> {
        self.rows.lock().unwrap().iter().filter(|row| counts(row)).map(|row| row.row.clone()).collect()
    }

    /// Every row that is there was begun, and is there once. Gives how many files of rows have zeros in them.
    pub(crate) fn check_begun(&self, moment: usize, audited: &Audited, told: &str) -> usize {
        let begun = self.rows(|row| row.begun < moment);
        let (torn, whole): (Vec<_>, Vec<_>) = audited.rows.keys().partition(|row| row.contains('\0'));
        for row in whole {
            assert_eq!(audited.rows[row], 1, "{row} is there more than once: {told}");
            assert!(begun.contains(row), "{row} came from nowhere: {told}\n{}", self.told(moment));
        }
        torn.len()
    }

    /// All that full durability promises for a moment: the table is sound and has every row that was acknowledged; with `goes_on` it is appended to.
    pub(crate) fn check_full(&self, moment: usize, disk: &SimDisk, told: &str, goes_on: bool) {
        block_on(async {
            let store = sim_store(disk, Durability::Full);
            if moment < self.created && store.find_head().await.unwrap().is_none() {
                let (options, _) = costs::kept();
                let created = Committer::create(store, table(), options).await;
                created.unwrap_or_else(|error| panic!("{error}: {told}"));
                return;
            }
            let sound = audit(&store).await;
            let audited = sound.unwrap_or_else(|damage| panic!("{damage}: {told}\n{}", self.told(moment)));
            assert_eq!(self.check_begun(moment, &audited, told), 0, "a file is torn: {told}");
            for row in self.rows(|row| row.acknowledged <= moment) {
                assert!(audited.rows.contains_key(&row), "{row} is lost: {told}\n{}", self.told(moment));
            }
            if !goes_on {
                return;
            }
            let writer = self.writer_on(store.clone()).await;
            let append = row(&writer.committer, "after", "0");
            let committed = writer.committer.append(append).await;
            let committed =
                committed.unwrap_or_else(|error| panic!("{error}: {told}\n{}", self.told(moment)));
            assert_eq!(committed.version.0, audited.version + 1, "{told}");
            let after = audit(&store).await.unwrap_or_else(|damage| panic!("{damage}: {told}"));
            assert_eq!(after.each_once().len(), audited.rows.len() + 1, "{told}");
        });
    }

    /// The rows that a flush of everything made durable before a moment.
    pub(crate) fn flushed(&self, moment: usize) -> BTreeSet<String> {
        self.rows(|row| row.flushed.is_some_and(|flushed| flushed <= moment))
    }
}

/// Another process, in a world of its own, that opens the table and appends a row.
pub(crate) fn other_process_appends(history: &History, process: u32) {
    let simulation = Simulation::new(u64::from(process));
    let store = store_in(&history.disk.process(process), Durability::Full, simulation.context());
    let outcome = simulation.run(async {
        let writer = history.writer_on(store).await;
        history.append(&writer, &format!("other-{process}")).await;
    });
    outcome.unwrap();
}

/// Three writers in turn, so that each finds what the others did. With `flushes` everything is flushed in the middle.
pub(crate) async fn three_writers(durability: Durability, flushes: bool) -> Arc<History> {
    let history = History::begin(durability).await;
    let mut writers = Vec::new();
    for process in 1..=3 {
        writers.push(history.writer(process, durability).await);
    }
    for (number, writer) in [0, 1, 0, 2, 2, 1].into_iter().enumerate() {
        history.append(&writers[writer], &format!("row-{number}")).await;
        if flushes && number == 2 {
            for writer in &writers {
                history.flush(writer).await;
            }
        }
    }
    Arc::new(history)
}
