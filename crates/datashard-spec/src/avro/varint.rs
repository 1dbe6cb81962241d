//! Avro's binary encoding over a slice: reading with every length checked, stepping over, and writing.

use crate::avro_error::AvroFault;

/// What is left to read of a block.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// High bit of each byte of a word: clear in the last byte of a number.
const CONTINUES: u64 = 0x8080_8080_8080_8080;

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, AvroFault> {
        let (byte, rest) = self.rest.split_first().ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// An int or long.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, AvroFault> {
        match self.rest {
            [a, rest @ ..] if *a < 0x80 => {
                self.rest = rest;
                Ok(unzigzag(u64::from(*a)))
            }
            [a, b, rest @ ..] if *b < 0x80 => {
                self.rest = rest;
                Ok(unzigzag(u64::from(*a & 0x7f) | (u64::from(*b) << 7)))
            }
            _ => self.long_of_many_bytes(),
        }
    }

    fn long_of_many_bytes(&mut self) -> Result<i64, AvroFault> {
        let mut value = 0_u64;
        for shift in (0..70_u32).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(AvroFault::LongNumber);
            }
            value |= bits.wrapping_shl(shift);
            if byte < 0x80 {
                return Ok(unzigzag(value));
            }
        }
        Err(AvroFault::LongNumber)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, AvroFault> {
        let found = self.long()?;
        i32::try_from(found).map_err(|_| AvroFault::Value { found })
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], AvroFault> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// Bytes with their length before them.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], AvroFault> {
        let found = self.long()?;
        let lies = AvroFault::Length { found, left: self.rest.len() };
        let length = usize::try_from(found).map_err(|_| lies)?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(lies)?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, AvroFault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| AvroFault::NotUtf8)
    }

    pub(super) fn boolean(&mut self) -> Result<bool, AvroFault> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(AvroFault::Value { found: i64::from(other) }),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], AvroFault> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The head of the next run of an array's items: how many, and where the writer says how many bytes they take, what
    /// is left of the block after them, for [`end_run`](Self::end_run). 0 is the end. Each item must take at least one
    /// byte, so that a count can be held against what is left.
    #[inline]
    pub(super) fn run(&mut self) -> Result<(usize, Option<usize>), AvroFault> {
        let found = self.long()?;
        let size = if found < 0 {
            let size = self.long()?;
            let lies = AvroFault::Length { found: size, left: self.rest.len() };
            Some(usize::try_from(size).ok().and_then(|size| self.rest.len().checked_sub(size)).ok_or(lies)?)
        } else {
            None
        };
        let lies = AvroFault::Length { found, left: self.rest.len() };
        let count = usize::try_from(found.unsigned_abs()).map_err(|_| lies)?;
        if count > self.rest.len() { Err(lies) } else { Ok((count, size)) }
    }

    /// Holds the size that a run claims against the bytes that its items took: two readers of one file, one that steps
    /// over the items by size and one that decodes them, would else go on at different places.
    #[inline]
    pub(super) fn end_run(&self, left: Option<usize>) -> Result<(), AvroFault> {
        match left {
            Some(left) if left != self.rest.len() => Err(AvroFault::RunSize),
            _ => Ok(()),
        }
    }

    /// Steps over numbers, eight bytes at a time: every byte without the high bit ends one.
    #[inline]
    pub(super) fn skip_numbers(&mut self, mut count: usize) -> Result<(), AvroFault> {
        while count > 0 {
            let Some((word, rest)) = self.rest.split_first_chunk::<8>() else {
                return self.skip_numbers_bytewise(count);
            };
            let mut ends = !u64::from_le_bytes(*word) & CONTINUES;
            let found = usize::try_from(ends.count_ones()).unwrap_or(0);
            if found <= count && word.last().is_some_and(|last| *last < 0x80) || found < count {
                count = count.saturating_sub(found);
                self.rest = rest;
                continue;
            }
            for _ in 1..count {
                ends &= ends.wrapping_sub(1);
            }
            let bytes = usize::try_from(ends.trailing_zeros() >> 3).unwrap_or(7).saturating_add(1);
            self.take(bytes)?;
            return Ok(());
        }
        Ok(())
    }

    fn skip_numbers_bytewise(&mut self, mut count: usize) -> Result<(), AvroFault> {
        while count > 0 {
            if self.byte()? < 0x80 {
                count = count.saturating_sub(1);
            }
        }
        Ok(())
    }
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

/// Appends an int or long.
#[inline]
pub(super) fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= 7;
        if left == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends bytes with their length before them.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count or length.
#[inline]
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    // No slice is longer than i64::MAX bytes.
    put_long(out, i64::try_from(length).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back_and_are_stepped_over(numbers in prop::collection::vec(prop_oneof![any::<i64>(), -70_i64..70, -9000_i64..9000], 0..40), skip in 0_usize..40) {
            let mut bytes = Vec::new();
            for number in &numbers {
                put_long(&mut bytes, *number);
            }
            let mut cursor = Cursor::new(&bytes);
            if skip > numbers.len() {
                prop_assert_eq!(cursor.skip_numbers(skip), Err(AvroFault::Truncated));
            } else {
                cursor.skip_numbers(skip).unwrap();
                for number in &numbers[skip..] {
                    prop_assert_eq!(cursor.long(), Ok(*number));
                }
                prop_assert_eq!(cursor.left(), 0);
            }
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        for bytes in [[0xff; 10], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert_eq!(Cursor::new(&bytes).long(), Err(AvroFault::LongNumber));
        }
    }

    #[test]
    fn lengths_and_counts_that_lie_are_refused() {
        for found in [5, -1, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_long(&mut bytes, found);
            bytes.extend([0; 4]);
            assert_eq!(Cursor::new(&bytes).bytes(), Err(AvroFault::Length { found, left: 4 }));
            let run = Cursor::new(&bytes).run();
            assert!(run.is_err() || found == -1, "{run:?}");
        }
    }
}
