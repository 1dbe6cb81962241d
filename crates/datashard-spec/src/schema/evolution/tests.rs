use std::collections::BTreeMap;

use super::*;
use crate::ErrorKind;
use crate::id::PartitionSpecId;
use crate::partition::PartitionField;
use crate::schema::{ListType, MapType, NestedField, PrimitiveType, StructType};
use crate::transform::Transform;

const LAST: FieldId = FieldId(20);

fn int(id: i32, name: &str) -> NestedField {
    NestedField::optional(id, name, PrimitiveType::Int)
}

fn structure(fields: Vec<NestedField>) -> StructType {
    StructType::new(fields)
}

fn base() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Int),
        int(2, "a"),
        NestedField::required(
            3,
            "s",
            structure(vec![NestedField::required(4, "x", PrimitiveType::Int), int(5, "y")]),
        ),
        NestedField::optional(6, "l", ListType::required(7, structure(vec![int(8, "e")]))),
        NestedField::optional(
            9,
            "m",
            MapType::required(10, structure(vec![int(11, "k")]), 12, structure(vec![int(13, "v")])),
        ),
        NestedField::optional(14, "ints", ListType::required(15, PrimitiveType::Int)),
        NestedField::optional(16, "day", PrimitiveType::Date),
        NestedField::optional(17, "f", PrimitiveType::Float),
        NestedField::optional(18, "d", PrimitiveType::Decimal { precision: 5, scale: 2 }),
    ])
    .unwrap()
    .with_id(crate::id::SchemaId(4))
    .with_identifier_fields([FieldId(1), FieldId(4)])
    .unwrap()
}

fn update() -> SchemaUpdate {
    SchemaUpdate::new()
}

fn apply_in(version: FormatVersion, update: &SchemaUpdate) -> Result<SchemaChange, SchemaError> {
    update.apply(&UpdateBase::new(&base(), LAST, version))
}

/// The fields that differ from the base, as `id full_name! type`, `!` for required; `-id` for those that are gone.
fn difference(change: &SchemaChange) -> Vec<String> {
    let text = |schema: &Schema, id: FieldId| {
        schema.field_by_id(id).map(|field| {
            let mark = if field.required { "!" } else { "" };
            let kind = if field.field_type.is_nested() { "" } else { &format!(" {}", field.field_type) };
            format!("{id} {}{mark}{kind}", field.full_name)
        })
    };
    let old = base();
    let mut lines: Vec<String> = old
        .all_fields()
        .filter(|f| change.schema.field_by_id(f.id).is_none())
        .map(|f| format!("-{}", f.id))
        .collect();
    lines.extend(
        change
            .schema
            .all_fields()
            .filter_map(|f| text(&change.schema, f.id).filter(|now| Some(now) != text(&old, f.id).as_ref())),
    );
    lines
}

fn check_in(version: FormatVersion, update: &SchemaUpdate, wanted: &[&str]) {
    let change = apply_in(version, update).unwrap();
    assert_eq!(difference(&change), wanted, "{update:?}");
    assert_eq!(change.schema.id(), base().id());
}

fn check(update: &SchemaUpdate, wanted: &[&str]) {
    check_in(FormatVersion::V2, update, wanted);
}

fn refuse_in(version: FormatVersion, update: &SchemaUpdate, kind: ErrorKind, message: &str) {
    let error = apply_in(version, update).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

fn refuse(update: &SchemaUpdate, message: &str) {
    refuse_in(FormatVersion::V2, update, ErrorKind::InvalidInput, message);
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name.as_str()).collect()
}

#[test]
fn an_empty_update_changes_nothing() {
    let change = apply_in(FormatVersion::V2, &update()).unwrap();
    assert_eq!(change.schema, base());
    assert_eq!(change.last_column_id, LAST);
    assert!(change.added.is_empty() && change.deleted.is_empty() && change.renamed.is_empty());
}

#[test]
fn an_added_column_takes_the_next_ids_parent_first() {
    let inner = structure(vec![
        NestedField::optional(1, "p", MapType::optional(1, PrimitiveType::Int, 1, PrimitiveType::Int)),
        int(1, "q"),
    ]);
    let change =
        apply_in(FormatVersion::V2, &update().add_column(NewColumn::optional("n", inner).with_doc("new")))
            .unwrap();
    assert_eq!(difference(&change), ["21 n", "22 n.p", "24 n.p.key! int", "25 n.p.value int", "23 n.q int"]);
    assert_eq!(change.last_column_id, FieldId(25));
    assert_eq!(change.schema.field_by_name("n").unwrap().field.unwrap().doc.as_deref(), Some("new"));
    assert!(change.added.contains("n.p.key"));
}

#[test]
fn ids_go_on_after_the_last_one_ever_given_or_the_highest_in_use() {
    let column = NewColumn::optional("n", PrimitiveType::Int);
    let base = base();
    for (last, next) in [(3, 19), (18, 19), (1000, 1001)] {
        let change = update().add_column(column.clone()).apply(&UpdateBase::new(
            &base,
            FieldId(last),
            FormatVersion::V2,
        ));
        assert_eq!(change.unwrap().last_column_id, FieldId(next));
    }
    let full =
        update().add_column(column).apply(&UpdateBase::new(&base, FieldId::MAX_USER, FormatVersion::V2));
    assert_eq!(full, Err(SchemaError::IdsExhausted { last: FieldId::MAX_USER }));
}

#[test]
fn fields_are_added_to_structs_elements_and_values() {
    let new = || NewColumn::optional("n", PrimitiveType::Int);
    check(&update().add_field("s", new()), &["21 s.n int"]);
    check(&update().add_field("l", new()), &["21 l.element.n int"]);
    check(&update().add_field("l.element", new()), &["21 l.element.n int"]);
    check(&update().add_field("m", new()), &["21 m.value.n int"]);
    check(&update().add_field("m.value", new()), &["21 m.value.n int"]);
    // Also to a struct that the update itself adds.
    let added = update().add_column(NewColumn::optional("t", structure(vec![]))).add_field("t", new());
    check(&added, &["21 t", "22 t.n int"]);
    check(&added.clone().change_type("t.n", PrimitiveType::Long), &["21 t", "22 t.n long"]);
    refuse(
        &update().add_field("a", new()),
        "\"a\" of type int has no fields: only a struct, a list of structs or a map to structs can take one",
    );
    refuse(
        &update().add_field("ints", new()),
        "\"ints\" of type int has no fields: only a struct, a list of structs or a map to structs can take one",
    );
    refuse_in(
        FormatVersion::V2,
        &update().add_field("zz", new()),
        ErrorKind::NotFound,
        "there is no field \"zz\"",
    );
}

#[test]
fn an_added_name_must_be_unused_in_its_struct_or_deleted_by_the_update() {
    let new = |name: &str| NewColumn::optional(name, PrimitiveType::String);
    let taken = |update: SchemaUpdate, name: &str| {
        let message = format!("there is a field named {name:?} already");
        refuse_in(FormatVersion::V2, &update, ErrorKind::AlreadyExists, &message);
    };
    taken(update().add_column(new("a")), "a");
    taken(update().add_field("s", new("x")), "s.x");
    taken(update().add_column(new("n")).add_column(new("n")), "n");
    taken(update().rename_column("a", "b").add_column(new("a")), "a");
    taken(update().rename_column("a", "n").add_column(new("n")), "n");
    // A column `s.x` would hide the field of that full name.
    taken(update().add_column(new("s.x")), "s.x");
    check(&update().add_column(new("p.q")), &["21 p.q string"]);
    check(&update().add_column(new("x")), &["21 x string"]);
    check(&update().delete_column("a").add_column(new("a")), &["-2", "21 a string"]);
    check(&update().add_column(new("A")), &["21 A string"]);
    taken(update().ignore_case().add_column(new("A")), "A");
    refuse(&update().add_column(new("")), "a field cannot be named \"\": a name is not empty");
}

#[test]
fn names_in_an_update_are_those_of_the_base() {
    check(&update().rename_column("a", "day").rename_column("day", "a"), &["2 day int", "16 a date"]);
    // After delete and add, the name is that of the new column.
    let again = update().delete_column("a").add_column(NewColumn::optional("a", PrimitiveType::Int));
    check(&again.change_type("a", PrimitiveType::Long), &["-2", "21 a long"]);
}

#[test]
fn a_required_column_needs_a_default_or_an_explicit_opt_in() {
    let column = NewColumn::required("n", PrimitiveType::Int);
    refuse(
        &update().add_column(column.clone()),
        "field \"n\" cannot be added as required without a default: rows without a value may exist, and incompatible changes are not allowed",
    );
    check(&update().allow_incompatible_changes().add_column(column.clone()), &["21 n! int"]);
    let with_default = update().add_column(column.with_default(Value::Int(7)));
    refuse(
        &with_default,
        "field \"n\": an initial default that is not null needs format version v3, the table is of v2",
    );
    let change = apply_in(FormatVersion::V3, &with_default).unwrap();
    let field = change.schema.field_by_name("n").unwrap().field.unwrap();
    assert_eq!((&field.initial_default, &field.write_default), (&Some(Value::Int(7)), &Some(Value::Int(7))));
    let wrong = NewColumn::required("n", PrimitiveType::Int).with_default(Value::Long(7));
    assert!(matches!(
        apply_in(FormatVersion::V3, &update().add_column(wrong)),
        Err(SchemaError::InvalidDefault { .. })
    ));
}

#[test]
fn types_of_version_3_are_added_in_version_3_only() {
    let column = NewColumn::optional("n", Type::Variant);
    refuse(
        &update().add_column(column.clone()),
        "field \"n\": type variant needs format version v3, the table is of v2",
    );
    check_in(FormatVersion::V3, &update().add_column(column), &["21 n variant"]);
}

#[test]
fn a_deleted_column_must_exist_and_be_a_field_of_a_struct() {
    check(&update().delete_column("a"), &["-2"]);
    check(&update().delete_column("s.y"), &["-5"]);
    check(&update().delete_column("l.e"), &["-8"]);
    check(&update().delete_column("l"), &["-6", "-7", "-8"]);
    check(&update().delete_column("s.y").delete_column("s.y"), &["-5"]);
    refuse_in(
        FormatVersion::V2,
        &update().delete_column("zz"),
        ErrorKind::NotFound,
        "there is no field \"zz\"",
    );
    refuse(
        &update().delete_column("l.element"),
        "\"l.element\" is part of a list or map, not a field of a struct: it cannot be deleted",
    );
    refuse(
        &update().delete_column("m.value"),
        "\"m.value\" is part of a list or map, not a field of a struct: it cannot be deleted",
    );
    let change = apply_in(FormatVersion::V2, &update().delete_column("l")).unwrap();
    assert_eq!(change.deleted.into_iter().collect::<Vec<_>>(), ["l", "l.element", "l.element.e"]);
    assert_eq!(change.last_column_id, LAST, "the ids of deleted fields are never given again");
}

#[test]
fn only_one_of_delete_and_update_applies_to_a_field() {
    let both = |update: SchemaUpdate, name: &str| {
        refuse(&update, &format!("{name:?} is both changed and deleted by one update"));
    };
    both(update().rename_column("a", "b").delete_column("a"), "a");
    both(update().delete_column("a").rename_column("a", "b"), "a");
    both(update().delete_column("a").change_type("a", PrimitiveType::Long), "a");
    both(update().delete_column("l").set_doc("l.e", None), "l.element.e");
    both(update().set_doc("l.e", None).delete_column("l"), "l");
    both(update().add_field("l", NewColumn::optional("n", PrimitiveType::Int)).delete_column("l"), "l");
    both(
        update().delete_column("l").add_field("l", NewColumn::optional("n", PrimitiveType::Int)),
        "l.element",
    );
    both(update().add_column(NewColumn::optional("n", PrimitiveType::Int)).delete_column("n"), "n");
    both(update().delete_column("a").move_column("a", Position::First), "a");
}

#[test]
fn identifier_fields_and_what_they_lie_in_are_not_deleted() {
    refuse(
        &update().delete_column("id"),
        "\"id\" cannot be deleted: \"id\" is an identifier field; set other identifier fields first",
    );
    refuse(
        &update().delete_column("s"),
        "\"s\" cannot be deleted: \"s.x\" is an identifier field; set other identifier fields first",
    );
    check(&update().set_identifier_fields(["id"]).delete_column("s"), &["-3", "-4", "-5"]);
    check(&update().delete_column("s").set_identifier_fields(["id"]), &["-3", "-4", "-5"]);
}

#[test]
fn identifier_fields_are_checked_on_the_result() {
    let identifiers = |update: SchemaUpdate| {
        let change = apply_in(FormatVersion::V2, &update.allow_incompatible_changes()).unwrap();
        change.schema.identifier_field_ids().iter().map(|id| id.0).collect::<Vec<_>>()
    };
    let new = NewColumn::required("n", PrimitiveType::Int);
    assert_eq!(identifiers(update().set_identifier_fields(Vec::<String>::new())), [0_i32; 0]);
    assert_eq!(identifiers(update().make_required("a").set_identifier_fields(["a"])), [2]);
    assert_eq!(identifiers(update().add_column(new).set_identifier_fields(["n", "s.x"])), [4, 21]);
    // The set follows a rename, and both names lead to the field.
    assert_eq!(identifiers(update().rename_column("id", "key")), [1, 4]);
    assert_eq!(identifiers(update().rename_column("id", "key").set_identifier_fields(["key"])), [1]);
    assert_eq!(identifiers(update().rename_column("id", "key").set_identifier_fields(["id"])), [1]);
    refuse(
        &update().set_identifier_fields(["a"]),
        "field 2 (\"a\") cannot be an identifier field: it, or a struct it lies in, is optional",
    );
    refuse(
        &update().make_optional("s"),
        "field 4 (\"s.x\") cannot be an identifier field: it, or a struct it lies in, is optional",
    );
    refuse_in(
        FormatVersion::V2,
        &update().set_identifier_fields(["zz"]),
        ErrorKind::NotFound,
        "there is no field \"zz\"",
    );
}

#[test]
fn a_rename_changes_the_name_only() {
    check(&update().rename_column("a", "b"), &["2 b int"]);
    check(&update().rename_column("s", "t"), &["3 t!", "4 t.x! int", "5 t.y int"]);
    check(&update().rename_column("m.v", "w"), &["13 m.value.w int"]);
    check(&update().delete_column("a").rename_column("day", "a"), &["-2", "16 a date"]);
    let taken = |update: &SchemaUpdate, name: &str| {
        let message = format!("there is a field named {name:?} already");
        refuse_in(FormatVersion::V2, update, ErrorKind::AlreadyExists, &message);
    };
    taken(&update().rename_column("a", "id"), "id");
    taken(&update().rename_column("s.x", "y"), "s.y");
    taken(&update().ignore_case().rename_column("A", "ID"), "ID");
    check(&update().ignore_case().rename_column("A", "A"), &["2 A int"]);
    refuse(
        &update().rename_column("l.element", "x"),
        "\"l.element\" is part of a list or map, not a field of a struct: it cannot be renamed",
    );
    refuse(&update().rename_column("a", ""), "a field cannot be named \"\": a name is not empty");
    let change = apply_in(FormatVersion::V2, &update().rename_column("s", "t")).unwrap();
    assert_eq!(change.renamed.get("s.x").map(String::as_str), Some("t.x"));
}

#[test]
fn optional_is_always_allowed_and_required_only_on_request() {
    let drop = || update().set_identifier_fields(["id"]);
    check(&drop().make_optional("s.x"), &["4 s.x int"]);
    check(&update().make_optional("l.element"), &["7 l.element"]);
    check(&update().make_optional("m.value"), &["12 m.value"]);
    refuse(
        &update().make_required("a"),
        "field \"a\" cannot be made required: rows without a value may exist, and incompatible changes are not allowed",
    );
    check(&update().allow_incompatible_changes().make_required("a"), &["2 a! int"]);
    check(&update().make_required("id"), &[]);
    let added = update().add_column(NewColumn::optional("n", PrimitiveType::Int).with_default(Value::Int(1)));
    check_in(FormatVersion::V3, &added.make_required("n"), &["21 n! int"]);
    let added = update().add_column(NewColumn::optional("n", PrimitiveType::Int));
    assert!(matches!(
        apply_in(FormatVersion::V3, &added.make_required("n")),
        Err(SchemaError::Incompatible { .. })
    ));
}

#[test]
fn types_change_by_promotion_only() {
    check(&update().change_type("a", PrimitiveType::Long), &["2 a long"]);
    check(&update().change_type("a", PrimitiveType::Int), &[]);
    check(&update().change_type("f", PrimitiveType::Double), &["17 f double"]);
    check(
        &update().change_type("d", PrimitiveType::Decimal { precision: 6, scale: 2 }),
        &["18 d decimal(6, 2)"],
    );
    check(&update().change_type("ints.element", PrimitiveType::Long), &["15 ints.element! long"]);
    refuse(
        &update().change_type("a", PrimitiveType::String),
        "the type of \"a\" cannot change from int to string: no promotion leads there",
    );
    refuse(
        &update().change_type("a", PrimitiveType::Long).change_type("a", PrimitiveType::Int),
        "the type of \"a\" cannot change from long to int: no promotion leads there",
    );
    refuse(
        &update().change_type("s", PrimitiveType::Int),
        "the type of \"s\" cannot change from struct<4: x: int, 5: y: int> to int: a struct, list or map changes through its parts only",
    );
    refuse(
        &update().change_type("a", structure(vec![])),
        "the type of \"a\" cannot change from int to struct<>: no promotion leads there",
    );
}

#[test]
fn dates_and_unknowns_promote_in_version_3() {
    let change = update().change_type("day", PrimitiveType::Timestamp);
    refuse(
        &change,
        "the type of \"day\" cannot change from date to timestamp: the promotion needs format version 3",
    );
    check_in(FormatVersion::V3, &change, &["16 day timestamp"]);
    let base = Schema::new(vec![NestedField::optional(1, "u", PrimitiveType::Unknown)]).unwrap();
    let base = UpdateBase::new(&base, FieldId(1), FormatVersion::V3);
    let change = update().change_type("u", ListType::optional(1, PrimitiveType::Int)).apply(&base).unwrap();
    assert_eq!(change.schema.field_by_name("u.element").unwrap().id, FieldId(2));
    assert_eq!(change.last_column_id, FieldId(2));
}

#[test]
fn a_date_that_partition_values_are_made_from_stays_a_date() {
    let schema = base();
    let check = |transform: Transform, source: i32, is_allowed: bool| {
        let field = PartitionField::new(FieldId(source), FieldId(1000), "p", transform.clone());
        let specs = [
            PartitionSpec::new(PartitionSpecId(0), vec![field]),
            PartitionSpec::unpartitioned(PartitionSpecId(1)),
        ];
        let base = UpdateBase::new(&schema, LAST, FormatVersion::V3).with_partition_specs(&specs);
        for to in [PrimitiveType::Timestamp, PrimitiveType::TimestampNs] {
            let result = update().change_type("day", to).apply(&base);
            assert_eq!(result.is_ok(), is_allowed, "{transform:?} {result:?}");
        }
        // An int is hashed as a long.
        assert!(update().change_type("a", PrimitiveType::Long).apply(&base).is_ok());
    };
    check(Transform::Identity, 16, false);
    check(Transform::Bucket(4), 16, false);
    check(Transform::Unknown("x".into()), 16, false);
    check(Transform::Day, 16, true);
    check(Transform::Void, 16, true);
    check(Transform::Identity, 2, true);
    check(Transform::Bucket(4), 2, true);
}

#[test]
fn the_initial_default_never_changes_but_follows_a_promotion() {
    let field = NestedField::optional(1, "n", PrimitiveType::Int);
    let base = Schema::new(vec![field.with_initial_default(Value::Int(1)).with_write_default(Value::Int(1))])
        .unwrap();
    let base = UpdateBase::new(&base, FieldId(1), FormatVersion::V3);
    let defaults = |update: SchemaUpdate| {
        let change = update.apply(&base).unwrap();
        let field = change.schema.fields()[0].clone();
        (field.initial_default, field.write_default)
    };
    assert_eq!(
        defaults(update().set_write_default("n", Some(Value::Int(2)))),
        (Some(Value::Int(1)), Some(Value::Int(2)))
    );
    assert_eq!(defaults(update().set_write_default("n", None)), (Some(Value::Int(1)), None));
    let long = || update().change_type("n", PrimitiveType::Long);
    assert_eq!(defaults(long()), (Some(Value::Long(1)), Some(Value::Long(1))));
    assert_eq!(
        defaults(long().set_write_default("n", Some(Value::Int(2)))),
        (Some(Value::Long(1)), Some(Value::Long(2)))
    );
    let wrong = update().set_write_default("n", Some(Value::Boolean(true))).apply(&base);
    assert!(matches!(wrong, Err(SchemaError::InvalidDefault { .. })));
    refuse(
        &update().set_write_default("ints.element", Some(Value::Int(1))),
        "\"ints.element\" is part of a list or map, not a field of a struct: it cannot be given a default",
    );
}

#[test]
fn docs_are_set_and_removed() {
    let doc = |change: SchemaChange| change.schema.field_by_name("a").unwrap().field.unwrap().doc.clone();
    let set = update().set_doc("a", Some("what".to_owned()));
    assert_eq!(doc(apply_in(FormatVersion::V2, &set).unwrap()).as_deref(), Some("what"));
    assert_eq!(doc(apply_in(FormatVersion::V2, &set.set_doc("a", None)).unwrap()), None);
}

#[test]
fn fields_move_within_their_struct_only() {
    let order = |update: SchemaUpdate| {
        let change = apply_in(FormatVersion::V2, &update).unwrap();
        names(&change.schema).join(" ")
    };
    let after = |name: &str| Position::After(name.to_owned());
    let before = |name: &str| Position::Before(name.to_owned());
    assert_eq!(order(update().move_column("d", Position::First)), "d id a s l m ints day f");
    assert_eq!(order(update().move_column("id", after("a"))), "a id s l m ints day f d");
    assert_eq!(order(update().move_column("id", after("d"))), "a s l m ints day f d id");
    assert_eq!(order(update().move_column("d", before("a"))), "id d a s l m ints day f");
    let added = update().add_column(NewColumn::optional("n", PrimitiveType::Int));
    assert_eq!(order(added.clone().move_column("n", after("id"))), "id n a s l m ints day f d");
    assert_eq!(order(added.move_column("id", after("n"))), "a s l m ints day f d n id");
    let inner = apply_in(FormatVersion::V2, &update().move_column("s.y", Position::First)).unwrap();
    assert_eq!(
        inner.schema.field_by_name("s").unwrap().field_type.to_string(),
        "struct<5: y: int, 4: x: int>"
    );
    let refuse_move = |update: SchemaUpdate, field: &str, reason: &str| {
        refuse(&update, &format!("{field:?} cannot be moved: {reason}"));
    };
    refuse_move(update().move_column("a", before("s.x")), "a", "fields move within their struct only");
    refuse_move(update().move_column("s.x", after("l.e")), "s.x", "fields move within their struct only");
    refuse_move(update().move_column("a", after("a")), "a", "it cannot go next to itself");
    refuse_move(
        update().delete_column("d").move_column("a", after("d")),
        "a",
        "the field to go next to is deleted",
    );
    refuse_move(
        update().move_column("a", after("d")).delete_column("d"),
        "a",
        "it, or the field to go next to, is deleted",
    );
    refuse(
        &update().move_column("l.element", Position::First),
        "\"l.element\" is part of a list or map, not a field of a struct: it cannot be moved",
    );
}

#[test]
fn the_key_of_a_map_never_changes() {
    let new = NewColumn::optional("n", PrimitiveType::Int);
    for (update, field) in [
        (update().add_field("m.key", new), "m.key"),
        (update().delete_column("m.key"), "m.key"),
        (update().delete_column("m.key.k"), "m.key.k"),
        (update().rename_column("m.key.k", "x"), "m.key.k"),
        (update().rename_column("m.key", "x"), "m.key"),
        (update().change_type("m.key.k", PrimitiveType::Long), "m.key.k"),
        (update().make_optional("m.key"), "m.key"),
        (update().make_required("m.key.k"), "m.key.k"),
        (update().set_doc("m.key.k", None), "m.key.k"),
        (update().move_column("m.key.k", Position::First), "m.key.k"),
    ] {
        refuse(&update, &format!("{field:?} is, or lies in, the key of a map, which cannot change"));
    }
}

#[test]
fn case_is_ignored_on_request() {
    assert!(matches!(
        apply_in(FormatVersion::V2, &update().change_type("A", PrimitiveType::Long)),
        Err(SchemaError::NoSuchField { .. })
    ));
    let change = update().ignore_case().change_type("A", PrimitiveType::Long).delete_column("L.E");
    check(&change, &["-8", "2 a long"]);
    let added = update().ignore_case().add_column(NewColumn::optional("New", PrimitiveType::Int));
    check(&added.change_type("nEW", PrimitiveType::Long), &["21 New long"]);
}

/// A schema without identifier fields, for what others bring.
fn union(
    ours: Vec<NestedField>,
    theirs: Vec<NestedField>,
    options: SchemaUpdate,
) -> Result<String, SchemaError> {
    let ours = Schema::new(ours)?;
    let change = options.union_by_name(Schema::new(theirs)?).apply(&UpdateBase::new(
        &ours,
        ours.highest_field_id(),
        FormatVersion::V2,
    ))?;
    let line = |field: crate::schema::FieldRef<'_>| {
        let mark = if field.required { "!" } else { "" };
        let kind =
            if field.field_type.is_nested() { String::new() } else { format!(" {}", field.field_type) };
        format!("{} {}{mark}{kind}", field.id, field.full_name)
    };
    Ok(change.schema.all_fields().map(line).collect::<Vec<_>>().join(", "))
}

#[test]
fn a_union_adds_widens_and_relaxes_and_never_deletes() {
    let required = |id, name: &str, field_type: PrimitiveType| NestedField::required(id, name, field_type);
    let ours = || {
        vec![
            required(1, "same", PrimitiveType::Int),
            required(2, "absent", PrimitiveType::Int),
            required(3, "relaxed", PrimitiveType::Int),
            required(4, "widened", PrimitiveType::Int),
            required(5, "narrower", PrimitiveType::Long),
            NestedField::required(
                6,
                "l",
                ListType::required(7, structure(vec![required(8, "x", PrimitiveType::Int)])),
            ),
        ]
    };
    let theirs = vec![
        required(91, "new", PrimitiveType::String),
        required(92, "narrower", PrimitiveType::Int),
        required(93, "widened", PrimitiveType::Long),
        NestedField::optional(94, "relaxed", PrimitiveType::Int),
        required(95, "same", PrimitiveType::Int),
        NestedField::required(
            96,
            "l",
            ListType::optional(
                97,
                structure(vec![
                    required(98, "y", PrimitiveType::Int),
                    required(99, "x", PrimitiveType::Long),
                ]),
            ),
        ),
    ];
    assert_eq!(
        union(ours(), theirs, update()).unwrap(),
        "1 same! int, 2 absent int, 3 relaxed int, 4 widened! long, 5 narrower! long, \
         6 l!, 7 l.element, 8 l.element.x! long, 10 l.element.y int, 9 new string"
    );
    assert_eq!(
        union(ours(), ours(), update()).unwrap(),
        union(ours(), ours(), update().ignore_case()).unwrap()
    );
}

#[test]
fn a_union_refuses_what_no_update_could_do() {
    let one = |field_type: Type| vec![NestedField::optional(1, "f", field_type)];
    let key = |key: Type| MapType::optional(2, key, 3, PrimitiveType::Int).into();
    let string = || Type::from(PrimitiveType::String);
    assert!(matches!(
        union(one(string()), one(PrimitiveType::Int.into()), update()),
        Err(SchemaError::TypeChange { .. })
    ));
    assert!(matches!(
        union(one(structure(vec![]).into()), one(string()), update()),
        Err(SchemaError::TypeChange { .. })
    ));
    assert!(matches!(
        union(one(string()), one(structure(vec![]).into()), update()),
        Err(SchemaError::TypeChange { .. })
    ));
    let (int_key, long_key) = (|| key(PrimitiveType::Int.into()), || key(PrimitiveType::Long.into()));
    assert!(matches!(union(one(int_key()), one(long_key()), update()), Err(SchemaError::MapKey { .. })));
    assert_eq!(
        union(one(long_key()), one(int_key()), update()).unwrap(),
        "1 f, 2 f.key! long, 3 f.value int"
    );
}

#[test]
fn a_union_matches_case_as_asked_and_takes_docs_over() {
    assert_eq!(union(vec![int(1, "a")], vec![int(9, "A")], update()).unwrap(), "1 a int, 2 A int");
    assert_eq!(union(vec![int(1, "a")], vec![int(9, "A")], update().ignore_case()).unwrap(), "1 a int");
    assert_eq!(
        union(
            vec![int(1, "a"), int(2, "A")],
            vec![NestedField::optional(9, "A", PrimitiveType::Long)],
            update().ignore_case()
        )
        .unwrap(),
        "1 a int, 2 A long"
    );
    let theirs = Schema::new(vec![int(1, "a").with_doc("theirs")]).unwrap();
    let ours = Schema::new(vec![int(1, "a").with_doc("ours")]).unwrap();
    let base = UpdateBase::new(&ours, FieldId(1), FormatVersion::V2);
    let change = update().union_by_name(theirs).apply(&base).unwrap();
    assert_eq!(change.schema.fields()[0].doc.as_deref(), Some("theirs"));
}

#[test]
fn unknown_keys_survive_an_update() {
    let text = concat!(
        r#"{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"s","required":false,"#,
        r#""type":{"type":"struct","fields":[{"id":2,"name":"a","required":false,"type":"int","x":1}],"y":2},"z":3}],"w":4}"#
    );
    let schema = Schema::from_json(text).unwrap();
    let change = update().change_type("s.a", PrimitiveType::Long).apply(&UpdateBase::new(
        &schema,
        FieldId(2),
        FormatVersion::V2,
    ));
    assert_eq!(change.unwrap().schema.to_json(), text.replace("\"int\"", "\"long\""));
}

fn properties_after(update: &SchemaUpdate, properties: &[(&str, &str)]) -> BTreeMap<String, String> {
    let change = apply_in(FormatVersion::V2, update).unwrap();
    let changes = change.property_changes(&base(), properties.iter().copied());
    let mut after = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    changes.apply_to(&mut after);
    after
}

#[test]
fn properties_of_columns_are_renamed_and_dropped_with_them() {
    let metrics = "write.metadata.metrics.column.";
    let keys: Vec<String> =
        ["a", "day", "s.x", "l.e", "zz"].iter().map(|name| format!("{metrics}{name}")).collect();
    let mut properties: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), key.as_str())).collect();
    properties.extend([
        ("write.parquet.bloom-filter-enabled.column.a", "true"),
        ("write.parquet.stats-enabled.column.l.element.e", "false"),
        ("write.metadata.metrics.default", "full"),
        ("a", "1"),
    ]);
    let update = update()
        .rename_column("a", "day")
        .rename_column("day", "a")
        .rename_column("s", "t")
        .delete_column("l.e");
    let after = properties_after(&update, &properties);
    let value = |key: &str| after.get(key).map(String::as_str);
    assert_eq!(value(&format!("{metrics}a")), Some(keys[1].as_str()));
    assert_eq!(value(&format!("{metrics}day")), Some(keys[0].as_str()));
    assert_eq!(value(&format!("{metrics}t.x")), Some(keys[2].as_str()));
    assert_eq!(value(&keys[2]), None);
    assert_eq!(value(&keys[3]), None, "a short name is resolved too");
    assert_eq!(value(&keys[4]), Some(keys[4].as_str()), "what names no column is left alone");
    assert_eq!(value("write.parquet.bloom-filter-enabled.column.day"), Some("true"));
    assert_eq!(value("write.parquet.bloom-filter-enabled.column.a"), None);
    assert_eq!(value("write.parquet.stats-enabled.column.l.element.e"), None);
    assert_eq!(value("write.metadata.metrics.default"), Some("full"));
    assert_eq!(after.len(), 7);
}

#[test]
fn the_name_mapping_property_follows_if_it_can_be_parsed() {
    let rename = update().rename_column("a", "b").add_column(NewColumn::optional("n", PrimitiveType::Int));
    let key = crate::name_mapping::NameMapping::PROPERTY;
    let after = properties_after(&rename, &[(key, r#"[{"field-id":2,"names":["a"],"x":1}]"#)]);
    assert_eq!(after[key], r#"[{"field-id":2,"names":["a","b"],"x":1},{"field-id":21,"names":["n"]}]"#);
    assert_eq!(properties_after(&rename, &[(key, "no mapping")])[key], "no mapping");
    let change = apply_in(FormatVersion::V2, &update().set_doc("a", Some("x".to_owned()))).unwrap();
    assert!(change.property_changes(&base(), [(key, r#" [{"names":["a"],"field-id":2}]"#)]).is_empty());
}

#[test]
fn many_columns_are_added_in_linear_time() {
    let update = (0..20_000).fold(update(), |update, i| {
        update.add_column(NewColumn::optional(format!("c{i}"), PrimitiveType::Int))
    });
    let change = apply_in(FormatVersion::V2, &update).unwrap();
    assert_eq!(change.last_column_id, FieldId(LAST.0 + 20_000));
}
