//! Several operations in one commit: all or none, each on what those before it made, in every attempt anew.

use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};

use super::*;
use crate::action::testing::{LOCATION, TestTable, file};
use crate::action::{
    Append, CreateTable, DeleteFiles, RewriteManifests, RowDelta, SetProperties, UpdateRefs, UpdateSchema,
};
use crate::conflict::ConflictKind;
use crate::produced::NewManifest;

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

fn location(name: &str) -> String {
    format!("{LOCATION}/data/{name}.parquet")
}

fn names(table: &TestTable) -> Vec<String> {
    table.live().keys().map(|path| path.rsplit('/').next().unwrap().replace(".parquet", "")).collect()
}

fn equality_deletes(name: &str) -> DataFile {
    let mut deletes = file(name);
    deletes.content = FileContent::EqualityDeletes;
    deletes.equality_ids = vec![datashard_spec::id::FieldId(1)];
    deletes
}

/// Two manifests are merged whenever they are small.
fn eager(version: FormatVersion) -> TestTable {
    let table = CreateTable::new(crate::action::testing::schema())
        .with_format_version(version)
        .with_property("commit.manifest.min-count-to-merge", "2");
    TestTable::create(table)
}

#[test]
fn each_operation_sees_what_those_before_it_made() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = TestTable::plain(version);
        table.commit(&append("a")).unwrap();
        let versions = table.base().version.0;
        let note = SchemaUpdate::new().add_column(NewColumn::optional("note", PrimitiveType::String));
        let transaction = Transaction::new()
            .with(UpdateSchema::new(note))
            .with(Append::new(SchemaId(1)).with_file(PartitionSpecId(0), file("b")))
            .with(DeleteFiles::new([location("a"), location("b")]))
            .with(append("c"))
            .with(SetProperties::new().set("loaded", "yes"));
        table.commit(&transaction).unwrap();
        assert_eq!(table.base().version.0, versions + 1, "one version");
        assert_eq!(names(&table), ["c"], "{version}");
        assert_eq!(table.metadata().snapshot_count(), 4);
        assert_eq!(table.metadata().properties()["loaded"], "yes");
        assert_eq!(table.snapshot().summary.total_records(), Some(10));
    }
}

#[test]
fn nothing_is_done_if_one_of_them_is_refused_and_the_refusal_says_which() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append("a")).unwrap();
    let before = table.base().version;
    let transaction = Transaction::new().with(append("b")).with(DeleteFiles::new([location("missing")]));
    let refusal = table.commit(&transaction).unwrap_err();
    assert!(refusal.to_string().contains("operation 2 of 2"), "{refusal}");
    assert_eq!((table.base().version, names(&table)), (before, vec!["a".to_owned()]));
}

#[test]
fn two_branches_move_at_once() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append("a")).unwrap();
    let transaction = Transaction::new()
        .with(UpdateRefs::new().create_branch("audit", None))
        .with(append("b").to_branch("audit"))
        .with(append("c"));
    table.commit(&transaction).unwrap();
    assert_eq!(names(&table), ["a", "c"]);
    assert_eq!(table.rows_of("audit").len(), 2);
}

#[test]
fn all_are_applied_anew_to_what_others_left() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let mut table = TestTable::plain(version);
        table.commit(&append("a")).unwrap();
        let table = table.numbered(50);
        let transaction =
            Transaction::new().with(append("b")).with(RewriteManifests::new()).with(append("c"));
        let lost = table.attempt(&transaction, 1, &[]).unwrap();
        let mut other = table.clone().numbered(60);
        other.keep_files(&lost);
        other.commit(&append("theirs")).unwrap();
        let mut again = other.for_operation(50);
        let next = again.attempt(&transaction, 2, &TestTable::written(&lost)).unwrap();
        again.adopt(&next);
        assert_eq!(names(&again), ["a", "b", "c", "theirs"], "{version}");
        assert_eq!(again.snapshot().summary.total_data_files(), Some(4));
    }
}

#[test]
fn a_conflict_of_one_is_a_conflict_of_all() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append("a")).unwrap();
    let table = table.numbered(50);
    let transaction = Transaction::new().with(append("b")).with(DeleteFiles::new([location("a")]));
    let lost = table.attempt(&transaction, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&DeleteFiles::new([location("a")])).unwrap();
    match other.for_operation(50).attempt(&transaction, 2, &TestTable::written(&lost)).unwrap_err() {
        Refusal::Conflict(conflict) => {
            assert_eq!(conflict.kind, ConflictKind::MissingFiles);
            assert!(conflict.reason.contains("operation 2 of 2"), "{}", conflict.reason);
        }
        other => panic!("{other}"),
    }
}

/// What one member adds is listed under another sequence number in every attempt: what a later member merged of it in an earlier attempt must
/// not be used again, or equality deletes of the same transaction would reach rows that came with them.
#[test]
fn what_a_member_merged_of_another_ones_files_is_merged_anew_when_others_commit_first() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let mut table = eager(version);
        for name in ["a", "b"] {
            table.commit(&append(name)).unwrap();
        }
        let table = table.numbered(50);
        let upsert = RowDelta::new()
            .with_file(SchemaId(0), PartitionSpecId(0), file("new"))
            .with_delete_file(SchemaId(0), PartitionSpecId(0), equality_deletes("gone"));
        let transaction = Transaction::new().with(upsert).with(append("b2")).with(append("c"));
        let lost = table.attempt(&transaction, 1, &[]).unwrap();
        let merged = |new: &NewManifest| !new.replaces.is_empty();
        assert!(lost.manifests.iter().any(merged), "the last one merges what the others added");
        let mut other = table.clone().numbered(60);
        other.keep_files(&lost);
        other.commit(&SetProperties::new().set("commit.manifest-merge.enabled", "false")).unwrap();
        other.commit(&append("theirs")).unwrap();
        other.commit(&SetProperties::new().set("commit.manifest-merge.enabled", "true")).unwrap();
        let mut again = other.for_operation(50);
        let next = again.attempt(&transaction, 2, &TestTable::written(&lost)).unwrap();
        again.adopt(&next);
        let live = again.live();
        let number = |name: &str| live[&location(name)].data_sequence_number;
        assert_eq!(number("new"), number("gone"), "{version}: the rows came with the deletes");
        assert!(number("c") > number("new") && number("new") > number("theirs"));
        if version == FormatVersion::V3 {
            let ids: std::collections::BTreeSet<_> = live
                .values()
                .filter(|identity| identity.file.content == FileContent::Data)
                .map(|identity| identity.file.first_row_id)
                .collect();
            assert_eq!(ids.len(), 6, "each file has row ids of its own: {ids:?}");
        }
    }
}

#[test]
fn an_empty_transaction_and_one_that_makes_a_table_are_refused() {
    let mut table = TestTable::plain(FormatVersion::V2);
    assert!(table.commit(&Transaction::new()).unwrap_err().to_string().contains("no operations"));
    let create = Transaction::new().with(CreateTable::new(crate::action::testing::schema()));
    assert!(matches!(table.commit(&create), Err(Refusal::Rejected { .. } | Refusal::TableExists)));
}
