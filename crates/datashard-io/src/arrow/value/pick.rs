//! One value out of an array.

use arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;
use uuid::Uuid;

use crate::data_error::DataError;

/// The value at a row of an array in the Arrow type of `value_type`; nested values too.
///
/// # Errors
/// `Unsupported` for a variant, which no [`Value`] holds; `Internal` for a row that there is not, or an array of another type.
pub(crate) fn value_at(array: &dyn Array, value_type: &Type, row: usize) -> Result<Option<Value>, DataError> {
    if row >= array.len() {
        return Err(DataError::internal(format!("row {row} of an array of {} rows", array.len())));
    }
    if array.is_null(row) || *value_type == Type::Primitive(PrimitiveType::Unknown) {
        return Ok(None);
    }
    match value_type {
        Type::Primitive(primitive) => primitive_at(array, primitive, row),
        Type::Struct(fields) => {
            let array = downcast::<StructArray>(array, value_type)?;
            if array.num_columns() != fields.fields.len() {
                return Err(other_type(array, value_type));
            }
            let members = fields.fields.iter().zip(array.columns());
            let members = members.map(|(field, member)| value_at(member, &field.field_type, row));
            members.collect::<Result<_, _>>().map(Value::Struct)
        }
        Type::List(list) => {
            let array = downcast::<ListArray>(array, value_type)?;
            let elements = array.value(row);
            let elements = (0..elements.len()).map(|at| value_at(&elements, &list.element, at));
            elements.collect::<Result<_, _>>().map(Value::List)
        }
        Type::Map(map) => {
            let array = downcast::<MapArray>(array, value_type)?;
            let pairs = array.value(row);
            let [keys, values] = pairs.columns() else { return Err(other_type(array, value_type)) };
            let pair = |at| {
                let key = value_at(keys, &map.key, at)?;
                let key = key.ok_or_else(|| DataError::internal("a map has a null among its keys"))?;
                Ok((key, value_at(values, &map.value, at)?))
            };
            (0..pairs.len()).map(pair).collect::<Result<_, _>>().map(Value::Map)
        }
        other => {
            return Err(DataError::Unsupported {
                place: "value".to_owned(),
                what: format!("a single value of type {other}"),
                advice: "read the column as Arrow".to_owned(),
            });
        }
    }
    .map(Some)
}

fn primitive_at(array: &dyn Array, primitive: &PrimitiveType, row: usize) -> Result<Value, DataError> {
    let wanted = Type::Primitive(primitive.clone());
    macro_rules! at {
        ($array:ty) => {
            downcast::<$array>(array, &wanted)?.value(row)
        };
    }
    Ok(match primitive {
        PrimitiveType::Boolean => Value::Boolean(at!(BooleanArray)),
        PrimitiveType::Int => Value::Int(at!(Int32Array)),
        PrimitiveType::Long => Value::Long(at!(Int64Array)),
        PrimitiveType::Float => Value::Float(at!(Float32Array)),
        PrimitiveType::Double => Value::Double(at!(Float64Array)),
        PrimitiveType::Decimal { scale, .. } => Value::decimal(at!(Decimal128Array), *scale),
        PrimitiveType::Date => Value::Date(at!(Date32Array)),
        PrimitiveType::Time => Value::Time(at!(Time64MicrosecondArray)),
        PrimitiveType::Timestamp => Value::Timestamp(at!(TimestampMicrosecondArray)),
        PrimitiveType::Timestamptz => Value::Timestamptz(at!(TimestampMicrosecondArray)),
        PrimitiveType::TimestampNs => Value::TimestampNs(at!(TimestampNanosecondArray)),
        PrimitiveType::TimestamptzNs => Value::TimestamptzNs(at!(TimestampNanosecondArray)),
        PrimitiveType::String => Value::String(at!(StringArray).to_owned()),
        PrimitiveType::Uuid => {
            Value::Uuid(Uuid::from_slice(at!(FixedSizeBinaryArray)).map_err(|_| other_type(array, &wanted))?)
        }
        PrimitiveType::Fixed(_) => Value::Fixed(at!(FixedSizeBinaryArray).to_owned()),
        PrimitiveType::Binary => Value::Binary(at!(BinaryArray).to_owned()),
        PrimitiveType::Geometry(_) => Value::Geometry(at!(BinaryArray).to_owned()),
        PrimitiveType::Geography(..) => Value::Geography(at!(BinaryArray).to_owned()),
        other => return Err(other_type(array, &Type::Primitive(other.clone()))),
    })
}

fn downcast<'a, A: Array + 'static>(array: &'a dyn Array, wanted: &Type) -> Result<&'a A, DataError> {
    array.as_any().downcast_ref().ok_or_else(|| other_type(array, wanted))
}

fn other_type(array: &dyn Array, wanted: &Type) -> DataError {
    DataError::internal(format!("an array of {} where one of {wanted} was promised", array.data_type()))
}
