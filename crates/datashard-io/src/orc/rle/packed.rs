//! Integers packed at a number of bits each, the highest bit first.

/// The widths that five bits can name.
const WIDTHS: [u32; 32] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32,
    40, 48, 56, 64,
];

/// The number of bits that the lowest five bits of `code` name.
pub(super) fn width(code: u8) -> u32 {
    WIDTHS.get(usize::from(code & 0x1f)).copied().unwrap_or(64)
}

/// The least nameable width of at least `bits`.
pub(super) fn at_least(bits: u32) -> u32 {
    WIDTHS.into_iter().find(|width| *width >= bits).unwrap_or(64)
}

/// Bytes that `count` values of `width` bits take.
pub(super) fn bytes(count: usize, width: u32) -> usize {
    count.saturating_mul(usize::try_from(width).unwrap_or(64)).div_ceil(8)
}

/// Appends `count` values of `width` bits, from 1 to 64, out of `packed`, which holds them all.
pub(super) fn unpack(packed: &[u8], count: usize, width: u32, out: &mut Vec<i64>) {
    match width {
        8 => out.extend(packed.iter().take(count).map(|byte| i64::from(*byte))),
        16 => {
            let chunks = packed.as_chunks().0.iter().take(count);
            out.extend(chunks.map(|chunk| i64::from(u16::from_be_bytes(*chunk))));
        }
        32 => {
            let chunks = packed.as_chunks().0.iter().take(count);
            out.extend(chunks.map(|chunk| i64::from(u32::from_be_bytes(*chunk))));
        }
        64 => {
            let chunks = packed.as_chunks().0.iter().take(count);
            out.extend(chunks.map(|chunk| i64::from_be_bytes(*chunk)));
        }
        _ => {
            // A value of up to 56 bits lies within eight bytes, wherever in its first byte it starts.
            let step = usize::try_from(width).unwrap_or(64);
            let unused = 64_u32.saturating_sub(width);
            out.extend((0..count).map(|index| {
                let start = index.wrapping_mul(step);
                let rest = packed.get(start >> 3..).unwrap_or_default();
                let word = match rest.first_chunk() {
                    Some(chunk) => u64::from_be_bytes(*chunk),
                    None => last_word(rest),
                };
                (word << (start & 7) >> unused).cast_signed()
            }));
        }
    }
}

/// The last bytes of what is packed, followed by zeros.
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(word)
}

/// Up to eight bytes as a number, the highest first.
pub(super) fn big_endian(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).cast_signed()
}

#[cfg(test)]
#[allow(clippy::as_conversions, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_width_come_out_as_they_were_packed() {
        for bits in WIDTHS {
            let mask = u64::MAX >> (64 - bits);
            let values: Vec<u64> =
                (0..37_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask).collect();
            let mut packed = Vec::new();
            let (mut held, mut count) = (0_u128, 0);
            for value in &values {
                held = held << bits | u128::from(*value);
                count += bits;
                while count >= 8 {
                    count -= 8;
                    packed.push((held >> count) as u8);
                }
            }
            packed.push((held << (8 - count)) as u8);
            let mut out = Vec::new();
            unpack(&packed, values.len(), bits, &mut out);
            let out: Vec<u64> = out.into_iter().map(i64::cast_unsigned).collect();
            assert_eq!(out, values, "{bits} bits");
            assert!(bytes(values.len(), bits) <= packed.len());
        }
    }
}
