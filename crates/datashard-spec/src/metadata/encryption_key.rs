//! Keys for the encryption of metadata (v3). They are carried, not used.

use super::statistics::{parse_strings, write_strings};
use crate::json::{Json, JsonError, JsonWriter, UnknownKeys};

/// An encrypted key for metadata of the table (v3).
///
/// # Spec
/// "Encryption Keys".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptedKey {
    /// Name of the key, unique in the table.
    pub key_id: String,
    /// The encrypted key and its metadata, in base64.
    pub encrypted_key_metadata: String,
    /// The key that encrypts this one.
    pub encrypted_by_id: Option<String>,
    /// Further properties, in order.
    pub properties: Vec<(String, String)>,
    /// Keys of the JSON form that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl EncryptedKey {
    /// A key of this name; `encrypted_key_metadata` is base64.
    pub fn new(key_id: impl Into<String>, encrypted_key_metadata: impl Into<String>) -> Self {
        Self {
            key_id: key_id.into(),
            encrypted_key_metadata: encrypted_key_metadata.into(),
            encrypted_by_id: None,
            properties: Vec::new(),
            unknown_keys: UnknownKeys::default(),
        }
    }
}

pub(super) fn parse_key(json: Json<'_, '_>) -> Result<EncryptedKey, JsonError> {
    let mut object = json.object()?;
    Ok(EncryptedKey {
        key_id: object.require("key-id")?.string()?,
        encrypted_key_metadata: object.require("encrypted-key-metadata")?.string()?,
        encrypted_by_id: object.take("encrypted-by-id").map(|id| id.string()).transpose()?,
        properties: object.take("properties").map(parse_strings).transpose()?.unwrap_or_default(),
        unknown_keys: object.into_unknown(),
    })
}

pub(super) fn write_key(key: &EncryptedKey, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("key-id").string(&key.key_id);
        writer.key("encrypted-key-metadata").string(&key.encrypted_key_metadata);
        if let Some(id) = &key.encrypted_by_id {
            writer.key("encrypted-by-id").string(id);
        }
        if !key.properties.is_empty() {
            write_strings(key.properties.iter().map(|(key, value)| (key, value)), writer.key("properties"));
        }
        writer.unknown(&key.unknown_keys);
    });
}
