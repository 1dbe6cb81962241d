//! Sort orders: how rows are ordered within data files.

use crate::id::{FieldId, SortOrderId};
use crate::json::UnknownKeys;
use crate::transform::Transform;

/// How rows are ordered within data files.
///
/// # Spec
/// "Sorting".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SortOrder {
    /// Id of the order in its table; 0 is the unsorted order.
    pub id: SortOrderId,
    /// The sort fields, most significant first.
    pub fields: Vec<SortField>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A field of a sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SortField {
    /// Ids of the source columns: one, but for multi-argument transforms (v3).
    pub source_ids: Vec<FieldId>,
    /// What is compared.
    pub transform: Transform,
    /// Which way.
    pub direction: SortDirection,
    /// Where nulls go.
    pub null_order: NullOrder,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// Which way a sort field runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum SortDirection {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// Where nulls go in a sort field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum NullOrder {
    /// Before all values.
    First,
    /// After all values.
    Last,
}
