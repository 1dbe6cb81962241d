//! The bytes of columns: which to fetch, by chunk or by page, and whether they are what was written.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::checksum;
use super::footer::{Footer, slice, span};
use super::page_header::{PageFault, PageLimits, PageShape, check_pages};
use super::page_index::pages;
use super::read::listed_bytes;
use super::rows::{Ranges, count, selection};
use crate::data_error::DataError;
use crate::file::InputFile;

/// Pages are fetched one by one only if that leaves out so much of a chunk, in percent: a chunk read whole has a checksum to verify.
const WORTH_PERCENT: u64 = 30;

/// Fetches the columns of a file.
#[derive(Debug)]
pub(super) struct Fetch {
    input: InputFile,
    tail: (u64, Bytes),
    size_bytes: u64,
    /// Of every column chunk, row group by row group.
    checksums: Option<Vec<u32>>,
    limit_bytes: u64,
}

/// Bytes of a column that were fetched: whole pages.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) leaf: usize,
    /// Where in the file they begin.
    pub(super) start: u64,
    pub(super) bytes: Bytes,
    pub(super) pages: Vec<PageShape>,
}

/// Bytes to fetch of a column.
struct Wanted {
    leaf: usize,
    range: Range<u64>,
    is_whole: bool,
}

impl Fetch {
    /// Of a file with this footer.
    pub(super) fn new(
        input: &InputFile,
        footer: &Footer,
        verify: bool,
        limit_bytes: u64,
    ) -> Result<Self, DataError> {
        let checksums = if verify { checksums(input.location(), &footer.metadata)? } else { None };
        Ok(Self {
            input: input.clone(),
            tail: footer.tail.clone(),
            size_bytes: footer.size_bytes,
            checksums,
            limit_bytes,
        })
    }

    pub(super) fn input(&self) -> &InputFile {
        &self.input
    }

    pub(super) fn file(&self) -> &str {
        self.input.location()
    }

    /// The bytes of some columns of a row group, at least as far as `rows` need them, each with its place in the file.
    pub(super) async fn parts(
        &self,
        metadata: &ParquetMetaData,
        group: usize,
        leaves: &[usize],
        rows: &Ranges,
    ) -> Result<Vec<Part>, DataError> {
        let row_group = metadata
            .row_groups()
            .get(group)
            .ok_or_else(|| DataError::internal("row groups are counted by the footer"))?;
        let row_count = u64::try_from(row_group.num_rows()).unwrap_or(0);
        let is_all = count(rows) == row_count;
        let mut wanted = Vec::new();
        for leaf in leaves {
            let chunk = row_group.columns().get(*leaf);
            let (chunk, (start, end)) = chunk
                .and_then(|chunk| Some((chunk, span(chunk)?)))
                .ok_or_else(|| DataError::internal("columns are counted by the footer"))?;
            let pages = if is_all { None } else { pages_of_rows(metadata, group, *leaf, chunk, rows) };
            match pages {
                Some(ranges) => {
                    wanted.extend(ranges.into_iter().map(|range| Wanted {
                        leaf: *leaf,
                        range,
                        is_whole: false,
                    }));
                }
                None => wanted.push(Wanted { leaf: *leaf, range: start..end, is_whole: true }),
            }
        }
        let bytes = self.read(&wanted).await?;
        let mut parts = Vec::with_capacity(bytes.len());
        for (wanted, bytes) in wanted.iter().zip(bytes) {
            let chunk = row_group
                .columns()
                .get(wanted.leaf)
                .ok_or_else(|| DataError::internal("columns are counted by the footer"))?;
            let pages = self.check(metadata, group, wanted, chunk, &bytes)?;
            parts.push(Part { leaf: wanted.leaf, start: wanted.range.start, bytes, pages });
        }
        Ok(parts)
    }

    /// `count` bytes from `start` on; `None` if the file ends before.
    pub(super) async fn range(&self, start: u64, count: u64) -> Result<Option<Bytes>, DataError> {
        let end = start.saturating_add(count);
        if end > self.size_bytes {
            return Ok(None);
        }
        let (tail_start, tail) = &self.tail;
        match start.checked_sub(*tail_start).and_then(|at| slice(tail, at, count)) {
            Some(bytes) => Ok(Some(bytes)),
            None => Ok(Some(self.input.read_range(start..end).await?)),
        }
    }

    /// The bytes listed for these columns of a row group.
    pub(super) fn bytes_of(&self, metadata: &ParquetMetaData, group: usize, leaves: &[usize]) -> u64 {
        listed_bytes(metadata, group, leaves)
    }

    /// From the end of the file that is at hand, or with as few requests as the store allows.
    async fn read(&self, wanted: &[Wanted]) -> Result<Vec<Bytes>, DataError> {
        let (tail_start, tail) = &self.tail;
        let at_hand = |wanted: &Wanted| {
            let start = wanted.range.start.checked_sub(*tail_start)?;
            slice(tail, start, wanted.range.end.saturating_sub(wanted.range.start))
        };
        let mut found: Vec<Option<Bytes>> = wanted.iter().map(at_hand).collect();
        let missing: Vec<Range<u64>> = wanted
            .iter()
            .zip(&found)
            .filter(|(_, bytes)| bytes.is_none())
            .map(|(wanted, _)| wanted.range.clone())
            .collect();
        if !missing.is_empty() {
            let read = self.input.read_ranges(&missing).await?;
            for (slot, bytes) in found.iter_mut().filter(|slot| slot.is_none()).zip(read) {
                *slot = Some(bytes);
            }
        }
        found
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| DataError::internal("a range was asked for and none came"))
    }

    fn check(
        &self,
        metadata: &ParquetMetaData,
        group: usize,
        wanted: &Wanted,
        chunk: &ColumnChunkMetaData,
        bytes: &Bytes,
    ) -> Result<Vec<PageShape>, DataError> {
        let place = || format!("row group {group}, column {} ({})", wanted.leaf, chunk.column_path());
        let leaves = metadata.file_metadata().schema_descr().num_columns();
        let number = group.saturating_mul(leaves).saturating_add(wanted.leaf);
        if let Some(recorded) =
            self.checksums.as_ref().filter(|_| wanted.is_whole).and_then(|all| all.get(number))
        {
            let found = crc32c::crc32c(bytes);
            if found != *recorded {
                return Err(DataError::Mismatch {
                    file: self.file().to_owned(),
                    place: place(),
                    what: "CRC32C",
                    expected: format!("{recorded:08x}"),
                    found: format!("{found:08x}"),
                });
            }
        }
        let values = u64::try_from(chunk.num_values()).unwrap_or(0);
        check_pages(bytes, PageLimits { page_bytes: self.limit_bytes, values }).map_err(|(at, fault)| {
            let at = wanted.range.start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            let place = format!("{}, page at byte {at}", place());
            match fault {
                PageFault::Damaged(reason) => DataError::corrupt(self.file(), place, reason),
                PageFault::TooLarge(bytes) => DataError::TooLarge {
                    file: self.file().to_owned(),
                    place,
                    bytes,
                    limit_bytes: self.limit_bytes,
                },
            }
        })
    }
}

/// The checksums that our writer left in the footer.
fn checksums(file: &str, metadata: &ParquetMetaData) -> Result<Option<Vec<u32>>, DataError> {
    // Writers that copy a file's rows into a new one carry its keys along (pyarrow does), and these are not the new file's checksums.
    if metadata.file_metadata().created_by() != Some(checksum::CREATED_BY) {
        return Ok(None);
    }
    let mut entries = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let Some(text) = entries.find(|entry| entry.key == checksum::KEY).and_then(|entry| entry.value.as_ref())
    else {
        return Ok(None);
    };
    let damaged = |reason: String| DataError::corrupt(file, format!("footer, key {}", checksum::KEY), reason);
    if !checksum::is_known(text) {
        return Ok(None);
    }
    let checksums = checksum::decode(text).ok_or_else(|| damaged("it holds no checksums".to_owned()))?;
    let chunks =
        metadata.row_groups().iter().fold(0_usize, |sum, group| sum.saturating_add(group.num_columns()));
    if checksums.len() != chunks {
        return Err(damaged(format!("{} checksums of {chunks} column chunks", checksums.len())));
    }
    Ok(Some(checksums))
}

/// The pages of a chunk that hold some rows, its dictionary included; `None` if the chunk is better read whole.
fn pages_of_rows(
    metadata: &ParquetMetaData,
    group: usize,
    leaf: usize,
    chunk: &ColumnChunkMetaData,
    rows: &Ranges,
) -> Option<Vec<Range<u64>>> {
    let pages = pages(metadata, group, leaf)?;
    let (start, end) = span(chunk)?;
    let first_page = u64::try_from(pages.first()?.offset).ok()?;
    let mut ranges = Vec::new();
    if first_page > start {
        ranges.push(start..first_page);
    }
    ranges.extend(selection(rows).scan_ranges(pages));
    let bytes = count(&ranges);
    let worth = end.saturating_sub(start) / 100;
    (bytes < worth.saturating_mul(100_u64.saturating_sub(WORTH_PERCENT))).then_some(ranges)
}

/// The rows in parts, of which each needs at most `limit_bytes` of the columns.
pub(super) fn split_by_pages(
    file: &str,
    metadata: &ParquetMetaData,
    group: usize,
    leaves: &[usize],
    rows: Ranges,
    limit_bytes: u64,
) -> Result<Vec<Ranges>, DataError> {
    let too_large = |bytes| DataError::TooLarge {
        file: file.to_owned(),
        place: format!("row group {group}, which has no page index to read it in parts"),
        bytes,
        limit_bytes,
    };
    let total = listed_bytes(metadata, group, leaves);
    let columns: Vec<_> = leaves
        .iter()
        .map(|leaf| pages(metadata, group, *leaf).ok_or_else(|| too_large(total)))
        .collect::<Result<_, _>>()?;
    let dictionaries = leaves.iter().zip(&columns).fold(0_u64, |sum, (leaf, pages)| {
        let chunk = metadata.row_groups().get(group).and_then(|group| group.columns().get(*leaf));
        let start = chunk.and_then(span).map_or(0, |(start, _)| start);
        let first = pages.first().and_then(|page| u64::try_from(page.offset).ok()).unwrap_or(start);
        sum.saturating_add(first.saturating_sub(start))
    });
    let cost = |rows: &Ranges| {
        let selected = selection(rows);
        columns
            .iter()
            .fold(dictionaries, |sum, pages| sum.saturating_add(count(&selected.scan_ranges(pages))))
    };
    let mut parts = Vec::new();
    let mut waiting = vec![rows];
    while let Some(rows) = waiting.pop() {
        let bytes = cost(&rows);
        if bytes <= limit_bytes {
            parts.push(rows);
            continue;
        }
        let (first, second) = halves(rows);
        if first.is_empty() || second.is_empty() {
            return Err(DataError::TooLarge {
                file: file.to_owned(),
                place: format!("row group {group}, the pages of one row"),
                bytes,
                limit_bytes,
            });
        }
        waiting.extend([second, first]);
    }
    Ok(parts)
}

/// The first half of the rows, and the second.
fn halves(rows: Ranges) -> (Ranges, Ranges) {
    let mut left = count(&rows) / 2;
    let (mut first, mut second) = (Ranges::new(), Ranges::new());
    for range in rows {
        let take = left.min(range.end.saturating_sub(range.start));
        let middle = range.start.saturating_add(take);
        left = left.saturating_sub(take);
        first.extend(Some(range.start..middle).filter(|range| !range.is_empty()));
        second.extend(Some(middle..range.end).filter(|range| !range.is_empty()));
    }
    (first, second)
}
