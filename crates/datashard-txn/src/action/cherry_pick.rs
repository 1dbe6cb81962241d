//! [`CherryPick`]: applies a snapshot that is not part of a branch to its head.

mod history;
mod picked;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::id::{PartitionSpecId, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::snapshot::{Operation as SnapshotOperation, Snapshot, summary_key};
use datashard_spec::value::Tuple;

use self::picked::Picked;
use super::files::{NewFile, excerpt};
use super::metadata_change::{against, changed, listed};
use super::metadata_form::existing;
use super::update_refs::at;
use crate::base::Base;
use crate::change::checks::{Checks, IsolationLevel};
use crate::change::notes::Notes;
use crate::change::removal::Removal;
use crate::change::{Change, Extra, Label};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "cherry-pick";

/// What manifests of the picked snapshot are read for; no part of a change uses it.
const PICK: u32 = 16;

/// Applies a snapshot of another branch, or one that was staged (write, audit, publish), to the head of a branch.
///
/// | the snapshot | what becomes of it |
/// | --- | --- |
/// | its parent is the head | it becomes the head as it is |
/// | an append | its files are added in a new snapshot |
/// | replaced partitions | the same, if its parent is in the history and nobody has changed the partitions since |
/// | anything else | refused |
///
/// One that is in the history already is refused, and so is one that was picked before or whose `wap.id` was published.
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_txn::action::CherryPick;
///
/// let publish = CherryPick::new(SnapshotId(7));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CherryPick {
    snapshot_id: SnapshotId,
    notes: Notes,
}

/// How a snapshot is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Forward,
    Append,
    ReplacePartitions,
}

/// Where the reading stands.
enum Progress<T> {
    /// Files that have to be read first.
    Wanted(Vec<Read>),
    Done(T),
}

impl CherryPick {
    /// Applies this snapshot to `main`.
    pub fn new(snapshot_id: SnapshotId) -> Self {
        Self { snapshot_id, notes: Notes::default() }
    }

    /// To this branch, instead of `main`. A branch that is not there begins where `main` is.
    pub fn to_branch(mut self, branch: impl Into<String>) -> Self {
        self.notes.set_branch(branch);
        self
    }

    /// With an entry for the summary of the snapshot. Counters are computed and cannot be set.
    pub fn with_summary_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.note(key, value);
        self
    }

    /// Decides how the snapshot is applied to this base.
    fn how<'b>(&self, base: &'b Base, inputs: &Inputs<'_>) -> Result<(&'b Snapshot, How), Refusal> {
        let id = self.snapshot_id;
        let source = listed(NAME, base, inputs, id)?;
        let head = base.head(self.notes.branch()).map_err(|e| against(NAME, inputs, e.to_string()))?;
        let head = head.map(|head| head.id);
        if source.parent_id == head {
            return Ok((source, How::Forward));
        }
        let replaces = source.summary.get(summary_key::REPLACE_PARTITIONS) == Some("true");
        match source.summary.operation() {
            Some(SnapshotOperation::Append) => Ok((source, How::Append)),
            Some(SnapshotOperation::Overwrite) if replaces => Ok((source, How::ReplacePartitions)),
            _ => Err(against(
                NAME,
                inputs,
                format!(
                    "snapshot {id} is no append and replaces no partitions, so it can only follow its own parent, which is not the head of \
                     `{}`",
                    excerpt(self.notes.branch())
                ),
            )),
        }
    }

    /// Sees to it that nothing is published twice.
    fn check_history(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Progress<()>, Refusal> {
        let source = listed(NAME, base, inputs, self.snapshot_id)?;
        let head = base.head(self.notes.branch()).map_err(|e| against(NAME, inputs, e.to_string()))?;
        match history::published(source, head.map(|head| head.id), base, inputs)? {
            Progress::Wanted(reads) => Ok(Progress::Wanted(reads)),
            Progress::Done(None) => Ok(Progress::Done(())),
            Progress::Done(Some(how)) => {
                let branch = excerpt(self.notes.branch());
                Err(against(NAME, inputs, format!("snapshot {} {how} of `{branch}` already", source.id)))
            }
        }
    }

    /// What the snapshot added and removed, once that was read.
    fn picked(&self, source: &Snapshot, inputs: &Inputs<'_>) -> Result<Progress<Picked>, Refusal> {
        let location = source.manifest_list().ok_or_else(|| Refusal::Unsupported {
            operation: NAME,
            reason: format!("snapshot {} names its manifests without a manifest list", source.id),
        })?;
        let Some(rows) = inputs.loaded.list(location) else {
            return Ok(Progress::Wanted(vec![Read::ManifestList { location: location.to_owned() }]));
        };
        let reads: Vec<Read> =
            rows.iter().filter(|row| row.added_snapshot_id == source.id).map(pick_read).collect();
        let mut all = Picked::default();
        for read in &reads {
            match inputs.loaded.finding::<Picked>(read) {
                Some(picked) => all.join(picked),
                None => return Ok(Progress::Wanted(reads)),
            }
        }
        Ok(Progress::Done(all))
    }

    /// Makes the change, if the snapshot has to be applied anew and all of it was read.
    fn with_change<T>(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        then: impl FnOnce(Change<'_>) -> Result<T, Refusal>,
    ) -> Result<Progress<T>, Refusal> {
        let (source, how) = self.how(base, inputs)?;
        let picked = match self.picked(source, inputs)? {
            Progress::Wanted(reads) => return Ok(Progress::Wanted(reads)),
            Progress::Done(picked) => picked,
        };
        if picked.adds_deletes {
            let reason = format!("snapshot {} adds delete files, which cannot be picked", source.id);
            return Err(Refusal::Rejected { operation: NAME, reason });
        }
        let schema_id = source.schema_id.unwrap_or_else(|| base.metadata.current_schema_id());
        let added: Vec<NewFile> = picked
            .added
            .iter()
            .map(|(spec_id, file)| NewFile { schema_id, spec_id: *spec_id, file: Arc::clone(file) })
            .collect();
        let mut notes = self.notes.clone();
        notes.note(summary_key::SOURCE_SNAPSHOT_ID, source.id.to_string());
        if let Some(wap_id) = source.summary.get(summary_key::WAP_ID) {
            notes.note(summary_key::PUBLISHED_WAP_ID, wap_id);
        }
        let partitions: BTreeSet<(PartitionSpecId, Tuple)> =
            added.iter().map(|new| (new.spec_id, new.file.partition.clone())).collect();
        let mut change = Change {
            name: NAME,
            label: Label::Fixed(SnapshotOperation::Append),
            notes: &notes,
            added: &added,
            data_sequence_number: None,
            added_deletes: &[],
            removal: Removal::default(),
            checks: Checks::default(),
            extra: Extra::default(),
        };
        if how == How::Append {
            return then(change).map(Progress::Done);
        }
        let mut replacing = notes.clone();
        replacing.note(summary_key::REPLACE_PARTITIONS, "true");
        change.notes = &replacing;
        change.label = Label::Fixed(SnapshotOperation::Overwrite);
        change.removal = Removal { files: Some(&picked.removed), must_exist: true, ..Removal::default() };
        change.checks =
            Checks::of_replaced_partitions(source.parent_id, IsolationLevel::Serializable, &partitions);
        then(change).map(Progress::Done)
    }
}

impl Operation for CherryPick {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{}\0{:?}", self.snapshot_id, self.notes).into_bytes()
    }

    fn branch(&self) -> &str {
        self.notes.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        if let Progress::Wanted(reads) = self.check_history(base, inputs)? {
            return Ok(reads);
        }
        if self.how(base, inputs)?.1 == How::Forward {
            return Ok(Vec::new());
        }
        match self.with_change(base, inputs, |change| change.reads(base, inputs))? {
            Progress::Wanted(reads) | Progress::Done(reads) => Ok(reads),
        }
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        if let Read::Manifest { row, purpose: PICK } = read {
            let picked = Picked::read(row, &bytes, base, inputs, self.snapshot_id)?;
            return Ok(Remembered::Finding(Arc::new(picked)));
        }
        let remembered =
            self.with_change(base, inputs, |change| change.remember(base, inputs, read, bytes.clone()))?;
        match remembered {
            Progress::Done(remembered) => Ok(remembered),
            Progress::Wanted(_) => Ok(Remembered::Bytes(bytes)),
        }
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        if let Progress::Wanted(reads) = self.check_history(base, inputs)? {
            return Err(unread(&reads));
        }
        let (source, how) = self.how(base, inputs)?;
        if how == How::Forward {
            let branch = self.notes.branch();
            let reference = at(base, branch, source.id);
            let update = TableUpdate::SetSnapshotRef { name: branch.to_owned(), reference };
            return changed(NAME, base, inputs, vec![update]);
        }
        match self.with_change(base, inputs, |change| change.produce(base, inputs))? {
            Progress::Done(produced) => Ok(produced),
            Progress::Wanted(reads) => Err(unread(&reads)),
        }
    }
}

fn unread(reads: &[Read]) -> Refusal {
    let path = reads.first().map(|read| read.location().to_owned()).unwrap_or_default();
    Refusal::Corrupt { path, reason: "it was not read".to_owned() }
}

fn pick_read(row: &ManifestFile) -> Read {
    Read::Manifest { row: Arc::new(row.clone()), purpose: PICK }
}

#[cfg(test)]
mod tests;
