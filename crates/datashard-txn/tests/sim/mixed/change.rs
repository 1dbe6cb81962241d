//! [`Change`]: an operation that changes rows, what it has seen when it was planned, and what it comes to.

use std::collections::BTreeSet;

use datashard_spec::id::PartitionSpecId;
use datashard_spec::value::Tuple;
use datashard_txn::IsolationLevel;

use super::rows::{Row, derived, partition_of};
use super::shelf::{Held, Live};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Adds rows.
    Append,
    /// Removes files that are named.
    DeleteFiles,
    /// Deletes the key's partition by filter.
    DeleteWhere,
    /// Writes the files that have the key anew: its rows become one.
    Overwrite,
    /// Puts one row, that comes of the key's partition, in its place, by filter.
    OverwriteWhere,
    /// Deletes the rows of the key by position.
    DeleteRows,
    /// Deletes the rows of the key by position and adds one that comes of them.
    UpdateRows,
    /// Deletes the key by equality and adds a row of it.
    Upsert,
    /// Writes files anew, with the same rows.
    Rewrite,
    /// Puts one row, that comes of what is in the partitions of its files, in their place.
    ReplacePartition,
    /// The same, and does not look at what was there.
    ReplaceBlindly,
}

/// An operation that changes rows.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) branch: String,
    pub(crate) is_staged: bool,
    pub(crate) level: IsolationLevel,
    pub(crate) key: i64,
    /// What tells its rows apart from those of others.
    pub(crate) tag: u64,
    /// Locations of the data files that it names.
    pub(crate) names: BTreeSet<String>,
    /// The partitions that it replaces.
    pub(crate) partitions: Vec<(PartitionSpecId, Tuple)>,
    /// The rows that it takes out, as it has seen them.
    pub(crate) takes: BTreeSet<Row>,
    pub(crate) adds: Vec<Row>,
}

impl Change {
    fn in_partitions(&self, live: &Live) -> bool {
        self.partitions
            .iter()
            .any(|(spec_id, tuple)| live.spec_id == *spec_id && live.file.partition == *tuple)
    }

    /// The rows that it takes out of these files, if it is planned on them.
    pub(super) fn taken(&self, live: &[Live]) -> BTreeSet<Row> {
        let named = |live: &Live| self.names.contains(&live.file.file_path);
        let of = |is_it: &dyn Fn(&Live, &Row) -> bool| {
            let rows = live.iter().flat_map(|live| live.rows.iter().map(move |(_, row)| (live, row)));
            rows.filter(|(live, row)| is_it(live, row)).map(|(_, row)| *row).collect()
        };
        match self.kind {
            Kind::Append | Kind::Rewrite => BTreeSet::new(),
            Kind::DeleteFiles => of(&|live, _| named(live)),
            Kind::DeleteWhere | Kind::OverwriteWhere => {
                of(&|_, row| partition_of(row.0) == partition_of(self.key))
            }
            Kind::Overwrite | Kind::DeleteRows | Kind::UpdateRows | Kind::Upsert => {
                of(&|_, row| row.0 == self.key)
            }
            Kind::ReplacePartition | Kind::ReplaceBlindly => of(&|live, _| self.in_partitions(live)),
        }
    }

    /// The rows that it adds, if it is planned on what has these rows to be taken out.
    pub(super) fn added(&self, taken: &BTreeSet<Row>) -> Vec<Row> {
        match self.kind {
            Kind::Append => self.adds.clone(),
            Kind::DeleteFiles | Kind::DeleteWhere | Kind::DeleteRows | Kind::Rewrite => Vec::new(),
            Kind::Upsert | Kind::ReplaceBlindly => vec![(self.key, derived([], self.tag))],
            Kind::Overwrite | Kind::OverwriteWhere | Kind::UpdateRows | Kind::ReplacePartition => {
                vec![(self.key, derived(taken.iter().copied(), self.tag))]
            }
        }
    }

    /// Whether it was derived from what it read, so that it matters whether others changed that.
    fn has_level(&self) -> bool {
        use Kind::*;
        matches!(self.kind, Overwrite | OverwriteWhere | DeleteRows | UpdateRows | ReplacePartition)
    }

    /// The rows after it, on top of these: those that a serial execution gives, at the level that it was planned at.
    ///
    /// # Errors
    /// If it should have been refused.
    pub(super) fn after(&self, before: &Held) -> Result<BTreeSet<Row>, String> {
        let matching = self.taken(&before.live);
        let takes_matching =
            !matches!(self.kind, Kind::Overwrite | Kind::DeleteRows | Kind::UpdateRows | Kind::DeleteFiles);
        let taken =
            if takes_matching { self.takes.union(&matching).copied().collect() } else { self.takes.clone() };
        let derives = self.has_level() && self.kind != Kind::DeleteRows;
        if derives && let Some(lost) = taken.iter().find(|row| !before.rows.contains(row)) {
            return Err(format!("it changed {lost:?}, which others had changed before"));
        }
        if matches!(self.kind, Kind::DeleteFiles | Kind::Rewrite | Kind::Overwrite) {
            let is_live = |name: &&String| before.live.iter().any(|live| live.file.file_path == **name);
            if let Some(gone) = self.names.iter().find(|name| !is_live(name)) {
                return Err(format!("it removed {gone}, which was not there"));
            }
        }
        let with = |taken: &BTreeSet<Row>, adds: &[Row]| -> BTreeSet<Row> {
            before.rows.difference(taken).chain(adds).copied().collect()
        };
        let after = with(&taken, &self.adds);
        let is_serial = !self.has_level() || self.level == IsolationLevel::Snapshot;
        if !is_serial {
            let serial = with(&matching, &self.added(&matching));
            if serial != after {
                return Err(format!(
                    "it is not serializable: it has taken {taken:?} out, and {matching:?} were there to be read"
                ));
            }
        }
        Ok(after)
    }
}
