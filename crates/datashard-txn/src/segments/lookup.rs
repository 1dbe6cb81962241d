//! Snapshots by id and by time, through history segments.

use datashard_io::StoreError;
use datashard_io::head::{METADATA_LIMIT_BYTES, metadata_path};
use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot::Snapshot;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::file::SegmentFile;
use super::index::{Segment, SegmentIndex};
use crate::base::Base;
use crate::core::Core;
use crate::error::CommitError;
use crate::handle::Committer;

/// Segments read at the same time.
const PARALLEL: usize = 8;

/// A snapshot of the table's history.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PastSnapshot {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether its record was moved into a history segment: only this library finds it.
    pub is_moved: bool,
}

impl Committer {
    /// A snapshot by its id, wherever its record is. `None` if it was never there, or has expired.
    ///
    /// Nothing is read if the base lists it; else segments, newest first.
    ///
    /// # Errors
    /// `Corrupt` if the index of segments or a segment is damaged; `Storage`.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn find_snapshot(
        &self,
        base: &Base,
        id: SnapshotId,
    ) -> Result<Option<PastSnapshot>, CommitError> {
        let path = metadata_path(base.version)?;
        if let Some(snapshot) = base.metadata.snapshot(id).map_err(|e| CommitError::corrupt(&path, e))? {
            return Ok(Some(PastSnapshot { snapshot: snapshot.clone(), is_moved: false }));
        }
        let core = self.core();
        let segments = core.segments(base)?;
        let mut files = stream::iter(segments.into_iter().rev())
            .map(async |segment| core.read_segment(&segment).await)
            .buffered(PARALLEL);
        while let Some(file) = files.try_next().await? {
            if let Some(record) = file.records.into_iter().find(|record| record.snapshot.id == id) {
                return Ok(Some(PastSnapshot { snapshot: record.snapshot, is_moved: true }));
            }
        }
        Ok(None)
    }

    /// The snapshot that was current at a time, in ms since 1970-01-01 UTC, as the snapshot log tells. `None` if the log begins later, or
    /// what was current then has expired.
    ///
    /// Nothing is read if the base's log reaches back that far; else one segment, or a few where the snapshot is older than the log's
    /// entry, as after a rollback.
    ///
    /// # Errors
    /// As [`find_snapshot`](Self::find_snapshot).
    ///
    /// # Cancel safety
    /// Nothing is written.
    ///
    /// # Spec
    /// "Point in Time Reads (Time Travel)".
    pub async fn find_snapshot_at(
        &self,
        base: &Base,
        at_ms: i64,
    ) -> Result<Option<PastSnapshot>, CommitError> {
        let own = base.metadata.snapshot_log().iter().rev().find(|entry| entry.timestamp_ms <= at_ms);
        if let Some(entry) = own {
            return self.find_snapshot(base, entry.snapshot_id).await;
        }
        let core = self.core();
        let segments = core.segments(base)?;
        let holds = |segment: &&Segment| segment.first_log_ms.is_some_and(|first_ms| first_ms <= at_ms);
        // Logs of segments follow each other, so the newest one that begins early enough has the entry.
        let Some(segment) = segments.iter().rev().find(holds) else { return Ok(None) };
        let file = core.read_segment(segment).await?;
        let Some(entry) = file.log.iter().rev().find(|entry| entry.at_ms <= at_ms) else { return Ok(None) };
        // What came next has expired, and with it the entry that would tell.
        let Some(id) = entry.snapshot_id() else { return Ok(None) };
        match file.records.into_iter().find(|record| record.snapshot.id == id) {
            Some(record) => Ok(Some(PastSnapshot { snapshot: record.snapshot, is_moved: true })),
            None => self.find_snapshot(base, id).await,
        }
    }

    /// All snapshots whose records were moved into history segments, oldest first. Those of the newest segments are not among the base's.
    ///
    /// # Errors
    /// As [`find_snapshot`](Self::find_snapshot).
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn moved_snapshots(&self, base: &Base) -> Result<Vec<Snapshot>, CommitError> {
        let core = self.core();
        let segments = core.segments(base)?;
        let mut files =
            stream::iter(segments).map(async |segment| core.read_segment(&segment).await).buffered(PARALLEL);
        let mut snapshots = Vec::new();
        while let Some(file) = files.try_next().await? {
            snapshots.extend(file.records.into_iter().map(|record| record.snapshot));
        }
        Ok(snapshots)
    }
}

impl Core {
    /// The segments of a version, oldest first.
    pub(crate) fn segments(&self, base: &Base) -> Result<Vec<Segment>, CommitError> {
        let index = SegmentIndex::of_properties(base.metadata.properties());
        Ok(index.map_err(|reason| corrupt_index(base, reason))?.segments)
    }

    pub(crate) async fn read_segment(&self, segment: &Segment) -> Result<SegmentFile, CommitError> {
        let path = segment.path().map_err(CommitError::rejected)?;
        let bytes = match self.store.read(&path, METADATA_LIMIT_BYTES).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => {
                return Err(CommitError::corrupt(
                    &path,
                    "the table's history names it and it does not exist",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        SegmentFile::read(&bytes).map_err(|reason| CommitError::corrupt(&path, reason))
    }
}

pub(crate) fn corrupt_index(base: &Base, reason: String) -> CommitError {
    match metadata_path(base.version) {
        Ok(path) => CommitError::corrupt(&path, reason),
        Err(error) => error.into(),
    }
}
