//! Tests of table properties.

use super::*;
use crate::id::{FieldId, SortOrderId};
use crate::schema::{NestedField, PrimitiveType, Schema, StructType};
use crate::sort_order::{NullOrder, SortDirection, SortField, SortOrder};
use crate::transform::Transform;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn absent_properties_read_as_their_defaults_without_warning() {
    let map = map(&[("owner", "root")]);
    let properties = TableProperties::new(&map);
    assert_eq!(properties.value(&commit::NUM_RETRIES), 4);
    assert_eq!(properties.value(&commit::STATUS_CHECK_NUM_RETRIES), 3);
    assert_eq!(properties.value(&parquet::COMPRESSION_CODEC), ParquetCompression::Gzip);
    assert_eq!(properties.value(&write::METRICS_DEFAULT), MetricsMode::Truncate(16));
    assert_eq!(properties.value(&table::MAX_REF_AGE_MS), i64::MAX.unsigned_abs());
    assert_eq!(properties.value(&write::DISTRIBUTION_MODE), None);
    assert_eq!(properties.value(&datashard::MANIFEST_COMPACTION_THRESHOLD), 64);
    assert_eq!(properties.text(&write::DATA_PATH), None);
    assert_eq!(properties.warnings(), []);
}

#[test]
fn values_set_are_parsed_whatever_their_case() {
    let map = map(&[
        ("write.format.default", "ORC"),
        ("gc.enabled", "False"),
        ("write.delete.mode", "merge-on-read"),
        ("write.parquet.compression-level", "-3"),
        ("write.parquet.bloom-filter-enabled.column.a.b", "true"),
        ("comment", "hello"),
    ]);
    let properties = TableProperties::new(&map);
    assert_eq!(properties.value(&write::FORMAT), WriteFormat::Orc);
    assert!(!properties.value(&table::GC_ENABLED));
    assert_eq!(properties.value(&write::DELETE_MODE), WriteMode::MergeOnRead);
    assert_eq!(properties.value(&parquet::COMPRESSION_LEVEL), Some(-3));
    assert!(properties.column(&parquet::BLOOM_FILTER_ENABLED_COLUMN, "a.b").value);
    assert!(!properties.column(&parquet::BLOOM_FILTER_ENABLED_COLUMN, "a").value);
    assert_eq!(properties.text(&table::COMMENT), Some("hello"));
    assert_eq!(properties.warnings(), []);
}

#[test]
fn malformed_values_read_as_the_default_with_a_warning() {
    let check = |key: &str, found: &str, used: &str| {
        let map = map(&[(key, found)]);
        let warnings = TableProperties::new(&map).warnings();
        assert_eq!(warnings.len(), 1, "{key}");
        assert_eq!((warnings[0].key.as_str(), warnings[0].used.as_str()), (key, used));
    };
    check("commit.retry.num-retries", "-1", "4");
    check("commit.retry.max-wait-ms", "99999999999999999999", "60000");
    check("write.target-file-size-bytes", "0", "536870912");
    check("gc.enabled", "yes", "true");
    check("read.split.planning-lookback", "", "10");
    check("write.parquet.compression-codec", "zip", "gzip");
    check("write.parquet.bloom-filter-fpp.column.x", "NaN", "0.01");
    check("write.metadata.metrics.default", "truncate(0)", "truncate(16)");
    check("write.distribution-mode", "some", "nothing");
    check("datashard.snapshot.retention-count", "x", "nothing");
    let map = map(&[("gc.enabled", "yes")]);
    let warning = TableProperties::new(&map).parsed(&table::GC_ENABLED).warning.unwrap();
    assert_eq!(warning.to_string(), "property gc.enabled is \"yes\", which makes no sense; using true");
}

#[test]
fn delete_properties_fall_back_to_those_of_data() {
    let map = map(&[
        ("write.format.default", "avro"),
        ("write.parquet.page-size-bytes", "77"),
        ("write.parquet.compression-codec", "zstd"),
        ("write.delete.parquet.compression-codec", "snappy"),
        ("write.orc.compression-codec", "lz4"),
    ]);
    let properties = TableProperties::new(&map);
    assert_eq!(properties.value(&write::DELETE_FORMAT), WriteFormat::Avro);
    assert_eq!(properties.value(&parquet::DELETE_PAGE_SIZE_BYTES), 77);
    assert_eq!(properties.value(&parquet::DELETE_COMPRESSION_CODEC), ParquetCompression::Snappy);
    assert_eq!(properties.value(&write::DELETE_ORC_COMPRESSION_CODEC), OrcCompression::Lz4);
    assert_eq!(properties.value(&parquet::DELETE_DICT_SIZE_BYTES), 2_097_152);
}

#[test]
fn reserved_keys_are_found() {
    let map = map(&[("format-version", "2"), ("owner", "root"), ("uuid", "x")]);
    assert_eq!(reserved_in(&map).collect::<Vec<_>>(), ["format-version", "uuid"]);
    assert!(!is_reserved("comment"));
}

fn wide_schema(columns: i32) -> Schema {
    let inner = StructType::new(vec![NestedField::optional(1001, "inner", PrimitiveType::Int)]);
    let mut fields = vec![NestedField::optional(1000, "nested", inner)];
    fields.extend((1..=columns).map(|id| NestedField::optional(id, format!("c{id}"), PrimitiveType::String)));
    Schema::new(fields).unwrap()
}

fn sorted_by(source: i32, transform: Transform) -> SortOrder {
    let field = SortField::new(FieldId(source), transform, SortDirection::Ascending, NullOrder::First);
    SortOrder::new(SortOrderId(1), vec![field])
}

fn modes(columns: i32, order: &SortOrder, pairs: &[(&str, &str)]) -> MetricsConfig {
    MetricsConfig::new(&wide_schema(columns), order, TableProperties::new(&map(pairs)))
}

#[test]
fn metrics_of_up_to_100_fields_are_truncated_bounds() {
    // 98 columns, a struct and its field make 100.
    let config = modes(98, &SortOrder::unsorted(), &[]);
    assert_eq!(config.mode(FieldId(98)), MetricsMode::Truncate(16));
    assert_eq!(config.mode(FieldId(1001)), MetricsMode::Truncate(16));
}

#[test]
fn metrics_of_wider_schemas_are_limited_breadth_first() {
    let config = modes(99, &SortOrder::unsorted(), &[]);
    assert_eq!(config.mode(FieldId(99)), MetricsMode::Truncate(16));
    assert_eq!(config.mode(FieldId(1001)), MetricsMode::Truncate(16));
    let config = modes(101, &SortOrder::unsorted(), &[]);
    assert_eq!(config.mode(FieldId(100)), MetricsMode::Truncate(16));
    assert_eq!(config.mode(FieldId(101)), MetricsMode::None);
    assert_eq!(config.mode(FieldId(1001)), MetricsMode::None);
    let config =
        modes(5, &SortOrder::unsorted(), &[("write.metadata.metrics.max-inferred-column-defaults", "2")]);
    assert_eq!(config.mode(FieldId(2)), MetricsMode::Truncate(16));
    assert_eq!(config.mode(FieldId(3)), MetricsMode::None);
    // A default that is set counts for all.
    let config = modes(200, &SortOrder::unsorted(), &[("write.metadata.metrics.default", "counts")]);
    assert_eq!(config.mode(FieldId(200)), MetricsMode::Counts);
}

#[test]
fn sort_columns_are_lifted_to_bounds_unless_overridden() {
    let counts = ("write.metadata.metrics.default", "counts");
    let check = |transform, pairs: &[(&str, &str)], expect| {
        assert_eq!(modes(3, &sorted_by(2, transform), pairs).mode(FieldId(2)), expect);
    };
    check(Transform::Identity, &[counts], MetricsMode::Truncate(16));
    check(Transform::Truncate(4), &[counts], MetricsMode::Truncate(16));
    check(Transform::Bucket(4), &[counts], MetricsMode::Counts);
    check(Transform::Identity, &[("write.metadata.metrics.default", "full")], MetricsMode::Full);
    check(Transform::Identity, &[("write.metadata.metrics.column.c2", "none")], MetricsMode::None);
    assert_eq!(
        modes(200, &sorted_by(150, Transform::Identity), &[]).mode(FieldId(150)),
        MetricsMode::DEFAULT
    );
}

#[test]
fn column_modes_go_by_full_name_and_bad_ones_read_as_the_default() {
    let config = modes(
        3,
        &SortOrder::unsorted(),
        &[
            ("write.metadata.metrics.default", "counts"),
            ("write.metadata.metrics.column.nested.inner", "FULL"),
            ("write.metadata.metrics.column.c1", "truncate(5)"),
            ("write.metadata.metrics.column.c2", "truncate(-1)"),
            ("write.metadata.metrics.column.nobody", "full"),
        ],
    );
    assert_eq!(config.mode(FieldId(1001)), MetricsMode::Full);
    assert_eq!(config.mode(FieldId(1)), MetricsMode::Truncate(5));
    assert_eq!(config.mode(FieldId(2)), MetricsMode::Counts);
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].used, "counts");
}

#[test]
fn position_deletes_have_exact_bounds() {
    let config = MetricsConfig::for_position_deletes();
    assert_eq!(config.mode(FieldId::DELETE_FILE_PATH), MetricsMode::Full);
    assert_eq!(config.mode(FieldId::DELETE_POS), MetricsMode::Full);
}
