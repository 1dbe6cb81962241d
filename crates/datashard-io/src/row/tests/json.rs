//! JSON: each type's forms, and what is none.

use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, StructType, Type};
use datashard_spec::value::Value;
use serde_json::{Value as Json, json};

use super::super::{RowBuilder, to_json};
use super::{decimal, one, rows_of};

fn push(to: impl Into<Type>, json: &Json) -> Result<Option<Value>, String> {
    let schema = one(to);
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push_json(&json!({"c": json})).map_err(|error| error.to_string())?;
    Ok(rows_of(&mut rows, &schema).remove(0).remove(0))
}

fn taken(to: impl Into<Type>, json: &Json, expect: Value) {
    let to = to.into();
    assert_eq!(push(to.clone(), json), Ok(Some(expect)), "{json} as {to}");
}

fn refused(to: impl Into<Type>, json: &Json, reason: &str) {
    let to = to.into();
    let error = push(to.clone(), json).expect_err(&format!("{json} as {to}"));
    let found = error.strip_prefix("record, row 0: column `c`: ");
    assert_eq!(found.unwrap_or(&error), reason, "{json} as {to}");
}

#[test]
fn every_type_has_a_form() {
    taken(P::Boolean, &json!(true), Value::Boolean(true));
    taken(P::Int, &json!(-7), Value::Int(-7));
    taken(P::Long, &json!(i64::MIN), Value::Long(i64::MIN));
    taken(P::Float, &json!(0.1), Value::Float(0.1));
    taken(P::Float, &json!(16_777_216), Value::Float(16_777_216.0));
    taken(P::Float, &json!(-5), Value::Float(-5.0));
    taken(P::Float, &json!("NaN"), Value::Float(f32::NAN));
    taken(P::Double, &json!(0.1), Value::Double(0.1));
    taken(P::Double, &json!(9_007_199_254_740_992_i64), Value::Double(9_007_199_254_740_992.0));
    taken(P::Double, &json!(-9_007_199_254_740_991_i64), Value::Double(-9_007_199_254_740_991.0));
    taken(P::Double, &json!("-Infinity"), Value::Double(f64::NEG_INFINITY));
    taken(P::Double, &json!("Infinity"), Value::Double(f64::INFINITY));
    taken(decimal(9, 2), &json!("14.2"), Value::decimal(1420, 2));
    taken(decimal(9, 2), &json!(14.25), Value::decimal(1425, 2));
    taken(decimal(9, 2), &json!(-3), Value::decimal(-300, 2));
    taken(decimal(38, 0), &json!("9".repeat(38)), Value::decimal(10_i128.pow(38) - 1, 0));
    taken(P::Date, &json!("2017-11-16"), Value::Date(17_486));
    taken(P::Time, &json!("22:31:08.123456"), Value::Time(81_068_123_456));
    taken(P::Timestamp, &json!("1970-01-01T00:00:01"), Value::Timestamp(1_000_000));
    taken(P::Timestamptz, &json!("1970-01-01T01:00:01+01:00"), Value::Timestamptz(1_000_000));
    taken(P::TimestampNs, &json!("1970-01-01T00:00:00.000000001"), Value::TimestampNs(1));
    taken(P::TimestamptzNs, &json!("1970-01-01T00:00:00.000000001Z"), Value::TimestamptzNs(1));
    taken(P::String, &json!("\u{10ffff}"), "\u{10ffff}".into());
    let uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
    taken(P::Uuid, &json!(uuid), Value::Uuid(uuid.parse().unwrap()));
    taken(P::Fixed(2), &json!("00fF"), Value::Fixed(vec![0, 255]));
    taken(P::Binary, &json!(""), Value::Binary(vec![]));
    taken(P::Geometry(None), &json!("0101"), Value::Geometry(vec![1, 1]));
    taken(ListType::optional(2, P::Int), &json!([1, null]), Value::List(vec![Some(Value::Int(1)), None]));
    for null in [Type::from(P::Unknown), Type::Variant, P::Int.into()] {
        assert_eq!(push(null, &json!(null)), Ok(None));
    }
}

#[test]
fn numbers_must_be_of_the_column_and_in_range() {
    refused(P::Int, &json!(2_147_483_648_i64), "2147483648 is outside the range of int");
    refused(P::Int, &json!(1.0), "a float where a value of type int is needed");
    refused(P::Int, &json!("1"), "text where a value of type int is needed");
    refused(P::Int, &json!(true), "a boolean where a value of type int is needed");
    refused(P::Long, &json!(u64::MAX), "18446744073709551615 is outside the range of long");
    refused(P::Double, &json!(9_007_199_254_740_993_i64), "9007199254740993 is outside the range of double");
    refused(P::Float, &json!(16_777_217), "16777217 is outside the range of float");
    refused(P::Float, &json!(1e39), "1000000000000000000000000000000000000000 is outside the range of float");
    refused(P::Double, &json!("1.5"), "text where a value of type double is needed");
    refused(P::Boolean, &json!(1), "an integer where a value of type boolean is needed");
    refused(P::String, &json!(1), "an integer where a value of type string is needed");
    refused(P::String, &json!(1.5), "a float where a value of type string is needed");
}

#[test]
fn decimals_lose_no_digit() {
    refused(decimal(9, 2), &json!("1.001"), "1.001 does not fit decimal(9, 2) without loss");
    refused(decimal(3, 2), &json!(10), "10 does not fit decimal(3, 2) without loss");
    refused(decimal(3, 2), &json!("ten"), "\"ten\" is not a decimal");
    refused(
        decimal(20, 17),
        &json!(0.300_000_000_000_000_04),
        "0.30000000000000004 as a number may have lost digits; write the decimal as a string",
    );
    taken(decimal(20, 15), &json!(0.123_456_789_012_345), Value::decimal(123_456_789_012_345, 15));
}

#[test]
fn dates_and_times_are_text_with_a_place_in_the_calendar() {
    refused(
        P::Timestamp,
        &json!(1_500_000_000),
        "1500000000 where ISO text of a timestamp is needed: a number does not tell its unit",
    );
    refused(P::Date, &json!("2017-02-30"), "\"2017-02-30\" is not a date");
    refused(P::Time, &json!("24:00:00"), "\"24:00:00\" is not a time");
    refused(P::Timestamp, &json!("2017-01-01T00:00:00Z"), "\"2017-01-01T00:00:00Z\" is not a timestamp");
    refused(
        P::Timestamp,
        &json!("1970-01-01T00:00:00.1234567"),
        "\"1970-01-01T00:00:00.1234567\" is not a timestamp",
    );
    refused(
        P::TimestampNs,
        &json!("2300-01-01T00:00:00"),
        "2300-01-01T00:00:00 is outside the range of timestamp_ns",
    );
}

#[test]
fn bytes_are_hexadecimal_and_shapes_are_wkb() {
    refused(P::Binary, &json!("0g"), "\"0g\" is not a binary");
    refused(P::Fixed(2), &json!("00"), "\"00\" is not a fixed[2]");
    refused(P::Binary, &json!([1, 2]), "an array where a value of type binary is needed");
    refused(P::Uuid, &json!("abc"), "\"abc\" is no uuid");
    refused(
        P::Geometry(None),
        &json!("POINT (1 2)"),
        "\"POINT (1 2)\" is no geometry: it is given as WKB, in text as hexadecimal",
    );
    refused(P::Unknown, &json!(1), "an integer where there can only be null");
    refused(Type::Variant, &json!({"a": 1}), "a variant cannot be given as a record; hand it in as Arrow");
}

#[test]
fn maps_have_two_forms() {
    let texts = || MapType::optional(2, P::String, 3, P::Int);
    let pairs = |pairs: &[(&str, i32)]| {
        Value::Map(pairs.iter().map(|(k, v)| ((*k).into(), Some(Value::Int(*v)))).collect())
    };
    taken(texts(), &json!({"b": 1, "a": 2}), pairs(&[("a", 2), ("b", 1)]));
    taken(texts(), &json!({"keys": ["b", "a"], "values": [1, 2]}), pairs(&[("b", 1), ("a", 2)]));
    taken(texts(), &json!({"keys": 1, "values": 2}), pairs(&[("keys", 1), ("values", 2)]));
    let numbers = || MapType::required(2, P::Int, 3, P::Int);
    let seven = Value::Map(vec![(Value::Int(7), Some(Value::Int(8)))]);
    taken(numbers(), &json!({"keys": [7], "values": [8]}), seven);
    refused(texts(), &json!({"keys": ["a"], "values": []}), "1 keys and 0 values");
    refused(texts(), &json!({"keys": ["a", "a"], "values": [1, 2]}), "the key \"a\" is there twice");
    refused(texts(), &json!([["a", 1]]), "an array where a map is needed");
    let inside = |json: &Json, reason: &str| assert_eq!(push(numbers(), json).unwrap_err(), reason);
    inside(
        &json!({"7": 8}),
        "record, row 0: column `c.key`: text where a value of type int is needed; keys that are no text go into \
         {\"keys\": [...], \"values\": [...]}",
    );
    inside(
        &json!({"keys": [null], "values": [8]}),
        "record, row 0: column `c.key`: null in a required column",
    );
    inside(
        &json!({"keys": [1], "values": [null]}),
        "record, row 0: column `c.value`: null in a required column",
    );
}

#[test]
fn mistakes_deep_inside_are_named_in_full() {
    let point =
        StructType::new(vec![NestedField::required(4, "x", P::Int), NestedField::optional(5, "y", P::Int)]);
    let to = || ListType::required(2, MapType::optional(3, P::String, 6, point.clone()));
    let inside =
        |json, reason: &str| assert_eq!(push(to(), &json).unwrap_err(), format!("record, row 0: {reason}"));
    inside(
        json!([{"a": {"y": 1}}]),
        "column `c.element.value.x`: is missing, required, and has no write default",
    );
    inside(json!([{"a": {"x": null}}]), "column `c.element.value.x`: null in a required column");
    inside(json!([{"a": {"x": 1, "z": 2}}]), "column `c.element.value.z`: there is no such field");
    inside(
        json!([{"a": {"x": 1, "y": "2"}}]),
        "column `c.element.value.y`: text where a value of type int is needed",
    );
    inside(json!([null]), "column `c.element`: null in a required column");
    inside(json!([[]]), "column `c.element`: an array where a map is needed");
    inside(json!({}), "column `c`: an object where a list is needed");
}

#[test]
fn rows_come_out_in_the_forms_that_go_in() {
    let point = StructType::new(vec![NestedField::optional(8, "x", P::Float)]);
    let schema = std::sync::Arc::new(
        datashard_spec::schema::Schema::new(vec![
            NestedField::optional(1, "tz", P::Timestamptz),
            NestedField::optional(2, "f", P::Float),
            NestedField::optional(3, "d", decimal(5, 3)),
            NestedField::optional(4, "b", P::Binary),
            NestedField::optional(5, "m", MapType::optional(6, P::Date, 7, point)),
            NestedField::optional(9, "n", P::Double),
        ])
        .unwrap(),
    );
    let mut rows = RowBuilder::new(&schema).unwrap();
    let record = json!({
        "tz": "1969-12-31T23:59:59.999999+00:00",
        "f": 0.1,
        "d": "-0.001",
        "b": "00ff",
        "m": {"keys": ["1970-01-01", "+10000-01-01"], "values": [{"x": -0.0}, null]},
        "n": "NaN",
    });
    rows.push_json(&record).unwrap();
    rows.push_json(&json!({})).unwrap();
    let batch = rows.finish().unwrap();
    let out: Vec<Json> = to_json(&batch, &schema).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(out[0], record);
    assert_eq!(out[0].to_string().matches("-0.0}").count(), 1, "{}", out[0]);
    assert_eq!(out[1], json!({"tz": null, "f": null, "d": null, "b": null, "m": null, "n": null}));
}
