//! What commands come to: one after the other (serializable), and each on what it has seen (snapshot).

use std::collections::BTreeSet;

use super::command::{Command, Verb};
use super::rows::{Row, partition_of};

/// A value that only this tag gives.
pub(super) fn fresh(tag: i64) -> i64 {
    tag * 1_000_000
}

pub(super) fn sum<'r>(rows: impl Iterator<Item = &'r Row>) -> i64 {
    rows.map(|(_, value)| value).sum()
}

/// What a command takes out and puts in.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    /// The rows that it takes out, as it has seen them.
    pub(super) takes: BTreeSet<Row>,
    pub(super) adds: Vec<Row>,
    /// Whether it takes out what matches when it is committed, and not only what it has seen.
    pub(super) takes_matching: bool,
    /// Whether what it adds comes of what it takes out.
    pub(super) derives: bool,
}

/// The effect of a command on what it sees. `file` are the rows of the files that have its key.
pub(super) fn effect(command: &Command, rows: &[Row], file: &[Row]) -> Effect {
    let Command { verb, key, tag, .. } = *command;
    let of_partition = |row: &&Row| partition_of(row.0) == partition_of(key);
    let of_key = |row: &&Row| row.0 == key;
    let total = sum(rows.iter().filter(of_partition));
    let partition: BTreeSet<Row> = rows.iter().filter(of_partition).copied().collect();
    let own: BTreeSet<Row> = rows.iter().filter(of_key).copied().collect();
    let of_total = vec![(key, total + fresh(tag))];
    let nothing = Effect { takes: BTreeSet::new(), adds: Vec::new(), takes_matching: false, derives: false };
    match verb {
        Verb::Append => Effect { adds: vec![(key, fresh(tag))], ..nothing },
        Verb::DeleteWhere => Effect { takes: partition, takes_matching: true, ..nothing },
        Verb::DeleteFiles => Effect { takes: file.iter().copied().collect(), ..nothing },
        Verb::DeleteRows => Effect { takes: own, ..nothing },
        Verb::Overwrite | Verb::UpdateRows | Verb::MergeRows if own.is_empty() => nothing,
        Verb::Overwrite | Verb::MergeRows => Effect { takes: own, adds: of_total, derives: true, ..nothing },
        Verb::UpdateRows => {
            let adds = vec![(key, sum(own.iter()) + fresh(tag))];
            Effect { takes: own, adds, derives: true, ..nothing }
        }
        Verb::Upsert => Effect { takes: own, adds: vec![(key, fresh(tag))], takes_matching: true, ..nothing },
        Verb::RewriteOld | Verb::RewriteNew => nothing,
        Verb::OverwriteWhere | Verb::ReplacePartition => {
            Effect { takes: partition, adds: of_total, takes_matching: true, derives: true }
        }
    }
}

impl Effect {
    /// The rows after it.
    pub(super) fn after(&self, command: &Command, rows: &[Row]) -> Vec<Row> {
        let matches = |row: &Row| match command.verb {
            Verb::Upsert => row.0 == command.key,
            _ => partition_of(row.0) == partition_of(command.key),
        };
        let is_taken = |row: &Row| self.takes.contains(row) || self.takes_matching && matches(row);
        let mut after: Vec<Row> = rows.iter().filter(|row| !is_taken(row)).copied().collect();
        after.extend(&self.adds);
        after.sort_unstable();
        after
    }
}
