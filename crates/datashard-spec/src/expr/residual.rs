//! Residuals: what is left of a predicate for the rows of one partition.

use super::bind::{BoundPredicate, BoundTerm};
use super::predicate::Leaf;
use super::program::Program;
use super::project::{PartitionTerm, inclusive, partition_may_match, partition_must_match, strict};
use super::tree::Tree;
use crate::partition::PartitionSpec;
use crate::value::Value;

/// Makes residuals of a predicate for the partitions of one spec.
///
/// Within a partition the residual is true for exactly the rows that the predicate is true for. Nulls pass no comparison,
/// so a null partition value decides `x < 5` as false.
///
/// # Spec
/// "Scan Planning".
///
/// # Examples
/// ```
/// use datashard_spec::expr::{Predicate, Residual};
/// use datashard_spec::id::{FieldId, PartitionSpecId};
/// use datashard_spec::partition::{PartitionField, PartitionSpec};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::transform::Transform;
/// use datashard_spec::value::Value;
///
/// let schema = Schema::new(vec![
///     NestedField::optional(1, "id", PrimitiveType::Long),
///     NestedField::optional(2, "name", PrimitiveType::String),
/// ])?;
/// let tens = PartitionField::new(FieldId(1), FieldId(1000), "id_trunc", Transform::Truncate(10));
/// let spec = PartitionSpec::new(PartitionSpecId(0), vec![tens]);
/// let predicate: Predicate = "id > 34 and name = 'a'".parse()?;
/// let residual = Residual::new(&predicate.bind(&schema)?, &spec);
///
/// let of = |value| residual.for_partition(&[value]).to_string();
/// assert_eq!(of(Some(Value::Long(30))), "id > 34 and name = 'a'");
/// assert_eq!(of(Some(Value::Long(40))), "name = 'a'");
/// assert_eq!(of(Some(Value::Long(20))), "false");
/// assert_eq!(of(None), "false");
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Residual {
    predicate: BoundPredicate,
    /// For each leaf, in order, what the partition says about it.
    leaves: Vec<Projections>,
}

#[derive(Debug, Clone)]
struct Projections {
    inclusive: Program<Leaf<PartitionTerm>>,
    strict: Program<Leaf<PartitionTerm>>,
}

impl Residual {
    /// Prepares a predicate for the partitions of a spec.
    pub fn new(predicate: &BoundPredicate, spec: &PartitionSpec) -> Self {
        let project = |leaf: &Leaf<BoundTerm>| Projections {
            inclusive: Program::new(inclusive(leaf, spec)),
            strict: Program::new(strict(leaf, spec)),
        };
        let leaves = predicate.0.tree().leaves().map(project).collect();
        Self { predicate: predicate.clone(), leaves }
    }

    /// What is left to test of the rows of a partition: always true if all match, always false if none does.
    pub fn for_partition(&self, partition: &[Option<Value>]) -> BoundPredicate {
        let mut projections = self.leaves.iter();
        let rewritten = self.predicate.0.tree().rewrite(|leaf, _| {
            Ok::<_, std::convert::Infallible>(match projections.next() {
                Some(leaf) if leaf.strict.run(|test| partition_must_match(test, partition)) => {
                    Tree::constant(true)
                }
                Some(leaf) if !leaf.inclusive.run(|test| partition_may_match(test, partition)) => {
                    Tree::constant(false)
                }
                _ => Tree::leaf(leaf.clone()),
            })
        });
        match rewritten {
            Ok(tree) => BoundPredicate(Program::new(tree)),
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Predicate;
    use crate::id::{FieldId, PartitionSpecId};
    use crate::partition::PartitionField;
    use crate::schema::{NestedField, PrimitiveType, Schema};
    use crate::transform::Transform;

    fn check(predicate: &str, partition: Option<i32>, expected: &str) {
        let schema = Schema::new(vec![
            NestedField::optional(1, "x", PrimitiveType::Int),
            NestedField::optional(2, "y", PrimitiveType::Int),
        ])
        .unwrap();
        let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
        let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
        let bound = predicate.parse::<Predicate>().unwrap().bind(&schema).unwrap();
        let residual = Residual::new(&bound, &spec).for_partition(&[partition.map(Value::Int)]);
        assert_eq!(residual.to_string(), expected, "{predicate}");
    }

    #[test]
    fn trap_31_a_null_partition_matches_no_comparison() {
        for predicate in ["x < 5", "x <= 5", "x != 5", "x not in (5, 6)", "not (x > 5)"] {
            check(predicate, None, "false");
        }
        check("x is null or x < 5", None, "true");
        check("x < 5 or y < 5", None, "y < 5");
    }

    #[test]
    fn tests_that_the_partition_decides_go_away() {
        check("x < 5 and y < 5", Some(4), "y < 5");
        check("x < 5 and y < 5", Some(5), "false");
        check("x < 5 or y < 5", Some(4), "true");
        check("y < 5", Some(4), "y < 5");
    }

    #[test]
    fn a_value_of_another_type_decides_nothing() {
        check("x < 5", Some(4), "true");
        let schema = Schema::new(vec![NestedField::optional(1, "x", PrimitiveType::Int)]).unwrap();
        let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
        let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
        let bound = "x < 5".parse::<Predicate>().unwrap().bind(&schema).unwrap();
        let residual = Residual::new(&bound, &spec);
        assert_eq!(residual.for_partition(&[Some(Value::String("a".into()))]), bound);
        assert_eq!(residual.for_partition(&[]), bound);
    }
}
