//! [`Change`]: what an operation does to the rows of a table, applied serially.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::property::IsolationLevel;

use super::rows::{Held, State, all_rows, rows_of};

/// What goes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Nothing.
    Add,
    /// These files, all of which have to be there.
    Files(BTreeSet<String>),
    /// All files with this value of the partition, under whatever spec.
    Partition(i32),
    /// All files of the same partition and spec as those that are added.
    SamePartitions,
    /// Rows at these positions of these files.
    Rows(BTreeMap<String, BTreeSet<u64>>),
}

/// What an operation had read, and what it relies on.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    pub(crate) level: IsolationLevel,
    /// The partition that it read, and the rows that were there.
    pub(crate) part: i32,
    pub(crate) rows: BTreeSet<u64>,
}

/// One snapshot's worth of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) change: Change,
    /// The data files that it adds.
    pub(crate) adds: State,
    pub(crate) reads: Option<Reads>,
    /// The rows of the files that go, as they were known when the new ones were written from them.
    pub(crate) carried: Option<BTreeSet<u64>>,
}

impl Part {
    pub(crate) fn adding(adds: State) -> Self {
        Self { change: Change::Add, adds, reads: None, carried: None }
    }

    /// Holds a snapshot against its parent.
    ///
    /// # Errors
    /// What a serial execution would not have given.
    pub(crate) fn check(&self, before: &State, after: &State) -> Result<(), String> {
        self.check_reads(before)?;
        let mut expected = before.clone();
        match &self.change {
            Change::Add => {}
            Change::Files(keys) => {
                for key in keys {
                    if expected.remove(key).is_none() {
                        return Err(format!("it removes {key}, which was gone"));
                    }
                }
            }
            Change::Partition(part) => expected.retain(|_, held| held.part() != *part),
            Change::SamePartitions => {
                let of = |held: &Held| (held.spec, held.partition.clone());
                let partitions: Vec<_> = self.adds.values().map(of).collect();
                expected.retain(|_, held| !partitions.contains(&of(held)));
            }
            Change::Rows(rows) => delete_rows(rows, &mut expected)?,
        }
        if let Some(carried) = &self.carried {
            let gone: BTreeSet<u64> = before
                .iter()
                .filter(|(key, _)| !expected.contains_key(*key))
                .flat_map(|(_, held)| held.live())
                .collect();
            if gone != *carried {
                return Err(format!("it was made of the rows {carried:?}, and takes the place of {gone:?}"));
            }
        }
        for (key, held) in &self.adds {
            if expected.insert(key.clone(), held.clone()).is_some() {
                return Err(format!("{key} was there already: once is enough"));
            }
        }
        if expected != *after {
            return Err(format!("expected {expected:?}, and it holds {after:?}"));
        }
        if let Change::Rows(rows) = &self.change {
            let deleted = rows.iter().flat_map(|(key, positions)| {
                let held = before.get(key).map(|held| held.rows.clone()).unwrap_or_default();
                positions.iter().filter_map(move |at| held.get(*at as usize).copied()).collect::<Vec<_>>()
            });
            let left = all_rows(after);
            if let Some(row) = deleted.into_iter().find(|row| left.contains(row)) {
                return Err(format!("row {row} was deleted, and is there under another name"));
            }
        }
        Ok(())
    }

    fn check_reads(&self, before: &State) -> Result<(), String> {
        let Some(reads) = &self.reads else { return Ok(()) };
        let there = rows_of(before, reads.part);
        let holds = match reads.level {
            IsolationLevel::Serializable => there == reads.rows,
            // What others add it need not have seen.
            _ => true,
        };
        if holds {
            return Ok(());
        }
        Err(format!(
            "it had read the rows {:?} of partition {}, and there are {there:?}",
            reads.rows, reads.part
        ))
    }
}

/// Deletes rows, each of which has to be there, unless all of its file went before.
fn delete_rows(rows: &BTreeMap<String, BTreeSet<u64>>, state: &mut State) -> Result<(), String> {
    for (key, positions) in rows {
        let Some(held) = state.get_mut(key) else { continue };
        for at in positions {
            if !held.deleted.insert(*at) {
                return Err(format!("it deletes row {at} of {key}, which was deleted"));
            }
        }
    }
    Ok(())
}
