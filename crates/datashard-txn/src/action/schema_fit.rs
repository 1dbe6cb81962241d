//! Whether files that were written for one schema of a table still fit its current one.
//!
//! An added optional column, a renamed, widened or dropped one do no harm: readers fill in, look up by id, promote, leave out. What does
//! harm is a required column that the files' rows have no value for, and a type that theirs cannot be read as.

use datashard_spec::id::SchemaId;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::schema::{FieldRef, Schema};

/// The schema that files were written for.
///
/// # Errors
/// Why rows written for it cannot be rows of the table any more.
pub(super) fn fitting_schema(table: &TableMetadata, written_for: SchemaId) -> Result<&Schema, String> {
    let written = table.schema(written_for).ok_or_else(|| {
        format!("the schema {written_for} that the files were written for is not the table's")
    })?;
    let current = table.current_schema();
    if written_for == table.current_schema_id() {
        return Ok(written);
    }
    let changed = |what: String| {
        format!("the schema changed from {written_for} to {} meanwhile: {what}", table.current_schema_id())
    };
    written.check_readable_as(current, table.format_version()).map_err(|e| changed(e.to_string()))?;
    for wanted in current.all_fields().filter(|field| field.required) {
        match written.field_by_id(wanted.id) {
            Some(field) if field.required => {}
            Some(_) => {
                return Err(changed(format!(
                    "column `{}` is required now and was optional",
                    wanted.full_name
                )));
            }
            None if is_made_up(wanted, written) => {}
            None => {
                return Err(changed(format!("the files lack the required column `{}`", wanted.full_name)));
            }
        }
    }
    Ok(written)
}

/// Whether readers have a value for a field that the files lack: its default, or null for the whole struct that it lies in.
fn is_made_up(wanted: FieldRef<'_>, written: &Schema) -> bool {
    let has_default = wanted.field.is_some_and(|field| field.initial_default.is_some());
    // A parent that the files lack too is asked about itself.
    let lacks_parent = wanted.parent.is_some_and(|parent| written.field_by_id(parent).is_none());
    has_default || lacks_parent
}

#[cfg(test)]
mod tests {
    use datashard_spec::Uuid;
    use datashard_spec::metadata::{ApplyContext, FormatVersion, TableUpdate};
    use datashard_spec::schema::{NestedField, PrimitiveType, StructType, Type};
    use datashard_spec::value::Value;

    use super::*;

    /// Files written for `before`, in a table that has `after` now.
    fn check(before: Vec<NestedField>, after: Vec<NestedField>) -> Result<(), String> {
        let table = TableMetadata::builder(Schema::new(before).unwrap(), "memory://t", Uuid::from_u128(1), 5)
            .with_format_version(FormatVersion::V3)
            .build()
            .unwrap();
        let updates = [
            TableUpdate::AddSchema { schema: Schema::new(after).unwrap() },
            TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
        ];
        let table = table.apply(&updates, &ApplyContext::new(6)).unwrap();
        fitting_schema(&table, SchemaId(0)).map(|_| ())
    }

    fn id() -> NestedField {
        NestedField::required(1, "id", PrimitiveType::Int)
    }

    #[test]
    fn d5_rows_fit_after_columns_were_added_renamed_widened_or_dropped() {
        let price = NestedField::optional(2, "price", PrimitiveType::Float);
        let with_default =
            NestedField::required(3, "n", PrimitiveType::Int).with_initial_default(Value::Int(0));
        for after in [
            vec![id(), price.clone(), NestedField::optional(3, "note", PrimitiveType::String)],
            vec![id(), price.clone(), with_default],
            vec![NestedField::required(1, "key", PrimitiveType::Int), price.clone()],
            vec![NestedField::required(1, "id", PrimitiveType::Long), price.clone()],
            vec![NestedField::optional(1, "id", PrimitiveType::Int), price.clone()],
            vec![id()],
        ] {
            assert_eq!(check(vec![id(), price.clone()], after.clone()), Ok(()), "{after:?}");
        }
    }

    #[test]
    fn d5_rows_do_not_fit_without_a_required_column_or_with_another_type() {
        let price = || NestedField::optional(2, "price", PrimitiveType::Float);
        for (after, expect) in [
            (
                vec![id(), price(), NestedField::required(3, "n", PrimitiveType::Int)],
                "lack the required column `n`",
            ),
            (
                vec![id(), NestedField::required(2, "price", PrimitiveType::Float)],
                "required now and was optional",
            ),
            (vec![id(), NestedField::optional(2, "price", PrimitiveType::String)], "cannot be read"),
        ] {
            let reason = check(vec![id(), price()], after).unwrap_err();
            assert!(reason.starts_with("the schema changed from 0 to 1 meanwhile: "), "{reason}");
            assert!(reason.contains(expect), "{reason}");
        }
    }

    #[test]
    fn d5_a_required_field_is_missed_only_if_its_struct_is_there() {
        let inner = |fields| Type::Struct(StructType::new(fields));
        let x = NestedField::required(3, "x", PrimitiveType::Int);
        let y = NestedField::required(4, "y", PrimitiveType::Int);
        let of = |fields| NestedField::optional(2, "point", inner(fields));
        assert_eq!(check(vec![id()], vec![id(), of(vec![x.clone(), y.clone()])]), Ok(()));
        let reason = check(vec![id(), of(vec![x.clone()])], vec![id(), of(vec![x, y])]).unwrap_err();
        assert!(reason.contains("`point.y`"), "{reason}");
    }

    #[test]
    fn d4_a_schema_that_the_table_does_not_have_fits_nothing() {
        let table =
            TableMetadata::builder(Schema::new(vec![id()]).unwrap(), "memory://t", Uuid::from_u128(1), 5);
        assert!(fitting_schema(&table.build().unwrap(), SchemaId(7)).is_err());
    }
}
