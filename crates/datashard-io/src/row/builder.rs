//! Records in, a record batch out.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datashard_spec::schema::{Schema, Type};
use datashard_spec::value::Value;
use serde::Serialize;

use super::check::checked;
use super::from_json::from_json;
use super::members::ColumnNames;
use super::path::{Path, RowError};
use super::serialize::IntoValue;
use crate::arrow::schema_to_arrow;
use crate::arrow::value::ColumnBuilder;
use crate::data_error::DataError;

/// Gathers records of a table's schema into a record batch, each checked before anything of it is kept.
///
/// What serde types and JSON become is told in the [module](super).
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use datashard_io::row::RowBuilder;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Arc::new(Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?);
/// let mut rows = RowBuilder::new(&schema)?;
/// rows.push_json(&serde_json::json!({"id": 1}))?;
/// let error = rows.push_json(&serde_json::json!({"id": 1.5})).unwrap_err();
/// assert_eq!(error.to_string(), "record, row 1: column `id`: a float where a value of type long is needed");
/// assert_eq!(rows.finish()?.num_rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RowBuilder {
    schema: Arc<Schema>,
    /// The schema as a type.
    root: Type,
    names: ColumnNames,
    arrow: SchemaRef,
    columns: Vec<ColumnBuilder>,
    /// Rows in the columns.
    rows: usize,
    /// Rows of batches that are out.
    rows_before: u64,
    /// Set when a row was kept in part, which only a mistake of this library could bring about.
    is_broken: bool,
}

impl RowBuilder {
    /// A builder without rows.
    ///
    /// # Errors
    /// `Unsupported` if the schema has a type that Arrow lacks.
    pub fn new(schema: &Arc<Schema>) -> Result<Self, DataError> {
        let columns: Result<Vec<ColumnBuilder>, DataError> =
            schema.fields().iter().map(|field| ColumnBuilder::new(&field.field_type)).collect();
        let names = schema.fields().iter().enumerate().map(|(at, field)| (field.name.clone(), at));
        Ok(Self {
            root: Type::Struct(schema.as_struct().clone()),
            names: names.collect(),
            arrow: schema_to_arrow(schema)?,
            columns: columns?,
            rows: 0,
            rows_before: 0,
            is_broken: false,
            schema: Arc::clone(schema),
        })
    }

    /// Adds a record: anything that serialises as a struct or a map with the columns' names.
    ///
    /// # Errors
    /// All `InvalidInput`, and the builder is as before: `BadValue` with the number of the row, counted from the first that this builder
    /// took, and the full name of the field, for a field that is unknown, given twice, missing or null though required, of another type or
    /// out of range; `TooLarge` if the batch is full: [`finish`](Self::finish) it first.
    pub fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), DataError> {
        let to = IntoValue { to: &self.root, path: &Path::ROOT, names: Some(&self.names) };
        let made = to.take(record);
        self.keep(made)
    }

    /// Adds a record that is a JSON object.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_json(&mut self, record: &serde_json::Value) -> Result<(), DataError> {
        let made = from_json(record, &self.root, &Path::ROOT, Some(&self.names));
        self.keep(made)
    }

    /// Adds a record given as one value per column, in the order of the schema; `None` is null. Defaults play no part.
    ///
    /// Values may be of a type that the column's was [widened](Value::promote) from.
    ///
    /// # Errors
    /// As [`push`](Self::push), and `BadValue` for another number of values than columns.
    pub fn push_values(&mut self, record: impl IntoIterator<Item = Option<Value>>) -> Result<(), DataError> {
        let fields = self.schema.fields();
        // One too many is enough to know.
        let given: Vec<Option<Value>> = record.into_iter().take(fields.len().saturating_add(1)).collect();
        let made = if given.len() == fields.len() {
            let values = fields.iter().zip(given).map(|(field, value)| {
                checked(value, &field.field_type, field.required, &Path::ROOT.below(&field.name))
            });
            values.collect::<Result<_, RowError>>().map(|values| Some(Value::Struct(values)))
        } else {
            let count = if given.len() > fields.len() { "more".to_owned() } else { given.len().to_string() };
            let last = fields.get(given.len()).or(fields.last()).map_or("", |field| field.name.as_str());
            let reason = format!("{count} values where the table has {} columns", fields.len());
            Err(Path::ROOT.below(last).error(reason))
        };
        self.keep(made)
    }

    /// Takes a record that was checked.
    fn keep(&mut self, made: Result<Option<Value>, RowError>) -> Result<(), DataError> {
        if self.is_broken {
            return Err(DataError::internal("a row builder that kept half a row"));
        }
        let row = self.next_row();
        let values = match made {
            Ok(Some(Value::Struct(values))) => values,
            Ok(_) => return Err(Path::ROOT.error("null where a record is needed").at_row(row)),
            Err(error) => return Err(error.at_row(row)),
        };
        let is_full = self
            .columns
            .iter()
            .zip(&values)
            .zip(self.schema.fields())
            .find(|((column, value), _)| !column.has_room_for(value.as_ref()));
        if let Some(((column, _), field)) = is_full {
            return Err(DataError::TooLarge {
                file: "record batch".to_owned(),
                place: format!("column `{}`, row {row}", field.name),
                bytes: u64::try_from(column.size_bytes()).unwrap_or(u64::MAX).saturating_add(1),
                limit_bytes: u64::try_from(i32::MAX).unwrap_or(u64::MAX),
            });
        }
        for (column, value) in self.columns.iter_mut().zip(&values) {
            if let Err(error) = column.append(value.as_ref()) {
                self.is_broken = true;
                return Err(error);
            }
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    fn next_row(&self) -> u64 {
        self.rows_before.saturating_add(u64::try_from(self.rows).unwrap_or(u64::MAX))
    }

    /// Rows since the last batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes that the rows since the last batch will take, nearly.
    pub fn size_bytes(&self) -> usize {
        self.columns.iter().fold(0, |sum, column| sum.saturating_add(column.size_bytes()))
    }

    /// The rows as a batch in exactly the Arrow schema of the table; the builder goes on without them.
    ///
    /// # Errors
    /// `Internal` for a mistake of this library.
    pub fn finish(&mut self) -> Result<RecordBatch, DataError> {
        if self.is_broken {
            return Err(DataError::internal("a row builder that kept half a row"));
        }
        let columns: Result<Vec<ArrayRef>, DataError> =
            self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        self.rows_before = self.next_row();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(Arc::clone(&self.arrow), columns?, &options)
            .map_err(|error| DataError::internal(format!("a batch of rows: {error}")))
    }
}

impl fmt::Debug for RowBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowBuilder")
            .field("schema", &self.schema)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
