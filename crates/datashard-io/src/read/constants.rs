//! Values of columns that a file may lack because its partition tuple has them.

use std::collections::HashMap;

use datashard_spec::id::FieldId;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

/// The values that a partition tuple gives to columns: those with an identity partition field, in the types that the columns have in
/// `schema` (a tuple keeps the types of the time when its file was written). Columns that are not in `schema` keep the tuple's own type.
///
/// # Spec
/// "Column Projection": a column that is not in the file has the value of its identity partition field.
///
/// # Examples
/// ```
/// use datashard_io::read::identity_constants;
/// use datashard_spec::id::{FieldId, PartitionSpecId};
/// use datashard_spec::partition::{PartitionField, PartitionSpec};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::transform::Transform;
/// use datashard_spec::value::Value;
///
/// let schema = Schema::new(vec![NestedField::optional(1, "day", PrimitiveType::Long)])?;
/// let field = PartitionField::new(FieldId(1), FieldId(1000), "day", Transform::Identity);
/// let spec = PartitionSpec::new(PartitionSpecId(0), vec![field]);
/// let constants = identity_constants(&spec, &schema, &[Some(Value::Int(7))]);
/// assert_eq!(constants[&FieldId(1)], Some(Value::Long(7)));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
pub fn identity_constants(
    spec: &PartitionSpec,
    schema: &Schema,
    tuple: &[Option<Value>],
) -> HashMap<FieldId, Option<Value>> {
    let mut constants = HashMap::new();
    for (field, value) in spec.fields.iter().zip(tuple) {
        let Some(source) = field.source_id().filter(|_| field.transform == Transform::Identity) else {
            continue;
        };
        constants.insert(source, value.as_ref().map(|value| in_type_of(schema, source, value)));
    }
    constants
}

/// The value in the type of its column; as it is if it cannot become that, for the reader to refuse with the column's name.
fn in_type_of(schema: &Schema, id: FieldId, value: &Value) -> Value {
    let column = schema.field_by_id(id);
    let primitive = column.and_then(|column| column.field_type.as_primitive());
    primitive.and_then(|primitive| value.promote(primitive)).unwrap_or_else(|| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datashard_spec::id::PartitionSpecId;
    use datashard_spec::partition::PartitionField;
    use datashard_spec::schema::{NestedField, PrimitiveType};

    #[test]
    fn only_identity_fields_give_constants_and_null_is_one() {
        let schema = Schema::new(vec![
            NestedField::optional(1, "a", PrimitiveType::Long),
            NestedField::optional(2, "b", PrimitiveType::String),
            NestedField::optional(3, "c", PrimitiveType::Date),
        ])
        .unwrap();
        let field = |source, id, transform| {
            PartitionField::new(FieldId(source), FieldId(id), format!("p{id}"), transform)
        };
        let spec = PartitionSpec::new(
            PartitionSpecId(3),
            vec![
                field(1, 1000, Transform::Identity),
                field(2, 1001, Transform::Truncate(2)),
                field(3, 1002, Transform::Identity),
                field(9, 1003, Transform::Identity),
                field(2, 1004, Transform::Void),
            ],
        );
        let tuple = [Some(Value::Int(4)), Some("ab".into()), None, Some(Value::Int(5)), None];
        let constants = identity_constants(&spec, &schema, &tuple);
        let expected =
            [(FieldId(1), Some(Value::Long(4))), (FieldId(3), None), (FieldId(9), Some(Value::Int(5)))];
        assert_eq!(constants, HashMap::from(expected));
    }
}
