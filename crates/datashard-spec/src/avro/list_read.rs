//! Reading manifest lists.

use super::container::{Blocks, Header};
use super::manifest_read::ReadOptions;
use super::partition::PartitionPlan;
use super::plan::{LIST, Plan, Sink, Want};
use super::schema::AvroSchema;
use super::varint::Cursor;
use crate::SpecError;
use crate::avro_error::{AvroError, AvroFault};
use crate::id::{FieldId, PartitionSpecId, SequenceNumber, SnapshotId};
use crate::manifest::{AvroValue, ExtraField, FieldSummary, ManifestContent, ManifestFile, field_id};
use crate::schema::StructType;

/// Reads the rows of a manifest list one by one, of any version: what v1 lacks is 0, data, or unknown.
///
/// # Spec
/// "Manifest Lists".
pub struct ManifestListReader<'a> {
    blocks: Blocks<'a>,
    plan: Plan,
}

impl std::fmt::Debug for ManifestListReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestListReader").finish_non_exhaustive()
    }
}

const REQUIRED: &[FieldId] = &[
    field_id::MANIFEST_PATH,
    field_id::MANIFEST_LENGTH,
    field_id::PARTITION_SPEC_ID,
    field_id::ADDED_SNAPSHOT_ID,
];

impl<'a> ManifestListReader<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// `InvalidData` if this is no manifest list; `Unsupported` for a codec that this build does not have.
    pub fn new(bytes: &'a [u8]) -> Result<Self, SpecError> {
        Self::with_options(bytes, &ReadOptions::default())
    }

    /// As [`new`](Self::new), with options.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_options(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, SpecError> {
        let header = Header::parse(bytes)?;
        let schema = AvroSchema::parse(header.schema_json()?)?;
        let partition_type = StructType::default();
        let mut required = REQUIRED.to_vec();
        // A list that does not say its version is of v1, whose rows have neither.
        if header.value("format-version").is_some_and(|version| version.trim_ascii() != b"1") {
            // Their defaults are those of v1: deletes would be taken for data, and no equality delete would apply.
            required.extend([field_id::MANIFEST_CONTENT, field_id::MANIFEST_SEQUENCE_NUMBER]);
        }
        let want = Want {
            columns: LIST,
            partition_type: &partition_type,
            is_wanted: &|_| true,
            extras: true,
            required: &required,
        };
        let plan = Plan::compile(schema, &want)?;
        Ok(Self { blocks: Blocks::new(&header, options.max_block_bytes), plan })
    }

    /// Fields that the format does not name.
    pub fn extra_fields(&self) -> Vec<ExtraField> {
        self.plan.extra_fields()
    }

    fn read(&mut self) -> Result<Option<ManifestFile>, AvroError> {
        if !self.blocks.advance()? {
            return Ok(None);
        }
        let Blocks { source, position } = &mut self.blocks;
        let block = source.block();
        let mut cursor = Cursor::new(block.get(position.at..).unwrap_or_default());
        let mut file = ManifestFile::new(String::new(), 0, PartitionSpecId(0), SnapshotId(0));
        file.sequence_number = Some(SequenceNumber(0));
        file.min_sequence_number = Some(SequenceNumber(0));
        let mut sink = ListSink { file };
        match self.plan.read(&mut cursor, &mut sink) {
            Ok(()) => position.consumed(block.len().saturating_sub(cursor.left())),
            Err((field, fault)) => return Err(position.fault(field, fault)),
        }
        Ok(Some(sink.file))
    }
}

impl Iterator for ManifestListReader<'_> {
    type Item = Result<ManifestFile, AvroError>;

    /// The next row. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

struct ListSink {
    file: ManifestFile,
}

impl<'b> Sink<'b> for ListSink {
    fn number(&mut self, id: FieldId, value: i64) -> Result<(), AvroFault> {
        let invalid = AvroFault::Value { found: value };
        let count = || i32::try_from(value).ok().filter(|count| *count >= 0).ok_or(invalid).map(Some);
        let rows = || if value < 0 { Err(invalid) } else { Ok(Some(value)) };
        let file = &mut self.file;
        match id {
            field_id::MANIFEST_LENGTH
            | field_id::MANIFEST_SEQUENCE_NUMBER
            | field_id::MIN_SEQUENCE_NUMBER
            | field_id::MANIFEST_FIRST_ROW_ID
                if value < 0 =>
            {
                return Err(invalid);
            }
            field_id::MANIFEST_LENGTH => file.manifest_length = value,
            field_id::PARTITION_SPEC_ID => {
                file.partition_spec_id = PartitionSpecId(i32::try_from(value).map_err(|_| invalid)?);
            }
            field_id::MANIFEST_CONTENT => {
                file.content = ManifestContent::from_number(value).ok_or(invalid)?
            }
            field_id::MANIFEST_SEQUENCE_NUMBER => file.sequence_number = Some(SequenceNumber(value)),
            field_id::MIN_SEQUENCE_NUMBER => file.min_sequence_number = Some(SequenceNumber(value)),
            field_id::ADDED_SNAPSHOT_ID => file.added_snapshot_id = SnapshotId(value),
            field_id::ADDED_FILES_COUNT => file.added_files_count = count()?,
            field_id::EXISTING_FILES_COUNT => file.existing_files_count = count()?,
            field_id::DELETED_FILES_COUNT => file.deleted_files_count = count()?,
            field_id::ADDED_ROWS_COUNT => file.added_rows_count = rows()?,
            field_id::EXISTING_ROWS_COUNT => file.existing_rows_count = rows()?,
            field_id::DELETED_ROWS_COUNT => file.deleted_rows_count = rows()?,
            field_id::MANIFEST_FIRST_ROW_ID => file.first_row_id = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _: FieldId, value: &'b str) {
        self.file.manifest_path = value.to_owned();
    }

    fn bytes(&mut self, _: FieldId, value: &'b [u8]) {
        self.file.key_metadata = Some(value.to_vec());
    }

    fn longs(&mut self, _: FieldId, _: &mut Cursor<'b>) -> Result<(), AvroFault> {
        Ok(())
    }

    fn bounds(&mut self, _: FieldId, _: &mut Cursor<'b>) -> Result<(), AvroFault> {
        Ok(())
    }

    fn numbers(&mut self, _: FieldId, _: &mut Cursor<'b>) -> Result<(), AvroFault> {
        Ok(())
    }

    fn partition(&mut self, _: &PartitionPlan, _: &mut Cursor<'b>) -> Result<(), AvroFault> {
        Ok(())
    }

    fn summaries(&mut self, summaries: Vec<FieldSummary>) {
        self.file.partitions = Some(summaries);
    }

    fn extra(&mut self, field: &ExtraField, value: AvroValue) {
        self.file.extras.set(field, value);
    }
}
