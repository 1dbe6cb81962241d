//! [`Stage`]: a table in memory, and commands that are planned there and committed when others have been.

use datashard_spec::id::{DataSequenceNumber, MetadataVersion};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::IsolationLevel;
use datashard_spec::property::write::MANIFEST_COMPRESSION_CODEC;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::command::{Command, Seen, Verb};
use super::engine::{Planned, new};
use super::rows::{self, Live, Row};
use crate::action::CreateTable;
use crate::action::testing::{LOCATION, TestTable, schema};
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
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

/// A command that was planned on a table as it was.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) planned: Option<Planned>,
    /// The rows of the files that have its key.
    pub(super) file: Vec<Row>,
    table: TestTable,
    number: u64,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Committed,
    /// There was nothing to do.
    Idle,
    Conflict(ConflictKind),
}

/// The command that a table of these rows begins with, and its file.
pub(super) fn first_files(files: &[&[Row]]) -> impl Iterator<Item = (Command, String)> {
    let command = |rows: &&[Row]| Command {
        verb: Verb::Append,
        key: rows[0].0,
        level: IsolationLevel::Serializable,
        tag: 0,
    };
    files.iter().map(command).enumerate().map(|(number, command)| (command, format!("base{number}")))
}

/// A table of such rows, empty. Its manifests are not compressed, which takes most of the time otherwise.
pub(super) fn create() -> CreateTable {
    CreateTable::new(schema())
        .with_partition_spec(rows::spec())
        .with_format_version(FormatVersion::V3)
        .with_property(MANIFEST_COMPRESSION_CODEC.key, "uncompressed")
}

/// Plans a command on what is there.
pub(super) fn plan(command: &Command, root: &str, base: &Base, live: &[Live]) -> Option<Planned> {
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
        for ((command, id), rows) in first_files(files).zip(files) {
            let mut prepared = stage.prepare(command);
            let planned = prepared.planned.as_mut().unwrap();
            planned.adds = vec![new(rows::data_file(LOCATION, &id, rows))];
            planned.id = id;
            assert_eq!(stage.commit(prepared), Ended::Committed);
        }
        stage
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

    /// Plans a command on the newest version.
    pub(super) fn prepare(&mut self, command: Command) -> Prepared {
        let live = self.live();
        let planned = plan(&command, LOCATION, self.table.base(), &live);
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == command.key);
        let file =
            live.iter().filter(has_key).flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
        self.number += 1;
        Prepared { planned, file, table: self.table.clone(), number: self.number }
    }

    /// Commits what was planned. If others have committed since, its first attempt was built on the version that it was planned on.
    pub(super) fn commit(&mut self, prepared: Prepared) -> Ended {
        match prepared.planned {
            Some(planned) => match self.commit_operation(&planned, &prepared.table, prepared.number) {
                Ok(()) => Ended::Committed,
                Err(conflict) => Ended::Conflict(conflict.kind),
            },
            None => Ended::Idle,
        }
    }

    /// Commits an operation that knows the table as it was, and refuses nothing but for a conflict.
    pub(super) fn commit_operation(
        &mut self,
        operation: &dyn Operation,
        known: &TestTable,
        number: u64,
    ) -> Result<(), Box<Conflict>> {
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
                Ok(())
            }
            Err(Refusal::Conflict(conflict)) => Err(conflict),
            Err(other) => panic!("{operation:?}: {other}"),
        }
    }
}
