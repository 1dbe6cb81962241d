//! What each check finds, and what it lets pass.

use std::collections::BTreeSet;

use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::{Tuple, Value};

use super::super::{Check, RemovedFile, Scope};
use super::probe::{Probe, partitioned};
use super::writer::{Writer, in_partition, with_ids};
use crate::action::testing::{LOCATION, TestTable, file};
use crate::conflict::ConflictKind;
use crate::refusal::Refusal;

fn filter(predicate: &Predicate) -> Scope<'_> {
    Scope::Filter { predicate, case_sensitive: true }
}

/// A delete file of this content.
fn deletes(name: &str, content: FileContent) -> DataFile {
    let delete = file(name).with_content(content);
    match content {
        FileContent::EqualityDeletes => delete.with_equality_ids(vec![FieldId(1)]),
        _ => delete,
    }
}

/// A deletion vector of a data file.
fn vector(of: &DataFile) -> DataFile {
    DataFile::new(format!("{LOCATION}/data/v.puffin"), FileFormat::Puffin, 1, 100)
        .with_content(FileContent::PositionDeletes)
        .with_referenced_data_file(of.file_path.clone())
        .with_content_offset(4)
        .with_content_size_in_bytes(40)
        .with_partition(of.partition.clone())
}

fn removed(file: &DataFile, number: i64) -> RemovedFile<'_> {
    RemovedFile {
        location: &file.file_path,
        spec_id: PartitionSpecId(0),
        partition: &file.partition,
        data_sequence_number: DataSequenceNumber(number),
    }
}

/// A table with the files `one` and `two`, of ids 1 to 10 and 11 to 20, and the snapshot that has them.
fn two_files(version: FormatVersion) -> (TestTable, SnapshotId, DataFile, DataFile) {
    let mut table = TestTable::plain(version);
    let (one, two) = (with_ids(file("one"), 1, 10), with_ids(file("two"), 11, 20));
    let since = Writer::new("append").adding(0, one.clone()).adding(0, two.clone()).commit(&mut table);
    (table, since, one, two)
}

#[test]
fn added_files_are_found_by_filter_and_the_snapshot_is_named() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let (mut table, since, ..) = two_files(version);
        Writer::new("append").adding(0, with_ids(file("low"), 1, 3)).commit(&mut table);
        let second = Writer::new("overwrite").adding(0, with_ids(file("high"), 30, 40)).commit(&mut table);
        Writer::new("append").adding(0, with_ids(file("higher"), 31, 41)).commit(&mut table);
        let check = |predicate: &Predicate| {
            Probe::of(Some(since), Check::NoAddedFiles(filter(predicate))).conflict(&table)
        };
        assert_eq!(check(&col("id").equal_to(20)), None, "{version}");
        let conflict = check(&col("id").greater_than(20)).unwrap();
        assert_eq!((conflict.kind, conflict.snapshot_id), (ConflictKind::AddedFiles, Some(second)));
        assert_eq!(conflict.files, [format!("{LOCATION}/data/high.parquet")], "the oldest is told");
    }
}

#[test]
fn files_of_rewrites_and_deletions_count_as_no_additions() {
    let (mut table, since, one, _) = two_files(FormatVersion::V2);
    Writer::new("replace").removing(&one).adding(0, with_ids(file("one-again"), 1, 10)).commit(&mut table);
    Writer::new("delete").removing(&with_ids(file("two"), 11, 20)).commit(&mut table);
    assert_eq!(Probe::of(Some(since), Check::NoAddedFiles(Scope::Everything)).kind(&table), None);
}

#[test]
fn removed_files_are_found_by_filter_whoever_removed_them() {
    for label in ["overwrite", "replace", "delete"] {
        let (mut table, since, one, _) = two_files(FormatVersion::V2);
        let theirs = Writer::new(label).removing(&one).commit(&mut table);
        let check = |predicate: &Predicate| {
            Probe::of(Some(since), Check::NoRemovedFiles(filter(predicate))).kind(&table)
        };
        assert_eq!(
            check(&col("id").less_than(5)),
            Some((ConflictKind::RemovedFiles, Some(theirs))),
            "{label}"
        );
        assert_eq!(check(&col("id").greater_than(10)), None, "{label}");
    }
}

#[test]
fn names_in_a_filter_are_told_apart_by_case_if_that_is_asked_for() {
    let (mut table, since, ..) = two_files(FormatVersion::V2);
    Writer::new("append").adding(0, with_ids(file("low"), 1, 3)).commit(&mut table);
    let upper = col("ID").equal_to(2);
    let check = |case_sensitive| {
        let scope = Scope::of_filter(Some(&upper), case_sensitive);
        Probe::of(Some(since), Check::NoAddedFiles(scope)).result(&table)
    };
    assert!(matches!(check(false), Err(Refusal::Conflict(_))));
    let rejected = check(true).unwrap_err().to_string();
    assert!(rejected.contains("ID"), "{rejected}");
}

#[test]
fn data_files_exist_unless_somebody_removed_one_of_them() {
    for (label, skip_deletes, is_found) in [
        ("overwrite", false, true),
        ("overwrite", true, true),
        ("replace", true, true),
        ("delete", false, true),
        ("delete", true, false),
    ] {
        let (mut table, since, one, two) = two_files(FormatVersion::V2);
        let theirs = Writer::new(label).removing(&one).commit(&mut table);
        let check = |files: &BTreeSet<String>| {
            Probe::of(Some(since), Check::FilesExist { files, skip_deletes }).conflict(&table)
        };
        let conflict = check(&BTreeSet::from([one.file_path.clone(), two.file_path.clone()]));
        let expected =
            is_found.then_some((ConflictKind::MissingFiles, Some(theirs), vec![one.file_path.clone()]));
        assert_eq!(conflict.map(|found| (found.kind, found.snapshot_id, found.files)), expected, "{label}");
        assert_eq!(check(&BTreeSet::from([two.file_path.clone()])), None, "{label}");
    }
}

#[test]
fn an_operation_that_deletes_rows_of_a_file_it_removes_is_rejected() {
    let (table, since, one, _) = two_files(FormatVersion::V2);
    let files = BTreeSet::from([one.file_path.clone()]);
    let probe = Probe::of(Some(since), Check::KeepsFiles(&files));
    assert!(probe.result(&table).is_ok());
    let refusal = probe.removing(removed(&one, 1)).result(&table).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Rejected { reason, .. } if reason.contains("one.parquet")),
        "{refusal}"
    );
}

#[test]
fn added_deletes_are_found_by_filter_as_far_as_they_tell_what_they_delete() {
    let (mut table, since, ..) = two_files(FormatVersion::V2);
    let low = with_ids(deletes("low", FileContent::EqualityDeletes), 1, 3);
    let theirs = Writer::new("delete").deleting(0, low.clone()).commit(&mut table);
    let check = |table: &TestTable, predicate: &Predicate, only_equality| {
        Probe::of(Some(since), Check::NoAddedDeletes { scope: filter(predicate), only_equality }).kind(table)
    };
    let (here, elsewhere) = (col("id").equal_to(2), col("id").equal_to(9));
    let expected = Some((ConflictKind::AddedDeletes, Some(theirs)));
    assert_eq!(check(&table, &here, false), expected);
    assert_eq!(check(&table, &here, true), expected);
    assert_eq!(check(&table, &elsewhere, false), None, "no key that was deleted is 9");

    // The bounds of a column that is not compared are not those of the rows that are deleted.
    let (mut table, since, ..) = two_files(FormatVersion::V2);
    let by_day = low.with_equality_ids(vec![FieldId(2)]);
    Writer::new("delete").deleting(0, by_day).commit(&mut table);
    let check = Check::NoAddedDeletes { scope: filter(&elsewhere), only_equality: false };
    assert!(Probe::of(Some(since), check).kind(&table).is_some());
}

#[test]
fn position_deletes_may_be_of_any_row_of_their_partition() {
    let mut table = partitioned(FormatVersion::V2);
    let since = Writer::new("append").adding(0, in_partition(file("one"), 1)).commit(&mut table);
    let positions =
        deletes("positions", FileContent::PositionDeletes).with_partition(vec![Some(Value::Int(1))]);
    Writer::new("delete").deleting(0, positions).commit(&mut table);
    let check = |predicate: &Predicate, only_equality| {
        Probe::of(Some(since), Check::NoAddedDeletes { scope: filter(predicate), only_equality })
            .kind(&table)
            .is_some()
    };
    assert!(check(&col("id").equal_to(1), false));
    assert!(!check(&col("id").equal_to(1), true));
    assert!(!check(&col("id").equal_to(2), false));
}

#[test]
fn deletes_for_removed_files_are_found_by_what_they_reach() {
    let mut table = partitioned(FormatVersion::V2);
    let (one, two) = (in_partition(file("one"), 1), in_partition(file("two"), 2));
    let since = Writer::new("append").adding(0, one.clone()).adding(0, two.clone()).commit(&mut table);
    let equality = deletes("equality", FileContent::EqualityDeletes).with_partition(one.partition.clone());
    Writer::new("delete").deleting(0, equality).commit(&mut table);
    let check = |table: &TestTable, file: &DataFile, number, ignore_equality| {
        let check = Check::NoDeletesForRemoved { scope: Scope::Everything, ignore_equality };
        Probe::of(Some(since), check).removing(removed(file, number)).conflict(table)
    };
    let conflict = check(&table, &one, 1, false).unwrap();
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedDeletes, vec![one.file_path.clone()]));
    assert_eq!(conflict.partitions, ["id=1"]);
    assert_eq!(check(&table, &one, 1, true), None, "they reach the new files as well");
    assert_eq!(check(&table, &two, 1, false), None, "another partition");
    assert_eq!(check(&table, &one, 2, false), None, "a file of the same commit is not reached");

    let positions = deletes("positions", FileContent::PositionDeletes).with_partition(two.partition.clone());
    Writer::new("overwrite").deleting(0, positions).commit(&mut table);
    assert!(check(&table, &two, 3, true).is_some(), "position deletes reach files of the same commit");
    assert!(check(&table, &two, 4, true).is_none());
}

#[test]
fn position_deletes_that_are_for_other_files_reach_none_of_the_removed() {
    let (mut table, since, one, two) = two_files(FormatVersion::V2);
    let path = FieldId(2_147_483_546);
    let bounded = deletes("bounded", FileContent::PositionDeletes)
        .with_lower_bounds([(path, one.file_path.as_bytes())].into_iter().collect())
        .with_upper_bounds([(path, one.file_path.as_bytes())].into_iter().collect());
    Writer::new("delete").deleting(0, bounded).commit(&mut table);
    let referring =
        deletes("referring", FileContent::PositionDeletes).with_referenced_data_file(two.file_path.clone());
    let mut referred = table.clone();
    Writer::new("delete").deleting(0, referring).commit(&mut referred);
    let check = |table: &TestTable, file| {
        let check = Check::NoDeletesForRemoved { scope: Scope::Everything, ignore_equality: true };
        Probe::of(Some(since), check).removing(removed(file, 1)).kind(table).is_some()
    };
    assert!(check(&table, &one));
    assert!(!check(&table, &two));
    assert!(check(&referred, &two));
}

#[test]
fn equality_deletes_of_a_spec_without_fields_reach_every_partition() {
    use datashard_spec::metadata::TableUpdate;
    use datashard_spec::partition::PartitionSpec;
    let mut table = partitioned(FormatVersion::V2);
    let one = in_partition(file("one"), 1);
    let since = Writer::new("append").adding(0, one.clone()).commit(&mut table);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(1));
    super::probe::update(&mut table, &[TableUpdate::AddPartitionSpec { spec }]);
    Writer::new("delete").deleting(1, deletes("global", FileContent::EqualityDeletes)).commit(&mut table);
    let check = Check::NoDeletesForRemoved { scope: Scope::Everything, ignore_equality: false };
    assert!(Probe::of(Some(since), check).removing(removed(&one, 1)).kind(&table).is_some());
    let partitions: BTreeSet<(PartitionSpecId, Tuple)> = [(PartitionSpecId(0), one.partition.clone())].into();
    let scope = Scope::Partitions(&partitions);
    assert!(
        Probe::of(Some(since), Check::NoAddedDeletes { scope, only_equality: false }).kind(&table).is_some()
    );
}

#[test]
fn deletion_vectors_of_others_are_found_for_own_data_files_alone() {
    for label in ["delete", "overwrite", "replace"] {
        let (mut table, since, one, two) = two_files(FormatVersion::V3);
        let theirs = Writer::new(label).deleting(0, vector(&one)).commit(&mut table);
        let check = |file: &DataFile| {
            let files = BTreeSet::from([file.file_path.clone()]);
            Probe::of(Some(since), Check::NoAddedVectors(&files)).conflict(&table)
        };
        let conflict = check(&one).unwrap();
        assert_eq!(
            (conflict.kind, conflict.snapshot_id),
            (ConflictKind::AddedDeletes, Some(theirs)),
            "{label}"
        );
        assert_eq!(conflict.files, [one.file_path.as_str()], "the data file and not the Puffin file");
        assert_eq!(check(&two), None, "{label}");
    }
}

#[test]
fn partitions_are_equal_by_value_within_their_spec() {
    let mut table = partitioned(FormatVersion::V2);
    let since = Writer::new("append").adding(0, in_partition(file("one"), 1)).commit(&mut table);
    let theirs = Writer::new("append").adding(0, in_partition(file("more"), 1)).commit(&mut table);
    let check = |spec: i32, value: Value| {
        let partitions: BTreeSet<(PartitionSpecId, Tuple)> =
            [(PartitionSpecId(spec), vec![Some(value)])].into();
        Probe::of(Some(since), Check::NoAddedFiles(Scope::Partitions(&partitions))).conflict(&table)
    };
    let conflict = check(0, Value::Int(1)).unwrap();
    assert_eq!((conflict.snapshot_id, conflict.partitions), (Some(theirs), vec!["id=1".to_owned()]));
    assert!(check(0, Value::Long(1)).is_some(), "the column may have been widened");
    assert!(check(0, Value::Int(2)).is_none());
    assert!(check(7, Value::Int(1)).is_none(), "another spec");
}

#[test]
fn a_conflict_names_sixteen_files_and_counts_all() {
    let (mut table, since, ..) = two_files(FormatVersion::V2);
    let writer =
        (0..40).fold(Writer::new("append"), |writer, number| writer.adding(0, file(&format!("f{number}"))));
    writer.commit(&mut table);
    let conflict = Probe::of(Some(since), Check::NoAddedFiles(Scope::Everything)).conflict(&table).unwrap();
    assert_eq!(conflict.files.len(), 16);
    assert!(conflict.reason.contains("40"), "{conflict}");
}
