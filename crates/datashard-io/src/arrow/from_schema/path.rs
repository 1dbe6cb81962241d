//! The way down to a field, and what is wrong there.

use arrow::datatypes::DataType;

use super::PLACE;
use crate::arrow::to_schema::MAX_DEPTH;
use crate::data_error::DataError;

/// The way down to a field, for errors.
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
    depth: usize,
}

impl<'a> Path<'a> {
    /// The schema itself.
    pub(super) const ROOT: Path<'static> = Path { parent: None, name: "", depth: 0 };

    /// A part of it.
    pub(super) fn below(&'a self, name: &'a str) -> Result<Self, DataError> {
        if self.depth >= MAX_DEPTH {
            return Err(DataError::Unsupported {
                place: PLACE.to_owned(),
                what: format!("a type nested deeper than {MAX_DEPTH}"),
                advice: "make it flatter".to_owned(),
            });
        }
        Ok(Path { parent: Some(self), name, depth: self.depth.saturating_add(1) })
    }

    /// The names joined by dots.
    pub(super) fn full_name(&self) -> String {
        match self.parent {
            None => String::new(),
            Some(parent) if parent.parent.is_none() => self.name.to_owned(),
            Some(parent) => format!("{}.{}", parent.full_name(), self.name),
        }
    }
}

/// What is wrong with a field.
pub(super) fn invalid(path: &Path<'_>, reason: &str) -> DataError {
    DataError::WrongColumns {
        place: PLACE.to_owned(),
        reason: format!("field `{}` {reason}", path.full_name()),
    }
}

/// A type that has to be changed first.
pub(super) fn wrong_type(path: &Path<'_>, found: &DataType, advice: &str) -> DataError {
    DataError::WrongType {
        place: PLACE.to_owned(),
        column: path.full_name(),
        found: found.to_string(),
        wanted: "an Iceberg type".to_owned(),
        advice: advice.to_owned(),
    }
}

/// A type without counterpart.
pub(super) fn unsupported(path: &Path<'_>, found: &DataType, advice: &str) -> DataError {
    DataError::Unsupported {
        place: format!("{PLACE}, column `{}`", path.full_name()),
        what: format!("type {found}"),
        advice: advice.to_owned(),
    }
}
