//! Runs: how ORC stores bytes, booleans and integers.

mod byte;
mod integer;
mod packed;
mod run;

pub(super) use byte::{BooleanReader, ByteReader};
pub(super) use integer::{Encoding, IntegerReader, varint_i128};
