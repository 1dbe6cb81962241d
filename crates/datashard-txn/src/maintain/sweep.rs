//! Sweeping files that nothing refers to (R8): floor, references, listing, deletions, in this order.

use std::sync::Arc;
use std::time::Duration;

use datashard_io::{StoreError, TablePath};
use datashard_spec::id::MetadataVersion;
use datashard_spec::property::{TableProperties, table};
use futures_util::TryStreamExt;

use super::candidate::{Kind, Rules, Verdict, judge};
use super::floor::RaiseFileFloor;
use super::report::CleanUp;
use super::roots::{Missing, Referenced};
use crate::base::Base;
use crate::core::Core;
use crate::error::CommitError;
use crate::handle::Committer;
use crate::rules::Mutation;
use crate::segments::{SegmentIndex, corrupt_index};

/// Files of other writers are never deleted younger than this.
const LEAST_FOREIGN_AGE: Duration = Duration::from_secs(3 * 86_400);

/// Deletions sent together.
const BATCH: usize = 1_000;

/// What is swept.
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct SweepOptions {
    /// For how long writers may take from naming a file to committing it, and readers from opening a snapshot to reading its last file,
    /// without being disturbed; a day by default. What is safe does not depend on it: who takes longer gets a definite error.
    pub grace: Duration,
    /// How old files of other writers have to be to be deleted, three days at least; `None`, the default, leaves them alone.
    pub foreign_age: Option<Duration>,
    /// Whether nothing is written or deleted.
    pub is_dry_run: bool,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self { grace: Duration::from_secs(86_400), foreign_age: None, is_dry_run: false }
    }
}

impl SweepOptions {
    /// Writers and readers that take no longer than this are not disturbed.
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Files of other writers that nothing refers to are deleted when they are this old, three days at least. Nothing tells such files from
    /// those that another writer is about to add, but their age: only use it if no other writer takes that long.
    pub fn with_foreign_files(mut self, min_age: Duration) -> Self {
        self.foreign_age = Some(min_age.max(LEAST_FOREIGN_AGE));
        self
    }

    /// Nothing is written or deleted; the report tells what would be. Ages are then told by this machine's clock.
    pub fn dry_run(mut self) -> Self {
        self.is_dry_run = true;
        self
    }
}

impl Committer {
    /// Deletes files that nothing refers to: leavings of writers that died or lost, and what expired snapshots alone referred to.
    ///
    /// It commits a version that closes the door on all files begun before some version, reads everything that the snapshots of that version
    /// refer to, and deletes what was begun before and is not referred to (R8). Beside `data/` and `metadata/` nothing is touched, and in
    /// there nothing that is not named like a table's file.
    ///
    /// Costs the reading of all manifests of all snapshots, one LIST for each 1,000 files, and the deletions.
    ///
    /// # Errors
    /// `Rejected` where `gc.enabled` is not true: the files may be others' too. `Corrupt` if anything that a snapshot refers to cannot be
    /// read or lies outside of the table, `Storage` if the store fails: nothing is deleted then, or nothing more.
    ///
    /// # Cancel safety
    /// Some files may be deleted and others not; the next call goes on.
    pub async fn sweep(&self, options: &SweepOptions) -> Result<CleanUp, CommitError> {
        let core = self.core();
        let requests = core.store.counts();
        let base = self.refresh().await?;
        check_gc_enabled(&base)?;
        let now_ms = core.store_time_ms(options.is_dry_run).await?;
        let (reachable, then) = core.oldest_floor(options.grace, now_ms).await?;
        let standing = floor_of(&base);
        // A floor above the newest version would shut out everybody.
        let floor = reachable.min(base.version).max(standing);
        let judged_by_late_view = !core.options.limits.rules.upholds(Mutation::LateView);
        let mut newest = Arc::clone(&base);
        if floor > standing && !options.is_dry_run {
            self.commit(RaiseFileFloor { to: floor }, None).await?;
            if !judged_by_late_view {
                newest = self.refresh().await?;
                check_gc_enabled(&newest)?;
            }
        }

        let mut referenced = Referenced::default();
        core.add_roots(&newest, Missing::Corrupt, &mut referenced).await?;
        if let Some(then) = then.filter(|then| *then < newest.version) {
            core.add_past_roots(then, &mut referenced).await?;
        }
        tracing::debug!(files = referenced.len(), version = %newest.version, "files that snapshots refer to");

        let rules = Rules { floor, now_ms, min_age: options.grace, foreign_age: options.foreign_age };
        let mut report = CleanUp::new(options.is_dry_run, floor);
        for folder in ["data", "metadata"] {
            core.sweep_folder(&TablePath::parse(folder)?, &rules, &referenced, &mut report).await?;
        }
        report.requests = core.store.counts().since(&requests);
        Ok(report)
    }
}

impl Core {
    /// Adds what a version from some time ago refers to, as far as it is still there: readers may have begun then.
    async fn add_past_roots(
        &self,
        version: MetadataVersion,
        into: &mut Referenced,
    ) -> Result<(), CommitError> {
        match self.store.read_version(version).await {
            Ok(bytes) => self.add_roots(&Base::read(version, &bytes)?, Missing::Collected, into).await,
            // Retired meanwhile.
            Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn sweep_folder(
        &self,
        folder: &TablePath,
        rules: &Rules,
        referenced: &Referenced,
        report: &mut CleanUp,
    ) -> Result<(), CommitError> {
        let mut files = self.store.list(Some(folder), None);
        let mut batch: Vec<TablePath> = Vec::new();
        while let Some(file) = files.try_next().await? {
            let verdict = judge(&file.path, file.modified_ms, rules);
            if verdict == Verdict::NotOurs || referenced.contains(&file.path) {
                continue;
            }
            match verdict {
                Verdict::Delete(kind) => {
                    match kind {
                        Kind::Data => report.data_files.add(file.size_bytes),
                        Kind::Metadata => report.metadata_files.add(file.size_bytes),
                    }
                    report.note_deleted(&file.path);
                    batch.push(file.path);
                }
                Verdict::Keep => report.kept.add(file.size_bytes),
                Verdict::Foreign => report.foreign.add(file.size_bytes),
                Verdict::NotOurs => {}
            }
            if batch.len() >= BATCH {
                self.delete_batch(std::mem::take(&mut batch), report).await;
            }
        }
        self.delete_batch(batch, report).await;
        Ok(())
    }

    async fn delete_batch(&self, batch: Vec<TablePath>, report: &mut CleanUp) {
        if !report.is_dry_run && !batch.is_empty() {
            report.failed = report.failed.saturating_add(self.store.delete_all(batch).await.failed_count);
        }
    }
}

/// The file floor of a version. Where the commit state was lost, it begins anew above this version (R9).
fn floor_of(base: &Base) -> MetadataVersion {
    base.state.as_ref().map_or(MetadataVersion(0), |state| state.file_floor)
}

fn check_gc_enabled(base: &Base) -> Result<(), CommitError> {
    let enabled = TableProperties::new(base.metadata.properties()).parsed(&table::GC_ENABLED);
    let index = SegmentIndex::of_properties(base.metadata.properties());
    let index = index.map_err(|reason| corrupt_index(base, reason))?;
    let is_off = base.metadata.properties().get(table::GC_ENABLED.key).is_some_and(|value| value == "false");
    // Set because of segments, to keep others from sweeping what those refer to.
    if is_off && index.turned_gc_off {
        return Ok(());
    }
    // A value that makes no sense was hardly meant as a permission.
    if enabled.value && enabled.warning.is_none() {
        return Ok(());
    }
    Err(CommitError::rejected(
        "sweep: `gc.enabled` is not true: files of the table may belong to others, too",
    ))
}
