//! Variants: their two parts of bytes, in whatever width a file or a caller holds them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray, new_null_array};
use arrow::datatypes::DataType;
use datashard_spec::schema::{PrimitiveType, Type};

use super::conform_nested::first_null;
use super::{At, primitive};
use crate::arrow::to_schema::{type_to_arrow, variant_fields};
use crate::data_error::DataError;

const ADVICE: &str = "a variant is a struct of metadata and value";

/// A struct of `metadata` and `value` in the Arrow type of a variant.
pub(super) fn convert(array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef, DataError> {
    let wanted = type_to_arrow(&Type::Variant)?;
    if *array.data_type() == wanted {
        return Ok(ArrayRef::clone(array));
    }
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(&wanted, array.len()));
    }
    let Some(found) = array.as_struct_opt() else {
        return Err(at.wrong_type(array.data_type(), &Type::Variant, ADVICE));
    };
    if found.column_by_name("typed_value").is_some() {
        return Err(DataError::Unsupported {
            place: format!("{}: column `{}`", at.place, at.column),
            what: "a shredded variant".to_owned(),
            advice: "leave the column out, or have the file written without shredding".to_owned(),
        });
    }
    let (Some(metadata), Some(value), 2) =
        (found.column_by_name("metadata"), found.column_by_name("value"), found.num_columns())
    else {
        return Err(at.wrong_type(array.data_type(), &Type::Variant, ADVICE));
    };
    let counting = at.counting(found);
    let below = At { mask: counting.as_ref(), ..*at };
    let mut parts = Vec::with_capacity(2);
    for part in [metadata, value] {
        let made = primitive::convert(part, &PrimitiveType::Binary, &below)?;
        if let Some(row) = first_null(&made, counting.as_ref()) {
            return Err(at.bad_value(row, "a variant lacks its metadata or value"));
        }
        parts.push(made);
    }
    let made = StructArray::try_new_with_length(variant_fields(), parts, counting, array.len());
    Ok(Arc::new(made.map_err(|error| at.internal(error))?))
}
