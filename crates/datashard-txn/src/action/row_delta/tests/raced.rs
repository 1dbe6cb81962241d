//! Deletes of rows against what others committed meanwhile: different rows of one file commute, the same ones do not.

use datashard_spec::expr::col;

use super::*;
use crate::action::{DeleteFiles, Overwrite, RewriteFiles, SetProperties, UpdateSchema};
use crate::operation::Operation;
use crate::refusal::Refusal;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};

const LEVELS: [IsolationLevel; 2] = [IsolationLevel::Snapshot, IsolationLevel::Serializable];

fn rewrite(table: &TestTable, from: &str, to: &str) -> RewriteFiles {
    RewriteFiles::new(head(table)).removing([path(from)]).with_file(SCHEMA, SPEC, file(to))
}

fn overwrite(table: &TestTable, from: &str, to: &str) -> Overwrite {
    let new = Overwrite::new().removing([path(from)]).with_file(SCHEMA, SPEC, file(to));
    new.validated_from(head(table))
}

fn refused(table: &TestTable, mine: &RowDelta, theirs: &dyn Operation) -> Refusal {
    match table.raced(mine, &[theirs]) {
        Ok(_) => panic!("{mine:?} was not refused"),
        Err(refusal) => refusal,
    }
}

#[test]
fn different_rows_that_two_delete_of_one_file_are_both_deleted() {
    for level in LEVELS {
        let table = table(FormatVersion::V3, &["a", "b"]);
        let mine = delete("a", &[1, 3]).validated_from(head(&table), level);
        let theirs = delete("a", &[2]).deleting_rows(path("b"), rows_at(&[7]));
        let raced = table.raced(&mine, &[&theirs]).unwrap();
        assert_eq!(raced.deleted_rows("a"), [1, 2, 3], "{level:?}");
        assert_eq!(raced.deleted_rows("b"), [7]);
        raced.assert_summary(&[
            ("added-position-deletes", Some("3")),
            ("removed-position-deletes", Some("1")),
            ("total-position-deletes", Some("4")),
            ("total-delete-files", Some("2")),
        ]);
        let puffins = raced.written_paths();
        let own = |path: &&String| path.contains("0001f4-a") && path.ends_with(".puffin");
        let attempts = puffins.iter().filter(own).count();
        assert_eq!(attempts, 2, "each attempt writes vectors of its own: {puffins:?}");
    }
}

#[test]
fn several_in_a_row_are_all_taken_over() {
    let table = table(FormatVersion::V3, &["a"]);
    let theirs: Vec<RowDelta> = (2..9).map(|row| delete("a", &[row])).collect();
    let theirs: Vec<&dyn Operation> = theirs.iter().map(|delta| -> &dyn Operation { delta }).collect();
    let raced = table.raced(&delete("a", &[0, 9]), &theirs).unwrap();
    assert_eq!(raced.deleted_rows("a"), [0, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_same_row_that_two_delete_is_a_conflict_at_every_level_and_without_one() {
    let table = table(FormatVersion::V3, &["a", "b"]);
    let plain = || delete("b", &[0]).deleting_rows(path("a"), rows_at(&[1, 3]));
    let levels = LEVELS.map(|level| plain().validated_from(head(&table), level));
    for mine in levels.into_iter().chain([plain()]) {
        let conflict = conflict_of(refused(&table, &mine, &delete("a", &[3, 4])));
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::SameRows, vec![path("a")]));
        assert_eq!(conflict.snapshot_id, Some(SnapshotId(600)), "the vector that has the row");
    }
}

#[test]
fn an_update_of_a_row_that_others_updated_is_a_conflict() {
    let table = table(FormatVersion::V3, &["a"]);
    let update = |name: &str| delete("a", &[3]).with_file(SCHEMA, SPEC, file(name));
    let conflict = conflict_of(refused(&table, &update("mine"), &update("theirs")));
    assert_eq!(conflict.kind, ConflictKind::SameRows);
}

#[test]
fn a_file_that_others_rewrote_or_removed_is_a_conflict_and_names_their_snapshot_if_the_start_is_known() {
    let table = table(FormatVersion::V3, &["a", "b"]);
    let theirs: [Box<dyn Operation>; 3] = [
        Box::new(rewrite(&table, "a", "a2")),
        Box::new(DeleteFiles::new([path("a")])),
        Box::new(overwrite(&table, "a", "o")),
    ];
    for theirs in &theirs {
        let conflict = conflict_of(refused(&table, &delete("a", &[1]), theirs.as_ref()));
        assert_eq!((conflict.kind, &*conflict.files), (ConflictKind::MissingFiles, &[path("a")][..]));
        assert!(conflict.advice().contains("plan again"));
        for level in LEVELS {
            let mine = delete("a", &[1]).validated_from(head(&table), level);
            let conflict = conflict_of(refused(&table, &mine, theirs.as_ref()));
            assert_eq!(conflict.files, [path("a")]);
            assert_eq!(conflict.snapshot_id, Some(SnapshotId(600)), "{}: {conflict}", theirs.name());
        }
    }
}

#[test]
fn what_others_did_to_other_files_is_none_of_its_business() {
    let table = table(FormatVersion::V3, &["a", "b", "c"]);
    let mine = delete("a", &[1]).validated_from(head(&table), IsolationLevel::Snapshot);
    let note = SchemaUpdate::new().add_column(NewColumn::optional("note", PrimitiveType::String));
    let raced = table.raced(
        &mine,
        &[
            &rewrite(&table, "b", "b2"),
            &DeleteFiles::new([path("c")]),
            &append(file("d")),
            &SetProperties::new().set("x", "y"),
            &UpdateSchema::new(note),
        ],
    );
    let raced = raced.unwrap();
    assert_eq!(raced.deleted_rows("a"), [1]);
    assert_eq!(raced.names().iter().filter(|name| !name.ends_with("puffin")).count(), 3);
}

#[test]
fn what_others_appended_is_a_conflict_only_if_it_had_to_be_seen() {
    let ranged = |name: &str, least: i32, greatest: i32| {
        let id = FieldId(1);
        file(name)
            .with_value_counts([(id, 10)].into_iter().collect())
            .with_null_value_counts([(id, 0)].into_iter().collect())
            .with_lower_bounds([(id, least.to_le_bytes())].into_iter().collect())
            .with_upper_bounds([(id, greatest.to_le_bytes())].into_iter().collect())
    };
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let table = table(version, &["a"]);
        let deltas = || match version {
            FormatVersion::V2 => with_deletes(position_deletes("d", "a")),
            _ => delete("a", &[1]),
        };
        let below = || {
            let mine = deltas().validated_from(head(&table), IsolationLevel::Serializable);
            mine.with_conflict_filter(col("ID").less_than(20)).ignoring_case()
        };
        let (near, far) = (append(ranged("near", 10, 30)), append(ranged("far", 20, 30)));
        let conflict = conflict_of(refused(&table, &below(), &near));
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedFiles, vec![path("near")]));
        assert_eq!(conflict.snapshot_id, Some(SnapshotId(600)));
        table.raced(&below(), &[&far]).unwrap();
        let all = deltas().validated_from(head(&table), IsolationLevel::Serializable);
        assert_eq!(conflict_of(refused(&table, &all, &far)).kind, ConflictKind::AddedFiles);
        table.raced(&deltas().validated_from(head(&table), IsolationLevel::Snapshot), &[&near]).unwrap();
        table.raced(&deltas(), &[&near]).unwrap();
    }
}

#[test]
fn equality_deletes_of_others_stand_against_updates_and_not_against_deletes() {
    let table = table(FormatVersion::V3, &["a"]);
    for level in LEVELS {
        let plain = delete("a", &[1]).validated_from(head(&table), level);
        let raced = table.raced(&plain, &[&with_deletes(equality_deletes("e"))]).unwrap();
        assert_eq!(raced.deleted_rows("a"), [1]);
        // What it writes anew may be of a row that the others deleted by value.
        let update = plain.with_file(SCHEMA, SPEC, file("new"));
        let conflict = conflict_of(refused(&table, &update, &with_deletes(equality_deletes("e"))));
        assert_eq!(conflict.kind, ConflictKind::AddedDeletes, "{level:?}");
    }
}

#[test]
fn updates_of_different_rows_of_one_file_commute_at_snapshot_isolation() {
    let table = table(FormatVersion::V3, &["a"]);
    let update = |row, name: &str| delete("a", &[row]).with_file(SCHEMA, SPEC, file(name));
    let mine = update(1, "mine").validated_from(head(&table), IsolationLevel::Snapshot);
    let raced = table.raced(&mine, &[&update(2, "theirs")]).unwrap();
    assert_eq!(raced.deleted_rows("a"), [1, 2]);
    raced.assert_summary(&[("total-records", Some("30")), ("total-position-deletes", Some("2"))]);
    let mine = update(1, "mine").validated_from(head(&table), IsolationLevel::Serializable);
    let conflict = conflict_of(refused(&table, &mine, &update(2, "theirs")));
    assert_eq!(conflict.kind, ConflictKind::AddedFiles, "it had to see what they wrote");
}

#[test]
fn d12_a_start_that_expired_is_a_conflict_and_without_one_it_goes_on() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    let first = table.metadata().ancestors(head(&table).unwrap()).last().unwrap().unwrap().id;
    table.commit(&crate::action::ExpireSnapshots::new().older_than_ms(0).snapshot(first)).unwrap();
    let mine = delete("a", &[1]).validated_from(Some(first), IsolationLevel::Snapshot);
    let raced = table.clone().commit(&mine);
    // What was committed since the start's child is known, and so is all that came after it.
    assert!(raced.is_ok(), "{:?}", raced.err());
    let unknown = delete("a", &[1]).validated_from(Some(SnapshotId(77)), IsolationLevel::Snapshot);
    assert_eq!(conflict_of(table.commit(&unknown).unwrap_err()).kind, ConflictKind::HistoryLost);
    table.commit(&delete("a", &[1])).unwrap();
}
