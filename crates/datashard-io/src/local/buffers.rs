//! [`Buffers`]: memory for large reads, used again and again.
//!
//! New memory costs about as much as reading a cached file into it: the system hands it out zeroed, page by page. A buffer goes back when
//! the last of the bytes that share it are dropped.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Size of a buffer: the longest range that is read by one call.
pub(super) const BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// Idle buffers that are kept; what was never written to takes no memory.
const MOST_IDLE: usize = 4;

/// Buffers of a folder.
#[derive(Default)]
pub(super) struct Buffers {
    idle: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    /// A buffer of [`BUFFER_BYTES`], with whatever was in it last.
    pub(super) fn take(&self) -> Buffer {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { memory: idle.unwrap_or_else(|| vec![0; BUFFER_BYTES]), home: Arc::clone(&self.idle) }
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Buffers").field("idle", &idle).finish()
    }
}

/// A buffer that goes back when it is dropped.
pub(super) struct Buffer {
    memory: Vec<u8>,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffer {
    /// Its first `length` bytes, to be filled; `None` if it is shorter.
    pub(super) fn first(&mut self, length: usize) -> Option<&mut [u8]> {
        self.memory.get_mut(..length)
    }

    /// Its first `length` bytes, at most all, as shared bytes.
    pub(super) fn into_bytes(self, length: usize) -> Bytes {
        let all = Bytes::from_owner(self);
        all.slice(..length.min(all.len()))
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut idle = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_nothing_shares_it() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take();
        buffer.first(3).unwrap().copy_from_slice(b"abc");
        let place = buffer.as_ref().as_ptr();
        let bytes = buffer.into_bytes(3);
        assert_eq!((&bytes[..], bytes.as_ptr()), (&b"abc"[..], place));
        let part = bytes.slice(1..2);
        drop(bytes);
        assert_ne!(buffers.take().as_ref().as_ptr(), place);
        assert_eq!(part, "b");
        drop(part);
        let again = [buffers.take(), buffers.take()];
        assert!(again.iter().any(|buffer| buffer.as_ref().as_ptr() == place));
    }

    #[test]
    fn few_idle_buffers_are_kept() {
        let buffers = Buffers::default();
        drop((0..10).map(|_| buffers.take()).collect::<Vec<_>>());
        assert_eq!(format!("{buffers:?}"), "Buffers { idle: 4 }");
        assert!(buffers.take().first(BUFFER_BYTES + 1).is_none());
    }
}
