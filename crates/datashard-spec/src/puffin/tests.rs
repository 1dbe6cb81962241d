//! Tests of Puffin files and deletion vectors: vectors, files as Java writes them, properties, hostile bytes.

#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

mod container;
mod deletion_vector;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}
