//! [`UpdateSchema`]: changes the schema of a table, by names of columns.

use std::sync::Arc;

use datashard_spec::SpecError;
use datashard_spec::id::SchemaId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::schema::Schema;
use datashard_spec::schema::evolution::{Position, SchemaOperation, SchemaUpdate};

use super::files::excerpt;
use super::metadata_change::{changed, of_error, requirement};
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "update schema";

/// Changes the schema of a table: columns are added, dropped, renamed, moved, widened, made optional or required, given docs and defaults;
/// identifier fields are set; another schema is taken in by name.
///
/// The change names columns, and is made anew on whatever others have committed meanwhile: changes of different columns are both there in
/// the end. Where it has no meaning any more, such as for a column that others dropped, it is refused. Metrics modes, bloom filters and the
/// name mapping in the table's properties follow the columns that they name.
///
/// A name may come to mean another column, if others rename columns. [`planned_on`](Self::planned_on) tells what the names meant, and then
/// that is a conflict.
///
/// # Examples
/// ```
/// use datashard_spec::schema::PrimitiveType;
/// use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
/// use datashard_txn::action::UpdateSchema;
///
/// let update = SchemaUpdate::new()
///     .add_column(NewColumn::optional("note", PrimitiveType::String))
///     .rename_column("id", "order_id")
///     .change_type("amount", PrimitiveType::Long);
/// let operation = UpdateSchema::new(update);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct UpdateSchema {
    update: SchemaUpdate,
    planned_on: Option<Arc<Schema>>,
}

impl UpdateSchema {
    /// Makes these changes.
    pub fn new(update: SchemaUpdate) -> Self {
        Self { update, planned_on: None }
    }

    /// The schema that the caller has seen. Each name in the update that it has must still mean the same column.
    pub fn planned_on(mut self, schema: Arc<Schema>) -> Self {
        self.planned_on = Some(schema);
        self
    }

    fn check_names(&self, current: &Schema) -> Result<(), Refusal> {
        let Some(seen) = &self.planned_on else { return Ok(()) };
        for name in self.update.operations().iter().flat_map(names) {
            let Some(before) = seen.field_by_name(name) else { continue };
            let reason = match current.field_by_name(name) {
                Some(now) if now.id == before.id => continue,
                Some(_) => "is another column by that name",
                None => "was dropped or renamed",
            };
            return Err(requirement(NAME, format!("the column `{}` {reason}", excerpt(name))));
        }
        Ok(())
    }
}

impl Operation for UpdateSchema {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{:?}\0{:?}", self.update, self.planned_on.as_ref().map(|schema| schema.to_json()))
            .into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        if self.update.operations().is_empty() {
            return Err(Refusal::Rejected { operation: NAME, reason: "it changes nothing".to_owned() });
        }
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let metadata = &base.metadata;
        self.check_names(metadata.current_schema())?;
        let change = self.update.apply(&metadata.schema_update_base());
        let change = change.map_err(|e| of_error(NAME, base, inputs, &SpecError::from(e)))?;
        let properties = metadata.properties().iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let follow = change.property_changes(metadata.current_schema(), properties);
        let mut updates = vec![
            TableUpdate::AddSchema { schema: change.schema },
            TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
        ];
        if !follow.set.is_empty() {
            updates.push(TableUpdate::SetProperties { updates: follow.set });
        }
        if !follow.removed.is_empty() {
            updates.push(TableUpdate::RemoveProperties { removals: follow.removed.into_iter().collect() });
        }
        changed(NAME, base, inputs, updates)
    }
}

/// The names of columns of the base that an operation is about.
fn names(operation: &SchemaOperation) -> Vec<&str> {
    match operation {
        SchemaOperation::Add { parent, .. } => parent.iter().map(String::as_str).collect(),
        SchemaOperation::Move { name, to: Position::Before(other) | Position::After(other) } => {
            vec![name, other]
        }
        SchemaOperation::Delete { name }
        | SchemaOperation::Rename { name, .. }
        | SchemaOperation::ChangeType { name, .. }
        | SchemaOperation::MakeOptional { name }
        | SchemaOperation::MakeRequired { name }
        | SchemaOperation::SetDoc { name, .. }
        | SchemaOperation::SetWriteDefault { name, .. }
        | SchemaOperation::Move { name, .. } => vec![name],
        SchemaOperation::SetIdentifierFields { names } => names.iter().map(String::as_str).collect(),
        // All that matches by name is meant, and by name alone; so is what later versions of the format may add.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
