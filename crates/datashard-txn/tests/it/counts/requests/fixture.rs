//! The table that requests are counted on: three snapshots, each of a file of one row, by a handle that made them.

use std::time::Duration;

use datashard_io::TablePath;
use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::metadata::FormatVersion;
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{CommitOptions, Committer, Operation, epoch};

use crate::support::costs::{self, Cost, cost};
use crate::support::kept::Kept;
use crate::support::rows::{endless, row};

pub(super) struct Lab<'a> {
    pub(super) committer: Committer,
    pub(super) simulation: &'a Simulation,
    pub(super) store: SimStore,
    profile: Profile,
    options: CommitOptions,
    kept: Kept,
}

/// Format version 3: rows are deleted by deletion vectors.
pub(super) fn created() -> CreateTable {
    endless().with_format_version(FormatVersion::V3)
}

impl<'a> Lab<'a> {
    pub(super) async fn new(simulation: &'a Simulation, profile: Profile) -> Self {
        Self::of(created(), 3, simulation, profile).await
    }

    pub(super) async fn of(
        create: CreateTable,
        snapshots: usize,
        simulation: &'a Simulation,
        profile: Profile,
    ) -> Self {
        let store = SimStore::new(simulation, profile.clone());
        let (options, kept) = costs::kept();
        let table = store.table(simulation.context());
        let (committer, _) = Committer::create(table, create, options.clone()).await.unwrap();
        let lab = Self { committer, simulation, store, profile, options, kept };
        for number in 0..snapshots {
            lab.committer.append(row(&lab.committer, &number.to_string(), "0")).await.unwrap();
            lab.settle().await;
        }
        lab
    }

    /// Another table with so many snapshots, on a store of its own.
    pub(super) async fn another(&self, create: CreateTable, snapshots: usize) -> Lab<'_> {
        Lab::of(create, snapshots, self.simulation, self.profile.clone()).await
    }

    /// Whatever was left for later is done, and ten seconds go by.
    pub(super) async fn settle(&self) {
        self.kept.run().await;
        self.wait(Duration::from_secs(10)).await;
    }

    pub(super) async fn wait(&self, time: Duration) {
        self.simulation.context().clock.sleep(time).await;
    }

    /// Commits something that is not counted.
    pub(super) async fn prepare(&self, operation: impl Operation + 'static) {
        self.committer.commit(operation, None).await.unwrap();
        self.settle().await;
    }

    /// What is asked of the store until the operation is answered.
    pub(super) async fn commit(&self, operation: impl Operation + 'static) -> Cost {
        let before = self.committer.store().counts();
        let version = self.committer.base().unwrap().version;
        let committed = self.committer.commit(operation, None).await.unwrap();
        assert_eq!((committed.attempts, committed.version.0), (1, version.0 + 1));
        cost(self.committer.store(), &before)
    }

    /// What a call asks of the store.
    pub(super) async fn call<T>(&self, call: impl AsyncFnOnce(&Committer) -> T) -> Cost {
        let before = self.committer.store().counts();
        call(&self.committer).await;
        cost(self.committer.store(), &before)
    }

    pub(super) async fn create_another(&self, create: CreateTable) -> Cost {
        let elsewhere = SimStore::new(self.simulation, self.profile.clone());
        let table = elsewhere.table(self.simulation.context());
        let before = table.counts();
        let (committer, _) = Committer::create(table, create, self.options.clone()).await.unwrap();
        cost(committer.store(), &before)
    }

    pub(super) async fn open(&self) -> Cost {
        let table = self.store.table(self.simulation.context());
        let before = table.counts();
        let committer = Committer::open(table, self.options.clone()).await.unwrap();
        cost(committer.store(), &before)
    }

    /// The location of the file that snapshot `number` added.
    pub(super) fn file(&self, number: u64) -> String {
        let epoch = epoch::prefix(datashard_spec::id::MetadataVersion(number + 1));
        self.place(&format!("data/{epoch}{number}-0.parquet"))
    }

    /// A data file that is written already.
    pub(super) fn new_file(&self) -> DataFile {
        let epoch = epoch::prefix(self.committer.base().unwrap().version);
        DataFile::new(self.place(&format!("data/{epoch}new.parquet")), FileFormat::Parquet, 1, 1)
    }

    pub(super) fn new_append(&self) -> Append {
        Append::new(SchemaId(0)).with_file(PartitionSpecId(0), self.new_file())
    }

    pub(super) fn place(&self, path: &str) -> String {
        self.committer.store().location().file(&TablePath::parse(path).unwrap())
    }

    pub(super) fn snapshot_ids(&self) -> Vec<SnapshotId> {
        self.committer.base().unwrap().metadata.snapshot_ids().collect()
    }

    pub(super) fn head(&self) -> Option<SnapshotId> {
        self.committer.base().unwrap().metadata.current_snapshot_id()
    }
}
