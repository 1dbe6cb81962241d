//! What stands in for a column that the file lacks.
//!
//! In this order: the constant of an identity partition field, the initial default, null. A column that is in the file is read from it, also
//! where there is a constant for it.
//!
//! # Spec
//! "Column Projection".

use std::collections::HashMap;

use arrow::datatypes::{DataType, FieldRef};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, StructType, Type};
use datashard_spec::value::Value;

use super::plan::{Plan, Source};
use crate::data_error::DataError;

/// What there is to say about columns that are not in a file.
#[derive(Clone, Copy)]
pub(super) struct Missing<'a> {
    pub(super) location: &'a str,
    pub(super) constants: &'a HashMap<FieldId, Option<Value>>,
}

impl Missing<'_> {
    /// The values of a field. Recursion is as deep as the read schema, which is bounded.
    pub(super) fn source(
        self,
        field: &NestedField,
        target: &FieldRef,
        column: &str,
    ) -> Result<Source, DataError> {
        let absent = || DataError::MissingColumn {
            file: self.location.to_owned(),
            column: column.to_owned(),
            id: field.id,
        };
        match (&field.field_type, self.constants.get(&field.id)) {
            (_, Some(Some(value))) => return self.constant(value, &field.field_type, column),
            (_, Some(None)) if field.required => return Err(absent()),
            (_, Some(None)) => return Ok(Source::Null),
            (Type::Struct(members), None)
                if field.initial_default.is_some() || self.has_constant(members) =>
            {
                return self.members(members, target, column);
            }
            (_, None) => {}
        }
        match &field.initial_default {
            Some(value) => self.constant(value, &field.field_type, column),
            None if field.required => Err(absent()),
            None => Ok(Source::Null),
        }
    }

    /// A struct whose fields have values of their own: its default is without members, or a field of it is a partition field's source, whose
    /// value says that the struct is there.
    fn members(self, members: &StructType, target: &FieldRef, column: &str) -> Result<Source, DataError> {
        let DataType::Struct(fields) = target.data_type() else {
            return Err(DataError::internal(format!("column `{column}` is a struct here and not in Arrow")));
        };
        let members: Result<Vec<Plan>, DataError> = members
            .fields
            .iter()
            .zip(fields)
            .map(|(member, target)| {
                let column = format!("{column}.{}", member.name);
                let source = self.source(member, target, &column)?;
                Ok(Plan { field: FieldRef::clone(target), column, source })
            })
            .collect();
        members.map(Source::Members)
    }

    /// Whether a field at any depth, but not in lists and maps, has a constant that is not null.
    fn has_constant(self, members: &StructType) -> bool {
        members.fields.iter().any(|member| {
            self.constants.get(&member.id).is_some_and(Option::is_some)
                || matches!(&member.field_type, Type::Struct(members) if self.has_constant(members))
        })
    }

    fn constant(self, value: &Value, value_type: &Type, column: &str) -> Result<Source, DataError> {
        let value = match value_type {
            // The tuple or the default may be older than the type of today.
            Type::Primitive(primitive) if !value.matches_type(value_type) => value.promote(primitive),
            _ => Some(value.clone()).filter(|value| value.matches_type(value_type)),
        };
        match value {
            Some(value) => Ok(Source::Constant { value, value_type: value_type.clone() }),
            None => Err(DataError::WrongType {
                place: format!("`{}`", self.location),
                column: column.to_owned(),
                found: "a constant of another type".to_owned(),
                wanted: value_type.to_string(),
                advice: "the partition value or the default of this column cannot be promoted to its type"
                    .to_owned(),
            }),
        }
    }
}
