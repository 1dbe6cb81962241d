//! [`plan`]: what a writer does next, planned on a version that it knows.

use std::sync::Arc;

use datashard_io::TableStore;
use datashard_spec::id::{MetadataVersion, SchemaId, SnapshotId};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_txn::action::{
    Append, MergeManifests, RewriteManifests, SetProperties, Transaction, UpdateRefs,
};
use datashard_txn::{Base, Operation};

use super::any::Any;
use super::change::Kind;
use super::deed::Deed;
use super::rows::{KEYS, Maker, derived};
use super::shelf::Held;
use crate::chance::Chance;
use crate::site::Site;

/// The key of summaries under which the number of an operation stands.
pub(super) const TAG: &str = "sim.op";

/// What is to be sent, and how the ledger is to keep it.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) operation: Any,
    pub(crate) tag: u64,
    pub(crate) deeds: Vec<Deed>,
    /// Keys of the files that it adds.
    pub(crate) files: Vec<String>,
}

/// What an operation is planned on.
pub(super) struct Planner<'a> {
    pub(super) maker: Maker<'a>,
    pub(super) base: &'a Base,
    pub(super) branch: String,
    /// The head that was read.
    pub(super) since: Option<SnapshotId>,
    pub(super) held: Arc<Held>,
    pub(super) spec: PartitionSpec,
    pub(super) chance: &'a mut Chance,
    pub(super) tag: u64,
    pub(super) files: Vec<String>,
}

/// An append of rows, each in a new file, and the keys of the files.
pub(crate) fn append(
    site: &Site,
    store: &TableStore,
    base: Option<&Base>,
    has_epoch: bool,
    chance: &mut Chance,
    files: u64,
) -> (Append, Vec<String>) {
    let epoch = base.filter(|_| has_epoch).map(|base| base.version);
    let maker = Maker { site, store, epoch };
    let spec = base.map_or_else(
        || PartitionSpec::unpartitioned(datashard_spec::id::PartitionSpecId(0)),
        |base| base.metadata.default_partition_spec().as_ref().clone(),
    );
    let mut keys = Vec::new();
    let mut append = Append::new(base.map_or(SchemaId(0), |base| base.metadata.current_schema_id()));
    for _ in 0..files {
        let tag = site.ledger().file_number();
        let key = i64::try_from(chance.below(KEYS.cast_unsigned())).unwrap();
        for made in maker.data(&[(key, derived([], tag))], &spec) {
            keys.push(made.key());
            append = append.with_unwritten_file(made.spec_id, made.file, made.path, made.bytes);
        }
    }
    (append, keys)
}

/// What is done next, planned on this version; `None` if what was thought of makes no sense there.
pub(crate) fn plan(
    site: &Site,
    store: &TableStore,
    base: &Base,
    chance: &mut Chance,
) -> Result<Option<Planned>, String> {
    let tag = site.ledger().file_number();
    let refs = base.metadata.refs();
    let branches: Vec<&String> =
        refs.iter().filter(|(_, reference)| reference.is_branch()).map(|(name, _)| name).collect();
    let branch = match branches.is_empty() || !chance.one_in(5) {
        true => MAIN_BRANCH.to_owned(),
        false => (*chance.pick(&branches)).clone(),
    };
    let head = base.head(&branch).map_err(|e| e.to_string())?;
    let held = match head {
        Some(head) => site.shelf().held(&site.store, head)?,
        None => Arc::default(),
    };
    let has_epoch = !chance.one_in(3);
    let epoch: Option<MetadataVersion> = has_epoch.then_some(base.version);
    let mut planner = Planner {
        maker: Maker { site, store, epoch },
        base,
        since: head.map(|head| head.id),
        branch,
        held,
        spec: base.metadata.default_partition_spec().as_ref().clone(),
        chance,
        tag,
        files: Vec::new(),
    };
    let Some((deeds, operation)) = planner.anything() else { return Ok(None) };
    Ok(Some(Planned { operation: Any(operation), tag, deeds, files: planner.files }))
}

type Thought = Option<(Vec<Deed>, Arc<dyn Operation>)>;

impl Planner<'_> {
    fn anything(&mut self) -> Thought {
        match self.chance.below(20) {
            0..=12 => {
                let kind = self.kind();
                let (change, operation) = self.change(kind)?;
                Some((vec![Deed::Change(Box::new(change))], operation))
            }
            13 => {
                let deed = vec![Deed::Same { branch: MAIN_BRANCH.to_owned() }];
                let tag = self.tag.to_string();
                match self.chance.one_in(2) {
                    true => Some((deed, Arc::new(MergeManifests::new()))),
                    false => Some((deed, Arc::new(RewriteManifests::new().with_summary_property(TAG, tag)))),
                }
            }
            14..=16 => {
                let (deed, operation) = self.metadata()?;
                // With a mark, or to be known by what it is told alone.
                if self.chance.one_in(2) {
                    return Some((vec![deed], operation));
                }
                let mark = format!("sim.r{}", self.tag);
                let marked = Transaction::new()
                    .with_shared(operation)
                    .with(SetProperties::new().set(mark.clone(), "set"));
                Some((vec![deed, Deed::Property(mark)], Arc::new(marked)))
            }
            _ => self.transaction(),
        }
    }

    fn transaction(&mut self) -> Thought {
        let mut deeds = Vec::new();
        let mut transaction = Transaction::new();
        let mut add = |deed: Deed, operation: Arc<dyn Operation>| {
            deeds.push(deed);
            transaction = std::mem::take(&mut transaction).with_shared(operation);
        };
        match self.chance.below(4) {
            0 => {
                let (change, operation) = self.change(Kind::DeleteWhere)?;
                add(Deed::Change(Box::new(change)), operation);
            }
            1 => {
                let (deed, operation) = self.metadata()?;
                if !matches!(
                    deed,
                    Deed::Property(_) | Deed::Column(_) | Deed::Name { .. } | Deed::Spec { .. }
                ) {
                    return None;
                }
                add(deed, operation);
            }
            2 => {
                let name = format!("sim.p{}", self.tag);
                add(Deed::Property(name.clone()), Arc::new(SetProperties::new().set(name, "set")));
            }
            _ => {
                let kind = self.kind();
                let (change, operation) = self.change(kind)?;
                if change.is_staged {
                    return None;
                }
                add(Deed::Change(Box::new(change)), operation);
                // What it adds must not be what the next part adds.
                self.tag = self.maker.site.ledger().file_number();
            }
        }
        let (change, operation) = self.change(Kind::Append)?;
        if change.is_staged {
            return None;
        }
        add(Deed::Change(Box::new(change)), operation);
        if self.chance.one_in(3) && self.branch == MAIN_BRANCH {
            let name = format!("t{}", self.tag);
            add(
                Deed::Name { name: name.clone(), id: None, is_branch: false },
                Arc::new(UpdateRefs::new().create_tag(name, None)),
            );
        }
        Some((deeds, Arc::new(transaction)))
    }
}
