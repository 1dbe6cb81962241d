//! Manifests are rewritten by partition, in every format version, beside appends, and only as far as was asked for.

use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, ManifestContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::snapshot::summary_key as key;
use datashard_spec::value::Value;

use super::*;
use crate::action::testing::{TestTable, by_id, file, schema};
use crate::action::{Append, CreateTable, DeleteFiles, SetProperties, UpdatePartitionSpec};
use crate::conflict::ConflictKind;

/// Partitioned by `id`, nothing merged along the way.
fn partitioned(version: FormatVersion) -> TestTable {
    let table = CreateTable::new(schema())
        .with_format_version(version)
        .with_partition_spec(by_id(0))
        .with_property("commit.manifest-merge.enabled", "false");
    TestTable::create(table)
}

fn in_partition(name: &str, id: i32) -> DataFile {
    file(name).with_partition(vec![Some(Value::Int(id))])
}

fn append(name: &str, id: i32) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), in_partition(name, id))
}

/// Files `f0`, `f1`, ... in partitions 0, 1, 2, 0, 1, 2, ...
fn appends(table: &mut TestTable, count: i32) {
    for number in 0..count {
        table.commit(&append(&format!("f{number}"), number % 3)).unwrap();
    }
}

#[test]
fn entries_are_regrouped_by_partition_and_stay_what_they_were() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = partitioned(version);
        appends(&mut table, 12);
        let one = table.rows()[0].manifest_length;
        // Twelve manifests whose bytes make three.
        let target = (one * 4).to_string();
        table.commit(&SetProperties::new().set("commit.manifest.target-size-bytes", target)).unwrap();
        let before = (table.live(), table.snapshot().summary.total_records());
        table.commit(&RewriteManifests::new()).unwrap();
        assert_eq!((table.live(), table.snapshot().summary.total_records()), before, "{version}");
        let rows = table.rows();
        assert_eq!(rows.len(), 3, "{version}");
        for row in &rows {
            let partitions: Vec<_> =
                table.entries(row).into_iter().map(|entry| entry.data_file.partition).collect();
            assert_eq!(partitions.len(), 4);
            assert!(partitions.windows(2).all(|pair| pair[0] == pair[1]), "{version}: {partitions:?}");
            assert_eq!((row.existing_files_count, row.added_files_count), (Some(4), Some(0)));
        }
        let summary = &table.snapshot().summary;
        assert_eq!(summary.operation().map(|operation| operation.to_string()).as_deref(), Some("replace"));
        let counts = [key::MANIFESTS_CREATED, key::MANIFESTS_KEPT, key::MANIFESTS_REPLACED];
        assert_eq!(counts.map(|key| summary.count(key)), [Some(3), Some(0), Some(12)]);
        assert_eq!(summary.count(key::ENTRIES_PROCESSED), Some(12));
    }
}

#[test]
fn what_others_append_meanwhile_is_kept_and_what_was_rewritten_is_used_again() {
    let mut table = partitioned(FormatVersion::V3);
    appends(&mut table, 6);
    let table = table.numbered(50);
    let rewrite = RewriteManifests::new();
    let first = table.attempt(&rewrite, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&first);
    other.commit(&append("theirs", 1)).unwrap();
    let mut again = other.for_operation(50);
    let earlier = TestTable::written(&first);
    assert!(again.reads(&rewrite, &earlier).is_empty(), "nothing is read again");
    let second = again.attempt(&rewrite, 2, &earlier).unwrap();
    assert!(second.manifests.iter().all(|new| new.bytes.is_empty()), "nothing is written again");
    again.adopt(&second);
    assert_eq!((again.rows().len(), again.live().len()), (2, 7));
}

#[test]
fn if_others_took_one_of_its_manifests_it_rewrites_anew() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 6);
    let table = table.numbered(50);
    let rewrite = RewriteManifests::new();
    let first = table.attempt(&rewrite, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&first);
    other.commit(&DeleteFiles::new([file("f2").file_path])).unwrap();
    let mut again = other.for_operation(50);
    let second = again.attempt(&rewrite, 2, &TestTable::written(&first)).unwrap();
    again.adopt(&second);
    assert_eq!((again.rows().len(), again.live().len()), (1, 5));
    assert!(again.live().keys().all(|path| !path.contains("/f2.")));
}

#[test]
fn only_what_was_asked_for_is_rewritten() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 4);
    table.commit(&UpdatePartitionSpec::new().remove_field("id")).unwrap();
    let spec = table.metadata().default_spec_id();
    for name in ["g0", "g1"] {
        table.commit(&Append::new(SchemaId(0)).with_file(spec, file(name))).unwrap();
    }
    let one = u64::try_from(table.rows()[0].manifest_length).unwrap();
    let count = |rewrite: &RewriteManifests| {
        let mut table = table.clone();
        let live = table.live();
        table.commit(rewrite).unwrap();
        assert_eq!(table.live(), live);
        table.rows().len()
    };
    assert_eq!(count(&RewriteManifests::new()), 2, "one for each spec");
    assert_eq!(count(&RewriteManifests::new().of_spec(spec)), 5);
    assert_eq!(count(&RewriteManifests::new().at_most_bytes(one * 5 / 2)), 5, "two of them");
    let refused = table.clone().commit(&RewriteManifests::new().smaller_than(100)).unwrap_err();
    assert!(refused.to_string().contains("no manifests are due"), "{refused}");
}

#[test]
fn b7_manifests_of_a_later_attempt_have_names_of_their_own() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 4);
    table.commit(&UpdatePartitionSpec::new().remove_field("id")).unwrap();
    let spec = table.metadata().default_spec_id();
    for name in ["g0", "g1", "g2"] {
        table.commit(&Append::new(SchemaId(0)).with_file(spec, file(name))).unwrap();
    }
    let table = table.numbered(50);
    let rewrite = RewriteManifests::new();
    let first = table.attempt(&rewrite, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&first);
    other.commit(&DeleteFiles::new([file("f2").file_path, file("g1").file_path])).unwrap();
    let mut again = other.for_operation(50);
    let second = again.attempt(&rewrite, 2, &TestTable::written(&first)).unwrap();
    let all: Vec<_> = first.manifests.iter().chain(&second.manifests).map(|new| &new.path).collect();
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (4, 4), "{all:?}");
    again.adopt(&second);
    assert_eq!(again.live().len(), 5);
}

#[test]
fn with_nothing_left_to_do_a_later_attempt_is_a_conflict() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 2);
    let table = table.numbered(50);
    let first = table.attempt(&RewriteManifests::new(), 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&first);
    other.commit(&RewriteManifests::new()).unwrap();
    let again = other.for_operation(50);
    let refusal = again.attempt(&RewriteManifests::new(), 2, &TestTable::written(&first)).unwrap_err();
    match refusal {
        Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::Requirement),
        other => panic!("{other}"),
    }
}

#[test]
fn a_manifest_that_contradicts_its_list_stops_it() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 3);
    let path = table.rows()[1].manifest_path.clone();
    let bytes = table.files[&path].clone();
    table.files.insert(path.clone(), bytes.slice(..bytes.len() / 2));
    match table.commit(&RewriteManifests::new()).unwrap_err() {
        Refusal::Corrupt { path: told, .. } => assert!(path.ends_with(&told), "{told}"),
        other => panic!("{other}"),
    }
}

#[test]
fn data_and_deletes_stay_apart() {
    let mut table = partitioned(FormatVersion::V2);
    appends(&mut table, 2);
    for number in 0..2 {
        let mut deletes = in_partition(&format!("d{number}"), 1);
        deletes.content = datashard_spec::manifest::FileContent::EqualityDeletes;
        deletes.equality_ids = vec![datashard_spec::id::FieldId(1)];
        let delta = crate::action::RowDelta::new().with_delete_file(SchemaId(0), PartitionSpecId(0), deletes);
        table.commit(&delta).unwrap();
    }
    let contents =
        |table: &TestTable| -> Vec<ManifestContent> { table.rows().iter().map(|row| row.content).collect() };
    use ManifestContent::{Data, Deletes};
    let mut data_only = table.clone();
    data_only.commit(&RewriteManifests::new()).unwrap();
    assert_eq!(contents(&data_only), [Data, Deletes, Deletes]);
    let live = table.live();
    table.commit(&RewriteManifests::new().with_delete_manifests()).unwrap();
    assert_eq!(contents(&table), [Data, Deletes]);
    assert_eq!(table.live(), live);
}
