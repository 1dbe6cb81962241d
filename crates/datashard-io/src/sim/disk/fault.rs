//! What can go wrong on a disk, told beforehand: which call, for which path, the how many-th time, with what answer.

use std::io;

use rustix::io::Errno;

use super::step::Call;

/// An error that a system answers, by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SystemError {
    /// `ENOENT`.
    NotFound,
    /// `EEXIST`.
    Exists,
    /// `EISDIR`.
    IsFolder,
    /// `ENOTDIR`.
    NotFolder,
    /// `EBADF`: a write to a file that was opened for reading, or the other way round.
    WrongHandle,
    /// `ENOTEMPTY`.
    FolderNotEmpty,
    /// `ENOSPC`.
    NoSpace,
    /// `EDQUOT`.
    QuotaExceeded,
    /// `EROFS`.
    ReadOnly,
    /// `EACCES`.
    AccessDenied,
    /// `EPERM`: what a file system without hard links says to `link`.
    NotPermitted,
    /// `EIO`.
    Io,
    /// `EINTR`.
    Interrupted,
    /// `EMFILE`.
    TooManyFiles,
    /// `EINVAL`: what a file system says to a flag or to a folder sync that it does not know.
    InvalidArgument,
    /// `ENOSYS`.
    NotSupported,
    /// `ENAMETOOLONG`.
    NameTooLong,
    /// `ELOOP`.
    Loop,
    /// `ESTALE`: the file is gone on the server of a network mount.
    Stale,
}

impl SystemError {
    /// The system's error, with its number.
    pub fn to_io(self) -> io::Error {
        let errno = match self {
            Self::NotFound => Errno::NOENT,
            Self::Exists => Errno::EXIST,
            Self::IsFolder => Errno::ISDIR,
            Self::NotFolder => Errno::NOTDIR,
            Self::WrongHandle => Errno::BADF,
            Self::FolderNotEmpty => Errno::NOTEMPTY,
            Self::NoSpace => Errno::NOSPC,
            Self::QuotaExceeded => Errno::DQUOT,
            Self::ReadOnly => Errno::ROFS,
            Self::AccessDenied => Errno::ACCESS,
            Self::NotPermitted => Errno::PERM,
            Self::Io => Errno::IO,
            Self::Interrupted => Errno::INTR,
            Self::TooManyFiles => Errno::MFILE,
            Self::InvalidArgument => Errno::INVAL,
            Self::NotSupported => Errno::NOSYS,
            Self::NameTooLong => Errno::NAMETOOLONG,
            Self::Loop => Errno::LOOP,
            Self::Stale => Errno::STALE,
        };
        errno.into()
    }
}

/// One thing that goes wrong: by default the first call that matches, once.
///
/// # Examples
/// ```
/// use datashard_io::sim::disk::{Call, Fault, SystemError};
///
/// // The third write to a file in `data` finds the disk full.
/// let _ = Fault::fail(Call::Write, SystemError::NoSpace).on_path("data/*").after(2);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is added to a disk"]
pub struct Fault {
    calls: Vec<Call>,
    path: String,
    after: u64,
    times: u64,
    seen: u64,
    effect: Effect,
}

/// What a call does that is hit by a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing, and says so.
    Fail(SystemError),
    /// What it should, but says that it failed.
    ActAndFail(SystemError),
    /// Writes or reads at most so many bytes.
    Short(usize),
}

impl Fault {
    /// The call does nothing and answers an error.
    pub fn fail(call: Call, error: SystemError) -> Self {
        Self::new(&[call], Effect::Fail(error))
    }

    /// Any of the calls does nothing and answers an error.
    pub fn fail_any(calls: &[Call], error: SystemError) -> Self {
        Self::new(calls, Effect::Fail(error))
    }

    /// The call does what it should and answers an error all the same, as when the answer of a network mount is lost.
    pub fn act_and_fail(call: Call, error: SystemError) -> Self {
        Self::new(&[call], Effect::ActAndFail(error))
    }

    /// A write takes, or a read gives, at most so many bytes.
    pub fn short(call: Call, bytes: usize) -> Self {
        Self::new(&[call], Effect::Short(bytes))
    }

    fn new(calls: &[Call], effect: Effect) -> Self {
        Self { calls: calls.to_vec(), path: "*".to_owned(), after: 0, times: 1, seen: 0, effect }
    }

    /// Only calls for paths like this one, in which `*` stands for any text. Of renames and links either name may match.
    pub fn on_path(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.path);
        self
    }

    /// Lets so many calls that match pass first.
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// Hits so many calls one after another, not only one.
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    /// Hits every call that matches, from then on.
    pub fn for_ever(self) -> Self {
        self.times(u64::MAX)
    }

    /// Counts the call if it matches; what happens to it if it is to be hit.
    pub(super) fn meet(&mut self, call: Call, path: &str, to: Option<&str>) -> Option<Effect> {
        let matches = self.calls.contains(&call)
            && (like(path, &self.path) || to.is_some_and(|to| like(to, &self.path)));
        if !matches {
            return None;
        }
        let number = self.seen;
        self.seen = self.seen.saturating_add(1);
        (number >= self.after && number < self.after.saturating_add(self.times)).then_some(self.effect)
    }
}

/// Whether a text is like a pattern in which `*` stands for any text.
fn like(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(text) = text.strip_prefix(head) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| {
        let (_, tail) = text.split_at(at);
        like(tail, rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (text, pattern, expect) in [
            ("metadata/v1", "*", true),
            ("", "*", true),
            ("metadata/v1", "metadata/*", true),
            ("metadata/v1", "*v1", true),
            ("metadata/v12", "*v1", false),
            ("metadata/v1.metadata.json", "*/v*.json", true),
            ("data/x", "metadata/*", false),
            ("a", "a", true),
            ("ab", "a", false),
        ] {
            assert_eq!(like(text, pattern), expect, "{text} {pattern}");
        }
    }

    #[test]
    fn a_fault_hits_the_calls_it_was_told_to_and_no_others() {
        let mut fault = Fault::fail(Call::Write, SystemError::NoSpace).on_path("a*").after(1).times(2);
        let mut hits = |call, path| fault.meet(call, path, None).is_some();
        assert!(!hits(Call::Write, "a1"), "one passes first");
        assert!(!hits(Call::SyncFile, "a1"), "another call");
        assert!(!hits(Call::Write, "b"), "another path");
        assert!(hits(Call::Write, "a2"));
        assert!(hits(Call::Write, "a3"));
        assert!(!hits(Call::Write, "a4"), "used up");
    }

    #[test]
    fn errors_have_the_kinds_that_the_system_gives() {
        for (error, kind) in [
            (SystemError::NoSpace, io::ErrorKind::StorageFull),
            (SystemError::QuotaExceeded, io::ErrorKind::QuotaExceeded),
            (SystemError::ReadOnly, io::ErrorKind::ReadOnlyFilesystem),
            (SystemError::Exists, io::ErrorKind::AlreadyExists),
            (SystemError::InvalidArgument, io::ErrorKind::InvalidInput),
            (SystemError::Interrupted, io::ErrorKind::Interrupted),
        ] {
            assert_eq!(error.to_io().kind(), kind, "{error:?}");
        }
    }
}
