//! Masks against the evaluator of the format, row by row.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, StructArray};
use arrow::buffer::NullBuffer;
use datashard_spec::expr::{Comparison, Predicate, Test, col};
use datashard_spec::schema::{NestedField, PrimitiveType as P, StructType};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::*;
use crate::arrow::samples::Samples;
use crate::arrow::schema_to_arrow;
use crate::arrow::value::array_of;

type Row = Vec<Option<Value>>;

fn batch(schema: &Schema, rows: &[Row]) -> RecordBatch {
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let values: Vec<Option<&Value>> = rows.iter().map(|row| row[at].as_ref()).collect();
        array_of(&values, &field.field_type).unwrap()
    });
    RecordBatch::try_new(schema_to_arrow(schema).unwrap(), columns.collect()).unwrap()
}

/// The values of a row by field id, as the evaluator wants them.
fn by_id(fields: &[NestedField], row: &[Option<Value>], into: &mut BTreeMap<FieldId, Value>) {
    for (field, value) in fields.iter().zip(row) {
        let Some(value) = value else { continue };
        if let (Type::Struct(members), Value::Struct(values)) = (&field.field_type, value) {
            by_id(&members.fields, values, into);
        }
        into.insert(field.id, value.clone());
    }
}

/// The mask of a predicate, after a look at whether the evaluator agrees.
fn mask(schema: &Schema, rows: &[Row], predicate: &Predicate) -> Vec<bool> {
    let bound = predicate.bind(schema).unwrap();
    let mask = BatchFilter::new(&bound, schema).unwrap().matches(&batch(schema, rows)).unwrap();
    assert_eq!((mask.len(), mask.null_count()), (rows.len(), 0));
    let mask: Vec<bool> = mask.values().iter().collect();
    for (row, found) in rows.iter().zip(&mask) {
        let mut values = BTreeMap::new();
        by_id(schema.fields(), row, &mut values);
        assert_eq!(*found, bound.matches(&values), "{predicate} (bound: {bound}) on {row:?}");
    }
    mask
}

/// Columns whose values can be tested: not in lists and maps.
fn testable(fields: &[NestedField], path: &str, into: &mut Vec<(String, Type)>) {
    for field in fields {
        let name = format!("{path}{}", field.name);
        if let Type::Struct(members) = &field.field_type {
            testable(&members.fields, &format!("{name}."), into);
        }
        into.push((name, field.field_type.clone()));
    }
}

fn random_test(samples: &mut Samples, columns: &[(String, Type)]) -> Predicate {
    let (name, of) = samples.pick(columns).clone();
    let null_test = if samples.once_in(2) { Test::IsNull } else { Test::NotNull };
    let Type::Primitive(_) = &of else { return Predicate::test(col(name), null_test) };
    let transforms = [
        Transform::Bucket(4),
        Transform::Truncate(2),
        Transform::Year,
        Transform::Month,
        Transform::Day,
        Transform::Hour,
    ];
    let transform = samples.pick(&transforms).clone();
    let (term, literal_type) = match transform.result_type(&of) {
        Some(result) if samples.once_in(3) => (col(name).with_transform(transform), result),
        _ => (col(name), of.clone()),
    };
    let is_float = matches!(literal_type, Type::Primitive(P::Float | P::Double));
    let has_prefixes = matches!(literal_type, Type::Primitive(P::String | P::Binary));
    let literal = |samples: &mut Samples| loop {
        let value = samples.present(&literal_type);
        if !value.is_nan() {
            return value;
        }
    };
    let test = match samples.below(5) {
        0 => null_test,
        1 if is_float => {
            if samples.once_in(2) {
                Test::IsNan
            } else {
                Test::NotNan
            }
        }
        2 => {
            let many = if samples.once_in(3) { 30 } else { 3 };
            let set: Vec<Value> = (0..samples.below(many)).map(|_| literal(samples)).collect();
            if samples.once_in(2) { Test::In(set) } else { Test::NotIn(set) }
        }
        3 if has_prefixes => {
            let prefix = *samples.pick(&[Comparison::StartsWith, Comparison::NotStartsWith]);
            Test::Compare(prefix, literal(samples))
        }
        _ => {
            use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
            let comparison = *samples.pick(&[Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual]);
            Test::Compare(comparison, literal(samples))
        }
    };
    Predicate::test(term, test)
}

fn random_predicate(samples: &mut Samples, columns: &[(String, Type)], depth: usize) -> Predicate {
    match samples.below(if depth == 0 { 1 } else { 4 }) {
        1 => random_predicate(samples, columns, depth - 1).and(random_predicate(samples, columns, depth - 1)),
        2 => random_predicate(samples, columns, depth - 1).or(random_predicate(samples, columns, depth - 1)),
        3 => random_predicate(samples, columns, depth - 1).not(),
        _ => random_test(samples, columns),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn masks_are_what_the_evaluator_says_of_each_row(seed: u64) {
        let mut samples = Samples::new(seed);
        let schema = Schema::new(samples.structure(2).fields).unwrap();
        let rows: Vec<Row> = (0..samples.below(40))
            .map(|_| schema.fields().iter().map(|f| samples.value(&f.field_type, f.required)).collect())
            .collect();
        let mut columns = Vec::new();
        testable(schema.fields(), "", &mut columns);
        for _ in 0..6 {
            let predicate = random_predicate(&mut samples, &columns, 2);
            mask(&schema, &rows, &predicate);
        }
    }
}

/// Each type by itself, with each kind of test: no reliance on luck.
#[test]
fn every_type_passes_every_test_as_the_evaluator_has_it() {
    let mut samples = Samples::new(7);
    let types = [
        P::Boolean,
        P::Int,
        P::Long,
        P::Float,
        P::Double,
        P::Decimal { precision: 9, scale: 2 },
        P::Date,
        P::Time,
        P::Timestamp,
        P::Timestamptz,
        P::TimestampNs,
        P::TimestamptzNs,
        P::String,
        P::Uuid,
        P::Fixed(3),
        P::Binary,
    ];
    for of in types {
        let schema = Schema::new(vec![NestedField::optional(1, "c", of)]).unwrap();
        let field_type = schema.fields()[0].field_type.clone();
        let rows: Vec<Row> = (0..60).map(|_| vec![samples.value(&field_type, false)]).collect();
        let columns = [("c".to_owned(), field_type)];
        for _ in 0..150 {
            mask(&schema, &rows, &random_test(&mut samples, &columns));
        }
    }
}

fn doubles() -> (Schema, Vec<Row>) {
    let values = [Some(f64::NAN), Some(-0.0), Some(0.0), Some(1.0), None];
    let schema = Schema::new(vec![NestedField::optional(1, "d", P::Double)]).unwrap();
    (schema, values.map(|value| vec![value.map(Value::Double)]).to_vec())
}

#[test]
fn nan_is_unequal_to_all_and_in_no_order() {
    let (schema, rows) = doubles();
    let check = |predicate: Predicate, expected: [bool; 5]| {
        assert_eq!(mask(&schema, &rows, &predicate), expected, "{predicate}");
    };
    check(col("d").greater_than(-1), [false, true, true, true, false]);
    check(col("d").not_equal_to(1), [true, true, true, false, false]);
    check(col("d").not_in([1.0, 2.0]), [true, true, true, false, false]);
    check(col("d").not_in((1..40).map(f64::from)), [true, true, true, false, false]);
    check(col("d").is_nan(), [true, false, false, false, false]);
    check(col("d").is_not_nan(), [false, true, true, true, true]);
    check(col("d").greater_than(0).not(), [false, true, true, false, false]);
}

#[test]
fn zeros_of_both_signs_are_equal() {
    let (schema, rows) = doubles();
    for zero in [0.0, -0.0] {
        let expected = [false, true, true, false, false];
        assert_eq!(mask(&schema, &rows, &col("d").equal_to(zero)), expected);
        assert_eq!(mask(&schema, &rows, &col("d").is_in([zero, 7.0])), expected);
        let many = (7..40).map(f64::from).chain([zero]);
        assert_eq!(mask(&schema, &rows, &col("d").is_in(many)), expected);
    }
}

#[test]
fn fields_of_null_structs_are_null() {
    let inner = StructType::new(vec![NestedField::required(3, "x", P::Int)]);
    let outer = StructType::new(vec![NestedField::optional(2, "inner", inner)]);
    let schema = Schema::new(vec![NestedField::optional(1, "s", outer)]).unwrap();
    let wrap = |value: Option<Value>| vec![Some(Value::Struct(vec![value]))];
    let deep = |n| wrap(Some(Value::Struct(vec![Some(Value::Int(n))])));
    let rows = [deep(1), deep(2), wrap(None), vec![None]];
    let check = |predicate: Predicate, expected: [bool; 4]| {
        assert_eq!(mask(&schema, &rows, &predicate), expected, "{predicate}");
    };
    check(col("s.inner.x").equal_to(1), [true, false, false, false]);
    check(col("s.inner.x").not_equal_to(1), [false, true, false, false]);
    check(col("s.inner.x").is_null(), [false, false, true, true]);
    check(col("s.inner").is_null(), [false, false, true, true]);
    check(col("s").is_not_null(), [true, true, true, false]);
}

#[test]
fn what_lies_under_a_null_struct_is_not_looked_at() {
    let members = StructType::new(vec![NestedField::optional(2, "x", P::Int)]);
    let schema = Schema::new(vec![NestedField::optional(1, "s", members)]).unwrap();
    let rows = vec![vec![Some(Value::Struct(vec![Some(Value::Int(5))]))]; 2];
    let whole = batch(&schema, &rows);
    let (fields, children, _) = whole.column(0).as_struct().clone().into_parts();
    let masked = StructArray::new(fields, children, Some(NullBuffer::from(vec![true, false])));
    let batch = RecordBatch::try_new(whole.schema(), vec![Arc::new(masked)]).unwrap();
    for (predicate, expected) in [
        (col("s.x").equal_to(5), [true, false]),
        (col("s.x").is_null(), [false, true]),
        (col("s.x").is_in([5, 6]), [true, false]),
        (col("s.x").with_transform(Transform::Truncate(10)).equal_to(0), [true, false]),
    ] {
        let filter = BatchFilter::new(&predicate.bind(&schema).unwrap(), &schema).unwrap();
        assert_eq!(filter.matches(&batch).unwrap().values().iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn slices_are_filtered_as_they_are() {
    let schema = Schema::new(vec![
        NestedField::optional(1, "a", P::Int),
        NestedField::optional(2, "b", P::Boolean),
        NestedField::optional(3, "c", P::String),
    ])
    .unwrap();
    let mut samples = Samples::new(3);
    let rows: Vec<Row> = (0..100)
        .map(|_| schema.fields().iter().map(|f| samples.value(&f.field_type, false)).collect())
        .collect();
    let predicate = col("a").greater_than(0).or(col("b").equal_to(true)).or(col("c").starts_with("a"));
    let filter = BatchFilter::new(&predicate.bind(&schema).unwrap(), &schema).unwrap();
    let whole = mask(&schema, &rows, &predicate);
    let batch = batch(&schema, &rows);
    for (start, length) in [(1, 99), (13, 64), (99, 1), (50, 0)] {
        let part = filter.matches(&batch.slice(start, length)).unwrap();
        assert_eq!(part.values().iter().collect::<Vec<_>>(), whole[start..start + length]);
    }
}

#[test]
fn constants_need_no_columns() {
    let schema = Schema::new(vec![NestedField::required(1, "a", P::Int)]).unwrap();
    let rows = [vec![Some(Value::Int(1))], vec![Some(Value::Int(2))]];
    assert_eq!(mask(&schema, &rows, &Predicate::always_true()), [true, true]);
    assert_eq!(mask(&schema, &rows, &Predicate::always_false()), [false, false]);
    assert_eq!(mask(&schema, &rows, &col("a").is_null()), [false, false]);
}

#[test]
fn columns_of_the_type_unknown_are_null() {
    let schema = Schema::new(vec![NestedField::optional(1, "u", P::Unknown)]).unwrap();
    let rows = [vec![None], vec![None]];
    assert_eq!(mask(&schema, &rows, &col("u").is_null()), [true, true]);
    assert_eq!(mask(&schema, &rows, &col("u").is_not_null()), [false, false]);
}

#[test]
fn a_column_that_is_not_there_is_an_error() {
    let bound = col("a").equal_to(1).bind(&Schema::new(vec![NestedField::optional(1, "a", P::Int)]).unwrap());
    let other = Schema::new(vec![NestedField::optional(2, "b", P::Int)]).unwrap();
    let error = BatchFilter::new(&bound.unwrap(), &other).unwrap_err();
    assert!(error.to_string().contains("`a`"), "{error}");
}
