//! Casts that lose nothing: what callers hand in to the table's types, and what old files hold to the types of today.
//!
//! Arrow's own cast kernel wraps, rounds and makes nulls of what it cannot convert; here each pair of types is spelled out, and a value that
//! does not fit is an error with its row.

mod bytes;
mod conform;
mod conform_nested;
mod decimal;
mod number;
mod primitive;
mod spans;
mod temporal;
#[cfg(test)]
mod tests;
mod unpack;
mod variant;

use std::fmt::Display;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datashard_spec::schema::Type;

pub use conform::conform_batch;
pub(crate) use conform::conform_to;

use crate::data_error::DataError;

/// Values of a column without children, as a file stores them, in the Arrow type of the table's column. `place` names the file in errors.
///
/// Beside the promotions of the format, the ways in which files store a type: small integers, decimals of any width, timestamps of any
/// unit and zone, text as plain bytes, uuids and decimals as bytes. Digits finer than the column's are cut, towards the past. Costs nothing
/// if the type is right already.
///
/// # Errors
/// `WrongType` if no value of the one type can be read as the other; `BadValue` for a value that does not fit. Rows count from the start
/// of the array.
///
/// # Spec
/// "Schema Evolution", "Appendix A: Format-specific Requirements".
pub(crate) fn read_as(array: &ArrayRef, to: &Type, column: &str, place: &str) -> Result<ArrayRef, DataError> {
    read_as_within(array, to, column, place, None)
}

/// As [`read_as`], for a field of a struct that is null where `around` is: what lies there need not be a value.
pub(crate) fn read_as_within(
    array: &ArrayRef,
    to: &Type,
    column: &str,
    place: &str,
    around: Option<&NullBuffer>,
) -> Result<ArrayRef, DataError> {
    let at = At { column, place, origin: Origin::Stored, mask: around };
    match to {
        Type::Primitive(primitive) => primitive::convert(array, primitive, &at),
        Type::Variant => variant::convert(array, &at),
        other => Err(at.wrong_type(array.data_type(), other, "")),
    }
}

/// Where values come from, which decides how much is done for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A caller: only what surely means the same is accepted, and every value is checked.
    HandedIn,
    /// A file: whatever its bytes may stand for in a column of this type.
    Stored,
}

/// Which column is being converted, for errors, and which of its rows count.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    column: &'a str,
    place: &'a str,
    origin: Origin,
    /// Rows that are null because a struct around them is: what lies below does not count.
    mask: Option<&'a NullBuffer>,
}

impl At<'_> {
    fn is_stored(&self) -> bool {
        self.origin == Origin::Stored
    }

    /// The rows of the array whose values count.
    fn counting(&self, array: &dyn Array) -> Option<NullBuffer> {
        NullBuffer::union(array.logical_nulls().as_ref(), self.mask)
    }

    fn wrong_type(&self, found: &DataType, wanted: &dyn Display, advice: &str) -> DataError {
        DataError::WrongType {
            place: self.place.to_owned(),
            column: self.column.to_owned(),
            found: found.to_string(),
            wanted: wanted.to_string(),
            advice: advice.to_owned(),
        }
    }

    fn bad_value(&self, row: usize, reason: impl Into<String>) -> DataError {
        DataError::BadValue {
            place: self.place.to_owned(),
            row: u64::try_from(row).unwrap_or(u64::MAX),
            column: self.column.to_owned(),
            reason: reason.into(),
        }
    }

    /// A column of more bytes, or elements, than an array can count.
    fn too_large(&self, bytes: usize) -> DataError {
        DataError::TooLarge {
            file: self.place.to_owned(),
            place: format!("column `{}`", self.column),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            limit_bytes: u64::try_from(i32::MAX).unwrap_or(u64::MAX),
        }
    }

    /// Values that could not be put one after the other: mostly because together they are too large.
    fn not_taken(&self, error: ArrowError) -> DataError {
        match error {
            ArrowError::OffsetOverflowError(bytes) => self.too_large(bytes),
            other => self.internal(other),
        }
    }

    fn internal(&self, error: impl Display) -> DataError {
        DataError::internal(format!("column `{}` of {}: {error}", self.column, self.place))
    }
}

/// Whether the row counts.
fn counts(counting: Option<&NullBuffer>, row: usize) -> bool {
    counting.is_none_or(|nulls| row < nulls.len() && nulls.is_valid(row))
}
