//! [`Site`]: what all processes of a world have in common: the bucket, the plan, the ledger; and how tables and operations are made.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use datashard_io::sim::{Process, SimStore};
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::Value;
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{Background, CommitOptions, epoch};
use futures_util::future::BoxFuture;

use crate::ledger::Ledger;
use crate::mixed::historian::Historian;
use crate::plan::Plan;

/// What all processes of a world have in common. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) store: SimStore,
    pub(crate) plan: Arc<Plan>,
    /// Does things to other processes.
    pub(crate) nemesis: Process,
    ledger: Arc<Mutex<Ledger>>,
    historian: Arc<Mutex<Historian>>,
}

impl Site {
    pub(crate) fn new(store: SimStore, plan: Plan, nemesis: Process) -> Self {
        Self { store, plan: Arc::new(plan), nemesis, ledger: Arc::default(), historian: Arc::default() }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Who remembers all that ever was part of the table.
    pub(crate) fn historian(&self) -> MutexGuard<'_, Historian> {
        self.historian.lock().unwrap()
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
        // Of a mixed world's first spec, which has one field.
        let partition = if self.plan.mixed.is_some() { vec![Some(Value::Int(0))] } else { Vec::new() };
        for _ in 0..files {
            let number = self.ledger().file_number();
            let prefix = epoch.map(epoch::prefix).unwrap_or_default();
            let path = TablePath::parse(&format!("data/{prefix}f{number}.parquet")).unwrap();
            let key = format!("table/{path}");
            let bytes = content(&key);
            let size_bytes = i64::try_from(bytes.len()).unwrap();
            let file = DataFile::new(table.location().file(&path), FileFormat::Parquet, 1, size_bytes)
                .with_partition(partition.clone());
            self.ledger().written.insert(key.clone(), Arc::new(vec![number * 1_000]));
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

/// The table that everybody wants to make in a world of appends.
pub(crate) fn create_table() -> CreateTable {
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    CreateTable::new(schema).with_property("write.metadata.previous-versions-max", "5")
}

impl Site {
    /// The table that everybody wants to make.
    pub(crate) fn create_table(&self) -> CreateTable {
        let Some(mixed) = &self.plan.mixed else { return create_table() };
        let schema = Schema::new(vec![
            NestedField::required(1, "id", PrimitiveType::Long),
            NestedField::required(2, "p", PrimitiveType::Int),
        ]);
        let schema = schema.unwrap();
        let spec = PartitionSpec::builder(&schema).identity("p").build().unwrap();
        CreateTable::new(schema)
            .with_partition_spec(spec)
            .with_format_version(mixed.format_version)
            .with_property("write.metadata.previous-versions-max", "5")
            .with_property("datashard.history.keep-snapshots", mixed.keep_snapshots.to_string())
            .with_property("commit.manifest.min-count-to-merge", mixed.merge_count.to_string())
    }
}

/// Work that nobody waits for runs in the process, and dies with it.
#[derive(Debug)]
pub(crate) struct InProcess(pub(crate) Process);

impl Background for InProcess {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(self.0.spawn(work));
    }
}
