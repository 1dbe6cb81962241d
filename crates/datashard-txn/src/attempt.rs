//! [`Attempt`]: a version as it is sent to the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_io::head::Known;
use datashard_spec::id::SnapshotId;
use datashard_spec::manifest::ManifestFile;

use crate::base::Base;
use crate::next::Next;
use crate::produced::NewManifest;
use crate::view::View;

/// A version as it is sent to the store. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// The version, as it will be read if this is what fills its slot.
    pub(crate) base: Arc<Base>,
    pub(crate) bytes: Bytes,
    pub(crate) manifests: Vec<NewManifest>,
    /// Manifest lists and whatever else it names.
    pub(crate) files: Vec<(TablePath, Bytes)>,
    pub(crate) snapshot_id: Option<SnapshotId>,
    rows: Option<Arc<Vec<ManifestFile>>>,
}

impl Attempt {
    /// `before` is what the version is built on.
    pub(crate) fn new(next: Next, before: Option<&View>) -> Self {
        let current = next.metadata.current_snapshot_id();
        let rows = if next.snapshot_id.is_some() && next.snapshot_id == current {
            Some(Arc::new(next.rows))
        } else {
            let unchanged = before.filter(|before| before.base.metadata.current_snapshot_id() == current);
            unchanged.and_then(|before| before.rows.clone())
        };
        Self {
            base: Arc::new(Base { version: next.version, metadata: next.metadata, state: Some(next.state) }),
            bytes: next.bytes,
            manifests: next.manifests,
            files: next.manifest_lists.into_iter().chain(next.files).collect(),
            snapshot_id: next.snapshot_id,
            rows,
        }
    }

    /// The table once this attempt filled its slot, which was free at `sent_at`.
    pub(crate) fn view(&self, sent_at: Duration) -> View {
        View {
            base: Arc::clone(&self.base),
            known: Known::newest_at(self.base.version, sent_at),
            rows: self.rows.clone(),
        }
    }

    /// The files that it needs beside the metadata.
    pub(crate) fn paths(&self) -> BTreeSet<TablePath> {
        let manifests = self.manifests.iter().map(|manifest| manifest.path.clone());
        manifests.chain(self.files.iter().map(|(path, _)| path.clone())).collect()
    }
}
