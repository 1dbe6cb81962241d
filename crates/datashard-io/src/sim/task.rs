//! What a task of the simulation is made of: its waker, the handle that waits for its output, and the sleep.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

use tokio::sync::oneshot;

use super::schedule::{Core, TimerKey};
use super::slots::{BoxedTask, ReadyTasks, TaskId};

/// Puts its task among those that can go on, at most once.
pub(super) struct TaskWaker {
    pub(super) id: TaskId,
    pub(super) queued: AtomicBool,
    pub(super) ready: Arc<ReadyTasks>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.push(Arc::clone(self));
        }
    }
}

/// The task was killed before it had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task's process was killed")]
#[non_exhaustive]
pub struct Killed;

/// Waits for the output of a task. Dropping it leaves the task alone.
#[derive(Debug)]
pub struct JoinHandle<T> {
    receiver: oneshot::Receiver<T>,
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Killed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map_err(|_| Killed)
    }
}

/// A future that hands its output to a handle.
pub(super) fn joined<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> (BoxedTask, JoinHandle<T>) {
    let (sender, receiver) = oneshot::channel();
    let task = async move {
        // That nobody waits for the output is no error.
        let _ = sender.send(future.await);
    };
    (Box::pin(task), JoinHandle { receiver })
}

/// Completes when the simulated time has come.
pub(crate) struct Sleep {
    core: Arc<Core>,
    at_ns: u64,
    /// Unset before the first poll and after the end.
    timer: Option<TimerKey>,
}

impl Sleep {
    pub(crate) fn until(core: Arc<Core>, at_ns: u64) -> Self {
        Self { core, at_ns, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.timer {
            None => {
                // Even when the time has come already: a loop of empty sleeps must let others go on.
                let key = self.core.wake_at(self.at_ns, context.waker());
                self.timer = Some(key);
                Poll::Pending
            }
            Some(key) if self.core.still_waits(key, context.waker()) => Poll::Pending,
            Some(_) => {
                self.timer = None;
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.timer.take() {
            self.core.cancel(key);
        }
    }
}

/// Pending once.
pub(super) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
