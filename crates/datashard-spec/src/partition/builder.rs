//! Building the spec of a new table.

use super::check::is_redundant;
use super::{FIRST_FIELD_ID, PartitionError, PartitionField, PartitionSpec};
use crate::id::{FieldId, PartitionSpecId};
use crate::schema::Schema;
use crate::transform::Transform;

/// Builds the partition spec of a new table, field by field. Columns are given by full name.
///
/// # Examples
/// ```
/// use datashard_spec::partition::PartitionSpec;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![
///     NestedField::required(1, "id", PrimitiveType::Long),
///     NestedField::required(2, "ts", PrimitiveType::Timestamptz),
/// ])?;
/// let spec = PartitionSpec::builder(&schema).day("ts").bucket("id", 16).build()?;
/// assert_eq!(spec.fields[0].name, "ts_day");
/// assert_eq!(spec.fields[1].name, "id_bucket");
/// assert_eq!(spec.fields[1].field_id.0, 1001);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PartitionSpecBuilder<'a> {
    schema: &'a Schema,
    id: PartitionSpecId,
    fields: Vec<Wanted>,
}

#[derive(Debug, Clone)]
struct Wanted {
    source: String,
    transform: Transform,
    name: Option<String>,
}

impl PartitionSpec {
    /// Starts the spec of a new table with this schema, with id 0.
    pub fn builder(schema: &Schema) -> PartitionSpecBuilder<'_> {
        PartitionSpecBuilder { schema, id: PartitionSpecId(0), fields: Vec::new() }
    }
}

impl PartitionSpecBuilder<'_> {
    /// With this id.
    pub fn with_spec_id(mut self, id: PartitionSpecId) -> Self {
        self.id = id;
        self
    }

    /// By the value itself. The field is named like the column.
    pub fn identity(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Identity, None)
    }

    /// By hash into this many buckets: `<source>_bucket`.
    pub fn bucket(self, source: impl Into<String>, buckets: u32) -> Self {
        self.push(source.into(), Transform::Bucket(buckets), None)
    }

    /// By the value cut to a width: `<source>_trunc`.
    pub fn truncate(self, source: impl Into<String>, width: u32) -> Self {
        self.push(source.into(), Transform::Truncate(width), None)
    }

    /// By year: `<source>_year`.
    pub fn year(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Year, None)
    }

    /// By month: `<source>_month`.
    pub fn month(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Month, None)
    }

    /// By day: `<source>_day`.
    pub fn day(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Day, None)
    }

    /// By hour: `<source>_hour`.
    pub fn hour(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Hour, None)
    }

    /// Always null: `<source>_null`.
    pub fn void(self, source: impl Into<String>) -> Self {
        self.push(source.into(), Transform::Void, None)
    }

    /// By any transform, under a name of one's own.
    pub fn field(self, name: impl Into<String>, source: impl Into<String>, transform: Transform) -> Self {
        self.push(source.into(), transform, Some(name.into()))
    }

    fn push(mut self, source: String, transform: Transform, name: Option<String>) -> Self {
        self.fields.push(Wanted { source, transform, name });
        self
    }

    /// The spec, with field ids from 1000 on.
    ///
    /// # Errors
    /// `NotFound` if there is no such column; `Unsupported` for an unknown transform; `InvalidInput` if two fields of one
    /// column are redundant, or as [`PartitionSpec::check`].
    pub fn build(self) -> Result<PartitionSpec, PartitionError> {
        let mut fields: Vec<PartitionField> = Vec::with_capacity(self.fields.len());
        let mut field_id = FIRST_FIELD_ID;
        for wanted in self.fields {
            let Some(source) = self.schema.field_by_name(&wanted.source) else {
                return Err(PartitionError::ColumnNotFound { name: wanted.source });
            };
            let name = wanted.name.unwrap_or_else(|| default_name(source.full_name, &wanted.transform));
            let redundant = |there: &&PartitionField| {
                there.source_id() == Some(source.id) && is_redundant(&there.transform, &wanted.transform)
            };
            if let Some(other) = fields.iter().find(redundant) {
                return Err(PartitionError::Redundant { field: name, other: other.name.clone() });
            }
            fields.push(PartitionField::new(source.id, field_id, name, wanted.transform));
            field_id = next_field_id(field_id)?;
        }
        let spec = PartitionSpec::new(self.id, fields);
        spec.check_writable()?;
        spec.check(self.schema)?;
        Ok(spec)
    }
}

pub(super) fn next_field_id(id: FieldId) -> Result<FieldId, PartitionError> {
    id.0.checked_add(1).map(FieldId).ok_or(PartitionError::IdsExhausted { what: "partition field" })
}

/// The name that a builder gives: without the parameter of the transform, unlike the name that evolution gives.
fn default_name(source: &str, transform: &Transform) -> String {
    match transform {
        Transform::Bucket(_) => format!("{source}_bucket"),
        Transform::Truncate(_) => format!("{source}_trunc"),
        other => super::evolution::default_name(source, other),
    }
}
