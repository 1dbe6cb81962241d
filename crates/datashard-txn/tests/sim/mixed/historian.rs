//! [`Historian`]: looks at every version soon after it was made, holds it against the one before, and remembers what each snapshot held.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::snapshot::Snapshot;
use datashard_txn::SUMMARY_APP_KEY;

use super::act::{PART, TAG};
use super::rows::{Reader, State};
use crate::ledger::{Ledger, What};
use crate::site::Site;

/// A snapshot that was part of the table at some time.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) state: Arc<State>,
    /// The version that brought it.
    pub(crate) version: u64,
    /// The operation of the ledger that it tells.
    pub(crate) record: Option<usize>,
    pub(crate) app_key: Option<String>,
    /// Files that are in it and not in its parent.
    pub(crate) added: Vec<String>,
}

/// Remembers everything.
#[derive(Debug, Default)]
pub(crate) struct Historian {
    looked_at: u64,
    last: Option<TableMetadata>,
    pub(crate) seen: BTreeMap<SnapshotId, Seen>,
    /// The version that brought a property.
    pub(crate) properties: BTreeMap<String, u64>,
    reader: Reader,
}

impl Historian {
    /// Looks at the versions that are new. What is wrong goes into the ledger's complaints.
    pub(crate) fn look(&mut self, site: &Site) {
        loop {
            let version = self.looked_at + 1;
            let Some(bytes) = site.store.object(&format!("table/metadata/v{version}.metadata.json")) else {
                return;
            };
            let mut ledger = site.ledger();
            let outcome = TableMetadata::from_bytes(&bytes)
                .map_err(|e| e.to_string())
                .and_then(|metadata| self.take(site, &ledger, version, metadata));
            if let Err(what) = outcome {
                ledger.complaints.push(format!("version {version}: {what}"));
            }
            self.looked_at = version;
        }
    }

    /// What a snapshot held; `None` if it was never seen.
    pub(crate) fn state(&self, id: SnapshotId) -> Option<Arc<State>> {
        self.seen.get(&id).map(|seen| Arc::clone(&seen.state))
    }

    fn take(
        &mut self,
        site: &Site,
        ledger: &Ledger,
        version: u64,
        metadata: TableMetadata,
    ) -> Result<(), String> {
        let mut new = Vec::new();
        for snapshot in metadata.snapshots() {
            let snapshot = snapshot.map_err(|e| e.to_string())?;
            if !self.seen.contains_key(&snapshot.id) {
                self.take_snapshot(site, ledger, version, snapshot)?;
                new.push(snapshot.clone());
            }
        }
        if let Some(before) = &self.last {
            check_heads(before, &metadata, &new)?;
        }
        for name in metadata.properties().keys() {
            self.properties.entry(name.clone()).or_insert(version);
        }
        self.last = Some(metadata);
        Ok(())
    }

    fn take_snapshot(
        &mut self,
        site: &Site,
        ledger: &Ledger,
        version: u64,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let state = self.reader.state(&site.store, &ledger.written, snapshot)?;
        let before = match snapshot.parent_id {
            Some(parent) => {
                self.state(parent).ok_or(format!("nobody knows the parent of {}", snapshot.id))?
            }
            None => Arc::default(),
        };
        let number = |key| snapshot.summary.get(key).and_then(|text| text.parse::<usize>().ok());
        let record = number(TAG);
        let outcome = match record.and_then(|record| ledger.records.get(record)) {
            Some(record) => {
                let part = match &record.what {
                    What::Act(act) => act.parts.get(number(PART).unwrap_or(0)),
                    _ => None,
                };
                part.ok_or("it tells an operation that makes no snapshot".to_owned())
                    .and_then(|part| part.check(&before, &state))
                    .map_err(|what| format!("{what}: {record:?}"))
            }
            None => only_adds(&before, &state),
        };
        outcome.map_err(|what| format!("snapshot {} is not serial: {what}", snapshot.id))?;
        let added = state.keys().filter(|key| !before.contains_key(*key)).cloned().collect();
        let app_key = snapshot.summary.get(SUMMARY_APP_KEY).map(str::to_owned);
        let seen = Seen { state: Arc::new(state), version, record, app_key, added };
        self.seen.insert(snapshot.id, seen);
        Ok(())
    }
}

/// A snapshot that tells no operation is a group of appends, or changes manifests alone.
fn only_adds(before: &State, after: &State) -> Result<(), String> {
    match before.iter().find(|(key, held)| after.get(*key) != Some(held)) {
        Some((key, held)) => Err(format!("it changes {key}: {held:?} became {:?}", after.get(key))),
        None => Ok(()),
    }
}

/// Whatever is new goes on from where a branch was: nobody's commit is passed over.
fn check_heads(before: &TableMetadata, after: &TableMetadata, new: &[Snapshot]) -> Result<(), String> {
    let was_head = |id: SnapshotId| before.refs().values().any(|reference| reference.snapshot_id == id);
    let is_new = |id: SnapshotId| new.iter().any(|snapshot| snapshot.id == id);
    for snapshot in new {
        let goes_on = match snapshot.parent_id {
            Some(parent) => is_new(parent) || was_head(parent),
            None => before.current_snapshot_id().is_none(),
        };
        if !goes_on {
            return Err(format!("snapshot {} does not follow the head of a branch", snapshot.id));
        }
    }
    for (name, reference) in after.refs() {
        if !after.has_snapshot(reference.snapshot_id) {
            return Err(format!("{name} names snapshot {}, which is not there", reference.snapshot_id));
        }
        let Some(was) = before.refs().get(name).filter(|was| was.snapshot_id != reference.snapshot_id) else {
            continue;
        };
        // Back along what is new, to where the branch was.
        let mut at = Some(reference.snapshot_id);
        while let Some(id) = at.filter(|id| is_new(*id)) {
            at = new.iter().find(|snapshot| snapshot.id == id).and_then(|snapshot| snapshot.parent_id);
        }
        if is_new(reference.snapshot_id) && at != Some(was.snapshot_id) {
            return Err(format!("{name} left snapshot {} for one that does not follow it", was.snapshot_id));
        }
    }
    Ok(())
}
