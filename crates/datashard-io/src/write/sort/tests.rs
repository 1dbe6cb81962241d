//! Orders of rows against the order of values, and what is held.

#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use datashard_spec::ErrorKind;
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType};
use datashard_spec::sort_order::SortField as OrderField;
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::arrow::value::value_at;
use crate::arrow::{conform_batch, testing::schema_and_batch};
use crate::write::testing::{batch, ids, schema};

fn order(fields: &[(i32, Transform, SortDirection, NullOrder)]) -> SortOrder {
    let field = |(id, transform, direction, nulls): &(i32, Transform, SortDirection, NullOrder)| {
        OrderField::new(FieldId(*id), transform.clone(), *direction, *nulls)
    };
    SortOrder::new(SortOrderId(4), fields.iter().map(field).collect())
}

fn sort(schema: &Schema, order: &SortOrder, batches: &[RecordBatch]) -> Vec<RecordBatch> {
    let mut buffer = SortBuffer::new(Sorter::new(schema, order).unwrap().unwrap(), usize::MAX);
    for batch in batches {
        buffer.push(batch).unwrap();
    }
    let mut sorted = Vec::new();
    if let Some(mut run) = buffer.take() {
        while let Some(batch) = run.next_batch().unwrap() {
            sorted.push(batch);
        }
    }
    assert_eq!(buffer.memory_bytes(), 0);
    sorted
}

fn check(order: &SortOrder, expect: &[i64]) {
    let batches = [batch(&[(1, Some("b")), (2, None)]), batch(&[(3, Some("ab")), (4, Some("b")), (5, None)])];
    let found: Vec<i64> = sort(&schema(), order, &batches).iter().flat_map(ids).collect();
    assert_eq!(found, expect, "{order:?}");
}

#[test]
fn direction_null_order_and_ties_are_as_asked() {
    use NullOrder::{First, Last};
    use SortDirection::{Ascending, Descending};
    use Transform::{Identity, Truncate, Void};
    check(&order(&[(2, Identity, Ascending, First)]), &[2, 5, 3, 1, 4]);
    check(&order(&[(2, Identity, Ascending, Last)]), &[3, 1, 4, 2, 5]);
    check(&order(&[(2, Identity, Descending, First)]), &[2, 5, 1, 4, 3]);
    check(&order(&[(2, Identity, Descending, Last)]), &[1, 4, 3, 2, 5]);
    check(&order(&[(2, Identity, Descending, Last), (1, Identity, Descending, Last)]), &[4, 1, 3, 5, 2]);
    check(&order(&[(2, Truncate(1), Ascending, First), (1, Identity, Ascending, First)]), &[2, 5, 3, 1, 4]);
    check(&order(&[(2, Void, Ascending, First), (1, Identity, Descending, First)]), &[5, 4, 3, 2, 1]);
}

#[test]
fn floats_are_in_total_order() {
    let schema = Schema::new(vec![NestedField::optional(1, "x", PrimitiveType::Double)]).unwrap();
    let expect = [
        -f64::NAN.copysign(1.0),
        f64::NEG_INFINITY,
        -1.0,
        -0.0,
        0.0,
        1.0,
        f64::INFINITY,
        f64::NAN.copysign(1.0),
    ];
    let mut mixed = expect.to_vec();
    mixed.reverse();
    mixed.swap(1, 5);
    let rows = RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(mixed)) as ArrayRef)]).unwrap();
    let rows = conform_batch(&rows, &schema).unwrap();
    let order = order(&[(1, Transform::Identity, SortDirection::Ascending, NullOrder::First)]);
    let sorted = sort(&schema, &order, &[rows]);
    let found = sorted[0].column(0).as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits());
    assert_eq!(found.collect::<Vec<_>>(), expect.map(f64::to_bits));
}

#[test]
fn buffer_counts_only_the_rows_it_was_given() {
    let all = batch(&(0..100_000).map(|id| (id, Some("name"))).collect::<Vec<_>>());
    let order = order(&[(1, Transform::Identity, SortDirection::Descending, NullOrder::First)]);
    let mut buffer = SortBuffer::new(Sorter::new(&schema(), &order).unwrap().unwrap(), 10_000);
    buffer.push(&all.slice(5, 10)).unwrap();
    assert!(!buffer.is_full() && buffer.memory_bytes() < 10_000, "{}", buffer.memory_bytes());
    let held = buffer.batches[0].0.get_array_memory_size();
    assert!(held < 10_000, "a slice of ten rows keeps {held} bytes");
    buffer.push(&all.slice(0, 1_000)).unwrap();
    assert!(buffer.is_full());
}

#[test]
fn orders_that_do_not_fit_are_refused() {
    use {NullOrder::First, SortDirection::Ascending};
    assert!(Sorter::new(&schema(), &SortOrder::unsorted()).unwrap().is_none());
    assert!(Sorter::new(&schema(), &order(&[(1, Transform::Void, Ascending, First)])).unwrap().is_none());
    for (id, transform, kind) in [
        (9, Transform::Identity, ErrorKind::InvalidInput),
        (2, Transform::Day, ErrorKind::InvalidInput),
        (1, Transform::Unknown("zorder".into()), ErrorKind::Unsupported),
    ] {
        let error = Sorter::new(&schema(), &order(&[(id, transform, Ascending, First)])).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

proptest! {
    /// Sorted rows are the same rows, in an order that values themselves agree with, and stable.
    #[test]
    fn sorting_agrees_with_the_order_of_values(
        (schema, rows) in schema_and_batch(60),
        pick: u8,
        descending: bool,
        nulls_last: bool,
        cuts in prop::collection::vec(0_usize..60, 0..3),
    ) {
        let sortable: Vec<_> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| Transform::Identity.allows_source(&field.field_type))
            .collect();
        prop_assume!(!sortable.is_empty());
        let (column, field) = sortable[usize::from(pick) % sortable.len()];
        let direction = if descending { SortDirection::Descending } else { SortDirection::Ascending };
        let nulls = if nulls_last { NullOrder::Last } else { NullOrder::First };
        let order = order(&[(field.id.0, Transform::Identity, direction, nulls)]);

        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(rows.num_rows())).collect();
        cuts.sort_unstable();
        cuts.push(rows.num_rows());
        let mut batches = Vec::new();
        let mut start = 0;
        for end in cuts {
            batches.push(rows.slice(start, end - start));
            start = end;
        }
        let sorted = sort(&schema, &order, &batches);

        let value = |row: usize| value_at(rows.column(column), &field.field_type, row).unwrap();
        // The bits of NaN count in a file's order, and not among values.
        let nan = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_nan);
        let mut expected: Vec<usize> = (0..rows.num_rows()).collect();
        expected.sort_by(|a, b| {
            let (a, b) = (value(*a), value(*b));
            match (&a, &b) {
                (None, None) => std::cmp::Ordering::Equal,
                (None, _) => if nulls_last { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less },
                (_, None) => if nulls_last { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater },
                _ => if descending { b.cmp(&a) } else { a.cmp(&b) },
            }
        });
        prop_assume!((0..rows.num_rows()).all(|row| !nan(&value(row))));
        let places = UInt32Array::from(expected.iter().map(|row| u32::try_from(*row).unwrap()).collect::<Vec<_>>());
        let wanted = take_record_batch(&rows, &places).unwrap();
        let mut start = 0;
        for batch in &sorted {
            prop_assert!(crate::arrow::testing::same_rows(batch, &wanted.slice(start, batch.num_rows())));
            start += batch.num_rows();
        }
        prop_assert_eq!(start, rows.num_rows());
    }
}
