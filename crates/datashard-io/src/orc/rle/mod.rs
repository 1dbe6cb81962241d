//! Runs: how ORC stores bytes, booleans and integers.

mod byte;
mod integer;
mod packed;
mod run;

pub(super) use byte::{BooleanReader, ByteReader};
pub(super) use integer::{Encoding, IntegerReader, varint_i128, varints_i128};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests")]
mod tests;
