//! Properties of tables, good and bad.

use datashard_spec::property::TableProperties;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::super::testing::properties;
use super::ParquetWriteOptions;

fn schema() -> Schema {
    let point = StructType::new(vec![NestedField::required(4, "x", PrimitiveType::Double)]);
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "flag", PrimitiveType::Boolean),
        NestedField::optional(3, "p", point),
        NestedField::optional(5, "l", ListType::optional(6, PrimitiveType::String)),
        NestedField::optional(7, "m", MapType::optional(8, PrimitiveType::String, 9, PrimitiveType::Int)),
        NestedField::optional(10, "a.b", Type::Variant),
    ])
    .unwrap()
}

fn path(parts: &[&str]) -> ColumnPath {
    ColumnPath::new(parts.iter().map(|part| (*part).to_owned()).collect())
}

/// Options, and warnings as text.
fn options(deletes: bool, pairs: &[(&str, &str)]) -> (ParquetWriteOptions, Vec<String>) {
    let map = properties(pairs);
    let (options, warnings) =
        ParquetWriteOptions::from_properties(&schema(), &TableProperties::new(&map), deletes);
    (options, warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn without_properties_the_defaults_count() {
    for deletes in [false, true] {
        let (options, warnings) = options(deletes, &[]);
        assert!(warnings.is_empty());
        let properties = options.writer_properties();
        let id = path(&["id"]);
        assert_eq!(properties.compression(&id), Compression::GZIP(GzipLevel::default()));
        assert_eq!(properties.writer_version(), WriterVersion::PARQUET_1_0);
        assert_eq!(properties.data_page_size_limit(), 1 << 20);
        assert_eq!(properties.dictionary_page_size_limit(), 2 << 20);
        assert_eq!(properties.data_page_row_count_limit(), 20_000);
        assert_eq!(properties.statistics_enabled(&id), EnabledStatistics::Page);
        assert!(properties.dictionary_enabled(&id));
        assert!(properties.bloom_filter_properties(&id).is_none());
        let limit = options.row_groups;
        assert_eq!((limit.size_bytes, limit.check_min_rows, limit.check_max_rows), (128 << 20, 100, 10_000));
        assert!(!limit.is_uncompressed);
    }
}

#[test]
fn codecs_take_the_levels_that_they_know() {
    let compression = |codec: &'static str, level: &'static str| {
        let mut pairs = vec![("write.parquet.compression-codec", codec)];
        if !level.is_empty() {
            pairs.push(("write.parquet.compression-level", level));
        }
        let (options, warnings) = options(false, &pairs);
        (options.writer_properties().compression(&path(&["id"])), warnings.len())
    };
    let zstd = |level| Compression::ZSTD(ZstdLevel::try_new(level).unwrap());
    assert_eq!(compression("zstd", ""), (Compression::ZSTD(ZstdLevel::default()), 0));
    assert_eq!(compression("ZSTD", "19"), (zstd(19), 0));
    assert_eq!(compression("zstd", "23"), (Compression::ZSTD(ZstdLevel::default()), 1));
    assert_eq!(compression("gzip", "9"), (Compression::GZIP(GzipLevel::try_new(9).unwrap()), 0));
    assert_eq!(compression("gzip", "10"), (Compression::GZIP(GzipLevel::default()), 1));
    assert_eq!(compression("gzip", "-1"), (Compression::GZIP(GzipLevel::default()), 1));
    assert_eq!(compression("brotli", "11"), (Compression::BROTLI(BrotliLevel::try_new(11).unwrap()), 0));
    assert_eq!(compression("brotli", "12").1, 1);
    assert_eq!(compression("snappy", "77"), (Compression::SNAPPY, 0));
    assert_eq!(compression("lz4", ""), (Compression::LZ4_RAW, 0));
    assert_eq!(compression("uncompressed", ""), (Compression::UNCOMPRESSED, 0));
    assert_eq!(compression("lzo", ""), (Compression::GZIP(GzipLevel::default()), 1));
}

#[test]
fn delete_files_have_settings_of_their_own_and_else_those_of_data_files() {
    let pairs = [
        ("write.parquet.compression-codec", "snappy"),
        ("write.parquet.page-size-bytes", "1000"),
        ("write.delete.parquet.compression-codec", "zstd"),
        ("write.delete.parquet.row-group-size-bytes", "5000"),
        ("write.delete.parquet.page-version", "v2"),
    ];
    let (data, _) = options(false, &pairs);
    assert_eq!(data.writer_properties().compression(&path(&["id"])), Compression::SNAPPY);
    assert_eq!(data.row_groups.size_bytes, 128 << 20);
    let (deletes, warnings) = options(true, &pairs);
    assert!(warnings.is_empty());
    let properties = deletes.writer_properties();
    assert_eq!(properties.compression(&path(&["id"])), Compression::ZSTD(ZstdLevel::default()));
    assert_eq!(properties.data_page_size_limit(), 1000);
    assert_eq!(properties.writer_version(), WriterVersion::PARQUET_2_0);
    assert_eq!(deletes.row_groups.size_bytes, 5000);
}

#[test]
fn properties_of_columns_go_by_full_names() {
    let (options, warnings) = options(
        false,
        &[
            ("write.parquet.stats-enabled.column.p.x", "false"),
            ("write.parquet.stats-enabled.column.a.b", "false"),
            ("write.parquet.dict-encoding-enabled.column.l.element", "false"),
            ("write.parquet.bloom-filter-enabled.column.m.value", "true"),
            ("write.parquet.bloom-filter-fpp.column.m.value", "0.05"),
            ("write.parquet.bloom-filter-ndv.column.m.value", "1234"),
            ("write.parquet.bloom-filter-enabled.column.l.element", "true"),
            ("write.parquet.bloom-filter-max-bytes", "1024"),
            ("write.parquet.bloom-filter-ndv.column.l.element", "99999999"),
        ],
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let properties = options.writer_properties();
    assert_eq!(properties.statistics_enabled(&path(&["p", "x"])), EnabledStatistics::None);
    assert_eq!(properties.statistics_enabled(&path(&["a.b", "value"])), EnabledStatistics::None);
    assert_eq!(properties.statistics_enabled(&path(&["a.b", "metadata"])), EnabledStatistics::None);
    let element = path(&["l", "list", "element"]);
    assert!(!properties.dictionary_enabled(&element));
    // 1024 bytes are 8192 bits, which at a hundredth of false positives hold far fewer values than were announced.
    assert!(properties.bloom_filter_properties(&element).unwrap().ndv() < 1000);
    let value = path(&["m", "key_value", "value"]);
    assert!(properties.dictionary_enabled(&value));
    let filter = properties.bloom_filter_properties(&value).unwrap();
    assert!((filter.fpp() - 0.05).abs() < 1e-9);
    assert!(filter.ndv() < 1234, "the limit in bytes counts");
}

#[test]
fn what_makes_no_sense_counts_as_the_default_with_a_warning() {
    let (options, warnings) = options(
        false,
        &[
            ("write.parquet.row-group-size-bytes", "0"),
            ("write.parquet.page-row-limit", "many"),
            ("write.parquet.page-version", "v3"),
            ("write.parquet.bloom-filter-enabled.column.flag", "true"),
            ("write.parquet.bloom-filter-enabled.column.a.b", "true"),
            ("write.parquet.bloom-filter-enabled.column.id", "true"),
            ("write.parquet.bloom-filter-fpp.column.id", "1.5"),
            ("write.parquet.dict-encoding-enabled.column.id", "maybe"),
            ("write.parquet.shred-variants", "true"),
            ("write.parquet.stats-enabled.column.nobody", "perhaps"),
        ],
    );
    let expected = [
        r#"property write.parquet.row-group-size-bytes is "0", which makes no sense; using 134217728"#,
        r#"property write.parquet.page-row-limit is "many", which makes no sense; using 20000"#,
        r#"property write.parquet.page-version is "v3", which makes no sense; using v1"#,
        r#"property write.parquet.dict-encoding-enabled.column.id is "maybe", which makes no sense; using true"#,
        r#"property write.parquet.bloom-filter-fpp.column.id is "1.5", which makes no sense; using 0.01"#,
        r#"property write.parquet.bloom-filter-enabled.column.flag is "true", which makes no sense; using false"#,
        r#"property write.parquet.bloom-filter-enabled.column.a.b is "true", which makes no sense; using false"#,
        r#"property write.parquet.shred-variants is "true", which makes no sense; using false"#,
    ];
    assert_eq!(warnings, expected);
    assert_eq!(options.row_groups.size_bytes, 128 << 20);
    let properties = options.writer_properties();
    assert!(properties.bloom_filter_properties(&path(&["flag"])).is_none());
    assert!(properties.bloom_filter_properties(&path(&["id"])).is_some());
}
