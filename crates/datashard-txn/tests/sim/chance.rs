//! [`Chance`]: random numbers that a seed decides on, one stream for each purpose, so that a draw more here changes nothing there.

use std::time::Duration;

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of this seed for this purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(state)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `limit`, or 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A number from `least` to `most`.
    pub(crate) fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = usize::try_from(self.below(u64::try_from(from.len()).unwrap())).unwrap();
        from[index].clone()
    }

    /// Any time up to `most`, short ones as likely as long ones by order of magnitude.
    pub(crate) fn time_up_to(&mut self, most: Duration) -> Duration {
        let shift = self.below(8);
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX) >> shift;
        Duration::from_nanos(self.below(nanos.max(1)))
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(u64::try_from(last + 1).unwrap())).unwrap();
            items.swap(last, other);
        }
    }
}
