//! Row-level deletes: what they hit when data files are read, and how they are written.
//!
//! ```text
//! DeleteLoader ─ which delete files apply to a data file, each loaded once in a scan ─ Deletes ─ FileReader leaves the rows out
//! ```

mod cache;
mod columns;
mod equality;
mod load;
mod local_path;
mod matcher;
mod position;
mod select;
#[cfg(test)]
mod tests;
mod vector;
mod write_equality;
mod write_position;
mod write_vectors;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datashard_spec::id::DataSequenceNumber;
use datashard_spec::manifest::FileContent;
use datashard_spec::puffin::DeletionVector;

use crate::data_error::DataError;
use crate::write::WriteOptions;

pub use equality::EqualityDeletes;
pub use load::DeleteLoader;
pub(crate) use matcher::DeleteMatcher;
pub use select::DeleteFile;
pub use write_equality::EqualityDeleteWriter;
pub use write_position::PositionDeleteWriter;
pub use write_vectors::{NewDeletionVector, write_deletion_vectors};

/// Runs of deleted rows that are shorter than this are not worth leaving out before decoding.
const LONG_RUN_ROWS: u64 = 64;
/// Runs that decoders are told of, at most: the others are left out after decoding.
const MAX_LONG_RUNS: usize = 1 << 20;

/// The deletes that apply to one data file, loaded.
///
/// # Examples
/// ```
/// use datashard_io::delete::Deletes;
/// use datashard_spec::puffin::DeletionVector;
///
/// let deletes = Deletes::builder().with_positions(DeletionVector::from_positions([3, 5])?).build();
/// assert_eq!(deletes.positions().map(DeletionVector::len), Some(2));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Clone, Default)]
pub struct Deletes {
    positions: Option<Arc<DeletionVector>>,
    equality: Vec<AppliedEquality>,
}

/// Equality deletes, as they reach one data file: those of later commits.
#[derive(Debug, Clone)]
pub(crate) struct AppliedEquality {
    pub(crate) keys: Arc<EqualityDeletes>,
    pub(crate) data_sequence_number: DataSequenceNumber,
}

impl Deletes {
    /// No deletes, to which some are added.
    pub fn builder() -> DeletesBuilder {
        DeletesBuilder::default()
    }

    /// Whether no row can be deleted.
    pub fn is_empty(&self) -> bool {
        self.positions.as_ref().is_none_or(|positions| positions.is_empty()) && self.equality.is_empty()
    }

    /// The positions of deleted rows, if deletion vectors or position-delete files apply. Positions that lie beyond the file's rows
    /// delete nothing.
    pub fn positions(&self) -> Option<&DeletionVector> {
        self.positions.as_deref()
    }

    /// Equality deletes of all sets of columns.
    pub(crate) fn equality(&self) -> &[AppliedEquality] {
        &self.equality
    }

    pub(crate) fn equality_sets(&self) -> impl Iterator<Item = &EqualityDeletes> {
        self.equality.iter().map(|applied| applied.keys.as_ref())
    }

    /// Ascending runs of deleted positions that are long enough for a decoder to leave them out.
    pub(crate) fn long_runs(&self) -> Vec<Range<u64>> {
        let mut runs = Vec::new();
        let mut run = 0..0_u64;
        let mut keep = |run: &Range<u64>| {
            if run.end.saturating_sub(run.start) >= LONG_RUN_ROWS && runs.len() < MAX_LONG_RUNS {
                runs.push(run.clone());
            }
        };
        for position in self.positions.iter().flat_map(|positions| positions.iter()) {
            if position != run.end {
                keep(&run);
                run.start = position;
            }
            run.end = position.saturating_add(1);
        }
        keep(&run);
        runs
    }
}

impl fmt::Debug for Deletes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deletes")
            .field("positions", &self.positions)
            .field("equality", &self.equality)
            .finish()
    }
}

/// Collects the deletes of one data file.
#[derive(Debug, Default)]
#[must_use]
pub struct DeletesBuilder(Deletes);

impl DeletesBuilder {
    /// Adds positions of deleted rows.
    pub fn with_positions(self, positions: DeletionVector) -> Self {
        self.with_shared_positions(Arc::new(positions))
    }

    /// Adds positions without a copy, if they are the first.
    pub(crate) fn with_shared_positions(mut self, positions: Arc<DeletionVector>) -> Self {
        match &mut self.0.positions {
            None => self.0.positions = Some(positions),
            Some(there) => Arc::make_mut(there).union(&positions),
        }
        self
    }

    /// Adds equality deletes, for a data file of this data sequence number: keys of that commit or an earlier one spare it.
    pub fn with_equality(
        mut self,
        keys: Arc<EqualityDeletes>,
        data_sequence_number: DataSequenceNumber,
    ) -> Self {
        if !keys.is_empty() {
            self.0.equality.push(AppliedEquality { keys, data_sequence_number });
        }
        self
    }

    /// The deletes.
    pub fn build(self) -> Deletes {
        self.0
    }
}

/// Whether options are for files of this content.
fn check_content(options: &WriteOptions, content: FileContent) -> Result<(), DataError> {
    if options.content == content {
        return Ok(());
    }
    let reason = format!("they are for files of another content: make them with `FileContent::{content:?}`");
    Err(DataError::InvalidInput { what: "write options", reason })
}
