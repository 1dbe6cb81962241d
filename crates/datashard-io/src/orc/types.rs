//! The columns of a file: its tree of types, checked, with the attributes that Iceberg gives them.
//!
//! # Spec
//! "Appendix A: Format-specific Requirements", ORC.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use orc_rust::proto::Type as OrcType;
use orc_rust::proto::r#type::Kind as OrcKind;

use super::fault::Fault;
use crate::arrow::FIELD_ID_KEY;

/// Most columns of a file, nested ones included.
const MAX_COLUMNS: usize = 100_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;
/// Key of a field's metadata that names its extension type.
const EXTENSION_KEY: &str = "ARROW:extension:name";

/// A column and those within.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its number in the file.
    pub(super) index: u32,
    /// Full name: `a.b.element.c`.
    pub(super) path: Arc<str>,
    pub(super) kind: Kind,
    pub(super) field: FieldRef,
    pub(super) children: Vec<Column>,
    /// The number of its first leaf, counted depth first over the file.
    pub(super) first_leaf: usize,
    pub(super) leaf_count: usize,
    /// Whether a list or map lies above it.
    pub(super) repeated: bool,
}

/// How values of a column are stored and what they become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    /// A long of microseconds since midnight.
    Time,
    Float,
    Double,
    Text,
    /// Text that writers fill up with spaces.
    Char,
    Binary,
    /// Binary of a length that every value must have.
    Fixed(i32),
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    Timestamp {
        /// Whether it is an instant, or a reading of a calendar and a clock.
        instant: bool,
        nanos: bool,
    },
    Struct,
    Variant,
    List,
    Map,
    Union,
}

/// The root of the tree of types.
pub(super) fn root(types: &[OrcType]) -> Result<Column, Fault> {
    if types.len() > MAX_COLUMNS {
        return Err(Fault::Unsupported(format!("{} columns, more than {MAX_COLUMNS}", types.len())));
    }
    let mut tree = Tree { types, seen: 0, leaves: 0 };
    let root = tree.column(0, Slot { name: "", path: "", depth: 0, repeated: false, key: false })?;
    if tree.seen != types.len() {
        let reason = format!("{} types, of which {} belong to a column", types.len(), tree.seen);
        return Err(Fault::Damaged(reason));
    }
    if root.kind != Kind::Struct {
        return Err(Fault::Unsupported("a file whose rows are no structs".to_owned()));
    }
    Ok(root)
}

struct Tree<'a> {
    types: &'a [OrcType],
    /// How many types belong to a column so far: types are numbered depth first, so it is the number of the next one.
    seen: usize,
    leaves: usize,
}

#[derive(Clone, Copy)]
struct Slot<'a> {
    name: &'a str,
    path: &'a str,
    depth: usize,
    repeated: bool,
    /// The key of a map, which is never null.
    key: bool,
}

impl Tree<'_> {
    fn column(&mut self, index: u32, slot: Slot<'_>) -> Result<Column, Fault> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        if at != self.seen {
            return Err(Fault::Damaged(format!("type {index} where type {} comes next", self.seen)));
        }
        if slot.depth > MAX_DEPTH {
            return Err(Fault::Unsupported(format!("columns nested deeper than {MAX_DEPTH}")));
        }
        let given = self.types.get(at).ok_or_else(|| Fault::Damaged(format!("there is no type {index}")))?;
        self.seen = self.seen.saturating_add(1);
        let attributes = Attributes(given);
        let kind = kind(given, &attributes, slot.path)?;
        let first_leaf = self.leaves;
        let children = self.children(given, kind, slot)?;
        if !matches!(kind, Kind::Struct | Kind::Variant | Kind::List | Kind::Map) {
            self.leaves = self.leaves.saturating_add(1);
        }
        let nullable = !slot.key && attributes.get("iceberg.required") != Some("true");
        let mut metadata = HashMap::new();
        if let Some(id) = attributes.number("iceberg.id", slot.path)? {
            metadata.insert(FIELD_ID_KEY.to_owned(), id.to_string());
        }
        if let Some(extension) = extension(kind, &attributes) {
            metadata.insert(EXTENSION_KEY.to_owned(), extension.to_owned());
        }
        let data_type = data_type(kind, children.iter().map(|child| Arc::clone(&child.field)))?;
        Ok(Column {
            index,
            path: slot.path.into(),
            kind,
            field: Arc::new(Field::new(slot.name, data_type, nullable).with_metadata(metadata)),
            children,
            first_leaf,
            leaf_count: self.leaves.saturating_sub(first_leaf),
            repeated: slot.repeated,
        })
    }

    fn children(&mut self, given: &OrcType, kind: Kind, slot: Slot<'_>) -> Result<Vec<Column>, Fault> {
        let count = given.subtypes.len();
        let names: Vec<&str> = match kind {
            Kind::Struct | Kind::Variant => given.field_names.iter().map(String::as_str).collect(),
            Kind::List => vec!["element"],
            Kind::Map => vec!["key", "value"],
            // Their columns cannot be read, but are numbered.
            Kind::Union => given.subtypes.iter().map(|_| "option").collect(),
            _ => Vec::new(),
        };
        if names.len() != count {
            let reason =
                format!("column `{}` has {count} columns where {} are named", slot.path, names.len());
            return Err(Fault::Damaged(reason));
        }
        let mut children = Vec::new();
        let leaves = self.leaves;
        for (place, (index, name)) in given.subtypes.iter().zip(names).enumerate() {
            let path = if slot.path.is_empty() { name.to_owned() } else { format!("{}.{name}", slot.path) };
            let child = Slot {
                name,
                path: &path,
                depth: slot.depth.saturating_add(1),
                repeated: slot.repeated || matches!(kind, Kind::List | Kind::Map | Kind::Union),
                key: kind == Kind::Map && place == 0,
            };
            children.push(self.column(*index, child)?);
        }
        if kind == Kind::Union {
            // For others a union is one column without parts.
            self.leaves = leaves;
            children.clear();
        }
        Ok(children)
    }
}

struct Attributes<'a>(&'a OrcType);

impl Attributes<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let pair = self.0.attributes.iter().find(|pair| pair.key.as_deref() == Some(key))?;
        pair.value.as_deref()
    }

    fn number(&self, key: &str, path: &str) -> Result<Option<i32>, Fault> {
        self.get(key)
            .map(|text| {
                text.parse().map_err(|_| {
                    Fault::Damaged(format!("attribute {key} of column `{path}` is `{text}`, no number"))
                })
            })
            .transpose()
    }
}

fn kind(given: &OrcType, attributes: &Attributes<'_>, path: &str) -> Result<Kind, Fault> {
    let number = given.kind.unwrap_or(0);
    let kind = OrcKind::try_from(number)
        .map_err(|_| Fault::Unsupported(format!("column `{path}` of the unknown kind {number}")))?;
    Ok(match kind {
        OrcKind::Boolean => Kind::Boolean,
        OrcKind::Byte => Kind::Byte,
        OrcKind::Short => Kind::Short,
        OrcKind::Int => Kind::Int,
        OrcKind::Long if is(attributes, "iceberg.long-type", "TIME") => Kind::Time,
        OrcKind::Long => Kind::Long,
        OrcKind::Float => Kind::Float,
        OrcKind::Double => Kind::Double,
        OrcKind::String | OrcKind::Varchar => Kind::Text,
        OrcKind::Char => Kind::Char,
        OrcKind::Binary if is(attributes, "iceberg.binary-type", "UUID") => Kind::Fixed(16),
        OrcKind::Binary if is(attributes, "iceberg.binary-type", "FIXED") => {
            match attributes.number("iceberg.length", path)? {
                Some(length @ 1..) => Kind::Fixed(length),
                other => {
                    return Err(Fault::Damaged(format!("column `{path}` is of the fixed length {other:?}")));
                }
            }
        }
        OrcKind::Binary => Kind::Binary,
        OrcKind::Decimal => decimal(given, path)?,
        OrcKind::Date => Kind::Date,
        OrcKind::Timestamp | OrcKind::TimestampInstant => Kind::Timestamp {
            instant: kind == OrcKind::TimestampInstant,
            nanos: is(attributes, "iceberg.timestamp-unit", "NANOS"),
        },
        OrcKind::Struct if is(attributes, "iceberg.struct-type", "VARIANT") => Kind::Variant,
        OrcKind::Struct => Kind::Struct,
        OrcKind::List => Kind::List,
        OrcKind::Map => Kind::Map,
        OrcKind::Union => Kind::Union,
    })
}

fn is(attributes: &Attributes<'_>, key: &str, value: &str) -> bool {
    attributes.get(key).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

/// Digits where the file does not say are those that writers take for granted.
fn decimal(given: &OrcType, path: &str) -> Result<Kind, Fault> {
    let (precision, scale) = (given.precision.unwrap_or(38), given.scale.unwrap_or(10));
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => Ok(Kind::Decimal { precision, scale }),
        _ => Err(Fault::Damaged(format!("column `{path}` is decimal({precision}, {scale})"))),
    }
}

fn extension(kind: Kind, attributes: &Attributes<'_>) -> Option<&'static str> {
    let is = |value| is(attributes, "iceberg.binary-type", value);
    match kind {
        Kind::Fixed(_) if is("UUID") => Some("arrow.uuid"),
        Kind::Binary if is("GEOMETRY") || is("GEOGRAPHY") => Some("geoarrow.wkb"),
        Kind::Variant => Some("arrow.parquet.variant"),
        _ => None,
    }
}

/// The Arrow type of a column with these columns within.
pub(super) fn data_type(kind: Kind, children: impl Iterator<Item = FieldRef>) -> Result<DataType, Fault> {
    let mut children = children;
    Ok(match kind {
        Kind::Boolean => DataType::Boolean,
        Kind::Byte => DataType::Int8,
        Kind::Short => DataType::Int16,
        Kind::Int => DataType::Int32,
        Kind::Long => DataType::Int64,
        Kind::Time => DataType::Time64(TimeUnit::Microsecond),
        Kind::Float => DataType::Float32,
        Kind::Double => DataType::Float64,
        Kind::Text | Kind::Char => DataType::Utf8,
        Kind::Binary => DataType::Binary,
        Kind::Fixed(length) => DataType::FixedSizeBinary(length),
        Kind::Decimal { precision, scale } => {
            DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
        }
        Kind::Date => DataType::Date32,
        Kind::Timestamp { instant, nanos } => DataType::Timestamp(
            if nanos { TimeUnit::Nanosecond } else { TimeUnit::Microsecond },
            instant.then(|| "UTC".into()),
        ),
        Kind::Struct | Kind::Variant => DataType::Struct(children.collect()),
        Kind::List => DataType::List(children.next().ok_or_else(|| Fault::damaged("a list of nothing"))?),
        Kind::Map => {
            let entries: Fields = children.collect();
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
        }
        Kind::Union => DataType::Null,
    })
}

impl Column {
    /// The column with only the leaves that `wanted` names (ascending) and what encloses them; `None` if it holds none of them.
    /// Keys of maps and both parts of a variant always stay.
    pub(super) fn project(&self, wanted: &[usize]) -> Result<Option<Self>, Fault> {
        let end = self.first_leaf.saturating_add(self.leaf_count);
        let from = wanted.partition_point(|leaf| *leaf < self.first_leaf);
        if wanted.get(from).is_none_or(|leaf| *leaf >= end) {
            return Ok(None);
        }
        if !matches!(self.kind, Kind::Struct | Kind::List | Kind::Map) {
            return Ok(Some(self.clone()));
        }
        let mut children = Vec::new();
        for child in &self.children {
            match child.project(wanted)? {
                Some(child) => children.push(child),
                None if self.kind == Kind::Map => children.push(child.clone()),
                None => {}
            }
        }
        let fields = children.iter().map(|child| Arc::clone(&child.field));
        let field = self.field.as_ref().clone().with_data_type(data_type(self.kind, fields)?);
        Ok(Some(Self { field: Arc::new(field), children, ..self.clone() }))
    }

    /// The column with this number, or one within.
    pub(super) fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        let mut at = 0;
        while let Some(column) = all.get(at).copied() {
            all.extend(&column.children);
            at = at.saturating_add(1);
        }
        all
    }

    /// The column that is this leaf.
    pub(super) fn leaf(&self, leaf: usize) -> Option<&Self> {
        if self.children.is_empty() {
            return (self.leaf_count == 1 && self.first_leaf == leaf).then_some(self);
        }
        let child = self.children.iter().find(|child| {
            (child.first_leaf..child.first_leaf.saturating_add(child.leaf_count)).contains(&leaf)
        })?;
        child.leaf(leaf)
    }
}
