//! Whether a snapshot is part of a branch's history already: in the metadata, and beyond it in history segments.

use std::collections::BTreeMap;

use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot::{Snapshot, summary_key};

use super::{NAME, Progress};
use crate::action::excerpt;
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::refusal::Refusal;
use crate::segments::{SegmentFile, SegmentIndex, damaged, read_of};

/// How a snapshot is part of the history, if it is.
///
/// Segments are read where the history goes on in them and is younger there than the snapshot.
///
/// # Errors
/// `Corrupt` if a segment or the index of segments is damaged; a `HistoryLost` conflict if a part of the history has expired that is younger
/// than the snapshot, so that it cannot be told.
pub(super) fn published(
    source: &Snapshot,
    head: Option<SnapshotId>,
    base: &Base,
    inputs: &Inputs<'_>,
) -> Result<Progress<Option<String>>, Refusal> {
    let of_base = |reason: String| damaged(base, reason);
    let age = |snapshot: &Snapshot| (snapshot.sequence_number, snapshot.timestamp_ms);
    let mut at = None;
    for snapshot in head.into_iter().flat_map(|head| base.metadata.ancestors(head)) {
        let snapshot = snapshot.map_err(|e| of_base(e.to_string()))?;
        if let Some(how) = is_of(source, snapshot) {
            return Ok(Progress::Done(Some(how)));
        }
        let is_younger = age(snapshot) >= age(source);
        at = snapshot.parent_id.filter(|parent| is_younger && !base.metadata.has_snapshot(*parent));
    }
    if source.parent_id == head {
        return Ok(Progress::Done(None));
    }
    if at.is_none() {
        return Ok(Progress::Done(None));
    }
    let index = SegmentIndex::of_properties(base.metadata.properties()).map_err(of_base)?;
    let younger = index.segments.iter().filter(|one| one.last_sequence_number >= source.sequence_number.0);
    let mut moved: BTreeMap<SnapshotId, Snapshot> = BTreeMap::new();
    let mut wanted = Vec::new();
    for segment in younger {
        let read = read_of(segment, base, inputs)?;
        let Some(bytes) = inputs.loaded.bytes(&read) else {
            wanted.push(read);
            continue;
        };
        let path = read.location().to_owned();
        let file = SegmentFile::read(bytes).map_err(|reason| Refusal::Corrupt { path, reason })?;
        moved.extend(file.records.into_iter().map(|record| (record.snapshot.id, record.snapshot)));
    }
    if !wanted.is_empty() {
        return Ok(Progress::Wanted(wanted));
    }
    while let Some(id) = at {
        // What was staged and published stays listed, whatever was moved around it.
        let listed = base.metadata.snapshot(id).map_err(|e| of_base(e.to_string()))?;
        // Each is taken once: damaged parents may go round in circles.
        let Some(snapshot) = moved.remove(&id).or_else(|| listed.cloned()) else {
            let reason = format!(
                "whether snapshot {} was published before cannot be told: snapshot {id} of the history has expired",
                source.id
            );
            return Err(Conflict::new(NAME, ConflictKind::HistoryLost, reason).into());
        };
        if let Some(how) = is_of(source, &snapshot) {
            return Ok(Progress::Done(Some(how)));
        }
        at = snapshot
            .parent_id
            .filter(|parent| *parent != id && snapshot.sequence_number >= source.sequence_number);
    }
    Ok(Progress::Done(None))
}

/// How a snapshot of the history comes from the source, if it does.
fn is_of(source: &Snapshot, snapshot: &Snapshot) -> Option<String> {
    if snapshot.id == source.id {
        return Some("is in the history".to_owned());
    }
    if snapshot.summary.count(summary_key::SOURCE_SNAPSHOT_ID) == Some(source.id.0) {
        return Some(format!("was picked as snapshot {}, which is in the history", snapshot.id));
    }
    let wap_id = source.summary.get(summary_key::WAP_ID)?;
    let published = [summary_key::WAP_ID, summary_key::PUBLISHED_WAP_ID].map(|key| snapshot.summary.get(key));
    published.contains(&Some(wap_id)).then(|| {
        let wap_id = excerpt(wap_id);
        format!("has the wap.id `{wap_id}`, which snapshot {} published in the history", snapshot.id)
    })
}
