//! [`Removal`]: what a change takes out of the table.
//!
//! Manifests that may list files to be removed are read one by one. Of each only a finding stays: which files go, and the manifest that is
//! written in its place, in which they are marked as deleted (`rewrite`). Data manifests come first (`data`): which delete files go besides
//! those that are named follows from the data files that do (`deletes`).

mod data;
mod deletes;
mod finding;
mod rewrite;

pub(crate) use finding::Removed;

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_spec::expr::Predicate;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{ManifestContent, ManifestFile};
use datashard_spec::value::Tuple;

use self::data::Lens;
use self::deletes::Dangling;
use self::finding::Filtered;
use super::checks::Place;
use super::purpose;
use crate::conflict::{Conflict, ConflictKind};
use crate::produced::NewManifest;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// What a change takes out of the table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Removal<'o> {
    /// Locations of data files.
    pub(crate) files: Option<&'o BTreeSet<String>>,
    /// Delete files.
    pub(crate) delete_files: Option<&'o BTreeSet<DeleteFileKey>>,
    /// All data files whose rows all match. A file of which some rows match and some may not is a conflict that asks for rewriting it.
    pub(crate) filter: Option<&'o Predicate>,
    /// Whether names in the filter are told apart by case.
    pub(crate) case_sensitive: bool,
    /// All data files of these partitions. The partition of a spec without fields is the whole table, whatever the spec of its files.
    pub(crate) partitions: Option<&'o BTreeSet<(PartitionSpecId, Tuple)>>,
    /// Whether each of the files must be part of the table.
    pub(crate) must_exist: bool,
    /// Whether nothing may be removed: if anything would be, that is a conflict.
    pub(crate) must_be_empty: bool,
}

/// What tells delete files apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeleteFileKey {
    /// Its location.
    pub(crate) location: String,
    /// Of a deletion vector, the data file that it is about.
    pub(crate) referenced_data_file: Option<String>,
}

/// What becomes of the manifests of the base.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The files that go.
    pub(crate) removed: Removed,
    /// The manifests that take the place of others.
    pub(crate) rewritten: Vec<NewManifest>,
    /// Locations of the manifests whose place they take.
    pub(crate) replaced: BTreeSet<String>,
}

impl Removal<'_> {
    /// Whether it can remove anything.
    fn is_nothing(&self) -> bool {
        self.takes_no_data() && self.delete_files.is_none_or(BTreeSet::is_empty)
    }

    fn takes_no_data(&self) -> bool {
        self.files.is_none_or(BTreeSet::is_empty)
            && self.filter.is_none()
            && self.partitions.is_none_or(BTreeSet::is_empty)
    }

    /// Manifests that have to be read: data manifests first, delete manifests when it is known which data files go.
    ///
    /// # Errors
    /// `Rejected` if the filter does not fit the table.
    pub(crate) fn reads(&self, place: Place<'_>) -> Result<Vec<Read>, Refusal> {
        if self.is_nothing() {
            return Ok(Vec::new());
        }
        let data = self.data_reads(place)?;
        if data.iter().any(|read| !place.inputs.loaded.has(read)) {
            return Ok(data);
        }
        let removed = self.removed_data(place, &data)?;
        Ok(self.delete_reads(place, &removed))
    }

    /// What is kept of a manifest that was read.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported` if it cannot be read.
    pub(crate) fn remember(
        &self,
        place: Place<'_>,
        row: &ManifestFile,
        bytes: &Bytes,
    ) -> Result<Remembered, Refusal> {
        match row.content {
            ManifestContent::Data => data::filter(&Lens::new(self, place)?, place, row, bytes),
            ManifestContent::Deletes => {
                let removed = self.removed_data(place, &self.data_reads(place)?)?;
                deletes::filter(&Dangling::new(self, &removed), place, row, bytes)
            }
        }
    }

    /// What becomes of the manifests, once all was read.
    ///
    /// # Errors
    /// `Conflict` if files that must be there are not, if files go only in part, or if anything goes where nothing may.
    pub(crate) fn outcome(&self, place: Place<'_>) -> Result<Outcome, Refusal> {
        let mut outcome = Outcome::default();
        if self.is_nothing() {
            return Ok(outcome);
        }
        let data = self.data_reads(place)?;
        let removed = self.removed_data(place, &data)?;
        let deletes = self.delete_reads(place, &removed);
        let mut partial: Vec<&str> = Vec::new();
        for read in data.iter().chain(&deletes) {
            let filtered = filtered(place, read)?;
            partial.extend(filtered.partial.iter().map(String::as_str));
            if let Some(manifest) = &filtered.rewritten {
                outcome.replaced.insert(read.location().to_owned());
                outcome.rewritten.push(manifest.clone());
            }
            outcome.removed.add(filtered);
        }
        let conflict = |kind, reason: &str| Conflict::new(place.operation, kind, reason);
        if !partial.is_empty() {
            let reason =
                "its filter may match some rows of files and not others: such files have to be rewritten";
            return Err(conflict(ConflictKind::PartialMatch, reason).with_files(partial).into());
        }
        if self.must_exist {
            let missing = self.missing(&outcome.removed);
            if !missing.is_empty() {
                let reason = "files that it removes are not part of the table";
                return Err(conflict(ConflictKind::MissingFiles, reason).with_files(missing).into());
            }
        }
        if self.must_be_empty && !outcome.removed.is_empty() {
            let reason = "there are files where it may only add some";
            let files = outcome.removed.data.iter().map(|file| &*file.location);
            return Err(conflict(ConflictKind::AddedFiles, reason).with_files(files).into());
        }
        Ok(outcome)
    }

    /// Named files that were not found.
    fn missing(&self, removed: &Removed) -> Vec<String> {
        let data: BTreeSet<&str> = removed.data.iter().map(|file| &*file.location).collect();
        let deletes: BTreeSet<&DeleteFileKey> = removed.deletes.iter().map(|file| &file.key).collect();
        let files = self.files.into_iter().flatten().filter(|file| !data.contains(file.as_str())).cloned();
        let delete_files = self.delete_files.into_iter().flatten().filter(|key| !deletes.contains(key));
        files.chain(delete_files.map(|key| key.location.clone())).collect()
    }

    fn data_reads(&self, place: Place<'_>) -> Result<Vec<Read>, Refusal> {
        if self.takes_no_data() {
            return Ok(Vec::new());
        }
        let lens = Lens::new(self, place)?;
        let rows = place.inputs.loaded.manifest_list.iter();
        let wanted = rows.filter(|row| {
            row.content == ManifestContent::Data && row.may_have_live_files() && lens.may_hold(row)
        });
        Ok(wanted.map(|row| manifest_read(row, purpose::DATA)).collect())
    }

    fn removed_data(&self, place: Place<'_>, data: &[Read]) -> Result<Removed, Refusal> {
        let mut removed = Removed::default();
        for read in data {
            removed.add(filtered(place, read)?);
        }
        Ok(removed)
    }

    fn delete_reads(&self, place: Place<'_>, removed: &Removed) -> Vec<Read> {
        if removed.data.is_empty() && self.delete_files.is_none_or(BTreeSet::is_empty) {
            return Vec::new();
        }
        let dangling = Dangling::new(self, removed);
        let rows = place.inputs.loaded.manifest_list.iter();
        let wanted = rows.filter(|row| {
            row.content == ManifestContent::Deletes && row.may_have_live_files() && dangling.may_hold(row)
        });
        wanted.map(|row| manifest_read(row, purpose::DELETES)).collect()
    }
}

fn manifest_read(row: &ManifestFile, purpose: u32) -> Read {
    Read::Manifest { row: std::sync::Arc::new(row.clone()), purpose }
}

fn filtered<'a>(place: Place<'a>, read: &Read) -> Result<&'a Filtered, Refusal> {
    place.inputs.loaded.finding::<Filtered>(read).ok_or_else(|| super::checks::unread(place, read.location()))
}
