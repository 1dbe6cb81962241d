//! Iceberg schemas as Arrow schemas.
//!
//! Every field, and every element, key and value, carries its field id, so that nothing below has to go by name. Types that Arrow lacks
//! are marked as extension types.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, SchemaRef, TimeUnit};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::decimal::MAX_PRECISION;

use super::{FIELD_ID_KEY, extension};
use crate::data_error::DataError;

/// The key of a field's metadata that holds its doc.
pub(crate) const DOC_KEY: &str = "doc";
/// Nested types go no deeper than this, as in the metadata of a table.
pub(crate) const MAX_DEPTH: usize = 100;
/// The zone of timestamps that are instants.
pub(crate) const UTC: &str = "UTC";

/// The Arrow schema of batches in this schema, with field ids at every level (under [`FIELD_ID_KEY`]) and docs (under `doc`).
///
/// | Iceberg | Arrow |
/// |---|---|
/// | boolean, int, long, float, double | Boolean, Int32, Int64, Float32, Float64 |
/// | decimal(P, S) | Decimal128(P, S) |
/// | date, time | Date32, Time64 in microseconds |
/// | timestamp, timestamptz | Timestamp in microseconds, without zone or with `UTC` |
/// | timestamp_ns, timestamptz_ns | Timestamp in nanoseconds, without zone or with `UTC` |
/// | string, binary, fixed(L) | Utf8, Binary, FixedSizeBinary(L) |
/// | uuid | FixedSizeBinary(16), extension `arrow.uuid` |
/// | geometry, geography | Binary (WKB), extension `geoarrow.wkb` |
/// | unknown | Null |
/// | variant | Struct of Binary `metadata` and `value`, extension `arrow.parquet.variant` |
/// | struct, list, map | Struct, List of `element`, Map of `key_value` with `key` and `value` |
///
/// # Errors
/// `Unsupported` for a `fixed` of length 0, or longer than Arrow knows, and for types nested deeper than 100.
///
/// # Examples
/// ```
/// use datashard_io::arrow::{FIELD_ID_KEY, datatypes::DataType, schema_to_arrow};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(7, "id", PrimitiveType::Long)])?;
/// let arrow = schema_to_arrow(&schema)?;
/// assert_eq!(arrow.field(0).data_type(), &DataType::Int64);
/// assert_eq!(arrow.field(0).metadata()[FIELD_ID_KEY], "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn schema_to_arrow(schema: &Schema) -> Result<SchemaRef, DataError> {
    let fields: Result<Fields, DataError> = schema.fields().iter().map(field_to_arrow).collect();
    Ok(Arc::new(ArrowSchema::new(fields?)))
}

/// The Arrow type of values of this type, as in [`schema_to_arrow`]. What a type is beyond it (uuid, shape, variant) stands in the metadata
/// of the field that has the type.
///
/// # Errors
/// As [`schema_to_arrow`].
pub fn type_to_arrow(value_type: &Type) -> Result<DataType, DataError> {
    data_type(value_type, 0)
}

/// The Arrow field of a column or of a struct's field.
pub(crate) fn field_to_arrow(field: &NestedField) -> Result<Field, DataError> {
    named_field(field, 0)
}

/// The Arrow field of a list's element.
pub(crate) fn element_to_arrow(list: &ListType) -> Result<FieldRef, DataError> {
    element(list, 0)
}

/// The Arrow field of a map's entries: a struct of key and value.
pub(crate) fn entries_to_arrow(map: &MapType) -> Result<FieldRef, DataError> {
    entries(map, 0)
}

/// The Arrow fields of a struct.
pub(crate) fn fields_to_arrow(fields: &StructType) -> Result<Fields, DataError> {
    fields.fields.iter().map(field_to_arrow).collect()
}

/// The fields of a variant's struct.
pub(crate) fn variant_fields() -> Fields {
    Fields::from(vec![
        Field::new("metadata", DataType::Binary, false),
        Field::new("value", DataType::Binary, false),
    ])
}

fn named_field(field: &NestedField, depth: usize) -> Result<Field, DataError> {
    let made = part(field.id, &field.name, field.required, &field.field_type, depth)?;
    Ok(match &field.doc {
        None => made,
        Some(doc) => {
            let mut metadata = made.metadata().clone();
            metadata.insert(DOC_KEY.to_owned(), doc.clone());
            made.with_metadata(metadata)
        }
    })
}

fn part(
    id: FieldId,
    name: &str,
    required: bool,
    value_type: &Type,
    depth: usize,
) -> Result<Field, DataError> {
    let mut metadata = HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_string())]);
    extension::mark(value_type, &mut metadata);
    Ok(Field::new(name, data_type(value_type, depth)?, !required).with_metadata(metadata))
}

fn element(list: &ListType, depth: usize) -> Result<FieldRef, DataError> {
    part(list.element_id, "element", list.element_required, &list.element, depth).map(Arc::new)
}

fn entries(map: &MapType, depth: usize) -> Result<FieldRef, DataError> {
    let key = part(map.key_id, "key", true, &map.key, depth)?;
    let value = part(map.value_id, "value", map.value_required, &map.value, depth)?;
    Ok(Arc::new(Field::new("key_value", DataType::Struct(vec![key, value].into()), false)))
}

fn data_type(value_type: &Type, depth: usize) -> Result<DataType, DataError> {
    if depth > MAX_DEPTH {
        return Err(DataError::Unsupported {
            place: "schema".to_owned(),
            what: format!("a type nested deeper than {MAX_DEPTH}"),
            advice: "make it flatter".to_owned(),
        });
    }
    let depth = depth.saturating_add(1);
    Ok(match value_type {
        Type::Primitive(primitive) => primitive_to_arrow(primitive)?,
        Type::Variant => DataType::Struct(variant_fields()),
        Type::Struct(fields) => {
            let fields: Result<Fields, DataError> =
                fields.fields.iter().map(|field| named_field(field, depth)).collect();
            DataType::Struct(fields?)
        }
        Type::List(list) => DataType::List(element(list, depth)?),
        Type::Map(map) => DataType::Map(entries(map, depth)?, false),
        other => return Err(unsupported(other)),
    })
}

/// The Arrow type of values of a primitive type.
pub(crate) fn primitive_to_arrow(primitive: &PrimitiveType) -> Result<DataType, DataError> {
    let utc = || Some(UTC.into());
    Ok(match primitive {
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Int => DataType::Int32,
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Float => DataType::Float32,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Decimal { precision, scale } => match i8::try_from(*scale) {
            Ok(digits) if (1..=MAX_PRECISION).contains(precision) && scale <= precision => {
                DataType::Decimal128(*precision, digits)
            }
            _ => return Err(unsupported(primitive)),
        },
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Time => DataType::Time64(TimeUnit::Microsecond),
        PrimitiveType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        PrimitiveType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, utc()),
        PrimitiveType::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, None),
        PrimitiveType::TimestamptzNs => DataType::Timestamp(TimeUnit::Nanosecond, utc()),
        PrimitiveType::String => DataType::Utf8,
        PrimitiveType::Uuid => DataType::FixedSizeBinary(16),
        PrimitiveType::Fixed(length) => match i32::try_from(*length) {
            // Arrow's kernels (`take` and others) count rows by their bytes and lose all of those without any.
            Ok(0) | Err(_) => return Err(unsupported(primitive)),
            Ok(length) => DataType::FixedSizeBinary(length),
        },
        PrimitiveType::Binary | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => DataType::Binary,
        PrimitiveType::Unknown => DataType::Null,
        other => return Err(unsupported(other)),
    })
}

fn unsupported(value_type: &dyn std::fmt::Display) -> DataError {
    DataError::Unsupported {
        place: "schema".to_owned(),
        what: format!("type {value_type} in Arrow"),
        advice: "leave the column out, or read it with a newer version of this library".to_owned(),
    }
}

#[cfg(test)]
mod tests;
