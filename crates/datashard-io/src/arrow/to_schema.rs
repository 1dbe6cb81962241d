//! Iceberg schemas as Arrow schemas.

use arrow::datatypes::{DataType, SchemaRef};
use datashard_spec::schema::{Schema, Type};

use crate::data_error::DataError;

/// The Arrow schema of batches in this schema, with field ids at every level.
pub fn schema_to_arrow(_schema: &Schema) -> Result<SchemaRef, DataError> {
    Err(DataError::internal("not there yet"))
}

/// The Arrow type of values of this type.
pub fn type_to_arrow(_value_type: &Type) -> Result<DataType, DataError> {
    Err(DataError::internal("not there yet"))
}
