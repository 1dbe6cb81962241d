//! [`Staging`]: the members of a transaction applied one after the other, as far as what was read allows.
//!
//! Files that a member makes are not there yet when the next one looks for them: manifest lists and manifests of members before are taken from
//! memory. All else is read as any operation has it read, under purposes of the member's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::Uuid;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{ApplyContext, TableUpdate};

use super::NAME;
use super::member::{Ids, name};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::loaded::{Files, Loaded, PURPOSES, of_member};
use crate::operation::Operation;
use crate::produced::{Content, NewManifest, Produced};
use crate::protocol::CommitId;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// How far the members have been applied.
pub(super) enum Progress {
    /// These files have to be read first.
    Wanted(Vec<Read>),
    /// To the end.
    Done,
}

/// What the members are applied to, and for whom.
#[derive(Debug, PartialEq, Eq)]
struct Occasion {
    operation_id: Uuid,
    attempt: u32,
    epoch: MetadataVersion,
    version: MetadataVersion,
    commit: Option<CommitId>,
    last_updated_ms: i64,
    head: Option<SnapshotId>,
}

impl Occasion {
    fn of(base: &Base, inputs: &Inputs<'_>) -> Self {
        Self {
            operation_id: inputs.operation_id,
            attempt: inputs.attempt,
            epoch: inputs.epoch,
            version: base.version,
            commit: base.state.as_ref().map(|state| state.commit),
            last_updated_ms: base.metadata.last_updated_ms(),
            head: base.metadata.current_snapshot_id(),
        }
    }
}

/// The members of a transaction, applied one after the other.
pub(super) struct Staging {
    occasion: Occasion,
    members: Vec<Arc<dyn Operation>>,
    /// The list that was read along with the base: its location, if there is one.
    read_list: Option<String>,
    /// The position of the member that is expected to make the last snapshot.
    last_snapshot: Option<usize>,
    /// The table as the members so far have left it.
    base: Base,
    made: Made,
    /// The member that comes next, if it has begun.
    stage: Option<Stage>,
    next: usize,
    produced: Produced,
    updates: Vec<TableUpdate>,
    own: Vec<SnapshotId>,
}

/// Files that members have made.
#[derive(Default)]
struct Made {
    lists: BTreeMap<String, Arc<Vec<ManifestFile>>>,
    files: BTreeMap<String, Bytes>,
}

/// A member at work.
struct Stage {
    number: u32,
    ids: Ids,
    earlier: Vec<NewManifest>,
    list: Arc<Vec<ManifestFile>>,
    /// What it has been given of the files that members before it have made.
    given: Arc<Files>,
}

impl Staging {
    pub(super) fn new(
        base: &Base,
        inputs: &Inputs<'_>,
        members: &[Arc<dyn Operation>],
        branch: &str,
    ) -> Self {
        Self {
            occasion: Occasion::of(base, inputs),
            members: members.to_vec(),
            read_list: list_of(base, branch),
            last_snapshot: members.iter().rposition(|member| member.reads_manifest_list()),
            base: base.clone(),
            made: Made::default(),
            stage: None,
            next: 0,
            produced: Produced::new(Content::Updates(Vec::new())),
            updates: Vec::new(),
            own: Vec::new(),
        }
    }

    /// Whether it is of this base and attempt.
    pub(super) fn is_of(&self, base: &Base, inputs: &Inputs<'_>) -> bool {
        self.occasion == Occasion::of(base, inputs)
    }

    /// Applies members until one needs files that were not read.
    pub(super) fn advance(&mut self, inputs: &Inputs<'_>) -> Result<Progress, Refusal> {
        let count = self.members.len();
        while let Some(member) = self.members.get(self.next).cloned() {
            let named = |refusal| name(refusal, self.next, count);
            let mut stage = match self.stage.take() {
                Some(stage) => stage,
                None => match self.begin(member.as_ref(), inputs).map_err(named)? {
                    Ok(stage) => stage,
                    Err(wanted) => return Ok(Progress::Wanted(vec![wanted])),
                },
            };
            let wanted = self.wanted(member.as_ref(), &mut stage, inputs).map_err(named)?;
            if !wanted.is_empty() {
                self.stage = Some(stage);
                return Ok(Progress::Wanted(wanted));
            }
            let loaded = stage.loaded(inputs);
            let produced = member.produce(Some(&self.base), &self.inputs(&stage, &loaded, inputs));
            let produced = produced.map_err(named)?;
            self.take(produced, member.name(), inputs).map_err(|refusal| name(refusal, self.next, count))?;
            self.next = self.next.saturating_add(1);
        }
        Ok(Progress::Done)
    }

    /// What is kept of a manifest that a member wanted to see.
    pub(super) fn remember(
        &mut self,
        inputs: &Inputs<'_>,
        row: &Arc<ManifestFile>,
        purpose: u32,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        let number = purpose.checked_div(PURPOSES).unwrap_or(0);
        let own = purpose.checked_rem(PURPOSES).unwrap_or(0);
        let (Some(stage), Some(member)) = (&self.stage, self.members.get(self.next)) else {
            return Ok(Remembered::Bytes(bytes));
        };
        if stage.number != number {
            // Of a member that is done: nobody asks for it any more.
            return Ok(Remembered::Bytes(Bytes::new()));
        }
        let loaded = stage.loaded(inputs);
        let read = Read::Manifest { row: Arc::clone(row), purpose: own };
        member
            .remember(&self.base, &self.inputs(stage, &loaded, inputs), &read, bytes)
            .map_err(|refusal| name(refusal, self.next, self.members.len()))
    }

    /// What all of them make of the base.
    pub(super) fn produced(&self) -> Produced {
        Produced { content: Content::Updates(self.updates.clone()), ..self.produced.clone() }
    }

    /// Begins with the next member, or says which manifest list it needs.
    fn begin(&self, member: &dyn Operation, inputs: &Inputs<'_>) -> Result<Result<Stage, Read>, Refusal> {
        member.validate(Some(&self.base))?;
        let mut list = Arc::default();
        if member.reads_manifest_list() {
            match self.rows(member, inputs)? {
                Ok(rows) => list = rows,
                Err(wanted) => return Ok(Err(wanted)),
            }
        }
        let number = u32::try_from(self.next).unwrap_or(u32::MAX);
        let ids = Ids::of(inputs, number, self.last_snapshot == Some(self.next));
        let mut given = Files::default();
        for (location, rows) in &self.made.lists {
            given.insert_list(location.clone(), Arc::clone(rows));
        }
        let earlier = ids.earlier(inputs);
        Ok(Ok(Stage { number, ids, earlier, list, given: Arc::new(given) }))
    }

    /// The manifest list of the head of a member's branch.
    fn rows(
        &self,
        member: &dyn Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Result<Arc<Vec<ManifestFile>>, Read>, Refusal> {
        let rejected = |reason: String| Refusal::Rejected { operation: NAME, reason };
        let head = self.base.head(member.branch()).map_err(|e| rejected(e.to_string()))?;
        let Some(head) = head else { return Ok(Ok(Arc::default())) };
        let Some(location) = head.manifest_list() else {
            return Err(Refusal::Unsupported {
                operation: NAME,
                reason: format!("snapshot {} names its manifests without a manifest list", head.id),
            });
        };
        if self.read_list.as_deref() == Some(location) {
            return Ok(Ok(Arc::clone(&inputs.loaded.manifest_list)));
        }
        if let Some(rows) = self.made.lists.get(location) {
            return Ok(Ok(Arc::clone(rows)));
        }
        let read = Read::ManifestList { location: location.to_owned() };
        Ok(inputs.loaded.shared_list(location).ok_or(read))
    }

    /// What the member needs that was not read. Files that were made here, and parts of files that were read, are handed to it.
    fn wanted(
        &self,
        member: &dyn Operation,
        stage: &mut Stage,
        inputs: &Inputs<'_>,
    ) -> Result<Vec<Read>, Refusal> {
        loop {
            let loaded = stage.loaded(inputs);
            let own = self.inputs(stage, &loaded, inputs);
            let mut reads = member.reads(&self.base, &own)?;
            reads.retain(|read| !loaded.has(read));
            let mut outer = Vec::new();
            let mut given = Vec::new();
            for read in reads {
                match self.there(&read, inputs.loaded) {
                    Some(bytes) => {
                        let kept = match &read {
                            Read::File { .. } => Remembered::Bytes(bytes),
                            _ => member.remember(&self.base, &own, &read, bytes)?,
                        };
                        given.push((read, kept));
                    }
                    None => outer.push(of_member(&read, stage.number).ok_or_else(|| Refusal::Rejected {
                        operation: NAME,
                        reason: "a transaction cannot be part of another one: join them".to_owned(),
                    })?),
                }
            }
            if given.is_empty() {
                return Ok(outer);
            }
            let files = Arc::make_mut(&mut stage.given);
            given.into_iter().for_each(|(read, kept)| files.insert(&read, kept));
            if !outer.is_empty() {
                return Ok(outer);
            }
        }
    }

    /// The bytes of a file that a member has made, or of a part of a file that was read.
    fn there(&self, read: &Read, loaded: &Loaded) -> Option<Bytes> {
        let made = self.made.files.get(read.location());
        match read {
            Read::ManifestList { .. } => None,
            Read::Manifest { .. } | Read::File { .. } => made.cloned(),
            Read::Range { offset, length_bytes, .. } => match made {
                Some(bytes) => {
                    let from = usize::try_from(*offset).ok()?;
                    let to = from.checked_add(usize::try_from(*length_bytes).ok()?)?;
                    (to <= bytes.len()).then(|| bytes.slice(from..to))
                }
                None => loaded.bytes(read).cloned(),
            },
        }
    }

    fn inputs<'a>(&'a self, stage: &'a Stage, loaded: &'a Loaded, inputs: &Inputs<'a>) -> Inputs<'a> {
        Inputs {
            snapshot_id: stage.ids.snapshot_id,
            operation_id: stage.ids.operation_id,
            loaded,
            earlier: &stage.earlier,
            // The caller's key finds the last snapshot.
            key: inputs.key.filter(|_| self.last_snapshot == Some(self.next)),
            own: &self.own,
            ..*inputs
        }
    }

    /// The member is done: the next one sees what it has made.
    fn take(&mut self, mut made: Produced, member: &'static str, inputs: &Inputs<'_>) -> Result<(), Refusal> {
        let rejected = |reason: String| Refusal::Rejected { operation: member, reason };
        let Content::Updates(updates) = std::mem::replace(&mut made.content, Content::Updates(Vec::new()))
        else {
            return Err(rejected("it makes a table, and is part of a transaction on one".to_owned()));
        };
        // Later updates of the whole list may say "the one added last": nothing comes in between that adds another.
        let context = ApplyContext::new(inputs.now_ms);
        self.base.metadata =
            self.base.metadata.apply(&updates, &context).map_err(|e| rejected(e.to_string()))?;
        self.updates.extend(updates);
        for manifest in made.manifests.iter().filter(|manifest| !manifest.bytes.is_empty()) {
            self.made.files.insert(manifest.row.manifest_path.clone(), manifest.bytes.clone());
        }
        for (path, bytes) in &made.files {
            self.made.files.insert(inputs.location.file(path), bytes.clone());
        }
        if let Some((path, _)) = made.manifest_lists.last() {
            self.made.lists.insert(inputs.location.file(path), Arc::new(made.rows.clone()));
        }
        if let Some(snapshot_id) = made.snapshot_id {
            self.own.push(snapshot_id);
            self.produced.snapshot_id = Some(snapshot_id);
            self.produced.rows = made.rows;
        }
        self.produced.manifests.extend(made.manifests);
        self.produced.manifest_lists.extend(made.manifest_lists);
        self.produced.files.extend(made.files);
        Ok(())
    }
}

impl Stage {
    fn loaded(&self, inputs: &Inputs<'_>) -> Loaded {
        inputs.loaded.of_member(self.number, Arc::clone(&self.list), Arc::clone(&self.given))
    }
}

/// The location of the manifest list of a branch's head.
fn list_of(base: &Base, branch: &str) -> Option<String> {
    let head = base.head(branch).ok().flatten()?;
    head.manifest_list().map(str::to_owned)
}
