//! What documents of version 3 have of their own: the counter of row ids, and encryption keys.

use super::TableMetadata;
use super::encryption_key::{parse_key, write_key};
use super::read::{Versioned, parse_list};
use super::wire_v2;
use crate::SpecError;
use crate::json::{JsonWriter, Object};

pub(super) fn parse(object: &mut Object<'_, '_>) -> Result<Versioned, SpecError> {
    let next_row_id = object.require("next-row-id")?.i64()?;
    let encryption_keys = parse_list(object, "encryption-keys", parse_key)?;
    Ok(Versioned { next_row_id, encryption_keys, ..wire_v2::parse(object)? })
}

/// The counters of commits and of row ids.
pub(super) fn write_counters(metadata: &TableMetadata, writer: &mut JsonWriter) {
    wire_v2::write_counters(metadata, writer);
    writer.key("next-row-id").number(metadata.next_row_id);
}

pub(super) fn write_encryption_keys(metadata: &TableMetadata, writer: &mut JsonWriter) {
    if !metadata.encryption_keys.is_empty() {
        let keys = writer.key("encryption-keys");
        keys.array(&metadata.encryption_keys, |writer, key| write_key(key, writer));
    }
}
