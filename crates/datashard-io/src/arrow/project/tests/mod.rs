//! Projection, checked by values: rows go in as the file has them, and come out as the table has them.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

mod nested;
mod random;
mod refusals;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema};
use datashard_spec::id::FieldId;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::{NestedField, PrimitiveType as P, Schema, Type};
use datashard_spec::value::Value;

use super::{Projector, Resolution};
use crate::arrow::value::{array_of, value_at};
use crate::arrow::{FIELD_ID_KEY, schema_to_arrow};
use crate::data_error::DataError;

const FILE: &str = "s3://b/t/data/f.parquet";

type Row = Vec<Option<Value>>;

fn schema(fields: Vec<NestedField>) -> Arc<Schema> {
    Arc::new(Schema::new(fields).unwrap())
}

fn none() -> HashMap<FieldId, Option<Value>> {
    HashMap::new()
}

/// Rows of a file that has these columns.
fn batch(schema: &Schema, rows: &[Row]) -> RecordBatch {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let values: Vec<Option<&Value>> = rows.iter().map(|row| row[at].as_ref()).collect();
            array_of(&values, &field.field_type).unwrap()
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema_to_arrow(schema).unwrap(), columns, &options).unwrap()
}

/// The rows of a batch in the Arrow schema of `schema`.
fn rows(schema: &Schema, batch: &RecordBatch) -> Vec<Row> {
    assert_eq!(batch.schema(), schema_to_arrow(schema).unwrap());
    let value =
        |at: usize, row| value_at(batch.column(at).as_ref(), &schema.fields()[at].field_type, row).unwrap();
    (0..batch.num_rows()).map(|row| (0..batch.num_columns()).map(|at| value(at, row)).collect()).collect()
}

/// What a decoder gives that reads only some leaves: structs without their other fields, maps whole.
fn decode(batch: &RecordBatch, leaves: &[usize]) -> RecordBatch {
    let mut next = 0;
    let kept: Vec<(FieldRef, ArrayRef)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .filter_map(|(field, array)| prune(field, array, leaves, &mut next))
        .collect();
    let schema = ArrowSchema::new(kept.iter().map(|(field, _)| Arc::clone(field)).collect::<Vec<_>>());
    let columns = kept.into_iter().map(|(_, array)| array).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options).unwrap()
}

fn prune(
    field: &FieldRef,
    array: &ArrayRef,
    leaves: &[usize],
    next: &mut usize,
) -> Option<(FieldRef, ArrayRef)> {
    let made: ArrayRef = match field.data_type() {
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let kept: Vec<(FieldRef, ArrayRef)> = fields
                .iter()
                .zip(array.columns())
                .filter_map(|(field, array)| prune(field, array, leaves, next))
                .collect();
            if kept.is_empty() {
                return None;
            }
            let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = kept.into_iter().unzip();
            Arc::new(StructArray::new(fields.into(), arrays, array.nulls().cloned()))
        }
        DataType::List(element) => {
            let array = array.as_list::<i32>();
            let (element, values) = prune(element, array.values(), leaves, next)?;
            Arc::new(ListArray::new(element, array.offsets().clone(), values, array.nulls().cloned()))
        }
        DataType::Map(entries, _) => {
            let array = array.as_map();
            let whole: ArrayRef = Arc::new(array.entries().clone());
            let (pair, values) = prune(entries, &whole, leaves, next)?;
            // As the Parquet decoder does: half a map is no map.
            let values = values.as_struct().clone();
            assert_eq!(values.num_columns(), 2, "{field:?} lost its keys or values");
            Arc::new(MapArray::new(pair, array.offsets().clone(), values, array.nulls().cloned(), false))
        }
        _ => {
            let leaf = *next;
            *next += 1;
            return leaves.contains(&leaf).then(|| (Arc::clone(field), Arc::clone(array)));
        }
    };
    let field = Field::clone(field).with_data_type(made.data_type().clone());
    Some((Arc::new(field), made))
}

fn project(
    file: &RecordBatch,
    read: &Arc<Schema>,
    constants: &HashMap<FieldId, Option<Value>>,
    mapping: Option<&NameMapping>,
) -> Result<RecordBatch, DataError> {
    let resolution = Resolution::new(FILE, &file.schema(), read, constants, mapping)?;
    let decoded = decode(file, resolution.leaves());
    let projected = resolution.projector(&decoded.schema(), None)?.project(&decoded)?;
    // A decoder may give more than it was asked for.
    let all = resolution.projector(&file.schema(), None)?.project(file)?;
    assert_eq!(projected, all);
    Ok(projected)
}

/// Rows of `file` read as `read`, found by ids.
fn check(file: &Schema, read: Vec<NestedField>, stored: &[Row], expected: &[Row]) {
    let read = schema(read);
    let projected = project(&batch(file, stored), &read, &none(), None).unwrap();
    assert_eq!(rows(&read, &projected), expected);
}

/// A schema without any ids.
fn bare(schema: &ArrowSchema) -> ArrowSchema {
    ArrowSchema::new(schema.fields().iter().map(|field| bare_field(field)).collect::<Vec<_>>())
}

fn bare_field(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| Arc::new(bare_field(field))).collect())
        }
        DataType::List(element) => DataType::List(Arc::new(bare_field(element))),
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(bare_field(entries)), *sorted),
        other => other.clone(),
    };
    let mut metadata = field.metadata().clone();
    metadata.remove(FIELD_ID_KEY);
    Field::new(field.name(), data_type, field.is_nullable()).with_metadata(metadata)
}

fn bare_batch(batch: &RecordBatch) -> RecordBatch {
    let schema = Arc::new(bare(&batch.schema()));
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| arrow::array::make_array(relabelled(array.to_data(), field.data_type())))
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// The same data with other field names and metadata all the way down.
fn relabelled(data: arrow::array::ArrayData, to: &DataType) -> arrow::array::ArrayData {
    let below: Vec<DataType> = match to {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type().clone()).collect(),
        DataType::List(field) | DataType::Map(field, _) => vec![field.data_type().clone()],
        _ => Vec::new(),
    };
    let children =
        data.child_data().iter().zip(&below).map(|(child, to)| relabelled(child.clone(), to)).collect();
    data.into_builder().data_type(to.clone()).child_data(children).build().unwrap()
}

fn long(value: i64) -> Option<Value> {
    Some(Value::Long(value))
}

fn int(value: i32) -> Option<Value> {
    Some(Value::Int(value))
}

fn text(value: &str) -> Option<Value> {
    Some(Value::String(value.to_owned()))
}

#[test]
fn columns_are_found_by_id_whatever_their_names_and_order() {
    let file = schema(vec![
        NestedField::required(1, "a", P::Long),
        NestedField::optional(2, "b", P::String),
        NestedField::optional(3, "dropped", P::Double),
    ]);
    check(
        &file,
        vec![
            // Swapped names are the worst case for whoever looks at names.
            NestedField::optional(2, "a", P::String),
            NestedField::optional(7, "dropped", P::Int),
            NestedField::required(1, "b", P::Long),
        ],
        &[vec![long(1), text("x"), Some(Value::Double(0.5))], vec![long(2), None, None]],
        &[vec![text("x"), None, long(1)], vec![None, None, long(2)]],
    );
}

#[test]
fn types_of_old_files_are_widened() {
    let file = schema(vec![
        NestedField::optional(1, "i", P::Int),
        NestedField::optional(2, "f", P::Float),
        NestedField::optional(3, "d", P::Decimal { precision: 5, scale: 2 }),
        NestedField::optional(4, "day", P::Date),
    ]);
    check(
        &file,
        vec![
            NestedField::optional(1, "i", P::Long),
            NestedField::optional(2, "f", P::Double),
            NestedField::optional(3, "d", P::Decimal { precision: 20, scale: 2 }),
            NestedField::optional(4, "day", P::Timestamp),
        ],
        &[vec![int(-1), Some(Value::Float(0.5)), Some(Value::decimal(12345, 2)), Some(Value::Date(-1))]],
        &[vec![
            long(-1),
            Some(Value::Double(0.5)),
            Some(Value::decimal(12345, 2)),
            Some(Value::Timestamp(-86_400_000_000)),
        ]],
    );
}

#[test]
fn missing_columns_are_the_constant_then_the_default_then_null() {
    let file =
        schema(vec![NestedField::required(1, "a", P::Long), NestedField::optional(2, "in_file", P::Int)]);
    let read = schema(vec![
        NestedField::required(1, "a", P::Long),
        NestedField::optional(2, "in_file", P::Int),
        NestedField::required(3, "constant", P::Long).with_initial_default(Value::Long(9)),
        NestedField::optional(4, "null_constant", P::Long).with_initial_default(Value::Long(9)),
        NestedField::required(5, "default", P::String).with_initial_default(Value::String("d".into())),
        NestedField::optional(6, "nothing", P::Uuid),
    ]);
    let constants = HashMap::from([
        (FieldId(2), Some(Value::Int(99))),
        // As the tuple of an older file holds it.
        (FieldId(3), Some(Value::Int(5))),
        (FieldId(4), None),
    ]);
    let stored = [vec![long(1), int(7)], vec![long(2), None]];
    let projected = project(&batch(&file, &stored), &read, &constants, None).unwrap();
    assert_eq!(
        rows(&read, &projected),
        [
            vec![long(1), int(7), long(5), None, text("d"), None],
            vec![long(2), None, long(5), None, text("d"), None]
        ]
    );
}

#[test]
fn columns_of_the_type_unknown_are_null_whatever_the_file_has() {
    let file = schema(vec![NestedField::required(1, "a", P::Long), NestedField::optional(2, "u", P::Int)]);
    let read =
        schema(vec![NestedField::optional(2, "u", P::Unknown), NestedField::required(1, "a", P::Long)]);
    let stored = batch(&file, &[vec![long(1), int(7)]]);
    let resolution = Resolution::new(FILE, &stored.schema(), &read, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [0]);
    let projected = project(&stored, &read, &none(), None).unwrap();
    assert_eq!(rows(&read, &projected), [vec![None, long(1)]]);
    assert_eq!(projected.column(0).data_type(), &DataType::Null);
    // And the other way round: what was unknown once has no values.
    check(
        &schema(vec![NestedField::optional(2, "u", P::Unknown)]),
        vec![NestedField::optional(2, "u", P::Int).with_initial_default(Value::Int(3))],
        &[vec![None]],
        &[vec![None]],
    );
}

#[test]
fn unchanged_columns_share_their_buffers() {
    let file = schema(vec![NestedField::required(1, "a", P::Long), NestedField::optional(2, "b", P::String)]);
    let read = schema(vec![NestedField::optional(2, "c", P::String), NestedField::required(1, "a", P::Long)]);
    let stored = batch(&file, &[vec![long(1), text("x")]]);
    let projected = project(&stored, &read, &none(), None).unwrap();
    assert!(Arc::ptr_eq(stored.column(0), projected.column(1)));
    assert!(Arc::ptr_eq(stored.column(1), projected.column(0)));
}

#[test]
fn some_columns_alone_can_be_projected() {
    let file = schema(vec![NestedField::required(1, "a", P::Long), NestedField::optional(2, "b", P::String)]);
    let stored = batch(&file, &[vec![long(1), text("x")]]);
    let resolution = Resolution::new(FILE, &stored.schema(), &file, &none(), None).unwrap();
    let decoded = decode(&stored, &[1]);
    let projector: Projector = resolution.projector(&decoded.schema(), Some(&[FieldId(2)])).unwrap();
    let projected = projector.project(&decoded).unwrap();
    assert_eq!(projected.schema(), projector.schema());
    assert_eq!(rows(&schema(vec![NestedField::optional(2, "b", P::String)]), &projected), [vec![text("x")]]);
    let nothing = resolution.projector(&decoded.schema(), Some(&[])).unwrap().project(&decoded).unwrap();
    assert_eq!((nothing.num_columns(), nothing.num_rows()), (0, 1));
}

#[test]
fn names_stand_for_ids_where_a_file_has_none() {
    let file =
        schema(vec![NestedField::required(1, "old", P::Long), NestedField::optional(2, "a.b", P::String)]);
    let stored = bare_batch(&batch(&file, &[vec![long(1), text("x")]]));
    let mapping = NameMapping::from_json(
        r#"[{"field-id": 11, "names": ["new", "old"]}, {"field-id": 12, "names": ["a.b"]}, {"field-id": 13, "names": []}]"#,
    )
    .unwrap();
    let read = schema(vec![
        NestedField::optional(13, "old", P::Long),
        NestedField::optional(12, "b", P::String),
        NestedField::required(11, "new", P::Long),
    ]);
    let projected = project(&stored, &read, &none(), Some(&mapping)).unwrap();
    assert_eq!(rows(&read, &projected), [vec![None, text("x"), long(1)]]);
}

#[test]
fn trap_12_names_say_nothing_in_a_file_with_some_ids() {
    let file = schema(vec![NestedField::optional(1, "a", P::Long), NestedField::optional(2, "b", P::Long)]);
    let stored = batch(&file, &[vec![long(1), long(2)]]);
    let fields = [stored.schema().field(0).clone(), bare_field(stored.schema().field(1))];
    let partial =
        RecordBatch::try_new(Arc::new(ArrowSchema::new(fields.to_vec())), stored.columns().to_vec()).unwrap();
    let mapping = NameMapping::from_schema(&file);
    let projected = project(&partial, &file, &none(), Some(&mapping)).unwrap();
    assert_eq!(rows(&file, &projected), [vec![long(1), None]]);
}

#[test]
fn ids_deep_in_a_file_count_as_ids() {
    let member = vec![NestedField::optional(2, "m", P::Long)];
    let file = schema(vec![NestedField::optional(1, "s", datashard_spec::schema::StructType::new(member))]);
    let stored = batch(&file, &[vec![Some(Value::Struct(vec![long(1)]))]]);
    let mut field = stored.schema().field(0).clone();
    field.set_metadata(HashMap::new());
    let partial =
        RecordBatch::try_new(Arc::new(ArrowSchema::new(vec![field])), stored.columns().to_vec()).unwrap();
    let projected = project(&partial, &file, &none(), Some(&NameMapping::from_schema(&file))).unwrap();
    assert_eq!(rows(&file, &projected), [vec![None]]);
}

#[test]
fn an_id_below_zero_is_none() {
    let file = schema(vec![NestedField::optional(1, "a", P::Long)]);
    let field = Field::new("a", DataType::Int64, true)
        .with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), "-1".to_owned())]));
    let stored = batch(&file, &[vec![long(1)]]);
    let stored =
        RecordBatch::try_new(Arc::new(ArrowSchema::new(vec![field])), stored.columns().to_vec()).unwrap();
    let mapping = NameMapping::from_schema(&file);
    let projected = project(&stored, &file, &none(), Some(&mapping)).unwrap();
    assert_eq!(rows(&file, &projected), [vec![long(1)]]);
}

#[test]
fn leaves_are_counted_depth_first_and_found_by_id() {
    use datashard_spec::schema::{ListType, MapType, StructType};
    let file = schema(vec![
        NestedField::optional(
            1,
            "s",
            StructType::new(vec![
                NestedField::optional(2, "x", P::Int),
                NestedField::optional(3, "l", ListType::optional(4, P::Int)),
            ]),
        ),
        NestedField::optional(5, "m", MapType::optional(6, P::String, 7, P::Int)),
        NestedField::optional(8, "v", Type::Variant),
        NestedField::optional(9, "last", P::Int),
    ]);
    let arrow = schema_to_arrow(&file).unwrap();
    let resolution = Resolution::new(FILE, &arrow, &file, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [0, 1, 2, 3, 4, 5, 6]);
    let leaf = |id| resolution.leaf(FieldId(id));
    assert_eq!([leaf(2), leaf(9)], [Some(0), Some(6)]);
    // Of what is not primitive, or many in a row, there is none.
    assert_eq!([1, 3, 4, 5, 6, 7, 8, 99].map(leaf), [None; 8]);
    let some = schema(vec![
        NestedField::optional(9, "last", P::Int),
        NestedField::optional(5, "m", MapType::optional(6, P::String, 7, P::Int)),
    ]);
    let resolution = Resolution::new(FILE, &arrow, &some, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [2, 3, 6]);
    assert!(resolution.is_in_file(FieldId(9)) && !resolution.is_in_file(FieldId(1)));
}
