//! Files that are removed because all of their rows match a filter.

use datashard_spec::expr::{Predicate, col};
use datashard_spec::metadata::{ApplyContext, TableUpdate};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;

use super::*;
use crate::action::DeleteWhere;

fn of_id(id: i32) -> DeleteWhere {
    DeleteWhere::new(col("id").equal_to(id))
}

#[test]
fn whole_partitions_go_and_other_manifests_are_not_read() {
    for version in VERSIONS {
        let mut table = partitioned(version);
        table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
        table.commit(&append([of("c", 1)])).unwrap();
        table.commit(&append([of("d", 3)])).unwrap();
        assert_eq!(table.reads(&of_id(1), &[]).len(), 2);
        table.commit(&of_id(1)).unwrap();
        assert_eq!(live(&table), ["b", "d"]);
        assert_eq!(table.snapshot().summary.get("deleted-data-files"), Some("2"));
    }
}

#[test]
fn metrics_tell_where_partitions_do_not() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        table.commit(&append([ranged("low", 1, 9), ranged("high", 10, 20)])).unwrap();
        table.commit(&DeleteWhere::new(col("id").less_than(10))).unwrap();
        assert_eq!(live(&table), ["high"]);
    }
}

#[test]
fn a_file_that_may_hold_rows_of_both_kinds_is_a_conflict_that_names_it() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        table.commit(&append([ranged("low", 1, 9), ranged("mixed", 5, 15)])).unwrap();
        table.commit(&append([file("unknown"), ranged("high", 10, 20)])).unwrap();
        let refusal = table.commit(&DeleteWhere::new(col("id").less_than(10))).unwrap_err();
        let conflict = conflict(refusal);
        assert_eq!(conflict.kind, ConflictKind::PartialMatch);
        let mut files = conflict.files.clone();
        files.sort();
        assert_eq!(files, [path("mixed"), path("unknown")]);
        assert!(conflict.advice().contains("write them anew"));
        assert_eq!(live(&table).len(), 4);
    }
}

#[test]
fn a_conflict_over_many_files_names_sixteen_and_keeps_no_more() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append((0..5_000).map(|n| ranged(&format!("{n:04}"), 0, 9)))).unwrap();
    let mut loaded = crate::Loaded::default();
    let refusal = table.attempt_after(&of_id(5), 1, &[], &mut loaded).unwrap_err();
    assert_eq!(conflict(refusal).files.len(), 16);
    assert!(loaded.size_bytes() < 5_000, "{}", loaded.size_bytes());
}

#[test]
fn always_takes_everything_and_never_nothing() {
    for version in VERSIONS {
        for mut table in [TestTable::plain(version), partitioned(version)] {
            let is_plain = table.metadata().default_partition_spec().is_unpartitioned();
            let one = |name| if is_plain { file(name) } else { of(name, 7) };
            table.commit(&append([one("a"), one("b")])).unwrap();
            let never = DeleteWhere::new(Predicate::always_false());
            assert!(table.reads(&never, &[]).is_empty());
            assert_eq!(table.commit(&never).unwrap().snapshot_id, None);
            assert_eq!(live(&table).len(), 2);
            table.commit(&DeleteWhere::new(Predicate::always_true())).unwrap();
            assert!(table.live().is_empty());
        }
    }
}

/// The partition settles `id`, for which the file has no metrics; the metrics settle `day`.
#[test]
fn a_partition_and_metrics_tell_together_what_neither_tells_alone() {
    let day = FieldId(2);
    let of_days = |name: &str, id, least: i32, greatest: i32| {
        of(name, id)
            .with_value_counts([(day, 10)].into_iter().collect())
            .with_null_value_counts([(day, 0)].into_iter().collect())
            .with_lower_bounds([(day, least.to_le_bytes())].into_iter().collect())
            .with_upper_bounds([(day, greatest.to_le_bytes())].into_iter().collect())
    };
    let filter = || "id = 1 and day < '1970-01-11'".parse::<Predicate>().unwrap();
    let mut table = partitioned(FormatVersion::V2);
    table
        .commit(&append([of_days("old", 1, 0, 9), of_days("new", 1, 10, 20), of_days("other", 2, 0, 9)]))
        .unwrap();
    table.commit(&DeleteWhere::new(filter())).unwrap();
    assert_eq!(live(&table), ["new", "other"]);
    table.commit(&append([of_days("mixed", 1, 0, 20)])).unwrap();
    let conflict = conflict(table.commit(&DeleteWhere::new(filter())).unwrap_err());
    assert_eq!(conflict.files, [path("mixed")]);
}

#[test]
fn a_file_of_an_older_spec_is_told_by_its_own_partition() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let mut table = partitioned(version);
        table.commit(&append([of("old", 1), of("kept", 2)])).unwrap();
        let bucket = PartitionField::new(FieldId(1), FieldId(1001), "id_tens", Transform::Truncate(10));
        let updates = [
            TableUpdate::AddPartitionSpec { spec: PartitionSpec::new(PartitionSpecId(0), vec![bucket]) },
            TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId::LAST_ADDED },
        ];
        let base = table.base.as_mut().unwrap();
        base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
        let tens = file("tens").with_partition(vec![Some(Value::Int(0))]);
        table.commit(&Append::new(SCHEMA).with_file(PartitionSpecId(1), tens)).unwrap();
        let conflict = conflict(table.commit(&of_id(1)).unwrap_err());
        assert_eq!(conflict.files, [path("tens")], "its partition holds other rows, too");
        table.commit(&DeleteWhere::new("id >= 0 and id < 10".parse().unwrap())).unwrap();
        assert!(table.live().is_empty());
    }
}

#[test]
fn a_column_that_was_widened_or_renamed_meanwhile_is_found_by_its_id() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    let long = Schema::new(vec![
        NestedField::required(1, "key", PrimitiveType::Long),
        NestedField::optional(2, "day", PrimitiveType::Date),
    ]);
    let updates = [
        TableUpdate::AddSchema { schema: long.unwrap() },
        TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
    ];
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
    table.commit(&DeleteWhere::new(col("key").equal_to(1_i64))).unwrap();
    assert_eq!(live(&table), ["b"]);
    let reason = rejected(table.commit(&of_id(2)).unwrap_err());
    assert!(reason.contains("does not fit the table"), "{reason}");
    table.commit(&DeleteWhere::new(col("KEY").equal_to(2_i64)).ignoring_case()).unwrap();
    assert!(table.live().is_empty());
}

#[test]
fn fingerprints_differ_for_filters_that_differ() {
    let filters = [of_id(1), of_id(2), of_id(1).ignoring_case(), DeleteWhere::new(col("id").equal_to("1"))];
    let prints: std::collections::BTreeSet<Vec<u8>> = filters.iter().map(Operation::fingerprint).collect();
    assert_eq!(prints.len(), filters.len());
}
