//! Errors of the `puffin` module. They exist whether or not the feature is on, so that [`SpecError`](crate::SpecError)
//! is the same type in every build.

use crate::error::ErrorKind;
use crate::json::JsonError;

/// A Puffin file or deletion vector that cannot be decoded or encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PuffinError {
    /// The four bytes that mark a place in the file are other ones.
    #[error("{at}: expected magic {expected:02x?}, found {found:02x?}")]
    Magic {
        /// The place: head of the file, start of the footer, end of the file, or deletion vector.
        at: &'static str,
        /// What the format asks for.
        expected: [u8; 4],
        /// What is there.
        found: [u8; 4],
    },
    /// Fewer bytes than the part needs.
    #[error("{what}: needs {needed} bytes, found {found}")]
    Truncated {
        /// The part.
        what: &'static str,
        /// Bytes that it needs at least.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// More bytes than the part declares.
    #[error("{what}: {count} bytes too many at its end")]
    TrailingBytes {
        /// The part.
        what: &'static str,
        /// Bytes after its end.
        count: u64,
    },
    /// More tail bytes were passed than the file is said to have.
    #[error("{tail_length} tail bytes passed of a file of {file_length} bytes")]
    TailLength {
        /// Bytes passed.
        tail_length: u64,
        /// Length of the file, in bytes.
        file_length: u64,
    },
    /// The footer declares a payload that does not fit into the file.
    #[error("footer: payload size {payload_size} does not fit into a file of {file_length} bytes")]
    FooterSize {
        /// The declared size, in bytes.
        payload_size: i32,
        /// Length of the file, in bytes.
        file_length: u64,
    },
    /// Footer flags that this version of the crate does not know.
    #[error("footer: unknown flags {found:#010x}")]
    Flags {
        /// The four flag bytes, little-endian.
        found: u32,
    },
    /// The footer's payload is not UTF-8.
    #[error("footer: not UTF-8 after {valid_up_to} bytes")]
    Utf8 {
        /// Bytes of the payload that are valid.
        valid_up_to: usize,
    },
    /// The footer's payload is not the JSON that the format asks for.
    #[error("footer: {0}")]
    Json(#[from] JsonError),
    /// A blob lies outside the part of the file that holds blobs.
    #[error("footer: blobs[{blob}] at offset {offset} of {length} bytes is not within 4..{end}")]
    BlobRange {
        /// Index of the blob.
        blob: usize,
        /// Its offset in the file, in bytes.
        offset: i64,
        /// Its length in bytes.
        length: i64,
        /// Where the footer begins.
        end: u64,
    },
    /// The file has no such blob.
    #[error("blobs[{blob}] does not exist: the file has {count}")]
    NoSuchBlob {
        /// The index asked for.
        blob: usize,
        /// How many blobs there are.
        count: usize,
    },
    /// A compression codec that this build does not know.
    #[error("compression codec {codec:?} is not supported by this build")]
    Codec {
        /// Its name in the footer.
        codec: String,
    },
    /// Compressed bytes that do not decompress, or bytes that do not compress.
    #[error("compression codec {codec}: {reason}")]
    Compression {
        /// Its name in the footer.
        codec: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Larger than what the caller or the format allows.
    #[error("{what}: {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A blob that was to be a deletion vector is none.
    #[error("blob: expected an uncompressed deletion-vector-v1, found type {blob_type:?}, codec {codec:?}")]
    NotADeletionVector {
        /// Type of the blob.
        blob_type: String,
        /// Its compression codec.
        codec: Option<String>,
    },
    /// The length at the head of a deletion vector is not that of the blob.
    #[error("deletion vector: declares {declared} bytes of content, the blob holds {found}")]
    VectorLength {
        /// What the blob says, in bytes.
        declared: u32,
        /// What is there, in bytes.
        found: u64,
    },
    /// The checksum of a deletion vector does not match its bytes.
    #[error("deletion vector: stored CRC-32 {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// What the blob says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// A deletion vector declares more bitmaps than its bytes can hold.
    #[error("deletion vector: declares {declared} bitmaps, its bytes hold at most {limit}")]
    BitmapCount {
        /// What the blob says.
        declared: u64,
        /// What would fit.
        limit: u64,
    },
    /// A key of a deletion vector is out of order or has its sign bit set.
    #[error(
        "deletion vector: bitmap {bitmap} has key {key:#x}, expected one above {previous:?} and below 0x80000000"
    )]
    BitmapKey {
        /// Index of the bitmap.
        bitmap: u64,
        /// Its key: the upper half of its positions.
        key: u32,
        /// The key before it.
        previous: Option<u32>,
    },
    /// A bitmap of a deletion vector breaks the portable Roaring format.
    #[error("deletion vector: bitmap {bitmap}: {reason}")]
    Bitmap {
        /// Index of the bitmap.
        bitmap: u64,
        /// What is wrong.
        reason: String,
    },
    /// A deletion vector holds another number of positions than its manifest entry or its properties say.
    #[error("deletion vector: holds {found} positions, {expected} expected")]
    Cardinality {
        /// The number that the manifest entry or the properties of the blob give.
        expected: u64,
        /// The number of positions in the vector.
        found: u64,
    },
    /// A property of a blob is not the number that it should be.
    #[error("blob: property {key:?} is {found:?}, expected a count")]
    Property {
        /// Key of the property.
        key: &'static str,
        /// Its value.
        found: String,
    },
    /// A position that no row can have.
    #[error("position {position} is above {limit}")]
    Position {
        /// The position.
        position: u64,
        /// The highest that is possible.
        limit: u64,
    },
    /// A range of positions that no deletion vector can hold.
    #[error("range of {positions} positions is longer than {limit}")]
    RangeLength {
        /// Positions in the range.
        positions: u64,
        /// The most that a blob can hold.
        limit: u64,
    },
}

impl PuffinError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(e) => e.kind(),
            Self::Flags { .. } | Self::Codec { .. } => ErrorKind::Unsupported,
            Self::TailLength { .. }
            | Self::NoSuchBlob { .. }
            | Self::Position { .. }
            | Self::RangeLength { .. } => ErrorKind::InvalidInput,
            Self::Magic { .. }
            | Self::Truncated { .. }
            | Self::TrailingBytes { .. }
            | Self::FooterSize { .. }
            | Self::Utf8 { .. }
            | Self::BlobRange { .. }
            | Self::Compression { .. }
            | Self::TooLarge { .. }
            | Self::NotADeletionVector { .. }
            | Self::VectorLength { .. }
            | Self::Checksum { .. }
            | Self::BitmapCount { .. }
            | Self::BitmapKey { .. }
            | Self::Bitmap { .. }
            | Self::Cardinality { .. }
            | Self::Property { .. } => ErrorKind::InvalidData,
        }
    }
}
