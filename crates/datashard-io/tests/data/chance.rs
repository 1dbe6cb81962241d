//! Schemas, rows and predicates by chance, for property tests: the shapes and values that unit tests draw from too.

use std::collections::HashMap;
use std::sync::Arc;

use datashard_spec::expr::{BoundPredicate, Predicate, col};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;
use proptest::sample::select;

#[path = "../../src/arrow/testing/values.rs"]
#[allow(dead_code, reason = "unit tests need more of it")]
mod row_values;
#[path = "../../src/arrow/testing/schema.rs"]
#[allow(dead_code, reason = "unit tests need more of it")]
mod schemas;

pub(crate) use row_values::{optional_value, value_of};

/// A schema of one to seven columns, nested up to three deep, without variants, which rows of values cannot hold.
pub(crate) fn schema() -> impl Strategy<Value = Arc<Schema>> {
    schemas::schema().prop_map(|schema| {
        let fields: Vec<NestedField> =
            schema.fields().iter().filter(|field| field.field_type != Type::Variant).cloned().collect();
        Arc::new(Schema::new(fields).unwrap())
    })
}

/// So many rows of a schema; some columns are without any value, some without any null.
pub(crate) fn rows_of(schema: &Schema, count: usize) -> BoxedStrategy<Vec<Tuple>> {
    let columns: Vec<BoxedStrategy<Vec<Option<Value>>>> =
        schema.fields().iter().map(|field| column(field, count)).collect();
    columns
        .prop_map(move |columns| {
            (0..count).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
        })
        .boxed()
}

fn column(field: &NestedField, count: usize) -> BoxedStrategy<Vec<Option<Value>>> {
    let values = |required| prop::collection::vec(optional_value(&field.field_type, required), count);
    // Few distinct values, so that filters find some, and dictionaries are worth it.
    let few = prop::collection::vec(optional_value(&field.field_type, field.required), 1..5)
        .prop_flat_map(move |few| prop::collection::vec(select(few), count));
    if field.required {
        return prop_oneof![2 => values(true), 1 => few].boxed();
    }
    prop_oneof![1 => Just(vec![None; count]), 2 => values(true), 5 => values(false), 3 => few].boxed()
}

/// A schema and one to so many rows of it.
pub(crate) fn table(max_rows: usize) -> impl Strategy<Value = (Arc<Schema>, Vec<Tuple>)> {
    (schema(), 1..=max_rows).prop_flat_map(|(schema, count)| {
        let rows = rows_of(&schema, count);
        (Just(schema), rows)
    })
}

/// A column that a predicate can test: primitive, with nothing but structs around it.
#[derive(Debug, Clone)]
pub(crate) struct Testable {
    pub(crate) id: FieldId,
    pub(crate) name: String,
    pub(crate) primitive: PrimitiveType,
}

/// The columns that predicates can test.
pub(crate) fn testable(schema: &Schema) -> Vec<Testable> {
    let mut found = Vec::new();
    collect(schema.fields(), "", &mut found);
    found
}

fn collect(fields: &[NestedField], prefix: &str, found: &mut Vec<Testable>) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        match &field.field_type {
            Type::Primitive(PrimitiveType::Unknown) => {}
            Type::Primitive(primitive) => {
                found.push(Testable { id: field.id, name, primitive: primitive.clone() });
            }
            Type::Struct(inner) => collect(&inner.fields, &format!("{name}."), found),
            _ => {}
        }
    }
}

/// A row by field id, as predicates take it.
pub(crate) fn by_id(schema: &Schema, row: &[Option<Value>]) -> HashMap<FieldId, Value> {
    let mut values = HashMap::new();
    flatten(schema.fields(), row, &mut values);
    values
}

fn flatten(fields: &[NestedField], row: &[Option<Value>], values: &mut HashMap<FieldId, Value>) {
    for (field, value) in fields.iter().zip(row) {
        match (&field.field_type, value) {
            (Type::Struct(inner), Some(Value::Struct(row))) => flatten(&inner.fields, row, values),
            (Type::Primitive(_), Some(value)) => {
                values.insert(field.id, value.clone());
            }
            _ => {}
        }
    }
}

/// Whether a row matches, by the evaluator of rows.
pub(crate) fn matches(predicate: &BoundPredicate, schema: &Schema, row: &[Option<Value>]) -> bool {
    predicate.matches(&by_id(schema, row))
}

/// A predicate over the columns of a schema, with literals from the rows more often than not. True where nothing can be tested.
pub(crate) fn predicate(schema: &Schema, rows: &[Tuple]) -> BoxedStrategy<Predicate> {
    let rows: Vec<_> = rows.iter().map(|row| by_id(schema, row)).collect();
    let leaves: Vec<_> = testable(schema)
        .into_iter()
        .map(|column| {
            let seen: Vec<Value> = rows.iter().filter_map(|row| row.get(&column.id).cloned()).collect();
            leaf(column, seen)
        })
        .collect();
    if leaves.is_empty() {
        return Just(Predicate::always_true()).boxed();
    }
    prop::strategy::Union::new(leaves)
        .prop_recursive(2, 5, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
                inner.prop_map(Predicate::not),
            ]
        })
        .boxed()
}

fn leaf(column: Testable, seen: Vec<Value>) -> BoxedStrategy<Predicate> {
    let name = column.name;
    let term = move || col(name.clone());
    let nulls = {
        let term = term.clone();
        any::<bool>().prop_map(move |is| if is { term().is_null() } else { term().is_not_null() })
    };
    if matches!(column.primitive, PrimitiveType::Geometry(_) | PrimitiveType::Geography(..)) {
        return nulls.boxed();
    }
    let literal = literal(&column.primitive, seen);
    let compared = {
        let term = term.clone();
        (literal.clone(), literal.clone(), 0..8).prop_map(move |(a, b, which)| match which {
            0 => term().less_than(a),
            1 => term().less_than_or_equal(a),
            2 => term().greater_than(a),
            3 => term().greater_than_or_equal(a),
            4 => term().not_equal_to(a),
            5 => term().between(a.clone().min(b.clone()), a.max(b)),
            _ => term().equal_to(a),
        })
    };
    let set = {
        let term = term.clone();
        (prop::collection::vec(literal.clone(), 0..4), any::<bool>())
            .prop_map(move |(set, is)| if is { term().is_in(set) } else { term().not_in(set) })
    };
    let special = match column.primitive {
        PrimitiveType::Float | PrimitiveType::Double => {
            any::<bool>().prop_map(move |is| if is { term().is_nan() } else { term().is_not_nan() }).boxed()
        }
        PrimitiveType::String | PrimitiveType::Binary => (literal, 0_usize..4, any::<bool>())
            .prop_map(move |(value, length, is)| {
                let prefix = prefix(&value, length);
                if is { term().starts_with(prefix) } else { term().not_starts_with(prefix) }
            })
            .boxed(),
        _ => nulls.clone().boxed(),
    };
    prop_oneof![1 => nulls, 5 => compared, 2 => set, 2 => special].boxed()
}

/// A literal that a column compares with: no NaN.
fn literal(primitive: &PrimitiveType, seen: Vec<Value>) -> BoxedStrategy<Value> {
    let seen: Vec<Value> = seen.into_iter().filter(|value| !value.is_nan()).collect();
    let any = value_of(&primitive.clone().into()).prop_map(|value| match value {
        Value::Float(v) if v.is_nan() => Value::Float(1.0),
        Value::Double(v) if v.is_nan() => Value::Double(1.0),
        other => other,
    });
    if seen.is_empty() { any.boxed() } else { prop_oneof![3 => select(seen), 1 => any].boxed() }
}

fn prefix(value: &Value, length: usize) -> Value {
    match value {
        Value::String(text) => Value::String(text.chars().take(length).collect()),
        Value::Binary(bytes) => Value::Binary(bytes.iter().take(length).copied().collect()),
        other => other.clone(),
    }
}
