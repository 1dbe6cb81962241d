//! [`Column`]: a column of a batch in the table's Arrow schema, found by field id, inside structs too.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, make_array};
use arrow::buffer::NullBuffer;
use datashard_spec::id::FieldId;
use datashard_spec::schema::{PrimitiveType, Schema, Type};

use crate::data_error::DataError;

/// Where a primitive column lies in batches of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Full name, for errors.
    pub(crate) name: String,
    /// Its type.
    pub(crate) value_type: PrimitiveType,
    /// Positions from the batch down, each in the struct before.
    path: Vec<usize>,
}

impl Column {
    /// Finds the primitive field `id`, which may lie in structs, but not in a list or map. `what` needs it, for errors.
    pub(crate) fn find(schema: &Schema, id: FieldId, what: &'static str) -> Result<Self, DataError> {
        let invalid = |reason: String| DataError::InvalidInput { what, reason };
        let field = schema
            .field_by_id(id)
            .ok_or_else(|| invalid(format!("the schema has no column with id {id}")))?;
        let Type::Primitive(value_type) = field.field_type else {
            return Err(invalid(format!(
                "column `{}` is a {}, not a single value",
                field.full_name, field.field_type
            )));
        };
        let mut path = Vec::new();
        for at in schema.with_ancestors(id) {
            let siblings = match at.parent {
                None => Some(schema.as_struct()),
                Some(parent) => schema.field_by_id(parent).and_then(|parent| parent.field_type.as_struct()),
            };
            let position = siblings.and_then(|s| s.fields.iter().position(|f| f.id == at.id));
            path.push(position.ok_or_else(|| {
                invalid(format!("column `{}` lies in a list or map, where a row has many", field.full_name))
            })?);
        }
        path.reverse();
        Ok(Self { name: field.full_name.to_owned(), value_type: value_type.clone(), path })
    }

    /// The values, null where a struct around them is null.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<ArrayRef, DataError> {
        let missing = || DataError::internal(format!("a batch lacks the column `{}`", self.name));
        let (first, rest) = self.path.split_first().ok_or_else(missing)?;
        let mut array = batch.columns().get(*first).ok_or_else(missing)?.clone();
        let mut nulls: Option<NullBuffer> = None;
        for position in rest {
            let parent: &StructArray = array.as_struct_opt().ok_or_else(missing)?;
            nulls = NullBuffer::union(nulls.as_ref(), parent.nulls());
            let child = parent.columns().get(*position).ok_or_else(missing)?.clone();
            array = child;
        }
        match nulls {
            // An array of type Null has no bitmap to add to.
            Some(outer) if outer.null_count() > 0 && self.value_type != PrimitiveType::Unknown => {
                let all = NullBuffer::union(Some(&outer), array.nulls());
                let data = array.to_data().into_builder().nulls(all).build();
                Ok(make_array(data.map_err(|source| DataError::Internal {
                    what: format!("nulls of column `{}`", self.name),
                    source: Some(Box::new(source)),
                })?))
            }
            _ => Ok(array),
        }
    }
}
