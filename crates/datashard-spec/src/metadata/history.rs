//! Questions about the past: ancestors, time travel, and which schema to read a snapshot with.

use std::sync::Arc;

use super::{MetadataError, TableMetadata};
use crate::SpecError;
use crate::id::SnapshotId;
use crate::schema::Schema;
use crate::snapshot::Snapshot;

/// A snapshot and its ancestors, newest first; made by [`TableMetadata::ancestors`].
///
/// Ends at a snapshot without parent or whose parent has expired, and after as many steps as there are snapshots, so a
/// history that runs in a circle ends too.
#[derive(Debug, Clone)]
pub struct Ancestors<'m> {
    metadata: &'m TableMetadata,
    next: Option<SnapshotId>,
    steps_left: usize,
}

impl<'m> Iterator for Ancestors<'m> {
    type Item = Result<&'m Snapshot, SpecError>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.next.take()?;
        self.steps_left = self.steps_left.checked_sub(1)?;
        let snapshot = self.metadata.snapshot(id).transpose()?;
        if let Ok(snapshot) = snapshot {
            self.next = snapshot.parent_id;
        }
        Some(snapshot)
    }
}

impl TableMetadata {
    /// The snapshot with this id and its ancestors, newest first.
    ///
    /// Empty if there is no such snapshot. Items are `InvalidData`, and the last, where a snapshot is malformed.
    pub fn ancestors(&self, id: SnapshotId) -> Ancestors<'_> {
        Ancestors { metadata: self, next: Some(id), steps_left: self.snapshot_count() }
    }

    /// Whether `ancestor` is `of` or one of its ancestors that are still there.
    ///
    /// # Errors
    /// `InvalidData` if a snapshot on the way is malformed.
    pub fn is_ancestor(&self, ancestor: SnapshotId, of: SnapshotId) -> Result<bool, SpecError> {
        for snapshot in self.ancestors(of) {
            if snapshot?.id == ancestor {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Id of the snapshot that was current at a time, in milliseconds since 1970-01-01 UTC: that of the last entry of the
    /// snapshot log up to then.
    ///
    /// # Errors
    /// `NotFound` if the log starts later, or the snapshot has expired.
    ///
    /// # Spec
    /// "Point in Time Reads (Time Travel)".
    pub fn snapshot_id_at(&self, at_ms: i64) -> Result<SnapshotId, MetadataError> {
        let entry = self.snapshot_log.iter().rev().find(|entry| entry.timestamp_ms <= at_ms);
        let first_ms = self.snapshot_log.first().map(|entry| entry.timestamp_ms);
        let id = entry.ok_or(MetadataError::NoSnapshotAt { at_ms, first_ms })?.snapshot_id;
        if self.has_snapshot(id) { Ok(id) } else { Err(not_found("snapshot", id)) }
    }

    /// The snapshot that was current at a time, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// As [`snapshot_id_at`](Self::snapshot_id_at); also `InvalidData` if the snapshot is malformed.
    pub fn snapshot_at(&self, at_ms: i64) -> Result<&Snapshot, SpecError> {
        self.existing_snapshot(self.snapshot_id_at(at_ms)?)
    }

    /// The snapshot of a branch or tag.
    ///
    /// # Errors
    /// `NotFound` if there is no such ref; `InvalidData` if the snapshot is malformed.
    pub fn snapshot_of_ref(&self, name: &str) -> Result<&Snapshot, SpecError> {
        let reference = self.refs.get(name).ok_or_else(|| not_found("branch or tag", name))?;
        self.existing_snapshot(reference.snapshot_id)
    }

    pub(super) fn existing_snapshot(&self, id: SnapshotId) -> Result<&Snapshot, SpecError> {
        Ok(self.snapshot(id)?.ok_or_else(|| not_found("snapshot", id))?)
    }

    /// The schema to read a branch or tag with: of a branch, the table's current one; of a tag, its snapshot's.
    ///
    /// # Errors
    /// As [`snapshot_of_ref`](Self::snapshot_of_ref), and `InvalidData` if the snapshot's schema is not there.
    pub fn schema_for_ref(&self, name: &str) -> Result<&Arc<Schema>, SpecError> {
        let reference = self.refs.get(name).ok_or_else(|| not_found("branch or tag", name))?;
        if reference.is_branch() {
            return Ok(self.current_schema());
        }
        self.schema_for_snapshot(reference.snapshot_id)
    }

    /// The schema to read a snapshot with when it is asked for by id or time: the one that was current when it was made,
    /// or today's if it does not say.
    ///
    /// # Errors
    /// `NotFound` if there is no such snapshot; `InvalidData` if it is malformed or its schema is not there.
    pub fn schema_for_snapshot(&self, id: SnapshotId) -> Result<&Arc<Schema>, SpecError> {
        let Some(schema_id) = self.existing_snapshot(id)?.schema_id else { return Ok(self.current_schema()) };
        let dangling = || MetadataError::Dangling {
            key: format!("snapshots[snapshot-id {id}].schema-id"),
            what: "schema",
            id: schema_id.0.into(),
        };
        Ok(self.schema(schema_id).ok_or_else(dangling)?)
    }
}

pub(super) fn not_found(what: &'static str, name: impl ToString) -> MetadataError {
    MetadataError::NotFound { what, name: crate::error::excerpt(&name.to_string()) }
}
