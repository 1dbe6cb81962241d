//! What the clones of a handle share: the store, the newest version known, the session, the queue.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datashard_io::TableStore;
use datashard_io::context::Context;

use crate::group::Queue;
use crate::options::CommitOptions;
use crate::session::Session;
use crate::view::View;

/// What the clones of a handle share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: TableStore,
    pub(crate) options: CommitOptions,
    pub(crate) queue: Mutex<Queue>,
    view: Mutex<Option<View>>,
    session: Mutex<Session>,
    pub(crate) hint_is_flushed: AtomicBool,
}

impl Core {
    pub(crate) fn new(store: TableStore, options: CommitOptions, view: Option<View>) -> Arc<Self> {
        let session = Session::begin(store.context());
        Arc::new(Self {
            store,
            options,
            queue: Mutex::default(),
            view: Mutex::new(view),
            session: Mutex::new(session),
            hint_is_flushed: AtomicBool::new(false),
        })
    }

    pub(crate) fn context(&self) -> &Context {
        self.store.context()
    }

    /// The newest version known; `None` if none was read yet.
    pub(crate) fn view(&self) -> Option<View> {
        self.lock_view().clone()
    }

    /// Takes note of a version, unless a newer one is known. A table that is gone is forgotten by [`forget_view`](Self::forget_view).
    pub(crate) fn note_view(&self, view: &View) {
        let mut known = self.lock_view();
        let is_older = known.as_ref().is_some_and(|known| known.base.version > view.base.version);
        if !is_older {
            *known = Some(view.clone());
        }
    }

    pub(crate) fn forget_view(&self) {
        *self.lock_view() = None;
    }

    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_view(&self) -> MutexGuard<'_, Option<View>> {
        // What is under these locks is replaced in one assignment, so what a panicking thread left is whole.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
