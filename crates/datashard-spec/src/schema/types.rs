//! Types of columns and the fields that nest them.

use std::fmt;

use crate::id::FieldId;
use crate::json::UnknownKeys;
use crate::value::Value;

/// The type of a field.
///
/// # Spec
/// "Schemas and Data Types".
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Type {
    /// A type without parts.
    Primitive(PrimitiveType),
    /// Semi-structured data (v3). Neither primitive nor nested.
    Variant,
    /// A tuple of named fields.
    Struct(StructType),
    /// A sequence of elements of one type.
    List(ListType),
    /// Pairs of a key and a value.
    Map(MapType),
}

/// A type without parts.
///
/// # Spec
/// "Primitive Types".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrimitiveType {
    /// True or false.
    Boolean,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// 32-bit IEEE 754 float.
    Float,
    /// 64-bit IEEE 754 float.
    Double,
    /// Fixed-point decimal.
    #[expect(missing_docs, reason = "named by the variant's own doc: digits in all, digits after the point")]
    Decimal { precision: u8, scale: u8 },
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since midnight, without zone.
    Time,
    /// Microseconds since 1970-01-01T00:00, without zone.
    Timestamp,
    /// Microseconds since 1970-01-01T00:00 UTC.
    Timestamptz,
    /// Nanoseconds since 1970-01-01T00:00, without zone (v3).
    TimestampNs,
    /// Nanoseconds since 1970-01-01T00:00 UTC (v3).
    TimestamptzNs,
    /// UTF-8 text.
    String,
    /// 16 bytes.
    Uuid,
    /// Bytes of a fixed length.
    Fixed(u32),
    /// Bytes of any length.
    Binary,
    /// Always null (v3).
    Unknown,
    /// Planar shapes in WKB (v3). The coordinate reference system is opaque; `None` is the default `OGC:CRS84`.
    Geometry(Option<Box<str>>),
    /// Shapes on the globe in WKB (v3): coordinate reference system and edge interpolation, each `None` by default.
    Geography(Option<Box<str>>, Option<EdgeAlgorithm>),
}

/// How edges of a geography run between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgeAlgorithm {
    /// Great circles on a sphere, the default.
    Spherical,
    /// Vincenty's formulae.
    Vincenty,
    /// Thomas' approximation.
    Thomas,
    /// Andoyer's approximation.
    Andoyer,
    /// Karney's method.
    Karney,
}

/// A tuple of named fields, in order.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct StructType {
    /// The fields, in the order of the struct.
    pub fields: Vec<NestedField>,
    /// Keys that this version does not know. Always empty for the root of a schema, which keeps its own.
    pub unknown_keys: UnknownKeys,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NestedField {
    /// Unique in the schema; never changes, never used again.
    pub id: FieldId,
    /// Unique in its struct.
    pub name: String,
    /// Whether null is refused.
    pub required: bool,
    /// The type.
    pub field_type: Type,
    /// A comment for people.
    pub doc: Option<String>,
    /// The value of this field in rows written before it existed (v3). Set once, when the field is added.
    pub initial_default: Option<Value>,
    /// The value a writer stores when it is given none (v3).
    pub write_default: Option<Value>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A sequence of elements.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ListType {
    /// Id of the element.
    pub element_id: FieldId,
    /// Whether null elements are refused.
    pub element_required: bool,
    /// Type of the elements.
    pub element: Box<Type>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// Pairs of a key, which is never null, and a value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MapType {
    /// Id of the key.
    pub key_id: FieldId,
    /// Type of the keys.
    pub key: Box<Type>,
    /// Id of the value.
    pub value_id: FieldId,
    /// Whether null values are refused.
    pub value_required: bool,
    /// Type of the values.
    pub value: Box<Type>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl Type {
    /// The primitive type, if it is one.
    pub fn as_primitive(&self) -> Option<&PrimitiveType> {
        match self {
            Self::Primitive(primitive) => Some(primitive),
            _ => None,
        }
    }

    /// The struct type, if it is one.
    pub fn as_struct(&self) -> Option<&StructType> {
        match self {
            Self::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether it is a struct, list or map.
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::List(_) | Self::Map(_))
    }
}

impl From<PrimitiveType> for Type {
    fn from(primitive: PrimitiveType) -> Self {
        Self::Primitive(primitive)
    }
}

impl From<StructType> for Type {
    fn from(fields: StructType) -> Self {
        Self::Struct(fields)
    }
}

impl From<ListType> for Type {
    fn from(list: ListType) -> Self {
        Self::List(list)
    }
}

impl From<MapType> for Type {
    fn from(map: MapType) -> Self {
        Self::Map(map)
    }
}

impl StructType {
    /// A struct of these fields.
    pub fn new(fields: Vec<NestedField>) -> Self {
        Self { fields, unknown_keys: UnknownKeys::default() }
    }

    /// The field with this name, exactly.
    pub fn field(&self, name: &str) -> Option<&NestedField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The direct field with this id.
    pub fn field_by_id(&self, id: FieldId) -> Option<&NestedField> {
        self.fields.iter().find(|field| field.id == id)
    }
}

impl NestedField {
    /// A field whose values may be null.
    pub fn optional(id: i32, name: impl Into<String>, field_type: impl Into<Type>) -> Self {
        Self {
            id: FieldId(id),
            name: name.into(),
            required: false,
            field_type: field_type.into(),
            doc: None,
            initial_default: None,
            write_default: None,
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// A field whose values are never null.
    pub fn required(id: i32, name: impl Into<String>, field_type: impl Into<Type>) -> Self {
        Self { required: true, ..Self::optional(id, name, field_type) }
    }

    /// With a comment for people.
    #[must_use]
    pub fn with_doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    /// With the value of rows written before the field existed.
    #[must_use]
    pub fn with_initial_default(mut self, value: Value) -> Self {
        self.initial_default = Some(value);
        self
    }

    /// With the value that writers store when they are given none.
    #[must_use]
    pub fn with_write_default(mut self, value: Value) -> Self {
        self.write_default = Some(value);
        self
    }
}

impl ListType {
    /// A list whose elements may be null.
    pub fn optional(element_id: i32, element: impl Into<Type>) -> Self {
        Self {
            element_id: FieldId(element_id),
            element_required: false,
            element: Box::new(element.into()),
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// A list whose elements are never null.
    pub fn required(element_id: i32, element: impl Into<Type>) -> Self {
        Self { element_required: true, ..Self::optional(element_id, element) }
    }
}

impl MapType {
    /// A map whose values may be null.
    pub fn optional(key_id: i32, key: impl Into<Type>, value_id: i32, value: impl Into<Type>) -> Self {
        Self {
            key_id: FieldId(key_id),
            key: Box::new(key.into()),
            value_id: FieldId(value_id),
            value_required: false,
            value: Box::new(value.into()),
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// A map whose values are never null.
    pub fn required(key_id: i32, key: impl Into<Type>, value_id: i32, value: impl Into<Type>) -> Self {
        Self { value_required: true, ..Self::optional(key_id, key, value_id, value) }
    }
}

impl EdgeAlgorithm {
    pub(crate) const ALL: [Self; 5] =
        [Self::Spherical, Self::Vincenty, Self::Thomas, Self::Andoyer, Self::Karney];

    /// The word for it in a type string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spherical => "spherical",
            Self::Vincenty => "vincenty",
            Self::Thomas => "thomas",
            Self::Andoyer => "andoyer",
            Self::Karney => "karney",
        }
    }
}

impl fmt::Display for PrimitiveType {
    /// The type string of the format: `decimal(9, 2)`, `fixed[16]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int => f.write_str("int"),
            Self::Long => f.write_str("long"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Timestamptz => f.write_str("timestamptz"),
            Self::TimestampNs => f.write_str("timestamp_ns"),
            Self::TimestamptzNs => f.write_str("timestamptz_ns"),
            Self::String => f.write_str("string"),
            Self::Uuid => f.write_str("uuid"),
            Self::Fixed(length) => write!(f, "fixed[{length}]"),
            Self::Binary => f.write_str("binary"),
            Self::Unknown => f.write_str("unknown"),
            Self::Geometry(None) => f.write_str("geometry"),
            Self::Geometry(Some(crs)) => write!(f, "geometry({crs})"),
            Self::Geography(None, None) => f.write_str("geography"),
            Self::Geography(Some(crs), None) => write!(f, "geography({crs})"),
            Self::Geography(crs, Some(algorithm)) => {
                write!(f, "geography({}, {})", crs.as_deref().unwrap_or("OGC:CRS84"), algorithm.as_str())
            }
        }
    }
}

impl fmt::Display for Type {
    /// A short form for messages: `struct<1: a: optional int>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(primitive) => primitive.fmt(f),
            Self::Variant => f.write_str("variant"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, field) in fields.fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {}: {}", field.id, field.name, field.field_type)?;
                }
                f.write_str(">")
            }
            Self::List(list) => write!(f, "list<{}>", list.element),
            Self::Map(map) => write!(f, "map<{}, {}>", map.key, map.value),
        }
    }
}
