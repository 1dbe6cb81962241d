//! What files store, in the types of today.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Int8Type, Int32Type, i256};
use datashard_spec::error::ErrorKind;
use datashard_spec::schema::{ListType, PrimitiveType as P, Type};
use datashard_spec::value::Value;
use datashard_spec::value::datetime::{MICROS_PER_DAY, NANOS_PER_DAY};
use uuid::Uuid;

use super::{arc, values_of};
use crate::arrow::cast::read_as;
use crate::arrow::testing::variants;
use crate::arrow::type_to_arrow;
use crate::data_error::DataError;

/// How a count becomes a value.
type Wrap = fn(i64) -> Value;

fn read(array: &ArrayRef, to: &Type) -> Result<ArrayRef, DataError> {
    let made = read_as(array, to, "a.b", "data/f.parquet")?;
    assert_eq!(made.data_type(), &type_to_arrow(to).unwrap());
    assert_eq!(made.len(), array.len());
    made.to_data().validate_full().unwrap();
    Ok(made)
}

fn check(array: impl Array + 'static, to: P, expect: Vec<Option<Value>>) {
    let array = arc(array);
    let to = Type::from(to);
    let made = read(&array, &to).unwrap_or_else(|error| panic!("{} as {to}: {error}", array.data_type()));
    assert_eq!(values_of(&made, &to), expect, "{} as {to}", array.data_type());
    // The same, sliced.
    if array.len() > 1 {
        let made = read(&array.slice(1, array.len() - 1), &to).unwrap();
        assert_eq!(values_of(&made, &to), expect[1..], "sliced {} as {to}", array.data_type());
    }
}

fn refused(array: impl Array + 'static, to: P, row: u64, words: &str) {
    let array = arc(array);
    let error = read(&array, &to.clone().into()).unwrap_err();
    let DataError::BadValue { row: found, ref column, ref place, ref reason } = error else {
        panic!("{error}")
    };
    assert_eq!((found, column.as_str(), place.as_str()), (row, "a.b", "data/f.parquet"));
    assert!(reason.contains(words), "{reason}");
}

fn impossible(array: impl Array + 'static, to: P) {
    let array = arc(array);
    let error = read(&array, &to.clone().into()).unwrap_err();
    assert!(matches!(error, DataError::WrongType { .. }), "{} as {to}: {error}", array.data_type());
    assert!(error.to_string().contains("column `a.b`"), "{error}");
}

#[test]
fn a_type_that_is_right_costs_nothing() {
    let array = arc(Int64Array::from(vec![1, 2]));
    assert!(std::sync::Arc::ptr_eq(&array, &read(&array, &P::Long.into()).unwrap()));
    let text = StringArray::from(vec!["a", "b"]);
    let bytes = arc(BinaryArray::from(text.clone()));
    let made = read(&bytes, &P::String.into()).unwrap();
    assert_eq!(made.as_string::<i32>().values().as_ptr(), text.values().as_ptr());
    let instants = arc(TimestampMicrosecondArray::from(vec![5]).with_timezone("+00:00"));
    let made = read(&instants, &P::Timestamptz.into()).unwrap();
    let ticks = |array: &ArrayRef| array.to_data().buffers()[0].as_ptr();
    assert_eq!(ticks(&made), ticks(&instants));
}

#[test]
fn integers_widen() {
    let ints = |to: fn(i32) -> Value| vec![Some(to(-1)), None, Some(to(7))];
    check(Int8Array::from(vec![Some(-1), None, Some(7)]), P::Int, ints(Value::Int));
    check(Int16Array::from(vec![Some(-1), None, Some(7)]), P::Int, ints(Value::Int));
    let long = |v: i32| Value::Long(v.into());
    check(Int8Array::from(vec![Some(-1), None, Some(7)]), P::Long, ints(long));
    check(Int16Array::from(vec![Some(-1), None, Some(7)]), P::Long, ints(long));
    check(Int32Array::from(vec![Some(-1), None, Some(7)]), P::Long, ints(long));
    check(UInt8Array::from(vec![u8::MAX]), P::Int, vec![Some(Value::Int(255))]);
    check(UInt16Array::from(vec![u16::MAX]), P::Int, vec![Some(Value::Int(65_535))]);
    check(UInt8Array::from(vec![u8::MAX]), P::Long, vec![Some(Value::Long(255))]);
    check(UInt16Array::from(vec![u16::MAX]), P::Long, vec![Some(Value::Long(65_535))]);
    check(UInt32Array::from(vec![u32::MAX]), P::Long, vec![Some(Value::Long(4_294_967_295))]);
    impossible(Int64Array::from(vec![1]), P::Int);
    impossible(UInt32Array::from(vec![1]), P::Int);
    impossible(UInt64Array::from(vec![1]), P::Long);
    impossible(Int32Array::from(vec![1]), P::Double);
    impossible(StringArray::from(vec!["1"]), P::Int);
    impossible(BooleanArray::from(vec![true]), P::Int);
    impossible(Int32Array::from(vec![1]), P::Boolean);
}

#[test]
fn floats_widen_with_all_their_odd_values() {
    let odd = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.1, f32::MIN_POSITIVE];
    let wide = odd.iter().map(|v| Some(Value::Double(f64::from(*v)))).collect();
    check(Float32Array::from(odd), P::Double, wide);
    let halves = arrow::compute::cast(&Float32Array::from(vec![1.5, -0.0]), &DataType::Float16).unwrap();
    for (to, expect) in [
        (P::Float, [Value::Float(1.5), Value::Float(-0.0)]),
        (P::Double, [Value::Double(1.5), Value::Double(-0.0)]),
    ] {
        let made = read(&halves, &to.clone().into()).unwrap();
        assert_eq!(values_of(&made, &to.into()), expect.map(Some));
    }
    impossible(Float64Array::from(vec![1.0]), P::Float);
}

#[test]
fn decimals_of_any_width_become_those_of_the_table() {
    let to = || P::Decimal { precision: 5, scale: 2 };
    let expect = || vec![Some(Value::decimal(99_999, 2)), None, Some(Value::decimal(-1, 2))];
    let narrow = vec![Some(99_999), None, Some(-1)];
    check(Decimal32Array::from(narrow.clone()).with_precision_and_scale(9, 2).unwrap(), to(), expect());
    let wide: Vec<Option<i64>> = narrow.iter().map(|v| v.map(i64::from)).collect();
    check(Decimal64Array::from(wide).with_precision_and_scale(18, 2).unwrap(), to(), expect());
    let wide: Vec<Option<i128>> = narrow.iter().map(|v| v.map(i128::from)).collect();
    check(Decimal128Array::from(wide.clone()).with_precision_and_scale(38, 2).unwrap(), to(), expect());
    check(
        Decimal128Array::from(wide.clone()).with_precision_and_scale(5, 2).unwrap(),
        P::Decimal { precision: 6, scale: 2 },
        expect(),
    );
    let wide: Vec<Option<i256>> = wide.iter().map(|v| v.map(i256::from_i128)).collect();
    check(Decimal256Array::from(wide).with_precision_and_scale(40, 2).unwrap(), to(), expect());
    let words = "1000.00 has more digits than decimal(5, 2)";
    let many = Decimal128Array::from(vec![1, 100_000]).with_precision_and_scale(9, 2).unwrap();
    refused(many, to(), 1, words);
    refused(Decimal32Array::from(vec![100_000]).with_precision_and_scale(9, 2).unwrap(), to(), 0, words);
    refused(Decimal64Array::from(vec![100_000]).with_precision_and_scale(9, 2).unwrap(), to(), 0, words);
    let many = Decimal256Array::from(vec![i256::MAX]).with_precision_and_scale(76, 2).unwrap();
    refused(many, to(), 0, "more than 38 digits");
    impossible(Decimal128Array::from(vec![1]).with_precision_and_scale(5, 1).unwrap(), to());
    impossible(Int32Array::from(vec![1]), to());
    impossible(Decimal128Array::from(vec![1]), P::Long);
}

#[test]
fn decimals_as_bytes_are_big_endian_with_a_sign() {
    let to = || P::Decimal { precision: 5, scale: 2 };
    let expect = || vec![Some(Value::decimal(-1, 2)), None, Some(Value::decimal(258, 2))];
    check(BinaryArray::from(vec![Some(&b"\xff\xff\xff"[..]), None, Some(&b"\x01\x02"[..])]), to(), expect());
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some(b"\xff\xff"), None, Some(b"\x01\x02")].into_iter(),
        2,
    );
    check(fixed.unwrap(), to(), expect());
    refused(BinaryArray::from(vec![&b"\x7f\xff\xff"[..]]), to(), 0, "83886.07 has more digits");
    refused(BinaryArray::from(vec![&b""[..]]), to(), 0, "0 bytes are no decimal(5, 2)");
    refused(BinaryArray::from(vec![&[0; 17][..]]), to(), 0, "17 bytes");
}

#[test]
fn dates_from_days_and_from_whole_days_of_milliseconds() {
    check(Int32Array::from(vec![Some(-1), None]), P::Date, vec![Some(Value::Date(-1)), None]);
    let day = 86_400_000;
    check(Date64Array::from(vec![Some(-day), None]), P::Date, vec![Some(Value::Date(-1)), None]);
    refused(
        Date64Array::from(vec![0, day - 1]),
        P::Date,
        1,
        "86399999 milliseconds since 1970 are no whole day",
    );
    refused(
        Date64Array::from(vec![i64::MAX - i64::MAX % day]),
        P::Date,
        0,
        "no whole day that a date can hold",
    );
    impossible(Int64Array::from(vec![1]), P::Date);
}

#[test]
fn times_of_any_unit_become_microseconds() {
    let expect = |micros| vec![Some(Value::Time(micros)), None];
    check(Time32SecondArray::from(vec![Some(2), None]), P::Time, expect(2_000_000));
    check(Time32MillisecondArray::from(vec![Some(2), None]), P::Time, expect(2000));
    check(Time64NanosecondArray::from(vec![Some(2999), None]), P::Time, expect(2));
    check(Int64Array::from(vec![Some(MICROS_PER_DAY - 1), None]), P::Time, expect(MICROS_PER_DAY - 1));
    refused(
        Int64Array::from(vec![0, MICROS_PER_DAY]),
        P::Time,
        1,
        "86400000000 microseconds are no time of day",
    );
    refused(Time32SecondArray::from(vec![-1]), P::Time, 0, "no time of day");
    impossible(Int32Array::from(vec![1]), P::Time);
}

#[test]
fn timestamps_of_any_unit_and_zone_become_those_of_the_table() {
    let both = |values: [i64; 2]| vec![Some(values[0]), None, Some(values[1])];
    let cases: [(P, Wrap, Option<&str>); 4] = [
        (P::Timestamp, Value::Timestamp, None),
        (P::Timestamptz, Value::Timestamptz, None),
        (P::Timestamp, Value::Timestamp, Some("+02:00")),
        (P::Timestamptz, Value::Timestamptz, Some("UTC")),
    ];
    for (to, wrap, zone) in cases {
        let expect = |values| both(values).into_iter().map(|v| v.map(wrap)).collect::<Vec<_>>();
        let values = both([-1, 1]);
        check(
            TimestampSecondArray::from(values.clone()).with_timezone_opt(zone),
            to.clone(),
            expect([-1_000_000, 1_000_000]),
        );
        check(
            TimestampMillisecondArray::from(values.clone()).with_timezone_opt(zone),
            to.clone(),
            expect([-1000, 1000]),
        );
        check(TimestampMicrosecondArray::from(values).with_timezone_opt(zone), to.clone(), expect([-1, 1]));
        // Cut towards the past, before 1970 too.
        let nanos = both([-1, 1999]);
        check(TimestampNanosecondArray::from(nanos).with_timezone_opt(zone), to, expect([-1, 1]));
    }
    let expect = |v: i64| vec![Some(Value::TimestamptzNs(v))];
    check(TimestampSecondArray::from(vec![-1]), P::TimestamptzNs, expect(-1_000_000_000));
    check(TimestampMillisecondArray::from(vec![-1]), P::TimestamptzNs, expect(-1_000_000));
    check(TimestampMicrosecondArray::from(vec![-1]), P::TimestamptzNs, expect(-1000));
    check(TimestampNanosecondArray::from(vec![-1]), P::TimestamptzNs, expect(-1));
    refused(
        TimestampSecondArray::from(vec![0, i64::MAX]),
        P::Timestamp,
        1,
        "9223372036854775807 seconds since 1970 are outside the range of timestamp",
    );
    refused(
        TimestampMicrosecondArray::from(vec![i64::MIN]),
        P::TimestampNs,
        0,
        "microseconds since 1970 are outside",
    );
    impossible(Int64Array::from(vec![1]), P::Timestamp);
}

#[test]
fn dates_promote_to_timestamps_without_zone() {
    let dates = || Date32Array::from(vec![Some(-1), None, Some(1)]);
    let expect = |per_day: i64, wrap: fn(i64) -> Value| vec![Some(wrap(-per_day)), None, Some(wrap(per_day))];
    check(dates(), P::Timestamp, expect(MICROS_PER_DAY, Value::Timestamp));
    check(dates(), P::TimestampNs, expect(NANOS_PER_DAY, Value::TimestampNs));
    impossible(dates(), P::Timestamptz);
    impossible(dates(), P::TimestamptzNs);
    refused(
        Date32Array::from(vec![106_751, 106_752]),
        P::TimestampNs,
        1,
        "2262-04-12 is outside the range of timestamp_ns",
    );
    refused(Date32Array::from(vec![i32::MIN]), P::Timestamp, 0, "outside the range of timestamp");
}

#[test]
fn text_of_any_kind_becomes_plain_text() {
    let long = "long enough not to be inlined in a view";
    let expect = || vec![Some(Value::from("é")), None, Some(Value::from(long))];
    let text = || vec![Some("é"), None, Some(long)];
    check(LargeStringArray::from(text()), P::String, expect());
    check(StringViewArray::from(text()), P::String, expect());
    let bytes = || text().into_iter().map(|text| text.map(str::as_bytes)).collect::<Vec<_>>();
    check(BinaryArray::from(bytes()), P::String, expect());
    check(LargeBinaryArray::from(bytes()), P::String, expect());
    check(BinaryViewArray::from(bytes()), P::String, expect());
    let fixed = FixedSizeBinaryArray::try_from_iter([b"ab", b"cd"].into_iter()).unwrap();
    check(fixed, P::String, vec![Some("ab".into()), Some("cd".into())]);
    refused(BinaryArray::from(vec![&b"a"[..], b"\xc3\x28"]), P::String, 1, "the text is no UTF-8");
    refused(BinaryViewArray::from(vec![&b"\xed\xa0\x80"[..]]), P::String, 0, "the text is no UTF-8");
    impossible(Int32Array::from(vec![1]), P::String);
}

#[test]
fn bytes_below_a_null_need_not_be_text() {
    let bytes = BinaryArray::new(
        OffsetBuffer::from_lengths([1, 2, 1]),
        Buffer::from(b"a\xc3\x28b".as_slice()),
        Some(NullBuffer::from(vec![true, false, true])),
    );
    check(bytes, P::String, vec![Some("a".into()), None, Some("b".into())]);
}

#[test]
fn bytes_of_any_kind_become_plain_bytes() {
    let expect = |wrap: fn(Vec<u8>) -> Value| vec![Some(wrap(b"ab".to_vec())), None, Some(wrap(vec![]))];
    let bytes = || vec![Some(&b"ab"[..]), None, Some(&b""[..])];
    check(LargeBinaryArray::from(bytes()), P::Binary, expect(Value::Binary));
    check(BinaryViewArray::from(bytes()), P::Geometry(None), expect(Value::Geometry));
    check(BinaryArray::from(bytes()), P::Geography(None, None), expect(Value::Geography));
    check(StringArray::from(vec![Some("ab"), None, Some("")]), P::Binary, expect(Value::Binary));
    check(LargeStringArray::from(vec![Some("ab"), None, Some("")]), P::Binary, expect(Value::Binary));
    check(StringViewArray::from(vec![Some("ab"), None, Some("")]), P::Binary, expect(Value::Binary));
    let fixed = FixedSizeBinaryArray::try_from_iter([b"ab"].into_iter()).unwrap();
    check(fixed, P::Binary, vec![Some(Value::Binary(b"ab".to_vec()))]);
    impossible(Int32Array::from(vec![1]), P::Binary);
}

#[test]
fn uuids_and_fixed_bytes_must_have_their_length() {
    let uuid = Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    let expect = || vec![Some(Value::Uuid(uuid)), None];
    let bytes = || vec![Some(&uuid.as_bytes()[..]), None];
    check(BinaryArray::from(bytes()), P::Uuid, expect());
    check(LargeBinaryArray::from(bytes()), P::Uuid, expect());
    check(BinaryViewArray::from(bytes()), P::Uuid, expect());
    let text = uuid.to_string();
    check(StringArray::from(vec![Some(text.as_str()), None]), P::Uuid, expect());
    refused(BinaryArray::from(vec![&b"abc"[..]]), P::Uuid, 0, "3 bytes where there must be 16");
    refused(StringArray::from(vec!["abc"]), P::Uuid, 0, "no uuid");
    check(
        BinaryArray::from(vec![Some(&b"abc"[..]), None]),
        P::Fixed(3),
        vec![Some(Value::Fixed(b"abc".to_vec())), None],
    );
    refused(BinaryArray::from(vec![&b"abc"[..], b"ab"]), P::Fixed(3), 1, "2 bytes where there must be 3");
    let other = || FixedSizeBinaryArray::try_from_iter([b"ab"].into_iter()).unwrap();
    impossible(other(), P::Fixed(3));
    impossible(other(), P::Uuid);
    impossible(StringArray::from(vec!["abc"]), P::Fixed(3));
}

#[test]
fn dictionaries_and_runs_are_written_out() {
    let keys = Int8Array::from(vec![Some(1), None, Some(0), Some(1)]);
    let dictionary = DictionaryArray::<Int8Type>::new(keys, arc(Int16Array::from(vec![Some(5), None])));
    check(dictionary, P::Long, vec![None, None, Some(Value::Long(5)), None]);
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    check(dictionary, P::String, vec![Some("a".into()), None, Some("b".into()), Some("a".into())]);
    let runs = RunArray::<Int32Type>::try_new(
        &Int32Array::from(vec![2, 3, 5]),
        &StringViewArray::from(vec![Some("a"), None, Some("b")]),
    );
    let runs = runs.unwrap();
    let expect: Vec<Option<Value>> =
        vec![Some("a".into()), Some("a".into()), None, Some("b".into()), Some("b".into())];
    check(runs.clone(), P::String, expect.clone());
    for (start, length) in [(1, 3), (2, 1), (3, 2), (4, 1), (5, 0)] {
        let made = read(&arc(runs.slice(start, length)), &P::String.into()).unwrap();
        assert_eq!(values_of(&made, &P::String.into()), expect[start..start + length]);
    }
}

#[test]
fn nulls_become_anything_and_anything_becomes_unknown() {
    for to in [P::Int, P::String, P::Uuid, P::Decimal { precision: 3, scale: 1 }, P::Timestamptz, P::Unknown]
    {
        check(NullArray::new(2), to, vec![None, None]);
    }
    check(StringArray::from(vec!["a"]), P::Unknown, vec![None]);
}

#[test]
fn variants_are_read_from_any_width_of_bytes_and_not_when_shredded() {
    let exact = variants(&[Some((vec![1, 0, 0], vec![0x0c, 7])), None]);
    assert!(std::sync::Arc::ptr_eq(&exact, &read(&exact, &Type::Variant).unwrap()));
    let part = |bytes: &[u8]| arc(BinaryViewArray::from(vec![Some(bytes), None]));
    let field = |name: &str| arrow::datatypes::Field::new(name, DataType::BinaryView, true);
    let stored = |names: &[&str], parts: Vec<ArrayRef>| {
        let fields: Vec<_> = names.iter().map(|name| field(name)).collect();
        arc(StructArray::new(fields.into(), parts, Some(NullBuffer::from(vec![true, false]))))
    };
    let views = stored(&["value", "metadata"], vec![part(&[0x0c, 7]), part(&[1, 0, 0])]);
    let made = read(&views, &Type::Variant).unwrap();
    assert_eq!(made.as_struct().column(0).as_binary::<i32>().value(0), [1, 0, 0]);
    assert_eq!(made.as_struct().column(1).as_binary::<i32>().value(0), [0x0c, 7]);
    assert!(made.is_null(1));
    let shredded = stored(&["metadata", "value", "typed_value"], vec![part(&[1]), part(&[2]), part(&[3])]);
    let error = read_as(&shredded, &Type::Variant, "v", "f").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let incomplete = stored(&["metadata"], vec![part(&[1])]);
    assert!(matches!(read_as(&incomplete, &Type::Variant, "v", "f"), Err(DataError::WrongType { .. })));
    let lacking = stored(
        &["metadata", "value"],
        vec![part(&[1]), arc(BinaryViewArray::from(vec![None::<&[u8]>, None]))],
    );
    let error = read_as(&lacking, &Type::Variant, "v", "f").unwrap_err();
    assert!(matches!(error, DataError::BadValue { row: 0, .. }), "{error}");
    assert_eq!(read(&arc(NullArray::new(2)), &Type::Variant).unwrap().null_count(), 2);
}

#[test]
fn nested_types_are_not_read_here() {
    let to = ListType::optional(1, P::Int).into();
    let error = read_as(&arc(Int32Array::from(vec![1])), &to, "a", "f").unwrap_err();
    assert!(matches!(error, DataError::WrongType { .. }));
}

#[test]
fn the_message_of_a_refusal_says_what_and_where() {
    let error = read(&arc(UInt64Array::from(vec![1])), &P::Long.into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data/f.parquet: column `a.b` is UInt64, which cannot be read as long; the file was written with a type that the column \
         never had, or its field id is that of another column"
    );
}
