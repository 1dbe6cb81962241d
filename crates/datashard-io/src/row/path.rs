//! The way down to a field of a record, and what is wrong there.

use std::fmt;

use crate::data_error::DataError;

/// The fields around a value, from the inside out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The record itself.
    pub(super) const ROOT: Path<'static> = Path { parent: None, name: "" };

    /// A part of it.
    pub(super) fn below(&'a self, name: &'a str) -> Self {
        Path { parent: Some(self), name }
    }

    /// The names joined by dots.
    pub(super) fn full_name(&self) -> String {
        match self.parent {
            None => String::new(),
            Some(parent) if parent.parent.is_none() => self.name.to_owned(),
            Some(parent) => format!("{}.{}", parent.full_name(), self.name),
        }
    }

    /// What is wrong with the value here.
    pub(super) fn error(&self, reason: impl Into<String>) -> RowError {
        RowError { column: Some(self.full_name()), reason: reason.into() }
    }
}

/// What is wrong with a record.
#[derive(Debug)]
pub(super) struct RowError {
    /// `None` where serde speaks, which does not know.
    column: Option<String>,
    reason: String,
}

impl RowError {
    /// The same, of the field at this path if no other is known.
    pub(super) fn within(self, path: &Path<'_>) -> Self {
        Self { column: self.column.or_else(|| Some(path.full_name())), ..self }
    }

    /// As an error of a numbered record.
    pub(super) fn at_row(self, row: u64) -> DataError {
        DataError::BadValue {
            place: "record".to_owned(),
            row,
            column: self.column.unwrap_or_default(),
            reason: self.reason,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for RowError {}

impl serde::ser::Error for RowError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { column: None, reason: message.to_string() }
    }
}

impl serde::de::Error for RowError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { column: None, reason: message.to_string() }
    }
}
