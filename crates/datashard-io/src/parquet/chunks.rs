//! [`Chunks`]: the parts of a file that were fetched, as the decoder reads them.

use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Some ranges of a file. What was not fetched is an error, never zeros.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    size_bytes: u64,
    /// Start and bytes, ascending.
    parts: Arc<[(u64, Bytes)]>,
}

impl Chunks {
    /// Parts of a file of `size_bytes`.
    pub(super) fn new(size_bytes: u64, mut parts: Vec<(u64, Bytes)>) -> Self {
        parts.sort_by_key(|(start, _)| *start);
        Self { size_bytes, parts: parts.into() }
    }

    /// The bytes from `start` to the end of the part that holds it.
    fn from(&self, start: u64) -> Result<Bytes> {
        let after = self.parts.partition_point(|(begin, _)| *begin <= start);
        let part = after.checked_sub(1).and_then(|at| self.parts.get(at));
        part.and_then(|(begin, bytes)| {
            let skip = usize::try_from(start.checked_sub(*begin)?).ok()?;
            (skip <= bytes.len()).then(|| bytes.slice(skip..))
        })
        .ok_or_else(|| ParquetError::EOF(format!("byte {start} lies outside of what the footer lists")))
    }

    /// Bytes of a range.
    pub(super) fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start}, where {} are left",
                bytes.len()
            )));
        }
        Ok(bytes.slice(..length))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

/// Reads one part to its end.
pub(super) struct PartReader(bytes::buf::Reader<Bytes>);

impl Read for PartReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl ChunkReader for Chunks {
    type T = PartReader;

    fn get_read(&self, start: u64) -> Result<PartReader> {
        Ok(PartReader(self.from(start)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.bytes(start, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_and_gaps_are_errors() {
        let chunks = Chunks::new(100, vec![(50, "fifty".into()), (4, "four".into())]);
        assert_eq!(chunks.bytes(4, 4).unwrap(), "four");
        assert_eq!(chunks.bytes(52, 3).unwrap(), "fty");
        for (start, length) in [(0, 1), (4, 5), (20, 1), (56, 0), (99, 1)] {
            assert!(chunks.bytes(start, length).is_err(), "{start} {length}");
        }
        let mut text = String::new();
        chunks.get_read(51).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "ifty");
    }
}
