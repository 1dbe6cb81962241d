//! [`Failure`]: what went wrong in a folder, and whether anything may have happened, carried through `object_store`'s errors.
//!
//! A file system tells more than a bucket does: every step before the rename certainly has not created the file.

use std::fmt;
use std::io;

use crate::error::{Acted, StoreError};
use crate::location::Location;
use crate::path::{TablePath, excerpt};
use crate::request::RequestKind;

/// A failed step.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whether the file may have got its name, or its new content, all the same.
    pub(crate) acted: Acted,
    pub(crate) reason: Reason,
}

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Reason {
    /// The system said so.
    System(io::Error),
    /// What was written could not be flushed.
    Flush(io::Error),
    /// A symbolic link lies on the path or at its end.
    Link,
    /// A folder, a device, a pipe or a socket has the name.
    NoFile(&'static str),
    /// The name is kept for temporary files.
    Reserved,
    /// The root is not the one that was opened.
    RootReplaced,
    /// The root does not exist, nor does the folder above it.
    NoFolder,
    /// The file system cannot create a file whole and only if absent.
    NoAtomicCreate(String),
    /// The file system cannot do what this mode of durability needs.
    CannotFlushFolders,
    /// An earlier flush failed in the background.
    Broken(String),
    /// The file ended earlier than its size.
    Shrunk { expected: u64, found: u64 },
    /// The range does not begin within the file, or is empty.
    BadRange { start: u64, end: u64, size: u64 },
}

impl Failure {
    /// Certainly nothing happened.
    pub(crate) fn before(error: io::Error) -> Self {
        Self::no(reason(error))
    }

    /// Something may have happened.
    pub(crate) fn after(error: io::Error) -> Self {
        Self { acted: Acted::Maybe, reason: reason(error) }
    }

    pub(crate) fn no(reason: Reason) -> Self {
        Self { acted: Acted::No, reason }
    }

    /// A flush failed before the file got its name.
    pub(crate) fn flush_before(error: io::Error) -> Self {
        Self::no(Reason::Flush(error))
    }

    /// A flush failed after the file got its name.
    pub(crate) fn flush_after(error: io::Error) -> Self {
        Self { acted: Acted::Maybe, reason: Reason::Flush(error) }
    }

    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        match &self.reason {
            Reason::System(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// As the trait wants it: these two have variants of their own, all else is found by `classify`.
    pub(crate) fn into_object_store(self, path: &str) -> object_store::Error {
        // Both are definite answers, so only what certainly had no effect may give them.
        match self.io_kind().filter(|_| self.acted == Acted::No) {
            Some(io::ErrorKind::NotFound) => {
                object_store::Error::NotFound { path: path.to_owned(), source: Box::new(self) }
            }
            Some(io::ErrorKind::AlreadyExists) => {
                object_store::Error::AlreadyExists { path: path.to_owned(), source: Box::new(self) }
            }
            _ => object_store::Error::Generic { store: "folder", source: Box::new(self) },
        }
    }

    /// As a caller should see it.
    pub(crate) fn to_store_error(&self, location: &Location, request: RequestKind, path: &str) -> StoreError {
        let acted = self.acted;
        let place = location.to_string();
        let refused = |status: &str, detail: String| StoreError::Refused {
            request,
            location: location.to_string(),
            path: excerpt(path),
            status: status.to_owned(),
            detail,
            acted,
        };
        match &self.reason {
            Reason::Link => StoreError::SymbolicLink {
                location: place,
                path: excerpt(path),
                advice: "replace the link by what it points to".to_owned(),
            },
            Reason::NoFile(what) => refused("no file", format!("it is {what}")),
            Reason::Reserved => {
                refused("reserved", "names of this form are kept for temporary files".to_owned())
            }
            Reason::RootReplaced => StoreError::RootReplaced { location: place },
            Reason::NoFolder => {
                StoreError::NoContainer { location: place, what: "folder, nor one above it to make it in" }
            }
            Reason::NoAtomicCreate(detail) => {
                StoreError::NoAtomicCreate { location: place, detail: detail.clone() }
            }
            Reason::CannotFlushFolders => StoreError::Unsupported {
                what: "a durable write",
                place,
                reason: "the file system cannot flush a folder, so a name may be lost with the power; \
                         use another file system, or set the durability to `none`"
                    .to_owned(),
            },
            Reason::Broken(detail) => refused(
                "an earlier flush failed",
                format!(
                    "{detail}; files acknowledged before it may be lost; check them and open the table again"
                ),
            ),
            Reason::Shrunk { expected, found } => match TablePath::parse(path) {
                Ok(path) => StoreError::WrongLength {
                    location: place,
                    path,
                    expected_bytes: *expected,
                    found_bytes: *found,
                },
                Err(error) => StoreError::Path(error),
            },
            Reason::BadRange { start, end, size } => match TablePath::parse(path) {
                Ok(path) => StoreError::BadRange {
                    location: place,
                    path,
                    start: *start,
                    end: *end,
                    size_bytes: Some(*size),
                },
                Err(error) => StoreError::Path(error),
            },
            Reason::Flush(error) => match out_of_space(error) {
                true => storage_full(location, request, path, acted, error),
                false => StoreError::FlushFailed {
                    request,
                    location: place,
                    path: excerpt(path),
                    acted,
                    source: copy(error).into(),
                },
            },
            Reason::System(error) => match error.kind() {
                // A path that leads through a file names nothing that could be read or deleted.
                kind if acted == Acted::No
                    && (kind == io::ErrorKind::NotFound
                        || (kind == io::ErrorKind::NotADirectory && request != RequestKind::Put)) =>
                {
                    match TablePath::parse(path) {
                        Ok(path) => StoreError::NotFound { location: place, path },
                        Err(error) => StoreError::Path(error),
                    }
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if acted == Acted::No => {
                    StoreError::PermissionDenied {
                        request,
                        location: place,
                        path: excerpt(path),
                        status: error.kind().to_string(),
                        detail: excerpt(&error.to_string()),
                        advice: "check owner and mode of the folder, and whether the file system is mounted read-only",
                    }
                }
                io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidFilename
                | io::ErrorKind::FileTooLarge
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory => refused(&error.kind().to_string(), error.to_string()),
                _ if out_of_space(error) => storage_full(location, request, path, acted, error),
                _ => StoreError::Unavailable {
                    request,
                    location: place,
                    path: excerpt(path),
                    attempts: 1,
                    waited_ms: 0,
                    acted,
                    retry_after: None,
                    source: copy(error).into(),
                },
            },
        }
    }
}

fn storage_full(
    location: &Location,
    request: RequestKind,
    path: &str,
    acted: Acted,
    error: &io::Error,
) -> StoreError {
    StoreError::StorageFull {
        request,
        location: location.to_string(),
        path: excerpt(path),
        acted,
        source: copy(error).into(),
    }
}

fn out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn reason(error: io::Error) -> Reason {
    if is_link_error(&error) { Reason::Link } else { Reason::System(error) }
}

/// Whether a call failed because of a symbolic link.
pub(super) fn is_link_error(error: &io::Error) -> bool {
    // The kind `FilesystemLoop` cannot be named in stable Rust, but it has a name to print.
    if let Some(code) = error.raw_os_error() {
        #[cfg(unix)]
        return code == rustix::io::Errno::LOOP.raw_os_error();
        #[cfg(not(unix))]
        let _ = code;
    }
    format!("{:?}", error.kind()) == "FilesystemLoop"
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::System(error) => write!(f, "{error}"),
            Reason::Flush(error) => write!(f, "flush: {error}"),
            Reason::Link => f.write_str("a symbolic link"),
            Reason::NoFile(what) => write!(f, "it is {what}"),
            Reason::Reserved => f.write_str("the name is kept for temporary files"),
            Reason::RootReplaced => f.write_str("the folder was removed or replaced"),
            Reason::NoFolder => f.write_str("the folder above does not exist"),
            Reason::NoAtomicCreate(detail) => write!(f, "no atomic create: {detail}"),
            Reason::CannotFlushFolders => f.write_str("the file system cannot flush a folder"),
            Reason::Broken(detail) => write!(f, "an earlier flush failed: {detail}"),
            Reason::Shrunk { expected, found } => write!(f, "{found} of {expected} bytes"),
            Reason::BadRange { start, end, size } => write!(f, "bytes {start}..{end} of {size}"),
        }
    }
}

impl std::error::Error for Failure {}
