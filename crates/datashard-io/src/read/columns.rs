//! Columns of a batch by field id: a leaf out of the structs around it, and structs without the fields that only deletes and filter needed.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Fields};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{Schema, Type};

use crate::data_error::DataError;

/// The way to a column: its place among the columns, then among the fields of each struct below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnPath {
    column: usize,
    fields: Vec<usize>,
}

impl ColumnPath {
    /// The way to the field `id`, which lies in structs only.
    pub(crate) fn new(schema: &Schema, id: FieldId) -> Option<Self> {
        let mut ids: Vec<FieldId> = schema.with_ancestors(id).map(|field| field.id).collect();
        let outermost = ids.pop()?;
        let column = schema.fields().iter().position(|field| field.id == outermost)?;
        let mut at = &schema.fields().get(column)?.field_type;
        let mut fields = Vec::with_capacity(ids.len());
        for id in ids.into_iter().rev() {
            let inner = at.as_struct()?;
            let position = inner.fields.iter().position(|field| field.id == id)?;
            at = &inner.fields.get(position)?.field_type;
            fields.push(position);
        }
        Some(Self { column, fields })
    }

    /// The values of the column; null also where a struct around it is null.
    pub(crate) fn values(&self, columns: &[ArrayRef]) -> Result<ArrayRef, DataError> {
        let lost = || DataError::internal("a batch lacks a column of its schema");
        let mut array = columns.get(self.column).ok_or_else(lost)?.clone();
        for field in &self.fields {
            let parent = array.as_struct_opt().ok_or_else(lost)?;
            let mut child = parent.columns().get(*field).ok_or_else(lost)?.clone();
            if let Some(nulls) = parent.nulls().filter(|nulls| nulls.null_count() > 0)
                && *child.data_type() != DataType::Null
            {
                let is_null = BooleanArray::new(!nulls.inner(), None);
                child = hide(&child, &is_null)?;
            }
            array = child;
        }
        Ok(array)
    }
}

fn hide(child: &ArrayRef, is_null: &BooleanArray) -> Result<ArrayRef, DataError> {
    nullif(child, is_null).map_err(|error| DataError::Internal {
        what: "values of a null struct could not be hidden".to_owned(),
        source: Some(Box::new(error)),
    })
}

/// How a column of the read schema becomes the column that was asked for: as it is, or without some fields of structs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trim {
    /// As it is.
    Whole,
    /// These fields, each trimmed.
    Struct(Vec<(usize, Trim)>),
}

impl Trim {
    /// From the type that is read to the type that was asked for, whose fields are among those read. Nothing is ever added within lists
    /// and maps, so that they stay as they are.
    pub(super) fn new(read: &Type, asked: &Type) -> Result<Self, DataError> {
        let (Type::Struct(read), Type::Struct(asked)) = (read, asked) else { return Ok(Self::Whole) };
        let mut kept = Vec::with_capacity(asked.fields.len());
        for field in &asked.fields {
            let position = read.fields.iter().position(|there| there.id == field.id);
            let there = position.and_then(|position| Some((position, read.fields.get(position)?)));
            let (position, there) = there
                .ok_or_else(|| DataError::internal("the read schema lacks a field that was asked for"))?;
            kept.push((position, Self::new(&there.field_type, &field.field_type)?));
        }
        let unchanged = kept.len() == read.fields.len()
            && kept.iter().enumerate().all(|(i, (position, trim))| i == *position && *trim == Self::Whole);
        Ok(if unchanged { Self::Whole } else { Self::Struct(kept) })
    }

    /// The trimmed array, in the type `asked`.
    pub(super) fn apply(&self, array: &ArrayRef, asked: &DataType) -> Result<ArrayRef, DataError> {
        let Self::Struct(kept) = self else { return Ok(array.clone()) };
        let lost = || DataError::internal("a struct lacks a field of its schema");
        let (Some(array), DataType::Struct(fields)) = (array.as_struct_opt(), asked) else {
            return Err(lost());
        };
        let mut children = Vec::with_capacity(kept.len());
        for ((position, trim), field) in kept.iter().zip(fields) {
            let child = array.columns().get(*position).ok_or_else(lost)?;
            children.push(trim.apply(child, field.data_type())?);
        }
        struct_array(fields.clone(), children, array)
    }
}

fn struct_array(fields: Fields, children: Vec<ArrayRef>, like: &StructArray) -> Result<ArrayRef, DataError> {
    let made = StructArray::try_new_with_length(fields, children, like.nulls().cloned(), like.len());
    Ok(std::sync::Arc::new(made.map_err(|error| DataError::Internal {
        what: "a struct without some of its fields does not fit the schema that was asked for".to_owned(),
        source: Some(Box::new(error)),
    })?))
}
