//! Projection through `year`, `month`, `day` and `hour`.

use super::predicate::{Comparison, Test};
use super::transform::{Projected, apply, apply_all, project_equality, set_test};
use super::tree::Tree;
use crate::schema::{PrimitiveType, Type};
use crate::transform::Transform;
use crate::value::Value;

/// Projects as if every partition value were right.
pub(super) fn project_time(test: &Test, transform: &Transform) -> Projected {
    let Test::Compare(comparison, literal) = test else {
        return project_equality(test, |literals| apply_all(transform, literals))
            .unwrap_or_else(Projected::nothing);
    };
    let all = || Tree::leaf(Test::NotNull);
    let none = || Tree::constant(false);
    let compare = |comparison, literal: &Value| {
        apply(transform, literal).map(|value| Tree::leaf(Test::Compare(comparison, value)))
    };
    // A literal that the transform cannot take says nothing; one beyond the ends of the type decides for all values.
    let inclusive = |comparison, literal: &Value| compare(comparison, literal).unwrap_or_else(all);
    let strict = |comparison, literal: &Value| compare(comparison, literal).unwrap_or_else(none);
    let (before, after) = (step(literal, -1), step(literal, 1));
    match comparison {
        Comparison::Less => Projected {
            inclusive: before.map_or_else(none, |before| inclusive(Comparison::LessOrEqual, &before)),
            strict: strict(Comparison::Less, literal),
        },
        Comparison::LessOrEqual => Projected {
            inclusive: inclusive(Comparison::LessOrEqual, literal),
            strict: after.map_or_else(all, |after| strict(Comparison::Less, &after)),
        },
        Comparison::Greater => Projected {
            inclusive: after.map_or_else(none, |after| inclusive(Comparison::GreaterOrEqual, &after)),
            strict: strict(Comparison::Greater, literal),
        },
        Comparison::GreaterOrEqual => Projected {
            inclusive: inclusive(Comparison::GreaterOrEqual, literal),
            strict: before.map_or_else(all, |before| strict(Comparison::Greater, &before)),
        },
        Comparison::Equal | Comparison::NotEqual => {
            project_equality(test, |literals| apply_all(transform, literals))
                .unwrap_or_else(Projected::nothing)
        }
        Comparison::StartsWith | Comparison::NotStartsWith => Projected::nothing(),
    }
}

/// The value one unit away; `None` beyond the ends of the type.
fn step(literal: &Value, by: i8) -> Option<Value> {
    let long = |value: &i64| value.checked_add(by.into());
    Some(match literal {
        Value::Date(v) => Value::Date(v.checked_add(by.into())?),
        Value::Timestamp(v) => Value::Timestamp(long(v)?),
        Value::Timestamptz(v) => Value::Timestamptz(long(v)?),
        Value::TimestampNs(v) => Value::TimestampNs(long(v)?),
        Value::TimestamptzNs(v) => Value::TimestamptzNs(long(v)?),
        _ => return None,
    })
}

/// Allows for partition values below zero that are one too large, as writers left them that rounded toward zero.
///
/// The `day` of a date was never wrong.
pub(super) fn tolerant(projected: Projected, transform: &Transform, source: &Type) -> Projected {
    if *transform == Transform::Day && *source == Type::Primitive(PrimitiveType::Date) {
        return projected;
    }
    let rewrite = |tree: Tree<Test>, each: fn(&Test) -> Tree<Test>| match tree
        .rewrite(|test, _| Ok::<_, std::convert::Infallible>(each(test)))
    {
        Ok(tree) => tree,
        Err(never) => match never {},
    };
    Projected { inclusive: rewrite(projected.inclusive, widen), strict: rewrite(projected.strict, narrow) }
}

/// True also for the value after each negative one that passes.
fn widen(test: &Test) -> Tree<Test> {
    use Comparison::{Equal, Less, LessOrEqual, NotEqual};
    Tree::leaf(match test {
        Test::Compare(Less, v) if number(v) <= 0 => Test::Compare(Less, next(v)),
        Test::Compare(LessOrEqual, v) if number(v) < 0 => Test::Compare(LessOrEqual, next(v)),
        Test::Compare(Equal, v) if number(v) < 0 => set_test(vec![v.clone(), next(v)], true),
        Test::In(values) => set_test(with_next(values), true),
        Test::Compare(NotEqual, v) if number(v) <= 0 => Test::NotNull,
        Test::NotIn(values) => {
            let certain: Vec<Value> = values.iter().filter(|v| number(v) > 0).cloned().collect();
            if certain.is_empty() { Test::NotNull } else { set_test(certain, false) }
        }
        other => other.clone(),
    })
}

/// True only where the value before, if it is negative, passes too.
fn narrow(test: &Test) -> Tree<Test> {
    use Comparison::{Equal, Greater, GreaterOrEqual, NotEqual};
    Tree::leaf(match test {
        Test::Compare(comparison @ (Greater | GreaterOrEqual), v) if number(v) <= 0 => {
            Test::Compare(*comparison, next(v))
        }
        Test::Compare(Equal, v) if number(v) <= 0 => return Tree::constant(false),
        Test::In(values) => {
            let certain: Vec<Value> = values.iter().filter(|v| number(v) > 0).cloned().collect();
            if certain.is_empty() {
                return Tree::constant(false);
            }
            set_test(certain, true)
        }
        Test::Compare(NotEqual, v) if number(v) < 0 => set_test(vec![v.clone(), next(v)], false),
        Test::NotIn(values) => set_test(with_next(values), false),
        other => other.clone(),
    })
}

/// A partition value of a time transform.
fn number(value: &Value) -> i32 {
    match value {
        Value::Int(v) | Value::Date(v) => *v,
        _ => 0,
    }
}

/// The partition value after one that is at most zero.
fn next(value: &Value) -> Value {
    match value {
        Value::Int(v) => Value::Int(v.saturating_add(1)),
        Value::Date(v) => Value::Date(v.saturating_add(1)),
        other => other.clone(),
    }
}

fn with_next(values: &[Value]) -> Vec<Value> {
    values.iter().cloned().chain(values.iter().filter(|v| number(v) < 0).map(next)).collect()
}
