//! Sort orders: found by name in the schema of the day, used again where they are there, and never changed for files that are written.

use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::evolution::SchemaUpdate;

use super::*;
use crate::action::UpdateSchema;
use crate::action::testing::TestTable;
use crate::conflict::ConflictKind;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn order() -> ReplaceSortOrder {
    ReplaceSortOrder::new().desc("day", NullOrder::Last).asc("id", NullOrder::First)
}

fn schema_change(update: SchemaUpdate) -> UpdateSchema {
    UpdateSchema::new(update)
}

#[test]
fn an_order_is_set_and_taken_back_in_every_version_and_both_stay_known() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        assert!(table.metadata().default_sort_order().fields.is_empty());
        table.commit(&order()).unwrap();
        let id = table.metadata().default_sort_order_id();
        let fields = &table.metadata().default_sort_order().fields;
        let directions: Vec<_> = fields.iter().map(|field| (field.direction, field.null_order)).collect();
        assert_eq!(
            directions,
            [(SortDirection::Descending, NullOrder::Last), (SortDirection::Ascending, NullOrder::First)],
            "{version}"
        );
        table.commit(&ReplaceSortOrder::new()).unwrap();
        assert_eq!(table.metadata().default_sort_order_id(), SortOrderId(0), "{version}: unsorted is 0");
        assert!(table.metadata().sort_order(id).is_some());
        table.commit(&order()).unwrap();
        assert_eq!(table.metadata().default_sort_order_id(), id, "{version}: the same order, the same id");
        assert_eq!(table.metadata().sort_orders().len(), 2);
    }
}

#[test]
fn a_transform_is_part_of_the_order() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let by_bucket = |count| {
        let (direction, nulls) = (SortDirection::Ascending, NullOrder::First);
        ReplaceSortOrder::new().field("id", Transform::Bucket(count), direction, nulls)
    };
    table.commit(&by_bucket(4)).unwrap();
    let first = table.metadata().default_sort_order_id();
    table.commit(&by_bucket(8)).unwrap();
    assert_ne!(table.metadata().default_sort_order_id(), first);
    assert_eq!(table.metadata().default_sort_order().fields[0].transform, Transform::Bucket(8));
}

#[test]
fn of_two_who_replace_it_the_last_stands_and_columns_are_found_by_the_names_of_the_day() {
    let table = TestTable::plain(FormatVersion::V2).numbered(50);
    let ours = order();
    table.attempt(&ours, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.commit(&ReplaceSortOrder::new().asc("id", NullOrder::Last)).unwrap();
    other
        .commit(&schema_change(
            SchemaUpdate::new().move_column("day", datashard_spec::schema::evolution::Position::First),
        ))
        .unwrap();
    let mut again = other.for_operation(50);
    let next = again.attempt(&ours, 2, &[]).unwrap();
    again.adopt(&next);
    assert_eq!(again.metadata().default_sort_order().fields.len(), 2);
    assert_eq!(again.metadata().sort_orders().len(), 3);

    // Somebody renamed a column: it is a conflict for who began before, and a mistake for who began after.
    again.commit(&schema_change(SchemaUpdate::new().rename_column("day", "date"))).unwrap();
    let Err(Refusal::Conflict(conflict)) = again.attempt(&ours, 2, &[]) else { panic!("`day` is gone") };
    assert_eq!(conflict.kind, ConflictKind::Requirement);
    assert!(matches!(again.attempt(&ours, 1, &[]), Err(Refusal::Rejected { operation: NAME, .. })));
}

#[test]
fn what_cannot_be_an_order_is_refused() {
    let table = TestTable::plain(FormatVersion::V2);
    let (direction, nulls) = (SortDirection::Ascending, NullOrder::First);
    for (order, expect) in [
        (ReplaceSortOrder::new().asc("absent", nulls), "absent"),
        (ReplaceSortOrder::new().field("id", Transform::Day, direction, nulls), "day"),
    ] {
        let refusal = table.attempt(&order, 1, &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{refusal}");
        assert!(refusal.to_string().contains(expect), "{refusal}");
    }
    assert!(matches!(TestTable::none().attempt(&order(), 1, &[]), Err(Refusal::NoTable)));
}
