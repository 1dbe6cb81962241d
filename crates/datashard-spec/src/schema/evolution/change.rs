//! What an update did.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::FieldId;
use crate::schema::Schema;

/// A new schema, and what became of the names of the old one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct SchemaChange {
    /// The new schema, under the id of the old one.
    pub schema: Schema,
    /// The highest id that was ever given to a field of the table.
    pub last_column_id: FieldId,
    /// Full names of the fields that are new, parts of new fields included.
    pub added: BTreeSet<String>,
    /// Old full names of the fields that are gone, parts of such fields included.
    pub deleted: BTreeSet<String>,
    /// New full names by old ones, also of fields in a struct that was renamed.
    pub renamed: BTreeMap<String, String>,
}

impl SchemaChange {
    pub(super) fn between(old: &Schema, schema: Schema, last_column_id: FieldId) -> Self {
        let mut deleted = BTreeSet::new();
        let mut renamed = BTreeMap::new();
        for field in old.all_fields() {
            match schema.field_by_id(field.id) {
                None => {
                    deleted.insert(field.full_name.to_owned());
                }
                Some(new) if new.full_name != field.full_name => {
                    renamed.insert(field.full_name.to_owned(), new.full_name.to_owned());
                }
                Some(_) => {}
            }
        }
        let is_new = |id| old.field_by_id(id).is_none();
        let new_fields = schema.all_fields().filter(|field| is_new(field.id));
        let added = new_fields.map(|field| field.full_name.to_owned()).collect();
        Self { schema, last_column_id, added, deleted, renamed }
    }
}
