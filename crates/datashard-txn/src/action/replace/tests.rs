//! Replacing tables.

use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;

use super::*;
use crate::action::testing::{TestTable, by_id, file, schema};
use crate::action::{Append, SetProperties};
use crate::protocol::COMMIT_STATE;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

/// The column `id` goes on as a long, `day` goes, `note` is new.
fn other_schema() -> Schema {
    Schema::new(vec![
        NestedField::required(10, "id", PrimitiveType::Long),
        NestedField::optional(20, "note", PrimitiveType::String),
    ])
    .unwrap()
}

#[test]
fn a_replaced_table_is_empty_and_keeps_identity_and_history() {
    for version in VERSIONS {
        let mut table = TestTable::create(
            CreateTable::new(schema())
                .with_format_version(version)
                .with_property("owner", "ada")
                .with_property("a", "1"),
        );
        table.commit(&Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file("a"))).unwrap();
        let before = table.metadata().clone();
        table.commit(&ReplaceTable::new(CreateTable::new(other_schema()).with_property("a", "2"))).unwrap();
        let after = table.metadata();
        assert_eq!(after.table_uuid(), before.table_uuid());
        assert_eq!((after.current_snapshot_id(), after.refs().len()), (None, 0));
        assert_eq!(after.snapshot_count(), 1);
        let ids: Vec<i32> = after.current_schema().fields().iter().map(|field| field.id.0).collect();
        assert_eq!(ids, [1, 3], "`id` goes on, `note` gets an id that was never used");
        assert_eq!((after.properties()["owner"].as_str(), after.properties()["a"].as_str()), ("ada", "2"));
        assert!(after.properties().contains_key(COMMIT_STATE));
        table.commit(&Append::new(SchemaId(1)).with_file(PartitionSpecId(0), file("b"))).unwrap();
        assert_eq!(table.live().keys().collect::<Vec<_>>(), [&file("b").file_path]);
        assert_eq!(table.snapshot().parent_id, None);
        assert_eq!(table.snapshot().summary.total_records(), Some(10));
        let number = if version == FormatVersion::V1 { 0 } else { 2 };
        assert_eq!(table.snapshot().sequence_number.0, number);
        assert_eq!(table.metadata().snapshot_count(), 2);
    }
}

#[test]
fn partition_fields_that_go_on_keep_their_ids() {
    let mut table = TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)));
    let mut spec = by_id(0);
    spec.fields[0].source_ids = vec![FieldId(10)];
    let mut bucket = spec.fields[0].clone();
    bucket.name = "bucket".to_owned();
    bucket.transform = Transform::Bucket(4);
    bucket.field_id = FieldId(1001);
    spec.fields.insert(0, bucket);
    table.commit(&ReplaceTable::new(CreateTable::new(other_schema()).with_partition_spec(spec))).unwrap();
    let fields = &table.metadata().default_partition_spec().fields;
    let ids: Vec<(&str, i32)> = fields.iter().map(|field| (field.name.as_str(), field.field_id.0)).collect();
    assert_eq!(ids, [("bucket", 1001), ("id", 1000)]);
}

#[test]
fn a_missing_table_is_made_only_if_asked_for() {
    let mut table = TestTable::none();
    let replace = ReplaceTable::new(CreateTable::new(schema()));
    assert!(matches!(table.commit(&replace), Err(Refusal::NoTable)));
    table.commit(&replace.clone().or_create()).unwrap();
    assert_eq!(table.base().version.0, 1);
    table.commit(&replace.or_create()).unwrap();
    assert_eq!(table.base().version.0, 2);
}

#[test]
fn the_format_version_follows_the_replacement_but_never_back() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let of = |version| ReplaceTable::new(CreateTable::new(schema()).with_format_version(version));
    assert!(table.commit(&of(FormatVersion::V1)).unwrap_err().to_string().contains("no way back"));
    table.commit(&of(FormatVersion::V3)).unwrap();
    assert_eq!(table.metadata().format_version(), FormatVersion::V3);
    let by_property = ReplaceTable::new(CreateTable::new(schema()).with_property("format-version", "two"));
    assert!(table.commit(&by_property).unwrap_err().to_string().contains("1, 2 or 3"));
}

#[test]
fn what_cannot_be_a_table_is_refused() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let state = ReplaceTable::new(CreateTable::new(schema()).with_property(COMMIT_STATE, "{}"));
    assert!(table.commit(&state).unwrap_err().to_string().contains("kept by commits"));
    let mut spec = by_id(0);
    spec.fields[0].source_ids = vec![FieldId(99)];
    let dangling = ReplaceTable::new(CreateTable::new(schema()).with_partition_spec(spec));
    assert!(table.commit(&dangling).unwrap_err().to_string().contains("no field 99"));
    table.commit(&SetProperties::new().set("a", "b")).unwrap();
}
