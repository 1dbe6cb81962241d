//! Files read back: what is left out never shows, what is damaged always does, and how many requests it takes.
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

mod damage;
mod files;
mod layout;
mod prune;
mod requests;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use futures_util::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use crate::arrow::schema_to_arrow;
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::read::{FileReader, ReadRequest};

const ROWS: i64 = 400;

/// Columns of many kinds, all but the first with nulls.
fn schema() -> Arc<Schema> {
    let decimal = PrimitiveType::Decimal { precision: 9, scale: 2 };
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "small", PrimitiveType::Int),
        NestedField::optional(3, "float", PrimitiveType::Double),
        NestedField::optional(4, "text", PrimitiveType::String),
        NestedField::optional(5, "price", decimal),
        NestedField::optional(6, "at", PrimitiveType::Timestamp),
        NestedField::optional(7, "sparse", PrimitiveType::Int),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

/// Rows whose id is their position: some columns ascend, so that parts of the file can be left out, some do not.
fn rows() -> RecordBatch {
    let nullable = |row: i64| row % 11 != 3;
    let all = || 0..ROWS;
    let float = |row: i64| match row % 13 {
        0 => f64::NAN,
        1 => -0.0,
        2 => 0.0,
        _ => row as f64 / 4.0 - 40.0,
    };
    let price =
        Decimal128Array::from_iter(all().map(|row| nullable(row).then_some(i128::from(row) * 7 - 900)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(all())),
        Arc::new(all().map(|row| nullable(row + 1).then_some((row / 25) as i32)).collect::<Int32Array>()),
        Arc::new(all().map(|row| nullable(row + 2).then(|| float(row))).collect::<Float64Array>()),
        Arc::new(
            all()
                .map(|row| nullable(row + 3).then(|| format!("city-{:02}", row / 8)))
                .collect::<StringArray>(),
        ),
        Arc::new(price.with_precision_and_scale(9, 2).unwrap()),
        Arc::new(
            all()
                .map(|row| nullable(row + 5).then_some(row * 1_000_003))
                .collect::<TimestampMicrosecondArray>(),
        ),
        Arc::new(all().map(|row| (row / 50 % 2 == 1).then_some((row % 50) as i32)).collect::<Int32Array>()),
    ];
    RecordBatch::try_new(schema_to_arrow(&schema()).unwrap(), columns).unwrap()
}

/// Row groups of 100 rows, pages of 10.
fn small_parts() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .set_data_page_row_count_limit(10)
        .set_write_batch_size(10)
}

/// A file of some rows, by another writer.
fn file_of(batch: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn input(bytes: &Bytes) -> InputFile {
    InputFile::in_memory("memory://0.parquet", bytes.clone())
}

async fn try_read(input: InputFile, request: ReadRequest) -> Result<RecordBatch, DataError> {
    let reader = FileReader::open(input, &FileFormat::Parquet, request).await?;
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.into_stream().try_collect().await?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

async fn read(bytes: &Bytes, request: ReadRequest) -> RecordBatch {
    try_read(input(bytes), request).await.unwrap()
}

/// The schema with the position of rows.
fn with_positions() -> Arc<Schema> {
    let mut fields = schema().fields().to_vec();
    fields.push(NestedField::required(FieldId::POS.0, "_pos", PrimitiveType::Long));
    Arc::new(Schema::new(fields).unwrap())
}

/// The ids of rows, which must be their positions where these are there.
fn ids(batch: &RecordBatch) -> Vec<i64> {
    let numbers =
        |name| batch.column_by_name(name).map(|all| all.as_primitive::<Int64Type>().values().to_vec());
    let ids = numbers("id").unwrap();
    if let Some(positions) = numbers("_pos") {
        assert_eq!(positions, ids);
    }
    ids
}

fn from_to(range: Range<i64>) -> Vec<i64> {
    range.collect()
}
