//! [`Act`]: an operation of a mixed world, as the ledger has it.

use datashard_spec::id::SnapshotId;

use super::changes::Part;

/// The key of a summary under which a snapshot tells which operation of the ledger made it.
pub(crate) const TAG: &str = "sim.operation";
/// And as which of its snapshots.
pub(crate) const PART: &str = "sim.part";

/// An operation.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    /// The snapshots that it makes, if it is known by those.
    pub(crate) parts: Vec<Part>,
    /// The property that it sets in the same commit, if it is known by that.
    pub(crate) property: Option<String>,
    /// What else has to be there for ever.
    pub(crate) leaves: Leaves,
    /// Whether snapshots may be gone after it.
    pub(crate) expires: bool,
}

/// What an operation leaves behind for ever.
#[derive(Debug, Clone)]
pub(crate) enum Leaves {
    Nothing,
    Column(String),
    Tag(String, SnapshotId),
}

impl Act {
    /// One that is known by its snapshots.
    pub(crate) fn of_parts(name: &'static str, parts: Vec<Part>) -> Self {
        Self { name, parts, property: None, leaves: Leaves::Nothing, expires: false }
    }

    /// One that is known by a property.
    pub(crate) fn of_property(name: &'static str, property: String) -> Self {
        Self { name, parts: Vec::new(), property: Some(property), leaves: Leaves::Nothing, expires: false }
    }
}
