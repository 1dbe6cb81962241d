//! Updates of the table as such: identity, format version, location, properties, encryption keys.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Draft, refused};
use crate::SpecError;
use crate::metadata::{EncryptedKey, FormatVersion, MetadataError, TableMetadata, wire_v3};
use crate::property::{TableProperties, reserved_in, write};

impl Draft {
    pub(super) fn assign_uuid(&mut self, uuid: Uuid) -> Result<(), MetadataError> {
        match self.metadata.table_uuid.replace(uuid) {
            Some(other) if other != uuid => {
                Err(refused("AssignUuid", "the identity of a table cannot be changed", other))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn upgrade(&mut self, to: FormatVersion) -> Result<(), SpecError> {
        const NAME: &str = "UpgradeFormatVersion";
        let metadata = &mut self.metadata;
        if to < metadata.format_version {
            let found = format!("{to} for a table of {}", metadata.format_version);
            return Err(refused(NAME, "there is no way back to an older version", found).into());
        }
        if to > FormatVersion::V1 && metadata.table_uuid.is_none() {
            return Err(refused(NAME, "version 2 needs a UUID: assign one first", "none").into());
        }
        if to == FormatVersion::V3 && metadata.format_version < to {
            wire_v3::adopt(metadata)?;
        }
        metadata.format_version = to;
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
        if let Some(key) = reserved_in(updates).next() {
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
        let max = TableProperties::new(&self.properties).value(&write::METADATA_PREVIOUS_VERSIONS_MAX);
        usize::try_from(max.max(1)).unwrap_or(usize::MAX)
    }
}
