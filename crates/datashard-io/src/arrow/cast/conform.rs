//! What a caller hands in, made exactly what the table's schema says.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, Schema, StructType};

use super::conform_nested::{Part, conform_part};
use crate::arrow::extension::{EXTENSION_NAME_KEY, VARIANT};
use crate::arrow::from_schema::field_id;
use crate::arrow::to_schema::schema_to_arrow;
use crate::arrow::value::{Defaults, repeat_with};
use crate::data_error::DataError;

/// What errors name as the place.
pub(super) const PLACE: &str = "record batch";

/// The rows of a batch in exactly the Arrow schema of the table ([`schema_to_arrow`]).
///
/// Columns, and the members of structs, are matched by field id if every field of the batch carries one (under
/// [`FIELD_ID_KEY`](crate::arrow::FIELD_ID_KEY)), and else by exact name; their order does not matter. Names may differ where ids are
/// matched, as after a column was renamed, but may not be those of other columns. One that the batch lacks is filled
/// with its write default, or with nulls. Types may be narrower than the table's if no value can change by it: small and unsigned integers,
/// half floats, decimals of fewer digits, coarser timestamps, large text and bytes, views, dictionaries, runs, lists of other layouts.
/// Zero-copy for columns that are right already.
///
/// # Errors
/// All `InvalidInput`: `WrongColumns` for a column that the table lacks, one that occurs twice, one that has the id of a column and the name
/// of another, and a missing one that is required and without write default; `WrongType` for a column whose type cannot be widened; `BadValue`, with the row, for a null in a required column
/// at any depth (where the struct around it is not null itself), a decimal with more digits than its type, a time beyond midnight, a
/// timestamp out of range; `TooLarge` for a column of text, bytes or elements that 32-bit offsets cannot count.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use datashard_io::arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
/// use datashard_io::arrow::{conform_batch, datatypes::Int64Type};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![
///     NestedField::optional(1, "name", PrimitiveType::String),
///     NestedField::required(2, "count", PrimitiveType::Long),
/// ])?;
/// let counts: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
/// let batch = conform_batch(&RecordBatch::try_from_iter([("count", counts)])?, &schema)?;
/// assert_eq!(batch.column(0).null_count(), 2);
/// assert_eq!(batch.column(1).as_primitive::<Int64Type>().value(1), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conform_batch(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch, DataError> {
    conform_to(batch, schema, &schema_to_arrow(schema)?)
}

/// As [`conform_batch`], with the Arrow schema of `schema` made before.
pub(crate) fn conform_to(
    batch: &RecordBatch,
    schema: &Schema,
    arrow: &SchemaRef,
) -> Result<RecordBatch, DataError> {
    let found = batch.schema_ref().fields();
    let matching = if all_have_ids(found) { Matching::ById } else { Matching::ByName };
    let sources = matching.sources(found, schema.as_struct(), "")?;
    let mut columns = Vec::with_capacity(sources.len());
    for (field, source) in schema.fields().iter().zip(sources) {
        let column = source.and_then(|at| Some((batch.columns().get(at)?, found.get(at)?)));
        columns.push(match column {
            None => filled(field, batch.num_rows())?,
            Some((column, found)) => {
                conform_part(column, found, &Part::of(field), &field.name, None, matching)?
            }
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(arrow), columns, &options)
        .map_err(|error| DataError::internal(format!("a batch made to fit its table: {error}")))
}

/// A column that was not handed in.
pub(super) fn filled(field: &NestedField, rows: usize) -> Result<ArrayRef, DataError> {
    repeat_with(field.write_default.as_ref(), &field.field_type, rows, Defaults::Write)
}

/// How columns of a batch are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matching {
    ById,
    ByName,
}

/// Whether all fields carry an id, at every level.
fn all_have_ids(fields: &Fields) -> bool {
    !fields.is_empty() && fields.iter().all(|field| has_ids(field))
}

fn has_ids(field: &Field) -> bool {
    let has_id = matches!(field_id(field.metadata()), Some(Ok(_)));
    // The parts of a variant have none.
    has_id && (is_variant(field) || has_ids_below(field.data_type()))
}

fn is_variant(field: &Field) -> bool {
    field.metadata().get(EXTENSION_NAME_KEY).is_some_and(|name| name == VARIANT)
}

fn has_ids_below(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().all(|field| has_ids(field)),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => has_ids(element),
        DataType::Map(entries, _) => has_ids_below(entries.data_type()),
        DataType::Dictionary(_, values) => has_ids_below(values),
        DataType::RunEndEncoded(_, values) => has_ids_below(values.data_type()),
        _ => true,
    }
}

impl Matching {
    /// For each field that is wanted where it lies among those found.
    pub(super) fn sources(
        self,
        found: &Fields,
        wanted: &StructType,
        parent: &str,
    ) -> Result<Vec<Option<usize>>, DataError> {
        let mut sources = Vec::with_capacity(wanted.fields.len());
        let mut used = vec![false; found.len()];
        for field in &wanted.fields {
            let mut fitting =
                found.iter().zip(&mut used).enumerate().filter(|(_, (f, _))| self.is_same(f, field));
            let source = fitting.next().map(|(at, (_, used))| {
                *used = true;
                at
            });
            if fitting.next().is_some() {
                return Err(wrong(format!("column `{}` is there more than once", join(parent, &field.name))));
            }
            if let Some(found) = source.and_then(|at| found.get(at)) {
                contradiction(found, field, wanted, parent)?;
            }
            if source.is_none() && field.required && field.write_default.is_none() {
                return Err(wrong(format!(
                    "column `{}` (id {}) is required, not there, and has no write default",
                    join(parent, &field.name),
                    field.id
                )));
            }
            sources.push(source);
        }
        let unknown: Vec<String> = found
            .iter()
            .zip(used)
            .filter(|(_, used)| !used)
            .map(|(field, _)| format!("`{}`{}", join(parent, field.name()), self.id_of(field)))
            .collect();
        match unknown.as_slice() {
            [] => Ok(sources),
            [one] => Err(wrong(format!(
                "column {one} is none of the table's; add it to the schema or leave it out"
            ))),
            several => Err(wrong(format!(
                "columns {} are none of the table's; add them to the schema or leave them out",
                several.join(", ")
            ))),
        }
    }

    fn is_same(self, found: &Field, wanted: &NestedField) -> bool {
        match self {
            Self::ById => self.has_id(found, wanted.id),
            Self::ByName => *found.name() == wanted.name,
        }
    }

    /// Whether an element, key or value is the one wanted; these have no names to go by.
    pub(super) fn has_id(self, found: &Field, wanted: FieldId) -> bool {
        self == Self::ByName || field_id(found.metadata()) == Some(Ok(wanted))
    }

    /// The id of a field in words, if it matters.
    fn id_of(self, field: &Field) -> String {
        match field_id(field.metadata()) {
            Some(Ok(id)) if self == Self::ById => format!(" (id {id})"),
            _ => String::new(),
        }
    }
}

/// Refuses a column that is one by its id and another by its name: its ids may be those of another table, and values would silently go to
/// columns that they are not of.
fn contradiction(
    found: &Field,
    field: &NestedField,
    wanted: &StructType,
    parent: &str,
) -> Result<(), DataError> {
    let name = found.name();
    if *name == field.name || wanted.fields.iter().all(|other| other.name != *name) {
        return Ok(());
    }
    Err(wrong(format!(
        "column `{name}` has the field id {} of column `{}`, and the table has another column `{name}`: if the ids are those of another \
         table or schema, take them off; else name the columns as the table does",
        field.id,
        join(parent, &field.name),
        name = join(parent, name),
    )))
}

pub(super) fn wrong(reason: String) -> DataError {
    DataError::WrongColumns { place: PLACE.to_owned(), reason }
}

pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
