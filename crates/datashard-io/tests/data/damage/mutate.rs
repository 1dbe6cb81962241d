//! Kinds of damage.

/// Calls `with` for `good` cut at every byte (at most `max_cases` of them, evenly spread).
pub(crate) fn truncated(good: &[u8], max_cases: usize, mut with: impl FnMut(&str, &[u8])) {
    let step = good.len().div_ceil(max_cases).max(1);
    for end in (0..good.len()).step_by(step) {
        with(&format!("cut at {end}"), &good[..end]);
    }
}

/// Calls `with` for `good` without a few bytes in its middle: what follows is where nothing points to.
pub(crate) fn shortened(good: &[u8], max_cases: usize, mut with: impl FnMut(&str, &[u8])) {
    let step = good.len().div_ceil(max_cases).max(1);
    for start in (0..good.len()).step_by(step) {
        let end = good.len().min(start + 1 + start % 17);
        with(&format!("without bytes {start} to {end}"), &[&good[..start], &good[end..]].concat());
    }
}

/// Calls `with` for `good` with one bit flipped, for every bit (at most `max_cases` of them, evenly spread).
pub(crate) fn bits_flipped(good: &[u8], max_cases: usize, mut with: impl FnMut(&str, &[u8])) {
    let bits = good.len() * 8;
    // A step that shares no factor with 8 visits all eight bits of a byte in turn.
    let step = bits.div_ceil(max_cases).max(1) | 1;
    let mut bytes = good.to_vec();
    for bit in (0..bits).step_by(step) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        with(&format!("bit {bit} flipped"), &bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Calls `with` for `good` with bytes replaced by numbers that lie about a length or count, as variable-length and as fixed-width ones.
pub(crate) fn numbers_that_lie(good: &[u8], max_cases: usize, mut with: impl FnMut(&str, &[u8])) {
    const LIES: [&[u8]; 7] = [
        &[0xff; 4],
        &[0xff, 0xff, 0xff, 0x7f],
        &[0x80; 4],
        &[0xfe, 0xff, 0xff, 0x0f],
        &[0x00],
        &[0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ];
    let step = (good.len() * LIES.len()).div_ceil(max_cases).max(1);
    for (number, lie) in LIES.iter().enumerate() {
        // The lies start at different bytes, so that together they come by most of them.
        for start in (number..good.len().saturating_sub(lie.len())).step_by(step) {
            let mut bytes = good.to_vec();
            bytes[start..start + lie.len()].copy_from_slice(lie);
            with(&format!("{lie:x?} at byte {start}"), &bytes);
        }
    }
}

/// Calls `with` for `good` with a stretch of it written over with another one of its own.
pub(crate) fn stretches_moved(good: &[u8], max_cases: usize, mut with: impl FnMut(&str, &[u8])) {
    let length = (good.len() / 16).clamp(1, 64);
    let mut from = 7;
    for case in 0..max_cases {
        let to = case * 31 % good.len().saturating_sub(length).max(1);
        from = (from * 131 + 17) % good.len().saturating_sub(length).max(1);
        let mut bytes = good.to_vec();
        bytes.copy_within(from..from + length, to);
        with(&format!("{length} bytes of {from} at {to}"), &bytes);
    }
}
