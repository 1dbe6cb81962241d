//! [`ByteStream`]: the bytes of one stream of a stripe, unpacked block by block as they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::codec::{Block, Compression};
use super::fault::Fault;

/// Memory for the unpacked blocks of all streams of a stripe.
#[derive(Debug)]
pub(super) struct Budget {
    held_bytes: AtomicU64,
    limit_bytes: u64,
}

impl Budget {
    pub(super) fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { held_bytes: AtomicU64::new(0), limit_bytes })
    }

    /// Takes memory, and gives some back.
    fn exchange(&self, back: u64, taken: u64) -> Result<(), Fault> {
        let held = self.held_bytes.load(Ordering::Relaxed).saturating_sub(back).saturating_add(taken);
        if held > self.limit_bytes {
            return Err(Fault::TooLarge { bytes: held, limit_bytes: self.limit_bytes });
        }
        self.held_bytes.store(held, Ordering::Relaxed);
        Ok(())
    }
}

/// Bytes of a stream, from its start to its end.
#[derive(Debug)]
pub(super) struct ByteStream {
    rest: Bytes,
    compression: Compression,
    budget: Arc<Budget>,
    current: Current,
    at: usize,
    /// Bytes taken of the budget.
    held_bytes: u64,
}

#[derive(Debug)]
enum Current {
    Plain(Bytes),
    Unpacked(Vec<u8>),
}

impl ByteStream {
    pub(super) fn new(bytes: Bytes, compression: Compression, budget: Arc<Budget>) -> Self {
        Self { rest: bytes, compression, budget, current: Current::Plain(Bytes::new()), at: 0, held_bytes: 0 }
    }

    /// What is left of the block at hand, of the next one if nothing is left. Empty at the end of the stream.
    pub(super) fn ahead(&mut self) -> Result<&[u8], Fault> {
        while self.at >= self.block().len() {
            if !self.fill()? {
                return Ok(&[]);
            }
        }
        Ok(self.block().get(self.at..).unwrap_or_default())
    }

    /// Goes over bytes of what [`ahead`](Self::ahead) gave.
    pub(super) fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// The next byte, if there is one.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<u8>, Fault> {
        let byte = match self.block().get(self.at) {
            Some(byte) => *byte,
            None => match self.ahead()?.first() {
                Some(byte) => *byte,
                None => return Ok(None),
            },
        };
        self.at = self.at.saturating_add(1);
        Ok(Some(byte))
    }

    /// The next byte, which must be there.
    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.next()?.ok_or_else(Fault::ended)
    }

    /// Appends the next `count` bytes. Memory grows with what there is, not with `count`.
    pub(super) fn read(&mut self, count: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = count;
        while left > 0 {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return Err(Fault::ended());
            }
            let taken = ahead.get(..left.min(ahead.len())).unwrap_or_default();
            out.extend_from_slice(taken);
            let taken = taken.len();
            self.consume(taken);
            left = left.saturating_sub(taken);
        }
        Ok(())
    }

    /// Goes over the next `count` bytes.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Fault> {
        let mut left = count;
        while left > 0 {
            let ahead = self.ahead()?.len();
            if ahead == 0 {
                return Err(Fault::ended());
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(ahead);
            self.consume(step);
            left = left.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    fn block(&self) -> &[u8] {
        match &self.current {
            Current::Plain(bytes) => bytes,
            Current::Unpacked(bytes) => bytes,
        }
    }

    fn fill(&mut self) -> Result<bool, Fault> {
        self.at = 0;
        match self.compression.next_block(&mut self.rest)? {
            None => {
                self.current = Current::Plain(Bytes::new());
                Ok(false)
            }
            Some(Block::Original(bytes)) => {
                self.current = Current::Plain(bytes);
                Ok(true)
            }
            Some(Block::Packed(packed)) => {
                let mut buffer = match std::mem::replace(&mut self.current, Current::Plain(Bytes::new())) {
                    Current::Unpacked(buffer) => buffer,
                    Current::Plain(_) => Vec::new(),
                };
                self.compression.unpack(&packed, &mut buffer)?;
                let taken = u64::try_from(buffer.capacity()).unwrap_or(u64::MAX);
                self.budget.exchange(self.held_bytes, taken)?;
                self.held_bytes = taken;
                self.current = Current::Unpacked(buffer);
                Ok(true)
            }
        }
    }
}
