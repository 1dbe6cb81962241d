//! [`HintThrottle`]: when the hint may be written again, over times that the caller passes in.
//!
//! GCS takes about one write a second to one name. Whoever commits faster writes the newest version when its time comes.

use std::time::Duration;

use datashard_spec::id::MetadataVersion;

/// The least time between two attempts to write the hint.
const INTERVAL: Duration = Duration::from_secs(1);

/// Remembers the newest version that the hint should tell, and when it was last written.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use datashard_io::head::HintThrottle;
/// use datashard_spec::id::MetadataVersion;
///
/// let mut throttle = HintThrottle::default();
/// throttle.want(MetadataVersion(1));
/// assert_eq!(throttle.take(Duration::ZERO), Some(MetadataVersion(1)));
/// throttle.done(MetadataVersion(1));
/// throttle.want(MetadataVersion(2));
/// assert_eq!(throttle.take(Duration::from_millis(999)), None);
/// assert_eq!(throttle.take(Duration::from_millis(1_000)), Some(MetadataVersion(2)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct HintThrottle {
    wanted: Option<MetadataVersion>,
    last: Option<Duration>,
}

impl HintThrottle {
    /// The hint should tell this version, or a newer one.
    pub fn want(&mut self, version: MetadataVersion) {
        self.wanted = self.wanted.max(Some(version));
    }

    /// The version to write now, if there is one and it is time. Counts as an attempt at `now`.
    pub fn take(&mut self, now: Duration) -> Option<MetadataVersion> {
        let wanted = self.wanted?;
        if self.wait(now) > Duration::ZERO {
            return None;
        }
        self.last = Some(now);
        Some(wanted)
    }

    /// The attempt ended at `now`, whatever came of it: the next is due a second after.
    pub fn ended(&mut self, now: Duration) {
        self.last = self.last.max(Some(now));
    }

    /// The hint tells this version or a newer one: no need to write it or an older one.
    pub fn done(&mut self, version: MetadataVersion) {
        self.wanted = self.wanted.filter(|wanted| *wanted > version);
    }

    /// The version that waits to be written.
    pub fn wanted(&self) -> Option<MetadataVersion> {
        self.wanted
    }

    /// How long until the next attempt is due.
    pub fn wait(&self, now: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last.saturating_add(INTERVAL).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn c07_the_newest_wanted_version_is_written_when_its_time_comes() {
        let mut throttle = HintThrottle::default();
        assert_eq!(throttle.take(ms(0)), None);
        throttle.want(MetadataVersion(5));
        assert_eq!(throttle.take(ms(0)), Some(MetadataVersion(5)));
        throttle.done(MetadataVersion(5));
        for version in [6, 8, 7] {
            throttle.want(MetadataVersion(version));
            assert_eq!(throttle.take(ms(100 * version)), None);
        }
        assert_eq!((throttle.wanted(), throttle.wait(ms(800))), (Some(MetadataVersion(8)), ms(200)));
        assert_eq!(throttle.take(ms(1_000)), Some(MetadataVersion(8)));
    }

    #[test]
    fn c07_what_failed_stays_wanted_and_is_not_tried_at_once() {
        let mut throttle = HintThrottle::default();
        throttle.want(MetadataVersion(5));
        assert_eq!(throttle.take(ms(0)), Some(MetadataVersion(5)));
        assert_eq!(throttle.take(ms(10)), None);
        assert_eq!(throttle.take(ms(1_000)), Some(MetadataVersion(5)));
        throttle.done(MetadataVersion(9));
        assert_eq!(throttle.take(ms(9_000)), None);
    }

    #[test]
    fn c07_a_slow_attempt_counts_from_its_end() {
        let mut throttle = HintThrottle::default();
        throttle.want(MetadataVersion(5));
        assert_eq!(throttle.take(ms(0)), Some(MetadataVersion(5)));
        throttle.ended(ms(700));
        assert_eq!((throttle.take(ms(1_699)), throttle.take(ms(1_700))), (None, Some(MetadataVersion(5))));
    }

    #[test]
    fn c07_at_most_one_attempt_a_second_whatever_is_wanted() {
        let mut throttle = HintThrottle::default();
        let mut taken = Vec::new();
        for now in 0..10_000 {
            throttle.want(MetadataVersion(now + 1));
            taken.extend(throttle.take(ms(now)).map(|version| version.0 - 1));
        }
        assert_eq!(taken, (0..10).map(|second| second * 1_000).collect::<Vec<_>>());
    }
}
