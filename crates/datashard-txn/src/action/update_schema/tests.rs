//! Changes of the schema, and appends that race with them.

use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::evolution::NewColumn;
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;

use super::*;
use crate::action::testing::{TestTable, by_id, file, schema};
use crate::action::{Append, CreateTable, SetProperties};
use crate::conflict::ConflictKind;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn new() -> SchemaUpdate {
    SchemaUpdate::new()
}

fn note() -> NewColumn {
    NewColumn::optional("note", PrimitiveType::String)
}

fn append(schema: i32, name: &str) -> Append {
    Append::new(SchemaId(schema)).with_file(PartitionSpecId(0), file(name))
}

fn names_of(table: &TestTable) -> Vec<String> {
    table.metadata().current_schema().fields().iter().map(|field| field.name.clone()).collect()
}

fn is_requirement(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Conflict(conflict) if conflict.kind == ConflictKind::Requirement)
}

#[test]
fn every_change_is_there_in_every_version_and_older_schemas_stay() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        let update = new()
            .add_column(note().with_doc("for people"))
            .rename_column("day", "date")
            .change_type("id", PrimitiveType::Long)
            .set_doc("id", Some("the key".to_owned()))
            .move_column("note", Position::First)
            .set_identifier_fields(["id"]);
        table.commit(&UpdateSchema::new(update)).unwrap();
        assert_eq!(names_of(&table), ["note", "id", "date"]);
        let now = table.metadata().current_schema();
        assert_eq!(now.id(), SchemaId(1));
        assert_eq!(now.field_by_name("id").unwrap().field_type, &Type::from(PrimitiveType::Long));
        assert!(now.identifier_field_ids().contains(&FieldId(1)));
        assert_eq!(table.metadata().last_column_id(), FieldId(3));
        assert!(table.metadata().schema(SchemaId(0)).is_some());
        table
            .commit(&UpdateSchema::new(
                new().delete_column("date").make_optional("id").set_identifier_fields::<&str>([]),
            ))
            .unwrap();
        assert_eq!(names_of(&table), ["note", "id"]);
        assert_eq!(table.metadata().current_snapshot_id(), None, "no snapshot is made");
    }
}

#[test]
fn defaults_and_required_columns_follow_the_format_version() {
    let column = || NewColumn::required("n", PrimitiveType::Int).with_default(Value::Int(7));
    for version in [FormatVersion::V1, FormatVersion::V2] {
        let refusal =
            TestTable::plain(version).commit(&UpdateSchema::new(new().add_column(column()))).unwrap_err();
        assert!(refusal.to_string().contains("needs format version v3"), "{refusal}");
    }
    let mut table = TestTable::plain(FormatVersion::V3);
    table.commit(&UpdateSchema::new(new().add_column(column()))).unwrap();
    table.commit(&UpdateSchema::new(new().set_write_default("n", Some(Value::Int(8))))).unwrap();
    let field = table.metadata().current_schema().field_by_name("n").unwrap().field.unwrap().clone();
    assert_eq!((field.initial_default, field.write_default), (Some(Value::Int(7)), Some(Value::Int(8))));
}

#[test]
fn another_schema_is_taken_in_by_name() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let other = Schema::new(vec![
        datashard_spec::schema::NestedField::required(70, "id", PrimitiveType::Long),
        datashard_spec::schema::NestedField::optional(71, "city", PrimitiveType::String),
    ]);
    table.commit(&UpdateSchema::new(new().union_by_name(other.unwrap()))).unwrap();
    assert_eq!(names_of(&table), ["id", "day", "city"]);
}

#[test]
fn d5_changes_of_different_columns_are_both_there() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let ours = UpdateSchema::new(new().add_column(note()).change_type("id", PrimitiveType::Long))
        .planned_on(table.metadata().current_schema().clone());
    table.attempt(&ours, 1, &[]).unwrap();
    table
        .commit(&UpdateSchema::new(
            new().add_column(NewColumn::optional("city", PrimitiveType::String)).rename_column("day", "date"),
        ))
        .unwrap();
    let next = table.attempt(&ours, 2, &[]).unwrap();
    table.adopt(&next);
    assert_eq!(names_of(&table), ["id", "date", "city", "note"]);
    let ids: Vec<i32> = table.metadata().current_schema().fields().iter().map(|field| field.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4], "the column that came second has an id of its own");
}

#[test]
fn d5_a_change_that_others_took_the_ground_from_is_a_conflict() {
    for theirs in [new().delete_column("day"), new().rename_column("day", "date")] {
        let mut table = TestTable::plain(FormatVersion::V2);
        let ours = UpdateSchema::new(new().set_doc("day", Some("of sale".to_owned())));
        table.attempt(&ours, 1, &[]).unwrap();
        table.commit(&UpdateSchema::new(theirs)).unwrap();
        let refusal = table.attempt(&ours, 2, &[]).unwrap_err();
        assert!(is_requirement(&refusal), "{refusal}");
        // Who comes with it now is wrong, and nobody was faster.
        assert!(matches!(table.attempt(&ours, 1, &[]), Err(Refusal::Rejected { .. })));
    }
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&UpdateSchema::new(new().add_column(note()))).unwrap();
    let refusal = table.attempt(&UpdateSchema::new(new().add_column(note())), 2, &[]).unwrap_err();
    assert!(is_requirement(&refusal), "{refusal}");
}

#[test]
fn d5_a_name_that_came_to_mean_another_column_is_not_dropped_instead() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let seen = table.metadata().current_schema().clone();
    table
        .commit(&UpdateSchema::new(
            new().make_optional("id").rename_column("id", "day").rename_column("day", "id"),
        ))
        .unwrap();
    let blind = UpdateSchema::new(new().delete_column("day"));
    assert!(table.attempt(&blind, 1, &[]).is_ok());
    let refusal = table.attempt(&blind.planned_on(seen), 1, &[]).unwrap_err();
    assert!(is_requirement(&refusal) && refusal.to_string().contains("another column"), "{refusal}");
}

#[test]
fn d5_an_append_that_races_with_a_change_of_the_schema_is_committed_if_its_files_fit() {
    let changes = [
        (new().add_column(note()), true),
        (new().delete_column("day"), true),
        (new().rename_column("day", "date"), true),
        (new().change_type("id", PrimitiveType::Long), true),
        (new().allow_incompatible_changes().add_column(NewColumn::required("n", PrimitiveType::Int)), false),
        (new().allow_incompatible_changes().make_required("day"), false),
    ];
    for version in VERSIONS {
        for (change, fits) in &changes {
            let mut table = TestTable::plain(version);
            table.commit(&append(0, "before")).unwrap();
            let ours = append(0, "ours");
            let lost = table.attempt(&ours, 1, &[]).unwrap();
            table.keep_files(&lost);
            table.commit(&UpdateSchema::new(change.clone())).unwrap();
            match table.attempt(&ours, 2, &TestTable::written(&lost)) {
                Ok(next) => {
                    assert!(*fits, "{change:?}");
                    table.adopt(&next);
                    assert_eq!(table.live().len(), 2);
                    assert_eq!(table.snapshot().schema_id, Some(SchemaId(1)));
                }
                Err(Refusal::Conflict(conflict)) => {
                    assert!(!fits && conflict.kind == ConflictKind::Schema, "{change:?}: {conflict}");
                }
                Err(refusal) => panic!("{change:?}: {refusal}"),
            }
        }
    }
}

#[test]
fn columns_that_partitions_or_rows_need_are_not_dropped() {
    let table = CreateTable::new(schema()).with_partition_spec(by_id(0));
    let mut table = TestTable::create(table);
    let refusal = table.commit(&UpdateSchema::new(new().delete_column("id"))).unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
    for (update, expect) in [
        (new(), "changes nothing"),
        (new().delete_column("absent"), "absent"),
        (new().add_column(NewColumn::optional("day", PrimitiveType::Int)), "day"),
        (new().change_type("day", PrimitiveType::String), "day"),
        (new().make_required("day"), "day"),
    ] {
        let refusal = table.commit(&UpdateSchema::new(update)).unwrap_err().to_string();
        assert!(refusal.contains(expect), "{refusal}");
    }
    assert_eq!(table.base().version.0, 1);
}

#[test]
fn properties_follow_the_columns_that_they_name() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let key = |column: &str| format!("write.metadata.metrics.column.{column}");
    table.commit(&SetProperties::new().set(key("id"), "full").set(key("day"), "none")).unwrap();
    table.commit(&UpdateSchema::new(new().rename_column("id", "key").delete_column("day"))).unwrap();
    let properties = table.metadata().properties();
    assert_eq!(properties.get(&key("key")).map(String::as_str), Some("full"));
    assert!(!properties.contains_key(&key("id")) && !properties.contains_key(&key("day")));
}

#[test]
fn changes_that_differ_have_different_fingerprints() {
    let seen = std::sync::Arc::new(schema());
    let all = [
        UpdateSchema::new(new().delete_column("id")),
        UpdateSchema::new(new().delete_column("day")),
        UpdateSchema::new(new().make_optional("day")),
        UpdateSchema::new(new().delete_column("day")).planned_on(seen),
    ];
    let distinct: std::collections::BTreeSet<Vec<u8>> = all.iter().map(Operation::fingerprint).collect();
    assert_eq!(distinct.len(), all.len());
}
