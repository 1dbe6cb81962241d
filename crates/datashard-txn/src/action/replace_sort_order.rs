//! [`ReplaceSortOrder`]: says how rows are to be ordered within data files from now on.

use datashard_spec::SpecError;
use datashard_spec::id::SortOrderId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::sort_order::{NullOrder, SortDirection, SortOrder};
use datashard_spec::transform::Transform;

use super::metadata_change::{changed, of_error};
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "replace sort order";

/// Says how rows are to be ordered within data files from now on; without fields, that they are not. Files that are there stay as they are.
///
/// Columns are found by name in the schema that the table has when it is committed. Of two who replace the order, the last one committed
/// stands.
///
/// # Examples
/// ```
/// use datashard_spec::sort_order::NullOrder;
/// use datashard_txn::action::ReplaceSortOrder;
///
/// let order = ReplaceSortOrder::new().desc("ts", NullOrder::Last).asc("id", NullOrder::First);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ReplaceSortOrder {
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    source: String,
    transform: Transform,
    direction: SortDirection,
    null_order: NullOrder,
}

impl ReplaceSortOrder {
    /// No order, unless fields are added.
    pub fn new() -> Self {
        Self::default()
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
        self.fields.push(Field { source: source.into(), transform, direction, null_order });
        self
    }
}

impl Operation for ReplaceSortOrder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{:?}", self.fields).into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let order = self
            .fields
            .iter()
            .cloned()
            .fold(SortOrder::builder(base.metadata.current_schema()), |order, field| {
                order.field(field.source, field.transform, field.direction, field.null_order)
            });
        let order = order.build().map_err(|e| of_error(NAME, base, inputs, &SpecError::from(e)))?;
        let updates = vec![
            TableUpdate::AddSortOrder { order },
            TableUpdate::SetDefaultSortOrder { sort_order_id: SortOrderId::LAST_ADDED },
        ];
        changed(NAME, base, inputs, updates)
    }
}

#[cfg(test)]
mod tests;
