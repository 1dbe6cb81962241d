//! Text of predicates: what is read, how it is printed, what is refused and where.

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::value::Decimal;

/// What text reads as, and that it displays as text which reads as the same.
fn check(text: &str, expected: &Predicate) {
    let read: Predicate = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(&read, expected, "{text}");
    assert_eq!(&read.to_string().parse::<Predicate>().unwrap(), expected, "{read}");
}

fn fails(text: &str, kind: ErrorKind, message: &str) {
    let error = text.parse::<Predicate>().unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message), "{text}");
}

#[test]
fn connectives_bind_as_in_sql() {
    let (a, b, c) = (col("a").is_null(), col("b").is_null(), col("c").is_null());
    check("a is null or b is null and not c is null", &a.clone().or(b.clone().and(c.clone().not())));
    check("(a is null OR b is null) AND NOT (c is null)", &a.clone().or(b.clone()).and(c.clone().not()));
    check("not not a is null", &a);
    check("true and (false)", &Predicate::always_true().and(Predicate::always_false()));
    check("not (a is null and b is null)", &a.and(b).not());
}

#[test]
fn every_test_is_read() {
    let x = || col("x");
    check("x = 1", &x().equal_to(1));
    check("x == 1", &x().equal_to(1));
    check("x<>-1", &x().not_equal_to(-1));
    check("x != 1", &x().not_equal_to(1));
    check("x<=1", &x().less_than_or_equal(1));
    check("x >= 1", &x().greater_than_or_equal(1));
    check("x is not null", &x().is_not_null());
    check("x is NaN", &x().is_nan());
    check("x is not nan", &x().is_not_nan());
    check("x in (1, 2)", &x().is_in([1, 2]));
    check("x not in ('a')", &x().not_in(["a"]));
    check("x between 1 and 2 and x > 0", &x().between(1, 2).and(x().greater_than(0)));
    check("x not between 1 and 2", &x().between(1, 2).not());
    check("x like 'a%'", &x().starts_with("a"));
    check("x not like 'a%'", &x().not_starts_with("a"));
    check("x like 'a'", &x().equal_to("a"));
    check("x not like 'a'", &x().not_equal_to("a"));
    check("x starts with x'00'", &x().starts_with(vec![0_u8]));
}

#[test]
fn names_may_be_nested_and_quoted() {
    check("a.b.c is null", &col("a.b.c").is_null());
    check("\"a b\" is null", &col("a b").is_null());
    check("`a``b`.\"c\" is null", &col("a`b.c").is_null());
    check("\"or\" is null", &col("or").is_null());
    check("\"\" is null", &col("").is_null());
    check("größe = 1", &col("größe").equal_to(1));
    check("date = 1 and x = 2", &col("date").equal_to(1).and(col("x").equal_to(2)));
}

#[test]
fn transforms_are_functions() {
    check("bucket(16, id) = 3", &col("id").with_transform(Transform::Bucket(16)).equal_to(3));
    check("truncate(4, a.b) = 'x'", &col("a.b").with_transform(Transform::Truncate(4)).equal_to("x"));
    check("DAY(\"t s\") is null", &col("t s").with_transform(Transform::Day).is_null());
    check("year(t) = 50 or hour(t) > 1", &{
        let t = |transform| col("t").with_transform(transform);
        t(Transform::Year).equal_to(50).or(t(Transform::Hour).greater_than(1))
    });
}

#[test]
fn literals_of_all_kinds_are_read() {
    let x = |value: Value| col("x").equal_to(value);
    check("x = -9223372036854775808", &x(Value::Long(i64::MIN)));
    check("x = 9223372036854775808", &x(Value::Decimal(Decimal::new(9_223_372_036_854_775_808, 0))));
    check("x = -12.50", &x(Value::Decimal(Decimal::new(-1250, 2))));
    check("x = 1.5e-3", &x(Value::Double(0.0015)));
    check("x = .5", &x(Value::Decimal(Decimal::new(5, 1))));
    check("x = -.5e1", &x(Value::Double(-5.0)));
    check("x=+7", &x(Value::Long(7)));
    check("x = 1e400", &x(Value::Double(f64::INFINITY)));
    check("x = double '-inf'", &x(Value::Double(f64::NEG_INFINITY)));
    check("x = 'it''s'", &x(Value::String("it's".to_owned())));
    check("x = X'00fF'", &x(Value::Binary(vec![0, 255])));
    check("x = TRUE", &x(Value::Boolean(true)));
    check("x = date '1969-12-31'", &x(Value::Date(-1)));
    check("x = time '00:00:01'", &x(Value::Time(1_000_000)));
    check("x = timestamp '1970-01-01 00:00:01'", &x(Value::Timestamp(1_000_000)));
    check("x = timestamp '1970-01-01T00:00:01+00:00'", &x(Value::Timestamptz(1_000_000)));
    check("x = timestamptz '1970-01-01T01:00:00+01:00'", &x(Value::Timestamptz(0)));
    check("x = timestamp_ns '1970-01-01T00:00:00.000000001'", &x(Value::TimestampNs(1)));
    let uuid = uuid::Uuid::from_u128(7);
    check(&format!("x = uuid '{uuid}'"), &x(Value::Uuid(uuid)));
}

#[test]
fn errors_name_the_column_and_what_could_stand_there() {
    use ErrorKind::{InvalidInput, Unsupported};
    fails("", InvalidInput, "predicate, column 1: expected a column, found the end of the text");
    fails("größe > ", InvalidInput, "predicate, column 9: expected a literal, found the end of the text");
    fails("a = 1 b", InvalidInput, "predicate, column 7: expected and, or, or the end, found `b`");
    fails("(a = 1", InvalidInput, "predicate, column 7: expected ), found the end of the text");
    fails("a = - - 1", InvalidInput, "predicate, column 7: expected a number, found `-`");
    fails(
        "a.5 = 1",
        InvalidInput,
        "predicate, column 2: expected a comparison, is, in, between, like or starts with, found `.5`",
    );
    fails(
        "a = \"x\"",
        InvalidInput,
        "predicate, column 5: expected a literal (text stands in 'single quotes'), found `\\\"x\\\"`",
    );
    fails("a is 1", InvalidInput, "predicate, column 6: expected null or nan, found `1`");
    fails(
        "a not = 1",
        InvalidInput,
        "predicate, column 7: expected in, between, like or starts with, found `=`",
    );
    fails("a = 'x", InvalidInput, "predicate, column 5: expected a closing ' at the end, found `'x`");
    fails(
        "a = x'0'",
        InvalidInput,
        "predicate, column 5: expected an even number of hexadecimal digits between x' and ', found `x'0'`",
    );
    fails(
        "a ; b",
        InvalidInput,
        "predicate, column 3: expected a name, a literal or an operator, found `; b`",
    );
    fails(
        "a = date '2020-02-30'",
        InvalidInput,
        "predicate, column 10: expected a date, found `'2020-02-30'`",
    );
    fails(
        "bucket(0, a) = 1",
        InvalidInput,
        "predicate, column 8: expected a whole number from 1 to 2147483647, found `0`",
    );
    fails(
        "a = null",
        Unsupported,
        "predicate, column 5: a comparison with null; test with is null, is not supported",
    );
    fails(
        "a like '%b'",
        Unsupported,
        "predicate, column 8: like with a wildcard other than % at the end, or an escape, is not supported",
    );
    fails(
        "a like 'b_'",
        Unsupported,
        "predicate, column 8: like with a wildcard other than % at the end, or an escape, is not supported",
    );
    fails("lower(a) = 'b'", Unsupported, "predicate, column 1: the function lower is not supported");
}

#[test]
fn nesting_and_length_are_bounded() {
    for (open, close) in [("(", ")"), ("not ", ""), ("not(", ")"), ("(a = 1 and ", ")")] {
        let nested = |n: usize| format!("{}a = 1{}", open.repeat(n), close.repeat(n));
        assert!(nested(100).parse::<Predicate>().is_ok(), "{open}");
        assert_eq!(
            nested(1_000_000).parse::<Predicate>().unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{open}"
        );
    }
    let deepest = format!("{}a = 1 or b = 2{}", "(a = 1 or b = 2 and ".repeat(200), ")".repeat(200));
    let deepest: Predicate = deepest.parse().unwrap();
    assert_eq!(deepest.to_string().parse::<Predicate>().unwrap(), deepest);
    let long = format!("a = '{}'", "x".repeat(MAX_LENGTH));
    assert!(matches!(long.parse::<Predicate>(), Err(ExprError::TooLong { .. })));
    let chain = vec!["a = 1"; 100_000].join(" and ");
    assert_eq!(chain.parse::<Predicate>().unwrap().nodes().len(), 100_001);
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Long),
        any::<f64>().prop_filter("NaN is refused", |v| !v.is_nan()).prop_map(Value::Double),
        (any::<i64>(), 1_u8..38)
            .prop_map(|(unscaled, scale)| Value::Decimal(Decimal::new(unscaled.into(), scale))),
        any::<i32>().prop_map(Value::Date),
        (0_i64..86_400_000_000).prop_map(Value::Time),
        any::<i64>().prop_map(Value::Timestamp),
        any::<i64>().prop_map(Value::TimestamptzNs),
        any::<String>().prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::Binary),
    ]
}

fn terms() -> impl Strategy<Value = Term> {
    let names = prop_oneof!["[a-z_]{1,4}(\\.[a-z]{1,3})?", any::<String>(), Just("Not".to_owned())];
    let transforms = prop_oneof![
        4 => Just(Transform::Identity),
        1 => (1_u32..99).prop_map(Transform::Bucket),
        1 => Just(Transform::Hour),
    ];
    (names, transforms).prop_map(|(name, transform)| col(name).with_transform(transform))
}

pub(in crate::expr) fn predicates() -> impl Strategy<Value = Predicate> {
    let tests = prop_oneof![
        Just(Test::IsNull),
        Just(Test::NotNan),
        values().prop_map(|v| Test::Compare(Comparison::LessOrEqual, v)),
        values().prop_map(|v| Test::Compare(Comparison::NotStartsWith, v)),
        proptest::collection::vec(values(), 0..4).prop_map(Test::NotIn),
    ];
    let leaf = prop_oneof![
        8 => (terms(), tests).prop_map(|(term, test)| Predicate::test(term, test)),
        1 => any::<bool>().prop_map(|b| if b { Predicate::always_true() } else { Predicate::always_false() }),
    ];
    leaf.prop_recursive(4, 30, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
            inner.prop_map(Predicate::not),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_displayed_reads_back(predicate in predicates()) {
        let text = predicate.to_string();
        prop_assert_eq!(text.parse::<Predicate>().map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?, predicate);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        let _ = text.parse::<Predicate>();
    }

    #[test]
    fn any_string_of_tokens_is_read_or_refused(
        tokens in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just("not"), Just("("), Just(")"), Just("and"), Just("in"), Just("is"), Just("null"), Just(","),
                Just("="), Just("-"), Just("1"), Just("'x'"), Just("date"), Just("between"), Just("bucket"), Just("."),
            ],
            0..12,
        )
    ) {
        if let Ok(predicate) = tokens.join(" ").parse::<Predicate>() {
            prop_assert_eq!(predicate.to_string().parse::<Predicate>().unwrap(), predicate);
        }
    }
}
