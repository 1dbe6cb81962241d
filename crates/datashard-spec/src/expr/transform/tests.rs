//! Projection through each transform, case by case.

use super::*;
use crate::expr::{InclusiveProjection, Predicate, StrictProjection, col};
use crate::id::{FieldId, PartitionSpecId};
use crate::partition::{PartitionField, PartitionSpec};
use crate::schema::{NestedField, Schema};
use crate::value::datetime::MICROS_PER_DAY;

fn schema() -> Schema {
    use PrimitiveType as P;
    Schema::new(vec![
        NestedField::optional(1, "i", P::Int),
        NestedField::optional(2, "l", P::Long),
        NestedField::optional(3, "d", P::Decimal { precision: 9, scale: 2 }),
        NestedField::optional(4, "s", P::String),
        NestedField::optional(5, "b", P::Binary),
        NestedField::optional(6, "dt", P::Date),
        NestedField::optional(7, "ts", P::Timestamp),
        NestedField::optional(8, "f", P::Float),
    ])
    .unwrap()
}

/// What a predicate on the one column it names becomes for a partition field `p` with this transform.
fn check(transform: &str, predicate: &str, inclusive: &str, strict: &str) {
    let predicate: Predicate = predicate.parse().unwrap();
    let bound = predicate.bind(&schema()).unwrap();
    let transform = Transform::parse(transform).unwrap();
    let field = PartitionField::new(bound.field_ids()[0], FieldId(1000), "p", transform.clone());
    let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
    let projected = [
        InclusiveProjection::new(&bound, &spec).to_string(),
        StrictProjection::new(&bound, &spec).to_string(),
    ];
    assert_eq!(projected, [inclusive, strict], "{predicate} through {transform}");
}

#[test]
fn identity_keeps_every_test() {
    for test in ["p < 5", "p is null", "p not in (1, 2)"] {
        check("identity", &test.replace('p', "i"), test, test);
    }
    check("identity", "f is nan", "p is nan", "p is nan");
    check("identity", "s like 'a%'", "p starts with 'a'", "p starts with 'a'");
}

#[test]
fn bucket_keeps_equality_in_one_direction() {
    check("bucket[16]", "s = 'iceberg'", "p = 9", "false");
    check("bucket[16]", "s != 'iceberg'", "true", "p != 9");
    check("bucket[16]", "s in ('iceberg', 'iceberg ')", "p in (9, 13)", "false");
    check("bucket[16]", "s < 'iceberg'", "true", "false");
    check("bucket[16]", "s like 'ice%'", "true", "false");
    check("bucket[16]", "s is not null", "p is not null", "p is not null");
    check("bucket[16]", "bucket(16, s) >= 3", "p >= 3", "p >= 3");
    check("bucket[16]", "bucket(8, s) = 3", "true", "false");
}

#[test]
fn truncate_of_numbers_keeps_ranges() {
    check("truncate[10]", "d < 10.00", "p <= 9.90", "p < 10.00");
    check("truncate[10]", "d <= 10.00", "p <= 10.00", "p < 10.00");
    check("truncate[10]", "d > 9.99", "p >= 10.00", "p > 9.90");
    check("truncate[10]", "d >= 10.00", "p >= 10.00", "p > 9.90");
    check("truncate[10]", "d = -0.01", "p = -0.10", "false");
    check("truncate[10]", "d not in (0.01, 0.02, 0.11)", "true", "p not in (0.00, 0.10)");
    check("truncate[8]", "i < 17", "p <= 16", "p < 16");
}

#[test]
fn trap_32_ranges_do_not_wrap_at_the_ends_of_the_type() {
    let (min, max) = (i64::MIN, i64::MAX);
    // A width that divides the range.
    check("truncate[8]", &format!("l < {min}"), "false", &format!("p < {min}"));
    check("truncate[8]", &format!("l >= {min}"), &format!("p >= {min}"), "p is not null");
    check("truncate[8]", &format!("l > {max}"), "false", &format!("p > {}", max - 7));
    check("truncate[8]", &format!("l <= {max}"), &format!("p <= {}", max - 7), "p is not null");
    // A width that does not: the lowest values are stored as the lowest number, or wrapped around.
    check("truncate[10]", "i < -2147483647", "p <= -2147483648 or p = 2147483646", "false");
    check("truncate[10]", "i > -2147483648", "p is not null", "p > -2147483648 and p != 2147483646");
    check("truncate[10]", "i = -2147483648", "p in (-2147483648, 2147483646)", "false");
    check("truncate[10]", "i > 2147483647", "false", "p > 2147483640 and p != 2147483646");
    check("day", &format!("ts < {min}"), "false", "p < date '-290308-12-21'");
    check("day", &format!("ts <= {max}"), "p <= date '+294247-01-10'", "p is not null");
    check("year", "dt < -2147483648", "false", "p < -5879611");
    // The hour does not fit: nothing is known, but for nulls.
    check("hour", &format!("ts <= {max}"), "p is not null", "p is not null");
    check("hour", &format!("ts < {max}"), "p is not null", "false");
}

#[test]
fn truncate_allows_for_what_was_stored_before_an_int_became_a_long() {
    let int = "-2147483648, 2147483646";
    check("truncate[10]", "l = -2147483645", "p in (-2147483650, -2147483648, 2147483646)", "false");
    check("truncate[10]", "l != -2147483645", "true", "p not in (-2147483650, -2147483648, 2147483646)");
    check(
        "truncate[10]",
        "l < -2147483640",
        "p <= -2147483650 or p = 9223372036854775806 or p = -2147483648 or p = 2147483646",
        "p < -2147483640",
    );
    // Below all ints, and far above their low end.
    check("truncate[10]", "l = -2147483649", "p = -2147483650", "false");
    check(
        "truncate[10]",
        "l > -2147483660",
        "p >= -2147483660",
        "p > -2147483660 and p != 9223372036854775806",
    );
    check("truncate[10]", "l > 100", "p >= 100", "p > 100 and p != 9223372036854775806 and p != 2147483646");
    check(
        "truncate[10]",
        "truncate(10, l) = -2147483650",
        &format!("p = -2147483650 or p in ({int}, 9223372036854775806)"),
        &format!("p = -2147483650 and p not in ({int}, 9223372036854775806)"),
    );
}

#[test]
fn truncate_of_text_keeps_ranges_and_prefixes() {
    check("truncate[2]", "s < 'abc'", "p <= 'ab'", "p < 'ab'");
    check("truncate[2]", "s >= 'abc'", "p >= 'ab'", "p > 'ab'");
    check("truncate[2]", "s = 'abc'", "p = 'ab'", "false");
    check("truncate[2]", "s != 'abc'", "true", "p != 'ab'");
    check("truncate[2]", "s like 'a%'", "p starts with 'a'", "p starts with 'a'");
    check("truncate[2]", "s like 'éé%'", "p = 'éé'", "p = 'éé'");
    check("truncate[2]", "s like 'abc%'", "p = 'ab'", "false");
    check("truncate[2]", "s not like 'a%'", "p not starts with 'a'", "p not starts with 'a'");
    check("truncate[2]", "s not like 'ab%'", "p != 'ab'", "p != 'ab'");
    check("truncate[2]", "s not like 'abc%'", "true", "p != 'ab'");
    check("truncate[2]", "b starts with x'0001ff'", "p = x'0001'", "false");
}

#[test]
fn time_transforms_keep_ranges() {
    check("day", "ts < '2017-12-01T00:00:00'", "p <= date '2017-11-30'", "p < date '2017-12-01'");
    check("day", "ts <= '2017-12-01T00:00:00'", "p <= date '2017-12-01'", "p < date '2017-12-01'");
    check("month", "ts > '2017-12-01T00:00:00'", "p >= 575", "p > 575");
    check("month", "ts >= '2017-12-01T00:00:00'", "p >= 575", "p > 574");
    check("year", "dt = '2017-12-01'", "p = 47", "false");
    check("hour", "ts != '1970-01-01T01:00:00'", "true", "p != 1");
    check("day", "day(ts) = '2017-12-01'", "p = date '2017-12-01'", "p = date '2017-12-01'");
}

#[test]
fn values_before_1970_may_be_one_too_large() {
    check("month", "dt < '1969-12-01'", "p <= -1", "p < -1");
    check("month", "dt <= '1969-12-31'", "p <= 0", "p < 0");
    check("month", "dt >= '1969-11-30'", "p >= -2", "p > -1");
    check("month", "dt > '1970-01-01'", "p >= 0", "p > 1");
    check("month", "dt = '1969-12-31'", "p in (-1, 0)", "false");
    check("month", "dt in ('1969-12-31', '1969-10-01', '1970-02-01')", "p in (-3, -2, -1, 0, 1)", "false");
    check("month", "dt != '1969-12-31'", "true", "p not in (-1, 0)");
    check("day", "dt = '1969-12-31'", "p = date '1969-12-31'", "false");
    check("day", "ts = '1969-12-31T12:00:00'", "p in (date '1969-12-31', date '1970-01-01')", "false");
    check("year", "year(dt) = -1", "p in (-1, 0)", "false");
    check("year", "year(dt) != 0", "p is not null", "p != 0");
    check("year", "year(dt) in (0, 1, 2)", "p in (0, 1, 2)", "p in (1, 2)");
    check("year", "year(dt) < 0", "p < 1", "p < 0");
}

#[test]
fn trap_17_void_and_unknown_transforms_say_nothing() {
    for transform in ["void", "zorder[2]"] {
        check(transform, "i is null", "true", "false");
        check(transform, "i = 5", "true", "false");
    }
}

#[test]
fn fields_of_one_column_are_combined() {
    let bound = col("ts").less_than(3 * MICROS_PER_DAY).bind(&schema()).unwrap();
    let field = |id, name: &str, transform| PartitionField::new(FieldId(7), FieldId(id), name, transform);
    let spec = PartitionSpec::new(
        PartitionSpecId(0),
        vec![
            field(1000, "y", Transform::Year),
            PartitionField::new(FieldId(1), FieldId(1001), "other", Transform::Identity),
            field(1002, "d", Transform::Day),
        ],
    );
    assert_eq!(InclusiveProjection::new(&bound, &spec).to_string(), "y <= 0 and d <= date '1970-01-03'");
    assert_eq!(StrictProjection::new(&bound, &spec).to_string(), "y < 0 or d < date '1970-01-04'");
    let late = InclusiveProjection::new(&bound, &spec);
    assert!(!late.may_match(&[Some(Value::Int(0)), None, Some(Value::Date(3))]));
    assert!(late.may_match(&[Some(Value::Int(0))]));
}
