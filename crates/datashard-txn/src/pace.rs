//! [`Pace`]: the pause before the next attempt, a function of what happened and a random number.

use std::time::Duration;

/// Pauses between attempts of a commit.
///
/// A lost slot means that somebody else's commit succeeded, so it is no reason to wait long: the pause spreads writers who lost the same
/// slot over about the time that a commit takes. An unclear answer or a failing store is waited for longer, the longer it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// The longest pause after a lost slot, before jitter. Default 1 s.
    pub longest_after_loss: Duration,
    /// The first pause after an unclear answer, before jitter; it doubles each time. Default 100 ms.
    pub first_after_trouble: Duration,
    /// The longest such pause, before jitter; `Retry-After` may ask for more. Default 10 s.
    pub longest_after_trouble: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            longest_after_loss: Duration::from_secs(1),
            first_after_trouble: Duration::from_millis(100),
            longest_after_trouble: Duration::from_secs(10),
        }
    }
}

impl Pace {
    /// The pause after a lost slot: none after the first, then any time up to how long the attempt took, twice, three times that.
    ///
    /// `random` is 64 random bits.
    pub fn after_loss(&self, losses: u32, attempt_took: Duration, random: u64) -> Duration {
        let range = attempt_took.saturating_mul(losses.saturating_sub(1).min(8)).min(self.longest_after_loss);
        fraction(range, random)
    }

    /// The pause after the `count`th answer in a row that is unclear or an error, not shorter than the store asked for.
    pub fn after_trouble(&self, count: u32, retry_after: Option<Duration>, random: u64) -> Duration {
        let factor = 2_u32.saturating_pow(count.saturating_sub(1).min(30));
        let range = self.first_after_trouble.saturating_mul(factor).min(self.longest_after_trouble);
        let half = range.checked_div(2).unwrap_or_default();
        let jittered = half.saturating_add(fraction(half, random));
        jittered.max(retry_after.map_or(Duration::ZERO, |asked| asked.saturating_add(fraction(half, random))))
    }
}

/// A random part of a duration.
fn fraction(range: Duration, random: u64) -> Duration {
    let part = u32::try_from(random >> 32).unwrap_or(0);
    range.mul_f64(f64::from(part) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(40);

    #[test]
    fn the_first_loss_costs_no_pause_and_later_ones_at_most_the_limit() {
        let pace = Pace::default();
        assert_eq!(pace.after_loss(1, TOOK, u64::MAX), Duration::ZERO);
        assert!(pace.after_loss(2, TOOK, u64::MAX) <= TOOK);
        assert!(pace.after_loss(2, TOOK, u64::MAX) > Duration::from_millis(39));
        assert_eq!(pace.after_loss(3, TOOK, 0), Duration::ZERO);
        assert!(pace.after_loss(u32::MAX, Duration::from_secs(90), u64::MAX) <= pace.longest_after_loss);
    }

    #[test]
    fn b8_what_the_store_asks_for_is_the_least() {
        let pace = Pace::default();
        for count in [1, 2, 9, u32::MAX] {
            for random in [0, u64::MAX / 3, u64::MAX] {
                let pause = pace.after_trouble(count, None, random);
                assert!(
                    pause >= Duration::from_millis(50) && pause <= pace.longest_after_trouble,
                    "{pause:?}"
                );
                let asked = Duration::from_secs(17);
                assert!(pace.after_trouble(count, Some(asked), random) >= asked);
            }
        }
    }
}
