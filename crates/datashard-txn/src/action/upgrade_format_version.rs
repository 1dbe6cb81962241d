//! [`UpgradeFormatVersion`]: raises the format version of a table.

use datashard_spec::metadata::FormatVersion;

use super::metadata_change::{against, changed};
use super::metadata_form::existing;
use super::properties::upgrade;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "upgrade format version";

/// Raises the format version of a table. Files stay as they are, and there is no way back.
///
/// A table that is of the version already stays so, and that is no failure: two who upgrade at once are both right. One that is of a later
/// version is refused.
///
/// # Examples
/// ```
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_txn::action::UpgradeFormatVersion;
///
/// let upgrade = UpgradeFormatVersion::to(FormatVersion::V3);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct UpgradeFormatVersion {
    version: FormatVersion,
}

impl UpgradeFormatVersion {
    /// Raises it to this version.
    pub fn to(version: FormatVersion) -> Self {
        Self { version }
    }
}

impl Operation for UpgradeFormatVersion {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{}", self.version).into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let current = base.metadata.format_version();
        if self.version < current {
            let reason = format!(
                "the table is of format version {current}, and there is no way back to {}",
                self.version
            );
            return Err(against(NAME, inputs, reason));
        }
        changed(NAME, base, inputs, upgrade(base, self.version, inputs))
    }
}

#[cfg(test)]
mod tests;
