//! Background work that is kept until the test asks for it, so that it is known what was done before an answer and what after it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datashard_txn::Background;
use futures_util::future::BoxFuture;

/// Keeps what it is to run. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    work: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Kept {
    /// How much is waiting.
    pub(crate) fn count(&self) -> usize {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Does all of it, in order.
    pub(crate) async fn run(&self) {
        let work = std::mem::take(&mut *self.work.lock().unwrap_or_else(PoisonError::into_inner));
        for one in work {
            one.await;
        }
    }

    /// Forgets all of it, as a process that ends does.
    pub(crate) fn forget(&self) {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("count", &self.count()).finish()
    }
}

impl Background for Kept {
    fn run(&self, work: BoxFuture<'static, ()>) {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}
