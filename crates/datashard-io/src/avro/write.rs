//! The writer of Avro files: Arrow batches in, one file out, block by block.
//!
//! Rows are encoded as they come; a block leaves as soon as it is full, so a file of any size takes the memory of one block.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datashard_spec::avro::{AvroError, Compressor, put_bytes, put_length};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::property::MetricsConfig;
use datashard_spec::schema::Schema;
use sha2::{Digest, Sha256};

use super::encode::Encoder;
use super::header::{MAGIC, SYNC_BYTES};
use super::iceberg_schema::schema_json;
use super::options::AvroWriteOptions;
use crate::arrow::schema_to_arrow;
use crate::data_error::DataError;
use crate::file::guard::guard;
use crate::file::{OutputFile, record_sha256};
use crate::metrics::MetricsBuilder;
use crate::write::format_writer::FormatWriter;

/// Encoded bytes after which a block is full, before compression: enough for the codec to work with, little enough to split files by.
const BLOCK_BYTES: usize = 256 * 1024;
/// Rows after which a block is full, whatever they take: rows of unknown columns alone take nothing.
const BLOCK_ROWS: usize = 1 << 17;
const PLACE: &str = "record batch";

/// Writes one Avro file.
pub(crate) struct AvroFileWriter {
    output: OutputFile,
    schema: Arc<Schema>,
    /// The columns of batches.
    arrow: SchemaRef,
    metrics: MetricsBuilder,
    compressor: Compressor,
    sync: [u8; SYNC_BYTES],
    /// The header until it leaves, then frames of blocks.
    frame: Vec<u8>,
    /// Encoded rows of the block in the making.
    block: Vec<u8>,
    block_rows: usize,
    rows: u64,
    /// Bytes of full blocks, before and after compression.
    raw_bytes: u64,
    packed_bytes: u64,
    /// Set while a call is under way: a call that failed, or was dropped, leaves it so.
    is_broken: bool,
}

impl AvroFileWriter {
    /// Begins a file of rows in `schema`.
    ///
    /// # Errors
    /// `Unsupported` if the schema has a type that Arrow or Avro lacks, or the build the codec.
    #[expect(clippy::new_ret_no_self, reason = "writers of all formats are handed on as one")]
    pub(crate) fn new(
        output: OutputFile,
        schema: &Arc<Schema>,
        options: &AvroWriteOptions,
        metrics: &Arc<MetricsConfig>,
    ) -> Result<Box<dyn FormatWriter>, DataError> {
        let arrow = schema_to_arrow(schema)?;
        let json = schema_json(schema)?;
        let sync = sync_marker(output.location(), &json);
        let compressor = Compressor::new(options.codec, options.level)
            .map_err(|error| not_encoded(output.location(), "header", error))?;
        let iceberg = schema.to_json();
        let pairs = [
            ("avro.schema", json.as_str()),
            ("avro.codec", options.codec.as_str()),
            ("iceberg.schema", iceberg.as_str()),
        ];
        let mut frame = MAGIC.to_vec();
        put_length(&mut frame, pairs.len());
        for (key, value) in pairs {
            put_bytes(&mut frame, key.as_bytes());
            put_bytes(&mut frame, value.as_bytes());
        }
        frame.push(0);
        frame.extend_from_slice(&sync);
        Ok(Box::new(Self {
            metrics: MetricsBuilder::new(schema, metrics)?,
            output,
            schema: Arc::clone(schema),
            arrow,
            compressor,
            sync,
            frame,
            block: Vec::new(),
            block_rows: 0,
            rows: 0,
            raw_bytes: 0,
            packed_bytes: 0,
            is_broken: false,
        }))
    }

    /// Marks a call as under way, unless one before it broke off.
    fn enter(&mut self) -> Result<(), DataError> {
        if std::mem::replace(&mut self.is_broken, true) {
            return Err(DataError::InvalidInput {
                what: "AvroFileWriter",
                reason: format!(
                    "an earlier call for `{}` failed or was dropped; the file can only be aborted",
                    self.output.location()
                ),
            });
        }
        Ok(())
    }

    async fn write_rows(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.check(batch)?;
        self.metrics.add(batch)?;
        let mut from = 0_usize;
        while from < batch.num_rows() {
            from = from.saturating_add(self.encode(batch, from)?);
            if self.is_full() {
                self.end_block().await?;
            }
        }
        Ok(())
    }

    /// A batch has exactly the columns of the table; what their values are is seen when they are encoded.
    fn check(&self, batch: &RecordBatch) -> Result<(), DataError> {
        if batch.num_columns() != self.arrow.fields().len() {
            return Err(DataError::WrongColumns {
                place: PLACE.to_owned(),
                reason: format!(
                    "it has {} columns, and the schema has {}",
                    batch.num_columns(),
                    self.arrow.fields().len()
                ),
            });
        }
        for (field, array) in self.arrow.fields().iter().zip(batch.columns()) {
            if !field.data_type().equals_datatype(array.data_type()) {
                return Err(DataError::WrongType {
                    place: PLACE.to_owned(),
                    column: field.name().clone(),
                    found: array.data_type().to_string(),
                    wanted: field.data_type().to_string(),
                    advice: String::new(),
                });
            }
        }
        Ok(())
    }

    /// Encodes rows until the block is full or the batch ends; answers how many.
    fn encode(&mut self, batch: &RecordBatch, from: usize) -> Result<usize, DataError> {
        let location = self.output.location().to_owned();
        let schema = Arc::clone(&self.schema);
        guard(
            &location,
            || "rows".to_owned(),
            || {
                let columns = schema.fields().iter().zip(batch.columns());
                let columns: Vec<Encoder<'_>> =
                    columns.map(|(field, array)| Encoder::new(field, array)).collect::<Result<_, _>>()?;
                let mut row = from;
                while row < batch.num_rows() && !self.is_full() {
                    for column in &columns {
                        column.put(row, &mut self.block).map_err(|unfit| DataError::BadValue {
                            place: PLACE.to_owned(),
                            row: u64::try_from(row).unwrap_or(u64::MAX),
                            column: unfit.column(),
                            reason: unfit.reason,
                        })?;
                    }
                    self.block_rows = self.block_rows.saturating_add(1);
                    row = row.saturating_add(1);
                }
                Ok(row.saturating_sub(from))
            },
        )
    }

    fn is_full(&self) -> bool {
        self.block.len() >= BLOCK_BYTES || self.block_rows >= BLOCK_ROWS
    }

    /// Lets the block go, and the header before the first.
    async fn end_block(&mut self) -> Result<(), DataError> {
        if self.block_rows > 0 {
            let packed = self
                .compressor
                .compress(&self.block)
                .map_err(|error| not_encoded(self.output.location(), "block", error))?;
            put_length(&mut self.frame, self.block_rows);
            put_bytes(&mut self.frame, packed);
            self.frame.extend_from_slice(&self.sync);
            self.raw_bytes = self.raw_bytes.saturating_add(to_u64(self.block.len()));
            self.packed_bytes = self.packed_bytes.saturating_add(to_u64(packed.len()));
            self.rows = self.rows.saturating_add(to_u64(self.block_rows));
            self.block.clear();
            self.block_rows = 0;
        }
        let bytes = std::mem::take(&mut self.frame);
        self.output.write(bytes.into()).await
    }

    async fn complete(mut self: Box<Self>) -> Result<DataFile, DataError> {
        self.end_block().await?;
        let written = self.output.finish().await?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (rows, size) = (number(self.rows), number(written.size_bytes));
        let mut file = DataFile::new(&*written.location, FileFormat::Avro, rows, size);
        record_sha256(&mut file, &written.sha256);
        // No split offsets: the Java reference writes none, and readers find blocks by themselves.
        self.metrics.finish(file)
    }
}

/// The sync marker of a file, from its name and schema. It has to differ from what is in the data, not to be secret: no two files have one
/// name, so markers differ as random ones would, and equal input gives equal files.
fn sync_marker(location: &str, schema: &str) -> [u8; SYNC_BYTES] {
    let mut hash = Sha256::new();
    hash.update(location.as_bytes());
    hash.update([0]);
    hash.update(schema.as_bytes());
    let mut sync = [0; SYNC_BYTES];
    sync.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    sync
}

fn not_encoded(file: &str, place: &str, error: AvroError) -> DataError {
    DataError::Internal {
        what: format!("`{file}`, {place}: cannot be encoded: {error}"),
        source: Some(Box::new(error)),
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[async_trait]
impl FormatWriter for AvroFileWriter {
    async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.enter()?;
        self.write_rows(batch).await?;
        self.is_broken = false;
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        let held = to_u64(self.block.len());
        // As far as blocks before tell how well rows compress.
        let packed =
            held.saturating_mul(self.packed_bytes).checked_div(self.raw_bytes).unwrap_or(held).min(held);
        self.output.size_bytes().saturating_add(to_u64(self.frame.len())).saturating_add(packed)
    }

    fn memory_bytes(&self) -> usize {
        self.block.capacity().saturating_add(self.frame.capacity())
    }

    async fn finish(mut self: Box<Self>) -> Result<DataFile, DataError> {
        self.enter()?;
        self.complete().await
    }

    async fn abort(self: Box<Self>) -> Result<(), DataError> {
        self.output.abort().await
    }
}

impl std::fmt::Debug for AvroFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("AvroFileWriter");
        shown.field("output", &self.output).field("rows", &self.rows).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
