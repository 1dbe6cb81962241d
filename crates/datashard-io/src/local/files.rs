//! [`Files`]: the blocking steps behind a folder: write a temporary, flush it, give it its name, flush the name.
//!
//! The order is what makes a file whole or absent, and what was acknowledged durable. Everything before the rename fails as
//! "certainly not done"; everything after it as "may be done".

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::buffers::Buffers;
use super::exclusive::{self, Method};
use super::failure::{Failure, Reason};
use super::file_system::{FileKind, FileSystem};
use super::flush::{Flusher, Plan, folders};
use super::folder::{BlockingCalls, LocalOptions};
use super::pace::Pace;
use super::sweep::sweep;
use super::temporary::{Temporary, is_temporary};
use crate::context::Context;
use crate::error::Acted;
use crate::store::Durability;

/// Folders remembered as swept; beyond it they are swept once more.
const MOST_SWEPT: usize = 10_000;

/// A folder's files.
pub(super) struct Files {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) options: LocalOptions,
    pub(super) context: Context,
    /// How fast small writes are.
    pub(super) pace: Pace,
    pub(super) buffers: Buffers,
    method: OnceLock<Method>,
    pub(super) flusher: Arc<Flusher>,
    /// Folders that were searched for temporary files of killed processes.
    swept: Mutex<HashSet<String>>,
}

/// A file that is whole, and durable if it has to be, but does not have its name yet. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) temporary: Temporary,
    path: String,
}

impl Prepared {
    fn folder(&self) -> &str {
        folder_of(&self.path)
    }
}

impl Files {
    pub(super) fn new(fs: Arc<dyn FileSystem>, options: LocalOptions, context: Context) -> Self {
        let flusher = Arc::new(Flusher::new(Arc::clone(&fs), context.clone()));
        Self {
            fs,
            options,
            context,
            pace: Pace::default(),
            buffers: Buffers::default(),
            method: OnceLock::new(),
            flusher,
            swept: Mutex::default(),
        }
    }

    /// Writes the temporary file for `path`.
    pub(super) fn prepare(&self, path: &str, parts: &[Bytes]) -> Result<Prepared, Failure> {
        let mut prepared = self.begin(path)?;
        prepared.temporary.write(parts)?;
        self.end(&prepared)?;
        Ok(prepared)
    }

    /// Makes the temporary file for `path`, empty, and the folders above it.
    pub(super) fn begin(&self, path: &str) -> Result<Prepared, Failure> {
        check_name(path)?;
        self.flusher.check()?;
        self.check_root()?;
        let folder = folder_of(path);
        let temporary = self.temporary(folder)?;
        self.sweep(folder, &temporary);
        Ok(Prepared { temporary, path: path.to_owned() })
    }

    /// Flushes a temporary file that is whole, and the names of the folders above it.
    pub(super) fn end(&self, prepared: &Prepared) -> Result<(), Failure> {
        self.flush_content(prepared)?;
        if self.options.durability == Durability::Full {
            self.flusher.flush_names_above(prepared.folder(), Acted::No)?;
        }
        Ok(())
    }

    fn flush_content(&self, prepared: &Prepared) -> Result<(), Failure> {
        match prepared.temporary.file() {
            Some(file) if self.options.durability == Durability::Full => {
                file.sync().map_err(Failure::flush_before)
            }
            _ => Ok(()),
        }
    }

    /// Writes the temporary file for `path`, one of many: the names of folders are flushed when all have theirs.
    pub(super) fn prepare_one(&self, path: &str, parts: &[Bytes]) -> Result<Prepared, Failure> {
        let mut prepared = self.begin(path)?;
        prepared.temporary.write(parts)?;
        self.flush_content(&prepared)?;
        Ok(prepared)
    }

    /// Writes the temporary file for a `path` that is to be created, and flushes what it continues.
    pub(super) fn prepare_create(&self, path: &str, parts: &[Bytes]) -> Result<Prepared, Failure> {
        let prepared = self.prepare(path, parts)?;
        if self.options.durability == Durability::Full {
            // The new version builds on one whose name another process may have made and not flushed yet. Were the new name to
            // survive a power loss and that one not, the version after the gap would follow a stranger. Whoever has the bytes has
            // read what they build on, so its name is there to be flushed now.
            self.flusher.flush_folder(prepared.folder(), Acted::No)?;
        }
        Ok(prepared)
    }

    /// Gives a file of [`prepare_create`](Self::prepare_create) its name if nothing has it.
    pub(super) fn create(&self, prepared: Prepared) -> Result<(), Failure> {
        self.check_root()?;
        let method = self.method(prepared.folder())?;
        exclusive::place(&*self.fs, method, &prepared.temporary, &prepared.path)?;
        self.finish(prepared)
    }

    /// Gives the file its name, over whatever file has it.
    pub(super) fn replace(&self, prepared: Prepared) -> Result<(), Failure> {
        self.place_over(prepared).and_then(|prepared| self.finish(prepared))
    }

    /// The same, without flushing the name.
    pub(super) fn place_over(&self, prepared: Prepared) -> Result<Prepared, Failure> {
        self.check_root()?;
        match self.fs.metadata(&prepared.path) {
            Ok(stat) => check_kind(stat.kind)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::before(error)),
        }
        if let Err(error) = self.fs.rename_over(prepared.temporary.path(), &prepared.path) {
            exclusive::settle(&*self.fs, &prepared.temporary, &prepared.path, error)?;
        }
        Ok(prepared)
    }

    /// Makes the name of a file durable, whoever gave it.
    pub(super) fn flush_name(&self, path: &str) -> Result<(), Failure> {
        let folder = folder_of(path);
        self.flusher.flush_names_above(folder, Acted::Maybe)?;
        self.flusher.flush_folder(folder, Acted::Maybe)
    }

    /// Removes a file.
    pub(super) fn delete(&self, path: &str) -> Result<(), Failure> {
        check_name(path)?;
        self.check_root()?;
        check_kind(self.fs.metadata(path).map_err(Failure::before)?.kind)?;
        match self.fs.remove_file(path) {
            Ok(()) => Ok(()),
            Err(error) if exclusive::is_certain(&error) => Err(Failure::before(error)),
            Err(error) => Err(Failure::after(error)),
        }
    }

    fn finish(&self, prepared: Prepared) -> Result<(), Failure> {
        let path = self.placed(prepared)?;
        if self.options.durability == Durability::Full {
            self.flusher.flush_folder(folder_of(&path), Acted::Maybe)?;
        }
        Ok(())
    }

    /// What follows a rename, but for the flush of the name in durability `full`.
    fn placed(&self, prepared: Prepared) -> Result<String, Failure> {
        let Prepared { temporary, path } = prepared;
        let file = temporary.placed();
        if let Durability::Group { interval } = self.options.durability {
            let thread = self.options.calls == BlockingCalls::Pool;
            self.flusher.add(file, folder_of(&path), interval, thread)?;
        }
        Ok(path)
    }

    /// Gives files their names, over whatever files have them; the folders whose names are then to be flushed.
    pub(super) fn replace_all(&self, all: Vec<Prepared>) -> Result<BTreeSet<String>, Failure> {
        let mut folders = BTreeSet::new();
        let mut acted = Acted::No;
        for prepared in all {
            let placed = self.place_over(prepared).and_then(|prepared| self.placed(prepared));
            // Once one has its name, it is no longer true that nothing happened.
            let path = placed.map_err(|failure| match acted {
                Acted::No => failure,
                Acted::Maybe => Failure { acted, ..failure },
            })?;
            acted = Acted::Maybe;
            folders.insert(folder_of(&path).to_owned());
        }
        Ok(folders)
    }

    /// What is to be flushed after files got their names in `placed`; nothing if this durability does not ask for it.
    pub(super) fn plan(&self, placed: &BTreeSet<String>) -> Option<Plan> {
        (self.options.durability == Durability::Full).then(|| self.flusher.plan(placed))
    }

    /// Flushes what was acknowledged and is not durable yet.
    pub(super) fn flush(&self) -> Result<(), Failure> {
        match self.options.durability {
            Durability::None => self.flusher.flush_tree(),
            _ => self.flusher.flush(),
        }
    }

    /// A temporary file in a folder, which is made if need be.
    fn temporary(&self, folder: &str) -> Result<Temporary, Failure> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..3 {
            match Temporary::create(&self.fs, folder, self.context.ids.uuid()) {
                Ok(temporary) => return Ok(temporary),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.make_folders(folder)?;
                    last = error;
                }
                // An id of the past, in a simulation that starts its ids anew.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(Failure::before(error)),
            }
        }
        Err(Failure::before(last))
    }

    /// Sweeps a folder when it is first written to. `temporary` was just made and tells the time.
    fn sweep(&self, folder: &str, temporary: &Temporary) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.contains(folder) {
            return;
        }
        if swept.len() >= MOST_SWEPT {
            swept.clear();
        }
        swept.insert(folder.to_owned());
        drop(swept);
        let Some(Ok(stat)) = temporary.file().map(|file| file.metadata()) else { return };
        let (fs, folder, now_ms) = (Arc::clone(&self.fs), folder.to_owned(), stat.modified_ms);
        let work = move || sweep(&fs, &folder, now_ms);
        match tokio::runtime::Handle::try_current() {
            // Nobody has to wait for it.
            Ok(runtime) if self.options.calls == BlockingCalls::Pool => drop(runtime.spawn_blocking(work)),
            _ => work(),
        }
    }

    /// Makes a folder and those above it, as far as they are missing.
    pub(super) fn make_folders(&self, folder: &str) -> Result<(), Failure> {
        for name in folders(folder) {
            if name.is_empty() && self.fs.metadata("").is_ok() {
                continue;
            }
            match self.fs.create_folder(name) {
                Ok(()) => {
                    self.flusher.forget_name(name);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if name.is_empty() && error.kind() == io::ErrorKind::NotFound => {
                    return Err(Failure::no(Reason::NoFolder));
                }
                Err(error) => return Err(Failure::before(error)),
            }
        }
        Ok(())
    }

    /// How to create, found out once, in the folder of the first file.
    fn method(&self, folder: &str) -> Result<Method, Failure> {
        if let Some(method) = self.method.get() {
            return Ok(*method);
        }
        let found =
            exclusive::probe(&self.fs, folder, &*self.context.ids, self.options.unsafe_single_writer)?;
        tracing::debug!(method = ?found, "how the file system creates files whole and only if absent");
        // Threads that probe at the same time find the same.
        Ok(*self.method.get_or_init(|| found))
    }

    /// Refuses to go on in a folder that nobody finds by its name any more.
    pub(super) fn check_root(&self) -> Result<(), Failure> {
        match self.fs.is_in_place() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::no(Reason::RootReplaced)),
            Err(error) => Err(Failure::before(error)),
        }
    }

    /// An error of a read: "not found" in a root that was taken away says nothing about the file.
    pub(super) fn read_failure(&self, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::NotFound
            && let Err(replaced) = self.check_root()
        {
            return replaced;
        }
        Failure::before(error)
    }
}

/// Only regular files are read, replaced and deleted.
pub(super) fn check_kind(kind: FileKind) -> Result<(), Failure> {
    let what = match kind {
        FileKind::File => return Ok(()),
        FileKind::Link => return Err(Failure::no(Reason::Link)),
        FileKind::Folder => "a folder",
        FileKind::Other => "a device, a pipe or a socket",
    };
    Err(Failure::no(Reason::NoFile(what)))
}

/// Names of temporary files are nobody else's.
pub(super) fn check_name(path: &str) -> Result<(), Failure> {
    if path.is_empty() || path.split('/').any(is_temporary) {
        return Err(Failure::no(Reason::Reserved));
    }
    Ok(())
}

/// Everything before the last slash.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("fs", &self.fs).field("options", &self.options).finish_non_exhaustive()
    }
}
