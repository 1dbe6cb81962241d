//! Variants, which rows of values cannot hold: as columns of their two parts.

use std::sync::Arc;

use datashard_io::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, StructArray};
use datashard_io::arrow::datatypes::DataType;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::read::ReadRequest;
use datashard_spec::schema::{NestedField, Schema, Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::sheet::{FORMATS, Sheet};

type Parts = (&'static [u8], &'static [u8]);

/// Metadata and value: without names, and with one.
const VARIANTS: [Option<Parts>; 5] = [
    Some((&[1, 0, 0], &[0x0c, 42])),
    None,
    Some((&[1, 0, 0], &[0x00])),
    Some((&[1, 1, 0, 1, b'a'], &[0x02, 1, 0, 0, 2, 0x0c, 7])),
    None,
];

fn column(schema: &Schema) -> RecordBatch {
    let arrow = schema_to_arrow(schema).unwrap();
    let DataType::Struct(parts) = arrow.field(0).data_type() else { panic!("a variant has two parts") };
    let part = |pick: fn(&Parts) -> &'static [u8]| -> ArrayRef {
        let values = VARIANTS.iter().map(|variant| variant.as_ref().map_or(&[][..], pick));
        Arc::new(BinaryArray::from_iter_values(values))
    };
    let valid = VARIANTS.iter().map(Option::is_some).collect::<Vec<_>>();
    let parts = StructArray::new(parts.clone(), vec![part(|v| v.0), part(|v| v.1)], Some(valid.into()));
    RecordBatch::try_new(arrow, vec![Arc::new(parts)]).unwrap()
}

#[tokio::test]
async fn variants_keep_both_parts_and_their_nulls() {
    let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "v", Type::Variant)]).unwrap());
    let batch = column(&schema);
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &[]).await;
        let mut writer = sheet.writer();
        writer.write(&batch).await.unwrap();
        let file = writer.finish().await.unwrap().files.remove(0);
        let found = sheet.try_batches(&file, ReadRequest::new(Arc::clone(&schema))).await.unwrap();
        let found = found[0].column(0).as_struct();
        let (metadata, value) = (found.column(0).as_binary::<i32>(), found.column(1).as_binary::<i32>());
        for (row, expect) in VARIANTS.iter().enumerate() {
            let found = found.is_valid(row).then(|| (metadata.value(row), value.value(row)));
            assert_eq!(found, *expect, "{format}, row {row}");
        }
    }
}

#[tokio::test]
async fn the_parts_of_a_variant_have_no_field_ids_in_parquet() {
    let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "v", Type::Variant)]).unwrap());
    let sheet = Sheet::new(&schema, "parquet", &[]).await;
    let mut writer = sheet.writer();
    writer.write(&column(&schema)).await.unwrap();
    let file = writer.finish().await.unwrap().files.remove(0);
    let path = sheet.store.location().relative(&file.file_path).unwrap();
    let bytes = sheet.store.read(&path, 1 << 20).await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let variant = &reader.parquet_schema().root_schema().get_fields()[0];
    assert_eq!(variant.get_basic_info().id(), 1);
    for part in variant.get_fields() {
        assert!(!part.get_basic_info().has_id(), "{}", part.name());
    }
}
