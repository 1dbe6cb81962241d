//! Files that cannot be read as the table, and what is said about it.

use datashard_spec::error::ErrorKind;
use datashard_spec::schema::{ListType, StructType};

use super::*;

fn refused(file: &RecordBatch, read: Vec<NestedField>, mapping: Option<&NameMapping>) -> DataError {
    let error = project(file, &schema(read), &none(), mapping).unwrap_err();
    assert!(error.to_string().contains(FILE), "{error}");
    error
}

fn one_int() -> RecordBatch {
    batch(&schema(vec![NestedField::optional(1, "a", P::Int)]), &[vec![int(1)]])
}

#[test]
fn a_file_without_ids_is_not_guessed_at() {
    let file = bare_batch(&one_int());
    let error = refused(&file, vec![NestedField::optional(1, "a", P::Int)], None);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("schema.name-mapping.default"), "{error}");
    // If nothing is wanted of it, rows can be counted all the same.
    let projected = project(&file, &schema(Vec::new()), &none(), None).unwrap();
    assert_eq!(projected.num_rows(), 1);
}

#[test]
fn required_columns_without_a_value_are_named() {
    let members = StructType::new(vec![NestedField::required(3, "deep", P::Int)]);
    let file = schema(vec![NestedField::optional(
        2,
        "s",
        StructType::new(vec![NestedField::optional(4, "other", P::Int)]),
    )]);
    let stored = batch(&file, &[vec![None]]);
    let error = refused(&stored, vec![NestedField::optional(2, "s", members)], None);
    assert!(
        matches!(&error, DataError::MissingColumn { column, id: FieldId(3), .. } if column == "s.deep"),
        "{error}"
    );
    let read = schema(vec![NestedField::required(9, "p", P::Int).with_initial_default(Value::Int(1))]);
    let constants = HashMap::from([(FieldId(9), None)]);
    let error = project(&stored, &read, &constants, None).unwrap_err();
    assert!(matches!(error, DataError::MissingColumn { id: FieldId(9), .. }), "{error}");
}

#[test]
fn nulls_in_required_columns_are_damage() {
    let file = schema(vec![NestedField::optional(1, "a", P::Int)]);
    let stored = batch(&file, &[vec![int(1)], vec![None]]);
    let error = refused(&stored, vec![NestedField::required(1, "a", P::Int)], None);
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("`a`") && error.to_string().contains("1 values"), "{error}");
    let list = |optional: bool| {
        let of = if optional { ListType::optional(2, P::Int) } else { ListType::required(2, P::Int) };
        vec![NestedField::optional(1, "l", of)]
    };
    let stored = batch(&schema(list(true)), &[vec![Some(Value::List(vec![None]))]]);
    assert!(refused(&stored, list(false), None).to_string().contains("l.element"));
}

#[test]
fn kinds_that_differ_are_refused_with_the_path() {
    let a_struct = || StructType::new(vec![NestedField::optional(2, "x", P::Int)]);
    let a_list = || ListType::optional(3, P::Int);
    let pairs: [(Type, Type); 4] = [
        (P::Int.into(), a_struct().into()),
        (a_struct().into(), P::Int.into()),
        (a_list().into(), a_struct().into()),
        (P::Int.into(), P::String.into()),
    ];
    for (stored, wanted) in pairs {
        let outer = |inner: Type| {
            vec![NestedField::optional(9, "o", StructType::new(vec![NestedField::optional(1, "c", inner)]))]
        };
        let file = batch(&schema(outer(stored)), &[vec![None]]);
        let error = refused(&file, outer(wanted), None);
        assert!(matches!(&error, DataError::WrongType { column, .. } if column == "o.c"), "{error}");
    }
}

#[test]
fn an_id_that_two_columns_have_is_ambiguous() {
    let stored = one_int();
    let field = stored.schema().field(0).clone();
    let twice = ArrowSchema::new(vec![field.clone(), field.with_name("b")]);
    let column = Arc::clone(stored.column(0));
    let twice = RecordBatch::try_new(Arc::new(twice), vec![Arc::clone(&column), column]).unwrap();
    let error = refused(&twice, vec![NestedField::optional(1, "a", P::Int)], None);
    assert!(error.to_string().contains("`a` and `b`"), "{error}");
    let mapping = NameMapping::from_json(r#"[{"field-id": 1, "names": ["a", "b"]}]"#).unwrap();
    let error = refused(&bare_batch(&twice), vec![NestedField::optional(1, "a", P::Int)], Some(&mapping));
    assert!(error.to_string().contains("`a` and `b`"), "{error}");
}

#[test]
fn an_element_of_another_id_is_not_taken_for_the_lists_own() {
    let of = |id| vec![NestedField::optional(1, "l", ListType::optional(id, P::Int))];
    let stored = batch(&schema(of(2)), &[vec![None]]);
    let error = refused(&stored, of(3), None);
    assert!(error.to_string().contains("l.element"), "{error}");
}

#[test]
fn ids_that_are_no_numbers_are_damage() {
    let field = Field::new("a", DataType::Int32, true)
        .with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), "x".to_owned())]));
    let stored = RecordBatch::new_empty(Arc::new(ArrowSchema::new(vec![field])));
    let error = refused(&stored, vec![NestedField::optional(1, "a", P::Int)], None);
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn shredded_variants_are_not_supported() {
    let parts = ["metadata", "value", "typed_value"].map(|name| Field::new(name, DataType::Binary, true));
    let field = Field::new("v", DataType::Struct(parts.to_vec().into()), true)
        .with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), "1".to_owned())]));
    let stored = RecordBatch::new_empty(Arc::new(ArrowSchema::new(vec![field])));
    let error = refused(&stored, vec![NestedField::optional(1, "v", Type::Variant)], None);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`v`"), "{error}");
}

#[test]
fn a_decoder_that_leaves_out_a_column_is_found_out() {
    let file = schema(vec![NestedField::optional(1, "a", P::Int), NestedField::optional(2, "b", P::Int)]);
    let stored = batch(&file, &[vec![int(1), int(2)]]);
    let resolution = Resolution::new(FILE, &stored.schema(), &file, &none(), None).unwrap();
    let decoded = decode(&stored, &[0]);
    let error = resolution.projector(&decoded.schema(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let projector = resolution.projector(&stored.schema(), None).unwrap();
    assert_eq!(projector.project(&decoded).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn columns_nested_without_end_are_refused() {
    let mut field = Field::new("x", DataType::Int32, true);
    for _ in 0..200 {
        field = Field::new("x", DataType::Struct(vec![field].into()), true);
    }
    let error = Resolution::new(
        FILE,
        &ArrowSchema::new(vec![field]),
        &schema(vec![NestedField::optional(1, "a", P::Int)]),
        &none(),
        None,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}
