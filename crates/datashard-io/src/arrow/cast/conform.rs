//! What a caller hands in, made exactly what the table's schema says.

use arrow::array::RecordBatch;
use datashard_spec::schema::Schema;

use crate::data_error::DataError;

/// The rows of a batch in exactly the Arrow schema of the table.
pub fn conform_batch(_batch: &RecordBatch, _schema: &Schema) -> Result<RecordBatch, DataError> {
    Err(DataError::internal("not there yet"))
}
