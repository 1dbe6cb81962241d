//! The columns of a file as a tree with field ids and leaf numbers.
//!
//! Arrow nests fields in types of many shapes; here a column is a leaf, a struct, a list or a map, whatever its layout and whatever the
//! names that its writer gave to elements, keys and values.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema};
use datashard_spec::id::FieldId;
use datashard_spec::name_mapping::{MappedField, MappedFields, NameMapping};

use crate::arrow::FIELD_ID_KEY;
use crate::data_error::DataError;

/// Columns nest no deeper than this, as in the metadata of a table.
const MAX_DEPTH: usize = 100;

/// Where field ids come from.
#[derive(Debug, Clone)]
pub(super) enum IdSource {
    /// From the metadata of the fields.
    Fields,
    /// From their names.
    Mapping(Arc<NameMapping>),
}

/// A column of a file, or a part of one.
#[derive(Debug)]
pub(super) struct FileColumn {
    pub(super) id: Option<FieldId>,
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// The primitive columns in it.
    pub(super) leaves: Range<usize>,
    pub(super) parts: Parts,
}

/// What a column consists of.
#[derive(Debug)]
pub(super) enum Parts {
    Leaf,
    Struct(Vec<FileColumn>),
    List(Box<FileColumn>),
    /// Key and value.
    Map(Box<(FileColumn, FileColumn)>),
}

/// The columns of a schema.
pub(super) fn columns(
    location: &str,
    schema: &ArrowSchema,
    ids: &IdSource,
) -> Result<Vec<FileColumn>, DataError> {
    let mut walk = Walk { location, next_leaf: 0, by_fields: matches!(ids, IdSource::Fields) };
    let mapped = match ids {
        IdSource::Fields => None,
        IdSource::Mapping(mapping) => Some(mapping.fields()),
    };
    walk.members(schema.fields(), mapped, 0)
}

impl FileColumn {
    /// Whether it or a part of it has an id.
    pub(super) fn has_ids(&self) -> bool {
        self.id.is_some()
            || match &self.parts {
                Parts::Leaf => false,
                Parts::Struct(members) => members.iter().any(Self::has_ids),
                Parts::List(element) => element.has_ids(),
                Parts::Map(pair) => pair.0.has_ids() || pair.1.has_ids(),
            }
    }

    /// The leaves that cost least to read, for what lies above them: which structs are null, how long lists are. One is enough, but a map
    /// without keys or without values is none.
    pub(super) fn cheapest_leaves(&self) -> Vec<usize> {
        self.cheapest(0).map(|(_, leaves)| leaves).unwrap_or_default()
    }

    /// Cost and numbers of the cheapest leaves.
    fn cheapest(&self, lists_above: usize) -> Option<(usize, Vec<usize>)> {
        let below = lists_above.saturating_add(1);
        match &self.parts {
            Parts::Leaf => {
                let cost = cost(&self.data_type).saturating_add(lists_above.saturating_mul(100));
                Some((cost, vec![self.leaves.start]))
            }
            Parts::Struct(members) => members.iter().filter_map(|member| member.cheapest(lists_above)).min(),
            Parts::List(element) => element.cheapest(below),
            Parts::Map(pair) => {
                let (cost, mut leaves) = pair.0.cheapest(below)?;
                let (other_cost, other_leaves) = pair.1.cheapest(below)?;
                leaves.extend(other_leaves);
                Some((cost.saturating_add(other_cost), leaves))
            }
        }
    }

    /// What it is, in a message.
    pub(super) fn describe(&self) -> String {
        match &self.parts {
            Parts::Leaf => self.data_type.to_string(),
            Parts::Struct(_) => "a struct".to_owned(),
            Parts::List(_) => "a list".to_owned(),
            Parts::Map(_) => "a map".to_owned(),
        }
    }
}

/// Roughly the bytes of a value.
fn cost(data_type: &DataType) -> usize {
    match data_type {
        DataType::Null => 0,
        DataType::Boolean => 1,
        DataType::Dictionary(..) => 6,
        other => other.primitive_width().unwrap_or(32),
    }
}

struct Walk<'a> {
    location: &'a str,
    next_leaf: usize,
    by_fields: bool,
}

impl Walk<'_> {
    fn members(
        &mut self,
        fields: &Fields,
        mapped: Option<&MappedFields>,
        depth: usize,
    ) -> Result<Vec<FileColumn>, DataError> {
        fields
            .iter()
            .map(|field| {
                let mapped = mapped.and_then(|mapped| mapped.field(field.name()));
                self.column(field, mapped, depth)
            })
            .collect()
    }

    fn column(
        &mut self,
        field: &Field,
        mapped: Option<&MappedField>,
        depth: usize,
    ) -> Result<FileColumn, DataError> {
        if depth >= MAX_DEPTH {
            let reason = format!("columns are nested deeper than {MAX_DEPTH}");
            return Err(DataError::corrupt(self.location, "schema", reason));
        }
        let below = depth.saturating_add(1);
        let first = self.next_leaf;
        let part = |name| mapped.and_then(|mapped: &MappedField| mapped.fields.field(name));
        let parts = match field.data_type() {
            DataType::Struct(fields) => {
                Parts::Struct(self.members(fields, mapped.map(|mapped| &mapped.fields), below)?)
            }
            DataType::List(element)
            | DataType::LargeList(element)
            | DataType::ListView(element)
            | DataType::LargeListView(element)
            | DataType::FixedSizeList(element, _) => {
                // A map that its format stores as a list of pairs is mapped as a map.
                let mapped = part("element").or(mapped.filter(|_| part("key").is_some()));
                Parts::List(Box::new(self.column(element, mapped, below)?))
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(pair) = entries.data_type() else { return Err(self.odd_map(field)) };
                let [key, value] = pair.as_ref() else { return Err(self.odd_map(field)) };
                let key = self.column(key, part("key"), below)?;
                let value = self.column(value, part("value"), below)?;
                Parts::Map(Box::new((key, value)))
            }
            _ => {
                self.next_leaf = self.next_leaf.saturating_add(1);
                Parts::Leaf
            }
        };
        let id = match self.by_fields {
            true => self.id_of(field)?,
            false => mapped.and_then(|mapped| mapped.field_id),
        };
        Ok(FileColumn {
            id,
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            leaves: first..self.next_leaf,
            parts,
        })
    }

    fn id_of(&self, field: &Field) -> Result<Option<FieldId>, DataError> {
        let Some(text) = field.metadata().get(FIELD_ID_KEY) else { return Ok(None) };
        match text.parse::<i32>() {
            Ok(id) => Ok((id >= 0).then_some(FieldId(id))),
            Err(_) => {
                let reason = format!("the id of column `{}` is {text:?}, which is no number", field.name());
                Err(DataError::corrupt(self.location, "schema", reason))
            }
        }
    }

    fn odd_map(&self, field: &Field) -> DataError {
        let reason = format!("the entries of map `{}` are no pairs of key and value", field.name());
        DataError::corrupt(self.location, "schema", reason)
    }
}
