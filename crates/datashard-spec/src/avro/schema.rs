//! Avro schemas: JSON to a small tree, with the ids that Iceberg puts there.
//!
//! Types live in one vector and refer to each other by place, so that a type named twice is stored once. Names that
//! Avro would not allow are accepted: nothing here is resolved by name if there is an id.

use std::collections::HashMap;

use crate::avro_error::AvroError;
use crate::error::excerpt;
use crate::id::FieldId;
use crate::json::{Json, parse_document};
use crate::{JsonError, SpecError};

/// Place of a type in [`AvroSchema::nodes`].
pub(super) type NodeId = usize;

/// A schema; the root is the record of an entry.
pub(super) struct AvroSchema {
    nodes: Vec<Node>,
    pub(super) root: NodeId,
}

pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) logical: Logical,
}

pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum,
    Array(NodeId),
    Map(NodeId),
    Record(Vec<Field>),
    Union(Vec<NodeId>),
}

/// The logical types that tell what a partition value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    None,
    Date,
    Time,
    Timestamp {
        utc: bool,
    },
    TimestampNs {
        utc: bool,
    },
    /// Times and timestamps in milliseconds, which Iceberg does not have.
    Millis,
    Uuid,
    Decimal {
        precision: u8,
        scale: u8,
    },
}

pub(super) struct Field {
    pub(super) id: Option<FieldId>,
    pub(super) name: String,
    /// The name before it was made legal in Avro.
    pub(super) original_name: Option<String>,
    pub(super) node: NodeId,
    /// The field object as it is in the schema.
    pub(super) json: String,
}

/// A longer text than any manifest has, even one with thousands of partition fields.
const MAX_SCHEMA_BYTES: usize = 1 << 24;
/// More types than any manifest has.
const MAX_NODES: usize = 100_000;

impl AvroSchema {
    pub(super) fn parse(text: &str) -> Result<Self, SpecError> {
        let mut parser = Parser { nodes: Vec::new(), names: HashMap::new(), records: 0, depth: 0 };
        if text.len() > MAX_SCHEMA_BYTES {
            let reason = format!("it has more than {MAX_SCHEMA_BYTES} bytes");
            return Err(AvroError::Schema { at: "the schema".to_owned(), reason }.into());
        }
        let json = Json::root(parse_document(text)?);
        json.check_nesting()?;
        let root = parser.node(json)?;
        Ok(Self { nodes: parser.nodes, root })
    }

    pub(super) fn node(&self, id: NodeId) -> Result<&Node, AvroError> {
        self.nodes.get(id).ok_or_else(|| AvroError::Schema {
            at: "a type".to_owned(),
            reason: "it is not defined".to_owned(),
        })
    }

    /// The fields of a record, seen through a union with null.
    pub(super) fn record(&self, id: NodeId) -> Result<&[Field], AvroError> {
        match &self.node(id)?.kind {
            Kind::Record(fields) => Ok(fields),
            other => Err(AvroError::Schema {
                at: "an entry or data file".to_owned(),
                reason: format!("expected a record, found {}", other.word()),
            }),
        }
    }
}

impl Kind {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Fixed(_) => "fixed",
            Self::Enum => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Record(_) => "record",
            Self::Union(_) => "union",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }
}

struct Parser {
    nodes: Vec<Node>,
    names: HashMap<String, NodeId>,
    /// How many records are around what is parsed.
    records: usize,
    /// How many types are around what is parsed.
    depth: usize,
}

/// The deepest nesting of types. Those of manifests and lists are less than ten deep.
const MAX_DEPTH: usize = 48;

/// Records around a field whose text is kept, in case that the format does not name it: an entry has its data file, and
/// a row of a list its summaries. Deeper, the text would be kept again for every level.
const KEPT_RECORDS: usize = 2;

impl Parser {
    fn push(&mut self, kind: Kind, logical: Logical) -> Result<NodeId, AvroError> {
        let id = self.nodes.len();
        if id >= MAX_NODES {
            let reason = format!("it has more than {MAX_NODES} types");
            return Err(AvroError::Schema { at: "the schema".to_owned(), reason });
        }
        self.nodes.push(Node { kind, logical });
        Ok(id)
    }

    fn node(&mut self, json: Json<'_, '_>) -> Result<NodeId, SpecError> {
        if self.depth >= MAX_DEPTH {
            let reason = format!("its types are nested more than {MAX_DEPTH} deep");
            return Err(AvroError::Schema { at: "the schema".to_owned(), reason }.into());
        }
        self.depth = self.depth.saturating_add(1);
        let node = self.node_within(json);
        self.depth = self.depth.saturating_sub(1);
        node
    }

    fn node_within(&mut self, json: Json<'_, '_>) -> Result<NodeId, SpecError> {
        if json.is_string() {
            return self.named(&json.str()?);
        }
        if json.is_array() {
            let branches = json.array()?.map(|branch| self.node(branch))?;
            return Ok(self.push(Kind::Union(branches), Logical::None)?);
        }
        let mut object = json.object()?;
        let kind = object.require("type")?;
        if !kind.is_string() {
            // {"type": {"type": ...}} is legal.
            return self.node(kind);
        }
        let word = kind.str()?.into_owned();
        let name = object.take("name").map(|name| name.string()).transpose()?;
        let namespace = object.take("namespace").map(|space| space.string()).transpose()?;
        let logical_name = object.take("logicalType");
        let mut logical = Logical::None;
        // What is not a string there is ignored, as Avro asks for.
        if let Some(text) = logical_name.filter(Json::is_string) {
            let utc = |object: &mut crate::json::Object<'_, '_>| {
                object.take("adjust-to-utc").map(|utc| utc.bool()).transpose().map(Option::unwrap_or_default)
            };
            logical = match text.str()?.as_ref() {
                "date" => Logical::Date,
                "time-micros" => Logical::Time,
                "timestamp-micros" => Logical::Timestamp { utc: utc(&mut object)? },
                "timestamp-nanos" => Logical::TimestampNs { utc: utc(&mut object)? },
                "time-millis" | "timestamp-millis" | "local-timestamp-millis" => Logical::Millis,
                "uuid" => Logical::Uuid,
                "decimal" => {
                    let mut digits = |key| object.take(key).map(|n| n.i32()).transpose();
                    let (precision, scale) = (digits("precision")?, digits("scale")?.unwrap_or(0));
                    match (precision.map(u8::try_from), u8::try_from(scale)) {
                        (Some(Ok(precision)), Ok(scale)) => Logical::Decimal { precision, scale },
                        _ => Logical::None,
                    }
                }
                _ => Logical::None,
            };
        }
        match word.as_str() {
            "array" => {
                let items = self.node(object.require("items")?)?;
                Ok(self.push(Kind::Array(items), logical)?)
            }
            "map" => {
                let values = self.node(object.require("values")?)?;
                Ok(self.push(Kind::Map(values), logical)?)
            }
            "fixed" => {
                let size = object.require("size")?;
                let size = usize::try_from(size.i64()?).map_err(|_| size.unexpected("a size"))?;
                let id = self.push(Kind::Fixed(size), logical)?;
                self.define(name, namespace, id);
                Ok(id)
            }
            "enum" => {
                let id = self.push(Kind::Enum, logical)?;
                self.define(name, namespace, id);
                Ok(id)
            }
            "record" | "error" => {
                // Its place is known before its fields are, because they may name it.
                let id = self.push(Kind::Record(Vec::new()), logical)?;
                self.define(name, namespace, id);
                let fields = object.require("fields")?;
                self.records = self.records.saturating_add(1);
                let fields = fields.array()?.map(|field| self.field(field))?;
                self.records = self.records.saturating_sub(1);
                if let Some(node) = self.nodes.get_mut(id) {
                    node.kind = Kind::Record(fields);
                }
                Ok(id)
            }
            word => match Kind::of_word(word) {
                Some(kind) => Ok(self.push(kind, logical)?),
                None => self.named(word),
            },
        }
    }

    fn field(&mut self, json: Json<'_, '_>) -> Result<Field, SpecError> {
        let mut object = json.object()?;
        let name = object.require("name")?.string()?;
        let id = object.take("field-id").map(|id| id.i32()).transpose()?.map(FieldId);
        let original_name = object.take("iceberg-field-name").map(|name| name.string()).transpose()?;
        let node = self.node(object.require("type")?)?;
        let json = if self.records <= KEPT_RECORDS { json.text().to_owned() } else { String::new() };
        Ok(Field { id, name, original_name, node, json })
    }

    fn define(&mut self, name: Option<String>, namespace: Option<String>, id: NodeId) {
        let Some(name) = name else { return };
        if let Some(space) = namespace.filter(|_| !name.contains('.')) {
            self.names.insert(format!("{space}.{name}"), id);
        }
        // References within the same namespace leave it out.
        self.names.insert(name, id);
    }

    fn named(&mut self, word: &str) -> Result<NodeId, SpecError> {
        if let Some(kind) = Kind::of_word(word) {
            return Ok(self.push(kind, Logical::None)?);
        }
        let last = word.rsplit('.').next().unwrap_or(word);
        self.names.get(word).or_else(|| self.names.get(last)).copied().ok_or_else(|| {
            JsonError::Unexpected {
                at: "avro.schema".to_owned(),
                expected: "the name of a type defined before".to_owned(),
                found: excerpt(word),
            }
            .into()
        })
    }
}
