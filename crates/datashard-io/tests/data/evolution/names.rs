//! Files without field ids, as Hive and Spark left them: columns by name mapping, and by nothing else.

use std::sync::Arc;

use apache_avro::types::Value as Avro;
use datashard_io::arrow::array::{
    ArrayRef, Int32Builder, Int64Array, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder,
    StructArray,
};
use datashard_io::arrow::datatypes::{DataType, Field};
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{Bytes, InputFile};
use datashard_spec::error::ErrorKind;
use datashard_spec::expr::col;
use datashard_spec::manifest::FileFormat;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType};
use datashard_spec::value::{Tuple, Value};
use futures_util::TryStreamExt;
use parquet::arrow::ArrowWriter;

use crate::sheet::{Sheet, assert_same, tuples};

/// The table: `name` was `title` once, `place.town` was `place.city`.
fn table() -> Arc<Schema> {
    let place = StructType::new(vec![
        NestedField::optional(4, "town", PrimitiveType::String),
        NestedField::optional(5, "zip", PrimitiveType::Int).with_initial_default(Value::Int(-1)),
    ]);
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
        NestedField::optional(3, "place", place),
        NestedField::optional(6, "tags", ListType::optional(7, PrimitiveType::String)),
        NestedField::optional(
            8,
            "counts",
            MapType::optional(9, PrimitiveType::String, 10, PrimitiveType::Long),
        ),
        NestedField::optional(11, "later", PrimitiveType::Boolean).with_initial_default(Value::Boolean(true)),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

fn mapping() -> Arc<NameMapping> {
    let mapping = NameMapping::from_json(
        r#"[
            {"field-id": 1, "names": ["id", "ID"]},
            {"field-id": 2, "names": ["title", "name"]},
            {"field-id": 3, "names": ["place"], "fields": [{"field-id": 4, "names": ["city"]}, {"field-id": 5, "names": []}]},
            {"field-id": 6, "names": ["tags"], "fields": [{"field-id": 7, "names": ["element"]}]},
            {"field-id": 8, "names": ["counts"], "fields": [{"field-id": 9, "names": ["key"]}, {"field-id": 10, "names": ["value"]}]},
            {"names": ["only in files"]}
        ]"#,
    );
    Arc::new(mapping.unwrap())
}

/// What the mapping makes of the files below.
fn expect() -> Vec<Tuple> {
    let place = |town: &str| Some(Value::Struct(vec![Some(town.into()), Some(Value::Int(-1))]));
    let later = Some(Value::Boolean(true));
    vec![
        vec![
            Some(Value::Long(1)),
            Some("a".into()),
            place("x"),
            Some(Value::List(vec![Some("t".into()), None])),
            Some(Value::Map(vec![("k".into(), Some(Value::Long(5)))])),
            later.clone(),
        ],
        vec![
            Some(Value::Long(2)),
            None,
            place("y"),
            Some(Value::List(vec![])),
            Some(Value::Map(vec![])),
            later,
        ],
    ]
}

/// Columns `id`, `title`, `place`, `tags`, `counts`, `later` and a stray `zip`, with the inner names that Arrow gives them.
fn parquet_file() -> Bytes {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("t"), None]);
    tags.append_value([None::<&str>; 0]);
    let mut counts = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    counts.keys().append_value("k");
    counts.values().append_value(5);
    counts.append(true).unwrap();
    counts.append(true).unwrap();
    let text = |values: [Option<&str>; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let city = Arc::new(Field::new("city", DataType::Utf8, true));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ID", Arc::new(Int64Array::from(vec![1, 2]))),
        ("title", text([Some("a"), None])),
        ("place", Arc::new(StructArray::from(vec![(city, text([Some("x"), Some("y")]))]))),
        ("tags", Arc::new(tags.finish())),
        ("counts", Arc::new(counts.finish())),
        // Of the name of a column that the mapping lacks.
        ("later", text([Some("no"), Some("no")])),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn avro_file() -> Bytes {
    let schema = apache_avro::Schema::parse_str(
        r#"{"type": "record", "name": "row", "fields": [
            {"name": "ID", "type": "long"},
            {"name": "title", "type": ["null", "string"]},
            {"name": "place", "type": {"type": "record", "name": "place", "fields": [{"name": "city", "type": "string"}]}},
            {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
            {"name": "counts", "type": {"type": "map", "values": "int"}},
            {"name": "later", "type": "string"}
        ]}"#,
    )
    .unwrap();
    let optional = |value: Option<&str>| match value {
        Some(text) => Avro::Union(1, Box::new(Avro::String(text.to_owned()))),
        None => Avro::Union(0, Box::new(Avro::Null)),
    };
    let row = |id, title, city: &str, tags: &[Option<&str>], counts: &[(&str, i32)]| {
        Avro::Record(vec![
            ("ID".to_owned(), Avro::Long(id)),
            ("title".to_owned(), optional(title)),
            ("place".to_owned(), Avro::Record(vec![("city".to_owned(), Avro::String(city.to_owned()))])),
            ("tags".to_owned(), Avro::Array(tags.iter().map(|tag| optional(*tag)).collect())),
            (
                "counts".to_owned(),
                Avro::Map(counts.iter().map(|(key, value)| ((*key).to_owned(), Avro::Int(*value))).collect()),
            ),
            ("later".to_owned(), Avro::String("no".to_owned())),
        ])
    };
    let mut writer = apache_avro::Writer::new(&schema, Vec::new()).unwrap();
    writer.append_value(row(1, Some("a"), "x", &[Some("t"), None], &[("k", 5)])).unwrap();
    writer.append_value(row(2, None, "y", &[], &[])).unwrap();
    writer.into_inner().unwrap().into()
}

fn files() -> [(FileFormat, InputFile); 2] {
    [
        (FileFormat::Parquet, InputFile::in_memory("memory://t/old.parquet", parquet_file())),
        (FileFormat::Avro, InputFile::in_memory("memory://t/old.avro", avro_file())),
    ]
}

#[tokio::test]
async fn trap_24_names_lead_to_columns_of_files_without_ids() {
    for (format, input) in files() {
        let table = table();
        let request = ReadRequest::new(Arc::clone(&table)).with_name_mapping(mapping());
        let reader = FileReader::open(input.clone(), &format, request.clone()).await.unwrap();
        let batches: Vec<_> = reader.into_stream().try_collect().await.unwrap();
        assert_same(&tuples(&batches, &table), &expect(), &table, format.as_str());

        for (filter, ids) in [
            (col("name").equal_to("a"), &[1][..]),
            (col("place.town").equal_to("y"), &[2]),
            (col("place.zip").equal_to(-1), &[1, 2]),
            (col("later").equal_to(false), &[]),
        ] {
            let request = request.clone().with_filter(filter.bind(&table).unwrap());
            let reader = FileReader::open(input.clone(), &format, request).await.unwrap();
            let batches: Vec<_> = reader.into_stream().try_collect().await.unwrap();
            let found: Vec<Option<Value>> =
                tuples(&batches, &table).into_iter().map(|mut row| row.remove(0)).collect();
            let ids: Vec<Option<Value>> = ids.iter().map(|id| Some(Value::Long(*id))).collect();
            assert_eq!(found, ids, "{format}: {filter:?}");
        }
    }
}

#[tokio::test]
async fn without_a_mapping_a_file_without_ids_has_no_columns() {
    for (format, input) in files() {
        let location = input.location().to_owned();
        let error = FileReader::open(input, &format, ReadRequest::new(table())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let text = error.to_string();
        assert!(text.contains(&location) && text.contains("name mapping"), "{text}");
    }
}

#[tokio::test]
async fn trap_12_a_mapping_says_nothing_about_files_with_ids() {
    let from = Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(20, "title", PrimitiveType::String),
    ]);
    let (from, table) = (Arc::new(from.unwrap()), table());
    for format in crate::sheet::FORMATS {
        let sheet = Sheet::new(&from, format, &[]).await;
        let file = sheet.write(&[vec![Some(Value::Long(1)), Some("a".into())]]).await;
        let found = sheet.read_with(&file, &table, |request| request.with_name_mapping(mapping())).await;
        assert_eq!(found[0][1], None, "{format}");
    }
}
