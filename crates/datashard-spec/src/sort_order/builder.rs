//! Building a sort order.

use super::{NullOrder, SortDirection, SortField, SortOrder};
use crate::id::SortOrderId;
use crate::partition::PartitionError;
use crate::schema::Schema;
use crate::transform::Transform;

/// Builds a sort order, field by field, the most significant first. Columns are given by full name.
///
/// # Examples
/// ```
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::sort_order::{NullOrder, SortOrder};
///
/// let schema = Schema::new(vec![
///     NestedField::required(1, "id", PrimitiveType::Long),
///     NestedField::required(2, "ts", PrimitiveType::Timestamptz),
/// ])?;
/// let order = SortOrder::builder(&schema).desc("ts", NullOrder::Last).asc("id", NullOrder::First).build()?;
/// assert_eq!(order.id.0, 1);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SortOrderBuilder<'a> {
    schema: &'a Schema,
    id: Option<SortOrderId>,
    fields: Vec<Wanted>,
}

#[derive(Debug, Clone)]
struct Wanted {
    source: String,
    transform: Transform,
    direction: SortDirection,
    null_order: NullOrder,
}

impl SortOrder {
    /// Starts an order of a table with this schema.
    pub fn builder(schema: &Schema) -> SortOrderBuilder<'_> {
        SortOrderBuilder { schema, id: None, fields: Vec::new() }
    }
}

impl SortOrderBuilder<'_> {
    /// With this id; by default 1, and 0 without fields.
    pub fn with_order_id(mut self, id: SortOrderId) -> Self {
        self.id = Some(id);
        self
    }

    /// Then by this column, smallest first.
    pub fn asc(self, source: impl Into<String>, null_order: NullOrder) -> Self {
        self.field(source, Transform::Identity, SortDirection::Ascending, null_order)
    }

    /// Then by this column, greatest first.
    pub fn desc(self, source: impl Into<String>, null_order: NullOrder) -> Self {
        self.field(source, Transform::Identity, SortDirection::Descending, null_order)
    }

    /// Then by a transform of this column.
    pub fn field(
        mut self,
        source: impl Into<String>,
        transform: Transform,
        direction: SortDirection,
        null_order: NullOrder,
    ) -> Self {
        self.fields.push(Wanted { source: source.into(), transform, direction, null_order });
        self
    }

    /// The order.
    ///
    /// # Errors
    /// `NotFound` if there is no such column; `Unsupported` for an unknown transform; `InvalidInput` as
    /// [`SortOrder::check`].
    pub fn build(self) -> Result<SortOrder, PartitionError> {
        let mut fields = Vec::with_capacity(self.fields.len());
        for (position, wanted) in self.fields.into_iter().enumerate() {
            let Some(source) = self.schema.field_by_name(&wanted.source) else {
                return Err(PartitionError::ColumnNotFound { name: wanted.source });
            };
            if matches!(wanted.transform, Transform::Unknown(_)) {
                let (field, transform) = (format!("sort field {position}"), wanted.transform.to_string());
                return Err(PartitionError::NotWritable { field, transform });
            }
            fields.push(SortField::new(source.id, wanted.transform, wanted.direction, wanted.null_order));
        }
        let default_id = SortOrderId(if fields.is_empty() { 0 } else { 1 });
        let order = SortOrder::new(self.id.unwrap_or(default_id), fields);
        order.check(self.schema)?;
        Ok(order)
    }
}
