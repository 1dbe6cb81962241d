//! The writer of Parquet files: Arrow batches in, one file out, with its checksums and metrics.
//!
//! Rows are encoded as they come and held, encoded and compressed, until their row group is full; so a file of any size takes the memory
//! of one row group. The column chunks then leave one after the other, and their checksums are taken from the very bytes that leave.

mod finish;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::DataFile;
use datashard_spec::property::MetricsConfig;
use datashard_spec::schema::Schema;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::checksum::ChunkChecksums;
use super::options::ParquetWriteOptions;
use super::row_group::{OpenRowGroup, to_u64};
use super::schema::schema_to_parquet;
use super::sound::check_batch;
use super::stored::{StoredStruct, leaves_out};
use crate::arrow::schema_to_arrow;
use crate::data_error::DataError;
use crate::file::OutputFile;
use crate::file::guard::guard;
use crate::metrics::MetricsBuilder;
use crate::write::format_writer::FormatWriter;
use sink::Sink;

/// The key of the footer's metadata that holds the schema as JSON; Java writes it, and nobody must read it.
const SCHEMA_KEY: &str = "iceberg.schema";
/// Row groups are numbered with 16 bits.
const MAX_ROW_GROUPS: usize = 32_767;

/// Writes one Parquet file.
pub(crate) struct ParquetFileWriter {
    output: OutputFile,
    options: ParquetWriteOptions,
    /// The columns of batches.
    arrow: SchemaRef,
    /// What is stored of them, if not all of it.
    partly: Option<StoredStruct>,
    /// The columns that are stored.
    stored_arrow: SchemaRef,
    /// Field ids of the columns of the file.
    leaf_ids: Vec<FieldId>,
    metrics: MetricsBuilder,
    config: Arc<MetricsConfig>,
    file: SerializedFileWriter<Sink>,
    factory: ArrowRowGroupWriterFactory,
    sink: Sink,
    checksums: ChunkChecksums,
    open: Option<OpenRowGroup>,
    rows: u64,
    /// Set while a call is under way: a call that failed, or was dropped, leaves it so.
    is_broken: bool,
}

impl ParquetFileWriter {
    /// Begins a file of rows in `schema`.
    ///
    /// # Errors
    /// `Unsupported` if the schema has a struct without fields, no fields, or a type that Arrow lacks.
    #[expect(clippy::new_ret_no_self, reason = "writers of all formats are handed on as one")]
    pub(crate) fn new(
        output: OutputFile,
        schema: &Arc<Schema>,
        options: &ParquetWriteOptions,
        metrics: &Arc<MetricsConfig>,
    ) -> Result<Box<dyn FormatWriter>, DataError> {
        Ok(Box::new(Self::begin(output, schema, options, metrics)?))
    }

    fn begin(
        output: OutputFile,
        schema: &Arc<Schema>,
        options: &ParquetWriteOptions,
        config: &Arc<MetricsConfig>,
    ) -> Result<Self, DataError> {
        let arrow = schema_to_arrow(schema)?;
        let stored = StoredStruct::of_schema(schema)?;
        let stored_arrow = stored.arrow_schema(&arrow)?;
        let sink = Sink::default();
        let properties = options.writer_properties();
        let (mut file, factory) = encode(output.location(), "footer", || {
            let parquet = schema_to_parquet(schema, &stored)?;
            let file = SerializedFileWriter::new(sink.clone(), parquet, properties)?;
            let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&stored_arrow));
            Ok((file, factory))
        })?;
        file.append_key_value_metadata(KeyValue::new(SCHEMA_KEY.to_owned(), schema.to_json()));
        Ok(Self {
            leaf_ids: stored.leaf_ids(schema),
            partly: leaves_out(&stored, &arrow).then_some(stored),
            metrics: MetricsBuilder::new(schema, config)?,
            config: Arc::clone(config),
            options: options.clone(),
            output,
            arrow,
            stored_arrow,
            file,
            factory,
            sink,
            checksums: ChunkChecksums::default(),
            open: None,
            rows: 0,
            is_broken: false,
        })
    }

    /// Marks a call as under way, unless one before it broke off.
    fn enter(&mut self) -> Result<(), DataError> {
        if std::mem::replace(&mut self.is_broken, true) {
            return Err(DataError::InvalidInput {
                what: "ParquetFileWriter",
                reason: format!(
                    "an earlier call for `{}` failed or was dropped; the file can only be aborted",
                    self.output.location()
                ),
            });
        }
        Ok(())
    }

    async fn write_rows(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        check_batch(batch, &self.arrow)?;
        self.metrics.add(batch)?;
        let columns = self.stored_columns(batch)?;
        let rows = batch.num_rows();
        let row_bytes = row_bytes(&columns, rows);
        let mut from = 0_usize;
        while from < rows {
            let open = match self.open.take() {
                Some(open) => open,
                None => self.new_row_group()?,
            };
            let step = open.rows_to_check(&self.options.row_groups, row_bytes).min(rows.saturating_sub(from));
            let open = self.encode_rows(open, &columns, from, step, row_bytes)?;
            from = from.saturating_add(step);
            let is_full = open.is_full(&self.options.row_groups);
            self.open = Some(open);
            if is_full {
                self.end_row_group().await?;
            }
        }
        self.rows = self.rows.saturating_add(to_u64(rows));
        Ok(())
    }

    /// The columns of a batch as they are stored.
    fn stored_columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, DataError> {
        let Some(stored) = &self.partly else { return Ok(batch.columns().to_vec()) };
        let kept = stored.parts.iter().map(|(at, part)| {
            let column = batch.columns().get(*at);
            let column = column.ok_or_else(|| DataError::internal("a checked batch lacks a column"))?;
            Ok(part.pick(column)?.into_owned())
        });
        kept.collect()
    }

    fn new_row_group(&self) -> Result<OpenRowGroup, DataError> {
        let number = self.file.flushed_row_groups().len();
        if number >= MAX_ROW_GROUPS {
            return Err(DataError::InvalidInput {
                what: "write.parquet.row-group-size-bytes",
                reason: format!(
                    "`{}` would have more than {MAX_ROW_GROUPS} row groups; make them larger",
                    self.output.location()
                ),
            });
        }
        encode(self.output.location(), "row group", || self.factory.create_column_writers(number))
            .map(OpenRowGroup::new)
    }

    fn encode_rows(
        &self,
        mut open: OpenRowGroup,
        columns: &[ArrayRef],
        from: usize,
        rows: usize,
        row_bytes: u64,
    ) -> Result<OpenRowGroup, DataError> {
        let sliced: Vec<ArrayRef> = columns.iter().map(|column| column.slice(from, rows)).collect();
        let bytes = row_bytes.saturating_mul(to_u64(rows));
        encode(self.output.location(), "rows", || {
            open.write(&self.stored_arrow, &sliced, to_u64(rows), bytes)?;
            Ok(open)
        })
    }

    /// Completes the row group and lets it go, one column chunk after the other.
    async fn end_row_group(&mut self) -> Result<(), DataError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let location = self.output.location().to_owned();
        let chunks = encode(&location, "row group", || open.close())?;
        let mut start = to_u64(self.file.bytes_written());
        let mut row_group = encode(&location, "row group", || self.file.next_row_group())?;
        for chunk in chunks {
            let size_bytes = u64::try_from(chunk.close().metadata.compressed_size()).unwrap_or(0);
            self.checksums.expect(start, size_bytes);
            start = start.saturating_add(size_bytes);
            self.sink.reserve(size_bytes);
            encode(&location, "column chunk", || chunk.append_to_row_group(&mut row_group))?;
            pass_on(&mut self.checksums, &mut self.output, self.sink.take()).await?;
        }
        encode(&location, "row group", || row_group.close())?;
        self.flush().await
    }

    /// Sends on what the file writer still holds.
    async fn flush(&mut self) -> Result<(), DataError> {
        encode(self.output.location(), "row group", || Ok(self.file.flush()?))?;
        pass_on(&mut self.checksums, &mut self.output, self.sink.take()).await
    }
}

async fn pass_on(
    checksums: &mut ChunkChecksums,
    output: &mut OutputFile,
    pieces: Vec<Bytes>,
) -> Result<(), DataError> {
    for bytes in pieces {
        checksums.pass(&bytes);
        output.write(bytes).await?;
    }
    Ok(())
}

/// Runs the encoder; what it refuses, and panics, become errors that name the place.
fn encode<T>(
    file: &str,
    place: &str,
    encode: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, DataError> {
    guard(
        file,
        || place.to_owned(),
        || {
            encode().map_err(|error| DataError::Internal {
                what: format!("`{file}`, {place}: cannot be encoded: {error}"),
                source: Some(Box::new(error)),
            })
        },
    )
}

/// Bytes that a row takes in memory, on average.
fn row_bytes(columns: &[ArrayRef], rows: usize) -> u64 {
    let bytes = columns.iter().map(|column| {
        let whole = column.to_data();
        to_u64(whole.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()))
    });
    bytes.fold(0, u64::saturating_add).checked_div(to_u64(rows)).unwrap_or(0)
}

#[async_trait]
impl FormatWriter for ParquetFileWriter {
    async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.enter()?;
        self.write_rows(batch).await?;
        self.is_broken = false;
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, OpenRowGroup::encoded_bytes);
        to_u64(self.file.bytes_written()).saturating_add(open)
    }

    fn memory_bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, OpenRowGroup::memory_bytes);
        open.saturating_add(self.sink.held_bytes())
    }

    async fn finish(mut self: Box<Self>) -> Result<DataFile, DataError> {
        self.enter()?;
        self.complete().await
    }

    async fn abort(self: Box<Self>) -> Result<(), DataError> {
        self.output.abort().await
    }
}

impl std::fmt::Debug for ParquetFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ParquetFileWriter");
        shown.field("output", &self.output).field("rows", &self.rows).finish_non_exhaustive()
    }
}
