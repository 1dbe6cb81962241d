//! Avro's binary encoding over a slice: reading with every length checked, stepping over, and writing.

use crate::avro_error::AvroFault;

/// What is left to read of a block.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

/// High bit of each byte of a word: clear in the last byte of a number.
const CONTINUES: u64 = 0x8080_8080_8080_8080;

impl<'a> Cursor<'a> {
    /// Before the first byte.
    #[inline]
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Bytes that are left.
    #[inline]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next byte.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, AvroFault> {
        let (byte, rest) = self.rest.split_first().ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// An int or long.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn long(&mut self) -> Result<i64, AvroFault> {
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

    /// All bytes of a number at once, where there are enough after it.
    fn long_of_many_bytes(&mut self) -> Result<i64, AvroFault> {
        let Some((word, rest)) = self.rest.split_first_chunk::<8>() else { return self.long_bytewise() };
        let word = u64::from_le_bytes(*word);
        let ends = !word & CONTINUES;
        if ends != 0 {
            self.take(first_end(ends))?;
            // Up to the high bit of its last byte.
            return Ok(unzigzag(join(word & (ends ^ ends.wrapping_sub(1)))));
        }
        let (high, length) = match rest {
            [last, ..] if *last < 0x80 => (u64::from(*last), 9),
            [last, sign @ (0 | 1), ..] => (u64::from(*last & 0x7f) | (u64::from(*sign) << 7), 10),
            [] | [_] => return Err(AvroFault::Truncated),
            _ => return Err(AvroFault::LongNumber),
        };
        self.take(length)?;
        Ok(unzigzag(join(word) | (high << 56)))
    }

    fn long_bytewise(&mut self) -> Result<i64, AvroFault> {
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

    /// Whether it is the second branch of a union of two.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn second_of_two(&mut self) -> Result<bool, AvroFault> {
        if let [branch @ (0 | 2), rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(*branch != 0);
        }
        match self.long()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(AvroFault::Union { found }),
        }
    }

    /// An int.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn int(&mut self) -> Result<i32, AvroFault> {
        let found = self.long()?;
        i32::try_from(found).map_err(|_| AvroFault::Value { found })
    }

    /// So many bytes.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], AvroFault> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// Bytes with their length before them.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], AvroFault> {
        let found = self.long()?;
        let lies = AvroFault::Length { found, left: self.rest.len() };
        let length = usize::try_from(found).map_err(|_| lies)?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(lies)?;
        self.rest = rest;
        Ok(head)
    }

    /// Text with its length before it.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, AvroFault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| AvroFault::NotUtf8)
    }

    /// A boolean.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    pub fn boolean(&mut self) -> Result<bool, AvroFault> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(AvroFault::Value { found: i64::from(other) }),
        }
    }

    /// So many bytes, as an array.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], AvroFault> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(AvroFault::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The head of the next run of an array's items: how many, and where the writer says how many bytes they take, what
    /// is left of the block after them, for [`end_run`](Self::end_run). 0 is the end. Each item must take at least one
    /// byte, so that a count can be held against what is left.
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn run(&mut self) -> Result<(usize, Option<usize>), AvroFault> {
        match self.rest {
            [0, rest @ ..] => {
                self.rest = rest;
                Ok((0, None))
            }
            [count, rest @ ..] if *count & 0x81 == 0 && usize::from(*count >> 1) <= rest.len() => {
                self.rest = rest;
                Ok((usize::from(*count >> 1), None))
            }
            _ => self.run_of_many(),
        }
    }

    fn run_of_many(&mut self) -> Result<(usize, Option<usize>), AvroFault> {
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
    ///
    /// # Errors
    /// If the bytes are none such, or end before it does.
    #[inline]
    pub fn end_run(&self, left: Option<usize>) -> Result<(), AvroFault> {
        match left {
            Some(left) if left != self.rest.len() => Err(AvroFault::RunSize),
            _ => Ok(()),
        }
    }

    /// Steps over numbers, eight bytes at a time: every byte without the high bit ends one.
    #[inline]
    pub(super) fn skip_numbers(&mut self, mut count: usize) -> Result<(), AvroFault> {
        // A word cannot hold the end of more than eight.
        while count > 8
            && let Some((word, rest)) = self.rest.split_first_chunk::<8>()
        {
            let ends = !u64::from_le_bytes(*word) & CONTINUES;
            count = count.saturating_sub(count_of(ends));
            self.rest = rest;
        }
        while count > 0 {
            let Some((word, rest)) = self.rest.split_first_chunk::<8>() else {
                return self.skip_numbers_bytewise(count);
            };
            let mut ends = !u64::from_le_bytes(*word) & CONTINUES;
            let found = count_of(ends);
            if found <= count && word.last().is_some_and(|last| *last < 0x80) || found < count {
                count = count.saturating_sub(found);
                self.rest = rest;
                continue;
            }
            for _ in 1..count {
                ends &= ends.wrapping_sub(1);
            }
            self.take(first_end(ends))?;
            return Ok(());
        }
        Ok(())
    }

    /// Steps over pairs of a number and bytes.
    #[inline]
    pub(super) fn skip_numbers_with_bytes(&mut self, count: usize) -> Result<(), AvroFault> {
        let mut rest = self.rest;
        for _ in 0..count {
            // Field ids up to 63 take one byte, and most bounds less than 64 bytes.
            if let Some((head, tail)) = rest.split_first_chunk::<2>()
                && u16::from_le_bytes(*head) & 0x8180 == 0
            {
                let length = u16::from_le_bytes(*head) >> 9;
                let lies = || AvroFault::Length { found: i64::from(length), left: tail.len() };
                (_, rest) = tail.split_at_checked(usize::from(length)).ok_or_else(lies)?;
                continue;
            }
            self.rest = rest;
            self.skip_numbers(1)?;
            self.bytes()?;
            rest = self.rest;
        }
        self.rest = rest;
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

/// The length of the number that the first of these high bits ends.
#[inline]
fn first_end(ends: u64) -> usize {
    usize::try_from(ends.trailing_zeros() >> 3).unwrap_or(7).saturating_add(1)
}

/// How many high bits there are: a sum of bytes, which takes less than counting all bits.
#[inline]
fn count_of(ends: u64) -> usize {
    let [.., sum] = (ends >> 7).wrapping_mul(0x0101_0101_0101_0101).to_le_bytes();
    usize::from(sum)
}

/// Joins the low seven bits of each byte.
#[inline]
fn join(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
    (word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
}

/// Seven bits in each byte, from a number of up to 56 bits.
#[inline]
fn spread(number: u64) -> u64 {
    let number = (number & 0x0fff_ffff) | ((number & 0x00ff_ffff_f000_0000) << 4);
    let number = (number & 0x0000_3fff_0000_3fff) | ((number & 0x0fff_c000_0fff_c000) << 2);
    (number & 0x007f_007f_007f_007f) | ((number & 0x3f80_3f80_3f80_3f80) << 1)
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

/// Appends an int or long.
#[inline]
pub fn put_long(out: &mut Vec<u8>, value: i64) {
    let left = zigzag(value);
    let [low, ..] = left.to_le_bytes();
    if left < 0x80 {
        out.push(low);
    } else if left >> 56 == 0 {
        // Written as a whole word and cut to its length: no loop whose end would be guessed wrong.
        let (word, unused) = encode(left);
        out.extend_from_slice(&word.to_le_bytes());
        out.truncate(out.len().saturating_sub(unused));
    } else {
        put_long_bytewise(out, left);
    }
}

/// Appends pairs of a field id and a number.
#[inline]
pub(super) fn put_pairs(out: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (i32, i64)>) {
    let mut at = out.len();
    // Room for all that they may take, and for a word beyond.
    let room = pairs.len().saturating_mul(2 * LONGEST).saturating_add(LONGEST);
    out.resize(at.saturating_add(room), 0);
    for (id, value) in pairs {
        let (key, left) = (zigzag(i64::from(id)), zigzag(value));
        let slot = out.get_mut(at..).unwrap_or_default();
        let written = match slot.first_chunk_mut::<8>() {
            Some(slot) if key < 0x80 && left >> 49 == 0 => {
                let (word, unused) = encode(left);
                *slot = ((word << 8) | key).to_le_bytes();
                9_usize.saturating_sub(unused)
            }
            _ => {
                let written = put_at(slot, key);
                written.saturating_add(put_at(slot.get_mut(written..).unwrap_or_default(), left))
            }
        };
        at = at.saturating_add(written);
    }
    out.truncate(at);
}

/// The longest number.
const LONGEST: usize = 10;

/// Writes a number where there is room for it, and returns its length.
#[inline]
fn put_at(slot: &mut [u8], number: u64) -> usize {
    let Some((slot, rest)) = slot.split_first_chunk_mut::<8>() else { return 0 };
    if number >> 56 == 0 {
        let (word, unused) = encode(number);
        *slot = word.to_le_bytes();
        return 8_usize.saturating_sub(unused);
    }
    *slot = (spread(number) | CONTINUES).to_le_bytes();
    let [.., high] = number.to_le_bytes();
    match rest {
        [last, ..] if high < 0x80 => {
            *last = high;
            9
        }
        [last, sign, ..] => {
            (*last, *sign) = (high, 1);
            LONGEST
        }
        _ => 0,
    }
}

/// Appends a field id and bytes with their length before them.
#[inline]
pub(super) fn put_pair_of_bytes(out: &mut Vec<u8>, id: i32, bytes: &[u8]) {
    let key = zigzag(i64::from(id));
    match <[u8; 8]>::try_from(bytes) {
        // Most bounds are numbers of eight bytes.
        Ok(word) if key < 0x80 => {
            let head = u128::from(key) | (8 << 9);
            let pair = head | (u128::from(u64::from_le_bytes(word)) << 16);
            out.extend_from_slice(&pair.to_le_bytes());
            out.truncate(out.len().saturating_sub(6));
        }
        _ => {
            put_long(out, i64::from(id));
            put_bytes(out, bytes);
        }
    }
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// A number of up to 56 bits as it is written, and how many bytes of the word it leaves unused.
#[inline]
fn encode(number: u64) -> (u64, usize) {
    let spread = spread(number);
    let unused = (spread | 1).leading_zeros() >> 3;
    let continues = (CONTINUES >> 8).wrapping_shr(unused << 3);
    (spread | continues, usize::try_from(unused).unwrap_or(0))
}

fn put_long_bytewise(out: &mut Vec<u8>, mut left: u64) {
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
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count or length.
#[inline]
pub fn put_length(out: &mut Vec<u8>, length: usize) {
    // No slice is longer than i64::MAX bytes.
    put_long(out, i64::try_from(length).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back_and_are_stepped_over(numbers in prop::collection::vec(number(), 0..40), skip in 0_usize..40) {
            let mut bytes = Vec::new();
            for number in &numbers {
                let mut plainly = bytes.clone();
                put_long_bytewise(&mut plainly, zigzag(*number));
                put_long(&mut bytes, *number);
                prop_assert_eq!(&bytes, &plainly);
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

    /// Of every length.
    fn number() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
    }

    proptest! {
        #[test]
        fn any_bytes_are_the_same_number_at_once_and_one_by_one(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x80), Just(0xff), Just(1)], 0..14)) {
            let (mut at_once, mut one_by_one) = (Cursor::new(&bytes), Cursor::new(&bytes));
            let expected = one_by_one.long_bytewise();
            prop_assert_eq!(at_once.long(), expected);
            if expected.is_ok() {
                prop_assert_eq!(at_once.left(), one_by_one.left());
            }
        }

        #[test]
        fn pairs_are_two_numbers_or_a_number_and_bytes(id in prop_oneof![-70_i32..70, any::<i32>()], values in prop::collection::vec(number(), 0..5), word in any::<[u8; 8]>(), length in 0_usize..9) {
            let (mut pairs, mut plainly) = (vec![7], vec![7]);
            put_pairs(&mut pairs, values.iter().map(|value| (id, *value)));
            put_pair_of_bytes(&mut pairs, id, &word[..length]);
            put_pair_of_bytes(&mut pairs, id, &word);
            for value in values {
                put_long_bytewise(&mut plainly, zigzag(i64::from(id)));
                put_long_bytewise(&mut plainly, zigzag(value));
            }
            put_long_bytewise(&mut plainly, zigzag(i64::from(id)));
            put_bytes(&mut plainly, &word[..length]);
            put_long_bytewise(&mut plainly, zigzag(i64::from(id)));
            put_bytes(&mut plainly, &word);
            prop_assert_eq!(pairs, plainly);
        }

        #[test]
        fn pairs_are_stepped_over(pairs in prop::collection::vec((number(), prop::collection::vec(any::<u8>(), 0..200)), 0..20)) {
            let mut bytes = Vec::new();
            for (key, value) in &pairs {
                put_long(&mut bytes, *key);
                put_bytes(&mut bytes, value);
            }
            let mut cursor = Cursor::new(&bytes);
            cursor.skip_numbers_with_bytes(pairs.len()).unwrap();
            prop_assert_eq!(cursor.left(), 0);
            for cut in 0..bytes.len() {
                let mut cursor = Cursor::new(&bytes[..cut]);
                prop_assert!(cursor.skip_numbers_with_bytes(pairs.len()).is_err());
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
