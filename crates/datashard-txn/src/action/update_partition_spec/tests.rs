//! Changes of the partition spec, and appends that race with them.

use datashard_spec::id::SchemaId;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::Value;

use super::*;
use crate::action::testing::{TestTable, by_id, file, schema};
use crate::action::{Append, CreateTable};
use crate::conflict::ConflictKind;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn new() -> UpdatePartitionSpec {
    UpdatePartitionSpec::new()
}

fn partitioned(version: FormatVersion) -> TestTable {
    TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)).with_format_version(version))
}

fn fields(table: &TestTable) -> Vec<(String, Transform)> {
    let spec = table.metadata().default_partition_spec();
    spec.fields.iter().map(|field| (field.name.clone(), field.transform.clone())).collect()
}

#[test]
fn fields_are_added_renamed_and_removed_in_every_version() {
    for version in VERSIONS {
        let mut table = partitioned(version);
        table.commit(&new().add_field("day", Transform::Month)).unwrap();
        table.commit(&new().remove_field("id").rename_field("day_month", "month")).unwrap();
        let id = |transform| ("id".to_owned(), transform);
        let month = ("month".to_owned(), Transform::Month);
        let expect = match version {
            FormatVersion::V1 => vec![id(Transform::Void), month],
            _ => vec![month],
        };
        assert_eq!(fields(&table), expect);
        assert_eq!(table.metadata().partition_specs().len(), 3);
    }
}

#[test]
fn a_spec_that_is_there_already_is_used_again() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&new().remove_field("id")).unwrap();
    table.commit(&new().add_field("id", Transform::Identity)).unwrap();
    assert_eq!(table.metadata().default_spec_id(), PartitionSpecId(0));
    assert_eq!(table.metadata().partition_specs().len(), 2);
}

#[test]
fn a_spec_may_be_added_that_is_not_the_default() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&new().add_named_field("d", "day", Transform::Day).keeping_default()).unwrap();
    assert_eq!(table.metadata().default_spec_id(), PartitionSpecId(0));
    assert!(table.metadata().partition_spec(PartitionSpecId(1)).is_some());
}

#[test]
fn d6_fields_that_two_add_are_both_there_unless_one_asked_for_the_spec_that_it_saw() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let ours = new().add_field("id", Transform::Bucket(4));
    table.attempt(&ours, 1, &[]).unwrap();
    table.commit(&new().add_field("day", Transform::Day)).unwrap();
    let next = table.attempt(&ours, 2, &[]).unwrap();
    table.adopt(&next);
    let names: Vec<String> = fields(&table).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["day_day", "id_bucket_4"]);
    let strict = new().add_field("id", Transform::Identity).planned_on(PartitionSpecId(0));
    let Err(Refusal::Conflict(conflict)) = table.attempt(&strict, 1, &[]) else { panic!("it saw another") };
    assert_eq!(conflict.kind, ConflictKind::Requirement);
}

#[test]
fn d6_a_change_that_others_took_the_ground_from_is_a_conflict() {
    let mut table = partitioned(FormatVersion::V2);
    let ours = new().remove_field("id");
    table.commit(&ours).unwrap();
    let Err(Refusal::Conflict(conflict)) = table.attempt(&ours, 2, &[]) else { panic!("it is gone") };
    assert_eq!(conflict.kind, ConflictKind::Requirement);
    assert!(matches!(table.attempt(&ours, 1, &[]), Err(Refusal::Rejected { .. })));
}

#[test]
fn d6_an_append_that_races_with_a_change_of_the_spec_keeps_the_spec_of_its_files() {
    for version in VERSIONS {
        let mut table = partitioned(version);
        let with_value = |name: &str| file(name).with_partition(vec![Some(Value::Int(7))]);
        let ours = Append::new(SchemaId(0)).with_file(PartitionSpecId(0), with_value("ours"));
        let lost = table.attempt(&ours, 1, &[]).unwrap();
        table.keep_files(&lost);
        table.commit(&new().remove_field("id").add_field("day", Transform::Day)).unwrap();
        let next = table.attempt(&ours, 2, &TestTable::written(&lost)).unwrap();
        table.adopt(&next);
        let live: Vec<_> = table.live().into_values().collect();
        assert_eq!(live.len(), 1);
        assert_eq!(live[0].partition_spec_id, PartitionSpecId(0));
        assert_eq!(live[0].file.partition, vec![Some(Value::Int(7))]);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut table = partitioned(FormatVersion::V2);
    for (update, expect) in [
        (new(), "changes nothing"),
        (new().remove_field("absent"), "absent"),
        (new().add_field("absent", Transform::Identity), "absent"),
        (new().add_field("id", Transform::Identity), "id"),
        (new().add_field("id", Transform::Day), "day"),
    ] {
        let refusal = table.commit(&update).unwrap_err().to_string();
        assert!(refusal.contains(expect), "{refusal}");
    }
}
