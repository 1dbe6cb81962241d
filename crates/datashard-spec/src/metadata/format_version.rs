//! The version of the table format.

/// Version of the table format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a new version changes this crate anyway, and callers must then choose"
)]
pub enum FormatVersion {
    /// Version 1: analytic tables.
    V1,
    /// Version 2: row-level deletes. The default of new tables.
    V2,
    /// Version 3: more types, default values, row lineage, deletion vectors.
    V3,
}

impl FormatVersion {
    /// The number in `format-version`.
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }

    /// The version with this number, if this crate knows it.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            3 => Some(Self::V3),
            _ => None,
        }
    }
}

impl std::fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}", self.number())
    }
}
