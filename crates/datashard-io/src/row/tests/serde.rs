//! serde structs, in and out.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType, Type};
use datashard_spec::value::Value;
use serde::{Deserialize, Serialize, Serializer};

use super::super::{RowBuilder, deserialize};
use super::{decimal, one, rows_of};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Part {
    name: String,
    count: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u64,
    color: Color,
    length: Meters,
    initial: char,
    days: i32,
    micros: i64,
    price: String,
    whole: i128,
    hash: [u8; 4],
    bytes: Vec<u8>,
    parts: Vec<Part>,
    by_id: BTreeMap<i64, Vec<Option<bool>>>,
    part: Option<Part>,
    none: Option<i8>,
    unit: (),
}

fn schema() -> Arc<Schema> {
    let part = |id| {
        StructType::new(vec![
            NestedField::required(id, "name", P::String),
            NestedField::optional(id + 1, "count", P::Int),
        ])
    };
    let flags = ListType::optional(33, P::Boolean);
    Arc::new(
        Schema::new(vec![
            NestedField::required(1, "id", P::Long),
            NestedField::required(2, "color", P::String),
            NestedField::required(3, "length", P::Double),
            NestedField::required(4, "initial", P::String),
            NestedField::required(5, "days", P::Date),
            NestedField::required(6, "micros", P::Timestamptz),
            NestedField::required(7, "price", decimal(9, 2)),
            NestedField::required(8, "whole", decimal(38, 0)),
            NestedField::required(9, "hash", P::Fixed(4)),
            NestedField::required(10, "bytes", P::Binary),
            NestedField::required(11, "parts", ListType::required(20, part(21))),
            NestedField::required(12, "by_id", MapType::required(31, P::Long, 32, flags)),
            NestedField::optional(13, "part", part(40)),
            NestedField::optional(14, "none", P::Int),
            NestedField::optional(15, "unit", P::Unknown),
        ])
        .unwrap(),
    )
}

fn record() -> Record {
    Record {
        id: 7,
        color: Color::Green,
        length: Meters(1.5),
        initial: 'ü',
        days: -1,
        micros: i64::MIN,
        price: "14.20".into(),
        whole: -(10_i128.pow(38) - 1),
        hash: [1, 2, 3, 255],
        bytes: vec![],
        parts: vec![
            Part { name: "a".into(), count: Some(u16::MAX) },
            Part { name: String::new(), count: None },
        ],
        by_id: BTreeMap::from([(-1, vec![Some(true), None]), (i64::MAX, vec![])]),
        part: None,
        none: None,
        unit: (),
    }
}

#[test]
fn structs_come_back_as_they_went_in() {
    let schema = schema();
    let mut rows = RowBuilder::new(&schema).unwrap();
    let given = [record(), Record { part: Some(Part { name: "p".into(), count: Some(0) }), ..record() }];
    for record in &given {
        rows.push(record).unwrap();
    }
    let batch = rows.finish().unwrap();
    assert_eq!(batch.schema(), crate::arrow::schema_to_arrow(&schema).unwrap());
    let back: Vec<Record> = deserialize(&batch, &schema).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(back, given);
}

#[test]
fn columns_that_a_struct_lacks_are_passed_over_unless_it_objects() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Id {
        id: i16,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(rename = "id")]
        _id: i16,
    }
    let schema = schema();
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push(&record()).unwrap();
    let batch = rows.finish().unwrap();
    let ids: Vec<Id> = deserialize(&batch, &schema).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(ids, [Id { id: 7 }]);
    let error = deserialize::<Strict>(&batch, &schema).unwrap().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "record, row 0: column `color`: unknown field `color`, expected `id`");
}

#[test]
fn values_that_do_not_fit_the_struct_are_named() {
    #[derive(Debug, Deserialize)]
    struct Narrow {
        #[serde(rename = "c")]
        _c: Vec<i8>,
    }
    let schema = one(ListType::optional(2, P::Int));
    let mut rows = RowBuilder::new(&schema).unwrap();
    for list in [vec![Some(1)], vec![Some(1), Some(300)], vec![None]] {
        rows.push(&BTreeMap::from([("c", list)])).unwrap();
    }
    let batch = rows.finish().unwrap();
    let out: Vec<Result<Narrow, _>> = deserialize(&batch, &schema).unwrap().collect();
    assert!(out[0].is_ok());
    let errors: Vec<String> = out[1..].iter().map(|row| row.as_ref().unwrap_err().to_string()).collect();
    assert_eq!(errors[0], "record, row 1: column `c.element`: invalid value: integer `300`, expected i8");
    assert_eq!(errors[1], "record, row 2: column `c.element`: invalid type: unit value, expected i8");
}

#[test]
fn numbers_are_not_rounded_on_the_way_out() {
    fn out<T: serde::de::DeserializeOwned>(to: P, value: Value) -> Result<T, String> {
        let schema = one(to);
        let mut rows = RowBuilder::new(&schema).unwrap();
        rows.push_values([Some(value)]).unwrap();
        let batch = rows.finish().unwrap();
        let row = deserialize::<BTreeMap<String, T>>(&batch, &schema).unwrap().next().unwrap();
        row.map(|mut row| row.remove("c").unwrap()).map_err(|error| error.to_string())
    }
    assert_eq!(out::<f32>(P::Double, Value::Double(0.5)), Ok(0.5));
    assert_eq!(out::<f32>(P::Double, Value::Double(f64::INFINITY)), Ok(f32::INFINITY));
    assert!(out::<f32>(P::Double, Value::Double(f64::NAN)).unwrap().is_nan());
    assert_eq!(out::<f64>(P::Float, Value::Float(0.1)), Ok(f64::from(0.1_f32)));
    assert_eq!(out::<f64>(P::Long, Value::Long(-(1 << 53))), Ok(-9_007_199_254_740_992.0));
    assert_eq!(out::<f32>(P::Int, Value::Int(1 << 24)), Ok(16_777_216.0));
    let place = "record, row 0: column `c`: ";
    for (error, reason) in [
        (out::<f32>(P::Double, Value::Double(0.1)).unwrap_err(), "0.1 is no float of 32 bits"),
        (out::<f32>(P::Double, Value::Double(1e300)).unwrap_err(), "is no float of 32 bits"),
        (out::<f32>(P::Int, Value::Int((1 << 24) + 1)).unwrap_err(), "16777217 is no float of 32 bits"),
        (
            out::<f64>(P::Long, Value::Long((1 << 53) + 1)).unwrap_err(),
            "9007199254740993 is no float of 64 bits",
        ),
    ] {
        assert!(error.starts_with(place) && error.contains(reason), "{error}");
    }
}

/// Any value as the column `c`.
#[derive(Serialize)]
struct Only<T: Serialize> {
    c: T,
}

fn push<T: Serialize>(to: impl Into<Type>, value: T) -> Result<Option<Value>, String> {
    let schema = one(to);
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push(&Only { c: value }).map_err(|error| error.to_string())?;
    Ok(rows_of(&mut rows, &schema).remove(0).remove(0))
}

#[track_caller]
fn refused<T: Serialize>(to: impl Into<Type>, value: T, reason: &str) {
    let error = push(to, value).unwrap_err();
    assert_eq!(error.strip_prefix("record, row 0: column `c`: ").unwrap_or(&error), reason);
}

#[test]
fn numbers_of_any_width_fit_if_their_value_does() {
    assert_eq!(push(P::Int, 5_u128), Ok(Some(Value::Int(5))));
    assert_eq!(push(P::Long, -5_i8), Ok(Some(Value::Long(-5))));
    assert_eq!(push(P::Float, 0.5_f64), Ok(Some(Value::Float(0.5))));
    assert_eq!(push(P::Float, f64::NAN), Ok(Some(Value::Float(f32::NAN))));
    assert_eq!(push(P::Float, f64::NEG_INFINITY), Ok(Some(Value::Float(f32::NEG_INFINITY))));
    assert_eq!(push(P::Double, 0.1_f32), Ok(Some(Value::Double(f64::from(0.1_f32)))));
    assert_eq!(push(P::Double, 3_i32), Ok(Some(Value::Double(3.0))));
    assert_eq!(push(P::Time, 1_u32), Ok(Some(Value::Time(1))));
    assert_eq!(push(P::TimestampNs, -1_i64), Ok(Some(Value::TimestampNs(-1))));
    refused(P::Int, 3_000_000_000_u32, "3000000000 is outside the range of int");
    refused(P::Long, u128::MAX, "340282366920938463463374607431768211455 is outside the range of every type");
    refused(P::Float, 0.1_f64, "0.1 is no float of 32 bits; round it first, or make the column a double");
    refused(P::Float, f64::MAX, &format!("{} is outside the range of float", f64::MAX));
    refused(P::Time, 86_400_000_000_i64, "86400000000 is outside the range of time");
    refused(P::Date, 1_i64 << 40, "1099511627776 is outside the range of date");
    refused(
        decimal(9, 2),
        0.5,
        "a float where a decimal(9, 2) is needed: give it as text, which keeps all digits",
    );
    refused(P::Long, 1.0, "a float where a value of type long is needed");
    refused(P::Boolean, 1_u8, "an integer where a value of type boolean is needed");
    refused(P::Double, "NaN", "text where a value of type double is needed");
}

#[test]
fn things_of_another_kind_are_refused() {
    #[derive(Serialize)]
    struct Nothing;
    #[derive(Serialize)]
    enum Shape {
        Circle(f64),
        Box(f64, f64),
        Named { side: f64 },
    }
    refused(P::Long, Nothing, "the empty struct `Nothing` where a value of type long is needed");
    refused(
        P::String,
        Shape::Circle(1.0),
        "`Circle`, an enum's variant with a value, where a value of type string is needed",
    );
    refused(
        P::String,
        Shape::Box(1.0, 1.0),
        "`Box`, an enum's variant with values, where a value of type string is needed",
    );
    refused(
        P::String,
        Shape::Named { side: 1.0 },
        "`Named`, an enum's variant with fields, where a value of type string is needed",
    );
    refused(P::Int, vec![1], "a sequence where a value of type int is needed");
    refused(P::Int, BTreeMap::from([("a", 1)]), "a map where a value of type int is needed");
    refused(P::Int, Only { c: 1 }, "a struct where a value of type int is needed");
    refused(
        P::Binary,
        vec![256],
        "a sequence of something else than bytes where a value of type binary is needed",
    );
    refused(
        P::Binary,
        vec!["a"],
        "a sequence of something else than bytes where a value of type binary is needed",
    );
    refused(P::Fixed(2), vec![1_u8], "1 bytes where a fixed[2] is needed");
    let member = || StructType::new(vec![NestedField::optional(2, "x", P::Int)]);
    refused(member(), (1, 2), "a sequence where a struct is needed");
    refused(member(), BTreeMap::from([(1, 2)]), "a struct's fields are named by text");
    refused(P::Unknown, true, "a boolean where there can only be null");
    refused(Type::Variant, "a", "a variant cannot be given as a record; hand it in as Arrow");
}

#[test]
fn uuids_and_bytes_come_as_text_or_bytes() {
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    let uuid = uuid::Uuid::from_u128(0xf79c_3e09_677c_4bbd_a479_3f34_9cb7_85e7);
    let expect = Ok(Some(Value::Uuid(uuid)));
    assert_eq!(push(P::Uuid, uuid.to_string()), expect);
    assert_eq!(push(P::Uuid, Bytes(uuid.as_bytes().to_vec())), expect);
    assert_eq!(push(P::Uuid, uuid.into_bytes()), expect);
    assert_eq!(push(P::Geography(None, None), Bytes(vec![1])), Ok(Some(Value::Geography(vec![1]))));
    refused(P::Uuid, Bytes(vec![1]), "1 bytes where a uuid is needed");
    refused(P::String, Bytes(vec![65]), "bytes where a value of type string is needed");
}

#[test]
fn what_a_record_says_of_its_own_failure_is_kept() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no luck today"))
        }
    }
    refused(P::Int, Failing, "no luck today");
}

#[test]
fn an_absent_field_gets_its_default_and_none_stays_null() {
    #[derive(Serialize)]
    struct Skipping {
        #[serde(skip_serializing_if = "Option::is_none")]
        skipped: Option<i32>,
        null: Option<i32>,
    }
    let field = |id, name: &str| NestedField::optional(id, name, P::Int).with_write_default(Value::Int(9));
    let schema = Arc::new(Schema::new(vec![field(1, "skipped"), field(2, "null")]).unwrap());
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push(&Skipping { skipped: None, null: None }).unwrap();
    assert_eq!(rows_of(&mut rows, &schema), [[Some(Value::Int(9)), None]]);
}
