//! Arrow values against the rows that went into a file, as its JSON beside it has them.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use serde_json::Value;

use super::testdata;

/// The rows beside a file.
pub(super) fn expected(name: &str) -> Vec<Vec<Value>> {
    let text = std::fs::read(testdata(&format!("orc-other/{name}.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Whether the value at a row is this one.
pub(super) fn same(array: &dyn Array, row: usize, value: &Value) -> bool {
    if array.is_null(row) || value.is_null() {
        return array.is_null(row) && value.is_null();
    }
    let number = || value.as_i64().unwrap();
    match array.data_type() {
        DataType::Boolean => Some(array.as_boolean().value(row)) == value.as_bool(),
        DataType::Int8 => i64::from(array.as_primitive::<Int8Type>().value(row)) == number(),
        DataType::Int16 => i64::from(array.as_primitive::<Int16Type>().value(row)) == number(),
        DataType::Int32 => i64::from(array.as_primitive::<Int32Type>().value(row)) == number(),
        DataType::Date32 => i64::from(array.as_primitive::<Date32Type>().value(row)) == number(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row) == number(),
        DataType::Time64(TimeUnit::Microsecond) => {
            array.as_primitive::<Time64MicrosecondType>().value(row) == number()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row) == number()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().value(row) == number() * 1000
        }
        DataType::Float32 => same_float(array.as_primitive::<Float32Type>().value(row).into(), value),
        DataType::Float64 => same_float(array.as_primitive::<Float64Type>().value(row), value),
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)) == value.as_str(),
        DataType::Binary => same_bytes(array.as_binary::<i32>().value(row), value),
        DataType::FixedSizeBinary(_) => same_bytes(array.as_fixed_size_binary().value(row), value),
        DataType::Decimal128(..) => {
            Some(array.as_primitive::<Decimal128Type>().value_as_string(row)) == decimal(value)
        }
        DataType::Struct(_) => {
            let (columns, values) = (array.as_struct().columns(), value.as_array().unwrap());
            columns.len() == values.len()
                && columns.iter().zip(values).all(|(column, value)| same(column, row, value))
        }
        DataType::List(_) => {
            let (elements, values) = (array.as_list::<i32>().value(row), value.as_array().unwrap());
            elements.len() == values.len()
                && values.iter().enumerate().all(|(at, value)| same(&elements, at, value))
        }
        DataType::Map(..) => {
            let (pairs, values) = (array.as_map().value(row), value.as_array().unwrap());
            pairs.len() == values.len()
                && values.iter().enumerate().all(|(at, pair)| {
                    same(pairs.column(0), at, &pair[0]) && same(pairs.column(1), at, &pair[1])
                })
        }
        other => panic!("{other}"),
    }
}

fn same_float(found: f64, value: &Value) -> bool {
    let wanted: f64 = value.as_str().unwrap().parse().unwrap();
    found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan()
}

fn same_bytes(found: &[u8], value: &Value) -> bool {
    let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(hex.as_str()) == value["hex"].as_str()
}

/// The text of a zero has no sign.
fn decimal(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    Some(
        if text.trim_matches(['-', '0', '.']).is_empty() { text.trim_start_matches('-') } else { text }
            .to_owned(),
    )
}
