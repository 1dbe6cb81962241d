//! [`Background`]: work that nobody waits for, such as the version hint and the removal of leavings.

use std::fmt;

use futures_util::future::BoxFuture;

/// Runs work that nobody waits for. What it drops undone does no harm.
pub trait Background: fmt::Debug + Send + Sync {
    /// Takes work over.
    fn run(&self, work: BoxFuture<'static, ()>);
}

/// The tokio runtime that the caller is in. Outside of one, work is dropped.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TokioBackground;

impl Background for TokioBackground {
    fn run(&self, work: BoxFuture<'static, ()>) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(work)),
            Err(_) => tracing::debug!("no runtime: background work is dropped"),
        }
    }
}
