//! The reader of `orc_rust` as a second opinion.

use arrow::array::{Array, ArrayRef, MapArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use orc_rust::{ArrowReaderBuilder, TimestampPrecision};

use super::*;

/// Both readers find the same rows, in microseconds.
pub(super) fn check(bytes: &Bytes, ours: &RecordBatch, name: &str) {
    let theirs: Vec<RecordBatch> = ArrowReaderBuilder::try_new(bytes.clone())
        .unwrap()
        .with_timestamp_precision(TimestampPrecision::Microsecond)
        .build()
        .map(Result::unwrap)
        .collect();
    let mut row = 0;
    for theirs in theirs {
        assert_eq!(theirs.num_columns(), ours.num_columns(), "{name}");
        for (theirs, ours) in theirs.columns().iter().zip(ours.columns()) {
            let ours = like(&ours.slice(row, theirs.len()), theirs.data_type());
            assert!(ours.to_data() == theirs.to_data(), "{name}\n{ours:?}\n{theirs:?}");
        }
        row += theirs.num_rows();
    }
    assert_eq!(row, ours.num_rows(), "{name}");
}

/// Our array in their type: names of fields, nullability and units are theirs.
fn like(ours: &ArrayRef, to: &DataType) -> ArrayRef {
    match (ours.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let ours: &StructArray = ours.as_any().downcast_ref().unwrap();
            let columns = ours
                .columns()
                .iter()
                .zip(fields)
                .map(|(column, field)| like(column, field.data_type()))
                .collect();
            Arc::new(
                StructArray::try_new_with_length(fields.clone(), columns, ours.nulls().cloned(), ours.len())
                    .unwrap(),
            )
        }
        (DataType::List(_), DataType::List(field)) => {
            let ours: &arrow::array::ListArray = ours.as_any().downcast_ref().unwrap();
            let elements = like(ours.values(), field.data_type());
            Arc::new(
                arrow::array::ListArray::try_new(
                    field.clone(),
                    ours.offsets().clone(),
                    elements,
                    ours.nulls().cloned(),
                )
                .unwrap(),
            )
        }
        (DataType::Map(..), DataType::Map(entries, _)) => {
            let ours: &MapArray = ours.as_any().downcast_ref().unwrap();
            let pairs: ArrayRef = Arc::new(ours.entries().clone());
            let pairs = like(&pairs, entries.data_type());
            let pairs: &StructArray = pairs.as_any().downcast_ref().unwrap();
            Arc::new(
                MapArray::try_new(
                    entries.clone(),
                    ours.offsets().clone(),
                    pairs.clone(),
                    ours.nulls().cloned(),
                    false,
                )
                .unwrap(),
            )
        }
        (DataType::Time64(_), DataType::Int64) | (DataType::FixedSizeBinary(_), DataType::Binary) => {
            cast(ours, to).unwrap()
        }
        (DataType::Timestamp(TimeUnit::Nanosecond, _), DataType::Timestamp(..)) => cast(ours, to).unwrap(),
        _ => Arc::clone(ours),
    }
}

#[tokio::test]
async fn another_reader_finds_the_same_rows() {
    for name in [
        "groups",
        "all_null",
        "attributes",
        "types_none",
        "types_zlib",
        "types_snappy",
        "types_lz4",
        "types_zstd",
    ] {
        let (schema, batches) = decode(bytes(name), How::default()).await.unwrap();
        let (batch, _) = whole(&schema, &batches);
        check(&bytes(name), &batch, name);
    }
}
