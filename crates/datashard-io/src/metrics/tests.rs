//! Metrics against an oracle that goes row by row, and the rules that implementations have broken.
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array,
    RecordBatch, StringArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datashard_spec::expr::{truncate_lower, truncate_upper};
use datashard_spec::id::FieldId;
use datashard_spec::manifest::{BoundMap, DataFile, FileFormat, MetricMap};
use datashard_spec::property::{MetricsConfig, MetricsMode, TableProperties};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::sort_order::SortOrder;
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::MetricsBuilder;
use crate::arrow::schema_to_arrow;
use crate::arrow::testing::schema_and_batch;
use crate::arrow::value::value_at;

fn config(schema: &Schema, pairs: &[(&str, &str)]) -> MetricsConfig {
    let pairs: BTreeMap<String, String> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    MetricsConfig::new(schema, &SortOrder::unsorted(), TableProperties::new(&pairs))
}

fn measure(schema: &Schema, config: &MetricsConfig, batches: &[RecordBatch]) -> DataFile {
    let mut metrics = MetricsBuilder::new(schema, config).unwrap();
    batches.iter().for_each(|batch| metrics.add(batch).unwrap());
    metrics.finish(DataFile::new("f", FileFormat::Parquet, 0, 0)).unwrap()
}

/// What is known of a column by looking at each value.
#[derive(Default)]
struct Seen {
    rows: i64,
    nulls: i64,
    nans: i64,
    values: Vec<Value>,
}

/// The values of all columns that structs alone lead to.
fn look(
    fields: &[NestedField],
    arrays: &[ArrayRef],
    row: usize,
    hidden: bool,
    seen: &mut BTreeMap<FieldId, Seen>,
) {
    for (field, array) in fields.iter().zip(arrays) {
        let null = hidden || array.is_null(row);
        match &field.field_type {
            Type::Struct(inner) => look(&inner.fields, array.as_struct().columns(), row, null, seen),
            Type::List(_) | Type::Map(_) | Type::Primitive(PrimitiveType::Unknown) => {}
            value_type => {
                let seen = seen.entry(field.id).or_default();
                seen.rows += 1;
                if null {
                    seen.nulls += 1;
                } else if *value_type != Type::Variant {
                    let value = value_at(array, value_type, row).unwrap().unwrap();
                    if value.is_nan() {
                        seen.nans += 1;
                    } else {
                        seen.values.push(value);
                    }
                }
            }
        }
    }
}

fn expected(schema: &Schema, config: &MetricsConfig, batch: &RecordBatch) -> DataFile {
    let mut seen = BTreeMap::new();
    (0..batch.num_rows()).for_each(|row| look(schema.fields(), batch.columns(), row, false, &mut seen));
    let (mut values, mut nulls, mut nans, mut lower, mut upper) = (vec![], vec![], vec![], vec![], vec![]);
    for (id, seen) in seen {
        let mode = config.mode(id);
        let field_type = schema.field_by_id(id).unwrap().field_type;
        if mode == MetricsMode::None {
            continue;
        }
        values.push((id, seen.rows));
        nulls.push((id, seen.nulls));
        if matches!(field_type, Type::Primitive(PrimitiveType::Float | PrimitiveType::Double)) {
            nans.push((id, seen.nans));
        }
        let is_shape =
            matches!(field_type, Type::Primitive(PrimitiveType::Geometry(_) | PrimitiveType::Geography(..)));
        let (Some(low), Some(high)) = (seen.values.iter().min(), seen.values.iter().max()) else { continue };
        let length = match mode {
            _ if is_shape => continue,
            MetricsMode::Truncate(length) => length as usize,
            MetricsMode::Full => usize::MAX,
            _ => continue,
        };
        lower.push((id, truncate_lower(low, length).to_binary().unwrap()));
        upper.extend(truncate_upper(high, length).map(|high| (id, high.to_binary().unwrap())));
    }
    DataFile::new("f", FileFormat::Parquet, 0, 0)
        .with_value_counts(values.into_iter().collect::<MetricMap>())
        .with_null_value_counts(nulls.into_iter().collect())
        .with_nan_value_counts(nans.into_iter().collect())
        .with_lower_bounds(lower.into_iter().collect::<BoundMap>())
        .with_upper_bounds(upper.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn metrics_are_those_of_an_oracle_that_goes_row_by_row(
        (schema, batch) in schema_and_batch(40),
        mode in prop::sample::select(vec!["none", "counts", "truncate(1)", "truncate(3)", "truncate(16)", "full"]),
        cut in 0_usize..40,
    ) {
        // With no rows, the oracle sees no columns either.
        prop_assume!(batch.num_rows() > 0);
        let config = config(&schema, &[("write.metadata.metrics.default", mode)]);
        let cut = cut.min(batch.num_rows());
        let parts = [batch.slice(0, cut), batch.slice(cut, batch.num_rows() - cut)];
        prop_assert_eq!(measure(&schema, &config, &parts), expected(&schema, &config, &batch));
    }
}

fn one(value_type: impl Into<Type>, array: ArrayRef, mode: &str) -> DataFile {
    let schema = Schema::new(vec![NestedField::optional(1, "c", value_type)]).unwrap();
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![array]).unwrap();
    measure(&schema, &config(&schema, &[("write.metadata.metrics.default", mode)]), &[batch])
}

fn bounds(file: &DataFile) -> (Option<&[u8]>, Option<&[u8]>) {
    (file.lower_bounds.get(FieldId(1)), file.upper_bounds.get(FieldId(1)))
}

#[test]
fn trap_11_nan_is_counted_and_is_no_bound() {
    let doubles = Float64Array::from(vec![Some(f64::NAN), Some(2.0), None, Some(-f64::NAN), Some(-1.0)]);
    let file = one(PrimitiveType::Double, Arc::new(doubles), "full");
    assert_eq!(bounds(&file), (Some(&(-1.0_f64).to_le_bytes()[..]), Some(&2.0_f64.to_le_bytes()[..])));
    assert_eq!(file.nan_value_counts.get(FieldId(1)), Some(2));
    assert_eq!(file.value_counts.get(FieldId(1)), Some(5));
    assert_eq!(file.null_value_counts.get(FieldId(1)), Some(1));

    let nans = Float32Array::from(vec![Some(f32::NAN), None]);
    let file = one(PrimitiveType::Float, Arc::new(nans), "full");
    assert_eq!(bounds(&file), (None, None));
    let counted = one(PrimitiveType::Float, Arc::new(Float32Array::from(vec![f32::NAN; 3])), "counts");
    assert_eq!(counted.nan_value_counts.get(FieldId(1)), Some(3));
}

#[test]
fn negative_zero_is_below_positive_zero() {
    for zeros in [vec![0.0, -0.0], vec![-0.0, 0.0]] {
        let file = one(PrimitiveType::Double, Arc::new(Float64Array::from(zeros)), "full");
        assert_eq!(bounds(&file), (Some(&(-0.0_f64).to_le_bytes()[..]), Some(&0.0_f64.to_le_bytes()[..])));
    }
}

#[test]
fn trap_04_decimal_bounds_are_the_fewest_bytes() {
    let decimals =
        arrow::array::Decimal128Array::from(vec![-128, 127]).with_precision_and_scale(9, 2).unwrap();
    let file = one(PrimitiveType::Decimal { precision: 9, scale: 2 }, Arc::new(decimals), "full");
    assert_eq!(bounds(&file), (Some(&[0x80][..]), Some(&[0x7f][..])));
}

#[test]
fn trap_14_cut_bounds_of_text_keep_to_code_points_and_stay_bounds() {
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let file = one(PrimitiveType::String, text(vec!["ðÿþ", "ðÿý"]), "truncate(2)");
    assert_eq!(bounds(&file), (Some("ðÿ".as_bytes()), Some("ðĀ".as_bytes())));
    // Surrogates are stepped over; the greatest character cannot be raised, the one before it can.
    let file = one(PrimitiveType::String, text(vec!["\u{d7ff}x"]), "truncate(1)");
    assert_eq!(bounds(&file), (Some("\u{d7ff}".as_bytes()), Some("\u{e000}".as_bytes())));
    let file = one(PrimitiveType::String, text(vec!["a\u{10ffff}x"]), "truncate(2)");
    assert_eq!(bounds(&file), (Some("a\u{10ffff}".as_bytes()), Some("b".as_bytes())));
    let file = one(PrimitiveType::String, text(vec!["\u{10ffff}\u{10ffff}x"]), "truncate(2)");
    assert_eq!(bounds(&file), (Some("\u{10ffff}\u{10ffff}".as_bytes()), None));
    // Not longer than the limit: exact.
    let file = one(PrimitiveType::String, text(vec!["añ", ""]), "truncate(2)");
    assert_eq!(bounds(&file), (Some(&[][..]), Some("añ".as_bytes())));
}

#[test]
fn bytes_are_unsigned_and_uuids_are_bytes() {
    let binary = BinaryArray::from(vec![&[0x80, 1][..], &[0x7f, 0xff], &[0xff, 0xff, 1]]);
    let file = one(PrimitiveType::Binary, Arc::new(binary), "truncate(2)");
    assert_eq!(bounds(&file), (Some(&[0x7f, 0xff][..]), None));
    let uuids = [[0x80; 16], [0x7f; 16]];
    let uuids = FixedSizeBinaryArray::try_from_iter(uuids.iter()).unwrap();
    let schema = Schema::new(vec![NestedField::optional(1, "c", PrimitiveType::Uuid)]).unwrap();
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![Arc::new(uuids)]).unwrap();
    let file = measure(&schema, &config(&schema, &[]), &[batch]);
    assert_eq!(bounds(&file), (Some(&[0x7f; 16][..]), Some(&[0x80; 16][..])));
}

#[test]
fn texts_that_begin_alike_are_compared_to_the_end() {
    let values = ["prefix__b", "prefix__a\0", "prefix__a", "prefix__", "prefix__c", "prefix_"];
    let file = one(PrimitiveType::String, Arc::new(StringArray::from(values.to_vec())), "full");
    assert_eq!(bounds(&file), (Some(&b"prefix_"[..]), Some(&b"prefix__c"[..])));
    let zeros = ["a\0", "a", "a\0\0"];
    let file = one(PrimitiveType::String, Arc::new(StringArray::from(zeros.to_vec())), "full");
    assert_eq!(bounds(&file), (Some(&b"a"[..]), Some(&b"a\0\0"[..])));
}

#[test]
fn what_a_null_struct_hides_counts_as_null_and_bounds_nothing() {
    let inner = StructType::new(vec![NestedField::required(1, "x", PrimitiveType::Int)]);
    let schema = Schema::new(vec![NestedField::optional(2, "s", inner)]).unwrap();
    let arrow = schema_to_arrow(&schema).unwrap();
    let DataType::Struct(fields) = arrow.field(0).data_type() else { panic!() };
    let numbers = Arc::new(Int32Array::from(vec![-100, 1, 2, 100])) as ArrayRef;
    let rows = NullBuffer::from(vec![false, true, true, false]);
    let column = StructArray::new(fields.clone(), vec![numbers], Some(rows));
    let batch = RecordBatch::try_new(Arc::clone(&arrow), vec![Arc::new(column)]).unwrap();
    let file = measure(&schema, &config(&schema, &[]), &[batch]);
    assert_eq!(bounds(&file), (Some(&1_i32.to_le_bytes()[..]), Some(&2_i32.to_le_bytes()[..])));
    assert_eq!(file.null_value_counts.get(FieldId(1)), Some(2));
    assert_eq!(file.value_counts.get(FieldId(1)), Some(4));
}

#[test]
fn a_batch_of_other_columns_is_refused() {
    let schema = Schema::new(vec![NestedField::optional(1, "c", PrimitiveType::Int)]).unwrap();
    let other = Schema::new(vec![NestedField::optional(1, "c", PrimitiveType::String)]).unwrap();
    let texts = Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
    let batch = RecordBatch::try_new(schema_to_arrow(&other).unwrap(), vec![texts]).unwrap();
    let mut metrics = MetricsBuilder::new(&schema, &config(&schema, &[])).unwrap();
    assert!(metrics.add(&batch).is_err());
    assert!(metrics.add(&RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()))).is_err());
}
