//! [`InputFile`]: a file to read, in a table's store or in memory.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::data_error::DataError;
use crate::path::TablePath;
use crate::store::TableStore;

/// A file to read. Cheap to clone.
///
/// # Examples
/// ```
/// use datashard_io::{Bytes, InputFile};
///
/// let file = InputFile::in_memory("memory://0.parquet", Bytes::from_static(b"PAR1"));
/// assert_eq!(file.location(), "memory://0.parquet");
/// ```
#[derive(Debug, Clone)]
pub struct InputFile {
    location: Arc<str>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Store { store: TableStore, path: TablePath, size_bytes: Option<u64> },
    Memory(Bytes),
}

impl InputFile {
    /// A file of a table. `location` is the name that its manifest gives it: errors and the column `_file` say it.
    pub fn new(store: TableStore, path: TablePath, location: impl Into<Arc<str>>) -> Self {
        Self { location: location.into(), place: Place::Store { store, path, size_bytes: None } }
    }

    /// A file whose bytes are at hand.
    pub fn in_memory(location: impl Into<Arc<str>>, bytes: Bytes) -> Self {
        Self { location: location.into(), place: Place::Memory(bytes) }
    }

    /// With the size in bytes that the manifest tells, which saves asking for it. Readers hold it against what they find.
    #[must_use]
    pub fn with_size_bytes(mut self, size: u64) -> Self {
        if let Place::Store { size_bytes, .. } = &mut self.place {
            *size_bytes = Some(size);
        }
        self
    }

    /// The name that the manifest gives the file.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The size that was given with the file, or that it has in memory.
    pub(crate) fn known_size_bytes(&self) -> Option<u64> {
        match &self.place {
            Place::Store { size_bytes, .. } => *size_bytes,
            Place::Memory(bytes) => Some(length(bytes)),
        }
    }

    /// The size in bytes: as given, else one HEAD.
    ///
    /// # Errors
    /// As [`TableStore::info`].
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn size_bytes(&self) -> Result<u64, DataError> {
        match &self.place {
            Place::Store { store, path, size_bytes: None } => Ok(store.info(path).await?.size_bytes),
            _ => Ok(self.known_size_bytes().unwrap_or(0)),
        }
    }

    /// Ranges of the file, in the order asked for. Near ones come with one request; see [`TableStore::read_ranges`].
    ///
    /// # Errors
    /// As [`TableStore::read_ranges`]; `InvalidData` if a range does not lie within a file in memory.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, DataError> {
        match &self.place {
            Place::Store { store, path, .. } => Ok(store.read_ranges(path, ranges).await?),
            Place::Memory(bytes) => ranges.iter().map(|range| self.slice(bytes, range)).collect(),
        }
    }

    /// One range of the file.
    ///
    /// # Errors
    /// As [`read_ranges`](Self::read_ranges).
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes, DataError> {
        let ranges = self.read_ranges(std::slice::from_ref(&range)).await?;
        ranges.into_iter().next().ok_or_else(|| DataError::internal("a range was asked for and none came"))
    }

    /// The last `count` bytes, or all of a shorter file, and the true size of the file in bytes.
    ///
    /// # Errors
    /// As [`TableStore::read_tail`].
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_tail(&self, count: u64) -> Result<(Bytes, u64), DataError> {
        match &self.place {
            Place::Store { store, path, .. } => {
                let tail = store.read_tail(path, count).await?;
                Ok((tail.bytes, tail.size_bytes))
            }
            Place::Memory(bytes) => {
                let size = length(bytes);
                Ok((self.slice(bytes, &(size.saturating_sub(count)..size))?, size))
            }
        }
    }

    fn slice(&self, bytes: &Bytes, range: &Range<u64>) -> Result<Bytes, DataError> {
        let inside = || {
            let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
            (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
        };
        inside().ok_or_else(|| {
            let place = format!("bytes {} to {}", range.start, range.end);
            DataError::corrupt(self.location(), place, format!("the file has {} bytes", bytes.len()))
        })
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
