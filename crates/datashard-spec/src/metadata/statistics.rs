//! Statistics files and partition statistics files: what the metadata says about them.

use crate::id::{FieldId, SequenceNumber, SnapshotId};
use crate::json::{Json, JsonError, JsonWriter, UnknownKeys};

/// A Puffin file with statistics of a snapshot.
///
/// # Spec
/// "Table Statistics".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatisticsFile {
    /// The snapshot it was computed for. A table has at most one file per snapshot.
    pub snapshot_id: SnapshotId,
    /// Location of the file.
    pub path: String,
    /// Size of the file in bytes.
    pub file_size_bytes: i64,
    /// Size of its footer in bytes.
    pub footer_size_bytes: i64,
    /// Encryption key metadata, in base64.
    pub key_metadata: Option<String>,
    /// What is in it.
    pub blobs: Vec<BlobMetadata>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A blob of a statistics file.
///
/// # Spec
/// "Table Statistics", blob metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobMetadata {
    /// Kind of the blob, such as `apache-datasketches-theta-v1`.
    pub blob_type: String,
    /// The snapshot it was computed from.
    pub snapshot_id: SnapshotId,
    /// Sequence number of that snapshot.
    pub sequence_number: SequenceNumber,
    /// The columns it was computed over, in order.
    pub fields: Vec<FieldId>,
    /// Properties of the blob, in order.
    pub properties: Vec<(String, String)>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A file with one row of statistics per partition.
///
/// # Spec
/// "Partition Statistics".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatisticsFile {
    /// The snapshot it was computed for. A table has at most one file per snapshot.
    pub snapshot_id: SnapshotId,
    /// Location of the file.
    pub path: String,
    /// Size of the file in bytes.
    pub file_size_bytes: i64,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl StatisticsFile {
    /// A file for this snapshot, without blobs.
    pub fn new(
        snapshot_id: SnapshotId,
        path: impl Into<String>,
        file_size_bytes: i64,
        footer_size_bytes: i64,
    ) -> Self {
        Self {
            snapshot_id,
            path: path.into(),
            file_size_bytes,
            footer_size_bytes,
            key_metadata: None,
            blobs: Vec::new(),
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// With these blobs.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Vec<BlobMetadata>) -> Self {
        self.blobs = blobs;
        self
    }
}

impl BlobMetadata {
    /// A blob computed from this snapshot over these columns.
    pub fn new(
        blob_type: impl Into<String>,
        snapshot_id: SnapshotId,
        sequence_number: SequenceNumber,
        fields: Vec<FieldId>,
    ) -> Self {
        Self {
            blob_type: blob_type.into(),
            snapshot_id,
            sequence_number,
            fields,
            properties: Vec::new(),
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// With these properties.
    #[must_use]
    pub fn with_properties(mut self, properties: Vec<(String, String)>) -> Self {
        self.properties = properties;
        self
    }
}

impl PartitionStatisticsFile {
    /// A file for this snapshot.
    pub fn new(snapshot_id: SnapshotId, path: impl Into<String>, file_size_bytes: i64) -> Self {
        Self { snapshot_id, path: path.into(), file_size_bytes, unknown_keys: UnknownKeys::default() }
    }
}

pub(super) fn parse_statistics(json: Json<'_, '_>) -> Result<StatisticsFile, JsonError> {
    let mut object = json.object()?;
    let blobs = object.require("blob-metadata")?;
    Ok(StatisticsFile {
        snapshot_id: SnapshotId(object.require("snapshot-id")?.i64()?),
        path: object.require("statistics-path")?.string()?,
        file_size_bytes: object.require("file-size-in-bytes")?.i64()?,
        footer_size_bytes: object.require("file-footer-size-in-bytes")?.i64()?,
        key_metadata: object.take("key-metadata").map(|key| key.string()).transpose()?,
        blobs: blobs.array()?.map(parse_blob)?,
        unknown_keys: object.into_unknown(),
    })
}

fn parse_blob(json: Json<'_, '_>) -> Result<BlobMetadata, JsonError> {
    let mut object = json.object()?;
    let fields = object.require("fields")?;
    Ok(BlobMetadata {
        blob_type: object.require("type")?.string()?,
        snapshot_id: SnapshotId(object.require("snapshot-id")?.i64()?),
        sequence_number: SequenceNumber(object.require("sequence-number")?.i64()?),
        fields: fields.array()?.map(|id| id.i32().map(FieldId))?,
        properties: object.take("properties").map(parse_strings).transpose()?.unwrap_or_default(),
        unknown_keys: object.into_unknown(),
    })
}

pub(super) fn parse_partition_statistics(json: Json<'_, '_>) -> Result<PartitionStatisticsFile, JsonError> {
    let mut object = json.object()?;
    Ok(PartitionStatisticsFile {
        snapshot_id: SnapshotId(object.require("snapshot-id")?.i64()?),
        path: object.require("statistics-path")?.string()?,
        file_size_bytes: object.require("file-size-in-bytes")?.i64()?,
        unknown_keys: object.into_unknown(),
    })
}

/// An object whose values are all strings.
pub(super) fn parse_strings<C: FromIterator<(String, String)>>(json: Json<'_, '_>) -> Result<C, JsonError> {
    let object = json.object()?;
    object.entries().map(|(key, value)| Ok((key.to_owned(), value.string()?))).collect()
}

/// Writes pairs of strings as an object.
pub(super) fn write_strings<'s>(
    pairs: impl IntoIterator<Item = (&'s String, &'s String)>,
    writer: &mut JsonWriter,
) {
    writer.object(|writer| {
        for (key, value) in pairs {
            writer.key(key).string(value);
        }
    });
}

pub(super) fn write_statistics(file: &StatisticsFile, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("snapshot-id").number(file.snapshot_id);
        writer.key("statistics-path").string(&file.path);
        writer.key("file-size-in-bytes").number(file.file_size_bytes);
        writer.key("file-footer-size-in-bytes").number(file.footer_size_bytes);
        if let Some(key_metadata) = &file.key_metadata {
            writer.key("key-metadata").string(key_metadata);
        }
        writer.key("blob-metadata").array(&file.blobs, |writer, blob| {
            writer.object(|writer| {
                writer.key("type").string(&blob.blob_type);
                writer.key("snapshot-id").number(blob.snapshot_id);
                writer.key("sequence-number").number(blob.sequence_number);
                writer.key("fields").array(&blob.fields, |writer, id| writer.number(id));
                if !blob.properties.is_empty() {
                    write_strings(
                        blob.properties.iter().map(|(key, value)| (key, value)),
                        writer.key("properties"),
                    );
                }
                writer.unknown(&blob.unknown_keys);
            });
        });
        writer.unknown(&file.unknown_keys);
    });
}

pub(super) fn write_partition_statistics(file: &PartitionStatisticsFile, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("snapshot-id").number(file.snapshot_id);
        writer.key("statistics-path").string(&file.path);
        writer.key("file-size-in-bytes").number(file.file_size_bytes);
        writer.unknown(&file.unknown_keys);
    });
}
