//! The columns of a Parquet file by the names that properties call them.

use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use parquet::schema::types::ColumnPath;

/// A column of a file.
pub(super) struct LeafPath {
    /// As properties name it: the names from the column of the table down to it, joined by dots.
    pub(super) full_name: String,
    /// Its type; `None` for a part of a variant.
    pub(super) value_type: Option<PrimitiveType>,
    /// As the file names it.
    pub(super) path: ColumnPath,
}

/// The columns of files of a schema. Both parts of a variant go by its name.
pub(super) fn leaf_paths(schema: &Schema) -> Vec<LeafPath> {
    let mut walk = Walk { schema, path: Vec::new(), leaves: Vec::new() };
    walk.fields(schema.fields());
    walk.leaves
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Vec<String>,
    leaves: Vec<LeafPath>,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &[NestedField]) {
        for field in fields {
            self.part(&[&field.name], field.id, &field.field_type);
        }
    }

    fn part(&mut self, names: &[&str], id: FieldId, value_type: &Type) {
        let depth = self.path.len();
        self.path.extend(names.iter().map(|name| (*name).to_owned()));
        match value_type {
            Type::Struct(inner) => self.fields(&inner.fields),
            Type::List(list) => self.part(&["list", "element"], list.element_id, &list.element),
            Type::Map(map) => {
                self.part(&["key_value", "key"], map.key_id, &map.key);
                self.part(&["key_value", "value"], map.value_id, &map.value);
            }
            Type::Variant => {
                self.leaf(id, Some("metadata"), None);
                self.leaf(id, Some("value"), None);
            }
            Type::Primitive(primitive) => self.leaf(id, None, Some(primitive.clone())),
            _ => {}
        }
        self.path.truncate(depth);
    }

    fn leaf(&mut self, id: FieldId, last: Option<&str>, value_type: Option<PrimitiveType>) {
        let mut path = self.path.clone();
        path.extend(last.map(str::to_owned));
        let full_name =
            self.schema.field_by_id(id).map(|field| field.full_name.to_owned()).unwrap_or_default();
        self.leaves.push(LeafPath { full_name, value_type, path: ColumnPath::new(path) });
    }
}
