//! A file system that tells before and after each of its calls, so that something can happen there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datashard_io::local::file_system::{FileKind, FileStat, FileSystem, OpenFile};
use datashard_io::sim::disk::Call;

/// Called at each moment.
pub(crate) type Watcher = Arc<dyn Fn(Moment, &Seen<'_>) + Send + Sync>;

/// A call of the file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// From 0 on.
    pub(crate) number: u64,
    pub(crate) call: Call,
    pub(crate) path: &'a str,
    /// The new name, of renames and links.
    pub(crate) to: Option<&'a str>,
}

/// When a watcher is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// A file system with a watcher.
#[derive(Clone)]
pub(crate) struct Watched {
    below: Arc<dyn FileSystem>,
    calls: Arc<AtomicU64>,
    watcher: Watcher,
}

impl Watched {
    pub(crate) fn new(below: Arc<dyn FileSystem>, watcher: Watcher) -> Self {
        Self { below, calls: Arc::default(), watcher }
    }

    /// How many calls were begun.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn call<T>(&self, call: Call, path: &str, act: impl FnOnce() -> T) -> T {
        self.call_to(call, path, None, act)
    }

    fn call_to<T>(&self, call: Call, path: &str, to: Option<&str>, act: impl FnOnce() -> T) -> T {
        let seen = Seen { number: self.calls.fetch_add(1, Ordering::SeqCst), call, path, to };
        (self.watcher)(Moment::Before, &seen);
        let answer = act();
        (self.watcher)(Moment::After, &seen);
        answer
    }

    fn file(&self, path: &str, file: Box<dyn OpenFile>) -> Box<dyn OpenFile> {
        Box::new(WatchedFile { file, path: path.to_owned(), watched: self.clone() })
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.below.fmt(f)
    }
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn OpenFile>,
    path: String,
    watched: Watched,
}

impl OpenFile for WatchedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // In small pieces, so that there is a middle of a file to be killed in.
        self.watched.call(Call::Write, &self.path, || self.file.write(&bytes[..bytes.len().min(1 << 14)]))
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.watched.call(Call::Read, &self.path, || self.file.read_at(offset, buffer))
    }
    fn sync(&self) -> std::io::Result<()> {
        self.watched.call(Call::SyncFile, &self.path, || self.file.sync())
    }
    fn metadata(&self) -> std::io::Result<FileStat> {
        self.watched.call(Call::Metadata, &self.path, || self.file.metadata())
    }
}

impl FileSystem for Watched {
    fn create_file(&self, path: &str) -> std::io::Result<Box<dyn OpenFile>> {
        self.call(Call::CreateFile, path, || self.below.create_file(path)).map(|file| self.file(path, file))
    }
    fn open_file(&self, path: &str) -> std::io::Result<Box<dyn OpenFile>> {
        self.call(Call::OpenFile, path, || self.below.open_file(path)).map(|file| self.file(path, file))
    }
    fn create_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(Call::CreateFolder, path, || self.below.create_folder(path))
    }
    fn rename_new(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call_to(Call::RenameNew, from, Some(to), || self.below.rename_new(from, to))
    }
    fn rename_over(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call_to(Call::RenameOver, from, Some(to), || self.below.rename_over(from, to))
    }
    fn link(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call_to(Call::Link, from, Some(to), || self.below.link(from, to))
    }
    fn remove_file(&self, path: &str) -> std::io::Result<()> {
        self.call(Call::RemoveFile, path, || self.below.remove_file(path))
    }
    fn remove_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(Call::RemoveFolder, path, || self.below.remove_folder(path))
    }
    fn sync_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(Call::SyncFolder, path, || self.below.sync_folder(path))
    }
    fn sync_above(&self) -> std::io::Result<()> {
        self.call(Call::SyncAbove, "", || self.below.sync_above())
    }
    fn metadata(&self, path: &str) -> std::io::Result<FileStat> {
        self.call(Call::Metadata, path, || self.below.metadata(path))
    }
    fn read_folder(&self, path: &str) -> std::io::Result<Vec<(String, FileKind)>> {
        self.call(Call::ReadFolder, path, || self.below.read_folder(path))
    }
    fn try_lock(&self, path: &str) -> std::io::Result<Option<Box<dyn Send>>> {
        self.call(Call::TryLock, path, || self.below.try_lock(path))
    }
    fn is_in_place(&self) -> std::io::Result<bool> {
        self.call(Call::IsInPlace, "", || self.below.is_in_place())
    }
}
