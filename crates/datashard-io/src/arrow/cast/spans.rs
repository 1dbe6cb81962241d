//! Lists of every layout as one: offsets of 32 bits into parts that all belong to a row that counts.

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, GenericListViewArray, MapArray,
    OffsetSizeTrait, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{ArrowNativeType, DataType};

use super::{At, counts};
use crate::data_error::DataError;

/// The parts of a list or map.
pub(super) struct Spans {
    /// The elements, or pairs, of all rows that count, one row after the other.
    pub(super) parts: ArrayRef,
    /// Where each row's begin.
    pub(super) offsets: OffsetBuffer<i32>,
    /// Rows that are null or do not count.
    pub(super) nulls: Option<NullBuffer>,
    /// Whether it is just what was there, in 32-bit offsets.
    pub(super) is_untouched: bool,
}

impl Spans {
    /// Those of a list of any layout; `None` if it is no list.
    pub(super) fn of_list(array: &ArrayRef, at: &At<'_>) -> Result<Option<Self>, DataError> {
        match array.data_type() {
            DataType::List(_) => array.as_list_opt::<i32>().map(|list| Self::of_offsets(list, at)),
            DataType::LargeList(_) => array.as_list_opt::<i64>().map(|list| Self::of_offsets(list, at)),
            DataType::FixedSizeList(..) => {
                array.as_fixed_size_list_opt().map(|list| Self::of_fixed(list, at))
            }
            DataType::ListView(_) => array.as_list_view_opt::<i32>().map(|list| Self::of_view(list, at)),
            DataType::LargeListView(_) => array.as_list_view_opt::<i64>().map(|list| Self::of_view(list, at)),
            _ => None,
        }
        .transpose()
    }

    /// Those of a map.
    pub(super) fn of_map(map: &MapArray, at: &At<'_>) -> Result<Self, DataError> {
        let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
        Self::gather(map, &entries, pairs(map.value_offsets()), at)
    }

    fn of_offsets<O: OffsetSizeTrait>(list: &GenericListArray<O>, at: &At<'_>) -> Result<Self, DataError> {
        Self::gather(list, list.values(), pairs(list.value_offsets()), at)
    }

    fn of_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>, at: &At<'_>) -> Result<Self, DataError> {
        let rows = list.value_offsets().iter().zip(list.value_sizes());
        let rows = rows.map(|(start, size)| (start.as_usize(), size.as_usize()));
        Self::gather(list, list.values(), rows, at)
    }

    fn of_fixed(list: &FixedSizeListArray, at: &At<'_>) -> Result<Self, DataError> {
        let size = usize::try_from(list.value_length()).map_err(|error| at.internal(error))?;
        let rows = (0..list.len()).map(|row| (row.saturating_mul(size), size));
        Self::gather(list, list.values(), rows, at)
    }

    /// Puts one row's parts after the other's, which mostly they are already.
    fn gather(
        list: &dyn Array,
        parts: &ArrayRef,
        rows: impl Iterator<Item = (usize, usize)>,
        at: &At<'_>,
    ) -> Result<Self, DataError> {
        let nulls = NullBuffer::union(list.nulls(), at.mask);
        let mut offsets = Vec::with_capacity(list.len().saturating_add(1));
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut total = 0_usize;
        offsets.push(0_i32);
        for (row, (start, length)) in rows.enumerate() {
            if length > 0 && counts(nulls.as_ref(), row) {
                total = total.saturating_add(length);
                match taken.last_mut() {
                    Some((first, before)) if first.saturating_add(*before) == start => {
                        *before = before.saturating_add(length);
                    }
                    _ => taken.push((start, length)),
                }
            }
            offsets.push(i32::try_from(total).map_err(|_| at.too_large(total))?);
        }
        let (gathered, is_whole) = match taken.as_slice() {
            [(0, length)] if *length == parts.len() => (ArrayRef::clone(parts), true),
            [] if parts.is_empty() => (ArrayRef::clone(parts), true),
            [] => (parts.slice(0, 0), false),
            [(start, length)] => (parts.slice(*start, *length), false),
            several => {
                let indices =
                    several.iter().flat_map(|(start, length)| *start..start.saturating_add(*length));
                let indices = indices.map(|index| u64::try_from(index).unwrap_or(u64::MAX));
                let indices = UInt64Array::from_iter_values(indices);
                (take(parts, &indices, None).map_err(|error| at.not_taken(error))?, false)
            }
        };
        let has_small_offsets = matches!(list.data_type(), DataType::List(_) | DataType::Map(..));
        Ok(Self {
            parts: gathered,
            offsets: OffsetBuffer::new(ScalarBuffer::from(offsets)),
            nulls,
            is_untouched: is_whole && has_small_offsets,
        })
    }

    /// An error about a row of the parts as one about the row they belong to.
    pub(super) fn to_outer_row(&self, error: DataError) -> DataError {
        match error {
            DataError::BadValue { place, row, column, reason } => {
                let ends = self.offsets.get(1..).unwrap_or_default();
                let outer = ends.partition_point(|end| u64::try_from(*end).unwrap_or_default() <= row);
                DataError::BadValue { place, row: u64::try_from(outer).unwrap_or(u64::MAX), column, reason }
            }
            other => other,
        }
    }
}

/// Start and length of each row from offsets.
fn pairs<O: ArrowNativeType>(offsets: &[O]) -> impl Iterator<Item = (usize, usize)> {
    let ends = offsets.iter().skip(1);
    offsets.iter().zip(ends).map(|(start, end)| {
        let (start, end) = (start.as_usize(), end.as_usize());
        (start, end.saturating_sub(start))
    })
}
