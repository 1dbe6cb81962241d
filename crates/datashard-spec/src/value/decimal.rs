//! Decimals: as text, and as the two's complement bytes that bounds, hashes and Avro hold.
//!
//! "Minimal" bytes are as few as keep the sign: 127 is `7f`, 128 is `0080`, -128 is `80`. One byte more would hash to
//! another bucket.

use std::fmt;

use super::{Decimal, ValueError, error};

/// The most digits that a decimal of the format has.
pub const MAX_PRECISION: u8 = 38;

impl Decimal {
    /// `unscaled` x 10^-`scale`.
    pub fn new(unscaled: i128, scale: u8) -> Self {
        Self { scale, unscaled }
    }

    /// Digits of the unscaled number, 1 for zero.
    pub fn digits(self) -> u32 {
        self.unscaled.unsigned_abs().checked_ilog10().unwrap_or(0).saturating_add(1)
    }

    /// Whether the number fits a type of this precision and scale.
    pub fn fits(self, precision: u8, scale: u8) -> bool {
        self.scale == scale && self.digits() <= u32::from(precision)
    }

    /// The same number at another scale; `None` if that needs rounding or does not fit.
    pub fn rescale(self, scale: u8) -> Option<Self> {
        let unscaled = if scale >= self.scale {
            let factor = 10_i128.checked_pow(scale.checked_sub(self.scale)?.into())?;
            self.unscaled.checked_mul(factor)?
        } else {
            let factor = 10_i128.checked_pow(self.scale.checked_sub(scale)?.into())?;
            (self.unscaled.checked_rem(factor)? == 0).then(|| self.unscaled.checked_div(factor))??
        };
        Some(Self { scale, unscaled })
    }

    /// Reads a decimal. The digits after the point are its scale: `"14.20"` has scale 2. With an exponent, as in
    /// `"2E+20"`, a negative scale is multiplied out to scale 0.
    ///
    /// # Errors
    /// `InvalidData` if the text is no number; `InvalidInput` if it has more digits than a decimal can hold.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::value::Decimal;
    ///
    /// assert_eq!(Decimal::parse("14.20")?, Decimal::new(1420, 2));
    /// assert_eq!(Decimal::parse("-2E+3")?, Decimal::new(-2000, 0));
    /// # Ok::<(), datashard_spec::value::ValueError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let exponent = match exponent {
            Some(exponent) => signed_digits(exponent).ok_or_else(|| error::text("decimal", text))?,
            None => 0,
        };
        let (negative, unsigned) = match mantissa.strip_prefix(['+', '-']) {
            Some(rest) => (mantissa.starts_with('-'), rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(error::text("decimal", text));
        }
        let out_of_range = || error::out_of_range("decimal", crate::error::excerpt(text));
        let mut unscaled = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = i128::from(digit.saturating_sub(b'0'));
            unscaled =
                unscaled.checked_mul(10).and_then(|n| n.checked_add(digit)).ok_or_else(out_of_range)?;
        }
        if negative {
            unscaled = unscaled.saturating_neg();
        }
        let scale = i64::try_from(fraction.len()).ok().and_then(|digits| digits.checked_sub(exponent));
        Self::from_any_scale(unscaled, scale.ok_or_else(out_of_range)?).ok_or_else(out_of_range)
    }

    fn from_any_scale(unscaled: i128, scale: i64) -> Option<Self> {
        let decimal = match u8::try_from(scale) {
            Ok(scale) => Self { scale, unscaled },
            Err(_) if unscaled == 0 && scale < 0 => Self { scale: 0, unscaled },
            Err(_) => {
                let power = u32::try_from(scale.checked_neg()?).ok()?;
                Self { scale: 0, unscaled: unscaled.checked_mul(10_i128.checked_pow(power)?)? }
            }
        };
        (decimal.digits() <= MAX_PRECISION.into() && decimal.scale <= MAX_PRECISION).then_some(decimal)
    }
}

/// An exponent: digits with an optional sign.
fn signed_digits(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl fmt::Display for Decimal {
    /// Plain digits, with exactly `scale` of them after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = self.unscaled.unsigned_abs().to_string();
        match digits.len().checked_sub(scale).and_then(|point| digits.split_at_checked(point)) {
            Some((whole, "")) => write!(f, "{sign}{whole}"),
            Some((whole, fraction)) if !whole.is_empty() => write!(f, "{sign}{whole}.{fraction}"),
            _ => write!(f, "{sign}0.{digits:0>scale$}"),
        }
    }
}

/// The minimal big-endian two's complement bytes of a number, without allocation.
///
/// # Examples
/// ```
/// use datashard_spec::value::decimal::MinimalBytes;
///
/// assert_eq!(*MinimalBytes::new(-128), [0x80]);
/// assert_eq!(*MinimalBytes::new(128), [0x00, 0x80]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MinimalBytes {
    bytes: [u8; 16],
    start: usize,
}

impl MinimalBytes {
    /// The minimal bytes of this number: 1 to 16.
    #[expect(clippy::arithmetic_side_effects, reason = "the bits are at most 127, so the bytes at most 16")]
    pub fn new(unscaled: i128) -> Self {
        // Bits beside the sign: a negative number needs as many as its complement, so -128 needs no more than 127.
        let magnitude = if unscaled < 0 { !unscaled } else { unscaled };
        let start = (magnitude.leading_zeros().max(1) - 1) / 8;
        Self { bytes: unscaled.to_be_bytes(), start: usize::try_from(start).unwrap_or_default() }
    }
}

impl std::ops::Deref for MinimalBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or(&self.bytes)
    }
}

/// Reads a big-endian two's complement number of any width from 1 to 16 bytes, minimal or sign-extended.
///
/// `None` for no bytes, or more than 16.
pub fn number_from_be_bytes(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let fill = if first & 0x80 == 0 { 0x00 } else { 0xff };
    let mut wide = [fill; 16];
    wide.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

/// Appends a number as big-endian two's complement of exactly `width` bytes, sign-extended, as Avro's fixed decimals are.
///
/// # Errors
/// `InvalidInput` if the number needs more bytes; nothing is appended then.
pub fn push_fixed_width(unscaled: i128, width: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let bytes = MinimalBytes::new(unscaled);
    let Some(padding) = width.checked_sub(bytes.len()) else {
        return Err(error::out_of_range(format!("a decimal of {width} bytes"), unscaled));
    };
    out.extend(std::iter::repeat_n(if unscaled < 0 { 0xff } else { 0x00 }, padding));
    out.extend_from_slice(&bytes);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn check_bytes(unscaled: i128, expect: &[u8]) {
        assert_eq!(&*MinimalBytes::new(unscaled), expect, "{unscaled}");
        assert_eq!(number_from_be_bytes(expect), Some(unscaled));
    }

    #[test]
    fn trap_04_decimal_bytes_are_minimal_even_for_negative_powers_of_two() {
        check_bytes(0, &[0x00]);
        check_bytes(-1, &[0xff]);
        check_bytes(127, &[0x7f]);
        check_bytes(128, &[0x00, 0x80]);
        check_bytes(-128, &[0x80]);
        check_bytes(-129, &[0xff, 0x7f]);
        check_bytes(1420, &[0x05, 0x8c]);
        check_bytes(-1420, &[0xfa, 0x74]);
        check_bytes(-32_768, &[0x80, 0x00]);
        check_bytes(32_768, &[0x00, 0x80, 0x00]);
        check_bytes(i128::MAX, &i128::MAX.to_be_bytes());
        check_bytes(i128::MIN, &i128::MIN.to_be_bytes());
    }

    #[test]
    fn bytes_that_are_longer_than_needed_are_read_and_none_or_too_many_are_not() {
        assert_eq!(number_from_be_bytes(&[0xff, 0xff, 0x80]), Some(-128));
        assert_eq!(number_from_be_bytes(&[0; 16]), Some(0));
        assert_eq!(number_from_be_bytes(&[]), None);
        assert_eq!(number_from_be_bytes(&[0; 17]), None);
    }

    #[test]
    fn a_number_too_wide_for_its_fixed_is_refused() {
        let mut out = vec![7];
        assert_eq!(push_fixed_width(-128, 3, &mut out), Ok(()));
        assert_eq!(out, [7, 0xff, 0xff, 0x80]);
        let error = push_fixed_width(128, 1, &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "128 is outside the range of a decimal of 1 bytes");
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn decimals_read_and_write_with_their_scale() {
        for (text, unscaled, scale) in [
            ("14.20", 1420, 2),
            ("-14.20", -1420, 2),
            ("0", 0, 0),
            ("0.00", 0, 2),
            ("-0.05", -5, 2),
            ("0.0000000001", 1, 10),
            ("99999999999999999999999999999999999999", 10_i128.pow(38) - 1, 0),
            ("-0.99999999999999999999999999999999999999", 1 - 10_i128.pow(38), 38),
        ] {
            assert_eq!(Decimal::parse(text), Ok(Decimal::new(unscaled, scale)), "{text}");
            assert_eq!(Decimal::new(unscaled, scale).to_string(), text);
        }
        for (text, unscaled, scale) in [
            ("2E+20", 2 * 10_i128.pow(20), 0),
            ("1.5e3", 1500, 0),
            ("15e-1", 15, 1),
            ("0E+999", 0, 0),
            (".5", 5, 1),
            ("+5.", 5, 0),
        ] {
            assert_eq!(Decimal::parse(text), Ok(Decimal::new(unscaled, scale)), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_decimal_is_refused_and_one_out_of_range_is_told_apart() {
        for text in ["", ".", "-", "1.2.3", "--1", "1e", "e5", "1e+-5", "0x10", "NaN", "1,5", " 1", "١"] {
            assert_eq!(Decimal::parse(text).map_err(|e| e.kind()), Err(ErrorKind::InvalidData), "{text}");
        }
        let digits = "9".repeat(10_000);
        for text in
            ["1E+38", "1E-39", "1E-300", "1E+9999999999", "100000000000000000000000000000000000000", &digits]
        {
            assert_eq!(Decimal::parse(text).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{text}");
        }
    }

    #[test]
    fn rescaling_never_rounds() {
        assert_eq!(Decimal::new(15, 1).rescale(3), Some(Decimal::new(1500, 3)));
        assert_eq!(Decimal::new(1500, 3).rescale(1), Some(Decimal::new(15, 1)));
        assert_eq!(Decimal::new(1501, 3).rescale(1), None);
        assert_eq!(Decimal::new(i128::MAX, 0).rescale(1), None);
    }

    proptest! {
        #[test]
        fn every_number_reads_back_from_its_bytes(unscaled in any::<i128>(), shift in 0_u32..128) {
            let unscaled = unscaled >> shift;
            prop_assert_eq!(number_from_be_bytes(&MinimalBytes::new(unscaled)), Some(unscaled));
            let mut wide = Vec::new();
            prop_assert_eq!(push_fixed_width(unscaled, 16, &mut wide), Ok(()));
            prop_assert_eq!(wide, unscaled.to_be_bytes());
        }

        #[test]
        fn one_byte_less_is_another_number(unscaled in any::<i128>(), shift in 0_u32..128) {
            let unscaled = unscaled >> shift;
            let bytes = MinimalBytes::new(unscaled);
            prop_assert_ne!(number_from_be_bytes(&bytes[1..]), Some(unscaled));
        }

        #[test]
        fn every_decimal_reads_back_from_its_text(unscaled in 1 - 10_i128.pow(38)..10_i128.pow(38), scale in 0_u8..=38) {
            let decimal = Decimal::new(unscaled, scale);
            prop_assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
        }
    }
}
