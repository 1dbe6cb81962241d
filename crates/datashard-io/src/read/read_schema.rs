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
        match MetadataColumn::of(id) {
            Some(column) => {
                let there = fields.iter().any(|field| field.id == id);
                if !there && column.stored(request).is_some() {
                    add(&mut fields, lineage(id, &id.to_string()));
                }
            }
            None => add_column(&mut fields, filter_schema(request, id)?, id)?,
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

fn filter_schema(request: &ReadRequest, id: FieldId) -> Result<&Schema, DataError> {
    let schemas = [Some(&request.schema), request.table_schema.as_ref()];
    let found = schemas.into_iter().flatten().find(|schema| schema.field_by_id(id).is_some());
    found.map(Arc::as_ref).ok_or_else(|| DataError::InvalidInput {
        what: "filter",
        reason: format!(
            "it tests column {id}, which is not among the columns asked for, nor in a table schema given with the request"
        ),
    })
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

/// Adds the fields of a struct to those that are there. The default of a struct has one value per field.
fn join(there: &mut NestedField, more: NestedField) {
    let (Type::Struct(into), Type::Struct(from)) = (&mut there.field_type, more.field_type) else { return };
    there.write_default = None;
    let mut default = match there.initial_default.take() {
        Some(Value::Struct(values)) => Some(values),
        other => {
            there.initial_default = other;
            None
        }
    };
    let mut more_default = match more.initial_default {
        Some(Value::Struct(values)) => values,
        _ => Vec::new(),
    }
    .into_iter();
    for field in from.fields {
        let before = into.fields.len();
        let value = more_default.next().flatten();
        add(&mut into.fields, field);
        if let Some(default) = &mut default
            && into.fields.len() > before
        {
            default.push(value);
        }
    }
    if let Some(values) = default {
        there.initial_default = Some(Value::Struct(values));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
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

    #[test]
    fn filter_and_equality_columns_join_the_structs_that_are_read_anyway() {
        let table = Arc::new(table());
        let filter = "p.y > 1 and s is null".parse::<Predicate>().unwrap().bind(&table).unwrap();
        let keys = EqualityDeletes::new(&table.project(&[FieldId(5)]).unwrap(), &[FieldId(5)]).unwrap();
        let deletes = Deletes::builder().with_equality(Arc::new(keys), DataSequenceNumber(1)).build();
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
        let keys = EqualityDeletes::new(&old, &[FieldId(9)]).unwrap();
        let deletes = Deletes::builder().with_equality(Arc::new(keys), DataSequenceNumber(1)).build();
        let request = ReadRequest::new(Arc::new(table())).with_deletes(Arc::new(deletes));
        let read = read_schema("f", &request).unwrap();
        assert_eq!(read.field_by_id(FieldId(6)).unwrap().name, "s");
        assert_eq!(read.field_by_id(FieldId(9)).unwrap().name, "s_9");
    }

    #[test]
    fn the_default_of_a_struct_grows_with_it() {
        let point = |fields| NestedField::optional(2, "p", StructType::new(fields));
        let (x, y) = (
            NestedField::optional(3, "x", PrimitiveType::Int),
            NestedField::optional(4, "y", PrimitiveType::Int),
        );
        let mut fields =
            vec![point(vec![x.clone()]).with_initial_default(Value::Struct(vec![Some(Value::Int(1))]))];
        add(&mut fields, point(vec![y]).with_initial_default(Value::Struct(vec![None])));
        assert_eq!(fields[0].initial_default, Some(Value::Struct(vec![Some(Value::Int(1)), None])));
        Schema::new(fields).unwrap();
    }
}
