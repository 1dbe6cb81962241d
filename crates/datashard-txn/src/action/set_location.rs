//! [`SetLocation`]: corrects what a table says of where it is.

use datashard_io::Location;
use datashard_spec::metadata::TableUpdate;

use super::files::excerpt;
use super::metadata_change::changed;
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "set location";

/// Corrects what a table says of where it is, to the folder or bucket that it lies in. Any other location is refused.
///
/// The chain of versions lies where the table is: a table that says that it is elsewhere would have its next version written there by other
/// engines, and then there were two tables. To move a table, copy its files and rewrite the locations in them.
///
/// # Examples
/// ```
/// use datashard_txn::action::SetLocation;
///
/// let correction = SetLocation::to("s3://lake/events");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SetLocation {
    location: String,
}

impl SetLocation {
    /// The location that the table is to tell.
    pub fn to(location: impl Into<String>) -> Self {
        Self { location: location.into() }
    }
}

impl Operation for SetLocation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        [NAME, "\0", &self.location].concat().into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let rejected = |reason: String| Refusal::Rejected { operation: NAME, reason };
        let asked = Location::parse(&self.location).map_err(|e| rejected(e.to_string()))?;
        let here = inputs.location.to_string();
        if asked.to_string() != here {
            return Err(rejected(format!(
                "the table lies at `{here}`, and its next version would be looked for at `{}`: a table is where its folder is; to move it, \
                 copy its files and rewrite the locations in them",
                excerpt(&self.location)
            )));
        }
        changed(NAME, base, inputs, vec![TableUpdate::SetLocation { location: here }])
    }
}

#[cfg(test)]
mod tests;
