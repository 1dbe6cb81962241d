//! Position-delete files: which positions they name in which data files.
//!
//! # Spec
//! "Position Delete Files".

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datashard_spec::SpecError;
use datashard_spec::expr::col;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::DataFile;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, SchemaError};
use futures_util::TryStreamExt;

use super::local_path::{spellings, unspelled};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::read::{FileReader, ReadRequest};

/// Positions by data file, in the one spelling of its path.
pub(super) type Positions = HashMap<String, Arc<DeletionVector>>;

/// How delete files are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadSettings {
    pub(super) verify: bool,
    pub(super) memory_limit_bytes: u64,
}

/// The two columns that every position-delete file has, and their names for files without ids.
struct Columns {
    schema: Arc<Schema>,
    names: Arc<NameMapping>,
}

static COLUMNS: LazyLock<Result<Columns, SchemaError>> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        NestedField::required(FieldId::DELETE_FILE_PATH.0, "file_path", PrimitiveType::String),
        NestedField::required(FieldId::DELETE_POS.0, "pos", PrimitiveType::Long),
    ])?;
    let names = NameMapping::from_schema(&schema);
    Ok(Columns { schema: Arc::new(schema), names: Arc::new(names) })
});

/// Reads a position-delete file: all of it, or what it says of the data file `only`.
pub(super) async fn read(
    input: InputFile,
    entry: &DataFile,
    only: Option<&str>,
    settings: ReadSettings,
) -> Result<Positions, DataError> {
    let location: Arc<str> = input.location().into();
    let spec = |error: SpecError| DataError::Spec { place: format!("`{location}`"), source: Box::new(error) };
    let columns = COLUMNS.as_ref().map_err(|_| DataError::internal("position deletes have no schema"))?;
    let mut request = ReadRequest::new(Arc::clone(&columns.schema))
        .with_name_mapping(Arc::clone(&columns.names))
        .with_verification(settings.verify)
        .with_memory_limit_bytes(settings.memory_limit_bytes)
        .with_record_count(entry.record_count);
    if let Some(path) = only {
        let filter = col("file_path").is_in(spellings(path)).bind(&columns.schema);
        request = request.with_filter(filter.map_err(|error| spec(error.into()))?);
    }
    let reader = FileReader::open(input, &entry.file_format, request).await?;
    let mut batches = reader.into_stream();
    let mut collected = Collected::default();
    let mut rows = 0_u64;
    while let Some(batch) = batches.try_next().await? {
        collected.add(&location, rows, &batch)?;
        rows = rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        let size = collected.size_bytes();
        if size > settings.memory_limit_bytes {
            return Err(DataError::TooLarge {
                file: location.to_string(),
                place: "position deletes".to_owned(),
                bytes: size,
                limit_bytes: settings.memory_limit_bytes,
            });
        }
    }
    Ok(collected.finish())
}

/// About how many bytes of memory a vector takes, from above: two per position where they are sparse, a bit where they are dense, and
/// bookkeeping.
pub(super) fn size_bytes(vector: &DeletionVector) -> u64 {
    const CHUNK: u64 = 1 << 16;
    let chunks = match (vector.min(), vector.max()) {
        (Some(min), Some(max)) => {
            let spread =
                max.checked_div(CHUNK).unwrap_or(0).saturating_sub(min.checked_div(CHUNK).unwrap_or(0));
            spread.saturating_add(1).min(vector.len())
        }
        _ => 0,
    };
    let sparse = vector.len().saturating_mul(2);
    let dense = chunks.saturating_mul(CHUNK.checked_div(8).unwrap_or(0));
    sparse.min(dense).saturating_add(chunks.saturating_mul(32)).saturating_add(128)
}

/// Positions found so far. Rows are sorted by path, so that the same path comes many times in a row.
#[derive(Default)]
struct Collected {
    vectors: HashMap<String, DeletionVector>,
    /// Bytes of the vectors that are not the current one.
    finished_bytes: u64,
    current: Option<(String, DeletionVector)>,
}

impl Collected {
    fn add(&mut self, location: &str, first_row: u64, batch: &RecordBatch) -> Result<(), DataError> {
        let columns = (batch.column_by_name("file_path"), batch.column_by_name("pos"));
        let (Some(paths), Some(positions)) = columns else {
            return Err(DataError::internal("position deletes lack a column"));
        };
        let (Some(paths), Some(positions)) =
            (paths.as_string_opt::<i32>(), positions.as_primitive_opt::<Int64Type>())
        else {
            return Err(DataError::internal("position deletes are of another type"));
        };
        let bad = |row: usize, reason: String| {
            let row = first_row.saturating_add(u64::try_from(row).unwrap_or(u64::MAX));
            DataError::corrupt(location, format!("position deletes, row {row}"), reason)
        };
        if paths.null_count() > 0 || positions.null_count() > 0 {
            return Err(DataError::corrupt(location, "position deletes", "a path or a position is null"));
        }
        let mut previous: Option<&str> = None;
        for (row, (path, position)) in text(paths).zip(positions.values()).enumerate() {
            let position =
                u64::try_from(*position).map_err(|_| bad(row, format!("position {position} is negative")))?;
            if previous != Some(path) {
                self.turn_to(unspelled(path));
                previous = Some(path);
            }
            if let Some((_, vector)) = &mut self.current {
                vector.insert(position).map_err(|error| bad(row, error.to_string()))?;
            }
        }
        Ok(())
    }

    fn turn_to(&mut self, path: &str) {
        if self.current.as_ref().is_some_and(|(there, _)| there == path) {
            return;
        }
        self.put_back();
        let vector = self.vectors.remove(path).unwrap_or_default();
        self.finished_bytes = self.finished_bytes.saturating_sub(entry_bytes(path, &vector));
        self.current = Some((path.to_owned(), vector));
    }

    fn put_back(&mut self) {
        if let Some((path, vector)) = self.current.take() {
            self.finished_bytes = self.finished_bytes.saturating_add(entry_bytes(&path, &vector));
            self.vectors.insert(path, vector);
        }
    }

    fn size_bytes(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |(path, vector)| entry_bytes(path, vector));
        self.finished_bytes.saturating_add(current)
    }

    fn finish(mut self) -> Positions {
        self.put_back();
        self.vectors.into_iter().map(|(path, vector)| (path, Arc::new(vector))).collect()
    }
}

fn text(paths: &StringArray) -> impl Iterator<Item = &str> {
    paths.iter().map(Option::unwrap_or_default)
}

fn entry_bytes(path: &str, vector: &DeletionVector) -> u64 {
    if vector.is_empty() {
        return 0;
    }
    u64::try_from(path.len()).unwrap_or(u64::MAX).saturating_add(size_bytes(vector)).saturating_add(64)
}

/// About how many bytes of memory the positions take.
pub(super) fn total_bytes(positions: &Positions) -> u64 {
    positions.iter().map(|(path, vector)| entry_bytes(path, vector)).fold(0, u64::saturating_add)
}
