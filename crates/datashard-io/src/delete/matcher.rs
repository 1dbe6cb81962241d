//! Which rows of a batch are deleted.

use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::array::{Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::Schema;

use super::{AppliedEquality, Deletes};
use crate::arrow::cast::read_as;
use crate::data_error::DataError;
use crate::read::ColumnPath;
use crate::read::decoder::RowPositions;

/// The deletes of a data file, ready for its batches.
#[derive(Debug)]
pub(crate) struct DeleteMatcher {
    location: Arc<str>,
    positions: Option<Arc<DeletionVector>>,
    equality: Vec<EqualityMatcher>,
}

#[derive(Debug)]
struct EqualityMatcher {
    applied: AppliedEquality,
    paths: Vec<ColumnPath>,
}

impl DeleteMatcher {
    /// For batches in the schema `read`, which has all columns that equality deletes compare.
    pub(crate) fn new(location: &Arc<str>, deletes: &Deletes, read: &Schema) -> Result<Self, DataError> {
        let mut equality = Vec::with_capacity(deletes.equality().len());
        for applied in deletes.equality() {
            let ids = applied.keys.field_ids().iter();
            let paths: Option<Vec<ColumnPath>> = ids.map(|id| ColumnPath::new(read, *id)).collect();
            let paths =
                paths.ok_or_else(|| DataError::internal("columns of equality deletes are not read"))?;
            equality.push(EqualityMatcher { applied: applied.clone(), paths });
        }
        let positions = deletes.positions.clone().filter(|positions| !positions.is_empty());
        Ok(Self { location: Arc::clone(location), positions, equality })
    }

    /// For each row whether it is deleted; `None` if none is.
    pub(crate) fn hits(
        &self,
        batch: &RecordBatch,
        positions: &RowPositions,
    ) -> Result<Option<BooleanBuffer>, DataError> {
        let rows = batch.num_rows();
        let mut hits = self.positions.as_ref().and_then(|deleted| position_hits(deleted, positions, rows));
        for matcher in &self.equality {
            let more = matcher.hits(&self.location, batch, rows)?;
            hits = match (hits, more) {
                (Some(hits), Some(more)) => Some(&hits | &more),
                (hits, more) => hits.or(more),
            };
        }
        Ok(hits)
    }
}

impl EqualityMatcher {
    fn hits(
        &self,
        location: &str,
        batch: &RecordBatch,
        rows: usize,
    ) -> Result<Option<BooleanBuffer>, DataError> {
        let keys = &self.applied.keys;
        let mut columns = Vec::with_capacity(self.paths.len());
        for ((path, (value_type, arrow_type)), id) in
            self.paths.iter().zip(keys.types()).zip(keys.field_ids())
        {
            let values = path.values(batch.columns())?;
            // A snapshot may be read with an older schema than that of its newest deletes.
            columns.push(match values.data_type() == arrow_type {
                true => values,
                false => read_as(&values, value_type, &id.to_string(), location)?,
            });
        }
        let is_hit = keys.hits(columns, self.applied.data_sequence_number)?;
        let hits = BooleanBuffer::collect_bool(rows, is_hit);
        Ok((hits.count_set_bits() > 0).then_some(hits))
    }
}

/// Walks the deleted positions beside those of the rows; both ascend.
fn position_hits(deleted: &DeletionVector, positions: &RowPositions, rows: usize) -> Option<BooleanBuffer> {
    let mut hits: Option<BooleanBufferBuilder> = None;
    let mut mark = |row: usize| {
        let hits = hits.get_or_insert_with(|| {
            let mut all = BooleanBufferBuilder::new(rows);
            all.append_n(rows, false);
            all
        });
        hits.set_bit(row, true);
    };
    match positions {
        RowPositions::From(first) => {
            let mut at = deleted.iter();
            at.advance_to(*first);
            let rows_of = |position: u64| usize::try_from(position.checked_sub(*first)?).ok();
            at.map_while(|position| rows_of(position).filter(|row| *row < rows)).for_each(&mut mark);
        }
        RowPositions::Each(each) => {
            let mut at = deleted.iter().peekable();
            if let Some(first) = each.first() {
                let mut skipped = deleted.iter();
                skipped.advance_to(*first);
                at = skipped.peekable();
            }
            for (row, position) in each.iter().take(rows).enumerate() {
                while at.next_if(|deleted| deleted < position).is_some() {}
                if at.peek() == Some(position) {
                    mark(row);
                }
            }
        }
    }
    hits.map(|mut hits| hits.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    fn rows_hit(hits: Option<&BooleanBuffer>) -> Vec<usize> {
        hits.map(|hits| hits.set_indices().collect()).unwrap_or_default()
    }

    #[test]
    fn no_hit_is_no_mask() {
        let deleted = DeletionVector::from_positions([1, 100]).unwrap();
        assert_eq!(position_hits(&deleted, &RowPositions::From(2), 98), None);
        assert_eq!(position_hits(&deleted, &RowPositions::Each(vec![0, 2, 99, 101]), 4), None);
        assert_eq!(position_hits(&deleted, &RowPositions::From(u64::MAX - 1), 2), None);
    }

    proptest! {
        #[test]
        fn every_deleted_position_is_hit_and_no_other(
            deleted in btree_set(0_u64..300, 0..60),
            each in btree_set(0_u64..300, 0..80),
            first in 0_u64..250,
            rows in 0_usize..80,
        ) {
            let vector = DeletionVector::from_positions(deleted.iter().copied()).unwrap();
            let from = RowPositions::From(first);
            let expected: Vec<usize> =
                (first..).zip(0..rows).filter(|(at, _)| deleted.contains(at)).map(|(_, row)| row).collect();
            let found = position_hits(&vector, &from, rows);
            prop_assert_eq!(rows_hit(found.as_ref()), expected);

            let each: Vec<u64> = each.into_iter().collect();
            let expected: Vec<usize> = (0..each.len()).filter(|row| deleted.contains(&each[*row])).collect();
            let rows = each.len();
            let found = position_hits(&vector, &RowPositions::Each(each), rows);
            prop_assert_eq!(rows_hit(found.as_ref()), expected);
        }
    }
}
