//! Files as other readers see them: rows, schema, row groups, footer; and calls that go wrong.

mod calls;
mod layout;
mod rows;
mod schema;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

/// All rows of a file as the Parquet crate reads them.
fn read(bytes: &Bytes) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let schema = builder.schema().clone();
    let reader: ParquetRecordBatchReader = builder.build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn footer(bytes: &Bytes) -> ParquetMetaData {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    builder.metadata().as_ref().clone()
}

fn footer_text(bytes: &Bytes, key: &str) -> Option<String> {
    let footer = footer(bytes);
    let pairs = footer.file_metadata().key_value_metadata().unwrap();
    pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone())
}
