//! How a call is carried out: faults are met, what it does is done to the disk, and both are recorded, in one step.

use std::io;

use super::fault::{Effect, SystemError};
use super::image::{Change, Image, Inode};
use super::step::{Call, Step};
use super::{Abilities, Disk, Entry, SimDisk};
use crate::local::file_system::{FileKind, FileStat};

/// What is called, for whom it is recorded and faults are looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct What<'a> {
    call: Call,
    path: &'a str,
    to: Option<&'a str>,
    /// The file that is flushed, if it is that.
    inode: Option<Inode>,
}

impl<'a> What<'a> {
    pub(super) fn new(call: Call, path: &'a str) -> Self {
        Self { call, path, to: None, inode: None }
    }

    pub(super) fn to(self, to: &'a str) -> Self {
        Self { to: Some(to), ..self }
    }

    pub(super) fn of(self, inode: Inode) -> Self {
        Self { inode: Some(inode), ..self }
    }
}

/// A call that is being carried out.
pub(super) struct Act<'a> {
    pub(super) disk: &'a mut Disk,
    changes: Vec<Change>,
    now_ms: i64,
    /// How many bytes may be written or read.
    most_bytes: usize,
    bytes: usize,
}

impl SimDisk {
    /// Carries a call out. `act` must look before it changes anything: what it has changed stays changed.
    pub(super) fn call<T>(
        &self,
        what: What<'_>,
        act: impl FnOnce(&mut Act<'_>) -> Result<T, SystemError>,
    ) -> io::Result<T> {
        let now_ms = self.clock.now_ms();
        // Declared first, dropped last: an open file that nobody gets takes the disk's lock when it is closed.
        let unseen;
        let mut disk = self.lock();
        let mut effect = None;
        for fault in &mut disk.faults {
            let met = fault.meet(what.call, what.path, what.to);
            effect = effect.or(met);
        }
        if effect.is_some() {
            disk.faults_met = disk.faults_met.saturating_add(1);
        }
        let refused = disk.abilities.read_only && Call::CHANGING.contains(&what.call);
        let most_bytes = if let Some(Effect::Short(bytes)) = effect { bytes } else { usize::MAX };
        let mut acting = Act { disk: &mut disk, changes: Vec::new(), now_ms, most_bytes, bytes: 0 };
        let outcome = match effect {
            Some(Effect::Fail(error)) => {
                acting.failed_at_once(what, error);
                Err(error)
            }
            _ if refused => Err(SystemError::ReadOnly),
            Some(Effect::ActAndFail(error)) => {
                unseen = act(&mut acting);
                unseen.as_ref().map_err(|error| *error).and(Err(error))
            }
            Some(Effect::Short(_)) | None => act(&mut acting),
        };
        let Act { changes, bytes, .. } = acting;
        let outcome = outcome.map_err(SystemError::to_io);
        let step = Step {
            process: self.process,
            call: what.call,
            path: what.path.to_owned(),
            to: what.to.map(str::to_owned),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            error: outcome.as_ref().err().map(io::Error::kind),
        };
        disk.log.push(Entry { step, changes });
        outcome
    }
}

impl Act<'_> {
    pub(super) fn image(&self) -> &Image {
        &self.disk.now
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.disk.abilities
    }

    pub(super) fn in_place(&self) -> bool {
        self.disk.in_place
    }

    pub(super) fn stat(&self, inode: Inode) -> Result<FileStat, SystemError> {
        self.image().stat(inode)
    }

    pub(super) fn change(&mut self, change: Change) {
        self.disk.now.apply(&change);
        self.changes.push(change);
    }

    /// A flush that fails is no flush that did not happen: the system takes what it could not write for written.
    fn failed_at_once(&mut self, what: What<'_>, error: SystemError) {
        if let (Call::SyncFile, Some(inode)) = (what.call, what.inode)
            && error != SystemError::Interrupted
        {
            self.change(Change::FileSyncFailed { inode });
        }
    }

    /// The folder and the name of a path that leads to nothing yet.
    pub(super) fn free_place<'p>(&self, path: &'p str) -> Result<(Inode, &'p str), SystemError> {
        let (folder, name) = self.image().place(path)?;
        if self.image().names(folder)?.contains_key(name) {
            return Err(SystemError::Exists);
        }
        Ok((folder, name))
    }

    /// Something that is to get another name: a file, or a link. Folders keep theirs on this disk.
    pub(super) fn file(&self, path: &str) -> Result<Inode, SystemError> {
        let inode = self.image().lookup(path)?;
        match self.image().bytes(inode) {
            Err(SystemError::IsFolder) => Err(SystemError::NotPermitted),
            _ => Ok(inode),
        }
    }

    /// Looks for the folders of two names, before either name is looked for: the order decides between two errors.
    pub(super) fn both_places(&self, from: &str, to: &str) -> Result<(), SystemError> {
        self.image().place(from)?;
        self.image().place(to)?;
        Ok(())
    }

    pub(super) fn make(&mut self, kind: FileKind, folder: Inode, name: &str) -> Inode {
        let inode = self.disk.now.next_inode();
        self.change(Change::New { inode, kind, modified_ms: self.now_ms });
        self.name(folder, name, Some(inode));
        inode
    }

    /// Lets a name lead to something else, or to nothing.
    pub(super) fn name(&mut self, folder: Inode, name: &str, target: Option<Inode>) {
        let before = self.image().names(folder).ok().and_then(|names| names.get(name)).copied();
        self.change(Change::Name { folder, name: name.to_owned(), target });
        if let Some(inode) = before
            && !self.disk.open.contains_key(&inode)
        {
            self.disk.now.forget_nameless(inode);
        }
    }

    pub(super) fn rename_over(&mut self, inode: Inode, from: &str, to: &str) -> Result<(), SystemError> {
        let (folder, name) = self.image().place(to)?;
        if let Some(old) = self.image().names(folder)?.get(name).copied() {
            if self.image().names(old).is_ok() {
                let above = from.strip_prefix(to).is_some_and(|rest| rest.starts_with('/'));
                return Err(if above { SystemError::FolderNotEmpty } else { SystemError::IsFolder });
            }
            // Two names of one file: POSIX leaves both.
            if old == inode {
                return Ok(());
            }
        }
        self.rename(inode, from, folder, name)
    }

    pub(super) fn rename(
        &mut self,
        inode: Inode,
        from: &str,
        folder: Inode,
        name: &str,
    ) -> Result<(), SystemError> {
        let (old_folder, old_name) = self.image().place(from)?;
        self.name(folder, name, Some(inode));
        self.name(old_folder, old_name, None);
        Ok(())
    }

    /// Puts bytes at the end of a file, as many as fit.
    pub(super) fn append(&mut self, inode: Inode, bytes: &[u8]) -> Result<usize, SystemError> {
        let room = self.abilities().capacity_bytes.map_or(usize::MAX, |capacity| {
            usize::try_from(capacity.saturating_sub(self.image().used_bytes())).unwrap_or(usize::MAX)
        });
        if room == 0 && !bytes.is_empty() {
            return Err(SystemError::NoSpace);
        }
        let (taken, _) = bytes.split_at(bytes.len().min(room).min(self.most_bytes));
        self.bytes = taken.len();
        if !taken.is_empty() {
            let bytes = bytes::Bytes::copy_from_slice(taken);
            self.change(Change::Append { inode, bytes, modified_ms: self.now_ms });
        }
        Ok(taken.len())
    }

    /// Copies bytes of a file, as many as there are and as there is room for.
    pub(super) fn read(
        &mut self,
        inode: Inode,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, SystemError> {
        let bytes = self.disk.now.bytes(inode)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let (_, rest) = bytes.split_at(start);
        let count = rest.len().min(buffer.len()).min(self.most_bytes);
        for (to, from) in buffer.iter_mut().zip(rest).take(count) {
            *to = *from;
        }
        self.bytes = count;
        Ok(count)
    }
}
