//! What was asked of a simulated store, and what came of it: for tests and for those who check a run afterwards.

use std::collections::VecDeque;
use std::time::Duration;

use super::process::ProcessId;
use crate::request::RequestKind;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// Its kind.
    pub kind: RequestKind,
    /// More exactly: "create", "put", "update", "part", ...
    pub operation: &'static str,
    /// The key, whole; of a listing the prefix; of a deletion of many the first.
    pub key: String,
    /// Who sent it; `None` if it was sent from outside of the simulation.
    pub process: Option<ProcessId>,
    /// When it was sent, in simulated time.
    pub sent: Duration,
    /// When the store acted on it last.
    pub acted: Option<Duration>,
    /// How often the store acted on it.
    pub times_acted: u32,
    /// When the answer came, or the caller went away.
    pub ended: Option<Duration>,
    /// How it ended for the caller.
    pub answered: Answered,
}

/// How a request ended for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answered {
    /// Not yet.
    Waiting,
    /// As asked.
    Granted,
    /// With this status.
    Status(u16),
    /// The connection broke, or there was none.
    Broken,
    /// The caller gave up waiting, or was killed.
    Abandoned,
}

/// The last requests, up to a number.
#[derive(Debug)]
pub(super) struct RequestLog {
    first: u64,
    entries: VecDeque<LoggedRequest>,
    capacity: usize,
}

impl RequestLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { first: 0, entries: VecDeque::new(), capacity }
    }

    /// Adds a request, and forgets the oldest if there are too many. Gives its number.
    pub(super) fn add(&mut self, entry: impl FnOnce() -> LoggedRequest) -> u64 {
        let number = self.next_number();
        if self.capacity == 0 {
            self.first = number.saturating_add(1);
            return number;
        }
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
            self.first = self.first.saturating_add(1);
        }
        self.entries.push_back(entry());
        number
    }

    fn next_number(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.entries.len()).unwrap_or(0))
    }

    /// The request with this number, if it is remembered.
    pub(super) fn entry(&mut self, number: u64) -> Option<&mut LoggedRequest> {
        let index = number.checked_sub(self.first)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }

    pub(super) fn entries(&self) -> Vec<LoggedRequest> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn resize(&mut self, capacity: usize) {
        let next = self.next_number();
        self.capacity = capacity;
        while self.entries.len() > capacity {
            self.entries.pop_front();
        }
        self.first = next.saturating_sub(u64::try_from(self.entries.len()).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> LoggedRequest {
        LoggedRequest {
            kind: RequestKind::Get,
            operation: "get",
            key: key.to_owned(),
            process: None,
            sent: Duration::ZERO,
            acted: None,
            times_acted: 0,
            ended: None,
            answered: Answered::Waiting,
        }
    }

    #[test]
    fn the_oldest_requests_are_forgotten_and_numbers_stay() {
        let mut log = RequestLog::new(2);
        let numbers: Vec<u64> = ["a", "b", "c"].map(|key| log.add(|| entry(key))).to_vec();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(log.entry(0).is_none());
        assert_eq!(log.entry(2).unwrap().key, "c");
        log.resize(0);
        assert_eq!(log.add(|| entry("d")), 3);
        assert!(log.entries().is_empty() && log.entry(3).is_none());
    }
}
