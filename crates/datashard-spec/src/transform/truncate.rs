//! The truncate transform: numbers down to a multiple of the width, text and bytes to a prefix.
//!
//! Where the multiple would lie below the smallest number of the type, the result is that smallest number. So results
//! stay in order with their sources and never exceed them, which is what pruning by them relies on. (Java wraps around
//! there, to a result near the greatest number.)

use std::num::NonZeroU32;

use crate::schema::PrimitiveType;
use crate::value::{Decimal, Value};

/// Whether values of the type can be truncated.
pub(super) fn allows(source: &PrimitiveType) -> bool {
    matches!(
        source,
        PrimitiveType::Int
            | PrimitiveType::Long
            | PrimitiveType::Decimal { .. }
            | PrimitiveType::String
            | PrimitiveType::Binary
    )
}

/// The truncated value; `None` if values of its type are not truncated.
pub fn truncate(value: &Value, width: NonZeroU32) -> Option<Value> {
    Some(match value {
        Value::Int(v) => Value::Int(int(*v, width)),
        Value::Long(v) => Value::Long(long(*v, width)),
        Value::Decimal(Decimal { scale, unscaled }) => {
            Value::Decimal(Decimal { scale: *scale, unscaled: number(*unscaled, width) })
        }
        Value::String(v) => Value::String(text(v, width).to_owned()),
        Value::Binary(v) => Value::Binary(bytes(v, width).to_vec()),
        _ => return None,
    })
}

/// The greatest multiple of the width that is not above the value, or the smallest int.
pub fn int(value: i32, width: NonZeroU32) -> i32 {
    i32::try_from(number(value.into(), width)).unwrap_or(i32::MIN)
}

/// The greatest multiple of the width that is not above the value, or the smallest long.
pub fn long(value: i64, width: NonZeroU32) -> i64 {
    i64::try_from(number(value.into(), width)).unwrap_or(i64::MIN)
}

/// The greatest multiple of the width that is not above the unscaled value of a decimal.
pub fn number(unscaled: i128, width: NonZeroU32) -> i128 {
    unscaled.saturating_sub(unscaled.rem_euclid(i128::from(width.get())))
}

/// The first characters (code points) of the text.
pub fn text(value: &str, width: NonZeroU32) -> &str {
    let width = usize::try_from(width.get()).unwrap_or(usize::MAX);
    let end = value.char_indices().nth(width).map_or(value.len(), |(end, _)| end);
    value.split_at_checked(end).map_or(value, |(prefix, _)| prefix)
}

/// The first bytes.
pub fn bytes(value: &[u8], width: NonZeroU32) -> &[u8] {
    let width = usize::try_from(width.get()).unwrap_or(usize::MAX);
    value.get(..width).unwrap_or(value)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::testing;

    fn check(value: impl Into<Value>, width: u32, expect: impl Into<Value>) {
        let value = value.into();
        assert_eq!(truncate(&value, NonZeroU32::new(width).unwrap()), Some(expect.into()), "{value}");
    }

    #[test]
    fn numbers_go_down_to_a_multiple() {
        for (value, width, expect) in
            [(1, 10, 0), (9, 10, 0), (10, 10, 10), (-1, 10, -10), (-10, 10, -10), (-7, 3, -9)]
        {
            check(value, width, expect);
            check(i64::from(value), width, i64::from(expect));
        }
        check(Value::decimal(1065, 2), 50, Value::decimal(1050, 2));
        check(Value::decimal(-1065, 2), 50, Value::decimal(-1100, 2));
        check(Value::decimal(5, 2), 10, Value::decimal(0, 2));
        check(Value::decimal(-5, 2), 10, Value::decimal(-10, 2));
    }

    #[test]
    fn numbers_near_the_smallest_saturate() {
        check(i32::MIN, 10, i32::MIN);
        check(i32::MIN + 7, 10, i32::MIN);
        check(i32::MIN + 8, 10, i32::MIN + 8);
        check(i64::MIN + 1, 10, i64::MIN);
        check(-1, u32::MAX, i32::MIN);
        check(Value::decimal(i128::MIN, 0), 10, Value::decimal(i128::MIN, 0));
    }

    #[test]
    fn trap_05_text_is_counted_in_code_points() {
        check("iceberg", 3, "ice");
        check("ice", 3, "ice");
        check("", 3, "");
        check("ééé", 2, "éé");
        check("😀😀😀", 2, "😀😀");
        check("e\u{301}x", 1, "e");
        check(Value::Binary(vec![1, 2, 3]), 2, Value::Binary(vec![1, 2]));
        check(Value::Binary(vec![1]), u32::MAX, Value::Binary(vec![1]));
    }

    proptest! {
        #[test]
        fn results_are_not_above_their_source_and_stay_when_truncated_again(
            (value_type, value) in testing::primitive_and_value(),
            width in 1_u32..,
        ) {
            let width = NonZeroU32::new(width).unwrap();
            let once = truncate(&value, width);
            prop_assert_eq!(once.is_some(), allows(&value_type));
            if let Some(once) = once {
                prop_assert!(once <= value);
                prop_assert_eq!(truncate(&once, width), Some(once));
            }
        }

        #[test]
        fn order_is_kept(a in any::<i32>(), b in any::<i32>(), s in "\\PC{0,6}", t in "\\PC{0,6}", width in 1_u32..) {
            for width in [width, width % 5 + 1, width % 1000 + 1].map(|width| NonZeroU32::new(width).unwrap()) {
                prop_assert!(int(a.min(b), width) <= int(a.max(b), width));
                let (low, high) = if s <= t { (&s, &t) } else { (&t, &s) };
                prop_assert!(text(low, width) <= text(high, width));
            }
        }
    }
}
