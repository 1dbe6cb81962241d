//! What kind of change a snapshot is.

use std::fmt;

/// What kind of change a snapshot is.
///
/// # Spec
/// "Snapshots", the key `operation` of the summary.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Only data files were added.
    Append,
    /// Files were added and removed without changing the rows: compaction, a change of file format.
    Replace,
    /// Files were added and removed in a change of rows.
    Overwrite,
    /// Data files were removed or delete files added, and nothing else.
    Delete,
    /// A word of another writer: kept, and treated as a change of any kind.
    Unknown(Box<str>),
}

impl Operation {
    /// The word in the summary.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Overwrite => "overwrite",
            Self::Delete => "delete",
            Self::Unknown(word) => word,
        }
    }
}

impl From<&str> for Operation {
    fn from(word: &str) -> Self {
        match word {
            "append" => Self::Append,
            "replace" => Self::Replace,
            "overwrite" => Self::Overwrite,
            "delete" => Self::Delete,
            other => Self::Unknown(other.into()),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
