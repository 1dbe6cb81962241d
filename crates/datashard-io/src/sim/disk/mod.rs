//! A disk in memory that knows the difference between what was written and what was flushed.
//!
//! [`SimDisk`] is a [`FileSystem`](crate::local::file_system::FileSystem), so the real code of a local folder runs on it. It records every call, can be told to fail at any of
//! them, and can lose its power after any of them: [`SimDisk::after_power_loss`] is the disk as it may be found then.

mod call;
mod fault;
mod file_system;
mod image;
mod open;
mod power_loss;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

pub use self::fault::{Fault, SystemError};
use self::image::{Change, Image, Inode};
pub use self::power_loss::{Left, PowerLoss};
pub use self::step::{Call, Step};
use crate::context::Clock;
use crate::local::file_system::FileKind;

/// What a file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// How it renames without replacing.
    pub rename_new: RenameNew,
    /// Whether a file can have a second name; if not, `link` answers `EPERM`.
    pub hard_links: bool,
    /// Whether folders can be flushed; if not, that answers `EINVAL`.
    pub folder_sync: bool,
    /// Whether nothing can be changed.
    pub read_only: bool,
    /// How many bytes all files together can have; `None` for any number.
    pub capacity_bytes: Option<u64>,
}

/// How a file system renames without replacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenameNew {
    /// As it should.
    Works,
    /// It answers `EINVAL`.
    Missing,
    /// It replaces what has the name, and says that all is well.
    Replaces,
}

impl Default for Abilities {
    /// All of them, and room without end.
    fn default() -> Self {
        Self {
            rename_new: RenameNew::Works,
            hard_links: true,
            folder_sync: true,
            read_only: false,
            capacity_bytes: None,
        }
    }
}

/// A disk in memory, seen by one process. Clones are the same process; [`process`](Self::process) gives another one's view.
///
/// # Examples
/// ```
/// use datashard_io::context::Context;
/// use datashard_io::local::file_system::FileSystem;
/// use datashard_io::sim::disk::{Left, SimDisk};
///
/// let disk = SimDisk::new(Context::system().clock);
/// let mut file = disk.create_file("a")?;
/// file.write(b"whole")?;
/// file.sync()?;
/// // The content is durable, its name is not: the folder was not flushed.
/// assert!(disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files().is_empty());
/// disk.sync_folder("")?;
/// assert_eq!(disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files()["a"], "whole");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SimDisk {
    disk: Arc<Mutex<Disk>>,
    clock: Arc<dyn Clock>,
    process: u32,
}

/// The disk itself.
struct Disk {
    /// What was there when the record was started, all of it durable.
    base: Image,
    now: Image,
    log: Vec<Entry>,
    abilities: Abilities,
    faults: Vec<Fault>,
    faults_met: u64,
    in_place: bool,
    locked: BTreeSet<Inode>,
    /// Files that are open, and how many times.
    open: BTreeMap<Inode, u64>,
}

/// A call and what it changed.
struct Entry {
    step: Step,
    changes: Vec<Change>,
}

impl SimDisk {
    /// An empty disk that takes modification times from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let image = Image::empty(clock.now_ms());
        Self::on_image(image, clock, Abilities::default())
    }

    /// A disk on which the folder itself does not exist yet; `create_folder("")` makes it.
    pub fn without_folder(clock: Arc<dyn Clock>) -> Self {
        let image = Image::nothing(clock.now_ms());
        Self::on_image(image, clock, Abilities::default())
    }

    fn on_image(image: Image, clock: Arc<dyn Clock>, abilities: Abilities) -> Self {
        let disk = Disk {
            base: image.clone(),
            now: image,
            log: Vec::new(),
            abilities,
            faults: Vec::new(),
            faults_met: 0,
            in_place: true,
            locked: BTreeSet::new(),
            open: BTreeMap::new(),
        };
        Self { disk: Arc::new(Mutex::new(disk)), clock, process: 0 }
    }

    /// The same disk as another process sees it: the same, but its steps carry this number.
    #[must_use]
    pub fn process(&self, number: u32) -> Self {
        Self { process: number, ..self.clone() }
    }

    /// What the file system can do.
    pub fn abilities(&self) -> Abilities {
        self.lock().abilities
    }

    /// Changes what the file system can do, from the next call on.
    pub fn set_abilities(&self, change: impl FnOnce(&mut Abilities)) {
        change(&mut self.lock().abilities);
    }

    /// Lets something go wrong. Of several faults that a call meets, the first that was added counts.
    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls were hit by faults.
    pub fn faults_met(&self) -> u64 {
        self.lock().faults_met
    }

    /// All calls that were answered since the disk was made or the record started anew.
    pub fn steps(&self) -> Vec<Step> {
        self.lock().log.iter().map(|entry| entry.step.clone()).collect()
    }

    /// How many of the [`steps`](Self::steps) were done at each moment at which a loss of power could leave something else than a step before:
    /// 0, and the numbers of those that changed or flushed anything.
    pub fn moments(&self) -> Vec<usize> {
        let changed = |(number, entry): (usize, &Entry)| {
            (!entry.changes.is_empty()).then_some(number.saturating_add(1))
        };
        std::iter::once(0).chain(self.lock().log.iter().enumerate().filter_map(changed)).collect()
    }

    /// Takes everything that was written for durable, and starts the record anew.
    pub fn settle(&self) {
        let mut disk = self.lock();
        disk.base = disk.now.clone();
        disk.log.clear();
    }

    /// All files and their content, as a running process sees them.
    pub fn files(&self) -> BTreeMap<String, Bytes> {
        self.lock().now.files()
    }

    /// Bytes that all files take.
    pub fn used_bytes(&self) -> u64 {
        self.lock().now.used_bytes()
    }

    /// A loss of power when `steps` steps were done.
    #[must_use]
    pub fn power_loss(&self, steps: usize) -> PowerLoss {
        let disk = self.lock();
        let changes = disk.log.iter().take(steps).flat_map(|entry| &entry.changes);
        PowerLoss::new(&disk.base, changes, disk.now.peek_inode(), Arc::clone(&self.clock), disk.abilities)
    }

    /// The disk as it may be found after the power was lost when `steps` steps were done. Faults are gone, abilities stay.
    #[must_use]
    pub fn after_power_loss(&self, steps: usize, left: Left) -> Self {
        self.power_loss(steps).leaves(left)
    }

    /// Puts a symbolic link somewhere, durably and unrecorded, as somebody else might have.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` if the folder above does not exist.
    pub fn place_symbolic_link(&self, path: &str) -> io::Result<()> {
        let mut disk = self.lock();
        let (folder, name) = disk.now.place(path).map_err(SystemError::to_io)?;
        if disk.now.names(folder).map_err(SystemError::to_io)?.contains_key(name) {
            return Err(SystemError::Exists.to_io());
        }
        let inode = disk.now.next_inode();
        let changes = [
            Change::New { inode, kind: FileKind::Link, modified_ms: 0 },
            Change::Name { folder, name: name.to_owned(), target: Some(inode) },
        ];
        for change in &changes {
            disk.now.apply(change);
            disk.base.apply(change);
        }
        Ok(())
    }

    /// Lets somebody else put another folder where this one was: [`is_in_place`](crate::local::file_system::FileSystem::is_in_place) is `false` from now on. All other calls
    /// reach the old folder, as calls through an open folder do.
    pub fn replace_root(&self) {
        self.lock().in_place = false;
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("process", &self.process).finish_non_exhaustive()
    }
}
