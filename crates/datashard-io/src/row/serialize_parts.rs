//! Sequences, maps and structs on their way from serde into values.

use datashard_spec::schema::{ListType, MapType, PrimitiveType, Type};
use datashard_spec::value::Value;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
};

use super::check::{null, unique_keys};
use super::key_name::KeyName;
use super::members::Members;
use super::path::{Path, RowError};
use super::scalar;
use super::serialize::IntoValue;

/// No more room than this is made on the word of a record.
const MAX_RESERVED: usize = 1024;

/// A sequence: the elements of a list, or bytes one by one.
pub(super) enum Sequence<'a> {
    Elements { of: IntoValue<'a>, list: &'a ListType, values: Vec<Option<Value>> },
    Bytes { of: IntoValue<'a>, bytes: Vec<u8> },
}

impl<'a> Sequence<'a> {
    pub(super) fn elements(of: IntoValue<'a>, list: &'a ListType, length: Option<usize>) -> Self {
        Self::Elements { of, list, values: Vec::with_capacity(length.unwrap_or(0).min(MAX_RESERVED)) }
    }

    pub(super) fn bytes(of: IntoValue<'a>, length: Option<usize>) -> Self {
        Self::Bytes { of, bytes: Vec::with_capacity(length.unwrap_or(0).min(MAX_RESERVED)) }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        match self {
            Self::Elements { of, list, values } => {
                let path = of.path.below("element");
                let value = of.below(&list.element, &path).take(value)?;
                if value.is_none() && list.element_required {
                    return Err(null(&path));
                }
                values.push(value);
            }
            Self::Bytes { of, bytes } => {
                // A byte is an int that is small enough.
                let int = Type::Primitive(PrimitiveType::Int);
                let value = of.below(&int, of.path).take(value);
                match value {
                    Ok(Some(Value::Int(byte))) if u8::try_from(byte).is_ok() => {
                        bytes.extend(u8::try_from(byte));
                    }
                    _ => {
                        return Err(of
                            .path
                            .error(scalar::mismatch("a sequence of something else than bytes", of.to)));
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Option<Value>, RowError> {
        match self {
            Self::Elements { values, .. } => Ok(Some(Value::List(values))),
            Self::Bytes { of, bytes } => {
                scalar::from_bytes(bytes, of.to).map(Some).map_err(|reason| of.path.error(reason))
            }
        }
    }
}

impl SerializeSeq for Sequence<'_> {
    type Ok = Option<Value>;
    type Error = RowError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        self.push(value)
    }

    fn end(self) -> Result<Option<Value>, RowError> {
        self.finish()
    }
}

impl SerializeTuple for Sequence<'_> {
    type Ok = Option<Value>;
    type Error = RowError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        self.push(value)
    }

    fn end(self) -> Result<Option<Value>, RowError> {
        self.finish()
    }
}

impl SerializeTupleStruct for Sequence<'_> {
    type Ok = Option<Value>;
    type Error = RowError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        self.push(value)
    }

    fn end(self) -> Result<Option<Value>, RowError> {
        self.finish()
    }
}

/// What comes as names, or keys, and values: the members of a struct, or the pairs of a map.
pub(super) enum NamedParts<'a> {
    Members { of: IntoValue<'a>, members: Members<'a>, name: Option<String> },
    Pairs { of: IntoValue<'a>, map: &'a MapType, pairs: Vec<(Value, Option<Value>)>, key: Option<Value> },
}

impl<'a> NamedParts<'a> {
    pub(super) fn members(of: IntoValue<'a>, members: Members<'a>) -> Self {
        Self::Members { of, members, name: None }
    }

    pub(super) fn pairs(of: IntoValue<'a>, map: &'a MapType, length: Option<usize>) -> Self {
        let pairs = Vec::with_capacity(length.unwrap_or(0).min(MAX_RESERVED));
        Self::Pairs { of, map, pairs, key: None }
    }

    fn key<T: Serialize + ?Sized>(&mut self, given: &T) -> Result<(), RowError> {
        match self {
            Self::Members { of, name, .. } => *name = Some(given.serialize(KeyName { path: of.path })?),
            Self::Pairs { of, map, key, .. } => {
                let path = of.path.below("key");
                *key = Some(of.below(&map.key, &path).take(given)?.ok_or_else(|| null(&path))?);
            }
        }
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, given: &T) -> Result<(), RowError> {
        let out_of_order = |path: &Path<'_>| path.error("a value without a key");
        match self {
            Self::Members { of, members, name } => {
                let of = *of;
                let name = name.take().ok_or_else(|| out_of_order(of.path))?;
                members.take(&name, |field, path| of.below(&field.field_type, path).take(given))
            }
            Self::Pairs { of, map, pairs, key } => {
                let key = key.take().ok_or_else(|| out_of_order(of.path))?;
                let path = of.path.below("value");
                let value = of.below(&map.value, &path).take(given)?;
                if value.is_none() && map.value_required {
                    return Err(null(&path));
                }
                pairs.push((key, value));
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Option<Value>, RowError> {
        match self {
            Self::Members { members, .. } => members.finish().map(|members| Some(Value::Struct(members))),
            Self::Pairs { of, pairs, .. } => {
                unique_keys(&pairs, of.path)?;
                Ok(Some(Value::Map(pairs)))
            }
        }
    }
}

impl SerializeMap for NamedParts<'_> {
    type Ok = Option<Value>;
    type Error = RowError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), RowError> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        self.value(value)
    }

    fn end(self) -> Result<Option<Value>, RowError> {
        self.finish()
    }
}

impl SerializeStruct for NamedParts<'_> {
    type Ok = Option<Value>;
    type Error = RowError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), RowError> {
        match self {
            Self::Members { of, members, .. } => {
                let of = *of;
                members.take(name, |field, path| of.below(&field.field_type, path).take(value))
            }
            Self::Pairs { .. } => {
                self.key(name)?;
                self.value(value)
            }
        }
    }

    fn end(self) -> Result<Option<Value>, RowError> {
        self.finish()
    }
}
