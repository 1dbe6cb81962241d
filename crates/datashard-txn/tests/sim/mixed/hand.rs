//! What writers do in a mixed world: operations drawn by chance, planned on what the table is known to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datashard_io::TablePath;
use datashard_spec::expr::col;
use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::IsolationLevel;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::sort_order::NullOrder;
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use datashard_txn::action::{
    Append, CherryPick, DeleteFiles, DeleteWhere, ExpireSnapshots, MergeManifests, Overwrite,
    ReplacePartitions, ReplaceSortOrder, RewriteFiles, RewriteManifests, RollbackTo, RowDelta,
    SetCurrentSnapshot, SetProperties, Transaction, UpdatePartitionSpec, UpdateRefs, UpdateSchema,
    UpgradeFormatVersion,
};
use datashard_txn::segments::TrimHistory;
use datashard_txn::{Base, Committer, Operation, epoch};

use super::act::{Act, Leaves, PART, TAG};
use super::changes::{Change, Part, Reads};
use super::rows::{Held, State, rows_of};
use crate::ledger::What;
use crate::writer::Run;

/// Rows of a data file.
const ROWS: u64 = 4;
/// Values of the partition column.
const PARTS: u64 = 3;
/// The branch beside `main`.
const SIDE: &str = "side";

/// A data file that is going to be written.
struct New {
    key: String,
    held: Held,
    file: DataFile,
    path: TablePath,
}

impl New {
    fn state(files: &[Self]) -> State {
        files.iter().map(|new| (new.key.clone(), new.held.clone())).collect()
    }
}

/// What an operation is planned on.
struct Plan {
    base: Arc<Base>,
    branch: &'static str,
    head: Option<SnapshotId>,
    state: Arc<State>,
    schema: SchemaId,
    spec: PartitionSpecId,
}

macro_rules! with_files {
    ($operation:expr, $plan:expr, $files:expr) => {{
        let mut operation = $operation;
        for new in &$files {
            let bytes = crate::site::content(&new.key);
            operation = operation.with_unwritten_file(
                $plan.schema,
                $plan.spec,
                new.file.clone(),
                new.path.clone(),
                bytes,
            );
        }
        operation
    }};
}

macro_rules! tagged {
    ($operation:expr, $plan:expr, $record:expr) => {
        $operation.to_branch($plan.branch).with_summary_property(TAG, $record.to_string())
    };
}

impl Run {
    /// Does one thing, drawn by chance.
    pub(crate) async fn act(&mut self, table: &Committer) {
        self.stumble();
        let Some(plan) = self.plan(table) else { return };
        match self.chance.below(24) {
            0..=3 => self.add(table, &plan).await,
            4..=9 => self.rewrite_rows(table, &plan).await,
            10 => {
                let record = self.next_record();
                let rewrite = tagged!(RewriteManifests::new(), plan, record);
                let act = Act::of_parts("rewrite manifests", vec![Part::adding(State::new())]);
                self.send(table, act, rewrite).await;
            }
            11 => {
                let act = Act::of_property("merge manifests", self.name());
                self.send_with_property(table, act, MergeManifests::new()).await;
            }
            12..=14 => self.remove(table, &plan).await,
            15..=16 => self.publish(table, &plan).await,
            17..=18 => self.change_form(table, &plan).await,
            19..=21 => self.move_refs(table, &plan).await,
            22 => self.several(table, &plan).await,
            _ => self.expire(table).await,
        }
    }

    fn plan(&mut self, table: &Committer) -> Option<Plan> {
        let base = table.base().ok()?;
        let mut historian = self.site.historian();
        historian.look(&self.site);
        let has_side = base.metadata.refs().contains_key(SIDE);
        let branch = if has_side && self.chance.one_in(5) { SIDE } else { "main" };
        let head = base.head(branch).unwrap().map(|head| head.id);
        let state = match head {
            Some(head) => historian.state(head)?,
            None => Arc::default(),
        };
        let (schema, spec) = (base.metadata.current_schema_id(), base.metadata.default_spec_id());
        Some(Plan { base, branch, head, state, schema, spec })
    }

    /// A data file with new rows, or with those of others.
    fn file(&mut self, table: &Committer, plan: &Plan, part: i32, rows: Option<Vec<u64>>) -> New {
        let mut ledger = self.site.ledger();
        let number = ledger.file_number();
        let rows = rows.unwrap_or_else(|| (0..ROWS).map(|row| number * 1_000 + row).collect());
        let prefix = epoch::prefix(plan.base.version);
        let path = TablePath::parse(&format!("data/{prefix}f{number}.parquet")).unwrap();
        let key = format!("table/{path}");
        let rows = Arc::new(rows);
        ledger.written.insert(key.clone(), Arc::clone(&rows));
        drop(ledger);
        let spec = plan.base.metadata.default_partition_spec();
        // The first is the value itself, what was added to the spec later is a bucket.
        let partition: Vec<Option<Value>> =
            (0..spec.fields.len()).map(|at| Some(Value::Int(if at == 0 { part } else { 0 }))).collect();
        let bytes = i64::try_from(crate::site::content(&key).len()).unwrap();
        let count = i64::try_from(rows.len()).unwrap();
        let file = DataFile::new(table.store().location().file(&path), FileFormat::Parquet, count, bytes)
            .with_partition(partition.clone());
        let held = Held { spec: plan.spec.0, partition, rows, deleted: BTreeSet::new() };
        New { key, held, file, path }
    }

    fn part(&mut self) -> i32 {
        i32::try_from(self.chance.below(PARTS)).unwrap()
    }

    /// The number that the ledger gives to the next operation.
    fn next_record(&self) -> usize {
        self.site.ledger().records.len()
    }

    /// A name that nobody has used.
    fn name(&self) -> String {
        format!("sim.n{}", self.site.ledger().file_number())
    }

    async fn send<O: Operation + 'static>(&mut self, table: &Committer, act: Act, operation: O) {
        let record = self.site.ledger().begin(What::Act(Box::new(act)), Vec::new());
        self.settle(table, record, table.commit(operation, None), None).await;
    }

    /// Together with the property that it is known by.
    async fn send_with_property<O: Operation + 'static>(
        &mut self,
        table: &Committer,
        act: Act,
        operation: O,
    ) {
        let property = SetProperties::new().set(act.property.clone().unwrap(), "set");
        self.send(table, act, Transaction::new().with(operation).with(property)).await;
    }

    fn level(&mut self) -> IsolationLevel {
        self.chance.pick(&[IsolationLevel::Serializable, IsolationLevel::Snapshot])
    }

    async fn add(&mut self, table: &Committer, plan: &Plan) {
        let part = self.part();
        let files: Vec<New> =
            (0..self.chance.within(1, 2)).map(|_| self.file(table, plan, part, None)).collect();
        let record = self.next_record();
        let act = Act::of_parts("append", vec![Part::adding(New::state(&files))]);
        let append = tagged!(Append::new(plan.schema), plan, record);
        let append = files.iter().fold(append, |append, new| {
            let bytes = crate::site::content(&new.key);
            append.with_unwritten_file(plan.spec, new.file.clone(), new.path.clone(), bytes)
        });
        self.send(table, act, append).await;
    }

    /// Reads a partition, and writes what comes of it.
    async fn rewrite_rows(&mut self, table: &Committer, plan: &Plan) {
        let part = self.part();
        let level = self.level();
        let reads = Reads { level, part, rows: rows_of(&plan.state, part) };
        let of_part: Vec<(&String, &Held)> =
            plan.state.iter().filter(|(_, held)| held.part() == part).collect();
        let location = |key: &String| format!("s3://sim/{key}");
        let filter = || col("p").equal_to(part);
        let record = self.next_record();
        match self.chance.below(5) {
            // The whole partition, from all that was in it.
            0 => {
                let new = [self.file(table, plan, part, None)];
                let mut one = Part::adding(New::state(&new));
                (one.change, one.reads) = (Change::Partition(part), Some(reads));
                let overwrite =
                    Overwrite::new().removing_where(filter()).validated_from(plan.head).at_level(level);
                let overwrite = with_files!(tagged!(overwrite, plan, record), plan, new);
                self.send(table, Act::of_parts("overwrite by filter", vec![one]), overwrite).await;
            }
            // Some of its files.
            1 if !of_part.is_empty() => {
                let files: BTreeSet<String> = of_part.iter().take(2).map(|(key, _)| (*key).clone()).collect();
                let carried = of_part.iter().take(2).flat_map(|(_, held)| held.live()).collect();
                let new = [self.file(table, plan, part, None)];
                let overwrite = Overwrite::new()
                    .removing(files.iter().map(location))
                    .with_conflict_filter(filter())
                    .validated_from(plan.head)
                    .at_level(level);
                let mut one = Part::adding(New::state(&new));
                (one.change, one.reads, one.carried) = (Change::Files(files), Some(reads), Some(carried));
                let overwrite = with_files!(tagged!(overwrite, plan, record), plan, new);
                self.send(table, Act::of_parts("overwrite files", vec![one]), overwrite).await;
            }
            // Its files as one, with the same rows.
            2 if of_part.len() > 1 => {
                let files: BTreeSet<String> = of_part.iter().map(|(key, _)| (*key).clone()).collect();
                let rows: Vec<u64> = of_part.iter().flat_map(|(_, held)| held.live()).collect();
                let mut one = Part::adding(State::new());
                one.carried = Some(rows.iter().copied().collect());
                let new =
                    if rows.is_empty() { Vec::new() } else { vec![self.file(table, plan, part, Some(rows))] };
                let rewrite = RewriteFiles::new(plan.head).removing(files.iter().map(location));
                (one.change, one.adds) = (Change::Files(files), New::state(&new));
                let rewrite = with_files!(tagged!(rewrite, plan, record), plan, new);
                self.send(table, Act::of_parts("rewrite files", vec![one]), rewrite).await;
            }
            3 => {
                let new = [self.file(table, plan, part, None)];
                let mut one = Part::adding(New::state(&new));
                (one.change, one.reads) = (Change::SamePartitions, None);
                let mut replace = ReplacePartitions::new();
                if self.chance.one_in(2) {
                    replace = replace.validated_from(plan.head, level);
                }
                let replace = with_files!(tagged!(replace, plan, record), plan, new);
                self.send(table, Act::of_parts("replace partitions", vec![one]), replace).await;
            }
            _ if plan.base.metadata.format_version() >= FormatVersion::V3 => {
                self.delete_rows(table, plan, reads, record).await;
            }
            _ => self.add(table, plan).await,
        }
    }

    /// Deletes rows, or puts others in their place.
    async fn delete_rows(&mut self, table: &Committer, plan: &Plan, reads: Reads, record: usize) {
        let mut rows: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (key, held) in plan.state.iter().filter(|(_, held)| held.part() == reads.part) {
            for at in 0..held.rows.len() as u64 {
                if !held.deleted.contains(&at) && self.chance.one_in(3) {
                    rows.entry(key.clone()).or_default().insert(at);
                }
            }
        }
        if rows.is_empty() {
            return self.add(table, plan).await;
        }
        let new =
            if self.chance.one_in(2) { vec![self.file(table, plan, reads.part, None)] } else { Vec::new() };
        let mut delta = RowDelta::new()
            .validated_from(plan.head, reads.level)
            .with_conflict_filter(col("p").equal_to(reads.part));
        for (key, positions) in &rows {
            let vector = DeletionVector::from_positions(positions.iter().copied()).unwrap();
            delta = delta.deleting_rows(format!("s3://sim/{key}"), vector);
        }
        let mut one = Part::adding(New::state(&new));
        // Deletes alone depend on nothing but the rows that they delete.
        (one.change, one.reads) = (Change::Rows(rows), Some(reads).filter(|_| !new.is_empty()));
        let delta = with_files!(tagged!(delta, plan, record), plan, new);
        self.send(table, Act::of_parts("row delta", vec![one]), delta).await;
    }

    async fn remove(&mut self, table: &Committer, plan: &Plan) {
        let record = self.next_record();
        if self.chance.one_in(2) {
            let part = self.part();
            let mut one = Part::adding(State::new());
            one.change = Change::Partition(part);
            let delete = tagged!(DeleteWhere::new(col("p").equal_to(part)), plan, record);
            // Where there is nothing to delete it makes no snapshot.
            let mut act = Act::of_property("delete where", self.name());
            act.parts = vec![one];
            return self.send_with_property(table, act, delete).await;
        }
        let keys: Vec<&String> = plan.state.keys().collect();
        if keys.is_empty() {
            return self.add(table, plan).await;
        }
        let key = self.chance.pick(&keys).clone();
        let mut one = Part::adding(State::new());
        one.change = Change::Files([key.clone()].into());
        let delete = tagged!(DeleteFiles::new([format!("s3://sim/{key}")]), plan, record);
        self.send(table, Act::of_parts("delete files", vec![one]), delete).await;
    }

    /// Stages an append, or publishes what somebody staged.
    async fn publish(&mut self, table: &Committer, plan: &Plan) {
        let staged: Vec<(SnapshotId, Vec<String>)> = {
            let historian = self.site.historian();
            let of = |id: SnapshotId| historian.seen.get(&id).map(|seen| (id, seen.added.clone()));
            let listed = plan.base.metadata.snapshots().flatten();
            listed.filter(|one| one.summary.get("wap.id").is_some()).filter_map(|one| of(one.id)).collect()
        };
        let record = self.next_record();
        if staged.is_empty() || self.chance.one_in(2) {
            let part = self.part();
            let new = self.file(table, plan, part, None);
            let act = Act::of_parts("stage", vec![Part::adding(New::state(std::slice::from_ref(&new)))]);
            let append = tagged!(Append::new(plan.schema), plan, record).staged(format!("audit-{record}"));
            let bytes = crate::site::content(&new.key);
            let append = append.with_unwritten_file(plan.spec, new.file, new.path, bytes);
            return self.send(table, act, append).await;
        }
        let (source, added) = self.chance.pick(&staged);
        let Some(state) = self.site.historian().state(source) else { return };
        let adds = state.iter().filter(|(key, _)| added.contains(key));
        let mut act = Act::of_property("cherry-pick", self.name());
        act.parts = vec![Part::adding(adds.map(|(key, held)| (key.clone(), held.clone())).collect())];
        let pick = tagged!(CherryPick::new(source), plan, record);
        self.send_with_property(table, act, pick).await;
    }

    async fn change_form(&mut self, table: &Committer, plan: &Plan) {
        let mut act = Act::of_property("schema", self.name());
        match self.chance.below(4) {
            0 => {
                let column = act.property.clone().unwrap().replace('.', "_");
                let add =
                    SchemaUpdate::new().add_column(NewColumn::optional(column.clone(), PrimitiveType::Int));
                act.leaves = Leaves::Column(column);
                self.send_with_property(table, act, UpdateSchema::new(add)).await;
            }
            1 => {
                act.name = "partition spec";
                let has_bucket = plan.base.metadata.default_partition_spec().field("b").is_some();
                let update = UpdatePartitionSpec::new().planned_on(plan.spec);
                let update = match has_bucket {
                    true => update.remove_field("b"),
                    false => update.add_named_field("b", "id", Transform::Bucket(4)),
                };
                self.send_with_property(table, act, update).await;
            }
            2 => {
                act.name = "sort order";
                let order = self.chance.pick(&[NullOrder::First, NullOrder::Last]);
                self.send_with_property(table, act, ReplaceSortOrder::new().asc("id", order)).await;
            }
            _ => {
                act.name = "format version";
                self.send_with_property(table, act, UpgradeFormatVersion::to(FormatVersion::V3)).await;
            }
        }
    }

    async fn move_refs(&mut self, table: &Committer, plan: &Plan) {
        let mut act = Act::of_property("refs", self.name());
        let main = plan.base.metadata.current_snapshot_id();
        let (Some(main), Some(head)) = (main, plan.head) else { return self.add(table, plan).await };
        let listed: Vec<SnapshotId> = plan.base.metadata.snapshot_ids().collect();
        let any = self.chance.pick(&listed);
        let refs = UpdateRefs::new();
        match self.chance.below(6) {
            0 if plan.base.metadata.refs().contains_key(SIDE) => {
                let refs = if self.chance.one_in(2) {
                    refs.fast_forward(SIDE, "main")
                } else {
                    refs.remove_branch(SIDE)
                };
                self.send_with_property(table, act, refs).await;
            }
            0 | 1 => self.send_with_property(table, act, refs.create_branch(SIDE, main)).await,
            2 => {
                let tag = act.property.clone().unwrap();
                act.leaves = Leaves::Tag(tag.clone(), any);
                self.send_with_property(table, act, refs.create_tag(tag, any)).await;
            }
            3 if plan.branch == SIDE => {
                self.send_with_property(table, act, refs.replace_branch(SIDE, head, main)).await;
            }
            3 | 4 => {
                act.name = "roll back";
                let ancestors = plan.base.metadata.ancestors(main).flatten().map(|ancestor| ancestor.id);
                let ancestors: Vec<SnapshotId> = ancestors.take(4).collect();
                let target = self.chance.pick(&ancestors);
                self.send_with_property(table, act, RollbackTo::snapshot(target).from(main)).await;
            }
            _ => {
                act.name = "set current";
                self.send_with_property(table, act, SetCurrentSnapshot::to(any).from(Some(main))).await;
            }
        }
    }

    /// Rows come and go in one commit.
    async fn several(&mut self, table: &Committer, plan: &Plan) {
        let part = self.part();
        let record = self.next_record();
        let first = self.file(table, plan, part, None);
        let second = self.file(table, plan, (part + 1) % 3, None);
        let mut emptied = Part::adding(State::new());
        emptied.change = Change::Partition(part);
        let parts = vec![
            Part::adding(New::state(std::slice::from_ref(&second))),
            emptied,
            Part::adding(New::state(std::slice::from_ref(&first))),
        ];
        let append = |new: New, at: usize| {
            let append =
                tagged!(Append::new(plan.schema), plan, record).with_summary_property(PART, at.to_string());
            let bytes = crate::site::content(&new.key);
            append.with_unwritten_file(plan.spec, new.file, new.path, bytes)
        };
        let empty = DeleteWhere::new(col("p").equal_to(part));
        let empty = tagged!(empty, plan, record).with_summary_property(PART, "1");
        let transaction = Transaction::new().with(append(second, 0)).with(empty).with(append(first, 2));
        let mut act = Act::of_property("transaction", self.name());
        act.parts = parts;
        let property = SetProperties::new().set(act.property.clone().unwrap(), "set");
        self.send(table, act, transaction.with(property)).await;
    }

    async fn expire(&mut self, table: &Committer) {
        let mut act = Act::of_property("expire", self.name());
        act.expires = true;
        let now_ms = self.process.context().clock.now_ms();
        let hours = i64::try_from(self.chance.below(4)).unwrap();
        let keep = u32::try_from(self.chance.within(1, 5)).unwrap();
        if self.chance.one_in(3) {
            act.name = "trim history";
            let trim = TrimHistory::before(now_ms - hours * 3_600_000);
            return self.send_with_property(table, act, trim).await;
        }
        let expire = ExpireSnapshots::new().older_than_ms(now_ms - hours * 3_600_000).keep_last(keep);
        let expire = if self.chance.one_in(3) { expire.removing_unused_definitions() } else { expire };
        self.send_with_property(table, act, expire).await;
    }
}
