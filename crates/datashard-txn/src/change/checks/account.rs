//! Whether a snapshot tells of every data file that it removed.
//!
//! A removal is told by an entry with status deleted. Some writers leave the file out and write no such entry; their removals cannot be seen
//! in the manifests that they added. They show in the counts: those of the summary, and where it has none, those of the manifest lists
//! before and after.

use datashard_spec::manifest::{ManifestContent, ManifestFile};
use datashard_spec::snapshot::{Snapshot, Summary, summary_key};

use super::Place;
use super::finding::Found;
use super::history::{Step, list_of};
use crate::read::Read;
use crate::refusal::Refusal;

impl<'a> Step<'a> {
    /// The manifest list of the parent, if that is needed to tell.
    pub(super) fn parent_read(&self, place: Place<'_>, must_account: bool) -> Result<Option<Read>, Refusal> {
        if !must_account || has_counts(&self.snapshot.summary) {
            return Ok(None);
        }
        let Some(parent) = self.parent(place) else { return Ok(None) };
        Ok(Some(Read::ManifestList { location: list_of(parent, place)?.to_owned() }))
    }

    /// Why removals cannot be told, if they cannot.
    pub(super) fn unaccounted(
        &self,
        place: Place<'_>,
        rows: &[ManifestFile],
        found: &[(&ManifestFile, &Found)],
    ) -> Option<String> {
        let told = self.told(rows, found);
        if has_counts(&self.snapshot.summary) {
            let removed = self.snapshot.summary.count(summary_key::DELETED_DATA_FILES).unwrap_or(0);
            let is_told = told.is_some_and(|told| removed <= told) || removed <= 0;
            return (!is_told).then(|| {
                format!("data files were removed: {removed} by {}, which does not tell which", self.label())
            });
        }
        let before = match (self.snapshot.parent_id, self.parent(place)) {
            (None, _) => Some(0),
            (Some(_), Some(parent)) => {
                let list = parent.manifest_list().and_then(|list| place.inputs.loaded.list(list));
                list.and_then(live_files)
            }
            (Some(_), None) => None,
        };
        let added = self.added(rows).filter(|row| row.content == ManifestContent::Data);
        let added = added.map(|row| row.added_files_count.map(i64::from)).try_fold(0_i64, add);
        let after = live_files(rows);
        let balance = before.zip(added).zip(told).zip(after).map(|(((before, added), told), after)| {
            before.saturating_add(added).saturating_sub(told) <= after
        });
        (balance != Some(true)).then(|| {
            format!("data files may have been removed by {}, which does not tell which", self.label())
        })
    }

    fn parent(&self, place: Place<'a>) -> Option<&'a Snapshot> {
        place.base.metadata.snapshot(self.snapshot.parent_id?).ok().flatten()
    }

    /// The removals that its manifests tell.
    fn told(&self, rows: &[ManifestFile], found: &[(&ManifestFile, &Found)]) -> Option<i64> {
        let counted = |row: &ManifestFile| match row.deleted_files_count {
            Some(count) => Some(i64::from(count)),
            None => {
                let found = found.iter().find(|(other, _)| other.manifest_path == row.manifest_path);
                found.and_then(|(_, found)| i64::try_from(found.deleted_files).ok())
            }
        };
        self.added(rows).filter(|row| row.content == ManifestContent::Data).map(counted).try_fold(0_i64, add)
    }
}

/// Whether a summary has counts: one that has leaves out those that are zero.
fn has_counts(summary: &Summary) -> bool {
    const PREFIXES: [&str; 4] = ["added-", "deleted-", "removed-", "total-"];
    summary.iter().any(|(key, _)| PREFIXES.iter().any(|prefix| key.starts_with(prefix)))
}

/// The live data files of a manifest list, if it tells.
fn live_files(rows: &[ManifestFile]) -> Option<i64> {
    let live = |row: &ManifestFile| {
        let (added, existing) = (row.added_files_count?, row.existing_files_count?);
        Some(i64::from(added).saturating_add(i64::from(existing)))
    };
    rows.iter().filter(|row| row.content == ManifestContent::Data).map(live).try_fold(0_i64, add)
}

fn add(sum: i64, count: Option<i64>) -> Option<i64> {
    sum.checked_add(count?)
}
