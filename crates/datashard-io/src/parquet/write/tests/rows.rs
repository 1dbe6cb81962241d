//! What was written is what is read.
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, Int32Array, ListArray, NullArray, RecordBatch};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema};
use proptest::prelude::*;

use super::super::super::stored::StoredStruct;
use super::super::super::testing::{properties, write_file};
use super::{footer, read};
use crate::arrow::schema_to_arrow;
use crate::arrow::testing::{assert_same_rows, schema_and_batch};

fn table_properties() -> impl Strategy<Value = BTreeMap<String, String>> {
    let codec = prop::sample::select(vec!["zstd", "gzip", "snappy", "lz4", "brotli", "uncompressed"]);
    let version = prop::sample::select(vec!["v1", "v2"]);
    let limits = (1_u64..100_000, 1_u64..5_000, 1_u64..50, 0_u64..60);
    (codec, version, limits, any::<bool>()).prop_map(|(codec, version, limits, uncompressed)| {
        let (row_group, page, rows, more) = limits;
        properties(&[
            ("write.parquet.compression-codec", codec),
            ("write.parquet.page-version", version),
            ("write.parquet.row-group-size-bytes", &row_group.to_string()),
            ("write.parquet.page-size-bytes", &page.to_string()),
            ("write.parquet.dict-size-bytes", &page.to_string()),
            ("write.parquet.page-row-limit", &rows.to_string()),
            ("write.parquet.row-group-check-min-record-count", &rows.to_string()),
            ("write.parquet.row-group-check-max-record-count", &(rows + more).to_string()),
            ("write.parquet.row-group-size-track-uncompressed", &uncompressed.to_string()),
        ])
    })
}

/// The columns that a file holds: all but those of unknown.
fn stored(schema: &Schema, batch: &RecordBatch) -> RecordBatch {
    let stored = StoredStruct::of_schema(schema).unwrap();
    let arrow = stored.arrow_schema(&schema_to_arrow(schema).unwrap()).unwrap();
    let columns = stored.parts.iter().map(|(at, part)| part.pick(batch.column(*at)).unwrap().into_owned());
    RecordBatch::try_new(arrow, columns.collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_rows_of_any_schema_come_back_from_any_layout(
        (schema, batch) in schema_and_batch(120),
        properties in table_properties(),
        cut in 0_usize..120,
    ) {
        let cut = cut.min(batch.num_rows());
        let batches = [batch.slice(0, cut), batch.slice(cut, batch.num_rows() - cut)];
        let (bytes, file) = write_file(&schema, &batches, &properties).unwrap();
        assert_same_rows(&stored(&schema, &batch), &read(&bytes));
        prop_assert_eq!(file.record_count, batch.num_rows() as i64);
        prop_assert_eq!(file.file_size_in_bytes, bytes.len() as i64);
        prop_assert_eq!(file.split_offsets.len(), footer(&bytes).num_row_groups());
    }
}

#[test]
fn elements_of_unknown_keep_their_list() {
    let list = ListType::optional(2, PrimitiveType::Unknown);
    let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "l", list)]).unwrap());
    let arrow = schema_to_arrow(&schema).unwrap();
    let arrow::datatypes::DataType::List(element) = arrow.field(0).data_type() else { panic!() };
    let lists = ListArray::new(
        Arc::clone(element),
        OffsetBuffer::from_lengths([2, 0, 0]),
        Arc::new(NullArray::new(2)),
        Some(NullBuffer::from(vec![true, true, false])),
    );
    let batch = RecordBatch::try_new(arrow, vec![Arc::new(lists)]).unwrap();
    let (bytes, _) = write_file(&schema, std::slice::from_ref(&batch), &BTreeMap::new()).unwrap();
    assert_same_rows(&batch, &read(&bytes));
}

#[test]
fn a_table_of_unknown_alone_keeps_its_rows() {
    let schema = Arc::new(
        Schema::new(vec![
            NestedField::optional(1, "a", PrimitiveType::Unknown),
            NestedField::optional(2, "b", PrimitiveType::Unknown),
        ])
        .unwrap(),
    );
    let nulls = Arc::new(NullArray::new(5));
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![nulls.clone(), nulls]).unwrap();
    let (bytes, file) = write_file(&schema, &[batch], &BTreeMap::new()).unwrap();
    assert_eq!(file.record_count, 5);
    let rows = read(&bytes);
    assert_eq!((rows.num_columns(), rows.num_rows()), (1, 5));
    assert!(file.value_counts.is_empty());
}

#[test]
fn rows_below_the_start_of_a_sliced_batch_do_not_get_in() {
    let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "n", PrimitiveType::Int)]).unwrap());
    let numbers = Int32Array::from(vec![Some(-9), Some(1), None, Some(3), Some(99)]);
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![Arc::new(numbers)]).unwrap();
    let part = batch.slice(1, 3);
    let (bytes, file) = write_file(&schema, std::slice::from_ref(&part), &BTreeMap::new()).unwrap();
    assert_same_rows(&part, &read(&bytes));
    let id = datashard_spec::id::FieldId(1);
    assert_eq!(file.lower_bounds.get(id), Some(&1_i32.to_le_bytes()[..]));
    assert_eq!(file.upper_bounds.get(id), Some(&3_i32.to_le_bytes()[..]));
    assert_eq!(part.column(0).null_count(), 1);
}
