//! Evaluation on the column metrics of a file: may a row match, must every row match?
//!
//! Nothing is concluded from a count or bound that is missing, negative, malformed or NaN, nor from counts that cannot all
//! be right. Bounds may have been cut, so
//! they are limits only. Both evaluators are made once per predicate and allocate nothing per file.

use super::bind::{BoundPredicate, BoundTerm};
use super::predicate::{Leaf, Test};
use super::program::Program;
use super::range::Range;
use crate::id::FieldId;

/// The column metrics of a file, as its manifest entry has them.
///
/// # Spec
/// "Manifests", fields of `data_file`.
pub trait ColumnMetrics {
    /// The number of rows.
    fn record_count(&self) -> Option<i64>;
    /// The number of values of a column, null and NaN included.
    fn value_count(&self, id: FieldId) -> Option<i64>;
    /// The number of nulls.
    fn null_count(&self, id: FieldId) -> Option<i64>;
    /// The number of NaNs.
    fn nan_count(&self, id: FieldId) -> Option<i64>;
    /// A binary single value at or below all values that are neither null nor NaN.
    fn lower_bound(&self, id: FieldId) -> Option<&[u8]>;
    /// A binary single value at or above all values that are neither null nor NaN.
    fn upper_bound(&self, id: FieldId) -> Option<&[u8]>;
}

/// Tells which files may hold a row that matches.
///
/// # Spec
/// "Scan Planning".
///
/// # Examples
/// ```
/// use datashard_spec::expr::{ColumnMetrics, InclusiveMetrics, col};
/// use datashard_spec::id::FieldId;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// struct Upper(i32);
/// impl ColumnMetrics for Upper {
///     fn record_count(&self) -> Option<i64> { Some(10) }
///     fn value_count(&self, _: FieldId) -> Option<i64> { None }
///     fn null_count(&self, _: FieldId) -> Option<i64> { None }
///     fn nan_count(&self, _: FieldId) -> Option<i64> { None }
///     fn lower_bound(&self, _: FieldId) -> Option<&[u8]> { None }
///     fn upper_bound(&self, _: FieldId) -> Option<&[u8]> { Some(if self.0 > 30 { &[50, 0, 0, 0] } else { &[9, 0, 0, 0] }) }
/// }
///
/// let schema = Schema::new(vec![NestedField::optional(1, "age", PrimitiveType::Int)])?;
/// let metrics = InclusiveMetrics::new(&col("age").greater_than(30).bind(&schema)?);
/// assert!(metrics.may_match(&Upper(50)));
/// assert!(!metrics.may_match(&Upper(9)));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct InclusiveMetrics(Program<Leaf<BoundTerm>>);

/// Tells of which files every row matches, so that they can be deleted whole.
///
/// Nulls never match a comparison, so a file with nulls does not match `x < 5`, nor `x != 5`. Columns inside structs never
/// match, as counts do not tell how many structs are null.
#[derive(Debug, Clone)]
pub struct StrictMetrics(Program<Leaf<BoundTerm>>);

impl InclusiveMetrics {
    /// The evaluator of a predicate.
    pub fn new(predicate: &BoundPredicate) -> Self {
        Self(predicate.0.clone())
    }

    /// Whether a row of the file may match. If not, none does.
    pub fn may_match(&self, file: &impl ColumnMetrics) -> bool {
        file.record_count() != Some(0) && self.0.run(|leaf| leaf_may_match(leaf, file))
    }
}

impl StrictMetrics {
    /// The evaluator of a predicate.
    pub fn new(predicate: &BoundPredicate) -> Self {
        Self(predicate.0.clone())
    }

    /// Whether every row of the file matches for certain.
    pub fn must_match(&self, file: &impl ColumnMetrics) -> bool {
        file.record_count() == Some(0) || self.0.run(|leaf| leaf_must_match(leaf, file))
    }
}

fn leaf_may_match(leaf: &Leaf<BoundTerm>, file: &impl ColumnMetrics) -> bool {
    let Leaf { term, test } = leaf;
    let id = term.field_id;
    match test {
        Test::IsNull => !no_null(file, term),
        Test::IsNan => file.nan_count(id) != Some(0) && !all_null(file, term),
        // True for null, so the rows that were not counted would match.
        Test::NotNan => !(all_nan(file, term) && counts_rows(file, term)),
        Test::NotNull => !all_null(file, term),
        Test::Compare(..) | Test::In(_) | Test::NotIn(_) => {
            // Bounds first: a bound is of a value, so where there is one, not all values are null or NaN.
            if term.is_column() {
                let nan = term.is_float() && test.takes_nan() && file.nan_count(id) != Some(0);
                let (lower, upper) = test.limits(&term.source_type);
                let lower = if lower { file.lower_bound(id) } else { None };
                let upper = if upper { file.upper_bound(id) } else { None };
                let range = Range::of_bounds(&term.source_type, lower, upper);
                if !range.may_match(test, nan) {
                    return false;
                }
                if range.is_bounded() {
                    return true;
                }
            }
            // A transform of a null is null; more is not known of a transformed column.
            let nothing_comparable = term.is_column() && term.is_float() && !test.takes_nan();
            !(all_null(file, term) || nothing_comparable && all_null_or_nan(file, term))
        }
    }
}

fn leaf_must_match(leaf: &Leaf<BoundTerm>, file: &impl ColumnMetrics) -> bool {
    let Leaf { term, test } = leaf;
    let id = term.field_id;
    if term.nested || !term.is_column() {
        return false;
    }
    match test {
        Test::IsNull => all_null(file, term),
        Test::NotNull => no_null(file, term),
        Test::IsNan => all_nan(file, term),
        Test::NotNan => file.nan_count(id) == Some(0) || all_null(file, term),
        Test::Compare(..) | Test::In(_) | Test::NotIn(_) => {
            if !no_null(file, term) {
                return false;
            }
            if term.is_float() && !test.takes_nan() && file.nan_count(id) != Some(0) {
                return false;
            }
            if term.is_float() && test.takes_nan() && all_nan(file, term) {
                return true;
            }
            Range::of_bounds(&term.source_type, file.lower_bound(id), file.upper_bound(id)).must_match(test)
        }
    }
}

/// Whether the counts of a column are known to be of all rows: where a struct around it is null, some writers do not
/// count the value at all.
fn counts_rows(file: &impl ColumnMetrics, term: &BoundTerm) -> bool {
    match (file.value_count(term.field_id), file.record_count()) {
        (Some(values), Some(rows)) if rows >= 0 => values == rows,
        _ => !term.nested,
    }
}

/// The number of values, if it can be one.
fn values(file: &impl ColumnMetrics, term: &BoundTerm) -> Option<i64> {
    file.value_count(term.field_id).filter(|count| *count > 0 && (term.nested || counts_rows(file, term)))
}

fn no_null(file: &impl ColumnMetrics, term: &BoundTerm) -> bool {
    file.null_count(term.field_id) == Some(0) && counts_rows(file, term)
}

/// Of a column in a struct, the values that were counted; the others are null as well.
fn all_null(file: &impl ColumnMetrics, term: &BoundTerm) -> bool {
    file.null_count(term.field_id).is_some_and(|nulls| Some(nulls) == values(file, term))
}

/// Of a column in a struct, the values that were counted.
fn all_nan(file: &impl ColumnMetrics, term: &BoundTerm) -> bool {
    file.nan_count(term.field_id).is_some_and(|nans| Some(nans) == values(file, term))
        && file.null_count(term.field_id).is_none_or(|nulls| nulls == 0)
}

fn all_null_or_nan(file: &impl ColumnMetrics, term: &BoundTerm) -> bool {
    let (nulls, nans) = (file.null_count(term.field_id), file.nan_count(term.field_id));
    let (Some(nulls @ 0..), Some(nans @ 0..)) = (nulls, nans) else { return false };
    nulls.checked_add(nans).is_some_and(|both| Some(both) == values(file, term))
}

#[cfg(test)]
mod tests;
