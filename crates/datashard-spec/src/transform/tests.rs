//! Transforms against the vectors of the specification and against brute force.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::schema::ListType;
use crate::value::testing;

const ALL: [Transform; 8] = [
    Transform::Identity,
    Transform::Bucket(16),
    Transform::Truncate(20),
    Transform::Year,
    Transform::Month,
    Transform::Day,
    Transform::Hour,
    Transform::Void,
];

#[test]
fn names_are_read_in_any_case_and_written_in_lower_case() {
    for transform in ALL {
        let name = transform.to_string();
        assert_eq!(name, name.to_lowercase());
        assert_eq!(Transform::parse(&name), Ok(transform.clone()));
        assert_eq!(Transform::parse(&name.to_uppercase()), Ok(transform));
    }
    assert_eq!(Transform::parse("bucket[2147483647]"), Ok(Transform::Bucket(2_147_483_647)));
    assert_eq!(Transform::parse("truncate[007]"), Ok(Transform::Truncate(7)));
}

#[test]
fn names_not_known_are_kept_letter_by_letter() {
    for name in [
        "",
        "Zorder[3, 4]",
        "bucket",
        "bucket[]",
        "bucket[-1]",
        "bucket[+1]",
        "bucket[x]",
        "truncate[1",
        "identity[1]",
        "year ",
        "days",
        "bucketé[1]",
        "buckeé[1]",
    ] {
        let transform = Transform::parse(name).unwrap();
        assert_eq!(transform, Transform::Unknown(name.into()));
        assert_eq!(transform.to_string(), name);
    }
}

#[test]
fn a_number_out_of_range_is_refused_by_name() {
    for name in ["bucket[0]", "truncate[0]", "bucket[2147483648]", "truncate[99999999999999999999]"] {
        let error = Transform::parse(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let expect = format!("{name:?} is not a transform with a number from 1 to 2147483647");
        assert_eq!(error.to_string(), expect);
    }
    for transform in [Transform::Bucket(0), Transform::Truncate(0)] {
        let error = transform.apply(Some(&Value::Int(1))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(&transform.to_string()), "{error}");
        assert_eq!(transform.apply(None), Ok(None));
    }
}

#[test]
fn result_types_are_those_of_the_format() {
    use PrimitiveType as P;
    let int = Some(Type::from(P::Int));
    let date = Some(Type::from(P::Date));
    let list = Type::from(ListType::optional(1, P::Int));
    for (transform, source, expect) in [
        (Transform::Identity, P::Uuid.into(), Some(P::Uuid.into())),
        (Transform::Identity, P::Boolean.into(), Some(P::Boolean.into())),
        (Transform::Identity, P::Geometry(None).into(), None),
        (Transform::Identity, P::Geography(None, None).into(), None),
        (Transform::Identity, Type::Variant, None),
        (Transform::Identity, list.clone(), None),
        (Transform::Bucket(4), P::Fixed(3).into(), int.clone()),
        (Transform::Bucket(4), P::TimestamptzNs.into(), int.clone()),
        (Transform::Bucket(4), P::Double.into(), None),
        (Transform::Bucket(4), P::Boolean.into(), None),
        (Transform::Bucket(4), Type::Variant, None),
        (Transform::Truncate(4), P::String.into(), Some(P::String.into())),
        (Transform::Truncate(4), P::Fixed(9).into(), None),
        (Transform::Truncate(4), P::Date.into(), None),
        (Transform::Year, P::Date.into(), int.clone()),
        (Transform::Month, P::TimestampNs.into(), int.clone()),
        (Transform::Day, P::Date.into(), date.clone()),
        (Transform::Day, P::Timestamptz.into(), date),
        (Transform::Hour, P::Timestamp.into(), int),
        (Transform::Hour, P::Date.into(), None),
        (Transform::Year, P::Time.into(), None),
        (Transform::Day, P::Int.into(), None),
        (Transform::Void, list.clone(), Some(list.clone())),
        (Transform::Unknown("z".into()), list, Some(P::String.into())),
    ] {
        assert_eq!(transform.result_type(&source), expect, "{transform} of {source}");
        assert_eq!(transform.allows_source(&source), expect.is_some());
    }
}

#[test]
fn results_have_the_types_of_the_format() {
    let instant = Value::Timestamp(1_512_123_175_038_194);
    for (transform, source, expect) in [
        (Transform::Identity, instant.clone(), instant.clone()),
        (Transform::Bucket(16), Value::from("iceberg"), Value::Int(9)),
        (Transform::Truncate(3), Value::from("iceberg"), Value::from("ice")),
        (Transform::Year, instant.clone(), Value::Int(47)),
        (Transform::Month, instant.clone(), Value::Int(575)),
        (Transform::Day, instant.clone(), Value::Date(17_501)),
        (Transform::Day, Value::Date(-1), Value::Date(-1)),
        (Transform::Hour, instant, Value::Int(420_034)),
    ] {
        assert_eq!(transform.apply(Some(&source)), Ok(Some(expect)), "{transform} of {source}");
    }
}

#[test]
fn values_of_other_types_are_refused() {
    for (transform, source) in [
        (Transform::Identity, Value::List(vec![])),
        (Transform::Bucket(16), Value::Double(1.0)),
        (Transform::Truncate(16), Value::Date(1)),
        (Transform::Year, Value::Int(1)),
        (Transform::Hour, Value::Date(1)),
        (Transform::Hour, Value::Timestamp(i64::MAX)),
    ] {
        let error = transform.apply(Some(&source)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{transform} of {source}");
    }
    let error = Transform::Year.apply(Some(&Value::Int(1))).unwrap_err();
    assert_eq!(error.to_string(), "transform year does not take 1");
}

#[test]
fn trap_17_void_and_unknown_transforms_make_null_and_stop_nobody() {
    for transform in [Transform::Void, Transform::parse("zorder[3]").unwrap()] {
        for source in [Value::Int(1), Value::List(vec![])] {
            assert_eq!(transform.apply(Some(&source)), Ok(None));
        }
        assert!(transform.allows_source(&Type::Variant));
        assert!(!transform.preserves_order());
        assert_eq!(transform.to_human_string(None), "null");
    }
}

#[test]
fn a_finer_order_satisfies_a_coarser_one() {
    use Transform as T;
    let int = Type::from(PrimitiveType::Int);
    let string = Type::from(PrimitiveType::String);
    for (ours, other, source, expect) in [
        (T::Identity, T::Truncate(3), &int, true),
        (T::Identity, T::Year, &int, true),
        (T::Identity, T::Bucket(3), &int, false),
        (T::Bucket(3), T::Bucket(3), &int, true),
        (T::Bucket(6), T::Bucket(3), &int, false),
        (T::Hour, T::Day, &int, true),
        (T::Hour, T::Year, &int, true),
        (T::Day, T::Month, &int, true),
        (T::Month, T::Day, &int, false),
        (T::Year, T::Identity, &int, false),
        (T::Truncate(5), T::Truncate(10), &int, true),
        (T::Truncate(10), T::Truncate(5), &int, false),
        (T::Truncate(4), T::Truncate(10), &int, false),
        (T::Truncate(4), T::Truncate(0), &int, false),
        (T::Truncate(10), T::Truncate(4), &string, true),
        (T::Truncate(4), T::Truncate(10), &string, false),
    ] {
        assert_eq!(ours.satisfies_order_of(&other, source), expect, "{ours} for {other}");
    }
}

#[test]
fn time_transforms_of_one_column_are_redundant() {
    for transform in [Transform::Year, Transform::Month, Transform::Day, Transform::Hour] {
        assert_eq!(transform.dedup_name(), "time");
    }
    assert_eq!(Transform::Bucket(3).dedup_name(), "bucket[3]");
    assert_eq!(Transform::Identity.dedup_name(), "identity");
}

proptest! {
    #[test]
    fn a_value_is_taken_if_its_type_is_and_the_result_is_of_the_result_type(
        (source, value) in testing::type_and_value(),
    ) {
        for transform in ALL {
            match (transform.apply(Some(&value)), transform.result_type(&source)) {
                (Ok(Some(result)), Some(result_type)) => {
                    prop_assert!(result.matches_type(&result_type), "{} of {}", transform, value);
                    prop_assert!(!transform.to_human_string(Some(&result)).is_empty() || result == Value::from("")
                        || matches!(result, Value::Binary(_) | Value::Fixed(_)));
                }
                (Ok(None), Some(_)) => prop_assert_eq!(transform, Transform::Void),
                (Err(ValueError::OutOfRange { .. }), Some(_)) => prop_assert_eq!(transform, Transform::Hour),
                (Err(_), None) => {}
                (result, allowed) => prop_assert!(false, "{} of {}: {:?}, {:?}", transform, value, result, allowed),
            }
        }
    }

    #[test]
    fn any_name_is_answered(name in "(bucket|truncate|YEAR|\\PC)?\\[?[0-9]{0,12}\\]?") {
        if let Ok(transform) = Transform::parse(&name) {
            prop_assert_eq!(Transform::parse(&transform.to_string()), Ok(transform));
        }
    }

    #[test]
    fn order_preserving_transforms_preserve_it(a in any::<i64>(), b in any::<i64>()) {
        let (low, high) = (Value::TimestampNs(a.min(b)), Value::TimestampNs(a.max(b)));
        for transform in ALL.into_iter().filter(Transform::preserves_order) {
            if let (Ok(low), Ok(high)) = (transform.apply(Some(&low)), transform.apply(Some(&high))) {
                prop_assert!(low <= high, "{}", transform);
            }
        }
    }
}
