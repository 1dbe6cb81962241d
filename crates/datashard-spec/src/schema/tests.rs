use super::*;
use crate::ErrorKind;
use crate::metadata::FormatVersion;
use crate::value::{Decimal, Value};

fn optional(id: i32, name: &str, field_type: impl Into<Type>) -> NestedField {
    NestedField::optional(id, name, field_type)
}

fn int(id: i32, name: &str) -> NestedField {
    optional(id, name, PrimitiveType::Int)
}

fn structure(fields: Vec<NestedField>) -> StructType {
    StructType::new(fields)
}

/// 1 id, 2 place{3 lat}, 4 list[5 {6 x}], 7 map{8 {9 k}, 10 {11 v}}, 12 lists[13 [14 {15 y}]], 16 plain[17]
fn nested() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::required(
            2,
            "place",
            structure(vec![NestedField::required(3, "lat", PrimitiveType::Int)]),
        ),
        optional(4, "list", ListType::optional(5, structure(vec![int(6, "x")]))),
        optional(
            7,
            "map",
            MapType::required(8, structure(vec![int(9, "k")]), 10, structure(vec![int(11, "v")])),
        ),
        optional(12, "lists", ListType::optional(13, ListType::optional(14, structure(vec![int(15, "y")])))),
        optional(16, "plain", ListType::required(17, PrimitiveType::Int)),
    ])
    .unwrap()
    .with_identifier_fields([FieldId(1), FieldId(3)])
    .unwrap()
}

#[test]
fn fields_are_found_by_full_and_short_names() {
    let schema = nested();
    let check = |name: &str, id: Option<i32>| {
        assert_eq!(schema.field_by_name(name).map(|field| field.id.0), id, "{name}");
        assert_eq!(schema.field_by_name_ignoring_case(name).map(|field| field.id.0), id, "{name}");
        let upper = name.to_uppercase();
        assert_eq!(schema.field_by_name_ignoring_case(&upper).map(|field| field.id.0), id, "{upper}");
        if name != upper {
            assert!(schema.field_by_name(&upper).is_none());
        }
    };
    check("id", Some(1));
    check("place", Some(2));
    check("place.lat", Some(3));
    check("list", Some(4));
    check("list.element", Some(5));
    check("list.element.x", Some(6));
    check("list.x", Some(6));
    check("map", Some(7));
    check("map.key", Some(8));
    check("map.key.k", Some(9));
    check("map.k", None);
    check("map.value", Some(10));
    check("map.value.v", Some(11));
    check("map.v", Some(11));
    check("lists.element.element.y", Some(15));
    // The element of the outer list is no struct, so it stays in the short name.
    check("lists.element.y", Some(15));
    check("lists.y", None);
    check("plain.element", Some(17));
    check("", None);
    check("place.", None);
}

#[test]
fn fields_are_found_by_id_with_what_they_lie_in() {
    let schema = nested();
    let names: Vec<&str> = schema.all_fields().map(|field| field.full_name).collect();
    assert_eq!(names[..4], ["id", "place", "place.lat", "list"]);
    assert_eq!(schema.all_fields().count(), 17);
    let v = schema.field_by_id(FieldId(11)).unwrap();
    assert_eq!((v.name, v.full_name, v.required, v.parent), ("v", "map.value.v", false, Some(FieldId(10))));
    let value = schema.field_by_id(FieldId(10)).unwrap();
    assert_eq!((value.name, value.required, value.field), ("value", true, None));
    assert!(schema.field_by_id(FieldId(8)).unwrap().required, "keys are always required");
    let ids: Vec<i32> = schema.with_ancestors(FieldId(11)).map(|field| field.id.0).collect();
    assert_eq!(ids, [11, 10, 7]);
    assert!(schema.field_by_id(FieldId(99)).is_none());
    assert_eq!(schema.highest_field_id(), FieldId(17));
    assert_eq!(Schema::new(vec![]).unwrap().highest_field_id(), FieldId(0));
}

#[test]
fn dots_in_names_are_found_by_path_and_the_outer_field_wins_by_name() {
    let schema = Schema::new(vec![
        optional(1, "a", structure(vec![int(2, "b"), int(3, "c.d")])),
        int(4, "a.b"),
        int(5, "x.y"),
    ])
    .unwrap();
    assert_eq!(schema.field_by_name("a.b").unwrap().id, FieldId(4));
    assert_eq!(schema.field_by_path(&["a", "b"]).unwrap().id, FieldId(2));
    assert_eq!(schema.field_by_path(&["a.b"]).unwrap().id, FieldId(4));
    assert_eq!(schema.field_by_path(&["a", "c.d"]).unwrap().id, FieldId(3));
    assert_eq!(schema.field_by_name("a.c.d").unwrap().id, FieldId(3));
    assert_eq!(schema.field_by_name("x.y").unwrap().id, FieldId(5));
    assert_eq!(schema.ambiguous_name(), Some("a.b"));
    assert_eq!(nested().ambiguous_name(), None);
    let schema = nested();
    assert_eq!(schema.field_by_path(&["map", "value", "v"]).unwrap().id, FieldId(11));
    assert_eq!(schema.field_by_path(&["list", "x"]).map(|f| f.id), None);
    assert_eq!(schema.field_by_path(&[]).map(|f| f.id), None);
    assert_eq!(schema.field_by_path(&["id", "x"]).map(|f| f.id), None);
}

#[test]
fn an_empty_name_is_a_name() {
    let schema = Schema::new(vec![optional(1, "", structure(vec![int(2, "b")])), int(3, "b")]).unwrap();
    assert_eq!(schema.field_by_name(".b").unwrap().id, FieldId(2));
    assert_eq!(schema.field_by_name("b").unwrap().id, FieldId(3));
}

#[test]
fn a_short_name_never_hides_a_full_name() {
    // `m.key` is the key of the map; the short name of a field of its value would be the same.
    let map = MapType::optional(2, PrimitiveType::String, 3, structure(vec![int(4, "key"), int(5, "KEY2")]));
    let schema = Schema::new(vec![optional(1, "m", map)]).unwrap();
    assert_eq!(schema.field_by_name("m.key").unwrap().id, FieldId(2));
    assert_eq!(schema.field_by_name_ignoring_case("M.KEY").unwrap().id, FieldId(2));
    assert_eq!(schema.field_by_name("m.value.key").unwrap().id, FieldId(4));
    assert_eq!(schema.field_by_name("m.KEY2").unwrap().id, FieldId(5));
}

#[test]
fn names_that_differ_in_case_only_are_found_exactly_or_not_at_all() {
    let schema = Schema::new(vec![int(1, "a"), int(2, "A"), int(3, "Bb")]).unwrap();
    assert_eq!(schema.field_by_name_ignoring_case("A").unwrap().id, FieldId(2));
    assert_eq!(schema.field_by_name_ignoring_case("bB").unwrap().id, FieldId(3));
    let schema = Schema::new(vec![int(1, "ab"), int(2, "AB")]).unwrap();
    assert!(schema.field_by_name_ignoring_case("Ab").is_none());
}

#[test]
fn a_schema_that_breaks_a_rule_is_refused() {
    let check = |fields: Vec<NestedField>, message: &str| {
        let error = Schema::new(fields).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), message);
    };
    check(
        vec![int(1, "a"), optional(2, "s", structure(vec![int(1, "b")]))],
        "field id 1 is used by both \"a\" and \"s.b\"",
    );
    check(
        vec![optional(1, "l", ListType::optional(1, PrimitiveType::Int))],
        "field id 1 is used by both \"l\" and \"l.element\"",
    );
    check(vec![int(1, "a"), int(2, "a")], "two fields are named \"a\"");
    check(vec![optional(1, "s", structure(vec![int(2, "a"), int(3, "a")]))], "two fields are named \"s.a\"");
    check(
        vec![optional(1, "d", PrimitiveType::Decimal { precision: 39, scale: 2 })],
        "field \"d\": decimal(39, 2) is not a legal type: the precision of a decimal is 1 to 38",
    );
    check(
        vec![optional(1, "d", PrimitiveType::Decimal { precision: 2, scale: 3 })],
        "field \"d\": decimal(2, 3) is not a legal type: the scale of a decimal is at most its precision",
    );
    check(
        vec![NestedField::required(1, "u", PrimitiveType::Unknown)],
        "field \"u\": unknown is not a legal type: a field of type unknown is always null and cannot be required",
    );
}

/// Lists nested this deep below one column.
fn deep(levels: i32) -> Vec<NestedField> {
    let mut inner = Type::Primitive(PrimitiveType::Int);
    for level in (2..=levels.saturating_add(1)).rev() {
        inner = ListType::optional(level, inner).into();
    }
    vec![optional(1, "deep", inner)]
}

#[test]
fn types_nested_too_deep_are_refused() {
    assert!(Schema::new(deep(99)).is_ok());
    for levels in [100, 5_000] {
        assert_eq!(Schema::new(deep(levels)), Err(SchemaError::TooDeep { limit: 100 }));
    }
}

#[test]
fn names_that_multiply_with_depth_are_refused() {
    let mut fields: Vec<NestedField> = (100..10_000).map(|id| int(id, &id.to_string())).collect();
    for id in (1..90).rev() {
        fields = vec![optional(id, &"n".repeat(100), structure(fields))];
    }
    assert!(matches!(Schema::new(fields), Err(SchemaError::NamesTooLong { .. })));
}

#[test]
fn a_wide_schema_is_made_in_linear_time() {
    let schema = Schema::new((1..=100_000).map(|id| int(id, &format!("column_{id}"))).collect()).unwrap();
    assert_eq!(schema.field_by_name("column_99999").unwrap().id, FieldId(99_999));
}

#[test]
fn identifier_fields_obey_their_rules() {
    let schema = Schema::new(vec![
        NestedField::required(1, "ok", PrimitiveType::Long),
        int(2, "optional"),
        NestedField::required(3, "double", PrimitiveType::Double),
        NestedField::required(
            4,
            "struct",
            structure(vec![NestedField::required(5, "ok", PrimitiveType::Uuid)]),
        ),
        optional(6, "opt", structure(vec![NestedField::required(7, "in_optional", PrimitiveType::Int)])),
        NestedField::required(8, "list", ListType::required(9, PrimitiveType::Int)),
        NestedField::required(10, "variant", Type::Variant),
        NestedField::required(11, "float", PrimitiveType::Float),
        NestedField::required(
            12,
            "map",
            MapType::required(
                13,
                PrimitiveType::Int,
                14,
                structure(vec![NestedField::required(15, "x", PrimitiveType::Int)]),
            ),
        ),
    ])
    .unwrap();
    let check = |id: i32, wanted: Option<&str>| {
        let result = schema.clone().with_identifier_fields([FieldId(id)]);
        match (result, wanted) {
            (Ok(schema), None) => assert!(schema.identifier_field_ids().contains(&FieldId(id))),
            (Err(SchemaError::IdentifierField { reason, .. }), Some(wanted)) => assert_eq!(reason, wanted),
            (result, wanted) => panic!("{id}: {result:?}, expected {wanted:?}"),
        }
    };
    check(1, None);
    check(5, None);
    check(2, Some("it, or a struct it lies in, is optional"));
    check(7, Some("it, or a struct it lies in, is optional"));
    check(3, Some("floats and doubles have no usable equality"));
    check(11, Some("floats and doubles have no usable equality"));
    check(4, Some("it is not a primitive"));
    check(10, Some("it is not a primitive"));
    check(9, Some("it lies in a list or map"));
    check(13, Some("it lies in a list or map"));
    check(15, Some("it lies in a list or map"));
    check(99, Some("there is no such field"));
}

#[test]
fn reserved_ids_are_legal_but_not_for_users() {
    let schema =
        Schema::new(vec![optional(FieldId::DELETE_FILE_PATH.0, "file_path", PrimitiveType::String)]).unwrap();
    assert_eq!(
        schema.check_user_ids(),
        Err(SchemaError::ReservedId { id: FieldId::DELETE_FILE_PATH, field: "file_path".to_owned() })
    );
    assert_eq!(nested().check_user_ids(), Ok(()));
    assert_eq!(Schema::new(vec![int(FieldId::MAX_USER.0, "last")]).unwrap().check_user_ids(), Ok(()));
}

#[test]
fn types_and_defaults_of_version_3_need_it() {
    let check = |field: NestedField, what: Option<&str>| {
        let schema =
            Schema::new(vec![optional(50, "outer", ListType::optional(51, structure(vec![field])))]).unwrap();
        assert_eq!(schema.check_format_version(FormatVersion::V3), Ok(()));
        for version in [FormatVersion::V1, FormatVersion::V2] {
            let found = schema.check_format_version(version);
            let wanted = what.map(|what| SchemaError::NeedsFormatVersion {
                field: "outer.element.f".to_owned(),
                what: what.to_owned(),
                needed: FormatVersion::V3,
                found: version,
            });
            assert_eq!(found.err(), wanted);
        }
    };
    check(int(1, "f"), None);
    check(optional(1, "f", PrimitiveType::TimestampNs), Some("type timestamp_ns"));
    check(optional(1, "f", PrimitiveType::TimestamptzNs), Some("type timestamptz_ns"));
    check(optional(1, "f", PrimitiveType::Unknown), Some("type unknown"));
    check(optional(1, "f", Type::Variant), Some("type variant"));
    check(optional(1, "f", PrimitiveType::Geometry(None)), Some("type geometry"));
    check(optional(1, "f", PrimitiveType::Geography(None, None)), Some("type geography"));
    check(int(1, "f").with_initial_default(Value::Int(1)), Some("an initial default that is not null"));
    check(int(1, "f").with_write_default(Value::Int(1)), None);
}

#[test]
fn a_default_must_be_a_value_of_its_type() {
    let check = |field_type: Type, value: Value, is_legal: bool| {
        let field = optional(1, "f", field_type);
        let fields = [field.clone().with_initial_default(value.clone()), field.with_write_default(value)];
        for field in fields {
            let result = Schema::new(vec![field]);
            assert_eq!(result.is_ok(), is_legal, "{result:?}");
            if let Err(error) = result {
                assert!(matches!(error, SchemaError::InvalidDefault { .. }));
            }
        }
    };
    let decimal = |unscaled| Value::Decimal(Decimal { scale: 2, unscaled });
    let decimal_type = |scale| PrimitiveType::Decimal { precision: 3, scale }.into();
    check(PrimitiveType::Int.into(), Value::Int(1), true);
    check(PrimitiveType::Int.into(), Value::Long(1), false);
    check(PrimitiveType::Fixed(2).into(), Value::Fixed(vec![1, 2]), true);
    check(PrimitiveType::Fixed(2).into(), Value::Fixed(vec![1]), false);
    check(decimal_type(2), decimal(-999), true);
    check(decimal_type(2), decimal(1000), false);
    check(decimal_type(1), decimal(1), false);
    check(decimal_type(2), decimal(i128::MIN), false);
    check(PrimitiveType::Time.into(), Value::Time(86_400_000_000), false);
    check(PrimitiveType::Unknown.into(), Value::Int(1), false);
    check(PrimitiveType::Geometry(None).into(), Value::Geometry(vec![]), false);
    check(PrimitiveType::Geography(None, None).into(), Value::Geography(vec![]), false);
    check(Type::Variant, Value::Binary(vec![]), false);
    check(structure(vec![int(2, "a")]).into(), Value::Struct(vec![]), true);
    check(structure(vec![int(2, "a")]).into(), Value::Struct(vec![None]), true);
    check(structure(vec![int(2, "a")]).into(), Value::Struct(vec![Some(Value::Int(1))]), false);
    let list = || Type::from(ListType::required(2, PrimitiveType::Int));
    check(list(), Value::List(vec![Some(Value::Int(1))]), true);
    check(list(), Value::List(vec![None]), false);
    check(list(), Value::List(vec![Some(Value::Long(1))]), false);
    let map = || Type::from(MapType::optional(2, PrimitiveType::Int, 3, PrimitiveType::Int));
    check(map(), Value::Map(vec![(Value::Int(1), None)]), true);
    check(map(), Value::Map(vec![(Value::Long(1), None)]), false);
}

#[test]
fn promotions_are_those_of_the_format_version() {
    use PrimitiveType as P;
    let check = |from: Type, to: Type, v2: bool, v3: bool| {
        for (version, wanted) in [(FormatVersion::V1, v2), (FormatVersion::V2, v2), (FormatVersion::V3, v3)] {
            assert_eq!(is_promotion_allowed(&from, &to, version), wanted, "{from} to {to} in {version}");
        }
    };
    let decimal = |precision, scale| Type::from(P::Decimal { precision, scale });
    check(P::Int.into(), P::Long.into(), true, true);
    check(P::Long.into(), P::Int.into(), false, false);
    check(P::Float.into(), P::Double.into(), true, true);
    check(P::Double.into(), P::Float.into(), false, false);
    check(P::Int.into(), P::Double.into(), false, false);
    check(decimal(5, 2), decimal(6, 2), true, true);
    check(decimal(5, 2), decimal(4, 2), false, false);
    check(decimal(5, 2), decimal(6, 3), false, false);
    check(P::Date.into(), P::Timestamp.into(), false, true);
    check(P::Date.into(), P::TimestampNs.into(), false, true);
    check(P::Date.into(), P::Timestamptz.into(), false, false);
    check(P::Unknown.into(), P::String.into(), false, true);
    check(P::Unknown.into(), ListType::optional(1, P::Int).into(), false, true);
    check(P::String.into(), P::Unknown.into(), false, false);
    check(P::String.into(), P::Binary.into(), false, false);
    check(P::Uuid.into(), P::Uuid.into(), true, true);
    check(structure(vec![int(1, "a")]).into(), P::Int.into(), false, false);
}

#[test]
fn files_are_readable_if_their_fields_promote() {
    let file =
        Schema::new(vec![int(1, "a"), optional(2, "l", ListType::optional(3, PrimitiveType::Date))]).unwrap();
    let table = |element: PrimitiveType| {
        Schema::new(vec![
            optional(2, "renamed", ListType::optional(3, element)),
            optional(1, "a", PrimitiveType::Long),
            int(9, "new"),
        ])
        .unwrap()
    };
    assert_eq!(file.check_readable_as(&table(PrimitiveType::Date), FormatVersion::V2), Ok(()));
    assert_eq!(file.check_readable_as(&table(PrimitiveType::Timestamp), FormatVersion::V3), Ok(()));
    let error = file.check_readable_as(&table(PrimitiveType::Timestamp), FormatVersion::V2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the type of \"renamed.element\" cannot change from date to timestamp: files of the one type cannot be read as the other"
    );
}

fn ids(schema: &Schema) -> Vec<i32> {
    schema.all_fields().map(|field| field.id.0).collect()
}

#[test]
fn a_selection_keeps_what_is_asked_for_and_what_it_lies_in() {
    let schema = nested();
    let check = |asked: &[i32], selected: &[i32], projected: &[i32]| {
        let asked: Vec<FieldId> = asked.iter().copied().map(FieldId).collect();
        assert_eq!(ids(&schema.select(&asked).unwrap()), selected, "{asked:?}");
        assert_eq!(ids(&schema.project(&asked).unwrap()), projected, "{asked:?}");
    };
    check(&[], &[], &[]);
    check(&[3], &[2, 3], &[2, 3]);
    check(&[2], &[2, 3], &[2]);
    check(&[6, 1], &[1, 4, 5, 6], &[1, 4, 5, 6]);
    check(&[4], &[4, 5, 6], &[4, 5]);
    check(&[11], &[7, 8, 9, 10, 11], &[7, 8, 9, 10, 11]);
    check(&[9], &[7, 8, 9, 10], &[7, 8, 9, 10]);
    check(&[7], &[7, 8, 9, 10, 11], &[7, 8, 9, 10]);
    check(&[16], &[16, 17], &[16, 17]);
    check(&[15, 15], &[12, 13, 14, 15], &[12, 13, 14, 15]);
    let missing = schema.select(&[FieldId(99)]).unwrap_err();
    assert_eq!(
        (missing.kind(), missing),
        (ErrorKind::NotFound, SchemaError::NoSuchFieldId { id: FieldId(99) })
    );
    let selected = schema.select(&[FieldId(3)]).unwrap();
    assert_eq!(selected.identifier_field_ids().iter().copied().collect::<Vec<_>>(), [FieldId(3)]);
}

#[test]
fn a_selection_fits_the_default_of_a_struct() {
    let field = optional(1, "s", structure(vec![int(2, "a"), int(3, "b")]));
    let schema = Schema::new(vec![field.with_initial_default(Value::Struct(vec![None, None]))]).unwrap();
    let selected = schema.select(&[FieldId(3)]).unwrap();
    assert_eq!(selected.fields()[0].initial_default, Some(Value::Struct(vec![None])));
}

#[test]
fn fresh_ids_number_a_struct_before_what_lies_in_it_and_identifiers_follow() {
    let schema = Schema::new(vec![
        NestedField::required(
            70,
            "s",
            structure(vec![
                optional(
                    30,
                    "m",
                    MapType::optional(31, structure(vec![int(5, "k")]), 32, PrimitiveType::Int),
                ),
                NestedField::required(9, "n", PrimitiveType::Int),
            ]),
        ),
        optional(3, "l", ListType::optional(2, structure(vec![int(1, "x")]))),
    ])
    .unwrap()
    .with_identifier_fields([FieldId(9)])
    .unwrap();
    let fresh = schema.with_fresh_ids().unwrap();
    assert_eq!(ids(&fresh), [1, 3, 5, 7, 6, 4, 2, 8, 9]);
    let names = |schema: &Schema| schema.all_fields().map(|f| f.full_name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&schema));
    assert_eq!(fresh.identifier_field_ids().iter().copied().collect::<Vec<_>>(), [FieldId(4)]);
    assert_eq!(fresh.with_fresh_ids().unwrap(), fresh);
}
