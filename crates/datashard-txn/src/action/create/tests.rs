//! Creating tables.

use datashard_spec::schema::{NestedField, PrimitiveType};

use super::*;
use crate::action::SetProperties;
use crate::action::testing::{LOCATION, TestTable, by_id, schema};
use crate::protocol::COMMIT_STATE;

#[test]
fn a_table_is_made_as_asked_for() {
    let mut table = TestTable::none();
    let create = CreateTable::new(schema())
        .with_partition_spec(by_id(0))
        .with_property("format-version", "3")
        .with_properties([("comment".to_owned(), "orders".to_owned())])
        .with_uuid(Uuid::from_u128(9));
    table.commit(&create).unwrap();
    let metadata = table.metadata();
    assert_eq!(metadata.format_version(), FormatVersion::V3);
    assert_eq!(metadata.table_uuid(), Some(Uuid::from_u128(9)));
    assert_eq!(metadata.location(), LOCATION);
    assert_eq!(metadata.properties()["comment"], "orders");
    assert!(!metadata.properties().contains_key("format-version"));
    assert_eq!(metadata.default_partition_spec().fields.len(), 1);
    assert_eq!(metadata.last_updated_ms(), 1_000);
    assert_eq!(metadata.current_snapshot_id(), None);
    assert_eq!(table.base().version.0, 1);
}

#[test]
fn the_identity_is_the_same_in_all_attempts() {
    let table = TestTable::none();
    let create = CreateTable::new(schema());
    let [one, two] =
        [1, 2].map(|attempt| table.attempt(&create, attempt, &[]).unwrap().metadata.table_uuid());
    assert!(one.is_some());
    assert_eq!(one, two);
}

#[test]
fn d3_a_table_that_is_there_is_not_made_again() {
    let mut table = TestTable::plain(FormatVersion::V2);
    assert!(matches!(table.commit(&CreateTable::new(schema())), Err(Refusal::TableExists)));
}

#[test]
fn properties_that_are_not_the_callers_and_schemas_that_do_not_fit_are_refused() {
    let mut table = TestTable::none();
    let nanos = NestedField::required(1, "t", PrimitiveType::TimestampNs);
    for (create, expect) in [
        (CreateTable::new(schema()).with_property(COMMIT_STATE, "{}"), "kept by commits"),
        (CreateTable::new(schema()).with_property("write.metadata.compression-codec", "GZIP"), "second name"),
        (CreateTable::new(schema()).with_property("format-version", "4"), "1, 2 or 3"),
        (CreateTable::new(Schema::new(vec![nanos]).unwrap()), "version"),
        (
            CreateTable::new(schema()).with_partition_spec(PartitionSpec::new(
                PartitionSpecId(0),
                vec![datashard_spec::partition::PartitionField::new(
                    datashard_spec::id::FieldId(70),
                    datashard_spec::id::FieldId(1000),
                    "x",
                    datashard_spec::transform::Transform::Identity,
                )],
            )),
            "columns of the schema",
        ),
    ] {
        let refusal = table.commit(&create).unwrap_err().to_string();
        assert!(refusal.contains(expect), "{refusal}");
    }
    assert!(matches!(table.commit(&SetProperties::new()), Err(Refusal::NoTable)));
}

#[test]
fn tables_that_differ_have_other_fingerprints() {
    let one = CreateTable::new(schema());
    assert_ne!(one.fingerprint(), one.clone().with_property("a", "b").fingerprint());
    assert_ne!(one.fingerprint(), one.clone().with_partition_spec(by_id(0)).fingerprint());
    assert_eq!(one.fingerprint(), one.clone().fingerprint());
}
