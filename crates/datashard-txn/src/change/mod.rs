//! [`Change`]: a snapshot that adds and removes files, whatever operation asks for it.
//!
//! Overwrites, deletes, compactions and row-level operations differ in what they add, what they remove and what must not have been
//! committed meanwhile; how that becomes manifests, a manifest list and a snapshot is the same for all, and stands here:
//!
//! | part | what it does | reads for it |
//! | --- | --- | --- |
//! | `checks` | holds what was committed since the operation began against what it assumed | manifest lists and manifests of newer snapshots |
//! | `removal` | takes files out of manifests: by path, by filter, by partition | manifests that may hold such files |
//! | `vectors` | merges rows to be deleted with the deletion vectors that are there | manifests, blobs |
//! | `added` | writes the manifests of new files | |
//! | `summary` | counts what is added and removed | |
//! | `notes` | where the snapshot goes, and the caller's entries of its summary | |
//!
//! Each part says what it has to read given what was read so far, keeps findings, and does its share of the next version.

pub(crate) mod added;
pub(crate) mod checks;
pub(crate) mod notes;
pub(crate) mod removal;
mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod vectors;

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::DataSequenceNumber;
use datashard_spec::manifest::ManifestContent;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use self::added::{added_manifests, manifests};
use self::checks::{Check, Checks, Place, RemovedFile};
use self::notes::Notes;
use self::removal::{DeleteFileKey, Outcome, Removal, Removed};
use self::summary::Tally;
use crate::action::{NewFile, NewSnapshot, excerpt};
use crate::base::Base;
use crate::epoch;
use crate::inputs::Inputs;
use crate::merge::Merges;
use crate::produced::{Content, Produced};
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// What manifests are read for ([`Read::Manifest`](crate::Read::Manifest)).
pub(crate) mod purpose {
    /// Data manifests, to take files out of them.
    pub(crate) const DATA: u32 = 1;
    /// Delete manifests, to take files out of them.
    pub(crate) const DELETES: u32 = 2;
    /// Manifests of newer snapshots, to find what stands against the operation.
    pub(crate) const CHECK: u32 = 3;
    /// Data manifests, to find data files whose rows are deleted, and delete manifests, to find what deletes rows of them already.
    pub(crate) const VECTORS: u32 = 4;

    /// The last reading of one delete manifest that has a number of its own.
    pub(crate) const MOST_READINGS: u32 = (1 << 12) - 1;

    /// Delete manifests, to take files out of them: what is found depends on the data files that go, and there is a reading for each time
    /// that they are others.
    pub(crate) fn deletes(reading: u32) -> u32 {
        reading.min(MOST_READINGS).saturating_mul(16).saturating_add(DELETES)
    }

    /// What it is, whichever reading.
    pub(crate) fn kind(purpose: u32) -> u32 {
        purpose.checked_rem(16).unwrap_or(purpose)
    }
}

/// A snapshot that adds and removes files.
#[derive(Debug, Clone)]
pub(crate) struct Change<'o> {
    /// The name of the operation, for messages.
    pub(crate) name: &'static str,
    /// What it is to readers.
    pub(crate) label: Label,
    /// Where it goes, and the caller's entries of its summary.
    pub(crate) notes: &'o Notes,
    /// Data files that it adds.
    pub(crate) added: &'o [NewFile],
    /// The data sequence number of the data files that it adds; that of the commit if it is `None`. A compaction keeps that of the files
    /// that it read, so that equality deletes committed meanwhile still reach its rows.
    pub(crate) data_sequence_number: Option<DataSequenceNumber>,
    /// Delete files that it adds: position and equality delete files, and deletion vectors that somebody has written.
    pub(crate) added_deletes: &'o [NewFile],
    /// What it removes.
    pub(crate) removal: Removal<'o>,
    /// What must not have been committed meanwhile.
    pub(crate) checks: Checks<'o>,
    /// What it writes besides, made for this attempt.
    pub(crate) extra: Extra,
}

/// Files that are made for one attempt: deletion vectors that are merged with those that are there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    /// Delete files, to be added in a manifest of this attempt.
    pub(crate) deletes: Vec<NewFile>,
    /// The files that they are in.
    pub(crate) files: Vec<(TablePath, Bytes)>,
}

/// How the operation of a snapshot is told to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    /// This one, whatever it comes to.
    Fixed(SnapshotOperation),
    /// By what it adds and removes: additions of data only make an append; removals, or deletes and no data, a delete; all else an overwrite.
    ByContent,
}

impl Change<'_> {
    fn place<'a>(&'a self, base: &'a Base, inputs: &'a Inputs<'a>) -> Place<'a> {
        Place { operation: self.name, branch: self.notes.branch(), base, inputs }
    }

    /// The checks; and of files that must be there, who removed them.
    fn checks(&self) -> Checks<'_> {
        let checks = self.checks.clone();
        match self.removal.files {
            Some(files) if self.removal.must_exist && !files.is_empty() && !checks.list.is_empty() => {
                checks.with(Check::Remain(files))
            }
            _ => checks,
        }
    }

    /// What has to be read for it, given what was read so far.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    pub(crate) fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let place = self.place(base, inputs);
        let list = &inputs.loaded.manifest_list;
        let mut reads = self.removal.reads(place)?;
        reads.extend(self.checks().reads(place)?);
        reads.extend(Merges::none(base, list).reads(list));
        Ok(reads)
    }

    /// As [`reads`](Self::reads), for the checks alone.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub(crate) fn check_reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.checks().reads(self.place(base, inputs))
    }

    /// Whether the checks hold.
    ///
    /// # Errors
    /// `Conflict` if one does not.
    pub(crate) fn verify(&self, base: &Base, inputs: &Inputs<'_>) -> Result<(), Refusal> {
        self.checks().verify(self.place(base, inputs), &[])
    }

    /// What is kept of a file that was read.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    pub(crate) fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        let place = self.place(base, inputs);
        let Read::Manifest { row, purpose } = read else { return Ok(Remembered::Bytes(bytes)) };
        match purpose::kind(*purpose) {
            purpose::DATA | purpose::DELETES => self.removal.remember(place, row, &bytes),
            purpose::CHECK => self.checks().remember(place, row, &bytes),
            _ => Ok(Remembered::Bytes(bytes)),
        }
    }

    /// What the next version holds.
    ///
    /// # Errors
    /// `Conflict` if a check does not hold or files that must be there are not; `Rejected` if a file cannot be added; `Corrupt` if what was
    /// read is damaged.
    pub(crate) fn produce(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let place = self.place(base, inputs);
        let name = self.name;
        let checks = self.checks();
        let outcome = self.removal.outcome(place);
        if outcome.is_err() {
            // Better told with the snapshot that is at fault.
            checks.verify(place, &[])?;
        }
        let Outcome { removed, rewritten, replaced } = outcome?;
        self.check_added(&removed)?;
        let files: Vec<RemovedFile<'_>> = removed
            .data
            .iter()
            .map(|file| RemovedFile {
                location: &file.location,
                spec_id: file.spec_id,
                partition: &file.partition,
                data_sequence_number: file.data_sequence_number,
            })
            .collect();
        checks.verify(place, &files)?;
        if removed.is_empty() && self.adds_nothing() {
            // Nothing to do is no failure, and nothing that readers should have to look at.
            return Ok(Produced::new(Content::Updates(Vec::new())));
        }

        let add =
            |files: &[NewFile], content, number| added_manifests(files, content, number, base, inputs, name);
        let mut created = Vec::new();
        if !self.added.is_empty() {
            created.extend(add(self.added, ManifestContent::Data, self.data_sequence_number)?);
        }
        if !self.added_deletes.is_empty() {
            created.extend(add(self.added_deletes, ManifestContent::Deletes, None)?);
        }
        if !self.extra.deletes.is_empty() {
            // Their names tell the attempt, and they are not used again: the next attempt merges anew.
            let path =
                |manifest| epoch::attempt_path(inputs.epoch, inputs.operation_id, inputs.attempt, manifest);
            let extra = &self.extra.deletes;
            created.extend(manifests(extra, ManifestContent::Deletes, None, base, inputs, name, path)?);
        }
        let replaced_count = replaced.len();
        created.extend(rewritten);
        let list = &inputs.loaded.manifest_list;
        let mut kept = Merges::none(base, list).kept(inputs, name)?;
        kept.retain(|row| !replaced.contains(&row.manifest_path));

        let mut tally = Tally::default();
        self.added.iter().chain(self.added_deletes).chain(&self.extra.deletes).for_each(|new| tally.add(new));
        tally.remove(&removed);
        let summary = tally.finish(self.notes.summary());
        let mut produced = NewSnapshot {
            name,
            operation: self.operation(!removed.is_empty()),
            summary,
            created,
            kept,
            replaced: replaced_count,
            target: self.notes.target(),
            base,
            inputs,
        }
        .produce()?;
        produced.files.extend(self.extra.files.iter().cloned());
        Ok(produced)
    }

    /// Whether what it adds can take the place of what it removes.
    fn check_added(&self, removed: &Removed) -> Result<(), Refusal> {
        let rejected = |reason| Err(Refusal::Rejected { operation: self.name, reason });
        let newest = removed.data.iter().map(|file| file.data_sequence_number).max();
        if let (Some(number), Some(newest)) = (self.data_sequence_number, newest)
            && number < newest
        {
            // Equality deletes in between did not reach those rows, and would from now on.
            return rejected(format!(
                "its data sequence number is {number}, and it removes data files of number {newest}"
            ));
        }
        // Their order is nobody's: they are looked up.
        let locations: HashSet<&str> = removed.data.iter().map(|file| &*file.location).collect();
        let deletes: HashSet<&DeleteFileKey> = removed.deletes.iter().map(|file| &file.key).collect();
        let is_removed = |new: &&NewFile| {
            locations.contains(new.file.file_path.as_str())
                || (!deletes.is_empty() && deletes.contains(&DeleteFileKey::of(&new.file)))
        };
        let added = self.added.iter().chain(self.added_deletes).chain(&self.extra.deletes);
        let both = added.into_iter().find(is_removed);
        both.map_or(Ok(()), |new| {
            rejected(format!(
                "it adds the file `{}`, which it also removes: new files have new names",
                excerpt(&new.file.file_path)
            ))
        })
    }

    fn adds_nothing(&self) -> bool {
        self.added.is_empty() && self.added_deletes.is_empty() && self.extra.deletes.is_empty()
    }

    fn operation(&self, removes: bool) -> SnapshotOperation {
        let adds_deletes = !self.added_deletes.is_empty() || !self.extra.deletes.is_empty();
        match &self.label {
            Label::Fixed(operation) => operation.clone(),
            Label::ByContent => match (!self.added.is_empty(), removes || adds_deletes) {
                (true, false) => SnapshotOperation::Append,
                (false, _) => SnapshotOperation::Delete,
                (true, true) => SnapshotOperation::Overwrite,
            },
        }
    }
}

/// Locations of the data files that these deletes name.
pub(crate) fn referenced(deletes: &[NewFile]) -> BTreeSet<String> {
    deletes.iter().filter_map(|new| new.file.referenced_data_file.clone()).collect()
}
