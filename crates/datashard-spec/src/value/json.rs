//! JSON single values (Appendix C).

use super::{Value, ValueError};
use crate::SpecError;
use crate::json::{Json, JsonWriter};
use crate::schema::Type;

pub(crate) fn parse(field_type: &Type, _json: Json<'_, '_>) -> Result<Value, SpecError> {
    Err(ValueError::NotRepresentable { what: field_type.to_string(), form: "JSON" }.into())
}

pub(crate) fn write(_field_type: &Type, _value: &Value, writer: &mut JsonWriter) {
    writer.raw("null");
}
