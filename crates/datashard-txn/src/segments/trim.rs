//! [`TrimHistory`]: expires what history segments hold.

use std::collections::BTreeMap;

use datashard_spec::metadata::TableUpdate;
use datashard_spec::property::table;

use super::file::SegmentFile;
use super::index::{HISTORY, Segment, SegmentIndex};
use super::plan::{damaged, describe, read_of};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::read::Read;
use crate::refusal::Refusal;

const NAME: &str = "trim history";

/// Expires snapshots whose records were moved into history segments and that were made before some time. What only they refer to goes with
/// the next sweep. With the last segment goes the `gc.enabled=false` that was set because of them.
///
/// # Examples
/// ```
/// use datashard_txn::segments::TrimHistory;
///
/// let trim = TrimHistory::before(1_700_000_000_000);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct TrimHistory {
    before_ms: i64,
}

impl TrimHistory {
    /// Expires moved snapshots from before this time, in ms since 1970-01-01 UTC.
    pub fn before(before_ms: i64) -> Self {
        Self { before_ms }
    }

    fn index(base: &Base) -> Result<SegmentIndex, Refusal> {
        SegmentIndex::of_properties(base.metadata.properties()).map_err(|reason| damaged(base, reason))
    }

    /// Segments are looked into as long as they may hold something that goes: records are in order of time, but for clocks that were wrong.
    fn may_hold_older(&self, segment: &Segment) -> bool {
        segment.first_log_ms.is_none_or(|first_ms| first_ms < self.before_ms)
    }
}

impl Operation for TrimHistory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        [NAME.as_bytes(), &self.before_ms.to_le_bytes()].concat()
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let index = Self::index(base)?;
        let wanted = index.segments.iter().filter(|segment| self.may_hold_older(segment));
        wanted.map(|segment| read_of(segment, base, inputs)).collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let index = Self::index(base.ok_or(Refusal::NoTable)?)?;
        if index.segments.iter().any(|segment| self.may_hold_older(segment)) {
            return Ok(());
        }
        Err(Refusal::Rejected { operation: NAME, reason: "no moved snapshot is that old".to_owned() })
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = base.ok_or(Refusal::NoTable)?;
        let mut index = Self::index(base)?;
        let mut left = Vec::new();
        let mut files = Vec::new();
        for segment in std::mem::take(&mut index.segments) {
            if !self.may_hold_older(&segment) {
                left.push(segment);
                continue;
            }
            let path = segment.path().map_err(|reason| damaged(base, reason))?.to_string();
            let bytes = inputs.loaded.bytes(&read_of(&segment, base, inputs)?);
            let bytes = bytes.ok_or_else(|| damaged(base, format!("`{path}` was not read")))?;
            let mut file = SegmentFile::read(bytes).map_err(|reason| Refusal::Corrupt { path, reason })?;
            let all = file.records.len();
            file.records.retain(|record| record.snapshot.timestamp_ms >= self.before_ms);
            if file.records.len() == all {
                left.push(segment);
                continue;
            }
            file.log.retain(|entry| entry.at_ms >= self.before_ms);
            let rejected = |reason: String| Refusal::Rejected { operation: NAME, reason };
            let bytes = file.write().map_err(rejected)?;
            // One without snapshots is none.
            if let Some(mut trimmed) = describe(&file, &bytes, inputs) {
                // Several may be rewritten by one commit.
                trimmed.file_name =
                    trimmed.file_name.replace(".json.zst", &format!("-{}.json.zst", files.len()));
                files.push((trimmed.path().map_err(rejected)?, bytes));
                left.push(trimmed);
            }
        }
        index.segments = left;
        let mut updates = BTreeMap::new();
        let mut removals = Vec::new();
        if index.is_empty() {
            removals.push(HISTORY.to_owned());
            let is_off =
                base.metadata.properties().get(table::GC_ENABLED.key).is_some_and(|value| value == "false");
            if index.turned_gc_off && is_off {
                removals.push(table::GC_ENABLED.key.to_owned());
            }
        } else {
            updates.insert(HISTORY.to_owned(), index.to_text());
        }
        let mut changes = Vec::new();
        if !updates.is_empty() {
            changes.push(TableUpdate::SetProperties { updates });
        }
        if !removals.is_empty() {
            changes.push(TableUpdate::RemoveProperties { removals });
        }
        Ok(Produced { files, ..Produced::new(Content::Updates(changes)) })
    }
}
