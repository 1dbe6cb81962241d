//! Field ids for a schema that takes the place of another: columns that go on under their name keep their ids, all others get new ones.

use std::collections::BTreeMap;

use datashard_spec::id::FieldId;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::{Schema, StructType, Type, is_promotion_allowed};

/// A schema with ids of a table.
pub(super) struct Assigned {
    pub(super) schema: Schema,
    /// The id in the table of each id of the schema as given.
    pub(super) new_ids: BTreeMap<FieldId, FieldId>,
}

/// Gives ids to `schema`, which replaces `base`; those after `last` were never used.
///
/// A field keeps the id of the one at the same path if values of that one can be read as its type. Otherwise the id would have two meanings.
///
/// # Errors
/// When no ids are left, or the result is no schema.
pub(super) fn replacing(
    base: &Schema,
    last: FieldId,
    version: FormatVersion,
    schema: &Schema,
) -> Result<Assigned, String> {
    let mut ids = Ids { base, version, last, new_ids: BTreeMap::new() };
    let mut root = schema.as_struct().clone();
    ids.assign_struct(&mut root, &mut Vec::new())?;
    let identifiers = schema.identifier_field_ids().iter().filter_map(|id| ids.new_ids.get(id).copied());
    let schema = Schema::new(root.fields).and_then(|schema| schema.with_identifier_fields(identifiers));
    Ok(Assigned { schema: schema.map_err(|e| e.to_string())?, new_ids: ids.new_ids })
}

struct Ids<'s> {
    base: &'s Schema,
    version: FormatVersion,
    last: FieldId,
    new_ids: BTreeMap<FieldId, FieldId>,
}

impl Ids<'_> {
    fn replace(&mut self, id: &mut FieldId, of: &Type, path: &[String]) -> Result<(), String> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let same = self.base.field_by_path(&names).filter(|before| match (before.field_type, of) {
            (Type::Struct(_), Type::Struct(_))
            | (Type::List(_), Type::List(_))
            | (Type::Map(_), Type::Map(_)) => true,
            (before, after) => is_promotion_allowed(before, after, self.version),
        });
        let new = match same {
            Some(before) => before.id,
            None => {
                let next = self.last.0.checked_add(1).map(FieldId).filter(|id| *id <= FieldId::MAX_USER);
                self.last = next.ok_or("no field ids are left")?;
                self.last
            }
        };
        self.new_ids.insert(*id, new);
        *id = new;
        Ok(())
    }

    fn assign(&mut self, field_type: &mut Type, path: &mut Vec<String>) -> Result<(), String> {
        match field_type {
            Type::Struct(fields) => self.assign_struct(fields, path),
            Type::List(list) => {
                path.push("element".to_owned());
                self.replace(&mut list.element_id, &list.element, path)?;
                self.assign(&mut list.element, path)?;
                path.pop();
                Ok(())
            }
            Type::Map(map) => {
                path.push("key".to_owned());
                self.replace(&mut map.key_id, &map.key, path)?;
                self.assign(&mut map.key, path)?;
                path.pop();
                path.push("value".to_owned());
                self.replace(&mut map.value_id, &map.value, path)?;
                self.assign(&mut map.value, path)?;
                path.pop();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The columns first, then what lies in each of them.
    fn assign_struct(&mut self, fields: &mut StructType, path: &mut Vec<String>) -> Result<(), String> {
        for field in &mut fields.fields {
            path.push(field.name.clone());
            self.replace(&mut field.id, &field.field_type, path)?;
            path.pop();
        }
        for field in &mut fields.fields {
            path.push(field.name.clone());
            self.assign(&mut field.field_type, path)?;
            path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use datashard_spec::schema::{ListType, NestedField, PrimitiveType as P};

    use super::*;

    #[test]
    fn columns_that_go_on_keep_their_ids_and_others_get_new_ones() {
        let list = |element: P| Type::List(ListType::optional(90, element));
        let base = Schema::new(vec![
            NestedField::required(1, "id", P::Int),
            NestedField::optional(2, "name", P::String),
            NestedField::optional(3, "tags", Type::List(ListType::optional(4, P::Int))),
        ]);
        let wanted = Schema::new(vec![
            NestedField::optional(70, "tags", list(P::Long)),
            NestedField::required(71, "id", P::Long),
            NestedField::optional(72, "name", P::Int),
            NestedField::optional(73, "new", P::Int),
        ])
        .unwrap()
        .with_identifier_fields([FieldId(71)]);
        let assigned = replacing(&base.unwrap(), FieldId(9), FormatVersion::V2, &wanted.unwrap()).unwrap();
        let ids: Vec<i32> = assigned.schema.all_fields().map(|field| field.id.0).collect();
        let names: Vec<&str> = assigned.schema.all_fields().map(|field| field.full_name).collect();
        let by_name: BTreeMap<&str, i32> = names.into_iter().zip(ids).collect();
        let expect = [("tags", 3), ("tags.element", 4), ("id", 1), ("name", 10), ("new", 11)];
        assert_eq!(by_name, BTreeMap::from(expect));
        assert_eq!(assigned.new_ids[&FieldId(72)], FieldId(10));
        assert!(assigned.schema.identifier_field_ids().contains(&FieldId(1)));
    }

    #[test]
    fn ids_run_out_with_an_error() {
        let base = Schema::new(Vec::new()).unwrap();
        let wanted = Schema::new(vec![NestedField::optional(1, "x", P::Int)]).unwrap();
        assert!(replacing(&base, FieldId::MAX_USER, FormatVersion::V2, &wanted).is_err());
    }
}
