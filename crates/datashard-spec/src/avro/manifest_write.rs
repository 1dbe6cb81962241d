//! Writing manifests: entries are encoded straight into the block, and the row of the manifest list is collected along
//! the way.

use super::codec::Codec;
use super::container::ContainerWriter;
use super::plan::nullable;
use super::schema::{AvroSchema, Field, Kind, NodeId};
use super::schema_write;
use super::value;
use super::varint::{put_bytes, put_length, put_long, put_pair_of_bytes, put_pairs};
use crate::SpecError;
use crate::avro_error::AvroError;
use crate::error::excerpt;
use crate::id::{FieldId, SnapshotId};
use crate::manifest::{
    BoundMap, DataFile, ExtraField, ExtraLocation, FileContent, ManifestContent, ManifestCounts,
    ManifestEntry, ManifestError, ManifestFile, ManifestStatus, MetricMap, PartitionSummary, field_id,
};
use crate::metadata::FormatVersion;
use crate::partition::PartitionSpec;
use crate::schema::{PrimitiveType, Schema, StructType};
use crate::value::Value;

/// How a file is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Codec of the blocks. Deflate, the default, gives way to null where all entries take less than 4 KiB.
    pub codec: Codec,
    /// Level of the codec; `None` is the codec's default.
    pub level: Option<u32>,
    /// Bytes after which a block ends, before compression.
    pub target_block_bytes: usize,
    /// Sync marker; `None` derives one from the header and the first block.
    pub sync_marker: Option<[u8; 16]>,
    /// Fields that the format does not name, as read from the header of a file or declared.
    pub extra_fields: Vec<ExtraField>,
}

impl Default for WriteOptions {
    /// Deflate, blocks of 16 KiB: deflate takes a third longer for blocks of 64 KiB, and saves a hundredth.
    fn default() -> Self {
        Self {
            codec: Codec::Deflate,
            level: None,
            target_block_bytes: 1 << 14,
            sync_marker: None,
            extra_fields: Vec::new(),
        }
    }
}

impl WriteOptions {
    /// With this codec, at its default level.
    #[must_use]
    pub fn with_codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// With this level of the codec.
    #[must_use]
    pub fn with_level(mut self, level: u32) -> Self {
        self.level = Some(level);
        self
    }

    /// With blocks of about so many bytes before compression.
    #[must_use]
    pub fn with_target_block_bytes(mut self, bytes: usize) -> Self {
        self.target_block_bytes = bytes;
        self
    }

    /// With this sync marker.
    #[must_use]
    pub fn with_sync_marker(mut self, marker: [u8; 16]) -> Self {
        self.sync_marker = Some(marker);
        self
    }

    /// With these fields that the format does not name.
    #[must_use]
    pub fn with_extra_fields(mut self, fields: Vec<ExtraField>) -> Self {
        self.extra_fields = fields;
        self
    }
}

/// Writes a manifest into memory.
///
/// # Examples
/// ```
/// use datashard_spec::avro::{ManifestReader, ManifestWriter, WriteOptions};
/// use datashard_spec::id::{PartitionSpecId, SnapshotId};
/// use datashard_spec::manifest::{DataFile, FileFormat, ManifestContent, ManifestEntry};
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_spec::partition::PartitionSpec;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
/// let mut writer = ManifestWriter::new(
///     FormatVersion::V2, &schema, &spec, ManifestContent::Data, SnapshotId(7), &WriteOptions::default(),
/// )?;
/// writer.add(DataFile::new("s3://b/t/data/0.parquet", FileFormat::Parquet, 100, 4096))?;
/// let (bytes, row) = writer.finish("s3://b/t/metadata/m0.avro")?;
/// assert_eq!(row.added_rows_count, Some(100));
/// let entries: Vec<ManifestEntry> = ManifestReader::new(&bytes)?.collect::<Result<_, _>>()?;
/// assert_eq!(entries[0].data_file.record_count, 100);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
///
/// # Spec
/// "Manifests".
pub struct ManifestWriter {
    version: FormatVersion,
    content: ManifestContent,
    snapshot_id: SnapshotId,
    spec: PartitionSpec,
    partition_type: StructType,
    container: ContainerWriter,
    extras: ExtraWriter,
    counts: ManifestCounts,
    partitions: PartitionSummary,
}

impl std::fmt::Debug for ManifestWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestWriter").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// The extra fields of a file and their types.
pub(super) struct ExtraWriter {
    schema: Option<AvroSchema>,
    fields: Vec<(ExtraField, NodeId)>,
}

impl ExtraWriter {
    pub(super) fn new(fields: &[ExtraField], json: &str) -> Result<Self, SpecError> {
        if fields.is_empty() {
            return Ok(Self { schema: None, fields: Vec::new() });
        }
        let schema = AvroSchema::parse(json)?;
        let mut found = Vec::new();
        for extra in fields {
            let root = schema.record(schema.root)?;
            let record = match extra.location {
                ExtraLocation::Entry => Some(root),
                ExtraLocation::DataFile => record_in(&schema, root, field_id::DATA_FILE)?,
                ExtraLocation::FieldSummary => record_in(&schema, root, field_id::PARTITIONS)?,
            };
            let refuse = |reason: &str| AvroError::Encode {
                what: format!("extra field {:?}", excerpt(&extra.name)),
                reason: reason.to_owned(),
            };
            let record = record.ok_or_else(|| refuse("the file has no record of its location"))?;
            let mut same = record.iter().filter(|field| field.name == extra.name);
            let node = match (same.next(), same.next()) {
                (Some(field), None) => field.node,
                (Some(_), Some(_)) => return Err(refuse("there is another field of its name").into()),
                (None, _) => return Err(refuse("its schema has another name").into()),
            };
            found.push((extra.clone(), node));
        }
        Ok(Self { schema: Some(schema), fields: found })
    }

    pub(super) fn write(
        &self,
        location: ExtraLocation,
        extras: &crate::manifest::Extras,
        out: &mut Vec<u8>,
    ) -> Result<(), AvroError> {
        let Some(schema) = &self.schema else { return Ok(()) };
        for (field, node) in self.fields.iter().filter(|(field, _)| field.location == location) {
            value::write(schema, *node, extras.value_of(field.id, &field.name), out)?;
        }
        Ok(())
    }
}

/// The fields of a record that is a field of the root, or what an array there holds.
fn record_in<'s>(
    schema: &'s AvroSchema,
    root: &[Field],
    id: FieldId,
) -> Result<Option<&'s [Field]>, AvroError> {
    let Some(field) = root.iter().find(|field| field.id == Some(id)) else { return Ok(None) };
    let node = nullable(schema, field.node)?.1;
    Ok(Some(match schema.node(node)?.kind {
        Kind::Array(items) => schema.record(items)?,
        _ => schema.record(node)?,
    }))
}

impl ManifestWriter {
    /// A manifest of files of one spec, written by one snapshot.
    ///
    /// # Errors
    /// `InvalidInput` if the spec has a type that no partition can have; `Unsupported` for a codec that this build
    /// does not have.
    pub fn new(
        version: FormatVersion,
        schema: &Schema,
        spec: &PartitionSpec,
        content: ManifestContent,
        snapshot_id: SnapshotId,
        options: &WriteOptions,
    ) -> Result<Self, SpecError> {
        let partition_type = spec.partition_type(schema);
        let json = schema_write::manifest(version, &partition_type, &options.extra_fields)?;
        let extras = ExtraWriter::new(&options.extra_fields, &json)?;
        let mut metadata = vec![
            ("avro.schema".to_owned(), json.into_bytes()),
            ("schema".to_owned(), schema.to_json().into_bytes()),
            ("schema-id".to_owned(), schema.id().to_string().into_bytes()),
            ("partition-spec".to_owned(), spec.fields_to_json().into_bytes()),
            ("partition-spec-id".to_owned(), spec.id.to_string().into_bytes()),
            ("format-version".to_owned(), version.number().to_string().into_bytes()),
        ];
        if version > FormatVersion::V1 {
            metadata.push(("content".to_owned(), content.as_str().as_bytes().to_vec()));
        }
        Codec::parse(options.codec.as_str())?;
        let container = ContainerWriter::new(
            metadata,
            options.codec,
            options.level,
            options.target_block_bytes,
            options.sync_marker,
        );
        let partitions = PartitionSummary::new(&partition_type);
        Ok(Self {
            version,
            content,
            snapshot_id,
            spec: spec.clone(),
            partition_type,
            container,
            extras,
            counts: ManifestCounts::default(),
            partitions,
        })
    }

    /// Adds a file that this snapshot adds. Sequence numbers and row id are left to the commit, so that the manifest
    /// survives a retry. The snapshot id is written out: it stays the same from attempt to attempt. A manifest that
    /// another snapshot is to take over as it is has null there: [`write`](Self::write) with [`ManifestEntry::added`].
    ///
    /// # Errors
    /// `InvalidInput` if the file breaks a rule.
    pub fn add(&mut self, mut file: DataFile) -> Result<(), SpecError> {
        file.first_row_id = None;
        self.write(&ManifestEntry::added(file).with_snapshot_id(self.snapshot_id))
    }

    /// Writes an entry of any status as it is.
    ///
    /// An added entry may have a data sequence number (a compaction keeps that of what it read), but its file sequence
    /// number is the commit's: it stays null. Other entries must have all three numbers.
    ///
    /// # Errors
    /// `InvalidInput` if the entry breaks a rule.
    pub fn write(&mut self, entry: &ManifestEntry) -> Result<(), SpecError> {
        self.check(entry)?;
        // Nothing is counted or kept of an entry that cannot be written.
        let mut counts = self.counts;
        counts.add(entry)?;
        let start = self.container.entries.len();
        let encoded = self.encode(entry);
        if let Err(e) = encoded.and_then(|()| Ok(self.partitions.add(&entry.data_file.partition)?)) {
            self.container.entries.truncate(start);
            return Err(e);
        }
        self.counts = counts;
        Ok(self.container.end_entry()?)
    }

    /// Writes a live entry of an older manifest again, with status existing. It must be resolved.
    ///
    /// # Errors
    /// `InvalidInput` if a number is null that must not be.
    pub fn existing(&mut self, mut entry: ManifestEntry) -> Result<(), SpecError> {
        entry.status = ManifestStatus::Existing;
        self.write(&entry)
    }

    /// Writes an entry of an older manifest as deleted by this snapshot. It must be resolved; its sequence numbers stay.
    ///
    /// # Errors
    /// `InvalidInput` if a number is null that must not be.
    pub fn delete(&mut self, mut entry: ManifestEntry) -> Result<(), SpecError> {
        entry.status = ManifestStatus::Deleted;
        entry.snapshot_id = Some(self.snapshot_id);
        self.write(&entry)
    }

    /// Bytes written so far, without the block in the making.
    pub fn length_bytes(&self) -> usize {
        self.container.length()
    }

    /// The bytes of the manifest, and its row for the manifest list. A manifest that holds nothing but deleted entries
    /// is a manifest like any other: without it, nobody sees the deletion.
    ///
    /// # Errors
    /// `InvalidInput` if the last block cannot be written.
    pub fn finish(self, path: impl Into<String>) -> Result<(Vec<u8>, ManifestFile), SpecError> {
        let bytes = self.container.finish()?;
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let counts = self.counts;
        let mut row = ManifestFile::new(path, length, self.spec.id, self.snapshot_id);
        row.content = self.content;
        row.min_sequence_number = counts.min_data_sequence_number.map(|n| crate::id::SequenceNumber(n.0));
        row.added_files_count = Some(counts.added_files);
        row.existing_files_count = Some(counts.existing_files);
        row.deleted_files_count = Some(counts.deleted_files);
        row.added_rows_count = Some(counts.added_rows);
        row.existing_rows_count = Some(counts.existing_rows);
        row.deleted_rows_count = Some(counts.deleted_rows);
        row.partitions = Some(self.partitions.finish());
        Ok((bytes, row))
    }

    fn check(&self, entry: &ManifestEntry) -> Result<(), ManifestError> {
        let file = &entry.data_file;
        let fail = |field: FieldId, reason| {
            Err(ManifestError::Entry { path: excerpt(&file.file_path), field, reason })
        };
        if (file.content == FileContent::Data) != (self.content == ManifestContent::Data) {
            return fail(field_id::CONTENT, "data files and delete files do not share a manifest");
        }
        if self.version == FormatVersion::V1 {
            if self.content == ManifestContent::Deletes {
                return fail(field_id::CONTENT, "version 1 has no delete files");
            }
        } else if entry.status == ManifestStatus::Added {
            if entry.file_sequence_number.is_some() {
                return fail(field_id::FILE_SEQUENCE_NUMBER, "an added entry inherits it from the commit");
            }
        } else {
            for (null, field) in [
                (entry.snapshot_id.is_none(), field_id::SNAPSHOT_ID),
                (entry.data_sequence_number.is_none(), field_id::SEQUENCE_NUMBER),
            ] {
                if null {
                    return fail(field, "only an added entry inherits it");
                }
            }
        }
        if file.record_count < 0 && (file.record_count != -1 || entry.status == ManifestStatus::Added) {
            return fail(field_id::RECORD_COUNT, "it is negative");
        }
        if file.record_count < 0 && self.version >= FormatVersion::V3 {
            return fail(field_id::RECORD_COUNT, "it is not known, so that row ids cannot be given");
        }
        let sequence_numbers = [
            (entry.data_sequence_number.map(|n| n.0), field_id::SEQUENCE_NUMBER),
            (entry.file_sequence_number.map(|n| n.0), field_id::FILE_SEQUENCE_NUMBER),
        ];
        for (number, field) in [
            (Some(file.file_size_in_bytes), field_id::FILE_SIZE_IN_BYTES),
            (file.first_row_id, field_id::FIRST_ROW_ID),
            (file.content_offset, field_id::CONTENT_OFFSET),
            (file.content_size_in_bytes, field_id::CONTENT_SIZE_IN_BYTES),
        ]
        .into_iter()
        .chain(sequence_numbers)
        {
            if number.is_some_and(|number| number < 0) {
                return fail(field, "it is negative");
            }
        }
        // What the version has no column for would be lost without a word.
        let is_v1 = self.version == FormatVersion::V1;
        for (lost, field) in [
            (is_v1 && entry.data_sequence_number.is_some_and(|n| n.0 != 0), field_id::SEQUENCE_NUMBER),
            (is_v1 && entry.file_sequence_number.is_some_and(|n| n.0 != 0), field_id::FILE_SEQUENCE_NUMBER),
            (is_v1 && file.referenced_data_file.is_some(), field_id::REFERENCED_DATA_FILE),
            (file.first_row_id.is_some(), field_id::FIRST_ROW_ID),
            (file.content_offset.is_some(), field_id::CONTENT_OFFSET),
            (file.content_size_in_bytes.is_some(), field_id::CONTENT_SIZE_IN_BYTES),
        ] {
            if lost && self.version < FormatVersion::V3 && !file.is_deletion_vector() {
                return fail(field, "the version has no column for it");
            }
        }
        if (file.content == FileContent::EqualityDeletes) == file.equality_ids.is_empty() {
            return fail(field_id::EQUALITY_IDS, "equality deletes have them, and no other file");
        }
        if file.is_deletion_vector() {
            if self.version < FormatVersion::V3 {
                return fail(field_id::FILE_FORMAT, "deletion vectors need version 3");
            }
            for (null, field) in [
                (file.referenced_data_file.is_none(), field_id::REFERENCED_DATA_FILE),
                (file.content_offset.is_none(), field_id::CONTENT_OFFSET),
                (file.content_size_in_bytes.is_none(), field_id::CONTENT_SIZE_IN_BYTES),
            ] {
                if null {
                    return fail(field, "a deletion vector must have it");
                }
            }
        }
        if file.content != FileContent::Data && file.first_row_id.is_some() {
            return fail(field_id::FIRST_ROW_ID, "delete files have none");
        }
        if file.partition.len() != self.partition_type.fields.len() {
            return fail(field_id::PARTITION, "it has not as many values as the spec has fields");
        }
        Ok(())
    }

    fn encode(&mut self, entry: &ManifestEntry) -> Result<(), SpecError> {
        let out = &mut self.container.entries;
        let file = &entry.data_file;
        let is_v1 = self.version == FormatVersion::V1;
        put_long(out, i64::from(entry.status.number()));
        if is_v1 {
            put_long(out, entry.snapshot_id.unwrap_or(self.snapshot_id).0);
        } else {
            put_optional(out, entry.snapshot_id.map(|id| id.0));
            put_optional(out, entry.data_sequence_number.map(|n| n.0));
            put_optional(out, entry.file_sequence_number.map(|n| n.0));
            put_long(out, i64::from(file.content.number()));
        }
        put_bytes(out, file.file_path.as_bytes());
        put_bytes(out, file.file_format.as_str().as_bytes());
        for (position, (value, field)) in file.partition.iter().zip(&self.partition_type.fields).enumerate() {
            let fits = match value {
                None => {
                    put_long(out, 0);
                    true
                }
                Some(value) => {
                    put_long(out, 1);
                    // The type of the column may have been widened since the file was written.
                    field.field_type.as_primitive().is_some_and(|of| {
                        put_partition_value(out, of, value)
                            || value.promote(of).is_some_and(|value| put_partition_value(out, of, &value))
                    })
                }
            };
            if !fits {
                return Err(ManifestError::Partition {
                    position,
                    expected: field.field_type.to_string(),
                    found: excerpt(&value.as_ref().map_or_else(|| "null".to_owned(), ToString::to_string)),
                }
                .into());
            }
        }
        put_long(out, file.record_count);
        put_long(out, file.file_size_in_bytes);
        if is_v1 {
            // Required by v1 and read by nobody.
            put_long(out, 64 << 20);
        }
        put_longs(out, &file.column_sizes);
        put_longs(out, &file.value_counts);
        put_longs(out, &file.null_value_counts);
        put_longs(out, &file.nan_value_counts);
        put_bounds(out, &file.lower_bounds);
        put_bounds(out, &file.upper_bounds);
        put_optional_bytes(out, file.key_metadata.as_deref());
        put_list(out, file.split_offsets.iter().copied());
        if !is_v1 {
            put_list(out, file.equality_ids.iter().map(|id| i64::from(id.0)));
        }
        put_optional(out, file.sort_order_id.map(|id| i64::from(id.0)));
        if self.version >= FormatVersion::V3 {
            put_optional(out, file.first_row_id);
        }
        if !is_v1 {
            put_optional_bytes(out, file.referenced_data_file.as_ref().map(String::as_bytes));
        }
        if self.version >= FormatVersion::V3 {
            put_optional(out, file.content_offset);
            put_optional(out, file.content_size_in_bytes);
        }
        self.extras.write(ExtraLocation::DataFile, &file.extras, out)?;
        self.extras.write(ExtraLocation::Entry, &entry.extras, out)?;
        Ok(())
    }
}

/// A long in a union with null.
pub(super) fn put_optional(out: &mut Vec<u8>, value: Option<i64>) {
    match value {
        None => put_long(out, 0),
        Some(value) => {
            put_long(out, 1);
            put_long(out, value);
        }
    }
}

/// Bytes in a union with null.
pub(super) fn put_optional_bytes(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => put_long(out, 0),
        Some(value) => {
            put_long(out, 1);
            put_bytes(out, value);
        }
    }
}

fn put_longs(out: &mut Vec<u8>, map: &MetricMap) {
    if map.is_empty() {
        return put_long(out, 0);
    }
    put_long(out, 1);
    put_length(out, map.len());
    put_pairs(out, map.iter().map(|(id, value)| (id.0, value)));
    put_long(out, 0);
}

fn put_bounds(out: &mut Vec<u8>, map: &BoundMap) {
    if map.is_empty() {
        return put_long(out, 0);
    }
    put_long(out, 1);
    put_length(out, map.len());
    for (id, bytes) in map.iter() {
        put_pair_of_bytes(out, id.0, bytes);
    }
    put_long(out, 0);
}

fn put_list(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = i64>) {
    if values.len() == 0 {
        return put_long(out, 0);
    }
    put_long(out, 1);
    put_length(out, values.len());
    values.for_each(|value| put_long(out, value));
    put_long(out, 0);
}

/// `false` if the value is not of the type.
fn put_partition_value(out: &mut Vec<u8>, of: &PrimitiveType, value: &Value) -> bool {
    use PrimitiveType as T;
    match (of, value) {
        (T::Boolean, Value::Boolean(v)) => out.push(u8::from(*v)),
        (T::Int, Value::Int(v)) | (T::Date, Value::Date(v) | Value::Int(v)) => put_long(out, i64::from(*v)),
        (T::Long, Value::Int(v)) => put_long(out, i64::from(*v)),
        (T::Long, Value::Long(v))
        | (T::Time, Value::Time(v))
        | (T::Timestamp, Value::Timestamp(v))
        | (T::Timestamptz, Value::Timestamptz(v))
        | (T::TimestampNs, Value::TimestampNs(v))
        | (T::TimestamptzNs, Value::TimestamptzNs(v)) => put_long(out, *v),
        (T::Float, Value::Float(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (T::Double, Value::Double(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (T::String, Value::String(v)) => put_bytes(out, v.as_bytes()),
        (T::Binary, Value::Binary(v)) => put_bytes(out, v),
        (T::Uuid, Value::Uuid(v)) => out.extend_from_slice(v.as_bytes()),
        (T::Fixed(length), Value::Fixed(v)) if usize::try_from(*length) == Ok(v.len()) => {
            out.extend_from_slice(v)
        }
        (T::Decimal { precision, scale }, Value::Decimal(v)) if v.scale == *scale => {
            let bytes = v.unscaled.to_be_bytes();
            let size = schema_write::decimal_bytes(*precision);
            let (head, tail) = bytes.split_at_checked(16_usize.saturating_sub(size)).unwrap_or((&[], &bytes));
            let sign = if v.unscaled < 0 { 0xff } else { 0 };
            if head.iter().any(|byte| *byte != sign) || tail.first().is_some_and(|b| (*b ^ sign) >= 0x80) {
                return false;
            }
            out.extend_from_slice(tail);
        }
        _ => return false,
    }
    true
}
