//! Columns that no file needs to store: where a row lies, and its lineage.
//!
//! # Spec
//! "Reserved Field IDs", "Row Lineage".

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Int64Type;
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType, Type};
use datashard_spec::value::Value;

use super::decoder::RowPositions;
use super::request::ReadRequest;
use crate::arrow::value::repeat;
use crate::data_error::DataError;

/// A column with a reserved id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataColumn {
    File,
    Position,
    Deleted,
    SpecId,
    Partition,
    RowId,
    LastUpdated,
    /// A column of changelogs, which no scan of one file can tell.
    Change,
}

impl MetadataColumn {
    /// The column with this id. Ids of columns that position-delete files store are none of these.
    pub(super) fn of(id: FieldId) -> Option<Self> {
        Some(match id {
            FieldId::FILE => Self::File,
            FieldId::POS => Self::Position,
            FieldId::DELETED => Self::Deleted,
            FieldId::SPEC_ID => Self::SpecId,
            FieldId::PARTITION => Self::Partition,
            FieldId::ROW_ID => Self::RowId,
            FieldId::LAST_UPDATED_SEQUENCE_NUMBER => Self::LastUpdated,
            FieldId::CHANGE_TYPE | FieldId::CHANGE_ORDINAL | FieldId::COMMIT_SNAPSHOT_ID => Self::Change,
            _ => return None,
        })
    }

    /// Whether files may store the column and what they store counts. Rows of files without a first row id have no lineage.
    pub(super) fn stored(self, request: &ReadRequest) -> Option<()> {
        let lineage = matches!(self, Self::RowId | Self::LastUpdated);
        (lineage && request.first_row_id.is_some()).then_some(())
    }

    fn value_type(self) -> Option<PrimitiveType> {
        match self {
            Self::File => Some(PrimitiveType::String),
            Self::Position | Self::RowId | Self::LastUpdated => Some(PrimitiveType::Long),
            Self::Deleted => Some(PrimitiveType::Boolean),
            Self::SpecId => Some(PrimitiveType::Int),
            Self::Partition | Self::Change => None,
        }
    }
}

/// A metadata column of one file, ready to be made.
#[derive(Debug, Clone)]
pub(super) enum MetadataValues {
    Constant {
        value: Option<Value>,
        value_type: Type,
    },
    Position,
    Deleted,
    /// Stored values, by place in the read schema, else the first number plus the position, or the same number for all.
    Lineage {
        stored: Option<usize>,
        first: i64,
        by_position: bool,
    },
}

impl MetadataValues {
    /// What `field` of the request holds for this file.
    pub(super) fn new(
        column: MetadataColumn,
        field: &NestedField,
        location: &str,
        request: &ReadRequest,
        read: &[NestedField],
    ) -> Result<Self, DataError> {
        if let Some(expected) = column.value_type()
            && field.field_type != Type::Primitive(expected.clone())
        {
            return Err(wrong_type(location, field, &expected.to_string()));
        }
        let constant = |value| Self::Constant { value, value_type: field.field_type.clone() };
        let stored = read.iter().position(|there| there.id == field.id);
        match column {
            MetadataColumn::File => Ok(constant(Some(location.into()))),
            MetadataColumn::Position => Ok(Self::Position),
            MetadataColumn::Deleted => Ok(Self::Deleted),
            MetadataColumn::SpecId => {
                let id = request.spec_id.ok_or_else(|| missing(field, "the file's partition spec"))?;
                Ok(constant(Some(Value::Int(id))))
            }
            MetadataColumn::Partition => Ok(constant(Some(partition(location, field, request)?))),
            MetadataColumn::RowId => match request.first_row_id {
                Some(first) if first < 0 => Err(DataError::InvalidInput {
                    what: "first row id",
                    reason: format!("{first} is below 0, where no row id lies"),
                }),
                Some(first) => Ok(Self::Lineage { stored, first, by_position: true }),
                None => no_lineage(field).map(constant),
            },
            MetadataColumn::LastUpdated => match (request.first_row_id, request.data_sequence_number) {
                (Some(_), Some(number)) => Ok(Self::Lineage { stored, first: number.0, by_position: false }),
                (Some(_), None) => Err(missing(field, "the file's data sequence number")),
                (None, _) => no_lineage(field).map(constant),
            },
            MetadataColumn::Change => Err(DataError::Unsupported {
                place: format!("column `{}`", field.name),
                what: "a column of changelogs in a scan of one file".to_owned(),
                advice: "compare two snapshots instead".to_owned(),
            }),
        }
    }

    /// The values for a batch. `columns` are those of the read schema.
    pub(super) fn make(
        &self,
        columns: &[ArrayRef],
        positions: &RowPositions,
        rows: usize,
    ) -> Result<ArrayRef, DataError> {
        match self {
            Self::Constant { value, value_type } => repeat(value.as_ref(), value_type, rows),
            Self::Deleted => Ok(Arc::new(BooleanArray::new(BooleanBuffer::new_unset(rows), None))),
            Self::Position => numbers(positions, rows, 0),
            Self::Lineage { stored, first, by_position } => {
                let inherited = || match by_position {
                    true => numbers(positions, rows, *first),
                    false => {
                        let same: ArrayRef = Arc::new(Int64Array::from_value(*first, rows));
                        Ok(same)
                    }
                };
                let stored = stored.and_then(|at| columns.get(at)?.as_primitive_opt::<Int64Type>());
                match stored {
                    None => inherited(),
                    Some(stored) if stored.null_count() == 0 => Ok(Arc::new(stored.clone())),
                    Some(stored) if stored.null_count() == stored.len() => inherited(),
                    Some(stored) => {
                        let inherited = inherited()?;
                        let inherited = inherited.as_primitive::<Int64Type>();
                        let either = stored.iter().zip(inherited.values()).map(|(s, i)| s.unwrap_or(*i));
                        Ok(Arc::new(Int64Array::from_iter_values(either)))
                    }
                }
            }
        }
    }
}

fn numbers(positions: &RowPositions, rows: usize, first: i64) -> Result<ArrayRef, DataError> {
    let number = |position| i64::try_from(position).ok().and_then(|position| first.checked_add(position));
    let numbers: Option<Vec<i64>> = positions.iter(rows).map(number).collect();
    let numbers = numbers.ok_or_else(|| DataError::InvalidInput {
        what: "first row id",
        reason: format!("row ids from {first} on exceed 64 bits"),
    })?;
    Ok(Arc::new(Int64Array::from(numbers)))
}

/// The tuple in the type that was asked for: by field id, null where the file's spec has no such field.
fn partition(location: &str, field: &NestedField, request: &ReadRequest) -> Result<Value, DataError> {
    let tuple = request.partition.as_ref().ok_or_else(|| missing(field, "the file's partition"))?;
    let Type::Struct(asked) = &field.field_type else { return Err(wrong_type(location, field, "a struct")) };
    let mut values = Vec::with_capacity(asked.fields.len());
    for part in &asked.fields {
        let value = tuple.get(&part.id).and_then(Option::as_ref);
        let promoted = match (value, &part.field_type) {
            (None, _) => None,
            // The source column was dropped, and with it the type.
            (Some(_), Type::Primitive(PrimitiveType::Unknown)) => None,
            (Some(value), Type::Primitive(primitive)) => {
                Some(value.promote(primitive).ok_or_else(|| wrong_type(location, part, "another type"))?)
            }
            (Some(_), _) => return Err(wrong_type(location, part, "a primitive type")),
        };
        if promoted.is_none() && part.required {
            return Err(missing(part, "a partition with this field"));
        }
        values.push(promoted);
    }
    Ok(Value::Struct(values))
}

fn no_lineage(field: &NestedField) -> Result<Option<Value>, DataError> {
    match field.required {
        true => Err(missing(field, "the file's first row id")),
        false => Ok(None),
    }
}

fn missing(field: &NestedField, what: &str) -> DataError {
    DataError::InvalidInput {
        what: "read request",
        reason: format!("column `{}` was asked for, but {what} was not given", field.name),
    }
}

fn wrong_type(location: &str, field: &NestedField, expected: &str) -> DataError {
    DataError::WrongType {
        place: format!("`{location}`"),
        column: field.name.clone(),
        found: expected.to_owned(),
        wanted: field.field_type.to_string(),
        advice: "ask for metadata columns in the types of the format".to_owned(),
    }
}
