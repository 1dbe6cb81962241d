//! Records in and out: what is taken, what is refused and in which words, and that nothing of a refused record stays.

mod json;
mod property;
mod serde;
mod strict;

use std::sync::Arc;

use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use datashard_spec::value::Value;

use super::{RowBuilder, values};

/// A schema of one optional column `c`.
fn one(field_type: impl Into<Type>) -> Arc<Schema> {
    Arc::new(Schema::new(vec![NestedField::optional(1, "c", field_type)]).unwrap())
}

/// The rows of a builder.
fn rows_of(rows: &mut RowBuilder, schema: &Schema) -> Vec<Vec<Option<Value>>> {
    values(&rows.finish().unwrap(), schema).unwrap().collect::<Result<_, _>>().unwrap()
}

fn decimal(precision: u8, scale: u8) -> PrimitiveType {
    PrimitiveType::Decimal { precision, scale }
}
