//! Look-up tables of a schema, made once when it is made.

use std::collections::HashMap;

use super::{NestedField, PrimitiveType, SchemaError, StructType, Type};
use crate::id::FieldId;
use crate::json::MAX_DEPTH;

/// A field of a schema at any depth: a column, a field of a struct, a list's element, a map's key or value.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FieldRef<'a> {
    /// The id.
    pub id: FieldId,
    /// Its own name; `element`, `key` or `value` for the parts of lists and maps.
    pub name: &'a str,
    /// The names from the column down to it, joined by dots.
    pub full_name: &'a str,
    /// Whether null is refused here (whatever its parents allow).
    pub required: bool,
    /// The type.
    pub field_type: &'a Type,
    /// The struct, list or map it lies in; `None` for a column.
    pub parent: Option<FieldId>,
    /// The field itself; `None` for the parts of lists and maps.
    pub field: Option<&'a NestedField>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    entries: HashMap<FieldId, Entry>,
    order: Vec<FieldId>,
    by_name: HashMap<String, FieldId>,
    /// `None` where several names differ in case only.
    by_lower_name: HashMap<String, Option<FieldId>>,
}

#[derive(Debug, Clone)]
struct Entry {
    full_name: String,
    parent: Option<FieldId>,
    /// Positions from the root down: of a field in its struct; 0 for an element or key, 1 for a value.
    steps: Vec<usize>,
}

impl Index {
    pub(super) fn build(root: &StructType) -> Result<Self, SchemaError> {
        let mut index = Self::default();
        index.add_struct(root, &At { full_name: "", short_name: "", parent: None, steps: &[] })?;
        // Full names first, so that a short form never hides a field; columns are added before nested fields.
        for id in &index.order {
            let Some(entry) = index.entries.get(id) else { continue };
            index.by_name.entry(entry.full_name.clone()).or_insert(*id);
        }
        Ok(index)
    }

    /// Adds the fields of a struct, columns of one level before the fields inside them.
    fn add_struct(&mut self, fields: &StructType, at: &At<'_>) -> Result<(), SchemaError> {
        for (position, field) in fields.fields.iter().enumerate() {
            let full_name = join(at.full_name, &field.name);
            if fields.fields.iter().take(position).any(|earlier| earlier.name == field.name) {
                return Err(SchemaError::DuplicateName { name: full_name });
            }
            let short_name = join(at.short_name, &field.name);
            self.add(field.id, &field.field_type, full_name, &short_name, at, position)?;
            if field.required && field.field_type == Type::Primitive(PrimitiveType::Unknown) {
                return Err(SchemaError::InvalidType {
                    field: join(at.full_name, &field.name),
                    found: field.field_type.to_string(),
                    reason: "a field of type unknown is always null and cannot be required",
                });
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        id: FieldId,
        field_type: &Type,
        full_name: String,
        short_name: &str,
        at: &At<'_>,
        position: usize,
    ) -> Result<(), SchemaError> {
        if at.steps.len() >= MAX_DEPTH {
            return Err(SchemaError::TooDeep { limit: MAX_DEPTH });
        }
        let mut steps = at.steps.to_vec();
        steps.push(position);
        let entry = Entry { full_name: full_name.clone(), parent: at.parent, steps: steps.clone() };
        if let Some(other) = self.entries.insert(id, entry) {
            return Err(SchemaError::DuplicateId { id, first: other.full_name, second: full_name });
        }
        self.order.push(id);
        self.add_lower(&full_name, id);
        if short_name != full_name {
            self.by_name.entry(short_name.to_owned()).or_insert(id);
            self.add_lower(short_name, id);
        }
        let inside = At { full_name: &full_name, short_name, parent: Some(id), steps: &steps };
        match field_type {
            Type::Primitive(primitive) => check_parameters(&full_name, primitive),
            Type::Variant => Ok(()),
            Type::Struct(fields) => self.add_struct(fields, &inside),
            // The element of a list and the value of a map have no short name part of their own.
            Type::List(list) => {
                let name = join(&full_name, "element");
                let short = if list.element.is_nested() { short_name } else { &name };
                self.add(list.element_id, &list.element, name.clone(), short, &inside, 0)
            }
            Type::Map(map) => {
                let name = join(&full_name, "key");
                self.add(map.key_id, &map.key, name.clone(), &name, &inside, 0)?;
                let name = join(&full_name, "value");
                let short = if map.value.is_nested() { short_name } else { &name };
                self.add(map.value_id, &map.value, name.clone(), short, &inside, 1)
            }
        }
    }

    fn add_lower(&mut self, name: &str, id: FieldId) {
        self.by_lower_name
            .entry(name.to_lowercase())
            .and_modify(|there| {
                if *there != Some(id) {
                    *there = None;
                }
            })
            .or_insert(Some(id));
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = FieldId> {
        self.order.iter().copied()
    }

    pub(super) fn ids_in_order(&self) -> impl Iterator<Item = FieldId> {
        self.ids()
    }

    pub(super) fn by_name(&self, full_name: &str) -> Option<FieldId> {
        self.by_name.get(full_name).copied()
    }

    pub(super) fn by_name_ignoring_case(&self, full_name: &str) -> Option<FieldId> {
        self.by_name(full_name)
            .or_else(|| self.by_lower_name.get(&full_name.to_lowercase()).copied().flatten())
    }

    pub(super) fn by_id<'a>(&'a self, root: &'a StructType, id: FieldId) -> Option<FieldRef<'a>> {
        let entry = self.entries.get(&id)?;
        let mut found: Option<FieldRef<'a>> = None;
        for step in &entry.steps {
            let fields = match found.map(|field| field.field_type) {
                None => Some(root),
                Some(Type::Struct(fields)) => Some(fields),
                Some(_) => None,
            };
            found = if let Some(fields) = fields {
                let field = fields.fields.get(*step)?;
                Some(part(entry, id, &field.name, field.required, &field.field_type, Some(field)))
            } else {
                match found?.field_type {
                    Type::List(list) => {
                        Some(part(entry, id, "element", list.element_required, &list.element, None))
                    }
                    Type::Map(map) if *step == 0 => Some(part(entry, id, "key", true, &map.key, None)),
                    Type::Map(map) => Some(part(entry, id, "value", map.value_required, &map.value, None)),
                    _ => None,
                }
            };
        }
        found
    }
}

/// Where the walk stands.
struct At<'a> {
    full_name: &'a str,
    short_name: &'a str,
    parent: Option<FieldId>,
    steps: &'a [usize],
}

fn part<'a>(
    entry: &'a Entry,
    id: FieldId,
    name: &'a str,
    required: bool,
    field_type: &'a Type,
    field: Option<&'a NestedField>,
) -> FieldRef<'a> {
    FieldRef { id, name, full_name: &entry.full_name, required, field_type, parent: entry.parent, field }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

fn check_parameters(field: &str, primitive: &PrimitiveType) -> Result<(), SchemaError> {
    let reason = match primitive {
        PrimitiveType::Decimal { precision, .. } if !(1..=38).contains(precision) => {
            "the precision of a decimal is 1 to 38"
        }
        PrimitiveType::Decimal { precision, scale } if scale > precision => {
            "the scale of a decimal is at most its precision"
        }
        _ => return Ok(()),
    };
    Err(SchemaError::InvalidType { field: field.to_owned(), found: primitive.to_string(), reason })
}
