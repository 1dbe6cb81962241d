//! The rules that every table metadata obeys, however it was made.
//!
//! They are as strict as other engines are on load, so that what passes here opens there.

use std::collections::{BTreeMap, HashSet};

use super::log::check_order;
use super::{FormatVersion, MetadataError, TableMetadata};
use crate::SpecError;
use crate::id::{SchemaId, SnapshotId};
use crate::snapshot::Snapshot;
use crate::snapshot_ref::MAIN_BRANCH;

impl TableMetadata {
    /// Checks also what reading leaves out because it parses every snapshot: that each is well-formed, that sequence
    /// numbers and row ids stay below their counters, that schemas exist, and that no history runs in a circle.
    ///
    /// # Errors
    /// `InvalidData`, with the path of the first snapshot that is wrong.
    pub fn check_all(&self) -> Result<(), SpecError> {
        let schema_ids: HashSet<SchemaId> = self.schemas.iter().map(|schema| schema.id()).collect();
        let mut parents = BTreeMap::new();
        for (index, snapshot) in self.snapshots().enumerate() {
            let snapshot = snapshot?;
            self.check_snapshot(index, snapshot, &schema_ids)?;
            parents.insert(snapshot.id, snapshot.parent_id);
        }
        // Histories share their older part: a walk ends where an earlier one has been.
        let mut settled = HashSet::new();
        for start in parents.keys() {
            let mut walked = HashSet::new();
            let mut at = Some(*start);
            while let Some(id) = at.filter(|id| !settled.contains(id)) {
                if !walked.insert(id) {
                    return Err(inconsistent("snapshots", "a snapshot is its own ancestor", id).into());
                }
                at = parents.get(&id).copied().flatten();
            }
            settled.extend(walked);
        }
        Ok(())
    }

    fn check_snapshot(
        &self,
        index: usize,
        snapshot: &Snapshot,
        schema_ids: &HashSet<SchemaId>,
    ) -> Result<(), MetadataError> {
        let at = |key: &str| format!("snapshots[{index}].{key}");
        if self.format_version > FormatVersion::V1
            && !(0..=self.last_sequence_number.0).contains(&snapshot.sequence_number.0)
        {
            let reason = "a sequence number is at most last-sequence-number";
            return Err(inconsistent(at("sequence-number"), reason, snapshot.sequence_number));
        }
        if let Some(id) = snapshot.schema_id
            && !schema_ids.contains(&id)
        {
            return Err(MetadataError::Dangling { key: at("schema-id"), what: "schema", id: id.0.into() });
        }
        if let (Some(first), added) = (snapshot.first_row_id, snapshot.added_rows.unwrap_or(0))
            && self.format_version >= FormatVersion::V3
            && !(first >= 0
                && added >= 0
                && first.checked_add(added).is_some_and(|end| end <= self.next_row_id))
        {
            let found = format!("{first} and {added} more");
            return Err(inconsistent(at("first-row-id"), "row ids are below next-row-id", found));
        }
        Ok(())
    }

    /// The rules that need no snapshot parsed.
    pub(super) fn check(&self) -> Result<(), MetadataError> {
        self.check_definitions()?;
        self.check_refs()?;
        let times = self.snapshot_log.iter().map(|entry| entry.timestamp_ms);
        check_order("snapshot-log", times, self.last_updated_ms)?;
        let times = self.metadata_log.iter().map(|entry| entry.timestamp_ms);
        check_order("metadata-log", times, self.last_updated_ms)?;
        for (key, counter) in
            [("last-sequence-number", self.last_sequence_number.0), ("next-row-id", self.next_row_id)]
        {
            if counter < 0 {
                return Err(inconsistent(key, "a counter is not negative", counter));
            }
        }
        Ok(())
    }

    fn check_definitions(&self) -> Result<(), MetadataError> {
        check_unique("schemas", "schema", self.schemas.iter().map(|schema| schema.id().0))?;
        check_unique("partition-specs", "partition spec", self.partition_specs.iter().map(|spec| spec.id.0))?;
        check_unique("sort-orders", "sort order", self.sort_orders.iter().map(|order| order.id.0))?;
        if self.schema(self.current_schema_id).is_none() {
            return Err(dangling("current-schema-id", "schema", self.current_schema_id.0));
        }
        if self.partition_spec(self.default_spec_id).is_none() {
            return Err(dangling("default-spec-id", "partition spec", self.default_spec_id.0));
        }
        if self.sort_order(self.default_sort_order_id).is_none() {
            return Err(dangling("default-sort-order-id", "sort order", self.default_sort_order_id.0));
        }
        if let Some(highest) = self.schemas.iter().map(|schema| schema.highest_user_id()).max()
            && highest > self.last_column_id
        {
            let reason = "last-column-id is at least every field id of the schemas";
            return Err(inconsistent(
                "last-column-id",
                reason,
                format!("{} below {highest}", self.last_column_id),
            ));
        }
        Ok(())
    }

    fn check_refs(&self) -> Result<(), MetadataError> {
        for (name, reference) in &self.refs {
            if !self.has_snapshot(reference.snapshot_id) {
                let key = format!("refs.{}", crate::error::excerpt(name));
                return Err(MetadataError::Dangling { key, what: "snapshot", id: reference.snapshot_id.0 });
            }
            if let Some((key, found)) = reference.illegal_retention() {
                let key = format!("refs.{}.{key}", crate::error::excerpt(name));
                return Err(inconsistent(key, "a retention setting is positive", found));
            }
        }
        if self.refs.get(MAIN_BRANCH).is_some_and(|main| !main.is_branch()) {
            return Err(inconsistent("refs.main", "main is a branch", "a tag"));
        }
        if let Some(current) = self.current_snapshot_id
            && !self.has_snapshot(current)
        {
            return Err(MetadataError::Dangling {
                key: "current-snapshot-id".to_owned(),
                what: "snapshot",
                id: current.0,
            });
        }
        if self.current_snapshot_id != self.main_id() {
            let show = |id: Option<_>| id.map_or_else(|| "none".to_owned(), |id: SnapshotId| id.to_string());
            let found = format!("{} and main at {}", show(self.current_snapshot_id), show(self.main_id()));
            return Err(inconsistent("current-snapshot-id", "it is the head of main", found));
        }
        Ok(())
    }
}

fn inconsistent(key: impl Into<String>, reason: &'static str, found: impl ToString) -> MetadataError {
    MetadataError::Inconsistent { key: key.into(), reason, found: found.to_string() }
}

fn dangling(key: &str, what: &'static str, id: i32) -> MetadataError {
    MetadataError::Dangling { key: key.to_owned(), what, id: id.into() }
}

fn check_unique(
    key: &'static str,
    what: &'static str,
    ids: impl Iterator<Item = i32>,
) -> Result<(), MetadataError> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(MetadataError::DuplicateId { key, what, id: id.into() });
        }
    }
    Ok(())
}
