//! [`PositionDeleteWriter`]: position-delete files, of tables before version 3.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datashard_spec::SpecError;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::{DeleteGranularity, MetricsConfig};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};

use crate::arrow::schema_to_arrow;
use crate::context::Context;
use crate::data_error::DataError;
use crate::store::{DeleteReport, TableStore};
use crate::write::files::{BeginFile, Files};
use crate::write::format::TableFormat;
use crate::write::rolling::RollingWriter;
use crate::write::{WriteOptions, WriteResult};

/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;
/// What a data file costs beside its name and positions.
const FILE_BYTES: usize = 256;

/// Writes position-delete files: which rows of which data files are deleted.
///
/// Positions come in any order and more than once; they are held compressed, at most as many as
/// [`WriteOptions::with_memory_limit_bytes`] allows, and written sorted by data file and position. A file covers the data files of one
/// partition, or a single one where the options' granularity says so.
///
/// All data files have to be of the partition spec that the writer is made with: a delete file hits those of its own spec only.
///
/// # Spec
/// "Position Delete Files".
///
/// # Examples
/// ```
/// # use std::collections::BTreeMap;
/// # use datashard_io::context::Context;
/// use datashard_io::delete::PositionDeleteWriter;
/// use datashard_io::write::WriteOptions;
/// # use datashard_io::{StoreOptions, TableStore};
/// # use datashard_spec::id::PartitionSpecId;
/// use datashard_spec::manifest::FileContent;
/// use datashard_spec::metadata::FormatVersion;
/// # use datashard_spec::partition::PartitionSpec;
/// # use datashard_spec::property::TableProperties;
/// # use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// # use datashard_spec::sort_order::SortOrder;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// # let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
/// # let set = BTreeMap::new();
/// # let properties = TableProperties::new(&set);
/// # let store = TableStore::open("memory://lake/visits", StoreOptions::new()).await?;
/// let content = FileContent::PositionDeletes;
/// let (options, _) = WriteOptions::from_properties(&schema, &SortOrder::unsorted(), properties, content)?;
/// let mut writer =
///     PositionDeleteWriter::new(&store, &spec, &options, FormatVersion::V2, &Context::system())?;
/// writer.delete(&[], "memory://lake/visits/data/0.parquet", [7, 3]).await?;
/// let written = writer.finish().await?;
/// assert_eq!(written.record_count, 2);
/// assert_eq!(
///     written.files[0].referenced_data_file.as_deref(),
///     Some("memory://lake/visits/data/0.parquet")
/// );
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "deletes are in files after `finish` only"]
pub struct PositionDeleteWriter {
    files: Arc<Files>,
    partition_fields: usize,
    schema: SchemaRef,
    granularity: DeleteGranularity,
    held: BTreeMap<Tuple, BTreeMap<Arc<str>, DeletionVector>>,
    held_bytes: usize,
    limit_bytes: usize,
    open: Option<RollingWriter>,
    done: Vec<DataFile>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A call is at work, failed, or was dropped.
    Broken,
    Finished,
}

impl PositionDeleteWriter {
    /// A writer of deletes from data files of `spec`. Metrics are exact bounds of path and position, whatever the options say.
    ///
    /// # Errors
    /// `Unsupported` for a table of version 1, which has no deletes, and of version 3, which has deletion vectors for this
    /// ([`write_deletion_vectors`](super::write_deletion_vectors)). `InvalidInput` if the options are for another content; else as for
    /// [`TableWriter::new`](crate::write::TableWriter::new).
    pub fn new(
        store: &TableStore,
        spec: &PartitionSpec,
        options: &WriteOptions,
        version: FormatVersion,
        context: &Context,
    ) -> Result<Self, DataError> {
        let options = options.clone().with_metrics(MetricsConfig::for_position_deletes());
        let format = Box::new(TableFormat::new(Arc::new(file_schema()?), &options));
        Self::with_format(store, spec, &options, version, context, format)
    }

    pub(crate) fn with_format(
        store: &TableStore,
        spec: &PartitionSpec,
        options: &WriteOptions,
        version: FormatVersion,
        context: &Context,
        format: Box<dyn BeginFile>,
    ) -> Result<Self, DataError> {
        let advice = match version {
            FormatVersion::V1 => {
                Some("upgrade the table to version 2 or later, or write its data files anew")
            }
            FormatVersion::V2 => None,
            FormatVersion::V3 => Some("write deletion vectors, merged with the deletes that are there"),
        };
        if let Some(advice) = advice {
            return Err(DataError::Unsupported {
                place: format!("table of format {version}"),
                what: "writing position-delete files".to_owned(),
                advice: advice.to_owned(),
            });
        }
        super::check_content(options, FileContent::PositionDeletes)?;
        Ok(Self {
            files: Arc::new(Files::new(store, spec, format, Vec::new(), options, context)?),
            partition_fields: spec.fields.len(),
            schema: schema_to_arrow(&file_schema()?)?,
            granularity: options.delete_granularity,
            held: BTreeMap::new(),
            held_bytes: 0,
            limit_bytes: options.memory_limit_bytes,
            open: None,
            done: Vec::new(),
            state: State::Ready,
        })
    }

    /// Deletes rows of a data file by their positions, from 0. `partition` and `data_file` are the partition tuple and the path of the file
    /// as its manifest entry has them, letter by letter.
    ///
    /// # Errors
    /// `InvalidInput` for a tuple that is none of the spec's, an empty path, or a position above
    /// [`DeletionVector::MAX_POSITION`]: then nothing of the call is taken, and the writer takes others. After any other error the writer can
    /// only be [aborted](Self::abort).
    ///
    /// # Cancel safety
    /// After a dropped call the writer can only be aborted.
    pub async fn delete(
        &mut self,
        partition: &[Option<Value>],
        data_file: &str,
        positions: impl IntoIterator<Item = u64> + Send,
    ) -> Result<(), DataError> {
        self.check_ready()?;
        if partition.len() != self.partition_fields {
            let reason =
                format!("has {} values, and the spec {} fields", partition.len(), self.partition_fields);
            return Err(DataError::InvalidInput { what: "partition tuple", reason });
        }
        if data_file.is_empty() {
            return Err(DataError::InvalidInput {
                what: "path of a data file",
                reason: "is empty".to_owned(),
            });
        }
        let (vector, bytes) = collect(data_file, positions)?;
        if vector.is_empty() {
            return Ok(());
        }
        if !self.held.contains_key(partition) {
            self.held.insert(partition.to_vec(), BTreeMap::new());
        }
        if let Some(paths) = self.held.get_mut(partition) {
            self.held_bytes = self.held_bytes.saturating_add(bytes);
            match paths.get_mut(data_file) {
                Some(there) => there.union(&vector),
                None => {
                    self.held_bytes =
                        self.held_bytes.saturating_add(FILE_BYTES).saturating_add(data_file.len());
                    paths.insert(data_file.into(), vector);
                }
            }
        }
        if self.held_bytes > self.limit_bytes { self.write_held().await } else { Ok(()) }
    }

    /// Completes all files and hands them over. They are durable when this returns.
    ///
    /// # Errors
    /// As [`TableWriter::finish`](crate::write::TableWriter::finish).
    ///
    /// # Cancel safety
    /// As [`TableWriter::finish`](crate::write::TableWriter::finish).
    pub async fn finish(&mut self) -> Result<WriteResult, DataError> {
        self.check_ready()?;
        self.write_held().await?;
        self.state = State::Finished;
        self.files.hand_over();
        Ok(WriteResult::new(std::mem::take(&mut self.done)))
    }

    /// As [`TableWriter::abort`](crate::write::TableWriter::abort).
    ///
    /// # Cancel safety
    /// Some files may be deleted and others not.
    pub async fn abort(mut self) -> DeleteReport {
        let open = self.open.take().and_then(RollingWriter::into_open);
        self.files.abort(open.into_iter().collect()).await
    }

    fn check_ready(&self) -> Result<(), DataError> {
        let reason = match self.state {
            State::Ready => return Ok(()),
            State::Broken => "an earlier call failed or was dropped: abort it, and begin anew",
            State::Finished => "it was finished: begin a new one",
        };
        Err(DataError::InvalidInput { what: "writer", reason: reason.to_owned() })
    }

    /// Writes what is held, by partition, data file and position.
    async fn write_held(&mut self) -> Result<(), DataError> {
        self.state = State::Broken;
        self.held_bytes = 0;
        for (partition, paths) in std::mem::take(&mut self.held) {
            match self.granularity {
                DeleteGranularity::File => {
                    for one in paths {
                        self.write_files(&partition, BTreeMap::from([one])).await?;
                    }
                }
                _ => self.write_files(&partition, paths).await?,
            }
        }
        self.state = State::Ready;
        Ok(())
    }

    /// Writes deletes into one file, or into several of the target size.
    async fn write_files(
        &mut self,
        partition: &Tuple,
        paths: BTreeMap<Arc<str>, DeletionVector>,
    ) -> Result<(), DataError> {
        let mut done = Vec::new();
        let mut rows = Rows::default();
        self.open = Some(RollingWriter::new(Arc::clone(&self.files), partition.clone(), None));
        for (path, vector) in &paths {
            for position in vector {
                rows.push(path, position);
                if rows.positions.len() >= BATCH_ROWS {
                    self.write_batch(&mut rows, &mut done).await?;
                }
            }
        }
        self.write_batch(&mut rows, &mut done).await?;
        if let Some(open) = &mut self.open {
            open.close(&mut done).await?;
        }
        self.open = None;

        let mut covered = Covered::new(&paths);
        for mut file in done {
            file.referenced_data_file = covered.only_path(file.record_count).map(|path| path.to_string());
            file.sort_order_id = None; // the format's own order, which is none of the table's
            self.done.push(file);
        }
        Ok(())
    }

    async fn write_batch(&mut self, rows: &mut Rows, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        let columns: [ArrayRef; 2] = [
            Arc::new(StringArray::from_iter_values(rows.paths.drain(..))),
            Arc::new(Int64Array::from(std::mem::take(&mut rows.positions))),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.to_vec()).map_err(|source| {
            DataError::Internal {
                what: "rows of position deletes".to_owned(),
                source: Some(Box::new(source)),
            }
        })?;
        match &mut self.open {
            Some(open) => open.write(&batch, done).await,
            None => Ok(()),
        }
    }
}

/// Rows of the next batch.
#[derive(Default)]
struct Rows {
    paths: Vec<Arc<str>>,
    positions: Vec<i64>,
}

impl Rows {
    fn push(&mut self, path: &Arc<str>, position: u64) {
        self.paths.push(Arc::clone(path));
        // Positions above were refused when they came.
        self.positions.push(i64::try_from(position).unwrap_or(i64::MAX));
    }
}

/// Tells which data files the rows of delete files are about, file after file.
struct Covered<'a> {
    paths: Vec<(&'a Arc<str>, u64)>,
    at: usize,
    /// Rows of the path at hand that earlier files have.
    taken: u64,
}

impl<'a> Covered<'a> {
    fn new(paths: &'a BTreeMap<Arc<str>, DeletionVector>) -> Self {
        let paths = paths.iter().map(|(path, vector)| (path, vector.len())).collect();
        Self { paths, at: 0, taken: 0 }
    }

    /// Goes on by the rows of a file; the data file if there is only one.
    fn only_path(&mut self, rows: i64) -> Option<&'a Arc<str>> {
        let mut rows = u64::try_from(rows).unwrap_or(0);
        let first = self.at;
        let mut last = self.at;
        while let Some((_, count)) = self.paths.get(self.at).filter(|_| rows > 0) {
            last = self.at;
            let here = count.saturating_sub(self.taken).min(rows);
            rows = rows.saturating_sub(here);
            self.taken = self.taken.saturating_add(here);
            if self.taken >= *count {
                (self.at, self.taken) = (self.at.saturating_add(1), 0);
            }
        }
        self.paths.get(first).filter(|_| first == last).map(|(path, _)| *path)
    }
}

/// Positions as a set, with the memory that they take, rather too much than too little.
fn collect(
    data_file: &str,
    positions: impl IntoIterator<Item = u64>,
) -> Result<(DeletionVector, usize), DataError> {
    let mut vector = DeletionVector::new();
    let mut bytes = 0_usize;
    let mut last = None;
    for position in positions {
        vector.insert(position).map_err(|source| DataError::Spec {
            place: format!("deletes of `{data_file}`"),
            source: Box::new(SpecError::from(source)),
        })?;
        // Positions that share all but 16 bits share a container.
        let container = position >> 16;
        bytes = bytes.saturating_add(if last == Some(container) { 4 } else { 48 });
        last = Some(container);
    }
    Ok((vector, bytes))
}

fn file_schema() -> Result<Schema, DataError> {
    let fields = vec![
        NestedField::required(FieldId::DELETE_FILE_PATH.0, "file_path", PrimitiveType::String),
        NestedField::required(FieldId::DELETE_POS.0, "pos", PrimitiveType::Long),
    ];
    Schema::new(fields).map_err(|source| DataError::Spec {
        place: "schema of position deletes".to_owned(),
        source: Box::new(SpecError::from(source)),
    })
}

#[cfg(test)]
mod tests;
