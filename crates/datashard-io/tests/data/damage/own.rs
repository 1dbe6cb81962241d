//! Files of this crate's own writer, damaged: its checksums notice every changed byte of a column.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_io::arrow::array::{Int64Array, ListArray, RecordBatch, StringArray};
use datashard_io::arrow::datatypes::Int64Type;
use datashard_io::context::Context;
use datashard_io::write::{TableWriter, WriteOptions};
use datashard_io::{Bytes, StoreOptions, TableStore};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{FileContent, FileFormat};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema};
use datashard_spec::sort_order::SortOrder;
use parquet::file::metadata::ParquetMetaDataReader;

use super::child::contained;
use super::formats::survives_damage;
use super::{Sample, child, read};

const ROWS: usize = 400;

/// A file as the table writer leaves it.
fn written(properties: &[(&str, &str)]) -> Sample {
    let schema = Arc::new(
        Schema::new(vec![
            NestedField::required(1, "id", PrimitiveType::Long),
            NestedField::optional(2, "name", PrimitiveType::String),
            NestedField::optional(3, "numbers", ListType::optional(4, PrimitiveType::Long)),
        ])
        .unwrap(),
    );
    let numbers = |row: usize| {
        let few: Vec<Option<i64>> = (0..row % 5).map(|n| Some(n as i64)).collect();
        (row % 4 < 3).then_some(few)
    };
    let names = (0..ROWS).map(|row| (row % 7 > 0).then(|| format!("name {}", row % 50)));
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new((0..ROWS as i64).collect::<Int64Array>()) as _),
        ("name", Arc::new(names.collect::<StringArray>()) as _),
        ("numbers", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>((0..ROWS).map(numbers))) as _),
    ])
    .unwrap();
    let properties: BTreeMap<String, String> =
        properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bytes = runtime.block_on(async {
        let properties = TableProperties::new(&properties);
        let order = SortOrder::unsorted();
        let (options, warnings) =
            WriteOptions::from_properties(&schema, &order, properties, FileContent::Data).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let store = TableStore::open("memory://damage/own", StoreOptions::new()).await.unwrap();
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let mut writer = TableWriter::new(&store, &schema, &spec, &options, &Context::system()).unwrap();
        writer.write(&batch).await.unwrap();
        let file = &writer.finish().await.unwrap().files[0];
        store.read(&store.location().relative(&file.file_path).unwrap(), 1 << 24).await.unwrap()
    });
    Sample::made("own.parquet", FileFormat::Parquet, Schema::clone(&schema), bytes.to_vec())
}

#[test]
fn own_parquet_survives_damage() {
    contained(concat!(module_path!(), "::own_parquet_survives_damage"), || {
        survives_damage(&written(&[]), 60);
        survives_damage(&written(&[("write.parquet.compression-codec", "uncompressed")]), 60);
    });
}

#[test]
fn every_changed_byte_of_a_column_of_our_own_is_noticed() {
    contained(concat!(module_path!(), "::every_changed_byte_of_a_column_of_our_own_is_noticed"), || {
        let sample = written(&[("write.parquet.compression-codec", "uncompressed")]);
        assert_eq!(read(&sample, &sample.bytes, true).unwrap(), ROWS);
        let file = Bytes::from(sample.bytes.clone());
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        let mut bytes = sample.bytes.clone();
        let mut tried = 0;
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            let (start, length) = column.byte_range();
            for at in (start..start + length).step_by(7) {
                let at = usize::try_from(at).unwrap();
                child::now_at(&format!("byte {at}"));
                bytes[at] ^= 1 << (at % 8);
                let error = read(&sample, &bytes, true).expect_err("damage that nobody notices");
                assert!(error.to_string().contains(&sample.location), "{error}");
                bytes[at] ^= 1 << (at % 8);
                tried += 1;
            }
        }
        assert!(tried > 300, "only {tried} bytes were tried");
    });
}
