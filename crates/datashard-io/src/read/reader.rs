//! [`FileReader`]: one data file, read as a stream of batches.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::FileFormat;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, try_unfold};

use super::decoder::{DecodePlan, Decoded, Decoder, OpenOptions, RowPositions};
use super::format;
use super::metadata_columns::MetadataColumn;
use super::pipeline::Pipeline;
use super::read_schema::{filter_ids, metadata_around, read_schema};
use super::request::ReadRequest;
use crate::arrow::project::{Projector, Resolution};
use crate::data_error::DataError;
use crate::file::InputFile;

/// A data file, opened: rows come out of [`into_stream`](Self::into_stream) in the schema that was asked for.
///
/// Every format is read alike: columns by field id in the types of the table, without deleted rows, with only the rows that match the
/// filter for certain, in file order.
///
/// # Spec
/// "Column Projection", "Row-level Deletes", "Row Lineage".
///
/// # Examples
/// The rows of a table's Parquet file with an id below 2, in two of its columns and their positions.
/// ```
/// # #[cfg(all(feature = "parquet", feature = "local"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use datashard_io::read::{FileReader, ReadRequest};
/// use datashard_io::{InputFile, StoreOptions, TablePath, TableStore};
/// use datashard_spec::expr::col;
/// use datashard_spec::id::FieldId;
/// use datashard_spec::manifest::FileFormat;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use futures_util::TryStreamExt;
///
/// # let table = format!("file://{}/../../testdata/iceberg-java/v1_inline_manifests", env!("CARGO_MANIFEST_DIR"));
/// # let data = format!("{}/../../testdata/iceberg-java/v1_inline_manifests/data", env!("CARGO_MANIFEST_DIR"));
/// # let mut names = std::fs::read_dir(data)?.map(|entry| entry.unwrap().file_name().into_string().unwrap());
/// # let name = format!("data/{}", names.find(|name| name.ends_with(".parquet")).unwrap());
/// let schema = Arc::new(Schema::new(vec![
///     NestedField::optional(1, "id", PrimitiveType::Long),
///     NestedField::required(FieldId::POS.0, "_pos", PrimitiveType::Long),
/// ])?);
/// let request = ReadRequest::new(Arc::clone(&schema))
///     .with_filter(col("id").less_than(2).bind(&schema)?);
/// let store = TableStore::open(&table, StoreOptions::default()).await?;
/// let input = InputFile::new(store, TablePath::parse(&name)?, name.as_str());
/// let reader = FileReader::open(input, &FileFormat::Parquet, request).await?;
/// assert_eq!(reader.schema().field(1).name(), "_pos");
/// let mut batches = reader.into_stream();
/// while let Some(batch) = batches.try_next().await? {
///     println!("{} rows match", batch.num_rows());
/// }
/// # Ok(()) }
/// # #[cfg(not(all(feature = "parquet", feature = "local")))]
/// # fn main() {}
/// ```
pub struct FileReader {
    decoder: Box<dyn Decoder>,
    pipeline: Pipeline,
    plan: DecodePlan,
    expected: Expected,
    nothing_matches: bool,
}

impl FileReader {
    /// Opens a file: reads and checks its footer or header, and finds the columns that the request asks for.
    ///
    /// # Errors
    /// `Unsupported` naming the file and its format, if that is not known or not compiled in; `InvalidData` if the file is damaged, has
    /// another number of rows than was recorded, or lacks a required column; `InvalidInput` if it has a column in a type that cannot be read
    /// as the table's, if it has no field ids and there is no name mapping, and for a request that contradicts itself, or needs more memory
    /// than it allows; as [`InputFile::read_ranges`].
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn open(
        input: InputFile,
        format: &FileFormat,
        request: ReadRequest,
    ) -> Result<Self, DataError> {
        let options = OpenOptions { verify: request.verify, memory_limit_bytes: request.memory_limit_bytes };
        let decoder = format::open(&input, format, &options).await?;
        Self::new(input.location(), decoder, &request)
    }

    /// Reads what a decoder gives.
    pub(crate) fn new(
        location: &str,
        decoder: Box<dyn Decoder>,
        request: &ReadRequest,
    ) -> Result<Self, DataError> {
        let location: Arc<str> = location.into();
        let expected = Expected { location: Arc::clone(&location), rows: expected_rows(request)?, seen: 0 };
        expected.check_total(decoder.row_count())?;
        let read = read_schema(&location, request)?;
        let pipeline = Pipeline::new(&location, request, &read)?;
        let resolution = Resolution::new(
            &location,
            decoder.file_schema(),
            &read,
            &request.constants,
            request.name_mapping.as_deref(),
        )?;
        let plan = decode_plan(request, resolution);
        let nothing_matches = request.filter.as_ref().is_some_and(|filter| filter.is_always_false());
        Ok(Self { decoder, pipeline, plan, expected, nothing_matches })
    }

    /// The schema of the batches: the columns that were asked for, in that order.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.pipeline.schema())
    }

    /// Whether the file itself has values of a column, so that it needs no default.
    pub(crate) fn has_column(&self, id: FieldId) -> bool {
        self.plan.resolution.is_in_file(id)
    }

    /// The rows, in batches of at most as many rows as the request says, none of them empty. The stream ends after the first error.
    pub fn into_stream(self) -> BoxStream<'static, Result<RecordBatch, DataError>> {
        let Self { decoder, pipeline, plan, expected, nothing_matches } = self;
        if nothing_matches {
            return futures_util::stream::empty().boxed();
        }
        let batch_rows = plan.batch_rows;
        let rows = Rows {
            decoder,
            pipeline,
            plan: Some(plan),
            projector: None,
            expected,
            batch_rows,
            ready: VecDeque::new(),
        };
        try_unfold(rows, |mut rows| async move { Ok(rows.next().await?.map(|batch| (batch, rows))) }).boxed()
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("location", &self.expected.location)
            .field("schema", self.pipeline.schema())
            .finish_non_exhaustive()
    }
}

fn decode_plan(request: &ReadRequest, resolution: Resolution) -> DecodePlan {
    // A decoder knows nothing of metadata columns.
    let of_file = filter_ids(request).into_iter().all(|id| metadata_around(request, id).is_none());
    let filter = request.filter.clone().filter(|filter| of_file && !filter.is_always_true());
    let deleted = request.deletes.as_ref().map(|deletes| deletes.long_runs()).unwrap_or_default();
    DecodePlan {
        resolution: Arc::new(resolution),
        filter,
        deleted: deleted.into(),
        byte_range: request.byte_range.clone(),
        positions: needs_positions(request),
        batch_rows: request.batch_rows.max(1),
        memory_limit_bytes: request.memory_limit_bytes,
        verify: request.verify,
        late_materialization: request.late_materialization,
    }
}

/// Whether anything but errors depends on where rows lie in the file.
fn needs_positions(request: &ReadRequest) -> bool {
    let by_position = |id: FieldId| {
        matches!(MetadataColumn::of(id), Some(MetadataColumn::Position | MetadataColumn::RowId))
    };
    let deletes = request.deletes.as_ref().and_then(|deletes| deletes.positions());
    deletes.is_some_and(|positions| !positions.is_empty())
        || request.schema.fields().iter().any(|field| by_position(field.id))
        || filter_ids(request).into_iter().any(by_position)
}

/// The number of rows that a file is to have.
struct Expected {
    location: Arc<str>,
    rows: Option<u64>,
    /// The end of the rows seen so far.
    seen: u64,
}

fn expected_rows(request: &ReadRequest) -> Result<Option<u64>, DataError> {
    let Some(rows) = request.record_count.filter(|_| request.verify) else { return Ok(None) };
    u64::try_from(rows).map(Some).map_err(|_| DataError::InvalidInput {
        what: "record count",
        reason: format!("a file cannot have {rows} rows"),
    })
}

impl Expected {
    /// Holds what the file says against what was recorded.
    fn check_total(&self, found: Option<u64>) -> Result<(), DataError> {
        match (self.rows, found) {
            (Some(expected), Some(found)) if expected != found => Err(self.mismatch(expected, found)),
            _ => Ok(()),
        }
    }

    /// Holds the positions of a batch against what the file says, and what was recorded.
    fn check_positions(&mut self, decoded: &Decoded, of_file: Option<u64>) -> Result<(), DataError> {
        let rows = decoded.batch.num_rows();
        let first = match &decoded.positions {
            RowPositions::From(first) => Some(*first),
            RowPositions::Each(each) if each.len() == rows => each.first().copied(),
            RowPositions::Each(_) => return Err(DataError::internal("not every row has a position")),
        };
        let last = match &decoded.positions {
            RowPositions::From(first) => {
                u64::try_from(rows).ok().and_then(|rows| first.checked_add(rows)?.checked_sub(1))
            }
            RowPositions::Each(each) => each.last().copied(),
        };
        let (Some(first), Some(last), true) = (first, last, rows > 0) else { return Ok(()) };
        if first < self.seen {
            return Err(DataError::internal("rows did not come in the order of the file"));
        }
        self.seen = last.saturating_add(1);
        if let Some(total) = of_file.filter(|total| self.seen > *total) {
            let reason =
                format!("there is a row at position {last}, but the file says that it has {total} rows");
            return Err(DataError::corrupt(&*self.location, "rows", reason));
        }
        match self.rows {
            Some(expected) if self.seen > expected => Err(self.mismatch(expected, self.seen)),
            _ => Ok(()),
        }
    }

    fn mismatch(&self, expected: u64, found: u64) -> DataError {
        DataError::Mismatch {
            file: self.location.to_string(),
            place: "whole file".to_owned(),
            what: "number of rows",
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// A file being read.
struct Rows {
    decoder: Box<dyn Decoder>,
    pipeline: Pipeline,
    /// What to decode, until decoding began.
    plan: Option<DecodePlan>,
    projector: Option<Projector>,
    expected: Expected,
    batch_rows: usize,
    /// Batches that are not given out yet: slices of one that was too large.
    ready: VecDeque<RecordBatch>,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<RecordBatch>, DataError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if let Some(plan) = self.plan.take() {
                let resolution = Arc::clone(&plan.resolution);
                let decoded = self.decoder.begin(plan).await?;
                self.projector = Some(resolution.projector(&decoded, None)?);
            }
            let Some(decoded) = self.decoder.next().await? else {
                self.expected.check_total(self.decoder.row_count())?;
                return Ok(None);
            };
            self.expected.check_positions(&decoded, self.decoder.row_count())?;
            let projector = self.projector.as_ref();
            let projector = projector.ok_or_else(|| DataError::internal("decoding did not begin"))?;
            let run = self.pipeline.run(projector, &decoded);
            if let Some(batch) = run.map_err(|error| in_file(error, &decoded.positions))? {
                self.split(&batch);
            }
        }
    }

    fn split(&mut self, batch: &RecordBatch) {
        let mut at = 0;
        while at < batch.num_rows() {
            let length = batch.num_rows().saturating_sub(at).min(self.batch_rows);
            self.ready.push_back(batch.slice(at, length));
            at = at.saturating_add(length.max(1));
        }
    }
}

/// The error with the row's position in the file, where it has that in a batch.
fn in_file(error: DataError, positions: &RowPositions) -> DataError {
    match error {
        DataError::BadValue { place, row, column, reason } => {
            let position = match positions {
                RowPositions::From(first) => first.checked_add(row),
                RowPositions::Each(each) => usize::try_from(row).ok().and_then(|at| each.get(at).copied()),
            };
            DataError::BadValue { place, row: position.unwrap_or(row), column, reason }
        }
        other => other,
    }
}
