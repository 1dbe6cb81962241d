//! [`SystemFolder`]: a folder of this machine's file system, or of a network mount.
//!
//! Everything is named relative to a handle of the folder that is opened once. So neither the working directory nor a link that
//! somebody puts in later can lead a call elsewhere.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use super::file_system::{FileKind, FileStat, FileSystem, OpenFile};
use super::resolve::{FOLDER, Resolver};

/// A folder of this machine, which need not exist yet: then nothing is in it, and `create_folder("")` makes it.
#[derive(Debug)]
pub struct SystemFolder {
    path: PathBuf,
    root: OnceLock<Root>,
    resolver: Resolver,
}

#[derive(Debug)]
struct Root {
    handle: OwnedFd,
    /// Device and inode: as long as the handle is open, nothing else can have the same.
    identity: (u64, u64),
}

/// A folder's handle: the root's, or one of its own.
enum Handle<'a> {
    Root(BorrowedFd<'a>),
    Own(OwnedFd),
}

impl AsFd for Handle<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(handle) => *handle,
            Self::Own(handle) => handle.as_fd(),
        }
    }
}

impl SystemFolder {
    /// Opens a folder, if it exists. Links on the way to it are followed; the folder itself may not be one.
    ///
    /// # Errors
    /// The system's: among them `ELOOP` if it is a symbolic link, `NotADirectory`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        // A slash at the end would have the system follow a link there.
        let path: PathBuf = path.components().collect();
        let folder = Self { path, root: OnceLock::new(), resolver: Resolver::default() };
        match folder.root() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(folder),
        }
    }

    /// The folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same, but never by `openat2`.
    #[cfg(test)]
    pub(super) fn walking(path: &Path) -> io::Result<Self> {
        Ok(Self { resolver: Resolver::walking(), ..Self::open(path)? })
    }

    fn root(&self) -> io::Result<&Root> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let opened = open_root(&self.path)?;
        // Another thread may have been faster; its handle is as good.
        Ok(self.root.get_or_init(|| opened))
    }

    fn open_below(&self, path: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        self.resolver.open(self.root()?.handle.as_fd(), path, flags, mode)
    }

    /// A handle of a folder to name things with.
    fn folder(&self, path: &str) -> io::Result<Handle<'_>> {
        if path.is_empty() {
            return Ok(Handle::Root(self.root()?.handle.as_fd()));
        }
        self.open_below(path, FOLDER, Mode::empty()).map(Handle::Own)
    }

    /// A handle of a folder to flush or to list.
    fn readable_folder(&self, path: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if path.is_empty() {
            let root = self.root()?.handle.as_fd();
            return Ok(retry_on_intr(|| rustix::fs::openat(root, ".", flags, Mode::empty()))?);
        }
        self.open_below(path, flags, Mode::empty())
    }

    /// Calls with handles of the folders of two names.
    fn between(
        &self,
        from: &str,
        to: &str,
        call: impl Fn(BorrowedFd<'_>, &str, BorrowedFd<'_>, &str) -> rustix::io::Result<()>,
    ) -> io::Result<()> {
        let ((from_folder, from), (to_folder, to)) = (split(from), split(to));
        let source = self.folder(from_folder)?;
        if from_folder == to_folder {
            return Ok(retry_on_intr(|| call(source.as_fd(), from, source.as_fd(), to))?);
        }
        let target = self.folder(to_folder)?;
        Ok(retry_on_intr(|| call(source.as_fd(), from, target.as_fd(), to))?)
    }
}

impl FileSystem for SystemFolder {
    fn create_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let handle = self.open_below(path, flags, Mode::from_raw_mode(0o666))?;
        Ok(Box::new(SystemFile { handle }))
    }

    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        // Without NONBLOCK a pipe in the place of the file would block for good. Files do not care.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let handle = self.open_below(path, flags, Mode::empty())?;
        Ok(Box::new(SystemFile { handle }))
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o777);
        if path.is_empty() {
            if self.root.get().is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            retry_on_intr(|| rustix::fs::mkdirat(CWD, &self.path, mode))?;
            return self.root().map(|_| ());
        }
        let (folder, name) = split(path);
        let folder = self.folder(folder)?;
        Ok(retry_on_intr(|| rustix::fs::mkdirat(folder.as_fd(), name, mode))?)
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.between(from, to, rename_noreplace)
    }

    fn rename_over(&self, from: &str, to: &str) -> io::Result<()> {
        self.between(from, to, |from_folder, from, to_folder, to| {
            rustix::fs::renameat(from_folder, from, to_folder, to)
        })
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.between(from, to, |from_folder, from, to_folder, to| {
            rustix::fs::linkat(from_folder, from, to_folder, to, AtFlags::empty())
        })
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        let (folder, name) = split(path);
        let folder = self.folder(folder)?;
        Ok(retry_on_intr(|| rustix::fs::unlinkat(folder.as_fd(), name, AtFlags::empty()))?)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let (folder, name) = split(path);
        let folder = self.folder(folder)?;
        Ok(retry_on_intr(|| rustix::fs::unlinkat(folder.as_fd(), name, AtFlags::REMOVEDIR))?)
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        let handle = self.readable_folder(path)?;
        Ok(retry_on_intr(|| rustix::fs::fsync(&handle))?)
    }

    fn sync_above(&self) -> io::Result<()> {
        let Some(above) = self.path.parent() else { return Ok(()) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = match retry_on_intr(|| rustix::fs::openat(CWD, above, flags, Mode::empty())) {
            // A folder above that may not even be listed was not made by this user, and neither was the root in it.
            Err(Errno::ACCESS) => return Ok(()),
            opened => opened?,
        };
        Ok(retry_on_intr(|| rustix::fs::fsync(&handle))?)
    }

    fn metadata(&self, path: &str) -> io::Result<FileStat> {
        if path.is_empty() {
            return Ok(file_stat(&rustix::fs::fstat(&self.root()?.handle)?));
        }
        let (folder, name) = split(path);
        let folder = self.folder(folder)?;
        let stat = retry_on_intr(|| rustix::fs::statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW))?;
        Ok(file_stat(&stat))
    }

    fn read_folder(&self, path: &str) -> io::Result<Vec<(String, FileKind)>> {
        let handle = self.readable_folder(path)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&handle)? {
            let entry = entry?;
            // No name of ours is anything but UTF-8, and others cannot be told apart once converted.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => match rustix::fs::statat(&handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                },
                kind => kind,
            };
            names.push((name.to_owned(), file_kind(kind)));
        }
        Ok(names)
    }

    fn try_lock(&self, path: &str) -> io::Result<Option<Box<dyn Send>>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK;
        let handle = self.open_below(path, flags, Mode::from_raw_mode(0o666))?;
        match retry_on_intr(|| rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Box::new(handle))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_in_place(&self) -> io::Result<bool> {
        let Some(root) = self.root.get() else { return Ok(true) };
        match retry_on_intr(|| rustix::fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(stat) => Ok(identity(&stat) == root.identity),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// An open file of a [`SystemFolder`].
#[derive(Debug)]
struct SystemFile {
    handle: OwnedFd,
}

impl OpenFile for SystemFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.handle, bytes)?)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::pread(&self.handle, buffer, offset)?)
    }

    fn sync(&self) -> io::Result<()> {
        // The file is new, so its size changed and has to be flushed with the content: `fdatasync` would save nothing but is not
        // everywhere. Not repeated after EINTR either: the kernel may have dropped the error that a second call should report.
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    fn metadata(&self) -> io::Result<FileStat> {
        Ok(file_stat(&rustix::fs::fstat(&self.handle)?))
    }
}

fn open_root(path: &Path) -> io::Result<Root> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty())) {
        // A link that must not be followed is "no folder" on Linux.
        Err(error @ (Errno::NOTDIR | Errno::MLINK)) => {
            let stat = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
            let link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
            return Err(if link { Errno::LOOP } else { error }.into());
        }
        opened => opened?,
    };
    let identity = identity(&rustix::fs::fstat(&handle)?);
    Ok(Root { handle, identity })
}

/// Renames unless the new name is taken, in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_noreplace(
    from_folder: BorrowedFd<'_>,
    from: &str,
    to_folder: BorrowedFd<'_>,
    to: &str,
) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(from_folder, from, to_folder, to, rustix::fs::RenameFlags::NOREPLACE)
}

/// Other systems have no such call.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_noreplace(_: BorrowedFd<'_>, _: &str, _: BorrowedFd<'_>, _: &str) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn file_kind(kind: FileType) -> FileKind {
    match kind {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Folder,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (unsigned(stat.st_dev), unsigned(stat.st_ino))
}

fn file_stat(stat: &Stat) -> FileStat {
    let ms = signed(stat.st_mtime)
        .saturating_mul(1_000)
        .saturating_add(signed(stat.st_mtime_nsec).checked_div(1_000_000).unwrap_or(0));
    FileStat {
        kind: file_kind(FileType::from_raw_mode(stat.st_mode)),
        size_bytes: unsigned(stat.st_size),
        modified_ms: ms,
        identity: unsigned(stat.st_ino),
    }
}

/// The fields of `stat` have other widths on other systems.
fn unsigned<T: TryInto<u64>>(value: T) -> u64 {
    value.try_into().unwrap_or(0)
}

/// The fields of `stat` have other widths on other systems.
fn signed<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(0)
}
