//! A manifest as a big table has them, and its mirror for apache-avro.
#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "inputs of benchmarks"
)]

use datashard_spec::avro::{Codec, ManifestWriter, WriteOptions};
use datashard_spec::id::{FieldId, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileFormat, ManifestContent, ManifestEntry};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use serde::{Deserialize, Serialize};

pub fn entries(count: u32) -> Vec<ManifestEntry> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..count)
        .map(|number| {
            let rows = i64::try_from(random() % 1_000_000).unwrap();
            let path = format!(
                "s3://bucket/warehouse/db/events/data/day=2024-01-01/{:016x}-{number:08}.parquet",
                random()
            );
            let mut numbers = |modulo: u64| -> Vec<(FieldId, i64)> {
                (1..=20).map(|id| (FieldId(id), i64::try_from(random() % modulo).unwrap())).collect()
            };
            let file = DataFile::new(path, FileFormat::Parquet, rows, 64 << 20)
                .with_partition(vec![Some(Value::Date(19_000 + i32::try_from(number / 100).unwrap()))])
                .with_column_sizes(numbers(10_000_000).into_iter().collect())
                .with_value_counts((1..=20).map(|id| (FieldId(id), rows)).collect())
                .with_null_value_counts(numbers(60).into_iter().collect())
                .with_nan_value_counts((1..=3).map(|id| (FieldId(id), 0)).collect())
                .with_lower_bounds(
                    numbers(1 << 40).into_iter().map(|(id, v)| (id, v.to_le_bytes())).collect(),
                )
                .with_upper_bounds(
                    numbers(1 << 40).into_iter().map(|(id, v)| (id, v.to_le_bytes())).collect(),
                )
                .with_split_offsets(vec![4])
                .with_sort_order_id(datashard_spec::id::SortOrderId(0));
            ManifestEntry::added(file).with_snapshot_id(SnapshotId(3_051_729_675_574_597_004))
        })
        .collect()
}

pub fn write(entries: &[ManifestEntry], codec: Codec) -> Vec<u8> {
    write_with(entries, &WriteOptions::default().with_codec(codec))
}

pub fn write_with(entries: &[ManifestEntry], options: &WriteOptions) -> Vec<u8> {
    let mut fields: Vec<_> =
        (1..=19).map(|id| NestedField::optional(id, format!("c{id}"), PrimitiveType::Long)).collect();
    fields.push(NestedField::optional(20, "day", PrimitiveType::Date));
    let schema = Schema::new(fields).unwrap();
    let field = PartitionField::new(FieldId(20), FieldId(1000), "day", Transform::Identity);
    let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
    let content = ManifestContent::Data;
    let mut writer =
        ManifestWriter::new(FormatVersion::V2, &schema, &spec, content, SnapshotId(1), options).unwrap();
    for entry in entries {
        writer.write(entry).unwrap();
    }
    writer.finish("m0.avro").unwrap().0
}

/// Decompresses the blocks of a deflate file and nothing else.
pub fn inflate_all(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let long = |rest: &mut &[u8]| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return usize::try_from(value >> 1).unwrap();
            }
        }
    };
    rest = &rest[4..];
    loop {
        let count = long(&mut rest);
        if count == 0 {
            break;
        }
        for _ in 0..count * 2 {
            let length = long(&mut rest);
            rest = &rest[length..];
        }
    }
    rest = &rest[16..];
    let mut inflate = flate2::Decompress::new(false);
    let mut out = vec![0; 1 << 20];
    let mut total = 0;
    while !rest.is_empty() {
        long(&mut rest);
        let length = long(&mut rest);
        inflate.reset(false);
        inflate.decompress(&rest[..length], &mut out, flate2::FlushDecompress::Finish).unwrap();
        total += usize::try_from(inflate.total_out()).unwrap();
        rest = &rest[length + 16..];
    }
    total
}

macro_rules! pair {
    ($($name:ident $text:literal $value:ty;)*) => {
        $(#[derive(Serialize, Deserialize)]
        #[serde(rename = $text)]
        pub struct $name { key: i32, value: $value })*
    };
}

pair! {
    Sizes "k117_v118" i64;
    Values "k119_v120" i64;
    Nulls "k121_v122" i64;
    Nans "k138_v139" i64;
    Lower "k126_v127" Bytes;
    Upper "k129_v130" Bytes;
}

pub struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl serde::de::Visitor<'_> for V {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, v: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(v.to_vec()))
            }
            fn visit_byte_buf<E>(self, v: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(v))
            }
        }
        deserializer.deserialize_byte_buf(V)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "manifest_entry")]
pub struct Entry {
    status: i32,
    snapshot_id: Option<i64>,
    sequence_number: Option<i64>,
    file_sequence_number: Option<i64>,
    data_file: File,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "r102")]
pub struct Partition {
    day: Option<i32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "r2")]
pub struct File {
    content: i32,
    file_path: String,
    file_format: String,
    partition: Partition,
    record_count: i64,
    file_size_in_bytes: i64,
    column_sizes: Option<Vec<Sizes>>,
    value_counts: Option<Vec<Values>>,
    null_value_counts: Option<Vec<Nulls>>,
    nan_value_counts: Option<Vec<Nans>>,
    lower_bounds: Option<Vec<Lower>>,
    upper_bounds: Option<Vec<Upper>>,
    key_metadata: Option<Bytes>,
    split_offsets: Option<Vec<i64>>,
    equality_ids: Option<Vec<i32>>,
    sort_order_id: Option<i32>,
    referenced_data_file: Option<String>,
}

/// The entries as apache-avro holds them.
pub struct Oracle {
    schema: apache_avro::Schema,
    entries: Vec<Entry>,
}

impl Oracle {
    pub fn decode(bytes: &[u8]) -> i64 {
        let reader = apache_avro::Reader::new(bytes).unwrap();
        reader.into_deser_iter::<Entry>().map(|e| e.unwrap().data_file.record_count).sum()
    }

    pub fn read(bytes: &[u8]) -> Self {
        let reader = apache_avro::Reader::new(bytes).unwrap();
        let schema = reader.writer_schema().clone();
        Self { schema, entries: reader.into_deser_iter().map(Result::unwrap).collect() }
    }

    pub fn encode(&self, codec: apache_avro::Codec) -> Vec<u8> {
        let mut writer = apache_avro::Writer::with_codec(&self.schema, Vec::new(), codec).unwrap();
        for entry in &self.entries {
            writer.append_ser(entry).unwrap();
        }
        writer.into_inner().unwrap()
    }
}
