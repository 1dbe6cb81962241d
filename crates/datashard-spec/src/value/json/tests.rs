use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::schema::NestedField;
use crate::value::testing;

fn of(primitive: PrimitiveType) -> Type {
    primitive.into()
}

fn decimal(precision: u8, scale: u8) -> Type {
    of(PrimitiveType::Decimal { precision, scale })
}

fn point() -> Type {
    StructType::new(vec![
        NestedField::required(1, "x", PrimitiveType::Int),
        NestedField::optional(2, "name", PrimitiveType::String),
    ])
    .into()
}

/// Reads `json` as `value`, which is written as `json` again.
fn check(value_type: &Type, json: &str, value: &Value) {
    assert_eq!(Value::from_json(value_type, json).as_ref(), Ok(value), "{json} as {value_type}");
    assert_eq!(value.to_json(value_type).as_deref(), Ok(json));
}

#[test]
fn values_have_the_json_form_of_the_format() {
    use PrimitiveType as P;
    check(&of(P::Boolean), "true", &true.into());
    check(&of(P::Int), "34", &34.into());
    check(&of(P::Long), "9007199254740993", &9_007_199_254_740_993_i64.into());
    check(&of(P::Float), "1.0", &1.0_f32.into());
    check(&of(P::Float), "0.1", &0.1_f32.into());
    check(&of(P::Double), "-1.25", &(-1.25).into());
    check(&of(P::Double), "1e300", &1e300.into());
    check(&of(P::Double), "-0.0", &(-0.0).into());
    check(&of(P::Double), "\"NaN\"", &f64::NAN.into());
    check(&of(P::Float), "\"-Infinity\"", &f32::NEG_INFINITY.into());
    check(&decimal(9, 2), "\"14.20\"", &Value::decimal(1420, 2));
    check(&decimal(38, 0), "\"200000000000000000000\"", &Value::decimal(2 * 10_i128.pow(20), 0));
    check(&of(P::Date), "\"2017-11-16\"", &Value::Date(17_486));
    check(&of(P::Time), "\"22:31:08.123456\"", &Value::Time(81_068_123_456));
    check(&of(P::Timestamp), "\"2017-11-16T22:31:08.123456\"", &Value::Timestamp(1_510_871_468_123_456));
    check(
        &of(P::Timestamptz),
        "\"2017-11-16T22:31:08.123456+00:00\"",
        &Value::Timestamptz(1_510_871_468_123_456),
    );
    check(
        &of(P::TimestampNs),
        "\"2017-11-16T22:31:08.123456789\"",
        &Value::TimestampNs(1_510_871_468_123_456_789),
    );
    check(&of(P::TimestamptzNs), "\"1970-01-01T00:00:00.000000001+00:00\"", &Value::TimestamptzNs(1));
    check(&of(P::String), "\"a\\\"é\\n\"", &"a\"é\n".into());
    let uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
    check(&of(P::Uuid), &format!("{uuid:?}"), &Value::Uuid(uuid.parse().unwrap()));
    check(&of(P::Fixed(4)), "\"000102ff\"", &Value::Fixed(vec![0, 1, 2, 255]));
    check(&of(P::Binary), "\"\"", &Value::Binary(vec![]));
    check(&point(), "{\"1\":1,\"2\":\"bar\"}", &Value::Struct(vec![Some(1.into()), Some("bar".into())]));
    check(&point(), "{}", &Value::Struct(vec![None, None]));
    check(&ListType::optional(1, P::Int).into(), "[1,null]", &Value::List(vec![Some(1.into()), None]));
    check(
        &MapType::optional(1, P::String, 2, P::Int).into(),
        "{\"keys\":[\"a\",\"b\"],\"values\":[1,null]}",
        &Value::Map(vec![("a".into(), Some(1.into())), ("b".into(), None)]),
    );
}

#[test]
fn other_forms_of_a_value_are_read() {
    use PrimitiveType as P;
    for (value_type, json, value) in [
        (of(P::Float), "1", Value::Float(1.0)),
        (of(P::Double), " 25E-1 ", Value::Double(2.5)),
        (decimal(38, 0), "\"2E+20\"", Value::decimal(2 * 10_i128.pow(20), 0)),
        (decimal(9, 2), "\"2E+3\"", Value::decimal(200_000, 2)),
        (of(P::Binary), "\"00FF\"", Value::Binary(vec![0, 255])),
        (of(P::Timestamp), "\"2017-11-16T22:31:08\"", Value::Timestamp(1_510_871_468_000_000)),
        (point(), "{\"2\":null,\"99\":[1]}", Value::Struct(vec![None, None])),
    ] {
        assert_eq!(Value::from_json(&value_type, json), Ok(value), "{json} as {value_type}");
    }
}

#[test]
fn what_is_no_value_of_the_type_is_refused() {
    use PrimitiveType as P;
    let list = Type::from(ListType::required(1, P::Int));
    let map = Type::from(MapType::required(1, P::Int, 2, P::Int));
    for (value_type, json) in [
        (of(P::Boolean), "1"),
        (of(P::Boolean), "\"true\""),
        (of(P::Int), "2147483648"),
        (of(P::Int), "1.0"),
        (of(P::Int), "\"1\""),
        (of(P::Int), "null"),
        (of(P::Long), "9223372036854775808"),
        (of(P::Float), "1e39"),
        (of(P::Float), "null"),
        (of(P::Double), "1e999"),
        (of(P::Double), "\"1.0\""),
        (of(P::Double), "\"inf\""),
        (of(P::Double), "[]"),
        (of(P::Double), "true"),
        (decimal(9, 2), "14.20"),
        (decimal(9, 2), "\"14.2\""),
        (decimal(9, 2), "\"14.200\""),
        (decimal(3, 2), "\"14.20\""),
        (decimal(9, 2), "\"1E-3\""),
        (of(P::Date), "17486"),
        (of(P::Date), "\"2017-11-31\""),
        (of(P::Time), "\"22:31\""),
        (of(P::Timestamp), "\"2017-11-16T22:31:08Z\""),
        (of(P::Timestamptz), "\"2017-11-16T22:31:08+01:00\""),
        (of(P::String), "5"),
        (of(P::String), "null"),
        (of(P::Uuid), "\"f79c3e09677c4bbda4793f349cb785e7\""),
        (of(P::Fixed(2)), "\"00\""),
        (of(P::Binary), "\"0\""),
        (of(P::Binary), "\"zz\""),
        (of(P::Unknown), "1"),
        (Type::Variant, "{}"),
        (point(), "[]"),
        (list.clone(), "[null]"),
        (list, "{}"),
        (map.clone(), "{\"keys\":[1],\"values\":[]}"),
        (map.clone(), "{\"keys\":[null],\"values\":[1]}"),
        (map.clone(), "{\"keys\":[1],\"values\":[null]}"),
        (map, "{\"keys\":[1]}"),
    ] {
        let found = Value::from_json(&value_type, json).map_err(|error| error.kind());
        assert_eq!(found, Err(ErrorKind::InvalidData), "{json} as {value_type}");
    }
}

#[test]
fn an_error_says_where() {
    let points = Type::from(ListType::optional(9, point()));
    let error = Value::from_json(&points, "[{}, {\"2\": 5}]").unwrap_err();
    assert_eq!(error.to_string(), "$[1].2: expected a value of type string, found 5");
    let error = Value::from_json(&of(PrimitiveType::Geometry(None)), "\"POINT (30 10)\"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "geometry at $ has no JSON form");
}

#[test]
fn values_that_do_not_fit_the_type_are_not_written() {
    use PrimitiveType as P;
    for (value_type, value, kind) in [
        (of(P::Int), Value::Long(1), ErrorKind::InvalidInput),
        (decimal(3, 2), Value::decimal(1000, 2), ErrorKind::InvalidInput),
        (decimal(9, 2), Value::decimal(1, 3), ErrorKind::InvalidInput),
        (of(P::Time), Value::Time(-1), ErrorKind::InvalidInput),
        (point(), Value::Struct(vec![]), ErrorKind::InvalidInput),
        (ListType::required(1, P::Int).into(), Value::List(vec![None]), ErrorKind::InvalidInput),
        (of(P::Geometry(None)), Value::Geometry(vec![]), ErrorKind::Unsupported),
        (Type::Variant, Value::Int(1), ErrorKind::InvalidInput),
    ] {
        assert_eq!(
            value.to_json(&value_type).map_err(|error| error.kind()),
            Err(kind),
            "{value} as {value_type}"
        );
        let mut writer = JsonWriter::new();
        write(&value_type, &value, &mut writer);
        let written = writer.finish();
        assert!(["null", "{}", "[null]"].contains(&written.as_str()), "{written}");
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let deep = (0..400).fold(of(PrimitiveType::Int), |inner, _| ListType::optional(1, inner).into());
    let json = format!("{}{}", "[".repeat(400), "]".repeat(400));
    let error = Value::from_json(&deep, &json).unwrap_err();
    assert!(error.to_string().ends_with("nested deeper than 320 levels"), "{error}");
}

proptest! {
    #[test]
    fn every_value_reads_back((value_type, value) in testing::type_and_value()) {
        if let Ok(json) = value.to_json(&value_type) {
            prop_assert_eq!(Value::from_json(&value_type, &json), Ok(value), "{}", json);
        } else {
            prop_assert!(value_type.to_string().contains("geo"));
        }
    }

    #[test]
    fn any_text_is_answered(value_type in testing::primitive(), json in "[-+0-9.eE:T\"a-f{}\\[\\], ]{0,24}") {
        let _ = Value::from_json(&value_type.into(), &json);
    }
}
