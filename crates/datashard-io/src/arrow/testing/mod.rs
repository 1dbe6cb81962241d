//! Schemas and rows for property tests: every type, nested, with the values that break things; and a comparison of rows by value.

mod same;
mod schema;
mod values;

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::buffer::NullBuffer;
use datashard_spec::schema::{NestedField, Schema, Type};
use datashard_spec::value::Value;
use proptest::prelude::*;

pub(crate) use same::{assert_same_rows, same_rows};
pub(crate) use schema::{field_type, primitive, schema};
pub(crate) use values::{optional_value, value_of};

use super::schema_to_arrow;
use super::to_schema::variant_fields;
use super::value::array_of;

/// A schema of one to seven columns, nested to depth 3, and up to `max_rows` rows in its Arrow schema.
///
/// All types but shapes of unusual systems; decimals to 38 digits; NaN, infinities, both zeros; empty, odd and long text; columns without
/// any value, without any null, and between; now and then no rows at all. There is no struct without fields, nor one of unknown fields
/// only, which no file format can hold.
pub(crate) fn schema_and_batch(max_rows: usize) -> impl Strategy<Value = (Arc<Schema>, RecordBatch)> {
    schema().prop_flat_map(move |schema| {
        let schema = Arc::new(schema);
        batch_of(Arc::clone(&schema), max_rows).prop_map(move |batch| (Arc::clone(&schema), batch))
    })
}

/// Up to `max_rows` rows of a schema.
pub(crate) fn batch_of(schema: Arc<Schema>, max_rows: usize) -> impl Strategy<Value = RecordBatch> {
    let rows = prop_oneof![1 => Just(0), 19 => 0..=max_rows];
    rows.prop_flat_map(move |rows| {
        let columns: Vec<_> = schema.fields().iter().map(|field| column(field, rows)).collect();
        let arrow = schema_to_arrow(&schema).unwrap();
        columns.prop_map(move |columns| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(Arc::clone(&arrow), columns, &options).unwrap()
        })
    })
}

/// A column of so many rows.
fn column(field: &NestedField, rows: usize) -> BoxedStrategy<ArrayRef> {
    if field.field_type == Type::Variant {
        return prop::collection::vec(values::variant(field.required), rows)
            .prop_map(|v| variants(&v))
            .boxed();
    }
    let field_type = field.field_type.clone();
    let array = move |values: Vec<Option<Value>>| {
        let values: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
        array_of(&values, &field_type).unwrap()
    };
    let some = optional_value(&field.field_type, field.required);
    if field.required {
        return prop::collection::vec(some, rows).prop_map(array).boxed();
    }
    let all = optional_value(&field.field_type, true);
    prop_oneof![
        1 => Just(vec![None; rows]),
        2 => prop::collection::vec(all, rows),
        7 => prop::collection::vec(some, rows),
    ]
    .prop_map(array)
    .boxed()
}

/// The metadata and the value of a variant.
pub(crate) type VariantParts = (Vec<u8>, Vec<u8>);

/// Variants by their parts.
pub(crate) fn variants(values: &[Option<VariantParts>]) -> ArrayRef {
    let part = |pick: fn(&VariantParts) -> &Vec<u8>| -> ArrayRef {
        let parts = values.iter().map(|value| value.as_ref().map_or(&[][..], |value| pick(value)));
        Arc::new(BinaryArray::from_iter_values(parts))
    };
    let nulls = NullBuffer::from(values.iter().map(Option::is_some).collect::<Vec<_>>());
    let parts = vec![part(|value| &value.0), part(|value| &value.1)];
    Arc::new(StructArray::new(variant_fields(), parts, Some(nulls)))
}
