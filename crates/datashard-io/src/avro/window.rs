//! A window that moves over a file: what was read at once is cut into blocks, and what is left over goes on in the next.

use bytes::{Bytes, BytesMut};

use crate::data_error::DataError;
use crate::file::InputFile;

/// Bytes read at once, unless the memory limit asks for less.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;
/// Part of the memory limit that a window may take.
const SHARE: u64 = 8;

/// Bytes of a file, read as they are asked for, forward.
#[derive(Debug)]
pub(super) struct Window {
    input: InputFile,
    size_bytes: u64,
    /// Place of the first byte at hand.
    start: u64,
    bytes: Bytes,
    step_bytes: u64,
    /// Bytes from here on are read only if asked for.
    end: u64,
}

impl Window {
    /// A file of `size_bytes`, of which `bytes` from `start` on are at hand.
    pub(super) fn new(
        input: &InputFile,
        size_bytes: u64,
        start: u64,
        bytes: Bytes,
        limit_bytes: u64,
    ) -> Self {
        let step_bytes = WINDOW_BYTES.min(limit_bytes.checked_div(SHARE).unwrap_or(0)).max(1);
        Self { input: input.clone(), size_bytes, start, bytes, step_bytes, end: size_bytes }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Lets nothing from `end` on be read ahead.
    pub(super) fn read_ahead_until(&mut self, end: u64) {
        self.end = end.min(self.size_bytes);
    }

    /// The bytes from `at` on: at least `count`, or as many as the file has.
    pub(super) async fn from(&mut self, at: u64, count: u64) -> Result<Bytes, DataError> {
        let wanted = at.saturating_add(count).min(self.size_bytes);
        let end = self.start.saturating_add(length(&self.bytes));
        if at < self.start || at > end {
            self.start = at;
            self.bytes = Bytes::new();
        }
        let at_hand = self.start.saturating_add(length(&self.bytes));
        if wanted > at_hand {
            let until = wanted.max(at.saturating_add(self.step_bytes).min(self.end));
            let more = self.input.read_range(at_hand..until).await?;
            let kept = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
            let kept = self.bytes.slice(kept.min(self.bytes.len())..);
            self.bytes = if kept.is_empty() {
                more
            } else {
                let mut joined = BytesMut::with_capacity(kept.len().saturating_add(more.len()));
                joined.extend_from_slice(&kept);
                joined.extend_from_slice(&more);
                joined.freeze()
            };
            self.start = at;
        }
        let skip = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.slice(skip.min(self.bytes.len())..))
    }
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
