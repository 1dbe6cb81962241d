//! Name mappings: field ids for files that carry none.
//!
//! A mapping is a tree of names beside the schema. A path of names in a file leads to the id of a column; a dot in a name
//! is just a dot, so paths are slices of names, never joined text.

mod json;
mod update;

use std::collections::HashMap;

use crate::id::FieldId;
use crate::json::{MAX_DEPTH, UnknownKeys};
use crate::schema::{Schema, SchemaError, Type};

/// Which columns the names in files without field ids stand for.
///
/// # Spec
/// "Column Projection", "Name Mapping Serialization".
///
/// # Examples
/// ```
/// use datashard_spec::id::FieldId;
/// use datashard_spec::name_mapping::NameMapping;
///
/// let mapping = NameMapping::from_json(r#"[{"field-id": 1, "names": ["id", "record_id"]}]"#)?;
/// assert_eq!(mapping.field_id(&["record_id"]), Some(FieldId(1)));
/// assert_eq!(mapping.field_id(&["other"]), None);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NameMapping {
    fields: MappedFields,
}

/// The mapped fields of one level; no name occurs twice.
#[derive(Debug, Clone, Default)]
pub struct MappedFields {
    fields: Vec<MappedField>,
    by_name: HashMap<String, usize>,
    /// Levels from here down.
    height: usize,
}

/// The names of one field in files.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct MappedField {
    /// The column; `None` for one that is in files only.
    pub field_id: Option<FieldId>,
    /// Its names in files; none for a column that is in no such file.
    pub names: Vec<String>,
    /// The fields inside it: of a struct by their names, of a list `element`, of a map `key` and `value`.
    pub fields: MappedFields,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl MappedField {
    /// A field of this id with these names, and nothing inside.
    pub fn new<N: Into<String>>(field_id: Option<FieldId>, names: impl IntoIterator<Item = N>) -> Self {
        Self { field_id, names: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// With these fields inside.
    #[must_use]
    pub fn with_fields(mut self, fields: MappedFields) -> Self {
        self.fields = fields;
        self
    }
}

impl MappedFields {
    /// One level of a mapping.
    ///
    /// # Errors
    /// `InvalidInput` if a name is given to two fields, or the levels are too many.
    pub fn new(fields: Vec<MappedField>) -> Result<Self, SchemaError> {
        let mut by_name = HashMap::with_capacity(fields.len());
        for (position, field) in fields.iter().enumerate() {
            for name in &field.names {
                // One field may well list a name twice.
                if *by_name.entry(name.clone()).or_insert(position) != position {
                    return Err(SchemaError::MappedTwice { name: name.clone(), parent: String::new() });
                }
            }
        }
        let below = fields.iter().map(|field| field.fields.height).max().unwrap_or(0);
        let height = if fields.is_empty() { 0 } else { below.saturating_add(1) };
        if height > MAX_DEPTH {
            return Err(SchemaError::TooDeep { limit: MAX_DEPTH });
        }
        Ok(Self { fields, by_name, height })
    }

    /// The field that has this name among its names.
    pub fn field(&self, name: &str) -> Option<&MappedField> {
        self.fields.get(*self.by_name.get(name)?)
    }

    /// The fields, in the order of the mapping.
    pub fn iter(&self) -> impl Iterator<Item = &MappedField> {
        self.fields.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl PartialEq for MappedFields {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl NameMapping {
    /// The table property that holds the mapping as JSON.
    pub const PROPERTY: &'static str = "schema.name-mapping.default";

    /// A mapping of these columns.
    pub fn new(fields: MappedFields) -> Self {
        Self { fields }
    }

    /// The mapping in which every field has its present name.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::name_mapping::NameMapping;
    /// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
    ///
    /// let schema = Schema::new(vec![NestedField::optional(1, "a.b", PrimitiveType::Int)])?;
    /// let mapping = NameMapping::from_schema(&schema);
    /// assert_eq!(mapping.to_json(), r#"[{"field-id":1,"names":["a.b"]}]"#);
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn from_schema(schema: &Schema) -> Self {
        Self {
            fields: level(schema.fields().iter().map(|field| map(field.id, &field.name, &field.field_type))),
        }
    }

    /// The columns.
    pub fn fields(&self) -> &MappedFields {
        &self.fields
    }

    /// The mapped field at this path of names, with `element`, `key` and `value` for the parts of lists and maps.
    pub fn field_by_path(&self, path: &[&str]) -> Option<&MappedField> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.fields.field(first)?, |field, name| field.fields.field(name))
    }

    /// The id of the field at this path of names.
    pub fn field_id(&self, path: &[&str]) -> Option<FieldId> {
        self.field_by_path(path)?.field_id
    }

    /// Whether a name mapping is used for a file, given whether its schema carries any field id at all.
    ///
    /// A file with ids on some fields only was written by something that knows ids: fields without one are not columns
    /// of the table, and their names say nothing.
    ///
    /// # Spec
    /// "Column Projection".
    pub fn applies_to(file_has_any_ids: bool) -> bool {
        !file_has_any_ids
    }
}

/// A level whose names are known to differ, and whose depth is that of a schema.
fn level(fields: impl Iterator<Item = MappedField>) -> MappedFields {
    let fields: Vec<MappedField> = fields.collect();
    let mut by_name = HashMap::with_capacity(fields.len());
    for (position, field) in fields.iter().enumerate() {
        for name in &field.names {
            by_name.entry(name.clone()).or_insert(position);
        }
    }
    let below = fields.iter().map(|field| field.fields.height).max().unwrap_or(0);
    let height = if fields.is_empty() { 0 } else { below.saturating_add(1) };
    MappedFields { fields, by_name, height }
}

/// Maps a field and its parts to their names. Recursion is as deep as the schema, which is bounded.
fn map(id: FieldId, name: &str, field_type: &Type) -> MappedField {
    let fields = match field_type {
        Type::Primitive(_) | Type::Variant => MappedFields::default(),
        Type::Struct(fields) => {
            level(fields.fields.iter().map(|field| map(field.id, &field.name, &field.field_type)))
        }
        Type::List(list) => level([map(list.element_id, "element", &list.element)].into_iter()),
        Type::Map(pairs) => level(
            [map(pairs.key_id, "key", &pairs.key), map(pairs.value_id, "value", &pairs.value)].into_iter(),
        ),
    };
    MappedField::new(Some(id), [name]).with_fields(fields)
}

#[cfg(test)]
mod tests;
