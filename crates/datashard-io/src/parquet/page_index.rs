//! Rows that cannot match, by the page index: bounds of each page, and where it lies.
//!
//! # Spec
//! The Parquet format's "Page Index".

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::bounds::End;
use super::chunks::Chunks;
use super::footer::{Footer, slice};
use super::prune::{FilterColumn, KnownColumn, Pruner, is_signed_number};
use super::rows::Ranges;
use super::undecodable;
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;

/// Parts of a row group that are looked at, at most: beyond, the row group is read as a whole.
const MAX_PARTS: usize = 1 << 16;

/// The metadata with its page index, read with one request; as it was if the file has none, or one of more than `limit_bytes`.
///
/// An index that cannot be decoded is left alone: nothing depends on it.
pub(super) async fn load(
    input: &InputFile,
    footer: &Footer,
    limit_bytes: u64,
) -> Result<Arc<ParquetMetaData>, DataError> {
    let Some(range) = index_range(&footer.metadata, footer.size_bytes) else {
        return Ok(Arc::clone(&footer.metadata));
    };
    if range.end.saturating_sub(range.start) > limit_bytes {
        return Ok(Arc::clone(&footer.metadata));
    }
    let (tail_start, tail) = &footer.tail;
    let inside = range.start.checked_sub(*tail_start);
    let bytes = match inside.and_then(|at| slice(tail, at, range.end.saturating_sub(range.start))) {
        Some(bytes) => bytes,
        None => input.read_range(range.clone()).await?,
    };
    let chunks = Chunks::new(footer.size_bytes, vec![(range.start, bytes)]);
    let file = input.location();
    let with_index = guard(
        file,
        || "page index".to_owned(),
        || {
            let mut reader =
                ParquetMetaDataReader::new_with_metadata(ParquetMetaData::clone(&footer.metadata))
                    .with_page_index_policy(PageIndexPolicy::Optional);
            reader
                .read_page_indexes_sized(&chunks, footer.size_bytes)
                .and_then(|()| reader.finish())
                .map_err(|error| undecodable(file, "page index", error))
        },
    );
    Ok(match with_index {
        Ok(metadata) if is_sound(&metadata) => Arc::new(metadata),
        _ => {
            tracing::debug!(file, "the page index is damaged and not used");
            Arc::clone(&footer.metadata)
        }
    })
}

/// Where the page index lies, of all columns together.
fn index_range(metadata: &ParquetMetaData, size_bytes: u64) -> Option<Range<u64>> {
    let mut all: Option<Range<u64>> = None;
    for chunk in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let places = [
            (chunk.column_index_offset(), chunk.column_index_length()),
            (chunk.offset_index_offset(), chunk.offset_index_length()),
        ];
        for (offset, length) in places {
            let (Some(offset), Some(length)) = (offset, length) else { continue };
            let start = u64::try_from(offset).ok()?;
            let end = start.checked_add(u64::try_from(length).ok()?)?;
            if end > size_bytes {
                return None;
            }
            all = Some(all.map_or(start..end, |all| all.start.min(start)..all.end.max(end)));
        }
    }
    all
}

/// Whether the pages of each column lie in its chunk, one behind the other, and begin with the first row.
fn is_sound(metadata: &ParquetMetaData) -> bool {
    let Some(index) = metadata.offset_index() else { return false };
    metadata.row_groups().iter().zip(index).all(|(group, columns)| {
        group.columns().iter().zip(columns).all(|(chunk, column)| {
            let Some((start, end)) = super::footer::span(chunk) else { return false };
            let pages = column.page_locations();
            let mut at = start;
            let mut row = -1;
            let ascending = pages.iter().all(|page| {
                let begin = u64::try_from(page.offset).unwrap_or(0);
                let size = u64::try_from(page.compressed_page_size).unwrap_or(u64::MAX);
                let fits = begin >= at && begin.checked_add(size).is_some_and(|page_end| page_end <= end);
                let later = page.first_row_index > row && page.first_row_index < group.num_rows();
                (at, row) = (begin.saturating_add(size), page.first_row_index);
                fits && later
            });
            ascending && pages.first().is_none_or(|page| page.first_row_index == 0)
        })
    })
}

/// The pages of a column of a row group, if the index is there.
pub(super) fn pages(metadata: &ParquetMetaData, group: usize, leaf: usize) -> Option<&[PageLocation]> {
    let column = metadata.offset_index()?.get(group)?.get(leaf)?;
    Some(column.page_locations().as_slice()).filter(|pages| !pages.is_empty())
}

/// The rows of a row group that may match, by the bounds of pages.
pub(super) fn matching_rows(
    metadata: &ParquetMetaData,
    group: usize,
    row_count: u64,
    pruner: &Pruner,
) -> Ranges {
    let whole = || std::iter::once(0..row_count).filter(|rows| !rows.is_empty()).collect();
    let indexed: Vec<_> = pruner
        .columns
        .iter()
        .filter_map(|column| {
            let index = metadata.column_index()?.get(group)?.get(column.leaf)?;
            let pages = pages(metadata, group, column.leaf)?;
            // An index with other pages than the file is of no use.
            let agrees = !matches!(index, ColumnIndexMetaData::NONE)
                && usize::try_from(index.num_pages()).is_ok_and(|count| count == pages.len());
            agrees.then_some((column, index, pages))
        })
        .collect();
    if indexed.is_empty() {
        return whole();
    }
    let starts = indexed.iter().flat_map(|(_, _, pages)| pages.iter());
    let starts: BTreeSet<u64> = starts.filter_map(|page| u64::try_from(page.first_row_index).ok()).collect();
    if starts.len() > MAX_PARTS {
        return whole();
    }
    let mut left = Ranges::new();
    let mut ends = starts.iter().copied().skip(1).chain([row_count]);
    for start in &starts {
        let Some(end) = ends.next() else { break };
        let rows = *start..end;
        let known: HashMap<_, _> = indexed
            .iter()
            .filter_map(|(column, index, pages)| {
                let page = page_of(pages, rows.start)?;
                Some((column.id, of_page(index, page, column, rows.end.saturating_sub(rows.start))))
            })
            .collect();
        if !pruner.may_match_known(rows.end.saturating_sub(rows.start), known) {
            continue;
        }
        match left.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => left.push(rows),
        }
    }
    left
}

/// The page that holds a row.
fn page_of(pages: &[PageLocation], row: u64) -> Option<usize> {
    let row = i64::try_from(row).ok()?;
    pages.partition_point(|page| page.first_row_index <= row).checked_sub(1)
}

/// What a page says of some of its rows: whether all of them are null, or none, and bounds.
fn of_page(index: &ColumnIndexMetaData, page: usize, column: &FilterColumn, rows: u64) -> KnownColumn {
    if index.is_null_page(page) {
        return KnownColumn { nulls: i64::try_from(rows).ok(), ..KnownColumn::default() };
    }
    // Counts are of the whole page; that there are none holds for each part.
    let nulls = index.null_count(page).filter(|count| *count == 0);
    let mut known = KnownColumn { nulls, lower: None, upper: None };
    let is_ordered = column.is_ordered || is_signed_number(column.bounds.physical);
    if let Some((lower, upper)) = bytes_of(index, page).filter(|_| is_ordered) {
        known.lower = column.bounds.bound(&lower, End::Lower);
        known.upper = column.bounds.bound(&upper, End::Upper);
        if known.lower.is_none() || known.upper.is_none() {
            (known.lower, known.upper) = (None, None);
        }
    }
    known
}

/// Least and greatest value of a page, in plain encoding.
fn bytes_of(index: &ColumnIndexMetaData, page: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    use ColumnIndexMetaData as C;
    Some(match index {
        C::NONE | C::INT96(_) => return None,
        C::BOOLEAN(index) => {
            (vec![u8::from(*index.min_value(page)?)], vec![u8::from(*index.max_value(page)?)])
        }
        C::INT32(index) => {
            (index.min_value(page)?.to_le_bytes().into(), index.max_value(page)?.to_le_bytes().into())
        }
        C::INT64(index) => {
            (index.min_value(page)?.to_le_bytes().into(), index.max_value(page)?.to_le_bytes().into())
        }
        C::FLOAT(index) => {
            (index.min_value(page)?.to_le_bytes().into(), index.max_value(page)?.to_le_bytes().into())
        }
        C::DOUBLE(index) => {
            (index.min_value(page)?.to_le_bytes().into(), index.max_value(page)?.to_le_bytes().into())
        }
        C::BYTE_ARRAY(index) | C::FIXED_LEN_BYTE_ARRAY(index) => {
            (index.min_value(page)?.to_vec(), index.max_value(page)?.to_vec())
        }
    })
}
