//! Rows written by partition and read back, with their deletes, in both formats, in memory and in a folder.

mod deletes;
mod limits;
mod rows;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use datashard_io::arrow::array::{
    ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datashard_io::arrow::conform_batch;
use datashard_io::arrow::datatypes::Int64Type;
use datashard_io::context::Context;
use datashard_io::delete::Deletes;
use datashard_io::read::{FileReader, ReadRequest, Verified, verify_file};
use datashard_io::write::{TableWriter, WriteOptions, WriteResult};
use datashard_io::{InputFile, StoreOptions, TableStore};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::{TableProperties, WriteFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::sort_order::SortOrder;
use futures_util::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// The formats that are written.
const FORMATS: [WriteFormat; 2] = [WriteFormat::Parquet, WriteFormat::Avro];

/// A table: a store, a schema, a spec.
struct Table {
    store: TableStore,
    schema: Arc<Schema>,
    spec: PartitionSpec,
    format: WriteFormat,
    _folder: Option<TempDir>,
}

/// `id: long`, `name: optional string`, `at: optional timestamptz`; `id` is the identifier.
fn schema() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
        NestedField::optional(3, "at", PrimitiveType::Timestamptz),
    ];
    let schema = Schema::new(fields).unwrap();
    Arc::new(schema.with_identifier_fields([datashard_spec::id::FieldId(1)]).unwrap())
}

/// Rows with these ids. Names are a handful, with nulls; a quarter of a day lies between two rows, from before 1970 on.
fn rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let name = |id: i64| (id % 4 != 3).then(|| ["a b", "ü/ö", ""][(id % 4) as usize]);
    let at = |id: i64| (id % 5 != 0).then_some((id - 6) * 21_600_000_000 - 1);
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("name", Arc::new(ids.clone().map(name).collect::<StringArray>())),
        ("at", Arc::new(ids.map(at).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

impl Table {
    /// A table in memory.
    async fn in_memory(name: &str, format: WriteFormat, spec: PartitionSpec) -> Self {
        let url = format!("memory://write-{name}-{}/t", format.as_str());
        let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
        Self { store, schema: schema(), spec, format, _folder: None }
    }

    /// A table in a folder.
    async fn in_folder(format: WriteFormat, spec: PartitionSpec) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("file://{}/t", folder.path().display());
        let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
        Self { store, schema: schema(), spec, format, _folder: Some(folder) }
    }

    fn options(&self, content: FileContent, set: &[(&str, &str)]) -> WriteOptions {
        let mut map: BTreeMap<String, String> =
            set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        map.insert("write.format.default".to_owned(), self.format.as_str().to_owned());
        let properties = TableProperties::new(&map);
        let (options, warnings) =
            WriteOptions::from_properties(&self.schema, &SortOrder::unsorted(), properties, content).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        options
    }

    fn writer(&self, options: &WriteOptions) -> TableWriter {
        TableWriter::new(&self.store, &self.schema, &self.spec, options, &Context::system()).unwrap()
    }

    /// Writes rows in batches of 50.
    async fn write(&self, options: &WriteOptions, rows: &RecordBatch) -> WriteResult {
        let mut writer = self.writer(options);
        for start in (0..rows.num_rows()).step_by(50) {
            writer.write(&rows.slice(start, 50.min(rows.num_rows() - start))).await.unwrap();
        }
        writer.finish().await.unwrap()
    }

    fn input(&self, location: &str) -> InputFile {
        let path = self.store.location().relative(location).unwrap();
        InputFile::new(self.store.clone(), path, location)
    }

    async fn read(&self, file: &DataFile, deletes: Option<Deletes>) -> Vec<RecordBatch> {
        let mut request = ReadRequest::new(Arc::clone(&self.schema)).with_record_count(file.record_count);
        if let Some(deletes) = deletes {
            request = request.with_deletes(Arc::new(deletes));
        }
        let reader = FileReader::open(self.input(&file.file_path), &file.file_format, request).await.unwrap();
        reader.into_stream().try_collect().await.unwrap()
    }

    /// The rows of a file as a reader of the format itself has them, in the schema of the table.
    async fn read_elsewhere(&self, file: &DataFile) -> Vec<RecordBatch> {
        let path = self.store.location().relative(&file.file_path).unwrap();
        let bytes = self.store.read(&path, u64::MAX).await.unwrap();
        let batches: Vec<RecordBatch> = match file.file_format {
            FileFormat::Parquet => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
                reader.map(Result::unwrap).collect()
            }
            FileFormat::Avro => {
                let reader = apache_avro::Reader::new(Cursor::new(bytes)).unwrap();
                vec![avro_rows(reader.map(Result::unwrap))]
            }
            ref other => panic!("{other}"),
        };
        batches.iter().map(|batch| conform_batch(batch, &self.schema).unwrap()).collect()
    }

    /// Length and hash of a file are those of its entry.
    async fn verify(&self, file: &DataFile) {
        let verified = verify_file(&self.input(&file.file_path), file).await.unwrap();
        assert_eq!(verified, Verified::LengthAndHash);
    }
}

/// Rows of [`schema`] that another reader of Avro gave.
fn avro_rows(records: impl Iterator<Item = Avro>) -> RecordBatch {
    let (mut ids, mut names, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        let Avro::Record(fields) = record else { panic!("{record:?}") };
        let fields: Vec<Avro> = fields.into_iter().map(|(_, value)| value).collect();
        let [Avro::Long(id), Avro::Union(_, name), Avro::Union(_, at)] = fields.as_slice() else {
            panic!("{fields:?}")
        };
        ids.push(*id);
        names.push(match &**name {
            Avro::Null => None,
            Avro::String(text) => Some(text.clone()),
            other => panic!("{other:?}"),
        });
        times.push(match **at {
            Avro::Null => None,
            Avro::TimestampMicros(micros) => Some(micros),
            ref other => panic!("{other:?}"),
        });
    }
    let times = times.into_iter().collect::<TimestampMicrosecondArray>().with_timezone("UTC");
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from(ids))),
        ("name", Arc::new(names.into_iter().collect::<StringArray>())),
        ("at", Arc::new(times)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}
