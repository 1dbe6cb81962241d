//! What the fuzz targets share: a size limit, and the check that what was decoded survives a round trip.

pub mod data_file;

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

/// An Avro object container with this header metadata and one block, as stored.
pub fn avro_file(metadata: &[(&str, &[u8])], entries: u8, block: &[u8]) -> Vec<u8> {
    const SYNC: &[u8] = &[7; 16];
    let mut file = b"Obj\x01".to_vec();
    put_number(&mut file, metadata.len());
    for (key, value) in metadata {
        put_bytes(&mut file, key.as_bytes());
        put_bytes(&mut file, value);
    }
    file.push(0);
    file.extend_from_slice(SYNC);
    put_number(&mut file, entries.into());
    put_bytes(&mut file, block);
    file.extend_from_slice(SYNC);
    file
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count in Avro's form: twice the number, seven bits a byte, low ones first.
fn put_number(out: &mut Vec<u8>, number: usize) {
    let mut left = number << 1;
    while left > 0x7f {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// The same to the eye: equal, or unequal only by a NaN in a field that the format does not name.
pub fn same<T: PartialEq + Debug>(a: &T, b: &T) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}")
}
