//! What the clones of a handle share: the store, the newest version known, the session.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use datashard_io::TableStore;
use datashard_io::context::Context;
use datashard_spec::Uuid;

use crate::merging::Merging;
use crate::options::CommitOptions;
use crate::own_writes::OwnWrites;
use crate::session::Session;
use crate::view::View;

/// What the clones of a handle share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: TableStore,
    pub(crate) options: CommitOptions,
    view: Mutex<Option<View>>,
    /// The table that this is a handle of, from when it was seen first.
    table_uuid: OnceLock<Uuid>,
    session: Mutex<Session>,
    own_writes: Mutex<OwnWrites>,
    /// After how many lost slots an operation is given up; `None` for as long as its time lasts.
    pub(crate) most_losses: Option<u32>,
    pub(crate) merging: Mutex<Merging>,
    /// Until when others are let go first, by the clock's elapsed time.
    others_first: Mutex<Duration>,
    pub(crate) hint_is_flushed: AtomicBool,
}

impl Core {
    pub(crate) fn new(store: TableStore, options: CommitOptions, view: Option<View>) -> Arc<Self> {
        Self::with_most_losses(store, options, view, None)
    }

    /// One whose operations are given up after so many lost slots.
    pub(crate) fn with_most_losses(
        store: TableStore,
        options: CommitOptions,
        view: Option<View>,
        most_losses: Option<u32>,
    ) -> Arc<Self> {
        let own_writes = OwnWrites::new(options.memory_limit_bytes);
        let session = Session::begin(store.context());
        Arc::new(Self {
            store,
            options,
            view: Mutex::new(view),
            table_uuid: OnceLock::new(),
            session: Mutex::new(session),
            own_writes: Mutex::new(own_writes),
            most_losses,
            merging: Mutex::default(),
            others_first: Mutex::default(),
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

    /// The table that this is a handle of: that of `seen`, if it is the first that is seen.
    pub(crate) fn table_uuid(&self, seen: Uuid) -> Uuid {
        *self.table_uuid.get_or_init(|| seen)
    }

    pub(crate) fn forget_view(&self) {
        *self.lock_view() = None;
    }

    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others go first for so long from now on.
    pub(crate) fn let_others_go_first(&self, pause: Duration) {
        let until = self.context().clock.elapsed().saturating_add(pause);
        *self.others_first.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Waits while others are let go first.
    pub(crate) async fn wait_for_others(&self) {
        let until = *self.others_first.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = until.saturating_sub(self.context().clock.elapsed());
        if !pause.is_zero() {
            self.context().clock.sleep(pause).await;
        }
    }

    pub(crate) fn own_writes(&self) -> MutexGuard<'_, OwnWrites> {
        // It only saves requests: what a panicking thread left of it is good enough.
        self.own_writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_view(&self) -> MutexGuard<'_, Option<View>> {
        // What is under these locks is replaced in one assignment, so what a panicking thread left is whole.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
