//! Bytes as runs and literals, and booleans as the bits of such bytes.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;

use super::super::fault::Fault;
use super::super::stream::ByteStream;

/// A run is at least this long.
const MIN_RUN: usize = 3;

/// Bytes: a control byte from 0 to 127 repeats the next byte 3 to 130 times, a negative one is followed by as many bytes.
#[derive(Debug)]
pub(in super::super) struct ByteReader {
    stream: ByteStream,
    /// Bytes left of the run or the literals at hand.
    left: usize,
    /// The byte of the run at hand; `None` for literals.
    repeated: Option<u8>,
}

impl ByteReader {
    pub(in super::super) fn new(stream: ByteStream) -> Self {
        Self { stream, left: 0, repeated: None }
    }

    /// Hands the next `count` bytes on, as pairs of a byte and how often it comes.
    fn each(&mut self, count: usize, mut take: impl FnMut(u8, usize)) -> Result<(), Fault> {
        let mut wanted = count;
        while wanted > 0 {
            if self.left == 0 {
                self.open()?;
            }
            let step = match self.repeated {
                Some(byte) => {
                    let step = wanted.min(self.left);
                    take(byte, step);
                    step
                }
                None => {
                    let ahead = self.stream.ahead()?;
                    let literals = ahead.get(..wanted.min(self.left).min(ahead.len())).unwrap_or_default();
                    literals.iter().for_each(|byte| take(*byte, 1));
                    let step = literals.len();
                    if step == 0 {
                        return Err(Fault::ended());
                    }
                    self.stream.consume(step);
                    step
                }
            };
            self.left = self.left.saturating_sub(step);
            wanted = wanted.saturating_sub(step);
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Fault> {
        let control = self.stream.byte()?;
        if control < 0x80 {
            self.left = usize::from(control).saturating_add(MIN_RUN);
            self.repeated = Some(self.stream.byte()?);
        } else {
            self.left = usize::from(control.wrapping_neg());
            self.repeated = None;
        }
        Ok(())
    }

    /// The next `count` values.
    pub(in super::super) fn read(&mut self, count: usize) -> Result<Vec<i8>, Fault> {
        let mut out = Vec::with_capacity(count);
        self.each(count, |byte, times| out.resize(out.len().saturating_add(times), byte.cast_signed()))?;
        Ok(out)
    }

    /// Goes over `count` values.
    pub(in super::super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.each(count, |_, _| ())
    }
}

/// Booleans, eight to a byte, the first in its highest bit.
#[derive(Debug)]
pub(in super::super) struct BooleanReader {
    bytes: ByteReader,
    /// What is left of the byte at hand, its next bit the highest.
    byte: u8,
    bits: usize,
}

impl BooleanReader {
    pub(in super::super) fn new(stream: ByteStream) -> Self {
        Self { bytes: ByteReader::new(stream), byte: 0, bits: 0 }
    }

    /// The next `count` values.
    pub(in super::super) fn read(&mut self, count: usize) -> Result<BooleanBuffer, Fault> {
        let mut out = BooleanBufferBuilder::new(count);
        let mut wanted = count;
        self.bits_at_hand(&mut wanted, &mut |bit| out.append(bit));
        let Self { bytes, byte: last, bits } = self;
        bytes.each(wanted.div_ceil(8), |byte, times| {
            let whole = times.min(wanted / 8);
            if byte == 0 || byte == u8::MAX {
                out.append_n(whole.saturating_mul(8), byte != 0);
            } else {
                for _ in 0..whole {
                    out.append_packed_range(0..8, &[byte.reverse_bits()]);
                }
            }
            wanted = wanted.saturating_sub(whole.saturating_mul(8));
            if whole < times {
                (*last, *bits) = (byte, 8);
            }
        })?;
        self.bits_at_hand(&mut wanted, &mut |bit| out.append(bit));
        Ok(out.finish())
    }

    /// Goes over `count` values and tells how many of them are true.
    pub(in super::super) fn skip(&mut self, count: usize) -> Result<usize, Fault> {
        let mut set = 0_usize;
        let mut wanted = count;
        self.bits_at_hand(&mut wanted, &mut |bit| set = set.saturating_add(usize::from(bit)));
        let Self { bytes, byte: last, bits } = self;
        bytes.each(wanted.div_ceil(8), |byte, times| {
            let whole = times.min(wanted / 8);
            let ones = usize::try_from(byte.count_ones()).unwrap_or(0);
            set = set.saturating_add(whole.saturating_mul(ones));
            wanted = wanted.saturating_sub(whole.saturating_mul(8));
            if whole < times {
                (*last, *bits) = (byte, 8);
            }
        })?;
        self.bits_at_hand(&mut wanted, &mut |bit| set = set.saturating_add(usize::from(bit)));
        Ok(set)
    }

    fn bits_at_hand(&mut self, wanted: &mut usize, take: &mut dyn FnMut(bool)) {
        while *wanted > 0 && self.bits > 0 {
            take(self.byte & 0x80 != 0);
            self.byte <<= 1;
            self.bits = self.bits.saturating_sub(1);
            *wanted = wanted.saturating_sub(1);
        }
    }
}
