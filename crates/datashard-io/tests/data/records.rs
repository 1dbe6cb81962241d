//! Records without Arrow, all the way: serde structs, JSON and typed values in, files, and out again by each of the ways.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_io::arrow::array::RecordBatch;
use datashard_io::read::ReadRequest;
use datashard_io::row::{RowBuilder, deserialize, to_json};
use datashard_spec::manifest::DataFile;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType};
use datashard_spec::value::{Tuple, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::sheet::{FORMATS, Sheet, assert_same, tuples};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
    /// 38 digits.
    total: String,
    key: Uuid,
    placed: String,
    at: Option<String>,
    ratio: f64,
    small: Option<f32>,
    paid: bool,
    channel: Channel,
    lines: Vec<Line>,
    notes: BTreeMap<String, Option<i32>>,
    raw: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channel {
    Web,
    Shop,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    item: String,
    count: u16,
    note: Option<Box<Line>>,
}

fn schema() -> Arc<Schema> {
    let line = |id: i32, note: Option<NestedField>| {
        let fields = [
            Some(NestedField::required(id, "item", P::String)),
            Some(NestedField::required(id + 1, "count", P::Int)),
            note,
        ];
        StructType::new(fields.into_iter().flatten().collect())
    };
    let innermost = line(20, Some(NestedField::optional(22, "note", P::Unknown)));
    let inner = line(30, Some(NestedField::optional(32, "note", innermost)));
    let fields = vec![
        NestedField::required(1, "id", P::Long),
        NestedField::required(2, "total", P::Decimal { precision: 38, scale: 10 }),
        NestedField::required(3, "key", P::Uuid),
        NestedField::required(4, "placed", P::TimestamptzNs),
        NestedField::optional(5, "at", P::Time),
        NestedField::required(6, "ratio", P::Double),
        NestedField::optional(7, "small", P::Float),
        NestedField::required(8, "paid", P::Boolean),
        NestedField::required(9, "channel", P::String),
        NestedField::required(10, "lines", ListType::required(11, inner)),
        NestedField::required(12, "notes", MapType::optional(13, P::String, 14, P::Int)),
        NestedField::required(15, "raw", P::Binary),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

fn orders() -> Vec<Order> {
    let line = |item: &str, count, note| Line { item: item.to_owned(), count, note };
    let full = Order {
        id: i64::MIN,
        total: "-9999999999999999999999999999.9999999999".to_owned(),
        key: Uuid::from_u128(u128::MAX - 7),
        placed: "1969-12-31T23:59:59.999999999+00:00".to_owned(),
        at: Some("23:59:59.999999".to_owned()),
        ratio: 0.1,
        small: Some(-0.0),
        paid: true,
        channel: Channel::Shop,
        lines: vec![
            line("é\u{10ffff}\0", u16::MAX, Some(Box::new(line("", 0, None)))),
            line("x", 1, Some(Box::new(line("y", 2, None)))),
            line("y", 2, None),
        ],
        notes: [("".to_owned(), None), ("a".to_owned(), Some(i32::MIN))].into(),
        raw: vec![0, 0xff, 0x80],
    };
    let mut least = Order { at: None, small: None, channel: Channel::Web, paid: false, ..full.clone() };
    (least.id, least.total, least.ratio) = (1, "0.0000000000".to_owned(), f64::INFINITY);
    (least.lines, least.notes, least.raw) = (Vec::new(), BTreeMap::new(), Vec::new());
    vec![full, least]
}

/// Writes what a builder holds and reads the file.
async fn round_trip(
    schema: &Arc<Schema>,
    mut rows: RowBuilder,
    format: &str,
) -> (DataFile, Vec<RecordBatch>) {
    let sheet = Sheet::new(schema, format, &[]).await;
    let mut writer = sheet.writer();
    writer.write(&rows.finish().unwrap()).await.unwrap();
    let file = writer.finish().await.unwrap().files.remove(0);
    let batches = sheet.try_batches(&file, ReadRequest::new(Arc::clone(schema))).await.unwrap();
    (file, batches)
}

#[tokio::test]
async fn structs_come_back_as_the_structs_they_were() {
    let (schema, orders) = (schema(), orders());
    for format in FORMATS {
        let mut rows = RowBuilder::new(&schema).unwrap();
        orders.iter().for_each(|order| rows.push(order).unwrap());
        let (_, batches) = round_trip(&schema, rows, format).await;
        let found: Vec<Order> = batches
            .iter()
            .flat_map(|batch| deserialize::<Order>(batch, &schema).unwrap())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(found, orders, "{format}");
        assert!(found[0].small.unwrap().is_sign_negative());
    }
}

#[tokio::test]
async fn json_comes_back_as_the_json_it_was() {
    let schema = schema();
    let order = json!({
        "id": 9_007_199_254_740_993_i64,
        "total": "12.3400000000",
        "key": "f79c3e09-677c-4bbd-a479-3f349cb785e7",
        "placed": "2024-05-01T08:00:00.000000001+00:00",
        "at": null,
        "ratio": "NaN",
        "small": 0.5,
        "paid": false,
        "channel": "web",
        "lines": [{"item": "a", "count": 1, "note": {"item": "b", "count": 2, "note": null}}],
        "notes": {"keys": ["k", ""], "values": [1, null]},
        "raw": "00ff",
    });
    for format in FORMATS {
        let mut rows = RowBuilder::new(&schema).unwrap();
        rows.push_json(&order).unwrap();
        let (_, batches) = round_trip(&schema, rows, format).await;
        let found: Vec<Json> = to_json(&batches[0], &schema).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(found, [order.clone()], "{format}");
    }
}

#[tokio::test]
async fn all_ways_in_make_the_same_file() {
    let (schema, orders) = (schema(), orders());
    for format in FORMATS {
        let mut structs = RowBuilder::new(&schema).unwrap();
        orders.iter().for_each(|order| structs.push(order).unwrap());
        let (by_structs, batches) = round_trip(&schema, structs, format).await;

        let mut json = RowBuilder::new(&schema).unwrap();
        for row in to_json(&batches[0], &schema).unwrap() {
            json.push_json(&row.unwrap()).unwrap();
        }
        let (by_json, json_batches) = round_trip(&schema, json, format).await;

        let typed_rows: Vec<Tuple> = tuples(&batches, &schema);
        let mut typed = RowBuilder::new(&schema).unwrap();
        typed_rows.iter().for_each(|row| typed.push_values(row.clone()).unwrap());
        let (by_values, value_batches) = round_trip(&schema, typed, format).await;

        assert_same(&tuples(&json_batches, &schema), &typed_rows, &schema, format);
        assert_same(&tuples(&value_batches, &schema), &typed_rows, &schema, format);
        for other in [by_json, by_values] {
            assert_eq!(other.record_count, by_structs.record_count);
            assert_eq!(other.value_counts, by_structs.value_counts);
            assert_eq!(other.null_value_counts, by_structs.null_value_counts);
            assert_eq!(other.lower_bounds, by_structs.lower_bounds);
            assert_eq!(other.upper_bounds, by_structs.upper_bounds);
        }
    }
}

#[tokio::test]
async fn a_record_refused_is_not_in_the_file() {
    let fields = vec![
        NestedField::required(1, "id", P::Long),
        NestedField::optional(2, "name", P::String),
        NestedField::required(3, "channel", P::String).with_write_default("web".into()),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    for format in FORMATS {
        let mut rows = RowBuilder::new(&schema).unwrap();
        rows.push_json(&json!({"id": 1})).unwrap();
        for bad in
            [json!({"id": null}), json!({"name": "x"}), json!({"id": 1, "nome": "x"}), json!({"id": "1"})]
        {
            rows.push_json(&bad).unwrap_err();
        }
        rows.push_json(&json!({"id": 2, "channel": "shop"})).unwrap();
        let (_, batches) = round_trip(&schema, rows, format).await;
        let expect = [
            vec![Some(Value::Long(1)), None, Some("web".into())],
            vec![Some(Value::Long(2)), None, Some("shop".into())],
        ];
        assert_same(&tuples(&batches, &schema), &expect, &schema, format);
    }
}
