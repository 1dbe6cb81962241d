//! Look-up tables of a schema, made once when it is made.

use std::collections::{HashMap, HashSet};

use super::{NestedField, PrimitiveType, SchemaError, StructType, Type, default_value};
use crate::error::excerpt;
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

/// The most text that all full names of a schema may take together. A name is repeated in the full names of all fields
/// below it, so that a small document could ask for very much.
const MAX_NAME_BYTES: usize = 64 << 20;

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    entries: HashMap<FieldId, Entry>,
    order: Vec<FieldId>,
    by_name: HashMap<String, FieldId>,
    /// `None` where several names differ in case only.
    by_lower_name: HashMap<String, Option<FieldId>>,
    /// A field that `by_name` does not lead to, because another one has the same full name.
    hidden: Option<FieldId>,
    /// Length of all full names together.
    name_bytes: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    full_name: String,
    parent: Option<FieldId>,
    /// Positions from the root down: of a field in its struct; 0 for an element or key, 1 for a value.
    steps: Vec<usize>,
}

impl Index {
    /// Walks the fields, each before its parts, and checks the rules that need no more than the fields.
    pub(super) fn build(root: &StructType) -> Result<Self, SchemaError> {
        let mut walk = Walk::default();
        walk.add_struct(root, &At { full_name: None, short_name: None, parent: None, steps: &[] })?;
        let Walk { mut index, short_names, name_bytes } = walk;
        index.name_bytes = name_bytes;
        index.add_names(short_names);
        Ok(index)
    }

    /// Full names go before short ones, and those of outer fields before those of inner ones.
    fn add_names(&mut self, short_names: Vec<(String, FieldId)>) {
        let mut outer_first: Vec<(FieldId, &Entry)> =
            self.order.iter().filter_map(|id| Some((*id, self.entries.get(id)?))).collect();
        outer_first.sort_by_key(|(_, entry)| entry.steps.len());
        let mut by_name = HashMap::with_capacity(outer_first.len());
        for (id, entry) in outer_first {
            if *by_name.entry(entry.full_name.clone()).or_insert(id) != id {
                self.hidden.get_or_insert(id);
            }
        }
        let mut by_lower_name = fold_case(&by_name);
        let mut shorts = HashMap::with_capacity(short_names.len());
        for (name, id) in short_names {
            shorts.entry(name).or_insert(id);
        }
        for (name, id) in fold_case(&shorts) {
            by_lower_name.entry(name).or_insert(id);
        }
        for (name, id) in shorts {
            by_name.entry(name).or_insert(id);
        }
        self.by_name = by_name;
        self.by_lower_name = by_lower_name;
    }

    pub(super) fn name_bytes(&self) -> usize {
        self.name_bytes
    }

    /// All ids, each parent before its parts.
    pub(super) fn ids(&self) -> impl Iterator<Item = FieldId> {
        self.order.iter().copied()
    }

    /// The first field whose full name is also that of another field, which the name leads to.
    pub(super) fn hidden(&self) -> Option<FieldId> {
        self.hidden
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

/// All names in lower case; `None` where several fields share one.
fn fold_case(names: &HashMap<String, FieldId>) -> HashMap<String, Option<FieldId>> {
    let mut folded: HashMap<String, Option<FieldId>> = HashMap::with_capacity(names.len());
    for (name, id) in names {
        folded
            .entry(name.to_lowercase())
            .and_modify(|there| *there = there.filter(|there| there == id))
            .or_insert(Some(*id));
    }
    folded
}

/// Where the walk stands.
struct At<'a> {
    full_name: Option<&'a str>,
    /// As the full name, without `element` and `value` where a struct follows.
    short_name: Option<&'a str>,
    parent: Option<FieldId>,
    steps: &'a [usize],
}

#[derive(Default)]
struct Walk {
    index: Index,
    short_names: Vec<(String, FieldId)>,
    name_bytes: usize,
}

impl Walk {
    fn add_struct(&mut self, fields: &StructType, at: &At<'_>) -> Result<(), SchemaError> {
        let mut names = HashSet::with_capacity(fields.fields.len());
        for (position, field) in fields.fields.iter().enumerate() {
            let full_name = join(at.full_name, &field.name);
            if !names.insert(field.name.as_str()) {
                return Err(SchemaError::DuplicateName { name: excerpt(&full_name) });
            }
            check_field(&full_name, field)?;
            let part = Part {
                id: field.id,
                name: &field.name,
                field_type: &field.field_type,
                position,
                is_implied: false,
            };
            self.add(&part, full_name, at)?;
        }
        Ok(())
    }

    fn add(&mut self, part: &Part<'_>, full_name: String, at: &At<'_>) -> Result<(), SchemaError> {
        if at.steps.len() >= MAX_DEPTH {
            return Err(SchemaError::TooDeep { limit: MAX_DEPTH });
        }
        let short_name = join(at.short_name, part.name);
        self.name_bytes = self.name_bytes.saturating_add(full_name.len());
        if self.name_bytes > MAX_NAME_BYTES {
            return Err(SchemaError::NamesTooLong { limit_bytes: MAX_NAME_BYTES });
        }
        let mut steps = at.steps.to_vec();
        steps.push(part.position);
        let entry = Entry { full_name: full_name.clone(), parent: at.parent, steps: steps.clone() };
        if let Some(other) = self.index.entries.insert(part.id, entry) {
            let (first, second) = (excerpt(&other.full_name), excerpt(&full_name));
            return Err(SchemaError::DuplicateId { id: part.id, first, second });
        }
        self.index.order.push(part.id);
        if short_name != full_name {
            self.short_names.push((short_name.clone(), part.id));
        }
        let below = if part.is_implied && matches!(part.field_type, Type::Struct(_)) {
            at.short_name
        } else {
            Some(short_name.as_str())
        };
        let at = At { full_name: Some(&full_name), short_name: below, parent: Some(part.id), steps: &steps };
        let mut add = |id, name, field_type, position, is_implied| {
            let part = Part { id, name, field_type, position, is_implied };
            self.add(&part, join(at.full_name, name), &at)
        };
        match part.field_type {
            Type::Primitive(primitive) => check_parameters(&full_name, primitive),
            Type::Variant => Ok(()),
            Type::Struct(fields) => self.add_struct(fields, &at),
            Type::List(list) => add(list.element_id, "element", &list.element, 0, true),
            Type::Map(map) => {
                add(map.key_id, "key", &map.key, 0, false)?;
                add(map.value_id, "value", &map.value, 1, true)
            }
        }
    }
}

/// A field, element, key or value, as the walk meets it.
struct Part<'a> {
    id: FieldId,
    name: &'a str,
    field_type: &'a Type,
    position: usize,
    /// Whether short names may leave it out: the element of a list, the value of a map.
    is_implied: bool,
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

fn join(parent: Option<&str>, name: &str) -> String {
    match parent {
        None => name.to_owned(),
        Some(parent) => format!("{parent}.{name}"),
    }
}

fn check_field(full_name: &str, field: &NestedField) -> Result<(), SchemaError> {
    if field.required && field.field_type == Type::Primitive(PrimitiveType::Unknown) {
        return Err(SchemaError::InvalidType {
            field: excerpt(full_name),
            found: field.field_type.to_string(),
            reason: "a field of type unknown is always null and cannot be required",
        });
    }
    for value in [&field.initial_default, &field.write_default].into_iter().flatten() {
        default_value::check(full_name, &field.field_type, value)?;
    }
    Ok(())
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
    Err(SchemaError::InvalidType { field: excerpt(field), found: primitive.to_string(), reason })
}
