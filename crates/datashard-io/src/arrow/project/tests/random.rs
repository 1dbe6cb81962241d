//! Random schemas, evolved at random, against a reading of the rules on single values.

use datashard_spec::schema::{ListType, MapType, StructType};
use proptest::prelude::*;

use super::*;
use crate::arrow::samples::Samples;

/// What a type may have become: fields dropped, added, renamed, moved and widened, at every level.
fn evolved(samples: &mut Samples, from: &Type) -> Type {
    match from {
        Type::Struct(fields) => Type::Struct(StructType::new(evolved_fields(samples, &fields.fields))),
        Type::List(list) => {
            let mut made = ListType::optional(list.element_id.0, evolved(samples, &list.element));
            made.element_required = list.element_required && samples.once_in(2);
            made.into()
        }
        Type::Map(map) => {
            let key = evolved(samples, &map.key);
            MapType::optional(map.key_id.0, key, map.value_id.0, evolved(samples, &map.value)).into()
        }
        Type::Primitive(primitive) if samples.once_in(2) => match primitive {
            P::Int => P::Long.into(),
            P::Float => P::Double.into(),
            P::Decimal { precision: 9, scale } => P::Decimal { precision: 12, scale: *scale }.into(),
            P::Date => P::TimestampNs.into(),
            other => other.clone().into(),
        },
        other => other.clone(),
    }
}

fn evolved_fields(samples: &mut Samples, from: &[NestedField]) -> Vec<NestedField> {
    let mut made = Vec::new();
    for field in from {
        if samples.once_in(4) {
            continue;
        }
        let mut field = field.clone();
        field.field_type = evolved(samples, &field.field_type);
        field.required = field.required && samples.once_in(2);
        made.push(field);
    }
    while samples.once_in(2) || made.is_empty() {
        let mut added = samples.field(1);
        added.required = false;
        if let Type::Primitive(_) = added.field_type
            && samples.once_in(2)
        {
            added.initial_default = Some(samples.present(&added.field_type));
            added.required = samples.once_in(2);
        }
        made.push(added);
    }
    let by = samples.below(made.len());
    made.rotate_left(by);
    // Names go round, so that each names another column than before.
    let mut names: Vec<String> = made.iter().map(|field| field.name.clone()).collect();
    let by = samples.below(names.len());
    names.rotate_left(by);
    for (field, name) in made.iter_mut().zip(names) {
        field.name = name;
    }
    made
}

fn expected_members(
    from: &[NestedField],
    to: &[NestedField],
    members: &[Option<Value>],
) -> Vec<Option<Value>> {
    to.iter()
        .map(|wanted| match from.iter().position(|field| field.id == wanted.id) {
            Some(at) => expected(&from[at].field_type, &wanted.field_type, members[at].as_ref()),
            None => wanted.initial_default.clone(),
        })
        .collect()
}

fn expected(from: &Type, to: &Type, value: Option<&Value>) -> Option<Value> {
    let value = value?;
    Some(match (from, to, value) {
        (Type::Struct(from), Type::Struct(to), Value::Struct(members)) => {
            Value::Struct(expected_members(&from.fields, &to.fields, members))
        }
        (Type::List(from), Type::List(to), Value::List(elements)) => Value::List(
            elements.iter().map(|element| expected(&from.element, &to.element, element.as_ref())).collect(),
        ),
        (Type::Map(from), Type::Map(to), Value::Map(pairs)) => Value::Map(
            pairs
                .iter()
                .map(|(key, value)| {
                    let key = expected(&from.key, &to.key, Some(key)).unwrap();
                    (key, expected(&from.value, &to.value, value.as_ref()))
                })
                .collect(),
        ),
        (_, Type::Primitive(to), value) => value.promote(to).unwrap(),
        other => panic!("{other:?}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn evolved_tables_read_old_files_by_the_rules(seed: u64) {
        let mut samples = Samples::new(seed);
        let from = samples.structure(3);
        let to = evolved_fields(&mut samples, &from.fields);
        let file = schema(from.fields.clone());
        let stored: Vec<Row> = (0..samples.below(12))
            .map(|_| from.fields.iter().map(|field| samples.value(&field.field_type, field.required)).collect())
            .collect();
        let read = schema(to.clone());
        let stored_batch = batch(&file, &stored);
        let projected = project(&stored_batch, &read, &none(), None).unwrap();
        let wanted: Vec<Row> =
            stored.iter().map(|row| expected_members(&from.fields, &to, row)).collect();
        prop_assert_eq!(&rows(&read, &projected), &wanted);

        // The same by names.
        let mapping = NameMapping::from_schema(&file);
        let by_name = project(&bare_batch(&stored_batch), &read, &none(), Some(&mapping)).unwrap();
        prop_assert_eq!(&by_name, &projected);
    }
}
