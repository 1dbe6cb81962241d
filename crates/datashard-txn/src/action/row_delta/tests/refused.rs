//! Row deltas that are wrong by themselves, and what they are told.

use super::*;
use crate::action::UpdateRefs;
use datashard_spec::manifest::FileFormat;

#[test]
fn nothing_to_change_is_refused() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = table(version, &["a"]);
        let reason = rejection_of(table.commit(&RowDelta::new()).unwrap_err());
        assert!(reason.contains("changes no row"), "{reason}");
    }
    let reason = rejection_of(table(FormatVersion::V3, &["a"]).commit(&delete("a", &[])).unwrap_err());
    assert!(reason.contains("a.parquet") && reason.contains("none of its rows"), "{reason}");
}

#[test]
fn each_format_version_has_its_own_deletes_and_the_refusal_says_which() {
    let mut three = TestTable::plain(FormatVersion::V3);
    let vector = three.write_vectors("p", &[("a", &[1])]).remove(0);
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = table(version, &["a"]);
        table.files.extend(three.files.clone());
        let tries = [
            (delete("a", &[1]), version == FormatVersion::V3, "write a position delete file"),
            (with_deletes(vector.clone()), version == FormatVersion::V3, "is a deletion vector"),
            (with_deletes(position_deletes("d", "a")), version == FormatVersion::V2, "deletion vectors only"),
            (with_deletes(equality_deletes("e")), version != FormatVersion::V1, "format version 1 has none"),
        ];
        for (delta, is_good, expected) in tries {
            match table.clone().commit(&delta) {
                Ok(_) => assert!(is_good, "{version}: {delta:?}"),
                Err(refusal) => {
                    let reason = rejection_of(refusal);
                    let says = reason.contains(expected) || reason.contains("format version 1 has none");
                    assert!(!is_good && says, "{version}: {reason}");
                }
            }
        }
    }
}

#[test]
fn a_row_that_the_file_does_not_have_is_refused() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let reason = rejection_of(table.commit(&delete("a", &[3, 10])).unwrap_err());
    assert!(
        reason.contains("row 10") && reason.contains("10 rows") && reason.contains("a.parquet"),
        "{reason}"
    );
    table.commit(&delete("a", &[9])).unwrap();
}

#[test]
fn rows_of_a_file_that_was_never_there_are_a_conflict_that_names_it() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let conflict = conflict_of(table.commit(&delete("typo", &[1])).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::MissingFiles, vec![path("typo")]));
    let mut empty = TestTable::plain(FormatVersion::V3);
    let conflict = conflict_of(empty.commit(&delete("a", &[1])).unwrap_err());
    assert_eq!(conflict.kind, ConflictKind::MissingFiles);
}

#[test]
fn a_file_whose_rows_are_deleted_in_two_ways_at_once_is_refused() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let vector = table.write_vectors("p", &[("a", &[1])]).remove(0);
    let both = with_deletes(vector).deleting_rows(path("a"), rows_at(&[2]));
    let reason = rejection_of(table.commit(&both).unwrap_err());
    assert!(reason.contains("p.puffin") && reason.contains("positions are given, too"), "{reason}");
}

#[test]
fn delete_files_that_lie_elsewhere_or_do_not_say_what_they_are_are_refused() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let vector = table.write_vectors("p", &[("a", &[1])]).remove(0);
    let mut elsewhere = vector.clone();
    elsewhere.file_path = "memory://other/table/p.puffin".to_owned();
    let mut nowhere = vector.clone();
    nowhere.content_offset = None;
    let mut beyond = vector.clone();
    beyond.content_size_in_bytes = Some(vector.file_size_in_bytes);
    let mut of_none = vector.clone();
    of_none.referenced_data_file = None;
    let data = file("data");
    let mut equality = equality_deletes("e");
    equality.file_format = FileFormat::Puffin;
    for (bad, expected) in [
        (elsewhere, "memory://other/table/p.puffin"),
        (nowhere, "where in it"),
        (beyond, "where in it"),
        (of_none, "of which data file"),
        (data, "holds data"),
        (equality, "holds no equality deletes"),
    ] {
        let reason = rejection_of(table.commit(&with_deletes(bad)).unwrap_err());
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_tag_takes_no_deletes() {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&UpdateRefs::new().create_tag("v1", None)).unwrap();
    let reason = rejection_of(table.commit(&delete("a", &[1]).to_branch("v1")).unwrap_err());
    assert!(reason.contains("`v1` is a tag"), "{reason}");
}

#[test]
fn counters_of_the_summary_are_not_the_callers() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let delta = delete("a", &[1]).with_summary_property("total-records", "7");
    assert!(rejection_of(table.commit(&delta).unwrap_err()).contains("total-records"));
    table.commit(&delete("a", &[1]).with_summary_property("job", "nightly")).unwrap();
    table.assert_summary(&[("job", Some("nightly"))]);
}

#[test]
fn deltas_that_differ_in_anything_that_is_written_are_told_apart() {
    use crate::operation::Operation;
    let deltas = [
        delete("a", &[1]),
        delete("a", &[2]),
        delete("b", &[1]),
        delete("a", &[1]).with_file(SCHEMA, SPEC, file("n")),
        delete("a", &[1]).with_positions_of(path("d"), path("a"), rows_at(&[3])),
        delete("a", &[1]).with_positions_of(path("d"), path("a"), rows_at(&[4])),
        delete("a", &[1]).removing_deletes(&position_deletes("d", "a")),
        delete("a", &[1]).to_branch("audit"),
        delete("a", &[1]).staged("w"),
        delete("a", &[1]).validated_from(None, IsolationLevel::Snapshot),
        delete("a", &[1]).validated_from(None, IsolationLevel::Serializable),
        delete("a", &[1]).ignoring_case(),
    ];
    let prints: std::collections::BTreeSet<_> = deltas.iter().map(Operation::fingerprint).collect();
    assert_eq!(prints.len(), deltas.len());
}
