//! Predicates on record batches, with the answers of [`BoundPredicate::matches`] on each row.
//!
//! A bound predicate has no negation, so "true for certain" of the whole follows from "true for certain" of its tests by `and` and `or` of
//! bits: null and false need not be told apart. Each test makes a mask of a whole column; tests without a fast way go through values, row by
//! row, and the evaluator of the format itself.

mod leaf;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use datashard_spec::expr::{BoundPredicate, BoundTerm, Leaf, Node};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{Schema, Type};

use self::leaf::LeafFilter;
use crate::data_error::DataError;

/// A predicate, ready for batches in the Arrow schema of one Iceberg schema.
#[derive(Debug, Clone)]
pub(crate) struct BatchFilter {
    nodes: Vec<Node<ColumnTest>>,
}

#[derive(Debug, Clone)]
struct ColumnTest {
    name: String,
    /// The column, and within it the fields of structs down to what is tested.
    path: Vec<usize>,
    filter: LeafFilter,
}

impl BatchFilter {
    /// Prepares a predicate for batches whose columns are those of `schema`, in its order.
    ///
    /// # Errors
    /// `InvalidInput` if a column that is tested has another type in `schema` than in the one that the predicate was bound to; `Internal` if
    /// `schema` lacks it.
    pub(crate) fn new(predicate: &BoundPredicate, schema: &Schema) -> Result<Self, DataError> {
        let nodes: Result<Vec<Node<ColumnTest>>, DataError> = predicate
            .nodes()
            .iter()
            .map(|node| {
                Ok(match node {
                    Node::Leaf(leaf) => Node::Leaf(ColumnTest::new(leaf, schema)?),
                    Node::And(count) => Node::And(*count),
                    Node::Or(count) => Node::Or(*count),
                    Node::True => Node::True,
                    Node::False => Node::False,
                    Node::Not => return Err(DataError::internal("a bound predicate has a negation")),
                })
            })
            .collect();
        Ok(Self { nodes: nodes? })
    }

    /// For each row whether it matches for certain; without nulls.
    ///
    /// # Errors
    /// `Internal` if a column is not of the type that the schema gives it.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, DataError> {
        let rows = batch.num_rows();
        let mut masks: Vec<BooleanBuffer> = Vec::new();
        for node in &self.nodes {
            let mask = match node {
                Node::Leaf(test) => test.mask(batch)?,
                Node::True => BooleanBuffer::new_set(rows),
                Node::False | Node::Not => BooleanBuffer::new_unset(rows),
                Node::And(count) => join(&mut masks, *count, |a, b| a & b)?,
                Node::Or(count) => join(&mut masks, *count, |a, b| a | b)?,
            };
            masks.push(mask);
        }
        match (masks.pop(), masks.is_empty()) {
            (Some(mask), true) => Ok(BooleanArray::new(mask, None)),
            _ => Err(DataError::internal("a predicate is not one tree")),
        }
    }
}

fn join(
    masks: &mut Vec<BooleanBuffer>,
    count: usize,
    with: impl Fn(&BooleanBuffer, &BooleanBuffer) -> BooleanBuffer,
) -> Result<BooleanBuffer, DataError> {
    let first = masks.len().saturating_sub(count);
    masks
        .drain(first..)
        .reduce(|a, b| with(&a, &b))
        .ok_or_else(|| DataError::internal("an operator of a predicate has no operands"))
}

impl ColumnTest {
    fn new(leaf: &Leaf<BoundTerm>, schema: &Schema) -> Result<Self, DataError> {
        let id = leaf.term.field_id();
        let name = leaf.term.name().to_owned();
        let (path, field_type) = path_to(id, schema).ok_or_else(|| {
            DataError::internal(format!("the filter tests `{name}` (id {id}), which is not read"))
        })?;
        let bound = leaf.term.source_type();
        // Values and literals of different types compare as nothing, so that rows would be left out without a word.
        if field_type.as_primitive().is_some() && *bound != field_type {
            return Err(DataError::InvalidInput {
                what: "filter",
                reason: format!(
                    "it was bound to column `{name}` as {bound}, but the column is read as {field_type}: bind it to the schema that is read"
                ),
            });
        }
        Ok(Self { filter: LeafFilter::new(leaf, field_type), name, path })
    }

    fn mask(&self, batch: &RecordBatch) -> Result<BooleanBuffer, DataError> {
        let lost = || DataError::internal(format!("a batch lacks `{}`, which the filter tests", self.name));
        let (first, rest) = self.path.split_first().ok_or_else(lost)?;
        let mut array: &ArrayRef = batch.columns().get(*first).ok_or_else(lost)?;
        // A field of a struct that is null is null.
        let mut around: Option<NullBuffer> = None;
        for index in rest {
            let parent = array.as_struct_opt().ok_or_else(lost)?;
            around = NullBuffer::union(around.as_ref(), parent.nulls());
            array = parent.columns().get(*index).ok_or_else(lost)?;
        }
        let nulls = NullBuffer::union(around.as_ref(), array.logical_nulls().as_ref());
        self.filter.mask(array, nulls.as_ref())
    }
}

/// Positions from a column down to a field, and the field's type. Fields in lists and maps are not found.
fn path_to(id: FieldId, schema: &Schema) -> Option<(Vec<usize>, Type)> {
    let steps: Vec<FieldId> = schema.with_ancestors(id).map(|field| field.id).collect();
    let mut members = schema.as_struct();
    let mut path = Vec::with_capacity(steps.len());
    for (above, step) in steps.iter().rev().enumerate() {
        let index = members.fields.iter().position(|field| field.id == *step)?;
        path.push(index);
        let field_type = &members.fields.get(index)?.field_type;
        if above.saturating_add(1) == steps.len() {
            return Some((path, field_type.clone()));
        }
        members = field_type.as_struct()?;
    }
    None
}

#[cfg(test)]
mod tests;
