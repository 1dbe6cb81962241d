//! Ids for types that come with none of their own, or with those of another schema.

use std::collections::{BTreeSet, HashMap};

use super::{Schema, SchemaError, StructType, Type};
use crate::id::FieldId;
use crate::json::MAX_DEPTH;

impl Schema {
    /// The same schema with the ids 1, 2, 3 and so on: all columns first, then what lies inside each of them, level by
    /// level within it, as the reference counts. Identifier fields stay the same columns. So a table gets its first
    /// schema.
    ///
    /// # Errors
    /// `InvalidInput` if there are more fields than ids.
    ///
    /// # Spec
    /// "Schemas".
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
    ///
    /// let schema = Schema::new(vec![NestedField::optional(700, "a", PrimitiveType::Int)])?;
    /// assert_eq!(schema.with_fresh_ids()?.fields()[0].id.0, 1);
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn with_fresh_ids(&self) -> Result<Self, SchemaError> {
        self.with_fresh_ids_and_mapping().map(|(schema, _)| schema)
    }

    /// As [`with_fresh_ids`](Self::with_fresh_ids), with the new id of each old one.
    pub(crate) fn with_fresh_ids_and_mapping(
        &self,
    ) -> Result<(Self, HashMap<FieldId, FieldId>), SchemaError> {
        let mut fresh = FreshIds::after(FieldId(0));
        let mut root = self.root.clone();
        fresh.assign_struct(&mut root, 0)?;
        let identifiers: BTreeSet<FieldId> =
            self.identifier_field_ids.iter().filter_map(|id| fresh.new_ids.get(id).copied()).collect();
        let schema = Self::new(root.fields)?.with_id(self.id).with_identifier_fields(identifiers)?;
        Ok((schema.with_unknown_keys(self.unknown_keys.clone()), fresh.new_ids))
    }
}

/// A source of ids that were never used.
pub(super) struct FreshIds {
    last: FieldId,
    /// The new id by the old one.
    new_ids: HashMap<FieldId, FieldId>,
}

impl FreshIds {
    pub(super) fn after(last: FieldId) -> Self {
        Self { last, new_ids: HashMap::new() }
    }

    /// The highest id that was given out.
    pub(super) fn last(&self) -> FieldId {
        self.last
    }

    pub(super) fn next(&mut self) -> Result<FieldId, SchemaError> {
        let next = self.last.0.checked_add(1).map(FieldId).filter(|id| !id.is_reserved());
        self.last = next.ok_or(SchemaError::IdsExhausted { last: self.last })?;
        Ok(self.last)
    }

    fn replace(&mut self, id: &mut FieldId) -> Result<(), SchemaError> {
        let new = self.next()?;
        self.new_ids.insert(*id, new);
        *id = new;
        Ok(())
    }

    /// Replaces the ids of all parts of the type.
    pub(super) fn assign(&mut self, field_type: &mut Type, depth: usize) -> Result<(), SchemaError> {
        if depth >= MAX_DEPTH {
            return Err(SchemaError::TooDeep { limit: MAX_DEPTH });
        }
        let depth = depth.saturating_add(1);
        match field_type {
            Type::Primitive(_) | Type::Variant => Ok(()),
            Type::Struct(fields) => self.assign_struct(fields, depth),
            Type::List(list) => {
                self.replace(&mut list.element_id)?;
                self.assign(&mut list.element, depth)
            }
            Type::Map(map) => {
                self.replace(&mut map.key_id)?;
                self.replace(&mut map.value_id)?;
                self.assign(&mut map.key, depth)?;
                self.assign(&mut map.value, depth)
            }
        }
    }

    fn assign_struct(&mut self, fields: &mut StructType, depth: usize) -> Result<(), SchemaError> {
        for field in &mut fields.fields {
            self.replace(&mut field.id)?;
        }
        for field in &mut fields.fields {
            self.assign(&mut field.field_type, depth)?;
        }
        Ok(())
    }
}
