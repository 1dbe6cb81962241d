//! Rows to write and read: eight columns of the kinds that tables have, and a table of 200 columns. The same rows in every run, any part
//! of them at a time.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "inputs of benchmarks"
)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};

/// Columns of the wide table.
pub const WIDE_COLUMNS: usize = 200;

/// The schema of [`mixed_columns`].
pub fn mixed_schema() -> Arc<Schema> {
    let price = PrimitiveType::Decimal { precision: 12, scale: 2 };
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "quantity", PrimitiveType::Int),
        NestedField::required(3, "at", PrimitiveType::Timestamptz),
        NestedField::required(4, "price", price),
        NestedField::optional(5, "score", PrimitiveType::Double),
        NestedField::required(6, "city", PrimitiveType::String),
        NestedField::required(7, "token", PrimitiveType::String),
        NestedField::required(8, "is_new", PrimitiveType::Boolean),
    ];
    Arc::new(schema(fields))
}

/// Columns of rows `first..first + rows`, in the Arrow types of [`mixed_schema`]: ascending ids, ints with 5 % nulls, ascending times,
/// prices, doubles with 10 % nulls, 200 city names, random text of 16 characters, booleans.
pub fn mixed_columns(first: u64, rows: usize) -> Vec<ArrayRef> {
    let all = || (first..).take(rows);
    let price = Decimal128Array::from_iter_values(all().map(|row| i128::from(random(4, row) % 10_000_000)));
    vec![
        Arc::new(Int64Array::from_iter_values(all().map(signed))),
        quantities(2, first, rows),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(
                all().map(|row| 1_700_000_000_000_000 + signed(row * 1_000)),
            )
            .with_timezone("UTC"),
        ),
        Arc::new(price.with_precision_and_scale(12, 2).unwrap()),
        scores(5, first, rows),
        cities(6, first, rows),
        tokens(7, first, rows),
        Arc::new(all().map(|row| Some(random(8, row) & 1 == 1)).collect::<BooleanArray>()),
    ]
}

/// The schema of [`wide_columns`].
pub fn wide_schema() -> Arc<Schema> {
    let columns = (1_i32..).zip(0..WIDE_COLUMNS);
    let fields = columns.map(|(id, column)| {
        let kind = match column % 5 {
            0 => PrimitiveType::Long,
            1 => PrimitiveType::Int,
            2 => PrimitiveType::Double,
            3 => PrimitiveType::String,
            _ => PrimitiveType::Date,
        };
        NestedField::optional(id, format!("column_{id}"), kind)
    });
    Arc::new(schema(fields.collect()))
}

/// [`WIDE_COLUMNS`] columns of rows `first..first + rows`, in the Arrow types of [`wide_schema`].
pub fn wide_columns(first: u64, rows: usize) -> Vec<ArrayRef> {
    let columns = (0_u64..).take(WIDE_COLUMNS);
    let column = |column: u64| -> ArrayRef {
        let all = || (first..).take(rows).map(move |row| random(column, row));
        match column % 5 {
            0 => Arc::new(Int64Array::from_iter_values(all().map(|value| signed(value % 1_000_000)))),
            1 => quantities(column, first, rows),
            2 => scores(column, first, rows),
            3 => cities(column, first, rows),
            _ => {
                Arc::new(arrow::array::Date32Array::from_iter_values(all().map(|value| small(value % 3_650))))
            }
        }
    };
    columns.map(column).collect()
}

fn schema(fields: Vec<NestedField>) -> Schema {
    Schema::new(fields).unwrap()
}

fn quantities(column: u64, first: u64, rows: usize) -> ArrayRef {
    let value = |value: u64| (!value.is_multiple_of(20)).then(|| small((value >> 8) % 1_000));
    Arc::new((first..).take(rows).map(|row| value(random(column, row))).collect::<Int32Array>())
}

fn scores(column: u64, first: u64, rows: usize) -> ArrayRef {
    let value = |value: u64| (!value.is_multiple_of(10)).then(|| f64::from(small(value >> 34)) / 1_000.0);
    Arc::new((first..).take(rows).map(|row| value(random(column, row))).collect::<Float64Array>())
}

fn cities(column: u64, first: u64, rows: usize) -> ArrayRef {
    let names: Vec<String> = (0..200).map(|number| format!("city number {number:03}")).collect();
    let all = (first..).take(rows).map(|row| random(column, row) % 200);
    Arc::new(StringArray::from_iter_values(all.map(|at| names[usize::try_from(at).unwrap()].as_str())))
}

fn tokens(column: u64, first: u64, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        (first..).take(rows).map(|row| format!("{:016x}", random(column, row))),
    ))
}

/// A number for a place in the table (SplitMix64).
fn random(column: u64, row: u64) -> u64 {
    let mut mixed = (column << 48).wrapping_add(row).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}

fn small(number: u64) -> i32 {
    i32::try_from(number).unwrap()
}
