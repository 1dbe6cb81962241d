//! A format that keeps rows in memory, a store that fails when told to, and rows, for the tests of writers.

#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use async_trait::async_trait;
use bytes::Bytes;
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::sort_order::SortOrder;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::files::BeginFile;
use super::format_writer::FormatWriter;
use super::options::WriteOptions;
use crate::arrow::schema_to_arrow;
use crate::context::Context;
use crate::data_error::DataError;
use crate::file::OutputFile;
use crate::location::Location;
use crate::store::TableStore;

/// What happened, in order: `begin 00001`, `write 00001 8`, `finish 00001`, `abort 00001`.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// Files as they were written: location to rows.
pub(crate) type Rows = Arc<Mutex<BTreeMap<String, Vec<RecordBatch>>>>;

/// A format whose files take so many bytes for each row, and as much memory while they are open.
#[derive(Clone)]
pub(crate) struct Notebook {
    pub(crate) row_bytes: usize,
    /// Whether each write waits once before it is done.
    pub(crate) slow: bool,
    /// Writes that pass before one fails; negative: none does.
    pub(crate) passing_writes: Arc<AtomicI64>,
    pub(crate) rows: Rows,
    pub(crate) log: Log,
    /// Files open at this moment, and at most.
    pub(crate) open: Arc<AtomicUsize>,
    pub(crate) most_open: Arc<AtomicUsize>,
}

impl Notebook {
    pub(crate) fn new(row_bytes: usize) -> Self {
        Self {
            row_bytes,
            slow: false,
            passing_writes: Arc::new(AtomicI64::new(-1)),
            rows: Rows::default(),
            log: Log::default(),
            open: Arc::default(),
            most_open: Arc::default(),
        }
    }

    /// The rows of a file.
    pub(crate) fn rows_of(&self, file: &DataFile) -> RecordBatch {
        let rows = self.rows.lock().unwrap();
        let batches = &rows[&file.file_path];
        concat_batches(&batches[0].schema(), batches).unwrap()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl BeginFile for Notebook {
    fn begin(&self, output: OutputFile) -> Result<Box<dyn FormatWriter>, DataError> {
        let name = output.location().rsplit('/').next().unwrap()[..5].to_owned();
        self.log.lock().unwrap().push(format!("begin {name}"));
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        Ok(Box::new(Page { book: self.clone(), output, name, batches: Vec::new() }))
    }

    fn extension(&self) -> &'static str {
        ".rows"
    }
}

struct Page {
    book: Notebook,
    output: OutputFile,
    name: String,
    batches: Vec<RecordBatch>,
}

impl Page {
    fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn note(&self, what: &str) {
        self.book.log.lock().unwrap().push(format!("{what} {}", self.name));
    }
}

#[async_trait]
impl FormatWriter for Page {
    async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        if self.book.slow {
            tokio::task::yield_now().await;
        }
        if self.book.passing_writes.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(DataError::internal("a page was torn"));
        }
        self.batches.push(batch.clone());
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        (self.row_count() * self.book.row_bytes) as u64
    }

    fn memory_bytes(&self) -> usize {
        self.row_count() * self.book.row_bytes
    }

    async fn finish(mut self: Box<Self>) -> Result<DataFile, DataError> {
        self.book.open.fetch_sub(1, Ordering::SeqCst);
        self.note("finish");
        let rows = self.row_count();
        self.output.write(Bytes::from(vec![b'r'; rows * self.book.row_bytes])).await?;
        let written = self.output.finish().await?;
        let location = written.location.to_string();
        self.book.rows.lock().unwrap().insert(location.clone(), self.batches);
        Ok(DataFile::new(location, FileFormat::Parquet, rows as i64, written.size_bytes as i64))
    }

    async fn abort(self: Box<Self>) -> Result<(), DataError> {
        self.book.open.fetch_sub(1, Ordering::SeqCst);
        self.note("abort");
        self.output.abort().await
    }
}

/// A store in memory that refuses one of its PUTs for good.
#[derive(Debug)]
pub(crate) struct Refusing {
    memory: InMemory,
    /// PUTs that pass before the one that is refused; negative: none is.
    passing: AtomicI64,
}

impl fmt::Display for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusing")
    }
}

#[async_trait]
impl ObjectStore for Refusing {
    async fn put_opts(
        &self,
        key: &Path,
        body: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        if self.passing.fetch_sub(1, Ordering::SeqCst) == 0 {
            let (path, source) = (key.to_string(), "no more for you".into());
            return Err(object_store::Error::PermissionDenied { path, source });
        }
        self.memory.put_opts(key, body, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.memory.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.memory.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}

/// A table at `memory://lake/t` whose PUT number `refused` (from 0) fails; negative: none.
pub(crate) fn table(refused: i64) -> TableStore {
    let store = Refusing { memory: InMemory::new(), passing: AtomicI64::new(refused) };
    let location = Location::parse("memory://lake/t").unwrap();
    TableStore::from_object_store(Arc::new(store), "t", location, Context::system()).unwrap()
}

/// The names of all files of a table.
pub(crate) async fn files_of(store: &TableStore) -> Vec<String> {
    store.list(None, None).map(|file| file.map(|file| file.path.to_string())).try_collect().await.unwrap()
}

/// Options by these properties.
pub(crate) fn options_of(content: FileContent, set: &[(&str, &str)]) -> WriteOptions {
    let set = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let order = SortOrder::unsorted();
    WriteOptions::from_properties(&schema(), &order, TableProperties::new(&set), content).unwrap().0
}

/// `id: long`, `name: optional string`.
pub(crate) fn schema() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

/// Rows of [`schema`], in its Arrow schema.
pub(crate) fn batch(rows: &[(i64, Option<&str>)]) -> RecordBatch {
    let columns: [ArrayRef; 2] = [
        Arc::new(rows.iter().map(|(id, _)| *id).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|(_, name)| *name).collect::<StringArray>()),
    ];
    RecordBatch::try_new(schema_to_arrow(&schema()).unwrap(), columns.to_vec()).unwrap()
}

/// The ids of rows of [`schema`].
pub(crate) fn ids(batch: &RecordBatch) -> Vec<i64> {
    use arrow::array::AsArray;
    batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
}
