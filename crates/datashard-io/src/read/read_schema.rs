//! The columns that are read of a file: those asked for, and those that deletes and the filter test.

use std::sync::Arc;

use datashard_spec::SpecError;
use datashard_spec::id::FieldId;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, SchemaError, Type};
use datashard_spec::value::Value;

use super::metadata_columns::MetadataColumn;
use super::request::ReadRequest;
use crate::data_error::DataError;

/// The schema to read: the columns of the request that files can have, in order, then what else deletes and the filter need. Fields of
/// structs that are read anyway join them.
pub(super) fn read_schema(location: &str, request: &ReadRequest) -> Result<Arc<Schema>, DataError> {
    let mut fields = Vec::with_capacity(request.schema.fields().len());
    for field in request.schema.fields() {
        match MetadataColumn::of(field.id) {
            Some(column) => fields.extend(column.stored(request).map(|()| lineage(field.id, &field.name))),
            None => fields.push(field.clone()),
        }
    }
    for id in filter_ids(request) {
        match metadata_around(request, id) {
            Some((column, field)) => {
                let there = fields.iter().any(|there| there.id == field.id);
                if !there && column.stored(request).is_some() {
                    add(&mut fields, lineage(field.id, &field.id.to_string()));
                }
            }
            None => match MetadataColumn::of(id) {
                Some(_) => return Err(unbound(&format!("metadata column {id}"))),
                None => add_column(&mut fields, filter_schema(request, id)?, id)?,
            },
        }
    }
    for set in request.deletes.iter().flat_map(|deletes| deletes.equality_sets()) {
        for id in set.field_ids() {
            add_column(&mut fields, set.schema(), *id)?;
        }
    }
    match Schema::new(fields) {
        // Nothing was added to the request: keep what may be shared.
        Ok(schema) if schema.same_structure(&request.schema) => Ok(Arc::clone(&request.schema)),
        Ok(schema) => Ok(Arc::new(schema)),
        Err(error) => Err(spec_error(location, error)),
    }
}

/// The columns that the filter tests.
pub(super) fn filter_ids(request: &ReadRequest) -> Vec<FieldId> {
    request.filter.as_ref().map(|filter| filter.field_ids()).unwrap_or_default()
}

/// The metadata column that a tested column is, or is a field of: those of `_partition` are in no file. As in the schema that the filter
/// was bound to.
pub(super) fn metadata_around(request: &ReadRequest, id: FieldId) -> Option<(MetadataColumn, &NestedField)> {
    let schemas = [request.table_schema.as_ref(), Some(&request.schema)];
    let schema = schemas.into_iter().flatten().find(|schema| schema.field_by_id(id).is_some())?;
    let outermost = schema.with_ancestors(id).last()?.id;
    let field = schema.fields().iter().find(|field| field.id == outermost)?;
    Some((MetadataColumn::of(outermost)?, field))
}

fn filter_schema(request: &ReadRequest, id: FieldId) -> Result<&Schema, DataError> {
    let schemas = [Some(&request.schema), request.table_schema.as_ref()];
    let found = schemas.into_iter().flatten().find(|schema| schema.field_by_id(id).is_some());
    found.map(Arc::as_ref).ok_or_else(|| unbound(&format!("column {id}")))
}

fn unbound(column: &str) -> DataError {
    DataError::InvalidInput {
        what: "filter",
        reason: format!(
            "it tests {column}, which is not among the columns asked for, nor in a table schema given with the request"
        ),
    }
}

fn lineage(id: FieldId, name: &str) -> NestedField {
    NestedField::optional(id.0, name, PrimitiveType::Long)
}

pub(super) fn spec_error(place: &str, error: SchemaError) -> DataError {
    DataError::Spec { place: format!("`{place}`"), source: Box::new(SpecError::from(error)) }
}

/// Adds a field with what it lies in, as far as it is not there.
pub(crate) fn add_column(
    fields: &mut Vec<NestedField>,
    schema: &Schema,
    id: FieldId,
) -> Result<(), DataError> {
    let selected =
        schema.select(&[id]).map_err(|error| spec_error("columns of deletes and filter", error))?;
    for column in selected.fields() {
        add(fields, column.clone());
    }
    Ok(())
}

fn add(fields: &mut Vec<NestedField>, mut column: NestedField) {
    column.write_default = None;
    if let Some(there) = fields.iter_mut().find(|field| field.id == column.id) {
        join(there, column);
        return;
    }
    // A dropped column, of which equality deletes remain, may have the name of a column of today.
    while fields.iter().any(|field| field.name == column.name) {
        column.name = format!("{}_{}", column.name, column.id);
    }
    fields.push(column);
}

/// Adds the fields of a struct to those that are there.
fn join(there: &mut NestedField, more: NestedField) {
    let (Type::Struct(into), Type::Struct(from)) = (&mut there.field_type, more.field_type) else { return };
    there.write_default = None;
    for field in from.fields {
        add(&mut into.fields, field);
    }
    // The default of a struct is one without members: one null per field, whose own defaults stand in.
    if let Some(Value::Struct(members)) = &mut there.initial_default {
        members.resize(into.fields.len(), None);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{RecordBatch, new_null_array};

    use super::*;
    use crate::arrow::schema_to_arrow;
    use crate::delete::{Deletes, EqualityDeletes};
    use datashard_spec::expr::Predicate;
    use datashard_spec::id::DataSequenceNumber;
    use datashard_spec::schema::StructType;

    fn table() -> Schema {
        let point = StructType::new(vec![
            NestedField::optional(3, "x", PrimitiveType::Int),
            NestedField::optional(4, "y", PrimitiveType::Int),
            NestedField::optional(5, "z", PrimitiveType::Int),
        ]);
        Schema::new(vec![
            NestedField::required(1, "id", PrimitiveType::Long),
            NestedField::optional(2, "p", point),
            NestedField::optional(6, "s", PrimitiveType::String),
        ])
        .unwrap()
    }

    fn ids(schema: &Schema) -> BTreeSet<i32> {
        schema.all_fields().map(|field| field.id.0).collect()
    }

    /// Rows are deleted where a column is null.
    fn null_key(schema: &Schema, id: i32) -> Deletes {
        let mut keys = EqualityDeletes::new(schema, &[FieldId(id)]).unwrap();
        let arrow = schema_to_arrow(keys.schema()).unwrap();
        let nulls = arrow.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        let batch = RecordBatch::try_new(arrow, nulls).unwrap();
        keys.insert(&batch, DataSequenceNumber(2)).unwrap();
        Deletes::builder().with_equality(Arc::new(keys), DataSequenceNumber(1)).build()
    }

    #[test]
    fn filter_and_equality_columns_join_the_structs_that_are_read_anyway() {
        let table = Arc::new(table());
        let filter = "p.y > 1 and s is null".parse::<Predicate>().unwrap().bind(&table).unwrap();
        let deletes = null_key(&table, 5);
        let request = ReadRequest::new(Arc::new(table.project(&[FieldId(3)]).unwrap()))
            .with_filter(filter)
            .with_table_schema(Arc::clone(&table))
            .with_deletes(Arc::new(deletes));
        let read = read_schema("f", &request).unwrap();
        assert_eq!(ids(&read), BTreeSet::from([2, 3, 4, 5, 6]));
        assert_eq!(read.fields().len(), 2);
        let alone = ReadRequest { table_schema: None, ..request };
        let error = read_schema("f", &alone).unwrap_err().to_string();
        assert!(error.starts_with("filter: it tests column 4,"), "{error}");
    }

    #[test]
    fn a_dropped_column_of_equality_deletes_may_have_the_name_of_a_column_of_today() {
        let old = Schema::new(vec![NestedField::optional(9, "s", PrimitiveType::Int)]).unwrap();
        let deletes = null_key(&old, 9);
        let request = ReadRequest::new(Arc::new(table())).with_deletes(Arc::new(deletes));
        let read = read_schema("f", &request).unwrap();
        assert_eq!(read.field_by_id(FieldId(6)).unwrap().name, "s");
        assert_eq!(read.field_by_id(FieldId(9)).unwrap().name, "s_9");
    }

    #[test]
    fn the_default_of_a_struct_grows_with_it() {
        let point = |field| NestedField::optional(2, "p", StructType::new(vec![field]));
        let x = NestedField::optional(3, "x", PrimitiveType::Int);
        let y = NestedField::optional(4, "y", PrimitiveType::Int).with_initial_default(Value::Int(1));
        let mut fields = vec![point(x).with_initial_default(Value::Struct(vec![None]))];
        add(&mut fields, point(y));
        assert_eq!(fields[0].initial_default, Some(Value::Struct(vec![None, None])));
        Schema::new(fields).unwrap();
    }
}
