//! Whether two batches hold the same rows: by value, whatever lies in buffers below nulls.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

/// Whether both have the same columns by name and type, and the same values row by row. NaN is NaN, and -0.0 is not 0.0. Metadata of
/// fields does not count.
pub(crate) fn same_rows(a: &RecordBatch, b: &RecordBatch) -> bool {
    difference(a, b).is_none()
}

/// Panics with the first difference, if there is one; see [`same_rows`].
#[track_caller]
pub(crate) fn assert_same_rows(a: &RecordBatch, b: &RecordBatch) {
    if let Some(difference) = difference(a, b) {
        panic!("{difference}");
    }
}

fn difference(a: &RecordBatch, b: &RecordBatch) -> Option<String> {
    let names = |batch: &RecordBatch| -> Vec<String> {
        batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    if names(a) != names(b) {
        return Some(format!("columns {:?} and {:?}", names(a), names(b)));
    }
    if a.num_rows() != b.num_rows() {
        return Some(format!("{} and {} rows", a.num_rows(), b.num_rows()));
    }
    for ((left, right), name) in a.columns().iter().zip(b.columns()).zip(names(a)) {
        if !same_type(left.data_type(), right.data_type()) {
            return Some(format!("column {name}: {} and {}", left.data_type(), right.data_type()));
        }
        let unequal = (0..left.len()).find(|row| !same_value(left, *row, right, *row));
        if let Some(row) = unequal {
            return Some(format!(
                "column {name}, row {row}: {:?} and {:?}",
                left.slice(row, 1),
                right.slice(row, 1)
            ));
        }
    }
    None
}

fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
            same_type(a.data_type(), b.data_type())
        }
        _ => a == b,
    }
}

fn is_null(array: &ArrayRef, row: usize) -> bool {
    *array.data_type() == DataType::Null || array.is_null(row)
}

fn same_value(a: &ArrayRef, at_a: usize, b: &ArrayRef, at_b: usize) -> bool {
    if is_null(a, at_a) || is_null(b, at_b) {
        return is_null(a, at_a) && is_null(b, at_b);
    }
    let all =
        |a: &ArrayRef, b: &ArrayRef| a.len() == b.len() && (0..a.len()).all(|row| same_value(a, row, b, row));
    match a.data_type() {
        DataType::Struct(_) => {
            let (a, b) = (a.as_struct(), b.as_struct());
            a.columns().iter().zip(b.columns()).all(|(a, b)| same_value(a, at_a, b, at_b))
        }
        DataType::List(_) => all(&a.as_list::<i32>().value(at_a), &b.as_list::<i32>().value(at_b)),
        DataType::Map(..) => {
            let (a, b) = (a.as_map().value(at_a), b.as_map().value(at_b));
            a.columns().iter().zip(b.columns()).all(|(a, b)| all(a, b))
        }
        DataType::Float32 => {
            let (a, b) =
                (a.as_primitive::<Float32Type>().value(at_a), b.as_primitive::<Float32Type>().value(at_b));
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        DataType::Float64 => {
            let (a, b) =
                (a.as_primitive::<Float64Type>().value(at_a), b.as_primitive::<Float64Type>().value(at_b));
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        _ => a.slice(at_a, 1).to_data() == b.slice(at_b, 1).to_data(),
    }
}
