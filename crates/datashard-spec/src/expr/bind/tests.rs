//! Binding: conversion of literals, folds, what is refused.

use super::*;
use crate::expr::col;
use crate::schema::{ListType, NestedField, StructType};

fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Int),
        NestedField::optional(2, "n", PrimitiveType::Int),
        NestedField::optional(3, "f", PrimitiveType::Float),
        NestedField::optional(4, "s", PrimitiveType::String),
        NestedField::optional(5, "ts", PrimitiveType::Timestamptz),
        NestedField::optional(6, "d", PrimitiveType::Decimal { precision: 4, scale: 2 }),
        NestedField::optional(
            7,
            "st",
            StructType::new(vec![NestedField::required(8, "Inner", PrimitiveType::Long)]),
        ),
        NestedField::optional(9, "l", ListType::optional(10, PrimitiveType::Int)),
        NestedField::optional(11, "b", PrimitiveType::Binary),
    ])
    .unwrap()
}

fn check(text: &str, bound: &str) {
    let predicate: Predicate = text.parse().unwrap();
    assert_eq!(predicate.bind(&schema()).unwrap().to_string(), bound, "{text}");
}

fn refused(text: &str, kind: crate::ErrorKind) {
    let predicate: Predicate = text.parse().unwrap();
    assert_eq!(predicate.bind(&schema()).unwrap_err().kind(), kind, "{text}");
}

#[test]
fn negations_go_down_to_the_tests() {
    check("not (n > 5 and (s like 'a%' or n is null))", "n <= 5 or s not starts with 'a' and n is not null");
    check("not (n in (2, 1, 2))", "n not in (1, 2)");
    check("not not f is nan", "f is nan");
    check("not n not between 1 and 2", "n >= 1 and n <= 2");
}

#[test]
fn tests_that_are_decided_become_constants() {
    check("id is null", "false");
    check("id is not null", "true");
    check("n is null and id is not null", "n is null");
    check("st.Inner is null", "st.Inner is null");
    check("bucket(16, n) is not null", "n is not null");
    check("void(n) is null", "true");
    check("n in ()", "false");
    check("n not in ()", "true");
    check("n in (1)", "n = 1");
    check("n not in (1, 1)", "n != 1");
    check("s like '%'", "s is not null");
    check("s not like '%'", "false");
    check("false or true and n = 1", "n = 1");
}

#[test]
fn literals_outside_the_type_are_folded_without_taking_nulls_in() {
    check("n < 3000000000", "n is not null");
    check("id < 3000000000", "true");
    check("n > 3000000000", "false");
    check("n >= -3000000000", "n is not null");
    check("n <= -3000000000", "false");
    check("n = 3000000000", "false");
    check("n != 3000000000", "n is not null");
    check("n in (1, 3000000000)", "n = 1");
    check("n not in (3000000000, 4000000000)", "n is not null");
    check("d < 100", "d is not null");
    check("d = 99.99", "d = 99.99");
}

#[test]
fn infinity_lies_beyond_the_literals_a_float_cannot_hold() {
    check("f < 1e300", "f < double 'inf'");
    check("f >= 1e300", "f = double 'inf'");
    check("f > -1e300", "f > double '-inf'");
    check("f <= -1e300", "f = double '-inf'");
    check("f = 1e300", "false");
}

#[test]
fn literals_take_the_type_of_the_column() {
    check("d > 1.5", "d > 1.50");
    check("ts >= '2020-01-01T00:00:00+00:00'", "ts >= timestamptz '2020-01-01T00:00:00.000000+00:00'");
    check(
        "ts >= timestamp '2020-01-01T01:00:00+01:00'",
        "ts >= timestamptz '2020-01-01T00:00:00.000000+00:00'",
    );
    check("b = '00ff'", "b = x'00ff'");
    check("day(ts) = '1970-01-02'", "day(ts) = date '1970-01-02'");
    check("f = -0.0", "f = 0e0");
}

#[test]
fn names_are_found_ignoring_case_only_if_asked() {
    let predicate = col("ST.inner").equal_to(1);
    assert_eq!(predicate.bind_ignoring_case(&schema()).unwrap().to_string(), "st.Inner = 1");
    assert_eq!(predicate.bind(&schema()).unwrap_err().kind(), crate::ErrorKind::NotFound);
}

#[test]
fn illegal_tests_are_refused() {
    use crate::ErrorKind::{InvalidInput, NotFound};
    refused("missing = 1", NotFound);
    refused("n is nan", InvalidInput);
    refused("n like 'a%'", InvalidInput);
    refused("n = 'abc'", InvalidInput);
    refused("n = '1.5'", InvalidInput);
    refused("f = 'NaN'", InvalidInput);
    refused("ts = '2020-01-01T23:59:60Z'", InvalidInput);
    refused("n = 1.5", InvalidInput);
    refused("d = 1.555", InvalidInput);
    refused("l.element = 1", InvalidInput);
    refused("st = 1", InvalidInput);
    refused("hour(n) = 1", InvalidInput);
    refused("f = double 'NaN'", InvalidInput);
    check("st is null", "st is null");
    check("l is not null", "l is not null");
    let unknown = col("n").with_transform(Transform::Unknown("zorder".into())).equal_to("x");
    assert!(unknown.bind(&schema()).is_err());
    assert!(col("f").is_in([1.0, f64::NAN]).bind(&schema()).is_err());
}

#[test]
fn a_predicate_nested_too_deep_is_refused() {
    let mut deep = col("n").is_null();
    for i in 0..10_000 {
        deep = deep.and(col("n").equal_to(i)).or(col("n").equal_to(i));
    }
    assert_eq!(deep.bind(&schema()).unwrap_err(), ExprError::TooDeep { limit: MAX_DEPTH });
}

#[test]
fn field_ids_are_listed_once() {
    let predicate: Predicate = "n = 1 or id = 2 or n = 3".parse().unwrap();
    assert_eq!(predicate.bind(&schema()).unwrap().field_ids(), [FieldId(1), FieldId(2)]);
}

#[test]
fn a_name_that_is_not_there_and_one_that_is_there_twice_are_told_apart() {
    use crate::schema::{NestedField, PrimitiveType};
    let field = |id, name| NestedField::optional(id, name, PrimitiveType::Int);
    let schema = Schema::new(vec![field(1, "Name"), field(2, "NAME")]).unwrap();
    let named = |name| col(name).equal_to(1);
    let unknown = |name: &str| Err(ExprError::UnknownColumn { name: name.to_owned() });
    assert_eq!(named("name").bind(&schema), unknown("name"));
    assert_eq!(named("other").bind_ignoring_case(&schema), unknown("other"));
    let ambiguous = named("name").bind_ignoring_case(&schema);
    assert_eq!(ambiguous, Err(ExprError::AmbiguousColumn { name: "name".to_owned() }));
    assert!(named("Name").bind_ignoring_case(&schema).is_ok());
}
