//! Damage done to good bytes: every decoder must answer with a value or a typed error, never a panic.

/// Calls `decode` with `good` cut at every byte (at most `max_cases` of them, evenly spread).
pub(crate) fn truncated(good: &[u8], max_cases: usize, mut decode: impl FnMut(&[u8])) {
    let step = good.len().div_ceil(max_cases).max(1);
    for end in (0..good.len()).step_by(step) {
        decode(&good[..end]);
    }
}

/// Calls `decode` with one bit of `good` flipped, for every bit (at most `max_cases` of them, evenly spread).
pub(crate) fn bits_flipped(good: &[u8], max_cases: usize, mut decode: impl FnMut(&[u8])) {
    let bits = good.len() * 8;
    // A step that shares no factor with 8 visits all eight bits of a byte in turn.
    let step = (bits.div_ceil(max_cases).max(1)) | 1;
    let mut bytes = good.to_vec();
    for bit in (0..bits).step_by(step) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        decode(&bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Calls `decode` with runs of four bytes replaced by numbers that lie about a length or count.
pub(crate) fn numbers_that_lie(good: &[u8], max_cases: usize, mut decode: impl FnMut(&[u8])) {
    let lies: [[u8; 4]; 4] = [[0xff; 4], [0xff, 0xff, 0xff, 0x7f], [0x80; 4], [0xfe, 0xff, 0xff, 0x0f]];
    let step = good.len().div_ceil(max_cases).max(1);
    for start in (0..good.len().saturating_sub(4)).step_by(step) {
        for lie in lies {
            let mut bytes = good.to_vec();
            bytes[start..start + 4].copy_from_slice(&lie);
            decode(&bytes);
        }
    }
}
