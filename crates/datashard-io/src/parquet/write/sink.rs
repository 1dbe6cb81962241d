//! Where the Parquet crate writes to: memory, from where bytes are taken as soon as they are there.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes of a piece, at most: pieces of one size are given back and reused by the allocator, where buffers as large as a column chunk come
/// fresh from the system each time, page fault by page fault.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes that were written and not yet taken. Clones share them: the file writer keeps one half for itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    full: Vec<Bytes>,
    /// What is being filled.
    piece: Vec<u8>,
    /// Bytes that are known to come.
    expected: usize,
}

impl Sink {
    /// Says that so many bytes more will come.
    pub(super) fn reserve(&self, bytes: u64) {
        let mut held = self.held();
        held.expected = held.expected.saturating_add(usize::try_from(bytes).unwrap_or(0));
    }

    /// All that was written since the last time, in order.
    pub(super) fn take(&self) -> Vec<Bytes> {
        let mut held = self.held();
        held.end_piece();
        held.expected = 0;
        std::mem::take(&mut held.full)
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let held = self.held();
        held.full.iter().map(Bytes::len).fold(held.piece.capacity(), usize::saturating_add)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic of the writer leaves at most bytes out, and a file whose writing failed is given up.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.piece.len() >= PIECE_BYTES {
                self.end_piece();
            }
            if self.piece.is_empty() {
                self.piece.reserve_exact(self.expected.max(bytes.len()).min(PIECE_BYTES));
            }
            let room = PIECE_BYTES.saturating_sub(self.piece.len());
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.piece.extend_from_slice(now);
            self.expected = self.expected.saturating_sub(now.len());
            bytes = rest;
        }
    }

    fn end_piece(&mut self) {
        if !self.piece.is_empty() {
            self.full.push(Bytes::from(std::mem::take(&mut self.piece)));
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held().add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_all_bytes_in_order_and_none_is_larger_than_the_bound() {
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(3 * PIECE_BYTES + 17).collect();
        for step in [1000, PIECE_BYTES - 1, PIECE_BYTES, bytes.len()] {
            let mut sink = Sink::default();
            sink.reserve(5000);
            bytes.chunks(step).for_each(|part| sink.write_all(part).unwrap());
            assert!(sink.held_bytes() >= bytes.len());
            let pieces = sink.take();
            assert_eq!(pieces.len(), 4, "{step}");
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
            assert!(pieces.concat() == bytes, "{step}");
            assert!(sink.take().is_empty());
        }
    }
}
