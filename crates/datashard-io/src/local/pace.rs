//! [`Pace`]: whether small writes of a folder are fast enough to be made on the thread that asks.
//!
//! A file system with a page cache takes some microseconds. A network mount may take as long as it likes, and would hold up every other
//! task of the thread: one slow write sends the next ones to other threads, and then it is tried again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A write that takes longer is slow.
const SLOW: Duration = Duration::from_micros(500);
/// Writes that go to other threads after a slow one.
const AWAY: u32 = 256;

/// What is known of a folder's pace.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Writes that are still to go to other threads.
    away: AtomicU32,
}

impl Pace {
    /// Whether the next write may be made on the thread that asks.
    pub(super) fn is_fast(&self) -> bool {
        // On the usual path nothing is written, so threads do not disturb each other.
        if self.away.load(Ordering::Relaxed) == 0 {
            return true;
        }
        let _ = self.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        false
    }

    /// A write on the thread that asked took so long.
    pub(super) fn took(&self, time: Duration) {
        if time > SLOW {
            self.away.store(AWAY, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_writes_send_the_next_ones_to_other_threads_for_a_while() {
        let pace = Pace::default();
        pace.took(Duration::from_micros(60));
        assert!(pace.is_fast());
        pace.took(Duration::from_millis(2));
        for n in 0..AWAY {
            assert!(!pace.is_fast(), "{n}");
        }
        assert!(pace.is_fast());
    }
}
