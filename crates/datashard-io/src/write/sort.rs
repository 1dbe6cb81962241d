//! [`Sorter`] and [`SortBuffer`]: rows of one partition put into the order of a table.
//!
//! Rows are held with a key that compares byte by byte as the order asks. What is held is bounded: when the bound is reached, the rows go
//! out as a sorted run, and the file is sorted as a whole only if the next run begins where this one ended.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{SortOptions, interleave_record_batch, take_record_batch};
use arrow::row::{RowConverter, Rows, SortField};
use datashard_spec::SpecError;
use datashard_spec::id::SortOrderId;
use datashard_spec::schema::{Schema, Type};
use datashard_spec::sort_order::{NullOrder, SortDirection, SortOrder};
use datashard_spec::transform::Transform;

use super::column::Column;
use super::partition::arrow_failed;
use super::rolling::{RunEnds, bytes_per_row, slice_bytes};
use super::transform::transform_column;
use crate::arrow::type_to_arrow;
use crate::data_error::DataError;

/// Rows of a sorted batch, at most.
const BATCH_ROWS: usize = 8_192;
/// Bytes of a sorted batch, about.
const BATCH_BYTES: u64 = 16 << 20;
/// Rows held, at most: far below what offsets of 32 bits can count.
const MAX_HELD_BYTES: usize = 1 << 30;

/// Makes the keys that order rows.
///
/// Floats are in the order of IEEE 754: negative NaN, negative infinity, ..., infinity, NaN.
///
/// # Spec
/// "Sorting".
#[derive(Debug)]
pub(crate) struct Sorter {
    id: SortOrderId,
    fields: Vec<(Column, Transform)>,
    converter: RowConverter,
}

impl Sorter {
    /// Prepares for batches in the Arrow schema of `schema`; `None` for the unsorted order, and for one of `void` fields only.
    ///
    /// # Errors
    /// `InvalidInput` if the order does not fit the schema, `Unsupported` if it has a transform of a newer version.
    pub(crate) fn new(schema: &Schema, order: &SortOrder) -> Result<Option<Arc<Self>>, DataError> {
        let place = || format!("sort order {}", order.id);
        order
            .check(schema)
            .map_err(|error| DataError::Spec { place: place(), source: Box::new(SpecError::from(error)) })?;
        let mut fields = Vec::with_capacity(order.fields.len());
        let mut sort_fields = Vec::with_capacity(order.fields.len());
        for field in &order.fields {
            if field.transform == Transform::Void {
                continue; // all rows are alike in it
            }
            let unsupported = || DataError::Unsupported {
                place: place(),
                what: format!("sorting by the transform {}", field.transform),
                advice: "it comes from a newer version: write unsorted, by setting the options' sort order"
                    .to_owned(),
            };
            let source_id = field.source_id().filter(|_| !matches!(field.transform, Transform::Unknown(_)));
            let source = Column::find(schema, source_id.ok_or_else(unsupported)?, "sort order")?;
            let source_type = Type::Primitive(source.value_type.clone());
            let result_type = field.transform.result_type(&source_type).ok_or_else(unsupported)?;
            let options = SortOptions {
                descending: field.direction == SortDirection::Descending,
                nulls_first: field.null_order == NullOrder::First,
            };
            sort_fields.push(SortField::new_with_options(type_to_arrow(&result_type)?, options));
            fields.push((source, field.transform.clone()));
        }
        if fields.is_empty() {
            return Ok(None);
        }
        let converter = RowConverter::new(sort_fields).map_err(|e| arrow_failed("sort keys", e))?;
        Ok(Some(Arc::new(Self { id: order.id, fields, converter })))
    }

    /// The id of the order.
    pub(crate) fn id(&self) -> SortOrderId {
        self.id
    }

    /// Whether all rows can be sorted. To be asked of a whole batch, before any of its rows is taken.
    ///
    /// # Errors
    /// `BadValue` for a timestamp that has no hour.
    pub(crate) fn check(&self, batch: &RecordBatch) -> Result<(), DataError> {
        // Of other transforms each value has a result.
        for (source, transform) in self.fields.iter().filter(|(_, transform)| *transform == Transform::Hour) {
            transform_column(&source.of(batch)?, transform, &source.name)?;
        }
        Ok(())
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Rows, DataError> {
        let columns: Result<Vec<ArrayRef>, DataError> = self
            .fields
            .iter()
            .map(|(source, transform)| transform_column(&source.of(batch)?, transform, &source.name))
            .collect();
        self.converter.convert_columns(&columns?).map_err(|e| arrow_failed("sort keys", e))
    }
}

/// Rows that wait to be sorted.
#[derive(Debug)]
pub(crate) struct SortBuffer {
    sorter: Arc<Sorter>,
    batches: Vec<(RecordBatch, Rows)>,
    bytes: usize,
    limit_bytes: usize,
}

/// A sorted run: its batches in order, made one by one.
#[derive(Debug)]
pub(crate) struct SortedRun {
    batches: Vec<RecordBatch>,
    /// Batch and row of each row, in order.
    order: Vec<(usize, usize)>,
    /// Rows of `order` that went out.
    next: usize,
    step: usize,
    pub(crate) ends: RunEnds,
}

impl SortBuffer {
    pub(crate) fn new(sorter: Arc<Sorter>, limit_bytes: usize) -> Self {
        Self { sorter, batches: Vec::new(), bytes: 0, limit_bytes: limit_bytes.min(MAX_HELD_BYTES) }
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the bound is reached: the rows should go out.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit_bytes
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = self.sorter.keys(batch)?;
        let batch = compact(batch)?;
        // Each row's place in the order takes 16 bytes when it comes to sorting.
        let held = slice_bytes(&batch)
            .saturating_add(keys.size())
            .saturating_add(batch.num_rows().saturating_mul(16));
        self.bytes = self.bytes.saturating_add(held);
        self.batches.push((batch, keys));
        Ok(())
    }

    /// Takes the rows out, sorted; rows that are equal in the order stay in theirs. `None` if there are none.
    pub(crate) fn take(&mut self) -> Option<SortedRun> {
        self.bytes = 0;
        let (batches, keys): (Vec<RecordBatch>, Vec<Rows>) =
            std::mem::take(&mut self.batches).into_iter().unzip();
        let mut sorted = Vec::with_capacity(keys.iter().map(Rows::num_rows).sum());
        for (at, keys) in keys.iter().enumerate() {
            sorted.extend(keys.iter().enumerate().map(|(row, key)| (key, (at, row))));
        }
        if !sorted.is_sorted_by(|a, b| a.0 <= b.0) {
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let ends = (sorted.first()?.0.owned(), sorted.last()?.0.owned());
        let order = sorted.into_iter().map(|(_, place)| place).collect();
        let row_bytes = batches.iter().map(bytes_per_row).max().unwrap_or(1);
        let step = usize::try_from(BATCH_BYTES.checked_div(row_bytes).unwrap_or(1)).unwrap_or(BATCH_ROWS);
        Some(SortedRun { batches, order, next: 0, step: step.clamp(1, BATCH_ROWS), ends })
    }
}

impl SortedRun {
    /// The next rows.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataError> {
        let end = self.next.saturating_add(self.step).min(self.order.len());
        let Some(places) = self.order.get(self.next..end).filter(|places| !places.is_empty()) else {
            return Ok(None);
        };
        self.next = end;
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let batch = interleave_record_batch(&batches, places).map_err(|e| arrow_failed("sorted rows", e))?;
        Ok(Some(batch))
    }
}

/// The rows of a batch without what else its buffers hold, which would stay in memory with them.
fn compact(batch: &RecordBatch) -> Result<RecordBatch, DataError> {
    if batch.get_array_memory_size() / 2 <= slice_bytes(batch) {
        return Ok(batch.clone());
    }
    let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
    let all = UInt32Array::from_iter_values(0..rows);
    take_record_batch(batch, &all).map_err(|e| arrow_failed("rows to sort", e))
}

#[cfg(test)]
mod tests;
