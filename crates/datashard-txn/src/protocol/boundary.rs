//! R2: versions below the retire boundary do not count, whatever their files hold.

use std::time::Duration;

use datashard_spec::id::MetadataVersion;

/// For how long after its base was known to be the newest version a create needs no look at the retire boundary, T_safe.
///
/// A version is retired an hour after its successor was made at the earliest, by the store's clock. So one that was made less than ten
/// minutes after its base was the newest cannot have been retired meanwhile, as long as the two clocks' rates differ by less than a factor
/// of six.
pub const SAFE_SPAN: Duration = Duration::from_secs(600);

/// Whether a version counts, given the retire boundary read after it was created or found (R2).
pub fn counts(version: MetadataVersion, retired: MetadataVersion) -> bool {
    retired <= version
}

/// Whether the retire boundary has to be read before a version counts that was just created (R2), `elapsed` after its base was known to be
/// the newest; `None` if nobody knows. A strict handle reads it always.
pub fn must_check_boundary(elapsed: Option<Duration>, strict: bool) -> bool {
    strict || elapsed.is_none_or(|elapsed| elapsed >= SAFE_SPAN)
}
