//! Rows of one schema as rows of a later one, value by value.

use datashard_spec::schema::{NestedField, Schema, Type};
use datashard_spec::value::{Tuple, Value};

/// The rows of `from` as a reader of `to` has them: fields by id, promoted, with initial defaults for those that are new. `None` if a value
/// does not fit the type that its column has now.
pub(super) fn rows_in(from: &Schema, to: &Schema, rows: &[Tuple]) -> Option<Vec<Tuple>> {
    rows.iter().map(|row| members_in(from.fields(), to.fields(), row)).collect()
}

fn members_in(from: &[NestedField], to: &[NestedField], row: &[Option<Value>]) -> Option<Tuple> {
    to.iter()
        .map(|field| match from.iter().position(|old| old.id == field.id) {
            Some(at) => match &row[at] {
                Some(value) => value_in(&from[at].field_type, &field.field_type, value).map(Some),
                None => Some(None),
            },
            None => Some(field.initial_default.clone()),
        })
        .collect()
}

fn value_in(from: &Type, to: &Type, value: &Value) -> Option<Value> {
    let optional = |from: &Type, to: &Type, value: &Option<Value>| match value {
        Some(value) => value_in(from, to, value).map(Some),
        None => Some(None),
    };
    match (from, to, value) {
        (Type::Struct(from), Type::Struct(to), Value::Struct(row)) => {
            members_in(&from.fields, &to.fields, row).map(Value::Struct)
        }
        (Type::List(from), Type::List(to), Value::List(elements)) => {
            let elements = elements.iter().map(|element| optional(&from.element, &to.element, element));
            elements.collect::<Option<_>>().map(Value::List)
        }
        (Type::Map(from), Type::Map(to), Value::Map(pairs)) => {
            let pairs = pairs.iter().map(|(key, value)| {
                Some((value_in(&from.key, &to.key, key)?, optional(&from.value, &to.value, value)?))
            });
            pairs.collect::<Option<_>>().map(Value::Map)
        }
        (_, Type::Primitive(primitive), value) => value.promote(primitive),
        other => panic!("{other:?}"),
    }
}
