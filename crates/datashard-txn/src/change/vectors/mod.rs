//! [`Vectors`]: rows of data files that a change deletes with deletion vectors, merged with what deletes rows of them already.
//!
//! A data file has one deletion vector at most. So a change that deletes rows of a file reads the vector that is there *as of the version
//! that it is committed on*, and puts a vector with the rows of both in its place. That is what makes deletes of different rows of one file
//! commute: whoever loses the race reads the winner's vector and tries again. The same row deleted by both is a conflict, for the other may
//! have written it anew.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `target` | data files whose rows are deleted, and delete files that concern them, as manifests tell |
//! | `merge` | the vectors that come of it, and their Puffin file |

mod merge;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::{ManifestContent, ManifestFile};
use datashard_spec::puffin::DeletionVector;

pub(crate) use self::merge::Merged;
use self::target::{Index, Targets};
use super::checks::{Place, unread};
use super::purpose;
use super::removal::DeleteFileKey;
use crate::action::NewFile;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// Rows of data files that are deleted.
#[derive(Debug, Clone)]
pub(crate) struct Vectors<'o> {
    /// Positions of rows, by the location of their data file.
    pub(crate) rows: &'o BTreeMap<String, DeletionVector>,
    /// Positions that position delete files hold, by the locations of delete file and data file.
    pub(crate) folded: &'o BTreeMap<(String, String), DeletionVector>,
    /// Delete files that go.
    pub(crate) removed: &'o BTreeSet<DeleteFileKey>,
    /// Vectors that somebody has written, by the location of their data file: nothing is merged with them.
    brought: BTreeMap<&'o str, &'o NewFile>,
}

impl<'o> Vectors<'o> {
    /// Rows of these data files, with what is known of position delete files that concern them and with the delete files that go.
    pub(crate) fn new(
        rows: &'o BTreeMap<String, DeletionVector>,
        folded: &'o BTreeMap<(String, String), DeletionVector>,
        removed: &'o BTreeSet<DeleteFileKey>,
    ) -> Self {
        Self { rows, folded, removed, brought: BTreeMap::new() }
    }

    /// With the vectors among delete files that somebody has written. Those for data files that come with the change are for the caller.
    #[must_use]
    pub(crate) fn with_brought(mut self, deletes: &'o [NewFile], data: &'o [NewFile]) -> Self {
        let vectors = deletes.iter().filter(|new| new.file.is_deletion_vector());
        for new in vectors {
            if let Some(of) = new.file.referenced_data_file.as_deref() {
                self.brought.insert(of, new);
            }
        }
        if !self.brought.is_empty() {
            let own: BTreeSet<&str> = data.iter().map(|new| new.file.file_path.as_str()).collect();
            self.brought.retain(|of, _| !own.contains(of));
        }
        self
    }

    /// Locations of the data files for which the change brings a vector.
    pub(crate) fn brought_for(&self) -> BTreeSet<String> {
        self.brought.keys().map(|location| (*location).to_owned()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.brought.is_empty()
    }

    fn concerns(&self, location: &str) -> bool {
        self.rows.contains_key(location) || self.brought.contains_key(location)
    }

    /// What has to be read: manifests first, then the vectors that are there.
    ///
    /// # Errors
    /// `Corrupt` if manifests contradict each other.
    pub(crate) fn reads(&self, place: Place<'_>) -> Result<Vec<Read>, Refusal> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let manifests = self.manifests(place);
        if manifests.iter().any(|read| !place.inputs.loaded.has(read)) {
            return Ok(manifests);
        }
        self.targets(place)?.blobs(self, place)
    }

    /// Whether all was read.
    ///
    /// # Errors
    /// As [`reads`](Self::reads).
    pub(crate) fn are_read(&self, place: Place<'_>) -> Result<bool, Refusal> {
        Ok(self.reads(place)?.iter().all(|read| place.inputs.loaded.has(read)))
    }

    /// What is kept of a manifest.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported` if it cannot be read.
    pub(crate) fn remember(
        &self,
        place: Place<'_>,
        row: &ManifestFile,
        bytes: &Bytes,
    ) -> Result<Remembered, Refusal> {
        Ok(Remembered::Finding(Arc::new(Targets::of_manifest(self, place, row, bytes)?)))
    }

    /// What comes of it, once all was read.
    ///
    /// # Errors
    /// `Conflict` if a data file is gone or a row is deleted already; `Rejected` if a vector is not of its data file's partition;
    /// `Unsupported` if position delete files stand beside a vector that does not have their positions; `Corrupt` if what is there is damaged.
    pub(crate) fn merged(&self, place: Place<'_>) -> Result<Merged, Refusal> {
        if self.is_empty() {
            return Ok(Merged::default());
        }
        merge::merge(self, &self.targets(place)?, place)
    }

    /// The delete files that go because new vectors hold their deletes: known as soon as all manifests are read.
    ///
    /// # Errors
    /// As [`merged`](Self::merged).
    pub(crate) fn obsolete(&self, place: Place<'_>) -> Result<BTreeSet<DeleteFileKey>, Refusal> {
        if self.rows.is_empty() {
            return Ok(BTreeSet::new());
        }
        merge::obsolete(self, &self.targets(place)?, place)
    }

    fn manifests(&self, place: Place<'_>) -> Vec<Read> {
        let rows = place.inputs.loaded.manifest_list.iter().filter(|row| row.may_have_live_files());
        // Data files are all of data manifests; who deletes rows of them is in the others.
        let (data, deletes): (Vec<_>, Vec<_>) = rows.partition(|row| row.content == ManifestContent::Data);
        let read =
            |row: &&ManifestFile| Read::Manifest { row: Arc::new((*row).clone()), purpose: purpose::VECTORS };
        data.iter().chain(&deletes).map(read).collect()
    }

    fn targets<'a>(&self, place: Place<'a>) -> Result<Index<'a>, Refusal> {
        let mut all = Index::default();
        for read in self.manifests(place) {
            let found = place.inputs.loaded.finding::<Targets>(&read);
            all.add(found.ok_or_else(|| unread(place, read.location()))?);
        }
        Ok(all)
    }
}
