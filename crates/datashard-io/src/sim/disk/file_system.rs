//! [`SimDisk`] as a [`FileSystem`]: what each call does, and in which order it looks for what it needs, as Linux does.

use std::io;

use super::call::What;
use super::fault::SystemError;
use super::image::{ABOVE, Change};
use super::open::{Lock, SimFile};
use super::step::Call;
use super::{RenameNew, SimDisk};
use crate::local::file_system::{FileKind, FileStat, FileSystem, OpenFile};

impl FileSystem for SimDisk {
    fn create_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.call(What::new(Call::CreateFile, path), |act| {
            let (folder, name) = act.free_place(path)?;
            let inode = act.make(FileKind::File, folder, name);
            Ok(SimFile::open(self, act, inode, path, true))
        })
    }

    fn open_file(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.call(What::new(Call::OpenFile, path), |act| {
            let inode = act.image().lookup(path)?;
            // A folder can be opened, though not read, as on Linux.
            if act.stat(inode)?.kind == FileKind::Link {
                return Err(SystemError::Loop);
            }
            Ok(SimFile::open(self, act, inode, path, false))
        })
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        self.call(What::new(Call::CreateFolder, path), |act| {
            let (folder, name) = act.free_place(path)?;
            act.make(FileKind::Folder, folder, name);
            Ok(())
        })
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(What::new(Call::RenameNew, from).to(to), |act| {
            act.both_places(from, to)?;
            let inode = act.file(from)?;
            match act.abilities().rename_new {
                RenameNew::Works => {}
                RenameNew::Missing => return Err(SystemError::InvalidArgument),
                RenameNew::Replaces => return act.rename_over(inode, from, to),
            }
            let (folder, name) = act.free_place(to)?;
            act.rename(inode, from, folder, name)
        })
    }

    fn rename_over(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(What::new(Call::RenameOver, from).to(to), |act| {
            act.both_places(from, to)?;
            let inode = act.file(from)?;
            act.rename_over(inode, from, to)
        })
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(What::new(Call::Link, from).to(to), |act| {
            act.both_places(from, to)?;
            let inode = act.image().lookup(from)?;
            let (folder, name) = act.free_place(to)?;
            act.file(from)?;
            if !act.abilities().hard_links {
                return Err(SystemError::NotPermitted);
            }
            act.name(folder, name, Some(inode));
            Ok(())
        })
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.call(What::new(Call::RemoveFile, path), |act| {
            let (folder, name) = act.image().place(path)?;
            if act.image().names(act.image().lookup(path)?).is_ok() {
                return Err(SystemError::IsFolder);
            }
            act.name(folder, name, None);
            Ok(())
        })
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.call(What::new(Call::RemoveFolder, path), |act| {
            let (folder, name) = act.image().place(path)?;
            match act.image().names(act.image().lookup(path)?) {
                Ok(names) if names.is_empty() => {}
                Ok(_) => return Err(SystemError::FolderNotEmpty),
                Err(_) => return Err(SystemError::NotFolder),
            }
            act.name(folder, name, None);
            Ok(())
        })
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.call(What::new(Call::SyncFolder, path), |act| {
            let folder = act.image().lookup(path)?;
            act.image().names(folder)?;
            if !act.abilities().folder_sync {
                return Err(SystemError::InvalidArgument);
            }
            act.change(Change::FolderSynced { folder });
            Ok(())
        })
    }

    fn sync_above(&self) -> io::Result<()> {
        self.call(What::new(Call::SyncAbove, ""), |act| {
            if !act.abilities().folder_sync {
                return Err(SystemError::InvalidArgument);
            }
            act.change(Change::FolderSynced { folder: ABOVE });
            Ok(())
        })
    }

    fn metadata(&self, path: &str) -> io::Result<FileStat> {
        self.call(What::new(Call::Metadata, path), |act| act.image().stat(act.image().lookup(path)?))
    }

    fn read_folder(&self, path: &str) -> io::Result<Vec<(String, FileKind)>> {
        self.call(What::new(Call::ReadFolder, path), |act| {
            let image = act.image();
            let mut found = Vec::new();
            for (name, inode) in image.names(image.lookup(path)?)? {
                found.push((*inode, name.clone(), image.stat(*inode)?.kind));
            }
            // No order that anybody could come to rely on, but the same each time.
            found.sort_by_key(|(inode, ..)| inode.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            Ok(found.into_iter().map(|(_, name, kind)| (name, kind)).collect())
        })
    }

    fn try_lock(&self, path: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.call(What::new(Call::TryLock, path), |act| {
            let inode = match act.image().lookup(path) {
                Ok(inode) => {
                    act.image().bytes(inode)?;
                    inode
                }
                Err(SystemError::NotFound) => {
                    let (folder, name) = act.free_place(path)?;
                    act.make(FileKind::File, folder, name)
                }
                Err(error) => return Err(error),
            };
            Ok(Lock::take(self, act, inode))
        })
    }

    fn is_in_place(&self) -> io::Result<bool> {
        self.call(What::new(Call::IsInPlace, ""), |act| Ok(act.in_place()))
    }
}
