//! What callers may hand in for a column without parts, and what not.

use arrow::array::*;
use arrow::datatypes::Int8Type;
use datashard_spec::schema::{NestedField, PrimitiveType as P, Schema};
use datashard_spec::value::Value;
use datashard_spec::value::datetime::MICROS_PER_DAY;

use super::{arc, values_of};
use crate::arrow::{conform_batch, schema_to_arrow};
use crate::data_error::DataError;

fn conform(array: &ArrayRef, to: &P) -> Result<ArrayRef, DataError> {
    let schema = Schema::new(vec![NestedField::optional(1, "c", to.clone())]).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable([("c", array.clone(), true)]).unwrap();
    let made = conform_batch(&batch, &schema)?;
    assert_eq!(made.schema(), schema_to_arrow(&schema).unwrap());
    Ok(made.column(0).clone())
}

fn check(array: impl Array + 'static, to: P, expect: &[Option<Value>]) {
    let array = arc(array);
    let made = conform(&array, &to).unwrap_or_else(|error| panic!("{} as {to}: {error}", array.data_type()));
    assert_eq!(values_of(&made, &to.clone().into()), expect, "{} as {to}", array.data_type());
}

fn refused(array: impl Array + 'static, to: P, advice: &str) {
    let array = arc(array);
    let error = conform(&array, &to).unwrap_err();
    let DataError::WrongType { advice: found, column, place, .. } = &error else {
        panic!("{} as {to}: {error}", array.data_type())
    };
    assert_eq!((place.as_str(), column.as_str()), ("record batch", "c"));
    assert!(found.contains(advice), "{} as {to}: {found}", array.data_type());
}

fn bad(array: impl Array + 'static, to: P, message: &str) {
    let error = conform(&arc(array), &to).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn narrower_types_are_widened() {
    check(Int8Array::from(vec![Some(-1), None]), P::Int, &[Some(Value::Int(-1)), None]);
    check(UInt32Array::from(vec![u32::MAX]), P::Long, &[Some(Value::Long(4_294_967_295))]);
    check(Float32Array::from(vec![f32::NAN]), P::Double, &[Some(Value::Double(f64::NAN))]);
    let decimals = Decimal64Array::from(vec![12]).with_precision_and_scale(3, 1).unwrap();
    check(decimals, P::Decimal { precision: 5, scale: 1 }, &[Some(Value::decimal(12, 1))]);
    check(TimestampSecondArray::from(vec![-1]), P::Timestamp, &[Some(Value::Timestamp(-1_000_000))]);
    let zoned = TimestampMillisecondArray::from(vec![1]).with_timezone("Asia/Tokyo");
    check(zoned, P::TimestamptzNs, &[Some(Value::TimestamptzNs(1_000_000))]);
    check(Date64Array::from(vec![86_400_000]), P::Date, &[Some(Value::Date(1))]);
    check(Date32Array::from(vec![1]), P::Timestamp, &[Some(Value::Timestamp(MICROS_PER_DAY))]);
    check(Time32SecondArray::from(vec![1]), P::Time, &[Some(Value::Time(1_000_000))]);
    check(LargeStringArray::from(vec!["a"]), P::String, &[Some("a".into())]);
    check(StringViewArray::from(vec!["a"]), P::String, &[Some("a".into())]);
    check(LargeBinaryArray::from(vec![&b"a"[..]]), P::Binary, &[Some(Value::Binary(b"a".to_vec()))]);
    let fixed = FixedSizeBinaryArray::try_from_iter([b"ab"].into_iter()).unwrap();
    check(fixed, P::Binary, &[Some(Value::Binary(b"ab".to_vec()))]);
    let dictionary: DictionaryArray<Int8Type> = vec![Some("x"), None].into_iter().collect();
    check(dictionary, P::String, &[Some("x".into()), None]);
    check(NullArray::new(1), P::String, &[None]);
    check(NullArray::new(1), P::Unknown, &[None]);
}

#[test]
fn what_might_lose_or_change_meaning_is_refused_with_advice() {
    refused(Int64Array::from(vec![1]), P::Int, "widen the column");
    refused(UInt64Array::from(vec![1]), P::Long, "decimal(20, 0)");
    refused(Float64Array::from(vec![1.0]), P::Float, "widen the column");
    refused(Int32Array::from(vec![1]), P::Double, "cast it first");
    let decimals = || Decimal128Array::from(vec![1]).with_precision_and_scale(9, 2).unwrap();
    refused(decimals(), P::Decimal { precision: 8, scale: 2 }, "the scale has to be the same");
    refused(decimals(), P::Decimal { precision: 20, scale: 3 }, "the scale has to be the same");
    refused(TimestampNanosecondArray::from(vec![1]), P::Timestamp, "round to microseconds");
    refused(TimestampMicrosecondArray::from(vec![1]), P::Timestamptz, "give the column its zone");
    let zoned = || TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC");
    refused(zoned(), P::Timestamp, "take the zone off");
    refused(Date32Array::from(vec![1]), P::Timestamptz, "cast it first");
    refused(Time64NanosecondArray::from(vec![1000]), P::Time, "round to microseconds");
    refused(Int64Array::from(vec![1]), P::Time, "cast it first");
    refused(Int32Array::from(vec![1]), P::Date, "cast it first");
    refused(BinaryArray::from(vec![&b"a"[..]]), P::String, "cast it first");
    refused(StringArray::from(vec!["a"]), P::Binary, "cast it first");
    refused(BinaryArray::from(vec![&[0; 16][..]]), P::Uuid, "cast it first");
    refused(StringArray::from(vec!["00112233-4455-6677-8899-aabbccddeeff"]), P::Uuid, "cast it first");
    refused(BinaryArray::from(vec![&b"ab"[..]]), P::Fixed(2), "cast it first");
    refused(BinaryArray::from(vec![&b"ab"[..]]), P::Decimal { precision: 5, scale: 0 }, "cast it first");
    refused(Int32Array::from(vec![1]), P::Unknown, "cast it first");
}

#[test]
fn values_out_of_range_are_refused_even_if_arrow_lets_them_pass() {
    // Arrow checks neither; Parquet would cut the decimal to 32 bits.
    let decimals = Decimal128Array::from(vec![99_999, 100_000]).with_precision_and_scale(5, 2).unwrap();
    bad(
        decimals,
        P::Decimal { precision: 5, scale: 2 },
        "record batch, row 1: column `c`: 1000.00 has more digits than decimal(5, 2)",
    );
    bad(
        Time64MicrosecondArray::from(vec![0, -1]),
        P::Time,
        "record batch, row 1: column `c`: -1 microseconds are no time of day",
    );
    bad(
        TimestampSecondArray::from(vec![i64::MIN]),
        P::Timestamp,
        "record batch, row 0: column `c`: -9223372036854775808 seconds since 1970 are outside the range of timestamp",
    );
    bad(
        Date64Array::from(vec![1]),
        P::Date,
        "record batch, row 0: column `c`: 1 milliseconds since 1970 are no whole day that a date can hold",
    );
}

#[test]
fn values_below_nulls_do_not_count() {
    use arrow::buffer::NullBuffer;
    let nulls = || Some(NullBuffer::from(vec![false]));
    let decimals =
        Decimal128Array::new(vec![i128::MAX].into(), nulls()).with_precision_and_scale(5, 2).unwrap();
    check(decimals, P::Decimal { precision: 5, scale: 2 }, &[None]);
    check(Time64MicrosecondArray::new(vec![-1].into(), nulls()), P::Time, &[None]);
    check(TimestampSecondArray::new(vec![i64::MIN].into(), nulls()), P::Timestamp, &[None]);
}

#[test]
fn runs_of_no_rows_are_no_rows() {
    use arrow::datatypes::{Int16Type, Int32Type};
    let none = RunArray::<Int32Type>::try_new(
        &Int32Array::from(Vec::<i32>::new()),
        &StringArray::from(Vec::<&str>::new()),
    );
    check(none.unwrap(), P::String, &[]);
    let runs = RunArray::<Int16Type>::try_new(
        &Int16Array::from(vec![2, 5]),
        &StringArray::from(vec![Some("a"), None]),
    )
    .unwrap();
    for start in 0..=5 {
        check(runs.slice(start, 0), P::String, &[]);
    }
    check(runs.slice(1, 2), P::String, &[Some("a".into()), None]);
}

#[test]
fn text_that_grows_beyond_what_offsets_count_is_refused() {
    // Two thousand times one long text: small as a dictionary, or as runs.
    let text = StringArray::from(vec!["x".repeat(1 << 20)]);
    let keys = Int8Array::from(vec![0_i8; 2048]);
    let dictionary = DictionaryArray::<Int8Type>::try_new(keys, arc(text.clone())).unwrap();
    let runs =
        RunArray::<arrow::datatypes::Int32Type>::try_new(&Int32Array::from(vec![2048]), &text).unwrap();
    for array in [arc(dictionary), arc(runs)] {
        let error = conform(&array, &P::String).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }
}
