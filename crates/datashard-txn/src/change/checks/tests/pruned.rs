//! Which manifests are read: those of newer snapshots that may stand against the operation, and no others.

use std::collections::BTreeSet;

use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::FileContent;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::{Tuple, Value};

use super::super::{Check, Scope};
use super::probe::{Probe, partitioned};
use super::writer::{Writer, in_partition};
use crate::action::testing::{TestTable, file};

fn filter(predicate: &Predicate) -> Scope<'_> {
    Scope::Filter { predicate, case_sensitive: true }
}

#[test]
fn manifests_of_other_partitions_and_other_contents_are_not_read() {
    let mut table = partitioned(FormatVersion::V2);
    let first = in_partition(file("first"), 1);
    let since = Writer::new("append").adding(0, first.clone()).commit(&mut table);
    for id in 1..=5 {
        Writer::new("append").adding(0, in_partition(file(&format!("f{id}")), id)).commit(&mut table);
    }
    let deletes =
        file("d").with_content(FileContent::PositionDeletes).with_partition(vec![Some(Value::Int(1))]);
    Writer::new("delete").deleting(0, deletes).commit(&mut table);
    Writer::new("delete").removing(&first).commit(&mut table);

    let reads = |check: Check<'_>| table.reads(&Probe::of(Some(since), check), &[]).len();
    assert_eq!(reads(Check::NoAddedFiles(Scope::Everything)), 5);
    let predicate = col("id").is_in([2, 3]);
    assert_eq!(reads(Check::NoAddedFiles(filter(&predicate))), 2);
    assert_eq!(reads(Check::NoRemovedFiles(filter(&predicate))), 0);
    assert_eq!(reads(Check::NoRemovedFiles(Scope::Everything)), 1);
    assert_eq!(reads(Check::NoAddedDeletes { scope: filter(&predicate), only_equality: false }), 0);
    assert_eq!(reads(Check::NoAddedDeletes { scope: Scope::Everything, only_equality: false }), 1);
    let never = Predicate::always_false();
    assert_eq!(reads(Check::NoAddedFiles(filter(&never))), 0);

    let partitions: BTreeSet<(PartitionSpecId, Tuple)> =
        [4, 9].map(|id| (PartitionSpecId(0), vec![Some(Value::Int(id))])).into();
    // Bounds of several tuples are one range: the manifest of 5 lies within.
    assert_eq!(reads(Check::NoAddedFiles(Scope::Partitions(&partitions))), 2);
    let other_spec: BTreeSet<(PartitionSpecId, Tuple)> =
        [(PartitionSpecId(3), vec![Some(Value::Int(4))])].into();
    assert_eq!(reads(Check::NoAddedFiles(Scope::Partitions(&other_spec))), 0);
}

#[test]
fn without_partition_summaries_manifests_are_read_and_files_told_apart() {
    let mut table = partitioned(FormatVersion::V2);
    let since = Writer::new("append").adding(0, in_partition(file("first"), 1)).commit(&mut table);
    let mut writer = Writer::new("append").adding(0, in_partition(file("two"), 2));
    writer.summarizes_partitions = false;
    writer.commit(&mut table);
    let predicate = col("id").equal_to(3);
    let probe = Probe::of(Some(since), Check::NoAddedFiles(filter(&predicate)));
    assert_eq!(table.reads(&probe, &[]).len(), 1);
    assert_eq!(probe.kind(&table), None);
}

#[test]
fn what_is_kept_of_a_manifest_does_not_grow_with_it() {
    let kept = |count: usize| {
        let mut table = TestTable::plain(FormatVersion::V2);
        let since = Writer::new("append").adding(0, file("first")).commit(&mut table);
        let writer = (0..count)
            .fold(Writer::new("append"), |writer, number| writer.adding(0, file(&format!("f{number:05}"))));
        writer.commit(&mut table);
        let mut loaded = crate::loaded::Loaded::default();
        let probe = Probe::of(Some(since), Check::NoAddedFiles(Scope::Everything));
        assert!(table.attempt_after(&probe, 1, &[], &mut loaded).is_err());
        loaded.size_bytes()
    };
    assert_eq!(kept(100), kept(2_000));
}
