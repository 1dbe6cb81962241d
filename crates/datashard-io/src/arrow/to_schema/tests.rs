//! Each type's Arrow type, and what stands in the metadata of fields.

use datashard_spec::error::ErrorKind;
use datashard_spec::schema::EdgeAlgorithm;

use super::*;
use crate::arrow::extension::{EXTENSION_METADATA_KEY, EXTENSION_NAME_KEY};

fn meta(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn one(value_type: impl Into<Type>) -> Field {
    let schema = Schema::new(vec![NestedField::optional(5, "c", value_type)]).unwrap();
    schema_to_arrow(&schema).unwrap().field(0).clone()
}

#[test]
fn every_primitive_has_its_arrow_type() {
    use DataType as D;
    use PrimitiveType as P;
    let utc = || Some("UTC".into());
    for (from, to) in [
        (P::Boolean, D::Boolean),
        (P::Int, D::Int32),
        (P::Long, D::Int64),
        (P::Float, D::Float32),
        (P::Double, D::Float64),
        (P::Decimal { precision: 38, scale: 38 }, D::Decimal128(38, 38)),
        (P::Decimal { precision: 1, scale: 0 }, D::Decimal128(1, 0)),
        (P::Date, D::Date32),
        (P::Time, D::Time64(TimeUnit::Microsecond)),
        (P::Timestamp, D::Timestamp(TimeUnit::Microsecond, None)),
        (P::Timestamptz, D::Timestamp(TimeUnit::Microsecond, utc())),
        (P::TimestampNs, D::Timestamp(TimeUnit::Nanosecond, None)),
        (P::TimestamptzNs, D::Timestamp(TimeUnit::Nanosecond, utc())),
        (P::String, D::Utf8),
        (P::Fixed(3), D::FixedSizeBinary(3)),
        (P::Binary, D::Binary),
        (P::Unknown, D::Null),
    ] {
        let field = one(from.clone());
        assert_eq!(field.data_type(), &to, "{from}");
        assert_eq!(type_to_arrow(&from.clone().into()).unwrap(), to, "{from}");
        assert_eq!(field.metadata(), &meta(&[(FIELD_ID_KEY, "5")]), "{from}");
    }
}

#[test]
fn types_that_arrow_lacks_are_marked() {
    let marked = |value_type: Type, name: &str, parameters: Option<&str>| {
        let field = one(value_type);
        let mut expect = meta(&[(FIELD_ID_KEY, "5"), (EXTENSION_NAME_KEY, name)]);
        expect.extend(parameters.map(|text| (EXTENSION_METADATA_KEY.to_owned(), text.to_owned())));
        assert_eq!(field.metadata(), &expect);
        field.data_type().clone()
    };
    let uuid = marked(PrimitiveType::Uuid.into(), "arrow.uuid", None);
    assert_eq!(uuid, DataType::FixedSizeBinary(16));
    let crs84 = Some(r#"{"crs":"OGC:CRS84"}"#);
    let shape = marked(PrimitiveType::Geometry(None).into(), "geoarrow.wkb", crs84);
    assert_eq!(shape, DataType::Binary);
    let karney = PrimitiveType::Geography(Some("EPSG:4326".into()), Some(EdgeAlgorithm::Karney));
    let parameters = Some(r#"{"crs":"EPSG:4326","edges":"karney"}"#);
    assert_eq!(marked(karney.into(), "geoarrow.wkb", parameters), DataType::Binary);
    let variant = marked(Type::Variant, "arrow.parquet.variant", None);
    let part = |name: &str| Field::new(name, DataType::Binary, false);
    assert_eq!(variant, DataType::Struct(vec![part("metadata"), part("value")].into()));
}

#[test]
fn ids_nullability_and_marks_stand_at_every_level() {
    let id = |field: Field, id: &str| field.with_metadata(meta(&[(FIELD_ID_KEY, id)]));
    let map = MapType::optional(7, PrimitiveType::String, 8, ListType::required(9, PrimitiveType::Uuid));
    let member = NestedField::required(6, "m", map).with_doc("all of it");
    let field = one(StructType::new(vec![member]));

    let uuid = meta(&[(FIELD_ID_KEY, "9"), (EXTENSION_NAME_KEY, "arrow.uuid")]);
    let element = Field::new("element", DataType::FixedSizeBinary(16), false).with_metadata(uuid);
    let key = id(Field::new("key", DataType::Utf8, false), "7");
    let value = id(Field::new("value", DataType::List(Arc::new(element)), true), "8");
    let entries = Field::new("key_value", DataType::Struct(vec![key, value].into()), false);
    let member = Field::new("m", DataType::Map(Arc::new(entries), false), false)
        .with_metadata(meta(&[(FIELD_ID_KEY, "6"), ("doc", "all of it")]));
    let expect = id(Field::new("c", DataType::Struct(vec![member].into()), true), "5");
    assert_eq!(field, expect);
}

#[test]
fn types_without_place_in_arrow_are_refused() {
    for value_type in [
        PrimitiveType::Fixed(0),
        PrimitiveType::Fixed(0x8000_0000),
        PrimitiveType::Decimal { precision: 39, scale: 0 },
        PrimitiveType::Decimal { precision: 0, scale: 0 },
        PrimitiveType::Decimal { precision: 3, scale: 4 },
    ] {
        let error = type_to_arrow(&value_type.clone().into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{value_type}");
        assert!(error.to_string().contains(&value_type.to_string()), "{error}");
    }
}
