//! The decoder of Avro files: block after block, each checked before and while it is decoded.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datashard_spec::avro::{AvroFault, Codec, Cursor, Decompressor};

use super::budget::{Budget, RowFault};
use super::builder::{Member, finish_members, members, read_row};
use super::column::{Column, Kind};
use super::header::{self, Header, SYNC_BYTES};
use super::schema;
use super::window::{Window, length};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;
use crate::read::decoder::{DecodePlan, Decoded, Decoder, OpenOptions, RowPositions};

/// The start of a file that is fetched first: most headers fit, and small files do whole.
const HEAD_BYTES: u64 = 64 * 1024;
/// The longest head of a block: two numbers.
const MAX_BLOCK_HEAD_BYTES: u64 = 20;
/// Rows that take no bytes, in one block: more are no data.
const MAX_HOLLOW_ROWS: u64 = 1 << 24;
/// Bytes behind a byte range that are read with it, for the end of its last block.
const READ_BEHIND_BYTES: u64 = 64 * 1024;
/// Bytes that are searched for a sync marker at a time.
const SEARCH_BYTES: u64 = 256 * 1024;

/// Opens an Avro file: reads its header, with one request unless it is long, and learns the size of the file if it was not told.
///
/// # Errors
/// `Store` errors; `Corrupt`, `Mismatch`, `TooLarge`, `Unsupported`.
///
/// # Cancel safety
/// Nothing is left behind.
pub(crate) async fn open(input: &InputFile, options: &OpenOptions) -> Result<Box<dyn Decoder>, DataError> {
    let file = input.location();
    let (tail, size_bytes) = input.read_tail(HEAD_BYTES).await?;
    if options.verify
        && let Some(known) = input.known_size_bytes().filter(|known| *known != size_bytes)
    {
        return Err(DataError::Mismatch {
            file: file.to_owned(),
            place: "whole file".to_owned(),
            what: "length in bytes",
            expected: known.to_string(),
            found: size_bytes.to_string(),
        });
    }
    let (header, head) = head(input, options, &tail, size_bytes).await?;
    if !tail.ends_with(&header.sync) {
        let reason = "no sync marker ends it: it is cut, or more was added".to_owned();
        return Err(DataError::corrupt(file, "end of the file", reason));
    }
    let columns = schema::columns(&header.schema).map_err(|fault| {
        let place = if fault.column.is_empty() {
            "schema".to_owned()
        } else {
            format!("schema, column {}", fault.column)
        };
        if fault.is_legal {
            let advice = "write the file with types that Iceberg has".to_owned();
            DataError::Unsupported { place: format!("`{file}`, {place}"), what: fault.reason, advice }
        } else {
            DataError::corrupt(file, place, fault.reason)
        }
    })?;
    if let Some((column, size)) = oversized(&columns, options.memory_limit_bytes) {
        return Err(DataError::TooLarge {
            file: file.to_owned(),
            place: format!("schema, column {column}"),
            bytes: size,
            limit_bytes: options.memory_limit_bytes,
        });
    }
    let schema = schema::fields(&columns);
    let window = Window::new(input, size_bytes, 0, head, options.memory_limit_bytes);
    Ok(Box::new(AvroDecoder {
        file: file.into(),
        header,
        columns: columns.into(),
        schema,
        window: Some(window),
        run: None,
        row_count: None,
    }))
}

/// The header, and the start of the file. All of a small file came with its end.
async fn head(
    input: &InputFile,
    options: &OpenOptions,
    tail: &Bytes,
    size_bytes: u64,
) -> Result<(Header, Bytes), DataError> {
    let file = input.location();
    let mut wanted = HEAD_BYTES;
    loop {
        let head = if length(tail) == size_bytes {
            tail.clone()
        } else {
            input.read_range(0..wanted.min(size_bytes)).await?
        };
        if let Some(header) = header::parse(file, &head)? {
            return Ok((header, head));
        }
        if wanted >= size_bytes {
            let reason = format!("it does not end within the file's {size_bytes} bytes");
            return Err(DataError::corrupt(file, "header", reason));
        }
        if wanted >= options.memory_limit_bytes {
            return Err(DataError::TooLarge {
                file: file.to_owned(),
                place: "header".to_owned(),
                bytes: wanted.saturating_mul(4),
                limit_bytes: options.memory_limit_bytes,
            });
        }
        wanted = wanted.saturating_mul(4);
    }
}

/// A column of which one value alone is beyond the limit.
fn oversized(columns: &[Column], limit_bytes: u64) -> Option<(&str, u64)> {
    columns.iter().find_map(|column| match &column.kind {
        Kind::Fixed(size) | Kind::DecimalFixed(size) => {
            let size = u64::try_from(*size).unwrap_or(u64::MAX);
            (size > limit_bytes).then_some((column.name.as_str(), size))
        }
        Kind::Record(fields) => oversized(fields, limit_bytes),
        Kind::Array(element) => oversized(std::slice::from_ref(element), limit_bytes),
        Kind::Map(key, value) | Kind::Pairs(key, value) => {
            [key, value].into_iter().find_map(|part| oversized(std::slice::from_ref(part), limit_bytes))
        }
        _ => None,
    })
}

struct AvroDecoder {
    file: Arc<str>,
    header: Header,
    columns: Arc<[Column]>,
    schema: SchemaRef,
    window: Option<Window>,
    run: Option<Run>,
    /// Known after the last row of the whole file.
    row_count: Option<u64>,
}

/// What is being decoded.
struct Run {
    blocks: Blocks,
    columns: Arc<[Column]>,
    leaves: Vec<usize>,
    schema: SchemaRef,
    byte_range: Range<u64>,
    /// Whether all blocks of the file are read.
    is_whole: bool,
    /// Whether the first block of the byte range is still to be found by its sync marker.
    must_search: bool,
    /// Rows that may be left out, if they fill a block.
    deleted: Arc<[Range<u64>]>,
    batch_rows: usize,
    limit_bytes: usize,
    /// The block at hand: its bytes after decompression, how far they are decoded, and how many rows are left.
    block: Bytes,
    at: usize,
    rows_left: u64,
    /// Position of the next row in the file.
    position: u64,
}

/// The blocks of a file, one after the other.
struct Blocks {
    file: Arc<str>,
    window: Window,
    sync: [u8; SYNC_BYTES],
    codec: Codec,
    decompressor: Decompressor,
    limit_bytes: u64,
    least_row_bytes: usize,
    /// Where the next block starts.
    next: u64,
    /// Where the block at hand starts.
    current: u64,
    number: u64,
}

/// The frame of a block.
struct Frame {
    rows: u64,
    /// Its bytes as they are in the file.
    bytes: Bytes,
    /// Where the block after it starts.
    end: u64,
}

#[async_trait]
impl Decoder for AvroDecoder {
    fn file_schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Only the blocks know, and only all of them together.
    fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError> {
        let mut window = self.window.take().ok_or_else(|| DataError::internal("decoding begins once"))?;
        let leaves = plan.resolution.leaves().to_vec();
        let is_wanted = |leaf: usize| leaves.binary_search(&leaf).is_ok();
        let fields: Vec<_> = self.columns.iter().filter_map(|column| column.projected(&is_wanted)).collect();
        let schema: SchemaRef = Arc::new(ArrowSchema::new(fields));
        let start = u64::try_from(self.header.length).unwrap_or(u64::MAX);
        let size_bytes = window.size_bytes();
        let limit = usize::try_from(plan.memory_limit_bytes).unwrap_or(usize::MAX);
        let is_whole =
            plan.byte_range.as_ref().is_none_or(|range| range.start <= start && range.end >= size_bytes);
        let byte_range = plan.byte_range.unwrap_or(0..size_bytes);
        window.read_ahead_until(byte_range.end.saturating_add(READ_BEHIND_BYTES));
        self.run = Some(Run {
            blocks: Blocks {
                file: Arc::clone(&self.file),
                window,
                sync: self.header.sync,
                codec: self.header.codec,
                decompressor: Decompressor::new(self.header.codec, limit),
                limit_bytes: plan.memory_limit_bytes,
                least_row_bytes: self
                    .columns
                    .iter()
                    .fold(0, |sum, column| column.least_bytes().saturating_add(sum)),
                next: start,
                current: start,
                number: 0,
            },
            columns: Arc::clone(&self.columns),
            leaves,
            schema: Arc::clone(&schema),
            must_search: !plan.positions && byte_range.start > start,
            byte_range,
            is_whole,
            deleted: plan.deleted,
            batch_rows: plan.batch_rows,
            limit_bytes: limit,
            block: Bytes::new(),
            at: 0,
            rows_left: 0,
            position: 0,
        });
        Ok(schema)
    }

    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        let Some(mut run) = self.run.take() else { return Ok(None) };
        // After an error nothing more is decoded.
        let decoded = run.next().await?;
        if decoded.is_none() && run.is_whole {
            self.row_count = Some(run.position);
        }
        self.run = decoded.is_some().then_some(run);
        Ok(decoded)
    }
}

impl Run {
    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        let columns = Arc::clone(&self.columns);
        let leaves = std::mem::take(&mut self.leaves);
        let is_wanted = |leaf: usize| leaves.binary_search(&leaf).is_ok();
        let mut row: Vec<Member<'_>> = members(&columns, &is_wanted);
        let first = self.position;
        let mut rows = 0_usize;
        let mut first_of_batch = None;
        let mut budget = Budget::new(self.limit_bytes);
        loop {
            if self.rows_left == 0 {
                // Rows of one batch lie next to each other: those before the byte range are not among them.
                let expected = self.position;
                // Rows of one batch lie next to each other: where a block was left out, it ends.
                if !self.advance().await? || (rows > 0 && self.position != expected) {
                    break;
                }
            }
            first_of_batch.get_or_insert(self.position);
            rows = rows.saturating_add(self.decode(
                &mut row,
                &mut budget,
                self.batch_rows.saturating_sub(rows),
            )?);
            if rows >= self.batch_rows || budget.is_full() {
                break;
            }
        }
        let finished = finish_members(&mut row);
        drop(row);
        self.leaves = leaves;
        if rows == 0 {
            return Ok(None);
        }
        let (_, arrays) = finished.map_err(|error| self.blocks.undecodable(error))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| self.blocks.undecodable(error))?;
        let positions = RowPositions::From(first_of_batch.unwrap_or(first));
        Ok(Some(Decoded { batch, positions }))
    }

    /// Goes to the next block with rows that lies in the byte range; `false` after the last.
    async fn advance(&mut self) -> Result<bool, DataError> {
        loop {
            if self.at < self.block.len() {
                let left = self.block.len().saturating_sub(self.at);
                return Err(self.blocks.fault(self.position, AvroFault::Leftover { left }));
            }
            (self.block, self.at) = (Bytes::new(), 0);
            if std::mem::take(&mut self.must_search) {
                self.blocks.search(&self.byte_range).await?;
            }
            if self.blocks.next >= self.byte_range.end {
                return Ok(false);
            }
            let Some(frame) = self.blocks.frame(self.byte_range.start).await? else { return Ok(false) };
            if self.blocks.current < self.byte_range.start {
                self.position = self.position.saturating_add(frame.rows);
                continue;
            }
            if self.is_deleted(frame.rows) {
                self.position = self.position.saturating_add(frame.rows);
                continue;
            }
            self.block = self.blocks.content(&frame)?;
            self.rows_left = frame.rows;
            if frame.rows > 0 {
                return Ok(true);
            }
        }
    }

    /// Whether the next `rows` rows are all deleted.
    fn is_deleted(&self, rows: u64) -> bool {
        let end = self.position.saturating_add(rows);
        let at = self.deleted.partition_point(|run| run.end < end);
        self.deleted.get(at).is_some_and(|run| run.start <= self.position && end <= run.end)
    }

    /// Decodes rows of the block at hand, at most so many; answers how many.
    fn decode(
        &mut self,
        row: &mut [Member<'_>],
        budget: &mut Budget,
        most: usize,
    ) -> Result<usize, DataError> {
        let mut cursor = Cursor::new(self.block.get(self.at..).unwrap_or_default());
        let mut rows = 0_usize;
        let mut outcome = Ok(());
        while rows < most && self.rows_left > 0 {
            outcome = read_row(row, &mut cursor, budget);
            if outcome.is_err() {
                break;
            }
            self.rows_left = self.rows_left.saturating_sub(1);
            rows = rows.saturating_add(1);
            if budget.is_full() {
                break;
            }
        }
        self.at = self.block.len().saturating_sub(cursor.left());
        self.position = self.position.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        outcome.map(|()| rows).map_err(|fault| match fault {
            RowFault::Avro(fault) => self.blocks.fault(self.position, fault),
            RowFault::TooLarge { bytes, limit_bytes } => DataError::TooLarge {
                file: self.blocks.file.to_string(),
                place: format!("{}, row {}", self.blocks.place(), self.position),
                bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
                limit_bytes: u64::try_from(limit_bytes).unwrap_or(u64::MAX),
            },
        })
    }
}

impl Blocks {
    /// Goes to the first block that starts in a byte range: behind the first sync marker that ends in it. As everywhere in Avro, a marker
    /// in the middle of data is taken for one that ends a block; what is there is hardly a block then, and an error.
    async fn search(&mut self, range: &Range<u64>) -> Result<(), DataError> {
        let sync_bytes = length(&self.sync);
        let mut at = range.start.saturating_sub(sync_bytes);
        let end = range.end.min(self.window.size_bytes());
        while at.saturating_add(sync_bytes) <= end {
            let bytes = self.window.from(at, SEARCH_BYTES.min(end.saturating_sub(at))).await?;
            if let Some(found) = bytes.windows(SYNC_BYTES).position(|window| window == self.sync) {
                let found = u64::try_from(found).unwrap_or(u64::MAX);
                self.next = at.saturating_add(found).saturating_add(sync_bytes);
                return Ok(());
            }
            at = at.saturating_add(length(&bytes).saturating_sub(sync_bytes).saturating_add(1));
        }
        self.next = range.end;
        Ok(())
    }

    /// The frame of the next block, or `None` at the end of the file. Of one that starts before `from` only the head is
    /// read, so a sync marker that is missing there is not seen: whoever reads that part of the file sees it.
    async fn frame(&mut self, from: u64) -> Result<Option<Frame>, DataError> {
        self.current = self.next;
        if self.current >= self.window.size_bytes() {
            return Ok(None);
        }
        let head = self.window.from(self.current, MAX_BLOCK_HEAD_BYTES).await?;
        let mut cursor = Cursor::new(&head);
        let numbers = cursor.long().and_then(|rows| Ok((rows, cursor.long()?)));
        let (rows, size) = numbers.map_err(|fault| self.broken(fault.to_string()))?;
        let head_bytes = length(&head).saturating_sub(u64::try_from(cursor.left()).unwrap_or(u64::MAX));
        let rows = u64::try_from(rows).map_err(|_| self.broken(format!("{rows} rows")))?;
        let size = u64::try_from(size).map_err(|_| self.broken(format!("{size} bytes")))?;
        if size > self.limit_bytes {
            return Err(DataError::TooLarge {
                file: self.file.to_string(),
                place: self.place(),
                bytes: size,
                limit_bytes: self.limit_bytes,
            });
        }
        let start = self.current.saturating_add(head_bytes);
        let sync_bytes = length(&self.sync);
        let end = start.saturating_add(size).saturating_add(sync_bytes);
        if end > self.window.size_bytes() {
            return Err(self.broken(format!("it claims {size} bytes, and the file ends before")));
        }
        if self.current < from {
            self.next = end;
            return Ok(Some(Frame { rows, bytes: Bytes::new(), end }));
        }
        let all = self.window.from(start, size.saturating_add(sync_bytes)).await?;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let sync = all.get(length..).and_then(|rest| rest.get(..SYNC_BYTES));
        if sync != Some(self.sync.as_slice()) {
            return Err(self.broken("no sync marker follows it".to_owned()));
        }
        self.next = end;
        self.number = self.number.saturating_add(1);
        Ok(Some(Frame { rows, bytes: all.slice(..length), end }))
    }

    /// The bytes of a block after decompression, with a number of rows that they can hold.
    fn content(&mut self, frame: &Frame) -> Result<Bytes, DataError> {
        let content = match self.codec {
            Codec::Null => frame.bytes.clone(),
            _ => {
                let (file, place) = (Arc::clone(&self.file), self.place());
                let number = self.number;
                let decompressor = &mut self.decompressor;
                guard(
                    &file,
                    || place.clone(),
                    || {
                        decompressor
                            .decompress(number, &frame.bytes)
                            .map_err(|error| DataError::undecodable(&*file, place.clone(), error))
                    },
                )?;
                Bytes::copy_from_slice(self.decompressor.block())
            }
        };
        let most = match self.least_row_bytes {
            0 => MAX_HOLLOW_ROWS,
            least => length(&content).checked_div(u64::try_from(least).unwrap_or(u64::MAX)).unwrap_or(0),
        };
        if frame.rows > most {
            return Err(self.broken(format!("it claims {} rows in {} bytes", frame.rows, content.len())));
        }
        debug_assert!(frame.end > self.current, "a block takes some bytes");
        Ok(content)
    }

    fn place(&self) -> String {
        format!("block at byte {}", self.current)
    }

    fn broken(&self, reason: String) -> DataError {
        DataError::corrupt(&*self.file, self.place(), reason)
    }

    fn fault(&self, row: u64, fault: AvroFault) -> DataError {
        DataError::corrupt(&*self.file, format!("{}, row {row}", self.place()), fault.to_string())
    }

    fn undecodable(&self, error: arrow::error::ArrowError) -> DataError {
        DataError::undecodable(&*self.file, self.place(), error)
    }
}

#[cfg(test)]
mod tests;
