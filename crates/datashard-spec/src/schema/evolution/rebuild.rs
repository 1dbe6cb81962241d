//! The new schema from the base and the edits.

use std::collections::{BTreeSet, HashMap};

use super::edits::{Edits, Target};
use crate::id::FieldId;
use crate::schema::{ListType, MapType, NestedField, Schema, SchemaError, StructType, Type, default_value};

impl Edits<'_> {
    /// Puts the edits together, and checks the rules that concern the result as a whole.
    pub(super) fn rebuild(&self) -> Result<Schema, SchemaError> {
        let base = self.base.schema;
        let schema = Schema::new(self.in_struct(None, base.as_struct())?.fields)?.with_id(base.id());
        let identifiers = self.identifiers(&schema)?;
        for id in &identifiers {
            if let Some(gone) = base.with_ancestors(*id).find(|field| self.deleted.contains(&field.id)) {
                return Err(SchemaError::IdentifierDeleted {
                    field: gone.full_name.to_owned(),
                    identifier: self.full_name(*id),
                });
            }
        }
        let schema =
            schema.with_identifier_fields(identifiers)?.with_unknown_keys(base.unknown_keys().clone());
        if let Some(name) = schema.ambiguous_name()
            && base.ambiguous_name().is_none()
        {
            return Err(SchemaError::NameTaken { name: name.to_owned() });
        }
        schema.check_format_version(self.base.format_version)?;
        Ok(schema)
    }

    /// The identifier fields by id, found under the names of the base, or else those of the result.
    fn identifiers(&self, schema: &Schema) -> Result<BTreeSet<FieldId>, SchemaError> {
        let Some(names) = &self.identifiers else {
            return Ok(self.base.schema.identifier_field_ids().clone());
        };
        let find = |name: &String| {
            self.find(name).or_else(|e| schema.field_by_name(name).map(|field| field.id).ok_or(e))
        };
        names.iter().map(find).collect()
    }

    /// Recursion is as deep as the base or as an added field, and both are schemas, which are bounded.
    fn in_struct(&self, holder: Option<FieldId>, fields: &StructType) -> Result<StructType, SchemaError> {
        let added = self.added.get(&holder).map(Vec::as_slice).unwrap_or_default();
        let mut rebuilt = Vec::with_capacity(fields.fields.len().saturating_add(added.len()));
        for field in fields.fields.iter().chain(added) {
            if !self.deleted.contains(&field.id) {
                rebuilt.push(self.in_field(field)?);
            }
        }
        self.check_names(holder, &rebuilt)?;
        for (id, target) in self.moves.get(&holder).map(Vec::as_slice).unwrap_or_default() {
            self.put(&mut rebuilt, *id, target)?;
        }
        Ok(StructType { fields: rebuilt, unknown_keys: fields.unknown_keys.clone() })
    }

    fn in_field(&self, field: &NestedField) -> Result<NestedField, SchemaError> {
        let mut new = NestedField { field_type: self.in_type(field.id, &field.field_type)?, ..field.clone() };
        if let Some(patch) = self.patches.get(&field.id) {
            new.name = patch.name.clone().unwrap_or(new.name);
            new.required = patch.required.unwrap_or(new.required);
            new.doc = patch.doc.clone().unwrap_or(new.doc);
            new.write_default = patch.write_default.clone().unwrap_or(new.write_default);
        }
        for default in [&mut new.initial_default, &mut new.write_default].into_iter().flatten() {
            *default = default_value::fit(default, &field.field_type, &new.field_type);
        }
        Ok(new)
    }

    /// The new type of the field `id`.
    fn in_type(&self, id: FieldId, field_type: &Type) -> Result<Type, SchemaError> {
        let patched = |id| self.patches.get(&id);
        if let Some(new) = patched(id).and_then(|patch| patch.field_type.as_ref()) {
            return Ok(new.clone());
        }
        let required = |id, old: bool| patched(id).and_then(|patch| patch.required).unwrap_or(old);
        Ok(match field_type {
            Type::Primitive(_) | Type::Variant => field_type.clone(),
            Type::Struct(fields) => Type::Struct(self.in_struct(Some(id), fields)?),
            Type::List(list) => Type::List(ListType {
                element_id: list.element_id,
                element_required: required(list.element_id, list.element_required),
                element: Box::new(self.in_type(list.element_id, &list.element)?),
                unknown_keys: list.unknown_keys.clone(),
            }),
            Type::Map(map) => Type::Map(MapType {
                key_id: map.key_id,
                key: map.key.clone(),
                value_id: map.value_id,
                value_required: required(map.value_id, map.value_required),
                value: Box::new(self.in_type(map.value_id, &map.value)?),
                unknown_keys: map.unknown_keys.clone(),
            }),
        })
    }

    /// Names that the update gave must differ from all others of the struct.
    fn check_names(&self, holder: Option<FieldId>, fields: &[NestedField]) -> Result<(), SchemaError> {
        let is_renamed = |id| self.patches.get(&id).is_some_and(|patch| patch.name.is_some());
        let is_given = |id| self.is_new(id) || is_renamed(id);
        let mut seen: HashMap<String, bool> = HashMap::with_capacity(fields.len());
        for field in fields {
            let given = is_given(field.id);
            let Some(other_given) = seen.insert(self.fold(&field.name), given) else { continue };
            if given || other_given {
                let name = match holder {
                    Some(holder) => format!("{}.{}", self.full_name(holder), field.name),
                    None => field.name.clone(),
                };
                return Err(SchemaError::NameTaken { name });
            }
        }
        Ok(())
    }

    fn put(&self, fields: &mut Vec<NestedField>, id: FieldId, target: &Target) -> Result<(), SchemaError> {
        let gone = || SchemaError::Move {
            field: self.full_name(id),
            reason: "it, or the field to go next to, is deleted",
        };
        let place =
            |fields: &[NestedField], id| fields.iter().position(|field| field.id == id).ok_or_else(gone);
        let from = place(fields, id)?;
        let field = fields.remove(from);
        let to = match target {
            Target::First => 0,
            Target::Before(neighbour) => place(fields, *neighbour)?,
            Target::After(neighbour) => place(fields, *neighbour)?.saturating_add(1),
        };
        fields.insert(to, field);
        Ok(())
    }
}
