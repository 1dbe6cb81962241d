//! Updates of schemas, partition specs and sort orders.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Draft, LAST_ADDED, refused};
use crate::id::{FieldId, PartitionSpecId, SchemaId, SortOrderId};
use crate::metadata::history::not_found;
use crate::metadata::{FormatVersion, MetadataError, TableMetadata};
use crate::partition::{PartitionField, PartitionSpec};
use crate::schema::{PrimitiveType, Schema, Type};
use crate::sort_order::{SortField, SortOrder};
use crate::transform::Transform;

impl Draft {
    pub(super) fn add_schema(&mut self, schema: &Schema) -> Result<(), MetadataError> {
        let metadata = &mut self.metadata;
        check_schema_version(schema, metadata.format_version)?;
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
        self.metadata.schemas.retain(|schema| !ids.contains(&schema.id()));
        Ok(())
    }

    pub(super) fn add_partition_spec(&mut self, spec: &PartitionSpec) -> Result<(), MetadataError> {
        const NAME: &str = "AddPartitionSpec";
        let metadata = &mut self.metadata;
        check_partition_fields(&spec.fields)?;
        for field in &spec.fields {
            // An id keeps its meaning over all specs: tuples of several specs are read as one struct.
            let same_id = |other: &&PartitionField| other.field_id == field.field_id;
            let known = metadata.partition_specs.iter().flat_map(|spec| &spec.fields).filter(same_id);
            let same_meaning = |other: &PartitionField| {
                let void = [&other.transform, &field.transform].contains(&&Transform::Void);
                other.source_ids == field.source_ids && (void || other.transform == field.transform)
            };
            if !known.into_iter().all(same_meaning) {
                let found = format!("{} for {:?}", field.field_id, field.name);
                return Err(refused(NAME, "the field id has another meaning in an older spec", found));
            }
        }
        let same = |other: &&Arc<PartitionSpec>| {
            let pairs = || other.fields.iter().zip(&spec.fields);
            other.fields.len() == spec.fields.len()
                && pairs().all(|(a, b)| {
                    (&a.source_ids, &a.transform, &a.name) == (&b.source_ids, &b.transform, &b.name)
                })
        };
        let id = match metadata.partition_specs.iter().find(same) {
            Some(equal) => equal.id,
            None => {
                let highest = metadata.partition_specs.iter().map(|spec| spec.id.0).max();
                let id = PartitionSpecId(after(highest, 0, NAME)?);
                let highest_field = spec.fields.iter().map(|field| field.field_id).max();
                metadata.last_partition_id =
                    highest_field.max(Some(metadata.last_partition_id)).unwrap_or(metadata.last_partition_id);
                metadata.partition_specs.push(Arc::new(PartitionSpec { id, ..spec.clone() }));
                id
            }
        };
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
        self.metadata.partition_specs.retain(|spec| !ids.contains(&spec.id));
        Ok(())
    }

    pub(super) fn add_sort_order(&mut self, order: &SortOrder) -> Result<(), MetadataError> {
        const NAME: &str = "AddSortOrder";
        let orders = &mut self.metadata.sort_orders;
        check_sort_fields(&order.fields)?;
        let id = match orders.iter().find(|other| other.fields == order.fields) {
            Some(equal) => equal.id,
            // Id 0 is the unsorted order and nothing else.
            None if order.fields.is_empty() => SortOrderId(0),
            None => SortOrderId(after(orders.iter().map(|order| order.id.0).max(), 1, NAME)?.max(1)),
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

impl TableMetadata {
    /// Default spec and default order must make sense with the current schema, once all updates are in.
    pub(in crate::metadata) fn check_sources(&self) -> Result<(), MetadataError> {
        let schema = self.current_schema();
        let spec = self.default_partition_spec().fields.iter().map(|f| (&f.source_ids, &f.transform));
        let order = self.default_sort_order().fields.iter().map(|f| (&f.source_ids, &f.transform));
        for (sources, transform) in spec.chain(order) {
            // Void has no use for its source, and an unknown transform may name what we do not understand.
            if matches!(transform, Transform::Void | Transform::Unknown(_)) {
                continue;
            }
            let missing = |id: &&FieldId| {
                let field = schema.field_by_id(**id);
                !field.is_some_and(|field| matches!(field.field_type, Type::Primitive(_) | Type::Variant))
            };
            if let Some(id) = sources.iter().find(missing) {
                let reason =
                    "a column that the default partition spec or sort order needs is not in the schema";
                return Err(refused("SetCurrentSchema", reason, format!("field {id}")));
            }
        }
        Ok(())
    }
}

/// The id after the highest one.
fn after(highest: Option<i32>, first: i32, update: &'static str) -> Result<i32, MetadataError> {
    let Some(highest) = highest else { return Ok(first) };
    highest.checked_add(1).ok_or_else(|| refused(update, "no ids are left", highest))
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

/// Refuses types and defaults that the format version does not have.
pub(in crate::metadata) fn check_schema_version(
    schema: &Schema,
    format_version: FormatVersion,
) -> Result<(), MetadataError> {
    if format_version >= FormatVersion::V3 {
        return Ok(());
    }
    for field in schema.all_fields() {
        let newer = matches!(
            field.field_type,
            Type::Variant
                | Type::Primitive(
                    PrimitiveType::TimestampNs
                        | PrimitiveType::TimestamptzNs
                        | PrimitiveType::Unknown
                        | PrimitiveType::Geometry(_)
                        | PrimitiveType::Geography(..)
                )
        );
        let has_default = field.field.is_some_and(|field| field.initial_default.is_some());
        if newer || has_default {
            let reason =
                if newer { "the type needs format version 3" } else { "defaults need format version 3" };
            let found = format!("{} {}", field.full_name, field.field_type);
            return Err(refused("AddSchema", reason, found));
        }
    }
    Ok(())
}

/// The rules of partition fields among themselves.
pub(in crate::metadata) fn check_partition_fields(fields: &[PartitionField]) -> Result<(), MetadataError> {
    const NAME: &str = "AddPartitionSpec";
    let (mut names, mut ids) = (HashSet::new(), HashSet::new());
    for field in fields {
        if matches!(field.transform, Transform::Unknown(_)) {
            return Err(refused(NAME, "a transform that is not known cannot be written with", &field.name));
        }
        if !names.insert(&field.name) || !ids.insert(field.field_id) {
            return Err(refused(NAME, "two fields have one name or one id", &field.name));
        }
    }
    Ok(())
}

/// The rules of sort fields by themselves.
pub(in crate::metadata) fn check_sort_fields(fields: &[SortField]) -> Result<(), MetadataError> {
    for field in fields {
        if let Transform::Unknown(text) = &field.transform {
            return Err(refused(
                "AddSortOrder",
                "a transform that is not known cannot be written with",
                text,
            ));
        }
    }
    Ok(())
}
