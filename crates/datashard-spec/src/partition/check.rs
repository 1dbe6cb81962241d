//! What makes a spec fit a schema: names, ids, sources and transforms.
//!
//! Reading asks for less than writing: a spec of a newer writer, or one whose source column was dropped, must not stop a
//! reader. So nothing is checked when a spec is parsed; [`PartitionSpec::check`] is for specs to be written with.

use std::collections::{HashMap, HashSet};

use super::builder::next_field_id;
use super::{FIRST_FIELD_ID, PartitionError, PartitionField, PartitionSpec};
use crate::id::FieldId;
use crate::schema::{Schema, Type};
use crate::transform::Transform;

impl PartitionSpec {
    /// Checks the spec against the schema that it is to partition.
    ///
    /// Transforms that are unknown or have several sources pass unseen; [`is_writable`](Self::is_writable) tells them.
    ///
    /// # Errors
    /// `InvalidInput` if
    /// - a name is empty, used twice, or that of a column other than the source of an `identity` or `void`;
    /// - a field id is used twice;
    /// - a source column does not exist, is not primitive, lies in a list or map, or has a type that the transform does
    ///   not take (a `void` field may have lost its source).
    ///
    /// # Spec
    /// "Partitioning".
    pub fn check(&self, schema: &Schema) -> Result<(), PartitionError> {
        self.fields.iter().try_for_each(|field| check_name(field, schema))?;
        self.check_for_writing(schema)
    }

    /// Checks that files can be written with a spec that a table has, as [`check`](Self::check) does, but for names: ClickHouse names a field
    /// like its source column whatever the transform is.
    ///
    /// # Errors
    /// `InvalidInput` as `check`, but not for a name that is that of a column.
    pub fn check_for_writing(&self, schema: &Schema) -> Result<(), PartitionError> {
        let mut names = HashSet::with_capacity(self.fields.len());
        let mut by_id = HashMap::with_capacity(self.fields.len());
        for field in &self.fields {
            if !names.insert(field.name.as_str()) {
                return Err(PartitionError::DuplicateName { name: field.name.clone() });
            }
            if let Some(earlier) = by_id.insert(field.field_id, field) {
                return Err(PartitionError::DuplicateFieldId {
                    id: field.field_id,
                    first: earlier.name.clone(),
                    second: field.name.clone(),
                });
            }
            if let (true, Some(source_id)) = (field.transform != Transform::Void, field.source_id()) {
                check_source(
                    &format!("partition field {:?}", field.name),
                    source_id,
                    &field.transform,
                    schema,
                )?;
            }
        }
        Ok(())
    }

    /// Whether files can be written with this spec: every transform is known and has one source column.
    pub fn is_writable(&self) -> bool {
        self.check_writable().is_ok()
    }

    /// v1 has no field ids: readers count them, so they must be 1000, 1001 and so on.
    pub(crate) fn check_sequential(&self) -> Result<(), PartitionError> {
        let mut expected = FIRST_FIELD_ID;
        for field in &self.fields {
            if field.field_id != expected {
                let (field, found) = (field.name.clone(), field.field_id);
                return Err(PartitionError::NotSequential { field, found, expected });
            }
            expected = next_field_id(expected)?;
        }
        Ok(())
    }

    pub(crate) fn check_writable(&self) -> Result<(), PartitionError> {
        let unknown = |field: &&PartitionField| {
            matches!(field.transform, Transform::Unknown(_)) || field.source_id().is_none()
        };
        match self.fields.iter().find(unknown) {
            None => Ok(()),
            Some(field) => Err(PartitionError::NotWritable {
                field: format!("partition field {:?}", field.name),
                transform: field.transform.to_string(),
            }),
        }
    }
}

fn check_name(field: &PartitionField, schema: &Schema) -> Result<(), PartitionError> {
    if field.name.is_empty() {
        return Err(PartitionError::EmptyName { id: field.field_id });
    }
    let Some(column) = schema.field_by_name(&field.name) else { return Ok(()) };
    let own = matches!(field.transform, Transform::Identity | Transform::Void)
        && field.source_id() == Some(column.id);
    if own || matches!(field.transform, Transform::Unknown(_)) {
        return Ok(());
    }
    Err(PartitionError::NameOfColumn { name: field.name.clone(), column: column.id })
}

/// Checks that a column can be the source of a partition or sort field. Unknown transforms pass.
pub(crate) fn check_source(
    field: &str,
    source_id: FieldId,
    transform: &Transform,
    schema: &Schema,
) -> Result<(), PartitionError> {
    check_parameter(transform)?;
    if matches!(transform, Transform::Unknown(_)) {
        return Ok(());
    }
    let Some(source) = schema.field_by_id(source_id) else {
        return Err(PartitionError::SourceNotFound { field: field.to_owned(), source_id });
    };
    let not_allowed = |reason| PartitionError::SourceNotAllowed {
        field: field.to_owned(),
        column: source.full_name.to_owned(),
        reason,
    };
    if source.field_type.as_primitive().is_none() {
        return Err(not_allowed("it is not a primitive"));
    }
    if schema.with_ancestors(source_id).skip(1).any(|part| !matches!(part.field_type, Type::Struct(_))) {
        return Err(not_allowed("it lies in a list or map"));
    }
    if transform.result_type(source.field_type).is_none() {
        return Err(PartitionError::TransformNotAllowed {
            field: field.to_owned(),
            transform: transform.to_string(),
            column: source.full_name.to_owned(),
            found: source.field_type.to_string(),
        });
    }
    Ok(())
}

fn check_parameter(transform: &Transform) -> Result<(), PartitionError> {
    match transform {
        Transform::Bucket(n) | Transform::Truncate(n) if *n == 0 || i32::try_from(*n).is_err() => {
            Err(PartitionError::TransformParameter { transform: transform.to_string() })
        }
        _ => Ok(()),
    }
}

/// Whether two transforms of one column are redundant: the same one, or both units of time.
pub(super) fn is_redundant(a: &Transform, b: &Transform) -> bool {
    a == b || (is_time(a) && is_time(b))
}

pub(super) fn is_time(transform: &Transform) -> bool {
    matches!(transform, Transform::Year | Transform::Month | Transform::Day | Transform::Hour)
}
