//! What a schema change does to table properties: those that name columns follow them.

use std::collections::{BTreeMap, BTreeSet};

use super::SchemaChange;
use crate::name_mapping::NameMapping;
use crate::schema::Schema;

/// Prefixes of properties that go on with the full name of a column.
const COLUMN_PREFIXES: [&str; 3] = [
    "write.metadata.metrics.column.",
    "write.parquet.bloom-filter-enabled.column.",
    "write.parquet.stats-enabled.column.",
];

/// Properties to set and to remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
#[must_use]
pub struct PropertyChanges {
    /// New values by key.
    pub set: BTreeMap<String, String>,
    /// Keys to remove. None of them is in `set`.
    pub removed: BTreeSet<String>,
}

impl PropertyChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// The properties after the changes.
    pub fn apply_to(&self, properties: &mut BTreeMap<String, String>) {
        properties.retain(|key, _| !self.removed.contains(key));
        properties.extend(self.set.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

impl SchemaChange {
    /// What must be committed to the table's properties along with the schema: metrics modes, bloom filters and Parquet
    /// statistics of a column are renamed or dropped with it, and the name mapping learns new names. `old` is the schema
    /// that the update was applied to.
    ///
    /// A name mapping that cannot be parsed is left alone.
    pub fn property_changes<'p>(
        &self,
        old: &Schema,
        properties: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> PropertyChanges {
        let mut changes = PropertyChanges::default();
        for (key, value) in properties {
            if key == NameMapping::PROPERTY {
                if let Ok(mapping) = NameMapping::from_json(value) {
                    let updated = mapping.updated(old, &self.schema);
                    if updated != mapping {
                        changes.set.insert(key.to_owned(), updated.to_json());
                    }
                }
                continue;
            }
            let Some((prefix, column)) =
                COLUMN_PREFIXES.iter().find_map(|prefix| Some((*prefix, key.strip_prefix(prefix)?)))
            else {
                continue;
            };
            let Some(field) = old.field_by_name(column) else { continue };
            match self.schema.field_by_id(field.id) {
                None => {
                    changes.removed.insert(key.to_owned());
                }
                Some(new) if new.full_name != field.full_name => {
                    changes.removed.insert(key.to_owned());
                    changes.set.insert(format!("{prefix}{}", new.full_name), value.to_owned());
                }
                Some(_) => {}
            }
        }
        changes.removed.retain(|key| !changes.set.contains_key(key));
        changes
    }
}
