//! Updates of snapshots and refs, and what they leave in the snapshot log.

use std::collections::HashSet;

use super::{Draft, refused};
use crate::SpecError;
use crate::id::SnapshotId;
use crate::metadata::history::not_found;
use crate::metadata::log::SnapshotLogEntry;
use crate::metadata::{FormatVersion, MetadataError};
use crate::snapshot::{Operation, Snapshot, summary_key};
use crate::snapshot_ref::{MAIN_BRANCH, SnapshotRef};

impl Draft {
    pub(super) fn add_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), MetadataError> {
        const NAME: &str = "AddSnapshot";
        let metadata = &mut self.metadata;
        let id = snapshot.id;
        if id.0 <= 0 {
            return Err(refused(NAME, "a snapshot id is positive", id));
        }
        if metadata.snapshots.contains(id) {
            return Err(MetadataError::AlreadyExists { what: "snapshot", name: id.to_string() });
        }
        if snapshot.parent_id == Some(id) {
            return Err(refused(NAME, "a snapshot is not its own parent", id));
        }
        if let Some(schema_id) = snapshot.schema_id
            && metadata.schema(schema_id).is_none()
        {
            return Err(not_found("schema", schema_id));
        }
        check_operation(snapshot, metadata.format_version)?;
        let number = snapshot.sequence_number;
        match metadata.format_version {
            FormatVersion::V1 if number.0 != 0 => {
                return Err(refused(NAME, "version 1 has no sequence numbers", number));
            }
            FormatVersion::V1 => {}
            FormatVersion::V2 | FormatVersion::V3 => {
                if number.0 <= 0 {
                    return Err(refused(NAME, "a sequence number is positive", number));
                }
                // A snapshot without parent may come from elsewhere with a number of its own.
                let last = metadata.last_sequence_number;
                if number <= last && snapshot.parent_id.is_some() {
                    return Err(MetadataError::StaleSequenceNumber { snapshot_id: id, found: number, last });
                }
                metadata.last_sequence_number = last.max(number);
                if snapshot.manifest_list().is_none() {
                    return Err(refused(NAME, "inline manifests need version 1", id));
                }
            }
        }
        if metadata.format_version >= FormatVersion::V3 {
            metadata.next_row_id = next_row_id(snapshot, metadata.next_row_id)?;
        } else if snapshot.first_row_id.is_some() || snapshot.added_rows.is_some() {
            return Err(refused(NAME, "row ids need format version 3", id));
        }
        metadata.last_updated_ms = metadata.last_updated_ms.max(snapshot.timestamp_ms);
        metadata.snapshots.push(snapshot.clone());
        self.added_snapshots.insert(id);
        Ok(())
    }

    pub(super) fn set_ref(&mut self, name: &str, reference: &SnapshotRef) -> Result<(), SpecError> {
        const NAME: &str = "SetSnapshotRef";
        let metadata = &mut self.metadata;
        let id = reference.snapshot_id;
        if !metadata.snapshots.contains(id) {
            return Err(not_found("snapshot", id).into());
        }
        if name.is_empty() {
            return Err(refused(NAME, "a ref has a name", name).into());
        }
        if let Some((key, found)) = reference.illegal_retention() {
            return Err(refused(NAME, "a retention setting is positive", format!("{key} {found}")).into());
        }
        if name == MAIN_BRANCH && !reference.is_branch() {
            return Err(refused(NAME, "main is a branch", "a tag").into());
        }
        let existing = metadata.refs.get(name);
        if existing.is_some_and(|existing| existing.is_branch() != reference.is_branch()) {
            return Err(refused(NAME, "a branch cannot become a tag, nor a tag a branch", name).into());
        }
        let moved = existing.is_none_or(|existing| existing.snapshot_id != id);
        metadata.refs.insert(name.to_owned(), reference.clone());
        if name != MAIN_BRANCH || !moved {
            return Ok(());
        }
        if let Some(left) = metadata.current_snapshot_id.filter(|left| self.added_snapshots.contains(left)) {
            self.passed_through.insert(left);
        }
        self.passed_through.remove(&id);
        metadata.current_snapshot_id = Some(id);
        // A new snapshot counts from its own time, a return to an old one from now.
        let timestamp_ms = match metadata.snapshots.by_id(id)? {
            Some(snapshot) if self.added_snapshots.contains(&id) => snapshot.timestamp_ms,
            _ => metadata.last_updated_ms,
        };
        // Clocks differ, but a log that goes back would make time travel skip what lies between.
        let last_ms = metadata.snapshot_log.last().map_or(timestamp_ms, |entry| entry.timestamp_ms);
        metadata.snapshot_log.push(SnapshotLogEntry::new(id, timestamp_ms.max(last_ms)));
        Ok(())
    }

    pub(super) fn remove_ref(&mut self, name: &str) {
        if self.metadata.refs.remove(name).is_some() && name == MAIN_BRANCH {
            self.metadata.current_snapshot_id = None;
            self.metadata.snapshot_log.clear();
        }
    }

    pub(super) fn remove_snapshots(&mut self, ids: &[SnapshotId]) {
        let ids: HashSet<SnapshotId> = ids.iter().copied().collect();
        let metadata = &mut self.metadata;
        metadata.snapshots.remove(&ids);
        metadata.statistics.retain(|file| !ids.contains(&file.snapshot_id));
        metadata.partition_statistics.retain(|file| !ids.contains(&file.snapshot_id));
        let orphaned = metadata.refs.iter().filter(|(_, reference)| ids.contains(&reference.snapshot_id));
        let orphaned: Vec<String> = orphaned.map(|(name, _)| name.clone()).collect();
        for name in orphaned {
            self.remove_ref(&name);
        }
        self.snapshots_removed = true;
    }

    /// Drops what `main` only passed through, and everything up to the newest entry whose snapshot was removed: with a
    /// gap, time travel would answer with a snapshot that was not the current one.
    pub(super) fn settle_snapshot_log(&mut self) {
        if !self.snapshots_removed && self.passed_through.is_empty() {
            return;
        }
        let metadata = &mut self.metadata;
        if self.snapshots_removed {
            let gone = |entry: &SnapshotLogEntry| !metadata.snapshots.contains(entry.snapshot_id);
            if let Some(newest_gone) = metadata.snapshot_log.iter().rposition(gone) {
                metadata.snapshot_log.drain(..=newest_gone);
            }
        }
        metadata.snapshot_log.retain(|entry| !self.passed_through.contains(&entry.snapshot_id));
    }
}

fn check_operation(snapshot: &Snapshot, format_version: FormatVersion) -> Result<(), MetadataError> {
    const NAME: &str = "AddSnapshot";
    match snapshot.summary.operation() {
        None if format_version > FormatVersion::V1 => {
            Err(refused(NAME, "the summary needs an operation", snapshot.id))
        }
        Some(Operation::Replace) => {
            let added = snapshot.summary.count(summary_key::ADDED_RECORDS).unwrap_or(0);
            let deleted = snapshot.summary.count(summary_key::DELETED_RECORDS).unwrap_or(0);
            if added > deleted {
                let found = format!("{added} added and {deleted} deleted");
                return Err(refused(NAME, "a replace does not add rows", found));
            }
            Ok(())
        }
        None | Some(_) => Ok(()),
    }
}

fn next_row_id(snapshot: &Snapshot, next: i64) -> Result<i64, MetadataError> {
    const NAME: &str = "AddSnapshot";
    let (Some(first), Some(added)) = (snapshot.first_row_id, snapshot.added_rows) else {
        return Err(refused(NAME, "version 3 needs first-row-id and added-rows", snapshot.id));
    };
    if first < next {
        return Err(MetadataError::StaleFirstRowId { snapshot_id: snapshot.id, found: first, next });
    }
    let end = first.checked_add(added).filter(|_| added >= 0);
    end.ok_or_else(|| refused(NAME, "row ids run out, or added-rows is negative", added))
}
