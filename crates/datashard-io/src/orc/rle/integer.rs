//! Integers as runs.

use super::super::fault::Fault;
use super::super::stream::ByteStream;
use super::run;

/// The version of the encoding of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Encoding {
    V1,
    V2,
}

/// Integers of a stream.
#[derive(Debug)]
pub(in super::super) struct IntegerReader {
    stream: ByteStream,
    encoding: Encoding,
    signed: bool,
    /// The run at hand.
    run: Vec<i64>,
    at: usize,
    scratch: Vec<u8>,
}

impl IntegerReader {
    pub(in super::super) fn signed(stream: ByteStream, encoding: Encoding) -> Self {
        Self { stream, encoding, signed: true, run: Vec::new(), at: 0, scratch: Vec::new() }
    }

    pub(in super::super) fn unsigned(stream: ByteStream, encoding: Encoding) -> Self {
        Self { signed: false, ..Self::signed(stream, encoding) }
    }

    /// Appends the next `count` values. Memory grows with what there is, not with `count`.
    pub(in super::super) fn read(&mut self, count: usize, out: &mut Vec<i64>) -> Result<(), Fault> {
        self.each(count, |values| out.extend_from_slice(values))
    }

    /// Goes over `count` values.
    pub(in super::super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.each(count, |_| ())
    }

    /// Hands the next `count` values on.
    pub(in super::super) fn each(&mut self, count: usize, mut take: impl FnMut(&[i64])) -> Result<(), Fault> {
        let mut wanted = count;
        while wanted > 0 {
            if self.at >= self.run.len() {
                self.fill()?;
            }
            let ahead = self.run.get(self.at..).unwrap_or_default();
            let values = ahead.get(..wanted.min(ahead.len())).unwrap_or_default();
            take(values);
            let step = values.len();
            self.at = self.at.saturating_add(step);
            wanted = wanted.saturating_sub(step);
        }
        Ok(())
    }

    /// Decodes the next run, which has a value at least.
    fn fill(&mut self) -> Result<(), Fault> {
        self.run.clear();
        self.at = 0;
        match self.encoding {
            Encoding::V1 => run::first_version(&mut self.stream, self.signed, &mut self.run),
            Encoding::V2 => {
                run::second_version(&mut self.stream, self.signed, &mut self.scratch, &mut self.run)
            }
        }
    }
}

/// A number of seven bits to the byte, the lowest first.
pub(super) fn varint(stream: &mut ByteStream, signed: bool) -> Result<i64, Fault> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = stream.byte()?;
        if shift > 63 || shift == 63 && byte > 1 {
            return Err(Fault::damaged("a number of more than 64 bits"));
        }
        value |= u64::from(byte & 0x7f) << shift;
        shift = shift.saturating_add(7);
        if byte < 0x80 {
            return Ok(if signed { zigzag(value) } else { value.cast_signed() });
        }
    }
}

/// Appends `count` signed numbers of seven bits to the byte, as decimals have them.
pub(in super::super) fn varints_i128(
    stream: &mut ByteStream,
    count: usize,
    out: &mut Vec<i128>,
) -> Result<(), Fault> {
    let mut left = count;
    while left > 0 {
        let ahead = stream.ahead()?;
        let mut rest = ahead;
        while left > 0
            && let Some((value, after)) = short_varint(rest)
        {
            out.push(i128::from(value));
            rest = after;
            left = left.saturating_sub(1);
        }
        let consumed = ahead.len().saturating_sub(rest.len());
        stream.consume(consumed);
        if left > 0 {
            // A long one, or one that reaches into the next block.
            out.push(varint_i128(stream)?);
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}

/// A signed number of at most 63 bits that lies in `bytes` as a whole, and what follows.
#[inline]
fn short_varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    for (index, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some((zigzag(value), bytes.get(index.saturating_add(1)..)?));
        }
        shift = shift.saturating_add(7);
    }
    None
}

/// A signed number of seven bits to the byte.
pub(in super::super) fn varint_i128(stream: &mut ByteStream) -> Result<i128, Fault> {
    let (mut value, mut shift) = (0_u128, 0_u32);
    loop {
        let byte = stream.byte()?;
        if shift > 126 || shift == 126 && byte > 3 {
            return Err(Fault::damaged("a decimal of more than 128 bits"));
        }
        value |= u128::from(byte & 0x7f) << shift;
        shift = shift.saturating_add(7);
        if byte < 0x80 {
            return Ok((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg());
        }
    }
}

/// The signed number that is stored without a sign: 0, -1, 1, -2, ...
pub(super) fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}
