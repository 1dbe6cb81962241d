//! [`Site`]: what all processes of a world have in common: the bucket, the plan, the ledger; and how tables and operations are made.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use datashard_io::sim::{Process, SimStore};
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{Background, CommitOptions, epoch};
use futures_util::future::BoxFuture;

use crate::ledger::Ledger;
use crate::mixed::{self, Annals, Shelf};
use crate::plan::Plan;

/// What all processes of a world have in common. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) store: SimStore,
    pub(crate) plan: Arc<Plan>,
    /// Does things to other processes.
    pub(crate) nemesis: Process,
    ledger: Arc<Mutex<Ledger>>,
    shelf: Arc<Mutex<Shelf>>,
    annals: Arc<Mutex<Annals>>,
}

impl Site {
    pub(crate) fn new(store: SimStore, plan: Plan, nemesis: Process) -> Self {
        Self {
            store,
            plan: Arc::new(plan),
            nemesis,
            ledger: Arc::default(),
            shelf: Arc::default(),
            annals: Arc::default(),
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// What snapshots hold, as far as it was looked at.
    pub(crate) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }

    /// Every version that ever was, up to now.
    pub(crate) fn annals(&self) -> Result<MutexGuard<'_, Annals>, String> {
        let mut annals = self.annals.lock().unwrap();
        annals.go_on(&self.store)?;
        Ok(annals)
    }

    /// The table that everybody wants to make.
    pub(crate) fn create_table(&self) -> CreateTable {
        self.plan.mixed.as_ref().map_or_else(create_table, mixed::create_table)
    }

    /// The table, as a process opens it.
    pub(crate) fn table(&self, process: &Process) -> TableStore {
        self.store.table_with(process.context(), self.plan.retry)
    }

    /// How the process commits.
    pub(crate) fn options(&self, process: &Process) -> CommitOptions {
        CommitOptions::default()
            .with_limits(self.plan.limits)
            .with_timeout(self.plan.timeout)
            .with_strict(self.plan.strict)
            .with_group_limit(self.plan.group_limit)
            .with_background(Arc::new(InProcess(process.clone())))
    }

    /// An append of so many new files, and the keys under which they are going to lie. With an epoch, their names tell it.
    pub(crate) fn append(
        &self,
        table: &TableStore,
        files: u64,
        epoch: Option<MetadataVersion>,
    ) -> (Append, Vec<String>) {
        let mut append = Append::new(SchemaId(0));
        let mut keys = Vec::new();
        for _ in 0..files {
            let number = self.ledger().file_number();
            let prefix = epoch.map(epoch::prefix).unwrap_or_default();
            let path = TablePath::parse(&format!("data/{prefix}f{number}.parquet")).unwrap();
            let key = format!("table/{path}");
            let bytes = content(&key);
            let size_bytes = i64::try_from(bytes.len()).unwrap();
            let file = DataFile::new(table.location().file(&path), FileFormat::Parquet, 1, size_bytes);
            append = append.with_unwritten_file(PartitionSpecId(0), file, path, bytes);
            keys.push(key);
        }
        (append, keys)
    }
}

/// What the data file of this key holds.
pub(crate) fn content(key: &str) -> Bytes {
    Bytes::from(format!("rows of {key}"))
}

/// The table that everybody wants to make.
pub(crate) fn create_table() -> CreateTable {
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    CreateTable::new(schema).with_property("write.metadata.previous-versions-max", "5")
}

/// Work that nobody waits for runs in the process, and dies with it.
#[derive(Debug)]
pub(crate) struct InProcess(pub(crate) Process);

impl Background for InProcess {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(self.0.spawn(work));
    }
}
