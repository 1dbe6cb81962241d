//! Equality deletes: a stream of upserts has no conflicts, and rows that come with deletes are not reached by them.

use datashard_spec::id::DataSequenceNumber;
use datashard_spec::manifest::applies::equality_delete_applies;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{DeleteFiles, Overwrite, RewriteFiles};
use crate::operation::Operation;

const VERSIONS: [FormatVersion; 2] = [FormatVersion::V2, FormatVersion::V3];

fn upsert(name: &str) -> RowDelta {
    with_deletes(equality_deletes(&format!("{name}-gone"))).with_file(SCHEMA, SPEC, file(name))
}

fn number(table: &TestTable, name: &str) -> DataSequenceNumber {
    DataSequenceNumber(table.live()[&path(name)].data_sequence_number)
}

#[test]
fn an_upsert_reaches_rows_of_before_and_not_its_own() {
    for version in VERSIONS {
        let mut table = table(version, &["a"]);
        table.commit(&upsert("b")).unwrap();
        let deletes = number(&table, "b-gone");
        assert!(equality_delete_applies(deletes, number(&table, "a")));
        assert!(!equality_delete_applies(deletes, number(&table, "b")));
        assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Overwrite));
        table.assert_summary(&[
            ("added-equality-delete-files", Some("1")),
            ("added-equality-deletes", Some("10")),
            ("added-delete-files", Some("1")),
            ("added-position-deletes", None),
            ("total-equality-deletes", Some("10")),
            ("total-position-deletes", Some("0")),
            ("total-delete-files", Some("1")),
            ("total-records", Some("20")),
        ]);
    }
}

#[test]
fn upserts_that_lost_reach_what_was_committed_before_them() {
    for version in VERSIONS {
        let table = table(version, &["a"]);
        let rewrite =
            RewriteFiles::new(head(&table)).removing([path("a")]).with_file(SCHEMA, SPEC, file("a2"));
        let theirs: [Box<dyn Operation>; 5] = [
            Box::new(upsert("theirs")),
            Box::new(append(file("theirs"))),
            Box::new(DeleteFiles::new([path("a")])),
            Box::new(rewrite),
            Box::new(
                Overwrite::new()
                    .removing([path("a")])
                    .with_file(SCHEMA, SPEC, file("theirs"))
                    .validated_from(head(&table)),
            ),
        ];
        for theirs in &theirs {
            let raced = table.raced(&upsert("mine"), &[theirs.as_ref()]).unwrap();
            let deletes = number(&raced, "mine-gone");
            assert!(!equality_delete_applies(deletes, number(&raced, "mine")));
            for (path, identity) in raced.live() {
                if identity.file.content == FileContent::Data && !path.ends_with("mine.parquet") {
                    let of = DataSequenceNumber(identity.data_sequence_number);
                    assert!(
                        equality_delete_applies(deletes, of),
                        "{version}: {path} after {}",
                        theirs.name()
                    );
                }
            }
        }
    }
}

#[test]
fn an_upsert_that_says_what_it_read_is_held_to_it() {
    for version in VERSIONS {
        let table = table(version, &["a"]);
        let mine = upsert("mine").validated_from(head(&table), IsolationLevel::Serializable);
        let conflict = conflict_of(table.raced(&mine, &[&append(file("theirs"))]).unwrap_err());
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedFiles, vec![path("theirs")]));
        let mine = upsert("mine").validated_from(head(&table), IsolationLevel::Snapshot);
        table.raced(&mine, &[&append(file("theirs"))]).unwrap();
        let conflict = conflict_of(table.raced(&mine, &[&upsert("theirs")]).unwrap_err());
        assert_eq!(conflict.kind, ConflictKind::AddedDeletes, "both may have written a row of one key");
    }
}

#[test]
fn columns_that_are_compared_are_part_of_the_schema_and_told() {
    let mut table = table(FormatVersion::V2, &["a"]);
    let by = |ids: Vec<FieldId>| {
        with_deletes(file("e").with_content(FileContent::EqualityDeletes).with_equality_ids(ids))
    };
    let reason = rejection_of(table.commit(&by(Vec::new())).unwrap_err());
    assert!(reason.contains("e.parquet") && reason.contains("does not say by which columns"), "{reason}");
    let reason = rejection_of(table.commit(&by(vec![FieldId(9)])).unwrap_err());
    assert!(reason.contains("field 9"), "{reason}");
    table.commit(&by(vec![FieldId(1), FieldId(2)])).unwrap();
}
