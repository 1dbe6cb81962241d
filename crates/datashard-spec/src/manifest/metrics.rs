//! A data file as pruning sees it.

use super::DataFile;
use crate::expr::ColumnMetrics;
use crate::id::FieldId;

/// A count, unless it is negative: writers have put -1 where they did not count.
pub(crate) fn known(count: i64) -> Option<i64> {
    (count >= 0).then_some(count)
}

impl ColumnMetrics for DataFile {
    fn record_count(&self) -> Option<i64> {
        known(self.record_count)
    }

    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.value_counts.get(id).and_then(known)
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.null_value_counts.get(id).and_then(known)
    }

    fn nan_count(&self, id: FieldId) -> Option<i64> {
        self.nan_value_counts.get(id).and_then(known)
    }

    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.lower_bounds.get(id)
    }

    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.upper_bounds.get(id)
    }
}
