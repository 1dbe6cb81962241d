//! [`Command`]: what somebody does to a table; planned on what is there, as an operation to be committed whenever.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SnapshotId};
use datashard_spec::property::IsolationLevel;
use datashard_spec::snapshot::Operation as SnapshotOperation;
use datashard_spec::value::Value;

use super::engine::{Guard, Planned, Removes, new};
use super::model::{fresh, sum};
use super::rows::{self, Live, Row, WIDTH, partition_of};
use crate::change::Label;
use crate::change::notes::Notes;

/// What somebody does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// Adds a row of the key.
    Append,
    /// Deletes the key's partition by filter.
    DeleteWhere,
    /// Removes the file that has the key.
    DeleteFiles,
    /// Writes the files that have the key anew: its row becomes one of the sum of its partition.
    Overwrite,
    /// Puts one row, of the partition's sum, in the place of the key's partition, by filter.
    OverwriteWhere,
    /// Deletes the rows of the key by position.
    DeleteRows,
    /// Deletes the rows of the key by position and adds one of their sum.
    UpdateRows,
    /// Deletes the rows of the key by position and adds one of the sum of its partition.
    MergeRows,
    /// Deletes the key by equality and adds a row of it.
    Upsert,
    /// Writes the files of the key's partition as one, with the data sequence number of what it read.
    RewriteOld,
    /// The same, with a new data sequence number.
    RewriteNew,
    /// Puts one row, of the partition's sum, in the place of the key's partition.
    ReplacePartition,
}

impl Verb {
    pub(crate) const ALL: [Self; 12] = [
        Self::Append,
        Self::DeleteWhere,
        Self::DeleteFiles,
        Self::Overwrite,
        Self::OverwriteWhere,
        Self::DeleteRows,
        Self::UpdateRows,
        Self::MergeRows,
        Self::Upsert,
        Self::RewriteOld,
        Self::RewriteNew,
        Self::ReplacePartition,
    ];

    /// Whether its isolation level makes a difference.
    pub(crate) fn has_level(self) -> bool {
        use Verb::*;
        matches!(self, Overwrite | OverwriteWhere | DeleteRows | UpdateRows | MergeRows | ReplacePartition)
    }
}

/// A verb, at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) verb: Verb,
    pub(crate) key: i32,
    pub(crate) level: IsolationLevel,
    /// What tells its rows apart from those of others.
    pub(crate) tag: i64,
}

/// What is there when a command is planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'s> {
    /// The location of the table.
    pub(super) root: &'s str,
    pub(super) since: Option<SnapshotId>,
    pub(super) last: DataSequenceNumber,
    pub(super) live: &'s [Live],
}

fn partition_filter(key: i32) -> Predicate {
    let first = partition_of(key);
    col("id").greater_than_or_equal(first).and(col("id").less_than(first + WIDTH))
}

impl Command {
    /// The operation, planned on what is there; `None` if there is nothing to do.
    pub(super) fn plan(&self, seen: Seen<'_>) -> Option<Planned> {
        let Self { verb, key, level, tag } = *self;
        let all = rows::all(seen.live);
        let of_partition = |row: &&Row| partition_of(row.0) == partition_of(key);
        let total = sum(all.iter().filter(of_partition));
        let here = || {
            let of_partition =
                |live: &&Live| live.file.partition == vec![Some(Value::Int(partition_of(key)))];
            seen.live.iter().filter(of_partition)
        };
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == key);
        let with_key = || here().filter(has_key);
        let paths = |files: Vec<&Live>| -> BTreeSet<String> {
            files.into_iter().map(|live| live.file.file_path.clone()).collect()
        };
        let id = format!("{tag}");
        let file = |rows: &[Row]| new(rows::data_file(seen.root, &id, rows));
        let plan = Planned {
            label: Label::ByContent,
            since: seen.since,
            adds: Vec::new(),
            data_sequence_number: None,
            adds_deletes: Vec::new(),
            vectors: BTreeMap::new(),
            removes: Removes::Nothing,
            guard: Guard::None,
            id: id.clone(),
            notes: Notes::default(),
        };
        let of_total = || vec![file(&[(key, total + fresh(tag))])];
        let own_total = sum(all.iter().filter(|row| row.0 == key));
        Some(match verb {
            Verb::Append => Planned { adds: vec![file(&[(key, fresh(tag))])], ..plan },
            Verb::DeleteWhere => Planned { removes: Removes::Matching(partition_filter(key)), ..plan },
            Verb::DeleteFiles => {
                let files = paths(with_key().collect());
                if files.is_empty() {
                    return None;
                }
                Planned { removes: Removes::Files(files), ..plan }
            }
            Verb::Overwrite => {
                let files: Vec<&Live> = with_key().collect();
                if files.is_empty() {
                    return None;
                }
                let mut rows: Vec<Row> =
                    files.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
                rows.retain(|row| row.0 != key);
                rows.push((key, total + fresh(tag)));
                Planned {
                    adds: vec![file(&rows)],
                    removes: Removes::Files(paths(files)),
                    guard: Guard::Overwrite {
                        level,
                        row_filter: None,
                        conflict_filter: Some(partition_filter(key)),
                    },
                    ..plan
                }
            }
            Verb::OverwriteWhere => Planned {
                adds: of_total(),
                removes: Removes::Matching(partition_filter(key)),
                guard: Guard::Overwrite {
                    level,
                    row_filter: Some(partition_filter(key)),
                    conflict_filter: None,
                },
                ..plan
            },
            Verb::DeleteRows | Verb::UpdateRows | Verb::MergeRows => {
                let files: Vec<&Live> = with_key().collect();
                if files.is_empty() {
                    return None;
                }
                let positions = |live: &Live| {
                    live.rows.iter().filter(|(_, row)| row.0 == key).map(|(position, _)| *position).collect()
                };
                let vectors =
                    files.iter().map(|live| (live.file.file_path.clone(), positions(live))).collect();
                let (adds, conflict_filter) = match verb {
                    Verb::DeleteRows => (Vec::new(), col("id").equal_to(key)),
                    Verb::UpdateRows => {
                        (vec![file(&[(key, own_total + fresh(tag))])], col("id").equal_to(key))
                    }
                    _ => (of_total(), partition_filter(key)),
                };
                let adds_rows = !adds.is_empty();
                let guard = Guard::RowDelta {
                    level,
                    conflict_filter,
                    referenced: paths(files),
                    adds_rows,
                    is_merged: verb != Verb::MergeRows,
                };
                Planned { adds, vectors, guard, ..plan }
            }
            Verb::Upsert => Planned {
                adds: vec![file(&[(key, fresh(tag))])],
                adds_deletes: vec![new(rows::equality_delete(seen.root, &id, key))],
                ..plan
            },
            Verb::RewriteOld | Verb::RewriteNew => {
                let files: Vec<&Live> = here().collect();
                if files.is_empty() {
                    return None;
                }
                let rows: Vec<Row> =
                    files.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
                let keeps = verb == Verb::RewriteOld;
                Planned {
                    label: Label::Fixed(SnapshotOperation::Replace),
                    adds: if rows.is_empty() { Vec::new() } else { vec![file(&rows)] },
                    data_sequence_number: keeps.then_some(seen.last),
                    removes: Removes::Files(paths(files)),
                    guard: Guard::Rewrite { keeps_sequence_number: keeps },
                    ..plan
                }
            }
            Verb::ReplacePartition => Planned {
                adds: of_total(),
                removes: Removes::Partition(
                    [(PartitionSpecId(0), vec![Some(Value::Int(partition_of(key)))])].into(),
                ),
                guard: Guard::Partition(level),
                ..plan
            },
        })
    }
}
