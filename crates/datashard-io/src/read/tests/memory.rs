//! A decoder of batches at hand, and readers over it.

use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datashard_spec::schema::Schema;
use datashard_spec::value::Tuple;
use futures_util::{StreamExt, TryStreamExt};

use crate::arrow::schema_to_arrow;
use crate::arrow::value::{array_of, value_at};
use crate::data_error::DataError;
use crate::read::decoder::{DecodePlan, Decoded, Decoder, RowPositions};
use crate::read::{FileReader, ReadRequest};

/// Rows in the Arrow schema of a table's schema.
pub(super) fn batch_of(schema: &Schema, rows: &[Tuple]) -> RecordBatch {
    let column = |at: usize| {
        let values: Vec<_> = rows.iter().map(|row| row[at].as_ref()).collect();
        array_of(&values, &schema.fields()[at].field_type).unwrap()
    };
    let columns = (0..schema.fields().len()).map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema_to_arrow(schema).unwrap(), columns, &options).unwrap()
}

/// The rows of a batch in the Arrow schema of a table's schema.
pub(super) fn rows_of(batch: &RecordBatch, schema: &Schema) -> Vec<Tuple> {
    let value =
        |row: usize, at: usize| value_at(batch.column(at), &schema.fields()[at].field_type, row).unwrap();
    (0..batch.num_rows()).map(|row| (0..batch.num_columns()).map(|at| value(row, at)).collect()).collect()
}

/// A file of batches, each with its positions.
#[derive(Clone)]
pub(super) struct MemoryFile {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<Decoded>,
    pub(super) row_count: Option<u64>,
    /// The plan that the last reader began with.
    pub(super) plan: Arc<Mutex<Option<DecodePlan>>>,
    /// Whether decoding fails after the batches.
    pub(super) fails: bool,
}

impl MemoryFile {
    /// A file with rows in this schema, one batch, from position 0.
    pub(super) fn new(schema: &Schema, rows: &[Tuple]) -> Self {
        let batch = batch_of(schema, rows);
        let count = u64::try_from(rows.len()).unwrap();
        Self {
            schema: schema_to_arrow(schema).unwrap(),
            batches: vec![Decoded { batch, positions: RowPositions::From(0) }],
            row_count: Some(count),
            plan: Arc::default(),
            fails: false,
        }
    }

    /// With the rows of the only batch in batches at these positions.
    pub(super) fn at(mut self, positions: Vec<RowPositions>, rows: usize) -> Self {
        let whole = self.batches.pop().unwrap().batch;
        let starts = (0..whole.num_rows()).step_by(rows);
        assert_eq!(starts.len(), positions.len());
        self.batches = starts
            .zip(positions)
            .map(|(start, positions)| Decoded { batch: whole.slice(start, rows), positions })
            .collect();
        self.row_count = None;
        self
    }

    pub(super) fn open(&self, request: &ReadRequest) -> Result<FileReader, DataError> {
        let file = self.clone();
        FileReader::new(
            "memory:f",
            Box::new(MemoryDecoder { batches: file.batches.clone().into_iter(), file }),
            request,
        )
    }

    /// All batches that a reader gives.
    pub(super) async fn batches(&self, request: &ReadRequest) -> Result<Vec<RecordBatch>, DataError> {
        let reader = self.open(request)?;
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.into_stream().try_collect().await?;
        assert!(batches.iter().all(|batch| batch.schema() == schema && batch.num_rows() > 0));
        Ok(batches)
    }

    /// All rows that a reader gives.
    pub(super) async fn rows(&self, request: &ReadRequest) -> Vec<Tuple> {
        let batches = self.batches(request).await.unwrap_or_else(|error| panic!("{error}"));
        batches.iter().flat_map(|batch| rows_of(batch, &request.schema)).collect()
    }

    /// How often a reader gives something, errors included, and the error.
    pub(super) async fn outcome(&self, request: &ReadRequest) -> (usize, Option<DataError>) {
        let results: Vec<Result<RecordBatch, DataError>> =
            self.open(request).unwrap().into_stream().collect().await;
        let count = results.len();
        (count, results.into_iter().find_map(Result::err))
    }
}

struct MemoryDecoder {
    file: MemoryFile,
    batches: std::vec::IntoIter<Decoded>,
}

#[async_trait]
impl Decoder for MemoryDecoder {
    fn file_schema(&self) -> &SchemaRef {
        &self.file.schema
    }

    fn row_count(&self) -> Option<u64> {
        self.file.row_count
    }

    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError> {
        *self.file.plan.lock().unwrap() = Some(plan);
        Ok(Arc::clone(&self.file.schema))
    }

    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        match self.batches.next() {
            Some(batch) => Ok(Some(batch)),
            None if self.file.fails => Err(DataError::corrupt("memory:f", "here", "torn")),
            None => Ok(None),
        }
    }
}
