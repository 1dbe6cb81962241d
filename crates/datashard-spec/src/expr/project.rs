//! Projection: from a predicate on rows to predicates on partition tuples.
//!
//! The inclusive projection may be true too often, never too rarely: where it is not true, no row of the partition
//! matches. The strict one may be true too rarely: where it is true, every row matches.

use std::fmt;
use std::sync::Arc;

use super::bind::{BoundPredicate, BoundTerm};
use super::key::Truth;
use super::predicate::{Leaf, Test};
use super::program::Program;
use super::text;
use super::transform::project_test;
use super::tree::{Connective, Node, Tree};
use crate::id::FieldId;
use crate::partition::PartitionSpec;
use crate::schema::{PrimitiveType, Type};
use crate::transform::Transform;
use crate::value::Value;

/// A field of a partition tuple.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionTerm {
    pub(super) position: usize,
    pub(super) field_id: FieldId,
    pub(super) name: Arc<str>,
    pub(super) field_type: Type,
}

/// Tells which partitions may hold a row that matches.
///
/// # Spec
/// "Scan Planning".
///
/// # Examples
/// ```
/// use datashard_spec::expr::{InclusiveProjection, col};
/// use datashard_spec::id::{FieldId, PartitionSpecId};
/// use datashard_spec::partition::{PartitionField, PartitionSpec};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::transform::Transform;
/// use datashard_spec::value::Value;
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let tens = PartitionField::new(FieldId(1), FieldId(1000), "id_trunc", Transform::Truncate(10));
/// let spec = PartitionSpec::new(PartitionSpecId(0), vec![tens]);
///
/// let projection = InclusiveProjection::new(&col("id").greater_than(34).bind(&schema)?, &spec);
/// assert_eq!(projection.to_string(), "id_trunc >= 30");
/// assert!(projection.may_match(&[Some(Value::Long(30))]));
/// assert!(!projection.may_match(&[Some(Value::Long(20))]));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct InclusiveProjection(pub(super) Program<Leaf<PartitionTerm>>);

/// Tells of which partitions every row matches.
#[derive(Debug, Clone)]
pub struct StrictProjection(Program<Leaf<PartitionTerm>>);

impl InclusiveProjection {
    /// Projects onto the tuples of a spec. Fields with a `void` or unknown transform, or with several sources, say nothing.
    pub fn new(predicate: &BoundPredicate, spec: &PartitionSpec) -> Self {
        Self(project(predicate, |leaf| inclusive(leaf, spec)))
    }

    /// Whether a row of the partition may match. If not, none does.
    ///
    /// A value that does not compare with its literal, or is missing from the tuple, may match.
    pub fn may_match(&self, partition: &[Option<Value>]) -> bool {
        self.0.run(|leaf| partition_may_match(leaf, partition))
    }

    /// The predicate in postfix order. There is no [`Node::Not`], and a constant only alone.
    pub fn nodes(&self) -> &[Node<Leaf<PartitionTerm>>] {
        self.0.tree().nodes()
    }
}

impl StrictProjection {
    /// Projects onto the tuples of a spec.
    pub fn new(predicate: &BoundPredicate, spec: &PartitionSpec) -> Self {
        Self(project(predicate, |leaf| strict(leaf, spec)))
    }

    /// Whether every row of the partition matches for certain. A null partition value passes no comparison.
    pub fn must_match(&self, partition: &[Option<Value>]) -> bool {
        self.0.run(|leaf| partition_must_match(leaf, partition))
    }

    /// The predicate in postfix order. There is no [`Node::Not`], and a constant only alone.
    pub fn nodes(&self) -> &[Node<Leaf<PartitionTerm>>] {
        self.0.tree().nodes()
    }
}

impl fmt::Display for InclusiveProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_tree(self.0.tree(), f)
    }
}

impl fmt::Display for StrictProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_tree(self.0.tree(), f)
    }
}

impl PartitionTerm {
    /// The position in the tuple.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The partition field.
    pub fn field_id(&self) -> FieldId {
        self.field_id
    }

    /// The name of the partition field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the partition field.
    pub fn field_type(&self) -> &Type {
        &self.field_type
    }

    pub(super) fn is_float(&self) -> bool {
        matches!(self.field_type, Type::Primitive(PrimitiveType::Float | PrimitiveType::Double))
    }
}

impl fmt::Display for PartitionTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::term(&self.name, &Transform::Identity))
    }
}

fn project(
    predicate: &BoundPredicate,
    leaf: impl Fn(&Leaf<BoundTerm>) -> Tree<Leaf<PartitionTerm>>,
) -> Program<Leaf<PartitionTerm>> {
    let tree = predicate.0.tree().rewrite(|bound, _| Ok::<_, std::convert::Infallible>(leaf(bound)));
    match tree {
        Ok(tree) => Program::new(tree),
        Err(never) => match never {},
    }
}

/// What all fields of the spec say together: each one's word counts.
pub(super) fn inclusive(leaf: &Leaf<BoundTerm>, spec: &PartitionSpec) -> Tree<Leaf<PartitionTerm>> {
    Tree::all(Connective::And, projections(leaf, spec).map(|(inclusive, _)| inclusive))
}

/// What any field of the spec says.
pub(super) fn strict(leaf: &Leaf<BoundTerm>, spec: &PartitionSpec) -> Tree<Leaf<PartitionTerm>> {
    Tree::all(Connective::Or, projections(leaf, spec).map(|(_, strict)| strict))
}

type Pair = (Tree<Leaf<PartitionTerm>>, Tree<Leaf<PartitionTerm>>);

fn projections<'a>(leaf: &'a Leaf<BoundTerm>, spec: &'a PartitionSpec) -> impl Iterator<Item = Pair> + 'a {
    let fields = spec.fields.iter().enumerate();
    fields.filter(|(_, field)| field.source_id() == Some(leaf.term.field_id)).filter_map(
        |(position, field)| {
            let term = PartitionTerm {
                position,
                field_id: field.field_id,
                name: field.name.as_str().into(),
                field_type: field.transform.result_type(&leaf.term.source_type)?,
            };
            let projected = project_test(leaf, &field.transform);
            let attach = |tree: Tree<Test>| {
                let attached = tree.rewrite(|test, _| {
                    Ok::<_, std::convert::Infallible>(Tree::leaf(Leaf {
                        term: term.clone(),
                        test: test.clone(),
                    }))
                });
                match attached {
                    Ok(tree) => tree,
                    Err(never) => match never {},
                }
            };
            Some((attach(projected.inclusive), attach(projected.strict)))
        },
    )
}

fn check(leaf: &Leaf<PartitionTerm>, partition: &[Option<Value>]) -> Truth {
    match partition.get(leaf.term.position) {
        Some(value) => leaf.test.check(value.as_ref()),
        None => Truth::Incomparable,
    }
}

pub(super) fn partition_may_match(leaf: &Leaf<PartitionTerm>, partition: &[Option<Value>]) -> bool {
    matches!(check(leaf, partition), Truth::True | Truth::Incomparable)
}

pub(super) fn partition_must_match(leaf: &Leaf<PartitionTerm>, partition: &[Option<Value>]) -> bool {
    check(leaf, partition) == Truth::True
}
