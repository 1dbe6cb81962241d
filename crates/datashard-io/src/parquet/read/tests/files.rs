//! Files of other writers: every one in the repository decodes, and INT96 keeps its extremes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, TimestampMicrosecondType};
use bytes::Bytes;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::super::open;
use super::{input, read, try_read};
use crate::arrow::{FIELD_ID_KEY, schema_from_arrow, schema_from_arrow_with_fresh_ids};
use crate::read::ReadRequest;
use crate::read::decoder::OpenOptions;

fn parquet_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            parquet_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
}

const OPTIONS: OpenOptions = OpenOptions { verify: true, memory_limit_bytes: 1 << 28 };

#[tokio::test]
async fn every_file_in_the_repository_decodes_to_as_many_rows_as_it_lists() {
    let mut files = Vec::new();
    parquet_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata"), &mut files);
    assert!(files.len() >= 294, "{}", files.len());
    for path in files {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let decoder = open(&input(&bytes), &OPTIONS).await.unwrap();
        let columns = Arc::clone(decoder.file_schema());
        let schema = Arc::new(own_schema(&columns));
        let mapping = Arc::new(NameMapping::from_schema(&schema));
        let request = ReadRequest::new(Arc::clone(&schema)).with_name_mapping(mapping);
        let found = try_read(input(&bytes), request).await;
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Some(found.num_rows() as u64), decoder.row_count(), "{}", path.display());
    }
}

/// The columns as the file has them. Both parts of a variant have no ids of their own.
fn own_schema(columns: &ArrowSchema) -> Schema {
    let fields = columns.fields().iter().map(|field| {
        let one = ArrowSchema::new(vec![Arc::clone(field)]);
        match (schema_from_arrow(&one), field.metadata().get(FIELD_ID_KEY)) {
            (Ok(schema), _) => Some(schema.fields()[0].clone()),
            (Err(_), Some(id)) => {
                Some(NestedField::optional(id.parse().unwrap(), field.name(), Type::Variant))
            }
            (Err(_), None) => None,
        }
    });
    match fields.collect::<Option<Vec<_>>>() {
        Some(fields) => Schema::new(fields).unwrap(),
        None => schema_from_arrow_with_fresh_ids(columns).unwrap(),
    }
}

fn assert_ids(field: &Field) {
    assert!(field.metadata().contains_key(FIELD_ID_KEY), "{field:?}");
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().for_each(|field| assert_ids(field)),
        DataType::List(element) => assert_ids(element),
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else { panic!("{entries:?}") };
            fields.iter().for_each(|field| assert_ids(field));
        }
        _ => {}
    }
}

#[tokio::test]
async fn nested_columns_keep_their_ids_at_every_level() {
    let mut files = Vec::new();
    let folder = "../../testdata/iceberg-java/nested";
    parquet_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    assert!(!files.is_empty());
    for path in files {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let decoder = open(&input(&bytes), &OPTIONS).await.unwrap();
        decoder.file_schema().fields().iter().for_each(|field| assert_ids(field));
    }
}

#[tokio::test]
async fn int96_of_the_first_and_the_last_year_survives() {
    let message = Arc::new(parse_message_type("message m { optional int96 at = 1; }").unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), message, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    // Nanoseconds of the day in two words, then the Julian day: 0001-01-01, 1970-01-01, 9999-12-31T23:59:59.999999.
    let last = 86_399_999_999_000_u64;
    let days = [(0, 1_721_426), (1_000, 2_440_588), (last, 5_373_484)];
    let values = days.map(|(nanos, day): (u64, u32)| {
        let mut value = Int96::new();
        value.set_data(nanos as u32, (nanos >> 32) as u32, day);
        value
    });
    column.typed::<Int96Type>().write_batch(&values, Some(&[1, 0, 1, 1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let bytes = Bytes::from(writer.into_inner().unwrap());
    let field = NestedField::optional(1, "at", PrimitiveType::Timestamptz);
    let found = read(&bytes, ReadRequest::new(Arc::new(Schema::new(vec![field]).unwrap()))).await;
    let at = found.column(0).as_primitive::<TimestampMicrosecondType>();
    let read: Vec<_> = at.iter().collect();
    assert_eq!(read, [Some(-62_135_596_800_000_000), None, Some(1), Some(253_402_300_799_999_999)]);
    assert_eq!(at.null_count(), 1);
}
