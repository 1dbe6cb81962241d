//! Parts of a schema: what a scan reads.

use std::collections::{BTreeSet, HashSet};

use super::{ListType, MapType, NestedField, Schema, SchemaError, StructType, Type, default_value};
use crate::id::FieldId;
use crate::value::Value;

impl Schema {
    /// The schema of these fields only, in the order of this schema, with the structs, lists and maps they lie in. A
    /// struct, list or map that is asked for comes whole; a map always has its whole key. Identifier fields stay those
    /// that are left.
    ///
    /// # Errors
    /// `NotFound` if there is no field with one of the ids.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::id::FieldId;
    /// use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType};
    ///
    /// let place = StructType::new(vec![
    ///     NestedField::optional(2, "lat", PrimitiveType::Double),
    ///     NestedField::optional(3, "long", PrimitiveType::Double),
    /// ]);
    /// let schema = Schema::new(vec![NestedField::optional(1, "place", place)])?;
    /// let selected = schema.select(&[FieldId(3)])?;
    /// assert!(selected.field_by_name("place.long").is_some());
    /// assert!(selected.field_by_name("place.lat").is_none());
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn select(&self, ids: &[FieldId]) -> Result<Self, SchemaError> {
        self.keep(ids, true)
    }

    /// As [`select`](Self::select), but a struct that is asked for comes with those of its fields only that are asked for
    /// too, so perhaps with none; the same goes for structs in lists and maps.
    ///
    /// # Errors
    /// `NotFound` if there is no field with one of the ids.
    pub fn project(&self, ids: &[FieldId]) -> Result<Self, SchemaError> {
        self.keep(ids, false)
    }

    fn keep(&self, ids: &[FieldId], whole: bool) -> Result<Self, SchemaError> {
        let asked: HashSet<FieldId> = ids.iter().copied().collect();
        let mut touched = HashSet::with_capacity(asked.len());
        for id in &asked {
            if self.field_by_id(*id).is_none() {
                return Err(SchemaError::NoSuchFieldId { id: *id });
            }
            for field in self.with_ancestors(*id) {
                if !touched.insert(field.id) {
                    break;
                }
            }
        }
        let fields = Keep { asked, touched, whole }.in_struct(&self.root).fields;
        let schema = Self::new(fields)?.with_id(self.id);
        let identifiers: BTreeSet<FieldId> = self
            .identifier_field_ids
            .iter()
            .copied()
            .filter(|id| schema.field_by_id(*id).is_some())
            .collect();
        Ok(schema.with_identifier_fields(identifiers)?.with_unknown_keys(self.unknown_keys.clone()))
    }
}

struct Keep {
    asked: HashSet<FieldId>,
    /// The fields asked for and those they lie in.
    touched: HashSet<FieldId>,
    /// Whether what is asked for comes with all its parts.
    whole: bool,
}

impl Keep {
    fn in_struct(&self, fields: &StructType) -> StructType {
        let kept = fields.fields.iter().filter(|field| self.touched.contains(&field.id));
        StructType {
            fields: kept.map(|field| self.in_field(field)).collect(),
            unknown_keys: fields.unknown_keys.clone(),
        }
    }

    fn in_field(&self, field: &NestedField) -> NestedField {
        let field_type = self.in_type(field.id, &field.field_type);
        let fit = |default: &Option<Value>| {
            default.as_ref().map(|default| default_value::fit(default, &field.field_type, &field_type))
        };
        NestedField {
            id: field.id,
            name: field.name.clone(),
            required: field.required,
            doc: field.doc.clone(),
            initial_default: fit(&field.initial_default),
            write_default: fit(&field.write_default),
            unknown_keys: field.unknown_keys.clone(),
            field_type,
        }
    }

    /// What is left of the type of the field `id`, which is touched. Recursion is as deep as the schema, which is bounded.
    fn in_type(&self, id: FieldId, field_type: &Type) -> Type {
        if self.whole && self.asked.contains(&id) {
            return field_type.clone();
        }
        match field_type {
            Type::Primitive(_) | Type::Variant => field_type.clone(),
            Type::Struct(fields) => Type::Struct(self.in_struct(fields)),
            Type::List(list) => Type::List(ListType {
                element_id: list.element_id,
                element_required: list.element_required,
                element: Box::new(self.in_type(list.element_id, &list.element)),
                unknown_keys: list.unknown_keys.clone(),
            }),
            Type::Map(map) => Type::Map(MapType {
                key_id: map.key_id,
                key: map.key.clone(),
                value_id: map.value_id,
                value_required: map.value_required,
                value: Box::new(self.in_type(map.value_id, &map.value)),
                unknown_keys: map.unknown_keys.clone(),
            }),
        }
    }
}
