//! Whole batches: columns found, filled, refused; nulls where none may be; parts of lists and structs that count for nothing.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type, Schema as ArrowSchema};
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType, Type};
use datashard_spec::value::Value;
use proptest::prelude::*;

use super::{arc, values_of};
use crate::arrow::testing::{assert_same_rows, schema_and_batch};
use crate::arrow::{FIELD_ID_KEY, conform_batch, schema_to_arrow};
use crate::data_error::DataError;

/// The same arrays without metadata and with everything nullable, in another order at every level.
fn strip(field: &Field, array: &ArrayRef) -> (Field, ArrayRef) {
    let (data_type, array): (DataType, ArrayRef) = match array.data_type() {
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) =
                fields.iter().zip(parts.columns()).map(|(field, column)| strip(field, column)).unzip();
            fields.reverse();
            columns.reverse();
            let fields = Fields::from(fields);
            let made = StructArray::new(fields.clone(), columns, parts.nulls().cloned());
            (DataType::Struct(fields), arc(made))
        }
        DataType::List(element) => {
            let list = array.as_list::<i32>();
            let (element, values) = strip(element, list.values());
            let element = Arc::new(element.with_name("item"));
            let offsets: Vec<i64> = list.offsets().iter().map(|offset| i64::from(*offset)).collect();
            let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
            let made = LargeListArray::new(element.clone(), offsets, values, list.nulls().cloned());
            (DataType::LargeList(element), arc(made))
        }
        DataType::Map(entries, _) => {
            let map = array.as_map();
            let DataType::Struct(fields) = entries.data_type() else { panic!("{entries:?}") };
            let (key, keys) = strip(&fields[0], map.keys());
            let (value, values) = strip(&fields[1], map.values());
            let fields = Fields::from(vec![key.with_name("k").with_nullable(false), value.with_name("v")]);
            let pairs = StructArray::new(fields.clone(), vec![keys, values], None);
            let entries = Arc::new(Field::new("entries", DataType::Struct(fields), false));
            let made =
                MapArray::new(entries.clone(), map.offsets().clone(), pairs, map.nulls().cloned(), true);
            (DataType::Map(entries, true), arc(made))
        }
        DataType::Utf8 => {
            let views = arrow::compute::cast(array, &DataType::Utf8View).unwrap();
            (DataType::Utf8View, views)
        }
        other => (other.clone(), array.clone()),
    };
    (Field::new(field.name(), data_type, true), array)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_batch_that_fits_is_handed_on_without_a_copy((schema, batch) in schema_and_batch(5)) {
        let made = conform_batch(&batch, &schema).unwrap();
        prop_assert_eq!(made.schema(), batch.schema());
        for (made, given) in made.columns().iter().zip(batch.columns()) {
            prop_assert!(Arc::ptr_eq(made, given));
        }
    }

    #[test]
    fn names_are_enough_whatever_the_order_and_layout((schema, batch) in schema_and_batch(5)) {
        let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| strip(field, column))
            .unzip();
        fields.reverse();
        columns.reverse();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let stripped =
            RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), columns, &options).unwrap();
        let made = conform_batch(&stripped, &schema).unwrap();
        prop_assert_eq!(made.schema(), batch.schema());
        assert_same_rows(&made, &batch);
        if batch.num_rows() > 1 {
            let rows = batch.num_rows() - 1;
            assert_same_rows(&conform_batch(&stripped.slice(1, rows), &schema).unwrap(), &batch.slice(1, rows));
        }
    }
}

fn schema(fields: Vec<NestedField>) -> Schema {
    Schema::new(fields).unwrap()
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn message(batch: &RecordBatch, schema: &Schema) -> String {
    conform_batch(batch, schema).unwrap_err().to_string()
}

#[test]
fn columns_that_lack_are_filled_with_write_defaults_or_nulls() {
    let inner = StructType::new(vec![
        NestedField::required(5, "x", P::Int)
            .with_write_default(Value::Int(3))
            .with_initial_default(Value::Int(9)),
    ]);
    let schema = schema(vec![
        NestedField::required(1, "a", P::Int),
        NestedField::required(2, "b", P::String).with_write_default("none".into()),
        NestedField::optional(3, "c", P::Date),
        NestedField::optional(4, "d", inner).with_write_default(Value::Struct(vec![None])),
    ]);
    let made = conform_batch(&batch([("a", arc(Int32Array::from(vec![1, 2])))]), &schema).unwrap();
    assert_eq!(made.schema(), schema_to_arrow(&schema).unwrap());
    let row: Vec<_> = schema
        .fields()
        .iter()
        .zip(made.columns())
        .map(|(field, column)| values_of(column, &field.field_type)[1].clone())
        .collect();
    let filled = Value::Struct(vec![Some(Value::Int(3))]);
    assert_eq!(row, [Some(Value::Int(2)), Some("none".into()), None, Some(filled)]);
}

#[test]
fn an_explicit_null_is_not_replaced_by_the_default() {
    let schema = schema(vec![NestedField::optional(1, "a", P::Int).with_write_default(Value::Int(1))]);
    let made = conform_batch(&batch([("a", arc(Int32Array::from(vec![None])))]), &schema).unwrap();
    assert_eq!(made.column(0).null_count(), 1);
}

#[test]
fn columns_missing_unknown_or_twice_are_named() {
    let ints = || arc(Int32Array::from(vec![1]));
    let two = schema(vec![NestedField::required(1, "a", P::Int), NestedField::optional(2, "b", P::Int)]);
    assert_eq!(
        message(&batch([("b", ints())]), &two),
        "record batch: column `a` (id 1) is required, not there, and has no write default"
    );
    assert_eq!(
        message(&batch([("a", ints()), ("x", ints())]), &two),
        "record batch: column `x` is none of the table's; add it to the schema or leave it out"
    );
    assert_eq!(
        message(&batch([("a", ints()), ("x", ints()), ("A", ints())]), &two),
        "record batch: columns `x`, `A` are none of the table's; add them to the schema or leave them out"
    );
    assert_eq!(
        message(&batch([("a", ints()), ("a", ints())]), &two),
        "record batch: column `a` is there more than once"
    );
}

#[test]
fn ids_win_over_names_if_all_fields_have_one() {
    let table =
        schema(vec![NestedField::optional(1, "new", P::Int), NestedField::optional(2, "old", P::Int)]);
    let with_id = |name: &str, id: i32| {
        Field::new(name, DataType::Int32, true)
            .with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_string())]))
    };
    let columns = || vec![arc(Int32Array::from(vec![1])), arc(Int32Array::from(vec![2]))];
    let given =
        |fields: Vec<Field>| RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns()).unwrap();
    let first = |batch: &RecordBatch| batch.column(0).as_primitive::<Int32Type>().value(0);

    let made = conform_batch(&given(vec![with_id("older", 1), with_id("x", 2)]), &table).unwrap();
    assert_eq!(first(&made), 1);
    // One field without: names it is.
    let made =
        conform_batch(&given(vec![with_id("old", 1), Field::new("new", DataType::Int32, true)]), &table)
            .unwrap();
    assert_eq!(first(&made), 2);
    let error = message(&given(vec![with_id("older", 1), with_id("new", 7)]), &table);
    assert_eq!(
        error,
        "record batch: column `new` (id 7) is none of the table's; add it to the schema or leave it out"
    );
}

#[test]
fn ids_and_names_that_contradict_each_other_are_refused() {
    let pair =
        |a: i32, b: i32| vec![NestedField::optional(a, "x", P::Int), NestedField::optional(b, "y", P::Int)];
    // Rows of another table, whose ids mean other columns: by id alone, `x` would silently become `y`.
    let given = RecordBatch::new_empty(schema_to_arrow(&schema(pair(2, 1))).unwrap());
    assert_eq!(
        message(&given, &schema(pair(1, 2))),
        "record batch: column `y` has the field id 1 of column `x`, and the table has another column `y`: if the ids are those of \
         another table or schema, take them off; else name the columns as the table does"
    );
    let within = |a, b| schema(vec![NestedField::optional(9, "s", StructType::new(pair(a, b)))]);
    let given = RecordBatch::new_empty(schema_to_arrow(&within(2, 1)).unwrap());
    let error = message(&given, &within(1, 2));
    assert!(error.starts_with("record batch: column `s.y` has the field id 1 of column `s.x`"), "{error}");
}

#[test]
fn another_element_by_id_is_refused() {
    let of = |element_id| schema(vec![NestedField::optional(1, "l", ListType::optional(element_id, P::Int))]);
    let given = RecordBatch::new_empty(schema_to_arrow(&of(5)).unwrap());
    assert_eq!(
        message(&given, &of(2)),
        "record batch: column `l.element` has another field id than the table's, which is 2"
    );
}

#[test]
fn nulls_in_required_columns_are_found_at_any_depth_with_their_row() {
    let member = StructType::new(vec![NestedField::required(3, "x", P::Int)]);
    let table = schema(vec![NestedField::optional(1, "l", ListType::required(2, member))]);
    let structs = |values: Vec<Option<i32>>, nulls: Vec<bool>| {
        let fields = Fields::from(vec![Field::new("x", DataType::Int32, true)]);
        StructArray::new(fields, vec![arc(Int32Array::from(values))], Some(NullBuffer::from(nulls)))
    };
    let list = |elements: StructArray, lengths: &[usize]| {
        let field = Arc::new(Field::new("item", elements.data_type().clone(), true));
        let list =
            ListArray::new(field, OffsetBuffer::from_lengths(lengths.iter().copied()), arc(elements), None);
        batch([("l", arc(list))])
    };
    let inside = list(structs(vec![Some(1), Some(2), None, Some(4)], vec![true; 4]), &[1, 0, 2, 1]);
    assert_eq!(
        message(&inside, &table),
        "record batch, row 2: column `l.element.x`: null in a required column"
    );
    // Seen through a slice, it is another row.
    let slice = inside.slice(2, 2);
    assert_eq!(
        message(&slice, &table),
        "record batch, row 0: column `l.element.x`: null in a required column"
    );
    assert_eq!(conform_batch(&inside.slice(3, 1), &table).unwrap().num_rows(), 1);
    let element = list(structs(vec![Some(1), None], vec![true, false]), &[1, 1]);
    assert_eq!(
        message(&element, &table),
        "record batch, row 1: column `l.element`: null in a required column"
    );

    let top = schema(vec![NestedField::required(1, "a", P::Int)]);
    let given = batch([("a", arc(Int32Array::from(vec![Some(1), None])))]);
    assert_eq!(message(&given, &top), "record batch, row 1: column `a`: null in a required column");
    let error = conform_batch(&batch([("a", arc(NullArray::new(1)))]), &top).unwrap_err();
    assert!(matches!(error, DataError::BadValue { row: 0, .. }), "{error}");
}

#[test]
fn what_lies_below_a_null_struct_is_not_looked_at() {
    let inner = StructType::new(vec![NestedField::required(3, "x", P::Decimal { precision: 3, scale: 0 })]);
    let outer = StructType::new(vec![NestedField::required(2, "s", inner)]);
    let table = schema(vec![NestedField::optional(1, "o", outer)]);
    // In row 1 the outer struct is null, the inner one is not, and its member holds nonsense; in row 2 it is null.
    let decimals =
        Decimal128Array::from(vec![Some(1), Some(10_000), None]).with_precision_and_scale(3, 0).unwrap();
    let fields = Fields::from(vec![Field::new("x", decimals.data_type().clone(), true)]);
    let inner = StructArray::new(fields, vec![arc(decimals)], None);
    let fields = Fields::from(vec![Field::new("s", inner.data_type().clone(), true)]);
    let outer = StructArray::new(fields, vec![arc(inner)], Some(NullBuffer::from(vec![true, false, false])));
    let made = conform_batch(&batch([("o", arc(outer))]), &table).unwrap();
    let expect = Value::Struct(vec![Some(Value::Struct(vec![Some(Value::decimal(1, 0))]))]);
    assert_eq!(values_of(made.column(0), &table.fields()[0].field_type), [Some(expect), None, None]);
}

#[test]
fn lists_of_every_layout_become_lists() {
    let to = Type::from(ListType::required(2, P::Long));
    let table = schema(vec![NestedField::optional(1, "l", to.clone())]);
    let item = || Arc::new(Field::new("item", DataType::Int32, true));
    let nulls = || Some(NullBuffer::from(vec![true, false, true]));
    // Null lists with elements, and null elements at that.
    let elements = || arc(Int32Array::from(vec![Some(1), Some(2), None, None, Some(5), Some(6)]));
    let two = |a: i64, b: i64| Some(Value::List(vec![Some(Value::Long(a)), Some(Value::Long(b))]));
    let expect = [two(1, 2), None, two(5, 6)];
    let starts = |values: [i64; 3]| ScalarBuffer::from(values.to_vec());
    let small = |values: [i32; 3]| ScalarBuffer::from(values.to_vec());
    let offsets = OffsetBuffer::from_lengths([2, 2, 2]);
    for list in [
        arc(ListArray::new(item(), offsets.clone(), elements(), nulls())),
        arc(LargeListArray::new(item(), OffsetBuffer::from_lengths([2, 2, 2]), elements(), nulls())),
        arc(FixedSizeListArray::new(item(), 2, elements(), nulls())),
        arc(ListViewArray::new(item(), small([0, 2, 4]), small([2, 2, 2]), elements(), nulls())),
        arc(LargeListViewArray::new(item(), starts([0, 2, 4]), starts([2, 2, 2]), elements(), nulls())),
    ] {
        let made = conform_batch(&batch([("l", list.clone())]), &table).unwrap();
        assert_eq!(values_of(made.column(0), &to), expect, "{}", list.data_type());
        let made = conform_batch(&batch([("l", list.slice(1, 2))]), &table).unwrap();
        assert_eq!(values_of(made.column(0), &to), expect[1..], "sliced {}", list.data_type());
    }
    // Views may overlap and run backwards.
    let views = ListViewArray::new(item(), small([4, 0, 0]), small([2, 2, 2]), elements(), None);
    let made = conform_batch(&batch([("l", arc(views))]), &table).unwrap();
    assert_eq!(values_of(made.column(0), &to), [two(5, 6), two(1, 2), two(1, 2)]);
    assert_eq!(made.column(0).as_list::<i32>().values().as_primitive::<Int64Type>().len(), 6);
}

#[test]
fn maps_are_widened_and_nothing_else_becomes_one() {
    let to = Type::from(MapType::optional(2, P::String, 3, P::Long));
    let table = schema(vec![NestedField::optional(1, "m", to.clone())]);
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    builder.keys().append_value("a");
    builder.values().append_value(1);
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    let made = conform_batch(&batch([("m", arc(builder.finish()))]), &table).unwrap();
    let expect = Value::Map(vec![("a".into(), Some(Value::Long(1)))]);
    assert_eq!(values_of(made.column(0), &to), [Some(expect), None]);

    let error = message(&batch([("m", arc(Int32Array::from(vec![1])))]), &table);
    assert_eq!(
        error,
        "record batch: column `m` is Int32, which cannot be read as map<string, long>; hand in a map"
    );
}

#[test]
fn nested_columns_of_another_kind_are_refused() {
    let ints = || batch([("c", arc(Int32Array::from(vec![1])))]);
    let member = StructType::new(vec![NestedField::optional(2, "x", P::Int)]);
    for (to, advice) in [
        (Type::from(member), "hand in a struct"),
        (ListType::optional(2, P::Int).into(), "hand in a list"),
        (Type::Variant, "a struct of metadata and value"),
    ] {
        let error = message(&ints(), &schema(vec![NestedField::optional(1, "c", to)]));
        assert!(error.ends_with(advice), "{error}");
    }
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let empty = RecordBatch::try_new_with_options(Arc::new(ArrowSchema::empty()), vec![], &options).unwrap();
    assert_eq!(conform_batch(&empty, &schema(vec![])).unwrap().num_rows(), 3);
    let filled = conform_batch(&empty, &schema(vec![NestedField::optional(1, "a", P::Unknown)])).unwrap();
    assert_eq!((filled.num_rows(), filled.column(0).data_type()), (3, &DataType::Null));
}
