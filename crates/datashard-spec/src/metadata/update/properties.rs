//! Updates of the table as such: identity, format version, location, properties, encryption keys.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Draft, refused};
use crate::metadata::{EncryptedKey, FormatVersion, MetadataError, TableMetadata};

/// Keys that look like properties but are fields of the metadata; they are never stored.
pub(in crate::metadata) const RESERVED: [&str; 9] = [
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

const PREVIOUS_VERSIONS_MAX: (&str, i64) = ("write.metadata.previous-versions-max", 100);

impl Draft {
    pub(super) fn assign_uuid(&mut self, uuid: Uuid) -> Result<(), MetadataError> {
        match self.metadata.table_uuid.replace(uuid) {
            Some(other) if other != uuid => {
                Err(refused("AssignUuid", "the identity of a table cannot be changed", other))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn upgrade(&mut self, to: FormatVersion) -> Result<(), MetadataError> {
        const NAME: &str = "UpgradeFormatVersion";
        let metadata = &mut self.metadata;
        if to < metadata.format_version {
            let found = format!("{to} for a table of {}", metadata.format_version);
            return Err(refused(NAME, "there is no way back to an older version", found));
        }
        if to > FormatVersion::V1 && metadata.table_uuid.is_none() {
            return Err(refused(NAME, "version 2 needs a UUID: assign one first", "none"));
        }
        metadata.format_version = to;
        // Keys of the newer version that an older writer left would be written twice.
        let of_v3 = ["next-row-id", "encryption-keys"];
        if to == FormatVersion::V3 && of_v3.iter().any(|key| metadata.unknown_keys.get(key).is_some()) {
            let kept = metadata.unknown_keys.iter().filter(|(key, _)| !of_v3.contains(key));
            metadata.unknown_keys = kept.map(|(key, json)| (key.to_owned(), json.to_owned())).collect();
        }
        Ok(())
    }

    pub(super) fn set_location(&mut self, location: &str) -> Result<(), MetadataError> {
        if location.is_empty() {
            return Err(refused("SetLocation", "a location is not empty", location));
        }
        self.metadata.location = location.to_owned();
        Ok(())
    }

    pub(super) fn set_properties(&mut self, updates: &BTreeMap<String, String>) -> Result<(), MetadataError> {
        if let Some(key) = updates.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(refused("SetProperties", "the key is reserved", key));
        }
        let updates = updates.iter().map(|(key, value)| (key.clone(), value.clone()));
        self.metadata.properties.extend(updates);
        Ok(())
    }

    pub(super) fn remove_properties(&mut self, removals: &[String]) {
        for key in removals {
            self.metadata.properties.remove(key);
        }
    }

    pub(super) fn add_encryption_key(&mut self, key: &EncryptedKey) -> Result<(), MetadataError> {
        let metadata = &mut self.metadata;
        if metadata.format_version < FormatVersion::V3 {
            return Err(refused("AddEncryptionKey", "keys need format version 3", metadata.format_version));
        }
        match metadata.encryption_keys.iter().find(|other| other.key_id == key.key_id) {
            Some(same) if same == key => Ok(()),
            Some(_) => {
                let name = crate::error::excerpt(&key.key_id);
                Err(MetadataError::AlreadyExists { what: "encryption key", name })
            }
            None => {
                metadata.encryption_keys.push(key.clone());
                Ok(())
            }
        }
    }

    pub(super) fn remove_encryption_key(&mut self, key_id: &str) {
        self.metadata.encryption_keys.retain(|key| key.key_id != key_id);
    }
}

impl TableMetadata {
    /// How long the metadata log may get; at least 1, and the default where the property is not a number.
    pub(super) fn previous_versions_max(&self) -> usize {
        let (key, default) = PREVIOUS_VERSIONS_MAX;
        let max = self.properties.get(key).and_then(|max| max.parse().ok()).unwrap_or(default);
        usize::try_from(max.max(1)).unwrap_or(usize::MAX)
    }
}
