//! Entries of a manifest: a file, and what a commit did with it.

use std::sync::Arc;

use super::DataFile;
use crate::id::{DataSequenceNumber, FieldId, FileSequenceNumber, SnapshotId};

/// An entry of a manifest, as it is written: what is `None` is inherited from the manifest's row in the manifest list.
///
/// # Spec
/// "Manifest Entry Fields", "Sequence Number Inheritance".
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ManifestEntry {
    /// What the commit that wrote the manifest did with the file.
    pub status: ManifestStatus,
    /// Snapshot that added the file, or that deleted it for [`ManifestStatus::Deleted`].
    pub snapshot_id: Option<SnapshotId>,
    /// Decides which deletes apply to the file.
    pub data_sequence_number: Option<DataSequenceNumber>,
    /// The commit that added the file.
    pub file_sequence_number: Option<FileSequenceNumber>,
    /// The file.
    pub data_file: DataFile,
    /// Fields of the entry that this version does not know.
    pub unknown_fields: UnknownFields,
}

/// What the commit that wrote a manifest did with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum ManifestStatus {
    /// Carried over from an older manifest.
    Existing,
    /// New in the snapshot.
    Added,
    /// Removed by the snapshot; the entry is a notice, not a live file.
    Deleted,
}

/// Values of fields that this version does not know, by field id, as Avro bytes with their Avro schema.
///
/// They are kept when a manifest is read whole, and written again with the entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnknownFields(pub(crate) Vec<UnknownField>);

/// One field that this version does not know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnknownField {
    /// The field of the Avro record as JSON: name, type, `field-id`, default.
    pub(crate) schema_json: Arc<str>,
    pub(crate) field_id: Option<i32>,
    pub(crate) name: Arc<str>,
    /// The value as Avro bytes.
    pub(crate) bytes: Box<[u8]>,
    /// The value as text, if it is a string or a union holding one.
    pub(crate) text: Option<Box<str>>,
}

impl UnknownFields {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of the fields, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| field.name.as_ref())
    }

    /// The Avro bytes of the value of the field with this id.
    pub fn bytes(&self, field_id: FieldId) -> Option<&[u8]> {
        self.find(field_id).map(|field| field.bytes.as_ref())
    }

    /// The value of the field with this id, if it is a string.
    pub fn text(&self, field_id: FieldId) -> Option<&str> {
        self.find(field_id)?.text.as_deref()
    }

    fn find(&self, field_id: FieldId) -> Option<&UnknownField> {
        self.0.iter().find(|field| field.field_id == Some(field_id.0))
    }
}

impl ManifestEntry {
    /// A file that the snapshot adds. Everything is inherited, so that the manifest stays valid when the commit has to
    /// be tried again.
    pub fn added(data_file: DataFile) -> Self {
        Self {
            status: ManifestStatus::Added,
            snapshot_id: None,
            data_sequence_number: None,
            file_sequence_number: None,
            data_file,
            unknown_fields: UnknownFields::default(),
        }
    }

    /// Whether the file is part of the snapshot.
    pub fn is_live(&self) -> bool {
        self.status != ManifestStatus::Deleted
    }
}

impl ManifestStatus {
    /// The number for it in manifests.
    pub fn number(self) -> i32 {
        match self {
            Self::Existing => 0,
            Self::Added => 1,
            Self::Deleted => 2,
        }
    }

    /// The status with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Existing),
            1 => Some(Self::Added),
            2 => Some(Self::Deleted),
            _ => None,
        }
    }
}
