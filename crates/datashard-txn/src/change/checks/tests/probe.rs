//! [`Probe`]: an operation that looks at what was committed and does nothing.

use bytes::Bytes;

use super::super::{Check, Checks, Place, RemovedFile};
use crate::action::CreateTable;
use crate::action::testing::{TestTable, by_id, schema};
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;
use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::{ApplyContext, FormatVersion, TableUpdate};
use datashard_spec::snapshot_ref::MAIN_BRANCH;

/// An operation that looks at what was committed and does nothing.
#[derive(Debug, Clone)]
pub(super) struct Probe<'p> {
    pub(super) checks: Checks<'p>,
    pub(super) removed: Vec<RemovedFile<'p>>,
    pub(super) branch: &'p str,
}

impl<'p> Probe<'p> {
    pub(super) fn new(checks: Checks<'p>) -> Self {
        Self { checks, removed: Vec::new(), branch: MAIN_BRANCH }
    }

    /// Of one check.
    pub(super) fn of(since: Option<SnapshotId>, check: Check<'p>) -> Self {
        Self::new(Checks::since(since).with(check))
    }

    pub(super) fn removing(mut self, removed: RemovedFile<'p>) -> Self {
        self.removed.push(removed);
        self
    }

    pub(super) fn result(&self, table: &TestTable) -> Result<(), Refusal> {
        table.attempt(self, 1, &[]).map(|_| ())
    }

    pub(super) fn conflict(&self, table: &TestTable) -> Option<Conflict> {
        match self.result(table) {
            Ok(()) => None,
            Err(Refusal::Conflict(conflict)) => Some(*conflict),
            Err(other) => panic!("{other}"),
        }
    }

    /// The kind of the conflict, and the snapshot that is at fault.
    pub(super) fn kind(&self, table: &TestTable) -> Option<(ConflictKind, Option<SnapshotId>)> {
        self.conflict(table).map(|conflict| (conflict.kind, conflict.snapshot_id))
    }

    fn place<'a>(&'a self, base: &'a Base, inputs: &'a Inputs<'a>) -> Place<'a> {
        Place { operation: "probe", branch: self.branch, base, inputs }
    }
}

impl Operation for Probe<'_> {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }

    fn branch(&self) -> &str {
        self.branch
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.checks.reads(self.place(base, inputs))
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        let Read::Manifest { row, .. } = read else { panic!("{read:?}") };
        self.checks.remember(self.place(base, inputs), row, &bytes)
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.checks.verify(self.place(base.unwrap(), inputs), &self.removed)?;
        Ok(Produced::new(Content::Updates(Vec::new())))
    }
}

/// A table that is partitioned by `id`, as it is.
pub(super) fn partitioned(version: FormatVersion) -> TestTable {
    TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)).with_format_version(version))
}

/// Changes the metadata as another writer would.
pub(super) fn update(table: &mut TestTable, updates: &[TableUpdate]) {
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(updates, &ApplyContext::new(table.now_ms)).unwrap();
}
