//! What happens inside structs, lists and maps.

use arrow::array::{DictionaryArray, Int32Array, Int64Array, LargeListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Fields, Int8Type};
use datashard_spec::schema::{ListType, MapType, StructType};

use super::*;

fn tuple(members: &[Option<Value>]) -> Option<Value> {
    Some(Value::Struct(members.to_vec()))
}

fn list(elements: &[Option<Value>]) -> Option<Value> {
    Some(Value::List(elements.to_vec()))
}

fn with_id(field: Field, id: i32) -> Field {
    field.with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_string())]))
}

fn pair(name: &'static str, second: &'static str) -> StructType {
    StructType::new(vec![
        NestedField::optional(11, name, P::Int),
        NestedField::optional(12, second, P::String),
    ])
}

/// What [`pair`] has become.
fn pair_today() -> StructType {
    StructType::new(vec![
        NestedField::optional(12, "renamed", P::String),
        NestedField::required(13, "added", P::Long).with_initial_default(Value::Long(5)),
        NestedField::optional(11, "wider", P::Long),
    ])
}

fn old(number: i32, word: &str) -> Option<Value> {
    tuple(&[int(number), text(word)])
}

fn today(number: i64, word: &str) -> Option<Value> {
    tuple(&[text(word), long(5), long(number)])
}

#[test]
fn structs_change_inside_structs_lists_and_maps() {
    let of = |pair: &dyn Fn(i32) -> StructType| {
        // Ids have to differ; what matters is the same in each place.
        vec![
            NestedField::optional(1, "s", pair(0)),
            NestedField::optional(2, "l", ListType::optional(3, pair(100))),
            NestedField::optional(4, "m", MapType::optional(5, pair(200), 6, pair(300))),
        ]
    };
    let moved = |mut members: StructType, by: i32| {
        for member in &mut members.fields {
            member.id = FieldId(member.id.0 + by);
        }
        members
    };
    let file = schema(of(&|by| moved(pair("x", "y"), by)));
    let entries = |a: Option<Value>, b: Option<Value>| Some(Value::Map(vec![(a.unwrap(), b)]));
    check(
        &file,
        of(&|by| moved(pair_today(), by)),
        &[
            vec![old(1, "a"), list(&[old(2, "b"), None, old(3, "c")]), entries(old(4, "d"), old(5, "e"))],
            vec![None, None, None],
            vec![old(6, "f"), list(&[]), entries(old(7, "g"), None)],
        ],
        &[
            vec![
                today(1, "a"),
                list(&[today(2, "b"), None, today(3, "c")]),
                entries(today(4, "d"), today(5, "e")),
            ],
            vec![None, None, None],
            vec![today(6, "f"), list(&[]), entries(today(7, "g"), None)],
        ],
    );
}

#[test]
fn a_default_inside_a_struct_that_is_null_stays_null() {
    let file = schema(vec![NestedField::optional(1, "s", pair("x", "y"))]);
    check(
        &file,
        vec![NestedField::optional(1, "s", pair_today())],
        &[vec![None], vec![old(1, "a")]],
        &[vec![None], vec![today(1, "a")]],
    );
}

#[test]
fn a_struct_of_which_no_field_is_in_the_file_is_null_where_the_file_says_so() {
    let added = || StructType::new(vec![NestedField::optional(20, "new", P::Int)]);
    let file = schema(vec![
        NestedField::optional(1, "s", pair("x", "y")),
        NestedField::optional(
            2,
            "l",
            ListType::optional(3, StructType::new(vec![NestedField::optional(4, "z", P::Int)])),
        ),
    ]);
    let read = schema(vec![
        NestedField::optional(1, "s", added()),
        NestedField::optional(
            2,
            "l",
            ListType::optional(3, StructType::new(vec![NestedField::optional(21, "new", P::Int)])),
        ),
    ]);
    let stored = batch(
        &file,
        &[
            vec![old(1, "a"), list(&[tuple(&[int(1)]), None])],
            vec![None, None],
            vec![tuple(&[None, None]), list(&[])],
        ],
    );
    let resolution = Resolution::new(FILE, &stored.schema(), &read, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [0, 2], "the int of the struct is cheaper than its string");
    let projected = project(&stored, &read, &none(), None).unwrap();
    let empty = || tuple(&[None]);
    assert_eq!(
        rows(&read, &projected),
        [vec![empty(), list(&[empty(), None])], vec![None, None], vec![empty(), list(&[])]]
    );
}

#[test]
fn keys_and_values_are_both_read_if_one_is_of_no_use() {
    let file = schema(vec![NestedField::optional(1, "m", MapType::optional(2, P::String, 3, P::Int))]);
    check(
        &file,
        vec![NestedField::optional(1, "m", MapType::optional(2, P::String, 3, P::Unknown))],
        &[vec![Some(Value::Map(vec![(Value::String("k".into()), int(1))]))]],
        &[vec![Some(Value::Map(vec![(Value::String("k".into()), None)]))]],
    );
}

#[test]
fn a_missing_struct_is_there_if_it_has_a_default_or_a_partition_value_inside() {
    let file = schema(vec![NestedField::optional(1, "a", P::Int)]);
    let members = |ids: [i32; 2]| {
        StructType::new(vec![
            NestedField::optional(ids[0], "d", P::Int).with_initial_default(Value::Int(4)),
            NestedField::optional(ids[1], "c", P::Long),
        ])
    };
    let read = schema(vec![
        NestedField::optional(2, "nothing", members([3, 4])),
        NestedField::required(5, "default", members([6, 7]))
            .with_initial_default(Value::Struct(vec![None, None])),
        NestedField::optional(8, "partition", members([9, 10])),
    ]);
    let constants = HashMap::from([(FieldId(10), Some(Value::Long(8))), (FieldId(7), None)]);
    let projected = project(&batch(&file, &[vec![int(1)]]), &read, &constants, None).unwrap();
    assert_eq!(rows(&read, &projected), [vec![None, tuple(&[int(4), None]), tuple(&[int(4), long(8)])]]);
}

#[test]
fn a_constant_fills_a_field_that_a_struct_in_the_file_lacks() {
    let file = schema(vec![NestedField::optional(1, "s", pair("x", "y"))]);
    let read = schema(vec![NestedField::optional(
        1,
        "s",
        StructType::new(vec![
            NestedField::required(30, "p", P::String),
            NestedField::optional(11, "x", P::Int),
        ]),
    )]);
    let constants = HashMap::from([(FieldId(30), Some(Value::String("eu".into())))]);
    let projected =
        project(&batch(&file, &[vec![old(1, "a")], vec![None]]), &read, &constants, None).unwrap();
    assert_eq!(rows(&read, &projected), [vec![tuple(&[text("eu"), int(1)])], vec![None]]);
}

#[test]
fn slices_of_batches_are_projected_as_they_are() {
    let file = schema(vec![
        NestedField::optional(1, "l", ListType::optional(2, P::Int)),
        NestedField::optional(3, "m", MapType::optional(4, P::Int, 5, P::Int)),
        NestedField::optional(10, "s", pair("x", "y")),
    ]);
    let read = schema(vec![
        NestedField::optional(1, "l", ListType::optional(2, P::Long)),
        NestedField::optional(3, "m", MapType::optional(4, P::Long, 5, P::Long)),
        NestedField::optional(10, "s", pair_today()),
    ]);
    let number = |n: i32| {
        let map = Value::Map(vec![(Value::Int(n), int(n + 1)), (Value::Int(n + 5), None)]);
        match n % 3 {
            0 => vec![None, Some(map), None],
            1 => vec![list(&[int(n), None]), None, old(n, "w")],
            _ => vec![list(&[int(n)]), Some(map), old(n, "v")],
        }
    };
    let stored = batch(&file, &(0..20).map(number).collect::<Vec<_>>());
    let whole = rows(&read, &project(&stored, &read, &none(), None).unwrap());
    for (start, length) in [(0, 20), (3, 7), (19, 1), (5, 0)] {
        let part = project(&stored.slice(start, length), &read, &none(), None).unwrap();
        assert_eq!(rows(&read, &part), whole[start..start + length]);
    }
}

#[test]
fn trap_24_inner_names_of_lists_and_maps_do_not_matter() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let offsets = || OffsetBuffer::new(vec![0, 2, 3].into());
    let array = ListArray::new(
        Arc::new(with_id(Field::new("bag", DataType::Int32, true), 2)),
        offsets(),
        Arc::clone(&ints),
        None,
    );
    let entries = StructArray::new(
        Fields::from(vec![
            with_id(Field::new("k", DataType::Int32, false), 4),
            with_id(Field::new("v", DataType::Int32, true), 5),
        ]),
        vec![Arc::clone(&ints), Arc::clone(&ints)],
        None,
    );
    let pairs = Field::new("map", entries.data_type().clone(), false);
    let map = MapArray::new(Arc::new(pairs), offsets(), entries, None, true);
    let file = ArrowSchema::new(vec![
        with_id(Field::new("l", array.data_type().clone(), true), 1),
        with_id(Field::new("m", map.data_type().clone(), true), 3),
    ]);
    let stored = RecordBatch::try_new(Arc::new(file), vec![Arc::new(array), Arc::new(map)]).unwrap();
    let read = schema(vec![
        NestedField::optional(1, "l", ListType::optional(2, P::Int)),
        NestedField::optional(3, "m", MapType::optional(4, P::Int, 5, P::Int)),
    ]);
    let projected = project(&stored, &read, &none(), None).unwrap();
    let map = |pairs: &[i32]| Some(Value::Map(pairs.iter().map(|n| (Value::Int(*n), int(*n))).collect()));
    assert_eq!(
        rows(&read, &projected),
        [vec![list(&[int(1), int(2)]), map(&[1, 2])], vec![list(&[int(3)]), map(&[3])]]
    );
    // By names, elements are called `element` in a mapping, whatever the file calls them.
    let mapping = NameMapping::from_schema(&read);
    let projected = project(&bare_batch(&stored), &read, &none(), Some(&mapping)).unwrap();
    assert_eq!(rows(&read, &projected)[1], [list(&[int(3)]), map(&[3])]);
}

#[test]
fn lists_of_pairs_are_maps_and_large_lists_are_lists() {
    let pairs = StructArray::new(
        Fields::from(vec![
            with_id(Field::new("value", DataType::Int64, true), 3),
            with_id(Field::new("key", DataType::Int32, false), 2),
        ]),
        vec![Arc::new(Int64Array::from(vec![Some(10), None])), Arc::new(Int32Array::from(vec![1, 2]))],
        None,
    );
    let offsets = OffsetBuffer::new(vec![0_i64, 2, 2].into());
    let element = Arc::new(Field::new("item", pairs.data_type().clone(), false));
    let map = LargeListArray::new(element, offsets.clone(), Arc::new(pairs), None);
    let element = Arc::new(with_id(Field::new("item", DataType::Int64, true), 5));
    let large = LargeListArray::new(element, offsets, Arc::new(Int64Array::from(vec![7, 8])), None);
    let file = ArrowSchema::new(vec![
        with_id(Field::new("m", map.data_type().clone(), true), 1),
        with_id(Field::new("l", large.data_type().clone(), true), 4),
    ]);
    let stored = RecordBatch::try_new(Arc::new(file), vec![Arc::new(map), Arc::new(large)]).unwrap();
    let read = schema(vec![
        NestedField::optional(4, "l", ListType::optional(5, P::Long)),
        NestedField::optional(1, "m", MapType::optional(2, P::Int, 3, P::Long)),
    ]);
    let resolution = Resolution::new(FILE, &stored.schema(), &read, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [0, 1, 2]);
    let projected = resolution.projector(&stored.schema(), None).unwrap().project(&stored).unwrap();
    let map = vec![(Value::Int(1), long(10)), (Value::Int(2), None)];
    assert_eq!(
        rows(&read, &projected),
        [
            vec![list(&[long(7), long(8)]), Some(Value::Map(map))],
            vec![list(&[]), Some(Value::Map(Vec::new()))],
        ]
    );
}

#[test]
fn a_dictionary_is_one_leaf_of_its_values() {
    let words: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let file = ArrowSchema::new(vec![
        with_id(Field::new("d", words.data_type().clone(), true), 1),
        with_id(Field::new("s", DataType::Utf8, true), 2),
    ]);
    let plain = StringArray::from(vec!["x", "y", "z"]);
    let stored = RecordBatch::try_new(Arc::new(file), vec![Arc::new(words), Arc::new(plain)]).unwrap();
    let read =
        schema(vec![NestedField::optional(2, "s", P::String), NestedField::optional(1, "d", P::String)]);
    let projected = project(&stored, &read, &none(), None).unwrap();
    assert_eq!(rows(&read, &projected)[..2], [vec![text("x"), text("a")], vec![text("y"), None]]);
}

#[test]
fn names_map_at_every_level() {
    let file = schema(vec![
        NestedField::optional(1, "s", pair("x", "y")),
        NestedField::optional(
            2,
            "l",
            ListType::optional(3, StructType::new(vec![NestedField::optional(4, "x", P::Int)])),
        ),
        NestedField::optional(
            5,
            "m",
            MapType::optional(6, P::Int, 7, StructType::new(vec![NestedField::optional(8, "x", P::Int)])),
        ),
    ]);
    let map = Some(Value::Map(vec![(Value::Int(1), tuple(&[int(9)]))]));
    let stored = vec![vec![old(1, "a"), list(&[tuple(&[int(2)])]), map], vec![None, None, None]];
    let file_batch = bare_batch(&batch(&file, &stored));
    let projected = project(&file_batch, &file, &none(), Some(&NameMapping::from_schema(&file))).unwrap();
    assert_eq!(rows(&file, &projected), stored);
}

#[test]
fn variants_are_read_whole() {
    let file =
        schema(vec![NestedField::optional(1, "v", Type::Variant), NestedField::optional(2, "n", P::Int)]);
    let arrow = schema_to_arrow(&file).unwrap();
    let DataType::Struct(parts) = arrow.field(0).data_type() else { panic!() };
    let parts = parts.clone();
    // The other way round, as views, and without ids on the parts.
    let fields = Fields::from(vec![
        Field::new("value", DataType::BinaryView, true),
        Field::new("metadata", DataType::Binary, false),
    ]);
    let value = arrow::array::BinaryViewArray::from_iter([Some(&b"v"[..]), None]);
    let metadata = arrow::array::BinaryArray::from_iter_values([&b"m"[..], b""]);
    let nulls = arrow::buffer::NullBuffer::from(vec![true, false]);
    let stored = StructArray::new(fields, vec![Arc::new(value), Arc::new(metadata)], Some(nulls));
    let schema_of_file =
        ArrowSchema::new(vec![with_id(Field::new("v", stored.data_type().clone(), true), 1)]);
    let stored = RecordBatch::try_new(Arc::new(schema_of_file), vec![Arc::new(stored)]).unwrap();
    let resolution = Resolution::new(FILE, &stored.schema(), &file, &none(), None).unwrap();
    assert_eq!(resolution.leaves(), [0, 1]);
    let projected = project(&stored, &file, &none(), None).unwrap();
    let made = projected.column(0).as_struct();
    assert_eq!(made.fields(), &parts);
    assert_eq!(made.column(0).as_binary::<i32>().value(0), b"m");
    assert_eq!(made.column(1).as_binary::<i32>().value(0), b"v");
    assert!(made.is_valid(0) && made.is_null(1));
}

#[test]
fn what_lies_under_a_null_struct_does_no_harm() {
    // A decoder filled the slot of the null struct with text that is no uuid.
    let words: ArrayRef = Arc::new(StringArray::from(vec!["", "00000000-0000-0000-0000-000000000001"]));
    let fields = Fields::from(vec![with_id(Field::new("u", DataType::Utf8, false), 2)]);
    let nulls = arrow::buffer::NullBuffer::from(vec![false, true]);
    let stored = StructArray::new(fields, vec![words], Some(nulls));
    let file = ArrowSchema::new(vec![with_id(Field::new("s", stored.data_type().clone(), true), 1)]);
    let stored = RecordBatch::try_new(Arc::new(file), vec![Arc::new(stored)]).unwrap();
    let members = StructType::new(vec![NestedField::required(2, "u", P::Uuid)]);
    let read = schema(vec![NestedField::optional(1, "s", members)]);
    let projected = project(&stored, &read, &none(), None).unwrap();
    let one = Value::Uuid(uuid::Uuid::from_u128(1));
    assert_eq!(rows(&read, &projected), [vec![None], vec![tuple(&[Some(one)])]]);
}
