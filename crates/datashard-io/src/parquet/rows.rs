//! Rows of a row group that are decoded: ranges, selections for the decoder, positions in the file.

use std::ops::Range;

use arrow::array::BooleanArray;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

use crate::read::decoder::RowPositions;

/// Ascending, disjoint, non-empty ranges of rows, counted from the first of their row group.
pub(super) type Ranges = Vec<Range<u64>>;

/// How many rows are in the ranges.
pub(super) fn count(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().fold(0, |sum, range| sum.saturating_add(range.end.saturating_sub(range.start)))
}

/// The rows of `ranges` that lie in no range of `without`, both ascending and disjoint; `without` is counted from `offset` rows earlier.
pub(super) fn subtract(ranges: &[Range<u64>], without: &[Range<u64>], offset: u64) -> Ranges {
    let mut left = Ranges::new();
    let end = ranges.last().map_or(0, |range| range.end).saturating_add(offset);
    let first = without.partition_point(|hole| hole.end <= offset);
    let holes = without.get(first..).unwrap_or_default();
    let mut holes = holes.iter().take_while(|hole| hole.start < end).peekable();
    for range in ranges {
        let mut start = range.start;
        while let Some(hole) = holes.peek() {
            let hole_range = hole.start.saturating_sub(offset)..hole.end.saturating_sub(offset);
            if hole_range.start >= range.end {
                break;
            }
            if hole_range.start > start {
                left.push(start..hole_range.start);
            }
            start = start.max(hole_range.end);
            if hole_range.end > range.end {
                break;
            }
            holes.next();
        }
        if start < range.end {
            left.push(start..range.end);
        }
    }
    left
}

/// The rows of `ranges` whose value in `mask`, which has one for each of them, is true.
pub(super) fn select(ranges: &[Range<u64>], mask: &BooleanArray) -> Ranges {
    let mut selected = Ranges::new();
    let mut values = mask.iter();
    for row in ranges.iter().flat_map(Clone::clone) {
        if values.next().flatten() != Some(true) {
            continue;
        }
        match selected.last_mut() {
            Some(last) if last.end == row => last.end = row.saturating_add(1),
            _ => selected.push(row..row.saturating_add(1)),
        }
    }
    selected
}

/// The ranges as the decoder wants them.
pub(super) fn selection(ranges: &[Range<u64>]) -> RowSelection {
    let rows = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut at = 0;
    let mut selectors = Vec::with_capacity(ranges.len().saturating_mul(2));
    for range in ranges {
        if range.start > at {
            selectors.push(RowSelector::skip(rows(range.start.saturating_sub(at))));
        }
        selectors.push(RowSelector::select(rows(range.end.saturating_sub(range.start))));
        at = range.end;
    }
    selectors.into()
}

/// Hands out the positions of rows as batches come.
#[derive(Debug)]
pub(super) struct Positions {
    ranges: std::vec::IntoIter<Range<u64>>,
    /// What is left of the range at hand.
    current: Range<u64>,
}

impl Positions {
    /// Of these rows of a row group whose first row has the position `first`.
    pub(super) fn new(ranges: Ranges, first: u64) -> Self {
        let shifted: Ranges = ranges
            .into_iter()
            .map(|range| range.start.saturating_add(first)..range.end.saturating_add(first))
            .collect();
        Self { ranges: shifted.into_iter(), current: 0..0 }
    }

    /// Whether all rows were handed out.
    pub(super) fn is_done(&self) -> bool {
        self.current.is_empty() && self.ranges.as_slice().is_empty()
    }

    /// The positions of the next `rows` rows; `None` if there are not as many.
    pub(super) fn take(&mut self, rows: u64) -> Option<RowPositions> {
        if self.current.is_empty() {
            self.current = self.ranges.next().unwrap_or(0..0);
        }
        let start = self.current.start;
        if self.current.end.saturating_sub(start) >= rows {
            self.current.start = start.saturating_add(rows);
            return Some(RowPositions::From(start));
        }
        let mut each = Vec::with_capacity(usize::try_from(rows).ok()?);
        let mut left = rows;
        while left > 0 {
            if self.current.is_empty() {
                self.current = self.ranges.next()?;
            }
            let end = self.current.end.min(self.current.start.saturating_add(left));
            left = left.saturating_sub(end.saturating_sub(self.current.start));
            each.extend(self.current.start..end);
            self.current.start = end;
        }
        Some(RowPositions::Each(each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_rows_are_taken_out() {
        let check = |ranges: &[Range<u64>], without: &[Range<u64>], offset, expected: &[Range<u64>]| {
            assert_eq!(subtract(ranges, without, offset), expected, "{ranges:?} {without:?} {offset}");
        };
        check(&[0..10], &[], 0, &[0..10]);
        check(&[0..10], &[2..4, 9..20], 0, &[0..2, 4..9]);
        check(&[0..10, 20..30], &[5..25], 0, &[0..5, 25..30]);
        check(&[0..10], &[100..103, 108..120], 100, &[3..8]);
        check(&[0..10], &[0..100, 200..300], 100, &[0..10]);
        check(&[0..3, 5..8], &[0..100], 0, &[]);
    }

    #[test]
    fn trap_16_positions_skip_what_was_left_out() {
        let mut positions = Positions::new(vec![0..3, 10..11, 20..30], 1_000);
        assert_eq!(positions.take(2), Some(RowPositions::From(1_000)));
        assert_eq!(positions.take(3), Some(RowPositions::Each(vec![1_002, 1_010, 1_020])));
        assert!(!positions.is_done());
        assert_eq!(positions.take(9), Some(RowPositions::From(1_021)));
        assert!(positions.is_done());
        assert_eq!(positions.take(1), None);
    }

    #[test]
    fn a_mask_picks_rows_of_the_ranges() {
        let mask = BooleanArray::from(vec![true, false, true, true, false]);
        assert_eq!(select(&[0..3, 7..9], &mask), [0..1, 2..3, 7..8]);
        assert_eq!(count(&[0..3, 7..9]), 5);
        let selected = selection(&[2..3, 3..4, 7..9]);
        assert_eq!((selected.row_count(), selected.skipped_row_count()), (4, 5));
    }
}
