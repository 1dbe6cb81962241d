//! Snapshots of writers who tell little, or something else than they did.

use std::collections::BTreeSet;

use datashard_spec::expr::col;
use datashard_spec::manifest::FileContent;
use datashard_spec::metadata::FormatVersion;

use super::super::{Check, Scope};
use super::probe::Probe;
use super::writer::{Summarized, Writer, with_ids};
use crate::action::testing::{TestTable, file};
use crate::conflict::ConflictKind;

#[test]
fn an_operation_that_nobody_knows_may_have_done_anything() {
    for (label, summarized) in [
        ("compact", Summarized::Counted),
        ("compact", Summarized::Uncounted),
        ("Append", Summarized::Counted),
        ("append", Summarized::Silent),
    ] {
        let mut table = TestTable::plain(FormatVersion::V2);
        let one = with_ids(file("one"), 1, 10);
        let since = Writer::new("append").adding(0, one.clone()).commit(&mut table);
        let theirs = Writer::new(label)
            .removing(&one)
            .adding(0, with_ids(file("two"), 1, 10))
            .deleting(0, file("deletes").with_content(FileContent::PositionDeletes))
            .summarized(summarized)
            .commit(&mut table);
        let files = BTreeSet::from([one.file_path.clone()]);
        for (check, kind) in [
            (Check::NoAddedFiles(Scope::Everything), ConflictKind::AddedFiles),
            (Check::NoRemovedFiles(Scope::Everything), ConflictKind::RemovedFiles),
            (Check::FilesExist { files: &files, skip_deletes: true }, ConflictKind::MissingFiles),
            (
                Check::NoAddedDeletes { scope: Scope::Everything, only_equality: false },
                ConflictKind::AddedDeletes,
            ),
        ] {
            let found = Probe::of(Some(since), check.clone()).kind(&table);
            assert_eq!(found, Some((kind, Some(theirs))), "{label} {summarized:?} {check:?}");
        }
        // What its manifests rule out is no conflict.
        let elsewhere = col("id").equal_to(77);
        let scope = Scope::Filter { predicate: &elsewhere, case_sensitive: true };
        for check in [Check::NoAddedFiles(scope), Check::NoRemovedFiles(scope)] {
            assert_eq!(Probe::of(Some(since), check).kind(&table), None, "{label} {summarized:?}");
        }
    }
}

#[test]
fn a_summary_that_contradicts_its_operation_is_not_believed() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let one = file("one");
    let since = Writer::new("append").adding(0, one.clone()).commit(&mut table);
    Writer::new("append").removing(&one).adding(0, file("two")).commit(&mut table);
    assert!(Probe::of(Some(since), Check::NoRemovedFiles(Scope::Everything)).kind(&table).is_some());
    let since = table.snapshot().id;
    Writer::new("delete").adding(0, file("three")).commit(&mut table);
    assert!(Probe::of(Some(since), Check::NoAddedFiles(Scope::Everything)).kind(&table).is_some());
    let since = table.snapshot().id;
    Writer::new("append")
        .deleting(0, file("d").with_content(FileContent::PositionDeletes))
        .commit(&mut table);
    let check = Check::NoAddedDeletes { scope: Scope::Everything, only_equality: false };
    assert!(Probe::of(Some(since), check).kind(&table).is_some());
}

#[test]
fn files_that_vanish_without_an_entry_stand_against_all_that_must_not_be_removed() {
    for summarized in [Summarized::Counted, Summarized::Uncounted, Summarized::Silent] {
        let mut table = TestTable::plain(FormatVersion::V2);
        let (one, two) = (with_ids(file("one"), 1, 10), with_ids(file("two"), 11, 20));
        let since = Writer::new("append").adding(0, one.clone()).adding(0, two.clone()).commit(&mut table);
        let mut writer = Writer::new("delete").removing(&one).summarized(summarized);
        writer.tells = false;
        let theirs = writer.commit(&mut table);
        let files = BTreeSet::from([two.file_path.clone()]);
        let elsewhere = col("id").equal_to(15);
        let scope = Scope::Filter { predicate: &elsewhere, case_sensitive: true };
        for check in [Check::NoRemovedFiles(scope), Check::FilesExist { files: &files, skip_deletes: false }]
        {
            let conflict = Probe::of(Some(since), check).conflict(&table).unwrap();
            assert_eq!(conflict.kind, ConflictKind::RemovedFiles, "{summarized:?}");
            assert_eq!(conflict.snapshot_id, Some(theirs));
            assert!(conflict.reason.contains("does not tell which"), "{conflict}");
        }
        assert_eq!(Probe::of(Some(since), Check::NoAddedFiles(Scope::Everything)).kind(&table), None);
    }
}

#[test]
fn a_writer_that_tells_by_entries_alone_is_understood() {
    for summarized in [Summarized::Uncounted, Summarized::Silent] {
        let mut table = TestTable::plain(FormatVersion::V2);
        let (one, two) = (with_ids(file("one"), 1, 10), with_ids(file("two"), 11, 20));
        let since = Writer::new("append").adding(0, one.clone()).adding(0, two.clone()).commit(&mut table);
        Writer::new("delete").removing(&one).summarized(summarized).commit(&mut table);
        let elsewhere = col("id").equal_to(15);
        let scope = Scope::Filter { predicate: &elsewhere, case_sensitive: true };
        assert_eq!(Probe::of(Some(since), Check::NoRemovedFiles(scope)).kind(&table), None, "{summarized:?}");
    }
}

#[test]
fn lists_of_version_1_without_counts_are_counted() {
    let commit = |tells: bool, summarized: Summarized| {
        let mut table = TestTable::plain(FormatVersion::V1);
        let (one, two) = (with_ids(file("one"), 1, 10), with_ids(file("two"), 11, 20));
        let since = Writer::new("append").adding(0, one.clone()).adding(0, two.clone()).commit(&mut table);
        let mut writer = Writer::new("delete").removing(&one).summarized(summarized);
        (writer.tells, writer.counts) = (tells, false);
        writer.commit(&mut table);
        let elsewhere = col("id").equal_to(15);
        let scope = Scope::Filter { predicate: &elsewhere, case_sensitive: true };
        Probe::of(Some(since), Check::NoRemovedFiles(scope)).kind(&table).map(|(kind, _)| kind)
    };
    assert_eq!(commit(true, Summarized::Counted), None);
    assert_eq!(commit(false, Summarized::Counted), Some(ConflictKind::RemovedFiles));
    assert_eq!(commit(true, Summarized::Uncounted), Some(ConflictKind::RemovedFiles), "nothing tells");
}
