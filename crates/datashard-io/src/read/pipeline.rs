//! From rows as a file has them to rows as they were asked for: projection, deletes, filter, metadata columns.
//!
//! Positions are those of the decoder, so that nothing that is left out before or here moves the rows behind it.
//!
//! # Spec
//! "Scan Planning", "Row-level Deletes".

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datashard_spec::schema::{NestedField, Schema};

use super::columns::Trim;
use super::decoder::{Decoded, RowPositions};
use super::metadata_columns::{MetadataColumn, MetadataValues};
use super::read_schema::{filter_ids, metadata_around, spec_error};
use super::request::ReadRequest;
use crate::arrow::filter::BatchFilter;
use crate::arrow::project::Projector;
use crate::arrow::schema_to_arrow;
use crate::data_error::DataError;
use crate::delete::DeleteMatcher;

/// Everything that happens to a batch of one file after it was decoded, but for the projection.
#[derive(Debug)]
pub(super) struct Pipeline {
    location: Arc<str>,
    deletes: Option<DeleteMatcher>,
    filter: Option<RowFilter>,
    output: Columns,
}

/// A filter, with the columns that it is given.
#[derive(Debug)]
struct RowFilter {
    filter: BatchFilter,
    /// Where it tests metadata columns: what it sees instead of the read schema.
    columns: Option<Columns>,
}

impl Pipeline {
    /// For a file that is read in the schema `read`.
    pub(super) fn new(
        location: &Arc<str>,
        request: &ReadRequest,
        read: &Arc<Schema>,
    ) -> Result<Self, DataError> {
        let filter = request.filter.as_ref().filter(|filter| !filter.is_always_true());
        let filter = match filter {
            None => None,
            Some(filter) => {
                let columns = filter_columns(location, request, read)?;
                let (schema, columns) = match columns {
                    None => (Arc::clone(read), None),
                    Some((schema, columns)) => (schema, Some(columns)),
                };
                Some(RowFilter { filter: BatchFilter::new(filter, &schema)?, columns })
            }
        };
        let deletes = match &request.deletes {
            Some(deletes) if !deletes.is_empty() => Some(DeleteMatcher::new(location, deletes, read)?),
            _ => None,
        };
        let output = Columns::new(location, request, read, request.schema.fields(), &request.schema)?;
        Ok(Self { location: Arc::clone(location), deletes, filter, output })
    }

    /// The schema of what comes out.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.output.schema
    }

    /// The rows of a batch that are left, or `None` if none is.
    pub(super) fn run(
        &self,
        projector: &Projector,
        decoded: &Decoded,
    ) -> Result<Option<RecordBatch>, DataError> {
        let rows = decoded.batch.num_rows();
        if rows == 0 {
            return Ok(None);
        }
        let batch = projector.project(&decoded.batch)?;
        if batch.num_rows() != rows {
            return Err(DataError::internal("projection changed the number of rows"));
        }
        let mut kept: Option<BooleanArray> = None;
        if let Some(deletes) = &self.deletes
            && let Some(hits) = deletes.hits(&batch, &decoded.positions)?
        {
            kept = Some(BooleanArray::new(!&hits, None));
        }
        if let Some(filter) = &self.filter {
            let matches = filter.matches(&batch, &decoded.positions)?;
            kept = Some(match kept {
                Some(kept) => BooleanArray::new(kept.values() & matches.values(), None),
                None => matches,
            });
        }
        let left = kept.as_ref().map_or(rows, BooleanArray::true_count);
        if left == 0 {
            return Ok(None);
        }
        let output = self.output.make(&batch, &decoded.positions)?;
        match kept {
            Some(kept) if left < rows => {
                let filtered = filter_record_batch(&output, &kept);
                Ok(Some(filtered.map_err(|error| self.internal("rows could not be taken out", error))?))
            }
            _ => Ok(Some(output)),
        }
    }

    fn internal(&self, what: &str, error: arrow::error::ArrowError) -> DataError {
        DataError::Internal { what: format!("`{}`: {what}", self.location), source: Some(Box::new(error)) }
    }
}

impl RowFilter {
    fn matches(&self, batch: &RecordBatch, positions: &RowPositions) -> Result<BooleanArray, DataError> {
        let matches = match &self.columns {
            None => self.filter.matches(batch)?,
            Some(columns) => self.filter.matches(&columns.make(batch, positions)?)?,
        };
        match matches.len() == batch.num_rows() && matches.null_count() == 0 {
            true => Ok(matches),
            false => Err(DataError::internal("a filter gave no answer for some rows")),
        }
    }
}

/// The read schema with the metadata columns that the filter tests, if it tests any.
fn filter_columns(
    location: &Arc<str>,
    request: &ReadRequest,
    read: &Schema,
) -> Result<Option<(Arc<Schema>, Columns)>, DataError> {
    let mut metadata: Vec<&NestedField> = Vec::new();
    for (_, field) in filter_ids(request).into_iter().filter_map(|id| metadata_around(request, id)) {
        if metadata.iter().all(|there| there.id != field.id) {
            metadata.push(field);
        }
    }
    if metadata.is_empty() {
        return Ok(None);
    }
    let is_metadata = |field: &&NestedField| metadata.iter().any(|there| there.id == field.id);
    let mut fields: Vec<NestedField> =
        read.fields().iter().filter(|field| !is_metadata(field)).cloned().collect();
    for field in metadata {
        let mut field = field.clone();
        while fields.iter().any(|there| there.name == field.name) {
            field.name = format!("{}_{}", field.name, field.id);
        }
        fields.push(field);
    }
    let schema = Arc::new(Schema::new(fields).map_err(|error| spec_error(location, error))?);
    let columns = Columns::new(location, request, read, schema.fields(), &schema)?;
    Ok(Some((schema, columns)))
}

/// Columns made of a batch in the read schema.
#[derive(Debug)]
struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Read { position: usize, trim: Trim },
    Metadata(MetadataValues),
}

impl Columns {
    fn new(
        location: &Arc<str>,
        request: &ReadRequest,
        read: &Schema,
        fields: &[NestedField],
        schema: &Schema,
    ) -> Result<Self, DataError> {
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            columns.push(match MetadataColumn::of(field.id) {
                Some(column) => {
                    let values = MetadataValues::new(column, field, location, request, read.fields())?;
                    Column::Metadata(values)
                }
                None => {
                    let found = read.fields().iter().enumerate().find(|(_, there)| there.id == field.id);
                    let (position, there) =
                        found.ok_or_else(|| DataError::internal("a column asked for is not read"))?;
                    Column::Read { position, trim: Trim::new(&there.field_type, &field.field_type)? }
                }
            });
        }
        Ok(Self { schema: schema_to_arrow(schema)?, columns })
    }

    fn make(&self, batch: &RecordBatch, positions: &RowPositions) -> Result<RecordBatch, DataError> {
        let rows = batch.num_rows();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter().zip(self.schema.fields()) {
            arrays.push(match column {
                Column::Metadata(values) => values.make(batch.columns(), positions, rows)?,
                Column::Read { position, trim } => {
                    let array = batch.columns().get(*position);
                    let array = array.ok_or_else(|| DataError::internal("a batch lacks a column"))?;
                    trim.apply(array, field.data_type())?
                }
            });
        }
        in_schema(&self.schema, arrays, rows)
    }
}

fn in_schema(
    schema: &Arc<ArrowSchema>,
    arrays: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, DataError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(|error| {
        DataError::Internal {
            what: "columns that were read do not fit the schema that was asked for".to_owned(),
            source: Some(Box::new(error)),
        }
    })
}
