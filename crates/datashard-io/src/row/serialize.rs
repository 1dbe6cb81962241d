//! What serde serialises, as a value of a column's type.
//!
//! The type leads and the record follows: at each step the serializer knows which type is wanted, so that text can become a date, and an
//! integer of any width an int if it fits. Depth is that of the type, whatever the record does.

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;
use serde::ser::{Impossible, Serialize, Serializer};

use super::members::{ColumnNames, Members};
use super::path::{Path, RowError};
use super::scalar::{self, Form};
use super::serialize_parts::{NamedParts, Sequence};

/// A serializer for a value of one type.
#[derive(Clone, Copy)]
pub(super) struct IntoValue<'a> {
    pub(super) to: &'a Type,
    pub(super) path: &'a Path<'a>,
    /// Where the columns lie, for the record itself.
    pub(super) names: Option<&'a ColumnNames>,
}

impl<'a> IntoValue<'a> {
    /// A serializer for a part.
    pub(super) fn below(self, to: &'a Type, path: &'a Path<'a>) -> Self {
        Self { to, path, names: None }
    }

    /// Serialises a value for this place.
    pub(super) fn take<T: Serialize + ?Sized>(self, value: &T) -> Result<Option<Value>, RowError> {
        value.serialize(self).map_err(|error| error.within(self.path))
    }

    fn some(self, made: Result<Value, String>) -> Result<Option<Value>, RowError> {
        made.map(Some).map_err(|reason| self.path.error(reason))
    }

    fn integer(self, number: impl Into<i128>) -> Result<Option<Value>, RowError> {
        self.some(scalar::from_integer(number.into(), self.to, Form::Serde))
    }

    fn mismatch<T>(self, found: &str) -> Result<T, RowError> {
        Err(self.path.error(scalar::mismatch(found, self.to)))
    }
}

impl<'a> Serializer for IntoValue<'a> {
    type Ok = Option<Value>;
    type Error = RowError;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = Impossible<Option<Value>, RowError>;
    type SerializeMap = NamedParts<'a>;
    type SerializeStruct = NamedParts<'a>;
    type SerializeStructVariant = Impossible<Option<Value>, RowError>;

    fn serialize_bool(self, value: bool) -> Result<Self::Ok, RowError> {
        match self.to {
            Type::Primitive(PrimitiveType::Boolean) => Ok(Some(Value::Boolean(value))),
            _ => self.mismatch("a boolean"),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_i16(self, value: i16) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_i32(self, value: i32) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_i64(self, value: i64) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_i128(self, value: i128) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_u16(self, value: u16) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_u32(self, value: u32) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_u64(self, value: u64) -> Result<Self::Ok, RowError> {
        self.integer(value)
    }

    fn serialize_u128(self, value: u128) -> Result<Self::Ok, RowError> {
        match i128::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => Err(self.path.error(format!("{value} is outside the range of every type"))),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<Self::Ok, RowError> {
        self.some(scalar::from_float(value, self.to))
    }

    fn serialize_f64(self, value: f64) -> Result<Self::Ok, RowError> {
        self.some(scalar::from_double(value, self.to, Form::Serde))
    }

    fn serialize_char(self, value: char) -> Result<Self::Ok, RowError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Self::Ok, RowError> {
        self.some(scalar::from_text(value, self.to, Form::Serde))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Self::Ok, RowError> {
        self.some(scalar::from_bytes(value.to_owned(), self.to))
    }

    fn serialize_none(self) -> Result<Self::Ok, RowError> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, RowError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Self::Ok, RowError> {
        Ok(None)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, RowError> {
        self.mismatch(&format!("the empty struct `{name}`"))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, RowError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, RowError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _value: &T,
    ) -> Result<Self::Ok, RowError> {
        self.mismatch(&format!("`{variant}`, an enum's variant with a value,"))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<'a>, RowError> {
        match self.to {
            Type::List(list) => Ok(Sequence::elements(self, list, length)),
            to if scalar::takes_bytes(to) => Ok(Sequence::bytes(self, length)),
            _ => self.mismatch("a sequence"),
        }
    }

    fn serialize_tuple(self, length: usize) -> Result<Sequence<'a>, RowError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Sequence<'a>, RowError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, RowError> {
        self.mismatch(&format!("`{variant}`, an enum's variant with values,"))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<NamedParts<'a>, RowError> {
        match self.to {
            Type::Struct(fields) => {
                Ok(NamedParts::members(self, Members::new(fields, self.path, self.names)))
            }
            Type::Map(map) => Ok(NamedParts::pairs(self, map, length)),
            _ => self.mismatch("a map"),
        }
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<NamedParts<'a>, RowError> {
        match self.to {
            Type::Struct(_) | Type::Map(_) => self.serialize_map(Some(length)),
            _ => self.mismatch("a struct"),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, RowError> {
        self.mismatch(&format!("`{variant}`, an enum's variant with fields,"))
    }
}
