//! What a file stores of a schema: everything but columns of unknown, which hold nothing and which the format leaves out.
//!
//! Where leaving one out would leave a group without fields (the elements of a list of unknown), it stays, as a column of nulls: the group
//! could not be told from null without it, and readers pass over it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema, SchemaRef};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType, Type};

use crate::data_error::DataError;

/// What is stored of a struct: its fields by place.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredStruct {
    pub(super) parts: Vec<(usize, StoredPart)>,
}

/// What is stored of a field.
#[derive(Debug, Clone)]
pub(super) enum StoredPart {
    /// All of it, as it lies in batches.
    Leaf,
    Struct(StoredStruct),
    List(Box<StoredPart>),
    /// Key and value.
    Map(Box<(StoredPart, StoredPart)>),
}

impl StoredStruct {
    /// What is stored of a schema.
    ///
    /// # Errors
    /// `Unsupported` for a struct, or a schema, without fields.
    pub(super) fn of_schema(schema: &Schema) -> Result<Self, DataError> {
        Self::of(schema.as_struct(), "the schema")
    }

    fn of(fields: &StructType, name: &str) -> Result<Self, DataError> {
        let is_unknown = |field: &NestedField| is_unknown(&field.field_type);
        let all_unknown = fields.fields.iter().all(is_unknown);
        let mut parts = Vec::new();
        for (at, field) in fields.fields.iter().enumerate() {
            if is_unknown(field) && !(all_unknown && at == 0) {
                continue;
            }
            parts.push((at, part(&field.field_type, &field.name)?));
        }
        if parts.is_empty() {
            return Err(DataError::Unsupported {
                place: name.to_owned(),
                what: "a struct without fields in Parquet".to_owned(),
                advice: "add a field to it, or leave the column out".to_owned(),
            });
        }
        Ok(Self { parts })
    }

    /// The Arrow schema of what is stored.
    pub(super) fn arrow_schema(&self, full: &ArrowSchema) -> Result<SchemaRef, DataError> {
        Ok(Arc::new(ArrowSchema::new(self.fields(full.fields())?)))
    }

    fn fields(&self, full: &Fields) -> Result<Fields, DataError> {
        let kept = self.parts.iter().map(|(at, part)| {
            let field = full.get(*at).ok_or_else(|| mismatch(&DataType::Struct(full.clone())))?;
            Ok(Arc::new(field.as_ref().clone().with_data_type(part.data_type(field.data_type())?)))
        });
        kept.collect()
    }

    /// The field ids of the columns of the file, in their order; both parts of a variant go under its own.
    pub(super) fn leaf_ids(&self, schema: &Schema) -> Vec<FieldId> {
        let mut ids = Vec::new();
        self.push_leaf_ids(schema.fields(), &mut ids);
        ids
    }

    fn push_leaf_ids(&self, fields: &[NestedField], ids: &mut Vec<FieldId>) {
        for (at, part) in &self.parts {
            if let Some(field) = fields.get(*at) {
                part.push_leaf_ids(field.id, &field.field_type, ids);
            }
        }
    }
}

impl StoredPart {
    /// The values of an array that are stored. Costs nothing where nothing is left out.
    pub(super) fn pick<'a>(&self, array: &'a ArrayRef) -> Result<Cow<'a, ArrayRef>, DataError> {
        let data_type = self.data_type(array.data_type())?;
        if &data_type == array.data_type() {
            return Ok(Cow::Borrowed(array));
        }
        let refused = |_| mismatch(array.data_type());
        let picked: ArrayRef = match (self, data_type) {
            (Self::Struct(stored), DataType::Struct(fields)) => {
                let all = array.as_struct_opt().ok_or_else(|| mismatch(array.data_type()))?;
                let mut columns = Vec::with_capacity(stored.parts.len());
                for (at, part) in &stored.parts {
                    let column = all.columns().get(*at).ok_or_else(|| mismatch(array.data_type()))?;
                    columns.push(part.pick(column)?.into_owned());
                }
                Arc::new(StructArray::try_new(fields, columns, all.nulls().cloned()).map_err(refused)?)
            }
            (Self::List(part), DataType::List(element)) => {
                let list = array.as_list_opt::<i32>().ok_or_else(|| mismatch(array.data_type()))?;
                let values = part.pick(list.values())?.into_owned();
                let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
                Arc::new(ListArray::try_new(element, offsets, values, nulls).map_err(refused)?)
            }
            (Self::Map(parts), DataType::Map(entries_field, sorted)) => {
                let map = array.as_map_opt().ok_or_else(|| mismatch(array.data_type()))?;
                let DataType::Struct(fields) = entries_field.data_type() else {
                    return Err(mismatch(array.data_type()));
                };
                let columns =
                    vec![parts.0.pick(map.keys())?.into_owned(), parts.1.pick(map.values())?.into_owned()];
                let entries = StructArray::try_new(fields.clone(), columns, None).map_err(refused)?;
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                let picked = MapArray::try_new(entries_field, offsets, entries, nulls, sorted);
                Arc::new(picked.map_err(refused)?)
            }
            _ => return Err(mismatch(array.data_type())),
        };
        Ok(Cow::Owned(picked))
    }

    /// The Arrow type of what is stored of a field of this type.
    fn data_type(&self, full: &DataType) -> Result<DataType, DataError> {
        Ok(match (self, full) {
            (Self::Leaf, _) => full.clone(),
            (Self::Struct(stored), DataType::Struct(fields)) => DataType::Struct(stored.fields(fields)?),
            (Self::List(part), DataType::List(element)) => DataType::List(part.field(element)?),
            (Self::Map(parts), DataType::Map(entries, sorted)) => {
                let DataType::Struct(fields) = entries.data_type() else { return Err(mismatch(full)) };
                let [key, value] = fields.as_ref() else { return Err(mismatch(full)) };
                let fields = Fields::from(vec![parts.0.field(key)?, parts.1.field(value)?]);
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(fields));
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => return Err(mismatch(full)),
        })
    }

    fn field(&self, full: &Arc<Field>) -> Result<Arc<Field>, DataError> {
        Ok(Arc::new(full.as_ref().clone().with_data_type(self.data_type(full.data_type())?)))
    }

    fn push_leaf_ids(&self, id: FieldId, value_type: &Type, ids: &mut Vec<FieldId>) {
        match (self, value_type) {
            (Self::Struct(stored), Type::Struct(inner)) => stored.push_leaf_ids(&inner.fields, ids),
            (Self::List(part), Type::List(list)) => part.push_leaf_ids(list.element_id, &list.element, ids),
            (Self::Map(parts), Type::Map(map)) => {
                parts.0.push_leaf_ids(map.key_id, &map.key, ids);
                parts.1.push_leaf_ids(map.value_id, &map.value, ids);
            }
            (_, Type::Variant) => ids.extend([id, id]),
            _ => ids.push(id),
        }
    }
}

/// Whether any field, at any depth, is left out.
pub(super) fn leaves_out(stored: &StoredStruct, full: &ArrowSchema) -> bool {
    stored.arrow_schema(full).map_or(true, |kept| kept.fields() != full.fields())
}

fn is_unknown(value_type: &Type) -> bool {
    matches!(value_type, Type::Primitive(PrimitiveType::Unknown))
}

fn part(value_type: &Type, name: &str) -> Result<StoredPart, DataError> {
    Ok(match value_type {
        Type::Struct(fields) => StoredPart::Struct(StoredStruct::of(fields, name)?),
        Type::List(list) => StoredPart::List(Box::new(part(&list.element, name)?)),
        Type::Map(map) => StoredPart::Map(Box::new((part(&map.key, name)?, part(&map.value, name)?))),
        _ => StoredPart::Leaf,
    })
}

fn mismatch(found: &DataType) -> DataError {
    DataError::WrongColumns {
        place: "record batch".to_owned(),
        reason: format!("a column is {found}, which the schema is not"),
    }
}
