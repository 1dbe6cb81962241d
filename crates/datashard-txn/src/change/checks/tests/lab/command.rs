//! [`Command`]: what somebody does to a table; planned on what is there, as an operation to be committed whenever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::property::IsolationLevel;
use datashard_spec::value::Value;

use super::engine::{Any, Planned, new};
use super::model::{fresh, sum};
use super::rows::{self, Live, Row, WIDTH, partition_of};
use crate::action::{Append, DeleteFiles, DeleteWhere, Overwrite, ReplacePartitions, RewriteFiles};
use crate::change::notes::Notes;
use crate::operation::Operation;

const SCHEMA: SchemaId = SchemaId(0);
const SPEC: PartitionSpecId = PartitionSpecId(0);

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
    pub(super) fn plan(&self, seen: Seen<'_>) -> Option<Any> {
        let Self { verb, key, level, tag } = *self;
        let all = rows::all(seen.live);
        let total = sum(all.iter().filter(|row| partition_of(row.0) == partition_of(key)));
        let is_here = |live: &&Live| live.file.partition == vec![Some(Value::Int(partition_of(key)))];
        let here: Vec<&Live> = seen.live.iter().filter(is_here).collect();
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == key);
        let with_key: Vec<&Live> = here.iter().copied().filter(has_key).collect();
        let rows_of = |files: &[&Live]| -> Vec<Row> {
            files.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect()
        };
        let file = |rows: &[Row]| rows::data_file(seen.root, &tag.to_string(), rows);
        let of_total = || file(&[(key, total + fresh(tag))]);
        let operation: Arc<dyn Operation> = match verb {
            Verb::Append => Arc::new(Append::new(SCHEMA).with_file(SPEC, file(&[(key, fresh(tag))]))),
            Verb::DeleteWhere => Arc::new(DeleteWhere::new(partition_filter(key))),
            Verb::DeleteFiles if with_key.is_empty() => return None,
            Verb::DeleteFiles => Arc::new(DeleteFiles::new(paths(&with_key))),
            Verb::Overwrite if with_key.is_empty() => return None,
            Verb::Overwrite => {
                let mut rows = rows_of(&with_key);
                rows.retain(|row| row.0 != key);
                rows.push((key, total + fresh(tag)));
                Arc::new(
                    Overwrite::new()
                        .removing(paths(&with_key))
                        .with_file(SCHEMA, SPEC, file(&rows))
                        .validated_from(seen.since)
                        .with_conflict_filter(partition_filter(key))
                        .at_level(level),
                )
            }
            Verb::OverwriteWhere => Arc::new(
                Overwrite::new()
                    .removing_where(partition_filter(key))
                    .with_file(SCHEMA, SPEC, of_total())
                    .validated_from(seen.since)
                    .at_level(level),
            ),
            Verb::ReplacePartition => Arc::new(
                ReplacePartitions::new()
                    .with_file(SCHEMA, SPEC, of_total())
                    .validated_from(seen.since, level),
            ),
            Verb::RewriteOld | Verb::RewriteNew if here.is_empty() => return None,
            Verb::RewriteOld | Verb::RewriteNew => {
                let rewrite = RewriteFiles::new(seen.since).removing(paths(&here));
                let rewrite = match rows_of(&here) {
                    rows if rows.is_empty() => rewrite,
                    rows => rewrite.with_file(SCHEMA, SPEC, file(&rows)),
                };
                Arc::new(match verb {
                    Verb::RewriteOld => rewrite.with_data_sequence_number(seen.last),
                    _ => rewrite,
                })
            }
            Verb::Upsert => Arc::new(Planned {
                adds: vec![new(file(&[(key, fresh(tag))]))],
                adds_deletes: vec![new(rows::equality_delete(seen.root, &tag.to_string(), key))],
                ..self.row_delta(seen)
            }),
            Verb::DeleteRows | Verb::UpdateRows | Verb::MergeRows if with_key.is_empty() => return None,
            Verb::DeleteRows | Verb::UpdateRows | Verb::MergeRows => {
                let positions = |live: &Live| {
                    let own = live.rows.iter().filter(|(_, row)| row.0 == key);
                    own.map(|(position, _)| *position).collect()
                };
                let vectors = with_key.iter().map(|live| (live.file.file_path.clone(), positions(live)));
                let own_total = sum(all.iter().filter(|row| row.0 == key));
                let delta = Planned {
                    vectors: vectors.collect(),
                    referenced: paths(&with_key),
                    ..self.row_delta(seen)
                };
                Arc::new(match verb {
                    Verb::DeleteRows => delta,
                    Verb::UpdateRows => {
                        Planned { adds: vec![new(file(&[(key, own_total + fresh(tag))]))], ..delta }
                    }
                    _ => Planned {
                        adds: vec![new(of_total())],
                        conflict_filter: partition_filter(key),
                        is_merged: false,
                        ..delta
                    },
                })
            }
        };
        Some(Any(operation))
    }

    fn row_delta(&self, seen: Seen<'_>) -> Planned {
        Planned {
            since: seen.since,
            level: self.level,
            conflict_filter: col("id").equal_to(self.key),
            is_merged: true,
            adds: Vec::new(),
            adds_deletes: Vec::new(),
            vectors: BTreeMap::new(),
            referenced: BTreeSet::new(),
            id: self.tag.to_string(),
            notes: Notes::default(),
        }
    }
}

fn paths(files: &[&Live]) -> BTreeSet<String> {
    files.iter().map(|live| live.file.file_path.clone()).collect()
}
