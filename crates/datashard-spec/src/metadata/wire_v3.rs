//! What documents of version 3 have of their own: the counter of row ids, and encryption keys.

use super::TableMetadata;
use super::encryption_key::{parse_key, write_key};
use super::read::{SchemaReader, Versioned, parse_list};
use super::wire_v2;
use crate::SpecError;
use crate::json::{Json, JsonWriter, Object, Path, parse_document};

pub(super) fn parse(
    object: &mut Object<'_, '_>,
    schema_reader: &mut SchemaReader,
) -> Result<Versioned, SpecError> {
    let next_row_id = object.require("next-row-id")?.i64()?;
    let encryption_keys = parse_list(object, "encryption-keys", parse_key)?;
    Ok(Versioned { next_row_id, encryption_keys, ..wire_v2::parse(object, schema_reader)? })
}

/// Takes over keys of version 3 that stand in a document of an older version: keys that were forgotten would leave files
/// unreadable, and row ids that were given out must not be given out again.
pub(super) fn adopt(metadata: &mut TableMetadata) -> Result<(), SpecError> {
    let of_v3 = ["next-row-id", "encryption-keys"];
    if let Some(text) = metadata.unknown_keys.get("next-row-id") {
        let json = Json { raw: parse_document(text)?, path: Path::Key(&Path::Root, "next-row-id") };
        if !json.is_null() {
            metadata.next_row_id = metadata.next_row_id.max(json.i64()?);
        }
    }
    if let Some(text) = metadata.unknown_keys.get("encryption-keys") {
        let json = Json { raw: parse_document(text)?, path: Path::Key(&Path::Root, "encryption-keys") };
        if !json.is_null() {
            metadata.encryption_keys = json.array()?.map(parse_key)?;
        }
    }
    let kept = metadata.unknown_keys.iter().filter(|(key, _)| !of_v3.contains(key));
    metadata.unknown_keys = kept.map(|(key, json)| (key.to_owned(), json.to_owned())).collect();
    Ok(())
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
