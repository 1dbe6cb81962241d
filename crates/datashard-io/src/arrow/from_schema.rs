//! Arrow schemas as Iceberg schemas.
//!
//! Arrow has more types than Iceberg. Those whose every value has a place in a wider type become that type; the others are refused by name,
//! with the path of the column and what to do. Nothing is guessed from values.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, IntervalUnit, Schema as ArrowSchema, TimeUnit};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::decimal::MAX_PRECISION;

use super::FIELD_ID_KEY;
use super::extension::Mark;
use super::to_schema::{DOC_KEY, MAX_DEPTH};
use crate::data_error::DataError;

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

/// The way down to a field, for errors.
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
    depth: usize,
}

impl<'a> Path<'a> {
    const ROOT: Path<'static> = Path { parent: None, name: "", depth: 0 };

    fn below(&'a self, name: &'a str) -> Result<Self, DataError> {
        if self.depth >= MAX_DEPTH {
            return Err(DataError::Unsupported {
                place: PLACE.to_owned(),
                what: format!("a type nested deeper than {MAX_DEPTH}"),
                advice: "make it flatter".to_owned(),
            });
        }
        Ok(Path { parent: Some(self), name, depth: self.depth.saturating_add(1) })
    }

    fn full_name(&self) -> String {
        match self.parent {
            None => String::new(),
            Some(parent) if parent.parent.is_none() => self.name.to_owned(),
            Some(parent) => format!("{}.{}", parent.full_name(), self.name),
        }
    }
}

fn invalid(path: &Path<'_>, reason: &str) -> DataError {
    DataError::WrongColumns {
        place: PLACE.to_owned(),
        reason: format!("field `{}` {reason}", path.full_name()),
    }
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
        other => primitive(other, path)?.into(),
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

fn primitive(data_type: &DataType, path: &Path<'_>) -> Result<PrimitiveType, DataError> {
    use DataType as D;
    use PrimitiveType as P;
    Ok(match data_type {
        D::Null => P::Unknown,
        D::Boolean => P::Boolean,
        D::Int8 | D::Int16 | D::Int32 | D::UInt8 | D::UInt16 => P::Int,
        D::Int64 | D::UInt32 => P::Long,
        D::UInt64 => {
            return Err(wrong_type(
                path,
                data_type,
                "half of its values do not fit a long; make it decimal(20, 0)",
            ));
        }
        D::Float16 | D::Float32 => P::Float,
        D::Float64 => P::Double,
        D::Decimal32(precision, scale)
        | D::Decimal64(precision, scale)
        | D::Decimal128(precision, scale)
        | D::Decimal256(precision, scale) => decimal(data_type, *precision, *scale, path)?,
        D::Date32 | D::Date64 => P::Date,
        D::Time32(_) | D::Time64(TimeUnit::Microsecond) => P::Time,
        D::Time64(_) => {
            return Err(wrong_type(path, data_type, "times are kept in microseconds; round it first"));
        }
        D::Timestamp(TimeUnit::Nanosecond, None) => P::TimestampNs,
        D::Timestamp(TimeUnit::Nanosecond, Some(_)) => P::TimestamptzNs,
        D::Timestamp(_, None) => P::Timestamp,
        D::Timestamp(_, Some(_)) => P::Timestamptz,
        D::Utf8 | D::LargeUtf8 | D::Utf8View => P::String,
        D::Binary | D::LargeBinary | D::BinaryView => P::Binary,
        D::FixedSizeBinary(length) => match u32::try_from(*length) {
            Ok(0) | Err(_) => {
                return Err(wrong_type(path, data_type, "bytes of a fixed length have at least one"));
            }
            Ok(length) => P::Fixed(length),
        },
        D::Duration(_) => {
            return Err(unsupported(
                path,
                data_type,
                "store it as a long, in a unit that the column's name tells",
            ));
        }
        D::Interval(IntervalUnit::YearMonth) => {
            return Err(unsupported(path, data_type, "store it as an int of months"));
        }
        D::Interval(_) => {
            return Err(unsupported(path, data_type, "store its parts as columns of their own"));
        }
        D::Union(..) => {
            return Err(unsupported(path, data_type, "store it as a struct with one field per member"));
        }
        other => return Err(unsupported(path, other, "store it as another type")),
    })
}

fn decimal(
    data_type: &DataType,
    precision: u8,
    scale: i8,
    path: &Path<'_>,
) -> Result<PrimitiveType, DataError> {
    match u8::try_from(scale) {
        Err(_) => {
            Err(wrong_type(path, data_type, "the scale of a decimal is not negative; cast it to scale 0"))
        }
        Ok(_) if precision > MAX_PRECISION => Err(wrong_type(
            path,
            data_type,
            "a decimal has at most 38 digits; cast it to fewer, or to a string",
        )),
        Ok(scale) => Ok(PrimitiveType::Decimal { precision, scale }),
    }
}

fn wrong_type(path: &Path<'_>, found: &DataType, advice: &str) -> DataError {
    DataError::WrongType {
        place: PLACE.to_owned(),
        column: path.full_name(),
        found: found.to_string(),
        wanted: "an Iceberg type".to_owned(),
        advice: advice.to_owned(),
    }
}

fn unsupported(path: &Path<'_>, found: &DataType, advice: &str) -> DataError {
    DataError::Unsupported {
        place: format!("{PLACE}, column `{}`", path.full_name()),
        what: format!("type {found}"),
        advice: advice.to_owned(),
    }
}

#[cfg(test)]
mod tests;
