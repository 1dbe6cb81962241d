//! Values into arrays and out again, over generated types and values.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use arrow::array::Array;
use arrow::datatypes::DataType;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::arrow::testing::{assert_same_rows, field_type, optional_value, schema_and_batch, value_of};
use crate::arrow::type_to_arrow;
use crate::data_error::DataError;
use datashard_spec::error::ErrorKind;

fn type_and_value() -> impl Strategy<Value = (Type, Value)> {
    field_type().prop_flat_map(|value_type| {
        let value = value_of(&value_type);
        (Just(value_type), value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_repeated_value_comes_back_from_every_row((value_type, value) in type_and_value(), rows in 0_usize..5) {
        let array = repeat(Some(&value), &value_type, rows).unwrap();
        prop_assert_eq!(array.len(), rows);
        prop_assert_eq!(array.data_type(), &type_to_arrow(&value_type).unwrap());
        for row in 0..rows {
            prop_assert_eq!(value_at(&array, &value_type, row).unwrap(), Some(value.clone()));
        }
    }

    #[test]
    fn null_repeats_in_every_type(value_type in field_type(), rows in 0_usize..5) {
        let array = repeat(None, &value_type, rows).unwrap();
        prop_assert_eq!(array.data_type(), &type_to_arrow(&value_type).unwrap());
        prop_assert_eq!(array.logical_null_count(), rows);
        for row in 0..rows {
            prop_assert_eq!(value_at(&array, &value_type, row).unwrap(), None);
        }
    }

    #[test]
    fn values_in_an_array_come_back_in_order(
        (value_type, values) in field_type().prop_flat_map(|value_type| {
            let values = prop::collection::vec(optional_value(&value_type, false), 0..8);
            (Just(value_type), values)
        })
    ) {
        let given: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
        let array = array_of(&given, &value_type).unwrap();
        array.to_data().validate_full().unwrap();
        let back: Vec<Option<Value>> =
            (0..array.len()).map(|row| value_at(&array, &value_type, row).unwrap()).collect();
        prop_assert_eq!(back, values);
    }

    #[test]
    fn a_batch_of_generated_rows_equals_itself_and_its_slices((_, batch) in schema_and_batch(6)) {
        assert_same_rows(&batch, &batch.clone());
        if batch.num_rows() > 1 {
            let tail = batch.slice(1, batch.num_rows() - 1);
            assert_same_rows(&tail, &tail.slice(0, tail.num_rows()));
        }
    }
}

#[test]
fn a_struct_default_takes_its_members_own_defaults() {
    let fields = StructType::new(vec![
        NestedField::required(2, "a", PrimitiveType::Int)
            .with_initial_default(Value::Int(7))
            .with_write_default(Value::Int(8)),
        NestedField::optional(3, "b", PrimitiveType::String),
    ]);
    let value_type = Type::from(fields);
    let open = Value::Struct(vec![None, None]);
    for (defaults, expect) in [(Defaults::Initial, 7), (Defaults::Write, 8)] {
        let array = repeat_with(Some(&open), &value_type, 2, defaults).unwrap();
        let expect = Value::Struct(vec![Some(Value::Int(expect)), None]);
        assert_eq!(value_at(&array, &value_type, 1).unwrap(), Some(expect));
    }
}

#[test]
fn a_struct_default_without_one_for_a_required_member_is_refused() {
    let value_type = Type::from(StructType::new(vec![NestedField::required(2, "a", PrimitiveType::Int)]));
    let error = repeat(Some(&Value::Struct(vec![None])), &value_type, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "default of a struct: its field `a` (id 2) is required and has no default of its own"
    );
}

#[test]
fn values_of_another_type_are_refused() {
    for (value, value_type) in [
        (Value::Long(1), Type::from(PrimitiveType::Int)),
        (Value::Timestamp(1), PrimitiveType::Timestamptz.into()),
        (Value::TimestamptzNs(1), PrimitiveType::TimestampNs.into()),
        (Value::Fixed(vec![1]), PrimitiveType::Fixed(2).into()),
        (Value::Fixed(vec![0; 16]), PrimitiveType::Uuid.into()),
        (Value::Binary(vec![]), PrimitiveType::Geometry(None).into()),
        (Value::decimal(100, 1), PrimitiveType::Decimal { precision: 2, scale: 1 }.into()),
        (Value::decimal(1, 2), PrimitiveType::Decimal { precision: 2, scale: 1 }.into()),
        (Value::Int(1), PrimitiveType::Unknown.into()),
        (Value::Int(1), Type::Variant),
        (Value::List(vec![Some(Value::Int(1))]), ListType::optional(1, PrimitiveType::Long).into()),
        (Value::Map(vec![]), ListType::optional(1, PrimitiveType::Long).into()),
    ] {
        let error = repeat(Some(&value), &value_type, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{value} as {value_type}: {error}");
    }
}

#[test]
fn a_long_value_too_often_is_refused_before_it_is_copied() {
    let text = Value::String("x".repeat(1 << 20));
    let error = repeat(Some(&text), &PrimitiveType::String.into(), 1 << 12).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`record batch`, one column: needs 4294967296 bytes of memory, and 2147483647 are allowed"
    );
    let list = Value::List(vec![Some(Value::Int(1)); 4]);
    let list_type = ListType::optional(1, PrimitiveType::Int).into();
    assert!(repeat(Some(&list), &list_type, 1 << 30).is_err());
}

#[test]
fn fixed_bytes_are_some_and_not_too_many() {
    let many =
        Type::from(StructType::new(vec![NestedField::optional(1, "f", PrimitiveType::Fixed(1 << 30))]));
    assert!(matches!(repeat(None, &many, 1 << 20), Err(DataError::TooLarge { .. })));
    for length in [0, u32::MAX] {
        let unknown = PrimitiveType::Fixed(length).into();
        assert_eq!(ColumnBuilder::new(&unknown).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(repeat(None, &unknown, 1).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_variant_is_null_or_has_no_single_value() {
    let array = repeat(None, &Type::Variant, 2).unwrap();
    assert!(matches!(array.data_type(), DataType::Struct(_)));
    assert_eq!(value_at(&array, &Type::Variant, 0).unwrap(), None);
    let present = crate::arrow::testing::variants(&[Some((vec![1, 0, 0], vec![0]))]);
    let error = value_at(&present, &Type::Variant, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_row_that_there_is_not_is_an_error() {
    let array = repeat(Some(&Value::Int(1)), &PrimitiveType::Int.into(), 1).unwrap();
    assert!(value_at(&array, &PrimitiveType::Int.into(), 1).is_err());
    assert!(value_at(&array, &PrimitiveType::Long.into(), 0).is_err());
}

#[test]
fn room_is_seen_to_run_out_before_offsets_do() {
    let map = MapType::optional(2, PrimitiveType::String, 3, PrimitiveType::Binary);
    let value_type = Type::from(StructType::new(vec![
        NestedField::optional(1, "m", map),
        NestedField::optional(4, "s", PrimitiveType::String),
    ]));
    let mut builder = ColumnBuilder::new(&value_type).unwrap();
    let value = Value::Struct(vec![
        Some(Value::Map(vec![(Value::from("k"), Some(Value::Binary(vec![1, 2])))])),
        Some(Value::from("text")),
    ]);
    assert!(builder.has_room_for(Some(&value)));
    builder.append(Some(&value)).unwrap();
    builder.append(None).unwrap();
    assert!(builder.size_bytes() >= 7, "{}", builder.size_bytes());
    let array = builder.finish().unwrap();
    assert_eq!(value_at(&array, &value_type, 0).unwrap(), Some(value));
    assert_eq!(builder.size_bytes(), 0);
}

#[test]
fn schemas_without_columns_are_fine() {
    let schema = Schema::new(vec![]).unwrap();
    assert_eq!(crate::arrow::schema_to_arrow(&schema).unwrap().fields().len(), 0);
}
