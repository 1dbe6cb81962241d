//! [`TableWriter`]: batches of rows of any partition in, data files out.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;

use super::files::{BeginFile, Files};
use super::format::TableFormat;
use super::options::WriteOptions;
use super::partition::PartitionKeys;
use super::partitioned::PartitionedWriter;
use super::sort::Sorter;
use crate::arrow::cast::conform_to;
use crate::arrow::schema_to_arrow;
use crate::context::Context;
use crate::data_error::DataError;
use crate::store::{DeleteReport, TableStore};

/// Writes rows of a table into data files, by partition.
///
/// A writer publishes nothing: files count for readers only when a commit names them, so a failed or forgotten writer leaves at most
/// files that nobody refers to. Call [`abort`](Self::abort) to remove them.
///
/// Memory is bounded by the options ([`WriteOptions::with_memory_limit_bytes`]): beyond, the largest open file is closed, and its partition
/// goes on in a new one. Bytes on the way to the store count. While files are completed at the end, their last pages come on top.
///
/// # Spec
/// "Partitioning", "Sorting", "Writing data files".
///
/// # Examples
/// ```
/// # use std::collections::BTreeMap;
/// use std::sync::Arc;
///
/// use datashard_io::arrow::array::{Int64Array, RecordBatch, StringArray};
/// use datashard_io::context::Context;
/// use datashard_io::write::{TableWriter, WriteOptions};
/// use datashard_io::{StoreOptions, TableStore};
/// use datashard_spec::manifest::FileContent;
/// use datashard_spec::partition::PartitionSpec;
/// use datashard_spec::property::TableProperties;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::sort_order::SortOrder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schema = Arc::new(Schema::new(vec![
///     NestedField::required(1, "id", PrimitiveType::Long),
///     NestedField::optional(2, "country", PrimitiveType::String),
/// ])?);
/// let spec = PartitionSpec::builder(&schema).identity("country").build()?;
/// # let properties = BTreeMap::new();
/// # let properties = TableProperties::new(&properties);
/// let (options, _warnings) =
///     WriteOptions::from_properties(&schema, &SortOrder::unsorted(), properties, FileContent::Data)?;
///
/// let store = TableStore::open("memory://lake/visits", StoreOptions::new()).await?;
/// let mut writer = TableWriter::new(&store, &schema, &spec, &options, &Context::system())?;
/// let batch = RecordBatch::try_from_iter([
///     ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _),
///     ("country", Arc::new(StringArray::from(vec![Some("is"), None, Some("is")])) as _),
/// ])?;
/// writer.write(&batch).await?;
/// let written = writer.finish().await?;
/// assert_eq!(written.record_count, 3);
/// // The null partition sorts first.
/// assert!(written.files[0].file_path.starts_with("memory://lake/visits/data/country=null/"));
/// assert_eq!(written.files[1].record_count, 2);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "rows are in files after `finish` only"]
pub struct TableWriter {
    schema: Arc<Schema>,
    arrow: SchemaRef,
    keys: PartitionKeys,
    sorter: Option<Arc<Sorter>>,
    rows: PartitionedWriter,
}

/// What a writer wrote.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "files that no commit names are lost"]
#[non_exhaustive]
pub struct WriteResult {
    /// The files, to be added by a commit. All belong to the partition spec that they were written with.
    pub files: Vec<DataFile>,
    /// Rows in all of them.
    pub record_count: u64,
    /// Bytes of all of them.
    pub size_bytes: u64,
}

impl WriteResult {
    pub(crate) fn new(files: Vec<DataFile>) -> Self {
        let sum = |of: fn(&DataFile) -> i64| {
            files.iter().map(of).fold(0_u64, |sum, n| sum.saturating_add(u64::try_from(n).unwrap_or(0)))
        };
        let (record_count, size_bytes) = (sum(|f| f.record_count), sum(|f| f.file_size_in_bytes));
        Self { files, record_count, size_bytes }
    }
}

impl TableWriter {
    /// A writer of rows of `schema`, partitioned by `spec`, both of the table now. Sends nothing yet.
    ///
    /// # Errors
    /// `InvalidInput` if the options are for delete files, or spec or sort order do not fit the schema. `Unsupported` for transforms of
    /// newer versions, for formats that are not written, and for a data location outside of the table.
    pub fn new(
        store: &TableStore,
        schema: &Arc<Schema>,
        spec: &PartitionSpec,
        options: &WriteOptions,
        context: &Context,
    ) -> Result<Self, DataError> {
        let format = Box::new(TableFormat::new(Arc::clone(schema), options));
        Self::with_format(store, schema, spec, options, context, format)
    }

    pub(crate) fn with_format(
        store: &TableStore,
        schema: &Arc<Schema>,
        spec: &PartitionSpec,
        options: &WriteOptions,
        context: &Context,
        format: Box<dyn BeginFile>,
    ) -> Result<Self, DataError> {
        if options.content != FileContent::Data {
            let reason = "they are for delete files: make them with `FileContent::Data`".to_owned();
            return Err(DataError::InvalidInput { what: "write options", reason });
        }
        let keys = PartitionKeys::new(schema, spec)?;
        let sorter = Sorter::new(schema, &options.sort_order)?;
        let files = Files::new(store, spec, format, Vec::new(), options, context)?;
        let rows = PartitionedWriter::new(files, spec, sorter.clone(), options);
        Ok(Self { schema: Arc::clone(schema), arrow: schema_to_arrow(schema)?, keys, sorter, rows })
    }

    /// Writes rows. The batch is brought into the table's schema first, as by [`conform_batch`](crate::arrow::conform_batch); nothing of one that does not fit is written.
    ///
    /// Rows come in any order; those of a partition stay in theirs, unless files are sorted.
    ///
    /// # Errors
    /// `InvalidInput` for a batch that does not fit, and for clustered rows whose partition comes back: nothing of it is written, and the
    /// writer takes others. After any other error (of the store, of a format) the writer can only be [aborted](Self::abort).
    ///
    /// # Cancel safety
    /// A dropped call has written some of the rows or none; the writer can then only be aborted.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.rows.check_ready()?;
        let batch = conform_to(batch, &self.schema, &self.arrow)?;
        if let Some(sorter) = &self.sorter {
            sorter.check(&batch)?;
        }
        let rows = self.keys.group(&batch)?;
        self.rows.write(rows).await
    }

    /// Completes all files and hands them over. They are durable when this returns.
    ///
    /// # Errors
    /// As [`TableStore::upload`] and of the formats. Nothing is handed over then: [`abort`](Self::abort) deletes what was written.
    ///
    /// # Cancel safety
    /// A dropped call may leave some of the files, and unfinished uploads as [dropping an `Upload`](crate::store::Upload) does. The writer
    /// can then only be aborted, which deletes the files.
    pub async fn finish(&mut self) -> Result<WriteResult, DataError> {
        self.rows.finish().await
    }

    /// Gives up open files and deletes those that were completed and not handed over by [`finish`](Self::finish). What could not be deleted
    /// is reported; nobody refers to it.
    ///
    /// # Cancel safety
    /// Some files may be deleted and others not.
    pub async fn abort(self) -> DeleteReport {
        self.rows.abort().await
    }
}

#[cfg(test)]
mod tests;
