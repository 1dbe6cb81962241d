//! Reading manifests: whole entries, or what planning needs of them.

use super::container::{Blocks, Header};
use super::entry_view::{EntryView, Scratch, ViewSink};
use super::partition::{PartitionPlan, partition_type_of};
use super::plan::{ENTRY, Plan, Sink, Want};
use super::schema::AvroSchema;
use super::varint::Cursor;
use crate::SpecError;
use crate::avro_error::{AvroError, AvroFault};
use crate::id::{DataSequenceNumber, FieldId, FileSequenceNumber, SnapshotId, SortOrderId};
use crate::manifest::{
    AvroValue, BoundMap, DataFile, ExtraField, ExtraLocation, FieldSummary, FileContent, FileFormat,
    ManifestContent, ManifestEntry, ManifestHeader, ManifestStatus, MetricMap, field_id,
};
use crate::schema::StructType;

/// How to read a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The most bytes that one block may take when decompressed.
    pub max_block_bytes: usize,
    /// The partition type for a manifest that does not say what it is.
    pub partition_type: Option<StructType>,
}

impl Default for ReadOptions {
    /// Blocks of up to 256 MiB, no partition type.
    fn default() -> Self {
        Self { max_block_bytes: 1 << 28, partition_type: None }
    }
}

impl ReadOptions {
    /// With this limit for one block when decompressed.
    #[must_use]
    pub fn with_max_block_bytes(mut self, bytes: usize) -> Self {
        self.max_block_bytes = bytes;
        self
    }

    /// With the partition type for a manifest that does not say what it is.
    #[must_use]
    pub fn with_partition_type(mut self, partition_type: StructType) -> Self {
        self.partition_type = Some(partition_type);
        self
    }
}

const REQUIRED: &[FieldId] = &[
    field_id::STATUS,
    field_id::FILE_PATH,
    field_id::FILE_FORMAT,
    field_id::RECORD_COUNT,
    field_id::FILE_SIZE_IN_BYTES,
];

/// Reads the entries of a manifest one by one. One block is in memory at a time, whatever the number of entries.
///
/// Columns are resolved by field id, and by name in files without ids. Entries come as stored, see
/// [`ManifestFile::inherit`](crate::manifest::ManifestFile::inherit).
///
/// # Spec
/// "Manifests".
pub struct ManifestReader<'a> {
    header: ManifestHeader,
    blocks: Blocks<'a>,
    plan: Plan,
}

/// Reads what planning needs of the entries of a manifest.
pub struct ManifestPlanner<'a> {
    header: ManifestHeader,
    blocks: Blocks<'a>,
    plan: Plan,
    scratch: Scratch,
}

impl std::fmt::Debug for ManifestReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestReader").field("header", &self.header).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ManifestPlanner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestPlanner").field("header", &self.header).finish_non_exhaustive()
    }
}

fn open<'a>(
    bytes: &'a [u8],
    options: &ReadOptions,
    is_wanted: &dyn Fn(FieldId) -> bool,
    extras: bool,
) -> Result<(ManifestHeader, Blocks<'a>, Plan), SpecError> {
    let container = Header::parse(bytes)?;
    let mut header = ManifestHeader::parse(|key| container.value(key), options.partition_type.as_ref())?;
    let schema = AvroSchema::parse(container.schema_json()?)?;
    if !header.says_partition_type {
        header.partition_type = partition_type_of(&schema)?;
    }
    let mut required = REQUIRED.to_vec();
    if header.content == ManifestContent::Deletes {
        // Its default is "data": deleted rows would turn up as rows of the table.
        required.push(field_id::CONTENT);
    }
    if !header.partition_type.fields.is_empty() {
        required.push(field_id::PARTITION);
    }
    let want = Want {
        columns: ENTRY,
        partition_type: &header.partition_type,
        is_wanted,
        extras,
        required: &required,
    };
    let plan = Plan::compile(schema, &want)?;
    header.extra_fields = plan.extra_fields();
    Ok((header, Blocks::new(&container, options.max_block_bytes), plan))
}

impl<'a> ManifestReader<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// `InvalidData` if this is no manifest; `Unsupported` for a codec that this build does not have.
    pub fn new(bytes: &'a [u8]) -> Result<Self, SpecError> {
        Self::with_options(bytes, &ReadOptions::default())
    }

    /// As [`new`](Self::new), with options.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_options(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, SpecError> {
        let (header, blocks, plan) = open(bytes, options, &|_| true, true)?;
        Ok(Self { header, blocks, plan })
    }

    /// The header.
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// Bytes that the reader holds for blocks.
    pub fn buffer_bytes(&self) -> usize {
        self.blocks.source.capacity()
    }

    fn read(&mut self) -> Result<Option<ManifestEntry>, AvroError> {
        if !self.blocks.advance()? {
            return Ok(None);
        }
        let Blocks { source, position } = &mut self.blocks;
        let block = source.block();
        let mut cursor = Cursor::new(block.get(position.at..).unwrap_or_default());
        let mut sink = EntrySink::default();
        let entry = match self.plan.read(&mut cursor, &mut sink) {
            Ok(()) => sink.finish(),
            Err((field, fault)) => return Err(position.fault(field, fault)),
        };
        let Some(entry) = entry else { return Err(position.fault(None, AvroFault::Missing)) };
        position.consumed(block.len().saturating_sub(cursor.left()));
        Ok(Some(entry))
    }
}

impl Iterator for ManifestReader<'_> {
    type Item = Result<ManifestEntry, AvroError>;

    /// The next entry. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl<'a> ManifestPlanner<'a> {
    /// Reads the header. Metrics come with the entries for the `columns` only, all else is stepped over.
    ///
    /// # Errors
    /// `InvalidData` if this is no manifest; `Unsupported` for a codec that this build does not have.
    pub fn new(bytes: &'a [u8], columns: &[FieldId]) -> Result<Self, SpecError> {
        Self::with_options(bytes, columns, &ReadOptions::default())
    }

    /// As [`new`](Self::new), with options.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_options(
        bytes: &'a [u8],
        columns: &[FieldId],
        options: &ReadOptions,
    ) -> Result<Self, SpecError> {
        let is_wanted = |id: FieldId| match id {
            field_id::COLUMN_SIZES
            | field_id::KEY_METADATA
            | field_id::SPLIT_OFFSETS
            | field_id::SORT_ORDER_ID => false,
            field_id::VALUE_COUNTS
            | field_id::NULL_VALUE_COUNTS
            | field_id::NAN_VALUE_COUNTS
            | field_id::LOWER_BOUNDS
            | field_id::UPPER_BOUNDS => !columns.is_empty(),
            _ => true,
        };
        let (header, blocks, plan) = open(bytes, options, &is_wanted, false)?;
        Ok(Self { header, blocks, plan, scratch: Scratch::new(columns) })
    }

    /// The header.
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// Bytes that the reader holds for blocks.
    pub fn buffer_bytes(&self) -> usize {
        self.blocks.source.capacity()
    }

    /// The next entry, `None` at the end and after an error.
    ///
    /// # Errors
    /// `InvalidData` with block, entry and field if it does not decode.
    #[inline]
    pub fn next_entry(&mut self) -> Result<Option<EntryView<'_>>, AvroError> {
        if !self.blocks.advance()? {
            return Ok(None);
        }
        let Blocks { source, position } = &mut self.blocks;
        let block = source.block();
        let mut cursor = Cursor::new(block.get(position.at..).unwrap_or_default());
        let mut sink = ViewSink::new(block, &mut self.scratch);
        match self.plan.read(&mut cursor, &mut sink) {
            Ok(()) => position.consumed(block.len().saturating_sub(cursor.left())),
            Err((field, fault)) => return Err(position.fault(field, fault)),
        }
        Ok(Some(sink.finish()))
    }
}

/// Pairs that room is made for at once, whatever the file says that there are.
const RESERVED_PAIRS: usize = 1024;

/// Whether a number is negative that must not be. A record count may be -1, see [`DataFile::record_count`].
#[inline]
pub(super) fn is_out_of_range(id: FieldId, value: i64) -> bool {
    value < 0
        && match id {
            field_id::RECORD_COUNT => value != -1,
            field_id::SEQUENCE_NUMBER
            | field_id::FILE_SEQUENCE_NUMBER
            | field_id::FILE_SIZE_IN_BYTES
            | field_id::FIRST_ROW_ID
            | field_id::CONTENT_OFFSET
            | field_id::CONTENT_SIZE_IN_BYTES => true,
            _ => false,
        }
}

/// Builds an entry.
struct EntrySink {
    status: Option<ManifestStatus>,
    snapshot_id: Option<SnapshotId>,
    data_sequence_number: Option<DataSequenceNumber>,
    file_sequence_number: Option<FileSequenceNumber>,
    file: DataFile,
    extras: crate::manifest::Extras,
}

impl Default for EntrySink {
    fn default() -> Self {
        Self {
            status: None,
            snapshot_id: None,
            data_sequence_number: None,
            file_sequence_number: None,
            file: DataFile::new(String::new(), FileFormat::Parquet, 0, 0),
            extras: crate::manifest::Extras::default(),
        }
    }
}

impl EntrySink {
    fn finish(self) -> Option<ManifestEntry> {
        let mut entry = ManifestEntry::new(self.status?, self.file);
        entry.snapshot_id = self.snapshot_id;
        entry.data_sequence_number = self.data_sequence_number;
        entry.file_sequence_number = self.file_sequence_number;
        entry.extras = self.extras;
        Some(entry)
    }
}

/// Reads an array of ints or longs.
fn read_numbers(
    cursor: &mut Cursor<'_>,
    mut each: impl FnMut(i64) -> Result<(), AvroFault>,
) -> Result<(), AvroFault> {
    super::value::items_of(cursor, |cursor| each(cursor.long()?))
}

impl<'b> Sink<'b> for EntrySink {
    fn number(&mut self, id: FieldId, value: i64) -> Result<(), AvroFault> {
        let invalid = AvroFault::Value { found: value };
        let file = &mut self.file;
        match id {
            id if is_out_of_range(id, value) => return Err(invalid),
            field_id::STATUS => self.status = Some(ManifestStatus::from_number(value).ok_or(invalid)?),
            field_id::SNAPSHOT_ID => self.snapshot_id = Some(SnapshotId(value)),
            field_id::SEQUENCE_NUMBER => self.data_sequence_number = Some(DataSequenceNumber(value)),
            field_id::FILE_SEQUENCE_NUMBER => self.file_sequence_number = Some(FileSequenceNumber(value)),
            field_id::CONTENT => file.content = FileContent::from_number(value).ok_or(invalid)?,
            field_id::RECORD_COUNT => file.record_count = value,
            field_id::FILE_SIZE_IN_BYTES => file.file_size_in_bytes = value,
            field_id::SORT_ORDER_ID => {
                file.sort_order_id = Some(SortOrderId(i32::try_from(value).map_err(|_| invalid)?));
            }
            field_id::FIRST_ROW_ID => file.first_row_id = Some(value),
            field_id::CONTENT_OFFSET => file.content_offset = Some(value),
            field_id::CONTENT_SIZE_IN_BYTES => file.content_size_in_bytes = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, id: FieldId, value: &'b str) {
        match id {
            field_id::FILE_PATH => self.file.file_path = value.to_owned(),
            field_id::FILE_FORMAT => self.file.file_format = FileFormat::parse(value),
            _ => self.file.referenced_data_file = Some(value.to_owned()),
        }
    }

    fn bytes(&mut self, _: FieldId, value: &'b [u8]) {
        self.file.key_metadata = Some(value.to_vec());
    }

    fn longs(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        let mut pairs = Vec::new();
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                break;
            }
            pairs.reserve(count.min(RESERVED_PAIRS));
            for _ in 0..count {
                pairs.push((FieldId(cursor.int()?), cursor.long()?));
            }
            cursor.end_run(end)?;
        }
        let map = MetricMap::from_pairs(pairs);
        match id {
            field_id::COLUMN_SIZES => self.file.column_sizes = map,
            field_id::VALUE_COUNTS => self.file.value_counts = map,
            field_id::NULL_VALUE_COUNTS => self.file.null_value_counts = map,
            _ => self.file.nan_value_counts = map,
        }
        Ok(())
    }

    fn bounds(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        let mut map = BoundMap::default();
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                break;
            }
            map.reserve(count.min(RESERVED_PAIRS));
            for _ in 0..count {
                let key = FieldId(cursor.int()?);
                map.push(key, cursor.bytes()?);
            }
            cursor.end_run(end)?;
        }
        match id {
            field_id::LOWER_BOUNDS => self.file.lower_bounds = map.sorted(),
            _ => self.file.upper_bounds = map.sorted(),
        }
        Ok(())
    }

    fn numbers(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        let file = &mut self.file;
        read_numbers(cursor, |found| {
            match id {
                field_id::SPLIT_OFFSETS => file.split_offsets.push(found),
                _ => {
                    let id = i32::try_from(found).map_err(|_| AvroFault::Value { found })?;
                    file.equality_ids.push(FieldId(id));
                }
            }
            Ok(())
        })
    }

    fn partition(&mut self, plan: &PartitionPlan, cursor: &mut Cursor<'b>) -> Result<(), AvroFault> {
        plan.read(cursor, &mut self.file.partition)
    }

    fn summaries(&mut self, _: Vec<FieldSummary>) {}

    fn extra(&mut self, field: &ExtraField, value: AvroValue) {
        match field.location {
            ExtraLocation::DataFile => self.file.extras.set(field, value),
            ExtraLocation::Entry | ExtraLocation::FieldSummary => self.extras.set(field, value),
        }
    }
}
