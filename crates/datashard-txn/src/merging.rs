//! Merging what appends leave alone: beside them, as a commit of its own, once in a while.
//!
//! Nobody waits for it and it waits for nobody: it commits through a session of its own, not through the queue, and gives up after a few
//! slots that others had first. What it merged by then is collected; the next one begins anew.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::FutureExt;

use crate::action::MergeManifests;
use crate::commit::Reading;
use crate::core::Core;

/// How long after one look at what is due the next one is had, at the earliest.
const INTERVAL: Duration = Duration::from_secs(30);

/// For how long a merge is tried.
const TIMEOUT: Duration = Duration::from_secs(60);

/// After how many lost slots it is given up. A second attempt writes a manifest list and no manifest, so it is about as fast as an append;
/// who loses three times is in the way of writers that are busier.
const MOST_LOSSES: u32 = 3;

/// The merges of a handle.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    is_under_way: bool,
    /// By the clock's elapsed time.
    next_look: Duration,
}

/// The merge that is under way. Dropped, it is over.
struct Turn(Arc<Core>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.merging.lock().unwrap_or_else(PoisonError::into_inner).is_under_way = false;
    }
}

impl Turn {
    fn take(core: &Arc<Core>) -> Option<Self> {
        let now = core.context().clock.elapsed();
        let mut merging = core.merging.lock().unwrap_or_else(PoisonError::into_inner);
        if merging.is_under_way || now < merging.next_look {
            return None;
        }
        merging.is_under_way = true;
        merging.next_look = now.saturating_add(INTERVAL);
        Some(Self(Arc::clone(core)))
    }
}

impl Core {
    /// Merges manifests in the background if any are due that appends leave alone.
    pub(crate) fn merge_beside(self: &Arc<Self>) {
        if !self.options.merge_manifests {
            return;
        }
        let Some(view) = self.view() else { return };
        let Some(rows) = &view.rows else { return };
        let Some(turn) = Turn::take(self) else { return };
        if !MergeManifests::is_due(&view.base, rows) {
            return;
        }
        let options = self.options.clone().with_timeout(TIMEOUT);
        let beside = Self::with_most_losses(self.store.clone(), options, Some(view), Some(MOST_LOSSES));
        let work = async move {
            let core = Arc::clone(&turn.0);
            let (merged, leavings) = beside.commit(&MergeManifests::new(), None, Reading::Store).await;
            drop(turn);
            tracing::debug!(?merged, "manifests were merged beside appends");
            // The next append begins from it.
            if let Some(view) = beside.view().filter(|_| merged.is_ok()) {
                core.note_view(&view);
            }
            core.remove(leavings);
            if let Ok(merged) = merged {
                core.move_hint(merged.version);
            }
        };
        self.options.background.run(work.boxed());
    }
}
