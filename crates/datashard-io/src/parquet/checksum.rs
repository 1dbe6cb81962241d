//! CRC32C of column chunks, kept in the footer: Parquet's own checksums are per page, and the Parquet crate does not write them.
//!
//! The text under [`KEY`] is `1:` and then eight lower-case hexadecimal digits per column chunk, in the order of the row groups and of the
//! columns within each. A checksum covers the bytes of its chunk as the footer gives them: pages with their headers, the dictionary first.
//! Bloom filters and page indexes lie outside. Readers pass over texts that begin otherwise.

use std::collections::VecDeque;
use std::fmt::Write as _;

/// The key of the footer's metadata that holds the checksums.
pub(crate) const KEY: &str = "datashard.crc32c";

/// What the footer says of who wrote the file.
pub(crate) const CREATED_BY: &str = "datashard";

const VERSION: &str = "1:";
const DIGITS: usize = 8;

/// The text for checksums in the order of row groups and, within each, of columns.
pub(crate) fn encode(checksums: &[u32]) -> String {
    let mut text =
        String::with_capacity(checksums.len().saturating_mul(DIGITS).saturating_add(VERSION.len()));
    text.push_str(VERSION);
    for checksum in checksums {
        let _ = write!(text, "{checksum:08x}"); // writing to a string cannot fail
    }
    text
}

/// Whether a text is of the version that is known here.
pub(crate) fn is_known(text: &str) -> bool {
    text.starts_with(VERSION)
}

/// The checksums in a text, row group by row group; `None` if it is of another version, or malformed.
pub(crate) fn decode(text: &str) -> Option<Vec<u32>> {
    let digits = text.strip_prefix(VERSION)?.as_bytes();
    let words = digits.chunks_exact(DIGITS);
    if !words.remainder().is_empty() {
        return None;
    }
    words.map(|word| word.iter().try_fold(0_u32, |number, digit| push_digit(number, *digit))).collect()
}

fn push_digit(number: u32, digit: u8) -> Option<u32> {
    let value = match digit {
        b'0'..=b'9' => digit.checked_sub(b'0')?,
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10)?,
        _ => return None,
    };
    Some((number << 4) | u32::from(value))
}

/// Checksums of chunks in a stream of bytes, as it passes.
#[derive(Debug, Default)]
pub(super) struct ChunkChecksums {
    /// Bytes that have passed.
    position: u64,
    /// Where the chunks that have not wholly passed end, and where they start.
    expected: VecDeque<(u64, u64)>,
    /// Of the chunk that is passing.
    running: u32,
    done: Vec<u32>,
}

impl ChunkChecksums {
    /// A chunk of so many bytes starts at this offset, at or behind all that has passed and all that was announced.
    pub(super) fn expect(&mut self, start: u64, size_bytes: u64) {
        self.expected.push_back((start, start.saturating_add(size_bytes)));
    }

    /// The next bytes of the stream.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((start, end)) = self.expected.front().copied() {
            let before = bytes.len().min(distance(self.position, start));
            bytes = self.skip(bytes, before);
            if self.position < start {
                return;
            }
            let inside = bytes.len().min(distance(self.position, end));
            self.running = crc32c::crc32c_append(self.running, bytes.get(..inside).unwrap_or_default());
            bytes = self.skip(bytes, inside);
            if self.position < end {
                return;
            }
            self.done.push(std::mem::take(&mut self.running));
            self.expected.pop_front();
        }
        self.skip(bytes, bytes.len());
    }

    /// The checksums of all chunks, or `None` if not all of them have passed.
    pub(super) fn finish(&self) -> Option<&[u32]> {
        self.expected.is_empty().then_some(self.done.as_slice())
    }

    fn skip<'a>(&mut self, bytes: &'a [u8], count: usize) -> &'a [u8] {
        self.position = self.position.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        bytes.get(count..).unwrap_or_default()
    }
}

fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksums_of_chunks_are_those_of_their_bytes_however_the_stream_is_cut() {
        let bytes: Vec<u8> = (0..100_u8).collect();
        let wanted =
            [crc32c::crc32c(&bytes[4..30]), crc32c::crc32c(&bytes[30..31]), crc32c::crc32c(&bytes[40..90])];
        for step in [1, 3, 10, 33, 100] {
            let mut checksums = ChunkChecksums::default();
            for (start, size) in [(4, 26), (30, 1), (40, 50)] {
                checksums.expect(start, size);
            }
            assert_eq!(checksums.finish(), None);
            bytes.chunks(step).for_each(|part| checksums.pass(part));
            assert_eq!(checksums.finish().unwrap(), wanted);
        }
    }

    #[test]
    fn other_versions_and_malformed_texts_are_no_checksums() {
        assert_eq!(decode("1:"), Some(Vec::new()));
        for text in
            ["", "1", "2:00000000", "1:0000000", "1:000000000", "1:0000000G", "1:0000000A", "1:000000é"]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn checksums_survive_text(checksums: Vec<u32>) {
            prop_assert_eq!(decode(&encode(&checksums)), Some(checksums));
        }
    }
}
