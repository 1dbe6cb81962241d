//! Fields of Avro records that the format does not name: kept with their values, so that another writer's notes survive
//! a rewrite of the manifest.

use crate::id::FieldId;

/// A value of a field that the format does not name, in the terms of Avro.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AvroValue {
    /// Null.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An int, a long, or the index of an enum's symbol.
    Long(i64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// Bytes, or a fixed.
    Bytes(Vec<u8>),
    /// Text.
    String(String),
    /// An array.
    Array(Vec<AvroValue>),
    /// A map, in file order.
    Map(Vec<(String, AvroValue)>),
    /// A record: one value per field.
    Record(Vec<AvroValue>),
    /// A value of a union, with the number of its branch.
    Union(usize, Box<AvroValue>),
}

impl AvroValue {
    /// The value without the unions around it; `None` if null.
    pub fn unwrap_union(&self) -> Option<&Self> {
        match self {
            Self::Null => None,
            Self::Union(_, inner) => inner.unwrap_union(),
            other => Some(other),
        }
    }

    /// The text, if it is text that is not null.
    pub fn as_str(&self) -> Option<&str> {
        match self.unwrap_union()? {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an int or long that is not null.
    pub fn as_long(&self) -> Option<i64> {
        match self.unwrap_union()? {
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }
}

/// Which record an extra field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtraLocation {
    /// The record of the file's top level: manifest entry, or row of a manifest list.
    Entry,
    /// The data file of a manifest entry.
    DataFile,
    /// The summaries of partition fields in a row of a manifest list.
    FieldSummary,
}

/// How a file declares a field that the format does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtraField {
    /// The record it is a field of.
    pub location: ExtraLocation,
    /// Its field id, if it has one.
    pub id: Option<FieldId>,
    /// Its name.
    pub name: String,
    /// The field object of the Avro schema, as JSON.
    pub avro_json: String,
}

impl ExtraField {
    /// An optional text field.
    pub fn optional_string(location: ExtraLocation, id: FieldId, name: &str) -> Self {
        let quoted = crate::json::quote(name);
        let avro_json =
            format!(r#"{{"name":{quoted},"type":["null","string"],"default":null,"field-id":{id}}}"#);
        Self { location, id: Some(id), name: name.to_owned(), avro_json }
    }
}

/// The values of one record's extra fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extras(Vec<ExtraValue>);

/// One of the values.
#[derive(Debug, Clone, PartialEq)]
struct ExtraValue {
    id: Option<FieldId>,
    name: Box<str>,
    value: AvroValue,
}

impl Extras {
    /// The value of the field with this id.
    pub fn by_id(&self, id: FieldId) -> Option<&AvroValue> {
        self.0.iter().find(|extra| extra.id == Some(id)).map(|extra| &extra.value)
    }

    /// The value of the field with this name.
    pub fn by_name(&self, name: &str) -> Option<&AvroValue> {
        self.0.iter().find(|extra| &*extra.name == name).map(|extra| &extra.value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the value of a field.
    pub fn set(&mut self, field: &ExtraField, value: AvroValue) {
        self.0.retain(|extra| *extra.name != *field.name);
        self.0.push(ExtraValue { id: field.id, name: field.name.as_str().into(), value });
    }

    /// The value that belongs to a declared field: by id, or by name where the field has no id.
    #[cfg(feature = "avro")]
    pub(crate) fn value_of(&self, id: Option<FieldId>, name: &str) -> Option<&AvroValue> {
        match id {
            // Of two fields with one id, each has its own value.
            Some(id) => {
                let exact = self.0.iter().find(|extra| extra.id == Some(id) && &*extra.name == name);
                exact.map(|extra| &extra.value).or_else(|| self.by_id(id))
            }
            None => self.by_name(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fields_of_one_id_keep_their_own_values() {
        let field = |name| ExtraField::optional_string(ExtraLocation::Entry, FieldId(9000), name);
        let mut extras = Extras::default();
        extras.set(&field("a"), AvroValue::Long(1));
        extras.set(&field("b"), AvroValue::Long(2));
        let value = |name| extras.value_of(Some(FieldId(9000)), name).and_then(AvroValue::as_long);
        assert_eq!((value("a"), value("b")), (Some(1), Some(2)));
        // A field that was renamed has the value of its id.
        assert_eq!(value("c"), Some(1));
    }
}
