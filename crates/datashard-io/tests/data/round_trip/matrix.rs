//! Every type in every format, by every codec and layout that table properties choose, in batches of several sizes.

use std::sync::Arc;

use datashard_spec::property::{AvroCompression, ParquetCompression};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};

use super::edges::{edges, every_type, primitives};
use crate::sheet::{FORMATS, Sheet, TINY, assert_same, bloom_filters, of_columns};

const ROWS: usize = 31;
const BATCH_ROWS: [usize; 3] = [1, 7, 8192];

/// Writes the rows under these properties and reads them in batches of every size.
async fn round_trip(
    schema: &Arc<Schema>,
    rows: &[Tuple],
    format: &str,
    set: &[(&str, &str)],
    sizes: &[usize],
) {
    let sheet = Sheet::new(schema, format, set).await;
    let file = sheet.write(rows).await;
    assert_eq!(file.record_count, rows.len() as i64);
    for size in sizes {
        let found = sheet.read_with(&file, schema, |request| request.with_batch_rows(*size)).await;
        assert_same(&found, rows, schema, &format!("{format}, {set:?}, batches of {size}"));
    }
}

/// All layouts of pages under one codec.
async fn parquet_layouts(codec: ParquetCompression) {
    let (schema, rows) = every_type(ROWS);
    let plain = of_columns("write.parquet.dict-encoding-enabled.column.", "false", &schema);
    let blooms = bloom_filters(&schema);
    for version in ["v1", "v2"] {
        for dictionaries in [true, false] {
            for tiny in [false, true] {
                for filters in [false, true] {
                    let mut set: Vec<(&str, &str)> = vec![
                        ("write.parquet.compression-codec", codec.as_str()),
                        ("write.parquet.page-version", version),
                    ];
                    set.extend(
                        plain.iter().filter(|_| !dictionaries).map(|(key, value)| (key.as_str(), *value)),
                    );
                    set.extend(blooms.iter().filter(|_| filters).map(|(key, value)| (key.as_str(), *value)));
                    set.extend(TINY.iter().filter(|_| tiny));
                    // Sizes of batches say nothing about filters.
                    let sizes = if filters { &BATCH_ROWS[2..] } else { &BATCH_ROWS[..] };
                    round_trip(&schema, &rows, "parquet", &set, sizes).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn every_type_survives_parquet_without_compression() {
    parquet_layouts(ParquetCompression::Uncompressed).await;
}

#[tokio::test]
async fn every_type_survives_parquet_with_snappy() {
    parquet_layouts(ParquetCompression::Snappy).await;
}

#[tokio::test]
async fn every_type_survives_parquet_with_gzip() {
    parquet_layouts(ParquetCompression::Gzip).await;
}

#[tokio::test]
async fn every_type_survives_parquet_with_brotli() {
    parquet_layouts(ParquetCompression::Brotli).await;
}

#[tokio::test]
async fn every_type_survives_parquet_with_lz4() {
    parquet_layouts(ParquetCompression::Lz4).await;
}

#[tokio::test]
async fn every_type_survives_parquet_with_zstd() {
    parquet_layouts(ParquetCompression::Zstd).await;
}

#[tokio::test]
async fn every_type_survives_avro_with_every_codec() {
    let (schema, rows) = every_type(ROWS);
    for codec in
        [AvroCompression::Uncompressed, AvroCompression::Snappy, AvroCompression::Gzip, AvroCompression::Zstd]
    {
        let set = [("write.avro.compression-codec", codec.as_str())];
        round_trip(&schema, &rows, "avro", &set, &BATCH_ROWS).await;
    }
}

#[tokio::test]
async fn compression_levels_change_no_value() {
    let (schema, rows) = every_type(7);
    for (format, codec, levels) in [
        ("parquet", "zstd", ["1", "19"]),
        ("parquet", "gzip", ["1", "9"]),
        ("avro", "zstd", ["1", "9"]),
        ("avro", "gzip", ["1", "9"]),
    ] {
        for level in levels {
            let keys = ["compression-codec", "compression-level"].map(|key| format!("write.{format}.{key}"));
            let set = [(keys[0].as_str(), codec), (keys[1].as_str(), level)];
            round_trip(&schema, &rows, format, &set, &[8192]).await;
        }
    }
}

#[tokio::test]
async fn a_column_alone_survives_with_each_of_its_values_alone() {
    // Alone in its file, a value is also its own bound, dictionary and page.
    for format in FORMATS {
        for primitive in primitives() {
            let fields = vec![NestedField::optional(1, "c", primitive.clone())];
            let schema = Arc::new(Schema::new(fields).unwrap());
            for value in edges(&primitive) {
                round_trip(&schema, &[vec![Some(value)]], format, &[], &[8192]).await;
            }
            round_trip(&schema, &[vec![None]], format, &[], &[8192]).await;
        }
    }
}

#[tokio::test]
async fn tables_of_columns_without_any_value_keep_their_rows() {
    let fields = vec![
        NestedField::optional(1, "a", PrimitiveType::Long),
        NestedField::optional(2, "b", PrimitiveType::Unknown),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows: Vec<Tuple> = vec![vec![None, None]; 100];
    for format in FORMATS {
        round_trip(&schema, &rows, format, &[], &BATCH_ROWS).await;
    }
}

#[tokio::test]
async fn no_rows_make_no_file() {
    let (schema, _) = every_type(1);
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &[]).await;
        let mut writer = sheet.writer();
        writer.write(&sheet.batch(&[])).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert_eq!((written.files.len(), written.record_count, written.size_bytes), (0, 0, 0));
    }
}

#[tokio::test]
async fn zeros_of_both_signs_and_nan_stay_what_they_are() {
    // Values compare with -0.0 apart from 0.0; this says so in bits.
    let fields = vec![
        NestedField::required(1, "f", PrimitiveType::Float),
        NestedField::required(2, "d", PrimitiveType::Double),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows: Vec<Tuple> =
        [-0.0, 0.0, f64::NAN].map(|d| vec![Some(Value::Float(d as f32)), Some(Value::Double(d))]).to_vec();
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &[]).await;
        let found = sheet.read(&sheet.write(&rows).await).await;
        for (found, expect) in found.iter().flatten().zip(rows.iter().flatten()) {
            match (found, expect) {
                (Some(Value::Float(a)), Some(Value::Float(b))) => assert_eq!(a.to_bits(), b.to_bits()),
                (Some(Value::Double(a)), Some(Value::Double(b))) => assert_eq!(a.to_bits(), b.to_bits()),
                other => panic!("{other:?}"),
            }
        }
    }
}
