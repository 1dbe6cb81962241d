//! [`audit`]: the annals held against the ledger. Each version is what the operation in it makes of the one before, by a serial model.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::snapshot::{Operation as SnapshotOperation, Snapshot};
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_txn::IsolationLevel;

use super::annals::{Annals, Version};
use super::change::{Change, Kind};
use super::deed::Deed;
use super::links::Links;
use super::planner::TAG;
use super::shelf::{missing, rows_of};
use super::step::{Said, Step};
use crate::auditor::Found;
use crate::chain::{check_numbers, key_of};
use crate::ledger::{Fate, Record, What};
use crate::plan::Foreign;
use crate::site::Site;

/// Holds every version against the one before it and the operation in it, and looks whether all that is retained is there.
///
/// # Errors
/// What does not hold.
pub(crate) fn audit(site: &Site) -> Result<Found, String> {
    let store = &site.store;
    let annals = site.annals()?;
    annals.check_order()?;
    let newest = annals.newest()?;
    let retired = check_numbers(store, newest.number)?;
    let records = site.ledger().records.clone();
    let mut audit = Audit { site, annals: &annals, links: Links::of(&records), records };
    for pair in annals.versions.windows(2) {
        audit.step(&pair[0], &pair[1]).map_err(|what| format!("version {}: {what}", pair[1].number))?;
    }
    check_present(site, &annals, newest)?;
    let times = audit.check_records()?;
    let ledger = site.ledger();
    if let Some(complaint) = ledger.complaints.first() {
        return Err(complaint.clone());
    }
    if newest.number < ledger.acknowledged {
        return Err(format!(
            "version {} was acknowledged, the newest is {}",
            ledger.acknowledged, newest.number
        ));
    }
    Ok(Found { times, newest: newest.number, retired })
}

/// All that a version retains is there.
pub(super) fn check_present(site: &Site, annals: &Annals, version: &Version) -> Result<(), String> {
    for id in &version.known {
        let held = site.shelf().held(&site.store, &annals.snapshots[id])?;
        if let Some(key) = missing(&site.store, &held) {
            return Err(format!("version {}, snapshot {id}: {key} is named and not there", version.number));
        }
    }
    match version.segments.iter().find(|key| site.store.object(key).is_none()) {
        Some(key) => Err(format!("version {}: {key} is named and not there", version.number)),
        None => Ok(()),
    }
}

struct Audit<'a> {
    site: &'a Site,
    annals: &'a Annals,
    links: Links,
    records: Vec<Record>,
}

impl Audit<'_> {
    fn step(&mut self, before: &Version, after: &Version) -> Result<(), String> {
        let mut added: Vec<&Snapshot> =
            after.known.difference(&before.known).map(|id| &self.annals.snapshots[id]).collect();
        added.sort_by_key(|snapshot| snapshot.sequence_number);
        let step = Step {
            site: self.site,
            annals: self.annals,
            before: Said::of(&before.metadata),
            after: Said::of(&after.metadata),
            gone: before.known.difference(&after.known).copied().collect(),
            added,
        };
        let last = step.added.last().map(|snapshot| snapshot.id);
        let numbers = self.numbers(&step)?;
        if numbers.is_empty() {
            return self.unmarked(&step, after.number);
        }
        let deeds = self.deeds(&numbers)?;
        for number in numbers {
            self.links.found.entry(number).or_default().push((after.number, last));
        }
        step.explain(&deeds)
    }

    /// The operations that left their marks in a step.
    fn numbers(&self, step: &Step<'_>) -> Result<BTreeSet<usize>, String> {
        let mut numbers = BTreeSet::new();
        let new = step.after.properties.difference(&step.before.properties);
        numbers.extend(new.filter_map(|name| self.links.by_property.get(name)));
        for snapshot in &step.added {
            if let Some(tag) = snapshot.summary.get(TAG) {
                let number = self.links.by_tag.get(tag);
                numbers.insert(*number.ok_or_else(|| format!("nobody sent an operation {tag}"))?);
                continue;
            }
            for live in &step.held(Some(snapshot.id))?.live {
                if live.added_by == Some(snapshot.id) {
                    let key = key_of(&live.file.file_path)?;
                    let number = self.links.by_file.get(&key);
                    numbers
                        .insert(*number.ok_or_else(|| format!("{key} is in the table, and nobody sent it"))?);
                }
            }
        }
        Ok(numbers)
    }

    /// What operations do that make one version: one of them, or appends that became one.
    fn deeds(&self, numbers: &BTreeSet<usize>) -> Result<Vec<Deed>, String> {
        let mut adds = Vec::new();
        let mut deeds = Vec::new();
        for number in numbers {
            let record = &self.records[*number];
            match &record.what {
                What::Property(name) => deeds.push(Deed::Property(name.clone())),
                What::Deeds(_, own) => deeds.extend(own.iter().cloned()),
                What::Append | What::Keyed(_) => {
                    for key in &record.files {
                        adds.extend(rows_of(&self.site.store, key)?);
                    }
                }
            }
        }
        if adds.is_empty() {
            return Ok(deeds);
        }
        if !deeds.is_empty() {
            return Err(format!("the operations {numbers:?} are one version"));
        }
        Ok(vec![Deed::Change(Box::new(Change {
            kind: Kind::Append,
            branch: MAIN_BRANCH.to_owned(),
            is_staged: false,
            level: IsolationLevel::Serializable,
            key: 0,
            tag: 0,
            names: BTreeSet::new(),
            partitions: Vec::new(),
            takes: BTreeSet::new(),
            adds,
        }))])
    }

    /// A step that says nothing of who made it: an operation whose sender was told of it, or one of those of which nobody knows.
    fn unmarked(&mut self, step: &Step<'_>, version: u64) -> Result<(), String> {
        let last = step.added.last().map(|snapshot| snapshot.id);
        if let Some(number) = self.links.by_version.get(&version).copied() {
            let deeds = self.deeds(&BTreeSet::from([number]))?;
            self.links.found.entry(number).or_default().push((version, last));
            return step.explain(&deeds);
        }
        let is_same = step.before == step.after && step.added.is_empty() && step.gone.is_empty();
        let new = step.after.properties.difference(&step.before.properties);
        if is_same || new.eq(["sim.last"]) {
            return Ok(());
        }
        for (number, record) in self.records.iter().enumerate() {
            let is_unclear =
                record.was_unclear || !matches!(record.fate, Fate::Committed(_) | Fate::Failed(_));
            if let What::Deeds(_, deeds) = &record.what
                && is_unclear
                && !self.links.found.contains_key(&number)
                && step.explain(deeds).is_ok()
            {
                self.links.found.entry(number).or_default().push((version, last));
                return Ok(());
            }
        }
        // Manifests are merged by the library of itself, too.
        let is_replace =
            |snapshot: &&Snapshot| snapshot.summary.operation() == Some(&SnapshotOperation::Replace);
        let same = step.explain(&[Deed::Same { branch: MAIN_BRANCH.to_owned() }]);
        match step.added.iter().all(is_replace) {
            true if same.is_ok() => Ok(()),
            _ => Err(format!(
                "nobody sent it: {:?} became {:?}, gone {:?}",
                step.before, step.after, step.gone
            )),
        }
    }

    /// Every operation is in the table as often as its sender was told.
    fn check_records(&self) -> Result<Vec<usize>, String> {
        let mut times = Vec::new();
        let mut keys: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        for (number, record) in self.records.iter().enumerate() {
            let found = self.links.found.get(&number).map_or(&[][..], Vec::as_slice);
            times.push(found.len());
            let fail = |what: &str| {
                Err(format!("operation {number} is in the table as {found:?}, and {what}: {record:?}"))
            };
            let told = matches!(record.fate, Fate::Committed(_));
            if found.len() > 1 {
                return fail("once is enough");
            }
            if matches!(record.fate, Fate::Failed(_)) && !record.was_unclear && !found.is_empty() {
                return fail("its sender was told that it failed");
            }
            if let What::Keyed(key) = &record.what {
                let entry = keys.entry(key.to_string()).or_default();
                *entry = (entry.0 + found.len(), entry.1 || told);
                continue;
            }
            let Fate::Committed(committed) = &record.fate else { continue };
            match found {
                [] => return fail("its sender was told that it was committed"),
                [(version, snapshot_id), ..] => {
                    if *version != committed.version.0 {
                        return fail("another version was told, and that is not true");
                    }
                    if committed.snapshot_id.is_some() && committed.snapshot_id != *snapshot_id {
                        return fail("another snapshot was told, and that is not true");
                    }
                }
            }
        }
        let most = if self.site.plan.foreign == Foreign::Drops { usize::MAX } else { 1 };
        match keys.iter().find(|(_, (count, told))| *count > most || *told && *count == 0) {
            Some((key, (count, told))) => {
                Err(format!("operations with the key {key} are {count} times in the table; told: {told}"))
            }
            None => Ok(times),
        }
    }
}
