//! Rows of Arrow batches in the form of the expectation files (`testdata/README.md`).

use datashard_io::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datashard_io::arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use datashard_spec::schema::{PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::datetime::format_date;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::fixture_variant;

/// The rows of a batch in the Arrow schema of `schema`, each as JSON with sorted keys and without spaces.
pub(crate) fn rows(batch: &RecordBatch, schema: &Schema) -> Vec<String> {
    assert_eq!(batch.num_columns(), schema.fields().len());
    (0..batch.num_rows()).map(|row| object(batch.columns(), schema.as_struct(), row).to_string()).collect()
}

/// The checksum of rows, which are sorted.
pub(crate) fn checksum(rows: &[String]) -> String {
    assert!(rows.is_sorted());
    hex(&Sha256::digest(rows.join("\n"))[..8])
}

fn object(columns: &[ArrayRef], fields: &StructType, row: usize) -> Json {
    let pairs = fields.fields.iter().zip(columns);
    let pairs = pairs.map(|(field, column)| (field.name.clone(), value(column, &field.field_type, row)));
    Json::Object(pairs.collect::<Map<String, Json>>())
}

fn value(array: &ArrayRef, value_type: &Type, row: usize) -> Json {
    // An array of nulls has no mask that would say so.
    if array.is_null(row) || *value_type == Type::Primitive(PrimitiveType::Unknown) {
        return Json::Null;
    }
    match value_type {
        Type::Primitive(primitive) => primitive_value(array, primitive, row),
        Type::Struct(fields) => object(array.as_struct().columns(), fields, row),
        Type::List(list) => {
            let elements = array.as_list::<i32>().value(row);
            Json::Array((0..elements.len()).map(|at| value(&elements, &list.element, at)).collect())
        }
        Type::Map(map) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let mut pairs: Vec<(String, Json)> = (0..entries.len())
                .map(|at| {
                    let key = value(keys, &map.key, at);
                    (key.to_string(), Json::Array(vec![key, value(values, &map.value, at)]))
                })
                .collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Array(pairs.into_iter().map(|(_, pair)| pair).collect())
        }
        Type::Variant => {
            let parts = array.as_struct();
            let bytes = |name| parts.column_by_name(name).unwrap().as_binary::<i32>().value(row);
            fixture_variant::decode(bytes("metadata"), bytes("value"))
        }
        other => panic!("no form for {other}"),
    }
}

fn primitive_value(array: &ArrayRef, primitive: &PrimitiveType, row: usize) -> Json {
    use PrimitiveType as P;
    match primitive {
        P::Boolean => array.as_boolean().value(row).into(),
        P::Int => array.as_primitive::<Int32Type>().value(row).into(),
        P::Long => array.as_primitive::<Int64Type>().value(row).into(),
        // The expectation files cut the greatest float to four digits.
        P::Float if array.as_primitive::<Float32Type>().value(row) == f32::MAX => "3.403e+38".into(),
        P::Float => float(&format!("{:?}", array.as_primitive::<Float32Type>().value(row))),
        P::Double => float(&format!("{:?}", array.as_primitive::<Float64Type>().value(row))),
        P::Decimal { scale, .. } => {
            decimal(array.as_primitive::<Decimal128Type>().value(row), usize::from(*scale)).into()
        }
        P::Date => format_date(array.as_primitive::<Date32Type>().value(row)).into(),
        P::Time => time(array.as_primitive::<Time64MicrosecondType>().value(row), 6).into(),
        P::Timestamp => timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row), 6).into(),
        P::Timestamptz => {
            (timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row), 6) + "+00:00").into()
        }
        P::TimestampNs => timestamp(array.as_primitive::<TimestampNanosecondType>().value(row), 9).into(),
        P::TimestamptzNs => {
            (timestamp(array.as_primitive::<TimestampNanosecondType>().value(row), 9) + "+00:00").into()
        }
        P::String => array.as_string::<i32>().value(row).into(),
        P::Uuid => {
            let digits = hex(array.as_fixed_size_binary().value(row));
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            parts.join("-").into()
        }
        P::Fixed(_) => hex(array.as_fixed_size_binary().value(row)).into(),
        P::Binary => hex(array.as_binary::<i32>().value(row)).into(),
        other => panic!("no form for {other}"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// From the shortest text of Rust to that of the expectation files: signs and two digits in exponents, longer words.
pub(crate) fn float(text: &str) -> Json {
    match (text, text.split_once('e')) {
        ("inf", _) => "Infinity".into(),
        ("-inf", _) => "-Infinity".into(),
        (_, None) => text.into(),
        (_, Some((digits, exponent))) => {
            let digits = digits.strip_suffix(".0").unwrap_or(digits);
            let exponent: i32 = exponent.parse().unwrap();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs()).into()
        }
    }
}

pub(crate) fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

fn time(count: i64, digits: u32) -> String {
    let unit = 10_i64.pow(digits);
    let (seconds, part) = (count / unit, count % unit);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{part:0width$}", width = digits as usize)
}

fn timestamp(count: i64, digits: u32) -> String {
    let day = 86_400 * 10_i64.pow(digits);
    let date = format_date(i32::try_from(count.div_euclid(day)).unwrap());
    format!("{date}T{}", time(count.rem_euclid(day), digits))
}

#[test]
fn values_have_the_forms_of_the_expectation_files() {
    for (text, expected) in [
        (format!("{:?}", f32::from_bits(1)), "1e-45"),
        (format!("{:?}", 1e300_f64), "1e+300"),
        (format!("{:?}", 1e-5_f64), "1e-05"),
        (format!("{:?}", 1e-4_f64), "0.0001"),
        (format!("{:?}", 9_007_199_254_740_992_f64), "9007199254740992.0"),
        (format!("{:?}", -0.0_f64), "-0.0"),
        (format!("{:?}", f64::NAN), "NaN"),
    ] {
        assert_eq!(float(&text), expected);
    }
    assert_eq!(decimal(-5, 2), "-0.05");
    assert_eq!(decimal(1234, 0), "1234");
    assert_eq!(timestamp(-1, 6), "1969-12-31T23:59:59.999999");
    assert_eq!(timestamp(1, 9), "1970-01-01T00:00:00.000000001");
}
