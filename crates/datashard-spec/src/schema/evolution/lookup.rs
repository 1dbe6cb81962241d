//! Look-ups while an update is taken in: fields of the base and of what the update adds.

use std::collections::HashMap;

use super::edits::Edits;
use crate::error::excerpt;
use crate::id::FieldId;
use crate::schema::{FieldRef, Schema, SchemaError, Type};

/// An added field as a schema of its own, for look-ups.
pub(super) struct NewField {
    parent: Option<FieldId>,
    schema: Schema,
}

impl Edits<'_> {
    /// A field of the base or of what was added. The full name of the latter starts at the added field.
    pub(super) fn field(&self, id: FieldId) -> Option<FieldRef<'_>> {
        if let Some(field) = self.base.schema.field_by_id(id) {
            return Some(field);
        }
        let new = self.new.get(*self.new_by_id.get(&id)?)?;
        let field = new.schema.field_by_id(id)?;
        Some(FieldRef { parent: field.parent.or(new.parent), ..field })
    }

    pub(super) fn find(&self, name: &str) -> Result<FieldId, SchemaError> {
        let schema = self.base.schema;
        let old = match self.case_ignored {
            false => schema.field_by_name(name),
            true => schema.field_by_name_ignoring_case(name),
        };
        match old {
            Some(field) if !self.is_deleted(field.id) => Ok(field.id),
            _ => self
                .new_by_name
                .get(&self.fold(name))
                .copied()
                .or(old.map(|field| field.id))
                .ok_or_else(|| SchemaError::NoSuchField { name: name.to_owned() }),
        }
    }

    pub(super) fn full_name(&self, id: FieldId) -> String {
        self.field(id).map(|field| field.full_name.to_owned()).unwrap_or_default()
    }

    /// A name in the form in which names are compared.
    pub(super) fn fold(&self, name: &str) -> String {
        if self.case_ignored { name.to_lowercase() } else { name.to_owned() }
    }

    pub(super) fn is_new(&self, id: FieldId) -> bool {
        self.new_by_id.contains_key(&id)
    }

    pub(super) fn with_ancestors(&self, id: FieldId) -> impl Iterator<Item = FieldRef<'_>> {
        std::iter::successors(self.field(id), |field| self.field(field.parent?))
    }

    /// Whether the field, or one it lies in, is deleted by this update.
    pub(super) fn is_deleted(&self, id: FieldId) -> bool {
        !self.deleted.is_empty() && self.with_ancestors(id).any(|field| self.deleted.contains(&field.id))
    }

    pub(super) fn check_not_in_key(&self, id: FieldId) -> Result<(), SchemaError> {
        let mut below = None;
        for field in self.with_ancestors(id) {
            if let Type::Map(map) = field.field_type
                && below == Some(map.key_id)
            {
                return Err(SchemaError::MapKey { field: self.full_name(id) });
            }
            below = Some(field.id);
        }
        Ok(())
    }

    /// The field whose struct takes what is added to `parent`.
    pub(super) fn holder(&self, parent: &str) -> Result<FieldId, SchemaError> {
        let id = self.find(parent)?;
        let holder = match self.field(id).map(|field| field.field_type) {
            Some(Type::List(list)) => list.element_id,
            Some(Type::Map(map)) => map.value_id,
            _ => id,
        };
        self.check_not_in_key(holder)?;
        match self.field(holder) {
            Some(FieldRef { field_type: Type::Struct(_), .. }) => Ok(holder),
            found => Err(SchemaError::NoStruct {
                field: parent.to_owned(),
                found: found.map(|field| excerpt(&field.field_type.to_string())).unwrap_or_default(),
            }),
        }
    }

    /// Makes the parts of an added field known to look-ups.
    pub(super) fn remember(&mut self, parent: Option<FieldId>, full_name: &str, schema: Schema) {
        let own_length = schema.fields().first().map_or(0, |field| field.name.len());
        let position = self.new.len();
        for field in schema.all_fields() {
            self.new_by_id.insert(field.id, position);
            let below = field.full_name.get(own_length..).unwrap_or_default();
            let name = self.fold(&format!("{full_name}{below}"));
            self.new_by_name.insert(name, field.id);
        }
        self.new.push(NewField { parent, schema });
    }

    /// Fields of a struct by name, those added included.
    pub(super) fn siblings(&mut self, holder: Option<FieldId>) -> &mut HashMap<String, FieldId> {
        if !self.siblings.contains_key(&holder) {
            let fields = match holder {
                None => self.base.schema.fields(),
                Some(holder) => match self.field(holder).map(|field| field.field_type) {
                    Some(Type::Struct(fields)) => fields.fields.as_slice(),
                    _ => &[],
                },
            };
            let names = fields.iter().map(|field| (self.fold(&field.name), field.id)).collect();
            self.siblings.insert(holder, names);
        }
        self.siblings.entry(holder).or_default()
    }
}
