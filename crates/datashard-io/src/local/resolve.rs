//! Opens names below a folder's handle without ever following a symbolic link.
//!
//! Linux does it in one call, `openat2`. Where that is missing (old kernels, other systems) or forbidden (some container
//! sandboxes answer `EPERM` or `ENOSYS`), the path is walked segment by segment, each opened from the handle of the one above.
//! Either way a folder that is swapped for a link while we look makes the call fail; there is nothing between a check and a use.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

/// Flags of a handle that serves only to name things below a folder.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const FOLDER: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Flags of a handle that serves only to name things below a folder.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Which of the two ways is used.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    /// Set once `openat2` was seen not to work, or by tests.
    walk: AtomicBool,
}

impl Resolver {
    /// Always goes segment by segment.
    #[cfg(test)]
    pub(super) fn walking() -> Self {
        Self { walk: AtomicBool::new(true) }
    }

    /// Opens `path`, which is not empty, below `root`.
    pub(super) fn open(
        &self,
        root: BorrowedFd<'_>,
        path: &str,
        flags: OFlags,
        mode: Mode,
    ) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if !self.walk.load(Ordering::Relaxed) {
            match at_once(root, path, flags, mode) {
                // A folder may answer EPERM for reasons of its own (it is immutable): believe the sandbox theory only if the walk works.
                Err(error @ (Errno::NOSYS | Errno::PERM)) => {
                    return match walk(root, path, flags, mode) {
                        Ok(handle) => {
                            self.walk.store(true, Ordering::Relaxed);
                            Ok(handle)
                        }
                        Err(_) if error == Errno::PERM => Err(error.into()),
                        Err(other) => Err(other.into()),
                    };
                }
                opened => return Ok(opened?),
            }
        }
        Ok(walk(root, path, flags, mode)?)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn at_once(root: BorrowedFd<'_>, path: &str, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match retry_on_intr(|| rustix::fs::openat2(root, path, flags, mode, resolve)) {
        // A link in the place of a folder: which answer comes depends on which flag the kernel looks at first.
        Err(Errno::NOTDIR) => walk(root, path, flags, mode),
        opened => opened,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn at_once(_: BorrowedFd<'_>, _: &str, _: OFlags, _: Mode) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

fn walk(root: BorrowedFd<'_>, path: &str, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
    let mut above: Option<OwnedFd> = None;
    let mut rest = path;
    loop {
        let folder = above.as_ref().map_or(root, AsFd::as_fd);
        let Some((segment, more)) = rest.split_once('/') else {
            return open_segment(folder, rest, flags, mode);
        };
        above = Some(open_segment(folder, segment, FOLDER, Mode::empty())?);
        rest = more;
    }
}

fn open_segment(
    folder: BorrowedFd<'_>,
    segment: &str,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    // Paths are checked before they come here; this is the last line of defence.
    if segment.is_empty() || segment == "." || segment == ".." {
        return Err(Errno::INVAL);
    }
    match retry_on_intr(|| rustix::fs::openat(folder, segment, flags, mode)) {
        // What a link that must not be followed gives differs between systems, and from what a file in its place gives only by a look.
        Err(error @ (Errno::NOTDIR | Errno::LOOP | Errno::MLINK)) => {
            let stat = rustix::fs::statat(folder, segment, AtFlags::SYMLINK_NOFOLLOW)?;
            let link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
            Err(if link { Errno::LOOP } else { error })
        }
        opened => opened,
    }
}
