//! The audit of a mixed world: what must hold in the end, given everything that anybody was told and everything that was seen.

use std::collections::BTreeMap;

use datashard_txn::protocol::AppKey;
use datashard_txn::{Committed, Committer};

use super::act::{Act, Leaves};
use super::historian::{Historian, Seen};
use super::rows::Reader;
use crate::auditor::Found;
use crate::chain::Chain;
use crate::ledger::{Fate, Ledger, Record, What};
use crate::site::Site;

/// Checks all but what [`audit_history`] checks.
///
/// # Errors
/// What does not hold.
pub(crate) fn audit(site: &Site, chain: &Chain) -> Result<Found, String> {
    let mut historian = site.historian();
    historian.look(site);
    let ledger = site.ledger();
    if let Some(complaint) = ledger.complaints.first() {
        return Err(complaint.clone());
    }
    let (newest, version) = chain.newest()?;
    let mut reader = Reader::default();
    for snapshot in version.metadata.snapshots() {
        let snapshot = snapshot.map_err(|e| e.to_string())?;
        let state = reader.state(&site.store, &ledger.written, snapshot)?;
        if historian.state(snapshot.id).is_none_or(|seen| *seen != state) {
            return Err(format!("snapshot {} does not hold what it held", snapshot.id));
        }
    }
    let times = check_operations(&ledger, &historian, chain)?;
    if newest < ledger.acknowledged {
        return Err(format!("version {} was acknowledged, the newest is {newest}", ledger.acknowledged));
    }
    Ok(Found { times, newest, retired: chain.retired })
}

/// All of history is found, and every file of it is there.
///
/// # Errors
/// What does not hold.
pub(crate) async fn audit_history(site: &Site, table: &Committer) -> Result<(), String> {
    let base = table.refresh().await.map_err(|e| format!("at the end: {e}"))?;
    let moved = table.moved_snapshots(&base).await.map_err(|e| format!("at the end: {e}"))?;
    site.ledger().moved += moved.len() as u64;
    let mut reader = Reader::default();
    for snapshot in &moved {
        let state = reader.state(&site.store, &site.ledger().written, snapshot)?;
        if site.historian().state(snapshot.id).is_none_or(|seen| *seen != state) {
            return Err(format!("snapshot {} of a segment does not hold what it held", snapshot.id));
        }
    }
    let expires = |record: &Record| match &record.what {
        What::Act(act) => act.expires && !matches!(record.fate, Fate::Failed(_)),
        _ => false,
    };
    let expired = site.ledger().records.iter().any(expires);
    let ids: Vec<_> = site.historian().seen.keys().copied().collect();
    for id in ids {
        let found = table.find_snapshot(&base, id).await.map_err(|e| format!("at the end: {e}"))?;
        if found.is_none() && !expired {
            return Err(format!(
                "snapshot {id} cannot be found, and nothing expired: it is named and not there"
            ));
        }
    }
    Ok(())
}

/// Every operation is in the table as often as its sender was told.
fn check_operations(ledger: &Ledger, historian: &Historian, chain: &Chain) -> Result<Vec<usize>, String> {
    let (_, newest) = chain.newest()?;
    let mut by_record: BTreeMap<usize, Vec<&Seen>> = BTreeMap::new();
    let mut by_file: BTreeMap<&String, Vec<&Seen>> = BTreeMap::new();
    for seen in historian.seen.values() {
        match seen.record {
            Some(record) => by_record.entry(record).or_default().push(seen),
            None => seen.added.iter().for_each(|key| by_file.entry(key).or_default().push(seen)),
        }
    }
    let mut times = Vec::new();
    let mut keys: BTreeMap<&AppKey, (usize, bool)> = BTreeMap::new();
    for (number, record) in ledger.records.iter().enumerate() {
        let made: Vec<&Seen> = match &record.what {
            What::Act(_) => by_record.get(&number).cloned().unwrap_or_default(),
            _ => {
                let of_first = record.files.first().and_then(|key| by_file.get(key));
                of_first.cloned().unwrap_or_default()
            }
        };
        let count = count(record, &made, historian)
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
        if let (Fate::Committed(committed), 1) = (&record.fate, count) {
            check_answer(record, committed, &made, historian)
                .map_err(|what| format!("operation {number} {record:?}: {what}"))?;
        }
        if let (What::Act(act), 1) = (&record.what, count) {
            check_leavings(act, newest).map_err(|what| format!("operation {number} {record:?}: {what}"))?;
        }
    }
    for (key, (count, told)) in keys {
        if count > 1 || (told && count == 0) {
            return Err(format!(
                "operations with the key {key} are {count} times in the table; told: {told}"
            ));
        }
    }
    Ok(times)
}

/// How often an operation was applied: wholly each time.
fn count(record: &Record, made: &[&Seen], historian: &Historian) -> Result<usize, String> {
    let property = match &record.what {
        What::Property(name) => Some(name),
        What::Act(act) => act.property.as_ref(),
        _ => None,
    };
    if let Some(name) = property {
        return Ok(usize::from(historian.properties.contains_key(name)));
    }
    if let What::Act(act) = &record.what {
        let parts = act.parts.len();
        return match made.len() % parts {
            0 => Ok(made.len() / parts),
            _ => Err("only a part of it is in the table".to_owned()),
        };
    }
    let is_whole = made.iter().all(|seen| record.files.iter().all(|key| seen.added.contains(key)));
    if is_whole { Ok(made.len()) } else { Err("only a part of it is in the table".to_owned()) }
}

fn check_answer(
    record: &Record,
    committed: &Committed,
    made: &[&Seen],
    historian: &Historian,
) -> Result<(), String> {
    if let (Some(id), What::Keyed(key)) = (committed.snapshot_id, &record.what) {
        let applied = historian.seen.get(&id).and_then(|seen| seen.app_key.as_deref());
        if applied != Some(key.to_string().as_str()) {
            return Err(format!("snapshot {id} was told, and it applied {applied:?}"));
        }
    }
    let property = match &record.what {
        What::Property(name) => Some(name),
        What::Act(act) => act.property.as_ref(),
        _ => None,
    };
    let brought = match property {
        Some(name) => historian.properties.get(name).copied(),
        None => made.iter().map(|seen| seen.version).max(),
    };
    // Of what was found by its key alone, only that it was there is known.
    let is_it =
        brought == Some(committed.version.0) || committed.duplicate || matches!(record.what, What::Keyed(_));
    if is_it {
        return Ok(());
    }
    Err(format!("version {} was told, and version {brought:?} brought it", committed.version))
}

/// What stays for ever is there.
fn check_leavings(act: &Act, newest: &crate::chain::Version) -> Result<(), String> {
    let metadata = &newest.metadata;
    match &act.leaves {
        Leaves::Nothing => Ok(()),
        Leaves::Column(name) => match metadata.current_schema().field_by_name(name) {
            Some(_) => Ok(()),
            None => Err(format!("the column {name} is gone")),
        },
        Leaves::Tag(name, id) => match metadata.refs().get(name) {
            Some(tag) if tag.snapshot_id == *id => Ok(()),
            other => Err(format!("the tag {name} of {id} is {other:?}")),
        },
    }
}
