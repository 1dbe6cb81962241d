//! [`ReplaceTable`]: begins a table anew, under its identity and with its history.

use std::collections::BTreeMap;

use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId, SortOrderId};
use datashard_spec::metadata::{FormatVersion, TableUpdate};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::is_reserved;
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_spec::sort_order::SortOrder;

use super::assign_ids::{self, Assigned};
use super::create::CreateTable;
use super::files::excerpt;
use super::metadata_form::existing;
use super::properties::upgrade;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::refusal::Refusal;

const NAME: &str = "replace table";

/// Gives a table another schema, partition spec and sort order, and empties it. Identity, older snapshots with their schemas, and properties
/// that are not set anew stay; the branch `main` is gone until the next commit, other branches and tags are not touched.
///
/// Columns that go on under their name, with a type that their values can be read as, keep their field ids.
///
/// # Examples
/// ```
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_txn::action::{CreateTable, ReplaceTable};
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let replace = ReplaceTable::new(CreateTable::new(schema)).or_create();
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ReplaceTable {
    table: CreateTable,
    or_create: bool,
}

impl ReplaceTable {
    /// Replaces the table that is there by this one. An identity given to it counts only where it is made.
    pub fn new(table: CreateTable) -> Self {
        Self { table, or_create: false }
    }

    /// Makes the table if there is none.
    pub fn or_create(mut self) -> Self {
        self.or_create = true;
        self
    }

    fn format_version(&self, base: &Base) -> Result<FormatVersion, Refusal> {
        let current = base.metadata.format_version();
        let property = match self.table.properties.get("format-version") {
            Some(text) => match text.trim().parse().ok().and_then(FormatVersion::from_number) {
                Some(version) => Some(version),
                None => return rejected(format!("`format-version` is 1, 2 or 3, not `{}`", excerpt(text))),
            },
            None => None,
        };
        match self.table.format_version.or(property) {
            Some(wanted) if wanted < current => rejected(format!(
                "the table is of format version {current}, and there is no way back to {wanted}"
            )),
            wanted => Ok(wanted.unwrap_or(current)),
        }
    }

    fn updates(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<TableUpdate>, Refusal> {
        let metadata = &base.metadata;
        let version = self.format_version(base)?;
        let last = metadata.last_column_id();
        let assigned = assign_ids::replacing(metadata.current_schema(), last, version, &self.table.schema);
        let Assigned { schema, new_ids } = assigned.or_else(rejected)?;
        let spec = spec_of_table(base, &self.table.partition_spec, &new_ids, version)?;
        let mut order: SortOrder = self.table.sort_order.clone();
        for field in &mut order.fields {
            rename(&mut field.source_ids, &new_ids)?;
        }
        let mut updates = upgrade(base, version, inputs);
        updates.extend([
            TableUpdate::RemoveSnapshotRef { name: MAIN_BRANCH.to_owned() },
            TableUpdate::AddSchema { schema },
            TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
            TableUpdate::AddPartitionSpec { spec },
            TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId::LAST_ADDED },
            TableUpdate::AddSortOrder { order },
            TableUpdate::SetDefaultSortOrder { sort_order_id: SortOrderId::LAST_ADDED },
        ]);
        let mut properties = self.table.properties.clone();
        properties.retain(|key, _| !is_reserved(key));
        if !properties.is_empty() {
            updates.push(TableUpdate::SetProperties { updates: properties });
        }
        Ok(updates)
    }
}

impl Operation for ReplaceTable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.table.bytes(NAME)
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.table.check_properties(NAME)?;
        match base {
            None if self.or_create => Ok(()),
            base => existing(base, NAME).map(|_| ()),
        }
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.validate(base)?;
        match base {
            None => self.table.first(inputs, NAME),
            Some(base) => Ok(Produced::new(Content::Updates(self.updates(base, inputs)?))),
        }
    }
}

/// The spec with ids of the table: a partition field that an older spec has too keeps its id.
fn spec_of_table(
    base: &Base,
    spec: &PartitionSpec,
    new_ids: &BTreeMap<FieldId, FieldId>,
    version: FormatVersion,
) -> Result<PartitionSpec, Refusal> {
    let metadata = &base.metadata;
    let mut spec = spec.clone();
    // In version 1 the ids follow from the positions.
    let mut last = match version {
        FormatVersion::V1 => FieldId(999),
        _ => metadata.last_partition_id(),
    };
    for field in &mut spec.fields {
        rename(&mut field.source_ids, new_ids)?;
        let older = metadata.partition_specs().iter().rev().flat_map(|spec| &spec.fields);
        let same = older
            .filter(|_| version > FormatVersion::V1)
            .find(|older| older.source_ids == field.source_ids && older.transform == field.transform);
        field.field_id = match same {
            Some(older) => older.field_id,
            None => {
                let next = last.0.checked_add(1);
                last = next
                    .map(FieldId)
                    .map_or_else(|| rejected("no partition field ids are left".to_owned()), Ok)?;
                last
            }
        };
    }
    Ok(spec)
}

fn rename(ids: &mut [FieldId], new_ids: &BTreeMap<FieldId, FieldId>) -> Result<(), Refusal> {
    for id in ids {
        let new = new_ids.get(id).copied();
        *id = new.map_or_else(
            || rejected(format!("the schema has no field {id}, which partition spec or sort order use")),
            Ok,
        )?;
    }
    Ok(())
}

fn rejected<T>(reason: String) -> Result<T, Refusal> {
    Err(Refusal::Rejected { operation: NAME, reason })
}

#[cfg(test)]
mod tests;
