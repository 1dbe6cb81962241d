//! What becomes of delete files whose data files go.

use datashard_spec::expr::col;

use super::*;
use crate::action::{DeleteFiles, DeleteWhere, ReplacePartitions, SetProperties};

#[test]
fn deletes_of_one_data_file_go_with_it_and_others_stay() {
    let cases = [
        (FormatVersion::V2, position_deletes("of-a", "a"), position_deletes("of-b", "b")),
        (FormatVersion::V3, vector("p", "a", 4), vector("p", "b", 44)),
    ];
    for (version, of_a, of_b) in cases {
        let mut table = plain(version, &["a", "b"]);
        table.commit(&deletes([of_a.clone(), of_b.clone()])).unwrap();
        assert_eq!(table.snapshot().summary.get("total-delete-files"), Some("2"));
        table.commit(&DeleteFiles::new([path("a")])).unwrap();
        let rows = table.rows();
        let of_deletes = rows.iter().find(|row| row.content.number() == 1).unwrap();
        let entries = table.entries(of_deletes);
        let statuses: Vec<_> =
            entries.iter().map(|e| (e.data_file.referenced_data_file.clone().unwrap(), e.status)).collect();
        assert_eq!(
            statuses,
            [(path("a"), ManifestStatus::Deleted), (path("b"), ManifestStatus::Existing)],
            "{version}"
        );
        assert_eq!(entries[1].data_sequence_number.map(|number| number.0), Some(3));
        let summary = &table.snapshot().summary;
        assert_eq!(summary.get("total-delete-files"), Some("1"));
        assert_eq!(summary.get("removed-delete-files"), Some("1"));
    }
}

#[test]
fn delete_manifests_of_other_partitions_are_not_read() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    let of_partition =
        |name: &str, data: &str, id| position_deletes(name, data).with_partition(vec![Some(Value::Int(id))]);
    table.commit(&deletes([of_partition("of-a", "a", 1)])).unwrap();
    table.commit(&deletes([of_partition("of-b", "b", 2)])).unwrap();
    assert_eq!(table.reads(&DeleteFiles::new([path("a")]), &[]).len(), 2);
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&table), ["b", "of-b"]);
}

#[test]
fn deletes_of_a_whole_partition_go_with_it_by_filter_and_by_replacement() {
    let of_partition = |name: &str, id| equality_deletes(name).with_partition(vec![Some(Value::Int(id))]);
    let table = {
        let mut table = partitioned(FormatVersion::V2);
        table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
        table.commit(&deletes([of_partition("of-1", 1), of_partition("of-2", 2)])).unwrap();
        table
    };
    let mut filtered = table.clone();
    filtered.commit(&DeleteWhere::new(col("id").equal_to(1))).unwrap();
    assert_eq!(live(&filtered), ["b", "of-2"]);
    assert_eq!(filtered.snapshot().summary.get("removed-equality-delete-files"), Some("1"));
    let mut replaced = table.clone();
    replaced.commit(&ReplacePartitions::new().with_file(SCHEMA, SPEC, of("new", 2))).unwrap();
    assert_eq!(live(&replaced), ["a", "new", "of-1"]);
    let mut named = table;
    named.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&named), ["b", "of-1", "of-2"], "a file is not its partition");
}

#[test]
fn a_whole_table_that_is_replaced_keeps_no_deletes() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let mut table = plain(version, &["a"]);
        table.commit(&deletes([equality_deletes("e")])).unwrap();
        table.commit(&ReplacePartitions::new().with_file(SCHEMA, SPEC, file("new"))).unwrap();
        assert_eq!(live(&table), ["new"]);
        assert_eq!(table.snapshot().summary.get("total-delete-files"), Some("0"));
        assert_eq!(table.snapshot().summary.get("total-equality-deletes"), Some("0"));
    }
}

/// The equality deletes of snapshot 2 reach nothing once the file of snapshot 1 is gone; those of 4 still reach the file of 3.
#[test]
fn deletes_that_reach_nothing_go_where_their_manifest_is_written_anew_anyway() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    table.commit(&deletes([equality_deletes("old"), position_deletes("of-b", "b")])).unwrap();
    table.commit(&append([file("b")])).unwrap();
    table.commit(&deletes([equality_deletes("new")])).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&table), ["b", "new", "of-b", "old"], "no manifest of deletes had to be written");
    table.commit(&append([file("c")])).unwrap();
    table.commit(&deletes([position_deletes("of-c", "c")])).unwrap();
    table.commit(&DeleteFiles::new([path("b")])).unwrap();
    assert_eq!(live(&table), ["c", "new", "of-c"], "`of-b` goes with its file, and `old` along with it");
}

#[test]
fn deletes_that_a_kept_file_needs_are_not_obsolete() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append([file("a"), file("kept")])).unwrap();
    table.commit(&deletes([equality_deletes("e"), position_deletes("of-a", "a")])).unwrap();
    table.commit(&append([file("young")])).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&table), ["e", "kept", "young"]);
}

#[test]
fn position_deletes_of_before_an_upgrade_go_with_their_data_file() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    table.commit(&deletes([position_deletes("of-a", "a"), position_deletes("of-b", "b")])).unwrap();
    table.commit(&SetProperties::new().set("format-version", "3")).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&table), ["b", "of-b"]);
    let summary = &table.snapshot().summary;
    assert_eq!(summary.get("removed-position-delete-files"), Some("1"));
    assert_eq!(summary.get("removed-dvs"), None);
}

#[test]
fn new_position_delete_files_are_refused_where_vectors_take_their_place_and_all_deletes_in_version_one() {
    let mut table = plain(FormatVersion::V3, &["a"]);
    let reason = rejected(table.commit(&deletes([position_deletes("d", "a")])).unwrap_err());
    assert!(reason.contains("deletion vectors only"), "{reason}");
    let mut table = plain(FormatVersion::V1, &["a"]);
    let reason = rejected(table.commit(&deletes([equality_deletes("e")])).unwrap_err());
    assert!(reason.contains("format version 1"), "{reason}");
}
