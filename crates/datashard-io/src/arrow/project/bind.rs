//! The walk over the read schema and a file's columns, side by side.
//!
//! Struct fields are found by id among the fields of the struct that their parent was found as. Elements, keys and values are what they are
//! by their place: their names differ between writers, and their ids only have to agree where the file has them.

use std::collections::{HashMap, HashSet};

use arrow::array::new_empty_array;
use arrow::datatypes::{DataType, FieldRef, Fields};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, StructType, Type};

use super::column::{FileColumn, Parts};
use super::missing::Missing;
use super::plan::{Convert, Part, Plan, Source};
use crate::arrow::cast::read_as;
use crate::data_error::DataError;

/// What the walk needs, and what it finds.
pub(super) struct Binder<'a> {
    pub(super) missing: Missing<'a>,
    /// Fields that must be there, if the columns are those that a decoder gives.
    pub(super) expected: Option<&'a HashSet<FieldId>>,
    /// Leaves to read, in no order.
    pub(super) leaves: Vec<usize>,
    /// Leaves of fields outside of lists and maps.
    pub(super) leaf_of: HashMap<FieldId, usize>,
    /// Struct fields that are in the file.
    pub(super) found: HashSet<FieldId>,
}

/// Where in the read schema the walk is.
#[derive(Clone, Copy)]
struct At<'a> {
    column: &'a str,
    id: FieldId,
    repeated: bool,
}

impl<'a> Binder<'a> {
    pub(super) fn new(missing: Missing<'a>, expected: Option<&'a HashSet<FieldId>>) -> Self {
        Self { missing, expected, leaves: Vec::new(), leaf_of: HashMap::new(), found: HashSet::new() }
    }

    /// A column of the read schema.
    pub(super) fn column(
        &mut self,
        field: &NestedField,
        target: &FieldRef,
        columns: &[FileColumn],
    ) -> Result<Plan, DataError> {
        self.field(field, target, columns, field.name.clone(), false)
    }

    fn field(
        &mut self,
        field: &NestedField,
        target: &FieldRef,
        columns: &[FileColumn],
        column: String,
        repeated: bool,
    ) -> Result<Plan, DataError> {
        let source = if matches!(field.field_type, Type::Primitive(PrimitiveType::Unknown)) {
            // Whatever the file has under this id is to be ignored.
            Source::Null
        } else {
            match self.find(field.id, columns)? {
                Some((index, found)) => {
                    self.found.insert(field.id);
                    let at = At { column: &column, id: field.id, repeated };
                    let convert = self.convert(&field.field_type, target.data_type(), found, at)?;
                    Source::File { index, convert }
                }
                None => self.absent(field, target, &column)?,
            }
        };
        Ok(Plan { field: FieldRef::clone(target), column, source })
    }

    fn find<'c>(
        &self,
        id: FieldId,
        columns: &'c [FileColumn],
    ) -> Result<Option<(usize, &'c FileColumn)>, DataError> {
        let mut all = columns.iter().enumerate().filter(|(_, column)| column.id == Some(id));
        let first = all.next();
        match (first, all.next()) {
            (Some((_, one)), Some((_, other))) => Err(DataError::corrupt(
                self.missing.location,
                "schema",
                format!("columns `{}` and `{}` both stand for field {id}", one.name, other.name),
            )),
            _ => Ok(first),
        }
    }

    fn absent(&self, field: &NestedField, target: &FieldRef, column: &str) -> Result<Source, DataError> {
        if self.expected.is_some_and(|expected| expected.contains(&field.id)) {
            // Nulls or defaults in place of values that are there would be the worst of answers.
            return Err(DataError::internal(format!(
                "the decoder of `{}` left out column `{column}` (id {}), which is in the file",
                self.missing.location, field.id
            )));
        }
        self.missing.source(field, target, column)
    }

    fn convert(
        &mut self,
        read: &Type,
        target: &DataType,
        file: &FileColumn,
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        if file.data_type == DataType::Null {
            self.leaves.push(file.leaves.start);
            return Ok(Convert::Null);
        }
        match (read, &file.parts) {
            (Type::Primitive(PrimitiveType::Unknown), _) => Ok(Convert::Null),
            (Type::Primitive(_), Parts::Leaf) => self.leaf(read, target, file, at),
            (Type::Variant, Parts::Struct(members)) => self.variant(target, file, members, at),
            (Type::Struct(fields), Parts::Struct(members)) => {
                self.structure(fields, target, file, members, at)
            }
            (Type::List(list), Parts::List(element)) => self.list(list, target, file, element, at),
            (Type::Map(map), Parts::Map(pair)) => {
                self.map(map, target, file, [(0, &pair.0), (1, &pair.1)], at)
            }
            (Type::Map(map), Parts::List(element)) => match &element.parts {
                Parts::Struct(members) => {
                    match (self.find(map.key_id, members)?, self.find(map.value_id, members)?) {
                        (Some(key), Some(value)) => self.map(map, target, file, [key, value], at),
                        _ => Err(self.wrong_type(read, file, at)),
                    }
                }
                _ => Err(self.wrong_type(read, file, at)),
            },
            _ => Err(self.wrong_type(read, file, at)),
        }
    }

    fn leaf(
        &mut self,
        read: &Type,
        target: &DataType,
        file: &FileColumn,
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        self.leaves.push(file.leaves.start);
        if !at.repeated {
            self.leaf_of.insert(at.id, file.leaves.start);
        }
        if file.data_type == *target {
            return Ok(Convert::Same);
        }
        // What cannot be read is refused before anything is.
        read_as(&new_empty_array(&file.data_type), read, at.column, &format!("`{}`", self.missing.location))?;
        Ok(Convert::Cast(read.clone()))
    }

    fn variant(
        &mut self,
        target: &DataType,
        file: &FileColumn,
        members: &[FileColumn],
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        let position = |name: &str| members.iter().position(|member| member.name == name);
        if position("typed_value").is_some() {
            return Err(DataError::Unsupported {
                place: format!("`{}`, column `{}`", self.missing.location, at.column),
                what: "a shredded variant".to_owned(),
                advice:
                    "rewrite the file with a writer that does not shred variants, or leave the column out"
                        .to_owned(),
            });
        }
        if position("metadata").is_none() || position("value").is_none() {
            return Err(self.wrong_type(&Type::Variant, file, at));
        }
        for member in members {
            let is_bytes =
                matches!(member.data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
            if matches!(member.name.as_str(), "metadata" | "value") {
                if !is_bytes {
                    return Err(self.wrong_type(&Type::Variant, file, at));
                }
                self.leaves.extend(member.leaves.clone());
            }
        }
        if file.data_type == *target { Ok(Convert::Same) } else { Ok(Convert::Cast(Type::Variant)) }
    }

    fn structure(
        &mut self,
        fields: &StructType,
        target: &DataType,
        file: &FileColumn,
        members: &[FileColumn],
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        let DataType::Struct(targets) = target else { return Err(mismatch(at)) };
        let before = self.leaves.len();
        let plans = self.members(fields, targets, members, at)?;
        self.keep_shape(file, before);
        if file.data_type == *target { Ok(Convert::Same) } else { Ok(Convert::Struct(plans)) }
    }

    fn members(
        &mut self,
        fields: &StructType,
        targets: &Fields,
        members: &[FileColumn],
        at: At<'_>,
    ) -> Result<Vec<Plan>, DataError> {
        fields
            .fields
            .iter()
            .zip(targets)
            .map(|(field, target)| {
                let column = format!("{}.{}", at.column, field.name);
                self.field(field, target, members, column, at.repeated)
            })
            .collect()
    }

    fn list(
        &mut self,
        list: &ListType,
        target: &DataType,
        file: &FileColumn,
        element: &FileColumn,
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        let DataType::List(field) = target else { return Err(mismatch(at)) };
        let before = self.leaves.len();
        let part = self.part("element", list.element_id, &list.element, field, element, at)?;
        self.keep_shape(file, before);
        if file.data_type == *target { Ok(Convert::Same) } else { Ok(Convert::List(Box::new(part))) }
    }

    fn map(
        &mut self,
        map: &MapType,
        target: &DataType,
        file: &FileColumn,
        [(key_index, key), (value_index, value)]: [(usize, &FileColumn); 2],
        at: At<'_>,
    ) -> Result<Convert, DataError> {
        let DataType::Map(entries, _) = target else { return Err(mismatch(at)) };
        let DataType::Struct(pair) = entries.data_type() else { return Err(mismatch(at)) };
        let [key_field, value_field] = pair.as_ref() else { return Err(mismatch(at)) };
        // Decoders give maps whole or not at all: both sides need a leaf.
        let before = self.leaves.len();
        let key_part = self.part("key", map.key_id, &map.key, key_field, key, at)?;
        self.keep_shape(key, before);
        let before = self.leaves.len();
        let value_part = self.part("value", map.value_id, &map.value, value_field, value, at)?;
        self.keep_shape(value, before);
        if file.data_type == *target {
            return Ok(Convert::Same);
        }
        Ok(Convert::Map(Box::new([(key_index, key_part), (value_index, value_part)])))
    }

    fn part(
        &mut self,
        name: &str,
        id: FieldId,
        read: &Type,
        field: &FieldRef,
        file: &FileColumn,
        at: At<'_>,
    ) -> Result<Part, DataError> {
        let column = format!("{}.{name}", at.column);
        if let Some(found) = file.id.filter(|found| *found != id) {
            return Err(DataError::corrupt(
                self.missing.location,
                format!("column `{column}`"),
                format!("its field id is {found}, but in the table it is {id}"),
            ));
        }
        let convert =
            self.convert(read, field.data_type(), file, At { column: &column, id, repeated: true })?;
        Ok(Part { field: FieldRef::clone(field), column, convert })
    }

    /// Sees to it that something of a column is read where nothing in it was asked for: its nulls and lengths count.
    fn keep_shape(&mut self, file: &FileColumn, leaves_before: usize) {
        if self.leaves.len() == leaves_before {
            self.leaves.extend(file.cheapest_leaves());
        }
    }

    fn wrong_type(&self, read: &Type, file: &FileColumn, at: At<'_>) -> DataError {
        DataError::WrongType {
            place: format!("`{}`", self.missing.location),
            column: at.column.to_owned(),
            found: file.describe(),
            wanted: read.to_string(),
            advice: "a file of another table may have been added, or its field ids are wrong".to_owned(),
        }
    }
}

fn mismatch(at: At<'_>) -> DataError {
    DataError::internal(format!("column `{}` is of another kind in Arrow", at.column))
}
