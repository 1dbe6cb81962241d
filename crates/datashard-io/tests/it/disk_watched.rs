//! A file system that tells before and after each of its calls, so that something can happen there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datashard_io::local::file_system::{FileKind, FileStat, FileSystem, OpenFile};

/// Called at each moment, with the number of the call from 0 on.
pub(crate) type Watcher = Arc<dyn Fn(Moment, u64) + Send + Sync>;

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

    fn call<T>(&self, call: impl FnOnce() -> T) -> T {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        (self.watcher)(Moment::Before, number);
        let answer = call();
        (self.watcher)(Moment::After, number);
        answer
    }

    fn file(&self, file: Box<dyn OpenFile>) -> Box<dyn OpenFile> {
        Box::new(WatchedFile { file, watched: self.clone() })
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
    watched: Watched,
}

impl OpenFile for WatchedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let watched = self.watched.clone();
        // In small pieces, so that there is a middle of a file to be killed in.
        watched.call(|| self.file.write(&bytes[..bytes.len().min(1 << 14)]))
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.watched.call(|| self.file.read_at(offset, buffer))
    }
    fn sync(&self) -> std::io::Result<()> {
        self.watched.call(|| self.file.sync())
    }
    fn metadata(&self) -> std::io::Result<FileStat> {
        self.watched.call(|| self.file.metadata())
    }
}

impl FileSystem for Watched {
    fn create_file(&self, path: &str) -> std::io::Result<Box<dyn OpenFile>> {
        self.call(|| self.below.create_file(path)).map(|file| self.file(file))
    }
    fn open_file(&self, path: &str) -> std::io::Result<Box<dyn OpenFile>> {
        self.call(|| self.below.open_file(path)).map(|file| self.file(file))
    }
    fn create_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(|| self.below.create_folder(path))
    }
    fn rename_new(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call(|| self.below.rename_new(from, to))
    }
    fn rename_over(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call(|| self.below.rename_over(from, to))
    }
    fn link(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.call(|| self.below.link(from, to))
    }
    fn remove_file(&self, path: &str) -> std::io::Result<()> {
        self.call(|| self.below.remove_file(path))
    }
    fn remove_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(|| self.below.remove_folder(path))
    }
    fn sync_folder(&self, path: &str) -> std::io::Result<()> {
        self.call(|| self.below.sync_folder(path))
    }
    fn sync_above(&self) -> std::io::Result<()> {
        self.call(|| self.below.sync_above())
    }
    fn metadata(&self, path: &str) -> std::io::Result<FileStat> {
        self.call(|| self.below.metadata(path))
    }
    fn read_folder(&self, path: &str) -> std::io::Result<Vec<(String, FileKind)>> {
        self.call(|| self.below.read_folder(path))
    }
    fn try_lock(&self, path: &str) -> std::io::Result<Option<Box<dyn Send>>> {
        self.call(|| self.below.try_lock(path))
    }
    fn is_in_place(&self) -> std::io::Result<bool> {
        self.call(|| self.below.is_in_place())
    }
}
