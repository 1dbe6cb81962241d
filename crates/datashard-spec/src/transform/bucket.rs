//! The bucket transform: 32-bit Murmur3 (x86, seed 0) over bytes that are the same for a value in all types it may be
//! widened to, so that widening a column leaves rows in their buckets.

use crate::schema::PrimitiveType;
use crate::value::Value;
use crate::value::decimal::MinimalBytes;

/// Whether values of the type have buckets.
pub(super) fn allows(source: &PrimitiveType) -> bool {
    match source {
        PrimitiveType::Int
        | PrimitiveType::Long
        | PrimitiveType::Decimal { .. }
        | PrimitiveType::Date
        | PrimitiveType::Time
        | PrimitiveType::Timestamp
        | PrimitiveType::Timestamptz
        | PrimitiveType::TimestampNs
        | PrimitiveType::TimestamptzNs
        | PrimitiveType::String
        | PrimitiveType::Uuid
        | PrimitiveType::Fixed(_)
        | PrimitiveType::Binary => true,
        PrimitiveType::Boolean
        | PrimitiveType::Float
        | PrimitiveType::Double
        | PrimitiveType::Unknown
        | PrimitiveType::Geometry(_)
        | PrimitiveType::Geography(..) => false,
    }
}

/// The hash of a value; `None` if its type has no buckets.
///
/// # Spec
/// "Appendix B: 32-bit Hash Requirements".
pub fn hash(value: &Value) -> Option<i32> {
    Some(match value {
        Value::Int(v) | Value::Date(v) => hash_long((*v).into()),
        Value::Long(v) | Value::Time(v) | Value::Timestamp(v) | Value::Timestamptz(v) => hash_long(*v),
        Value::TimestampNs(v) | Value::TimestamptzNs(v) => hash_long(v.div_euclid(1000)),
        Value::Decimal(v) => hash_decimal(v.unscaled),
        Value::String(v) => hash_bytes(v.as_bytes()),
        Value::Uuid(v) => hash_bytes(v.as_bytes()),
        Value::Fixed(v) | Value::Binary(v) => hash_bytes(v),
        Value::Boolean(_)
        | Value::Float(_)
        | Value::Double(_)
        | Value::Geometry(_)
        | Value::Geography(_)
        | Value::Struct(_)
        | Value::List(_)
        | Value::Map(_) => return None,
    })
}

/// The bucket of a hash, from 0; `None` if there are no buckets.
///
/// The sign bit is dropped, which is not the remainder of the signed hash unless the buckets are a power of two.
pub fn index(hash: i32, buckets: u32) -> Option<i32> {
    let positive = (hash & i32::MAX).unsigned_abs();
    i32::try_from(positive.checked_rem(buckets)?).ok()
}

/// The hash of whole numbers, dates (as days), times and timestamps (as microseconds): always of 8 bytes.
pub fn hash_long(value: i64) -> i32 {
    hash_bytes(&value.to_le_bytes())
}

/// The hash of a decimal, of whatever scale: of its fewest bytes.
pub fn hash_decimal(unscaled: i128) -> i32 {
    hash_bytes(&MinimalBytes::new(unscaled))
}

/// The hash of text (as UTF-8), UUIDs and bytes.
pub fn hash_bytes(bytes: &[u8]) -> i32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let scramble = |block: u32| block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);

    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = 0_u32;
    for block in blocks {
        hash ^= scramble(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let last = tail.iter().rev().fold(0_u32, |last, byte| last.wrapping_shl(8) | u32::from(*byte));
    hash ^= scramble(last); // 0 for an empty tail, which changes nothing
    // The algorithm counts the length modulo 2^32.
    let [b0, b1, b2, b3, ..] = bytes.len().to_le_bytes();
    hash ^= u32::from_le_bytes([b0, b1, b2, b3]);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)).cast_signed()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::testing;

    fn check(value: Value, expect: i32, of_16: i32, of_100: i32) {
        let found = hash(&value).unwrap();
        assert_eq!(found, expect, "{value:?}");
        assert_eq!((index(found, 16), index(found, 100)), (Some(of_16), Some(of_100)), "{value:?}");
    }

    #[test]
    fn hashes_are_those_of_the_format() {
        check(Value::Int(34), 2_017_239_379, 3, 79);
        check(Value::Long(34), 2_017_239_379, 3, 79);
        check(Value::Int(0), 1_669_671_676, 12, 76);
        check(Value::Int(-1), 1_651_860_712, 8, 12);
        check(Value::Long(i64::MAX), -2_106_506_049, 15, 99);
        check(Value::Long(i64::MIN), 1_366_273_829, 5, 29);
        check(Value::decimal(1420, 2), -500_754_589, 3, 59);
        check(Value::decimal(1420, 0), -500_754_589, 3, 59);
        check(Value::decimal(-1420, 2), 667_775_751, 7, 51);
        check(Value::decimal(0, 2), 1_364_076_727, 7, 27);
        check(Value::decimal(128, 2), 1_544_076_949, 5, 49);
        check(Value::Time(81_068_000_000), -662_762_989, 3, 59);
        for micros in [1_510_871_468_000_000, 1_510_871_468_000_001] {
            let (expect, of_16, of_100) =
                if micros % 10 == 0 { (-2_047_944_441, 7, 7) } else { (-1_207_196_810, 6, 38) };
            check(Value::Timestamp(micros), expect, of_16, of_100);
            check(Value::Timestamptz(micros), expect, of_16, of_100);
            check(Value::TimestampNs(micros * 1000 + 1), expect, of_16, of_100);
            check(Value::TimestamptzNs(micros * 1000 + 999), expect, of_16, of_100);
        }
        check(Value::Timestamp(-1), 1_651_860_712, 8, 12);
        check(Value::TimestampNs(-1), 1_651_860_712, 8, 12);
        check(Value::from("iceberg"), 1_210_000_089, 9, 89);
        check(Value::from(""), 0, 0, 0);
        check(Value::from("é"), 269_551_495, 7, 95);
        check(Value::from("\u{1F9CA}"), 847_417_219, 3, 19);
        let uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7".parse().unwrap();
        check(Value::Uuid(uuid), 1_488_055_340, 12, 40);
        check(Value::Fixed(vec![0, 1, 2, 3]), -188_683_207, 9, 41);
        check(Value::Binary(vec![0, 1, 2, 3]), -188_683_207, 9, 41);
    }

    /// Booleans and floats have no buckets, but the format gives hashes for what they are widened to.
    #[test]
    fn long_hashes_cover_the_vectors_of_types_without_buckets() {
        for (bits, expect) in [
            (1, 1_392_991_556),
            (1.0_f64.to_bits(), -142_385_009),
            (0.0_f64.to_bits(), 1_669_671_676),
            (0x7ff8_0000_0000_0000, 1_428_788_237),
        ] {
            assert_eq!(hash_long(bits.cast_signed()), expect);
        }
        for value in [Value::Boolean(true), Value::Float(1.0), Value::Double(1.0), Value::List(vec![])] {
            assert_eq!(hash(&value), None);
        }
    }

    #[test]
    fn trap_01_dates_are_hashed_as_eight_bytes() {
        check(Value::Date(17_486), -653_330_422, 10, 26);
        assert_eq!(hash_bytes(&17_486_i32.to_le_bytes()), 1_087_118_125, "the wrong one");
    }

    #[test]
    fn trap_02_the_sign_bit_is_masked_before_the_remainder() {
        let date = hash(&Value::Date(17_486)).unwrap();
        assert_eq!(index(date, 100), Some(26));
        assert_ne!(date.rem_euclid(100), 26);
        assert_eq!(index(i32::MIN, 7), Some(0));
        assert_eq!(index(-1, u32::MAX), Some(i32::MAX));
        assert_eq!(index(5, 0), None);
    }

    #[test]
    fn trap_04_decimals_are_hashed_by_their_fewest_bytes() {
        check(Value::decimal(-128, 2), 267_099_677, 13, 77);
        assert_ne!(hash_bytes(&[0xff, 0x80]), 267_099_677);
    }

    proptest! {
        #[test]
        fn buckets_are_in_range((value_type, value) in testing::primitive_and_value(), buckets in 1_u32..) {
            let found = hash(&value);
            prop_assert_eq!(found.is_some(), allows(&value_type));
            if let Some(found) = found {
                let index = index(found, buckets).unwrap();
                prop_assert!(0 <= index && index.unsigned_abs() < buckets);
            }
        }

        #[test]
        fn widening_keeps_the_bucket(int in any::<i32>(), micros in -9_000_000_000_000_000_i64..9_000_000_000_000_000) {
            prop_assert_eq!(hash(&Value::Int(int)), hash(&Value::Long(int.into())));
            prop_assert_eq!(hash(&Value::Timestamp(micros)), hash(&Value::TimestampNs(micros * 1000)));
        }
    }
}
