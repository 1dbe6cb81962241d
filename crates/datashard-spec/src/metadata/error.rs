//! Errors of table metadata, of updates to it, and of requirements on it.

use crate::error::ErrorKind;
use crate::id::{SequenceNumber, SnapshotId};

/// Table metadata that breaks a rule, or an update that may not be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A format version that this crate does not know.
    #[error("$.format-version: version {found} is not supported, only 1, 2 and 3 are")]
    FormatVersion {
        /// The version in the document.
        found: i64,
    },
    /// A document whose parts contradict each other.
    #[error("$.{key}: {reason}, found {found}")]
    Inconsistent {
        /// The key where it shows.
        key: String,
        /// The rule.
        reason: &'static str,
        /// What is there.
        found: String,
    },
    /// A document that names something that it does not hold.
    #[error("$.{key}: there is no {what} {id}")]
    Dangling {
        /// The key that names it.
        key: String,
        /// What is named: schema, partition spec, sort order, snapshot.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// Two things of a document with one id.
    #[error("$.{key}: {what} {id} occurs twice")]
    DuplicateId {
        /// The list.
        key: &'static str,
        /// What is in it.
        what: &'static str,
        /// The id.
        id: i64,
    },
    /// A log that goes back in time by more than clocks may differ.
    #[error("$.{log}[{index}]: at {next_ms} ms time goes back by more than a minute, from {at_ms} ms")]
    LogOrder {
        /// The log.
        log: &'static str,
        /// Position of the entry from which time goes back.
        index: usize,
        /// Its time, in milliseconds since 1970-01-01 UTC.
        at_ms: i64,
        /// The time that follows.
        next_ms: i64,
    },
    /// A compressed document that does not decompress.
    #[error("table metadata: not valid gzip: {reason}")]
    Gzip {
        /// What the decoder says.
        reason: String,
    },
    /// A compressed document in a build without decompression.
    #[error("table metadata is gzip-compressed, which this build was made without (feature \"gzip\")")]
    GzipUnsupported,
    /// A document larger than the caller allows.
    #[error("table metadata is larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit on the uncompressed document.
        limit_bytes: u64,
    },

    /// Something the caller named does not exist.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What was named: schema, snapshot, branch or tag, ...
        what: &'static str,
        /// Its id or name.
        name: String,
    },
    /// The table had no current snapshot yet at a time.
    #[error("the table had no snapshot at {at_ms} ms; its log starts at {first_ms:?}")]
    NoSnapshotAt {
        /// The time asked for, in milliseconds since 1970-01-01 UTC.
        at_ms: i64,
        /// The first time of the log.
        first_ms: Option<i64>,
    },
    /// Something that was to be added is there already.
    #[error("{what} {name} is there already")]
    AlreadyExists {
        /// What was to be added.
        what: &'static str,
        /// Its id or name.
        name: String,
    },
    /// An update that breaks a rule whatever the table looks like by now.
    #[error("{update}: {reason}, found {found}")]
    Refused {
        /// Name of the update.
        update: &'static str,
        /// The rule.
        reason: &'static str,
        /// What was given.
        found: String,
    },
    /// A snapshot numbered on a base that is no longer the newest.
    #[error("snapshot {snapshot_id} has sequence number {found}, but the table is at {last} already")]
    StaleSequenceNumber {
        /// The snapshot to add.
        snapshot_id: SnapshotId,
        /// Its number.
        found: SequenceNumber,
        /// The last one given out.
        last: SequenceNumber,
    },
    /// A snapshot whose row ids were taken on a base that is no longer the newest.
    #[error("snapshot {snapshot_id} takes row ids from {found} on, but those below {next} are given out")]
    StaleFirstRowId {
        /// The snapshot to add.
        snapshot_id: SnapshotId,
        /// Its first row id.
        found: i64,
        /// The next one free.
        next: i64,
    },
    /// A requirement that the table does not meet: it was changed meanwhile.
    #[error("requirement on {what} not met: expected {expected}, found {found}")]
    RequirementNotMet {
        /// What was required.
        what: String,
        /// The value it was to have.
        expected: String,
        /// The value it has.
        found: String,
    },
    /// A table that was to be created is there.
    #[error("the table is there already")]
    TableExists,
    /// A table that was to be changed is not there.
    #[error("the table does not exist")]
    TableMissing,
}

impl MetadataError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Inconsistent { .. }
            | Self::Dangling { .. }
            | Self::DuplicateId { .. }
            | Self::LogOrder { .. }
            | Self::Gzip { .. }
            | Self::TooLarge { .. } => ErrorKind::InvalidData,
            Self::FormatVersion { .. } | Self::GzipUnsupported => ErrorKind::Unsupported,
            Self::NotFound { .. } | Self::NoSnapshotAt { .. } | Self::TableMissing => ErrorKind::NotFound,
            Self::AlreadyExists { .. } | Self::TableExists => ErrorKind::AlreadyExists,
            Self::Refused { .. } => ErrorKind::InvalidInput,
            Self::StaleSequenceNumber { .. }
            | Self::StaleFirstRowId { .. }
            | Self::RequirementNotMet { .. } => ErrorKind::Conflict,
        }
    }
}
