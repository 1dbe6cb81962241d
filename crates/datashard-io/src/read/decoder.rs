//! The contract of the three formats: the file's own columns as Arrow, with the position of each row.

use std::ops::Range;
use std::sync::Arc;

#[cfg(doc)]
use crate::arrow::FIELD_ID_KEY;
use crate::arrow::project::Resolution;
use crate::data_error::DataError;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datashard_spec::expr::BoundPredicate;

/// A file that was opened: its footer or header was read and checked.
#[async_trait]
pub(crate) trait Decoder: Send {
    /// The columns of the file in file order, with field ids at every level under [`FIELD_ID_KEY`] where the file has them. Types are the
    /// nearest Arrow has to what the file stores (INT96 as timestamp in ns; ints of 8 and 16 bits as they are), not yet the table's.
    fn file_schema(&self) -> &SchemaRef;

    /// How many rows the file says it has, if it says.
    fn row_count(&self) -> Option<u64>;

    /// Begins to decode; called once, before [`next`](Self::next). Answers the schema that batches will have: the file's, less the leaves
    /// that were not asked for (a format may give more than was asked for).
    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError>;

    /// The next rows in file order, or `None` after the last.
    async fn next(&mut self) -> Result<Option<Decoded>, DataError>;
}

/// How to open a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenOptions {
    /// Whether checksums and lengths are verified.
    pub(crate) verify: bool,
    /// Bytes of the file, its footer or header included, held at a time.
    pub(crate) memory_limit_bytes: u64,
}

/// What to decode.
#[derive(Debug, Clone)]
pub(crate) struct DecodePlan {
    /// Where the columns of the read schema lie in the file. [`Resolution::leaves`] are the primitive columns to decode, counted depth first
    /// over the file schema.
    pub(crate) resolution: Arc<Resolution>,
    /// Rows that do not match may be left out, whole row groups and pages at best; what is left in is filtered afterwards. Bound to the
    /// read schema.
    pub(crate) filter: Option<BoundPredicate>,
    /// Ascending, disjoint ranges of row positions that are deleted: they may be left out.
    pub(crate) deleted: Arc<[Range<u64>]>,
    /// Row groups, stripes, blocks that start here.
    pub(crate) byte_range: Option<Range<u64>>,
    /// Whether positions of rows in the file are needed; if not, they may count from the first row that is decoded.
    pub(crate) positions: bool,
    /// Rows of a batch, at most.
    pub(crate) batch_rows: usize,
    /// Bytes of the file held at a time.
    pub(crate) memory_limit_bytes: u64,
    /// Whether checksums are verified.
    pub(crate) verify: bool,
    /// Whether columns outside of the filter may be decoded for matching rows only.
    pub(crate) late_materialization: bool,
}

/// Rows of a file in file order.
#[derive(Debug, Clone)]
pub(crate) struct Decoded {
    /// The rows.
    pub(crate) batch: RecordBatch,
    /// Where they lie in the file.
    pub(crate) positions: RowPositions,
}

/// Positions of a batch's rows in their file, from 0, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowPositions {
    /// One after the other from this one on.
    From(u64),
    /// These, one per row.
    Each(Vec<u64>),
}

impl RowPositions {
    /// The positions, one per row.
    pub(crate) fn iter(&self, rows: usize) -> Box<dyn Iterator<Item = u64> + Send + '_> {
        match self {
            Self::From(first) => Box::new((*first..).take(rows)),
            Self::Each(each) => Box::new(each.iter().copied().take(rows)),
        }
    }
}
