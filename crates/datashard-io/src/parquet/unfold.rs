//! How much memory rows can take once they are decoded, and how many of them make a batch.
//!
//! A page of few bytes may stand for very many: one long text in a dictionary, referred to by every row; a list of which only the length is
//! stored. The footer's sums are not to be trusted with that. Page headers bound it from above; where that bound is too high to be of use,
//! the pages are looked into.

use std::collections::BTreeMap;

use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::fetch::Part;
use super::page_header::{PageKind, PageShape};
use super::page_scan::{self, Stretch};
use crate::data_error::DataError;

/// A value's share of offsets and levels, and a number's own bytes.
const VALUE_BYTES: u64 = 16;
/// Rows of lists are looked at together up to this part of what a batch of the column should take, and up to so many values.
const STRETCH_SHARE: u64 = 64;
const MAX_STRETCH_VALUES: u64 = 4_096;

/// What a batch may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that a batch should take.
    pub(super) share_bytes: u64,
    /// Bytes that a batch must not exceed.
    pub(super) limit_bytes: u64,
    /// Fewer rows than these only make a batch that would exceed the limit otherwise.
    pub(super) min_rows: u64,
}

/// Rows of a batch, at most `rows`, so that the columns of `parts` fit the limits.
///
/// # Errors
/// `TooLarge` if a single row does not fit; damage of pages that had to be looked into.
pub(super) fn batch_rows(
    file: &str,
    group: usize,
    row_group: &RowGroupMetaData,
    parts: &[Part],
    rows: usize,
    limits: Limits,
) -> Result<usize, DataError> {
    let mut leaves: BTreeMap<usize, Vec<&Part>> = BTreeMap::new();
    for part in parts {
        leaves.entry(part.leaf).or_default().push(part);
    }
    let asked = u64::try_from(rows).unwrap_or(u64::MAX).max(1);
    let row_count = u64::try_from(row_group.num_rows()).unwrap_or(0);
    let mut columns = Vec::with_capacity(leaves.len());
    for (leaf, parts) in &leaves {
        let chunk = row_group
            .columns()
            .get(*leaf)
            .ok_or_else(|| DataError::internal("columns are counted by the footer"))?;
        columns.push((*leaf, chunk, parts, Load::by_headers(chunk, parts, row_count)));
    }
    let count = u64::try_from(columns.len()).unwrap_or(u64::MAX).max(1);
    let share_of_one = limits.share_bytes.checked_div(count).unwrap_or(0);
    if sum(&columns, asked) > limits.share_bytes {
        for (leaf, chunk, parts, load) in &mut columns {
            if load.bytes_of(asked) > share_of_one {
                let place = || format!("row group {group}, column {leaf} ({})", chunk.column_path());
                load.look_into(file, &place, chunk, parts, asked, share_of_one)?;
                let bytes = load.bytes_of(1);
                if bytes > limits.limit_bytes {
                    let limit_bytes = limits.limit_bytes;
                    let place = format!("{}, a single row", place());
                    return Err(DataError::TooLarge { file: file.to_owned(), place, bytes, limit_bytes });
                }
            }
        }
    }
    let mut fitting = asked;
    while fitting > 1 {
        let most = if fitting > limits.min_rows { limits.share_bytes } else { limits.limit_bytes };
        if sum(&columns, fitting) <= most {
            break;
        }
        fitting /= 2;
    }
    Ok(rows.min(usize::try_from(fitting).unwrap_or(usize::MAX)))
}

type Column<'a> = (usize, &'a ColumnChunkMetaData, &'a Vec<&'a Part>, Load);

fn sum(columns: &[Column<'_>], rows: u64) -> u64 {
    columns.iter().fold(0, |sum, (_, _, _, load)| sum.saturating_add(load.bytes_of(rows)))
}

/// What rows of a column take in memory, at most.
#[derive(Debug)]
struct Load {
    /// Each value, besides what its page has of it.
    value_bytes: u64,
    /// Pages, or runs of whole rows of lists.
    stretches: Vec<Stretch>,
    /// Whether a row has one value.
    is_flat: bool,
}

impl Load {
    /// By what page headers say, and the type.
    fn by_headers(chunk: &ColumnChunkMetaData, parts: &[&Part], row_count: u64) -> Self {
        let pages = || parts.iter().flat_map(|part| &part.pages);
        let column = chunk.column_descr();
        let value_bytes = match column.physical_type() {
            PhysicalType::BYTE_ARRAY => longest_by_headers(pages()),
            PhysicalType::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0),
            _ => 0,
        };
        let value_bytes = value_bytes.saturating_add(VALUE_BYTES);
        let stored = |page: &PageShape| match (page.kind, column.physical_type()) {
            (PageKind::Values, PhysicalType::BYTE_ARRAY) => page.size_bytes,
            _ => 0,
        };
        let stretch =
            |page: &PageShape| Stretch { rows: page.values, values: page.values, stored_bytes: stored(page) };
        let is_flat = column.max_rep_level() == 0;
        let mut stretches: Vec<Stretch> = pages().map(stretch).collect();
        if !is_flat {
            // Which of the values belong to a row is not known: all of them, at worst.
            let whole = stretches.iter().fold(Stretch::default(), Stretch::and);
            stretches = vec![Stretch { rows: row_count.min(1), ..whole }];
        }
        Self { value_bytes, stretches, is_flat }
    }

    /// By what is in the pages.
    fn look_into(
        &mut self,
        file: &str,
        place: &dyn Fn() -> String,
        chunk: &ColumnChunkMetaData,
        parts: &[&Part],
        rows: u64,
        share_bytes: u64,
    ) -> Result<(), DataError> {
        let pages = || parts.iter().flat_map(|part| &part.pages);
        if chunk.column_type() == PhysicalType::BYTE_ARRAY
            && pages().any(|page| matches!(page.kind, PageKind::References | PageKind::Prefixes))
        {
            let longest = page_scan::longest_value(file, place, chunk, parts)?;
            self.value_bytes = self.value_bytes.min(longest.saturating_add(VALUE_BYTES));
        }
        if !self.is_flat && self.bytes_of(rows) > share_bytes {
            // Rows that are taken together count as alike: together they must not weigh much.
            let values = (share_bytes / STRETCH_SHARE).checked_div(self.value_bytes).unwrap_or(1);
            let values = values.clamp(1, MAX_STRETCH_VALUES);
            self.stretches = page_scan::rows_of_lists(file, place, chunk, parts, values)?;
        }
        Ok(())
    }

    /// What so many rows take that follow each other, at most; as far as rows of a stretch are alike.
    fn bytes_of(&self, rows: u64) -> u64 {
        let mut heaviest = 0_u64;
        // The stretches that such rows, from the start of one on, fill whole; and their rows and bytes.
        let (mut end, mut inside, mut held) = (0_usize, 0_u64, 0_u64);
        for (start, first) in self.stretches.iter().enumerate() {
            if end < start {
                (end, inside, held) = (start, 0, 0);
            }
            while let Some(next) = self.stretches.get(end)
                && inside.saturating_add(next.rows) <= rows
            {
                inside = inside.saturating_add(next.rows);
                held = held.saturating_add(self.cost(next));
                end = end.saturating_add(1);
            }
            let rest = rows.saturating_sub(inside);
            let last = self.stretches.get(end).map_or(0, |last| {
                let part = u128::from(self.cost(last)).saturating_mul(u128::from(rest));
                let part = part.div_ceil(u128::from(last.rows.max(1)));
                u64::try_from(part).unwrap_or(u64::MAX).min(self.cost(last))
            });
            heaviest = heaviest.max(held.saturating_add(last));
            if end > start {
                inside = inside.saturating_sub(first.rows);
                held = held.saturating_sub(self.cost(first));
            }
        }
        heaviest
    }

    fn cost(&self, stretch: &Stretch) -> u64 {
        stretch.values.saturating_mul(self.value_bytes).saturating_add(stretch.stored_bytes)
    }
}

/// A bound of the longest value that others can stand for.
fn longest_by_headers<'a>(pages: impl Iterator<Item = &'a PageShape>) -> u64 {
    pages.fold(0, |longest, page| match page.kind {
        PageKind::Dictionary | PageKind::Prefixes => longest.max(page.size_bytes),
        _ => longest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(value_bytes: u64, stretches: &[(u64, u64, u64)]) -> Load {
        let stretch =
            |&(rows, values, stored_bytes): &(u64, u64, u64)| Stretch { rows, values, stored_bytes };
        Load { value_bytes, stretches: stretches.iter().map(stretch).collect(), is_flat: true }
    }

    #[test]
    fn rows_that_follow_each_other_take_what_the_heaviest_stretches_hold() {
        let even = load(0, &[(100, 100, 1_000), (100, 100, 1_000)]);
        assert_eq!(
            [1, 50, 100, 150, 200, 999].map(|rows| even.bytes_of(rows)),
            [10, 500, 1_000, 1_500, 2_000, 2_000]
        );
        let skewed = load(0, &[(100, 100, 100), (1, 1, 5_000), (1, 1, 5_000), (100, 100, 100)]);
        assert_eq!([1, 2, 3, 52].map(|rows| skewed.bytes_of(rows)), [5_000, 10_000, 10_001, 10_050]);
        let long_values = load(64, &[(10, 10, 0), (10, 10, 0)]);
        assert_eq!([1, 10, 15, 20].map(|rows| long_values.bytes_of(rows)), [64, 640, 960, 1_280]);
        assert_eq!(load(64, &[]).bytes_of(5), 0);
    }

    #[test]
    fn costs_beyond_all_numbers_stay_the_largest() {
        let load = load(u64::MAX, &[(3, 3, u64::MAX), (0, 7, 7), (3, 3, 1)]);
        assert_eq!(load.bytes_of(2), u64::MAX);
        assert_eq!(load.bytes_of(u64::MAX), u64::MAX);
    }
}
