//! From one partition spec of a table to the next.
//!
//! Old files keep their old spec; field ids tie the specs together. So a field that comes back takes its old id, and v1,
//! whose ids are positions, never loses a position: what is removed there becomes `void`.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use super::builder::next_field_id;
use super::check::is_time;
use super::{PartitionError, PartitionField, PartitionSpec};
use crate::id::{FieldId, PartitionSpecId};
use crate::metadata::FormatVersion;
use crate::schema::Schema;
use crate::transform::Transform;

/// Changes to the default partition spec of a table. Columns are given by full name; changes apply in the order made.
///
/// # Spec
/// "Partition Evolution".
///
/// # Examples
/// ```
/// use datashard_spec::id::{FieldId, PartitionSpecId};
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_spec::partition::{PartitionSpec, PartitionSpecUpdate};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::transform::Transform;
///
/// let schema = Schema::new(vec![NestedField::required(1, "ts", PrimitiveType::Timestamptz)])?;
/// let specs = [PartitionSpec::builder(&schema).month("ts").build()?];
/// let evolved =
///     PartitionSpecUpdate::new(&schema, &specs, PartitionSpecId(0), FieldId(1000), FormatVersion::V2)
///         .remove_field("ts_month")
///         .add_field("ts", Transform::Day)
///         .build()?;
/// assert_eq!(evolved.spec.id, PartitionSpecId(1));
/// assert_eq!(evolved.spec.fields[0].name, "ts_day");
/// assert_eq!(evolved.last_partition_id, FieldId(1001));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PartitionSpecUpdate<'a> {
    schema: &'a Schema,
    specs: Vec<&'a PartitionSpec>,
    default_spec_id: PartitionSpecId,
    last_partition_id: FieldId,
    version: FormatVersion,
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Add { source: String, transform: Transform, name: Option<String> },
    RemoveNamed(String),
    RemoveTransform { source: String, transform: Transform },
    Rename { from: String, to: String },
}

/// What became of a [`PartitionSpecUpdate`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct EvolvedPartitionSpec {
    /// The spec to write with from now on.
    pub spec: PartitionSpec,
    /// Whether the spec is to be added to the table; if not, it is an equivalent one that the table has.
    pub is_new: bool,
    /// The table's highest partition field id from now on.
    pub last_partition_id: FieldId,
}

impl<'a> PartitionSpecUpdate<'a> {
    /// Starts from the default spec of a table with these specs. [`TableMetadata`](crate::metadata::TableMetadata) has a
    /// method that puts in its own.
    pub fn new<S: Borrow<PartitionSpec>>(
        schema: &'a Schema,
        specs: &'a [S],
        default_spec_id: PartitionSpecId,
        last_partition_id: FieldId,
        version: FormatVersion,
    ) -> Self {
        let specs = specs.iter().map(Borrow::borrow).collect();
        Self { schema, specs, default_spec_id, last_partition_id, version, changes: Vec::new() }
    }

    /// Adds a field, with the name of an equal field of an older spec, or one made of column and transform.
    pub fn add_field(self, source: impl Into<String>, transform: Transform) -> Self {
        self.push(Change::Add { source: source.into(), transform, name: None })
    }

    /// Adds a field under this name.
    pub fn add_named_field(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        transform: Transform,
    ) -> Self {
        self.push(Change::Add { source: source.into(), transform, name: Some(name.into()) })
    }

    /// Removes the field with this name.
    pub fn remove_field(self, name: impl Into<String>) -> Self {
        self.push(Change::RemoveNamed(name.into()))
    }

    /// Removes the field that applies this transform to this column.
    pub fn remove_transform(self, source: impl Into<String>, transform: Transform) -> Self {
        self.push(Change::RemoveTransform { source: source.into(), transform })
    }

    /// Renames a field.
    pub fn rename_field(self, name: impl Into<String>, new_name: impl Into<String>) -> Self {
        self.push(Change::Rename { from: name.into(), to: new_name.into() })
    }

    fn push(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Applies the changes.
    ///
    /// # Errors
    /// `NotFound` if the default spec, or a column or field named, does not exist; `Unsupported` if the default spec or a
    /// field to add has a transform that this version does not know; `InvalidInput` if changes exclude each other, a field
    /// is there already, a second unit of time of one column is added, v1's field ids would not be sequential, or the
    /// result does not [fit the schema](PartitionSpec::check).
    pub fn build(self) -> Result<EvolvedPartitionSpec, PartitionError> {
        let base = self.specs.iter().find(|spec| spec.id == self.default_spec_id).copied();
        let base = base.ok_or(PartitionError::SpecNotFound { id: self.default_spec_id })?;
        base.check_writable()?;
        let highest = self.specs.iter().map(|spec| spec.highest_field_id()).max();
        let mut draft = Draft {
            schema: self.schema,
            specs: &self.specs,
            base,
            version: self.version,
            last_partition_id: self.last_partition_id.max(highest.unwrap_or(self.last_partition_id)),
            removed: BTreeSet::new(),
            renamed: BTreeMap::new(),
            added: Vec::new(),
        };
        for change in self.changes {
            draft.apply(change)?;
        }
        let last_partition_id = draft.last_partition_id;
        let mut spec = PartitionSpec::new(next_spec_id(&self.specs)?, draft.finish());
        spec.check_writable()?;
        spec.check(self.schema)?;
        if self.version == FormatVersion::V1 {
            spec.check_sequential()?;
        }
        if let Some(there) = self.specs.iter().find(|there| there.is_equivalent(&spec)) {
            let last_partition_id = self.last_partition_id;
            return Ok(EvolvedPartitionSpec { spec: (*there).clone(), is_new: false, last_partition_id });
        }
        spec.unknown_keys = base.unknown_keys.clone();
        Ok(EvolvedPartitionSpec { spec, is_new: true, last_partition_id })
    }
}

/// The changes so far, by field of the base spec.
struct Draft<'a> {
    schema: &'a Schema,
    specs: &'a [&'a PartitionSpec],
    base: &'a PartitionSpec,
    version: FormatVersion,
    last_partition_id: FieldId,
    removed: BTreeSet<FieldId>,
    renamed: BTreeMap<FieldId, String>,
    added: Vec<PartitionField>,
}

impl<'a> Draft<'a> {
    fn apply(&mut self, change: Change) -> Result<(), PartitionError> {
        match change {
            Change::Add { source, transform, name } => self.add(&source, transform, name),
            Change::RemoveNamed(name) => {
                self.check_not_added(|field| field.name == name)?;
                let field = self.base.field(&name);
                self.remove(field.ok_or(PartitionError::FieldNotFound { name })?)
            }
            Change::RemoveTransform { source, transform } => {
                let source_id = self.source(&source)?;
                self.check_not_added(|field| is_of(field, source_id, &transform))?;
                let field = self.base.fields.iter().find(|field| is_of(field, source_id, &transform));
                let name = format!("{transform}({source})");
                self.remove(field.ok_or(PartitionError::FieldNotFound { name })?)
            }
            Change::Rename { from, to } => self.rename(from, to),
        }
    }

    fn source(&self, name: &str) -> Result<FieldId, PartitionError> {
        let column = self.schema.field_by_name(name);
        column.map(|column| column.id).ok_or_else(|| PartitionError::ColumnNotFound { name: name.to_owned() })
    }

    fn check_not_added(&self, is_it: impl Fn(&PartitionField) -> bool) -> Result<(), PartitionError> {
        match self.added.iter().find(|field| is_it(field)) {
            None => Ok(()),
            Some(added) => Err(conflict(&added.name, "it is added by this same update")),
        }
    }

    fn add(
        &mut self,
        source: &str,
        transform: Transform,
        name: Option<String>,
    ) -> Result<(), PartitionError> {
        let source_id = self.source(source)?;
        self.check_not_added(|field| is_of(field, source_id, &transform))?;
        let there = self.base.fields.iter().find(|field| is_of(field, source_id, &transform));
        if let Some(there) = there {
            if !self.removed.remove(&there.field_id) {
                let field = name.unwrap_or_else(|| there.name.clone());
                return Err(PartitionError::Redundant { field, other: there.name.clone() });
            }
            // Removed and added again: it stays, perhaps under another name.
            return match name {
                Some(name) if name != there.name => self.rename(there.name.clone(), name),
                _ => Ok(()),
            };
        }
        let field = self.recycle_or_create(source, source_id, transform, name)?;
        let time = |other: &PartitionField| is_time(&other.transform) && other.source_id() == Some(source_id);
        if let (true, Some(other)) = (is_time(&field.transform), self.added.iter().find(|f| time(f))) {
            return Err(PartitionError::Redundant { field: field.name, other: other.name.clone() });
        }
        self.check_not_added(|other| other.name == field.name)?;
        self.make_way_for(&field.name)?;
        self.added.push(field);
        Ok(())
    }

    /// An equal field of any spec of the table gives its id, and its name if none is asked for.
    fn recycle_or_create(
        &mut self,
        source: &str,
        source_id: FieldId,
        transform: Transform,
        name: Option<String>,
    ) -> Result<PartitionField, PartitionError> {
        if self.version > FormatVersion::V1 {
            let equal = |field: &&PartitionField| {
                is_of(field, source_id, &transform) && name.as_ref().is_none_or(|name| field.name == *name)
            };
            if let Some(old) = self.specs.iter().flat_map(|spec| &spec.fields).find(equal) {
                // In a table that was v1, the field may still stand in the spec as `void`; it comes back to life.
                if self.base.field_by_id(old.field_id).is_some_and(|field| field.transform == Transform::Void)
                {
                    self.removed.insert(old.field_id);
                }
                return Ok(old.clone());
            }
        }
        self.last_partition_id = next_field_id(self.last_partition_id)?;
        let name = name.unwrap_or_else(|| {
            let full_name = self.schema.field_by_id(source_id).map_or(source, |column| column.full_name);
            default_name(full_name, &transform)
        });
        Ok(PartitionField::new(source_id, self.last_partition_id, name, transform))
    }

    /// Lets a field take a name: a void or removed field that has it is named `<name>_<field id>` instead.
    fn make_way_for(&mut self, name: &str) -> Result<(), PartitionError> {
        let Some(there) = self.base.field(name) else { return Ok(()) };
        if self.renamed.contains_key(&there.field_id) {
            return Ok(());
        }
        if there.transform == Transform::Void || self.removed.contains(&there.field_id) {
            self.renamed.insert(there.field_id, format!("{name}_{}", there.field_id));
            return Ok(());
        }
        Err(PartitionError::DuplicateName { name: name.to_owned() })
    }

    fn remove(&mut self, field: &'a PartitionField) -> Result<(), PartitionError> {
        if self.renamed.contains_key(&field.field_id) {
            return Err(conflict(&field.name, "it cannot be both renamed and removed"));
        }
        self.removed.insert(field.field_id);
        Ok(())
    }

    fn rename(&mut self, from: String, to: String) -> Result<(), PartitionError> {
        self.check_not_added(|field| field.name == from)?;
        let field = self.base.field(&from).ok_or(PartitionError::FieldNotFound { name: from })?;
        if self.removed.contains(&field.field_id) {
            return Err(conflict(&field.name, "it cannot be both renamed and removed"));
        }
        // A name that is taken by a living field is found when the finished spec is checked, since that field may be
        // renamed in turn.
        if self.base.field(&to).is_some_and(|there| there.transform == Transform::Void) {
            self.make_way_for(&to)?;
        }
        self.renamed.insert(field.field_id, to);
        Ok(())
    }

    fn finish(self) -> Vec<PartitionField> {
        let mut fields = Vec::with_capacity(self.base.fields.len().saturating_add(self.added.len()));
        for field in &self.base.fields {
            let mut field = field.clone();
            if self.removed.contains(&field.field_id) {
                if self.version > FormatVersion::V1 {
                    continue;
                }
                field.transform = Transform::Void;
            }
            if let Some(name) = self.renamed.get(&field.field_id) {
                field.name.clone_from(name);
            }
            fields.push(field);
        }
        fields.extend(self.added);
        fields
    }
}

fn is_of(field: &PartitionField, source_id: FieldId, transform: &Transform) -> bool {
    field.source_id() == Some(source_id) && field.transform == *transform
}

fn conflict(field: &str, reason: &'static str) -> PartitionError {
    PartitionError::ConflictingChanges { field: field.to_owned(), reason }
}

fn next_spec_id(specs: &[&PartitionSpec]) -> Result<PartitionSpecId, PartitionError> {
    let highest = specs.iter().map(|spec| spec.id.0).max().unwrap_or(-1);
    let next = highest.checked_add(1).ok_or(PartitionError::IdsExhausted { what: "partition spec" })?;
    Ok(PartitionSpecId(next))
}

/// The name that evolution gives a field: parameters of the transform are part of it.
pub(super) fn default_name(source: &str, transform: &Transform) -> String {
    match transform {
        Transform::Bucket(buckets) => format!("{source}_bucket_{buckets}"),
        Transform::Truncate(width) => format!("{source}_trunc_{width}"),
        Transform::Year => format!("{source}_year"),
        Transform::Month => format!("{source}_month"),
        Transform::Day => format!("{source}_day"),
        Transform::Hour => format!("{source}_hour"),
        Transform::Void => format!("{source}_null"),
        Transform::Identity => source.to_owned(),
        Transform::Unknown(name) => format!("{source}_{name}"),
    }
}
