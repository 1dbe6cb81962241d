//! Types of partition tuples: of one spec, and of all specs of a table at once.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};

use super::{PartitionError, PartitionField, PartitionSpec};
use crate::id::FieldId;
use crate::metadata::FormatVersion;
use crate::schema::{NestedField, PrimitiveType, Schema, SchemaError, StructType, Type};
use crate::transform::Transform;
use crate::value::Value;

impl PartitionSpec {
    /// The type of this spec's partition tuples: one optional field per partition field, with its id and name.
    ///
    /// Tuples compare by `==` of their values: floats by bit pattern, with all NaNs equal. Where a source column is gone,
    /// or its type is not one that the transform takes, the field has type `unknown`; so nothing here stops a reader.
    ///
    /// The tuples of a manifest have the type by the spec *and schema of its own header*, not by those of the table now.
    ///
    /// # Spec
    /// "Manifests", partition data.
    pub fn partition_type(&self, schema: &Schema) -> StructType {
        StructType::new(self.fields.iter().map(|field| nested_field(field, schema)).collect())
    }
}

fn nested_field(field: &PartitionField, schema: &Schema) -> NestedField {
    let result = match (&field.transform, field.source_id()) {
        (Transform::Unknown(_), _) => Some(PrimitiveType::String.into()),
        (transform, Some(source_id)) => {
            schema.field_by_id(source_id).and_then(|source| transform.result_type(source.field_type))
        }
        (_, None) => None,
    };
    NestedField::optional(field.field_id.0, field.name.clone(), result.unwrap_or(UNKNOWN))
}

const UNKNOWN: Type = Type::Primitive(PrimitiveType::Unknown);

/// The union of the fields of all specs, by ascending field id: the type of the column `_partition` and of partition
/// statistics.
///
/// A field has the name of the newest spec that has it. Where that leaves two fields with one name, the one of the newest
/// spec keeps it and the other is named `<name>_<field id>`. A field that a v1 spec made `void` has its type of before.
///
/// # Errors
/// `InvalidData` if one field id means different columns or transforms, which v1 tables can bring about.
///
/// # Spec
/// "Partition Evolution".
pub fn unified_partition_type<S: Borrow<PartitionSpec>>(
    specs: &[S],
    schema: &Schema,
) -> Result<StructType, PartitionError> {
    let mut newest_first: Vec<&PartitionSpec> = specs.iter().map(Borrow::borrow).collect();
    newest_first.sort_by_key(|spec| std::cmp::Reverse(spec.id));

    let mut merged: BTreeMap<FieldId, (&PartitionField, NestedField)> = BTreeMap::new();
    let mut names: HashSet<String> = HashSet::new();
    for field in newest_first.iter().flat_map(|spec| &spec.fields) {
        let mut typed = nested_field(field, schema);
        match merged.get_mut(&field.field_id) {
            None => {
                while names.contains(&typed.name) {
                    typed.name = format!("{}_{}", typed.name, field.field_id);
                }
                names.insert(typed.name.clone());
                merged.insert(field.field_id, (field, typed));
            }
            Some((there, merged_type)) => {
                check_same_meaning(there, field)?;
                if there.transform == Transform::Void && field.transform != Transform::Void {
                    *there = field;
                    merged_type.field_type = typed.field_type;
                }
            }
        }
    }
    Ok(StructType::new(merged.into_values().map(|(_, typed)| typed).collect()))
}

fn check_same_meaning(a: &PartitionField, b: &PartitionField) -> Result<(), PartitionError> {
    let void = a.transform == Transform::Void || b.transform == Transform::Void;
    if a.source_ids == b.source_ids && (void || a.transform == b.transform) {
        return Ok(());
    }
    let text = |field: &PartitionField| {
        let sources: Vec<String> = field.source_ids.iter().map(FieldId::to_string).collect();
        format!("{}({})", field.transform, sources.join(", "))
    };
    Err(PartitionError::ConflictingFields { id: a.field_id, first: text(a), second: text(b) })
}

/// The schema of a partition statistics file, for a [unified partition type](unified_partition_type).
///
/// In v3 the count of deletion vectors has initial default 0, so that files written before the upgrade can be read.
///
/// # Errors
/// `InvalidInput` if ids or names of the partition type collide with each other or with those of the statistics.
///
/// # Spec
/// "Partition Statistics File".
pub fn partition_statistics_schema(
    unified_type: StructType,
    version: FormatVersion,
) -> Result<Schema, SchemaError> {
    use PrimitiveType::{Int, Long};
    let v3 = version >= FormatVersion::V3;
    let counted = |id, name, counted: PrimitiveType| {
        if v3 { NestedField::required(id, name, counted) } else { NestedField::optional(id, name, counted) }
    };
    let mut fields = vec![
        NestedField::required(1, "partition", unified_type),
        NestedField::required(2, "spec_id", Int),
        NestedField::required(3, "data_record_count", Long),
        NestedField::required(4, "data_file_count", Int),
        NestedField::required(5, "total_data_file_size_in_bytes", Long),
        counted(6, "position_delete_record_count", Long),
        counted(7, "position_delete_file_count", Int),
    ];
    if v3 {
        fields.push(
            NestedField::required(13, "dv_count", Int)
                .with_initial_default(Value::Int(0))
                .with_write_default(Value::Int(0)),
        );
    }
    fields.extend([
        counted(8, "equality_delete_record_count", Long),
        counted(9, "equality_delete_file_count", Int),
        NestedField::optional(10, "total_record_count", Long),
        NestedField::optional(11, "last_updated_at", Long),
        NestedField::optional(12, "last_updated_snapshot_id", Long),
    ]);
    Schema::new(fields)
}
