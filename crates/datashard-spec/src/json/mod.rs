//! JSON in and out with a place for every complaint and room for keys that we do not know.
//!
//! serde's derived structs either drop unknown keys or buffer everything; table metadata must keep them and must not
//! be slow. So an object is first split into `(key, raw text)` pairs ([`Object`]), the known keys are taken one by one,
//! and what is left over is kept byte for byte as [`UnknownKeys`].

mod error;
mod object;
mod unknown_keys;
mod write;

pub use error::JsonError;
pub(crate) use object::{Json, Object, Path, parse_document};
pub use unknown_keys::UnknownKeys;
pub(crate) use write::{JsonWriter, quote};

/// The deepest nesting of types, values and name mappings that is read; deeper ones are refused.
pub(crate) const MAX_DEPTH: usize = 100;

/// The longest path from the root of a document to a value that is read. A level of struct nesting takes three steps
/// (`type`, `fields` and an index), so that whatever is within [`MAX_DEPTH`] can be written and read back.
pub(crate) const MAX_PATH: usize = 320;
