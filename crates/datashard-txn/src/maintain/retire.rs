//! Retiring old versions (R7): the hint first, then the boundary, then the deletions.

use std::time::Duration;

use datashard_io::TablePath;
use datashard_io::head::{HintAdvance, metadata_path};
use datashard_spec::id::MetadataVersion;
use futures_util::TryStreamExt;

use super::boundary::{Listed, lowest_kept, oldest_logged, version_of};
use super::report::CleanUp;
use crate::conflict::{Conflict, ConflictKind};
use crate::core::Core;
use crate::error::CommitError;
use crate::handle::Committer;

/// Sorts before all names of versions and after those of manifests.
const BEFORE_VERSIONS: &str = "metadata/uzzz";

/// A version is retired an hour after its successor was made at the earliest. Commits rely on it (R2).
const LEAST_AGE: Duration = Duration::from_secs(3_600);

/// Which versions are retired.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct RetireOptions {
    /// The newest versions that stay; at least as many as the handle's commit state looks back. 512 by default.
    pub keep: u64,
    /// How long ago a version's successor was made at least; an hour by default, and not less.
    pub min_age: Duration,
    /// Whether nothing is written or deleted.
    pub is_dry_run: bool,
}

impl Default for RetireOptions {
    fn default() -> Self {
        Self { keep: 512, min_age: LEAST_AGE, is_dry_run: false }
    }
}

impl RetireOptions {
    /// The newest `versions` stay.
    pub fn with_keep(mut self, versions: u64) -> Self {
        self.keep = versions;
        self
    }

    /// Versions stay until their successor is this old.
    pub fn with_min_age(mut self, age: Duration) -> Self {
        self.min_age = age;
        self
    }

    /// Nothing is written or deleted; the report tells what would be.
    pub fn dry_run(mut self) -> Self {
        self.is_dry_run = true;
        self
    }
}

impl Committer {
    /// Deletes metadata files of old versions, which nobody reads any more: snapshots are part of the newest version, so time travel is
    /// not affected.
    ///
    /// The retire boundary is raised first, so that no writer that slept meanwhile can take a deleted name for a free slot (R7). Costs a few
    /// requests, one LIST for each 1,000 versions, and the deletions.
    ///
    /// # Errors
    /// `NoTable`, `Corrupt`; `Storage`, also where the store cannot replace a file conditionally: nothing is deleted then.
    ///
    /// # Cancel safety
    /// The boundary may be raised and files below it left; the next call deletes them.
    pub async fn retire(&self, options: &RetireOptions) -> Result<CleanUp, CommitError> {
        let core = self.core();
        let requests = core.store.counts();
        let base = self.refresh().await?;
        let listed = core.versions().await?;
        let retired = core.store.retired().await?;
        let now_ms = core.store_time_ms(options.is_dry_run).await?;
        let (below, above): (Vec<Listed>, Vec<Listed>) =
            listed.into_iter().partition(|listed| listed.version < retired);
        let keep = options.keep.max(core.options.limits.floor_distance);
        let min_age = options.min_age.max(LEAST_AGE);
        let logged = oldest_logged(&base.metadata);
        let lowest = lowest_kept(base.version, logged, &above, keep, min_age, now_ms).max(retired);

        let mut report = CleanUp::new(options.is_dry_run, lowest);
        // What an earlier call left, and what is retired by this one.
        let gone: Vec<Listed> =
            below.into_iter().chain(above.into_iter().filter(|listed| listed.version < lowest)).collect();
        let mut paths: Vec<TablePath> = Vec::with_capacity(gone.len());
        for listed in &gone {
            let path = metadata_path(listed.version)?;
            report.versions.add(listed.size_bytes);
            report.note_deleted(&path);
            paths.push(path);
        }
        if !options.is_dry_run && !paths.is_empty() {
            if lowest > retired {
                core.hint_at_least(lowest, base.version).await?;
                core.store.raise_retired(lowest).await?;
            }
            let deleted = core.store.delete_all(paths).await;
            report.failed = deleted.failed_count;
        }
        report.requests = core.store.counts().since(&requests);
        Ok(report)
    }
}

impl Core {
    /// The versions that are there, in order.
    pub(super) async fn versions(&self) -> Result<Vec<Listed>, CommitError> {
        let (folder, start) = (TablePath::parse("metadata")?, TablePath::parse(BEFORE_VERSIONS)?);
        let mut files = self.store.list(Some(&folder), Some(&start));
        let mut versions = Vec::new();
        while let Some(file) = files.try_next().await? {
            if file.path.folder() == "metadata"
                && let Some(version) = version_of(file.path.name())
            {
                let (modified_ms, size_bytes) = (file.modified_ms, file.size_bytes);
                versions.push(Listed { version, modified_ms, size_bytes });
            }
        }
        versions.sort_unstable_by_key(|listed| listed.version);
        Ok(versions)
    }

    /// The store's time. A dry run writes nothing, not even to ask for the time, and takes this machine's.
    pub(super) async fn store_time_ms(&self, is_dry_run: bool) -> Result<i64, CommitError> {
        if is_dry_run {
            return Ok(self.context().clock.now_ms());
        }
        Ok(self.store.store_time_ms().await?)
    }

    /// Makes sure that the hint names no version below `lowest`, which are about to be deleted.
    async fn hint_at_least(
        &self,
        lowest: MetadataVersion,
        newest: MetadataVersion,
    ) -> Result<(), CommitError> {
        let mut told = self.store.advance_hint(newest).await;
        if matches!(told, HintAdvance::Deferred) {
            told = match self.store.flush_hint().await {
                Some(flushed) => flushed,
                // Somebody else of this handle wrote what was put off.
                None => self.store.advance_hint(newest).await,
            };
        }
        match told {
            HintAdvance::Written(version) | HintAdvance::Already(version) if version >= lowest => Ok(()),
            HintAdvance::Failed(error) => Err((*error).into()),
            told => {
                let reason = format!("the version hint could not be moved to {newest}: {told:?}");
                Err(CommitError::Conflict(Box::new(Conflict::new("retire", ConflictKind::TimeUp, reason))))
            }
        }
    }
}
