//! The decoder of Avro files: block after block, each checked before and while it is decoded.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datashard_spec::avro::{AvroFault, Codec, Cursor, Decompressor};

use super::builder::{Member, finish_members, held_bytes, members, read_row};
use super::column::Column;
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
/// Part of the memory limit that a batch may take.
const BATCH_SHARE: u64 = 4;
/// Rows after which the size of a batch is looked at.
const ROWS_BETWEEN_LOOKS: usize = 64;

/// Opens an Avro file: reads its header, with one request unless it is long, and learns the size of the file if it was not told.
///
/// # Errors
/// `Store` errors; `Corrupt`, `Mismatch`, `TooLarge`, `Unsupported`.
///
/// # Cancel safety
/// Nothing is left behind.
pub(crate) async fn open(input: &InputFile, options: &OpenOptions) -> Result<Box<dyn Decoder>, DataError> {
    let file = input.location();
    let size_bytes = input.size_bytes().await?;
    let mut wanted = HEAD_BYTES;
    let (header, head) = loop {
        let head = input.read_range(0..wanted.min(size_bytes)).await?;
        if let Some(header) = header::parse(file, &head)? {
            break (header, head);
        }
        if wanted >= size_bytes {
            return Err(DataError::corrupt(
                file,
                "header",
                format!("it does not end within the file's {size_bytes} bytes"),
            ));
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
    };
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
    let schema = schema::fields(&columns);
    let window = Window::new(input, size_bytes, 0, head, options.memory_limit_bytes);
    Ok(Box::new(AvroDecoder {
        file: file.into(),
        header,
        columns: columns.into(),
        schema,
        window: Some(window),
        run: None,
    }))
}

struct AvroDecoder {
    file: Arc<str>,
    header: Header,
    columns: Arc<[Column]>,
    schema: SchemaRef,
    window: Option<Window>,
    run: Option<Run>,
}

/// What is being decoded.
struct Run {
    blocks: Blocks,
    columns: Arc<[Column]>,
    leaves: Vec<usize>,
    schema: SchemaRef,
    byte_range: Range<u64>,
    batch_rows: usize,
    batch_bytes: usize,
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

    /// Only the blocks know.
    fn row_count(&self) -> Option<u64> {
        None
    }

    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError> {
        let window = self.window.take().ok_or_else(|| DataError::internal("decoding begins once"))?;
        let leaves = plan.resolution.leaves().to_vec();
        let is_wanted = |leaf: usize| leaves.binary_search(&leaf).is_ok();
        let fields: Vec<_> = self.columns.iter().filter_map(|column| column.projected(&is_wanted)).collect();
        let schema: SchemaRef = Arc::new(ArrowSchema::new(fields));
        let start = u64::try_from(self.header.length).unwrap_or(u64::MAX);
        let size_bytes = window.size_bytes();
        let limit = usize::try_from(plan.memory_limit_bytes).unwrap_or(usize::MAX);
        let batch_bytes = plan.memory_limit_bytes.checked_div(BATCH_SHARE).unwrap_or(0);
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
            byte_range: plan.byte_range.unwrap_or(0..size_bytes),
            batch_rows: plan.batch_rows,
            batch_bytes: usize::try_from(batch_bytes).unwrap_or(usize::MAX),
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
        loop {
            if self.rows_left == 0 {
                // Rows of one batch lie next to each other: those before the byte range are not among them.
                if !self.advance().await? {
                    break;
                }
            }
            first_of_batch.get_or_insert(self.position);
            rows = rows.saturating_add(self.decode(&mut row, self.batch_rows.saturating_sub(rows))?);
            if rows >= self.batch_rows || held_bytes(&row) >= self.batch_bytes {
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
            if self.blocks.next >= self.byte_range.end {
                return Ok(false);
            }
            let Some(frame) = self.blocks.frame(self.byte_range.start).await? else { return Ok(false) };
            if self.blocks.current < self.byte_range.start {
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

    /// Decodes rows of the block at hand, at most so many; answers how many.
    fn decode(&mut self, row: &mut [Member<'_>], most: usize) -> Result<usize, DataError> {
        let mut cursor = Cursor::new(self.block.get(self.at..).unwrap_or_default());
        let mut rows = 0_usize;
        let mut outcome = Ok(());
        while rows < most && self.rows_left > 0 {
            outcome = read_row(row, &mut cursor);
            if outcome.is_err() {
                break;
            }
            self.rows_left = self.rows_left.saturating_sub(1);
            rows = rows.saturating_add(1);
            if rows.is_multiple_of(ROWS_BETWEEN_LOOKS) && held_bytes(row) >= self.batch_bytes {
                break;
            }
        }
        self.at = self.block.len().saturating_sub(cursor.left());
        self.position = self.position.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        outcome.map(|()| rows).map_err(|fault| self.blocks.fault(self.position, fault))
    }
}

impl Blocks {
    /// The frame of the next block, or `None` at the end of the file. Of one that starts before `from` only the head is read.
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
