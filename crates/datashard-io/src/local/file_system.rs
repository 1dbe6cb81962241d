//! What a folder asks of a file system, as small blocking calls, so that tests can put a disk of their own below it: one that
//! records, fails, fills up, or forgets what was not flushed.

use std::fmt;
use std::io;

/// A file system seen from one folder. Paths are relative to that folder, segments joined by `/`, checked before; the empty path is
/// the folder itself. No call follows a symbolic link below the folder: it fails with [`io::ErrorKind::FilesystemLoop`]
/// or the system's `ELOOP`.
///
/// Every call is one step that either happens or fails with the system's error; calls may be made from several threads.
pub trait FileSystem: fmt::Debug + Send + Sync {
    /// Creates an empty file that must not exist yet, for writing.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` if the folder above does not exist; the system's.
    fn create_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;

    /// Opens a file for reading, without waiting for anybody (a pipe without a writer). What it is, its metadata tells.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`, unless a folder can be opened; the system's.
    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;

    /// Creates a folder; its parent must exist. The empty path creates the folder that this file system is seen from.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` if there is no parent; the system's.
    fn create_folder(&self, path: &str) -> io::Result<()>;

    /// Renames a file, but only if nothing has the new name.
    ///
    /// # Errors
    /// `AlreadyExists`; `Unsupported` (or `EINVAL`, `ENOSYS`) where the file system cannot; the system's.
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()>;

    /// Renames a file over whatever has the new name.
    ///
    /// # Errors
    /// The system's.
    fn rename_over(&self, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file a second name, but only if nothing has that name.
    ///
    /// # Errors
    /// `AlreadyExists`; `Unsupported` (or `EPERM`) where the file system cannot; the system's.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file's name.
    ///
    /// # Errors
    /// `NotFound`; the system's.
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `DirectoryNotEmpty`; the system's.
    fn remove_folder(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// The system's. After one, what was durable is not known.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Makes the name of the folder itself durable, in the folder above it. By default there is nothing above.
    ///
    /// # Errors
    /// The system's.
    fn sync_above(&self) -> io::Result<()> {
        Ok(())
    }

    /// Kind, size and modification time of a name.
    ///
    /// # Errors
    /// `NotFound`; the system's.
    fn metadata(&self, path: &str) -> io::Result<FileStat>;

    /// Names in a folder, in no order, without `.` and `..`; names that are not UTF-8 are left out.
    ///
    /// # Errors
    /// `NotFound`; `NotADirectory`; the system's.
    fn read_folder(&self, path: &str) -> io::Result<Vec<(String, FileKind)>>;

    /// Takes the lock that goes with a file, which is created if need be; `None` if somebody else has it. The lock is advisory, and ends
    /// with the value or the process.
    ///
    /// # Errors
    /// The system's.
    fn try_lock(&self, path: &str) -> io::Result<Option<Box<dyn Send>>>;

    /// Whether the folder is still the one that has its name: `false` after it was removed or replaced,
    /// `true` as long as it does not exist yet.
    ///
    /// # Errors
    /// The system's.
    fn is_in_place(&self) -> io::Result<bool>;
}

/// A file of a [`FileSystem`], open for writing or for reading.
pub trait OpenFile: fmt::Debug + Send + Sync {
    /// Writes at the end; may write less than it was given.
    ///
    /// # Errors
    /// The system's, among them `Interrupted` and `StorageFull`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads from `offset`; may read less than there is room for, and 0 only at the end.
    ///
    /// # Errors
    /// The system's, among them `Interrupted`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes the file's content durable, not its name.
    ///
    /// # Errors
    /// The system's. After one, what was durable is not known, and a second call proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Kind, size and modification time.
    ///
    /// # Errors
    /// The system's.
    fn metadata(&self) -> io::Result<FileStat>;
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, which is never followed.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// Kind, size and modification time of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "outside implementations build it, and all of it")]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// When the content last changed, in ms since 1970, by the clock of the file system.
    pub modified_ms: i64,
    /// A number that changes when another file takes the name (an inode number).
    pub identity: u64,
}
