//! Stepping over values that nobody asked for, by a small program compiled from their schema.

use super::schema::{AvroSchema, Kind, NodeId};
use super::varint::Cursor;
use crate::avro_error::{AvroError, AvroFault};

/// How to step over a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Skip {
    /// So many ints and longs; none at all for null.
    Numbers(usize),
    /// So many bytes.
    Bytes(usize),
    /// Bytes with their length before them.
    Length,
    /// One after the other.
    Sequence(Vec<Skip>),
    /// An array of items. Never of items without bytes.
    Array(Box<Skip>),
    /// The branches of a union.
    Union(Vec<Skip>),
}

/// Steps in all that the types of one file may compile to: names can make a type refer to another twice over, again and
/// again. It also bounds the values without bytes that an entry can hold.
pub(super) const MAX_STEPS: usize = 10_000;
const MAX_DEPTH: usize = 64;

impl Skip {
    /// Takes what it needs from the `budget` of the file.
    pub(super) fn compile(schema: &AvroSchema, node: NodeId, budget: &mut usize) -> Result<Self, AvroError> {
        Self::build(schema, node, MAX_DEPTH, budget)
    }

    fn build(schema: &AvroSchema, node: NodeId, depth: usize, budget: &mut usize) -> Result<Self, AvroError> {
        let too_big = || AvroError::Schema {
            at: "a field".to_owned(),
            reason: "its type is too big, or holds itself".to_owned(),
        };
        let depth = depth.checked_sub(1).ok_or_else(too_big)?;
        *budget = budget.checked_sub(1).ok_or_else(too_big)?;
        let mut part = |node| Self::build(schema, node, depth, budget);
        Ok(match &schema.node(node)?.kind {
            Kind::Null => Self::Numbers(0),
            Kind::Int | Kind::Long | Kind::Enum => Self::Numbers(1),
            Kind::Boolean => Self::Bytes(1),
            Kind::Float => Self::Bytes(4),
            Kind::Double => Self::Bytes(8),
            Kind::Fixed(0) => Self::Numbers(0),
            Kind::Fixed(size) => Self::Bytes(*size),
            Kind::Bytes | Kind::String => Self::Length,
            Kind::Array(items) => Self::Array(Box::new(part(*items)?)),
            Kind::Map(values) => Self::Array(Box::new(Self::Sequence(vec![Self::Length, part(*values)?]))),
            Kind::Union(branches) => {
                Self::Union(branches.iter().map(|branch| part(*branch)).collect::<Result<_, _>>()?)
            }
            Kind::Record(fields) => {
                let mut steps = Vec::new();
                for field in fields {
                    Self::append(&mut steps, part(field.node)?);
                }
                match steps.len() {
                    0 => Self::Numbers(0),
                    1 => steps.pop().unwrap_or(Self::Numbers(0)),
                    _ => Self::Sequence(steps),
                }
            }
        })
    }

    /// Adds a step, as part of the last one if both are numbers.
    fn append(steps: &mut Vec<Self>, step: Self) {
        match (steps.last_mut(), step) {
            (_, Self::Numbers(0)) => {}
            (Some(Self::Numbers(before)), Self::Numbers(more)) => *before = before.saturating_add(more),
            (_, Self::Sequence(parts)) => parts.into_iter().for_each(|part| Self::append(steps, part)),
            (_, step) => steps.push(step),
        }
    }

    #[inline]
    pub(super) fn run(&self, cursor: &mut Cursor<'_>) -> Result<(), AvroFault> {
        match self {
            Self::Numbers(count) => cursor.skip_numbers(*count),
            Self::Bytes(count) => cursor.take(*count).map(|_| ()),
            Self::Length => cursor.bytes().map(|_| ()),
            Self::Sequence(steps) => steps.iter().try_for_each(|step| step.run(cursor)),
            Self::Array(items) => Self::run_array(items, cursor),
            Self::Union(branches) => {
                let found = cursor.long()?;
                let branch = usize::try_from(found).ok().and_then(|at| branches.get(at));
                branch.ok_or(AvroFault::Union { found })?.run(cursor)
            }
        }
    }

    fn run_array(items: &Self, cursor: &mut Cursor<'_>) -> Result<(), AvroFault> {
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                return Ok(());
            }
            match items {
                // Also items without bytes, of which any number takes no time.
                Self::Numbers(each) => cursor.skip_numbers(count.saturating_mul(*each))?,
                Self::Sequence(steps) if matches!(steps.as_slice(), [Self::Numbers(1), Self::Length]) => {
                    cursor.skip_numbers_with_bytes(count)?;
                }
                items => {
                    for _ in 0..count {
                        items.run(cursor)?;
                    }
                }
            }
            cursor.end_run(end)?;
        }
    }
}
