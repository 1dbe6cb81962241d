//! Partition tuples of rows against those of single values, and how batches are taken apart.

#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use arrow::array::{Array, Float64Array, Int32Array, StructArray};
use arrow::buffer::NullBuffer;
use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::partition::PartitionField;
use datashard_spec::schema::{ListType, NestedField, StructType};
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::arrow::testing::{same_rows, schema_and_batch};
use crate::arrow::{conform_batch, schema_to_arrow};
use crate::write::testing::{batch, ids, schema};

fn spec_of(fields: &[(i32, Transform)]) -> PartitionSpec {
    let field = |(at, (id, transform)): (i32, &(i32, Transform))| {
        PartitionField::new(FieldId(*id), FieldId(1000 + at), format!("p{at}"), transform.clone())
    };
    PartitionSpec::new(PartitionSpecId(0), (0..).zip(fields).map(field).collect())
}

/// Tuples with the ids of their rows.
fn groups(spec: &PartitionSpec, rows: &[(i64, Option<&str>)]) -> (Vec<(Tuple, Vec<i64>)>, Option<usize>) {
    let found = PartitionKeys::new(&schema(), spec).unwrap().group(&batch(rows)).unwrap();
    (found.groups.into_iter().map(|(tuple, rows)| (tuple, ids(&rows))).collect(), found.scattered)
}

fn text(value: &str) -> Option<Value> {
    Some(Value::from(value))
}

#[test]
fn rows_are_grouped_in_the_order_of_first_appearance() {
    let spec = spec_of(&[(2, Transform::Identity)]);
    let rows = [(1, Some("b")), (2, None), (3, Some("b")), (4, Some("a")), (5, None)];
    let (found, scattered) = groups(&spec, &rows);
    assert_eq!(found, [(vec![text("b")], vec![1, 3]), (vec![None], vec![2, 5]), (vec![text("a")], vec![4])]);
    assert_eq!(scattered, Some(0));
    let (found, scattered) = groups(&spec, &[(1, None), (2, Some("a")), (3, Some("a"))]);
    assert_eq!(found, [(vec![None], vec![1]), (vec![text("a")], vec![2, 3])]);
    assert_eq!(scattered, None);
}

#[test]
fn several_fields_make_a_tuple_with_void_ones_null() {
    let spec = spec_of(&[(1, Transform::Bucket(4)), (2, Transform::Void), (2, Transform::Truncate(1))]);
    let (found, _) = groups(&spec, &[(1, Some("ab")), (2, Some("ac"))]);
    let bucket = |id| Transform::Bucket(4).apply(Some(&Value::Long(id))).unwrap();
    assert_eq!(found.len(), if bucket(1) == bucket(2) { 1 } else { 2 });
    assert_eq!(found[0].0, [bucket(1), None, text("a")]);
}

#[test]
fn batch_of_one_partition_is_handed_through() {
    for spec in [spec_of(&[]), spec_of(&[(2, Transform::Void)]), spec_of(&[(2, Transform::Truncate(1))])] {
        let rows = batch(&[(1, Some("ab")), (2, Some("ac"))]);
        let found = PartitionKeys::new(&schema(), &spec).unwrap().group(&rows).unwrap();
        assert_eq!(found.groups.len(), 1);
        let column = found.groups[0].1.column(0).to_data();
        assert!(column.buffers()[0].ptr_eq(&rows.column(0).to_data().buffers()[0]), "copied");
    }
    let none = PartitionKeys::new(&schema(), &spec_of(&[])).unwrap().group(&batch(&[])).unwrap();
    assert!(none.groups.is_empty());
}

#[test]
fn nan_is_one_partition_and_the_zeros_are_two() {
    let schema = Schema::new(vec![NestedField::optional(1, "x", PrimitiveType::Double)]).unwrap();
    let keys = PartitionKeys::new(&schema, &spec_of(&[(1, Transform::Identity)])).unwrap();
    let odd_nan = f64::from_bits(0xfff8_0000_0000_0001);
    let values = Float64Array::from(vec![Some(0.0), Some(f64::NAN), Some(-0.0), Some(odd_nan), None]);
    let rows = RecordBatch::try_from_iter([("x", Arc::new(values) as ArrayRef)]).unwrap();
    let found = keys.group(&conform_batch(&rows, &schema).unwrap()).unwrap();
    let tuples: Vec<Tuple> = found.groups.iter().map(|(tuple, _)| tuple.clone()).collect();
    let double = |v| vec![Some(Value::Double(v))];
    assert_eq!(tuples, [double(0.0), double(f64::NAN), double(-0.0), vec![None]]);
    assert_eq!(found.groups[1].1.num_rows(), 2);
    // The rows keep the NaN that they had.
    let kept = found.groups[1].1.column(0).as_primitive::<Float64Type>();
    assert_eq!(kept.value(1).to_bits(), odd_nan.to_bits());
}

#[test]
fn null_struct_makes_its_fields_null() {
    let inner = StructType::new(vec![NestedField::required(2, "x", PrimitiveType::Int)]);
    let outer = StructType::new(vec![NestedField::optional(3, "inner", inner)]);
    let schema = Schema::new(vec![NestedField::optional(1, "outer", outer)]).unwrap();
    let keys = PartitionKeys::new(&schema, &spec_of(&[(2, Transform::Identity)])).unwrap();
    let arrow = schema_to_arrow(&schema).unwrap();
    let DataType::Struct(outer_fields) = arrow.field(0).data_type().clone() else { panic!() };
    let DataType::Struct(inner_fields) = outer_fields[0].data_type().clone() else { panic!() };
    let x: ArrayRef = Arc::new(Int32Array::from(vec![7, 7, 7]));
    let inner = StructArray::new(inner_fields, vec![x], Some(NullBuffer::from(vec![true, false, true])));
    let outer = StructArray::new(
        outer_fields,
        vec![Arc::new(inner)],
        Some(NullBuffer::from(vec![true, true, false])),
    );
    let found = keys.group(&RecordBatch::try_new(arrow, vec![Arc::new(outer)]).unwrap()).unwrap();
    let found: Vec<_> = found.groups.iter().map(|(tuple, rows)| (tuple.clone(), rows.num_rows())).collect();
    assert_eq!(found, [(vec![Some(Value::Int(7))], 1), (vec![None], 2)]);
}

#[test]
fn specs_that_do_not_fit_are_refused() {
    let list = ListType::optional(4, PrimitiveType::Int);
    let mut fields = schema().fields().to_vec();
    fields.push(NestedField::optional(3, "list", list));
    let schema = Schema::new(fields).unwrap();
    for (id, transform) in [
        (9, Transform::Identity),
        (2, Transform::Hour),
        (3, Transform::Identity),
        (4, Transform::Identity),
        (1, Transform::Unknown("zorder".into())),
    ] {
        let error = PartitionKeys::new(&schema, &spec_of(&[(id, transform.clone())])).unwrap_err();
        let unknown = matches!(transform, Transform::Unknown(_));
        let kind = if unknown {
            datashard_spec::ErrorKind::Unsupported
        } else {
            datashard_spec::ErrorKind::InvalidInput
        };
        assert_eq!(error.kind(), kind, "{error}");
    }
    // A void field may have lost its column.
    PartitionKeys::new(&schema, &spec_of(&[(9, Transform::Void)])).unwrap();
}

proptest! {
    /// Every row is in the group of its own tuple, as single values make it; groups keep the order of rows, and hold all of them.
    #[test]
    fn grouping_agrees_with_single_values((schema, rows) in schema_and_batch(40), pick: u8) {
        let usable: Vec<(i32, Transform)> = schema
            .all_fields()
            .filter(|field| Column::find(&schema, field.id, "test").is_ok())
            .flat_map(|field| {
                [Transform::Identity, Transform::Bucket(3), Transform::Truncate(1), Transform::Year]
                    .into_iter()
                    .filter(|transform| transform.allows_source(field.field_type))
                    .map(move |transform| (field.id.0, transform))
            })
            .collect();
        prop_assume!(!usable.is_empty());
        let first = usize::from(pick) % usable.len();
        let spec = spec_of(&usable[first..usable.len().min(first + 2)]);
        let keys = PartitionKeys::new(&schema, &spec).unwrap();
        let found = keys.group(&rows).unwrap();

        let tuple_of = |row: usize| -> Tuple {
            let value = |field: &PartitionField| {
                let mut path: Vec<_> = schema.with_ancestors(field.source_id().unwrap()).collect();
                let mut at: Option<Value> = None;
                let column = path.pop().unwrap();
                let position = schema.fields().iter().position(|f| f.id == column.id).unwrap();
                at = value_at(rows.column(position), column.field_type, row).unwrap().or(at);
                let mut parent = column;
                while let Some(field) = path.pop() {
                    let fields = &parent.field_type.as_struct().unwrap().fields;
                    let position = fields.iter().position(|f| f.id == field.id).unwrap();
                    at = at.and_then(|value| match value {
                        Value::Struct(values) => values[position].clone(),
                        other => panic!("{other:?}"),
                    });
                    parent = field;
                }
                field.transform.apply(at.as_ref()).unwrap()
            };
            spec.fields.iter().map(value).collect()
        };
        let mut expected: Vec<(Tuple, Vec<u32>)> = Vec::new();
        for row in 0..rows.num_rows() {
            let tuple = tuple_of(row);
            let place = u32::try_from(row).unwrap();
            match expected.iter_mut().find(|(there, _)| *there == tuple) {
                Some((_, rows)) => rows.push(place),
                None => expected.push((tuple, vec![place])),
            }
        }
        prop_assert_eq!(found.groups.len(), expected.len());
        for ((tuple, group), (expected, places)) in found.groups.iter().zip(expected) {
            prop_assert_eq!(tuple, &expected);
            let wanted = take_record_batch(&rows, &UInt32Array::from(places)).unwrap();
            prop_assert!(same_rows(group, &wanted));
        }
    }
}
