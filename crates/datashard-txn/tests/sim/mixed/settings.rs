//! Operations that change what a table says, and no rows: properties, columns, partitioning, refs, and the end of history.

use std::sync::Arc;

use datashard_spec::id::SnapshotId;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_spec::transform::Transform;
use datashard_txn::Operation;
use datashard_txn::action::{
    CherryPick, ExpireSnapshots, RollbackTo, SetCurrentSnapshot, SetProperties, UpdatePartitionSpec,
    UpdateRefs, UpdateSchema,
};
use datashard_txn::segments::TrimHistory;

use super::deed::Deed;
use super::planner::{Planner, TAG};
use super::rows::OWN;
use crate::plan::Keeps;

impl Planner<'_> {
    /// A snapshot that the base lists.
    fn snapshot(&mut self) -> Option<SnapshotId> {
        let ids: Vec<SnapshotId> = self.base.metadata.snapshot_ids().collect();
        if ids.is_empty() { None } else { Some(self.chance.pick(&ids)) }
    }

    /// A change of metadata; `None` if there is nothing that it could change.
    pub(super) fn metadata(&mut self) -> Option<(Deed, Arc<dyn Operation>)> {
        let metadata = &self.base.metadata;
        let tag = self.tag;
        let current = metadata.current_snapshot_id();
        let from = current.filter(|_| self.chance.one_in(2));
        let mixed = self.maker.site.plan.mixed();
        let named: Vec<String> =
            metadata.refs().keys().filter(|name| *name != MAIN_BRANCH).cloned().collect();
        Some(match self.chance.below(16) {
            0 => {
                let name = format!("sim.p{tag}");
                (Deed::Property(name.clone()), Arc::new(SetProperties::new().set(name, "set")))
            }
            1 => {
                let name = format!("c{tag}");
                let column = NewColumn::optional(name.clone(), PrimitiveType::String);
                (Deed::Column(name), Arc::new(UpdateSchema::new(SchemaUpdate::new().add_column(column))))
            }
            2 | 3 if mixed.changes_specs => {
                let has_own = self.spec.field(OWN).is_none();
                let update = UpdatePartitionSpec::new();
                let update = match has_own {
                    true => update.add_named_field(OWN, "id", Transform::Identity),
                    false => update.remove_field(OWN),
                };
                (Deed::Spec { has_own }, Arc::new(update))
            }
            2..=5 => {
                let (id, is_branch) = (self.snapshot()?, self.chance.one_in(2));
                let name = if is_branch { format!("b{tag}") } else { format!("t{tag}") };
                let refs = UpdateRefs::new();
                let refs = match is_branch {
                    true => refs.create_branch(name.clone(), id),
                    false => refs.create_tag(name.clone(), id),
                };
                (Deed::Name { name, id: Some(id), is_branch }, Arc::new(refs))
            }
            6 if !named.is_empty() => {
                let name = self.chance.pick(&named);
                let refs = UpdateRefs::new();
                let refs = match metadata.refs()[&name].is_branch() {
                    true => refs.remove_branch(name.clone()),
                    false => refs.remove_tag(name.clone()),
                };
                (Deed::Unname(name), Arc::new(refs))
            }
            7 | 8 if !named.is_empty() => {
                let to = self.chance.pick(&named);
                (Deed::Forward { to: to.clone() }, Arc::new(UpdateRefs::new().fast_forward(MAIN_BRANCH, to)))
            }
            9 => {
                let ancestors = metadata.ancestors(current?).take(4);
                let ids: Vec<SnapshotId> = ancestors.filter_map(|snapshot| Some(snapshot.ok()?.id)).collect();
                let to = self.chance.pick(&ids);
                let rollback = RollbackTo::snapshot(to);
                let rollback = from.into_iter().fold(rollback, |rollback, from| rollback.from(from));
                (Deed::Rollback { to, from }, Arc::new(rollback))
            }
            10 => {
                let to = self.snapshot()?;
                let set = SetCurrentSnapshot::to(to);
                let set = from.into_iter().fold(set, |set, from| set.from(Some(from)));
                (Deed::Current { to, from }, Arc::new(set))
            }
            11 | 12 => {
                let staged = metadata.snapshots().flatten();
                let staged = staged.filter(|snapshot| snapshot.summary.get("wap.id").is_some());
                let ids: Vec<SnapshotId> = staged.map(|snapshot| snapshot.id).collect();
                let id = if ids.is_empty() { self.snapshot()? } else { self.chance.pick(&ids) };
                (Deed::Pick(id), Arc::new(CherryPick::new(id).with_summary_property(TAG, tag.to_string())))
            }
            13 if matches!(mixed.keeps, Keeps::Segments(_)) => {
                let before_ms = self.base.metadata.last_updated_ms()
                    - i64::try_from(self.chance.time_up_to(mixed.patience * 4).as_millis()).unwrap();
                (Deed::Trim, Arc::new(TrimHistory::before(before_ms)))
            }
            _ => {
                let before_ms = self.base.metadata.last_updated_ms()
                    - i64::try_from(self.chance.time_up_to(mixed.patience * 4).as_millis()).unwrap();
                let keep = self.chance.within(1, 4);
                let mut expire =
                    ExpireSnapshots::new().older_than_ms(before_ms).keep_last(u32::try_from(keep).unwrap());
                if self.chance.one_in(4) {
                    expire = expire.snapshot(self.snapshot()?);
                }
                if self.chance.one_in(8) && !mixed.changes_specs {
                    expire = expire.removing_unused_definitions();
                }
                (Deed::Expire, Arc::new(expire))
            }
        })
    }
}
