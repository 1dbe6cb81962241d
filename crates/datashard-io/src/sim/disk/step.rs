//! The record of what was asked of a disk: one [`Step`] per call, in the order in which the disk saw them.

use std::fmt;
use std::io;

/// A call of [`FileSystem`](crate::local::file_system::FileSystem) or of a file that it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Call {
    /// `create_file`.
    CreateFile,
    /// `open_file`.
    OpenFile,
    /// `write` of an open file.
    Write,
    /// `read_at` of an open file.
    Read,
    /// `sync` of an open file.
    SyncFile,
    /// `create_folder`.
    CreateFolder,
    /// `rename_new`.
    RenameNew,
    /// `rename_over`.
    RenameOver,
    /// `link`.
    Link,
    /// `remove_file`.
    RemoveFile,
    /// `remove_folder`.
    RemoveFolder,
    /// `sync_folder`.
    SyncFolder,
    /// `sync_above`.
    SyncAbove,
    /// `metadata`, of a name or of an open file.
    Metadata,
    /// `read_folder`.
    ReadFolder,
    /// `try_lock`.
    TryLock,
    /// `is_in_place`.
    IsInPlace,
}

impl Call {
    /// All calls.
    pub const ALL: [Self; 17] = [
        Self::CreateFile,
        Self::OpenFile,
        Self::Write,
        Self::Read,
        Self::SyncFile,
        Self::CreateFolder,
        Self::RenameNew,
        Self::RenameOver,
        Self::Link,
        Self::RemoveFile,
        Self::RemoveFolder,
        Self::SyncFolder,
        Self::SyncAbove,
        Self::Metadata,
        Self::ReadFolder,
        Self::TryLock,
        Self::IsInPlace,
    ];

    /// The calls that put something on the disk or take something off: those that fail on a disk that is read-only.
    pub const CHANGING: [Self; 9] = [
        Self::CreateFile,
        Self::Write,
        Self::CreateFolder,
        Self::RenameNew,
        Self::RenameOver,
        Self::Link,
        Self::RemoveFile,
        Self::RemoveFolder,
        Self::TryLock,
    ];

    /// The calls that can find the disk or the quota full. Flushing is among them: space may be found missing only then.
    pub const TAKING_SPACE: [Self; 10] = [
        Self::CreateFile,
        Self::Write,
        Self::SyncFile,
        Self::CreateFolder,
        Self::RenameNew,
        Self::RenameOver,
        Self::Link,
        Self::SyncFolder,
        Self::SyncAbove,
        Self::TryLock,
    ];
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateFile => "create",
            Self::OpenFile => "open",
            Self::Write => "write",
            Self::Read => "read",
            Self::SyncFile => "sync",
            Self::CreateFolder => "create folder",
            Self::RenameNew => "rename",
            Self::RenameOver => "rename over",
            Self::Link => "link",
            Self::RemoveFile => "remove",
            Self::RemoveFolder => "remove folder",
            Self::SyncFolder => "sync folder",
            Self::SyncAbove => "sync above",
            Self::Metadata => "metadata",
            Self::ReadFolder => "read folder",
            Self::TryLock => "lock",
            Self::IsInPlace => "is in place",
        })
    }
}

/// One call that a disk has answered.
///
/// As text it reads `rename metadata/a to metadata/b`, or `write data/f, 12 bytes`, with `: no space left` behind it if that was the
/// answer; the process is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Who called: the number given to [`SimDisk::process`](super::SimDisk::process).
    pub process: u32,
    /// What was called.
    pub call: Call,
    /// The path it was called for; of an open file, the path by which it was opened.
    pub path: String,
    /// The new name, of renames and links.
    pub to: Option<String>,
    /// Bytes that were written or read.
    pub bytes: u64,
    /// The kind of the error that was answered, if one was.
    pub error: Option<io::ErrorKind>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "." } else { &self.path };
        write!(f, "{} {path}", self.call)?;
        if let Some(to) = &self.to {
            write!(f, " to {to}")?;
        }
        if matches!(self.call, Call::Write | Call::Read) {
            write!(f, ", {} bytes", self.bytes)?;
        }
        match self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}
