use super::*;
use crate::id::FieldId;
use crate::schema::{ListType, MapType, NestedField, PrimitiveType, StructType};
use crate::{ErrorKind, JsonError, SpecError};

fn int(id: i32, name: &str) -> NestedField {
    NestedField::optional(id, name, PrimitiveType::Int)
}

fn schema() -> Schema {
    let item = StructType::new(vec![int(4, "x")]);
    Schema::new(vec![
        int(1, "id"),
        NestedField::optional(2, "list", ListType::optional(3, item)),
        NestedField::optional(
            5,
            "map",
            MapType::optional(6, PrimitiveType::Int, 7, StructType::new(vec![int(8, "v.w")])),
        ),
    ])
    .unwrap()
}

const MAPPING: &str = concat!(
    r#"[{"field-id":1,"names":["id"]},"#,
    r#"{"field-id":2,"names":["list"],"fields":[{"field-id":3,"names":["element"],"fields":[{"field-id":4,"names":["x"]}]}]},"#,
    r#"{"field-id":5,"names":["map"],"fields":[{"field-id":6,"names":["key"]},"#,
    r#"{"field-id":7,"names":["value"],"fields":[{"field-id":8,"names":["v.w"]}]}]}]"#
);

#[test]
fn a_schema_maps_to_its_own_names() {
    let mapping = NameMapping::from_schema(&schema());
    assert_eq!(mapping.to_json(), MAPPING);
    assert_eq!(NameMapping::from_json(MAPPING).unwrap(), mapping);
    let check = |path: &[&str], id: Option<i32>| {
        assert_eq!(mapping.field_id(path), id.map(FieldId), "{path:?}");
    };
    check(&["id"], Some(1));
    check(&["list", "element"], Some(3));
    check(&["list", "element", "x"], Some(4));
    check(&["map", "key"], Some(6));
    check(&["map", "value", "v.w"], Some(8));
    check(&["map", "value", "v", "w"], None);
    check(&["list", "x"], None);
    check(&[], None);
}

#[test]
fn a_dot_in_a_name_is_a_literal_character() {
    let text = r#"[{"field-id":1,"names":["a.b"]},{"field-id":2,"names":["a"],"fields":[{"field-id":3,"names":["b"]}]}]"#;
    let mapping = NameMapping::from_json(text).unwrap();
    assert_eq!(mapping.field_id(&["a.b"]), Some(FieldId(1)));
    assert_eq!(mapping.field_id(&["a", "b"]), Some(FieldId(3)));
}

#[test]
fn names_and_ids_may_be_missing_and_unknown_keys_survive() {
    let text = concat!(
        r#"[{"field-id":1,"names":[]},{"names":["in file only"],"fields":[{"field-id":3,"names":["b"],"x":[ 1 ]}],"y":{}},"#,
        r#"{"field-id":2,"names":["a","b"]}]"#
    );
    let mapping = NameMapping::from_json(text).unwrap();
    assert_eq!(mapping.to_json(), text);
    assert_eq!(mapping.field_id(&["b"]), Some(FieldId(2)));
    assert_eq!(mapping.field_id(&["in file only"]), None);
    assert_eq!(mapping.field_id(&["in file only", "b"]), Some(FieldId(3)));
    assert!(NameMapping::from_json("[]").unwrap().fields().is_empty());
    let nulls = NameMapping::from_json(r#"[{"field-id":null,"names":["a"],"fields":null}]"#).unwrap();
    assert_eq!(nulls.to_json(), r#"[{"names":["a"]}]"#);
}

#[test]
fn a_name_mapped_twice_on_one_level_is_refused() {
    let field = |id, name: &str| MappedField::new(Some(FieldId(id)), [name]);
    let error = MappedFields::new(vec![field(1, "a"), field(2, "a")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text =
        r#"[{"names":["s"],"fields":[{"field-id":1,"names":["a"]},{"field-id":2,"names":["b","a"]}]}]"#;
    let error = NameMapping::from_json(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "$[0].fields: name mapping: \"a\" is mapped twice in \"s\"");
    // On two levels, or twice for one field, it is fine.
    let text = r#"[{"field-id":1,"names":["a","a"],"fields":[{"field-id":2,"names":["a"]}]}]"#;
    assert_eq!(NameMapping::from_json(text).unwrap().field_id(&["a", "a"]), Some(FieldId(2)));
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    let check = |text: &str, message: &str| {
        let error = NameMapping::from_json(text).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidData, message.to_owned()));
    };
    check("{}", "$: expected an array, found {}");
    check(r#"[{"field-id":1}]"#, r#"$[0]: required key "names" is missing"#);
    check(r#"[{"names":[1]}]"#, "$[0].names[0]: expected a string, found 1");
    check(r#"[{"names":[],"field-id":"1"}]"#, r#"$[0].field-id: expected a 32-bit integer, found \"1\""#);
}

#[test]
fn deep_mappings_are_refused() {
    let nested = |levels: usize| {
        let open = r#"[{"names":["a"],"fields":"#.repeat(levels);
        format!("{open}[]{}", "}]".repeat(levels))
    };
    assert!(NameMapping::from_json(&nested(99)).is_ok());
    for levels in [100, 1_000, 1_000_000] {
        let error = NameMapping::from_json(&nested(levels)).unwrap_err();
        assert!(matches!(error, SpecError::Json(JsonError::TooDeep { .. })), "{error}");
    }
    let mut fields = MappedFields::default();
    let mut levels = 0;
    let error = loop {
        match MappedFields::new(vec![MappedField::new(None, ["a"]).with_fields(fields)]) {
            Ok(next) => fields = next,
            Err(error) => break error,
        }
        levels += 1;
    };
    assert_eq!((levels, error), (100, SchemaError::TooDeep { limit: 100 }));
}

#[test]
fn trap_12_a_file_with_ids_on_some_fields_takes_no_names() {
    assert!(NameMapping::applies_to(false));
    assert!(!NameMapping::applies_to(true));
}

#[test]
fn a_renamed_field_keeps_its_old_names_and_an_added_one_is_mapped() {
    let old = schema();
    let item = StructType::new(vec![
        int(4, "x2"),
        NestedField::optional(9, "new", ListType::optional(10, PrimitiveType::Int)),
    ]);
    let new = Schema::new(vec![
        int(1, "key"),
        NestedField::optional(2, "list", ListType::optional(3, item)),
        int(11, "top"),
    ])
    .unwrap();
    let mapping = NameMapping::from_schema(&old).updated(&old, &new);
    let check = |path: &[&str], id: i32| assert_eq!(mapping.field_id(path), Some(FieldId(id)), "{path:?}");
    check(&["id"], 1);
    check(&["key"], 1);
    check(&["list", "element", "x"], 4);
    check(&["list", "element", "x2"], 4);
    check(&["list", "element", "new", "element"], 10);
    check(&["top"], 11);
    // Deleted, but files still have it.
    check(&["map", "value", "v.w"], 8);
    assert_eq!(mapping.updated(&new, &new), mapping);
}

#[test]
fn a_name_that_stands_for_another_field_now_is_taken_away() {
    let old = Schema::new(vec![int(1, "a"), int(2, "b")]).unwrap();
    let new = Schema::new(vec![int(1, "b"), int(3, "a")]).unwrap();
    let mapping = NameMapping::from_schema(&old).updated(&old, &new);
    assert_eq!(
        mapping.to_json(),
        r#"[{"field-id":1,"names":["b"]},{"field-id":2,"names":[]},{"field-id":3,"names":["a"]}]"#
    );
}
