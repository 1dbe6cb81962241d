//! What was acknowledged and is not durable yet, in folders that flush in groups.
//!
//! Flushing costs far more than writing, and one flush of a file system takes along what others wrote. So files stay open and
//! folders stay noted until the interval has passed, then all of them are flushed by one thread.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::failure::{Failure, Reason};
use super::file_system::OpenFile;
use super::files::Files;
use super::folder::BlockingCalls;
use crate::error::Acted;
use crate::store::Durability;

/// Files kept open at most; the write that makes it one more flushes all.
const MOST_FILES: usize = 256;

/// What is not durable yet.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    files: Vec<Box<dyn OpenFile>>,
    folders: BTreeSet<String>,
    /// When the oldest of them was acknowledged.
    since: Option<Duration>,
    /// What the flush that failed said. What was durable is not known since, and no later flush can tell.
    broken: Option<String>,
}

impl Pending {
    /// Refuses to go on after a flush that failed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.state().broken {
            None => Ok(()),
            Some(detail) => Err(Failure::no(Reason::Broken(detail.clone()))),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> (Vec<Box<dyn OpenFile>>, BTreeSet<String>) {
        let mut state = self.state();
        state.since = None;
        (std::mem::take(&mut state.files), std::mem::take(&mut state.folders))
    }
}

impl Files {
    /// Notes a file that has got its name, to be flushed when its time has come.
    pub(super) fn flush_later(&self, file: Option<Box<dyn OpenFile>>, folder: &str) -> Result<(), Failure> {
        let Durability::Group { interval } = self.options.durability else { return Ok(()) };
        let now = self.context.clock.elapsed();
        let (first, due) = {
            let mut state = self.pending.state();
            state.files.extend(file);
            state.folders.insert(folder.to_owned());
            let since = *state.since.get_or_insert(now);
            let due = state.files.len() >= MOST_FILES || now.saturating_sub(since) >= interval;
            (since == now, due)
        };
        if due {
            return self.flush_all();
        }
        if first {
            self.flush_after(interval);
        }
        Ok(())
    }

    /// Flushes what is pending once `interval` has passed, if there is somebody to do it: a runtime with threads for blocking calls.
    fn flush_after(&self, interval: Duration) {
        if self.options.calls == BlockingCalls::Inline {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let waiting = self.context.clock.sleep(interval);
        let files: Weak<Self> = self.this.clone();
        runtime.spawn(async move {
            waiting.await;
            let Some(files) = files.upgrade() else { return };
            let flushed = tokio::task::spawn_blocking(move || files.flush_all()).await;
            if let Ok(Err(error)) = flushed {
                tracing::error!(%error, "a flush in the background failed; the folder takes no more writes");
            }
        });
    }

    /// Makes everything durable that was acknowledged. Does nothing where nothing waits, or durability is none.
    pub(super) fn flush_all(&self) -> Result<(), Failure> {
        self.pending.check()?;
        let (files, folders) = self.pending.take();
        let flushed = self.flush(&files, &folders);
        if let Err(failure) = &flushed {
            // A second flush may succeed without having written what the first one dropped.
            self.pending.state().broken = Some(failure.to_string());
        }
        flushed
    }

    fn flush(&self, files: &[Box<dyn OpenFile>], folders: &BTreeSet<String>) -> Result<(), Failure> {
        for file in files {
            file.sync().map_err(Failure::flush_after)?;
        }
        for folder in folders {
            self.flush_names_above(folder)?;
            self.flush_folder(folder, Acted::Maybe)?;
        }
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if self.pending.check().is_ok()
            && let Err(error) = self.flush_all()
        {
            tracing::error!(%error, "the last flush of a folder failed");
        }
    }
}

/// A folder's files, which know themselves.
pub(super) fn shared(make: impl FnOnce(Weak<Files>) -> Files) -> Arc<Files> {
    Arc::new_cyclic(|this| make(this.clone()))
}
