//! What operations cost: requests are counted, and on a simulated bucket with exact times it is seen which of them waited for which.

mod appends;
mod merges;
mod requests;
mod rounds;

use datashard_io::sim::Profile;

/// Buckets that answer after the median times, always.
pub(super) fn exact(profile: Profile) -> Profile {
    let mut exact = profile;
    (exact.exact, exact.slow_per_mille, exact.bytes_per_ms) = (true, 0, 0);
    exact
}
