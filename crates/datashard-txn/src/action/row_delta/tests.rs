//! Rows are deleted by position: vectors are merged with what is there, whoever wrote it, and nobody's deletes are lost or done twice.

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::snapshot::summary_key as key;

use super::*;
use crate::action::testing::{LOCATION, TestTable, file};
use crate::action::{Append, DeleteFiles, RewriteFiles, SetProperties};
use crate::conflict::ConflictKind;

fn location(name: &str) -> String {
    format!("{LOCATION}/data/{name}.parquet")
}

fn table(version: FormatVersion) -> TestTable {
    let mut table = TestTable::plain(version);
    for name in ["a", "b"] {
        table.commit(&Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))).unwrap();
    }
    table
}

fn delete(table: &TestTable, name: &str, rows: &[u64]) -> RowDelta {
    let since = table.metadata().current_snapshot_id();
    RowDelta::new()
        .deleting_rows(location(name), DeletionVector::from_positions(rows.iter().copied()).unwrap())
        .validated_from(since, IsolationLevel::Serializable)
}

/// The positions that are deleted of a data file, and the number of its vectors.
fn deleted(table: &TestTable, name: &str) -> (Vec<u64>, usize) {
    let mut positions = Vec::new();
    let mut vectors = 0;
    for row in table.rows() {
        for entry in table.entries(&row).into_iter().filter(|entry| entry.status.is_live()) {
            let vector = entry.data_file;
            if vector.referenced_data_file.as_deref() != Some(location(name).as_str()) {
                continue;
            }
            vectors += 1;
            let from = usize::try_from(vector.content_offset.unwrap()).unwrap();
            let length = usize::try_from(vector.content_size_in_bytes.unwrap()).unwrap();
            let blob = table.files[&vector.file_path].slice(from..from + length);
            let count = u64::try_from(vector.record_count).ok();
            positions.extend(DeletionVector::deserialize(&blob, count).unwrap().iter());
        }
    }
    (positions, vectors)
}

fn conflict(refusal: Refusal) -> ConflictKind {
    match refusal {
        Refusal::Conflict(conflict) => conflict.kind,
        other => panic!("{other}"),
    }
}

#[test]
fn rows_are_deleted_and_a_later_vector_takes_the_place_of_the_earlier_one() {
    let mut table = table(FormatVersion::V3);
    let first = delete(&table, "a", &[3, 5]);
    table.commit(&first).unwrap();
    assert_eq!(deleted(&table, "a"), (vec![3, 5], 1));
    let summary = &table.snapshot().summary;
    assert_eq!(
        [key::ADDED_DVS, key::ADDED_POSITION_DELETES].map(|key| summary.count(key)),
        [Some(1), Some(2)]
    );
    assert_eq!(summary.count(key::TOTAL_POSITION_DELETES), Some(2));

    let second = delete(&table, "a", &[0]);
    table.commit(&second).unwrap();
    assert_eq!(deleted(&table, "a"), (vec![0, 3, 5], 1), "one vector, of both");
    let summary = &table.snapshot().summary;
    assert_eq!([key::ADDED_DVS, key::REMOVED_DVS].map(|key| summary.count(key)), [Some(1), Some(1)]);
    assert_eq!(summary.count(key::TOTAL_POSITION_DELETES), Some(3));
    assert_eq!(deleted(&table, "b"), (Vec::new(), 0));
}

#[test]
fn deletes_of_different_rows_of_one_file_are_merged_when_others_commit_first() {
    let table = table(FormatVersion::V3).numbered(50);
    let ours = delete(&table, "a", &[1, 2]);
    let lost = table.attempt(&ours, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&delete(&table, "a", &[7])).unwrap();
    let mut again = other.for_operation(50);
    let next = again.attempt(&ours, 2, &TestTable::written(&lost)).unwrap();
    again.adopt(&next);
    assert_eq!(deleted(&again, "a"), (vec![1, 2, 7], 1));
    assert_eq!(again.snapshot().summary.count(key::TOTAL_POSITION_DELETES), Some(3));
}

#[test]
fn d7_deletes_of_the_same_rows_conflict_and_say_of_which_file() {
    let table = table(FormatVersion::V3).numbered(50);
    let ours = delete(&table, "a", &[1, 2]);
    let lost = table.attempt(&ours, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&delete(&table, "a", &[2, 7])).unwrap();
    match other.for_operation(50).attempt(&ours, 2, &TestTable::written(&lost)).unwrap_err() {
        Refusal::Conflict(conflict) => {
            assert_eq!(conflict.kind, ConflictKind::SameRows);
            assert!(conflict.files.iter().any(|file| file.contains("/a.")), "{:?}", conflict.files);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn rows_of_a_file_that_was_rewritten_or_deleted_are_a_conflict() {
    let table = table(FormatVersion::V3).numbered(50);
    let ours = delete(&table, "a", &[1]);
    let lost = table.attempt(&ours, 1, &[]).unwrap();

    let mut rewritten = table.clone().numbered(60);
    rewritten.keep_files(&lost);
    let since = rewritten.metadata().current_snapshot_id();
    let rewrite = RewriteFiles::new(since).removing([location("a")]);
    rewritten.commit(&rewrite.with_file(SchemaId(0), PartitionSpecId(0), file("a2"))).unwrap();
    let refusal = rewritten.for_operation(50).attempt(&ours, 2, &TestTable::written(&lost)).unwrap_err();
    assert_eq!(conflict(refusal), ConflictKind::MissingFiles);

    let mut removed = table.clone().numbered(60);
    removed.keep_files(&lost);
    removed.commit(&DeleteFiles::new([location("a")])).unwrap();
    let refusal = removed.for_operation(50).attempt(&ours, 2, &TestTable::written(&lost)).unwrap_err();
    assert_eq!(conflict(refusal), ConflictKind::MissingFiles);
}

#[test]
fn an_update_whose_rows_others_have_added_to_is_a_conflict_when_serializable() {
    let table = table(FormatVersion::V3).numbered(50);
    for (level, refused) in [(IsolationLevel::Serializable, true), (IsolationLevel::Snapshot, false)] {
        let since = table.metadata().current_snapshot_id();
        let ours = RowDelta::new()
            .deleting_rows(location("a"), DeletionVector::from_positions([1]).unwrap())
            .with_file(SchemaId(0), PartitionSpecId(0), file("updated"))
            .validated_from(since, level);
        let lost = table.attempt(&ours, 1, &[]).unwrap();
        let mut other = table.clone().numbered(60);
        other.keep_files(&lost);
        other.commit(&Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file("theirs"))).unwrap();
        let mut again = other.for_operation(50);
        match again.attempt(&ours, 2, &TestTable::written(&lost)) {
            Ok(next) => {
                assert!(!refused);
                again.adopt(&next);
                assert_eq!(deleted(&again, "a"), (vec![1], 1));
                assert_eq!(again.snapshot().summary.total_data_files(), Some(4));
            }
            Err(refusal) => {
                assert!(refused, "{refusal}");
                assert_eq!(conflict(refusal), ConflictKind::AddedFiles);
            }
        }
    }
}

#[test]
fn positions_need_version_3_rows_that_exist_and_files_that_are_there() {
    for version in [FormatVersion::V1, FormatVersion::V2] {
        let mut table = table(version);
        let refusal = table.commit(&delete(&table.clone(), "a", &[1])).unwrap_err();
        assert!(refusal.to_string().contains("position delete file"), "{refusal}");
    }
    let mut table = table(FormatVersion::V3);
    let beyond = delete(&table, "a", &[10]);
    let refusal = table.commit(&beyond).unwrap_err();
    assert!(refusal.to_string().contains("10"), "a file of ten rows: {refusal}");
    let missing = delete(&table, "nowhere", &[0]);
    assert!(table.commit(&missing).is_err());
    assert!(table.commit(&RowDelta::new()).unwrap_err().to_string().contains("changes no row"));
    let unknown =
        delete(&table, "a", &[0]).validated_from(Some(SnapshotId(999)), IsolationLevel::Serializable);
    assert_eq!(conflict(table.commit(&unknown).unwrap_err()), ConflictKind::HistoryLost);
}

#[test]
fn equality_deletes_and_their_rows_are_of_one_sequence_number() {
    let mut table = table(FormatVersion::V2);
    let mut deletes: DataFile = file("gone");
    deletes.content = FileContent::EqualityDeletes;
    deletes.equality_ids = vec![datashard_spec::id::FieldId(1)];
    let upsert = RowDelta::new().with_file(SchemaId(0), PartitionSpecId(0), file("new")).with_delete_file(
        SchemaId(0),
        PartitionSpecId(0),
        deletes,
    );
    table.commit(&SetProperties::new().set("x", "y")).unwrap();
    table.commit(&upsert).unwrap();
    let live = table.live();
    let number = |name: &str| live[&location(name)].data_sequence_number;
    assert_eq!(number("new"), number("gone"));
    assert!(number("gone") > number("b"));
    let summary = &table.snapshot().summary;
    assert_eq!(summary.operation().map(|operation| operation.to_string()).as_deref(), Some("overwrite"));
    assert_eq!(summary.count(key::TOTAL_EQUALITY_DELETES), Some(10));
}
