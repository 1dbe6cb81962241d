//! What a disk hands out: open files, and locks. Both end with the value.

use std::io;

use super::SimDisk;
use super::call::{Act, What};
use super::fault::SystemError;
use super::image::{Change, Inode};
use super::step::Call;
use crate::local::file_system::{FileKind, FileStat, OpenFile};

/// An open file. It stays readable when its name is gone, as files do.
#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    inode: Inode,
    path: String,
    for_writing: bool,
}

impl SimFile {
    pub(super) fn open(
        disk: &SimDisk,
        act: &mut Act<'_>,
        inode: Inode,
        path: &str,
        for_writing: bool,
    ) -> Box<dyn OpenFile> {
        let times = act.disk.open.entry(inode).or_default();
        *times = times.saturating_add(1);
        Box::new(Self { disk: disk.clone(), inode, path: path.to_owned(), for_writing })
    }

    fn what(&self, call: Call) -> What<'_> {
        What::new(call, &self.path).of(self.inode)
    }
}

impl OpenFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.call(self.what(Call::Write), |act| {
            if self.for_writing { act.append(self.inode, bytes) } else { Err(SystemError::WrongHandle) }
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.call(self.what(Call::Read), |act| {
            if self.for_writing {
                Err(SystemError::WrongHandle)
            } else {
                act.read(self.inode, offset, buffer)
            }
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call(self.what(Call::SyncFile), |act| {
            act.change(match act.stat(self.inode)?.kind {
                FileKind::Folder => Change::FolderSynced { folder: self.inode },
                _ => Change::FileSynced { inode: self.inode },
            });
            Ok(())
        })
    }

    fn metadata(&self) -> io::Result<FileStat> {
        self.disk.call(self.what(Call::Metadata), |act| act.stat(self.inode))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut disk = self.disk.lock();
        let left = disk.open.get(&self.inode).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            disk.open.remove(&self.inode);
            disk.now.forget_nameless(self.inode);
        } else {
            disk.open.insert(self.inode, left);
        }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock {
    disk: SimDisk,
    inode: Inode,
}

impl Lock {
    /// Takes the lock of a file, unless somebody has it.
    pub(super) fn take(disk: &SimDisk, act: &mut Act<'_>, inode: Inode) -> Option<Box<dyn Send>> {
        if !act.disk.locked.insert(inode) {
            return None;
        }
        Some(Box::new(Self { disk: disk.clone(), inode }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.disk.lock().locked.remove(&self.inode);
    }
}
