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
use self::target::Targets;
use super::checks::{Place, unread};
use super::purpose;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// Rows of data files that are deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vectors {
    /// Positions of rows, by the location of their data file.
    pub(crate) rows: BTreeMap<String, DeletionVector>,
    /// Data files for which the change brings a vector that somebody has written: nothing is merged with it.
    pub(crate) finished: BTreeSet<String>,
    /// Positions that position delete files hold, by the locations of delete file and data file.
    pub(crate) folded: BTreeMap<(String, String), DeletionVector>,
}

impl Vectors {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.finished.is_empty()
    }

    fn concerns(&self, location: &str) -> bool {
        self.rows.contains_key(location) || self.finished.contains(location)
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
    /// `Conflict` if a data file is gone or a row is deleted already; `Corrupt` if what is there is damaged.
    pub(crate) fn merged(&self, place: Place<'_>) -> Result<Merged, Refusal> {
        if self.is_empty() {
            return Ok(Merged::default());
        }
        merge::merge(self, &self.targets(place)?, place)
    }

    fn manifests(&self, place: Place<'_>) -> Vec<Read> {
        let rows = place.inputs.loaded.manifest_list.iter().filter(|row| row.may_have_live_files());
        // Data files are all of data manifests; who deletes rows of them is in the others.
        let (data, deletes): (Vec<_>, Vec<_>) = rows.partition(|row| row.content == ManifestContent::Data);
        let read =
            |row: &&ManifestFile| Read::Manifest { row: Arc::new((*row).clone()), purpose: purpose::VECTORS };
        data.iter().chain(&deletes).map(read).collect()
    }

    fn targets(&self, place: Place<'_>) -> Result<Targets, Refusal> {
        let mut all = Targets::default();
        for read in self.manifests(place) {
            let found = place.inputs.loaded.finding::<Targets>(&read);
            all.add(found.ok_or_else(|| unread(place, read.location()))?);
        }
        Ok(all)
    }
}
