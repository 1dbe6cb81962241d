//! Evaluation on the partition summaries of a manifest.

use super::predicate::{Leaf, Test};
use super::project::{InclusiveProjection, PartitionTerm};
use super::range::Range;
use crate::manifest::FieldSummary;

/// What a manifest list says about one partition field of a manifest.
///
/// # Spec
/// "Manifest Lists", `field_summary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PartitionFieldSummary<'a> {
    /// Whether a partition value is null.
    pub contains_null: bool,
    /// Whether a partition value is NaN, if that is known.
    pub contains_nan: Option<bool>,
    /// The least partition value that is neither, as a binary single value. `None` if there is none.
    pub lower: Option<&'a [u8]>,
    /// The greatest one.
    pub upper: Option<&'a [u8]>,
}

/// Tells which manifests may list a file with a row that matches.
///
/// # Spec
/// "Scan Planning".
#[derive(Debug, Clone)]
pub struct ManifestEvaluator(InclusiveProjection);

impl<'a> PartitionFieldSummary<'a> {
    /// A summary with these bounds, without NaN as far as is known.
    pub fn new(contains_null: bool, lower: Option<&'a [u8]>, upper: Option<&'a [u8]>) -> Self {
        Self { contains_null, contains_nan: None, lower, upper }
    }

    /// With what is known about NaN.
    #[must_use]
    pub fn with_nan(mut self, contains_nan: Option<bool>) -> Self {
        self.contains_nan = contains_nan;
        self
    }
}

impl<'a> From<&'a FieldSummary> for PartitionFieldSummary<'a> {
    fn from(summary: &'a FieldSummary) -> Self {
        Self::new(summary.contains_null, summary.lower_bound.as_deref(), summary.upper_bound.as_deref())
            .with_nan(summary.contains_nan)
    }
}

impl ManifestEvaluator {
    /// The evaluator for manifests of the spec that was projected onto.
    pub fn new(projection: InclusiveProjection) -> Self {
        Self(projection)
    }

    /// Whether a file of the manifest may hold a row that matches: `summaries` has one per field of the spec, in order. A
    /// missing one says nothing.
    pub fn may_match(&self, summaries: &[PartitionFieldSummary<'_>]) -> bool {
        self.0
            .0
            .run(|leaf| summaries.get(leaf.term.position).is_none_or(|summary| leaf_may_match(leaf, summary)))
    }
}

fn leaf_may_match(leaf: &Leaf<PartitionTerm>, summary: &PartitionFieldSummary<'_>) -> bool {
    let Leaf { term, test } = leaf;
    let float = term.is_float();
    let unbounded = summary.lower.is_none() && summary.upper.is_none();
    let all_null = summary.contains_null
        && unbounded
        && (summary.contains_nan == Some(false) || !float && summary.contains_nan.is_none());
    match test {
        Test::IsNull => summary.contains_null,
        Test::NotNull => !all_null,
        Test::IsNan => summary.contains_nan != Some(false),
        Test::NotNan => summary.contains_null || summary.contains_nan != Some(true) || !unbounded,
        Test::Compare(..) | Test::In(_) | Test::NotIn(_) => {
            if all_null {
                return false;
            }
            // Without bounds there are only nulls and NaNs; unless there are neither, and the summary makes no sense.
            let nothing_else = unbounded && (summary.contains_null || summary.contains_nan == Some(true));
            if nothing_else && !(float && test.takes_nan()) {
                return false;
            }
            let nan = float && summary.contains_nan != Some(false);
            Range::of_bounds(&term.field_type, summary.lower, summary.upper).may_match(test, nan)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Predicate;
    use crate::id::{FieldId, PartitionSpecId};
    use crate::partition::{PartitionField, PartitionSpec};
    use crate::schema::{NestedField, PrimitiveType, Schema};
    use crate::transform::Transform;

    fn check(of: PrimitiveType, predicate: &str, summary: PartitionFieldSummary<'_>, expected: bool) {
        let schema = Schema::new(vec![NestedField::optional(1, "x", of)]).unwrap();
        let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
        let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
        let bound = predicate.parse::<Predicate>().unwrap().bind(&schema).unwrap();
        let evaluator = ManifestEvaluator::new(InclusiveProjection::new(&bound, &spec));
        assert_eq!(evaluator.may_match(&[summary]), expected, "{predicate} {summary:?}");
        assert!(evaluator.may_match(&[]));
    }

    #[test]
    fn bounds_of_integers_decide() {
        let int = |predicate: &str, expected| {
            let (lower, upper) = (5_i32.to_le_bytes(), 9_i32.to_le_bytes());
            let summary = PartitionFieldSummary::new(false, Some(&lower), Some(&upper));
            check(PrimitiveType::Int, predicate, summary, expected);
        };
        int("x < 5", false);
        int("x <= 5", true);
        int("x > 9", false);
        int("x = 7", true);
        int("x in (1, 10)", false);
        int("x != 7", true);
        int("x is null", false);
        int("x is not null", true);
    }

    #[test]
    fn without_bounds_there_are_only_nulls_and_nans() {
        let nothing = PartitionFieldSummary::new(true, None, None);
        check(PrimitiveType::Int, "x < 5", nothing, false);
        check(PrimitiveType::Int, "x != 5", nothing, false);
        check(PrimitiveType::Int, "x is not null", nothing, false);
        check(PrimitiveType::Double, "x < 5", nothing, false);
        check(PrimitiveType::Double, "x != 5", nothing, true);
        check(PrimitiveType::Double, "x is not null", nothing, true);
        check(PrimitiveType::Double, "x is not null", nothing.with_nan(Some(false)), false);
        let nans = PartitionFieldSummary::new(false, None, None).with_nan(Some(true));
        check(PrimitiveType::Double, "x is not nan", nans, false);
        check(PrimitiveType::Double, "x not in (1, 2)", nans, true);
        check(PrimitiveType::Double, "x = 5", nans, false);
    }

    #[test]
    fn a_summary_that_makes_no_sense_decides_nothing() {
        check(PrimitiveType::Int, "x < 5", PartitionFieldSummary::new(false, None, None), true);
        check(PrimitiveType::Int, "x < 5", PartitionFieldSummary::new(false, Some(&[1]), Some(&[2])), true);
        let nan = f64::NAN.to_le_bytes();
        check(
            PrimitiveType::Double,
            "x < 5",
            PartitionFieldSummary::new(false, Some(&nan), Some(&nan)),
            true,
        );
    }

    #[test]
    fn one_value_is_excluded_only_without_nan() {
        let one = 1_f64.to_le_bytes();
        let summary = PartitionFieldSummary::new(true, Some(&one), Some(&one));
        check(PrimitiveType::Double, "x != 1", summary, true);
        check(PrimitiveType::Double, "x != 1", summary.with_nan(Some(false)), false);
    }
}
