//! What snapshots refer to: the files that no sweep touches.
//!
//! Every manifest list and manifest is read whole. One that cannot be read ends the sweep: what it refers to is not known.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use datashard_io::head::{METADATA_LIMIT_BYTES, metadata_path};
use datashard_io::{StoreError, TablePath};
use datashard_spec::avro::{ManifestListReader, ManifestPlanner};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::base::Base;
use crate::core::Core;
use crate::error::CommitError;
use crate::segments::{SegmentFile, corrupt_index};

/// Requests sent at the same time.
const PARALLEL: usize = 8;

/// Files that are referred to.
///
/// Of data files only a hash is kept, eight bytes for each: two that share one are both kept, which does no harm.
#[derive(Debug, Default)]
pub(super) struct Referenced {
    content: HashSet<u64>,
    metadata: BTreeSet<TablePath>,
}

impl Referenced {
    pub(super) fn contains(&self, path: &TablePath) -> bool {
        self.metadata.contains(path) || self.content.contains(&hash(path))
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.metadata.len().saturating_add(self.content.len())
    }
}

fn hash(path: &TablePath) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// Whether a file may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No: the table is damaged.
    Corrupt,
    /// Yes: it is of a version that is not the newest, and may have been collected.
    Collected,
}

impl Core {
    /// Adds what a version refers to.
    pub(super) async fn add_roots(
        &self,
        base: &Base,
        missing: Missing,
        into: &mut Referenced,
    ) -> Result<(), CommitError> {
        let of_version = metadata_path(base.version)?;
        let location = self.store.location();
        let mut lists = Vec::new();
        for snapshot in base.metadata.snapshots() {
            let snapshot = snapshot.map_err(|e| CommitError::corrupt(&of_version, e))?;
            let Some(list) = snapshot.manifest_list() else {
                return Err(CommitError::unsupported(format!(
                    "snapshot {} names its manifests without a manifest list",
                    snapshot.id
                )));
            };
            let list = location.relative(list).map_err(|e| CommitError::corrupt(&of_version, e))?;
            if into.metadata.insert(list.clone()) {
                lists.push(list);
            }
        }
        let statistics = base.metadata.statistics().iter().map(|file| &file.path);
        let partition_statistics = base.metadata.partition_statistics().iter().map(|file| &file.path);
        for file in statistics.chain(partition_statistics) {
            into.metadata.insert(location.relative(file).map_err(|e| CommitError::corrupt(&of_version, e))?);
        }
        self.add_lists(lists, missing, into).await?;
        self.add_segments(base, missing, into).await
    }

    /// Adds the history segments of a version and what their snapshots refer to, segment by segment.
    async fn add_segments(
        &self,
        base: &Base,
        missing: Missing,
        into: &mut Referenced,
    ) -> Result<(), CommitError> {
        for segment in self.segments(base)? {
            let path = segment.path().map_err(|reason| corrupt_index(base, reason))?;
            if !into.metadata.insert(path.clone()) {
                continue;
            }
            let (_, Some(bytes)) = self.read_root(path.clone(), missing).await? else { continue };
            let file = SegmentFile::read(&bytes).map_err(|reason| CommitError::corrupt(&path, reason))?;
            let mut lists = Vec::new();
            for record in file.records {
                let id = record.snapshot.id;
                let list = record.snapshot.manifest_list().ok_or_else(|| {
                    CommitError::unsupported(format!(
                        "snapshot {id} names its manifests without a manifest list"
                    ))
                })?;
                let list =
                    self.store.location().relative(list).map_err(|e| CommitError::corrupt(&path, e))?;
                if into.metadata.insert(list.clone()) {
                    lists.push(list);
                }
            }
            self.add_lists(lists, missing, into).await?;
        }
        Ok(())
    }

    /// Adds what manifest lists refer to.
    pub(super) async fn add_lists(
        &self,
        lists: Vec<TablePath>,
        missing: Missing,
        into: &mut Referenced,
    ) -> Result<(), CommitError> {
        let mut manifests = Vec::new();
        let mut reading =
            stream::iter(lists).map(|list| self.read_root(list, missing)).buffer_unordered(PARALLEL);
        while let Some((list, bytes)) = reading.try_next().await? {
            let Some(bytes) = bytes else { continue };
            for row in ManifestListReader::new(&bytes).map_err(|e| CommitError::corrupt(&list, e))? {
                let row = row.map_err(|e| CommitError::corrupt(&list, e))?;
                let manifest = self.store.location().relative(&row.manifest_path);
                let manifest = manifest.map_err(|e| CommitError::corrupt(&list, e))?;
                if into.metadata.insert(manifest.clone()) {
                    manifests.push(manifest);
                }
            }
        }
        drop(reading);
        let mut reading = stream::iter(manifests)
            .map(|manifest| self.read_root(manifest, missing))
            .buffer_unordered(PARALLEL);
        while let Some((manifest, bytes)) = reading.try_next().await? {
            let Some(bytes) = bytes else { continue };
            self.add_entries(&manifest, &bytes, into)?;
        }
        Ok(())
    }

    fn add_entries(
        &self,
        manifest: &TablePath,
        bytes: &Bytes,
        into: &mut Referenced,
    ) -> Result<(), CommitError> {
        let damaged = |e: datashard_spec::SpecError| CommitError::corrupt(manifest, e);
        let mut entries = ManifestPlanner::new(bytes, &[]).map_err(damaged)?;
        while let Some(entry) = entries.next_entry().map_err(|e| CommitError::corrupt(manifest, e))? {
            if entry.status.is_live() {
                let file = self.store.location().relative(entry.file_path);
                let file = file.map_err(|e| CommitError::corrupt(manifest, e))?;
                into.content.insert(hash(&file));
            }
        }
        Ok(())
    }

    async fn read_root(
        &self,
        path: TablePath,
        missing: Missing,
    ) -> Result<(TablePath, Option<Bytes>), CommitError> {
        match self.store.read(&path, METADATA_LIMIT_BYTES).await {
            Ok(bytes) => Ok((path, Some(bytes))),
            Err(StoreError::NotFound { .. }) if missing == Missing::Collected => Ok((path, None)),
            Err(StoreError::NotFound { .. }) => {
                Err(CommitError::corrupt(&path, "a snapshot needs it and it does not exist"))
            }
            Err(error) => Err(error.into()),
        }
    }
}
