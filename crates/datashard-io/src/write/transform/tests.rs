//! Transforms of columns against those of single values.

#![expect(clippy::as_conversions, reason = "tests state what they expect")]

use arrow::array::{Decimal128Array, TimestampMicrosecondArray};
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::arrow::testing::{optional_value, primitive};
use crate::arrow::type_to_arrow;
use crate::arrow::value::{array_of, value_at};

fn transforms() -> impl Strategy<Value = Transform> {
    prop_oneof![
        Just(Transform::Identity),
        (1_u32..200).prop_map(Transform::Bucket),
        (1_u32..200).prop_map(Transform::Truncate),
        Just(Transform::Year),
        Just(Transform::Month),
        Just(Transform::Day),
        Just(Transform::Hour),
    ]
}

/// Values of one type.
fn columns() -> impl Strategy<Value = (PrimitiveType, Vec<Option<Value>>)> {
    primitive().prop_flat_map(|value_type| {
        let value = optional_value(&Type::Primitive(value_type.clone()), false);
        (Just(value_type), prop::collection::vec(value, 0..20))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A whole column is transformed as its values are, one by one.
    #[test]
    fn columns_are_transformed_as_single_values_are((value_type, values) in columns(), transform in transforms()) {
        let source = Type::Primitive(value_type);
        let Some(result_type) = transform.result_type(&source) else { return Ok(()) };
        let expected: Result<Vec<Option<Value>>, _> =
            values.iter().map(|value| transform.apply(value.as_ref())).collect();
        let values: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
        let found = transform_column(&array_of(&values, &source).unwrap(), &transform, "c");
        match expected {
            Err(_) => {
                let refused = matches!(found, Err(DataError::BadValue { .. }));
                prop_assert!(refused);
            }
            Ok(expected) => {
                let found = found.unwrap();
                prop_assert_eq!(found.data_type(), &type_to_arrow(&result_type).unwrap());
                for (row, expected) in expected.iter().enumerate() {
                    prop_assert_eq!(&value_at(&found, &result_type, row).unwrap(), expected);
                }
            }
        }
    }
}

#[test]
fn trap_03_times_before_1970_go_down() {
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, -31_536_000_000_001, 0]));
    for (transform, expect) in
        [(Transform::Year, [-1, -2, 0]), (Transform::Month, [-1, -13, 0]), (Transform::Hour, [-1, -8_761, 0])]
    {
        let found = transform_column(&micros, &transform, "c").unwrap();
        assert_eq!(found.as_primitive::<Int32Type>().values(), &expect, "{transform}");
    }
    let found = transform_column(&micros, &Transform::Day, "c").unwrap();
    assert_eq!(found.as_primitive::<Date32Type>().values(), &[-1, -366, 0]);
}

#[test]
fn hour_beyond_its_type_names_the_row() {
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None, Some(i64::MAX)]));
    let error = transform_column(&micros, &Transform::Hour, "at").unwrap_err();
    assert!(matches!(&error, DataError::BadValue { row: 2, column, .. } if column == "at"), "{error}");
}

#[test]
fn decimals_keep_precision_and_scale() {
    let values = Decimal128Array::from(vec![1_065, -1_065]).with_precision_and_scale(9, 2).unwrap();
    let found = transform_column(&(Arc::new(values) as ArrayRef), &Transform::Truncate(50), "c").unwrap();
    assert_eq!(found.data_type(), &DataType::Decimal128(9, 2));
    assert_eq!(found.as_primitive::<Decimal128Type>().values(), &[1_050, -1_100]);
}

#[test]
fn no_buckets_and_no_width_are_errors() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    for transform in [Transform::Bucket(0), Transform::Truncate(0), Transform::Void] {
        assert!(transform_column(&ints, &transform, "c").is_err());
    }
}
