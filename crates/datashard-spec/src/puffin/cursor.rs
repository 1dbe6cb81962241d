//! Taking fixed-size pieces off the front of a slice.

use super::PuffinError;

/// What is left of some bytes, and what to call them in errors.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
    what: &'static str,
}

/// A length as 64 bits; lossless on all targets.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], PuffinError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.truncated(u64::try_from(count)))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PuffinError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(u64::try_from(N)))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn truncated<E>(&self, needed: Result<u64, E>) -> PuffinError {
        PuffinError::Truncated {
            what: self.what,
            needed: needed.unwrap_or(u64::MAX),
            found: length(self.rest),
        }
    }

    pub(super) fn u16_le(&mut self) -> Result<u16, PuffinError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, PuffinError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u32_be(&mut self) -> Result<u32, PuffinError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64_le(&mut self) -> Result<u64, PuffinError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next four bytes, which must be `expected`.
    pub(super) fn magic(&mut self, expected: [u8; 4], at: &'static str) -> Result<(), PuffinError> {
        let found = self.array()?;
        if found == expected { Ok(()) } else { Err(PuffinError::Magic { at, expected, found }) }
    }

    /// Refuses bytes that are left.
    pub(super) fn finish(&self) -> Result<(), PuffinError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(PuffinError::TrailingBytes { what: self.what, count: length(self.rest) })
    }
}
