//! Rows as serde structs.

use arrow::array::RecordBatch;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use datashard_spec::value::Value;
use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::path::{Path, RowError};
use super::read::Columns;
use super::scalar::{self, Form};
use super::to_json::text_of;
use crate::data_error::DataError;

/// The rows of a batch as serde structs, or whatever else deserialises from a struct with the columns' names. Columns that the struct does
/// not have are passed over, if it does not object.
///
/// # Errors
/// As [`values`](super::values); each row is `BadValue`, with its number in the batch and the full name of the field, if a value does not
/// fit the struct.
///
/// # Examples
/// See the [module](super).
pub fn deserialize<'a, T: DeserializeOwned + 'a>(
    batch: &'a RecordBatch,
    schema: &'a Schema,
) -> Result<impl ExactSizeIterator<Item = Result<T, DataError>> + use<'a, T>, DataError> {
    let columns = Columns::of(batch, schema)?;
    Ok((0..batch.num_rows()).map(move |row| {
        let values = columns.values(row)?;
        let parts = schema.fields().iter().zip(&values);
        let record = Record { fields: parts, value: None, path: &Path::ROOT };
        T::deserialize(record).map_err(|error| error.at_row(u64::try_from(row).unwrap_or(u64::MAX)))
    }))
}

/// The members of a struct, or the columns of a row.
struct Record<'a, I> {
    fields: I,
    value: Option<(&'a Option<Value>, &'a NestedField)>,
    path: &'a Path<'a>,
}

impl<'de, 'a, I> Deserializer<'de> for Record<'a, I>
where
    I: Iterator<Item = (&'a NestedField, &'a Option<Value>)>,
{
    type Error = RowError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        let path = self.path;
        visitor.visit_map(self).map_err(|error| error.within(path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, 'a, I> MapAccess<'de> for Record<'a, I>
where
    I: Iterator<Item = (&'a NestedField, &'a Option<Value>)>,
{
    type Error = RowError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, RowError> {
        let Some((field, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some((value, field));
        let name: StrDeserializer<'_, RowError> = field.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.within(&self.path.below(&field.name)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, RowError> {
        let Some((value, field)) = self.value.take() else {
            return Err(self.path.error("a value was asked for before its name"));
        };
        let path = self.path.below(&field.name);
        FromValue { value: value.as_ref(), value_type: &field.field_type, path: &path }.give(seed)
    }
}

/// A value of one type.
#[derive(Clone, Copy)]
struct FromValue<'a> {
    value: Option<&'a Value>,
    value_type: &'a Type,
    path: &'a Path<'a>,
}

impl<'a> FromValue<'a> {
    fn give<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, RowError> {
        seed.deserialize(self).map_err(|error| error.within(self.path))
    }

    /// The count behind a date, time or timestamp, and a decimal without a fraction.
    fn count(&self) -> Option<i128> {
        match self.value? {
            Value::Date(days) => Some((*days).into()),
            Value::Time(count)
            | Value::Timestamp(count)
            | Value::Timestamptz(count)
            | Value::TimestampNs(count)
            | Value::TimestamptzNs(count) => Some((*count).into()),
            Value::Decimal(decimal) => decimal.rescale(0).map(|whole| whole.unscaled),
            _ => None,
        }
    }

    /// Where a float is asked for: only just this number. Serde would round what does not fit.
    fn deserialize_float<'de, V: Visitor<'de>>(
        self,
        to: PrimitiveType,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        let to = Type::from(to);
        let made = match self.value {
            Some(Value::Int(number)) => scalar::from_integer((*number).into(), &to, Form::Serde),
            Some(Value::Long(number)) => scalar::from_integer((*number).into(), &to, Form::Serde),
            Some(Value::Float(number)) => scalar::from_float(*number, &to),
            Some(Value::Double(number)) => scalar::from_double(*number, &to, Form::Serde),
            _ => return self.deserialize_any(visitor),
        };
        match made {
            Ok(Value::Float(number)) => visitor.visit_f32(number),
            Ok(Value::Double(number)) => visitor.visit_f64(number),
            _ => {
                let bits = if to == PrimitiveType::Float.into() { 32 } else { 64 };
                let number = self.value.map(ToString::to_string).unwrap_or_default();
                Err(self.path.error(format!("{number} is no float of {bits} bits")))
            }
        }
    }

    fn bytes(&self) -> Option<&'a [u8]> {
        match self.value? {
            Value::Fixed(bytes) | Value::Binary(bytes) | Value::Geometry(bytes) | Value::Geography(bytes) => {
                Some(bytes)
            }
            Value::Uuid(uuid) => Some(uuid.as_bytes()),
            _ => None,
        }
    }
}

/// Where an integer is asked for, those types that have a count give it.
macro_rules! counts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
            match self.count() {
                None => self.deserialize_any(visitor),
                Some(count) => match i64::try_from(count) {
                    Ok(count) => visitor.visit_i64(count),
                    Err(_) => visitor.visit_i128(count),
                },
            }
        })*
    };
}

impl<'de> Deserializer<'de> for FromValue<'_> {
    type Error = RowError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match (self.value, self.value_type) {
            (None, _) => visitor.visit_unit(),
            (Some(Value::Boolean(value)), _) => visitor.visit_bool(*value),
            (Some(Value::Int(value)), _) => visitor.visit_i32(*value),
            (Some(Value::Long(value)), _) => visitor.visit_i64(*value),
            (Some(Value::Float(value)), _) => visitor.visit_f32(*value),
            (Some(Value::Double(value)), _) => visitor.visit_f64(*value),
            (Some(Value::String(text)), _) => visitor.visit_str(text),
            (Some(Value::Struct(members)), Type::Struct(fields)) => {
                let fields = fields.fields.iter().zip(members);
                Record { fields, value: None, path: self.path }.deserialize_any(visitor)
            }
            (Some(Value::List(elements)), Type::List(list)) => {
                let path = self.path.below("element");
                let elements = elements.iter().map(|element| element.as_ref());
                visitor.visit_seq(Elements { elements, value_type: &list.element, path: &path })
            }
            (Some(Value::Map(pairs)), Type::Map(map)) => {
                let (key_path, value_path) = (self.path.below("key"), self.path.below("value"));
                visitor.visit_map(Pairs {
                    pairs: pairs.iter(),
                    value: None,
                    key: (&map.key, &key_path),
                    part: (&map.value, &value_path),
                })
            }
            (Some(value), value_type) => visitor.visit_string(text_of(value, value_type)),
        }
    }

    counts! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_float(PrimitiveType::Float, visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_float(PrimitiveType::Double, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.bytes() {
            Some(bytes) => visitor.visit_bytes(bytes),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.bytes() {
            Some(bytes) => {
                let bytes = bytes.iter().copied();
                visitor.visit_seq(serde::de::value::SeqDeserializer::<_, RowError>::new(bytes))
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.value {
            None => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        match self.value {
            Some(Value::String(text)) => {
                let text: StringDeserializer<RowError> = text.clone().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char str string unit unit_struct tuple_struct map struct identifier
    }
}

struct Elements<'a, I> {
    elements: I,
    value_type: &'a Type,
    path: &'a Path<'a>,
}

impl<'de, 'a, I: ExactSizeIterator<Item = Option<&'a Value>>> SeqAccess<'de> for Elements<'a, I> {
    type Error = RowError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, RowError> {
        let Some(value) = self.elements.next() else { return Ok(None) };
        FromValue { value, value_type: self.value_type, path: self.path }.give(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct Pairs<'a, I> {
    pairs: I,
    value: Option<&'a Option<Value>>,
    key: (&'a Type, &'a Path<'a>),
    part: (&'a Type, &'a Path<'a>),
}

impl<'de, 'a, I: ExactSizeIterator<Item = &'a (Value, Option<Value>)>> MapAccess<'de> for Pairs<'a, I> {
    type Error = RowError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, RowError> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        self.value = Some(value);
        let (value_type, path) = self.key;
        FromValue { value: Some(key), value_type, path }.give(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        let (value_type, path) = self.part;
        let Some(value) = self.value.take() else {
            return Err(path.error("a value was asked for before its key"));
        };
        FromValue { value: value.as_ref(), value_type, path }.give(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.pairs.len())
    }
}
