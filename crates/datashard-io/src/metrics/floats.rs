//! Floats in the order of the format: by their bits, made to compare as integers, so that -0.0 comes before +0.0. NaNs are counted only.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::runs::each_run;

/// The least and the greatest float that is no NaN, as keys, and how many NaNs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen<K> {
    /// Keys; see [`key64`].
    pub(super) extremes: Option<(K, K)>,
    /// NaNs.
    pub(super) nans: usize,
}

/// A number that orders as the float does; its own inverse on bits.
pub(super) fn key64(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

/// As [`key64`].
pub(super) fn key32(bits: i32) -> i32 {
    bits ^ ((bits >> 31) & i32::MAX)
}

/// What there is among values that are not null.
pub(super) fn doubles(values: &[f64], nulls: Option<&NullBuffer>) -> Seen<i64> {
    // NaNs have keys beyond both infinities, which never can be the least of others or the greatest.
    let (mut low, mut high, mut nans) = (i64::MAX, i64::MIN, 0_usize);
    each_run(nulls, values.len(), |run| {
        for value in values.get(run).unwrap_or_default() {
            let nan = value.is_nan();
            let key = key64(value.to_bits().cast_signed());
            low = low.min(if nan { i64::MAX } else { key });
            high = high.max(if nan { i64::MIN } else { key });
            nans = nans.saturating_add(usize::from(nan));
        }
    });
    Seen { extremes: (low <= high).then_some((low, high)), nans }
}

/// As [`doubles`].
pub(super) fn singles(values: &[f32], nulls: Option<&NullBuffer>) -> Seen<i32> {
    let (mut low, mut high, mut nans) = (i32::MAX, i32::MIN, 0_usize);
    each_run(nulls, values.len(), |run| {
        for value in values.get(run).unwrap_or_default() {
            let nan = value.is_nan();
            let key = key32(value.to_bits().cast_signed());
            low = low.min(if nan { i32::MAX } else { key });
            high = high.max(if nan { i32::MIN } else { key });
            nans = nans.saturating_add(usize::from(nan));
        }
    });
    Seen { extremes: (low <= high).then_some((low, high)), nans }
}

/// How many NaNs there are among values that are not null; `None` for an array of anything else.
pub(super) fn count_nans(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Option<usize> {
    match array.data_type() {
        DataType::Float32 => Some(singles(array.as_primitive_opt::<Float32Type>()?.values(), nulls).nans),
        DataType::Float64 => Some(doubles(array.as_primitive_opt::<Float64Type>()?.values(), nulls).nans),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_floats_do_and_turn_back() {
        let ascending = [f64::NEG_INFINITY, -1.5, -f64::MIN_POSITIVE, -0.0, 0.0, 1e-300, 2.0, f64::INFINITY];
        let keys: Vec<i64> = ascending.iter().map(|f| key64(f.to_bits().cast_signed())).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for (float, key) in ascending.iter().zip(keys) {
            assert_eq!(key64(key).cast_unsigned(), float.to_bits());
        }
        let ascending = [f32::NEG_INFINITY, -1.5, -0.0, 0.0, 2.0, f32::INFINITY];
        let keys: Vec<i32> = ascending.iter().map(|f| key32(f.to_bits().cast_signed())).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn trap_11_nans_of_either_sign_are_counted_and_bound_nothing() {
        let values = [f64::NAN, -f64::NAN, 1.0, -0.0, f64::NAN];
        let seen = doubles(&values, None);
        assert_eq!(seen.nans, 3);
        let (low, high) = seen.extremes.unwrap();
        assert_eq!(key64(low).cast_unsigned(), (-0.0_f64).to_bits());
        assert_eq!(key64(high).cast_unsigned(), 1.0_f64.to_bits());
        assert_eq!(doubles(&values[..2], None), Seen { extremes: None, nans: 2 });
        assert_eq!(singles(&[f32::NAN], None), Seen { extremes: None, nans: 1 });
    }
}
