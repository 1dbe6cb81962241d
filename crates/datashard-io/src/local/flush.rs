//! [`Flusher`]: makes names and contents durable: at once, or, in durability `group`, for many files together.
//!
//! A group is flushed children first: contents, then the names of data, then those of metadata. After a flush that failed nothing
//! is known of what was acknowledged before it, and a second one may report success for pages that the kernel has dropped. So
//! the failure stays: the folder takes no more writes until it is opened again.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure::{Failure, Reason};
use super::file_system::{FileKind, FileSystem, OpenFile};
use super::temporary::join;
use crate::context::Context;
use crate::error::Acted;

/// Names of folders remembered as durable; beyond it they are flushed once more.
const MOST_DURABLE_NAMES: usize = 10_000;
/// Files kept open for the next flush; whoever adds one more flushes them all. A process may have 1,024 open files, often no more.
const MOST_OPEN_FILES: usize = 128;

/// What of a folder is durable, and what is still to be made so.
#[derive(Debug)]
pub(super) struct Flusher {
    fs: Arc<dyn FileSystem>,
    context: Context,
    /// Folders whose names were flushed by this process, the empty path for the root.
    durable_names: Mutex<HashSet<String>>,
    pending: Mutex<Pending>,
    /// Held during a flush: who asks for one meanwhile has to wait, as its files may be among those taken.
    flushing: Mutex<()>,
}

/// Folders to flush, each once, for names in them to be durable.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) folders: BTreeSet<String>,
    /// The folders whose own names are durable then, the empty path for the root.
    names: BTreeSet<String>,
}

/// What was acknowledged and not flushed.
#[derive(Debug, Default)]
struct Pending {
    files: Vec<Box<dyn OpenFile>>,
    folders: BTreeSet<String>,
    /// When the oldest was acknowledged.
    since: Option<Duration>,
    /// A thread waits to flush.
    watched: bool,
    /// What an earlier flush failed with.
    broken: Option<String>,
}

impl Flusher {
    pub(super) fn new(fs: Arc<dyn FileSystem>, context: Context) -> Self {
        Self {
            fs,
            context,
            durable_names: Mutex::default(),
            pending: Mutex::default(),
            flushing: Mutex::default(),
        }
    }

    /// Flushes the names in a folder.
    pub(super) fn flush_folder(&self, folder: &str, acted: Acted) -> Result<(), Failure> {
        self.fs.sync_folder(folder).map_err(|error| cannot_flush(error, acted))
    }

    /// Makes sure that the names of a folder and of those above it are durable: whoever made them may not have flushed them.
    pub(super) fn flush_names_above(&self, folder: &str, acted: Acted) -> Result<(), Failure> {
        if self.is_durable_name(folder) {
            return Ok(());
        }
        let mut above = "";
        for name in folders(folder) {
            if !self.is_durable_name(name) {
                let flushed = if name.is_empty() { self.fs.sync_above() } else { self.fs.sync_folder(above) };
                flushed.map_err(|error| cannot_flush(error, acted))?;
                self.remember_name(name);
            }
            above = name;
        }
        Ok(())
    }

    /// What to flush once files have got names in `placed`: those folders, and those above whose names are not durable yet.
    pub(super) fn plan(&self, placed: &BTreeSet<String>) -> Plan {
        let mut plan = Plan { folders: placed.clone(), names: BTreeSet::new() };
        for folder in placed {
            let mut above = "";
            for name in folders(folder) {
                if !self.is_durable_name(name) {
                    plan.names.insert(name.to_owned());
                    if !name.is_empty() {
                        plan.folders.insert(above.to_owned());
                    }
                }
                above = name;
            }
        }
        plan
    }

    /// All folders of a plan were flushed.
    pub(super) fn fulfilled(&self, plan: &Plan) -> Result<(), Failure> {
        if plan.names.contains("") {
            self.fs.sync_above().map_err(|error| cannot_flush(error, Acted::Maybe))?;
        }
        plan.names.iter().for_each(|name| self.remember_name(name));
        Ok(())
    }

    fn remember_name(&self, folder: &str) {
        let mut names = lock(&self.durable_names);
        if names.len() >= MOST_DURABLE_NAMES {
            names.clear();
        }
        names.insert(folder.to_owned());
    }

    /// A folder was made anew: its name is not durable.
    pub(super) fn forget_name(&self, folder: &str) {
        lock(&self.durable_names).remove(folder);
    }

    fn is_durable_name(&self, folder: &str) -> bool {
        lock(&self.durable_names).contains(folder)
    }

    /// Fails if an earlier flush did.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &lock(&self.pending).broken {
            Some(detail) => Err(Failure::no(Reason::Broken(detail.clone()))),
            None => Ok(()),
        }
    }

    /// Takes note of a file that has got its name; it is flushed within `interval`.
    ///
    /// With `thread`, by a thread of its own. Without, as in a simulation, by the first write after the interval.
    pub(super) fn add(
        self: &Arc<Self>,
        file: Option<Box<dyn OpenFile>>,
        folder: &str,
        interval: Duration,
        thread: bool,
    ) -> Result<(), Failure> {
        let now = self.context.clock.elapsed();
        let mut pending = lock(&self.pending);
        pending.files.extend(file);
        if !pending.folders.contains(folder) {
            pending.folders.insert(folder.to_owned());
        }
        let since = *pending.since.get_or_insert(now);
        let due = pending.files.len() >= MOST_OPEN_FILES || now.saturating_sub(since) >= interval;
        let start = thread && !due && !pending.watched;
        pending.watched |= start;
        drop(pending);
        if due || (start && !self.start(interval)) {
            return self.flush();
        }
        Ok(())
    }

    /// Starts the thread that flushes once after `interval`. It keeps the files alive that it has to flush.
    fn start(self: &Arc<Self>, interval: Duration) -> bool {
        let flusher = Arc::clone(self);
        let thread = std::thread::Builder::new().name("datashard-flush".to_owned()).spawn(move || {
            std::thread::sleep(interval);
            lock(&flusher.pending).watched = false;
            if let Err(failure) = flusher.flush() {
                tracing::error!(%failure, "acknowledged files could not be flushed and may be lost");
            }
        });
        if thread.is_err() {
            lock(&self.pending).watched = false;
        }
        thread.is_ok()
    }

    /// Flushes everything that was acknowledged before.
    pub(super) fn flush(&self) -> Result<(), Failure> {
        let _one_at_a_time = lock(&self.flushing);
        self.check()?;
        let (files, folders) = {
            let mut pending = lock(&self.pending);
            pending.since = None;
            (std::mem::take(&mut pending.files), std::mem::take(&mut pending.folders))
        };
        let flushed = self.flush_all(&files, &folders);
        if let Err(failure) = &flushed {
            lock(&self.pending).broken = Some(failure.to_string());
        }
        flushed
    }

    /// Flushes every file of the folder, whoever wrote it: where nobody keeps account of what is not durable.
    pub(super) fn flush_tree(&self) -> Result<(), Failure> {
        let _one_at_a_time = lock(&self.flushing);
        self.check()?;
        let flushed = match self.fs.metadata("") {
            // Nothing was written yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => self
                .flush_below("")
                .and_then(|()| self.fs.sync_above())
                .map_err(|error| cannot_flush(error, Acted::Maybe)),
        };
        if let Err(failure) = &flushed {
            lock(&self.pending).broken = Some(failure.to_string());
        }
        flushed
    }

    /// Flushes what lies below a folder, and then its names.
    fn flush_below(&self, folder: &str) -> io::Result<()> {
        let mut names = self.fs.read_folder(folder)?;
        names.sort_unstable_by_key(|(name, _)| folder.is_empty() && name == "metadata");
        for (name, kind) in names {
            let path = join(folder, &name);
            let flushed = match kind {
                FileKind::File => self.fs.open_file(&path).and_then(|file| file.sync()),
                FileKind::Folder => self.flush_below(&path),
                FileKind::Link | FileKind::Other => continue,
            };
            match flushed {
                // Deleted since its name was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        self.fs.sync_folder(folder)
    }

    fn flush_all(&self, files: &[Box<dyn OpenFile>], folders: &BTreeSet<String>) -> Result<(), Failure> {
        for file in files {
            file.sync().map_err(Failure::flush_after)?;
        }
        // Metadata speaks of data, so its names come last.
        let is_metadata = |folder: &&String| folder.split('/').next() == Some("metadata");
        let children = folders.iter().filter(|folder| !is_metadata(folder));
        for folder in children.chain(folders.iter().filter(is_metadata)) {
            self.flush_names_above(folder, Acted::Maybe)?;
            self.flush_folder(folder, Acted::Maybe)?;
        }
        Ok(())
    }
}

fn cannot_flush(error: io::Error, acted: Acted) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => {
            Failure { acted, reason: Reason::CannotFlushFolders }
        }
        _ => Failure { acted, reason: Reason::Flush(error) },
    }
}

/// A folder and all above it, from the root on.
pub(super) fn folders(folder: &str) -> impl Iterator<Item = &str> {
    let ends = folder.match_indices('/').map(|(at, _)| at);
    let inner = ends.chain((!folder.is_empty()).then_some(folder.len()));
    std::iter::once("").chain(inner.map(move |end| folder.get(..end).unwrap_or(folder)))
}

/// What a panic of another thread left is as good as before: every change is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
