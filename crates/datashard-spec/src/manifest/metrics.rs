//! A data file as pruning sees it.

use super::DataFile;
use crate::expr::ColumnMetrics;
use crate::id::FieldId;

impl ColumnMetrics for DataFile {
    fn record_count(&self) -> Option<i64> {
        Some(self.record_count)
    }

    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.value_counts.get(id)
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.null_value_counts.get(id)
    }

    fn nan_count(&self, id: FieldId) -> Option<i64> {
        self.nan_value_counts.get(id)
    }

    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.lower_bounds.get(id)
    }

    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.upper_bounds.get(id)
    }
}
