//! Errors of the `avro` module. They exist whether or not the feature is on, so that [`SpecError`](crate::SpecError)
//! is the same type in every build.

use crate::error::ErrorKind;
use crate::id::FieldId;

/// An Avro container that cannot be decoded or encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AvroError {
    /// The bytes are not an Avro object container.
    #[error("not an Avro file: {reason}")]
    NotAvro {
        /// What is wrong.
        reason: String,
    },
    /// The schema in the header is not one that a manifest or manifest list can have.
    #[error("Avro schema: {at}: {reason}")]
    Schema {
        /// Name of the field or type.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// A compression codec that this crate or this build does not have.
    #[error("Avro codec {codec:?} is not supported by this build")]
    Codec {
        /// Name of the codec.
        codec: String,
    },
    /// A block whose frame or compressed bytes are broken.
    #[error("block {block}: {reason}")]
    Block {
        /// Number of the block, from 0.
        block: u64,
        /// What is wrong.
        reason: String,
    },
    /// A block that would take more memory than allowed.
    #[error("block {block} holds more than {limit_bytes} bytes")]
    BlockTooLarge {
        /// Number of the block, from 0.
        block: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// An entry that does not decode.
    #[error("entry {entry} (block {block}){}: {fault}", .field.map(|id| format!(", field {id}")).unwrap_or_default())]
    Entry {
        /// Number of the block, from 0.
        block: u64,
        /// Number of the entry in the file, from 0.
        entry: u64,
        /// The field, if it has an id.
        field: Option<FieldId>,
        /// What is wrong with it.
        fault: AvroFault,
    },
    /// A value that cannot be written.
    #[error("{what} cannot be written: {reason}")]
    Encode {
        /// What was to be written.
        what: String,
        /// Why not.
        reason: String,
    },
}

/// What is wrong with an encoded value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AvroFault {
    /// The block ends within the value.
    #[error("the block ends within the value")]
    Truncated,
    /// A number of more than ten bytes, or beyond 64 bits.
    #[error("a number of more than 64 bits")]
    LongNumber,
    /// A length that is negative, or more than is left.
    #[error("length {found} where {left} bytes are left")]
    Length {
        /// The length.
        found: i64,
        /// Bytes left in the block.
        left: usize,
    },
    /// Items of an array or map that take another number of bytes than is said before them.
    #[error("the items of an array take another number of bytes than it says")]
    RunSize,
    /// Text that is not a UUID.
    #[error("text that is not a UUID")]
    NotUuid,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// A branch that the union does not have.
    #[error("union branch {found}")]
    Union {
        /// The branch.
        found: i64,
    },
    /// A number outside what the field allows.
    #[error("{found} is not one of its values")]
    Value {
        /// The number.
        found: i64,
    },
    /// A required field without a value.
    #[error("it is required, but has no value")]
    Missing,
    /// Bytes left in a block after its last entry.
    #[error("{left} bytes are left after the last entry of the block")]
    Leftover {
        /// How many.
        left: usize,
    },
    /// A value nested deeper than any real one.
    #[error("nested too deep")]
    TooDeep,
    /// Far more values than bytes: most of them take none.
    #[error("it has many more values in it than bytes")]
    Hollow,
}

impl AvroError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAvro { .. }
            | Self::Schema { .. }
            | Self::Block { .. }
            | Self::BlockTooLarge { .. }
            | Self::Entry { .. } => ErrorKind::InvalidData,
            Self::Codec { .. } => ErrorKind::Unsupported,
            Self::Encode { .. } => ErrorKind::InvalidInput,
        }
    }
}
