//! A manifest of many entries with metrics of 20 columns, as structs for `apache-avro` with serde and as Avro bytes.
//!
//! The bytes are written by `apache-avro` itself, so that neither side decodes a file tuned for it.

use std::collections::HashMap;
use std::error::Error;

use apache_avro::{Codec, DeflateSettings, Schema, Writer, ZstandardSettings};
use serde::{Deserialize, Serialize};

/// One entry of the manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename = "manifest_entry")]
pub struct Entry {
    /// 0 existing, 1 added, 2 deleted.
    pub status: i32,
    /// Snapshot that added the file.
    pub snapshot_id: Option<i64>,
    /// Data sequence number.
    pub sequence_number: Option<i64>,
    /// File sequence number.
    pub file_sequence_number: Option<i64>,
    /// The file.
    pub data_file: DataFile,
}

/// The data file of an entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename = "r2")]
pub struct DataFile {
    /// 0 data.
    pub content: i32,
    /// Location.
    pub file_path: String,
    /// Format.
    pub file_format: String,
    /// Partition tuple.
    pub partition: Partition,
    /// Rows.
    pub record_count: i64,
    /// Bytes.
    pub file_size_in_bytes: i64,
    /// Bytes by column.
    pub column_sizes: Option<Vec<SizeEntry>>,
    /// Values by column.
    pub value_counts: Option<Vec<ValueEntry>>,
    /// Nulls by column.
    pub null_value_counts: Option<Vec<NullEntry>>,
    /// NaNs by column.
    pub nan_value_counts: Option<Vec<NanEntry>>,
    /// Lower bounds by column.
    pub lower_bounds: Option<Vec<LowerEntry>>,
    /// Upper bounds by column.
    pub upper_bounds: Option<Vec<UpperEntry>>,
    /// Encryption.
    #[serde(with = "apache_avro::serde::bytes_opt")]
    pub key_metadata: Option<Vec<u8>>,
    /// Row groups.
    pub split_offsets: Option<Vec<i64>>,
    /// Equality delete columns.
    pub equality_ids: Option<Vec<i32>>,
    /// Sort order.
    pub sort_order_id: Option<i32>,
    /// Deletion target.
    pub referenced_data_file: Option<String>,
}

/// The partition tuple: one day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename = "r102")]
pub struct Partition {
    /// Days since 1970-01-01.
    pub ts_day: Option<i32>,
}

macro_rules! map_entry {
    ($name:ident, $record:literal, $value:ty $(, $with:literal)?) => {
        /// An entry of a map by field id.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename = $record)]
        pub struct $name {
            /// Field id.
            pub key: i32,
            /// Value.
            $(#[serde(with = $with)])?
            pub value: $value,
        }
    };
}

map_entry!(SizeEntry, "k117_v118", i64);
map_entry!(ValueEntry, "k119_v120", i64);
map_entry!(NullEntry, "k121_v122", i64);
map_entry!(NanEntry, "k138_v139", i64);
map_entry!(LowerEntry, "k126_v127", Vec<u8>, "apache_avro::serde::bytes");
map_entry!(UpperEntry, "k129_v130", Vec<u8>, "apache_avro::serde::bytes");

const COLUMNS: i32 = 20;

/// The table schema of the manifest: 20 columns of the usual types; column 1 is the id, 2 the time of the partition.
pub fn table_schema_json() -> String {
    let types = ["long", "timestamptz", "int", "double", "string"];
    let fields: Vec<String> = (1..=COLUMNS)
        .zip(types.iter().cycle())
        .map(|(id, kind)| format!(r#"{{"id":{id},"name":"c{id}","required":false,"type":"{kind}"}}"#))
        .collect();
    format!(r#"{{"type":"struct","schema-id":0,"fields":[{}]}}"#, fields.join(","))
}

/// The partition spec of the manifest: day of column 2.
pub const SPEC_JSON: &str = r#"[{"source-id":2,"field-id":1000,"name":"ts_day","transform":"day"}]"#;

/// `count` entries, always the same.
pub fn entries(count: u32) -> Vec<Entry> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    (0..count).map(|i| entry(i, &mut next)).collect()
}

fn entry(i: u32, next: &mut impl FnMut() -> u64) -> Entry {
    let day = 19_000 + i32::try_from(i / 300).unwrap_or(0);
    let rows = 100_000 + i64::try_from(next() % 900_000).unwrap_or(0);
    let mut small = |bound: u64| i64::try_from(next() % bound).unwrap_or(0);
    let column_sizes = (1..=COLUMNS).map(|key| SizeEntry { key, value: 10_000 + small(4_000_000) }).collect();
    let value_counts = (1..=COLUMNS).map(|key| ValueEntry { key, value: rows }).collect();
    let null_value_counts = (1..=COLUMNS).map(|key| NullEntry { key, value: small(1_000) }).collect();
    let nan_value_counts = [4, 9, 14].map(|key| NanEntry { key, value: small(10) }).to_vec();
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for key in 1..=COLUMNS {
        let (low, high) = bounds(key, day, small(1 << 40), small(1 << 30));
        lower.push(LowerEntry { key, value: low });
        upper.push(UpperEntry { key, value: high });
    }
    let (a, b) = (small(i64::MAX as u64), small(i64::MAX as u64));
    Entry {
        status: 1,
        snapshot_id: Some(4_812_355_101_234_567_890),
        sequence_number: None,
        file_sequence_number: None,
        data_file: DataFile {
            content: 0,
            file_path: format!(
                "s3://warehouse/db/events/data/ts_day={day}/{i:05}-{a:016x}-{b:016x}-00001.parquet"
            ),
            file_format: "PARQUET".to_owned(),
            partition: Partition { ts_day: Some(day) },
            record_count: rows,
            file_size_in_bytes: 40_000_000 + small(90_000_000),
            column_sizes: Some(column_sizes),
            value_counts: Some(value_counts),
            null_value_counts: Some(null_value_counts),
            nan_value_counts: Some(nan_value_counts),
            lower_bounds: Some(lower),
            upper_bounds: Some(upper),
            key_metadata: None,
            split_offsets: Some(vec![4, 33_554_436]),
            equality_ids: None,
            sort_order_id: Some(0),
            referenced_data_file: None,
        },
    }
}

/// Bounds of a column in its type, close together as in sorted or clustered data.
fn bounds(key: i32, day: i32, base: i64, width: i64) -> (Vec<u8>, Vec<u8>) {
    match key % 5 {
        1 => (base.to_le_bytes().to_vec(), (base + width).to_le_bytes().to_vec()),
        2 => {
            let start = i64::from(day) * 86_400_000_000;
            (start.to_le_bytes().to_vec(), (start + 86_399_999_999).to_le_bytes().to_vec())
        }
        3 => {
            let low = i32::try_from(base % 1_000_000).unwrap_or(0);
            (low.to_le_bytes().to_vec(), (low + 500_000).to_le_bytes().to_vec())
        }
        4 => ((base as f64).to_le_bytes().to_vec(), ((base + width) as f64).to_le_bytes().to_vec()),
        _ => (format!("{base:016x}").into_bytes(), format!("{:016x}", base + width).into_bytes()),
    }
}

/// How the blocks of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockCodec {
    /// Not at all.
    Null,
    /// Deflate, level 6.
    Deflate,
    /// Snappy.
    Snappy,
    /// Zstandard, level 3.
    Zstandard,
}

impl BlockCodec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Null, Self::Deflate, Self::Snappy, Self::Zstandard];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard => "zstd",
        }
    }

    /// As `apache-avro` calls it, at the level that engines use by default.
    pub fn oracle(self) -> Codec {
        match self {
            Self::Null => Codec::Null,
            Self::Deflate => Codec::Deflate(DeflateSettings::default()),
            Self::Snappy => Codec::Snappy,
            Self::Zstandard => Codec::Zstandard(ZstandardSettings::new(3)),
        }
    }
}

/// The Avro schema of the manifest, as the reference names its records.
pub fn avro_schema_json() -> String {
    let map = |name: &str, id: i32, key: i32, value: i32, kind: &str| {
        format!(
            r#"{{"name":"{name}","field-id":{id},"default":null,"type":["null",{{"type":"array","logicalType":"map","items":
            {{"type":"record","name":"k{key}_v{value}","fields":[{{"name":"key","type":"int","field-id":{key}}},
            {{"name":"value","type":"{kind}","field-id":{value}}}]}}}}]}}"#
        )
    };
    let optional = |name: &str, id: i32, kind: &str| {
        format!(r#"{{"name":"{name}","field-id":{id},"default":null,"type":["null",{kind}]}}"#)
    };
    let fields = [
        r#"{"name":"content","type":"int","field-id":134}"#.to_owned(),
        r#"{"name":"file_path","type":"string","field-id":100}"#.to_owned(),
        r#"{"name":"file_format","type":"string","field-id":101}"#.to_owned(),
        r#"{"name":"partition","field-id":102,"type":{"type":"record","name":"r102","fields":[
            {"name":"ts_day","field-id":1000,"default":null,"type":["null",{"type":"int","logicalType":"date"}]}]}}"#
            .to_owned(),
        r#"{"name":"record_count","type":"long","field-id":103}"#.to_owned(),
        r#"{"name":"file_size_in_bytes","type":"long","field-id":104}"#.to_owned(),
        map("column_sizes", 108, 117, 118, "long"),
        map("value_counts", 109, 119, 120, "long"),
        map("null_value_counts", 110, 121, 122, "long"),
        map("nan_value_counts", 137, 138, 139, "long"),
        map("lower_bounds", 125, 126, 127, "bytes"),
        map("upper_bounds", 128, 129, 130, "bytes"),
        optional("key_metadata", 131, r#""bytes""#),
        optional("split_offsets", 132, r#"{"type":"array","items":"long","element-id":133}"#),
        optional("equality_ids", 135, r#"{"type":"array","items":"int","element-id":136}"#),
        optional("sort_order_id", 140, r#""int""#),
        optional("referenced_data_file", 143, r#""string""#),
    ];
    format!(
        r#"{{"type":"record","name":"manifest_entry","fields":[
        {{"name":"status","type":"int","field-id":0}},{},{},{},
        {{"name":"data_file","field-id":2,"type":{{"type":"record","name":"r2","fields":[{}]}}}}]}}"#,
        optional("snapshot_id", 1, r#""long""#),
        optional("sequence_number", 3, r#""long""#),
        optional("file_sequence_number", 4, r#""long""#),
        fields.join(",")
    )
}

/// Encodes the entries with `apache-avro` and serde.
///
/// # Errors
/// Whatever `apache-avro` refuses.
pub fn encode_with_oracle(entries: &[Entry], codec: BlockCodec) -> Result<Vec<u8>, Box<dyn Error>> {
    let schema = Schema::parse_str(&avro_schema_json())?;
    let metadata: HashMap<&str, String> = HashMap::from([
        ("schema", table_schema_json()),
        ("schema-id", "0".to_owned()),
        ("partition-spec", SPEC_JSON.to_owned()),
        ("partition-spec-id", "0".to_owned()),
        ("format-version", "2".to_owned()),
        ("content", "data".to_owned()),
    ]);
    let mut writer = Writer::builder()
        .schema(&schema)
        .codec(codec.oracle())
        .writer(Vec::new())
        .block_size(64 * 1024)
        .build()?;
    for (key, value) in metadata {
        writer.add_user_metadata(key.to_owned(), value)?;
    }
    for entry in entries {
        writer.append_ser(entry)?;
    }
    Ok(writer.into_inner()?)
}
