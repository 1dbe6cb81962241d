use std::time::Duration;

use crate::schema::{FieldRef, NestedField, PrimitiveType, Schema, SchemaError, StructType, Type};
use crate::{ErrorKind, JsonError, SpecError};

/// As the reference writes it.
const NESTED: &str = concat!(
    r#"{"type":"struct","schema-id":3,"identifier-field-ids":[1],"fields":["#,
    r#"{"id":1,"name":"id","required":true,"type":"int"},"#,
    r#"{"id":2,"name":"p","required":false,"type":{"type":"struct","fields":["#,
    r#"{"id":6,"name":"x","required":false,"type":"decimal(9, 2)","doc":"quo\"te"}]}},"#,
    r#"{"id":3,"name":"tags","required":false,"type":{"type":"list","element-id":9,"element":"string","element-required":false}},"#,
    r#"{"id":4,"name":"attrs","required":false,"type":{"type":"map","key-id":10,"key":"string","value-id":11,"#,
    r#""value":{"type":"struct","fields":[{"id":12,"name":"日本","required":false,"type":"fixed[16]"}]},"value-required":true}}]}"#
);

#[test]
fn a_schema_of_the_reference_is_written_back_byte_for_byte() {
    let schema = Schema::from_json(NESTED).unwrap();
    assert_eq!(schema.to_json(), NESTED);
    assert_eq!(schema.id().0, 3);
    assert_eq!(schema.field_by_name("attrs.日本").map(|field: FieldRef<'_>| field.id.0), Some(12));
    assert_eq!(Schema::from_json(&schema.to_json()).unwrap(), schema);
}

#[test]
fn a_schema_of_version_1_needs_no_id() {
    for text in [
        r#"{"type":"struct","fields":[{"id":1,"name":"a","required":true,"type":"long"}]}"#,
        r#"{"fields":[{"required":true,"type":"long","name":"a","id":1,"doc":null}]}"#,
        r#"{"type":"struct","schema-id":null,"identifier-field-ids":null,"fields":[{"id":1,"name":"a","required":true,"type":"long"}]}"#,
    ] {
        let schema = Schema::from_json(text).unwrap();
        assert_eq!((schema.id().0, schema.fields().len()), (0, 1));
    }
    assert!(Schema::from_json(r#"{"fields":[]}"#).unwrap().fields().is_empty());
}

#[test]
fn trap_13_unknown_keys_survive_at_every_level() {
    let text = concat!(
        r#"{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"s","required":false,"#,
        r#""type":{"type":"struct","fields":[{"id":2,"name":"l","required":false,"#,
        r#""type":{"type":"list","element-id":3,"element":"#,
        r#"{"type":"map","key-id":4,"key":"int","value-id":5,"value":"int","value-required":false,"x-map":[1, 2]},"#,
        r#""element-required":false,"x-list":{"a": 1.50}},"x-inner":null}],"x-struct":true},"x-field":"\u0041"}],"x-schema":1e2}"#
    );
    let schema = Schema::from_json(text).unwrap();
    assert_eq!(schema.to_json(), text);
    assert_eq!(schema.unknown_keys().get("x-schema"), Some("1e2"));
    let kept = schema.select(&[crate::id::FieldId(5)]).unwrap();
    assert_eq!(kept.to_json(), text);
}

#[test]
fn trap_26_ids_of_elements_keys_and_values_are_required() {
    let list = r#"{"type":"list","element-id":1,"element-required":true,"element":"int"}"#;
    let map = r#"{"type":"map","key-id":1,"key":"int","value-id":2,"value-required":true,"value":"int"}"#;
    for (text, keys) in [
        (list, &[r#""element-id":1,"#, r#""element-required":true,"#][..]),
        (map, &[r#""key-id":1,"#, r#""value-id":2,"#, r#""key":"int","#, r#""value-required":true,"#]),
    ] {
        assert!(Type::from_json(text).is_ok());
        for key in keys {
            let error = Type::from_json(&text.replace(key, "")).unwrap_err();
            assert!(matches!(error, SpecError::Json(JsonError::Missing { .. })), "{error}");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    let check = |text: &str, message: &str| {
        let error = Schema::from_json(text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    };
    check("[]", "$: expected an object, found []");
    check(r#"{"type":"list","fields":[]}"#, r#"$.type: expected "struct", found \"list\""#);
    check(r#"{"type":"struct"}"#, r#"$: required key "fields" is missing"#);
    check(
        r#"{"fields":[{"id":1,"name":"a","required":true,"type":"text"}]}"#,
        r#"$.fields[0].type: expected a type of the format, found \"text\""#,
    );
    check(
        r#"{"fields":[{"id":2147483648,"name":"a","required":true,"type":"int"}]}"#,
        "$.fields[0].id: expected a 32-bit integer, found 2147483648",
    );
    check(
        r#"{"fields":[{"id":1,"name":"a","required":true,"type":{"type":"set"}}]}"#,
        r#"$.fields[0].type.type: expected "struct", "list" or "map", found \"set\""#,
    );
    check(r#"{"fields":[{"id":1,"id":2}]}"#, r#"$.fields[0]: key "id" occurs twice"#);
}

#[test]
fn a_broken_rule_is_the_fault_of_the_document() {
    let twice = r#"{"fields":[{"id":1,"name":"a","required":true,"type":"int"},{"id":1,"name":"b","required":true,"type":"int"}]}"#;
    let error = Schema::from_json(twice).unwrap_err();
    assert!(matches!(&error, SpecError::Schema(SchemaError::InJson { broken, .. })
        if matches!(**broken, SchemaError::DuplicateId { .. })));
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "$: field id 1 is used by both \"a\" and \"b\"");
    let identifier = r#"{"identifier-field-ids":[7],"fields":[]}"#;
    assert_eq!(Schema::from_json(identifier).unwrap_err().kind(), ErrorKind::InvalidData);
}

fn structs(levels: i32) -> Vec<NestedField> {
    let mut fields = Vec::new();
    for id in (1..=levels).rev() {
        fields = vec![NestedField::optional(id, "s", StructType::new(fields))];
    }
    fields
}

#[test]
fn the_deepest_schema_that_can_be_built_can_be_read_back() {
    let schema = Schema::new(structs(100)).unwrap();
    assert_eq!(Schema::from_json(&schema.to_json()).unwrap(), schema);
    assert!(Schema::new(structs(101)).is_err());
}

#[test]
fn a_million_levels_are_refused_at_once() {
    const LEVELS: usize = 1_000_000;
    let list = r#"{"type":"list","element-id":1,"element-required":true,"element":"#;
    let structure = r#"{"type":"struct","fields":[{"id":1,"name":"a","required":true,"type":"#;
    let texts = [
        format!("{}\"int\"{}", list.repeat(LEVELS), "}".repeat(LEVELS)),
        format!("{}\"int\"{}", structure.repeat(LEVELS), "}]}".repeat(LEVELS)),
        format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS)),
        // Deep in a key that is not known.
        format!(r#"{{"fields":[],"x":{}{}}}"#, "[".repeat(LEVELS), "]".repeat(LEVELS)),
    ];
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for text in texts {
            for error in [Type::from_json(&text).unwrap_err(), Schema::from_json(&text).unwrap_err()] {
                assert!(matches!(error, SpecError::Json(JsonError::TooDeep { .. })), "{error}");
            }
        }
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn brackets_in_strings_do_not_count_as_nesting() {
    let doc = "[".repeat(1000);
    let text = format!(
        r#"{{"type":"struct","schema-id":0,"fields":[{{"id":1,"name":"a","required":true,"type":"int","doc":"\"{doc}\\"}}]}}"#
    );
    assert_eq!(Schema::from_json(&text).unwrap().to_json(), text);
}

#[test]
fn a_schema_cut_or_flipped_at_any_byte_is_an_error_or_a_schema_but_no_panic() {
    for cut in 0..NESTED.len() {
        if let Some(text) = NESTED.get(..cut) {
            assert_eq!(Schema::from_json(text).unwrap_err().kind(), ErrorKind::InvalidData);
        }
        for bit in 0..8 {
            let mut bytes = NESTED.as_bytes().to_vec();
            bytes[cut] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes)
                && let Ok(schema) = Schema::from_json(&text)
            {
                assert_eq!(Schema::from_json(&schema.to_json()).unwrap(), schema);
            }
        }
    }
}

#[test]
fn any_case_of_a_type_is_read_and_lower_case_is_written() {
    assert_eq!(Type::from_json("\"LONG\"").unwrap(), Type::Primitive(PrimitiveType::Long));
    assert_eq!(Type::from_json("\"LONG\"").unwrap().to_json(), "\"long\"");
}
