//! Binary single values (Appendix D): bounds and partition summaries.
//!
//! Bounds are never rewritten when a column is widened, so the length of the bytes says which type wrote them: 4 bytes of
//! a long were an int, 4 bytes of a double a float, 4 bytes of a timestamp a date.

use uuid::Uuid;

use super::decimal::{MinimalBytes, number_from_be_bytes};
use super::{Decimal, Value, ValueError};
use crate::schema::PrimitiveType;

impl Value {
    /// The binary form of the value.
    ///
    /// # Errors
    /// `Unsupported` for structs, lists and maps, which have none.
    ///
    /// # Spec
    /// "Binary single-value serialization".
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::schema::PrimitiveType;
    /// use datashard_spec::value::Value;
    ///
    /// let value = Value::decimal(-128, 2);
    /// assert_eq!(value.to_binary()?, [0x80]);
    /// let decimal = PrimitiveType::Decimal { precision: 9, scale: 2 };
    /// assert_eq!(Value::from_binary(&decimal, &[0x80])?, value);
    /// # Ok::<(), datashard_spec::value::ValueError>(())
    /// ```
    pub fn to_binary(&self) -> Result<Vec<u8>, ValueError> {
        Ok(match self {
            Self::Boolean(v) => vec![u8::from(*v)],
            Self::Int(v) | Self::Date(v) => v.to_le_bytes().to_vec(),
            Self::Long(v)
            | Self::Time(v)
            | Self::Timestamp(v)
            | Self::Timestamptz(v)
            | Self::TimestampNs(v)
            | Self::TimestamptzNs(v) => v.to_le_bytes().to_vec(),
            Self::Float(v) => v.to_le_bytes().to_vec(),
            Self::Double(v) => v.to_le_bytes().to_vec(),
            Self::Decimal(v) => MinimalBytes::new(v.unscaled).to_vec(),
            Self::String(v) => v.as_bytes().to_vec(),
            Self::Uuid(v) => v.as_bytes().to_vec(),
            Self::Fixed(v) | Self::Binary(v) | Self::Geometry(v) | Self::Geography(v) => v.clone(),
            Self::Struct(_) => return Err(not_representable("struct")),
            Self::List(_) => return Err(not_representable("list")),
            Self::Map(_) => return Err(not_representable("map")),
        })
    }

    /// Reads the binary form of a value. Bytes that were written before the column was widened are widened.
    ///
    /// A decimal need not be minimal, nor within the precision of the type; a geometry or geography is WKB and is not
    /// looked into.
    ///
    /// # Errors
    /// `InvalidData` if the bytes are no value of the type; `Unsupported` for `unknown`, which has no values.
    ///
    /// # Spec
    /// "Binary single-value serialization", "Schema Evolution".
    pub fn from_binary(value_type: &PrimitiveType, bytes: &[u8]) -> Result<Self, ValueError> {
        let fail = |reason| wrong(value_type, bytes, reason);
        let eight = || {
            let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| fail("8 bytes are needed"))?;
            Ok(i64::from_le_bytes(bytes))
        };
        let four = <[u8; 4]>::try_from(bytes).ok();
        Ok(match value_type {
            PrimitiveType::Boolean => match bytes {
                [byte] => Self::Boolean(*byte != 0),
                _ => return Err(fail("1 byte is needed")),
            },
            PrimitiveType::Int => {
                Self::Int(i32::from_le_bytes(four.ok_or_else(|| fail("4 bytes are needed"))?))
            }
            PrimitiveType::Date => {
                Self::Date(i32::from_le_bytes(four.ok_or_else(|| fail("4 bytes are needed"))?))
            }
            PrimitiveType::Float => {
                Self::Float(f32::from_le_bytes(four.ok_or_else(|| fail("4 bytes are needed"))?))
            }
            PrimitiveType::Long => match four {
                Some(int) => Self::Long(i32::from_le_bytes(int).into()),
                None => Self::Long(eight()?),
            },
            PrimitiveType::Double => match (four, <[u8; 8]>::try_from(bytes)) {
                (Some(float), _) => Self::Double(f32::from_le_bytes(float).into()),
                (None, Ok(double)) => Self::Double(f64::from_le_bytes(double)),
                (None, Err(_)) => return Err(fail("8 bytes are needed, or 4 of a float")),
            },
            PrimitiveType::Timestamp | PrimitiveType::TimestampNs => match four {
                Some(days) => Self::Date(i32::from_le_bytes(days))
                    .promote(value_type)
                    .ok_or_else(|| fail("the date they hold is outside the range of the type"))?,
                None if *value_type == PrimitiveType::Timestamp => Self::Timestamp(eight()?),
                None => Self::TimestampNs(eight()?),
            },
            PrimitiveType::Time => Self::Time(eight()?),
            PrimitiveType::Timestamptz => Self::Timestamptz(eight()?),
            PrimitiveType::TimestamptzNs => Self::TimestamptzNs(eight()?),
            PrimitiveType::Decimal { scale, .. } => {
                let unscaled = number_from_be_bytes(bytes);
                let unscaled = unscaled.ok_or_else(|| fail("1 to 16 bytes are needed"))?;
                Self::Decimal(Decimal { scale: *scale, unscaled })
            }
            PrimitiveType::String => {
                Self::String(str::from_utf8(bytes).map_err(|_| fail("they are not UTF-8"))?.to_owned())
            }
            PrimitiveType::Uuid => {
                Self::Uuid(Uuid::from_slice(bytes).map_err(|_| fail("16 bytes are needed"))?)
            }
            PrimitiveType::Fixed(length) if usize::try_from(*length) == Ok(bytes.len()) => {
                Self::Fixed(bytes.to_vec())
            }
            PrimitiveType::Fixed(_) => return Err(fail("the length is not that of the type")),
            PrimitiveType::Binary => Self::Binary(bytes.to_vec()),
            PrimitiveType::Geometry(_) => Self::Geometry(bytes.to_vec()),
            PrimitiveType::Geography(..) => Self::Geography(bytes.to_vec()),
            PrimitiveType::Unknown => return Err(not_representable("unknown")),
        })
    }

    /// Reads a lower or upper bound: as [`from_binary`](Self::from_binary), but a fixed may be cut short, as writers cut
    /// strings and bytes.
    ///
    /// # Errors
    /// As [`from_binary`](Self::from_binary); also `Unsupported` for geometry and geography, whose bounds are points and
    /// not values.
    ///
    /// # Spec
    /// "Binary single-value serialization", "Bound serialization".
    pub fn bound_from_binary(value_type: &PrimitiveType, bytes: &[u8]) -> Result<Self, ValueError> {
        match value_type {
            PrimitiveType::Fixed(length) if usize::try_from(*length).is_ok_and(|max| bytes.len() <= max) => {
                Ok(Self::Fixed(bytes.to_vec()))
            }
            PrimitiveType::Geometry(_) => Err(not_representable("a bound of geometry")),
            PrimitiveType::Geography(..) => Err(not_representable("a bound of geography")),
            _ => Self::from_binary(value_type, bytes),
        }
    }
}

fn wrong(value_type: &PrimitiveType, bytes: &[u8], reason: &'static str) -> ValueError {
    ValueError::Binary { expected: value_type.to_string(), length: bytes.len(), reason }
}

fn not_representable(what: &str) -> ValueError {
    ValueError::NotRepresentable { what: what.to_owned(), form: "binary" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::value::testing;

    fn check(value_type: &PrimitiveType, bytes: &[u8], expect: Result<Value, ErrorKind>) {
        let found = Value::from_binary(value_type, bytes).map_err(|error| error.kind());
        assert_eq!(found, expect, "{value_type} of {bytes:02x?}");
    }

    const DECIMAL: PrimitiveType = PrimitiveType::Decimal { precision: 9, scale: 2 };

    #[test]
    fn values_have_the_bytes_of_the_format() {
        let uuid: Uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7".parse().unwrap();
        for (value, value_type, bytes) in [
            (Value::Boolean(false), PrimitiveType::Boolean, &[0][..]),
            (Value::Boolean(true), PrimitiveType::Boolean, &[1]),
            (Value::Int(34), PrimitiveType::Int, &[34, 0, 0, 0]),
            (Value::Int(-2), PrimitiveType::Int, &[0xfe, 0xff, 0xff, 0xff]),
            (Value::Date(17_486), PrimitiveType::Date, &[0x4e, 0x44, 0, 0]),
            (Value::Long(-1), PrimitiveType::Long, &[0xff; 8]),
            (Value::Time(81_068_000_000), PrimitiveType::Time, &[0, 0x83, 0x07, 0xe0, 0x12, 0, 0, 0]),
            (Value::Timestamp(1), PrimitiveType::Timestamp, &[1, 0, 0, 0, 0, 0, 0, 0]),
            (Value::Timestamptz(1), PrimitiveType::Timestamptz, &[1, 0, 0, 0, 0, 0, 0, 0]),
            (Value::TimestampNs(1), PrimitiveType::TimestampNs, &[1, 0, 0, 0, 0, 0, 0, 0]),
            (Value::TimestamptzNs(1), PrimitiveType::TimestamptzNs, &[1, 0, 0, 0, 0, 0, 0, 0]),
            (Value::Float(1.0), PrimitiveType::Float, &[0, 0, 0x80, 0x3f]),
            (Value::Double(1.0), PrimitiveType::Double, &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
            (Value::decimal(1420, 2), DECIMAL, &[0x05, 0x8c]),
            (Value::decimal(0, 2), DECIMAL, &[0]),
            (Value::from("é"), PrimitiveType::String, &[0xc3, 0xa9]),
            (Value::from(""), PrimitiveType::String, &[]),
            (Value::Uuid(uuid), PrimitiveType::Uuid, uuid.as_bytes()),
            (Value::Fixed(vec![1, 2]), PrimitiveType::Fixed(2), &[1, 2]),
            (Value::Binary(vec![]), PrimitiveType::Binary, &[]),
        ] {
            assert_eq!(value.to_binary().as_deref(), Ok(bytes), "{value}");
            check(&value_type, bytes, Ok(value));
        }
    }

    #[test]
    fn bytes_written_before_a_promotion_are_widened() {
        check(&PrimitiveType::Long, &[0xff; 4], Ok(Value::Long(-1)));
        check(&PrimitiveType::Double, &1.5_f32.to_le_bytes(), Ok(Value::Double(1.5)));
        check(&PrimitiveType::Timestamp, &(-1_i32).to_le_bytes(), Ok(Value::Timestamp(-86_400_000_000)));
        check(&PrimitiveType::TimestampNs, &1_i32.to_le_bytes(), Ok(Value::TimestampNs(86_400_000_000_000)));
        check(&DECIMAL, &[0xff, 0xff, 0x80], Ok(Value::decimal(-128, 2)));
    }

    #[test]
    fn bytes_that_are_no_value_are_refused() {
        for (value_type, bytes) in [
            (PrimitiveType::Boolean, &[][..]),
            (PrimitiveType::Boolean, &[0, 0]),
            (PrimitiveType::Int, &[0; 8]),
            (PrimitiveType::Date, &[0; 3]),
            (PrimitiveType::Float, &[0; 8]),
            (PrimitiveType::Long, &[0; 7]),
            (PrimitiveType::Double, &[0; 5]),
            (PrimitiveType::Time, &[0; 4]),
            (PrimitiveType::Timestamptz, &[0; 4]),
            (PrimitiveType::TimestamptzNs, &[0; 4]),
            (PrimitiveType::Timestamp, &[0xff, 0xff, 0xff, 0x7f]),
            (DECIMAL, &[]),
            (DECIMAL, &[0; 17]),
            (PrimitiveType::String, &[0xff]),
            (PrimitiveType::Uuid, &[0; 15]),
            (PrimitiveType::Fixed(2), &[0]),
            (PrimitiveType::Fixed(2), &[0; 3]),
        ] {
            check(&value_type, bytes, Err(ErrorKind::InvalidData));
        }
        check(&PrimitiveType::Unknown, &[], Err(ErrorKind::Unsupported));
        let error = Value::from_binary(&PrimitiveType::Uuid, &[0]).unwrap_err();
        assert_eq!(error.to_string(), "1 bytes are not a binary uuid: 16 bytes are needed");
    }

    #[test]
    fn a_fixed_bound_may_be_cut_short_and_a_point_is_no_value() {
        let fixed = PrimitiveType::Fixed(3);
        assert_eq!(Value::bound_from_binary(&fixed, &[1]), Ok(Value::Fixed(vec![1])));
        assert!(Value::bound_from_binary(&fixed, &[1; 4]).is_err());
        assert_eq!(Value::bound_from_binary(&PrimitiveType::Long, &[1, 0, 0, 0]), Ok(Value::Long(1)));
        let error = Value::bound_from_binary(&PrimitiveType::Geometry(None), &[0; 16]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn nested_values_have_no_binary_form() {
        for value in [Value::Struct(vec![]), Value::List(vec![]), Value::Map(vec![])] {
            assert_eq!(value.to_binary().map_err(|error| error.kind()), Err(ErrorKind::Unsupported));
        }
    }

    proptest! {
        #[test]
        fn every_value_reads_back((value_type, value) in testing::primitive_and_value()) {
            let bytes = value.to_binary().unwrap();
            prop_assert_eq!(Value::from_binary(&value_type, &bytes), Ok(value.clone()));
            if !matches!(value_type, PrimitiveType::Geometry(_) | PrimitiveType::Geography(..)) {
                prop_assert_eq!(Value::bound_from_binary(&value_type, &bytes), Ok(value));
            }
        }

        #[test]
        fn any_bytes_are_answered(value_type in testing::primitive(), bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(value) = Value::from_binary(&value_type, &bytes) {
                prop_assert!(value.matches_type(&value_type.clone().into()));
                prop_assert!(!value.to_string().is_empty());
            }
            let _ = Value::bound_from_binary(&value_type, &bytes);
        }
    }
}
