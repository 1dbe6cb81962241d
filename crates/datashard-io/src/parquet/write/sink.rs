//! Where the Parquet crate writes to: memory, from where bytes are taken as soon as they are there.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes that were written and not yet taken. Clones share them: the file writer keeps one half for itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    /// Makes room for so many bytes more.
    pub(super) fn reserve(&self, bytes: u64) {
        self.held().reserve(usize::try_from(bytes).unwrap_or(0));
    }

    /// All that was written since the last time.
    pub(super) fn take(&self) -> Bytes {
        Bytes::from(std::mem::take(&mut *self.held()))
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.held().capacity()
    }

    fn held(&self) -> MutexGuard<'_, Vec<u8>> {
        // A panic of the writer cannot leave a vector half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
