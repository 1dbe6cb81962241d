//! Writing a Puffin file: blobs one after the other, then the footer.

use super::container::{FOOTER_FRAME_LENGTH, MAGIC};
use super::cursor::length;
use super::{BlobMetadata, BlobRange, DeletionVector, Footer, PuffinError};

/// Collects blobs and writes the footer, which is not compressed (Java writers and readers have no LZ4).
///
/// See [`PuffinReader`](super::PuffinReader) for an example.
#[derive(Debug, Clone)]
#[must_use = "a file is written by finish"]
pub struct PuffinWriter {
    bytes: Vec<u8>,
    footer: Footer,
}

/// A finished Puffin file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PuffinFile {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Its footer: where each blob lies, and the footer's own size.
    pub footer: Footer,
}

impl Default for PuffinWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl PuffinWriter {
    /// An empty file.
    pub fn new() -> Self {
        Self { bytes: MAGIC.to_vec(), footer: Footer::default() }
    }

    /// Sets a property of the file, such as [`Footer::CREATED_BY`].
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.footer.properties.insert(key, value);
        self
    }

    /// Adds a blob, compressed if `blob` names a codec, and returns where it lies. `blob.range` is set here.
    ///
    /// # Errors
    /// `Unsupported` for a codec that this build does not have.
    pub fn add_blob(&mut self, mut blob: BlobMetadata, content: &[u8]) -> Result<BlobRange, PuffinError> {
        let compressed = blob.codec.as_ref().map(|codec| codec.compress(content)).transpose()?;
        let stored = compressed.as_deref().unwrap_or(content);
        blob.range = BlobRange { offset: length(&self.bytes), length: length(stored) };
        let range = blob.range;
        self.bytes.extend_from_slice(stored);
        self.footer.blobs.push(blob);
        Ok(range)
    }

    /// Adds the deletion vector of a data file and returns where it lies: what its manifest entry has to say.
    ///
    /// # Errors
    /// `InvalidData` if the vector is too large for a blob.
    pub fn add_deletion_vector(
        &mut self,
        referenced_data_file: &str,
        vector: &DeletionVector,
    ) -> Result<BlobRange, PuffinError> {
        self.add_blob(BlobMetadata::deletion_vector(referenced_data_file, vector.len()), &vector.serialize()?)
    }

    /// Writes the footer.
    ///
    /// # Errors
    /// `InvalidData` if the footer is too large.
    pub fn finish(self) -> Result<PuffinFile, PuffinError> {
        let Self { mut bytes, mut footer } = self;
        let payload = footer.payload();
        let payload_length = length(payload.as_bytes());
        let payload_size = i32::try_from(payload_length).map_err(|_| PuffinError::TooLarge {
            what: "footer",
            bytes: payload_length,
            limit: i32::MAX.unsigned_abs().into(),
        })?;
        footer.size = payload_length.saturating_add(FOOTER_FRAME_LENGTH);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(payload.as_bytes());
        bytes.extend_from_slice(&payload_size.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&MAGIC);
        Ok(PuffinFile { bytes, footer })
    }
}
