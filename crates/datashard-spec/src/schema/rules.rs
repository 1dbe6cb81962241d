//! Rules that a schema must obey in some uses and not in others: as a table's schema, in a format version.

use super::{PrimitiveType, Schema, SchemaError, Type};
use crate::error::excerpt;
use crate::id::FieldId;
use crate::metadata::FormatVersion;

impl Schema {
    /// Checks that a table of this format version may have the schema.
    ///
    /// # Errors
    /// `InvalidInput` naming the first field whose type, or whose initial default, needs a newer version.
    ///
    /// # Spec
    /// "Schemas and Data Types", "Default values".
    pub fn check_format_version(&self, version: FormatVersion) -> Result<(), SchemaError> {
        for field in self.all_fields() {
            let since_v3 = if needs_v3(field.field_type) {
                format!("type {}", field.field_type)
            } else if field.field.is_some_and(|field| field.initial_default.is_some()) {
                "an initial default that is not null".to_owned()
            } else {
                continue;
            };
            if version < FormatVersion::V3 {
                return Err(SchemaError::NeedsFormatVersion {
                    field: field.full_name.to_owned(),
                    what: since_v3,
                    needed: FormatVersion::V3,
                    found: version,
                });
            }
        }
        Ok(())
    }

    /// Checks that no id is one of those reserved for metadata columns, as in the schema of a table.
    ///
    /// # Errors
    /// `InvalidInput` naming the first field with a reserved id.
    ///
    /// # Spec
    /// "Reserved Field IDs".
    pub fn check_user_ids(&self) -> Result<(), SchemaError> {
        match self.all_fields().find(|field| field.id.is_reserved()) {
            Some(field) => Err(SchemaError::ReservedId { id: field.id, field: field.full_name.to_owned() }),
            None => Ok(()),
        }
    }

    pub(super) fn check_identifier_field(&self, id: FieldId) -> Result<(), SchemaError> {
        let fail = |name: &str, reason| Err(SchemaError::IdentifierField { id, name: excerpt(name), reason });
        let Some(field) = self.field_by_id(id) else { return fail("", "there is no such field") };
        match field.field_type {
            Type::Primitive(PrimitiveType::Float | PrimitiveType::Double) => {
                return fail(field.full_name, "floats and doubles have no usable equality");
            }
            Type::Primitive(_) => {}
            _ => return fail(field.full_name, "it is not a primitive"),
        }
        for part in self.with_ancestors(id) {
            if part.id != id && !matches!(part.field_type, Type::Struct(_)) {
                return fail(field.full_name, "it lies in a list or map");
            }
            if !part.required {
                return fail(field.full_name, "it, or a struct it lies in, is optional");
            }
        }
        Ok(())
    }
}

/// Whether the type itself, not its parts, came with version 3.
fn needs_v3(field_type: &Type) -> bool {
    match field_type {
        Type::Variant => true,
        Type::Primitive(primitive) => matches!(
            primitive,
            PrimitiveType::TimestampNs
                | PrimitiveType::TimestamptzNs
                | PrimitiveType::Unknown
                | PrimitiveType::Geometry(_)
                | PrimitiveType::Geography(..)
        ),
        Type::Struct(_) | Type::List(_) | Type::Map(_) => false,
    }
}
