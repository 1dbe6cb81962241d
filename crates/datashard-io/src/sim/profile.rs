//! [`Profile`]: how fast a simulated store answers, and what kind of store it is.

use std::time::Duration;

use super::hash::nanos;
use crate::request::RequestKind;

/// Times and habits of a store. Times are medians; what is drawn spreads around them, and some requests take much longer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Reading a file, or asking about it.
    pub get: Duration,
    /// Writing a file.
    pub put: Duration,
    /// One page of names.
    pub list: Duration,
    /// Deleting a file, or many in one request.
    pub delete: Duration,
    /// Whether times are exactly these, or spread around them.
    pub exact: bool,
    /// How many requests in a thousand take five times as long.
    pub slow_per_mille: u16,
    /// Bytes of a body that pass in one ms; 0 for no limit.
    pub bytes_per_ms: u64,
    /// Writes to one name closer than this are refused with 429.
    pub pause_between_writes: Duration,
    /// Names in one page of a listing.
    pub page_size: usize,
    /// Files that one request can delete.
    pub bulk_delete: usize,
    /// Whether deleting what is not there is an error (404).
    pub delete_needs_file: bool,
    /// Requests signed so much before or after the store's time are refused, where the store looks at it.
    pub signature_age: Option<Duration>,
    /// How many requests in a thousand whose caller is gone before they arrive are acted on all the same.
    pub abandoned_acted_per_mille: u16,
    /// Whether it is GCS: `gs://` locations, and updates by generation instead of by ETag.
    pub is_gcs: bool,
}

impl Profile {
    /// S3 in the same region.
    pub fn s3() -> Self {
        Self {
            get: Duration::from_millis(22),
            put: Duration::from_millis(45),
            list: Duration::from_millis(35),
            delete: Duration::from_millis(30),
            exact: false,
            slow_per_mille: 10,
            bytes_per_ms: 80_000,
            pause_between_writes: Duration::ZERO,
            page_size: 1_000,
            bulk_delete: 1_000,
            delete_needs_file: false,
            signature_age: Some(Duration::from_secs(15 * 60)),
            abandoned_acted_per_mille: 500,
            is_gcs: false,
        }
    }

    /// S3 Express One Zone.
    pub fn express() -> Self {
        Self {
            get: Duration::from_millis(4),
            put: Duration::from_millis(8),
            list: Duration::from_millis(8),
            delete: Duration::from_millis(6),
            ..Self::s3()
        }
    }

    /// Google Cloud Storage: one write a second to one name, one deletion in a request.
    pub fn gcs() -> Self {
        Self {
            get: Duration::from_millis(40),
            put: Duration::from_millis(90),
            list: Duration::from_millis(60),
            delete: Duration::from_millis(60),
            pause_between_writes: Duration::from_secs(1),
            bulk_delete: 1,
            delete_needs_file: true,
            signature_age: None,
            is_gcs: true,
            ..Self::s3()
        }
    }

    /// Answers take no time at all, and clocks are not compared: for tests of what happens, not of when.
    pub fn instant() -> Self {
        Self::every(Duration::ZERO)
    }

    /// Every request takes exactly so long.
    pub fn every(latency: Duration) -> Self {
        Self {
            get: latency,
            put: latency,
            list: latency,
            delete: latency,
            exact: true,
            slow_per_mille: 0,
            bytes_per_ms: 0,
            signature_age: None,
            ..Self::s3()
        }
    }

    /// The same with other sizes of pages.
    #[must_use]
    pub fn with_page_size(mut self, names: usize) -> Self {
        self.page_size = names.max(1);
        self
    }

    /// The same, but the store refuses requests signed so much before or after its own time.
    #[must_use]
    pub fn with_signature_age(mut self, age: Duration) -> Self {
        self.signature_age = Some(age);
        self
    }

    /// The same, but of requests whose caller is gone before they arrive, so many in a thousand are acted on.
    #[must_use]
    pub fn with_abandoned_acted(mut self, per_mille: u16) -> Self {
        self.abandoned_acted_per_mille = per_mille;
        self
    }

    /// Draws how long a request takes, in ns: until it is acted on, and from then until its answer is there.
    pub(super) fn draw(&self, kind: RequestKind, bytes: u64, random: &mut fastrand::Rng) -> (u64, u64) {
        let median = nanos(match kind {
            RequestKind::Get | RequestKind::Head => self.get,
            RequestKind::Put => self.put,
            RequestKind::List => self.list,
            RequestKind::Delete => self.delete,
        });
        let transfer = bytes.saturating_mul(1_000_000).checked_div(self.bytes_per_ms).unwrap_or(0);
        if self.exact {
            let all = median.saturating_add(transfer);
            let up = all / 2;
            return (up, all.saturating_sub(up));
        }
        let mut all = spread(median, random);
        if random.u16(..1_000) < self.slow_per_mille {
            all = all.saturating_mul(5);
        }
        all = all.saturating_add(transfer);
        // Somewhere in the middle half of the time the store looks at it.
        let up = all.saturating_mul(u64::from(random.u8(64..192))) / 256;
        (up, all.saturating_sub(up))
    }
}

/// Quantiles of a log-normal distribution with median 1 and sigma 0.35, in thousandths.
const QUANTILES: [u16; 32] = [
    471, 556, 609, 650, 686, 718, 748, 776, 803, 830, 856, 882, 907, 933, 960, 986, 1014, 1042, 1071, 1102,
    1134, 1169, 1205, 1245, 1289, 1337, 1393, 1458, 1538, 1643, 1798, 2125,
];

fn spread(median: u64, random: &mut fastrand::Rng) -> u64 {
    let factor = random.choice(QUANTILES).unwrap_or(1_000);
    // The steps between quantiles are filled, so that two requests hardly ever take equally long.
    let millionths = u64::from(factor).saturating_mul(1_000).saturating_add(random.u64(..32_000));
    median.saturating_mul(millionths) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_times_spread_around_the_median_with_a_slow_tail() {
        let mut random = fastrand::Rng::with_seed(1);
        let profile = Profile::s3();
        let mut times: Vec<u64> = (0..20_000)
            .map(|_| {
                let (up, down) = profile.draw(RequestKind::Put, 0, &mut random);
                (up + down) / 1_000_000
            })
            .collect();
        times.sort_unstable();
        assert!((42..=48).contains(&times[10_000]), "median {} ms", times[10_000]);
        assert!(times[18_000] < 90, "90 % {} ms", times[18_000]);
        assert!(times[19_950] > 120, "slow tail {} ms", times[19_950]);
    }

    #[test]
    fn exact_times_are_exact_and_bodies_take_their_time() {
        let mut random = fastrand::Rng::with_seed(1);
        let profile = Profile::every(Duration::from_secs(30));
        assert_eq!(profile.draw(RequestKind::List, 0, &mut random), (15_000_000_000, 15_000_000_000));
        let profile = Profile { bytes_per_ms: 1_000, ..Profile::instant() };
        assert_eq!(profile.draw(RequestKind::Put, 10_000, &mut random), (5_000_000, 5_000_000));
    }
}
