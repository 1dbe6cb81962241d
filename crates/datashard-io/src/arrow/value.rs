//! Single values out of and into Arrow arrays.

use arrow::array::{Array, ArrayRef};
use datashard_spec::schema::Type;
use datashard_spec::value::Value;

use crate::data_error::DataError;

/// `rows` times the same value, in the Arrow type of `value_type`.
pub(crate) fn repeat(
    _value: Option<&Value>,
    _value_type: &Type,
    _rows: usize,
) -> Result<ArrayRef, DataError> {
    Err(DataError::internal("not there yet"))
}

/// The value at a row of an array in the Arrow type of `value_type`; nested values too.
pub(crate) fn value_at(
    _array: &dyn Array,
    _value_type: &Type,
    _row: usize,
) -> Result<Option<Value>, DataError> {
    Err(DataError::internal("not there yet"))
}
