//! The members of a struct, or the columns of a record, as they come in by name.

use std::collections::HashMap;

use datashard_spec::schema::{NestedField, StructType};
use datashard_spec::value::Value;

use super::check::null;
use super::path::{Path, RowError};
use crate::arrow::value::{Defaults, filled_default};

/// Where each column of a table lies, by name.
pub(super) type ColumnNames = HashMap<String, usize>;

/// A struct being put together.
pub(super) struct Members<'a> {
    fields: &'a StructType,
    path: &'a Path<'a>,
    names: Option<&'a ColumnNames>,
    /// `None` for what was not given, `Some(None)` for null.
    given: Vec<Option<Option<Value>>>,
    /// Where the next one is, if they come in order.
    next: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(fields: &'a StructType, path: &'a Path<'a>, names: Option<&'a ColumnNames>) -> Self {
        Self { fields, path, names, given: vec![None; fields.fields.len()], next: 0 }
    }

    /// Takes a member: `value` makes it, knowing its field and path.
    pub(super) fn take(
        &mut self,
        name: &str,
        value: impl FnOnce(&NestedField, &Path<'_>) -> Result<Option<Value>, RowError>,
    ) -> Result<(), RowError> {
        let path = self.path.below(name);
        let found = self.position(name).and_then(|at| Some((at, self.fields.fields.get(at)?)));
        let Some((at, field)) = found else { return Err(path.error("there is no such field")) };
        let made = value(field, &path)?;
        if made.is_none() && field.required {
            return Err(null(&path));
        }
        self.next = at.saturating_add(1);
        match self.given.get_mut(at) {
            Some(slot @ None) => *slot = Some(made),
            _ => return Err(path.error("is there twice")),
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.fields.fields.get(self.next).is_some_and(|field| field.name == name) {
            return Some(self.next);
        }
        match self.names {
            Some(names) => names.get(name).copied(),
            None => self.fields.fields.iter().position(|field| field.name == name),
        }
    }

    /// The members in order; those that were not given by their write default.
    pub(super) fn finish(self) -> Result<Vec<Option<Value>>, RowError> {
        let members = self.fields.fields.iter().zip(self.given).map(|(field, given)| {
            if let Some(given) = given {
                return Ok(given);
            }
            let path = self.path.below(&field.name);
            let default = filled_default(field, Defaults::Write);
            match default.map_err(|error| path.error(error.to_string()))? {
                None if field.required => Err(path.error("is missing, required, and has no write default")),
                default => Ok(default),
            }
        });
        members.collect()
    }
}
