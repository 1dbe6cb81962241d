//! [`Append`]: rows in, one commit out. Files are written first and named by the commit; a commit that certainly failed takes them back.

use datashard_io::arrow::array::RecordBatch;
use datashard_io::row::RowBuilder;
use datashard_io::write::{TableWriter, WriteOptions, WriteResult};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::property::TableProperties;
use datashard_txn::protocol::AppKey;
use datashard_txn::{Base, Committed, action, epoch};
use futures_util::{Stream, StreamExt, pin_mut};
use serde::Serialize;

use crate::error::Error;
use crate::table::Table;

/// Rows of records that are made into one batch.
const RECORDS_PER_BATCH: usize = 8_192;

/// An append that is being put together: settings first, then what to append, which commits.
#[derive(Debug, Clone)]
#[must_use = "nothing is appended yet: say what, with `batch`, `batches`, `stream`, `records` or `files`"]
pub struct Append {
    table: Table,
    key: Option<AppKey>,
    summary: Vec<(String, String)>,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The snapshot that holds the rows; `None` if there were none, or if it is not remembered any more.
    pub snapshot_id: Option<SnapshotId>,
    /// The version of the table that committed it.
    pub version: MetadataVersion,
    /// Rows added; 0 for a duplicate.
    pub row_count: u64,
    /// Files added; 0 for a duplicate.
    pub file_count: usize,
    /// Bytes of these files.
    pub size_bytes: u64,
    /// How often a version was sent to the store.
    pub attempts: u32,
    /// Whether an append with the same key was applied before, so that this one did nothing.
    pub duplicate: bool,
}

impl Append {
    pub(crate) fn new(table: Table) -> Self {
        Self { table, key: None, summary: Vec::new() }
    }

    /// Applied at most once under this key, whoever sends it, however often: `version` must rise with each append of the application. An
    /// append without rows commits nothing and leaves no key.
    pub fn with_idempotency(mut self, app: impl Into<String>, version: u64) -> Self {
        self.key = Some(AppKey::new(app, version));
        self
    }

    /// With a note in the snapshot's summary.
    pub fn with_summary_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.summary.push((key.into(), value.into()));
        self
    }

    /// Appends a batch. Columns are found by name (or field id), brought into the table's order, and cast where nothing is lost.
    ///
    /// # Errors
    /// `InvalidInput` for rows that do not fit the table, and nothing is appended; as writing files and committing. Only `OutcomeUnknown`
    /// leaves open whether the rows are in the table.
    ///
    /// # Cancel safety
    /// A dropped call may have appended all rows or none; files of the latter are left to be swept.
    pub async fn batch(self, batch: &RecordBatch) -> Result<Appended, Error> {
        self.batches(std::iter::once(batch)).await
    }

    /// Appends batches, in one commit.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    ///
    /// # Cancel safety
    /// As `batch`.
    pub async fn batches<'b>(
        self,
        batches: impl IntoIterator<Item = &'b RecordBatch>,
    ) -> Result<Appended, Error> {
        let batches: Vec<Result<RecordBatch, Error>> = batches.into_iter().cloned().map(Ok).collect();
        self.stream(futures_util::stream::iter(batches)).await
    }

    /// Appends a stream of batches, in one commit, whatever its length: files are closed when they are large enough.
    ///
    /// # Errors
    /// As [`batch`](Self::batch); an error of the stream, and nothing is appended.
    ///
    /// # Cancel safety
    /// As `batch`.
    pub async fn stream<E: Into<Error>>(
        self,
        batches: impl Stream<Item = Result<RecordBatch, E>>,
    ) -> Result<Appended, Error> {
        let base = self.table.refresh().await?;
        let mut writer = self.writer(&base)?;
        let written = match write_all(&mut writer, batches).await {
            Ok(written) => written,
            Err(error) => {
                report(&writer.abort().await);
                return Err(error);
            }
        };
        self.commit_written(&base, written).await
    }

    /// Appends records, each a struct or map whose members are columns. Members that the table does not have, and missing ones that it
    /// requires, are refused.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    ///
    /// # Cancel safety
    /// As `batch`.
    pub async fn records<T: Serialize>(
        self,
        records: impl IntoIterator<Item = T>,
    ) -> Result<Appended, Error> {
        let base = self.table.refresh().await?;
        let mut rows = RowBuilder::new(base.metadata.current_schema())?;
        let mut batches = Vec::new();
        for record in records {
            rows.push(&record)?;
            if rows.len() >= RECORDS_PER_BATCH {
                batches.push(rows.finish()?);
            }
        }
        if !rows.is_empty() {
            batches.push(rows.finish()?);
        }
        self.batches(&batches).await
    }

    /// Appends data files that are there, of this partition spec. They stay the caller's if the append fails.
    ///
    /// # Errors
    /// As committing.
    ///
    /// # Cancel safety
    /// The files are in the table, all or none.
    pub async fn files(
        self,
        spec_id: PartitionSpecId,
        files: impl IntoIterator<Item = DataFile>,
    ) -> Result<Appended, Error> {
        let base = self.table.refresh().await?;
        let files: Vec<DataFile> = files.into_iter().collect();
        let sum = |of: fn(&DataFile) -> i64| {
            files.iter().fold(0_u64, |sum, file| sum.saturating_add(u64::try_from(of(file)).unwrap_or(0)))
        };
        let (row_count, size_bytes) = (sum(|f| f.record_count), sum(|f| f.file_size_in_bytes));
        self.commit(&base, spec_id, files, row_count, size_bytes).await
    }

    fn writer(&self, base: &Base) -> Result<TableWriter, Error> {
        let metadata = &base.metadata;
        let schema = metadata.current_schema();
        let properties = TableProperties::new(metadata.properties());
        let (options, warnings) = WriteOptions::from_properties(
            schema,
            metadata.default_sort_order(),
            properties,
            FileContent::Data,
        )?;
        for warning in warnings {
            tracing::warn!(?warning, "table property");
        }
        let options = options
            .with_table_location(metadata.location())
            .with_name_prefix(&epoch::prefix(base.version))?;
        let (store, spec) = (self.table.store(), metadata.default_partition_spec());
        Ok(TableWriter::new(store, schema, spec, &options, store.context())?)
    }

    async fn commit_written(self, base: &Base, written: WriteResult) -> Result<Appended, Error> {
        let paths: Vec<String> = written.files.iter().map(|file| file.file_path.clone()).collect();
        let store = self.table.store().clone();
        let spec_id = base.metadata.default_spec_id();
        let done = self.commit(base, spec_id, written.files, written.record_count, written.size_bytes).await;
        // After a duplicate the files stay: the key that was found may be that of this very append, whose answer got lost.
        if let Err(Error::Commit(error)) = &done
            && error.is_definite()
        {
            let paths = paths.iter().filter_map(|path| store.location().relative(path).ok());
            report(&store.delete_all(paths.collect::<Vec<_>>()).await);
        }
        done
    }

    async fn commit(
        self,
        base: &Base,
        spec_id: PartitionSpecId,
        files: Vec<DataFile>,
        row_count: u64,
        size_bytes: u64,
    ) -> Result<Appended, Error> {
        let file_count = files.len();
        if file_count == 0 {
            return Ok(Appended {
                snapshot_id: None,
                version: base.version,
                row_count: 0,
                file_count: 0,
                size_bytes: 0,
                attempts: 0,
                duplicate: false,
            });
        }
        let mut append = action::Append::new(base.metadata.current_schema_id()).with_files(spec_id, files);
        for (key, value) in self.summary {
            append = append.with_summary_property(key, value);
        }
        let committer = self.table.committer();
        let Committed { version, snapshot_id, duplicate, attempts, .. } = match self.key {
            None => committer.append(append).await?,
            Some(key) => committer.commit(append, Some(key)).await?,
        };
        let (row_count, file_count, size_bytes) =
            if duplicate { (0, 0, 0) } else { (row_count, file_count, size_bytes) };
        Ok(Appended { snapshot_id, version, row_count, file_count, size_bytes, attempts, duplicate })
    }
}

async fn write_all<E: Into<Error>>(
    writer: &mut TableWriter,
    batches: impl Stream<Item = Result<RecordBatch, E>>,
) -> Result<WriteResult, Error> {
    pin_mut!(batches);
    while let Some(batch) = batches.next().await {
        writer.write(&batch.map_err(Into::into)?).await?;
    }
    Ok(writer.finish().await?)
}

/// Files that could not be taken back are nobody's: sweeping finds them.
fn report(deleted: &datashard_io::store::DeleteReport) {
    tracing::debug!(?deleted, "files of a failed append");
}
