//! Operations that change rows, planned on what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::DataSequenceNumber;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_spec::value::Value;
use datashard_txn::action::{
    Append, DeleteFiles, DeleteWhere, Overwrite, ReplacePartitions, RewriteFiles, RowDelta,
};
use datashard_txn::{IsolationLevel, Operation};

use super::change::{Change, Kind};
use super::planner::{Planner, TAG};
use super::rows::{KEYS, Made, Row, WIDTH, derived, partition_of};
use super::shelf::Live;

fn filter(key: i64) -> Predicate {
    let first = partition_of(key);
    col("id").greater_than_or_equal(first).and(col("id").less_than(first + WIDTH))
}

impl Planner<'_> {
    pub(super) fn kind(&mut self) -> Kind {
        let mut kinds = vec![
            Kind::Append,
            Kind::Append,
            Kind::DeleteFiles,
            Kind::DeleteWhere,
            Kind::Overwrite,
            Kind::Overwrite,
            Kind::OverwriteWhere,
            Kind::DeleteRows,
            Kind::DeleteRows,
            Kind::UpdateRows,
            Kind::UpdateRows,
            Kind::Rewrite,
            Kind::ReplacePartition,
            Kind::ReplaceBlindly,
        ];
        if !self.maker.site.plan.mixed().changes_specs {
            // Equality deletes reach files of their own spec only.
            kinds.push(Kind::Upsert);
        }
        self.chance.pick(&kinds)
    }

    /// A key, rather one that is there.
    fn key(&mut self) -> i64 {
        let keys: Vec<i64> = self.held.rows.iter().map(|(key, _)| *key).collect();
        if keys.is_empty() || self.chance.one_in(4) {
            return i64::try_from(self.chance.below(KEYS.cast_unsigned())).unwrap();
        }
        self.chance.pick(&keys)
    }

    fn made(&mut self, rows: &[Row]) -> Vec<Made> {
        let made = self.maker.data(rows, &self.spec);
        self.files.extend(made.iter().map(Made::key));
        made
    }

    /// A change of this kind; `None` if there is nothing that it could change.
    pub(super) fn change(&mut self, kind: Kind) -> Option<(Change, Arc<dyn Operation>)> {
        let key = self.key();
        let level = self.chance.pick(&[IsolationLevel::Serializable, IsolationLevel::Snapshot]);
        let mut change = Change {
            kind,
            branch: self.branch.clone(),
            is_staged: false,
            level,
            key,
            tag: self.tag,
            names: BTreeSet::new(),
            partitions: vec![(self.spec.id, super::rows::tuple(key, &self.spec))],
            takes: BTreeSet::new(),
            adds: Vec::new(),
        };
        let held = Arc::clone(&self.held);
        let has_key = |live: &&Live| live.rows.iter().any(|(_, row)| row.0 == key);
        let of_partition =
            |live: &&Live| live.file.partition.first() == Some(&Some(Value::Long(partition_of(key))));
        let (here, with_key): (Vec<&Live>, Vec<&Live>) =
            (held.live.iter().filter(of_partition).collect(), held.live.iter().filter(has_key).collect());
        match kind {
            Kind::Append => {
                let count = self.chance.within(1, 4);
                for number in 0..count {
                    let key = i64::try_from(self.chance.below(KEYS.cast_unsigned())).unwrap();
                    change.adds.push((key, derived([], (self.tag << 8) + number + (1 << 40))));
                }
            }
            Kind::DeleteFiles | Kind::Overwrite => change.names = names(&with_key),
            Kind::Rewrite => change.names = names(&here),
            _ => {}
        }
        let needs_key = matches!(kind, Kind::Overwrite | Kind::DeleteRows | Kind::UpdateRows);
        let needs_names = matches!(kind, Kind::DeleteFiles | Kind::Rewrite);
        if needs_key && with_key.is_empty() || needs_names && change.names.is_empty() {
            return None;
        }
        change.takes = change.taken(&held.live);
        change.adds = change.added(&change.takes);
        let operation = self.operation(&mut change, &here, &with_key);
        Some((change, operation))
    }

    fn operation(&mut self, change: &mut Change, here: &[&Live], with_key: &[&Live]) -> Arc<dyn Operation> {
        let (tag, branch, since) = (self.tag.to_string(), self.branch.clone(), self.since);
        let (key, level) = (change.key, change.level);
        let schema = self.base.metadata.current_schema_id();
        macro_rules! placed {
            ($operation:expr, $rows:expr) => {
                self.made($rows).into_iter().fold($operation, |operation, made| {
                    operation.with_unwritten_file(schema, made.spec_id, made.file, made.path, made.bytes)
                })
            };
        }
        macro_rules! done {
            ($operation:expr) => {
                Arc::new($operation.to_branch(branch).with_summary_property(TAG, tag))
            };
        }
        // Now and then it is put on the shelf, to be published later by whomever.
        let stages = self.chance.one_in(5) && change.branch == MAIN_BRANCH;
        match change.kind {
            Kind::Append => {
                let append = self.made(&change.adds).into_iter().fold(Append::new(schema), |append, made| {
                    append.with_unwritten_file(made.spec_id, made.file, made.path, made.bytes)
                });
                change.is_staged = stages;
                if stages { done!(append.staged(format!("w{tag}"))) } else { done!(append) }
            }
            Kind::DeleteFiles => done!(DeleteFiles::new(change.names.clone())),
            Kind::DeleteWhere => done!(DeleteWhere::new(filter(key))),
            Kind::Overwrite => {
                let kept = with_key.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row));
                let rows: Vec<Row> =
                    kept.filter(|row| row.0 != key).chain(change.adds.iter().copied()).collect();
                let overwrite = Overwrite::new()
                    .removing(change.names.clone())
                    .validated_from(since)
                    .with_conflict_filter(col("id").equal_to(key))
                    .at_level(level);
                done!(placed!(overwrite, &rows))
            }
            Kind::OverwriteWhere => {
                let overwrite =
                    Overwrite::new().removing_where(filter(key)).validated_from(since).at_level(level);
                done!(placed!(overwrite, &change.adds))
            }
            Kind::ReplacePartition => {
                let replace = placed!(ReplacePartitions::new().validated_from(since, level), &change.adds);
                change.is_staged = stages;
                if stages { done!(replace.staged(format!("w{tag}"))) } else { done!(replace) }
            }
            Kind::ReplaceBlindly => done!(placed!(ReplacePartitions::new(), &change.adds)),
            Kind::Rewrite => {
                let rows: Vec<Row> =
                    here.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
                let rewrite = RewriteFiles::new(since).removing(change.names.clone());
                let last = DataSequenceNumber(self.base.metadata.last_sequence_number().0);
                let rewrite = match self.chance.one_in(2) {
                    true => rewrite.with_data_sequence_number(last),
                    false => rewrite,
                };
                done!(placed!(rewrite, &rows))
            }
            Kind::Upsert => {
                let delete = self.maker.equality(key, &self.spec);
                self.files.push(delete.key());
                let delta = placed!(RowDelta::new(), &change.adds);
                done!(delta.with_unwritten_delete_file(
                    schema,
                    delete.spec_id,
                    delete.file,
                    delete.path,
                    delete.bytes
                ))
            }
            Kind::DeleteRows | Kind::UpdateRows => {
                let delta = RowDelta::new()
                    .validated_from(since, level)
                    .with_conflict_filter(col("id").equal_to(key));
                let mut delta = placed!(delta, &change.adds);
                for live in with_key {
                    let own = live.rows.iter().filter(|(_, row)| row.0 == key).map(|(position, _)| *position);
                    let location = live.file.file_path.clone();
                    if self.maker.site.plan.mixed().has_vectors {
                        delta = delta.deleting_rows(location, DeletionVector::from_positions(own).unwrap());
                    } else {
                        let made = self.maker.positions(&live.file, live.spec_id, own);
                        self.files.push(made.key());
                        delta = delta.with_unwritten_delete_file(
                            schema,
                            made.spec_id,
                            made.file,
                            made.path,
                            made.bytes,
                        );
                    }
                }
                done!(delta)
            }
        }
    }
}

fn names(files: &[&Live]) -> BTreeSet<String> {
    files.iter().map(|live| live.file.file_path.clone()).collect()
}
