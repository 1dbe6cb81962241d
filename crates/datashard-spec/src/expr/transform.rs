//! Projection of one test through one transform.

use super::bind::BoundTerm;
use super::predicate::{Comparison, Leaf, Test};
use super::transform_number::{project_number, same_number};
use super::transform_time::{project_time, tolerant};
use super::tree::Tree;
use crate::schema::{PrimitiveType, Type};
use crate::transform::Transform;
use crate::value::Value;

/// A test on a partition value, in both directions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Projected {
    /// Not true: no row matches.
    pub(super) inclusive: Tree<Test>,
    /// True: every row matches.
    pub(super) strict: Tree<Test>,
}

impl Projected {
    /// Nothing is known.
    pub(super) fn nothing() -> Self {
        Self { inclusive: Tree::constant(true), strict: Tree::constant(false) }
    }

    /// The partition value passes exactly where the rows do.
    pub(super) fn same(test: Test) -> Self {
        Self { inclusive: Tree::leaf(test.clone()), strict: Tree::leaf(test) }
    }

    pub(super) fn inclusive(test: Test) -> Self {
        Self { inclusive: Tree::leaf(test), ..Self::nothing() }
    }

    pub(super) fn strict(test: Test) -> Self {
        Self { strict: Tree::leaf(test), ..Self::nothing() }
    }
}

/// One of these values, or none of them: `=` and `!=` for a single one.
pub(super) fn set_test(mut values: Vec<Value>, inside: bool) -> Test {
    values.sort_unstable();
    values.dedup();
    match (values.as_slice(), inside) {
        ([one], true) => Test::Compare(Comparison::Equal, one.clone()),
        ([one], false) => Test::Compare(Comparison::NotEqual, one.clone()),
        (_, true) => Test::In(values),
        (_, false) => Test::NotIn(values),
    }
}

/// Projects a test of a column, or of a transform of one, through the transform of a partition field of that column.
pub(super) fn project_test(leaf: &Leaf<BoundTerm>, transform: &Transform) -> Projected {
    let Leaf { term, test } = leaf;
    if matches!(transform, Transform::Void | Transform::Unknown(_)) {
        return Projected::nothing();
    }
    if !term.is_column() {
        if term.transform != *transform {
            return Projected::nothing();
        }
        return match (transform, &term.source_type) {
            (Transform::Truncate(width), Type::Primitive(source)) => same_number(test, *width, source),
            (_, source) if is_time(transform) => tolerant(Projected::same(test.clone()), transform, source),
            _ => Projected::same(test.clone()),
        };
    }
    // No transform makes null of a value, or a value of null.
    if *transform == Transform::Identity || matches!(test, Test::IsNull | Test::NotNull) {
        return Projected::same(test.clone());
    }
    match transform {
        Transform::Bucket(_) => project_bucket(test, transform),
        Transform::Truncate(width) => match &term.source_type {
            Type::Primitive(PrimitiveType::String | PrimitiveType::Binary) => {
                project_bytes(test, transform, *width)
            }
            _ => project_number(test, *width),
        },
        transform if is_time(transform) => {
            tolerant(project_time(test, transform), transform, &term.source_type)
        }
        _ => Projected::nothing(),
    }
}

fn is_time(transform: &Transform) -> bool {
    matches!(transform, Transform::Year | Transform::Month | Transform::Day | Transform::Hour)
}

/// What the transform makes of a literal; `None` if it cannot take it.
pub(super) fn apply(transform: &Transform, literal: &Value) -> Option<Value> {
    transform.apply(Some(literal)).ok().flatten()
}

/// What the transform makes of all literals.
pub(super) fn apply_all(transform: &Transform, literals: &[Value]) -> Option<Vec<Value>> {
    literals.iter().map(|literal| apply(transform, literal)).collect()
}

fn project_bucket(test: &Test, transform: &Transform) -> Projected {
    project_equality(test, |literals| apply_all(transform, literals)).unwrap_or_else(Projected::nothing)
}

/// Values that are equal have equal partition values, but not the other way round. `None` for other tests.
pub(super) fn project_equality(
    test: &Test,
    transformed: impl Fn(&[Value]) -> Option<Vec<Value>>,
) -> Option<Projected> {
    let one = std::slice::from_ref;
    Some(match test {
        Test::Compare(Comparison::Equal, v) => Projected::inclusive(set_test(transformed(one(v))?, true)),
        Test::In(values) => Projected::inclusive(set_test(transformed(values)?, true)),
        Test::Compare(Comparison::NotEqual, v) => Projected::strict(set_test(transformed(one(v))?, false)),
        Test::NotIn(values) => Projected::strict(set_test(transformed(values)?, false)),
        _ => return None,
    })
}

/// Text and bytes cut to a width: a prefix is at most its value, and keeps the order.
fn project_bytes(test: &Test, transform: &Transform, width: u32) -> Projected {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual, NotStartsWith, StartsWith};
    let Test::Compare(comparison, literal) = test else {
        return project_bucket(test, transform);
    };
    let Some(cut) = apply(transform, literal) else { return Projected::nothing() };
    let length = match literal {
        Value::String(text) => text.chars().count(),
        Value::Binary(bytes) => bytes.len(),
        _ => return Projected::nothing(),
    };
    let side = u32::try_from(length).unwrap_or(u32::MAX).cmp(&width);
    let compare = |comparison| Tree::leaf(Test::Compare(comparison, cut.clone()));
    match comparison {
        Less | LessOrEqual => Projected { inclusive: compare(LessOrEqual), strict: compare(Less) },
        Greater | GreaterOrEqual => {
            Projected { inclusive: compare(GreaterOrEqual), strict: compare(Greater) }
        }
        Comparison::Equal | Comparison::NotEqual => project_bucket(test, transform),
        StartsWith if side.is_lt() => Projected::same(test.clone()),
        StartsWith if side.is_eq() => Projected::same(set_test(vec![cut], true)),
        StartsWith => Projected::inclusive(set_test(vec![cut], true)),
        NotStartsWith if side.is_lt() => Projected::same(test.clone()),
        NotStartsWith if side.is_eq() => Projected::same(set_test(vec![cut], false)),
        NotStartsWith => Projected::strict(set_test(vec![cut], false)),
    }
}

#[cfg(test)]
mod tests;
