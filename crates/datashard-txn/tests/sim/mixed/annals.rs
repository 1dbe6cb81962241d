//! [`Annals`]: every version that ever was, whether or not it has been retired since, and the snapshots that each knew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use datashard_io::head::metadata_path;
use datashard_io::sim::SimStore;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::snapshot::Snapshot;
use datashard_txn::protocol::{CommitState, continues};
use datashard_txn::segments::SegmentIndex;

/// A version.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) metadata: TableMetadata,
    /// The snapshots that it lists, and those whose records it has moved into history segments.
    pub(super) known: BTreeSet<SnapshotId>,
    /// Keys of its history segments.
    pub(super) segments: Vec<String>,
}

/// Every version that ever was, in order, from the first on.
#[derive(Debug, Default)]
pub(crate) struct Annals {
    pub(super) versions: Vec<Version>,
    /// Every snapshot that ever was.
    pub(super) snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// When each snapshot became the current one, as logs told.
    pub(super) log: BTreeSet<(i64, u64, SnapshotId)>,
    logged: BTreeSet<(i64, SnapshotId)>,
    /// The commit state of the newest.
    state: Option<CommitState>,
    /// What history segments hold.
    read: BTreeMap<String, Vec<SnapshotId>>,
}

impl Annals {
    /// Reads those that are new. What was written later to the name of a version that had been retired is no part of them.
    pub(crate) fn go_on(&mut self, store: &SimStore) -> Result<(), String> {
        let known = u64::try_from(self.versions.len()).unwrap();
        for number in known + 1.. {
            let path = metadata_path(MetadataVersion(number)).map_err(|e| e.to_string())?;
            let Some(bytes) = store.first_object(&format!("table/{path}")) else { break };
            let fail = |e: &dyn std::fmt::Display| format!("version {number}: {e}");
            let metadata = TableMetadata::from_bytes(&bytes).map_err(|e| fail(&e))?;
            let next = CommitState::of_properties(metadata.properties(), MetadataVersion(number))
                .map_err(|e| fail(&e))?;
            continues(self.state.as_ref(), next.as_ref()).map_err(|e| fail(&e))?;
            self.state = next;
            let mut known: BTreeSet<SnapshotId> = metadata.snapshot_ids().collect();
            for id in &known {
                if !self.snapshots.contains_key(id) {
                    let snapshot = metadata.snapshot(*id).map_err(|e| fail(&e))?;
                    self.snapshots.insert(*id, snapshot.ok_or_else(|| fail(id))?.clone());
                }
            }
            let index = SegmentIndex::of_properties(metadata.properties()).map_err(|e| fail(&e))?;
            let mut segments = Vec::new();
            for segment in index.segments {
                let key = format!("table/{}", segment.path()?);
                if !self.read.contains_key(&key) {
                    self.read.insert(key.clone(), ids_of(store, &key)?);
                }
                for id in &self.read[&key] {
                    if !known.insert(*id) {
                        return Err(fail(&format!("snapshot {id} is there twice")));
                    }
                }
                segments.push(key);
            }
            for entry in metadata.snapshot_log() {
                if self.logged.insert((entry.timestamp_ms, entry.snapshot_id)) {
                    self.log.insert((entry.timestamp_ms, number, entry.snapshot_id));
                }
            }
            self.versions.push(Version { number, metadata, known, segments });
        }
        Ok(())
    }

    pub(super) fn newest(&self) -> Result<&Version, String> {
        self.versions.last().ok_or_else(|| "no version".to_owned())
    }

    /// Nothing that only grows shrinks.
    pub(super) fn check_order(&self) -> Result<(), String> {
        for pair in self.versions.windows(2) {
            let (before, after) = (&pair[0].metadata, &pair[1].metadata);
            let fail = |what: &str| Err(format!("version {}: {what}", pair[1].number));
            if before.table_uuid() != after.table_uuid() {
                return fail("the table has another uuid");
            }
            if after.last_updated_ms() < before.last_updated_ms() {
                return fail("last-updated-ms fell");
            }
            if after.last_sequence_number() < before.last_sequence_number() {
                return fail("the sequence number fell");
            }
            if !after.snapshot_log().is_sorted_by_key(|entry| entry.timestamp_ms) {
                return fail("the snapshot log goes back in time");
            }
            let unnamed = after.refs().values().find(|reference| !after.has_snapshot(reference.snapshot_id));
            if let Some(reference) = unnamed {
                return fail(&format!("snapshot {} is named and not listed", reference.snapshot_id));
            }
        }
        Ok(())
    }

    /// Whether a snapshot is another one or in its history.
    pub(super) fn is_ancestor(&self, ancestor: SnapshotId, of: SnapshotId) -> bool {
        let mut at = Some(of);
        while let Some(id) = at {
            if id == ancestor {
                return true;
            }
            at = self.snapshots.get(&id).and_then(|snapshot| snapshot.parent_id);
        }
        false
    }
}

/// The snapshots that a history segment holds.
fn ids_of(store: &SimStore, key: &str) -> Result<Vec<SnapshotId>, String> {
    let bytes = store.first_object(key).ok_or_else(|| format!("{key} is named and was never there"))?;
    let mut text = String::new();
    let decoder = zstd::stream::read::Decoder::new(&*bytes).map_err(|e| e.to_string())?;
    decoder.take(1 << 24).read_to_string(&mut text).map_err(|e| e.to_string())?;
    let file: serde_json::Value = serde_json::from_str(&text).map_err(|e| format!("{key}: {e}"))?;
    let records = file["snapshots"].as_array().ok_or_else(|| format!("{key} has no snapshots"))?;
    let id = |record: &serde_json::Value| {
        record["snapshot-id"].as_i64().map(SnapshotId).ok_or_else(|| format!("{key}: a record without id"))
    };
    records.iter().map(id).collect()
}
