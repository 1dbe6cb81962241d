//! What a disk holds at one moment: files and folders by number, and the names that lead to them.
//!
//! All that happens to a disk is a list of [`Change`]s, so that what happened can be played again up to any point.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::fault::SystemError;
use crate::local::file_system::{FileKind, FileStat};

/// The number of a file or folder; never used twice on one disk.
pub(super) type Inode = u64;

/// The folder above the one that paths start from. Of what it holds only that one can be seen.
pub(super) const ABOVE: Inode = 1;

/// The name in it of the folder that paths start from.
const ROOT: &str = "root";

const MAX_NAME_BYTES: usize = 255;

/// A file, a folder, or a symbolic link.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File { bytes: Vec<u8>, modified_ms: i64 },
    Folder { names: BTreeMap<String, Inode>, modified_ms: i64 },
    Link,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A file, folder or link without a name.
    New { inode: Inode, kind: FileKind, modified_ms: i64 },
    /// A name in a folder leads to something from now on, or to nothing.
    Name { folder: Inode, name: String, target: Option<Inode> },
    /// Bytes at the end of a file.
    Append { inode: Inode, bytes: Bytes, modified_ms: i64 },
    /// A file was flushed.
    FileSynced { inode: Inode },
    /// A file was flushed in vain: what was written before and not flushed is durable never more, whatever later calls say.
    FileSyncFailed { inode: Inode },
    /// A folder was flushed.
    FolderSynced { folder: Inode },
}

/// What a disk holds.
#[derive(Debug, Clone)]
pub(super) struct Image {
    nodes: BTreeMap<Inode, Node>,
    next: Inode,
}

impl Image {
    /// Nothing: not even the folder that paths start from.
    pub(super) fn nothing(modified_ms: i64) -> Self {
        let above = Node::Folder { names: BTreeMap::new(), modified_ms };
        Self { nodes: BTreeMap::from([(ABOVE, above)]), next: ABOVE.saturating_add(1) }
    }

    /// One empty folder.
    pub(super) fn empty(modified_ms: i64) -> Self {
        let mut image = Self::nothing(modified_ms);
        let inode = image.next_inode();
        image.apply(&Change::New { inode, kind: FileKind::Folder, modified_ms });
        image.apply(&Change::Name { folder: ABOVE, name: ROOT.to_owned(), target: Some(inode) });
        image
    }

    /// Nodes put together by hand. What no name leads to is left out.
    pub(super) fn of(mut nodes: BTreeMap<Inode, Node>, next: Inode) -> Self {
        let mut reached = vec![ABOVE];
        let mut seen = std::collections::BTreeSet::from([ABOVE]);
        while let Some(inode) = reached.pop() {
            if let Some(Node::Folder { names, .. }) = nodes.get_mut(&inode) {
                reached.extend(names.values().copied().filter(|target| seen.insert(*target)));
            }
        }
        nodes.retain(|inode, _| seen.contains(inode));
        Self { nodes, next }
    }

    /// A number for something new.
    pub(super) fn next_inode(&mut self) -> Inode {
        let inode = self.next;
        self.next = self.next.saturating_add(1);
        inode
    }

    /// The number that [`next_inode`](Self::next_inode) would give.
    pub(super) fn peek_inode(&self) -> Inode {
        self.next
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (Inode, &Node)> {
        self.nodes.iter().map(|(inode, node)| (*inode, node))
    }

    pub(super) fn node(&self, inode: Inode) -> Result<&Node, SystemError> {
        self.nodes.get(&inode).ok_or(SystemError::Stale)
    }

    /// The file, folder or link at a path; no link is followed.
    pub(super) fn lookup(&self, path: &str) -> Result<Inode, SystemError> {
        let mut inode = *self.names(ABOVE)?.get(ROOT).ok_or(SystemError::NotFound)?;
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            check_segment(segment)?;
            inode = *self.names(inode)?.get(segment).ok_or(SystemError::NotFound)?;
        }
        Ok(inode)
    }

    /// The folder in which a path's last segment is or would be, and that segment.
    pub(super) fn place<'a>(&self, path: &'a str) -> Result<(Inode, &'a str), SystemError> {
        if path.is_empty() {
            return Ok((ABOVE, ROOT));
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.lookup(folder)?;
        self.names(folder)?;
        check_segment(name)?;
        Ok((folder, name))
    }

    /// The names in a folder.
    pub(super) fn names(&self, inode: Inode) -> Result<&BTreeMap<String, Inode>, SystemError> {
        match self.node(inode)? {
            Node::Folder { names, .. } => Ok(names),
            Node::File { .. } => Err(SystemError::NotFolder),
            Node::Link => Err(SystemError::Loop),
        }
    }

    /// The content of a file.
    pub(super) fn bytes(&self, inode: Inode) -> Result<&[u8], SystemError> {
        match self.node(inode)? {
            Node::File { bytes, .. } => Ok(bytes),
            Node::Folder { .. } => Err(SystemError::IsFolder),
            Node::Link => Err(SystemError::Loop),
        }
    }

    pub(super) fn stat(&self, inode: Inode) -> Result<FileStat, SystemError> {
        let (kind, size, modified_ms) = match self.node(inode)? {
            Node::File { bytes, modified_ms } => (FileKind::File, bytes.len(), *modified_ms),
            Node::Folder { modified_ms, .. } => (FileKind::Folder, 0, *modified_ms),
            Node::Link => (FileKind::Link, 0, 0),
        };
        let size_bytes = u64::try_from(size).unwrap_or(u64::MAX);
        Ok(FileStat { kind, size_bytes, modified_ms, identity: inode })
    }

    /// Bytes of all files, those among them that are open but have no name any more.
    pub(super) fn used_bytes(&self) -> u64 {
        self.nodes.values().fold(0, |sum: u64, node| match node {
            Node::File { bytes, .. } => sum.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Node::Folder { .. } | Node::Link => sum,
        })
    }

    /// All files by path.
    pub(super) fn files(&self) -> BTreeMap<String, Bytes> {
        let mut files = BTreeMap::new();
        let mut folders = Vec::from_iter(self.lookup("").map(|root| (String::new(), root)));
        while let Some((prefix, folder)) = folders.pop() {
            let Ok(names) = self.names(folder) else { continue };
            for (name, inode) in names {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                match self.nodes.get(inode) {
                    Some(Node::File { bytes, .. }) => {
                        files.insert(path, Bytes::copy_from_slice(bytes));
                    }
                    Some(Node::Folder { .. }) => folders.push((path, *inode)),
                    Some(Node::Link) | None => {}
                }
            }
        }
        files
    }

    /// Lets something happen.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::New { inode, kind, modified_ms } => {
                let node = match kind {
                    FileKind::File => Node::File { bytes: Vec::new(), modified_ms: *modified_ms },
                    FileKind::Folder => Node::Folder { names: BTreeMap::new(), modified_ms: *modified_ms },
                    FileKind::Link | FileKind::Other => Node::Link,
                };
                self.nodes.insert(*inode, node);
            }
            Change::Name { folder, name, target } => {
                if let Some(Node::Folder { names, .. }) = self.nodes.get_mut(folder) {
                    match target {
                        Some(target) => names.insert(name.clone(), *target),
                        None => names.remove(name),
                    };
                }
            }
            Change::Append { inode, bytes: more, modified_ms: now_ms } => {
                if let Some(Node::File { bytes, modified_ms }) = self.nodes.get_mut(inode) {
                    bytes.extend_from_slice(more);
                    *modified_ms = *now_ms;
                }
            }
            Change::FileSynced { .. } | Change::FileSyncFailed { .. } | Change::FolderSynced { .. } => {}
        }
    }

    /// Gives the space of a file back that has no name any more.
    pub(super) fn forget_nameless(&mut self, inode: Inode) {
        let named = self.nodes.values().any(|node| match node {
            Node::Folder { names, .. } => names.values().any(|target| *target == inode),
            Node::File { .. } | Node::Link => false,
        });
        if !named && inode != ABOVE {
            self.nodes.remove(&inode);
        }
    }
}

fn check_segment(segment: &str) -> Result<(), SystemError> {
    match segment {
        "" | "." | ".." => Err(SystemError::InvalidArgument),
        _ if segment.len() > MAX_NAME_BYTES => Err(SystemError::NameTooLong),
        _ => Ok(()),
    }
}
