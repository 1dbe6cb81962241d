//! [`SetProperties`]: sets and removes table properties, key by key.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::metadata::{FormatVersion, TableUpdate};
use datashard_spec::property::is_reserved;

use super::files::excerpt;
use super::metadata_form::{check_not_commit_state, check_not_compressed};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::refusal::Refusal;

const NAME: &str = "set properties";

/// The reserved key by which engines raise the format version of a table.
const FORMAT_VERSION: &str = "format-version";

/// Sets and removes table properties. Keys that it does not name stay as others set them, so changes of different keys never conflict; of
/// changes of one key the last one committed stands.
///
/// As in other engines, setting `format-version` raises the format version of the table. There is no way back.
///
/// # Examples
/// ```
/// use datashard_txn::action::SetProperties;
///
/// let change = SetProperties::new().set("comment", "orders").remove("owner").set("format-version", "3");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SetProperties {
    set: BTreeMap<String, String>,
    remove: BTreeSet<String>,
}

impl SetProperties {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a property.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.insert(key.into(), value.into());
        self
    }

    /// Removes a property if it is there.
    pub fn remove(mut self, key: impl Into<String>) -> Self {
        self.remove.insert(key.into());
        self
    }

    fn format_version(&self) -> Result<Option<FormatVersion>, Refusal> {
        let Some(text) = self.set.get(FORMAT_VERSION) else { return Ok(None) };
        let version = text.trim().parse().ok().and_then(FormatVersion::from_number);
        match version {
            Some(version) => Ok(Some(version)),
            None => rejected(format!("`{FORMAT_VERSION}` is 1, 2 or 3, not `{}`", excerpt(text))),
        }
    }
}

impl Operation for SetProperties {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let set = self.set.iter().flat_map(|(key, value)| [key.as_str(), "\0", value, "\0"]);
        let removed = self.remove.iter().flat_map(|key| [key.as_str(), "\0"]);
        [NAME, "\0"].into_iter().chain(set).chain(["\0"]).chain(removed).flat_map(str::bytes).collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = base.ok_or(Refusal::NoTable)?;
        check_not_commit_state(self.set.keys().chain(&self.remove), NAME)?;
        if let Some(key) = self.set.keys().find(|key| self.remove.contains(*key)) {
            return rejected(format!("`{}` is both set and removed", excerpt(key)));
        }
        let reserved = self.set.keys().filter(|key| *key != FORMAT_VERSION).chain(&self.remove);
        if let Some(key) = reserved.into_iter().find(|key| is_reserved(key)) {
            return rejected(format!("the key `{key}` is reserved: it is part of the table, not a property"));
        }
        if let Some(version) = self.format_version()? {
            let current = base.metadata.format_version();
            if version < current {
                return rejected(format!(
                    "the table is of format version {current}, and there is no way back to {version}"
                ));
            }
        }
        let mut after = base.metadata.properties().clone();
        after.retain(|key, _| !self.remove.contains(key));
        after.extend(self.set.clone());
        check_not_compressed(&after, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.validate(base)?;
        let base = base.ok_or(Refusal::NoTable)?;
        let mut updates = Vec::new();
        if let Some(format_version) = self.format_version()? {
            updates.extend(upgrade(base, format_version, inputs));
        }
        let mut set = self.set.clone();
        set.remove(FORMAT_VERSION);
        if !set.is_empty() {
            updates.push(TableUpdate::SetProperties { updates: set });
        }
        if !self.remove.is_empty() {
            updates.push(TableUpdate::RemoveProperties { removals: self.remove.iter().cloned().collect() });
        }
        Ok(Produced::new(Content::Updates(updates)))
    }
}

/// The updates that raise the format version. A table of version 1 without identity gets one, which later versions require.
pub(super) fn upgrade(base: &Base, format_version: FormatVersion, inputs: &Inputs<'_>) -> Vec<TableUpdate> {
    if format_version <= base.metadata.format_version() {
        return Vec::new();
    }
    let lacks_uuid = base.metadata.table_uuid().is_none();
    let assign = lacks_uuid.then_some(TableUpdate::AssignUuid { uuid: inputs.operation_id });
    assign.into_iter().chain([TableUpdate::UpgradeFormatVersion { format_version }]).collect()
}

fn rejected<T>(reason: String) -> Result<T, Refusal> {
    Err(Refusal::Rejected { operation: NAME, reason })
}

#[cfg(test)]
mod tests;
