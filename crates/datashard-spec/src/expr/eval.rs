//! Evaluation on rows, by the three-valued logic of SQL.
//!
//! A test of null is unknown, `and` and `or` of unknowns follow Kleene, and only a row for which the predicate is *true*
//! matches. [`BoundPredicate`] has no negation: `not (x > 5)` was bound as `x <= 5`, which is what it means for nulls.
//!
//! Floats: NaN passes no comparison and is in no set, so `!=` and `not in` are true for it, and `not (x > 5)`, being
//! `x <= 5`, is false; -0.0 equals 0.0. `is nan` is false and `is not nan` is true for null, as `is null` is two-valued.

use std::collections::{BTreeMap, HashMap};

use super::bind::{BoundPredicate, BoundTerm};
use super::key::Truth;
use super::predicate::Leaf;
use crate::id::FieldId;
use crate::value::Value;

/// A row, by field id.
pub trait Row {
    /// The value of a field at any depth; `None` is null, or a struct around it is.
    ///
    /// Values must have the types of the schema that the predicate was bound to.
    fn value(&self, id: FieldId) -> Option<&Value>;
}

impl Row for HashMap<FieldId, Value> {
    fn value(&self, id: FieldId) -> Option<&Value> {
        self.get(&id)
    }
}

impl Row for BTreeMap<FieldId, Value> {
    fn value(&self, id: FieldId) -> Option<&Value> {
        self.get(&id)
    }
}

impl BoundPredicate {
    /// Whether a row matches: `Some(true)` if it does, `None` if that is unknown for a null, which is no match either.
    ///
    /// A test that binding could decide (`x in ()`, a literal outside the type's range) is never unknown. A value that
    /// does not compare with its literal (because it is of another type), and one that the transform of a
    /// term cannot take, count as null.
    ///
    /// # Examples
    /// ```
    /// use std::collections::BTreeMap;
    /// use datashard_spec::expr::{Predicate, col};
    /// use datashard_spec::id::FieldId;
    /// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
    /// use datashard_spec::value::Value;
    ///
    /// let schema = Schema::new(vec![NestedField::optional(1, "age", PrimitiveType::Int)])?;
    /// let adult = col("age").greater_than_or_equal(18).bind(&schema)?;
    /// assert_eq!(adult.evaluate(&BTreeMap::from([(FieldId(1), Value::Int(20))])), Some(true));
    /// assert_eq!(adult.evaluate(&BTreeMap::new()), None);
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn evaluate(&self, row: &impl Row) -> Option<bool> {
        // `and` is the least and `or` the greatest of its operands, in the order false, unknown, true; so a threshold may
        // be put to the leaves instead of the whole.
        if self.matches(row) {
            Some(true)
        } else if self.0.run(|leaf| check(leaf, row) != Truth::False) {
            None
        } else {
            Some(false)
        }
    }

    /// Whether a row matches for certain.
    pub fn matches(&self, row: &impl Row) -> bool {
        self.0.run(|leaf| check(leaf, row) == Truth::True)
    }
}

impl Leaf<BoundTerm> {
    /// Whether a row with this value in the column of the term passes the test for certain; `None` is null, or a struct around the column is.
    ///
    /// For those who evaluate a predicate by columns: with no negation in a [`BoundPredicate`], it matches for certain where `and` and `or`
    /// of these answers say so.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::expr::{Node, col};
    /// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
    /// use datashard_spec::value::Value;
    ///
    /// let schema = Schema::new(vec![NestedField::optional(1, "age", PrimitiveType::Int)])?;
    /// let adult = col("age").greater_than_or_equal(18).bind(&schema)?;
    /// let [Node::Leaf(leaf)] = adult.nodes() else { unreachable!() };
    /// assert!(leaf.matches(Some(&Value::Int(20))));
    /// assert!(!leaf.matches(None));
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn matches(&self, value: Option<&Value>) -> bool {
        check_value(self, value) == Truth::True
    }
}

fn check(leaf: &Leaf<BoundTerm>, row: &impl Row) -> Truth {
    check_value(leaf, row.value(leaf.term.field_id))
}

fn check_value(leaf: &Leaf<BoundTerm>, value: Option<&Value>) -> Truth {
    match value {
        Some(value) if !leaf.term.is_column() => match leaf.term.transform.apply(Some(value)) {
            Ok(transformed) => leaf.test.check(transformed.as_ref()),
            Err(_) => Truth::Null,
        },
        _ => leaf.test.check(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Predicate, col};
    use crate::schema::{NestedField, PrimitiveType, Schema};
    use crate::transform::Transform;

    fn schema() -> Schema {
        Schema::new(vec![
            NestedField::optional(1, "x", PrimitiveType::Long),
            NestedField::optional(2, "f", PrimitiveType::Double),
            NestedField::optional(3, "s", PrimitiveType::String),
            NestedField::optional(4, "b", PrimitiveType::Binary),
        ])
        .unwrap()
    }

    fn check(predicate: &Predicate, row: &[(i32, Value)], expected: Option<bool>) {
        let row: BTreeMap<FieldId, Value> = row.iter().map(|(id, v)| (FieldId(*id), v.clone())).collect();
        assert_eq!(predicate.bind(&schema()).unwrap().evaluate(&row), expected, "{predicate} on {row:?}");
    }

    fn x(value: i64) -> Vec<(i32, Value)> {
        vec![(1, Value::Long(value))]
    }

    #[test]
    fn null_makes_tests_unknown_but_not_the_whole() {
        let big = || col("x").greater_than(5);
        check(&big(), &[], None);
        check(&big().not(), &[], None);
        check(&big().or(col("f").is_null()), &[], Some(true));
        check(&big().and(col("f").is_not_null()), &[], Some(false));
        check(&big().and(col("f").is_null()), &[], None);
        check(&col("x").not_in([1, 2]), &[], None);
        check(&col("s").not_starts_with("a"), &[], None);
    }

    #[test]
    fn not_of_a_comparison_is_the_opposite_comparison() {
        check(&col("x").greater_than(5).not(), &x(5), Some(true));
        check(&col("x").greater_than(5).not(), &x(6), Some(false));
        let nan = [(2, Value::Double(f64::NAN))];
        check(&col("f").greater_than(5).not(), &nan, Some(false));
    }

    #[test]
    fn nan_is_unequal_to_all_and_in_no_order() {
        let nan = [(2, Value::Double(f64::NAN))];
        check(&col("f").less_than(1), &nan, Some(false));
        check(&col("f").greater_than(1), &nan, Some(false));
        check(&col("f").not_equal_to(1), &nan, Some(true));
        check(&col("f").not_in([1, 2]), &nan, Some(true));
        check(&col("f").is_nan(), &nan, Some(true));
        check(&col("f").is_nan(), &[], Some(false));
        check(&col("f").is_not_nan(), &[], Some(true));
    }

    #[test]
    fn prefixes_of_text_and_bytes_are_tested() {
        check(&col("s").starts_with("ab"), &[(3, Value::String("abc".into()))], Some(true));
        check(&col("s").starts_with("ab"), &[(3, Value::String("a".into()))], Some(false));
        check(&col("b").not_starts_with(vec![1_u8]), &[(4, Value::Binary(vec![1, 2]))], Some(false));
    }

    #[test]
    fn terms_are_transformed_before_the_test() {
        let term = col("x").with_transform(Transform::Truncate(10));
        check(&term.clone().equal_to(-10), &x(-1), Some(true));
        check(&term.clone().equal_to(0), &x(-1), Some(false));
        check(&term.is_null(), &[], Some(true));
    }
}
