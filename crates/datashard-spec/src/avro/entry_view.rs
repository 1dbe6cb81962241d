//! What planning looks at in an entry, borrowed from the block it is in.

use std::ops::Range;

use super::partition::PartitionPlan;
use super::plan::Sink;
use super::varint::Cursor;
use crate::avro_error::AvroFault;
use crate::id::{DataSequenceNumber, FieldId, FileSequenceNumber, SnapshotId};
use crate::manifest::metrics::known;
use crate::manifest::{
    AvroValue, ExtraField, FieldSummary, FileContent, FileFormat, ManifestStatus, field_id,
};
use crate::value::{Tuple, Value};

/// An entry as planning sees it: no metrics but those of the chosen columns, and nothing is copied.
///
/// As stored: what the entry inherits is `None`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EntryView<'b> {
    /// What was done to the file.
    pub status: ManifestStatus,
    /// The snapshot that added or deleted the file.
    pub snapshot_id: Option<SnapshotId>,
    /// Says which deletes apply to the file.
    pub data_sequence_number: Option<DataSequenceNumber>,
    /// The commit that added the file.
    pub file_sequence_number: Option<FileSequenceNumber>,
    /// What the file holds.
    pub content: FileContent,
    /// Full URI.
    pub file_path: &'b str,
    /// The format as stored; see [`file_format`](Self::file_format).
    pub file_format_text: &'b str,
    /// Rows; -1 if not known.
    pub record_count: i64,
    /// Bytes of the file.
    pub file_size_in_bytes: i64,
    /// Row id of its first row.
    pub first_row_id: Option<i64>,
    /// The one data file that the deletes are for.
    pub referenced_data_file: Option<&'b str>,
    /// Where a deletion vector starts.
    pub content_offset: Option<i64>,
    /// Length of a deletion vector.
    pub content_size_in_bytes: Option<i64>,
    /// Partition tuple.
    pub partition: &'b [Option<Value>],
    /// Columns that an equality-delete file compares.
    pub equality_ids: &'b [FieldId],
    columns: &'b [ColumnSlot],
    block: &'b [u8],
}

impl<'b> EntryView<'b> {
    /// The format of the file.
    pub fn file_format(&self) -> FileFormat {
        FileFormat::parse(self.file_format_text)
    }

    /// The metrics of a chosen column.
    pub fn column(&self, id: FieldId) -> Option<EntryColumn<'b>> {
        let slot = self.columns.iter().find(|slot| slot.id == id)?;
        let bytes = |range: &Option<Range<usize>>| range.clone().and_then(|range| self.block.get(range));
        Some(EntryColumn {
            value_count: slot.value_count,
            null_value_count: slot.null_value_count,
            nan_value_count: slot.nan_value_count,
            lower_bound: bytes(&slot.lower),
            upper_bound: bytes(&slot.upper),
        })
    }
}

impl crate::expr::ColumnMetrics for EntryView<'_> {
    fn record_count(&self) -> Option<i64> {
        known(self.record_count)
    }

    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.column(id)?.value_count.and_then(known)
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.column(id)?.null_value_count.and_then(known)
    }

    fn nan_count(&self, id: FieldId) -> Option<i64> {
        self.column(id)?.nan_value_count.and_then(known)
    }

    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.column(id)?.lower_bound
    }

    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.column(id)?.upper_bound
    }
}

/// The metrics of one column of one file. `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EntryColumn<'b> {
    /// Values, nulls and NaNs included.
    pub value_count: Option<i64>,
    /// Nulls.
    pub null_value_count: Option<i64>,
    /// NaNs.
    pub nan_value_count: Option<i64>,
    /// Lower bound, as a binary single value.
    pub lower_bound: Option<&'b [u8]>,
    /// Upper bound, as a binary single value.
    pub upper_bound: Option<&'b [u8]>,
}

/// Where the metrics of a chosen column are.
#[derive(Debug, Clone)]
pub(super) struct ColumnSlot {
    id: FieldId,
    value_count: Option<i64>,
    null_value_count: Option<i64>,
    nan_value_count: Option<i64>,
    lower: Option<Range<usize>>,
    upper: Option<Range<usize>>,
}

/// Room for the parts of an entry that are no plain numbers, used again for each.
#[derive(Default)]
pub(super) struct Scratch {
    partition: Tuple,
    equality_ids: Vec<FieldId>,
    columns: Vec<ColumnSlot>,
}

impl Scratch {
    pub(super) fn new(columns: &[FieldId]) -> Self {
        let slot = |id: &FieldId| ColumnSlot {
            id: *id,
            value_count: None,
            null_value_count: None,
            nan_value_count: None,
            lower: None,
            upper: None,
        };
        let mut ids = columns.to_vec();
        ids.sort();
        ids.dedup();
        Self { columns: ids.iter().map(slot).collect(), ..Self::default() }
    }
}

pub(super) struct ViewSink<'b, 's> {
    view: EntryView<'b>,
    scratch: &'s mut Scratch,
}

impl<'b, 's: 'b> ViewSink<'b, 's> {
    pub(super) fn new(block: &'b [u8], scratch: &'s mut Scratch) -> Self {
        scratch.equality_ids.clear();
        for slot in &mut scratch.columns {
            slot.value_count = None;
            slot.null_value_count = None;
            slot.nan_value_count = None;
            slot.lower = None;
            slot.upper = None;
        }
        let view = EntryView {
            status: ManifestStatus::Existing,
            snapshot_id: None,
            data_sequence_number: None,
            file_sequence_number: None,
            content: FileContent::Data,
            file_path: "",
            file_format_text: "",
            record_count: 0,
            file_size_in_bytes: 0,
            first_row_id: None,
            referenced_data_file: None,
            content_offset: None,
            content_size_in_bytes: None,
            partition: &[],
            equality_ids: &[],
            columns: &[],
            block,
        };
        Self { view, scratch }
    }

    pub(super) fn finish(self) -> EntryView<'b> {
        let scratch: &'b Scratch = self.scratch;
        EntryView {
            partition: &scratch.partition,
            equality_ids: &scratch.equality_ids,
            columns: &scratch.columns,
            ..self.view
        }
    }

    /// Walks an array of pairs; the values of chosen columns go to `take`, others to `skip`. Of two values for one
    /// column the first counts. What follows the last chosen column goes to `skip_pairs` as a whole.
    #[inline]
    fn pairs(
        &mut self,
        cursor: &mut Cursor<'b>,
        take: impl Fn(&mut ColumnSlot, &mut Cursor<'b>) -> Result<bool, AvroFault>,
        skip: impl Fn(&mut Cursor<'b>) -> Result<(), AvroFault>,
        skip_pairs: impl Fn(&mut Cursor<'b>, usize) -> Result<(), AvroFault>,
    ) -> Result<(), AvroFault> {
        let columns = self.scratch.columns.as_mut_slice();
        let mut missing = columns.len();
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                return Ok(());
            }
            let mut left = count;
            while left > 0 && missing > 0 {
                left = left.saturating_sub(1);
                let key = FieldId(cursor.int()?);
                let taken = match columns.iter_mut().find(|slot| slot.id == key) {
                    Some(slot) => take(slot, cursor)?,
                    None => false,
                };
                if taken {
                    missing = missing.saturating_sub(1);
                } else {
                    skip(cursor)?;
                }
            }
            skip_pairs(cursor, left)?;
            cursor.end_run(end)?;
        }
    }
}

impl<'b, 's: 'b> Sink<'b> for ViewSink<'b, 's> {
    #[inline]
    fn number(&mut self, id: FieldId, value: i64) -> Result<(), AvroFault> {
        let invalid = AvroFault::Value { found: value };
        let view = &mut self.view;
        match id {
            id if super::manifest_read::is_out_of_range(id, value) => return Err(invalid),
            field_id::STATUS => view.status = ManifestStatus::from_number(value).ok_or(invalid)?,
            field_id::SNAPSHOT_ID => view.snapshot_id = Some(SnapshotId(value)),
            field_id::SEQUENCE_NUMBER => view.data_sequence_number = Some(DataSequenceNumber(value)),
            field_id::FILE_SEQUENCE_NUMBER => view.file_sequence_number = Some(FileSequenceNumber(value)),
            field_id::CONTENT => view.content = FileContent::from_number(value).ok_or(invalid)?,
            field_id::RECORD_COUNT => view.record_count = value,
            field_id::FILE_SIZE_IN_BYTES => view.file_size_in_bytes = value,
            field_id::FIRST_ROW_ID => view.first_row_id = Some(value),
            field_id::CONTENT_OFFSET => view.content_offset = Some(value),
            field_id::CONTENT_SIZE_IN_BYTES => view.content_size_in_bytes = Some(value),
            _ => {}
        }
        Ok(())
    }

    #[inline]
    fn text(&mut self, id: FieldId, value: &'b str) {
        match id {
            field_id::FILE_PATH => self.view.file_path = value,
            field_id::FILE_FORMAT => self.view.file_format_text = value,
            _ => self.view.referenced_data_file = Some(value),
        }
    }

    fn bytes(&mut self, _: FieldId, _: &'b [u8]) {}

    fn longs(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        self.pairs(
            cursor,
            |slot, cursor| {
                let target = match id {
                    field_id::VALUE_COUNTS => &mut slot.value_count,
                    field_id::NULL_VALUE_COUNTS => &mut slot.null_value_count,
                    _ => &mut slot.nan_value_count,
                };
                if target.is_some() {
                    return Ok(false);
                }
                *target = Some(cursor.long()?);
                Ok(true)
            },
            |cursor| cursor.skip_numbers(1),
            |cursor, pairs| cursor.skip_numbers(pairs.saturating_mul(2)),
        )
    }

    fn bounds(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        let length = self.view.block.len();
        self.pairs(
            cursor,
            |slot, cursor| {
                let target = if id == field_id::LOWER_BOUNDS { &mut slot.lower } else { &mut slot.upper };
                if target.is_some() {
                    return Ok(false);
                }
                let bytes = cursor.bytes()?;
                let end = length.saturating_sub(cursor.left());
                *target = Some(end.saturating_sub(bytes.len())..end);
                Ok(true)
            },
            |cursor| cursor.bytes().map(|_| ()),
            Cursor::skip_numbers_with_bytes,
        )
    }

    fn numbers(&mut self, _: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                self.scratch.equality_ids.push(FieldId(cursor.int()?));
            }
            cursor.end_run(end)?;
        }
    }

    fn partition(&mut self, plan: &PartitionPlan, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        plan.read(cursor, &mut self.scratch.partition)
    }

    fn summaries(&mut self, _: Vec<FieldSummary>) {}

    fn extra(&mut self, _: &ExtraField, _: AvroValue) {}
}
