//! Tables that were of format version 2: their position delete files count no longer where there is a deletion vector.

use super::*;
use crate::action::UpgradeFormatVersion;
use crate::refusal::Refusal;

/// Of version 3, with `a` and `b`: one position delete file of `a`, and one that may be of both.
fn upgraded() -> TestTable {
    let mut table = table(FormatVersion::V2, &["a", "b"]);
    table.commit(&with_deletes(position_deletes("of-a", "a"))).unwrap();
    let mut shared = position_deletes("shared", "a");
    shared.referenced_data_file = None;
    table.commit(&with_deletes(shared)).unwrap();
    table.commit(&UpgradeFormatVersion::to(FormatVersion::V3)).unwrap();
    table
}

fn with_their_positions(delta: RowDelta) -> RowDelta {
    delta.with_positions_of(path("of-a"), path("a"), rows_at(&[1, 2])).with_positions_of(
        path("shared"),
        path("a"),
        rows_at(&[2, 3]),
    )
}

#[test]
fn positions_of_delete_files_are_taken_over_and_what_is_of_one_file_only_is_dropped() {
    let mut table = upgraded();
    table.commit(&with_their_positions(delete("a", &[7]))).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2, 3, 7]);
    assert!(table.names().contains(&"shared".to_owned()), "it may be of `b`, too");
    assert!(!table.names().contains(&"of-a".to_owned()));
    table.assert_summary(&[
        ("added-dvs", Some("1")),
        ("removed-position-delete-files", Some("1")),
        ("added-position-deletes", Some("4")),
        ("removed-position-deletes", Some("10")),
        ("total-delete-files", Some("2")),
    ]);
    // From then on the vector is all there is to know.
    table.commit(&delete("a", &[8])).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2, 3, 7, 8]);
}

#[test]
fn positions_that_are_not_told_would_bring_rows_back_and_it_is_refused() {
    for (delta, missing) in [
        (delete("a", &[7]), "of-a.parquet"),
        (delete("a", &[7]).with_positions_of(path("of-a"), path("a"), rows_at(&[1])), "shared.parquet"),
        (delete("b", &[7]), "shared.parquet"),
    ] {
        match upgraded().commit(&delta).unwrap_err() {
            Refusal::Unsupported { operation, reason } => {
                assert_eq!(operation, "row delta");
                assert!(reason.contains(missing) && reason.contains("have to be given"), "{reason}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_vector_that_somebody_has_written_has_to_have_their_positions_too() {
    let mut table = upgraded();
    let vector = table.write_vectors("p", &[("a", &[1, 2, 3, 7])]).remove(0);
    let refusal = table.commit(&with_deletes(vector.clone())).unwrap_err();
    assert!(matches!(refusal, Refusal::Unsupported { .. }), "{refusal}");
    let told = with_deletes(vector).removing_deletes(&position_deletes("of-a", "a")).with_positions_of(
        path("shared"),
        path("a"),
        rows_at(&[2, 3]),
    );
    table.commit(&told).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2, 3, 7]);
    assert!(table.names().contains(&"shared".to_owned()) && !table.names().contains(&"of-a".to_owned()));
}

#[test]
fn a_row_that_a_position_delete_file_deletes_is_deleted_already() {
    let refusal = upgraded().commit(&with_their_positions(delete("a", &[3]))).unwrap_err();
    assert_eq!(conflict_of(refusal).kind, ConflictKind::SameRows);
}

#[test]
fn a_position_delete_file_that_comes_before_the_upgrade_that_overtakes_a_delta_is_refused() {
    let table = table(FormatVersion::V2, &["a"]);
    let mine = with_deletes(position_deletes("d", "a"));
    let refusal = table.raced(&mine, &[&UpgradeFormatVersion::to(FormatVersion::V3)]).unwrap_err();
    let text = refusal.to_string();
    assert!(text.contains("d.parquet") && text.contains("deletion vectors only"), "{text}");
}

#[test]
fn delete_files_of_before_that_reach_no_row_are_none_of_its_business() {
    let mut table = upgraded();
    // Newer than those deletes: they do not reach it.
    table.commit(&append(file("c"))).unwrap();
    table.commit(&delete("c", &[1])).unwrap();
    assert_eq!(table.deleted_rows("c"), [1]);
}
