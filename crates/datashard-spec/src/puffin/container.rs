//! The frame around blobs and footer, read backwards from the end of the file.
//!
//! ```text
//! file   = magic blob* footer
//! footer = magic payload payload_size:i32le flags:u32le magic
//! ```

use std::borrow::Cow;

use super::cursor::{Cursor, length};
use super::{BlobMetadata, Codec, DeletionVector, Footer, PuffinError};

/// `PFA1`, at the head of the file, at the start of the footer and at the end of the file.
pub(super) const MAGIC: [u8; 4] = *b"PFA1";
/// Size, flags and magic at the end of the file.
const TRAILER_LENGTH: u64 = 12;
/// Bytes of a footer besides its payload.
pub(super) const FOOTER_FRAME_LENGTH: u64 = 16;
/// Magic at the head and an empty footer.
const MIN_FILE_LENGTH: u64 = 20;
const FLAG_COMPRESSED: u32 = 1;
/// The largest footer that is decompressed, in bytes.
const MAX_COMPRESSED_FOOTER: u64 = 64 << 20;

/// What the tail of a file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is enough of the file or not")]
pub enum FooterTail {
    /// The footer.
    Parsed(Footer),
    /// The footer is longer than the bytes passed.
    NeedMore {
        /// How many bytes from the end of the file are needed.
        tail_length: u64,
    },
}

impl Footer {
    /// Parses the footer from the last bytes of a file of `file_length` bytes.
    ///
    /// If `tail` does not hold the whole footer, the answer says how many bytes do. The magic at the head of the file is
    /// checked if `tail` is the whole file; otherwise that is [`check_head`]'s business, for callers who read the head.
    ///
    /// # Errors
    /// `InvalidData` if a magic, size, blob range or the JSON is wrong; `Unsupported` for unknown flags; `InvalidInput` if
    /// `tail` is longer than the file.
    ///
    /// # Spec
    /// "Puffin", "Footer structure".
    pub fn parse_tail(tail: &[u8], file_length: u64) -> Result<FooterTail, PuffinError> {
        let tail_length = length(tail);
        if tail_length > file_length {
            return Err(PuffinError::TailLength { tail_length, file_length });
        }
        if file_length < MIN_FILE_LENGTH {
            return Err(PuffinError::Truncated {
                what: "Puffin file",
                needed: MIN_FILE_LENGTH,
                found: file_length,
            });
        }
        let Some((before_trailer, trailer)) = tail.split_last_chunk::<12>() else {
            return Ok(FooterTail::NeedMore { tail_length: TRAILER_LENGTH });
        };
        let mut trailer = Cursor::new(trailer, "footer");
        let payload_size = i32::from_le_bytes(trailer.u32_le()?.to_le_bytes());
        let flags = trailer.u32_le()?;
        trailer.magic(MAGIC, "end of the file")?;
        if flags & !FLAG_COMPRESSED != 0 {
            return Err(PuffinError::Flags { found: flags });
        }

        let misfit = || PuffinError::FooterSize { payload_size, file_length };
        let payload_length = u64::try_from(payload_size).map_err(|_| misfit())?;
        let footer_length = payload_length.saturating_add(FOOTER_FRAME_LENGTH);
        // The magic at the head comes before any footer.
        let footer_start =
            file_length.checked_sub(footer_length).filter(|start| *start >= 4).ok_or_else(misfit)?;
        if tail_length < footer_length {
            return Ok(FooterTail::NeedMore { tail_length: footer_length });
        }
        if tail_length == file_length {
            check_head(tail)?;
        }

        let lead = tail_length.saturating_sub(footer_length);
        let mut footer = Cursor::new(before_trailer, "footer");
        footer.take(usize::try_from(lead).map_err(|_| misfit())?)?;
        footer.magic(MAGIC, "start of the footer")?;
        let payload = if flags & FLAG_COMPRESSED == 0 {
            Cow::Borrowed(footer.rest)
        } else {
            Cow::Owned(Codec::Lz4.decompress(footer.rest, MAX_COMPRESSED_FOOTER)?)
        };
        Self::parse_payload(&payload, footer_start, footer_length).map(FooterTail::Parsed)
    }
}

/// Checks the magic at the head of a file, of which at least four bytes are passed.
///
/// # Errors
/// `InvalidData` if it is another one.
pub fn check_head(head: &[u8]) -> Result<(), PuffinError> {
    Cursor::new(head, "head of the file").magic(MAGIC, "head of the file")
}

/// A Puffin file that is in memory whole.
///
/// For files on a store, read the tail ([`Footer::parse_tail`]) and then the ranges of the blobs that are wanted.
///
/// # Examples
/// ```
/// use datashard_spec::puffin::{DeletionVector, PuffinReader, PuffinWriter};
///
/// let deleted = DeletionVector::from_positions([1, 3, 5])?;
/// let mut writer = PuffinWriter::new();
/// writer.add_deletion_vector("s3://bucket/data/a.parquet", &deleted)?;
/// let file = writer.finish()?;
///
/// let reader = PuffinReader::new(&file.bytes)?;
/// assert_eq!(reader.footer().blobs[0].referenced_data_file(), Some("s3://bucket/data/a.parquet"));
/// assert_eq!(reader.deletion_vector(0)?, deleted);
/// # Ok::<(), datashard_spec::puffin::PuffinError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PuffinReader<'a> {
    file: &'a [u8],
    footer: Footer,
}

impl<'a> PuffinReader<'a> {
    /// Parses the footer of a whole file.
    ///
    /// # Errors
    /// `InvalidData` if a magic, size, blob range or the JSON is wrong; `Unsupported` for unknown flags.
    pub fn new(file: &'a [u8]) -> Result<Self, PuffinError> {
        match Footer::parse_tail(file, length(file))? {
            FooterTail::Parsed(footer) => Ok(Self { file, footer }),
            FooterTail::NeedMore { tail_length } => {
                Err(PuffinError::Truncated { what: "Puffin file", needed: tail_length, found: length(file) })
            }
        }
    }

    /// The footer.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Metadata of the blob at `index` and its bytes as stored.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such blob.
    pub fn stored_blob(&self, index: usize) -> Result<(&BlobMetadata, &'a [u8]), PuffinError> {
        let no_such_blob = || PuffinError::NoSuchBlob { blob: index, count: self.footer.blobs.len() };
        let blob = self.footer.blobs.get(index).ok_or_else(no_such_blob)?;
        // The footer was parsed against the length of this very file.
        let bytes = usize::try_from(blob.range.offset)
            .ok()
            .zip(usize::try_from(blob.range.end()).ok())
            .and_then(|(start, end)| self.file.get(start..end))
            .ok_or_else(no_such_blob)?;
        Ok((blob, bytes))
    }

    /// Content of the blob at `index`, decompressed to at most `limit` bytes.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such blob; `Unsupported` for a codec that this build does not have; `InvalidData` if it
    /// is larger than `limit` or does not decompress.
    pub fn blob(&self, index: usize, limit: u64) -> Result<Cow<'a, [u8]>, PuffinError> {
        let (blob, stored) = self.stored_blob(index)?;
        blob.content(stored, limit)
    }

    /// The deletion vector at `index`, held against its `cardinality` property.
    ///
    /// # Errors
    /// `InvalidInput` if there is no such blob; `InvalidData` if it is not a deletion vector, or breaks a rule of one.
    pub fn deletion_vector(&self, index: usize) -> Result<DeletionVector, PuffinError> {
        let (blob, stored) = self.stored_blob(index)?;
        if blob.blob_type != BlobMetadata::DELETION_VECTOR_V1 || blob.codec.is_some() {
            return Err(PuffinError::NotADeletionVector {
                blob_type: crate::error::excerpt(&blob.blob_type),
                codec: blob.codec.as_ref().map(|codec| crate::error::excerpt(codec.name())),
            });
        }
        DeletionVector::deserialize(stored, blob.cardinality()?)
    }
}
