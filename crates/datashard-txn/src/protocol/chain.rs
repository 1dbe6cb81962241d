//! R1: each version continues the one before it.

use super::{CommitId, CommitState};

/// Two versions of which the second does not continue the first: the chain is torn or forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// The later version names another commit as its parent.
    Parent {
        /// The commit of the earlier version.
        expected: CommitId,
        /// The parent that the later version names.
        found: CommitId,
    },
    /// A floor fell.
    Floor,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parent { expected, found } => {
                write!(f, "it continues commit {found}, and the version before it is commit {expected}")
            }
            Self::Floor => f.write_str("a floor of its commit state is lower than before"),
        }
    }
}

/// Whether a version continues the one directly before it (R1, R4).
///
/// A writer that knows nothing of the commit state carries it along unchanged, or drops it. Both are accepted: the first keeps everything,
/// the second begins a new generation.
///
/// # Errors
/// What does not fit.
pub fn continues(before: Option<&CommitState>, after: Option<&CommitState>) -> Result<(), Broken> {
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    if after.generation != before.generation {
        return Ok(());
    }
    let carried = after.commit == before.commit;
    if !carried && after.parent != before.commit {
        return Err(Broken::Parent { expected: before.commit, found: after.parent });
    }
    if after.intent_floor < before.intent_floor || after.file_floor < before.file_floor {
        return Err(Broken::Floor);
    }
    Ok(())
}
