//! Structs, lists and maps.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;

use super::super::fault::{Fault, Place};
use super::super::rle::IntegerReader;
use super::text::{offsets, total};
use super::{ColumnReader, Frame};
use crate::data_error::DataError;

pub(super) fn read_struct(
    place: &Place,
    fields: &Fields,
    columns: &mut [ColumnReader],
    rows: usize,
    nulls: Option<NullBuffer>,
    frame: &Frame,
) -> Result<ArrayRef, DataError> {
    let arrays = columns
        .iter_mut()
        .map(|column| column.read(rows, nulls.as_ref(), frame))
        .collect::<Result<Vec<_>, _>>()?;
    let array = StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows);
    Ok(Arc::new(array.map_err(|error| damaged(place, &error, frame))?))
}

pub(super) fn read_list(
    place: &Place,
    data_type: &DataType,
    lengths: &mut IntegerReader,
    element: &mut ColumnReader,
    valid: usize,
    nulls: Option<NullBuffer>,
    frame: &Frame,
) -> Result<ArrayRef, DataError> {
    let DataType::List(field) = data_type else { return Err(DataError::internal("a list that is none")) };
    let (offsets, count) = read_lengths(lengths, valid, nulls.as_ref(), element.width(), frame)
        .map_err(|fault| place.error(fault, frame.first_row))?;
    let elements = element.read(count, None, frame)?;
    let array = ListArray::try_new(Arc::clone(field), offsets, elements, nulls);
    Ok(Arc::new(array.map_err(|error| damaged(place, &error, frame))?))
}

pub(super) fn read_map(
    place: &Place,
    data_type: &DataType,
    (lengths, key, value): (&mut IntegerReader, &mut ColumnReader, &mut ColumnReader),
    valid: usize,
    nulls: Option<NullBuffer>,
    frame: &Frame,
) -> Result<ArrayRef, DataError> {
    let DataType::Map(entries, sorted) = data_type else {
        return Err(DataError::internal("a map that is none"));
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(DataError::internal("a map without entries"));
    };
    let width = key.width().saturating_add(value.width());
    let (offsets, count) = read_lengths(lengths, valid, nulls.as_ref(), width, frame)
        .map_err(|fault| place.error(fault, frame.first_row))?;
    let pairs = vec![key.read(count, None, frame)?, value.read(count, None, frame)?];
    let array = StructArray::try_new_with_length(fields.clone(), pairs, None, count)
        .and_then(|pairs| MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted));
    Ok(Arc::new(array.map_err(|error| damaged(place, &error, frame))?))
}

/// Goes over the lengths of lists and tells their sum.
pub(super) fn skip_lengths(lengths: &mut IntegerReader, count: usize) -> Result<usize, Fault> {
    let mut sum = Some(0_usize);
    lengths.each(count, |lengths| {
        for length in lengths {
            sum = sum.zip(usize::try_from(*length).ok()).and_then(|(sum, length)| sum.checked_add(length));
        }
    })?;
    sum.ok_or_else(|| Fault::damaged("a negative or endless length"))
}

/// Offsets of lists, and how many elements they have together. There is memory for these; the columns within take it.
fn read_lengths(
    lengths: &mut IntegerReader,
    valid: usize,
    nulls: Option<&NullBuffer>,
    width: u64,
    frame: &Frame,
) -> Result<(OffsetBuffer<i32>, usize), Fault> {
    let mut found = Vec::with_capacity(valid);
    lengths.read(valid, &mut found)?;
    let count = total(&found)?;
    let bytes = count.saturating_mul(width);
    if bytes > frame.left_bytes.get() || i32::try_from(count).is_err() {
        return Err(Fault::TooLarge { bytes, limit_bytes: frame.left_bytes.get() });
    }
    let count = usize::try_from(count).map_err(|_| Fault::damaged("too many elements"))?;
    Ok((offsets(found.into_iter(), nulls)?, count))
}

impl ColumnReader {
    /// Bytes that a value takes at least while it is read.
    pub(super) fn width(&self) -> u64 {
        match &self.data_type {
            DataType::Struct(_) => match &self.values {
                super::Values::Struct(_, columns) => {
                    columns.iter().fold(1_u64, |sum, column| sum.saturating_add(column.width()))
                }
                _ => 1,
            },
            DataType::FixedSizeBinary(length) => u64::from(length.unsigned_abs()),
            DataType::Boolean | DataType::Int8 => 1,
            DataType::Int16 | DataType::Int32 | DataType::Date32 | DataType::Float32 => 4,
            DataType::Decimal128(..) => 16,
            _ => 8,
        }
    }
}

fn damaged(place: &Place, error: &ArrowError, frame: &Frame) -> DataError {
    place.error(Fault::Damaged(error.to_string()), frame.first_row)
}
