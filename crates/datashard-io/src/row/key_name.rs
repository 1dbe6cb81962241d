//! The name of a struct's field, where a record gives it as the key of a map.

use serde::ser::{Impossible, Serialize, Serializer};

use super::path::{Path, RowError};

/// Takes the name of a struct's field from the key of a serialised map: text and nothing else.
pub(super) struct KeyName<'a> {
    pub(super) path: &'a Path<'a>,
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
