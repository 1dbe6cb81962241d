//! Name mappings after a change of the schema.

use std::collections::{HashMap, HashSet};

use super::{MappedField, MappedFields, NameMapping, level, map};
use crate::id::FieldId;
use crate::schema::{FieldRef, Schema};

impl NameMapping {
    /// The mapping after the schema changed from `old` to `new`: renamed fields get their new name in addition to those
    /// they have, added ones get an entry. Deleted fields keep theirs. A name that now stands for another field is taken
    /// from the one it stood for.
    #[must_use]
    pub fn updated(&self, old: &Schema, new: &Schema) -> Self {
        let mut added: HashMap<Option<FieldId>, Vec<FieldRef<'_>>> = HashMap::new();
        for field in new.all_fields().filter(|field| old.field_by_id(field.id).is_none()) {
            added.entry(field.parent).or_default().push(field);
        }
        let update = Update { old, new, added };
        Self { fields: update.in_level(None, &self.fields) }
    }
}

struct Update<'a> {
    old: &'a Schema,
    new: &'a Schema,
    /// New fields by the field they lie in.
    added: HashMap<Option<FieldId>, Vec<FieldRef<'a>>>,
}

impl Update<'_> {
    /// Recursion is as deep as the mapping, which is bounded when it is made.
    fn in_level(&self, parent: Option<FieldId>, fields: &MappedFields) -> MappedFields {
        let mapped: HashSet<FieldId> = fields.iter().filter_map(|field| field.field_id).collect();
        let added = self.added.get(&parent).map(Vec::as_slice).unwrap_or_default();
        let added = added.iter().filter(|field| !mapped.contains(&field.id));
        let mut assigned: HashMap<&str, FieldId> = HashMap::new();
        for field in added.clone() {
            assigned.insert(field.name, field.id);
        }
        for id in &mapped {
            if let Some(name) = self.new_name(*id) {
                assigned.insert(name, *id);
            }
        }
        let kept = fields.iter().map(|field| self.in_field(field, &assigned));
        level(kept.chain(added.map(|field| map(field.id, field.name, field.field_type))))
    }

    fn in_field(&self, field: &MappedField, assigned: &HashMap<&str, FieldId>) -> MappedField {
        let is_own = |name: &String| assigned.get(name.as_str()).is_none_or(|id| Some(*id) == field.field_id);
        let mut names: Vec<String> = field.names.iter().filter(|name| is_own(name)).cloned().collect();
        if let Some(name) = field.field_id.and_then(|id| self.new_name(id))
            && !names.iter().any(|there| there == name)
        {
            names.push(name.to_owned());
        }
        let fields = match field.field_id {
            Some(id) => self.in_level(Some(id), &field.fields),
            None => field.fields.clone(),
        };
        MappedField { field_id: field.field_id, names, fields, unknown_keys: field.unknown_keys.clone() }
    }

    /// The new name of a field that was renamed.
    fn new_name(&self, id: FieldId) -> Option<&str> {
        let new = self.new.field_by_id(id)?.name;
        (self.old.field_by_id(id)?.name != new).then_some(new)
    }
}
