//! The rows of a batch, one by one, as typed values.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use datashard_spec::schema::{NestedField, Schema};
use datashard_spec::value::Value;

use crate::arrow::type_to_arrow;
use crate::arrow::value::value_at;
use crate::data_error::DataError;

/// The rows of a batch as one value per column, in the order of the schema; `None` is null.
///
/// # Errors
/// `WrongColumns` and `WrongType` if the batch is not in the Arrow schema of `schema`
/// ([`conform_batch`](crate::arrow::conform_batch) puts it there). Each row is `Unsupported` if it holds a variant that is not null.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use datashard_io::row::{RowBuilder, values};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::value::Value;
///
/// let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "on", PrimitiveType::Date)])?);
/// let mut rows = RowBuilder::new(&schema)?;
/// rows.push_values([Some(Value::Date(17_486))])?;
/// for row in values(&rows.finish()?, &schema)? {
///     assert_eq!(row?, [Some(Value::Date(17_486))]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn values<'a>(
    batch: &'a RecordBatch,
    schema: &'a Schema,
) -> Result<impl ExactSizeIterator<Item = Result<Vec<Option<Value>>, DataError>> + use<'a>, DataError> {
    let columns = Columns::of(batch, schema)?;
    Ok((0..batch.num_rows()).map(move |row| columns.values(row)))
}

/// The columns of a batch, each with its field.
pub(super) struct Columns<'a>(Vec<(&'a ArrayRef, &'a NestedField)>);

impl<'a> Columns<'a> {
    /// Checks that the batch is in the Arrow schema of `schema`.
    pub(super) fn of(batch: &'a RecordBatch, schema: &'a Schema) -> Result<Self, DataError> {
        let place = || "record batch".to_owned();
        let found = batch.schema_ref().fields();
        let names = || found.iter().map(|field| field.name());
        if !names().eq(schema.fields().iter().map(|field| &field.name)) {
            let names: Vec<&str> = names().map(String::as_str).collect();
            return Err(DataError::WrongColumns {
                place: place(),
                reason: format!("its columns are {}, not those of the schema", names.join(", ")),
            });
        }
        for (found, field) in found.iter().zip(schema.fields()) {
            if !is_same(found.data_type(), &type_to_arrow(&field.field_type)?) {
                return Err(DataError::WrongType {
                    place: place(),
                    column: field.name.clone(),
                    found: found.data_type().to_string(),
                    wanted: field.field_type.to_string(),
                    advice: "make the batch conform to the schema first".to_owned(),
                });
            }
        }
        Ok(Self(batch.columns().iter().zip(schema.fields()).collect()))
    }

    /// The values of a row.
    pub(super) fn values(&self, row: usize) -> Result<Vec<Option<Value>>, DataError> {
        self.0
            .iter()
            .map(|(column, field)| {
                value_at(column, &field.field_type, row).map_err(|error| named(error, field, row))
            })
            .collect()
    }
}

/// Says where the value is.
fn named(error: DataError, field: &NestedField, row: usize) -> DataError {
    match error {
        DataError::Unsupported { what, advice, .. } => DataError::Unsupported {
            place: format!("record batch, row {row}, column `{}`", field.name),
            what,
            advice,
        },
        other => other,
    }
}

/// Whether arrays of the two types can be read alike: the same but for metadata and nullability, members in the same order.
fn is_same(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && is_same(a.data_type(), b.data_type()))
        }
        (DataType::List(a), DataType::List(b)) => is_same(a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            // Key and value go by position.
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        _ => a == b,
    }
}
