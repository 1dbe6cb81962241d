//! Any schema, evolved by any steps: rows against the oracle, filters of the later schema too.

use std::sync::Arc;

use datashard_spec::expr::Predicate;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::evolution::{NewColumn, Position, SchemaUpdate, UpdateBase};
use datashard_spec::schema::{ListType, PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;
use proptest::sample::Index;

use super::oracle::rows_in;
use crate::chance;
use crate::sheet::{FORMATS, Sheet, TINY, assert_same, run};

/// One step, for whatever field it meets.
#[derive(Debug, Clone)]
enum Step {
    Drop,
    Rename,
    Widen,
    MakeOptional,
    MoveFirst,
    Add {
        primitive: PrimitiveType,
        default: Option<Value>,
    },
    AddNested,
    /// Drop and add under the same name.
    Replace,
}

fn step() -> impl Strategy<Value = Step> {
    let added = (0..4_usize).prop_flat_map(|which| {
        let kinds = [
            PrimitiveType::Long,
            PrimitiveType::String,
            PrimitiveType::Double,
            PrimitiveType::Decimal { precision: 38, scale: 4 },
        ];
        let primitive = kinds[which].clone();
        let default = prop::option::of(chance::value_of(&primitive.clone().into()));
        (Just(primitive), default)
    });
    prop_oneof![
        2 => Just(Step::Drop),
        1 => Just(Step::Rename),
        3 => Just(Step::Widen),
        1 => Just(Step::MakeOptional),
        1 => Just(Step::MoveFirst),
        3 => added.prop_map(|(primitive, default)| Step::Add { primitive, default }),
        1 => Just(Step::AddNested),
        1 => Just(Step::Replace),
    ]
}

/// The type that a column may be widened to.
fn wider(field_type: &Type) -> Type {
    match field_type {
        Type::Primitive(PrimitiveType::Int) => PrimitiveType::Long.into(),
        Type::Primitive(PrimitiveType::Float) => PrimitiveType::Double.into(),
        Type::Primitive(PrimitiveType::Date) => PrimitiveType::Timestamp.into(),
        Type::Primitive(PrimitiveType::Decimal { precision, scale }) => {
            PrimitiveType::Decimal { precision: (*precision + 9).min(38), scale: *scale }.into()
        }
        other => other.clone(),
    }
}

/// The schema after the steps that are allowed; the others are passed over.
fn evolve(from: &Schema, steps: &[(Step, Index)]) -> Arc<Schema> {
    let (mut schema, mut last) = (from.clone(), from.highest_field_id());
    for (number, (step, index)) in steps.iter().enumerate() {
        let fields: Vec<_> = schema.all_fields().collect();
        let Some(field) = fields.get(index.index(fields.len().max(1))) else { continue };
        let name = field.full_name;
        let parent =
            field.parent.and_then(|id| schema.field_by_id(id)).map(|parent| parent.full_name.to_owned());
        let new = format!("new {number}");
        let add = |update: SchemaUpdate, column: NewColumn| match &parent {
            Some(parent) => update.add_field(parent.as_str(), column),
            None => update.add_column(column),
        };
        let update = SchemaUpdate::new();
        let update = match step {
            Step::Drop => update.delete_column(name),
            Step::Rename => update.rename_column(name, new),
            Step::Widen => update.change_type(name, wider(field.field_type)),
            Step::MakeOptional => update.make_optional(name),
            Step::MoveFirst => update.move_column(name, Position::First),
            Step::Add { primitive, default } => {
                let mut column = NewColumn::optional(new, primitive.clone());
                column.default.clone_from(default);
                add(update, column)
            }
            Step::AddNested => {
                let parts = vec![
                    datashard_spec::schema::NestedField::optional(1, "a", PrimitiveType::Int),
                    datashard_spec::schema::NestedField::optional(
                        2,
                        "b",
                        ListType::optional(3, PrimitiveType::Uuid),
                    ),
                ];
                add(update, NewColumn::optional(new, StructType::new(parts)))
            }
            Step::Replace => {
                let again = NewColumn::optional(field.name, PrimitiveType::Boolean).with_default(true.into());
                add(update.delete_column(name), again)
            }
        };
        if let Ok(change) = update.apply(&UpdateBase::new(&schema, last, FormatVersion::V3)) {
            // Files hold no structs of nothing.
            let is_hollow = change.schema.all_fields().any(|field| {
                field.field_type.as_struct().is_some_and(|parts| {
                    parts.fields.iter().all(|part| part.field_type == PrimitiveType::Unknown.into())
                })
            });
            if !is_hollow && !change.schema.fields().is_empty() {
                (schema, last) = (change.schema, change.last_column_id);
            }
        }
    }
    Arc::new(schema)
}

#[derive(Debug)]
struct Question {
    from: Arc<Schema>,
    to: Arc<Schema>,
    rows: Vec<Tuple>,
    expect: Vec<Tuple>,
    filter: Predicate,
}

fn question() -> impl Strategy<Value = Question> {
    let steps = prop::collection::vec((step(), any::<Index>()), 1..8);
    (chance::table(16), steps)
        .prop_filter_map("a date beyond all timestamps", |((from, rows), steps)| {
            let to = evolve(&from, &steps);
            let expect = rows_in(&from, &to, &rows)?;
            Some((from, to, rows, expect))
        })
        .prop_flat_map(|(from, to, rows, expect)| {
            let filter = chance::predicate(&to, &expect);
            (Just(from), Just(to), Just(rows), Just(expect), filter)
        })
        .prop_map(|(from, to, rows, expect, filter)| Question { from, to, rows, expect, filter })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn files_of_older_schemas_read_as_the_oracle_says(question in question(), tiny in any::<bool>()) {
        run(async {
            let Question { from, to, rows, expect, filter } = &question;
            let bound = filter.bind(to).unwrap();
            let matching: Vec<Tuple> =
                expect.iter().filter(|row| chance::matches(&bound, to, row)).cloned().collect();
            for format in FORMATS {
                let sheet = Sheet::new(from, format, if tiny { &TINY } else { &[] }).await;
                let file = sheet.write(rows).await;
                assert_same(&sheet.read_with(&file, to, |request| request).await, expect, to, format);
                let found = sheet.read_with(&file, to, |request| request.with_filter(bound.clone())).await;
                assert_same(&found, &matching, to, &format!("{format}, filtered"));
            }
        });
    }
}
