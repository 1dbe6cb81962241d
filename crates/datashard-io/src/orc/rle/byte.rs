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

    /// Hands the next `count` bytes on, as literals or as a byte and how often it comes.
    fn each(&mut self, count: usize, mut take: impl FnMut(Part<'_>)) -> Result<(), Fault> {
        let mut wanted = count;
        while wanted > 0 {
            if self.left == 0 {
                self.open()?;
            }
            let step = match self.repeated {
                Some(byte) => {
                    let step = wanted.min(self.left);
                    take(Part::Run(byte, step));
                    step
                }
                None => {
                    let ahead = self.stream.ahead()?;
                    let literals = ahead.get(..wanted.min(self.left).min(ahead.len())).unwrap_or_default();
                    let step = literals.len();
                    if step == 0 {
                        return Err(Fault::ended());
                    }
                    take(Part::Literals(literals));
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
        self.each(count, |part| match part {
            Part::Run(byte, times) => out.resize(out.len().saturating_add(times), byte.cast_signed()),
            Part::Literals(bytes) => out.extend(bytes.iter().map(|byte| byte.cast_signed())),
        })?;
        Ok(out)
    }

    /// Goes over `count` values.
    pub(in super::super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.each(count, |_| ())
    }
}

/// Some of the next bytes.
enum Part<'a> {
    Run(u8, usize),
    Literals(&'a [u8]),
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
        if self.bits == 0 {
            return self.read_bytes(count);
        }
        let mut out = BooleanBufferBuilder::new(count);
        let mut wanted = count;
        self.bits_at_hand(&mut wanted, &mut |bit| out.append(bit));
        if wanted > 0 {
            out.append_buffer(&self.read_bytes(wanted)?);
        }
        Ok(out.finish())
    }

    /// The next `count` values where they start with a byte.
    fn read_bytes(&mut self, count: usize) -> Result<BooleanBuffer, Fault> {
        let mut out: Vec<u8> = Vec::with_capacity(count.div_ceil(8));
        self.bytes.each(count.div_ceil(8), |part| match part {
            Part::Run(byte, times) => out.resize(out.len().saturating_add(times), byte.reverse_bits()),
            Part::Literals(bytes) => out.extend(bytes.iter().map(|byte| byte.reverse_bits())),
        })?;
        let used = count % 8;
        if used > 0 {
            self.byte = out.last().map_or(0, |byte| byte.reverse_bits() << used);
            self.bits = 8_usize.saturating_sub(used);
        }
        Ok(BooleanBuffer::new(out.into(), 0, count))
    }

    /// Goes over `count` values and tells how many of them are true.
    pub(in super::super) fn skip(&mut self, count: usize) -> Result<usize, Fault> {
        let mut set = 0_usize;
        let mut wanted = count;
        self.bits_at_hand(&mut wanted, &mut |bit| set = set.saturating_add(usize::from(bit)));
        let count_bytes = wanted.div_ceil(8);
        let Self { bytes, byte: last, bits } = self;
        let mut skip = |byte: u8, times: usize| {
            let whole = times.min(wanted / 8);
            let ones = usize::try_from(byte.count_ones()).unwrap_or(0);
            set = set.saturating_add(whole.saturating_mul(ones));
            wanted = wanted.saturating_sub(whole.saturating_mul(8));
            if whole < times {
                (*last, *bits) = (byte, 8);
            }
        };
        bytes.each(count_bytes, |part| match part {
            Part::Run(byte, times) => skip(byte, times),
            Part::Literals(bytes) => bytes.iter().for_each(|byte| skip(*byte, 1)),
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
