//! Errors of types, schemas and changes to them.

use crate::error::ErrorKind;
use crate::id::FieldId;
use crate::metadata::FormatVersion;

/// A type or schema that breaks a rule, or a change to one that is not allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Two fields with one id.
    #[error("field id {id} is used by both {first:?} and {second:?}")]
    DuplicateId {
        /// The id.
        id: FieldId,
        /// Full name of the field that has it.
        first: String,
        /// Full name of the other one.
        second: String,
    },
    /// Two fields of one struct with one name.
    #[error("two fields are named {name:?}")]
    DuplicateName {
        /// The full name.
        name: String,
    },
    /// Parameters that the type does not allow.
    #[error("field {field:?}: {found} is not a legal type: {reason}")]
    InvalidType {
        /// Full name of the field.
        field: String,
        /// The type.
        found: String,
        /// The rule.
        reason: &'static str,
    },
    /// A field that may not be an identifier field.
    #[error("field {id} ({name:?}) cannot be an identifier field: {reason}")]
    IdentifierField {
        /// The field.
        id: FieldId,
        /// Its full name; empty if there is no such field.
        name: String,
        /// The rule.
        reason: &'static str,
    },
    /// Types nested deeper than any real schema.
    #[error("the schema nests deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// A default value that the type of its field does not allow.
    #[error("field {field:?} of type {field_type} cannot have the default {found}: {reason}")]
    InvalidDefault {
        /// Full name of the field.
        field: String,
        /// Its type, shortened.
        field_type: String,
        /// The value, shortened.
        found: String,
        /// The rule.
        reason: &'static str,
    },
    /// Names that are too long to be looked up by full name.
    #[error("the full names of all fields together are longer than {limit_bytes} bytes")]
    NamesTooLong {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// A table's field with an id that is reserved.
    #[error("field {field:?} has the id {id}, which is reserved for a metadata column")]
    ReservedId {
        /// The id.
        id: FieldId,
        /// Full name of the field.
        field: String,
    },
    /// A type or default value that came with a later version of the format.
    #[error("field {field:?}: {what} needs format version {needed}, the table is of {found}")]
    NeedsFormatVersion {
        /// Full name of the field.
        field: String,
        /// What of it needs the version.
        what: String,
        /// The first version that has it.
        needed: FormatVersion,
        /// The version of the table.
        found: FormatVersion,
    },
    /// A schema or name mapping in a JSON document that breaks a rule.
    #[error("{at}: {broken}")]
    InJson {
        /// Path in the document.
        at: String,
        /// The rule that is broken.
        broken: Box<SchemaError>,
    },
    /// A name that no field has.
    #[error("there is no field {name:?}")]
    NoSuchField {
        /// The name, as it was given.
        name: String,
    },
    /// An id that no field has.
    #[error("there is no field with id {id}")]
    NoSuchFieldId {
        /// The id.
        id: FieldId,
    },
    /// A name for a new or renamed field that another field of its struct has.
    #[error("there is a field named {name:?} already")]
    NameTaken {
        /// The full name.
        name: String,
    },
    /// A name that no update gives to a field.
    #[error("a field cannot be named {name:?}: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// The rule.
        reason: &'static str,
    },
    /// A field added to something that has no fields.
    #[error(
        "{field:?} of type {found} has no fields: only a struct, a list of structs or a map to structs can take one"
    )]
    NoStruct {
        /// Full name of the parent.
        field: String,
        /// Its type.
        found: String,
    },
    /// A change to the key of a map.
    #[error("{field:?} is, or lies in, the key of a map, which cannot change")]
    MapKey {
        /// Full name of the field.
        field: String,
    },
    /// A change to a list's element or a map's value that only fields of structs can take.
    #[error("{field:?} is part of a list or map, not a field of a struct: it cannot be {change}")]
    NoStructField {
        /// Full name of the element or value.
        field: String,
        /// "renamed", "moved", and so on.
        change: &'static str,
    },
    /// A change that rows already written may contradict.
    #[error(
        "field {field:?} cannot be {change}: rows without a value may exist, and incompatible changes are not allowed"
    )]
    Incompatible {
        /// Full name of the field.
        field: String,
        /// What was asked for.
        change: &'static str,
    },
    /// A type that cannot become another one.
    #[error("the type of {field:?} cannot change from {from} to {to}: {reason}")]
    TypeChange {
        /// Full name of the field.
        field: String,
        /// The type it has.
        from: String,
        /// The type asked for.
        to: String,
        /// The rule.
        reason: &'static str,
    },
    /// A field that one update both deletes and changes, or adds to.
    #[error("{field:?} is both changed and deleted by one update")]
    ChangedAndDeleted {
        /// Full name of the field.
        field: String,
    },
    /// A deleted field that is an identifier field, or that one lies in.
    #[error(
        "{field:?} cannot be deleted: {identifier:?} is an identifier field; set other identifier fields first"
    )]
    IdentifierDeleted {
        /// Full name of the deleted field.
        field: String,
        /// Full name of the identifier field.
        identifier: String,
    },
    /// A field that cannot be moved where it was told to.
    #[error("{field:?} cannot be moved: {reason}")]
    Move {
        /// Full name of the field.
        field: String,
        /// The rule.
        reason: &'static str,
    },
    /// All ids that a user's field may have were given out.
    #[error("no field id is left after {last}")]
    IdsExhausted {
        /// The last one.
        last: FieldId,
    },
    /// A name mapping with one name twice on one level.
    #[error("name mapping: {name:?} is mapped twice in {parent:?}")]
    MappedTwice {
        /// The name.
        name: String,
        /// Names of the field around it, joined by dots; empty at the top.
        parent: String,
    },
}

impl SchemaError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InJson { .. } => ErrorKind::InvalidData,
            Self::NoSuchField { .. } | Self::NoSuchFieldId { .. } => ErrorKind::NotFound,
            Self::NameTaken { .. } => ErrorKind::AlreadyExists,
            Self::DuplicateId { .. }
            | Self::DuplicateName { .. }
            | Self::InvalidType { .. }
            | Self::IdentifierField { .. }
            | Self::TooDeep { .. }
            | Self::InvalidDefault { .. }
            | Self::NamesTooLong { .. }
            | Self::ReservedId { .. }
            | Self::NeedsFormatVersion { .. }
            | Self::InvalidName { .. }
            | Self::NoStruct { .. }
            | Self::MapKey { .. }
            | Self::NoStructField { .. }
            | Self::Incompatible { .. }
            | Self::TypeChange { .. }
            | Self::ChangedAndDeleted { .. }
            | Self::IdentifierDeleted { .. }
            | Self::Move { .. }
            | Self::IdsExhausted { .. }
            | Self::MappedTwice { .. } => ErrorKind::InvalidInput,
        }
    }
}
