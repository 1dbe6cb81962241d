//! [`Inputs`]: what an operation is given besides the base.

use datashard_io::Location;
use datashard_spec::Uuid;
use datashard_spec::id::{MetadataVersion, SnapshotId};

use crate::loaded::Loaded;
use crate::produced::NewManifest;
use crate::protocol::AppKey;
use crate::rules::Rules;

/// What an operation is given besides the base. Nothing in it changes from attempt to attempt but `attempt`, `now_ms`, `loaded`, `earlier`,
/// and `epoch` where the file floor has passed it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Inputs<'a> {
    /// The table's location.
    pub location: &'a Location,
    /// The time, in milliseconds since 1970-01-01 UTC; never before the base.
    pub now_ms: i64,
    /// The id of the snapshot that the operation adds, if it adds one.
    pub snapshot_id: SnapshotId,
    /// The operation's own id: part of the names of its files.
    pub operation_id: Uuid,
    /// The epoch of the files that the operation writes: the version known when it began, or when the file floor had passed that.
    pub epoch: MetadataVersion,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What was read of the base.
    pub loaded: &'a Loaded,
    /// Manifests that earlier attempts wrote: those that fit are used again.
    pub earlier: &'a [NewManifest],
    /// The caller's key of the operation, to be told in the snapshot's summary.
    pub key: Option<&'a AppKey>,
    /// Snapshots that earlier members of the same transaction add: nobody else's, though the base has them.
    pub own: &'a [SnapshotId],
    /// The rules in force.
    pub rules: Rules,
}
