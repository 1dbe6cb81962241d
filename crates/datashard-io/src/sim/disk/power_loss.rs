//! What a disk may hold after the power was lost: everything that was flushed, and any part of what was not.
//!
//! This is the least that POSIX promises. A write that was not flushed is there, is not, or is there in part; a name in a folder that was not
//! flushed leads to what it led to at any moment since it was. Each of these is decided by itself, so names may come back in another order than
//! that in which they were given, and a rename may have given the new name without taking the old one, or the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::image::{Change, Image, Inode, Node};
use super::{Abilities, SimDisk};
use crate::context::Clock;
use crate::local::file_system::FileKind;

/// Which of the things that may be left are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// Only what was flushed.
    OnlyFlushed,
    /// All that was written.
    Everything,
    /// One of the [`outcomes`](PowerLoss::outcomes), by number.
    Numbered(u64),
    /// What chance leaves, by a seed; writes may be torn anywhere.
    Seeded(u64),
}

/// A loss of power at one moment, before it is decided what is left.
#[derive(Debug)]
pub struct PowerLoss {
    files: BTreeMap<Inode, FileRecord>,
    folders: BTreeMap<Inode, FolderRecord>,
    links: BTreeSet<Inode>,
    next: Inode,
    clock: Arc<dyn Clock>,
    abilities: Abilities,
}

#[derive(Debug)]
struct FileRecord {
    writes: Vec<Write>,
    modified_ms: i64,
}

#[derive(Debug)]
struct Write {
    bytes: Bytes,
    state: WriteState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteState {
    Pending,
    Durable,
    /// A flush of it failed.
    Doomed,
}

#[derive(Debug, Default)]
struct FolderRecord {
    /// What names lead to for certain, but for those in `since`.
    flushed: BTreeMap<String, Inode>,
    /// What names led to since the folder was flushed, oldest first.
    since: BTreeMap<String, Vec<Option<Inode>>>,
    modified_ms: i64,
}

/// What becomes of one write that was not flushed.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Lost,
    Kept,
    /// The first bytes are there; behind them the file ends.
    Cut(usize),
    /// The first bytes are there; behind them there are zeros.
    Zeroed(usize),
}

/// The ways in which one write can come out when they are counted; by chance there are more.
const FATES: u64 = 4;

impl PowerLoss {
    pub(super) fn new<'a>(
        base: &Image,
        changes: impl Iterator<Item = &'a Change>,
        next: Inode,
        clock: Arc<dyn Clock>,
        abilities: Abilities,
    ) -> Self {
        let mut loss = Self {
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            links: BTreeSet::new(),
            next,
            clock,
            abilities,
        };
        for (inode, node) in base.nodes() {
            match node {
                Node::File { bytes, modified_ms } => {
                    let bytes = Bytes::copy_from_slice(bytes);
                    let writes = vec![Write { bytes, state: WriteState::Durable }];
                    loss.files.insert(inode, FileRecord { writes, modified_ms: *modified_ms });
                }
                Node::Folder { names, modified_ms } => {
                    let record = FolderRecord {
                        flushed: names.clone(),
                        since: BTreeMap::new(),
                        modified_ms: *modified_ms,
                    };
                    loss.folders.insert(inode, record);
                }
                Node::Link => {
                    loss.links.insert(inode);
                }
            }
        }
        for change in changes {
            loss.happened(change);
        }
        loss
    }

    fn happened(&mut self, change: &Change) {
        match change {
            Change::New { inode, kind: FileKind::File, modified_ms } => {
                self.files.insert(*inode, FileRecord { writes: Vec::new(), modified_ms: *modified_ms });
            }
            Change::New { inode, kind: FileKind::Folder, modified_ms } => {
                let record = FolderRecord { modified_ms: *modified_ms, ..FolderRecord::default() };
                self.folders.insert(*inode, record);
            }
            Change::New { inode, .. } => {
                self.links.insert(*inode);
            }
            Change::Name { folder, name, target } => {
                if let Some(folder) = self.folders.get_mut(folder) {
                    folder.since.entry(name.clone()).or_default().push(*target);
                }
            }
            Change::Append { inode, bytes, modified_ms } => {
                if let Some(file) = self.files.get_mut(inode) {
                    file.writes.push(Write { bytes: bytes.clone(), state: WriteState::Pending });
                    file.modified_ms = *modified_ms;
                }
            }
            Change::FileSynced { inode } => self.settle(*inode, WriteState::Durable),
            Change::FileSyncFailed { inode } => self.settle(*inode, WriteState::Doomed),
            Change::FolderSynced { folder } => {
                if let Some(folder) = self.folders.get_mut(folder) {
                    for (name, targets) in std::mem::take(&mut folder.since) {
                        match targets.last() {
                            Some(Some(target)) => folder.flushed.insert(name, *target),
                            _ => folder.flushed.remove(&name),
                        };
                    }
                }
            }
        }
    }

    fn settle(&mut self, inode: Inode, state: WriteState) {
        if let Some(file) = self.files.get_mut(&inode) {
            for write in file.writes.iter_mut().filter(|write| write.state == WriteState::Pending) {
                write.state = state;
            }
        }
    }

    /// How many disks this can leave behind, counting four ways for each write that was not flushed: gone, whole, half, half and zeros.
    pub fn outcomes(&self) -> u64 {
        let names =
            self.folders.values().flat_map(|folder| folder.since.values()).map(|targets| choices(targets));
        let writes = self.unsure_writes().map(|_| FATES);
        names.chain(writes).fold(1, u64::saturating_mul)
    }

    /// All outcomes if they are no more than `most`; else the two extremes, and so many of the others as are allowed, by chance.
    pub fn some(&self, most: u64, seed: u64) -> Vec<Left> {
        let outcomes = self.outcomes();
        if outcomes <= most {
            return (0..outcomes).map(Left::Numbered).collect();
        }
        let seeded =
            (0..most.saturating_sub(2)).map(|n| Left::Seeded(seed.wrapping_mul(1_000_003).wrapping_add(n)));
        [Left::OnlyFlushed, Left::Everything].into_iter().chain(seeded).collect()
    }

    /// The disk as it is found afterwards. Nothing on it is in doubt any more, and its record starts anew.
    #[must_use]
    pub fn leaves(&self, left: Left) -> SimDisk {
        let mut decide = Decider::new(left);
        let mut nodes: BTreeMap<Inode, Node> = self.links.iter().map(|inode| (*inode, Node::Link)).collect();
        for (inode, folder) in &self.folders {
            let mut names = folder.flushed.clone();
            for (name, targets) in &folder.since {
                let kept = decide.one_of(choices(targets));
                let Some(kept) = kept.checked_sub(1) else { continue };
                match usize::try_from(kept).ok().and_then(|kept| targets.get(kept)).copied().flatten() {
                    Some(target) => names.insert(name.clone(), target),
                    None => names.remove(name),
                };
            }
            nodes.insert(*inode, Node::Folder { names, modified_ms: folder.modified_ms });
        }
        let unsure: BTreeSet<Inode> = self.unsure_writes().map(|(inode, _)| inode).collect();
        for (inode, file) in &self.files {
            let mut bytes = Vec::new();
            let mut end: usize = 0;
            for write in &file.writes {
                let fate = match write.state {
                    WriteState::Durable => Fate::Kept,
                    _ if unsure.contains(inode) => decide.fate(write.bytes.len()),
                    _ => Fate::Lost,
                };
                put(&mut bytes, end, &write.bytes, fate);
                end = end.saturating_add(write.bytes.len());
            }
            nodes.insert(*inode, Node::File { bytes, modified_ms: file.modified_ms });
        }
        SimDisk::on_image(Image::of(nodes, self.next), Arc::clone(&self.clock), self.abilities)
    }

    /// The writes that were not flushed, of files that a name may lead to.
    fn unsure_writes(&self) -> impl Iterator<Item = (Inode, &Write)> {
        let named: BTreeSet<Inode> = self
            .folders
            .values()
            .flat_map(|folder| {
                folder
                    .flushed
                    .values()
                    .copied()
                    .chain(folder.since.values().flatten().filter_map(|target| *target))
            })
            .collect();
        self.files
            .iter()
            .filter(move |(inode, _)| named.contains(*inode))
            .flat_map(|(inode, file)| file.writes.iter().map(|write| (*inode, write)))
            .filter(|(_, write)| write.state != WriteState::Durable)
    }
}

/// What a name may lead to: what it led to when the folder was flushed, or whatever it led to since.
fn choices(targets: &[Option<Inode>]) -> u64 {
    u64::try_from(targets.len()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Puts what is left of a write where it belongs; what is missing before it reads as zeros.
fn put(bytes: &mut Vec<u8>, start: usize, write: &[u8], fate: Fate) {
    let (kept, zeroed) = match fate {
        Fate::Lost => return,
        Fate::Kept => (write, false),
        Fate::Cut(at) => (write.split_at(at.min(write.len())).0, false),
        Fate::Zeroed(at) => (write.split_at(at.min(write.len())).0, true),
    };
    if kept.is_empty() && !zeroed {
        return;
    }
    bytes.resize(start, 0);
    bytes.extend_from_slice(kept);
    if zeroed {
        bytes.resize(start.saturating_add(write.len()), 0);
    }
}

/// Decides one question after another.
enum Decider {
    Same(bool),
    Number(u64),
    Chance { rng: fastrand::Rng, kept: f64 },
}

impl Decider {
    fn new(left: Left) -> Self {
        match left {
            Left::OnlyFlushed => Self::Same(false),
            Left::Everything => Self::Same(true),
            Left::Numbered(number) => Self::Number(number),
            Left::Seeded(seed) => {
                let mut rng = fastrand::Rng::with_seed(seed);
                // Some disks lose little and some nearly all; a coin for each name alone would seldom show either.
                let kept = rng.f64();
                Self::Chance { rng, kept }
            }
        }
    }

    /// A number below `count`; 0 is what was flushed, the last is what was written.
    fn one_of(&mut self, count: u64) -> u64 {
        let last = count.saturating_sub(1);
        match self {
            Self::Same(all) => {
                if *all {
                    last
                } else {
                    0
                }
            }
            Self::Number(number) => {
                let decided = number.checked_rem(count).unwrap_or(0);
                *number = number.checked_div(count).unwrap_or(0);
                decided
            }
            Self::Chance { rng, kept } => {
                if rng.f64() < *kept {
                    last
                } else {
                    rng.u64(0..count.max(1))
                }
            }
        }
    }

    fn fate(&mut self, length: usize) -> Fate {
        let way = self.one_of(FATES);
        let cut = match self {
            Self::Chance { rng, .. } => rng.usize(0..=length),
            Self::Same(_) | Self::Number(_) => length.checked_div(2).unwrap_or(0),
        };
        match way {
            0 => Fate::Lost,
            1 => Fate::Cut(cut),
            2 => Fate::Zeroed(cut),
            _ => Fate::Kept,
        }
    }
}
