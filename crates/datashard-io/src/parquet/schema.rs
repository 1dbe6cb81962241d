//! Iceberg schemas as Parquet schemas: physical and logical types by the format, and a field id at every level.

use std::sync::Arc;

use datashard_spec::id::FieldId;
use datashard_spec::schema::{EdgeAlgorithm, NestedField, PrimitiveType, Schema, Type};
use parquet::basic::{EdgeInterpolationAlgorithm, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type as ParquetType, TypePtr};

use super::stored::{StoredPart, StoredStruct};

/// The Parquet schema of what a file stores of a schema.
pub(super) fn schema_to_parquet(schema: &Schema, stored: &StoredStruct) -> Result<TypePtr, ParquetError> {
    let fields = fields(schema.fields(), stored)?;
    Ok(Arc::new(ParquetType::group_type_builder("table").with_fields(fields).build()?))
}

/// Bytes of a decimal of this precision that is stored as fixed: the least n with 10^precision <= 2^(8n - 1).
pub(super) fn decimal_length(precision: u8) -> i32 {
    let greatest =
        10_i128.checked_pow(u32::from(precision)).map_or(i128::MAX, |power| power.saturating_sub(1));
    let bits = i128::BITS.saturating_sub(greatest.leading_zeros()).saturating_add(1); // and the sign
    i32::try_from(bits.div_ceil(8)).unwrap_or(16)
}

fn fields(all: &[NestedField], stored: &StoredStruct) -> Result<Vec<TypePtr>, ParquetError> {
    let kept = stored.parts.iter().filter_map(|(at, part)| Some((all.get(*at)?, part)));
    kept.map(|(field, part)| node(field.id, &field.name, field.required, &field.field_type, part)).collect()
}

fn node(
    id: FieldId,
    name: &str,
    required: bool,
    value_type: &Type,
    part: &StoredPart,
) -> Result<TypePtr, ParquetError> {
    let repetition = if required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let group = |fields, logical| {
        ParquetType::group_type_builder(name)
            .with_fields(fields)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_id(Some(id.0))
            .build()
    };
    let built = match (value_type, part) {
        (Type::Struct(inner), StoredPart::Struct(parts)) => group(fields(&inner.fields, parts)?, None)?,
        (Type::List(list), StoredPart::List(part)) => {
            let element = node(list.element_id, "element", list.element_required, &list.element, part)?;
            group(vec![repeated("list", vec![element])?], Some(LogicalType::List))?
        }
        (Type::Map(map), StoredPart::Map(parts)) => {
            let key = node(map.key_id, "key", true, &map.key, &parts.0)?;
            let value = node(map.value_id, "value", map.value_required, &map.value, &parts.1)?;
            group(vec![repeated("key_value", vec![key, value])?], Some(LogicalType::Map))?
        }
        (Type::Variant, _) => {
            let part = |name| {
                let bytes = ParquetType::primitive_type_builder(name, PhysicalType::BYTE_ARRAY);
                bytes.with_repetition(Repetition::REQUIRED).build().map(Arc::new)
            };
            group(vec![part("metadata")?, part("value")?], Some(LogicalType::variant(Some(1))))?
        }
        (Type::Primitive(primitive), _) => leaf(id, name, repetition, primitive)?,
        (other, _) => return Err(ParquetError::General(format!("type {other} has no form in Parquet"))),
    };
    Ok(Arc::new(built))
}

fn repeated(name: &str, fields: Vec<TypePtr>) -> Result<TypePtr, ParquetError> {
    let group = ParquetType::group_type_builder(name).with_fields(fields);
    group.with_repetition(Repetition::REPEATED).build().map(Arc::new)
}

fn leaf(
    id: FieldId,
    name: &str,
    repetition: Repetition,
    primitive: &PrimitiveType,
) -> Result<ParquetType, ParquetError> {
    let timestamp = |utc, unit| (PhysicalType::INT64, Some(LogicalType::timestamp(utc, unit)));
    let (physical, logical) = match primitive {
        PrimitiveType::Boolean => (PhysicalType::BOOLEAN, None),
        PrimitiveType::Int => (PhysicalType::INT32, None),
        PrimitiveType::Long => (PhysicalType::INT64, None),
        PrimitiveType::Float => (PhysicalType::FLOAT, None),
        PrimitiveType::Double => (PhysicalType::DOUBLE, None),
        PrimitiveType::Decimal { precision, scale } => {
            let physical = match precision {
                0..=9 => PhysicalType::INT32,
                10..=18 => PhysicalType::INT64,
                _ => PhysicalType::FIXED_LEN_BYTE_ARRAY,
            };
            (physical, Some(LogicalType::decimal(i32::from(*scale), i32::from(*precision))))
        }
        PrimitiveType::Date => (PhysicalType::INT32, Some(LogicalType::Date)),
        PrimitiveType::Time => (PhysicalType::INT64, Some(LogicalType::time(false, TimeUnit::MICROS))),
        PrimitiveType::Timestamp => timestamp(false, TimeUnit::MICROS),
        PrimitiveType::Timestamptz => timestamp(true, TimeUnit::MICROS),
        PrimitiveType::TimestampNs => timestamp(false, TimeUnit::NANOS),
        PrimitiveType::TimestamptzNs => timestamp(true, TimeUnit::NANOS),
        PrimitiveType::String => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        PrimitiveType::Uuid => (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)),
        PrimitiveType::Fixed(_) => (PhysicalType::FIXED_LEN_BYTE_ARRAY, None),
        PrimitiveType::Binary => (PhysicalType::BYTE_ARRAY, None),
        PrimitiveType::Geometry(crs) => {
            (PhysicalType::BYTE_ARRAY, Some(LogicalType::geometry(crs.as_deref().map(str::to_owned))))
        }
        PrimitiveType::Geography(crs, edges) => {
            let crs = crs.as_deref().map(str::to_owned);
            let edges = edges.map(edge_algorithm).transpose()?;
            (PhysicalType::BYTE_ARRAY, Some(LogicalType::geography(crs, edges)))
        }
        PrimitiveType::Unknown => (PhysicalType::INT32, Some(LogicalType::Unknown)),
        other => return Err(ParquetError::General(format!("type {other} has no form in Parquet"))),
    };
    let length = match primitive {
        PrimitiveType::Uuid => 16,
        PrimitiveType::Fixed(length) => i32::try_from(*length).unwrap_or(i32::MAX),
        PrimitiveType::Decimal { precision: precision @ 19.., .. } => decimal_length(*precision),
        _ => -1,
    };
    let mut builder = ParquetType::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_length(length)
        .with_id(Some(id.0));
    if let PrimitiveType::Decimal { precision, scale } = primitive {
        builder = builder.with_precision(i32::from(*precision)).with_scale(i32::from(*scale));
    }
    builder.build()
}

fn edge_algorithm(edges: EdgeAlgorithm) -> Result<EdgeInterpolationAlgorithm, ParquetError> {
    Ok(match edges {
        EdgeAlgorithm::Spherical => EdgeInterpolationAlgorithm::SPHERICAL,
        EdgeAlgorithm::Vincenty => EdgeInterpolationAlgorithm::VINCENTY,
        EdgeAlgorithm::Thomas => EdgeInterpolationAlgorithm::THOMAS,
        EdgeAlgorithm::Andoyer => EdgeInterpolationAlgorithm::ANDOYER,
        EdgeAlgorithm::Karney => EdgeInterpolationAlgorithm::KARNEY,
        other => {
            return Err(ParquetError::General(format!("edge algorithm {other:?} has no form in Parquet")));
        }
    })
}
