//! The SHA-256 of a whole file in its manifest entry, as an optional field that other implementations pass over.

use std::fmt::Write as _;

use datashard_spec::id::FieldId;
use datashard_spec::manifest::{AvroValue, DataFile, ExtraField, ExtraLocation};

/// The field of `data_file` that holds the SHA-256 of the file, as lower-case hex.
fn sha256_field() -> ExtraField {
    ExtraField::optional_string(ExtraLocation::DataFile, FieldId(9001), "datashard_sha256")
}

/// Notes the SHA-256 of a file in its entry.
pub(crate) fn record_sha256(entry: &mut DataFile, sha256: &[u8; 32]) {
    let hex = sha256.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a string cannot fail
        hex
    });
    entry.extras.set(&sha256_field(), AvroValue::String(hex));
}
