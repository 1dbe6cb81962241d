//! Schemas there and back, each widening, each refusal with its words.

use std::sync::Arc;

use arrow::datatypes::{Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use datashard_spec::error::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::arrow::extension::{EXTENSION_METADATA_KEY, EXTENSION_NAME_KEY};
use crate::arrow::schema_to_arrow;
use crate::arrow::testing;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn schemas_come_back_from_arrow_as_they_were(schema in testing::schema()) {
        let arrow = schema_to_arrow(&schema).unwrap();
        prop_assert_eq!(&schema_from_arrow(&arrow).unwrap(), &schema);
        prop_assert_eq!(
            schema_from_arrow_with_fresh_ids(&arrow).unwrap(),
            schema.with_fresh_ids().unwrap()
        );
    }
}

fn one(field: Field) -> Result<Type, DataError> {
    let schema = schema_from_arrow_with_fresh_ids(&ArrowSchema::new(vec![field]))?;
    Ok(schema.fields()[0].field_type.clone())
}

fn of(data_type: DataType) -> Result<Type, DataError> {
    one(Field::new("c", data_type, true))
}

fn list_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Int8, false))
}

#[test]
fn every_type_with_a_wider_counterpart_becomes_it() {
    use DataType as D;
    use PrimitiveType as P;
    let zone = || Some("Europe/Berlin".into());
    let encoded = |key: D, value: D| D::Dictionary(Box::new(key), Box::new(value));
    let runs = D::RunEndEncoded(
        Arc::new(Field::new("run_ends", D::Int32, false)),
        Arc::new(Field::new("values", encoded(D::UInt8, D::LargeUtf8), true)),
    );
    for (from, to) in [
        (D::Null, P::Unknown),
        (D::Boolean, P::Boolean),
        (D::Int8, P::Int),
        (D::Int16, P::Int),
        (D::Int32, P::Int),
        (D::Int64, P::Long),
        (D::UInt8, P::Int),
        (D::UInt16, P::Int),
        (D::Float16, P::Float),
        (D::Float32, P::Float),
        (D::Float64, P::Double),
        (D::Decimal32(9, 2), P::Decimal { precision: 9, scale: 2 }),
        (D::Decimal64(18, 0), P::Decimal { precision: 18, scale: 0 }),
        (D::Decimal128(38, 38), P::Decimal { precision: 38, scale: 38 }),
        (D::Decimal256(38, 1), P::Decimal { precision: 38, scale: 1 }),
        (D::Date32, P::Date),
        (D::Date64, P::Date),
        (D::Time32(TimeUnit::Second), P::Time),
        (D::Time32(TimeUnit::Millisecond), P::Time),
        (D::Time64(TimeUnit::Microsecond), P::Time),
        (D::Timestamp(TimeUnit::Second, None), P::Timestamp),
        (D::Timestamp(TimeUnit::Millisecond, None), P::Timestamp),
        (D::Timestamp(TimeUnit::Microsecond, None), P::Timestamp),
        (D::Timestamp(TimeUnit::Nanosecond, None), P::TimestampNs),
        (D::Timestamp(TimeUnit::Second, zone()), P::Timestamptz),
        (D::Timestamp(TimeUnit::Microsecond, zone()), P::Timestamptz),
        (D::Timestamp(TimeUnit::Nanosecond, zone()), P::TimestamptzNs),
        (D::Utf8, P::String),
        (D::LargeUtf8, P::String),
        (D::Utf8View, P::String),
        (D::Binary, P::Binary),
        (D::LargeBinary, P::Binary),
        (D::BinaryView, P::Binary),
        (D::FixedSizeBinary(16), P::Fixed(16)),
        (D::FixedSizeBinary(5), P::Fixed(5)),
        (encoded(D::Int32, D::Utf8), P::String),
        (runs, P::String),
    ] {
        assert_eq!(of(from.clone()).unwrap(), to.into(), "{from}");
    }
    for from in [
        D::List(list_field()),
        D::LargeList(list_field()),
        D::FixedSizeList(list_field(), 3),
        D::ListView(list_field()),
        D::LargeListView(list_field()),
    ] {
        assert_eq!(of(from.clone()).unwrap(), ListType::required(2, PrimitiveType::Int).into(), "{from}");
    }
}

#[test]
fn trap_27_unsigned_longs_are_refused_and_unsigned_ints_widened() {
    assert_eq!(of(DataType::UInt32).unwrap(), PrimitiveType::Long.into());
    let error = of(DataType::UInt64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "Arrow schema: column `c` is UInt64, which cannot be read as an Iceberg type; half of its values do not fit a long; \
         make it decimal(20, 0)"
    );
}

#[test]
fn types_that_lose_something_are_refused_with_advice() {
    use DataType as D;
    for (from, advice) in [
        (D::Time64(TimeUnit::Nanosecond), "round it first"),
        (D::Decimal128(10, -2), "cast it to scale 0"),
        (D::Decimal256(39, 2), "at most 38 digits"),
        (D::FixedSizeBinary(-1), "at least one"),
        (D::FixedSizeBinary(0), "at least one"),
        (D::Dictionary(Box::new(D::Int8), Box::new(D::UInt64)), "decimal(20, 0)"),
    ] {
        let error = of(from.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{from}");
        assert!(error.to_string().contains(advice), "{error}");
    }
}

#[test]
fn types_without_counterpart_are_refused_by_path() {
    use DataType as D;
    let union = D::Union(UnionFields::empty(), UnionMode::Dense);
    for (from, advice) in [
        (D::Duration(TimeUnit::Second), "a long"),
        (D::Interval(IntervalUnit::YearMonth), "an int of months"),
        (D::Interval(IntervalUnit::DayTime), "columns of their own"),
        (D::Interval(IntervalUnit::MonthDayNano), "columns of their own"),
        (union, "one field per member"),
    ] {
        let inner = Field::new("x", from.clone(), true);
        let element = Field::new("item", D::Struct(vec![inner].into()), true);
        let error = of(D::List(Arc::new(element))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{from}");
        let text = error.to_string();
        assert!(text.starts_with("Arrow schema, column `c.element.x`: type"), "{text}");
        assert!(text.contains(advice), "{text}");
    }
}

#[test]
fn extension_names_decide_between_types_that_are_stored_alike() {
    let marked = |data_type: DataType, name: &str, parameters: Option<&str>| {
        let mut metadata = HashMap::from([(EXTENSION_NAME_KEY.to_owned(), name.to_owned())]);
        metadata.extend(parameters.map(|p| (EXTENSION_METADATA_KEY.to_owned(), p.to_owned())));
        one(Field::new("c", data_type, true).with_metadata(metadata))
    };
    let parts = |names: &[&str]| {
        DataType::Struct(names.iter().map(|name| Field::new(*name, DataType::BinaryView, true)).collect())
    };
    assert_eq!(
        marked(DataType::FixedSizeBinary(16), "arrow.uuid", None).unwrap(),
        PrimitiveType::Uuid.into()
    );
    assert_eq!(marked(parts(&["value", "metadata"]), "arrow.parquet.variant", None).unwrap(), Type::Variant);
    assert_eq!(
        marked(DataType::BinaryView, "geoarrow.wkb", Some(r#"{"crs":"OGC:CRS84","edges":"spherical"}"#))
            .unwrap(),
        PrimitiveType::Geography(None, None).into()
    );
    // A name that means nothing here changes nothing.
    assert_eq!(marked(DataType::Utf8, "arrow.json", None).unwrap(), PrimitiveType::String.into());
    for (data_type, name) in [
        (DataType::FixedSizeBinary(15), "arrow.uuid"),
        (DataType::Utf8, "arrow.uuid"),
        (DataType::Utf8, "geoarrow.wkb"),
        (DataType::Binary, "arrow.parquet.variant"),
    ] {
        let error = marked(data_type, name, None).unwrap_err();
        assert!(error.to_string().contains("take the extension's name off"), "{error}");
    }
    let shredded = marked(parts(&["metadata", "value", "typed_value"]), "arrow.parquet.variant", None);
    assert!(shredded.unwrap_err().to_string().contains("and no more"));
    let unclear = marked(DataType::Binary, "geoarrow.wkb", Some("[")).unwrap_err();
    assert!(unclear.to_string().contains("no JSON"), "{unclear}");
}

fn with_id(field: Field, id: &str) -> Field {
    field.with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_owned())]))
}

#[test]
fn ids_are_needed_at_every_level_and_once() {
    let element = |id: Option<&str>| {
        let item = Field::new("item", DataType::Int32, true);
        let item = match id {
            Some(id) => with_id(item, id),
            None => item,
        };
        let list = Field::new("l", DataType::List(Arc::new(item)), true);
        schema_from_arrow(&ArrowSchema::new(vec![with_id(list, "1")]))
    };
    assert_eq!(element(Some("9")).unwrap().field_by_name("l.element").unwrap().id, FieldId(9));
    for (id, words) in [
        (None, "field `l.element` has no field id"),
        (Some("x"), "field `l.element` has the field id \"x\", which is no number"),
        (Some("1"), "both"),
    ] {
        let error = element(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(error.to_string().contains(words) || cause.contains("id 1"), "{error}: {cause}");
    }
    let pair = |key: &str, value: &str| -> Fields {
        vec![
            with_id(Field::new("k", DataType::Utf8, false), key),
            with_id(Field::new("v", DataType::Utf8, false), value),
        ]
        .into()
    };
    let entries = Field::new("entries", DataType::Struct(pair("2", "3")), false);
    let map = with_id(Field::new("m", DataType::Map(Arc::new(entries), false), false), "1");
    let schema = schema_from_arrow(&ArrowSchema::new(vec![map])).unwrap();
    let expect = MapType::required(2, PrimitiveType::String, 3, PrimitiveType::String);
    assert_eq!(schema.fields()[0].field_type, expect.into());
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let field = || Field::new("a", DataType::Int32, true);
    let error = schema_from_arrow_with_fresh_ids(&ArrowSchema::new(vec![field(), field()])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn fresh_ids_number_the_columns_before_their_parts() {
    let inner = Field::new("x", DataType::Int32, false);
    let outer = with_id(Field::new("s", DataType::Struct(vec![inner].into()), true), "50");
    let schema = schema_from_arrow_with_fresh_ids(&ArrowSchema::new(vec![
        outer,
        Field::new("b", DataType::Utf8, true),
    ]));
    let schema = schema.unwrap();
    let ids: Vec<_> = ["s", "b", "s.x"].map(|name| schema.field_by_name(name).unwrap().id.0).into();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn columns_of_nothing_are_optional_whatever_arrow_says() {
    let schema = ArrowSchema::new(vec![Field::new("n", DataType::Null, false)]);
    assert!(!schema_from_arrow_with_fresh_ids(&schema).unwrap().fields()[0].required);
}

#[test]
fn types_nested_too_deep_are_refused() {
    let mut data_type = DataType::Int32;
    for _ in 0..200 {
        data_type = DataType::List(Arc::new(Field::new("item", data_type, true)));
    }
    assert_eq!(of(data_type).unwrap_err().kind(), ErrorKind::Unsupported);
    let mut value_type = Type::from(PrimitiveType::Int);
    for id in 0..200 {
        value_type = ListType::optional(id, value_type).into();
    }
    assert_eq!(crate::arrow::type_to_arrow(&value_type).unwrap_err().kind(), ErrorKind::Unsupported);
}
