//! Schemas and rows: every type with its extremes, nested in each other, empty, all null, and more rows than a page holds.

use std::error::Error;
use std::sync::Arc;

use datashard_spec::Uuid;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType};
use datashard_spec::value::{Tuple, Value};

/// A schema with rows of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) schema: Arc<Schema>,
    pub(crate) rows: Vec<Tuple>,
    /// Readers that cannot read it, and why.
    pub(crate) unreadable_by: Vec<(&'static str, &'static str)>,
}

/// Formats and codecs, as table properties say them.
pub(crate) const FORMATS: [(&str, &[(&str, &str)]); 13] = [
    ("parquet as it comes", &[]),
    ("parquet uncompressed", &[("write.parquet.compression-codec", "uncompressed")]),
    ("parquet snappy", &[("write.parquet.compression-codec", "snappy")]),
    ("parquet gzip", &[("write.parquet.compression-codec", "gzip")]),
    (
        "parquet zstd",
        &[("write.parquet.compression-codec", "zstd"), ("write.parquet.compression-level", "5")],
    ),
    ("parquet brotli", &[("write.parquet.compression-codec", "brotli")]),
    (
        "parquet of small pages and row groups",
        &[
            ("write.parquet.page-size-bytes", "1000"),
            ("write.parquet.page-row-limit", "100"),
            ("write.parquet.dict-size-bytes", "500"),
            ("write.parquet.row-group-size-bytes", "20000"),
        ],
    ),
    (
        "parquet with pages of version 2",
        &[("write.parquet.page-version", "v2"), ("write.parquet.compression-codec", "zstd")],
    ),
    (
        "parquet with bloom filters",
        &[
            ("write.parquet.bloom-filter-enabled.column.long", "true"),
            ("write.parquet.bloom-filter-enabled.column.text", "true"),
        ],
    ),
    ("avro as it comes", &[("write.format.default", "avro")]),
    (
        "avro uncompressed",
        &[("write.format.default", "avro"), ("write.avro.compression-codec", "uncompressed")],
    ),
    ("avro snappy", &[("write.format.default", "avro"), ("write.avro.compression-codec", "snappy")]),
    ("avro zstd", &[("write.format.default", "avro"), ("write.avro.compression-codec", "zstd")]),
];

pub(crate) fn all() -> Result<Vec<Case>, Box<dyn Error>> {
    Ok(vec![types()?, nanoseconds()?, nested()?, nulls()?, many()?, names()?])
}

fn case(name: &'static str, fields: Vec<NestedField>, rows: Vec<Tuple>) -> Result<Case, Box<dyn Error>> {
    Ok(Case { name, schema: Arc::new(Schema::new(fields)?), rows, unreadable_by: Vec::new() })
}

fn text(value: &str) -> Option<Value> {
    Some(Value::String(value.to_owned()))
}

/// Days and microseconds of the first and last moment that Python can tell.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;
const FIRST_MICROS: i64 = -62_135_596_800_000_000;
const LAST_MICROS: i64 = 253_402_300_799_999_999;

fn typed_fields() -> Vec<NestedField> {
    use PrimitiveType as P;
    let types: Vec<(&str, P)> = vec![
        ("boolean", P::Boolean),
        ("int", P::Int),
        ("long", P::Long),
        ("float", P::Float),
        ("double", P::Double),
        ("decimal9", P::Decimal { precision: 9, scale: 2 }),
        ("decimal18", P::Decimal { precision: 18, scale: 0 }),
        ("decimal38", P::Decimal { precision: 38, scale: 10 }),
        ("date", P::Date),
        ("time", P::Time),
        ("timestamp", P::Timestamp),
        ("timestamptz", P::Timestamptz),
        ("text", P::String),
        ("uuid", P::Uuid),
        ("fixed", P::Fixed(5)),
        ("binary", P::Binary),
    ];
    (1..).zip(types).map(|(id, (name, one))| NestedField::optional(id, name, one)).collect()
}

fn types() -> Result<Case, Box<dyn Error>> {
    let nines = |digits: u32| 10_i128.checked_pow(digits).map_or(0, |power| power.saturating_sub(1));
    let low = vec![
        Some(Value::Boolean(false)),
        Some(Value::Int(i32::MIN)),
        Some(Value::Long(i64::MIN)),
        Some(Value::Float(f32::NEG_INFINITY)),
        Some(Value::Double(-0.0)),
        Some(Value::decimal(nines(9).saturating_neg(), 2)),
        Some(Value::decimal(nines(18).saturating_neg(), 0)),
        Some(Value::decimal(nines(38).saturating_neg(), 10)),
        Some(Value::Date(FIRST_DAY)),
        Some(Value::Time(0)),
        Some(Value::Timestamp(FIRST_MICROS)),
        Some(Value::Timestamptz(FIRST_MICROS)),
        text(""),
        Some(Value::Uuid(Uuid::nil())),
        Some(Value::Fixed(vec![0; 5])),
        Some(Value::Binary(Vec::new())),
    ];
    let high = vec![
        Some(Value::Boolean(true)),
        Some(Value::Int(i32::MAX)),
        Some(Value::Long(i64::MAX)),
        Some(Value::Float(f32::NAN)),
        Some(Value::Double(f64::INFINITY)),
        Some(Value::decimal(nines(9), 2)),
        Some(Value::decimal(nines(18), 0)),
        Some(Value::decimal(nines(38), 10)),
        Some(Value::Date(LAST_DAY)),
        Some(Value::Time(86_399_999_999)),
        Some(Value::Timestamp(LAST_MICROS)),
        Some(Value::Timestamptz(LAST_MICROS)),
        text("\u{0} ä 日本 \u{d7ff}\u{e000}\u{10ffff} 🦀 \"\\\n"),
        Some(Value::Uuid(Uuid::max())),
        Some(Value::Fixed(vec![255; 5])),
        Some(Value::Binary((0..=255).collect())),
    ];
    let middle = vec![
        Some(Value::Boolean(true)),
        Some(Value::Int(-1)),
        Some(Value::Long(0)),
        Some(Value::Float(1.0e-45)),
        Some(Value::Double(0.1)),
        Some(Value::decimal(-128, 2)),
        Some(Value::decimal(1 << 40, 0)),
        Some(Value::decimal(-1, 10)),
        Some(Value::Date(-1)),
        Some(Value::Time(1)),
        Some(Value::Timestamp(-1)),
        Some(Value::Timestamptz(1)),
        text("a"),
        Some(Value::Uuid(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))),
        Some(Value::Fixed(vec![1, 2, 3, 4, 5])),
        Some(Value::Binary(vec![0])),
    ];
    case("types", typed_fields(), vec![low, high, vec![None; 16], middle])
}

fn nanoseconds() -> Result<Case, Box<dyn Error>> {
    let fields = vec![
        NestedField::optional(1, "local", PrimitiveType::TimestampNs),
        NestedField::optional(2, "zoned", PrimitiveType::TimestamptzNs),
    ];
    let row = |count| vec![Some(Value::TimestampNs(count)), Some(Value::TimestamptzNs(count))];
    // Arrow and DuckDB keep the ends of the range for themselves.
    let rows =
        vec![row(i64::MIN + 2), row(-1), row(1_700_000_000_123_456_789), row(i64::MAX - 1), vec![None, None]];
    let mut case = case("nanoseconds", fields, rows)?;
    case.unreadable_by = vec![("duckdb", "its timestamps with a zone end at microseconds")];
    Ok(case)
}

fn nested() -> Result<Case, Box<dyn Error>> {
    let point = StructType::new(vec![
        NestedField::required(5, "x", PrimitiveType::Double),
        NestedField::optional(6, "label", PrimitiveType::String),
    ]);
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "point", point),
        NestedField::optional(3, "tags", ListType::optional(7, PrimitiveType::String)),
        NestedField::optional(
            4,
            "scores",
            MapType::optional(8, PrimitiveType::String, 9, ListType::required(10, PrimitiveType::Int)),
        ),
        NestedField::optional(
            11,
            "path",
            ListType::optional(
                12,
                StructType::new(vec![NestedField::optional(13, "at", PrimitiveType::Timestamptz)]),
            ),
        ),
    ];
    let rows = vec![
        vec![
            Some(Value::Long(1)),
            Some(Value::Struct(vec![Some(Value::Double(1.5)), text("a")])),
            Some(Value::List(vec![text("x"), None, text("")])),
            Some(Value::Map(vec![
                (
                    Value::String("k".to_owned()),
                    Some(Value::List(vec![Some(Value::Int(1)), Some(Value::Int(2))])),
                ),
                (Value::String("empty".to_owned()), Some(Value::List(Vec::new()))),
                (Value::String("null".to_owned()), None),
            ])),
            Some(Value::List(vec![
                Some(Value::Struct(vec![Some(Value::Timestamptz(1))])),
                Some(Value::Struct(vec![None])),
                None,
            ])),
        ],
        vec![Some(Value::Long(2)), None, None, None, None],
        vec![
            Some(Value::Long(3)),
            Some(Value::Struct(vec![Some(Value::Double(-0.0)), None])),
            Some(Value::List(Vec::new())),
            Some(Value::Map(Vec::new())),
            Some(Value::List(Vec::new())),
        ],
    ];
    case("nested", fields, rows)
}

/// Columns without any value, one of them of a type that is in no file.
fn nulls() -> Result<Case, Box<dyn Error>> {
    let mut fields = typed_fields();
    fields.push(NestedField::optional(17, "unknown", PrimitiveType::Unknown));
    case("nulls", fields, vec![vec![None; 17]; 3])
}

/// More rows than fit a page, some values again and again.
fn many() -> Result<Case, Box<dyn Error>> {
    let fields = vec![
        NestedField::required(1, "long", PrimitiveType::Long),
        NestedField::optional(2, "text", PrimitiveType::String),
        NestedField::optional(3, "list", ListType::optional(4, PrimitiveType::Int)),
    ];
    let rows = (0..5_000_i64).map(|n| {
        let list = (0..n % 4).map(|k| (k != 2).then(|| Value::Int(i32::try_from(n).unwrap_or(0)))).collect();
        vec![
            Some(Value::Long(n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()))),
            (n % 7 != 0).then(|| Value::String(format!("value {}", n % 50))),
            (n % 11 != 0).then_some(Value::List(list)),
        ]
    });
    case("many rows", fields, rows.collect())
}

/// Column names that formats have to write differently, or to quote.
fn names() -> Result<Case, Box<dyn Error>> {
    let names = ["with space", "dots.in.it", "1st", "größe", "select", "quote\"d", "日本", "MiXed"];
    let fields =
        (1..).zip(names).map(|(id, name)| NestedField::optional(id, name, PrimitiveType::Int)).collect();
    let row = (0..8).map(|n| Some(Value::Int(n))).collect();
    case("names", fields, vec![row, vec![None; 8]])
}
