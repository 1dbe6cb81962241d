//! [`View`]: the newest version known, and how it is found.

use std::sync::Arc;

use datashard_io::head::{Head, HeadAfter, Known, METADATA_LIMIT_BYTES, metadata_path, needs_boundary_check};
use datashard_io::{StoreError, TablePath};
use datashard_spec::avro::ManifestListReader;
use datashard_spec::id::MetadataVersion;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use futures_util::future::join;

use crate::base::Base;
use crate::core::Core;
use crate::error::CommitError;
use crate::protocol::{continues, counts};

/// The newest version known. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) base: Arc<Base>,
    /// Since when it is known to be the newest.
    pub(crate) known: Known,
    /// The rows of its manifest list, once they were read or written.
    pub(crate) rows: Option<Arc<Vec<ManifestFile>>>,
}

impl View {
    fn of_head(head: &Head) -> Result<Self, CommitError> {
        let base = Base::read(head.version, &head.metadata)?;
        Ok(Self { base: Arc::new(base), known: head.known(), rows: None })
    }
}

impl Core {
    /// The newest version, given what was the newest before; `None` if there is no table.
    ///
    /// Every version that is stepped to is held against the one before it (R1), and against the retire boundary where that is due (R2).
    pub(crate) async fn newest(&self, from: Option<&View>) -> Result<Option<View>, CommitError> {
        let Some(from) = from else {
            let Some(view) = self.found().await? else { return Ok(None) };
            self.check_predecessor(&view).await?;
            return Ok(Some(view));
        };
        match self.store.find_head_after(from.known).await {
            Ok(HeadAfter::Same(known)) => Ok(Some(View { known, ..from.clone() })),
            Ok(HeadAfter::Newer(head)) => {
                let view = View::of_head(&head)?;
                self.check_is_same_table(&view.base)?;
                if from.base.next_version().is_ok_and(|next| next == view.base.version) {
                    check_successor(&from.base, &view.base)?;
                } else {
                    self.check_predecessor(&view).await?;
                }
                Ok(Some(view))
            }
            // The table is gone.
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest version of a table that is opened: its folder is looked at as well, at the same time as the version before it.
    pub(crate) async fn open(&self) -> Result<Option<View>, CommitError> {
        let Some(view) = self.found().await? else { return Ok(None) };
        let layout = self.store.check_layout(view.base.version);
        let (predecessor, layout) = join(self.check_predecessor(&view), layout).await;
        layout?;
        predecessor?;
        Ok(Some(view))
    }

    async fn found(&self) -> Result<Option<View>, CommitError> {
        let Some(head) = self.store.find_head().await? else { return Ok(None) };
        let view = View::of_head(&head)?;
        self.check_is_same_table(&view.base)?;
        Ok(Some(view))
    }

    /// The newest version, given one that is remembered from an earlier operation; beside it, whether the table is still there at all.
    ///
    /// A table that was deleted, or replaced by another one in its place, has no next version either. Nobody else has a manifest list by
    /// the name of the one that the view's snapshot has: one HEAD tells. Without a snapshot the version itself is read again.
    pub(crate) async fn newest_since(&self, from: &View) -> Result<Option<View>, CommitError> {
        let (newest, is_there) = join(self.newest(Some(from)), self.is_there(&from.base)).await;
        let newest = newest?;
        let is_newer = newest.as_ref().is_some_and(|newest| newest.base.version != from.base.version);
        if is_there? || is_newer {
            return Ok(newest);
        }
        self.newest(None).await
    }

    async fn is_there(&self, base: &Base) -> Result<bool, CommitError> {
        if let Ok(Some(path)) = base.manifest_list(MAIN_BRANCH, self.store.location()) {
            return Ok(self.store.exists(&path).await?);
        }
        match self.store.read_version(base.version).await {
            Ok(bytes) => {
                let found = Base::read(base.version, &bytes)?;
                Ok(found.metadata.table_uuid() == base.metadata.table_uuid())
            }
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A handle never goes over from one table to another that was made in its place.
    fn check_is_same_table(&self, base: &Base) -> Result<(), CommitError> {
        let Some(found) = base.metadata.table_uuid() else { return Ok(()) };
        let own = self.table_uuid(found);
        if own == found {
            return Ok(());
        }
        Err(CommitError::rejected(format!(
            "the table {own} was replaced by another table, {found}; open it anew"
        )))
    }

    /// The version right after a view, whether or not there are others after it. One GET; `None` if [`newest`](Self::newest) has to be asked.
    ///
    /// The view was the newest when it was looked at, so no version after its successor was there at that time either: that is how old the
    /// knowledge counts, for the retire boundary (R2).
    pub(crate) async fn successor(&self, from: &View) -> Result<Option<View>, CommitError> {
        let version = from.base.next_version()?;
        let bytes = match self.store.read_version(version).await {
            Ok(bytes) => bytes,
            // Not there, or not seen yet.
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let now = self.context().clock.elapsed();
        let Some(age) = from.known.age(now).filter(|age| !needs_boundary_check(*age)) else {
            return Ok(None);
        };
        let base = Base::read(version, &bytes)?;
        self.check_is_same_table(&base)?;
        check_successor(&from.base, &base)?;
        let known = Known::newest_at(version, now.saturating_sub(age));
        Ok(Some(View { base: Arc::new(base), known, rows: None }))
    }

    /// Holds a version that was come upon by itself against the one before it (R1). One GET.
    ///
    /// A power loss may keep a version and lose the one before it, whose slot somebody then fills anew: what does not continue that one must
    /// not be gone on from, or the new one would be lost in turn. Versions without a commit state are others', who keep no chain.
    async fn check_predecessor(&self, view: &View) -> Result<(), CommitError> {
        let Some(before) = view.base.version.0.checked_sub(1).filter(|before| *before > 0) else {
            return Ok(());
        };
        let before = MetadataVersion(before);
        if view.base.state.is_none() {
            return Ok(());
        }
        match self.store.read_version(before).await {
            Ok(bytes) => check_successor(&Base::read(before, &bytes)?, &view.base),
            // Retired, or it never was there.
            Err(StoreError::NotFound { .. }) if counts(before, self.store.retired().await?) => {
                Err(CommitError::corrupt(
                    &metadata_path(view.base.version)?,
                    format!("the chain of versions is broken: version {before} is missing"),
                ))
            }
            Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The rows of the manifest list of a view's current snapshot. One GET unless they are known.
    pub(crate) async fn rows(&self, view: &View) -> Result<Arc<Vec<ManifestFile>>, CommitError> {
        if let Some(rows) = &view.rows {
            return Ok(Arc::clone(rows));
        }
        self.rows_of(&view.base, MAIN_BRANCH).await
    }

    /// The rows of the manifest list of a branch's head. One GET.
    pub(crate) async fn rows_of(
        &self,
        base: &Base,
        branch: &str,
    ) -> Result<Arc<Vec<ManifestFile>>, CommitError> {
        let Some(path) = base.manifest_list(branch, self.store.location())? else {
            return Ok(Arc::default());
        };
        self.read_list(&path).await.map(Arc::new)
    }

    /// The rows of a manifest list. One GET.
    pub(crate) async fn read_list(&self, path: &TablePath) -> Result<Vec<ManifestFile>, CommitError> {
        let bytes = match self.store.read(path, METADATA_LIMIT_BYTES).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => {
                return Err(CommitError::corrupt(path, "it is named by a snapshot and does not exist"));
            }
            Err(error) => return Err(error.into()),
        };
        let reader = ManifestListReader::new(&bytes).map_err(|e| CommitError::corrupt(path, e))?;
        let rows = reader.collect::<Result<Vec<_>, _>>().map_err(|e| CommitError::corrupt(path, e))?;
        Ok(rows)
    }
}

/// A version continues the one before it (R1).
fn check_successor(before: &Base, after: &Base) -> Result<(), CommitError> {
    continues(before.state.as_ref(), after.state.as_ref()).map_err(|broken| corrupt_chain(after, &broken))
}

fn corrupt_chain(base: &Base, broken: &crate::protocol::Broken) -> CommitError {
    match metadata_path(base.version) {
        Ok(path) => CommitError::corrupt(&path, format!("the chain of versions is broken: {broken}")),
        Err(error) => error.into(),
    }
}
