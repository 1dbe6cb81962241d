//! Decimals in bytes of any length.

use datashard_spec::avro::AvroFault;
use datashard_spec::value::decimal::number_from_be_bytes;

/// The unscaled number in these bytes, at most of so many digits.
pub(super) fn number(bytes: &[u8], precision: u8) -> Result<i128, AvroFault> {
    // No bytes are 0, as some writers have it. Bytes that only repeat the sign are left out, for fixed ones may be longer than a number.
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { 0xFF } else { 0 };
    let extra = bytes.len().saturating_sub(16);
    let (head, tail) = bytes.split_at_checked(extra).unwrap_or((&[], bytes));
    let is_extended = head.iter().all(|byte| *byte == sign)
        && (head.is_empty() || tail.first().is_some_and(|byte| (*byte >= 0x80) == (sign == 0xFF)));
    let number = if tail.is_empty() { Some(0) } else { number_from_be_bytes(tail) };
    let fits = |number: &i128| {
        10_u128.checked_pow(u32::from(precision)).is_none_or(|limit| number.unsigned_abs() < limit)
    };
    number.filter(|_| is_extended).filter(fits).ok_or(AvroFault::Value { found: i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_any_length_and_held_to_their_digits() {
        assert_eq!(number(&[], 5), Ok(0));
        assert_eq!(number(&[0x80], 5), Ok(-128));
        assert_eq!(number(&[0; 20], 5), Ok(0));
        assert_eq!(number(&[0xFF; 20], 5), Ok(-1));
        assert_eq!(number(&[0x01, 0x86, 0x9F], 5), Ok(99_999));
        assert!(number(&[0x01, 0x86, 0xA0], 5).is_err());
        let mut long = [0; 17];
        long[0] = 1;
        assert!(number(&long, 38).is_err());
        let mut unsigned = [0; 17];
        unsigned[1] = 0x80;
        assert!(number(&unsigned, 38).is_err());
    }
}
