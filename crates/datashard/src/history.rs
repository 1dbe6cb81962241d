//! Snapshots of a table: those it lists, and those in history segments.

use datashard_io::head::metadata_path;
use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot::Snapshot;
use datashard_txn::action::RollbackTo;
use datashard_txn::{Base, Committed};

use crate::error::Error;
use crate::table::Table;

impl Table {
    /// The snapshots that the newest version lists, in its order. Older ones, in history segments, are found by id and by time.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh); `Corrupt` if one is malformed.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        let base = self.refresh().await?;
        let snapshots = base.metadata.snapshots().map(|snapshot| snapshot.cloned());
        snapshots.collect::<Result<_, _>>().map_err(|source| Error::corrupt(file_of(&base), source))
    }

    /// The snapshot that is current; `None` before the first append.
    ///
    /// # Errors
    /// As [`snapshots`](Self::snapshots); also if the metadata names one that it does not have: such a table is damaged, not empty.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn current_snapshot(&self) -> Result<Option<Snapshot>, Error> {
        let base = self.refresh().await?;
        let current = base.metadata.current_snapshot();
        Ok(current.map_err(|source| Error::corrupt(file_of(&base), source))?.cloned())
    }

    /// The snapshot that was current at a time, in ms since 1970-01-01 UTC.
    ///
    /// # Errors
    /// `NoSnapshot` if there was none then, or it has expired; as [`refresh`](Self::refresh).
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn snapshot_at(&self, time_ms: i64) -> Result<Snapshot, Error> {
        let base = self.refresh().await?;
        at(self, &base, time_ms).await
    }

    /// Takes `main` back to one of its earlier snapshots. What came since stays in the history.
    ///
    /// # Errors
    /// `InvalidInput` if the snapshot is not in the history of `main`; as committing.
    ///
    /// # Cancel safety
    /// It takes place or not.
    pub async fn rollback_to(&self, snapshot_id: SnapshotId) -> Result<Committed, Error> {
        Ok(self.committer().commit(RollbackTo::snapshot(snapshot_id), None).await?)
    }
}

pub(crate) async fn at(table: &Table, base: &Base, time_ms: i64) -> Result<Snapshot, Error> {
    let found = table.committer().find_snapshot_at(base, time_ms).await?;
    let found = found.ok_or_else(|| Error::NoSnapshot { what: format!("snapshot as of {time_ms} ms") })?;
    Ok(found.snapshot)
}

pub(crate) fn file_of(base: &Base) -> String {
    metadata_path(base.version).map_or_else(|_| "metadata".to_owned(), |path| path.to_string())
}
