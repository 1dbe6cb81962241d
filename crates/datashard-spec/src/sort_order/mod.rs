//! Sort orders: how rows are ordered within data files.

mod builder;
pub(crate) mod json;
#[cfg(test)]
mod tests;

pub use builder::SortOrderBuilder;

use crate::id::{FieldId, SortOrderId};
use crate::json::UnknownKeys;
use crate::partition::{PartitionError, check_source};
use crate::schema::Schema;
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

impl SortOrder {
    /// An order of these fields. Nothing is checked here.
    pub fn new(id: SortOrderId, fields: Vec<SortField>) -> Self {
        Self { id, fields, unknown_keys: UnknownKeys::default() }
    }

    /// The order 0, without fields.
    pub fn unsorted() -> Self {
        Self::new(SortOrderId(0), Vec::new())
    }

    /// Whether there are no fields.
    pub fn is_unsorted(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether rows can be ordered by it: every transform is known and has one source column.
    pub fn is_writable(&self) -> bool {
        self.check_writable().is_ok()
    }

    pub(crate) fn check_writable(&self) -> Result<(), PartitionError> {
        let unknown = |field: &SortField| {
            matches!(field.transform, Transform::Unknown(_)) || field.source_id().is_none()
        };
        match self.fields.iter().enumerate().find(|(_, field)| unknown(field)) {
            None => Ok(()),
            Some((position, field)) => Err(PartitionError::NotWritable {
                field: format!("sort field {position}"),
                transform: field.transform.to_string(),
            }),
        }
    }

    /// Checks the order against the schema of the table.
    ///
    /// Transforms that are unknown or have several sources pass unseen; [`is_writable`](Self::is_writable) tells them.
    ///
    /// # Errors
    /// `InvalidInput` if order 0 has fields or another one has none, or if a source column does not exist, is not
    /// primitive, lies in a list or map, or has a type that the transform does not take.
    ///
    /// # Spec
    /// "Sorting".
    pub fn check(&self, schema: &Schema) -> Result<(), PartitionError> {
        if self.is_unsorted() != (self.id == SortOrderId(0)) {
            return Err(PartitionError::SortOrderIdMismatch { id: self.id, fields: self.fields.len() });
        }
        self.check_fields(schema)
    }

    /// Checks the sources of the fields, whatever the id of the order.
    pub(crate) fn check_fields(&self, schema: &Schema) -> Result<(), PartitionError> {
        for (position, field) in self.fields.iter().enumerate() {
            if let Some(source_id) = field.source_id() {
                check_source(&format!("sort field {position}"), source_id, &field.transform, schema)?;
            }
        }
        Ok(())
    }

    /// Whether both order rows alike, whatever their ids.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|(a, b)| a.is_equivalent(b))
    }

    /// Whether rows in this order are in the other order too: its fields begin this order's.
    ///
    /// The last of them may be coarser than ours: order by hour is order by day. An earlier one may not, since rows of
    /// one day are then not ordered by what follows.
    pub fn satisfies(&self, other: &Self) -> bool {
        let Some((last, before)) = other.fields.split_last() else { return true };
        let Some(ours) = self.fields.get(before.len()) else { return false };
        self.fields.iter().zip(before).all(|(a, b)| a.is_equivalent(b)) && ours.satisfies(last)
    }
}

impl SortField {
    /// A field with one source column.
    pub fn new(
        source_id: FieldId,
        transform: Transform,
        direction: SortDirection,
        null_order: NullOrder,
    ) -> Self {
        let unknown_keys = UnknownKeys::default();
        Self { source_ids: vec![source_id], transform, direction, null_order, unknown_keys }
    }

    /// The source column, if there is exactly one.
    pub fn source_id(&self) -> Option<FieldId> {
        match self.source_ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    fn is_equivalent(&self, other: &Self) -> bool {
        self.transform == other.transform && self.same_but_transform(other)
    }

    fn same_but_transform(&self, other: &Self) -> bool {
        self.source_ids == other.source_ids
            && self.direction == other.direction
            && self.null_order == other.null_order
    }

    fn satisfies(&self, other: &Self) -> bool {
        // Coarser truncations are left out: whether one width refines another depends on the type.
        let refines = match (&self.transform, &other.transform) {
            (a, b) if a == b => true,
            (Transform::Identity, coarse) => preserves_order(coarse),
            (Transform::Hour, Transform::Day | Transform::Month | Transform::Year)
            | (Transform::Day, Transform::Month | Transform::Year)
            | (Transform::Month, Transform::Year) => true,
            _ => false,
        };
        refines && self.same_but_transform(other)
    }
}

/// Whether values in order stay in order when transformed.
pub(crate) fn preserves_order(transform: &Transform) -> bool {
    match transform {
        Transform::Identity
        | Transform::Truncate(_)
        | Transform::Year
        | Transform::Month
        | Transform::Day
        | Transform::Hour => true,
        Transform::Bucket(_) | Transform::Void | Transform::Unknown(_) => false,
    }
}

impl SortDirection {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

impl NullOrder {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "nulls-first",
            Self::Last => "nulls-last",
        }
    }
}
