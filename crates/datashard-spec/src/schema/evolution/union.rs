//! Union by name: the fields of another schema, taken in where they are new or wider.

use std::collections::{HashMap, HashSet};

use super::edits::Edits;
use super::operation::NewColumn;
use crate::id::FieldId;
use crate::schema::{NestedField, Schema, SchemaError, StructType, Type, is_promotion_allowed};

impl Edits<'_> {
    pub(super) fn union(&mut self, other: &Schema) -> Result<(), SchemaError> {
        let ours = self.base.schema;
        self.union_struct(None, "", ours.as_struct(), other.as_struct())
    }

    /// Recursion is as deep as the base, which is bounded.
    fn union_struct(
        &mut self,
        holder: Option<FieldId>,
        parent: &str,
        ours: &StructType,
        theirs: &StructType,
    ) -> Result<(), SchemaError> {
        let mut by_name: HashMap<String, &NestedField> = HashMap::with_capacity(ours.fields.len());
        for field in ours.fields.iter().filter(|field| !self.is_deleted(field.id)) {
            by_name.entry(self.fold(&field.name)).or_insert(field);
        }
        let mut matched = HashSet::with_capacity(theirs.fields.len());
        for field in &theirs.fields {
            // Where case is ignored, the name as it is still goes first.
            let exact = ours.field(&field.name).filter(|own| !self.is_deleted(own.id));
            match exact.or_else(|| by_name.get(&self.fold(&field.name)).copied()) {
                Some(own) => {
                    matched.insert(own.id);
                    self.union_field(own, field)?;
                }
                None => self.add(
                    holder,
                    parent,
                    &NewColumn {
                        name: field.name.clone(),
                        field_type: field.field_type.clone(),
                        required: false,
                        doc: field.doc.clone(),
                        default: field.initial_default.clone(),
                    },
                )?,
            }
        }
        for own in &ours.fields {
            if own.required && !matched.contains(&own.id) && !self.is_deleted(own.id) {
                self.make_optional(own.id)?;
            }
        }
        Ok(())
    }

    fn union_field(&mut self, own: &NestedField, theirs: &NestedField) -> Result<(), SchemaError> {
        self.union_type(own.id, (own.required, &own.field_type), (theirs.required, &theirs.field_type))?;
        if theirs.doc.is_some() && theirs.doc != own.doc {
            self.set_doc(own.id, theirs.doc.clone())?;
        }
        Ok(())
    }

    fn union_type(
        &mut self,
        id: FieldId,
        (own_required, own): (bool, &Type),
        (required, theirs): (bool, &Type),
    ) -> Result<(), SchemaError> {
        if own_required && !required {
            self.make_optional(id)?;
        }
        match (own, theirs) {
            (Type::Struct(own), Type::Struct(theirs)) => {
                let name = self.full_name(id);
                self.union_struct(Some(id), &name, own, theirs)
            }
            (Type::List(own), Type::List(theirs)) => self.union_type(
                own.element_id,
                (own.element_required, &own.element),
                (theirs.element_required, &theirs.element),
            ),
            (Type::Map(own), Type::Map(theirs)) => {
                if !self.covers(&own.key, &theirs.key) {
                    return Err(SchemaError::MapKey { field: self.full_name(own.key_id) });
                }
                self.union_type(
                    own.value_id,
                    (own.value_required, &own.value),
                    (theirs.value_required, &theirs.value),
                )
            }
            (own, theirs) if self.covers(own, theirs) => Ok(()),
            (_, theirs) => self.change_type(id, theirs),
        }
    }

    /// Whether all values of `theirs` fit into `own` as it is.
    fn covers(&self, own: &Type, theirs: &Type) -> bool {
        match (own, theirs) {
            (Type::Struct(own), Type::Struct(theirs)) => theirs.fields.iter().all(|field| {
                own.field(&field.name).is_some_and(|own| {
                    (field.required || !own.required) && self.covers(&own.field_type, &field.field_type)
                })
            }),
            (Type::List(own), Type::List(theirs)) => {
                (theirs.element_required || !own.element_required)
                    && self.covers(&own.element, &theirs.element)
            }
            (Type::Map(own), Type::Map(theirs)) => {
                (theirs.value_required || !own.value_required)
                    && self.covers(&own.key, &theirs.key)
                    && self.covers(&own.value, &theirs.value)
            }
            (own, theirs) => is_promotion_allowed(theirs, own, self.base.format_version),
        }
    }
}
