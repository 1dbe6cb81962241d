//! Schemas: fields by id, by name and by path.
//!
//! A [`Schema`] cannot be built wrong: ids and names are unique, type parameters are legal, identifier fields obey their
//! rules. Its look-ups cover every field at any depth, list elements, map keys and map values included.

mod default_value;
pub(crate) mod error;
pub mod evolution;
mod fresh_ids;
mod index;
pub(crate) mod json;
mod promotion;
mod rules;
mod select;
mod type_string;
mod types;

use std::collections::BTreeSet;

pub use error::SchemaError;
pub use index::FieldRef;
use index::Index;
pub use promotion::is_promotion_allowed;
pub use types::{EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType, StructType, Type};

use crate::id::{FieldId, SchemaId};
use crate::json::UnknownKeys;

/// The schema of a table at one time: a struct with an id.
///
/// # Spec
/// "Schemas and Data Types".
///
/// # Examples
/// ```
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![
///     NestedField::required(1, "id", PrimitiveType::Long),
///     NestedField::optional(2, "name", PrimitiveType::String),
/// ])?;
/// assert_eq!(schema.field_by_name("name").unwrap().id.0, 2);
/// assert_eq!(schema.field_by_name_ignoring_case("NAME").unwrap().id.0, 2);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schema {
    id: SchemaId,
    root: StructType,
    identifier_field_ids: BTreeSet<FieldId>,
    unknown_keys: UnknownKeys,
    index: Index,
}

impl Schema {
    /// A schema of these fields, with id 0 and no identifier fields.
    ///
    /// # Errors
    /// `InvalidInput` if an id or a name occurs twice, a type has illegal parameters, or a default value is none of its
    /// type. Ids reserved for metadata columns are fine here; see [`check_user_ids`](Self::check_user_ids).
    pub fn new(fields: Vec<NestedField>) -> Result<Self, SchemaError> {
        let root = StructType::new(fields);
        let index = Index::build(&root)?;
        Ok(Self {
            id: SchemaId(0),
            root,
            identifier_field_ids: BTreeSet::new(),
            unknown_keys: UnknownKeys::default(),
            index,
        })
    }

    /// With this id.
    #[must_use]
    pub fn with_id(mut self, id: SchemaId) -> Self {
        self.id = id;
        self
    }

    /// With these identifier fields: together they name a row, as a primary key that nobody enforces.
    ///
    /// # Errors
    /// `InvalidInput` if a field does not exist, is not primitive, is a float or double, or is not required along with
    /// all structs it lies in.
    ///
    /// # Spec
    /// "Identifier Field IDs".
    pub fn with_identifier_fields(
        mut self,
        ids: impl IntoIterator<Item = FieldId>,
    ) -> Result<Self, SchemaError> {
        let ids: BTreeSet<FieldId> = ids.into_iter().collect();
        for id in &ids {
            self.check_identifier_field(*id)?;
        }
        self.identifier_field_ids = ids;
        Ok(self)
    }

    pub(crate) fn with_unknown_keys(mut self, keys: UnknownKeys) -> Self {
        self.unknown_keys = keys;
        self
    }

    /// The id of the schema in its table.
    pub fn id(&self) -> SchemaId {
        self.id
    }

    /// The columns, in order.
    pub fn fields(&self) -> &[NestedField] {
        &self.root.fields
    }

    /// The schema as a struct type.
    pub fn as_struct(&self) -> &StructType {
        &self.root
    }

    /// The identifier fields, by ascending id.
    pub fn identifier_field_ids(&self) -> &BTreeSet<FieldId> {
        &self.identifier_field_ids
    }

    /// Keys of the JSON form that this version does not know.
    pub fn unknown_keys(&self) -> &UnknownKeys {
        &self.unknown_keys
    }

    /// The highest field id in use, 0 for an empty schema.
    pub fn highest_field_id(&self) -> FieldId {
        self.index.ids().max().unwrap_or(FieldId(0)).max(FieldId(0))
    }

    /// The highest field id in use that is not reserved for a metadata column, 0 if there is none.
    pub(crate) fn highest_user_id(&self) -> FieldId {
        self.index.ids().filter(|id| !id.is_reserved()).max().unwrap_or(FieldId(0)).max(FieldId(0))
    }

    /// The length of all full names together, in bytes: nearly the size of the look-up tables.
    pub(crate) fn name_bytes(&self) -> usize {
        self.index.name_bytes()
    }

    /// The field with this id, at any depth.
    pub fn field_by_id(&self, id: FieldId) -> Option<FieldRef<'_>> {
        self.index.by_id(&self.root, id)
    }

    /// The field with this full name: parts joined by dots, `element`, `key` and `value` for the parts of lists and
    /// maps. `a.b` also finds the field `b` of a list's element or map's value `a` (for `a.element.b`, `a.value.b`).
    ///
    /// Where a column's own name holds a dot, the column wins over a nested field of that full name; use
    /// [`field_by_path`](Self::field_by_path) to be exact.
    pub fn field_by_name(&self, full_name: &str) -> Option<FieldRef<'_>> {
        self.field_by_id(self.index.by_name(full_name)?)
    }

    /// As [`field_by_name`](Self::field_by_name), with upper and lower case alike. `None` also if several fields match
    /// and none of them exactly.
    pub fn field_by_name_ignoring_case(&self, full_name: &str) -> Option<FieldRef<'_>> {
        self.field_by_id(self.index.by_name_ignoring_case(full_name)?)
    }

    /// The field at this path of names, each exact, with `element`, `key` and `value` for the parts of lists and maps.
    pub fn field_by_path(&self, path: &[&str]) -> Option<FieldRef<'_>> {
        let mut at: Option<FieldRef<'_>> = None;
        for name in path {
            let id = match at.map(|field| field.field_type) {
                None => self.root.field(name)?.id,
                Some(Type::Struct(fields)) => fields.field(name)?.id,
                Some(Type::List(list)) if *name == "element" => list.element_id,
                Some(Type::Map(map)) if *name == "key" => map.key_id,
                Some(Type::Map(map)) if *name == "value" => map.value_id,
                Some(_) => return None,
            };
            at = self.field_by_id(id);
        }
        at
    }

    /// A full name that two fields share: a column `a.b` and a field `b` of a struct `a`. Look-ups by name find the outer
    /// one. The reference refuses such schemas, so no update makes one.
    pub fn ambiguous_name(&self) -> Option<&str> {
        self.field_by_id(self.index.hidden()?).map(|field| field.full_name)
    }

    /// All fields at any depth, each parent before its parts.
    pub fn all_fields(&self) -> impl Iterator<Item = FieldRef<'_>> {
        self.index.ids().filter_map(|id| self.field_by_id(id))
    }

    /// The field and the structs, lists and maps it lies in, from the inside out.
    pub fn with_ancestors(&self, id: FieldId) -> impl Iterator<Item = FieldRef<'_>> {
        std::iter::successors(self.field_by_id(id), |field| self.field_by_id(field.parent?))
    }

    /// Whether both hold the same fields and identifier fields, whatever their ids as schemas.
    ///
    /// # Spec
    /// "Schemas": an equal schema takes the id of the one that is there.
    pub fn same_structure(&self, other: &Self) -> bool {
        self.root == other.root && self.identifier_field_ids == other.identifier_field_ids
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.same_structure(other) && self.unknown_keys == other.unknown_keys
    }
}

#[cfg(test)]
mod tests;
