use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::schema::{ListType, MapType, NestedField, PrimitiveType, StructType};

/// One random step: which operation, which field it is about, which name it gives.
fn step() -> impl Strategy<Value = (u8, prop::sample::Index, u8)> {
    (0..12_u8, any::<prop::sample::Index>(), 0..12_u8)
}

fn random_type(choice: u8) -> Type {
    let int = || NestedField::optional(0, "p", PrimitiveType::Int);
    let pair = StructType::new(vec![int(), NestedField { id: FieldId(1), name: "q".to_owned(), ..int() }]);
    match choice % 5 {
        0 => PrimitiveType::Int.into(),
        1 => PrimitiveType::Float.into(),
        2 => pair.into(),
        3 => ListType::optional(7, pair).into(),
        _ => MapType::optional(8, PrimitiveType::String, 9, pair).into(),
    }
}

fn operation(schema: &Schema, (kind, at, choice): (u8, prop::sample::Index, u8)) -> SchemaOperation {
    let names: Vec<&str> = schema.all_fields().map(|field| field.full_name).collect();
    let name = if names.is_empty() { String::new() } else { (*at.get(&names)).to_owned() };
    let fresh = format!("c{choice}");
    let column = NewColumn::optional(fresh.clone(), random_type(choice));
    match kind {
        0 | 1 => SchemaOperation::Add { parent: None, column },
        2 | 3 => SchemaOperation::Add { parent: Some(name), column },
        4 => SchemaOperation::Delete { name },
        5 => SchemaOperation::Rename { name, to: fresh },
        6 => SchemaOperation::ChangeType { name, to: PrimitiveType::Long.into() },
        7 => SchemaOperation::MakeOptional { name },
        8 => SchemaOperation::MakeRequired { name },
        9 => SchemaOperation::Move { name, to: Position::First },
        10 => SchemaOperation::SetIdentifierFields { names: vec![name] },
        _ => SchemaOperation::UnionByName {
            schema: Schema::new(vec![NestedField::optional(1, fresh, PrimitiveType::Long)]).unwrap(),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Updates of one to three operations, each applied to what the one before left; those that are refused leave all
    /// as it was.
    #[test]
    fn ids_stay_unique_and_are_never_given_twice(
        updates in prop::collection::vec(prop::collection::vec(step(), 1..4), 1..20),
    ) {
        let mut schema = Schema::new(vec![]).unwrap();
        let mut last = FieldId(0);
        // Every id that ever was, with the parent it had: an id never comes back, and never moves.
        let mut history: BTreeMap<FieldId, Option<FieldId>> = BTreeMap::new();
        for steps in updates {
            let mut update = SchemaUpdate::new().allow_incompatible_changes();
            for step in steps {
                update = update.with(operation(&schema, step));
            }
            let Ok(change) = update.apply(&UpdateBase::new(&schema, last, FormatVersion::V2)) else { continue };
            let new = change.schema.clone();
            let mut ids: Vec<FieldId> = new.all_fields().map(|field| field.id).collect();
            for field in new.all_fields() {
                if schema.field_by_id(field.id).is_some() {
                    prop_assert_eq!(history.get(&field.id), Some(&field.parent));
                } else {
                    prop_assert!(field.id > last, "{} is not new", field.id);
                    prop_assert!(history.insert(field.id, field.parent).is_none());
                }
                prop_assert!(field.id <= change.last_column_id);
            }
            for field in schema.all_fields() {
                let now = new.field_by_id(field.id).map(|field| field.full_name);
                if let Some(renamed) = change.renamed.get(field.full_name) {
                    prop_assert_eq!(now, Some(renamed.as_str()));
                } else if change.deleted.contains(field.full_name) {
                    prop_assert_eq!(now, None);
                } else {
                    prop_assert_eq!(now, Some(field.full_name));
                }
            }
            let count = ids.len();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), count);
            prop_assert!(change.last_column_id >= last);
            prop_assert_eq!(new.ambiguous_name(), None);
            // The rules hold for it as for any schema, and for what is read back.
            let again = Schema::new(new.fields().to_vec()).unwrap();
            prop_assert!(again.with_identifier_fields(new.identifier_field_ids().iter().copied()).is_ok());
            prop_assert_eq!(Schema::from_json(&new.to_json()).unwrap(), new.clone());
            last = change.last_column_id;
            schema = new;
        }
    }
}
