//! [`OutputFile`]: a file being written, hashed as its bytes leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use super::digest::RunningDigest;
use crate::data_error::DataError;
use crate::path::TablePath;
use crate::store::{TableStore, Upload};

/// A file being written to a table's store or to memory. There is no file before [`finish`](Self::finish).
#[must_use = "there is no file before `finish`"]
pub struct OutputFile {
    location: Arc<str>,
    sink: Sink,
    size_bytes: u64,
    sha256: RunningDigest,
    held: HeldBytes,
}

/// Bytes that a file being written holds in memory, told also to those who gave the file away.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    /// As of the last write.
    pub(crate) fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

enum Sink {
    Store(Box<Upload>),
    Memory(BytesMut),
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The name that manifests are to give it.
    pub location: Arc<str>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of all its bytes.
    pub sha256: [u8; 32],
    /// The bytes, if it was written to memory.
    pub bytes: Option<Bytes>,
}

impl OutputFile {
    /// A file of a table, whose name nobody else uses. `location` is the name that manifests are to give it.
    ///
    /// # Errors
    /// As [`TableStore::upload`].
    pub fn new(
        store: &TableStore,
        path: &TablePath,
        location: impl Into<Arc<str>>,
    ) -> Result<Self, DataError> {
        // Bytes for a folder leave through threads of their own; only there is encoding what takes the time.
        let beside = store.has_threads();
        Ok(Self::to(location.into(), Sink::Store(Box::new(store.upload(path)?)), beside))
    }

    /// A file whose bytes stay at hand.
    pub fn in_memory(location: impl Into<Arc<str>>) -> Self {
        Self::to(location.into(), Sink::Memory(BytesMut::new()), false)
    }

    fn to(location: Arc<str>, sink: Sink, beside: bool) -> Self {
        Self { location, sink, size_bytes: 0, sha256: RunningDigest::new(beside), held: HeldBytes::default() }
    }

    /// The name that manifests are to give the file.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Bytes written so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Tells what the file holds in memory, also when a format's writer has it.
    pub(crate) fn held_bytes(&self) -> HeldBytes {
        self.held.clone()
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// As [`Upload::write`].
    ///
    /// # Cancel safety
    /// A dropped call has taken some of the bytes or none; the file can then only be aborted.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), DataError> {
        self.size_bytes = self.size_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.sha256.update(&bytes).await?;
        let held = match &mut self.sink {
            Sink::Store(upload) => {
                upload.write(bytes).await?;
                upload.memory_bytes()
            }
            Sink::Memory(buffer) => {
                buffer.extend_from_slice(&bytes);
                buffer.len()
            }
        };
        self.held.0.store(held.saturating_add(self.sha256.held_bytes()), Ordering::Relaxed);
        Ok(())
    }

    /// Makes the file visible, whole.
    ///
    /// # Errors
    /// As [`Upload::finish`].
    ///
    /// # Cancel safety
    /// A dropped call may leave the file, whole, or none.
    pub async fn finish(self) -> Result<Written, DataError> {
        let sha256 = self.sha256.finish().await?;
        let bytes = match self.sink {
            Sink::Store(upload) => {
                upload.finish().await?;
                None
            }
            Sink::Memory(buffer) => Some(buffer.freeze()),
        };
        Ok(Written { location: self.location, size_bytes: self.size_bytes, sha256, bytes })
    }

    /// Gives the file up and removes what the store holds of it.
    ///
    /// # Errors
    /// As [`Upload::abort`].
    ///
    /// # Cancel safety
    /// As dropping the file: a bucket may keep an unfinished upload.
    pub async fn abort(self) -> Result<(), DataError> {
        match self.sink {
            Sink::Store(upload) => Ok(upload.abort().await?),
            Sink::Memory(_) => Ok(()),
        }
    }
}

impl std::fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputFile")
            .field("location", &self.location)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::testing::table;

    #[tokio::test]
    async fn bytes_not_yet_taken_by_the_store_are_told() {
        const PART: usize = 8 << 20;
        let path = TablePath::parse("f").unwrap();
        let mut output = OutputFile::new(&table(-1), &path, "memory://lake/t/f").unwrap();
        let held = output.held_bytes();
        output.write(Bytes::from_static(&[0; 100])).await.unwrap();
        assert_eq!(held.now(), 100);
        output.write(vec![0; PART - 100].into()).await.unwrap();
        assert_eq!(held.now(), PART);
        for _ in 0..6 {
            output.write(vec![0; PART].into()).await.unwrap();
            assert!((1..=5 * PART).contains(&held.now()), "{}", held.now());
        }
        assert_eq!(output.finish().await.unwrap().size_bytes, 7 * 8 * 1024 * 1024);
        let mut memory = OutputFile::in_memory("f");
        memory.write(Bytes::from_static(b"abc")).await.unwrap();
        assert_eq!(memory.held_bytes().now(), 3);
    }
}
