//! Stripes and row groups that may be left out, by what their statistics say.

use std::collections::HashMap;
use std::ops::Range;

use datashard_spec::expr::{BoundPredicate, ColumnMetrics, InclusiveMetrics, Node};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{PrimitiveType, Type};
use orc_rust::proto::stream::Kind as StreamKind;
use orc_rust::proto::{ColumnStatistics, RowIndex};
use prost::Message;

use super::fault::Fault;
use super::statistics::{self, Metrics};
use super::stripe::OpenStripe;
use super::tail::Tail;
use super::types::Kind;

/// Deleted rows are decoded where fewer than these lie side by side.
const MIN_GAP_ROWS: u64 = 256;

/// A filter, with the columns of the file whose statistics it can use.
#[derive(Debug)]
pub(super) struct Pruner {
    filter: InclusiveMetrics,
    tested: Vec<Tested>,
}

#[derive(Debug)]
struct Tested {
    id: FieldId,
    index: u32,
    kind: Kind,
    to: PrimitiveType,
}

impl Pruner {
    /// Columns within lists and maps are not looked at: their statistics are not of rows.
    pub(super) fn new(
        filter: &BoundPredicate,
        leaf_of: impl Fn(FieldId) -> Option<usize>,
        tail: &Tail,
    ) -> Self {
        let mut tested: Vec<Tested> = Vec::new();
        for node in filter.nodes() {
            let Node::Leaf(leaf) = node else { continue };
            let (id, Type::Primitive(to)) = (leaf.term.field_id(), leaf.term.source_type()) else { continue };
            let column = leaf_of(id).and_then(|leaf| tail.root.leaf(leaf));
            if let Some(column) = column.filter(|column| !column.repeated)
                && tested.iter().all(|tested| tested.id != id)
            {
                let kind = match column.kind {
                    Kind::Text if !tail.has_text_bounds => Kind::Char,
                    kind => kind,
                };
                tested.push(Tested { id, index: column.index, kind, to: to.clone() });
            }
        }
        Self { filter: InclusiveMetrics::new(filter), tested }
    }

    /// Columns of the file whose row index is of use.
    pub(super) fn columns(&self) -> impl Iterator<Item = u32> + '_ {
        self.tested.iter().map(|tested| tested.index)
    }

    /// Whether a row of a stripe may match, by the statistics at the end of the file.
    pub(super) fn stripe_may_match(&self, tail: &Tail, number: usize, rows: u64) -> bool {
        let Some(statistics) = tail.statistics.get(number) else { return true };
        let column = |index: u32| statistics.col_stats.get(usize::try_from(index).ok()?);
        // The zone of the stripe is not known before its footer is read.
        self.may_match(rows, false, column)
    }

    /// The rows of a stripe that may match, counted from its first.
    pub(super) fn rows(
        &self,
        tail: &Tail,
        open: &OpenStripe,
        limit_bytes: u64,
    ) -> Result<Vec<Range<u64>>, Fault> {
        let rows = open.stripe.row_count;
        let size = tail.row_group_rows;
        let all = vec![Range { start: 0, end: rows }];
        if size == 0 || self.tested.is_empty() {
            return Ok(all);
        }
        let utc = open.zone.as_deref().is_none_or(super::column::is_utc);
        let groups = usize::try_from(rows.div_ceil(size)).unwrap_or(usize::MAX);
        let mut indexes = HashMap::new();
        for tested in &self.tested {
            let Some(bytes) = open.stream(tested.index, StreamKind::RowIndex)? else { continue };
            let index = RowIndex::decode(tail.compression.unpack_all(bytes, limit_bytes)?)
                .map_err(|error| Fault::Damaged(format!("index of column {}: {error}", tested.index)))?;
            // Another number of entries would be of other rows.
            if index.entry.len() == groups {
                indexes.insert(tested.index, index.entry);
            }
        }
        if indexes.is_empty() {
            return Ok(all);
        }
        let mut kept: Vec<Range<u64>> = Vec::new();
        for group in 0..groups {
            let start = size.saturating_mul(u64::try_from(group).unwrap_or(u64::MAX)).min(rows);
            let end = start.saturating_add(size).min(rows);
            let column = |index: u32| indexes.get(&index)?.get(group)?.statistics.as_ref();
            if self.may_match(end.saturating_sub(start), utc, column) {
                match kept.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => kept.push(start..end),
                }
            }
        }
        Ok(kept)
    }

    fn may_match<'a>(
        &self,
        rows: u64,
        utc: bool,
        statistics: impl Fn(u32) -> Option<&'a ColumnStatistics>,
    ) -> bool {
        let columns = self
            .tested
            .iter()
            .filter_map(|tested| {
                let found = statistics(tested.index)?;
                Some((tested.id, statistics::metrics(found, tested.kind, &tested.to, rows, utc)))
            })
            .collect();
        self.filter.may_match(&Group { rows: i64::try_from(rows).ok(), columns })
    }
}

/// Rows of a file with what is known of their columns.
struct Group {
    rows: Option<i64>,
    columns: HashMap<FieldId, Metrics>,
}

impl ColumnMetrics for Group {
    fn record_count(&self) -> Option<i64> {
        self.rows
    }

    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.rows.filter(|_| self.columns.contains_key(&id))
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.columns.get(&id)?.null_count
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

/// `kept` without long stretches of deleted rows. Both are ascending, `deleted` in positions of the file, `kept` counted from `first_row`.
pub(super) fn without_deleted(
    kept: Vec<Range<u64>>,
    deleted: &[Range<u64>],
    first_row: u64,
) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    for rows in kept {
        let end = first_row.saturating_add(rows.end);
        let mut start = first_row.saturating_add(rows.start);
        let mut from = deleted.partition_point(|range| range.end <= start);
        while let Some(first) = deleted.get(from).filter(|range| range.start < end) {
            let mut gap = first.clone();
            from = from.saturating_add(1);
            while let Some(next) = deleted.get(from).filter(|next| next.start <= gap.end) {
                gap.end = gap.end.max(next.end);
                from = from.saturating_add(1);
            }
            let gap = gap.start.max(start)..gap.end.min(end);
            // Short ones would cut batches into pieces.
            if gap.end.saturating_sub(gap.start) >= MIN_GAP_ROWS || gap.start == start || gap.end == end {
                if start < gap.start {
                    left.push(start..gap.start);
                }
                start = gap.end;
            }
        }
        if start < end {
            left.push(start..end);
        }
    }
    left.iter().map(|rows| rows.start.saturating_sub(first_row)..rows.end.saturating_sub(first_row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kept: &[Range<u64>], deleted: &[Range<u64>], left: &[Range<u64>]) {
        assert_eq!(without_deleted(kept.to_vec(), deleted, 1_000), left);
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "ranges of rows")]
    fn long_stretches_of_deleted_rows_go_short_ones_only_at_the_ends() {
        check(&[0..5_000], &[], &[0..5_000]);
        check(&[0..5_000], &[0..900, 6_000..9_000], &[0..5_000]);
        check(&[0..5_000], &[900..1_010, 2_000..2_255, 5_990..6_010], &[10..4_990]);
        check(&[0..5_000], &[2_000..2_100, 2_100..2_256], &[0..1_000, 1_256..5_000]);
        check(&[0..5_000], &[0..7_000], &[]);
        check(&[100..200, 300..400], &[1_050..1_320], &[320..400]);
        check(&[100..200, 300..400], &[1_100..1_400], &[]);
    }
}
