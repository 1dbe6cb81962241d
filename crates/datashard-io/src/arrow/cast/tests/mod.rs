//! Casts, pair by pair, and batches of callers.

mod conform;
mod handed_in;
mod stored;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use datashard_spec::schema::Type;
use datashard_spec::value::Value;

use crate::arrow::value::value_at;

fn arc(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// All values of an array in the Arrow type of `value_type`.
fn values_of(array: &ArrayRef, value_type: &Type) -> Vec<Option<Value>> {
    (0..array.len()).map(|row| value_at(array, value_type, row).unwrap()).collect()
}
