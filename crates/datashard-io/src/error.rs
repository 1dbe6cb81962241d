//! What can go wrong between a table and the place where its files lie, and how a caller should treat it.
//!
//! The one question that decides between "try again" and "find out first" is whether a request may have been acted on:
//! [`StoreError::definitely_not_done`] answers it, and [`StoreError::kind`] sorts the rest.

use std::time::Duration;

use datashard_spec::error::ErrorKind;

use crate::location::LocationError;
use crate::path::{PathError, TablePath};
use crate::request::RequestKind;

/// The text and chain of what lies below an error of ours; its type is not part of the interface.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An answer, or the lack of one, of the place where a table's files lie.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A location that is not one.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A path that may not name a file of a table.
    #[error(transparent)]
    Path(#[from] PathError),
    /// An option that is unknown, contradicts another, or has a bad value.
    #[error("option `{option}`: {reason}")]
    Option {
        /// The option as it was given, or the name of the environment variable.
        option: String,
        /// What is wrong and what to do. Never holds the value of a secret.
        reason: String,
    },
    /// No file of this name.
    #[error("`{path}` does not exist in {location}")]
    NotFound {
        /// The table's location.
        location: String,
        /// The file, below it.
        path: TablePath,
    },
    /// The bucket, or the folder above the table, does not exist: no request can succeed.
    #[error("{location}: there is no such {what}; make it first, or correct the location")]
    NoContainer {
        /// The table's location.
        location: String,
        /// "bucket", "container", or of folders: "folder, nor one above it to make it in".
        what: &'static str,
    },
    /// The store knows who asks and refuses, or does not believe who asks. Trying again does not help.
    #[error("{request} `{path}` in {location} was refused ({status}): {detail}; {advice}")]
    PermissionDenied {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// HTTP status or name of the system error.
        status: String,
        /// What the store said, cut to a sane length.
        detail: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The store refuses signatures because the clock of this machine is wrong.
    #[error(
        "{request} `{path}` in {location} was refused: the clock of this machine differs from the store's by {}; set it right",
        known(*skew_ms, "ms", "too much")
    )]
    ClockSkewed {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// This machine's time minus the store's, in ms, where the answer told it.
        skew_ms: Option<i64>,
    },
    /// Too busy, or not there: no usable answer until the deadline.
    #[error("{request} `{path}` in {location} failed after {attempts} attempts in {waited_ms} ms{}", asked(*retry_after))]
    Unavailable {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// Requests sent.
        attempts: u32,
        /// Time since the first, in ms.
        waited_ms: u64,
        /// Whether any of the attempts may have been acted on.
        acted: Acted,
        /// How long the store asked to be left alone, if it did.
        retry_after: Option<Duration>,
        /// The last answer.
        source: Cause,
    },
    /// The store refuses this request for good, for a reason of its own.
    #[error("{request} `{path}` in {location} was refused ({status}): {detail}")]
    Refused {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// HTTP status or name of the system error.
        status: String,
        /// What the store said, cut to a sane length.
        detail: String,
        /// Whether it may have been acted on all the same.
        acted: Acted,
    },
    /// The answer is shorter or longer than what it announced or what the file's size allows.
    #[error("`{path}` in {location}: {found_bytes} bytes came, {expected_bytes} were due")]
    WrongLength {
        /// The table's location.
        location: String,
        /// The file.
        path: TablePath,
        /// Bytes announced or asked for.
        expected_bytes: u64,
        /// Bytes that came.
        found_bytes: u64,
    },
    /// A file larger than the caller allows.
    #[error("`{path}` in {location} has {size_bytes} bytes, more than the {limit_bytes} allowed here")]
    TooLarge {
        /// The table's location.
        location: String,
        /// The file.
        path: TablePath,
        /// Its size in bytes.
        size_bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// A range of bytes that does not lie within the file.
    #[error("`{path}` in {location}: bytes {start}..{end} asked for, the file has {}", known(*size_bytes, "bytes", "fewer"))]
    BadRange {
        /// The table's location.
        location: String,
        /// The file.
        path: TablePath,
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// The file's size in bytes, if the answer told it.
        size_bytes: Option<u64>,
    },
    /// The store answered "created" to two creates of one name: commits on it would overwrite each other.
    #[error(
        "{location}: the store ignores the condition of a conditional write, so commits of two writers would overwrite each other; \
         use another store, switch bucket versioning or the old S3 dialect off, or, for one writer only, set `unsafe_single_writer`"
    )]
    ConditionsIgnored {
        /// The table's location.
        location: String,
    },
    /// The folder's file system has no way to create a file whole and only if it is absent.
    #[error(
        "{location}: the file system has neither a rename that does not replace nor hard links ({detail}); \
         use another file system, or, for one writer only, set `unsafe_single_writer`"
    )]
    NoAtomicCreate {
        /// The table's location.
        location: String,
        /// What was tried and what came of it.
        detail: String,
    },
    /// The disk or the quota is full.
    #[error("{request} `{path}` in {location}: no space left")]
    StorageFull {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// Whether the file may be there all the same.
        acted: Acted,
        /// The system's error.
        source: Cause,
    },
    /// What was written could not be flushed: it may be lost with the power, or already be. Trying the flush again proves nothing.
    #[error("{request} `{path}` in {location}: a flush failed")]
    FlushFailed {
        /// What was asked.
        request: RequestKind,
        /// The table's location.
        location: String,
        /// The file.
        path: String,
        /// Whether the file may be there all the same.
        acted: Acted,
        /// The system's error.
        source: Cause,
    },
    /// A file or a folder in the table is a symbolic link, or the table's own folder is.
    #[error("{location}: `{path}` is a symbolic link, which could lead out of the table; {advice}")]
    SymbolicLink {
        /// The table's location.
        location: String,
        /// The link, below the location; `.` for the location itself.
        path: String,
        /// What to do about it.
        advice: String,
    },
    /// The table's folder was removed or replaced while it was open.
    #[error("{location}: the folder was removed or replaced since it was opened; open the table again")]
    RootReplaced {
        /// The table's location.
        location: String,
    },
    /// Metadata files that this layout does not allow beside each other.
    #[error("{location}: {found}; {advice}")]
    MixedLayout {
        /// The table's location.
        location: String,
        /// What lies there.
        found: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// A file whose content is not what its name promises.
    #[error("`{path}` in {location}: {detail}")]
    Corrupt {
        /// The table's location.
        location: String,
        /// The file.
        path: TablePath,
        /// What was found and what was expected.
        detail: String,
    },
    /// A listing that contradicts itself, or holds keys that are no names: what is missing from it cannot be told.
    #[error("the listing of `{folder}` in {location} cannot be relied on: {detail}")]
    BadListing {
        /// The table's location.
        location: String,
        /// The folder below it; empty for all of the table.
        folder: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Legal, but not supported by this build or this store.
    #[error("{what} is not supported by {place}: {reason}")]
    Unsupported {
        /// The operation or the feature.
        what: &'static str,
        /// The store or the build.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
}

/// Whether a request may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a request was certainly not acted on, or may have been")]
pub enum Acted {
    /// It certainly had none: it never left, or the store said that it refuses before looking at it.
    No,
    /// It may have had it.
    Maybe,
}

/// A number that was told, with its unit, or what is to be said without it.
fn known(number: Option<impl std::fmt::Display>, unit: &str, otherwise: &str) -> String {
    number.map_or_else(|| otherwise.to_owned(), |number| format!("{number} {unit}"))
}

impl StoreError {
    /// How to treat this error.
    ///
    /// `OutcomeUnknown` is never among the answers: a single request that may have been acted on is `Unavailable`, and
    /// [`definitely_not_done`](Self::definitely_not_done) tells it apart. What it means for a commit is not for this layer to say.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Location(e) => e.kind(),
            Self::Path(e) => e.kind(),
            Self::NotFound { .. } | Self::NoContainer { .. } | Self::RootReplaced { .. } => {
                ErrorKind::NotFound
            }
            Self::PermissionDenied { .. } | Self::ClockSkewed { .. } => ErrorKind::PermissionDenied,
            Self::Unavailable { .. }
            | Self::WrongLength { .. }
            | Self::StorageFull { .. }
            | Self::FlushFailed { .. } => ErrorKind::Unavailable,
            Self::Option { .. }
            | Self::TooLarge { .. }
            | Self::BadRange { .. }
            | Self::SymbolicLink { .. } => ErrorKind::InvalidInput,
            Self::MixedLayout { .. } | Self::Corrupt { .. } | Self::BadListing { .. } => {
                ErrorKind::InvalidData
            }
            Self::Refused { .. }
            | Self::ConditionsIgnored { .. }
            | Self::NoAtomicCreate { .. }
            | Self::Unsupported { .. } => ErrorKind::Unsupported,
        }
    }

    /// Whether the same call, unchanged, may succeed.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// Whether the request certainly had no effect.
    ///
    /// Of a write that failed with `false` here, nothing is known until the file is read.
    pub fn definitely_not_done(&self) -> bool {
        match self {
            Self::Unavailable { acted, .. }
            | Self::Refused { acted, .. }
            | Self::StorageFull { acted, .. }
            | Self::FlushFailed { acted, .. } => *acted == Acted::No,
            Self::WrongLength { .. } => false,
            Self::Location(_)
            | Self::Path(_)
            | Self::Option { .. }
            | Self::NotFound { .. }
            | Self::NoContainer { .. }
            | Self::PermissionDenied { .. }
            | Self::ClockSkewed { .. }
            | Self::TooLarge { .. }
            | Self::BadRange { .. }
            | Self::ConditionsIgnored { .. }
            | Self::NoAtomicCreate { .. }
            | Self::SymbolicLink { .. }
            | Self::RootReplaced { .. }
            | Self::MixedLayout { .. }
            | Self::Corrupt { .. }
            | Self::BadListing { .. }
            | Self::Unsupported { .. } => true,
        }
    }

    /// How long the store asked to be left alone, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What the store asked for, as the end of a message.
fn asked(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |after| {
        format!("; the store asked to be left alone for {} ms", after.as_millis())
    })
}
