//! Updates of schemas, partition specs and sort orders.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Draft, LAST_ADDED, refused};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SortOrderId};
use crate::metadata::history::not_found;
use crate::metadata::{FormatVersion, MetadataError, TableMetadata};
use crate::partition::{PartitionError, PartitionField, PartitionSpec, check_source};
use crate::schema::{Schema, SchemaError};
use crate::sort_order::SortOrder;
use crate::transform::Transform;

impl Draft {
    pub(super) fn add_schema(&mut self, schema: &Schema) -> Result<(), SpecError> {
        let metadata = &mut self.metadata;
        schema.check_format_version(metadata.format_version)?;
        schema.check_user_ids()?;
        // A table that has such names already must still be able to change; no other may get them.
        if let Some(name) = schema.ambiguous_name()
            && metadata.current_schema().ambiguous_name().is_none()
        {
            return Err(SchemaError::NameTaken { name: name.to_owned() }.into());
        }
        metadata.last_column_id = metadata.last_column_id.max(schema.highest_field_id());
        let id = match metadata.schemas.iter().find(|other| other.same_structure(schema)) {
            Some(equal) => equal.id(),
            None => {
                let highest = metadata.schemas.iter().map(|schema| schema.id().0).max();
                let id = SchemaId(after(highest, 0, "AddSchema")?);
                metadata.schemas.push(Arc::new(schema.clone().with_id(id)));
                id
            }
        };
        self.last_added_schema = Some(id);
        Ok(())
    }

    pub(super) fn set_current_schema(&mut self, id: SchemaId) -> Result<(), MetadataError> {
        let id = resolve(id, self.last_added_schema, SchemaId(LAST_ADDED), "schema")?;
        if self.metadata.schema(id).is_none() {
            return Err(not_found("schema", id));
        }
        self.metadata.current_schema_id = id;
        self.definitions_set = true;
        Ok(())
    }

    pub(super) fn remove_schemas(&mut self, ids: &[SchemaId]) -> Result<(), MetadataError> {
        let current = self.metadata.current_schema_id;
        if ids.contains(&current) {
            return Err(refused("RemoveSchemas", "the current schema cannot be removed", current));
        }
        let ids: HashSet<&SchemaId> = ids.iter().collect();
        self.metadata.schemas.retain(|schema| !ids.contains(&schema.id()));
        Ok(())
    }

    pub(super) fn add_partition_spec(&mut self, spec: &PartitionSpec) -> Result<(), SpecError> {
        const NAME: &str = "AddPartitionSpec";
        spec.check_writable()?;
        spec.check(self.newest_schema())?;
        let metadata = &mut self.metadata;
        if let Some(equal) = metadata.partition_specs.iter().find(|other| other.is_equivalent(spec)) {
            // Whatever the field ids given: files are written with those of the spec that is there.
            self.last_added_spec = Some(equal.id);
            return Ok(());
        }
        if metadata.format_version == FormatVersion::V1 {
            spec.check_sequential()?;
        }
        // An id keeps its meaning over all specs: tuples of several specs are read as one struct.
        let by_id: HashMap<FieldId, &PartitionField> =
            spec.fields.iter().map(|field| (field.field_id, field)).collect();
        for other in metadata.partition_specs.iter().flat_map(|spec| &spec.fields) {
            let Some(field) = by_id.get(&other.field_id) else { continue };
            let void = [&other.transform, &field.transform].contains(&&Transform::Void);
            if other.source_ids != field.source_ids || !(void || other.transform == field.transform) {
                let found = format!("{} for {:?}", field.field_id, field.name);
                return Err(refused(NAME, "the field id has another meaning in an older spec", found).into());
            }
        }
        let highest = metadata.partition_specs.iter().map(|spec| spec.id.0).max();
        let id = PartitionSpecId(after(highest, 0, NAME)?);
        metadata.last_partition_id = metadata.last_partition_id.max(spec.highest_field_id());
        metadata.partition_specs.push(Arc::new(PartitionSpec { id, ..spec.clone() }));
        self.last_added_spec = Some(id);
        Ok(())
    }

    pub(super) fn set_default_spec(&mut self, id: PartitionSpecId) -> Result<(), MetadataError> {
        let id = resolve(id, self.last_added_spec, PartitionSpecId(LAST_ADDED), "partition spec")?;
        if self.metadata.partition_spec(id).is_none() {
            return Err(not_found("partition spec", id));
        }
        self.metadata.default_spec_id = id;
        self.definitions_set = true;
        Ok(())
    }

    pub(super) fn remove_partition_specs(&mut self, ids: &[PartitionSpecId]) -> Result<(), MetadataError> {
        let default = self.metadata.default_spec_id;
        if ids.contains(&default) {
            return Err(refused("RemovePartitionSpecs", "the default spec cannot be removed", default));
        }
        let ids: HashSet<&PartitionSpecId> = ids.iter().collect();
        self.metadata.partition_specs.retain(|spec| !ids.contains(&spec.id));
        Ok(())
    }

    pub(super) fn add_sort_order(&mut self, order: &SortOrder) -> Result<(), SpecError> {
        const NAME: &str = "AddSortOrder";
        order.check_writable()?;
        order.check_fields(self.newest_schema())?;
        let orders = &mut self.metadata.sort_orders;
        let id = match orders.iter().find(|other| other.is_equivalent(order)) {
            Some(equal) => equal.id,
            // Id 0 is the unsorted order and nothing else.
            None if order.fields.is_empty() => SortOrderId(0),
            None => SortOrderId(after(orders.iter().map(|order| order.id.0).max(), 1, NAME)?),
        };
        if orders.iter().all(|other| other.id != id) {
            orders.push(Arc::new(SortOrder { id, ..order.clone() }));
        }
        self.last_added_order = Some(id);
        Ok(())
    }

    pub(super) fn set_default_order(&mut self, id: SortOrderId) -> Result<(), MetadataError> {
        let id = resolve(id, self.last_added_order, SortOrderId(LAST_ADDED), "sort order")?;
        if self.metadata.sort_order(id).is_none() {
            return Err(not_found("sort order", id));
        }
        self.metadata.default_sort_order_id = id;
        self.definitions_set = true;
        Ok(())
    }
}

impl Draft {
    /// The schema that specs and orders added now are meant for.
    fn newest_schema(&self) -> &Schema {
        let added = self.last_added_schema.and_then(|id| self.metadata.schema(id));
        added.unwrap_or_else(|| self.metadata.current_schema())
    }
}

impl TableMetadata {
    /// Default spec and default order must make sense with the current schema, once all updates are in. Names are not
    /// looked at again: a column may take a name that a partition field has had for long.
    pub(in crate::metadata) fn check_sources(&self) -> Result<(), PartitionError> {
        let schema = self.current_schema();
        for field in &self.default_partition_spec().fields {
            // Void has no use for its source.
            if let (true, Some(source_id)) = (field.transform != Transform::Void, field.source_id()) {
                let name = format!("partition field {:?}", field.name);
                check_source(&name, source_id, &field.transform, schema)?;
            }
        }
        self.default_sort_order().check_fields(schema)
    }
}

/// The id after the highest one, and at least the first: ids below could be taken for [`LAST_ADDED`].
fn after(highest: Option<i32>, first: i32, update: &'static str) -> Result<i32, MetadataError> {
    let Some(highest) = highest else { return Ok(first) };
    let next = highest.checked_add(1).ok_or_else(|| refused(update, "no ids are left", highest))?;
    Ok(next.max(first))
}

fn resolve<T: PartialEq>(
    id: T,
    last_added: Option<T>,
    marker: T,
    what: &'static str,
) -> Result<T, MetadataError> {
    if id != marker {
        return Ok(id);
    }
    last_added.ok_or_else(|| not_found(what, "added before in this list of updates"))
}
