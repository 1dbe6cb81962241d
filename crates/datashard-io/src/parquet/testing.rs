//! Files written to memory, for tests of writer and reader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use bytes::Bytes;
use datashard_spec::manifest::DataFile;
use datashard_spec::property::{MetricsConfig, TableProperties};
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;

use super::options::ParquetWriteOptions;
use super::write::ParquetFileWriter;
use crate::data_error::DataError;
use crate::file::OutputFile;
use crate::path::TablePath;
use crate::store::{StoreOptions, TableStore};
use crate::write::format_writer::FormatWriter;

/// Properties of a table.
pub(crate) fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A store in memory that no other test sees: those of one name share their files.
pub(crate) async fn fresh_store() -> TableStore {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    TableStore::open(&format!("memory://parquet-tests-{number}/t"), StoreOptions::new()).await.unwrap()
}

/// A place in memory for one file.
pub(crate) struct Place {
    store: TableStore,
    path: TablePath,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self { store: fresh_store().await, path: TablePath::parse("data/0.parquet").unwrap() }
    }

    /// A writer of the file, by the properties of a table.
    pub(crate) fn writer(
        &self,
        schema: &Arc<Schema>,
        properties: &BTreeMap<String, String>,
    ) -> Result<Box<dyn FormatWriter>, DataError> {
        let properties = TableProperties::new(properties);
        let metrics = Arc::new(MetricsConfig::new(schema, &SortOrder::unsorted(), properties));
        let (options, _warnings) = ParquetWriteOptions::from_properties(schema, &properties, false);
        let output = OutputFile::new(&self.store, &self.path, "memory://tables/t/data/0.parquet")?;
        ParquetFileWriter::new(output, schema, &options, &metrics)
    }

    /// The bytes of the file.
    pub(crate) async fn bytes(&self) -> Bytes {
        self.store.read(&self.path, 1 << 30).await.unwrap()
    }

    /// Whether there is a file.
    pub(crate) async fn exists(&self) -> bool {
        self.store.exists(&self.path).await.unwrap()
    }
}

/// Writes a file of these batches.
pub(crate) fn write_file(
    schema: &Arc<Schema>,
    batches: &[RecordBatch],
    properties: &BTreeMap<String, String>,
) -> Result<(Bytes, DataFile), DataError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::new().await;
        let mut writer = place.writer(schema, properties)?;
        for batch in batches {
            writer.write(batch).await?;
        }
        let file = writer.finish().await?;
        Ok((place.bytes().await, file))
    })
}
