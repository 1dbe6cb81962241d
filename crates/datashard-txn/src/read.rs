//! [`Read`]: a file that an operation has to see; [`Finding`]: what it keeps of one.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::ManifestFile;

use crate::base::Base;

/// A file that an operation has to see, or a part of one. All such files are immutable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Read {
    /// A manifest list, by its location; its rows are kept.
    ManifestList {
        /// Where it is.
        location: String,
    },
    /// A manifest, by its row in a manifest list.
    Manifest {
        /// Its row.
        row: Arc<ManifestFile>,
        /// What it is read for: an operation may look at one manifest for several reasons, and keep something for each.
        purpose: u32,
    },
    /// A part of a file, such as a blob of a Puffin file.
    Range {
        /// Where the file is.
        location: String,
        /// Where the part begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        length_bytes: u64,
    },
    /// A whole file.
    File {
        /// Where it is.
        location: String,
    },
}

/// What tells reads apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReadKey {
    location: String,
    offset: u64,
    purpose: u32,
}

impl ReadKey {
    pub(crate) fn purpose(&self) -> u32 {
        self.purpose
    }
}

impl Read {
    /// A manifest that is read for one reason only.
    pub fn manifest(row: &ManifestFile) -> Self {
        Self::Manifest { row: Arc::new(row.clone()), purpose: 0 }
    }

    /// Where the file is.
    pub fn location(&self) -> &str {
        match self {
            Self::Manifest { row, .. } => &row.manifest_path,
            Self::ManifestList { location } | Self::Range { location, .. } | Self::File { location } => {
                location
            }
        }
    }

    /// How many bytes it is expected to be; 0 if that is not known.
    pub fn expected_bytes(&self) -> u64 {
        match self {
            Self::Manifest { row, .. } => u64::try_from(row.manifest_length).unwrap_or(0),
            Self::Range { length_bytes, .. } => *length_bytes,
            Self::ManifestList { .. } | Self::File { .. } => 0,
        }
    }

    pub(crate) fn key(&self) -> ReadKey {
        let (offset, purpose) = match self {
            Self::Manifest { purpose, .. } => (0, *purpose),
            Self::Range { offset, .. } => (*offset, 0),
            Self::ManifestList { .. } | Self::File { .. } => (0, 0),
        };
        ReadKey { location: self.location().to_owned(), offset, purpose }
    }
}

/// What is kept of a file that was read.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "all of it, or what was found in it")]
pub enum Remembered {
    /// All of it.
    Bytes(Bytes),
    /// What was found in it.
    Finding(Arc<dyn Finding>),
}

/// What an operation found in a file. It is kept for later attempts as long as it [holds](Self::holds_for).
pub trait Finding: Any + fmt::Debug + Send + Sync {
    /// The memory that it takes, in bytes.
    fn size_bytes(&self) -> usize;

    /// Whether the same would be found in the file on this base: what is found may depend on schemas, specs or the format version.
    fn holds_for(&self, base: &Base) -> bool;
}
