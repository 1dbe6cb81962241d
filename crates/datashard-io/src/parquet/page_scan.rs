//! Pages, looked into before they are decoded: how long their longest value is, and how many values their rows have.
//!
//! Nothing is built here that is longer than a page.

use std::sync::Arc;

use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::fetch::Part;
use super::page_header::PageKind;
use super::{levels, undecodable};
use crate::data_error::DataError;
use crate::file::guard::guard;

/// Rows that follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) rows: u64,
    pub(super) values: u64,
    /// Bytes of the pages that become bytes of the values.
    pub(super) stored_bytes: u64,
}

impl Stretch {
    /// Both together.
    pub(super) fn and(self, other: &Self) -> Self {
        Self {
            rows: self.rows.saturating_add(other.rows),
            values: self.values.saturating_add(other.values),
            stored_bytes: self.stored_bytes.saturating_add(other.stored_bytes),
        }
    }
}

/// Bytes of the longest value that is in a dictionary or shares a beginning with another; a bound of it where that is not plain to see.
pub(super) fn longest_value(
    file: &str,
    place: &dyn Fn() -> String,
    chunk: &ColumnChunkMetaData,
    parts: &[&Part],
) -> Result<u64, DataError> {
    let matters = |kind| matches!(kind, PageKind::Dictionary | PageKind::Prefixes);
    // Pages of other kinds behind the last one that matters need not be unpacked: most columns have a dictionary in front, and no more.
    let pages: Vec<PageKind> = parts.iter().flat_map(|part| &part.pages).map(|page| page.kind).collect();
    let Some(last) = pages.iter().rposition(|kind| matters(*kind)) else { return Ok(0) };
    let mut longest = 0_u64;
    let until = last.saturating_add(1);
    each_page(file, place, chunk, parts, until, |page| {
        longest = longest.max(match page {
            Page::DictionaryPage { buf, num_values, .. } => longest_plain(buf, *num_values),
            _ if page.encoding() == Encoding::DELTA_BYTE_ARRAY => {
                let found =
                    levels::longest_with_prefix(behind_levels(page, chunk), u64::from(page.num_values()));
                let stored = to_u64(page.buffer().len());
                found.map_or(stored, |found| found.min(stored))
            }
            _ => 0,
        });
    })?;
    Ok(longest)
}

/// The rows of a column with lists, in runs of about so many values. A row of as many stands alone.
pub(super) fn rows_of_lists(
    file: &str,
    place: &dyn Fn() -> String,
    chunk: &ColumnChunkMetaData,
    parts: &[&Part],
    stretch_values: u64,
) -> Result<Vec<Stretch>, DataError> {
    let mut rows = Rows::new(stretch_values);
    each_page(file, place, chunk, parts, usize::MAX, |page| {
        if matches!(page, Page::DictionaryPage { .. }) {
            return;
        }
        let values = u64::from(page.num_values());
        let stored = if stores_values(page, chunk) { to_u64(page.buffer().len()) } else { 0 };
        let each = stored.div_ceil(values.max(1));
        let max_level = chunk.column_descr().max_rep_level();
        match repetition(page) {
            Some(levels) => {
                levels::runs(levels, max_level, values, |is_row, count| rows.add(is_row, count, each))
            }
            None => rows.add(false, values, each),
        }
    })?;
    Ok(rows.finish())
}

#[derive(Debug, Default)]
struct Rows {
    stretch_values: u64,
    done: Vec<Stretch>,
    open: Stretch,
    row: Stretch,
}

impl Rows {
    fn new(stretch_values: u64) -> Self {
        Self { stretch_values, ..Self::default() }
    }

    /// Values that each begin a row, or all belong to the row before.
    fn add(&mut self, is_row: bool, count: u64, each_bytes: u64) {
        let of = |rows: u64, values: u64| Stretch {
            rows,
            values,
            stored_bytes: values.saturating_mul(each_bytes),
        };
        if !is_row {
            self.row = self.row.and(&of(0, count));
        } else if count > 0 {
            self.end_row();
            let alone = count.saturating_sub(1);
            self.open = self.open.and(&of(alone, alone));
            self.row = of(1, 1);
        }
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if row.values >= self.stretch_values {
            self.done.push(std::mem::take(&mut self.open));
            self.done.push(row);
            return;
        }
        self.open = self.open.and(&row);
        if self.open.values >= self.stretch_values {
            self.done.push(std::mem::take(&mut self.open));
        }
    }

    fn finish(mut self) -> Vec<Stretch> {
        self.end_row();
        self.done.push(self.open);
        self.done
    }
}

/// Unpacks the first pages, up to `until` of them, one by one.
fn each_page(
    file: &str,
    place: &dyn Fn() -> String,
    chunk: &ColumnChunkMetaData,
    parts: &[&Part],
    until: usize,
    mut with: impl FnMut(&Page),
) -> Result<(), DataError> {
    let mut left = until;
    for part in parts {
        // A chunk that is these pages and nothing else.
        let length = i64::try_from(part.bytes.len()).unwrap_or(i64::MAX);
        let chunk = chunk.clone().into_builder();
        let chunk =
            chunk.set_data_page_offset(0).set_dictionary_page_offset(None).set_total_compressed_size(length);
        guard(file, place, || {
            let failed = |error| undecodable(file, place(), error);
            let chunk = chunk.build().map_err(failed)?;
            let mut pages =
                SerializedPageReader::new(Arc::new(part.bytes.clone()), &chunk, 0, None).map_err(failed)?;
            while left > 0
                && let Some(page) = pages.get_next_page().map_err(failed)?
            {
                with(&page);
                left = left.saturating_sub(1);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The longest of plain texts, each behind its length.
fn longest_plain(mut bytes: &[u8], count: u32) -> u64 {
    let mut longest = 0_u32;
    for _ in 0..count {
        let Some((length, rest)) = bytes.split_first_chunk() else { break };
        let length = u32::from_le_bytes(*length);
        let Some(rest) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else { break };
        longest = longest.max(length);
        bytes = rest;
    }
    u64::from(longest)
}

/// Whether the bytes of the page are those of texts.
fn stores_values(page: &Page, chunk: &ColumnChunkMetaData) -> bool {
    let refers = matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    chunk.column_type() == PhysicalType::BYTE_ARRAY && !refers
}

/// The levels that tell where rows begin; `None` if they are stored in a way that is no longer in use.
fn repetition(page: &Page) -> Option<&[u8]> {
    match page {
        Page::DataPage { buf, rep_level_encoding: Encoding::RLE, .. } => Some(behind_length(buf)?.0),
        Page::DataPageV2 { buf, rep_levels_byte_len, .. } => {
            buf.get(..usize::try_from(*rep_levels_byte_len).ok()?)
        }
        _ => None,
    }
}

/// The bytes of values; all of the page where that cannot be told.
fn behind_levels<'a>(page: &'a Page, chunk: &ColumnChunkMetaData) -> &'a [u8] {
    let column = chunk.column_descr();
    match page {
        Page::DataPage { buf, .. } => {
            let mut rest = &buf[..];
            for _ in [column.max_rep_level(), column.max_def_level()].iter().filter(|level| **level > 0) {
                rest = behind_length(rest).map_or(rest, |(_, rest)| rest);
            }
            rest
        }
        Page::DataPageV2 { buf, rep_levels_byte_len, def_levels_byte_len, .. } => {
            let levels = rep_levels_byte_len.saturating_add(*def_levels_byte_len);
            usize::try_from(levels).ok().and_then(|levels| buf.get(levels..)).unwrap_or(buf)
        }
        Page::DictionaryPage { buf, .. } => buf,
    }
}

/// Bytes behind their length, and what follows.
fn behind_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_many_values_stand_alone() {
        let mut rows = Rows::new(4_096);
        rows.add(true, 3, 2);
        rows.add(false, 10_000, 2);
        rows.add(true, 5, 1);
        rows.add(false, 7, 1);
        let stretch = |rows, values, stored_bytes| Stretch { rows, values, stored_bytes };
        assert_eq!(rows.finish(), [stretch(2, 2, 4), stretch(1, 10_001, 20_002), stretch(5, 12, 12)]);
    }

    #[test]
    fn rows_of_few_values_are_taken_together() {
        let mut rows = Rows::new(4_096);
        for _ in 0..3_000 {
            rows.add(true, 1, 0);
            rows.add(false, 1, 0);
        }
        let stretches = rows.finish();
        assert_eq!(
            stretches.iter().map(|stretch| (stretch.rows, stretch.values)).collect::<Vec<_>>(),
            [(2_048, 4_096), (952, 1_904)]
        );
    }

    #[test]
    fn the_longest_text_of_a_dictionary_is_found_and_damage_ends_the_search() {
        let text =
            |length: u8| [u32::from(length).to_le_bytes().to_vec(), vec![b'a'; length.into()]].concat();
        let bytes = [text(3), text(70), text(0), text(9)].concat();
        assert_eq!(longest_plain(&bytes, 4), 70);
        assert_eq!(longest_plain(&bytes, 1), 3);
        assert_eq!(longest_plain(&bytes[..20], u32::MAX), 3);
        assert_eq!(longest_plain(&u32::MAX.to_le_bytes(), 1), 0);
    }
}
