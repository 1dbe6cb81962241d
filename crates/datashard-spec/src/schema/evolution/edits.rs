//! The edits that an update has asked for so far, and the rules of each.
//!
//! The base stays as it is while operations are taken in: edits are collected by field id, so that names go on meaning
//! what they mean in the base. `rebuild` puts them together.

use std::collections::{HashMap, HashSet};

use super::UpdateBase;
use super::lookup::NewField;
use super::operation::{NewColumn, Position, SchemaOperation};
use crate::error::excerpt;
use crate::id::FieldId;
use crate::metadata::FormatVersion;
use crate::schema::fresh_ids::FreshIds;
use crate::schema::{FieldRef, NestedField, PrimitiveType, Schema, SchemaError, Type, is_promotion_allowed};
use crate::transform::Transform;
use crate::value::Value;

/// Edits by field id. The key of `added`, `moves` and `siblings` is the field whose type is the struct; `None` is the
/// schema itself.
pub(super) struct Edits<'a> {
    pub(super) base: UpdateBase<'a>,
    pub(super) case_ignored: bool,
    pub(super) patches: HashMap<FieldId, Patch>,
    pub(super) deleted: HashSet<FieldId>,
    pub(super) added: HashMap<Option<FieldId>, Vec<NestedField>>,
    pub(super) moves: HashMap<Option<FieldId>, Vec<(FieldId, Target)>>,
    pub(super) identifiers: Option<Vec<String>>,
    incompatible_allowed: bool,
    ids: FreshIds,
    /// Changed fields and those they lie in: none of them can be deleted any more.
    touched: HashSet<FieldId>,
    pub(super) new: Vec<NewField>,
    pub(super) new_by_id: HashMap<FieldId, usize>,
    pub(super) new_by_name: HashMap<String, FieldId>,
    pub(super) siblings: HashMap<Option<FieldId>, HashMap<String, FieldId>>,
}

/// What changes of one field.
#[derive(Default)]
pub(super) struct Patch {
    pub(super) name: Option<String>,
    pub(super) required: Option<bool>,
    pub(super) field_type: Option<Type>,
    pub(super) doc: Option<Option<String>>,
    pub(super) write_default: Option<Option<Value>>,
}

/// Where a field moves to.
pub(super) enum Target {
    First,
    Before(FieldId),
    After(FieldId),
}

impl<'a> Edits<'a> {
    pub(super) fn new(base: UpdateBase<'a>, incompatible_allowed: bool, case_ignored: bool) -> Self {
        Self {
            case_ignored,
            incompatible_allowed,
            ids: FreshIds::after(base.last_column_id.max(base.schema.highest_user_id())),
            base,
            patches: HashMap::new(),
            deleted: HashSet::new(),
            added: HashMap::new(),
            moves: HashMap::new(),
            identifiers: None,
            touched: HashSet::new(),
            new: Vec::new(),
            new_by_id: HashMap::new(),
            new_by_name: HashMap::new(),
            siblings: HashMap::new(),
        }
    }

    pub(super) fn last_column_id(&self) -> FieldId {
        self.ids.last()
    }

    pub(super) fn apply(&mut self, operation: &SchemaOperation) -> Result<(), SchemaError> {
        match operation {
            SchemaOperation::Add { parent: None, column } => self.add(None, "", column),
            SchemaOperation::Add { parent: Some(parent), column } => {
                let holder = self.holder(parent)?;
                self.add(Some(holder), parent, column)
            }
            SchemaOperation::Delete { name } => self.delete(name),
            SchemaOperation::Rename { name, to } => self.rename(self.find(name)?, to),
            SchemaOperation::ChangeType { name, to } => self.change_type(self.find(name)?, to),
            SchemaOperation::MakeOptional { name } => self.make_optional(self.find(name)?),
            SchemaOperation::MakeRequired { name } => self.make_required(self.find(name)?),
            SchemaOperation::SetDoc { name, doc } => self.set_doc(self.find(name)?, doc.clone()),
            SchemaOperation::SetWriteDefault { name, value } => {
                let id = self.find(name)?;
                self.change_struct_field(id, "given a default")?.write_default = Some(value.clone());
                Ok(())
            }
            SchemaOperation::Move { name, to } => self.move_field(self.find(name)?, to),
            SchemaOperation::SetIdentifierFields { names } => {
                self.identifiers = Some(names.clone());
                Ok(())
            }
            SchemaOperation::UnionByName { schema } => self.union(schema),
        }
    }

    /// Checks that the field may change, and marks it as changed.
    fn touch(&mut self, id: FieldId) -> Result<(), SchemaError> {
        self.check_not_in_key(id)?;
        if self.is_deleted(id) {
            return Err(SchemaError::ChangedAndDeleted { field: self.full_name(id) });
        }
        let path: Vec<FieldId> = self.with_ancestors(id).map(|field| field.id).collect();
        self.touched.extend(path);
        Ok(())
    }

    fn change(&mut self, id: FieldId) -> Result<&mut Patch, SchemaError> {
        self.touch(id)?;
        Ok(self.patches.entry(id).or_default())
    }

    fn check_struct_field(&self, id: FieldId, change: &'static str) -> Result<(), SchemaError> {
        match self.field(id) {
            Some(FieldRef { field: Some(_), .. }) => Ok(()),
            _ => {
                self.check_not_in_key(id)?;
                Err(SchemaError::NoStructField { field: self.full_name(id), change })
            }
        }
    }

    fn change_struct_field(&mut self, id: FieldId, change: &'static str) -> Result<&mut Patch, SchemaError> {
        self.check_struct_field(id, change)?;
        self.change(id)
    }

    /// Adds a field to the struct of `holder`, which the update calls `parent`.
    pub(super) fn add(
        &mut self,
        holder: Option<FieldId>,
        parent: &str,
        column: &NewColumn,
    ) -> Result<(), SchemaError> {
        let full_name = match holder {
            None => column.name.clone(),
            Some(_) => format!("{parent}.{}", column.name),
        };
        check_name(&column.name)?;
        if let Some(holder) = holder {
            self.touch(holder)?;
        }
        let key = self.fold(&column.name);
        if let Some(there) = self.siblings(holder).get(&key).copied()
            && !self.deleted.contains(&there)
        {
            return Err(SchemaError::NameTaken { name: full_name });
        }
        if column.required && column.default.is_none() && !self.incompatible_allowed {
            return Err(SchemaError::Incompatible {
                field: full_name,
                change: "added as required without a default",
            });
        }
        let mut field = NestedField::optional(self.ids.next()?.0, &column.name, column.field_type.clone());
        self.ids.assign(&mut field.field_type, 0)?;
        field.required = column.required;
        field.doc.clone_from(&column.doc);
        field.initial_default.clone_from(&column.default);
        field.write_default.clone_from(&column.default);
        self.siblings(holder).insert(key, field.id);
        self.remember(holder, &full_name, Schema::new(vec![field.clone()])?);
        self.added.entry(holder).or_default().push(field);
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), SchemaError> {
        let id = self.find(name)?;
        self.check_struct_field(id, "deleted")?;
        self.check_not_in_key(id)?;
        if self.touched.contains(&id) || self.is_new(id) {
            return Err(SchemaError::ChangedAndDeleted { field: name.to_owned() });
        }
        self.deleted.insert(id);
        Ok(())
    }

    fn rename(&mut self, id: FieldId, to: &str) -> Result<(), SchemaError> {
        check_name(to)?;
        self.change_struct_field(id, "renamed")?.name = Some(to.to_owned());
        Ok(())
    }

    pub(super) fn make_optional(&mut self, id: FieldId) -> Result<(), SchemaError> {
        self.change(id)?.required = Some(false);
        Ok(())
    }

    fn make_required(&mut self, id: FieldId) -> Result<(), SchemaError> {
        let patched = self.patches.get(&id).and_then(|patch| patch.required);
        let Some(field) = self.field(id) else { return Ok(()) };
        let has_value = field.field.is_some_and(|field| field.initial_default.is_some());
        let is_safe = patched.unwrap_or(field.required) || (self.is_new(id) && has_value);
        if !is_safe && !self.incompatible_allowed {
            self.check_not_in_key(id)?;
            return Err(SchemaError::Incompatible { field: self.full_name(id), change: "made required" });
        }
        self.change(id)?.required = Some(true);
        Ok(())
    }

    pub(super) fn change_type(&mut self, id: FieldId, to: &Type) -> Result<(), SchemaError> {
        self.touch(id)?;
        let patched = self.patches.get(&id).and_then(|patch| patch.field_type.as_ref());
        let Some(from) = patched.or(self.field(id).map(|field| field.field_type)) else { return Ok(()) };
        if from == to {
            return Ok(());
        }
        if let Some(reason) = self.refuses_promotion(id, from, to) {
            return Err(SchemaError::TypeChange {
                field: self.full_name(id),
                from: excerpt(&from.to_string()),
                to: excerpt(&to.to_string()),
                reason,
            });
        }
        let mut to = to.clone();
        self.ids.assign(&mut to, 0)?;
        self.change(id)?.field_type = Some(to);
        Ok(())
    }

    fn refuses_promotion(&self, id: FieldId, from: &Type, to: &Type) -> Option<&'static str> {
        if from.is_nested() {
            return Some("a struct, list or map changes through its parts only");
        }
        if !is_promotion_allowed(from, to, self.base.format_version) {
            return Some(match is_promotion_allowed(from, to, FormatVersion::V3) {
                true => "the promotion needs format version 3",
                false => "no promotion leads there",
            });
        }
        let is_date = matches!(from, Type::Primitive(PrimitiveType::Date));
        let mut fields = self.base.partition_specs.iter().flat_map(|spec| &spec.fields);
        let changes_partition = is_date
            && fields.any(|field| {
                // Years, months and days of a date are those of its midnight; hours do not apply to dates.
                let is_same = matches!(
                    field.transform,
                    Transform::Year | Transform::Month | Transform::Day | Transform::Void
                );
                field.source_ids.contains(&id) && !is_same
            });
        changes_partition.then_some("it is the source of a partition field whose values would change")
    }

    pub(super) fn set_doc(&mut self, id: FieldId, doc: Option<String>) -> Result<(), SchemaError> {
        self.change_struct_field(id, "given a doc")?.doc = Some(doc);
        Ok(())
    }

    fn move_field(&mut self, id: FieldId, to: &Position) -> Result<(), SchemaError> {
        self.check_struct_field(id, "moved")?;
        self.touch(id)?;
        let parent = self.field(id).and_then(|field| field.parent);
        let target = match to {
            Position::First => Target::First,
            Position::Before(name) => Target::Before(self.neighbour(id, parent, name)?),
            Position::After(name) => Target::After(self.neighbour(id, parent, name)?),
        };
        self.moves.entry(parent).or_default().push((id, target));
        Ok(())
    }

    fn neighbour(&self, id: FieldId, parent: Option<FieldId>, name: &str) -> Result<FieldId, SchemaError> {
        let neighbour = self.find(name)?;
        let reason = if neighbour == id {
            "it cannot go next to itself"
        } else if self.field(neighbour).and_then(|field| field.parent) != parent {
            "fields move within their struct only"
        } else if self.deleted.contains(&neighbour) {
            "the field to go next to is deleted"
        } else {
            return Ok(neighbour);
        };
        Err(SchemaError::Move { field: self.full_name(id), reason })
    }
}

fn check_name(name: &str) -> Result<(), SchemaError> {
    if name.is_empty() {
        return Err(SchemaError::InvalidName { name: name.to_owned(), reason: "a name is not empty" });
    }
    Ok(())
}
