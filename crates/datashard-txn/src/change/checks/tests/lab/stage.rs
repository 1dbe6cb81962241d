//! [`Stage`]: a table in a store in memory, and commands that are planned and committed there by handles of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use datashard_io::head::METADATA_LIMIT_BYTES;
use datashard_io::{StoreOptions, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::{DataSequenceNumber, MetadataVersion};
use datashard_spec::manifest::ManifestEntry;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::IsolationLevel;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::command::{Command, Seen, Verb};
use super::engine::Planned;
use super::rows::{self, Live, Row};
use crate::action::CreateTable;
use crate::action::testing::schema;
use crate::base::Base;
use crate::error::CommitError;
use crate::handle::Committer;
use crate::options::CommitOptions;
use crate::rules::Rules;

/// A table in a store in memory.
#[derive(Debug)]
pub(super) struct Stage {
    store: TableStore,
    options: CommitOptions,
    first: Committer,
}

/// A command that was planned, by a handle that knows the version it was planned on.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) command: Command,
    handle: Committer,
    planned: Option<Planned>,
    /// The rows of the files that have its key.
    pub(super) file: Vec<Row>,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Committed,
    /// There was nothing to do.
    Idle,
    Conflict(crate::conflict::ConflictKind),
}

impl Stage {
    /// A table of files with these rows.
    pub(super) async fn new(files: &[&[Row]], rules: Rules) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let url = format!("memory://conflicts/{}-{number}", std::process::id());
        let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
        let mut options = CommitOptions::default();
        options.limits = options.limits.with_rules(rules);
        let table = CreateTable::new(schema())
            .with_partition_spec(rows::spec())
            .with_format_version(FormatVersion::V3);
        let (first, _) = Committer::create(store.clone(), table, options.clone()).await.unwrap();
        let stage = Self { store, options, first };
        for (number, rows) in files.iter().enumerate() {
            let verb = Verb::Append;
            let command = Command { verb, key: rows[0].0, level: IsolationLevel::Serializable, tag: 0 };
            let mut prepared = stage.prepare(command).await;
            let planned = prepared.planned.as_mut().unwrap();
            planned.adds = vec![rows::data_file(&stage.root(), &format!("base{number}"), rows)];
            planned.id = format!("base{number}");
            assert_eq!(stage.commit(prepared).await, Ended::Committed);
        }
        stage
    }

    fn root(&self) -> String {
        self.store.location().to_string()
    }

    async fn live(&self, base: &Base) -> Vec<Live> {
        let Some(list) = base.manifest_list(MAIN_BRANCH, self.store.location()).unwrap() else {
            return Vec::new();
        };
        let bytes = self.store.read(&list, METADATA_LIMIT_BYTES).await.unwrap();
        let mut entries: Vec<ManifestEntry> = Vec::new();
        for row in ManifestListReader::new(&bytes).unwrap() {
            let row = row.unwrap();
            let path = self.store.location().relative(&row.manifest_path).unwrap();
            let bytes = self.store.read(&path, METADATA_LIMIT_BYTES).await.unwrap();
            let mut inheritance = row.inherit();
            for entry in ManifestReader::new(&bytes).unwrap() {
                let mut entry = entry.unwrap();
                inheritance.apply(&mut entry).unwrap();
                if entry.status.is_live() {
                    entries.push(entry);
                }
            }
        }
        rows::read(&entries)
    }

    /// The rows of the newest version.
    pub(super) async fn rows(&self) -> Vec<Row> {
        rows::all(&self.live(&self.first.refresh().await.unwrap()).await)
    }

    pub(super) async fn version(&self) -> MetadataVersion {
        self.first.refresh().await.unwrap().version
    }

    /// Plans a command on the newest version.
    pub(super) async fn prepare(&self, command: Command) -> Prepared {
        let handle = Committer::open(self.store.clone(), self.options.clone()).await.unwrap();
        let base = handle.base().unwrap();
        let live = self.live(&base).await;
        let root = self.root();
        let seen = Seen {
            root: &root,
            since: base.metadata.current_snapshot_id(),
            last: DataSequenceNumber::from(base.metadata.last_sequence_number()),
            live: &live,
        };
        let planned = command.plan(seen);
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == command.key);
        let file =
            live.iter().filter(has_key).flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
        Prepared { command, handle, planned, file }
    }

    /// Commits what was planned. Its handle still knows the version that it was planned on.
    pub(super) async fn commit(&self, prepared: Prepared) -> Ended {
        let Some(planned) = prepared.planned else { return Ended::Idle };
        match prepared.handle.commit(planned, None).await {
            Ok(_) => Ended::Committed,
            Err(CommitError::Conflict(conflict)) => Ended::Conflict(conflict.kind),
            Err(other) => panic!("{:?}: {other}", prepared.command),
        }
    }
}
