//! Files read whole: every value is the one that was written.

use std::collections::HashSet;

use arrow::array::Array;
use arrow::datatypes::DataType;

use super::compare::{expected, same};
use super::*;
use crate::arrow::FIELD_ID_KEY;

fn check(batch: &RecordBatch, rows: &[Vec<serde_json::Value>], name: &str) {
    assert_eq!(batch.num_rows(), rows.len(), "{name}");
    for (row, values) in rows.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            assert!(
                same(batch.column(column), row, value),
                "{name}, row {row}, column {}: {value} was written, {:?} read",
                batch.schema().field(column).name(),
                batch.column(column).slice(row, 1)
            );
        }
    }
}

async fn check_file(name: &str, rows_of: &str, batch_rows: usize) {
    let how = How { batch_rows, ..How::default() };
    let (schema, batches) = decode(bytes(name), how).await.unwrap();
    let (batch, positions) = whole(&schema, &batches);
    assert_eq!(positions, (0..batch.num_rows() as u64).collect::<Vec<_>>());
    check(&batch, &expected(rows_of), name);
}

#[tokio::test]
async fn every_type_comes_back_from_every_codec() {
    for codec in ["none", "zlib", "snappy", "lz4", "zstd"] {
        for batch_rows in [1000, 7, 1] {
            check_file(&format!("types_{codec}"), "types", batch_rows).await;
        }
    }
}

#[tokio::test]
async fn runs_of_the_first_version_and_timestamps_of_another_writer_come_back() {
    for batch_rows in [1000, 64, 3] {
        check_file("first_version", "first_version", batch_rows).await;
    }
}

#[tokio::test]
async fn rows_of_all_stripes_and_row_groups_come_back() {
    let (schema, batches) = decode(bytes("groups"), How::default()).await.unwrap();
    let (batch, _) = whole(&schema, &batches);
    let every: Vec<RecordBatch> = (0..6000).step_by(149).map(|row| batch.slice(row, 1)).collect();
    check(&arrow::compute::concat_batches(&schema, &every).unwrap(), &expected("groups"), "groups");
}

#[tokio::test]
async fn files_of_hive_come_back_with_the_clock_of_the_zone_they_were_written_in() {
    check_file("hive_like", "hive_like", 1000).await;
    let decoder = open(bytes("hive_like"), MIB).await.unwrap();
    assert!(decoder.file_schema().fields().iter().all(|field| field.metadata().is_empty()));
}

#[tokio::test]
async fn attributes_of_the_format_give_types_and_lengths() {
    check_file("attributes", "attributes", 6).await;
    let decoder = open(bytes("attributes"), MIB).await.unwrap();
    let types: Vec<String> =
        decoder.file_schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(
        types[..5],
        ["FixedSizeBinary(16)", "FixedSizeBinary(3)", "Binary", "Time64(µs)", "Timestamp(ns)"]
    );
    let extension = |name: &str| {
        let field = decoder.file_schema().field_with_name(name).unwrap();
        field.metadata().get("ARROW:extension:name").cloned().unwrap_or_default()
    };
    assert_eq!(
        ["u", "g", "v", "f"].map(extension),
        ["arrow.uuid", "geoarrow.wkb", "arrow.parquet.variant", ""]
    );
    assert!(!decoder.file_schema().field_with_name("r").unwrap().is_nullable());
}

#[tokio::test]
async fn a_value_that_breaks_the_promise_of_its_column_is_named() {
    for (name, wanted) in [
        ("wrong_uuid", "row 2: column `u`: 15 bytes where each value has 16"),
        ("wrong_fixed", "row 2: column `f`: 4 bytes where each value has 3"),
        ("wrong_time", "row 2: column `t`: -1 is no number of microseconds of a day"),
        ("wrong_required", "stripe 0, column 9 (r): a null in a column that is required"),
    ] {
        let found = message(decode(bytes(name), How::default()).await);
        assert!(found.ends_with(wanted), "{name}: {found}");
        assert!(found.contains("`test.orc`"), "{name}: {found}");
    }
}

#[tokio::test]
async fn ids_are_at_every_level() {
    fn ids(field: &arrow::datatypes::Field, all: &mut Vec<i32>) {
        all.extend(field.metadata().get(FIELD_ID_KEY).map(|id| id.parse::<i32>().unwrap()));
        match field.data_type() {
            DataType::Struct(fields) => fields.iter().for_each(|field| ids(field, all)),
            DataType::List(field) | DataType::Map(field, _) => ids(field, all),
            _ => {}
        }
    }
    let decoder = open(bytes("types_zstd"), MIB).await.unwrap();
    let mut all = Vec::new();
    decoder.file_schema().fields().iter().for_each(|field| ids(field, &mut all));
    assert_eq!(all, (1..=all.len() as i32).collect::<Vec<_>>());
    assert_eq!(all.len(), 32);
}

#[tokio::test]
async fn an_empty_file_has_columns_and_no_rows() {
    let decoder = open(bytes("empty"), MIB).await.unwrap();
    assert_eq!((decoder.row_count(), decoder.file_schema().fields().len()), (Some(0), 5));
    let (_, batches) = decode(bytes("empty"), How::default()).await.unwrap();
    assert!(batches.is_empty());
}

#[tokio::test]
async fn columns_of_nulls_only_come_back() {
    let (schema, batches) = decode(bytes("all_null"), How::default()).await.unwrap();
    let (batch, _) = whole(&schema, &batches);
    assert_eq!(batch.num_rows(), 700);
    assert!(batch.columns().iter().all(|column| column.null_count() == 700));
}

#[tokio::test]
async fn leaves_that_were_not_asked_for_stay_away_and_the_rest_is_the_same() {
    let (schema, batches) = decode(bytes("types_zstd"), How::default()).await.unwrap();
    let (all, _) = whole(&schema, &batches);
    let count = open(bytes("types_zstd"), MIB).await.unwrap().leaf_count();
    assert_eq!(count, 24);
    for leaf in 0..count {
        let how = How { leaves: Some(vec![leaf]), batch_rows: 13, ..How::default() };
        let (schema, batches) = decode(bytes("types_zstd"), how).await.unwrap();
        let (one, _) = whole(&schema, &batches);
        assert_eq!((one.num_columns(), one.num_rows()), (1, all.num_rows()));
        let name = schema.field(0).name();
        let column = all.column_by_name(name).unwrap();
        if column.data_type() == one.column(0).data_type() {
            assert_eq!(column, one.column(0), "{name}");
        } else {
            assert_eq!(column.logical_nulls(), one.column(0).logical_nulls(), "{name}");
        }
    }
    let names: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names.len(), 21);
}

#[tokio::test]
async fn without_columns_rows_are_counted() {
    let how = How { leaves: Some(Vec::new()), ..How::default() };
    let (schema, batches) = decode(bytes("groups"), how).await.unwrap();
    assert!(schema.fields().is_empty());
    assert_eq!(batches.iter().map(|decoded| decoded.batch.num_rows()).sum::<usize>(), 6000);
}

#[tokio::test]
async fn a_union_is_refused_only_where_it_is_asked_for() {
    let schema = open(bytes("union"), MIB).await.unwrap().file_schema().clone();
    assert_eq!(schema.field(1).data_type(), &DataType::Null);
    let found = message(decode(bytes("union"), How::default()).await);
    assert!(found.contains("column 2 (u): a union is not supported"), "{found}");
    let how = How { leaves: Some(vec![0, 2]), ..How::default() };
    let (schema, batches) = decode(bytes("union"), how).await.unwrap();
    let (batch, _) = whole(&schema, &batches);
    let rows: Vec<_> = (0..10).map(|i| vec![i.into(), (-i).into()]).collect();
    check(&batch, &rows, "union");
}
