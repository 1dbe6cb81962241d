//! [`Pace`]: the pause before the next attempt, a function of what happened and a random number.

use std::time::Duration;

/// Pauses between attempts of a commit.
///
/// A lost slot means that somebody else's commit succeeded, so it is no reason to wait long: the pause spreads writers who lost the same
/// slot over about the time that a commit takes, and does not grow, or who lost often would lose more often still. Instead the winner waits.
/// It knows the newest version, while the others have to read it first, and so would win again and again.
///
/// Twelve writers of a simulated bucket, each with one append under way at any time (S3: 60 s, GCS: 30 s; seed 0):
///
/// | | appends | p50 | p99 | longest | attempts per append | appends of a writer |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | S3, pauses grow with losses, winners go on | 525 | 0.1 s | 23.5 s | 25.9 s | 2.5 | 10 to 64 |
/// | S3, these pauses | 422 | 1.3 s | 6.3 s | 10.5 s | 3.8 | 29 to 42 |
/// | GCS, pauses grow with losses, winners go on | 144 | 0.2 s | 34.6 s | 37.5 s | 1.9 | 1 to 49 |
/// | GCS, these pauses | 111 | 1.5 s | 15.3 s | 29.6 s | 2.1 | 2 to 23 |
///
/// So a fifth of the throughput, which the winners' streaks had made, is the price of it. An unclear answer or a failing store is waited for longer, the longer it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// The longest pause after a lost slot, before jitter. Default 1 s.
    pub longest_after_loss: Duration,
    /// The longest time that others are let go first after a commit that lost slots. Default 2 s.
    pub longest_after_win: Duration,
    /// The first pause after an unclear answer, before jitter; it doubles each time. Default 100 ms.
    pub first_after_trouble: Duration,
    /// The longest such pause, before jitter; `Retry-After` may ask for more. Default 10 s.
    pub longest_after_trouble: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            longest_after_loss: Duration::from_secs(1),
            longest_after_win: Duration::from_secs(2),
            first_after_trouble: Duration::from_millis(100),
            longest_after_trouble: Duration::from_secs(10),
        }
    }
}

impl Pace {
    /// The pause after a lost slot: none after the first, then any time up to how long the attempt took.
    ///
    /// `random` is 64 random bits.
    pub fn after_loss(&self, losses: u32, attempt_took: Duration, random: u64) -> Duration {
        if losses <= 1 {
            return Duration::ZERO;
        }
        fraction(attempt_took.min(self.longest_after_loss), random)
    }

    /// For how long a handle lets others go first after a commit that lost slots: about the time of as many attempts, up to four. None after
    /// a commit that lost none, so that who is alone never waits.
    ///
    /// `random` is 64 random bits.
    pub fn after_win(&self, losses: u32, attempt_took: Duration, random: u64) -> Duration {
        let range = attempt_took.saturating_mul(losses.min(4)).min(self.longest_after_win);
        let half = range.checked_div(2).unwrap_or_default();
        half.saturating_add(fraction(half, random))
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
    fn only_who_lost_slots_lets_others_go_first_and_not_for_long() {
        let pace = Pace::default();
        assert_eq!(pace.after_win(0, TOOK, u64::MAX), Duration::ZERO);
        assert_eq!(pace.after_win(1, TOOK, 0), TOOK / 2);
        assert!(pace.after_win(4, TOOK, u64::MAX) > 3 * TOOK);
        assert!(pace.after_win(u32::MAX, TOOK, u64::MAX) <= 4 * TOOK);
        assert!(pace.after_win(u32::MAX, Duration::from_secs(90), u64::MAX) <= pace.longest_after_win);
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
