//! One measured column: its counts, and its bounds as they are written.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use datashard_spec::expr::{truncate_lower, truncate_upper};
use datashard_spec::id::FieldId;
use datashard_spec::property::MetricsMode;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::Value;

use super::bounds::Bounds;
use super::floats::count_nans;
use crate::data_error::DataError;

/// What is known of a column so far.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) id: FieldId,
    /// Nulls, those that null structs above hide included.
    pub(super) nulls: i64,
    /// NaNs, of a type that has them.
    pub(super) nans: Option<i64>,
    bounds: Option<Bounds>,
    /// Length that bounds are cut to.
    length: Option<usize>,
}

/// A lower and an upper bound as they are written.
type BinaryBounds = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Leaf {
    /// A column of which nulls are counted and nothing else.
    pub(super) fn counted(id: FieldId) -> Self {
        Self { id, nulls: 0, nans: None, bounds: None, length: None }
    }

    /// A column of this type, measured by this mode.
    pub(super) fn new(id: FieldId, primitive: &PrimitiveType, mode: MetricsMode) -> Self {
        let has_nans = matches!(primitive, PrimitiveType::Float | PrimitiveType::Double);
        let (bounded, length) = match mode {
            MetricsMode::Truncate(length) => (true, Some(usize::try_from(length).unwrap_or(usize::MAX))),
            MetricsMode::Full => (true, None),
            _ => (false, None),
        };
        let bounds = if bounded { Bounds::new(primitive) } else { None };
        Self { id, nulls: 0, nans: has_nans.then_some(0), bounds, length }
    }

    /// Adds the values of an array. `nulls` are those of the array and those that hide it.
    pub(super) fn add(&mut self, array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<(), DataError> {
        let null_count = nulls.map_or(0, NullBuffer::null_count);
        self.nulls = self.nulls.saturating_add(count(null_count));
        if null_count == array.len() {
            return Ok(());
        }
        let nulls = if null_count == 0 { None } else { nulls };
        let found = match &mut self.bounds {
            Some(bounds) => bounds.add(array, nulls),
            None if self.nans.is_some() => count_nans(array, nulls),
            None => Some(0),
        };
        let nans = found.ok_or_else(|| DataError::WrongColumns {
            place: "record batch".to_owned(),
            reason: format!(
                "column with field id {} is {}, which its type is not",
                self.id,
                array.data_type()
            ),
        })?;
        if let Some(sum) = &mut self.nans {
            *sum = sum.saturating_add(count(nans));
        }
        Ok(())
    }

    /// The bounds as they are written: cut, and in binary form.
    pub(super) fn bounds(&self) -> Result<BinaryBounds, DataError> {
        let Some((lower, upper)) = self.bounds.as_ref().and_then(Bounds::values) else {
            return Ok((None, None));
        };
        let (lower, upper) = match self.length {
            Some(length) => (Some(truncate_lower(&lower, length)), truncate_upper(&upper, length)),
            None => (Some(lower), Some(upper)),
        };
        Ok((self.binary(lower)?, self.binary(upper)?))
    }

    fn binary(&self, bound: Option<Value>) -> Result<Option<Vec<u8>>, DataError> {
        let bytes = bound.map(|value| value.to_binary()).transpose();
        bytes.map_err(|error| DataError::Internal {
            what: format!("a bound of field {} has no binary form", self.id),
            source: Some(Box::new(error)),
        })
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
