//! What nobody waits for: the version hint, and the removal of files that certainly nobody needs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datashard_io::TablePath;
use datashard_io::head::HintAdvance;
use datashard_spec::id::MetadataVersion;
use futures_util::future::FutureExt;

use crate::core::Core;

impl Core {
    /// Moves the hint to a version that was committed, in the background; on object stores about once a second, the last one in the end.
    pub(crate) fn move_hint(self: &Arc<Self>, version: MetadataVersion) {
        let core = Arc::clone(self);
        let work = async move {
            let advanced = core.store.advance_hint(version).await;
            tracing::debug!(%version, ?advanced, "version hint");
            let mut is_owed = matches!(advanced, HintAdvance::Deferred);
            while is_owed && !core.hint_is_flushed.swap(true, Ordering::AcqRel) {
                let flushed = core.store.flush_hint().await;
                core.hint_is_flushed.store(false, Ordering::Release);
                tracing::debug!(?flushed, "version hint");
                // Others that were deferred while it was written have left theirs to this one.
                is_owed = matches!(flushed, Some(HintAdvance::Written(_) | HintAdvance::Already(_)));
            }
        };
        self.options.background.run(work.boxed());
    }

    /// Deletes files of attempts that certainly are in no version (R10), in the background. What fails is left to the collector.
    pub(crate) fn remove(self: &Arc<Self>, files: Vec<TablePath>) {
        if files.is_empty() {
            return;
        }
        let core = Arc::clone(self);
        let work = async move {
            let report = core.store.delete_all(files).await;
            if !report.is_complete() {
                tracing::debug!(?report, "leavings of a commit are not all deleted");
            }
        };
        self.options.background.run(work.boxed());
    }
}
