//! Row groups that cannot hold a match, by the statistics in the footer.

use std::collections::HashMap;

use datashard_spec::expr::{BoundPredicate, ColumnMetrics, InclusiveMetrics};
use datashard_spec::id::FieldId;
use parquet::basic::{ColumnOrder, Type as PhysicalType};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::bounds::{BoundColumn, End};
use super::columns::leaf_types;
use crate::arrow::project::Resolution;

/// A filter, ready for the row groups of one file.
#[derive(Debug)]
pub(super) struct Pruner {
    pub(super) filter: BoundPredicate,
    metrics: InclusiveMetrics,
    /// The columns of the filter that are in the file, outside of lists and maps.
    pub(super) columns: Vec<FilterColumn>,
}

/// A column that a filter tests.
#[derive(Debug)]
pub(super) struct FilterColumn {
    pub(super) id: FieldId,
    pub(super) leaf: usize,
    pub(super) bounds: BoundColumn,
    /// Whether the file says how the values are ordered: without, bounds of bytes mean nothing.
    pub(super) is_ordered: bool,
}

/// What is known of some rows.
#[derive(Debug, Default)]
pub(super) struct Known {
    rows: i64,
    columns: HashMap<FieldId, KnownColumn>,
}

#[derive(Debug, Default)]
pub(super) struct KnownColumn {
    pub(super) nulls: Option<i64>,
    pub(super) lower: Option<Vec<u8>>,
    pub(super) upper: Option<Vec<u8>>,
}

impl Pruner {
    /// For a file whose columns were found by `resolution`, with fields in Arrow as the decoder gives them.
    pub(super) fn new(
        filter: BoundPredicate,
        resolution: &Resolution,
        metadata: &ParquetMetaData,
        fields: &arrow::datatypes::Fields,
    ) -> Self {
        let types = leaf_types(fields);
        let schema = metadata.file_metadata().schema_descr();
        let mut columns = Vec::new();
        for node in filter.nodes() {
            let datashard_spec::expr::Node::Leaf(leaf) = node else { continue };
            let id = leaf.term.field_id();
            let found = resolution
                .leaf(id)
                .and_then(|at| Some((at, types.get(at)?, leaf.term.source_type().as_primitive()?)));
            if let Some((at, stored, wanted)) = found
                && at < schema.num_columns()
                && columns.iter().all(|column: &FilterColumn| column.id != id)
            {
                let physical = schema.column(at).physical_type();
                let bounds = BoundColumn { physical, stored: stored.clone(), wanted: wanted.clone() };
                let is_ordered = metadata.file_metadata().column_order(at) != ColumnOrder::UNDEFINED;
                columns.push(FilterColumn { id, leaf: at, bounds, is_ordered });
            }
        }
        Self { metrics: InclusiveMetrics::new(&filter), filter, columns }
    }

    /// Whether a row group may hold a match.
    pub(super) fn may_match(&self, group: &RowGroupMetaData) -> bool {
        let columns = self.columns.iter().filter_map(|column| {
            let chunk = group.columns().get(column.leaf)?;
            Some((column.id, of_chunk(chunk.statistics()?, column)))
        });
        self.metrics.may_match(&Known { rows: group.num_rows(), columns: columns.collect() })
    }

    /// Whether rows of which this is known may hold a match.
    pub(super) fn may_match_known(&self, rows: u64, columns: HashMap<FieldId, KnownColumn>) -> bool {
        self.metrics.may_match(&Known { rows: i64::try_from(rows).unwrap_or(i64::MAX), columns })
    }
}

fn of_chunk(statistics: &Statistics, column: &FilterColumn) -> KnownColumn {
    let physical = column.bounds.physical;
    // The old fields compare bytes as signed, which is right for signed numbers only. The new ones mean nothing without an order.
    let is_ordered = is_signed_number(physical) || (!statistics.is_min_max_deprecated() && column.is_ordered);
    let bound = |bytes: Option<&[u8]>, end| {
        bytes.filter(|_| is_ordered).and_then(|bytes| column.bounds.bound(bytes, end))
    };
    let mut lower = bound(statistics.min_bytes_opt(), End::Lower);
    let mut upper = bound(statistics.max_bytes_opt(), End::Upper);
    // A NaN at one end says that the writer did not know how to treat NaN: the other end is as doubtful.
    if matches!(physical, PhysicalType::FLOAT | PhysicalType::DOUBLE) && (lower.is_none() || upper.is_none())
    {
        (lower, upper) = (None, None);
    }
    KnownColumn {
        nulls: statistics.null_count_opt().and_then(|count| i64::try_from(count).ok()),
        lower,
        upper,
    }
}

/// Whether values have an order that all writers agree on.
pub(super) fn is_signed_number(physical: PhysicalType) -> bool {
    matches!(
        physical,
        PhysicalType::BOOLEAN
            | PhysicalType::INT32
            | PhysicalType::INT64
            | PhysicalType::FLOAT
            | PhysicalType::DOUBLE
    )
}

impl ColumnMetrics for Known {
    fn record_count(&self) -> Option<i64> {
        Some(self.rows)
    }

    /// Columns outside of lists and maps have a value for each row.
    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.columns.contains_key(&id).then_some(self.rows)
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.columns.get(&id)?.nulls
    }

    fn nan_count(&self, _: FieldId) -> Option<i64> {
        None
    }

    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.columns.get(&id)?.lower.as_deref()
    }

    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.columns.get(&id)?.upper.as_deref()
    }
}
