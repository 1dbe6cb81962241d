//! Predicates on record batches, with the answers of [`BoundPredicate::matches`] on each row.

use arrow::array::{BooleanArray, RecordBatch};
use datashard_spec::expr::BoundPredicate;
use datashard_spec::schema::Schema;

use crate::data_error::DataError;

/// A predicate, ready for batches in the Arrow schema of one Iceberg schema.
#[derive(Debug, Clone)]
pub(crate) struct BatchFilter {}

impl BatchFilter {
    /// Prepares a predicate for batches whose columns are those of `schema`, by field id.
    pub(crate) fn new(_predicate: &BoundPredicate, _schema: &Schema) -> Result<Self, DataError> {
        Err(DataError::internal("not there yet"))
    }

    /// For each row whether it matches for certain; without nulls.
    pub(crate) fn matches(&self, _batch: &RecordBatch) -> Result<BooleanArray, DataError> {
        Err(DataError::internal("not there yet"))
    }
}
