//! A table in memory: rows of values in, files of any format, rows of values out; all of it through the public API.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_io::arrow::array::RecordBatch;
use datashard_io::context::Context;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::row::{RowBuilder, values};
use datashard_io::write::{TableWriter, WriteOptions};
use datashard_io::{DataError, InputFile, StoreOptions, TableStore};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{PrimitiveType, Schema, Type};
use datashard_spec::sort_order::SortOrder;
use datashard_spec::value::Tuple;
use futures_util::TryStreamExt;

/// The formats that are written, as properties name them.
pub(crate) const FORMATS: [&str; 2] = ["parquet", "avro"];

/// Many small row groups and pages.
pub(crate) const TINY: [(&str, &str); 5] = [
    ("write.parquet.row-group-size-bytes", "1"),
    ("write.parquet.row-group-check-min-record-count", "5"),
    ("write.parquet.row-group-check-max-record-count", "5"),
    ("write.parquet.page-size-bytes", "1"),
    ("write.parquet.page-row-limit", "2"),
];

/// A property of this prefix for each primitive column at any depth.
pub(crate) fn of_columns(prefix: &str, value: &'static str, schema: &Schema) -> Vec<(String, &'static str)> {
    let primitive = schema.all_fields().filter(|field| field.field_type.as_primitive().is_some());
    primitive.map(|field| (format!("{prefix}{}", field.full_name), value)).collect()
}

/// A bloom filter for every column that can have one.
pub(crate) fn bloom_filters(schema: &Schema) -> Vec<(String, &'static str)> {
    use PrimitiveType as P;
    let possible = schema.all_fields().filter(|field| match field.field_type {
        Type::Primitive(P::Boolean | P::Unknown | P::Geometry(_) | P::Geography(..)) => false,
        field_type => field_type.as_primitive().is_some(),
    });
    let enabled = possible
        .map(|field| (format!("write.parquet.bloom-filter-enabled.column.{}", field.full_name), "true"));
    enabled.chain([("write.parquet.bloom-filter-max-bytes".to_owned(), "128")]).collect()
}

/// An unpartitioned table of one schema, written by one set of properties.
pub(crate) struct Sheet {
    pub(crate) store: TableStore,
    pub(crate) schema: Arc<Schema>,
    pub(crate) spec: PartitionSpec,
    pub(crate) options: WriteOptions,
}

impl Sheet {
    /// A table whose files are of this format, with more properties.
    pub(crate) async fn new(schema: &Arc<Schema>, format: &str, set: &[(&str, &str)]) -> Self {
        let store = TableStore::open("memory://sheets/t", StoreOptions::new()).await.unwrap();
        Self::on(store, schema, format, set)
    }

    /// As [`new`](Self::new), in a store that is there.
    pub(crate) fn on(store: TableStore, schema: &Arc<Schema>, format: &str, set: &[(&str, &str)]) -> Self {
        let mut map: BTreeMap<String, String> =
            set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        map.insert("write.format.default".to_owned(), format.to_owned());
        let (options, warnings) = WriteOptions::from_properties(
            schema,
            &SortOrder::unsorted(),
            TableProperties::new(&map),
            FileContent::Data,
        )
        .unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        Self { store, schema: Arc::clone(schema), spec, options }
    }

    /// Rows as a batch of the table.
    pub(crate) fn batch(&self, rows: &[Tuple]) -> RecordBatch {
        let mut builder = RowBuilder::new(&self.schema).unwrap();
        for row in rows {
            builder.push_values(row.clone()).unwrap();
        }
        builder.finish().unwrap()
    }

    pub(crate) fn writer(&self) -> TableWriter {
        TableWriter::new(&self.store, &self.schema, &self.spec, &self.options, &Context::system()).unwrap()
    }

    /// Writes rows, in batches of so many.
    pub(crate) async fn write_in_batches(&self, rows: &[Tuple], batch_rows: usize) -> Vec<DataFile> {
        let mut writer = self.writer();
        for rows in rows.chunks(batch_rows) {
            writer.write(&self.batch(rows)).await.unwrap();
        }
        writer.finish().await.unwrap().files
    }

    /// Writes rows, of which there is at least one, into one file.
    pub(crate) async fn write(&self, rows: &[Tuple]) -> DataFile {
        let mut files = self.write_in_batches(rows, 13).await;
        assert_eq!(files.len(), 1);
        files.remove(0)
    }

    pub(crate) fn input(&self, file: &DataFile) -> InputFile {
        let path = self.store.location().relative(&file.file_path).unwrap();
        let size = u64::try_from(file.file_size_in_bytes).unwrap();
        InputFile::new(self.store.clone(), path, file.file_path.as_str()).with_size_bytes(size)
    }

    /// The batches of a file.
    pub(crate) async fn try_batches(
        &self,
        file: &DataFile,
        request: ReadRequest,
    ) -> Result<Vec<RecordBatch>, DataError> {
        let request = request.with_record_count(file.record_count);
        FileReader::open(self.input(file), &file.file_format, request)
            .await?
            .into_stream()
            .try_collect()
            .await
    }

    /// The rows of a file in a schema, as a request made of it asks for them.
    pub(crate) async fn read_with(
        &self,
        file: &DataFile,
        schema: &Arc<Schema>,
        with: impl FnOnce(ReadRequest) -> ReadRequest,
    ) -> Vec<Tuple> {
        let request = with(ReadRequest::new(Arc::clone(schema)));
        tuples(&self.try_batches(file, request).await.unwrap(), schema)
    }

    /// All rows of a file in the table's schema.
    pub(crate) async fn read(&self, file: &DataFile) -> Vec<Tuple> {
        self.read_with(file, &self.schema, |request| request).await
    }
}

/// The rows of batches.
pub(crate) fn tuples(batches: &[RecordBatch], schema: &Schema) -> Vec<Tuple> {
    batches.iter().flat_map(|batch| values(batch, schema).unwrap().map(Result::unwrap)).collect()
}

/// Fails with the first row and column that differ, which says more than two whole tables.
#[track_caller]
pub(crate) fn assert_same(found: &[Tuple], expect: &[Tuple], schema: &Schema, what: &str) {
    assert_eq!(found.len(), expect.len(), "{what}: number of rows");
    for (row, (found, expect)) in found.iter().zip(expect).enumerate() {
        for ((found, expect), field) in found.iter().zip(expect).zip(schema.fields()) {
            assert_eq!(found, expect, "{what}: row {row}, column `{}` ({})", field.name, field.field_type);
        }
        assert_eq!(found.len(), expect.len(), "{what}: row {row}");
    }
}

/// Runs a future to its end, for tests that proptest calls.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
