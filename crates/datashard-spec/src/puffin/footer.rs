//! What a footer says: the blobs, where they are, and properties; from and to JSON.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Codec, PuffinError};
use crate::error::excerpt;
use crate::id::{FieldId, SequenceNumber, SnapshotId};
use crate::json::{Json, JsonError, JsonWriter, UnknownKeys, parse_document};

/// Where a blob lies in its file, in bytes.
///
/// The `content_offset` and `content_size_in_bytes` of a deletion vector's manifest entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a range has two ends and nothing else")]
pub struct BlobRange {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl BlobRange {
    /// The first byte after the blob.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// Text properties in the order of the document; keys are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Sets a key; the value that it had is replaced where it stands.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    fn parse(json: Json<'_, '_>) -> Result<Self, JsonError> {
        // Uniqueness of keys is checked by the split into pairs.
        json.object()?
            .entries()
            .map(|(key, value)| Ok((key.to_owned(), value.string()?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn write(&self, out: &mut JsonWriter) {
        if !self.is_empty() {
            out.key("properties").object(|out| {
                for (key, value) in self.iter() {
                    out.key(key).string(value);
                }
            });
        }
    }
}

/// One blob as the footer describes it.
///
/// # Spec
/// "Puffin", "BlobMetadata".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobMetadata {
    /// Type of the blob, such as [`BlobMetadata::DELETION_VECTOR_V1`].
    pub blob_type: String,
    /// The fields that the blob was computed for.
    pub fields: Vec<FieldId>,
    /// The snapshot that the blob was computed from; −1 in a deletion vector, which inherits it from its manifest entry.
    pub snapshot_id: SnapshotId,
    /// Sequence number of that snapshot; −1 likewise.
    pub sequence_number: SequenceNumber,
    /// Where the blob, as stored, lies in the file.
    pub range: BlobRange,
    /// How the stored bytes are compressed.
    pub codec: Option<Codec>,
    /// Properties of the blob.
    pub properties: Properties,
    /// Keys of the footer's entry that this version does not know.
    pub unknown: UnknownKeys,
}

impl BlobMetadata {
    /// Type of a deletion vector.
    pub const DELETION_VECTOR_V1: &'static str = "deletion-vector-v1";
    /// Type of a theta sketch of distinct values.
    pub const THETA_V1: &'static str = "apache-datasketches-theta-v1";
    /// Property of a deletion vector: location of the data file whose rows it deletes.
    pub const REFERENCED_DATA_FILE: &'static str = "referenced-data-file";
    /// Property of a deletion vector: number of positions.
    pub const CARDINALITY: &'static str = "cardinality";
    /// Property of a theta sketch: estimated number of distinct values.
    pub const NDV: &'static str = "ndv";

    /// A blob that is still to be written: uncompressed, without place or properties.
    pub fn new(
        blob_type: impl Into<String>,
        fields: Vec<FieldId>,
        snapshot_id: SnapshotId,
        sequence_number: SequenceNumber,
    ) -> Self {
        Self {
            blob_type: blob_type.into(),
            fields,
            snapshot_id,
            sequence_number,
            range: BlobRange { offset: 0, length: 0 },
            codec: None,
            properties: Properties::default(),
            unknown: UnknownKeys::default(),
        }
    }

    /// The metadata of a deletion vector of `cardinality` positions for a data file, still to be written.
    pub fn deletion_vector(referenced_data_file: &str, cardinality: u64) -> Self {
        let unassigned = (SnapshotId(-1), SequenceNumber(-1));
        Self::new(Self::DELETION_VECTOR_V1, vec![FieldId::POS], unassigned.0, unassigned.1)
            .with_property(Self::REFERENCED_DATA_FILE, referenced_data_file)
            .with_property(Self::CARDINALITY, cardinality.to_string())
    }

    /// Sets a property.
    #[must_use]
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key, value);
        self
    }

    /// Has the blob compressed.
    #[must_use]
    pub fn with_codec(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// The content of the blob from its stored bytes, decompressed to at most `limit` bytes.
    ///
    /// # Errors
    /// `Unsupported` for a codec that this build does not have; `InvalidData` if `stored` has not the blob's length, is
    /// larger than `limit`, or does not decompress.
    pub fn content<'a>(&self, stored: &'a [u8], limit: u64) -> Result<Cow<'a, [u8]>, PuffinError> {
        let found = super::cursor::length(stored);
        if found < self.range.length {
            return Err(PuffinError::Truncated { what: "blob", needed: self.range.length, found });
        }
        if let Some(count) = found.checked_sub(self.range.length).filter(|n| *n > 0) {
            return Err(PuffinError::TrailingBytes { what: "blob", count });
        }
        match &self.codec {
            Some(codec) => codec.decompress(stored, limit).map(Cow::Owned),
            None if found > limit => Err(PuffinError::TooLarge { what: "blob", bytes: found, limit }),
            None => Ok(Cow::Borrowed(stored)),
        }
    }

    /// Location of the data file whose rows a deletion vector deletes.
    ///
    /// A scan goes by the manifest entry; this is for people and checks.
    pub fn referenced_data_file(&self) -> Option<&str> {
        self.properties.get(Self::REFERENCED_DATA_FILE)
    }

    /// The number of positions that a deletion vector is said to hold.
    ///
    /// # Errors
    /// `InvalidData` if the property is not a count.
    pub fn cardinality(&self) -> Result<Option<u64>, PuffinError> {
        self.properties
            .get(Self::CARDINALITY)
            .map(|text| {
                text.parse()
                    .map_err(|_| PuffinError::Property { key: Self::CARDINALITY, found: excerpt(text) })
            })
            .transpose()
    }

    fn parse(json: Json<'_, '_>, blob: usize, end: u64) -> Result<Self, PuffinError> {
        let mut object = json.object()?;
        let fields = object.require("fields")?;
        let (offset, length) = (object.require("offset")?.i64()?, object.require("length")?.i64()?);
        Ok(Self {
            blob_type: object.require("type")?.string()?,
            fields: fields.array()?.map(|id| id.i32().map(FieldId))?,
            snapshot_id: SnapshotId(object.require("snapshot-id")?.i64()?),
            sequence_number: SequenceNumber(object.require("sequence-number")?.i64()?),
            range: check_range(offset, length, end).ok_or(PuffinError::BlobRange {
                blob,
                offset,
                length,
                end,
            })?,
            codec: object
                .take("compression-codec")
                .map(|codec| codec.str().map(|name| Codec::from_name(&name)))
                .transpose()?,
            properties: object.take("properties").map(Properties::parse).transpose()?.unwrap_or_default(),
            unknown: object.into_unknown(),
        })
    }

    fn write(&self, out: &mut JsonWriter) {
        out.object(|out| {
            out.key("type").string(&self.blob_type);
            out.key("fields").array(&self.fields, |out, id| out.number(id));
            out.key("snapshot-id").number(self.snapshot_id);
            out.key("sequence-number").number(self.sequence_number);
            out.key("offset").number(self.range.offset);
            out.key("length").number(self.range.length);
            if let Some(codec) = &self.codec {
                out.key("compression-codec").string(codec.name());
            }
            self.properties.write(out);
            out.unknown(&self.unknown);
        });
    }
}

/// Blobs lie between the magic at the head of the file and the footer.
fn check_range(offset: i64, length: i64, footer_start: u64) -> Option<BlobRange> {
    let (offset, length) = (u64::try_from(offset).ok()?, u64::try_from(length).ok()?);
    let end = offset.checked_add(length)?;
    (offset >= 4 && end <= footer_start).then_some(BlobRange { offset, length })
}

/// The footer of a Puffin file: its blobs in file order, and its properties.
///
/// # Spec
/// "Puffin", "FileMetadata".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Footer {
    /// The blobs.
    pub blobs: Vec<BlobMetadata>,
    /// Properties of the file.
    pub properties: Properties,
    /// Keys that this version does not know.
    pub unknown: UnknownKeys,
    /// Size of the whole footer in bytes, magics included: the `file-footer-size-in-bytes` of table statistics. 0 if not
    /// written yet.
    pub size: u64,
}

impl Footer {
    /// Property of the file: the program that wrote it.
    pub const CREATED_BY: &'static str = "created-by";

    /// Where the blobs lie, in the order of the footer.
    pub fn blob_ranges(&self) -> impl Iterator<Item = BlobRange> {
        self.blobs.iter().map(|blob| blob.range)
    }

    /// The blobs that are still named by someone: those at one of the ranges that live manifest entries or statistics give
    /// for this file.
    ///
    /// Several deletion vectors share a file. It may be deleted only if this is empty for the entries of *all* snapshots
    /// that are kept; that one of its blobs is obsolete says nothing about the others.
    pub fn blobs_in_use<'s>(&'s self, live: &'s [BlobRange]) -> impl Iterator<Item = &'s BlobMetadata> {
        let live: HashSet<BlobRange> = live.iter().copied().collect();
        self.blobs.iter().filter(move |blob| live.contains(&blob.range))
    }

    /// Parses the payload; `footer_start` is where blobs must have ended.
    pub(super) fn parse_payload(payload: &[u8], footer_start: u64, size: u64) -> Result<Self, PuffinError> {
        let text =
            std::str::from_utf8(payload).map_err(|e| PuffinError::Utf8 { valid_up_to: e.valid_up_to() })?;
        let json = Json::root(parse_document(text)?);
        let mut object = json.object()?;
        let blobs = object.require("blobs")?;
        let blobs = blobs.array()?;
        Ok(Self {
            blobs: blobs
                .iter()
                .enumerate()
                .map(|(blob, json)| BlobMetadata::parse(json, blob, footer_start))
                .collect::<Result<_, _>>()?,
            properties: object.take("properties").map(Properties::parse).transpose()?.unwrap_or_default(),
            unknown: object.into_unknown(),
            size,
        })
    }

    /// The payload, without anything around it.
    pub(super) fn payload(&self) -> String {
        let mut out = JsonWriter::new();
        out.object(|out| {
            out.key("blobs").array(&self.blobs, |out, blob| blob.write(out));
            self.properties.write(out);
            out.unknown(&self.unknown);
        });
        out.finish()
    }
}
