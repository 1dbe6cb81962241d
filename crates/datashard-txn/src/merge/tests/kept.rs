//! Every live file stays what it was: sequence numbers, snapshot, row id, spec.

#![expect(clippy::arithmetic_side_effects, reason = "counts of a test")]

use std::collections::BTreeMap;

use datashard_spec::id::FieldId;
use datashard_spec::metadata::{ApplyContext, FormatVersion, TableUpdate};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::action::testing::{Identity, by_id, file, schema};
use crate::action::{CreateTable, SetProperties};

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn log8(n: usize) -> usize {
    n.checked_ilog(8).map_or(0, |log| usize::try_from(log).unwrap())
}

/// Appends of so many files each. After each, the bounds hold; in the end, and in between, every file is what it was when it was added.
fn check(version: FormatVersion, sizes: &[usize]) {
    let create = CreateTable::new(schema()).with_format_version(version);
    let mut table = TestTable::create(create.with_property("datashard.snapshot.retention-count", "3"));
    let mut expect: BTreeMap<String, Identity> = BTreeMap::new();
    let mut rewrites: BTreeMap<String, usize> = BTreeMap::new();
    let mut files = 0;
    for (number, size) in sizes.iter().enumerate() {
        let names = (0..*size).map(|index| file(&format!("{number:04}-{index:02}")));
        let next = table.commit(&Append::new(SchemaId(0)).with_files(SPEC, names)).unwrap();
        files += size;
        let rows = &next.rows;
        for new in &next.manifests {
            let row = rows.iter().find(|row| row.manifest_path == new.row.manifest_path).unwrap();
            for entry in table.entries(row) {
                let path = entry.data_file.file_path.clone();
                if new.replaces.is_empty() {
                    let identity = Identity {
                        snapshot_id: entry.snapshot_id.unwrap(),
                        data_sequence_number: entry.data_sequence_number.unwrap().0,
                        file_sequence_number: entry.file_sequence_number.map(|number| number.0),
                        partition_spec_id: row.partition_spec_id,
                        file: entry.data_file,
                    };
                    expect.insert(path, identity);
                } else {
                    *rewrites.entry(path).or_default() += 1;
                }
            }
        }
        assert!(rows.len() <= 8 * log8(files) + 8, "{} manifests of {files} files", rows.len());
        let most = rewrites.values().max().copied().unwrap_or(0);
        assert!(most <= log8(files) + 1, "an entry of {files} was written again {most} times");
        if number % 64 == 0 {
            assert_eq!(table.live(), expect);
        }
    }
    assert_eq!(table.live(), expect);
    assert_eq!(expect.len(), files);
    assert_eq!(table.snapshot().summary.total_data_files(), Some(i64::try_from(files).unwrap()));
    if version == FormatVersion::V3 {
        assert_eq!(
            table.metadata().next_row_id(),
            i64::try_from(files * 10).unwrap(),
            "merging uses up no row ids"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn live_files_and_bounds_hold_over_random_appends(
        version in prop::sample::select(VERSIONS.to_vec()),
        sizes in prop::collection::vec(prop_oneof![4 => Just(1_usize), 1 => 1..30_usize], 1..100),
    ) {
        check(version, &sizes);
    }
}

#[test]
fn bounds_hold_for_single_files_up_to_the_third_class() {
    check(FormatVersion::V2, &[1; 520]);
}

#[test]
fn merged_entries_are_existing_and_say_all_their_numbers() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        appends(&mut table, "a", 8);
        let next = table.commit(&append("b")).unwrap();
        let [manifest] = merged(&next)[..] else { panic!("one merged manifest") };
        assert_eq!((manifest.row.existing_files_count, manifest.row.added_files_count), (Some(8), Some(0)));
        let reader = datashard_spec::avro::ManifestReader::new(&manifest.bytes).unwrap();
        for (number, entry) in reader.enumerate() {
            let entry = entry.unwrap();
            let number = i64::try_from(number).unwrap();
            assert_eq!(entry.status, datashard_spec::manifest::ManifestStatus::Existing);
            if version > FormatVersion::V1 {
                assert_eq!(entry.data_sequence_number.map(|n| n.0), Some(8 - number));
                assert_eq!(entry.file_sequence_number.map(|n| n.0), Some(8 - number));
            }
            if version == FormatVersion::V3 {
                assert_eq!(entry.data_file.first_row_id, Some((7 - number) * 10));
            }
        }
        let row = &table.rows()[1];
        assert_eq!(row.min_sequence_number.unwrap().0, if version == FormatVersion::V1 { 0 } else { 1 });
        let summary = &table.snapshot().summary;
        for (key, expect) in [("manifests-created", 2), ("manifests-kept", 0), ("manifests-replaced", 8)] {
            assert_eq!(summary.count(key), Some(expect), "{key}");
        }
    }
}

#[test]
fn deletes_merge_apart_from_data_and_reach_what_they_reached() {
    let mut table = TestTable::plain(FormatVersion::V2);
    for (name, number) in ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"].into_iter().zip(0..) {
        table.commit(&append(&format!("a{number}"))).unwrap();
        table.commit(&Change { deletes: vec![name], ..Change::default() }).unwrap();
    }
    let before = table.live();
    let next = table.commit(&append("b")).unwrap();
    let contents: Vec<ManifestContent> = merged(&next).iter().map(|new| new.row.content).collect();
    assert!(contents.contains(&ManifestContent::Deletes), "{contents:?}");
    let mut after = table.live();
    assert!(after.remove(&file("b").file_path).is_some());
    assert_eq!(after, before);
    assert_eq!(after.values().filter(|identity| delete_file(&identity.file)).count(), 8);
    for row in table.rows() {
        let deletes =
            table.entries(&row).iter().map(|entry| delete_file(&entry.data_file)).collect::<Vec<_>>();
        assert!(deletes.iter().all(|is| *is == (row.content == ManifestContent::Deletes)));
    }
}

#[test]
fn files_that_were_deleted_are_left_behind() {
    let mut table = TestTable::plain(FormatVersion::V2);
    appends(&mut table, "a", 3);
    table.commit(&Change { removes: vec!["a1"], ..Change::default() }).unwrap();
    assert_eq!(table.rows()[0].deleted_files_count, Some(1));
    appends(&mut table, "b", 7);
    // The manifest of the change has two live files: it is of the same class.
    let next = table.commit(&append("c")).unwrap();
    assert_eq!(merged(&next)[0].row.existing_files_count, Some(9));
    let paths: Vec<String> = table.live().into_keys().collect();
    assert_eq!(paths.len(), 10);
    assert!(!paths.contains(&file("a1").file_path));
    assert!(table.rows().iter().all(|row| row.deleted_files_count == Some(0)));
}

#[test]
fn a_manifest_without_live_files_is_not_listed_again() {
    let mut table = TestTable::plain(FormatVersion::V2);
    appends(&mut table, "a", 1);
    table.commit(&Change { removes: vec!["a0"], ..Change::default() }).unwrap();
    assert_eq!(table.rows().len(), 1, "the snapshot that deleted lists what it deleted");
    table.commit(&append("b")).unwrap();
    assert_eq!(table.rows().len(), 1);
    assert_eq!(table.live().len(), 1);
}

#[test]
fn manifests_of_a_spec_whose_column_was_widened_or_dropped_are_merged() {
    for dropped in [false, true] {
        let mut table = TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)));
        let of = |value: i32| {
            Append::new(SchemaId(0))
                .with_file(SPEC, file(&value.to_string()).with_partition(vec![Some(Value::Int(value))]))
        };
        (0..8).for_each(|value| drop(table.commit(&of(value)).unwrap()));
        let day = NestedField::optional(2, "day", PrimitiveType::Date);
        let id = NestedField::required(1, "id", PrimitiveType::Long);
        let after = if dropped { vec![day] } else { vec![id, day] };
        let days = PartitionField::new(FieldId(2), FieldId(1001), "d", Transform::Day);
        let updates = [
            TableUpdate::AddSchema { schema: Schema::new(after).unwrap() },
            TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
            TableUpdate::AddPartitionSpec { spec: PartitionSpec::new(SPEC, vec![days]) },
            TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId::LAST_ADDED },
        ];
        let base = table.base.as_mut().unwrap();
        base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
        let before = table.live();
        let new = Append::new(SchemaId(1))
            .with_file(PartitionSpecId(1), file("new").with_partition(vec![Some(Value::Date(3))]));
        let next = table.commit(&new).unwrap();
        assert_eq!(merged(&next)[0].replaces.len(), 8);
        let after = table.live();
        for (path, identity) in before {
            let kept = &after[&path];
            assert_eq!(
                (kept.data_sequence_number, kept.partition_spec_id),
                (identity.data_sequence_number, SPEC)
            );
            let Some(Value::Int(value)) = identity.file.partition[0] else { panic!() };
            let expect = if dropped { Value::Int(value) } else { Value::Long(value.into()) };
            assert_eq!(kept.file.partition, [Some(expect)]);
        }
    }
}

#[test]
fn tables_of_older_versions_go_on_after_an_upgrade() {
    let mut table = TestTable::plain(FormatVersion::V1);
    appends(&mut table, "a", 4);
    table.commit(&SetProperties::new().set("format-version", "2")).unwrap();
    appends(&mut table, "b", 3);
    table.commit(&SetProperties::new().set("format-version", "3")).unwrap();
    let before = table.live();
    // Row ids are given first: what is not known yet is not carried on.
    let next = table.commit(&append("c")).unwrap();
    assert!(merged(&next).is_empty());
    assert_eq!(table.metadata().next_row_id(), 80);
    let with_ids = table.live();
    let next = table.commit(&append("d")).unwrap();
    assert_eq!(merged(&next)[0].row.existing_files_count, Some(8));
    assert_eq!(table.metadata().next_row_id(), 90);
    let after = table.live();
    for (path, identity) in before {
        assert_eq!(after[&path], with_ids[&path]);
        assert_eq!(after[&path].data_sequence_number, identity.data_sequence_number);
        assert!(after[&path].file.first_row_id.is_some());
    }
}

#[test]
fn counts_that_old_lists_lack_are_counted_once_the_version_needs_them() {
    let mut table = TestTable::plain(FormatVersion::V1);
    appends(&mut table, "a", 3);
    table.commit(&Change { forgets_counts: true, ..Change::default() }).unwrap();
    table.commit(&append("b")).unwrap();
    assert_eq!(table.rows().iter().filter(|row| row.added_files_count.is_none()).count(), 3);
    table.commit(&SetProperties::new().set("format-version", "2")).unwrap();
    table.commit(&append("c")).unwrap();
    let counts: Vec<_> =
        table.rows().iter().map(|row| (row.added_files_count, row.existing_rows_count)).collect();
    assert_eq!(counts, [(Some(1), Some(0)); 5]);
    assert_eq!(table.live().len(), 5);
}

#[test]
fn tables_that_do_not_want_it_are_not_merged_and_others_choose_how_many() {
    let mut table =
        TestTable::create(CreateTable::new(schema()).with_property("commit.manifest-merge.enabled", "false"));
    appends(&mut table, "a", 30);
    assert_eq!(table.rows().len(), 30);
    for key in ["commit.manifest.min-count-to-merge", "datashard.manifest.compaction-threshold"] {
        let mut table = TestTable::create(CreateTable::new(schema()).with_property(key, "20"));
        appends(&mut table, "a", 20);
        assert_eq!(table.rows().len(), 20, "{key}");
        appends(&mut table, "b", 1);
        assert_eq!(table.rows().len(), 2, "{key}");
        assert_eq!(table.live().len(), 21);
    }
}
