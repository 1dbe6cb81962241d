//! Promotions: which types a column may change to, and what becomes of its values.

use super::{PrimitiveType, Schema, SchemaError, Type};
use crate::error::excerpt;
use crate::metadata::FormatVersion;
use crate::value::Value;

/// Whether values of type `from` can be read as type `to` in tables of this version. A type can be read as itself;
/// nested types change through their parts, so here they are compared whole.
///
/// # Spec
/// "Schema Evolution".
///
/// # Examples
/// ```
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_spec::schema::{PrimitiveType, is_promotion_allowed};
///
/// let (date, timestamp) = (PrimitiveType::Date.into(), PrimitiveType::Timestamp.into());
/// assert!(is_promotion_allowed(&date, &timestamp, FormatVersion::V3));
/// assert!(!is_promotion_allowed(&date, &timestamp, FormatVersion::V2));
/// ```
pub fn is_promotion_allowed(from: &Type, to: &Type, version: FormatVersion) -> bool {
    use PrimitiveType as P;
    let is_v3 = version >= FormatVersion::V3;
    match (from, to) {
        (from, to) if from == to => true,
        (Type::Primitive(P::Unknown), _) => is_v3,
        (Type::Primitive(from), Type::Primitive(to)) => match (from, to) {
            (P::Int, P::Long) | (P::Float, P::Double) => true,
            (P::Decimal { precision, scale }, P::Decimal { precision: wider, scale: same }) => {
                wider > precision && scale == same
            }
            (P::Date, P::Timestamp | P::TimestampNs) => is_v3,
            _ => false,
        },
        _ => false,
    }
}

impl Schema {
    /// Checks that files written with this schema can be read with `table`: each field that both have, by id, is of the
    /// same kind, or of a type that promotes to that of the table.
    ///
    /// Whether a field that the file lacks can be made up is another question: of partition values, name mappings and
    /// defaults.
    ///
    /// # Errors
    /// `InvalidInput` naming the first field of the table that cannot be read.
    ///
    /// # Spec
    /// "Column Projection", "Schema Evolution".
    pub fn check_readable_as(&self, table: &Self, version: FormatVersion) -> Result<(), SchemaError> {
        for wanted in table.all_fields() {
            let Some(written) = self.field_by_id(wanted.id) else { continue };
            let is_readable = match (written.field_type, wanted.field_type) {
                (Type::Struct(_), Type::Struct(_)) => true,
                (Type::List(from), Type::List(to)) => from.element_id == to.element_id,
                (Type::Map(from), Type::Map(to)) => from.key_id == to.key_id && from.value_id == to.value_id,
                (from, to) => is_promotion_allowed(from, to, version),
            };
            if !is_readable {
                return Err(SchemaError::TypeChange {
                    field: wanted.full_name.to_owned(),
                    from: excerpt(&written.field_type.to_string()),
                    to: excerpt(&wanted.field_type.to_string()),
                    reason: "files of the one type cannot be read as the other",
                });
            }
        }
        Ok(())
    }
}

/// The value after its column was promoted to `to`; `None` if it is not representable or no promotion leads there.
pub(super) fn promote_value(value: &Value, to: &Type) -> Option<Value> {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    const NANOS_PER_DAY: i64 = 86_400_000_000_000;
    match (value, to.as_primitive()?) {
        (Value::Int(value), PrimitiveType::Long) => Some(Value::Long(i64::from(*value))),
        (Value::Float(value), PrimitiveType::Double) => Some(Value::Double(f64::from(*value))),
        (Value::Date(days), PrimitiveType::Timestamp) => {
            i64::from(*days).checked_mul(MICROS_PER_DAY).map(Value::Timestamp)
        }
        (Value::Date(days), PrimitiveType::TimestampNs) => {
            i64::from(*days).checked_mul(NANOS_PER_DAY).map(Value::TimestampNs)
        }
        _ => None,
    }
}
