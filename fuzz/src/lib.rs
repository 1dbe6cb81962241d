//! What the fuzz targets share: a size limit, and the check that what was decoded survives a round trip.

use std::fmt::Debug;

/// Inputs beyond this many bytes are not tried: time goes into variety, not length.
pub const MAX_INPUT_BYTES: usize = 64 << 10;

/// Whether an input is worth trying.
pub fn fits(input: &[u8]) -> bool {
    input.len() <= MAX_INPUT_BYTES
}

/// A decoded value must encode, decode again to an equal one, and from there on encode to the same bytes.
///
/// Bytes are compared between the second and third encoding only: a decoder may accept forms that no writer chooses.
///
/// # Panics
/// If one of these does not hold: that is the finding.
pub fn round_trip<T, B, E, D>(
    value: &T,
    encode: impl Fn(&T) -> Result<B, E>,
    decode: impl Fn(&B) -> Result<T, D>,
) where
    T: PartialEq + Debug,
    B: PartialEq + Debug,
    E: Debug,
    D: Debug,
{
    let encoded = encode(value).expect("a decoded value encodes");
    let again = decode(&encoded).expect("what was encoded decodes");
    assert_eq!(&again, value, "the value survives");
    assert_eq!(encode(&again).expect("it encodes again"), encoded, "encoding is stable");
}

/// Visits some of a long sequence: its first items, so that a compact input that stands for billions costs no time.
pub fn first<I: IntoIterator>(items: I) -> impl Iterator<Item = I::Item> {
    const ITEMS: usize = 10_000;
    items.into_iter().take(ITEMS)
}
