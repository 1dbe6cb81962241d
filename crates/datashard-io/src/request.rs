//! The kinds of requests, and counters of them.
//!
//! Counts are exact where times are not, so tests assert them, and users see from them what a call costs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RequestKind {
    /// Writes a file or a part of one.
    Put,
    /// Reads a file or a range of it.
    Get,
    /// Asks for size and modification time of a file.
    Head,
    /// Asks for one page of names.
    List,
    /// Deletes a file, or many in one request.
    Delete,
}

impl RequestKind {
    /// All kinds, in the order of [`RequestCounts`].
    pub const ALL: [Self; 5] = [Self::Put, Self::Get, Self::Head, Self::List, Self::Delete];
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put => "PUT",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::List => "LIST",
            Self::Delete => "DELETE",
        })
    }
}

/// Requests sent and bytes moved since a store was opened; subtract two of them to see what a call cost.
///
/// Every attempt counts, also those that failed. A page of a listing is one LIST, a bulk deletion is one DELETE, a part of
/// a large upload is one PUT, and so are its first and its last request. In a folder the counts are those that the same
/// calls would be on a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RequestCounts {
    /// PUT requests.
    pub put: u64,
    /// GET requests.
    pub get: u64,
    /// HEAD requests.
    pub head: u64,
    /// LIST requests (pages).
    pub list: u64,
    /// DELETE requests.
    pub delete: u64,
    /// Bytes of files that were sent, in PUTs; those of lists of names or parts are not counted.
    pub bytes_written: u64,
    /// Bytes of files that were read, in GETs; those of listings and of errors are not counted.
    pub bytes_read: u64,
}

impl RequestCounts {
    /// All requests.
    pub fn total(&self) -> u64 {
        [self.put, self.get, self.head, self.list, self.delete]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            put: self.put.saturating_sub(earlier.put),
            get: self.get.saturating_sub(earlier.get),
            head: self.head.saturating_sub(earlier.head),
            list: self.list.saturating_sub(earlier.list),
            delete: self.delete.saturating_sub(earlier.delete),
            bytes_written: self.bytes_written.saturating_sub(earlier.bytes_written),
            bytes_read: self.bytes_read.saturating_sub(earlier.bytes_read),
        }
    }
}

/// The counters behind [`RequestCounts`], shared by a store and the client below it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    put: AtomicU64,
    get: AtomicU64,
    head: AtomicU64,
    list: AtomicU64,
    delete: AtomicU64,
    bytes_written: AtomicU64,
    bytes_read: AtomicU64,
}

impl Counters {
    /// One request was sent, with a body of `bytes`.
    pub(crate) fn sent(&self, kind: RequestKind, bytes: u64) {
        let counter = match kind {
            RequestKind::Put => &self.put,
            RequestKind::Get => &self.get,
            RequestKind::Head => &self.head,
            RequestKind::List => &self.list,
            RequestKind::Delete => &self.delete,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of an answer were read.
    pub(crate) fn received(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> RequestCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RequestCounts {
            put: read(&self.put),
            get: read(&self.get),
            head: read(&self.head),
            list: read(&self.list),
            delete: read(&self.delete),
            bytes_written: read(&self.bytes_written),
            bytes_read: read(&self.bytes_read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_kind_and_subtract() {
        let counters = Counters::default();
        counters.sent(RequestKind::Get, 0);
        let before = counters.snapshot();
        for kind in RequestKind::ALL {
            counters.sent(kind, 10);
        }
        counters.received(7);
        let cost = counters.snapshot().since(&before);
        assert_eq!((cost.put, cost.get, cost.head, cost.list, cost.delete), (1, 1, 1, 1, 1));
        assert_eq!((cost.total(), cost.bytes_written, cost.bytes_read), (5, 50, 7));
    }
}
