//! Arrow schemas as Iceberg schemas.
//!
//! Arrow has more types than Iceberg. Those whose every value has a place in a wider type become that type; the others are refused by name,
//! with the path of the column and what to do. Nothing is guessed from values.

mod path;
mod primitive;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};

use super::FIELD_ID_KEY;
use super::extension::Mark;
use super::to_schema::DOC_KEY;
use crate::data_error::DataError;
use path::{Path, invalid, wrong_type};

/// What errors name as the place.
const PLACE: &str = "Arrow schema";

/// The Iceberg schema of an Arrow schema whose fields carry ids at every level: columns, members of structs, elements, keys and values.
///
/// | Arrow | Iceberg |
/// |---|---|
/// | Int8, Int16, UInt8, UInt16, Int32 | int |
/// | UInt32, Int64 | long |
/// | Float16, Float32; Float64 | float; double |
/// | Decimal32, Decimal64, Decimal128, Decimal256 up to 38 digits | decimal |
/// | Date32, Date64 | date |
/// | Time32, Time64 in microseconds | time |
/// | Timestamp in s, ms, us; in ns | timestamp; timestamp_ns. With any zone: timestamptz; timestamptz_ns |
/// | Utf8, LargeUtf8, Utf8View | string |
/// | Binary, LargeBinary, BinaryView | binary, or a shape with extension `geoarrow.wkb` |
/// | FixedSizeBinary | fixed, or uuid with extension `arrow.uuid` |
/// | Dictionary, RunEndEncoded | the type of their values |
/// | List, LargeList, FixedSizeList, ListView, LargeListView | list |
/// | Map, Struct | map, struct; or variant with extension `arrow.parquet.variant` |
/// | Null | unknown |
///
/// A doc under `doc` is kept. Whether a `fixed(16)` is a uuid, and bytes a shape, Arrow's plain types don't say.
///
/// # Errors
/// `InvalidInput` for a missing or repeated id, two columns of one name, an id that is no number, or a type that has to be changed first
/// (UInt64, Time64 in nanoseconds, decimals of negative scale or more than 38 digits); `Unsupported` for types without any counterpart
/// (Duration, Interval, Union).
///
/// # Examples
/// ```
/// use datashard_io::arrow::{schema_from_arrow, schema_to_arrow};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::optional(3, "at", PrimitiveType::Timestamptz)])?;
/// assert_eq!(schema_from_arrow(schema_to_arrow(&schema)?.as_ref())?, schema);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn schema_from_arrow(schema: &ArrowSchema) -> Result<Schema, DataError> {
    read(schema, &mut Ids::Given)
}

/// The Iceberg schema of an Arrow schema, with ids given in order from 1, whatever ids the fields carry: all columns first, then what lies
/// inside each of them, as a new table gets them.
///
/// Types as in [`schema_from_arrow`].
///
/// # Errors
/// As [`schema_from_arrow`], but for ids.
///
/// # Examples
/// ```
/// use datashard_io::arrow::datatypes::{DataType, Field, Schema};
/// use datashard_io::arrow::schema_from_arrow_with_fresh_ids;
///
/// let item = Field::new("item", DataType::UInt32, false);
/// let arrow = Schema::new(vec![Field::new("a", DataType::List(item.into()), true), Field::new("b", DataType::LargeUtf8, true)]);
/// let schema = schema_from_arrow_with_fresh_ids(&arrow)?;
/// assert_eq!(schema.field_by_name("b").unwrap().id.0, 2);
/// assert_eq!(schema.field_by_name("a.element").unwrap().id.0, 3);
/// # Ok::<(), datashard_io::DataError>(())
/// ```
pub fn schema_from_arrow_with_fresh_ids(schema: &ArrowSchema) -> Result<Schema, DataError> {
    let numbered = read(schema, &mut Ids::Made { last: FieldId(0) })?;
    numbered.with_fresh_ids().map_err(|error| spec(PLACE, error))
}

fn read(schema: &ArrowSchema, ids: &mut Ids) -> Result<Schema, DataError> {
    let fields: Result<Vec<NestedField>, DataError> =
        schema.fields().iter().map(|field| nested_field(field, &Path::ROOT, ids)).collect();
    Schema::new(fields?).map_err(|error| spec(PLACE, error))
}

fn spec(place: &str, error: datashard_spec::schema::SchemaError) -> DataError {
    DataError::Spec { place: place.to_owned(), source: Box::new(error.into()) }
}

/// Where field ids come from.
enum Ids {
    /// Metadata of fields.
    Given,
    /// A counter; they are for the walk only.
    Made { last: FieldId },
}

impl Ids {
    fn of(&mut self, field: &Field, path: &Path<'_>) -> Result<FieldId, DataError> {
        match self {
            Self::Made { last } => {
                last.0 = last.0.saturating_add(1);
                Ok(*last)
            }
            Self::Given => match field_id(field.metadata()) {
                Some(Ok(id)) => Ok(id),
                Some(Err(text)) => {
                    Err(invalid(path, &format!("has the field id {text:?}, which is no number")))
                }
                None => Err(invalid(
                    path,
                    &format!(
                        "has no field id in its metadata (key `{FIELD_ID_KEY}`); give it one, or ask for fresh ids"
                    ),
                )),
            },
        }
    }
}

/// The field id in the metadata of a field, if there is one; as text if it is no number.
pub(crate) fn field_id(metadata: &HashMap<String, String>) -> Option<Result<FieldId, &str>> {
    let text = metadata.get(FIELD_ID_KEY)?;
    Some(text.parse().map(FieldId).map_err(|_| text.as_str()))
}

fn nested_field(field: &Field, parent: &Path<'_>, ids: &mut Ids) -> Result<NestedField, DataError> {
    let path = parent.below(field.name())?;
    let id = ids.of(field, &path)?;
    let field_type = typed(field, &path, ids)?;
    // A null is a null: a column of nothing else cannot be required.
    let optional = field.is_nullable() || field_type == Type::Primitive(PrimitiveType::Unknown);
    let made = if optional {
        NestedField::optional(id.0, field.name(), field_type)
    } else {
        NestedField::required(id.0, field.name(), field_type)
    };
    Ok(match field.metadata().get(DOC_KEY) {
        Some(doc) => made.with_doc(doc),
        None => made,
    })
}

/// The type of a field, its extension looked at.
fn typed(field: &Field, path: &Path<'_>, ids: &mut Ids) -> Result<Type, DataError> {
    let data_type = stored_type(field.data_type());
    let mark = Mark::of(field.metadata()).map_err(|reason| wrong_type(path, field.data_type(), &reason))?;
    match (mark, data_type) {
        (Mark::Uuid, DataType::FixedSizeBinary(16)) => Ok(PrimitiveType::Uuid.into()),
        (Mark::Shape(shape), DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => {
            Ok(shape.into())
        }
        (Mark::Variant, DataType::Struct(fields)) => {
            let mut names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            names.sort_unstable();
            match names.as_slice() {
                ["metadata", "value"] => Ok(Type::Variant),
                _ => Err(wrong_type(
                    path,
                    field.data_type(),
                    "a variant has `metadata` and `value` and no more",
                )),
            }
        }
        (Mark::Plain, data_type) => plain(data_type, path, ids),
        (_, data_type) => Err(wrong_type(
            path,
            data_type,
            "its extension type is never stored like that; take the extension's name off",
        )),
    }
}

/// The type of the values, however they are encoded.
fn stored_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => stored_type(values),
        DataType::RunEndEncoded(_, values) => stored_type(values.data_type()),
        other => other,
    }
}

fn plain(data_type: &DataType, path: &Path<'_>, ids: &mut Ids) -> Result<Type, DataError> {
    use DataType as D;
    Ok(match data_type {
        D::Struct(fields) => {
            let fields: Result<Vec<NestedField>, DataError> =
                fields.iter().map(|field| nested_field(field, path, ids)).collect();
            StructType::new(fields?).into()
        }
        D::List(element)
        | D::LargeList(element)
        | D::FixedSizeList(element, _)
        | D::ListView(element)
        | D::LargeListView(element) => {
            let path = path.below("element")?;
            let id = ids.of(element, &path)?;
            let element_type = typed(element, &path, ids)?;
            if element.is_nullable() || is_unknown(&element_type) {
                ListType::optional(id.0, element_type).into()
            } else {
                ListType::required(id.0, element_type).into()
            }
        }
        D::Map(entries, _) => map(entries, path, ids)?,
        other => primitive::primitive(other, path)?.into(),
    })
}

fn map(entries: &Field, path: &Path<'_>, ids: &mut Ids) -> Result<Type, DataError> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(wrong_type(path, entries.data_type(), "the entries of a map are structs"));
    };
    let [key, value] = fields.iter().as_slice() else {
        return Err(wrong_type(path, entries.data_type(), "the entries of a map have a key and a value"));
    };
    let (key_path, value_path) = (path.below("key")?, path.below("value")?);
    let (key_id, value_id) = (ids.of(key, &key_path)?, ids.of(value, &value_path)?);
    let key_type = typed(key, &key_path, ids)?;
    if is_unknown(&key_type) {
        return Err(wrong_type(&key_path, key.data_type(), "keys are never null"));
    }
    let value_type = typed(value, &value_path, ids)?;
    Ok(if value.is_nullable() || is_unknown(&value_type) {
        MapType::optional(key_id.0, key_type, value_id.0, value_type).into()
    } else {
        MapType::required(key_id.0, key_type, value_id.0, value_type).into()
    })
}

fn is_unknown(value_type: &Type) -> bool {
    *value_type == Type::Primitive(PrimitiveType::Unknown)
}
