//! Sequences, maps and structs on their way from serde into values.

use datashard_spec::schema::{ListType, MapType, Type};
use datashard_spec::value::Value;
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
    Serializer,
};

use super::check::{null, unique_keys};
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
                let int = Type::Primitive(datashard_spec::schema::PrimitiveType::Int);
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

/// Takes the name of a struct's field from the key of a serialised map: text and nothing else.
struct KeyName<'a> {
    path: &'a Path<'a>,
}

macro_rules! no_names {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _value: $type) -> Result<String, RowError> {
            Err(self.no_name())
        })*
    };
}

impl KeyName<'_> {
    fn no_name(&self) -> RowError {
        self.path.error("a struct's fields are named by text")
    }
}

impl Serializer for KeyName<'_> {
    type Ok = String;
    type Error = RowError;
    type SerializeSeq = Impossible<String, RowError>;
    type SerializeTuple = Impossible<String, RowError>;
    type SerializeTupleStruct = Impossible<String, RowError>;
    type SerializeTupleVariant = Impossible<String, RowError>;
    type SerializeMap = Impossible<String, RowError>;
    type SerializeStruct = Impossible<String, RowError>;
    type SerializeStructVariant = Impossible<String, RowError>;

    no_names!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_bytes: &[u8], serialize_unit_struct: &'static str
    );

    fn serialize_char(self, name: char) -> Result<String, RowError> {
        Ok(name.to_string())
    }

    fn serialize_str(self, name: &str) -> Result<String, RowError> {
        Ok(name.to_owned())
    }

    fn serialize_none(self) -> Result<String, RowError> {
        Err(self.no_name())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, RowError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, RowError> {
        Err(self.no_name())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, RowError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<String, RowError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, RowError> {
        Err(self.no_name())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Self::SerializeSeq, RowError> {
        Err(self.no_name())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self::SerializeTuple, RowError> {
        Err(self.no_name())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleStruct, RowError> {
        Err(self.no_name())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, RowError> {
        Err(self.no_name())
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Self::SerializeMap, RowError> {
        Err(self.no_name())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStruct, RowError> {
        Err(self.no_name())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, RowError> {
        Err(self.no_name())
    }
}
