//! Schema evolution: updates as values, applied by pure functions.
//!
//! A [`SchemaUpdate`] is a list of operations that knows no schema. [`SchemaUpdate::apply`] checks every rule against an
//! [`UpdateBase`] and gives the new schema; on another base, as when a commit is rebased, the same update is applied anew.
//!
//! Names in an update are those of the base, or of columns that the update itself adds. So two columns can swap names,
//! and a column can be deleted and added again under a new id.
//!
//! # Spec
//! "Schema Evolution".

mod change;
mod edits;
mod lookup;
mod operation;
mod properties;
mod rebuild;
mod union;

pub use change::SchemaChange;
pub use operation::{NewColumn, Position, SchemaOperation};
pub use properties::PropertyChanges;

use super::{Schema, SchemaError, Type};
use crate::id::FieldId;
use std::borrow::Borrow;

use crate::metadata::FormatVersion;
use crate::partition::PartitionSpec;
use crate::value::Value;
use edits::Edits;

/// A change to a schema: operations in the order they were asked for.
///
/// # Examples
/// ```
/// use datashard_spec::id::FieldId;
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate, UpdateBase};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Int)])?;
/// let base = UpdateBase::new(&schema, FieldId(1), FormatVersion::V2);
/// let change = SchemaUpdate::new()
///     .change_type("id", PrimitiveType::Long)
///     .add_column(NewColumn::optional("name", PrimitiveType::String))
///     .apply(&base)?;
/// assert_eq!(change.schema.field_by_name("name").unwrap().id, FieldId(2));
/// assert_eq!(change.last_column_id, FieldId(2));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct SchemaUpdate {
    operations: Vec<SchemaOperation>,
    incompatible_allowed: bool,
    case_ignored: bool,
}

/// What an update is applied to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UpdateBase<'a> {
    /// The schema that changes.
    pub schema: &'a Schema,
    /// The highest id that was ever given to a field of the table.
    pub last_column_id: FieldId,
    /// Version of the table.
    pub format_version: FormatVersion,
    /// All partition specs of the table: a column that one of them is made from may not change its type freely.
    pub partition_specs: Vec<&'a PartitionSpec>,
}

impl<'a> UpdateBase<'a> {
    /// A base of a table without partition specs. [`TableMetadata`](crate::metadata::TableMetadata) has a method that
    /// puts in its own.
    pub fn new(schema: &'a Schema, last_column_id: FieldId, format_version: FormatVersion) -> Self {
        Self { schema, last_column_id, format_version, partition_specs: Vec::new() }
    }

    /// With the partition specs of the table, old ones included.
    #[must_use]
    pub fn with_partition_specs<S: Borrow<PartitionSpec>>(mut self, specs: &'a [S]) -> Self {
        self.partition_specs = specs.iter().map(Borrow::borrow).collect();
        self
    }
}

impl SchemaUpdate {
    /// An update that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows what rows already written may contradict: required columns without default, and optional columns that
    /// become required.
    pub fn allow_incompatible_changes(mut self) -> Self {
        self.incompatible_allowed = true;
        self
    }

    /// Takes upper and lower case in names alike, for all operations.
    pub fn ignore_case(mut self) -> Self {
        self.case_ignored = true;
        self
    }

    /// The operations so far.
    pub fn operations(&self) -> &[SchemaOperation] {
        &self.operations
    }

    /// Appends an operation.
    pub fn with(mut self, operation: SchemaOperation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Adds a column at the end of the schema.
    pub fn add_column(self, column: NewColumn) -> Self {
        self.with(SchemaOperation::Add { parent: None, column })
    }

    /// Adds a field at the end of a struct: of the column with this full name, of the elements of such a list, or of the
    /// values of such a map.
    pub fn add_field(self, parent: impl Into<String>, column: NewColumn) -> Self {
        self.with(SchemaOperation::Add { parent: Some(parent.into()), column })
    }

    /// Deletes a field, with all its parts. Data files keep it.
    pub fn delete_column(self, name: impl Into<String>) -> Self {
        self.with(SchemaOperation::Delete { name: name.into() })
    }

    /// Gives the field another name of its own (not a full name).
    pub fn rename_column(self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.with(SchemaOperation::Rename { name: name.into(), to: to.into() })
    }

    /// Promotes the field to a wider type; see [`is_promotion_allowed`](super::is_promotion_allowed).
    pub fn change_type(self, name: impl Into<String>, to: impl Into<Type>) -> Self {
        self.with(SchemaOperation::ChangeType { name: name.into(), to: to.into() })
    }

    /// Allows null in the field.
    pub fn make_optional(self, name: impl Into<String>) -> Self {
        self.with(SchemaOperation::MakeOptional { name: name.into() })
    }

    /// Refuses null in the field.
    pub fn make_required(self, name: impl Into<String>) -> Self {
        self.with(SchemaOperation::MakeRequired { name: name.into() })
    }

    /// Sets or removes the comment of the field.
    pub fn set_doc(self, name: impl Into<String>, doc: Option<String>) -> Self {
        self.with(SchemaOperation::SetDoc { name: name.into(), doc })
    }

    /// Sets or removes the value that writers store when they are given none. The initial default never changes.
    pub fn set_write_default(self, name: impl Into<String>, value: Option<Value>) -> Self {
        self.with(SchemaOperation::SetWriteDefault { name: name.into(), value })
    }

    /// Moves the field within its struct.
    pub fn move_column(self, name: impl Into<String>, to: Position) -> Self {
        self.with(SchemaOperation::Move { name: name.into(), to })
    }

    /// Makes these fields, and no others, the identifier fields.
    pub fn set_identifier_fields<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with(SchemaOperation::SetIdentifierFields { names: names.into_iter().map(Into::into).collect() })
    }

    /// Takes in the fields of another schema, matched by name whatever their ids: unknown ones are added as optional,
    /// types become wider, what the other schema lacks or has as optional becomes optional, docs are taken over.
    /// Nothing is deleted, and nothing becomes narrower or required.
    pub fn union_by_name(self, schema: Schema) -> Self {
        self.with(SchemaOperation::UnionByName { schema })
    }

    /// Applies the operations, checking every rule. The new schema keeps the id of the base; giving it one of its own is
    /// up to the table.
    ///
    /// # Errors
    /// `NotFound` if a name leads nowhere, `AlreadyExists` if a new name is taken, `InvalidInput` for every other broken
    /// rule.
    ///
    /// # Spec
    /// "Schema Evolution".
    pub fn apply(&self, base: &UpdateBase<'_>) -> Result<SchemaChange, SchemaError> {
        let mut edits = Edits::new(base.clone(), self.incompatible_allowed, self.case_ignored);
        for operation in &self.operations {
            edits.apply(operation)?;
        }
        let last_column_id = edits.last_column_id();
        let schema = edits.rebuild()?;
        Ok(SchemaChange::between(base.schema, schema, last_column_id))
    }
}

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
