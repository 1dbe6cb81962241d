//! Which snapshot applied a key.

use datashard_spec::id::SnapshotId;

use crate::base::Base;
use crate::protocol::AppKey;

/// The key of a snapshot's summary that tells the application key that it applied.
pub const SUMMARY_APP_KEY: &str = "datashard.app-key";

/// The snapshot that applied a key; `None` if it is not retained, or applied by an operation that makes none.
pub(crate) fn snapshot_of_key(base: &Base, key: &AppKey) -> Option<SnapshotId> {
    let text = key.to_string();
    let found =
        base.metadata.snapshots().flatten().filter(|s| s.summary.get(SUMMARY_APP_KEY) == Some(&*text)).last();
    found.map(|snapshot| snapshot.id)
}
