//! Rows of several partitions, sorted or not, are what was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_io::arrow::array::{RecordBatch, UInt32Array};
use datashard_io::arrow::{conform_batch, schema_to_arrow};
use datashard_io::write::WriteResult;
use datashard_spec::id::{FieldId, PartitionSpecId, SortOrderId};
use datashard_spec::manifest::FileContent;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::sort_order::{NullOrder, SortDirection, SortField, SortOrder};
use datashard_spec::transform::Transform;
use datashard_spec::value::{Tuple, Value};
use futures_util::TryStreamExt;

use super::{FORMATS, Table, ids, rows, schema};

const COUNT: i64 = 120;

fn specs() -> Vec<PartitionSpec> {
    vec![
        PartitionSpec::unpartitioned(PartitionSpecId(0)),
        PartitionSpec::builder(&schema()).identity("name").day("at").build().unwrap(),
        PartitionSpec::builder(&schema()).bucket("id", 5).truncate("name", 1).build().unwrap(),
    ]
}

/// The partition tuple of row `id` of [`rows`], from single values.
fn tuple_of(spec: &PartitionSpec, id: i64) -> Tuple {
    let name = ["a b", "ü/ö", ""].get((id % 4) as usize).map(|name| Value::from(*name));
    let at = (id % 5 != 0).then_some(Value::Timestamptz((id - 6) * 21_600_000_000 - 1));
    let values = [Some(Value::Long(id)), name, at];
    let value = |field: &datashard_spec::partition::PartitionField| {
        let source = field.source_id().unwrap().0 as usize - 1;
        field.transform.apply(values[source].as_ref()).unwrap()
    };
    spec.fields.iter().map(value).collect()
}

/// Every row is in a file of its partition once; in the order that it came in, or sorted.
async fn check(table: &Table, written: &WriteResult, count: i64, sorted: bool) {
    let all = conform_batch(&rows(0..count), &schema()).unwrap();
    let mut found: BTreeMap<Tuple, Vec<i64>> = BTreeMap::new();
    for file in &written.files {
        table.verify(file).await;
        let batches = table.read_elsewhere(file).await;
        let these = ids(&batches);
        assert_eq!(these.len() as i64, file.record_count);
        assert_eq!(ids(&table.read(file, None).await), these, "our own reader");
        assert_eq!(file.sort_order_id, Some(SortOrderId(if sorted { 9 } else { 0 })));
        // The rows whole, not only their ids.
        let places = UInt32Array::from_iter_values(these.iter().map(|id| *id as u32));
        let expect = take(&all, &places);
        let read = concat(&batches);
        assert_eq!(read.columns(), expect.columns());
        found.entry(file.partition.clone()).or_default().extend(these);
    }
    let mut expected: BTreeMap<Tuple, Vec<i64>> = BTreeMap::new();
    for id in 0..count {
        expected.entry(tuple_of(&table.spec, id)).or_default().push(id);
    }
    if sorted {
        expected.values_mut().for_each(|ids| ids.reverse());
    }
    assert_eq!(found, expected);
    assert_eq!(written.record_count, count as u64);
}

fn take(batch: &RecordBatch, places: &UInt32Array) -> RecordBatch {
    arrow::compute::take_record_batch(batch, places).unwrap()
}

fn concat(batches: &[RecordBatch]) -> RecordBatch {
    arrow::compute::concat_batches(&schema_to_arrow(&schema()).unwrap(), batches).unwrap()
}

#[tokio::test]
async fn rows_come_back_from_files_of_their_partitions() {
    for format in FORMATS {
        for (number, spec) in specs().into_iter().enumerate() {
            for hashed in ["false", "true"] {
                let table = Table::in_memory(&format!("rows-{number}-{hashed}"), format, spec.clone()).await;
                let set = [("write.object-storage.enabled", hashed)];
                let options = table.options(FileContent::Data, &set).with_max_open_files(7);
                let written = table.write(&options, &rows(0..COUNT)).await;
                check(&table, &written, COUNT, false).await;
            }
        }
    }
}

#[tokio::test]
async fn rows_come_back_from_a_folder() {
    for format in FORMATS {
        let spec = PartitionSpec::builder(&schema()).bucket("id", 2).identity("name").build().unwrap();
        let table = Table::in_folder(format, spec).await;
        let written = table.write(&table.options(FileContent::Data, &[]), &rows(0..COUNT)).await;
        assert!(written.files.iter().any(|file| file.file_path.contains("/name=%C3%BC%2F%C3%B6/")));
        check(&table, &written, COUNT, false).await;
    }
}

#[tokio::test]
async fn sorted_rows_come_back_in_order() {
    let field = SortField::new(FieldId(1), Transform::Identity, SortDirection::Descending, NullOrder::Last);
    let order = SortOrder::new(SortOrderId(9), vec![field]);
    for format in FORMATS {
        for (number, spec) in specs().into_iter().enumerate() {
            let table = Table::in_memory(&format!("sorted-{number}"), format, spec).await;
            let options = table.options(FileContent::Data, &[]).with_sort_order(order.clone());
            let written = table.write(&options, &rows(0..COUNT)).await;
            check(&table, &written, COUNT, true).await;
        }
    }
}

#[tokio::test]
async fn small_file_is_one_put_whatever_its_format() {
    for format in FORMATS {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let table = Table::in_memory("one-put", format, spec).await;
        let before = table.store.counts();
        let written = table.write(&table.options(FileContent::Data, &[]), &rows(0..COUNT)).await;
        let cost = table.store.counts().since(&before);
        assert_eq!((written.files.len(), cost.put, cost.total()), (1, 1, 1));
        assert_eq!(cost.bytes_written, written.size_bytes);
    }
}

#[tokio::test]
async fn bounds_and_counts_are_those_of_the_rows() {
    for format in FORMATS {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let table = Table::in_memory("metrics", format, spec).await;
        let written = table.write(&table.options(FileContent::Data, &[]), &rows(10..60)).await;
        let file = &written.files[0];
        let long = |bytes: Option<&[u8]>| i64::from_le_bytes(bytes.unwrap().try_into().unwrap());
        assert_eq!(long(file.lower_bounds.get(FieldId(1))), 10);
        assert_eq!(long(file.upper_bounds.get(FieldId(1))), 59);
        assert_eq!(file.value_counts.get(FieldId(2)), Some(50));
        assert_eq!(file.null_value_counts.get(FieldId(2)), Some(13));
        assert_eq!(file.lower_bounds.get(FieldId(2)), Some(&b""[..]));
    }
}

#[tokio::test]
async fn write_defaults_fill_columns_that_are_not_handed_in() {
    for format in FORMATS {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let mut table = Table::in_memory("defaults", format, spec).await;
        let mut fields = table.schema.fields().to_vec();
        fields[1] = fields[1].clone().with_write_default(Value::from("none"));
        table.schema = Arc::new(datashard_spec::schema::Schema::new(fields).unwrap());
        let options = table.options(FileContent::Data, &[]);
        let mut writer = table.writer(&options);
        writer.write(&rows(0..3).project(&[0]).unwrap()).await.unwrap();
        let written = writer.finish().await.unwrap();
        let batches = table.read_elsewhere(&written.files[0]).await;
        let names = datashard_io::arrow::array::AsArray::as_string::<i32>(batches[0].column(1)).clone();
        assert_eq!(names.iter().collect::<Vec<_>>(), [Some("none"); 3]);
        assert_eq!(batches[0].column(2).null_count(), 3);
    }
}

#[tokio::test]
async fn aborted_writer_leaves_no_file() {
    for format in FORMATS {
        let spec = PartitionSpec::builder(&schema()).bucket("id", 3).build().unwrap();
        let table = Table::in_folder(format, spec).await;
        let options = table.options(FileContent::Data, &[]).with_target_file_size_bytes(300);
        let mut writer = table.writer(&options);
        writer.write(&rows(0..COUNT)).await.unwrap();
        let files = || async { table.store.list(None, None).try_collect::<Vec<_>>().await.unwrap().len() };
        assert!(files().await > 0, "some files are complete by now");
        assert!(writer.abort().await.is_complete());
        assert_eq!(files().await, 0);
    }
}
