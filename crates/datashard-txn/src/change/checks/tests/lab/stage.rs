//! [`Stage`]: a table in memory, and commands that are planned there and committed when others have been.

use datashard_spec::id::{DataSequenceNumber, MetadataVersion, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::write::MANIFEST_COMPRESSION_CODEC;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::command::{Command, Seen};
use super::engine::Any;
use super::rows::{self, Live, Row};
use crate::action::testing::{LOCATION, TestTable, schema};
use crate::action::{Append, CreateTable};
use crate::base::Base;
use crate::conflict::ConflictKind;
use crate::loaded::Loaded;
use crate::operation::Operation;
use crate::produced::NewManifest;
use crate::refusal::Refusal;
use crate::rules::Rules;

/// A table in memory.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) table: TestTable,
    /// How many operations there were.
    number: u64,
}

/// An operation that was planned on a table as it was.
#[derive(Debug)]
pub(super) struct Ready {
    operation: Option<Any>,
    table: TestTable,
    number: u64,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Committed,
    /// There was nothing to do.
    Idle,
    /// Of this kind, with this snapshot.
    Conflict(ConflictKind, Option<SnapshotId>),
}

/// What a table of these rows begins with: one snapshot with all files.
pub(super) fn first_files(root: &str, name: &str, files: &[&[Row]]) -> Append {
    let file = |(number, rows): (usize, &&[Row])| rows::data_file(root, &format!("{name}n{number}"), rows);
    Append::new(SchemaId(0)).with_files(PartitionSpecId(0), files.iter().enumerate().map(file))
}

/// A table of such rows, empty. Its manifests are not compressed, which takes most of the time otherwise.
pub(super) fn create() -> CreateTable {
    CreateTable::new(schema())
        .with_partition_spec(rows::spec())
        .with_format_version(FormatVersion::V3)
        .with_property(MANIFEST_COMPRESSION_CODEC.key, "uncompressed")
}

/// Plans a command on what is there.
pub(super) fn plan(command: &Command, root: &str, base: &Base, live: &[Live]) -> Option<Any> {
    command.plan(Seen {
        root,
        since: base.metadata.current_snapshot_id(),
        last: DataSequenceNumber::from(base.metadata.last_sequence_number()),
        live,
    })
}

impl Stage {
    /// A table of files with these rows.
    pub(super) fn new(files: &[&[Row]], rules: Rules) -> Self {
        let mut table = TestTable::create(create());
        table.rules = rules;
        let mut stage = Self { table, number: 10 };
        if !files.is_empty() {
            stage.apply(&first_files(LOCATION, "base", files));
        }
        stage
    }

    /// Commits an operation at once.
    pub(super) fn apply(&mut self, operation: &dyn Operation) {
        self.number += 1;
        self.table = self.table.clone().numbered(self.number);
        self.table.commit(operation).unwrap();
    }

    fn live(&self) -> Vec<Live> {
        let entries = |row| self.table.entries(row).into_iter().filter(|entry| entry.status.is_live());
        rows::read(&self.table.rows_of(MAIN_BRANCH).iter().flat_map(entries).collect::<Vec<_>>())
    }

    /// The rows of the newest version.
    pub(super) fn rows(&self) -> Vec<Row> {
        rows::all(&self.live())
    }

    pub(super) fn version(&self) -> MetadataVersion {
        self.table.base().version
    }

    /// The rows of the files that have a key.
    pub(super) fn rows_beside(&self, key: i32) -> Vec<Row> {
        let live = self.live();
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == key);
        live.iter().filter(has_key).flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect()
    }

    /// Plans a command on the newest version.
    pub(super) fn prepare(&mut self, command: Command) -> Ready {
        let operation = plan(&command, LOCATION, self.table.base(), &self.live());
        self.ready(operation)
    }

    /// An operation that was planned on the newest version.
    pub(super) fn ready(&mut self, operation: Option<Any>) -> Ready {
        self.number += 1;
        Ready { operation, table: self.table.clone(), number: self.number }
    }

    /// Commits what was planned. If others have committed since, its first attempt was built on the version that it was planned on.
    pub(super) fn commit(&mut self, ready: Ready) -> Ended {
        match &ready.operation {
            Some(operation) => self.commit_operation(operation, &ready.table, ready.number),
            None => Ended::Idle,
        }
    }

    /// Commits an operation that knows the table as it was, and is not refused but for a conflict.
    fn commit_operation(&mut self, operation: &dyn Operation, known: &TestTable, number: u64) -> Ended {
        let mut loaded = Loaded::default();
        let mut earlier: Vec<NewManifest> = Vec::new();
        let mut attempt = 1;
        if known.base().version != self.version() {
            let known = known.clone().numbered(number);
            match known.attempt_after(operation, attempt, &earlier, &mut loaded) {
                Ok(lost) => {
                    self.table.keep_files(&lost);
                    let written = |new: NewManifest| NewManifest { bytes: bytes::Bytes::new(), ..new };
                    earlier = lost.manifests.into_iter().map(written).collect();
                    attempt += 1;
                }
                Err(refusal) => panic!("{operation:?} on what it was planned on: {refusal}"),
            }
        }
        let table = self.table.clone().numbered(number);
        match table.attempt_after(operation, attempt, &earlier, &mut loaded) {
            Ok(next) => {
                self.table.adopt(&next);
                Ended::Committed
            }
            Err(Refusal::Conflict(conflict)) => Ended::Conflict(conflict.kind, conflict.snapshot_id),
            // Others did it, or took away what it was about.
            Err(Refusal::Rejected { operation: "merge manifests", .. }) => Ended::Idle,
            Err(other) => panic!("{operation:?}: {other}"),
        }
    }
}
