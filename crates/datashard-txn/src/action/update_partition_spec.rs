//! [`UpdatePartitionSpec`]: changes how a table is partitioned from now on.

use datashard_spec::SpecError;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::partition::PartitionSpecUpdate;
use datashard_spec::transform::Transform;

use super::metadata_change::{changed, of_error, requirement};
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "update partition spec";

/// Changes how a table is partitioned from now on. Files that are there keep the spec that they were written with, and so do files that
/// others add meanwhile.
///
/// The changes name columns and partition fields, and are made anew on whatever default spec others have committed meanwhile: fields of
/// different columns that two add are both there in the end. Where that has no meaning any more, it is refused.
///
/// # Examples
/// ```
/// use datashard_spec::transform::Transform;
/// use datashard_txn::action::UpdatePartitionSpec;
///
/// let update = UpdatePartitionSpec::new().remove_field("ts_month").add_field("ts", Transform::Day);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct UpdatePartitionSpec {
    changes: Vec<Change>,
    planned_on: Option<PartitionSpecId>,
    keeps_default: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Add { source: String, transform: Transform },
    AddNamed { name: String, source: String, transform: Transform },
    Remove { name: String },
    RemoveTransform { source: String, transform: Transform },
    Rename { name: String, to: String },
}

impl UpdatePartitionSpec {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, with the name of an equal field of an older spec, or one made of column and transform.
    pub fn add_field(self, source: impl Into<String>, transform: Transform) -> Self {
        self.with(Change::Add { source: source.into(), transform })
    }

    /// Adds a field under this name.
    pub fn add_named_field(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        transform: Transform,
    ) -> Self {
        self.with(Change::AddNamed { name: name.into(), source: source.into(), transform })
    }

    /// Removes the field with this name.
    pub fn remove_field(self, name: impl Into<String>) -> Self {
        self.with(Change::Remove { name: name.into() })
    }

    /// Removes the field that applies this transform to this column.
    pub fn remove_transform(self, source: impl Into<String>, transform: Transform) -> Self {
        self.with(Change::RemoveTransform { source: source.into(), transform })
    }

    /// Renames a field.
    pub fn rename_field(self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.with(Change::Rename { name: name.into(), to: to.into() })
    }

    /// The default spec must still be this one: what others changed meanwhile is a conflict.
    pub fn planned_on(mut self, spec_id: PartitionSpecId) -> Self {
        self.planned_on = Some(spec_id);
        self
    }

    /// Adds the spec to the table and leaves the default spec as it is: writers have to ask for the new one by its id.
    pub fn keeping_default(mut self) -> Self {
        self.keeps_default = true;
        self
    }

    fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}

impl Operation for UpdatePartitionSpec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{:?}\0{:?}\0{}", self.changes, self.planned_on, self.keeps_default).into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        if self.changes.is_empty() {
            return Err(Refusal::Rejected { operation: NAME, reason: "it changes nothing".to_owned() });
        }
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let current = base.metadata.default_spec_id();
        if let Some(seen) = self.planned_on.filter(|seen| *seen != current) {
            let reason = format!("the default partition spec is {current}, and it was planned on {seen}");
            return Err(requirement(NAME, reason));
        }
        let update = base.metadata.partition_spec_update();
        let evolved = self.changes.iter().cloned().fold(update, Change::apply).build();
        let evolved = evolved.map_err(|e| of_error(NAME, base, inputs, &SpecError::from(e)))?;
        let mut updates = Vec::new();
        let mut spec_id = evolved.spec.id;
        if evolved.is_new {
            updates.push(TableUpdate::AddPartitionSpec { spec: evolved.spec });
            spec_id = PartitionSpecId::LAST_ADDED;
        }
        if !self.keeps_default {
            updates.push(TableUpdate::SetDefaultPartitionSpec { spec_id });
        }
        changed(NAME, base, inputs, updates)
    }
}

impl Change {
    fn apply(update: PartitionSpecUpdate<'_>, change: Self) -> PartitionSpecUpdate<'_> {
        match change {
            Self::Add { source, transform } => update.add_field(source, transform),
            Self::AddNamed { name, source, transform } => update.add_named_field(name, source, transform),
            Self::Remove { name } => update.remove_field(name),
            Self::RemoveTransform { source, transform } => update.remove_transform(source, transform),
            Self::Rename { name, to } => update.rename_field(name, to),
        }
    }
}

#[cfg(test)]
mod tests;
