//! [`Moves`]: what a commit moves into history segments, and which of them it merges.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_io::head::metadata_path;
use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_spec::property::{TableProperties, datashard, table};
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::file::{LogEntry, Record, SegmentFile};
use super::index::{FOLDER, HISTORY, Segment, SegmentIndex};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::read::Read;
use crate::refusal::Refusal;
use crate::rules::Mutation;

const NAME: &str = "move snapshots into history segments";

/// So many segments of a size become one.
const FAN_IN: usize = 8;

/// A segment does not grow beyond so many snapshots by merging.
const MOST_SNAPSHOTS: u64 = 16_384;

/// The snapshot is part of no branch until it is published: it is not history yet.
const STAGED: &str = "wap.id";

/// What a commit on some base moves.
#[derive(Debug)]
pub(crate) struct Moves {
    keep: usize,
    index: SegmentIndex,
    /// How many of the newest segments become one with what is moved.
    merged: usize,
}

impl Moves {
    /// What is due on this base; `None` if nothing is.
    ///
    /// # Errors
    /// `Corrupt` if the index of segments or a snapshot is damaged.
    pub(crate) fn due(base: &Base) -> Result<Option<Self>, Refusal> {
        let metadata = &base.metadata;
        let properties = TableProperties::new(metadata.properties());
        let keep = properties.value(&datashard::HISTORY_KEEP_SNAPSHOTS);
        // Who asks for a number of snapshots to be retained asks for the others to be expired.
        let expires = properties.value(&datashard::SNAPSHOT_RETENTION_COUNT).is_some();
        let Some(keep) = keep.filter(|_| !expires) else { return Ok(None) };
        let keep = usize::try_from(keep.max(1)).unwrap_or(usize::MAX);
        let batch = (keep / 4).max(1);
        if metadata.snapshot_count() < keep.saturating_add(batch) {
            return Ok(None);
        }
        let damaged = |reason: String| damaged(base, reason);
        let moved = movable(metadata, keep).map_err(damaged)?.len();
        if moved < batch {
            return Ok(None);
        }
        let index = SegmentIndex::of_properties(metadata.properties()).map_err(damaged)?;
        let merged = merged(&index.segments, u64::try_from(moved).unwrap_or(u64::MAX));
        Ok(Some(Self { keep, index, merged }))
    }

    /// The segments that have to be read.
    ///
    /// # Errors
    /// `Corrupt` if the index names something else.
    pub(crate) fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let merged = self.merged().iter();
        merged.map(|segment| read_of(segment, base, inputs)).collect()
    }

    /// Moves what is due, after the commit's own changes. Gives the metadata without it, and the segment's file; `None` if the changes left
    /// nothing to move.
    ///
    /// # Errors
    /// `Corrupt` if a segment is damaged.
    pub(crate) fn apply(
        &self,
        changed: &TableMetadata,
        base: &Base,
        inputs: &Inputs<'_>,
    ) -> Result<Option<(TableMetadata, TablePath, Bytes)>, Refusal> {
        let of_base = |reason: String| damaged(base, reason);
        let index = |table: &TableMetadata| table.properties().get(HISTORY).cloned();
        if index(changed) != index(&base.metadata) {
            // The operation changes which segments there are. What is due is moved by the next one.
            return Ok(None);
        }
        let snapshot_ids = movable(changed, self.keep).map_err(of_base)?;
        if snapshot_ids.is_empty() {
            return Ok(None);
        }
        let mut records = Vec::with_capacity(snapshot_ids.len());
        for id in &snapshot_ids {
            let json = changed.snapshot_json(*id).unwrap_or_default();
            records.push(Record::parse(&json).map_err(|e| of_base(format!("snapshot {id}: {e}")))?);
        }
        let context = ApplyContext::new(inputs.now_ms);
        let rejected =
            |e: datashard_spec::SpecError| Refusal::Rejected { operation: NAME, reason: e.to_string() };
        let removal = TableUpdate::RemoveSnapshots { snapshot_ids };
        let without = changed.apply(&[removal], &context).map_err(rejected)?;
        // Removals take the log's beginning along.
        let gone = changed.snapshot_log().len().saturating_sub(without.snapshot_log().len());
        let log = changed.snapshot_log().iter().take(gone);
        let mut log: Vec<LogEntry> =
            log.map(|entry| LogEntry::new(entry.timestamp_ms, entry.snapshot_id)).collect();
        if !log.is_empty() {
            log.extend(without.snapshot_log().first().map(|next| LogEntry::end(next.timestamp_ms)));
        }

        let mut parts = Vec::new();
        for segment in self.merged() {
            let bytes = inputs.loaded.bytes(&read_of(segment, base, inputs)?);
            let path = segment.path().map_err(of_base)?.to_string();
            let bytes = bytes.ok_or_else(|| of_base(format!("`{path}` was not read")))?;
            parts.push(SegmentFile::read(bytes).map_err(|reason| Refusal::Corrupt { path, reason })?);
        }
        parts.push(SegmentFile { records, log });
        let file = SegmentFile::join(parts);
        let unwritten = |reason: String| Refusal::Rejected { operation: NAME, reason };
        let bytes = file.write().map_err(unwritten)?;
        let segment =
            describe(&file, &bytes, inputs).ok_or_else(|| of_base("no snapshot is moved".to_owned()))?;
        let path = segment.path().map_err(unwritten)?;

        let mut index = self.index.clone();
        index.segments.truncate(index.segments.len().saturating_sub(self.merged));
        if !inputs.rules.upholds(Mutation::DropSegment) {
            index.segments.clear();
        }
        index.segments.push(segment);
        let mut updates = BTreeMap::new();
        let gc_enabled = changed.properties().get(table::GC_ENABLED.key);
        if gc_enabled.is_none_or(|value| value == "true") {
            updates.insert(table::GC_ENABLED.key.to_owned(), "false".to_owned());
            index.turned_gc_off = true;
        }
        updates.insert(HISTORY.to_owned(), index.to_text());
        let moved = without.apply(&[TableUpdate::SetProperties { updates }], &context).map_err(rejected)?;
        Ok(Some((moved, path, bytes)))
    }

    fn merged(&self) -> &[Segment] {
        let from = self.index.segments.len().saturating_sub(self.merged);
        self.index.segments.get(from..).unwrap_or_default()
    }
}

/// Snapshots that are old enough to move, in the order of the metadata.
///
/// What stays are the newest of each branch, what branches and tags name, what is staged, and what is newer than the oldest that stays of `main`.
fn movable(metadata: &TableMetadata, keep: usize) -> Result<Vec<SnapshotId>, String> {
    let mut kept = BTreeSet::new();
    let mut oldest = None;
    for (name, reference) in metadata.refs() {
        kept.insert(reference.snapshot_id);
        if reference.is_branch() {
            for snapshot in metadata.ancestors(reference.snapshot_id).take(keep) {
                let snapshot = snapshot.map_err(|e| e.to_string())?;
                kept.insert(snapshot.id);
                if name == MAIN_BRANCH {
                    oldest = Some((snapshot.sequence_number, snapshot.timestamp_ms));
                }
            }
        }
    }
    let Some(oldest) = oldest else { return Ok(Vec::new()) };
    // What is staged is no history until it is published, by becoming the current snapshot: then the log has it.
    let published: BTreeSet<SnapshotId> =
        metadata.snapshot_log().iter().map(|entry| entry.snapshot_id).collect();
    let mut moved = Vec::new();
    for snapshot in metadata.snapshots() {
        let snapshot = snapshot.map_err(|e| e.to_string())?;
        let is_old = (snapshot.sequence_number, snapshot.timestamp_ms) < oldest;
        let is_staged = snapshot.summary.get(STAGED).is_some() && !published.contains(&snapshot.id);
        if is_old && !kept.contains(&snapshot.id) && !is_staged {
            moved.push(snapshot.id);
        }
    }
    Ok(moved)
}

/// How many of the newest segments become one with a new one of so many snapshots: there are never eight of a size, as far as a segment may
/// grow.
fn merged(segments: &[Segment], new: u64) -> usize {
    let class = |snapshots: u64| snapshots.max(1).ilog(8);
    let (mut merged, mut sum) = (0, new);
    for size in 0..=class(MOST_SNAPSHOTS) {
        // All of the newest that are of this size or smaller.
        let rest = segments.len().saturating_sub(merged);
        let before = segments.get(..rest).unwrap_or_default();
        let run: Vec<u64> = before
            .iter()
            .rev()
            .map(|segment| segment.snapshots)
            .take_while(|count| class(*count) <= size)
            .collect();
        let count = run.iter().chain([&sum]).filter(|count| class(**count) == size).count();
        let total = run.iter().fold(sum, |sum, count| sum.saturating_add(*count));
        if count >= FAN_IN && total <= MOST_SNAPSHOTS {
            merged = merged.saturating_add(run.len());
            sum = total;
        }
    }
    merged
}

pub(super) fn describe(file: &SegmentFile, bytes: &Bytes, inputs: &Inputs<'_>) -> Option<Segment> {
    let numbers = || file.records.iter().map(Record::sequence_number);
    let (first, last) = (numbers().min()?, numbers().max()?);
    let file_name =
        format!("e{}-{first}-{last}-{}-{}.json.zst", inputs.epoch, inputs.operation_id, inputs.attempt);
    Some(Segment {
        file_name,
        snapshots: u64::try_from(file.records.len()).ok()?,
        first_sequence_number: first,
        last_sequence_number: last,
        first_log_ms: file.log.first().map(|entry| entry.at_ms),
        last_log_ms: file.log.last().map(|entry| entry.at_ms),
        size_bytes: u64::try_from(bytes.len()).ok()?,
    })
}

pub(crate) fn read_of(segment: &Segment, base: &Base, inputs: &Inputs<'_>) -> Result<Read, Refusal> {
    let path = segment.path().map_err(|reason| damaged(base, reason))?;
    Ok(Read::File { location: inputs.location.file(&path) })
}

pub(crate) fn damaged(base: &Base, reason: String) -> Refusal {
    let path = metadata_path(base.version).map_or_else(|e| e.to_string(), |path| path.to_string());
    Refusal::Corrupt { path, reason }
}

/// Where segments are, for sweeps.
pub(crate) fn is_segment(path: &TablePath) -> bool {
    path.folder() == FOLDER && path.name().ends_with(".json.zst")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(sizes: &[u64]) -> Vec<Segment> {
        let of = |snapshots: &u64| Segment {
            file_name: "a.json.zst".to_owned(),
            snapshots: *snapshots,
            first_sequence_number: 1,
            last_sequence_number: 1,
            first_log_ms: None,
            last_log_ms: None,
            size_bytes: 1,
        };
        sizes.iter().map(of).collect()
    }

    #[test]
    fn eight_of_a_size_become_one_and_that_may_be_the_eighth_of_the_next() {
        assert_eq!(merged(&segments(&[25; 6]), 25), 0);
        assert_eq!(merged(&segments(&[25; 7]), 25), 7);
        assert_eq!(merged(&segments(&[200, 200, 25, 25, 25, 25, 25, 25, 25]), 25), 7);
        let mut sizes = vec![200; 7];
        sizes.extend([25; 7]);
        assert_eq!(merged(&segments(&sizes), 25), 14);
        assert_eq!(merged(&segments(&[16_000; 9]), 25), 0, "they are large enough");
        assert_eq!(merged(&segments(&[25, 1, 1, 1, 1, 1, 1, 1]), 1), 7);
    }

    #[test]
    fn a_hundred_thousand_commits_leave_few_segments_and_rewrite_each_record_a_few_times() {
        let (mut sizes, mut written) = (Vec::new(), 0_u64);
        for _ in 0..4_000 {
            let count = merged(&segments(&sizes), 25);
            let sum = sizes.drain(sizes.len() - count..).sum::<u64>() + 25;
            written += sum;
            sizes.push(sum);
        }
        assert_eq!(sizes.iter().sum::<u64>(), 100_000);
        assert!(sizes.len() < 40, "{sizes:?}");
        assert!(written < 5 * 100_000, "{written} records written");
    }
}
