//! The operations of an update.

use crate::schema::{Schema, Type};
use crate::value::Value;

/// One operation of a [`SchemaUpdate`](super::SchemaUpdate). Names are full names, but for `to` of a rename.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the docs of the variants")]
pub enum SchemaOperation {
    /// Add `column` at the end of the struct of `parent`, or of the schema.
    Add { parent: Option<String>, column: NewColumn },
    /// Delete the field.
    Delete { name: String },
    /// Give the field the name `to` of its own.
    Rename { name: String, to: String },
    /// Promote the field to the type `to`.
    ChangeType { name: String, to: Type },
    /// Allow null in the field.
    MakeOptional { name: String },
    /// Refuse null in the field.
    MakeRequired { name: String },
    /// Set or remove the comment of the field.
    SetDoc { name: String, doc: Option<String> },
    /// Set or remove the write default of the field.
    SetWriteDefault { name: String, value: Option<Value> },
    /// Move the field within its struct.
    Move { name: String, to: Position },
    /// Make these fields the identifier fields.
    SetIdentifierFields { names: Vec<String> },
    /// Take in the fields of another schema, matched by name.
    UnionByName { schema: Schema },
}

/// Where in its struct a field goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no other place")]
pub enum Position {
    /// Before all others.
    First,
    /// Just before the field with this full name, of the same struct.
    Before(String),
    /// Just after the field with this full name, of the same struct.
    After(String),
}

/// A column or nested field to be added.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewColumn {
    /// Its own name. A dot in it is a dot.
    pub name: String,
    /// The type. Ids in it are replaced by fresh ones.
    pub field_type: Type,
    /// Whether null is refused.
    pub required: bool,
    /// A comment for people.
    pub doc: Option<String>,
    /// Both the initial default, for rows already written, and the write default (v3).
    pub default: Option<Value>,
}

impl NewColumn {
    /// A column whose values may be null.
    pub fn optional(name: impl Into<String>, field_type: impl Into<Type>) -> Self {
        Self { name: name.into(), field_type: field_type.into(), required: false, doc: None, default: None }
    }

    /// A column whose values are never null. Rows already written need a default, or the update must allow incompatible
    /// changes.
    pub fn required(name: impl Into<String>, field_type: impl Into<Type>) -> Self {
        Self { required: true, ..Self::optional(name, field_type) }
    }

    /// With a comment for people.
    #[must_use]
    pub fn with_doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    /// With a value for rows already written and for writers that are given none.
    #[must_use]
    pub fn with_default(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }
}
