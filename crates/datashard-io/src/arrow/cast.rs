//! Casts that lose nothing: what callers hand in to the table's types, and what old files hold to the types of today.

use arrow::array::{ArrayRef, RecordBatch};
use datashard_spec::schema::{Schema, Type};

use crate::data_error::DataError;

/// The rows of a batch in exactly the Arrow schema of the table.
pub fn conform_batch(_batch: &RecordBatch, _schema: &Schema) -> Result<RecordBatch, DataError> {
    Err(DataError::internal("not there yet"))
}

/// Values of a column without children, as a file stores them, in the Arrow type of the table's column. `place` names the file in errors.
pub(crate) fn read_as(
    _array: &ArrayRef,
    _to: &Type,
    _column: &str,
    _place: &str,
) -> Result<ArrayRef, DataError> {
    Err(DataError::internal("not there yet"))
}
