//! [`Step`]: the step from one version to the next, and what operations were to make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::Arc;

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::snapshot::{Operation as SnapshotOperation, Snapshot};
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::annals::Annals;
use super::change::Kind;
use super::deed::Deed;
use super::rows::{OWN, Row};
use super::shelf::Held;
use crate::plan::Keeps;
use crate::site::Site;

/// What a version says, but for rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    refs: BTreeMap<String, (SnapshotId, bool)>,
    pub(super) properties: BTreeSet<String>,
    columns: BTreeSet<String>,
    has_own: bool,
}

impl Said {
    pub(super) fn of(metadata: &TableMetadata) -> Self {
        let refs = metadata.refs().iter();
        let columns = &metadata.current_schema().fields();
        Self {
            refs: refs.map(|(name, of)| (name.clone(), (of.snapshot_id, of.is_branch()))).collect(),
            properties: metadata
                .properties()
                .keys()
                .filter(|name| name.starts_with("sim."))
                .cloned()
                .collect(),
            columns: columns.iter().map(|field| field.name.clone()).collect(),
            has_own: metadata.default_partition_spec().field(OWN).is_some(),
        }
    }

    fn head(&self, branch: &str) -> Option<SnapshotId> {
        self.refs.get(branch).or_else(|| self.refs.get(MAIN_BRANCH)).map(|(id, _)| *id)
    }
}

/// The step from one version to the next.
pub(super) struct Step<'a> {
    pub(super) site: &'a Site,
    pub(super) annals: &'a Annals,
    pub(super) before: Said,
    pub(super) after: Said,
    /// New snapshots, in order.
    pub(super) added: Vec<&'a Snapshot>,
    pub(super) gone: Vec<SnapshotId>,
}

impl Step<'_> {
    pub(super) fn held(&self, id: Option<SnapshotId>) -> Result<Arc<Held>, String> {
        match id {
            None => Ok(Arc::default()),
            Some(id) => {
                let snapshot =
                    self.annals.snapshots.get(&id).ok_or_else(|| format!("there is no snapshot {id}"))?;
                self.site.shelf().held(&self.site.store, snapshot)
            }
        }
    }

    /// Whether it is what these operations make of the version before.
    pub(super) fn explain(&self, deeds: &[Deed]) -> Result<(), String> {
        let mut said = self.before.clone();
        let mut added = self.added.iter().peekable();
        for deed in deeds {
            self.apply(deed, &mut said, &mut added)?;
        }
        if let Some(snapshot) = added.next() {
            return Err(format!("snapshot {} is more than what was asked for", snapshot.id));
        }
        if said != self.after {
            return Err(format!("it says {:?}, and was to say {said:?}", self.after));
        }
        let may_go = deeds.iter().any(Deed::expires)
            || matches!(self.site.plan.mixed().keeps, Keeps::Newest(_)) && !self.added.is_empty();
        match self.gone.first() {
            Some(id) if !may_go => Err(format!("snapshot {id} is gone, and nobody asked for it")),
            _ => Ok(()),
        }
    }

    fn apply<'s>(
        &self,
        deed: &Deed,
        said: &mut Said,
        added: &mut Peekable<impl Iterator<Item = &'s &'s Snapshot>>,
    ) -> Result<(), String> {
        let fail = |what: String| Err(format!("{deed:?}: {what}"));
        match deed {
            Deed::Change(change) => {
                let head = said.head(&change.branch);
                let before = self.held(head)?;
                let rows = change.after(&before).map_err(|what| format!("{deed:?}: {what}"))?;
                // Where nothing matches, nothing is done.
                let deletes =
                    |next: &&&Snapshot| next.summary.operation() == Some(&SnapshotOperation::Delete);
                if change.kind == Kind::DeleteWhere
                    && rows == before.rows
                    && !added.peek().is_some_and(deletes)
                {
                    return Ok(());
                }
                let Some(snapshot) = added.next() else { return fail("it made no snapshot".to_owned()) };
                self.check(snapshot, head, &rows).or_else(fail)?;
                if !change.is_staged {
                    said.refs.insert(change.branch.clone(), (snapshot.id, true));
                }
            }
            Deed::Same { branch } => {
                let head = said.head(branch);
                let Some(snapshot) = added.next() else { return fail("it made no snapshot".to_owned()) };
                self.check(snapshot, head, &self.held(head)?.rows).or_else(fail)?;
                said.refs.insert(branch.clone(), (snapshot.id, true));
            }
            Deed::Pick(id) => {
                let head = said.head(MAIN_BRANCH);
                let source = self.annals.snapshots.get(id).ok_or("there is no such snapshot")?;
                if source.parent_id == head {
                    said.refs.insert(MAIN_BRANCH.to_owned(), (*id, true));
                    return Ok(());
                }
                let Some(snapshot) = added.next() else { return fail("it made no snapshot".to_owned()) };
                let (with, without, before) =
                    (self.held(Some(*id))?, self.held(source.parent_id)?, self.held(head)?);
                if let Some(lost) = without.rows.difference(&with.rows).find(|row| !before.rows.contains(row))
                {
                    return fail(format!("it takes {lost:?} out, which was not there"));
                }
                let left =
                    before.rows.iter().filter(|row| with.rows.contains(row) || !without.rows.contains(row));
                let rows = left.chain(with.rows.difference(&without.rows)).copied().collect();
                self.check(snapshot, head, &rows).or_else(fail)?;
                said.refs.insert(MAIN_BRANCH.to_owned(), (snapshot.id, true));
            }
            Deed::Property(name) => {
                said.properties.insert(name.clone());
            }
            Deed::Column(name) => {
                said.columns.insert(name.clone());
            }
            Deed::Spec { has_own } => said.has_own = *has_own,
            Deed::Name { name, id, is_branch } => {
                let Some(id) = id.or_else(|| said.head(MAIN_BRANCH)) else {
                    return fail("there is nothing to name".to_owned());
                };
                if said.refs.insert(name.clone(), (id, *is_branch)).is_some() {
                    return fail("it was there already".to_owned());
                }
            }
            Deed::Unname(name) => {
                if said.refs.remove(name).is_none() {
                    return fail("it was not there".to_owned());
                }
            }
            Deed::Forward { to } => {
                let Some((id, _)) = said.refs.get(to).copied() else {
                    return fail("it was not there".to_owned());
                };
                if said.head(MAIN_BRANCH).is_some_and(|head| !self.annals.is_ancestor(head, id)) {
                    return fail("the head was not in its history".to_owned());
                }
                said.refs.insert(MAIN_BRANCH.to_owned(), (id, true));
            }
            Deed::Rollback { to, from } | Deed::Current { to, from } => {
                let head = said.head(MAIN_BRANCH);
                if from.is_some() && *from != head {
                    return fail(format!("the head was {head:?}"));
                }
                if matches!(deed, Deed::Rollback { .. })
                    && !head.is_some_and(|head| self.annals.is_ancestor(*to, head))
                {
                    return fail("it was not in the history".to_owned());
                }
                said.refs.insert(MAIN_BRANCH.to_owned(), (*to, true));
            }
            Deed::Expire | Deed::Trim => {}
        }
        Ok(())
    }

    fn check(
        &self,
        snapshot: &Snapshot,
        head: Option<SnapshotId>,
        rows: &BTreeSet<Row>,
    ) -> Result<(), String> {
        if snapshot.parent_id != head {
            return Err(format!(
                "snapshot {} follows {:?}, and the head was {head:?}",
                snapshot.id, snapshot.parent_id
            ));
        }
        let held = self.held(Some(snapshot.id))?;
        if held.rows == *rows {
            return Ok(());
        }
        let more: Vec<_> = held.rows.difference(rows).collect();
        let less: Vec<_> = rows.difference(&held.rows).collect();
        Err(format!(
            "snapshot {} has {more:?} more than a serial execution gives, and {less:?} less",
            snapshot.id
        ))
    }
}
