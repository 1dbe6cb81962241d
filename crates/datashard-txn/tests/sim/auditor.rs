//! The universal checker: what must hold of a table whatever happened, given everything that anybody was told.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableMetadata;
use datashard_txn::protocol::{AppKey, continues};
use datashard_txn::{Committed, SUMMARY_APP_KEY};

use crate::chain::{Chain, Files, Live};
use crate::ledger::{Fate, Ledger, Record, What};
use crate::mixed;

pub(crate) use crate::chain::reachable;
use crate::plan::Foreign;
use crate::site::Site;

/// Keys outside of the table that nobody may touch.
pub(crate) const STRANGERS: [&str; 3] = ["table2/metadata/v1.metadata.json", "tables/data/x", "elsewhere"];

/// What a table holds in the end, as far as the ledger's operations go.
pub(crate) struct Found {
    /// How often each operation is in the table.
    pub(crate) times: Vec<usize>,
    pub(crate) newest: u64,
    pub(crate) retired: u64,
}

/// Checks everything.
///
/// # Errors
/// What does not hold.
pub(crate) fn audit(site: &Site) -> Result<Found, String> {
    let store = &site.store;
    for key in store.keys() {
        if !key.starts_with("table/") && !STRANGERS.contains(&key.as_str()) {
            return Err(format!("{key} was made outside of the table"));
        }
    }
    if let Some(key) = STRANGERS.iter().find(|key| store.object(key).is_none_or(|bytes| bytes != **key)) {
        return Err(format!("{key} was touched, outside of the table"));
    }
    if site.plan.mixed.is_some() {
        return mixed::audit(site);
    }
    let chain = Chain::read(store)?;
    check_chain(&chain)?;
    let mut files = Files::new(store);
    let live = check_snapshots(&chain, &mut files)?;
    let ledger = site.ledger();
    if let Some(complaint) = ledger.complaints.first() {
        return Err(complaint.clone());
    }
    let times = check_operations(site, &ledger, &chain, &live)?;
    let newest = chain.newest()?.0;
    if newest < ledger.acknowledged {
        return Err(format!("version {} was acknowledged, the newest is {newest}", ledger.acknowledged));
    }
    Ok(Found { times, newest, retired: chain.retired })
}

/// Versions follow each other without gaps, each continues the one before, and nothing that only grows shrinks.
fn check_chain(chain: &Chain) -> Result<(), String> {
    let numbers: Vec<u64> = chain.versions.keys().copied().collect();
    let newest = chain.newest()?.0;
    let expected: Vec<u64> = (chain.retired.max(1)..=newest).collect();
    if numbers != expected {
        return Err(format!("the boundary is {}, and there are the versions {numbers:?}", chain.retired));
    }
    let versions: Vec<_> = chain.versions.iter().collect();
    for pair in versions.windows(2) {
        let ((_, before), (number, after)) = (pair[0], pair[1]);
        let fail = |what: String| Err(format!("version {number}: {what}"));
        if let Err(broken) = continues(before.state.as_ref(), after.state.as_ref()) {
            return fail(broken.to_string());
        }
        let (was, is) = (&before.metadata, &after.metadata);
        if was.table_uuid() != is.table_uuid() {
            return fail("the table has another uuid".to_owned());
        }
        if is.last_updated_ms() < was.last_updated_ms() {
            return fail(format!(
                "last-updated-ms fell from {} to {}",
                was.last_updated_ms(),
                is.last_updated_ms()
            ));
        }
        if is.last_sequence_number() < was.last_sequence_number() {
            return fail("the sequence number fell".to_owned());
        }
        if let Some(id) = was.snapshot_ids().find(|id| !is.has_snapshot(*id)) {
            return fail(format!("snapshot {id} is gone"));
        }
    }
    Ok(())
}

/// Every snapshot holds what its parent held, and all files are there. Gives what each holds.
fn check_snapshots(chain: &Chain, files: &mut Files<'_>) -> Result<BTreeMap<SnapshotId, Live>, String> {
    let (_, newest) = chain.newest()?;
    let mut held: BTreeMap<SnapshotId, Live> = BTreeMap::new();
    let (mut sequence, mut timestamp_ms, mut parent) = (0, i64::MIN, None);
    for snapshot in newest.metadata.snapshots() {
        let snapshot = snapshot.map_err(|e| e.to_string())?;
        let fail = |what: &str| Err(format!("snapshot {}: {what}", snapshot.id));
        if snapshot.parent_id != parent {
            return fail("it does not follow the one before");
        }
        if snapshot.sequence_number.0 <= sequence {
            return fail("its sequence number is not higher than before");
        }
        if snapshot.timestamp_ms < timestamp_ms {
            return fail("it is older than its parent");
        }
        let live = files.live(snapshot)?;
        if let Some(parent) = parent.and_then(|parent| held.get(&parent)) {
            let lost =
                parent.iter().find(|(key, (times, _))| live.get(*key).is_none_or(|now| now.0 < *times));
            if let Some((key, _)) = lost {
                return fail(&format!("it has lost {key}"));
            }
        }
        (sequence, timestamp_ms, parent) =
            (snapshot.sequence_number.0, snapshot.timestamp_ms, Some(snapshot.id));
        held.insert(snapshot.id, live);
    }
    if newest.metadata.current_snapshot_id() != parent {
        return Err("the current snapshot is not the last one".to_owned());
    }
    let log: Vec<i64> = newest.metadata.snapshot_log().iter().map(|entry| entry.timestamp_ms).collect();
    if !log.is_sorted() {
        return Err(format!("the snapshot log goes back in time: {log:?}"));
    }
    Ok(held)
}

/// Every operation is in the table as often as its sender was told.
fn check_operations(
    site: &Site,
    ledger: &Ledger,
    chain: &Chain,
    held: &BTreeMap<SnapshotId, Live>,
) -> Result<Vec<usize>, String> {
    let (_, newest) = chain.newest()?;
    let none = Live::new();
    let current = newest.metadata.current_snapshot_id();
    let live = current.and_then(|current| held.get(&current)).unwrap_or(&none);
    let known: BTreeSet<&String> = ledger.records.iter().flat_map(|record| &record.files).collect();
    if let Some(key) = live.keys().find(|key| !known.contains(key)) {
        return Err(format!("{key} is in the table, and nobody sent it"));
    }
    let mut times = Vec::new();
    let mut keys: BTreeMap<&AppKey, (usize, bool)> = BTreeMap::new();
    for (number, record) in ledger.records.iter().enumerate() {
        let count = count(record, live, &newest.metadata)
            .map_err(|what| format!("operation {number} {record:?}: {what}"))?;
        times.push(count);
        let told = matches!(record.fate, Fate::Committed(_));
        let failed = matches!(record.fate, Fate::Failed(_)) && !record.was_unclear;
        let fail = |what: &str| {
            Err(format!("operation {number} is {count} times in the table, and {what}: {record:?}"))
        };
        if count > 1 {
            return fail("once is enough");
        }
        if failed && count > 0 {
            return fail("its sender was told that it failed");
        }
        if let What::Keyed(key) = &record.what {
            let entry = keys.entry(key).or_default();
            *entry = (entry.0 + count, entry.1 || told);
        } else if told && count == 0 {
            return fail("its sender was told that it was committed");
        }
        if let Fate::Committed(committed) = &record.fate {
            check_answer(record, committed, count, chain, live)
                .map_err(|what| format!("operation {number} {record:?}: {what}"))?;
        }
    }
    for (key, (count, told)) in keys {
        // Whoever drops the commit state drops what it says of keys.
        let most = if site.plan.foreign == Foreign::Drops { usize::MAX } else { 1 };
        if count > most || (told && count == 0) {
            return Err(format!(
                "operations with the key {key} are {count} times in the table; told: {told}"
            ));
        }
    }
    Ok(times)
}

/// How often an operation is in the table: wholly each time.
fn count(record: &Record, live: &Live, newest: &TableMetadata) -> Result<usize, String> {
    if let What::Property(name) = &record.what {
        return Ok(usize::from(newest.properties().contains_key(name)));
    }
    let counts: BTreeSet<usize> =
        record.files.iter().map(|key| live.get(key).map_or(0, |(times, _)| *times)).collect();
    match Vec::from_iter(counts)[..] {
        [count] => Ok(count),
        _ => Err("only a part of it is in the table".to_owned()),
    }
}

/// What the sender was told besides that it was committed.
fn check_answer(
    record: &Record,
    committed: &Committed,
    count: usize,
    chain: &Chain,
    live: &Live,
) -> Result<(), String> {
    let (_, newest) = chain.newest()?;
    match (committed.snapshot_id, &record.what) {
        (Some(id), What::Keyed(key)) => {
            let snapshot = newest.metadata.snapshot(id).map_err(|e| e.to_string())?;
            let applied = snapshot.and_then(|snapshot| snapshot.summary.get(SUMMARY_APP_KEY));
            if applied != Some(key.to_string().as_str()) {
                return Err(format!("snapshot {id} was told, and it applied {applied:?}"));
            }
        }
        (Some(id), _) => {
            let adds = |key: &String| live.get(key).is_some_and(|(_, by)| *by == id);
            if !record.files.iter().all(adds) {
                return Err(format!("snapshot {id} was told, and another one added its files"));
            }
        }
        (None, What::Keyed(_)) if committed.duplicate => {
            return Err("no snapshot was told, and all of them are there".to_owned());
        }
        (None, _) => {}
    }
    if committed.duplicate {
        return Ok(());
    }
    if count == 0 {
        return Err("it is no duplicate, and its files are not in the table".to_owned());
    }
    let first = match (&record.what, record.files.first().and_then(|key| live.get(key))) {
        (What::Property(name), _) => chain.first_with(|metadata| metadata.properties().contains_key(name)),
        (_, Some((_, id))) => chain.first_with(|metadata| metadata.has_snapshot(*id)),
        (_, None) => None,
    };
    // Of what was found by its key alone, only that it was there is known.
    let may_be_later = matches!(record.what, What::Keyed(_));
    match first {
        Some(first) if first > committed.version.0 || (first < committed.version.0 && !may_be_later) => {
            Err(format!("version {} was told, and version {first} brought it", committed.version))
        }
        _ => Ok(()),
    }
}
