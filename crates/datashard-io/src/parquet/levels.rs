//! Runs of levels and lengths as Parquet packs them, walked for what they add up to; nothing is kept of them.
//!
//! # Spec
//! The Parquet format's "Run Length Encoding / Bit-Packing Hybrid" and "Delta Strings".

/// Calls `with` for runs of levels: whether they are 0, and how many. Levels that are missing count as others than 0.
pub(super) fn runs(bytes: &[u8], max_level: i16, values: u64, mut with: impl FnMut(bool, u64)) {
    let width = u16::BITS.saturating_sub(max_level.unsigned_abs().leading_zeros());
    let mut left = values;
    let mut bits = Bits { bytes };
    while left > 0 {
        let Some(header) = bits.varint() else { break };
        let count = header >> 1;
        if header & 1 == 0 {
            let Some(level) = bits.take(u64::from(width.div_ceil(8))) else { break };
            let count = count.min(left);
            if count > 0 {
                with(level.iter().all(|byte| *byte == 0), count);
            }
            left = left.saturating_sub(count);
            continue;
        }
        // The last run may lack the bytes that nobody reads.
        let packed = count.saturating_mul(u64::from(width)).min(bits.left());
        let Some(packed) = bits.take(packed) else { break };
        let mut level_bits = (0_u64..).map_while(|bit| bit_of(packed, bit));
        for _ in 0..count.saturating_mul(8).min(left) {
            let mut level = level_bits.by_ref().take(usize::try_from(width).unwrap_or(0));
            let Some(first) = level.next() else { break };
            let is_set = level.fold(first, |any, bit| any | bit);
            with(!is_set, 1);
            left = left.saturating_sub(1);
        }
    }
    if left > 0 {
        with(false, left);
    }
}

fn bit_of(bytes: &[u8], bit: u64) -> Option<bool> {
    let byte = bytes.get(usize::try_from(bit / 8).ok()?)?;
    Some(byte >> (bit % 8) & 1 == 1)
}

/// A bound of the longest of texts that share beginnings with the ones before; `None` if it cannot be told.
pub(super) fn longest_with_prefix(bytes: &[u8], values: u64) -> Option<u64> {
    let mut bits = Bits { bytes };
    let prefix = bits.largest_of_deltas(values)?;
    let suffix = bits.largest_of_deltas(values)?;
    prefix.checked_add(suffix)
}

/// What is left of packed numbers.
struct Bits<'a> {
    bytes: &'a [u8],
}

impl<'a> Bits<'a> {
    fn left(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(count).ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take(1)? else { return None };
            number |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg())
    }

    /// The largest of numbers stored as differences, of which none may be negative; steps behind them.
    fn largest_of_deltas(&mut self, values: u64) -> Option<u64> {
        let block = self.varint()?;
        let minis = self.varint()?;
        let count = self.varint()?;
        let mut number = self.zigzag()?;
        let in_mini = block.checked_div(minis)?;
        // Differences of no bits take no bytes: only the count bounds the work.
        if count > values || in_mini == 0 || in_mini % 8 != 0 {
            return None;
        }
        let mut largest = number;
        let mut left = count.saturating_sub(1);
        while left > 0 {
            let least = self.zigzag()?;
            let widths = self.take(minis)?;
            for width in widths {
                if left == 0 {
                    break;
                }
                let packed = self.take((in_mini / 8).checked_mul(u64::from(*width))?)?;
                let mut packed_bits = (0_u64..).map_while(|bit| bit_of(packed, bit));
                for _ in 0..in_mini.min(left) {
                    let mut delta = 0_u64;
                    for place in 0..u32::from(*width) {
                        delta |= u64::from(packed_bits.next()?).checked_shl(place)?;
                    }
                    number = number.wrapping_add(least).wrapping_add(delta.cast_signed());
                    largest = largest.max(number);
                    left = left.saturating_sub(1);
                }
            }
        }
        u64::try_from(largest).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(bytes: &[u8], max_level: i16, values: u64) -> Vec<(bool, u64)> {
        let mut found: Vec<(bool, u64)> = Vec::new();
        runs(bytes, max_level, values, |is_zero, count| match found.last_mut() {
            Some(last) if last.0 == is_zero => last.1 = last.1.saturating_add(count),
            _ => found.push((is_zero, count)),
        });
        found
    }

    #[test]
    fn repeated_and_packed_levels_are_told_apart() {
        // Six times 1, then 8 packed bits of which five are read.
        assert_eq!(levels(&[12, 1, 3, 0b0000_1001], 1, 11), [(false, 7), (true, 2), (false, 1), (true, 1)]);
        // Two bits each: 0 1 2 3, and four more of 0.
        assert_eq!(levels(&[3, 0b1110_0100, 0], 3, 8), [(true, 1), (false, 3), (true, 4)]);
        assert_eq!(levels(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0], 1, 5), [(true, 5)]);
    }

    #[test]
    fn missing_levels_belong_to_the_row_before() {
        assert_eq!(levels(&[], 1, 9), [(false, 9)]);
        assert_eq!(levels(&[4, 0], 1, 9), [(true, 2), (false, 7)]);
        assert_eq!(levels(&[0, 0, 0, 0], 1, 3), [(false, 3)]);
        assert_eq!(levels(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xFE], 1, 9), [(true, 1), (false, 8)]);
    }

    #[test]
    fn the_longest_text_is_bounded_by_prefix_and_rest() {
        // Blocks of 8 in one part: 3 numbers, 5 first, then differences of least 1, in two bits: 1 + 2, 1 + 0.
        let numbers = [8, 1, 3, 10, 2, 2, 0b0000_0010, 0];
        let none = [8, 1, 3, 0, 0, 0];
        assert_eq!(longest_with_prefix(&[&numbers[..], &none].concat(), 3), Some(9));
        assert_eq!(longest_with_prefix(&[&numbers[..], &numbers].concat(), 3), Some(18));
        assert_eq!(longest_with_prefix(&numbers, 3), None, "the second part is missing");
        assert_eq!(longest_with_prefix(&[&numbers[..], &none].concat(), 2), None, "more than there are");
        assert_eq!(longest_with_prefix(&[8, 0, 3, 10], 3), None);
    }
}
