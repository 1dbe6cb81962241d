//! Files that are removed by name.

use super::*;
use crate::action::{DeleteFiles, SetProperties};

#[test]
fn a_removed_file_is_told_once_and_the_others_of_its_manifest_stay_who_they_are() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        table.commit(&append([file("a"), file("b"), file("c")])).unwrap();
        table.commit(&append([file("d")])).unwrap();
        let before = table.live();
        let next = table.commit(&DeleteFiles::new([path("b")])).unwrap();
        assert_eq!(next.manifests.len(), 1, "the manifest of `d` is kept as it is");
        let number = |n| if version == FormatVersion::V1 { 0 } else { n };
        let told = told(&table);
        let own = table.snapshot().id.0;
        assert_eq!(told[&path("b")], (ManifestStatus::Deleted, own, number(1)));
        for name in ["a", "c"] {
            assert_eq!(told[&path(name)], (ManifestStatus::Existing, own - 2, number(1)), "{name}");
        }
        let mut expect = before;
        expect.remove(&path("b"));
        assert_eq!(table.live(), expect, "sequence numbers, row ids and metrics included");
        let deleted = table.entries(&table.rows()[0]).into_iter().find(|e| !e.status.is_live()).unwrap();
        let row_id = if version == FormatVersion::V3 { Some(10) } else { None };
        assert_eq!(deleted.data_file.first_row_id, row_id);

        table.commit(&append([file("e")])).unwrap();
        table.commit(&DeleteFiles::new([path("a")])).unwrap();
        assert!(!super::told(&table).contains_key(&path("b")), "of one snapshot only");
    }
}

#[test]
fn row_ids_are_not_given_anew_and_the_next_one_stays() {
    let mut table = TestTable::plain(FormatVersion::V3);
    table.commit(&append([file("a"), file("b")])).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    let snapshot = table.snapshot();
    assert_eq!((snapshot.first_row_id, snapshot.added_rows), (Some(20), Some(0)));
    assert_eq!(table.metadata().next_row_id(), 20);
    table.commit(&append([file("c")])).unwrap();
    let ids: Vec<_> = table.live().values().map(|identity| identity.file.first_row_id).collect();
    assert_eq!(ids, [Some(10), Some(20)]);
}

#[test]
fn files_of_before_an_upgrade_are_removed_and_the_others_get_row_ids() {
    let mut table = TestTable::plain(FormatVersion::V1);
    table.commit(&append([file("a"), file("b"), file("c")])).unwrap();
    table.commit(&SetProperties::new().set("format-version", "3")).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    let live = table.live();
    let ids: Vec<_> = live.values().map(|identity| identity.file.first_row_id).collect();
    assert_eq!(ids, [Some(0), Some(10)]);
    let numbers: Vec<_> = live.values().map(|identity| identity.data_sequence_number).collect();
    assert_eq!(numbers, [0, 0]);
    assert_eq!(table.snapshot().added_rows, Some(20));
    assert_eq!(told(&table)[&path("a")].0, ManifestStatus::Deleted);
}

#[test]
fn a_manifest_without_files_is_listed_by_the_snapshot_that_emptied_it_and_by_no_other() {
    for version in VERSIONS {
        let mut table = plain(version, &["a", "b"]);
        table.commit(&DeleteFiles::new([path("a")])).unwrap();
        assert_eq!(table.rows().len(), 2);
        assert_eq!(told(&table)[&path("a")].0, ManifestStatus::Deleted);
        table.commit(&DeleteFiles::new([path("b")])).unwrap();
        assert_eq!(table.rows().len(), 1);
        assert!(table.live().is_empty());
        table.commit(&append([file("c")])).unwrap();
        assert_eq!((table.rows().len(), live(&table)), (1, vec!["c".to_owned()]));
    }
}

#[test]
fn a_file_that_is_not_there_is_a_conflict_unless_it_may_be_missing() {
    let mut table = plain(FormatVersion::V2, &["a"]);
    let both = || DeleteFiles::new([path("a"), path("gone"), path("nowhere")]);
    let conflict = conflict(table.commit(&both()).unwrap_err());
    assert_eq!(conflict.kind, ConflictKind::MissingFiles);
    assert_eq!(conflict.files, [path("gone"), path("nowhere")]);
    assert_eq!(live(&table), ["a"]);
    table.commit(&both().ignoring_missing()).unwrap();
    assert!(table.live().is_empty());
    let head = table.metadata().current_snapshot_id();
    let next = table.commit(&both().ignoring_missing()).unwrap();
    assert_eq!(next.snapshot_id, None, "where nothing is to be done there is no snapshot");
    assert_eq!(table.metadata().current_snapshot_id(), head);
    let reason = rejected(table.commit(&DeleteFiles::new(Vec::<String>::new())).unwrap_err());
    assert!(reason.contains("names no file"), "{reason}");
}

#[test]
fn a_file_that_is_listed_twice_goes_everywhere() {
    let mut table = plain(FormatVersion::V2, &["a", "a", "b"]);
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(live(&table), ["b"]);
}

#[test]
fn manifests_of_no_length_and_of_unknown_counts_are_kept() {
    // Eight small manifests would be merged by an append; what a list says of their lengths is for nobody to rely on.
    let mut table = plain(FormatVersion::V1, &["a", "b", "c", "d", "e", "f", "g"]);
    table.commit(&append([file("h"), file("i")])).unwrap();
    let change = crate::change::tests::deletes([]);
    let list: Vec<_> = table
        .rows()
        .into_iter()
        .map(|mut row| {
            row.manifest_length = 0;
            row
        })
        .collect();
    let merges = crate::merge::Merges::none(table.base(), &list);
    assert!(merges.is_empty() && merges.reads(&list).is_empty());
    assert_eq!(change.files.len(), 0);
    table.commit(&SetProperties::new().set("format-version", "2")).unwrap();
    table.commit(&DeleteFiles::new([path("h")])).unwrap();
    assert_eq!(live(&table), ["a", "b", "c", "d", "e", "f", "g", "i"]);
}

#[test]
fn fingerprints_differ_for_operations_that_differ() {
    let a = DeleteFiles::new([path("a")]);
    let others = [
        DeleteFiles::new([path("b")]),
        DeleteFiles::new([path("a"), path("b")]),
        DeleteFiles::new([path("a")]).ignoring_missing(),
        DeleteFiles::new([path("a")]).to_branch("b"),
        DeleteFiles::new([path("a")]).staged("w"),
    ];
    assert_eq!(a.fingerprint(), a.clone().fingerprint());
    for other in others {
        assert_ne!(a.fingerprint(), other.fingerprint(), "{other:?}");
    }
}
