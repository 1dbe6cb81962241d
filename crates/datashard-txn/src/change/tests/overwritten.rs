//! Files that take the place of others.

use datashard_spec::expr::col;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{Overwrite, ReplacePartitions};
use crate::change::checks::IsolationLevel;

fn head(table: &TestTable) -> Option<datashard_spec::id::SnapshotId> {
    table.metadata().current_snapshot_id()
}

#[test]
fn named_files_are_replaced_in_every_version() {
    for version in VERSIONS {
        let mut table = plain(version, &["a", "b"]);
        let overwrite = Overwrite::new()
            .removing([path("a")])
            .with_file(SCHEMA, SPEC, file("new"))
            .validated_from(head(&table));
        table.commit(&overwrite).unwrap();
        assert_eq!(live(&table), ["b", "new"]);
        assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Overwrite));
    }
}

#[test]
fn what_others_added_is_kept_or_a_conflict_by_level() {
    for version in VERSIONS {
        let mut table = plain(version, &["a"]);
        let planned = head(&table);
        let overwrite = || {
            let new = Overwrite::new().removing([path("a")]).with_file(SCHEMA, SPEC, file("new"));
            new.validated_from(planned)
        };
        table.commit(&append([file("meanwhile")])).unwrap();
        let conflict = conflict(table.commit(&overwrite()).unwrap_err());
        assert_eq!((conflict.kind, conflict.snapshot_id), (ConflictKind::AddedFiles, head(&table)));
        assert_eq!(conflict.files, [path("meanwhile")]);
        table.commit(&overwrite().at_level(IsolationLevel::Snapshot)).unwrap();
        assert_eq!(live(&table), ["meanwhile", "new"]);
        let again = overwrite().at_level(IsolationLevel::Snapshot);
        assert_eq!(super::conflict(table.commit(&again).unwrap_err()).kind, ConflictKind::MissingFiles);
    }
}

#[test]
fn deletes_that_others_committed_for_a_replaced_file_are_a_conflict() {
    for (version, deleted) in
        [(FormatVersion::V2, position_deletes("d", "a")), (FormatVersion::V3, vector("p", "a", 4))]
    {
        let mut table = plain(version, &["a", "b"]);
        let planned = head(&table);
        table.commit(&deletes([deleted])).unwrap();
        let overwrite = |name: &str| {
            let new = Overwrite::new().removing([path(name)]).with_file(SCHEMA, SPEC, file("new"));
            new.validated_from(planned).at_level(IsolationLevel::Snapshot)
        };
        let conflict = conflict(table.commit(&overwrite("a")).unwrap_err());
        assert_eq!(conflict.kind, ConflictKind::AddedDeletes);
        table.commit(&overwrite("b")).unwrap();
    }
}

#[test]
fn an_overwrite_by_filter_replaces_what_matches() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    let overwrite = |name: &str, id| {
        Overwrite::new()
            .removing_where(col("id").equal_to(1))
            .checking_added_files()
            .with_file(SCHEMA, SPEC, of(name, id))
            .validated_from(head(&table))
    };
    let (outside, inside) = (overwrite("out", 2), overwrite("in", 1));
    let reason = rejected(table.commit(&outside).unwrap_err());
    assert!(reason.contains("out.parquet"), "{reason}");
    table.commit(&append([of("elsewhere", 2)])).unwrap();
    table.commit(&inside).unwrap();
    assert_eq!(live(&table), ["b", "elsewhere", "in"]);
}

#[test]
fn labels_follow_what_is_added_and_removed() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1)])).unwrap();
    let label = |table: &TestTable| table.snapshot().summary.operation().cloned();
    let by_filter = |id| Overwrite::new().removing_where(col("id").equal_to(id));
    let adds = by_filter(9).with_file(SCHEMA, SPEC, of("b", 9)).validated_from(head(&table));
    table.commit(&adds).unwrap();
    assert_eq!(label(&table), Some(SnapshotOperation::Append));
    table.commit(&by_filter(9).validated_from(head(&table))).unwrap();
    assert_eq!(label(&table), Some(SnapshotOperation::Delete));
    assert_eq!(live(&table), ["a"]);
}

#[test]
fn a_file_cannot_take_its_own_place() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    let by_name = Overwrite::new().removing([path("a")]).with_file(SCHEMA, SPEC, file("a"));
    let all = ReplacePartitions::new().with_file(SCHEMA, SPEC, file("a"));
    let operations: [Box<dyn Operation>; 2] = [Box::new(by_name.validated_from(head(&table))), Box::new(all)];
    for operation in operations {
        let reason = rejected(table.commit(operation.as_ref()).unwrap_err());
        assert!(reason.contains("which it also removes"), "{reason}");
    }
    assert_eq!(live(&table), ["a"]);
}

#[test]
fn an_overwrite_that_does_not_say_what_it_removes_is_refused() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    let reason = rejected(table.commit(&Overwrite::new().with_file(SCHEMA, SPEC, file("b"))).unwrap_err());
    assert!(reason.contains("removes nothing"), "{reason}");
    let unfiltered = Overwrite::new().removing([path("a")]).checking_added_files();
    assert!(rejected(table.commit(&unfiltered).unwrap_err()).contains("against a filter"));
}

#[test]
fn partitions_are_replaced_and_manifests_of_others_are_not_read() {
    for version in VERSIONS {
        let mut table = partitioned(version);
        table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
        table.commit(&append([of("c", 3)])).unwrap();
        let replace =
            ReplacePartitions::new().with_file(SCHEMA, SPEC, of("x", 2)).with_file(SCHEMA, SPEC, of("y", 2));
        assert_eq!(table.reads(&replace, &[]).len(), 1);
        table.commit(&replace).unwrap();
        assert_eq!(live(&table), ["a", "c", "x", "y"]);
        let summary = &table.snapshot().summary;
        assert_eq!(summary.get("replace-partitions"), Some("true"));
        assert_eq!(summary.operation(), Some(&SnapshotOperation::Overwrite));
        assert_eq!(summary.get("changed-partition-count"), Some("1"));
    }
}

#[test]
fn a_partition_of_null_is_a_partition() {
    let mut table = partitioned(FormatVersion::V2);
    let of_null = |name: &str| file(name).with_partition(vec![None]);
    table.commit(&append([of_null("a"), of("b", 0)])).unwrap();
    table.commit(&ReplacePartitions::new().with_file(SCHEMA, SPEC, of_null("new"))).unwrap();
    assert_eq!(live(&table), ["b", "new"]);
}

#[test]
fn a_replacement_without_a_snapshot_takes_what_others_added_and_with_one_it_is_a_conflict() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1)])).unwrap();
    let planned = head(&table);
    let replace = |name: &str| ReplacePartitions::new().with_file(SCHEMA, SPEC, of(name, 1));
    table.commit(&append([of("elsewhere", 2)])).unwrap();
    table.commit(&replace("x").validated_from(planned, IsolationLevel::Serializable)).unwrap();
    let late = replace("y").validated_from(planned, IsolationLevel::Snapshot);
    assert_eq!(conflict(table.commit(&late).unwrap_err()).kind, ConflictKind::RemovedFiles);
    table.commit(&replace("z")).unwrap();
    assert_eq!(live(&table), ["elsewhere", "z"]);
}

#[test]
fn a_replacement_that_may_only_append_conflicts_with_what_is_there() {
    let mut table = partitioned(FormatVersion::V2);
    let replace = |name: &str| ReplacePartitions::new().with_file(SCHEMA, SPEC, of(name, 1)).only_appending();
    table.commit(&replace("a")).unwrap();
    let conflict = conflict(table.commit(&replace("b")).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedFiles, vec![path("a")]));
    let reason = rejected(table.commit(&ReplacePartitions::new()).unwrap_err());
    assert!(reason.contains("adds no file"), "{reason}");
}
