//! Columns of a batch by field id or name, without any others: those that equality deletes are about.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow::datatypes::{DataType, FieldRef, Fields, Schema as ArrowSchema};
use datashard_spec::schema::{NestedField, Schema, StructType};

use crate::arrow::FIELD_ID_KEY;
use crate::data_error::DataError;
use crate::write::partition::arrow_failed;

/// The columns of `schema`, and of structs the fields that it has, in its order. Types are left as they are.
///
/// A missing column is an error even if it is optional: nulls in its place would stand for rows that nobody meant.
pub(crate) fn select_columns(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch, DataError> {
    let (fields, columns) = select(batch.schema_ref().fields(), batch.columns(), schema.as_struct(), schema)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), columns, &options)
        .map_err(|e| arrow_failed("columns of equality deletes", e))
}

/// As deep as the schema, which is bounded.
fn select(
    fields: &Fields,
    columns: &[ArrayRef],
    wanted: &StructType,
    schema: &Schema,
) -> Result<(Vec<FieldRef>, Vec<ArrayRef>), DataError> {
    let mut selected = (Vec::with_capacity(wanted.fields.len()), Vec::with_capacity(wanted.fields.len()));
    for want in &wanted.fields {
        let at = position(fields, want, schema)?.ok_or_else(|| missing(want, schema))?;
        let (field, column) = fields.get(at).zip(columns.get(at)).ok_or_else(|| missing(want, schema))?;
        let (field, column) = match (want.field_type.as_struct(), column.as_struct_opt()) {
            (Some(inner), Some(array)) => {
                let (fields, columns) = select(array.fields(), array.columns(), inner, schema)?;
                let fields = Fields::from(fields);
                let array = StructArray::try_new(fields, columns, array.nulls().cloned())
                    .map_err(|e| arrow_failed("a struct of equality deletes", e))?;
                let field = field.as_ref().clone().with_data_type(DataType::Struct(array.fields().clone()));
                let array: ArrayRef = Arc::new(array);
                (Arc::new(field), array)
            }
            // Whether types fit is told when the batch is brought into the schema.
            _ => (Arc::clone(field), Arc::clone(column)),
        };
        selected.0.push(field);
        selected.1.push(column);
    }
    Ok(selected)
}

fn position(fields: &Fields, want: &NestedField, schema: &Schema) -> Result<Option<usize>, DataError> {
    let id = want.id.to_string();
    let of_id = |field: &FieldRef| field.metadata().get(FIELD_ID_KEY) == Some(&id);
    let named = |field: &FieldRef| *field.name() == want.name;
    let unnumbered = |field: &FieldRef| !field.metadata().contains_key(FIELD_ID_KEY);
    let by_id = fields.iter().enumerate().find(|(_, field)| of_id(field));
    match by_id {
        // Its ids may be those of another table, and rows would be deleted that nobody meant.
        Some((_, found)) if !named(found) && fields.iter().any(named) => Err(DataError::WrongColumns {
            place: "record batch".to_owned(),
            reason: format!(
                "column `{}` has the field id {id} of column `{}`, and there is another column `{}`: if the ids are those of another \
                 table or schema, take them off; else name the columns as the table does",
                found.name(),
                full_name(want, schema),
                want.name
            ),
        }),
        Some((at, _)) => Ok(Some(at)),
        None => Ok(fields.iter().position(|field| unnumbered(field) && named(field))),
    }
}

fn full_name<'a>(want: &'a NestedField, schema: &'a Schema) -> &'a str {
    schema.field_by_id(want.id).map_or(want.name.as_str(), |field| field.full_name)
}

fn missing(want: &NestedField, schema: &Schema) -> DataError {
    let name = full_name(want, schema);
    DataError::WrongColumns {
        place: "record batch".to_owned(),
        reason: format!(
            "column `{name}` (id {}) is missing; equality deletes need all columns that they compare and that partitions are made of",
            want.id
        ),
    }
}
