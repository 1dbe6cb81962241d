//! Files with the same rows in the place of others.

use datashard_spec::id::{DataSequenceNumber, SnapshotId};
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{DeleteFiles, RewriteFiles};

fn planned(table: &TestTable) -> RewriteFiles {
    RewriteFiles::new(table.metadata().current_snapshot_id())
}

fn merging(table: &TestTable) -> RewriteFiles {
    planned(table).removing([path("a"), path("b")]).with_file(SCHEMA, SPEC, file("ab"))
}

#[test]
fn a_compaction_replaces_files_in_every_version_and_keeps_what_others_append() {
    for version in VERSIONS {
        let mut table = plain(version, &["a", "b", "c"]);
        let compaction = merging(&table);
        table.commit(&append([file("meanwhile")])).unwrap();
        table.commit(&compaction).unwrap();
        assert_eq!(live(&table), ["ab", "c", "meanwhile"]);
        assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Replace));
        let number = if version == FormatVersion::V1 { 0 } else { 5 };
        assert_eq!(table.live()[&path("ab")].data_sequence_number, number);
    }
}

#[test]
fn a_kept_sequence_number_is_explicit_and_counts_for_the_manifest() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let mut table = plain(version, &["a", "b", "c"]);
        table.commit(&merging(&table).with_data_sequence_number(DataSequenceNumber(2))).unwrap();
        let identity = table.live()[&path("ab")].clone();
        assert_eq!((identity.data_sequence_number, identity.file_sequence_number), (2, Some(4)));
        let row = table
            .rows()
            .into_iter()
            .find(|row| row.added_files_count == Some(1) && row.sequence_number.is_some_and(|n| n.0 == 4))
            .unwrap();
        assert_eq!(row.min_sequence_number.map(|number| number.0), Some(2));
    }
    let mut table = plain(FormatVersion::V1, &["a", "b"]);
    table.commit(&merging(&table).with_data_sequence_number(DataSequenceNumber(0))).unwrap();
    assert_eq!(live(&table), ["ab"]);
}

#[test]
fn a_sequence_number_that_would_bring_rows_back_or_take_them_is_refused() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    for number in [-1, 3] {
        let rewrite = merging(&table).with_data_sequence_number(DataSequenceNumber(number));
        let reason = rejected(table.commit(&rewrite).unwrap_err());
        assert!(reason.contains("the table's last is 2"), "{reason}");
    }
    // Deletes between 1 and 2 did not reach `b`, which is of 2.
    let rewrite = merging(&table).with_data_sequence_number(DataSequenceNumber(1));
    let reason = rejected(table.commit(&rewrite).unwrap_err());
    assert!(reason.contains("removes data files of number 2"), "{reason}");
}

#[test]
fn equality_deletes_of_others_conflict_unless_they_reach_the_new_files() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    let (anew, keeps) = (merging(&table), merging(&table).with_data_sequence_number(DataSequenceNumber(2)));
    let later = merging(&table).with_data_sequence_number(DataSequenceNumber(3));
    table.commit(&deletes([equality_deletes("e")])).unwrap();
    for rewrite in [anew, later] {
        let conflict = conflict(table.commit(&rewrite).unwrap_err());
        assert_eq!(
            conflict.kind,
            ConflictKind::AddedDeletes,
            "the number is newer than those deletes: {rewrite:?}"
        );
        assert_eq!(conflict.snapshot_id, table.metadata().current_snapshot_id());
    }
    table.commit(&keeps).unwrap();
    assert_eq!(live(&table), ["ab", "e"]);
}

#[test]
fn position_deletes_of_others_conflict_whatever_the_number() {
    for (version, deleted) in
        [(FormatVersion::V2, position_deletes("d", "a")), (FormatVersion::V3, vector("p", "a", 4))]
    {
        let mut table = plain(version, &["a", "b"]);
        let keeps = merging(&table).with_data_sequence_number(DataSequenceNumber(2));
        table.commit(&deletes([deleted])).unwrap();
        assert_eq!(conflict(table.commit(&keeps).unwrap_err()).kind, ConflictKind::AddedDeletes);
    }
}

#[test]
fn a_file_that_others_removed_is_a_conflict() {
    for version in VERSIONS {
        let mut table = plain(version, &["a", "b"]);
        let compaction = merging(&table);
        table.commit(&DeleteFiles::new([path("a")])).unwrap();
        let conflict = conflict(table.commit(&compaction).unwrap_err());
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::MissingFiles, vec![path("a")]));
    }
}

#[test]
fn a_history_that_is_not_there_is_a_conflict() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    let rewrite = RewriteFiles::new(Some(SnapshotId(77))).removing([path("a")]);
    let refusal = table.commit(&rewrite.with_file(SCHEMA, SPEC, file("new"))).unwrap_err();
    assert_eq!(conflict(refusal).kind, ConflictKind::HistoryLost);
}

#[test]
fn what_would_add_or_delete_rows_is_refused() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    table.commit(&deletes([position_deletes("d", "a")])).unwrap();
    let base = || planned(&table);
    let cases = [
        (base(), "removes nothing"),
        (
            base().removing_deletes(&position_deletes("d", "a")).with_file(SCHEMA, SPEC, file("n")),
            "rows would be added",
        ),
        (
            base().removing([path("a")]).with_delete_file(SCHEMA, SPEC, position_deletes("n", "a")),
            "rows would be deleted",
        ),
        (
            base().removing_deletes(&position_deletes("d", "a")).with_delete_file(
                SCHEMA,
                SPEC,
                equality_deletes("e"),
            ),
            "equality deletes",
        ),
        (
            base().removing([path("a")]).removing_deletes(&position_deletes("d", "a")).with_delete_file(
                SCHEMA,
                SPEC,
                position_deletes("n", "a"),
            ),
            "of which it also deletes rows",
        ),
    ];
    for (rewrite, expect) in cases {
        let reason = rejected(table.clone().commit(&rewrite).unwrap_err());
        assert!(reason.contains(expect), "{reason}");
    }
    assert_eq!(live(&table), ["a", "d"]);
}

#[test]
fn delete_files_are_rewritten_and_data_stays() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    table.commit(&deletes([position_deletes("d1", "a"), position_deletes("d2", "a")])).unwrap();
    let rewrite = planned(&table)
        .removing_deletes(&position_deletes("d1", "a"))
        .removing_deletes(&position_deletes("d2", "a"))
        .with_delete_file(SCHEMA, SPEC, position_deletes("d", "a"));
    table.commit(&rewrite).unwrap();
    assert_eq!(live(&table), ["a", "d"]);
    assert_eq!(conflict(table.commit(&rewrite).unwrap_err()).kind, ConflictKind::MissingFiles);
}

#[test]
fn a_data_file_never_gets_two_deletion_vectors() {
    let mut table = plain(FormatVersion::V3, &["a", "b"]);
    table.commit(&deletes([vector("p", "a", 4), vector("p", "b", 44)])).unwrap();
    let rewrite = |removed: DataFile, added: DataFile| {
        planned(&table).removing_deletes(&removed).with_delete_file(SCHEMA, SPEC, added)
    };
    let second = rewrite(vector("p", "a", 4), vector("q", "b", 4));
    let conflict = conflict(table.clone().commit(&second).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedDeletes, vec![path("b")]));
    let other = rewrite(vector("p", "a", 4), vector("q", "a", 4));
    table.commit(&other).unwrap();
    assert_eq!(table.snapshot().summary.get("total-delete-files"), Some("2"));
    assert_eq!(table.snapshot().summary.get("removed-dvs"), Some("1"));
}

#[test]
fn deletes_for_a_data_file_that_others_removed_are_a_conflict() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    table.commit(&deletes([position_deletes("d", "b")])).unwrap();
    let rewrite = planned(&table).removing_deletes(&position_deletes("d", "b")).with_delete_file(
        SCHEMA,
        SPEC,
        position_deletes("n", "a"),
    );
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(conflict(table.commit(&rewrite).unwrap_err()).kind, ConflictKind::MissingFiles);
}
