//! Merges that appends leave to a commit of their own.

use datashard_spec::manifest::FileFormat;
use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::testing::{LOCATION, schema};
use crate::action::{CreateTable, MergeManifests, SetProperties};

/// A table with eight manifests of about 160 KB.
fn with_large_manifests(version: FormatVersion) -> TestTable {
    let create = CreateTable::new(schema()).with_format_version(version);
    let mut table =
        TestTable::create(create.with_property("write.manifest.compression-codec", "uncompressed"));
    for number in 0..8 {
        let file = |index: i32| {
            let path = format!("{LOCATION}/data/{number}-{index}.parquet");
            let bound = vec![7; 10_000];
            DataFile::new(path, FileFormat::Parquet, 10, 1_000)
                .with_lower_bounds([(datashard_spec::id::FieldId(1), bound)].into_iter().collect())
        };
        table.commit(&Append::new(SchemaId(0)).with_files(SPEC, (0..16).map(file))).unwrap();
    }
    table
}

#[test]
fn large_manifests_are_left_alone_by_appends_and_merged_by_themselves() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = with_large_manifests(version);
        assert!(MergeManifests::is_due(table.base(), &table.rows()));
        let next = table.commit(&append("a")).unwrap();
        assert!(merged(&next).is_empty());
        let (before, totals) = (table.live(), table.snapshot().summary.total_records());
        let row_ids = table.metadata().next_row_id();
        table.commit(&MergeManifests::new()).unwrap();
        assert_eq!(table.live(), before);
        assert_eq!(table.rows().len(), 2);
        let summary = &table.snapshot().summary;
        assert_eq!(summary.operation(), Some(&SnapshotOperation::Replace));
        assert_eq!(summary.total_records(), totals);
        for (key, expect) in [
            ("manifests-created", 1),
            ("manifests-kept", 1),
            ("manifests-replaced", 8),
            ("entries-processed", 128),
            ("changed-partition-count", 0),
            ("total-data-files", 129),
        ] {
            assert_eq!(summary.count(key), Some(expect), "{key}");
        }
        assert_eq!(summary.get("added-records"), None);
        assert_eq!(table.metadata().next_row_id(), row_ids);
        assert!(!MergeManifests::is_due(table.base(), &table.rows()));
    }
}

#[test]
fn nothing_is_committed_where_nothing_is_due() {
    let mut table = TestTable::plain(FormatVersion::V2);
    appends(&mut table, "a", 7);
    assert!(matches!(table.commit(&MergeManifests::new()), Err(Refusal::Rejected { .. })));
    assert!(matches!(TestTable::none().commit(&MergeManifests::new()), Err(Refusal::NoTable)));
}

#[test]
fn d10_a_merge_that_loses_to_an_append_keeps_what_was_added_and_merges_nothing_again() {
    let mut table = with_large_manifests(FormatVersion::V3);
    let first = table.attempt(&MergeManifests::new(), 1, &[]).unwrap();
    table.keep_files(&first);
    table.commit(&SetProperties::new().set("a", "b")).unwrap();
    table.commit(&append("theirs")).unwrap();
    let before = table.live();
    let earlier = written(&first);
    let reads = table.reads(&MergeManifests::new(), &earlier);
    assert!(reads.is_empty());
    let second = table.attempt(&MergeManifests::new(), 2, &earlier).unwrap();
    assert!(second.manifests[0].bytes.is_empty());
    table.adopt(&second);
    assert_eq!(table.live(), before);
    assert_eq!(table.rows().len(), 2);
}
