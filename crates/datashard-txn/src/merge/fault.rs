//! [`Fault`]: refusals that name a manifest of the table.

use datashard_spec::{ErrorKind, SpecError};

use crate::action::excerpt;
use crate::inputs::Inputs;
use crate::refusal::Refusal;

/// Makes refusals that name a manifest of the table.
#[derive(Debug)]
pub(crate) struct Fault<'a> {
    inputs: &'a Inputs<'a>,
    operation: &'static str,
}

impl<'a> Fault<'a> {
    pub(crate) fn new(inputs: &'a Inputs<'a>, operation: &'static str) -> Self {
        Self { inputs, operation }
    }

    /// The path below the table, where it is one.
    pub(crate) fn corrupt(&self, location: &str, reason: String) -> Refusal {
        let path = self.inputs.location.relative(location);
        Refusal::Corrupt { path: path.map_or_else(|_| location.to_owned(), |path| path.to_string()), reason }
    }

    pub(crate) fn of_error(&self, location: &str, error: &SpecError) -> Refusal {
        match error.kind() {
            ErrorKind::Unsupported => Refusal::Unsupported {
                operation: self.operation,
                reason: format!("manifest `{}`: {error}", excerpt(location)),
            },
            _ => self.corrupt(location, error.to_string()),
        }
    }
}
