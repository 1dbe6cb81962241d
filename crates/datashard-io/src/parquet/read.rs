//! The decoder of Parquet files: row groups one after the other, their bytes fetched first and then decoded from memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelectionPolicy,
};
use parquet::file::metadata::ParquetMetaData;

use super::chunks::Chunks;
use super::fetch::{self, Fetch, split_by_pages};
use super::footer::{self, Footer, span};
use super::late::Late;
use super::prune::Pruner;
use super::rows::{Positions, Ranges, count, selection, subtract};
use super::{bloom, columns, page_index, undecodable, unfold};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;
use crate::read::decoder::{DecodePlan, Decoded, Decoder, OpenOptions};

/// Fewest rows of a batch that is made smaller because its rows are long.
const MIN_BATCH_ROWS: u64 = 16;
/// Part of the memory limit that a batch should take, by the average length of rows.
const BATCH_SHARE: u64 = 4;
/// Part of the memory limit that a batch may take at worst. It is seldom come near: where every value is as long as the longest.
const WORST_BATCH_SHARE: u64 = 2;
/// Part of the memory limit that the page index may take.
const INDEX_SHARE: u64 = 8;

/// Opens a Parquet file: reads its footer, with one request unless it is long.
///
/// Memory is bounded by the limit in the options, which holds for the footer and for the stored bytes of the columns that are read of a row
/// group; larger row groups are read in parts where the file has a page index, and refused where it has none. To that come a page of each
/// column after decompression, each at most as large as the limit, and a batch, whose rows are fewer than asked for where they are long.
///
/// Checksums of pages are verified in any case; `verify` is about those of column chunks and about the length of the file.
///
/// # Errors
/// As [`InputFile::read_tail`]; `InvalidData` for a damaged footer and for a file of another length than was recorded; `InvalidInput` for a
/// footer beyond the memory limit; `Unsupported` for encryption.
///
/// # Cancel safety
/// Nothing is left behind.
pub(crate) async fn open(input: &InputFile, options: &OpenOptions) -> Result<Box<dyn Decoder>, DataError> {
    let footer = footer::read(input, options).await?;
    let arrow = columns::reader_metadata(input.location(), &footer.metadata)?;
    let schema = Arc::clone(arrow.schema());
    Ok(Box::new(ParquetDecoder { input: input.clone(), footer, arrow, schema, run: None }))
}

struct ParquetDecoder {
    input: InputFile,
    footer: Footer,
    arrow: ArrowReaderMetadata,
    schema: SchemaRef,
    run: Option<Run>,
}

/// What is being decoded.
struct Run {
    fetch: Fetch,
    footer: Footer,
    arrow: ArrowReaderMetadata,
    leaves: Vec<usize>,
    pruner: Option<Pruner>,
    late: Option<Late>,
    deleted: Arc<[Range<u64>]>,
    batch_rows: usize,
    memory_limit_bytes: u64,
    is_indexed: bool,
    groups: VecDeque<Group>,
    parts: VecDeque<Part>,
    current: Option<Current>,
}

/// A row group.
#[derive(Debug, Clone, Copy)]
struct Group {
    number: usize,
    first_row: u64,
    row_count: u64,
}

/// Rows of a row group that are decoded together.
struct Part {
    group: Group,
    rows: Ranges,
}

/// Rows that are being decoded.
struct Current {
    group: usize,
    reader: ParquetRecordBatchReader,
    positions: Positions,
}

#[async_trait]
impl Decoder for ParquetDecoder {
    fn file_schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn row_count(&self) -> Option<u64> {
        u64::try_from(self.footer.metadata.file_metadata().num_rows()).ok()
    }

    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError> {
        let metadata = &self.footer.metadata;
        let leaves = plan.resolution.leaves().to_vec();
        let schema = projected(&self.schema, &leaves);
        let pruner = plan
            .filter
            .as_ref()
            .map(|filter| Pruner::new(filter.clone(), &plan.resolution, metadata, self.schema.fields()));
        let late = match &plan.filter {
            Some(filter) if plan.late_materialization => Late::new(filter, &plan.resolution, &leaves)?,
            _ => None,
        };
        let mut first_row = 0_u64;
        let mut groups = VecDeque::new();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let row_count = u64::try_from(group.num_rows()).unwrap_or(0);
            let start = group.columns().iter().filter_map(span).map(|(start, _)| start).min().unwrap_or(0);
            let is_wanted = row_count > 0
                && plan.byte_range.as_ref().is_none_or(|range| range.contains(&start))
                && guard(
                    self.input.location(),
                    || format!("statistics of row group {number}"),
                    || Ok(pruner.as_ref().is_none_or(|pruner| pruner.may_match(group))),
                )?;
            if is_wanted {
                footer::check_codecs(self.input.location(), metadata, number, &leaves)?;
                groups.push_back(Group { number, first_row, row_count });
            }
            first_row = first_row.saturating_add(row_count);
        }
        self.run = Some(Run {
            fetch: Fetch::new(&self.input, &self.footer, plan.verify, plan.memory_limit_bytes)?,
            footer: self.footer.clone(),
            arrow: self.arrow.clone(),
            leaves,
            pruner,
            late,
            deleted: plan.deleted,
            batch_rows: plan.batch_rows,
            memory_limit_bytes: plan.memory_limit_bytes,
            is_indexed: false,
            groups,
            parts: VecDeque::new(),
            current: None,
        });
        Ok(schema)
    }

    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        let Some(mut run) = self.run.take() else { return Ok(None) };
        // After an error nothing more is decoded.
        let decoded = run.next().await?;
        self.run = decoded.is_some().then_some(run);
        Ok(decoded)
    }
}

impl Run {
    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        loop {
            if let Some(current) = &mut self.current {
                let decoded = current.next(self.fetch.file())?;
                if decoded.is_some() {
                    return Ok(decoded);
                }
                self.current = None;
            } else if let Some(part) = self.parts.pop_front() {
                self.current = self.start(part).await?;
            } else if let Some(group) = self.groups.pop_front() {
                self.plan(group).await?;
            } else {
                return Ok(None);
            }
        }
    }

    /// Decides which rows of a row group are read, and in how many parts.
    async fn plan(&mut self, group: Group) -> Result<(), DataError> {
        let Some(row_group) = self.footer.metadata.row_groups().get(group.number) else {
            return Err(DataError::internal("row groups are counted by the footer"));
        };
        if let Some(pruner) = &self.pruner
            && !bloom::may_match(&self.fetch, row_group, pruner).await?
        {
            return Ok(());
        }
        let whole: Ranges = std::iter::once(0..group.row_count).collect();
        let left = subtract(&whole, &self.deleted, group.first_row);
        if left.is_empty() {
            return Ok(());
        }
        let bytes = self.fetch.bytes_of(&self.footer.metadata, group.number, &self.leaves);
        let is_large = bytes > self.memory_limit_bytes;
        let may_skip = left != whole || self.pruner.as_ref().is_some_and(|pruner| !pruner.columns.is_empty());
        if (is_large || may_skip) && !self.is_indexed {
            self.load_index().await?;
        }
        let metadata = Arc::clone(&self.footer.metadata);
        let mut rows = left;
        if let Some(pruner) = &self.pruner {
            let matching = guard(
                self.fetch.file(),
                || format!("page index of row group {}", group.number),
                || Ok(page_index::matching_rows(&metadata, group.number, group.row_count, pruner)),
            )?;
            rows = subtract(&matching, &self.deleted, group.first_row);
        }
        if rows.is_empty() {
            return Ok(());
        }
        if !is_large {
            self.parts.push_back(Part { group, rows });
            return Ok(());
        }
        let limit = self.memory_limit_bytes;
        let parts = split_by_pages(self.fetch.file(), &metadata, group.number, &self.leaves, rows, limit)?;
        self.parts.extend(parts.into_iter().map(|rows| Part { group, rows }));
        Ok(())
    }

    /// Reads the page index of the file, once.
    async fn load_index(&mut self) -> Result<(), DataError> {
        self.is_indexed = true;
        let limit = self.memory_limit_bytes.checked_div(INDEX_SHARE).unwrap_or(0);
        let metadata = page_index::load(self.fetch.input(), &self.footer, limit).await?;
        if metadata.offset_index().is_some() {
            self.arrow = columns::reader_metadata(self.fetch.file(), &metadata)?;
            self.footer.metadata = metadata;
        }
        Ok(())
    }

    /// Fetches the bytes of some rows. `None` if none of them matches.
    async fn start(&mut self, part: Part) -> Result<Option<Current>, DataError> {
        let Part { group, mut rows } = part;
        let is_whole = |rows: &Ranges| count(rows) == group.row_count;
        let mut parts = Vec::new();
        let mut fetched = Vec::new();
        // After an error nothing more is decoded, so that it need not be put back then.
        if let Some(mut late) = self.late.take_if(|late| late.is_worth_trying()) {
            let filter_leaves = late.leaves().to_vec();
            parts = self.fetch.parts(&self.footer.metadata, group.number, &filter_leaves, &rows).await?;
            let chunks = self.chunks(&parts);
            let batch_rows = self.rows_of_a_batch(group, &parts)?;
            let matching = late.matching_rows(
                self.fetch.file(),
                group.number,
                |leaves| {
                    reader(
                        self.fetch.file(),
                        &self.arrow,
                        group.number,
                        chunks.clone(),
                        leaves,
                        batch_rows,
                        Some(&rows),
                    )
                },
                &rows,
            )?;
            self.late = Some(late);
            if let Some(matching) = matching {
                rows = matching;
            }
            if rows.is_empty() {
                return Ok(None);
            }
            fetched = filter_leaves;
        }
        let rest: Vec<usize> = self.leaves.iter().copied().filter(|leaf| !fetched.contains(leaf)).collect();
        parts.extend(self.fetch.parts(&self.footer.metadata, group.number, &rest, &rows).await?);
        let chunks = self.chunks(&parts);
        let batch_rows = self.rows_of_a_batch(group, &parts)?;
        let selected = (!is_whole(&rows)).then_some(&rows);
        let reader =
            reader(self.fetch.file(), &self.arrow, group.number, chunks, &self.leaves, batch_rows, selected)?;
        Ok(Some(Current { group: group.number, reader, positions: Positions::new(rows, group.first_row) }))
    }

    fn chunks(&self, parts: &[fetch::Part]) -> Chunks {
        let parts = parts.iter().map(|part| (part.start, part.bytes.clone())).collect();
        Chunks::new(self.footer.size_bytes, parts)
    }

    /// Fewer than asked for where rows are long: on average, or where pages can unfold to much.
    fn rows_of_a_batch(&self, group: Group, parts: &[fetch::Part]) -> Result<usize, DataError> {
        let Some(row_group) = self.footer.metadata.row_groups().get(group.number) else {
            return Err(DataError::internal("row groups are counted by the footer"));
        };
        let bytes =
            self.leaves.iter().filter_map(|leaf| row_group.columns().get(*leaf)).fold(0_u64, |sum, chunk| {
                // Of text in dictionaries, pages say little: each value may stand for many rows.
                let unfolded = chunk.unencoded_byte_array_data_bytes().unwrap_or(0);
                let bytes = chunk.uncompressed_size().max(unfolded);
                sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
            });
        let row_bytes = bytes.checked_div(group.row_count).unwrap_or(0).max(1);
        let share_bytes = self.memory_limit_bytes.checked_div(BATCH_SHARE).unwrap_or(0);
        let fitting = share_bytes.checked_div(row_bytes).unwrap_or(0).max(MIN_BATCH_ROWS);
        let rows = self.batch_rows.min(usize::try_from(fitting).unwrap_or(usize::MAX));
        let limits = unfold::Limits {
            share_bytes: self.memory_limit_bytes.checked_div(WORST_BATCH_SHARE).unwrap_or(0),
            limit_bytes: self.memory_limit_bytes,
            min_rows: MIN_BATCH_ROWS,
        };
        unfold::batch_rows(self.fetch.file(), group.number, row_group, parts, rows, limits)
    }
}

/// A reader of some columns and rows of a row group, whose bytes are at hand.
fn reader(
    file: &str,
    arrow: &ArrowReaderMetadata,
    group: usize,
    chunks: Chunks,
    leaves: &[usize],
    batch_rows: usize,
    rows: Option<&Ranges>,
) -> Result<ParquetRecordBatchReader, DataError> {
    let place = || format!("row group {group}");
    guard(file, place, || {
        let mask = ProjectionMask::leaves(arrow.parquet_schema(), leaves.iter().copied());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, arrow.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(batch_rows);
        if let Some(rows) = rows {
            // The other way, by masks, reads rows between those that are wanted, and their pages may not be at hand.
            builder = builder
                .with_row_selection(selection(rows))
                .with_row_selection_policy(RowSelectionPolicy::Selectors);
        }
        builder.build().map_err(|error| undecodable(file, place(), error))
    })
}

impl Current {
    fn next(&mut self, file: &str) -> Result<Option<Decoded>, DataError> {
        let place = || format!("row group {}", self.group);
        let reader = &mut self.reader;
        let batch = guard(file, place, || {
            reader.next().transpose().map_err(|error| DataError::undecodable(file, place(), error))
        })?;
        let Some(batch) = batch else {
            return match self.positions.is_done() {
                true => Ok(None),
                false => Err(DataError::corrupt(file, place(), "it has fewer rows than the footer lists")),
            };
        };
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        let positions = self
            .positions
            .take(rows)
            .ok_or_else(|| DataError::corrupt(file, place(), "it has more rows than the footer lists"))?;
        Ok(Some(Decoded { batch, positions }))
    }
}

/// The schema of batches with these leaves only.
fn projected(schema: &SchemaRef, leaves: &[usize]) -> SchemaRef {
    let fields = schema.fields().filter_leaves(|leaf, _| leaves.binary_search(&leaf).is_ok());
    Arc::new(ArrowSchema::new(fields))
}

/// Bytes that the footer lists for these columns of a row group.
pub(super) fn listed_bytes(metadata: &ParquetMetaData, group: usize, leaves: &[usize]) -> u64 {
    let Some(group) = metadata.row_groups().get(group) else { return 0 };
    leaves
        .iter()
        .filter_map(|leaf| span(group.columns().get(*leaf)?))
        .fold(0, |sum, (start, end)| sum.saturating_add(end.saturating_sub(start)))
}
