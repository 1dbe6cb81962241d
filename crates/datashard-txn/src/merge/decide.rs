//! [`Merges`]: what of the plan a commit does, given what its earlier attempts did.

use std::collections::BTreeSet;

use datashard_spec::manifest::ManifestFile;

use super::plan::{MergeGroup, plan};
use super::settings::MergeSettings;
use super::write;
use crate::base::Base;
use crate::operation::{Inputs, NewManifest, Refusal};

/// The merges of one commit.
#[derive(Debug)]
pub(crate) struct Merges {
    /// Merged by an earlier attempt, of manifests that are all still there.
    again: Vec<NewManifest>,
    /// To be merged.
    groups: Vec<MergeGroup>,
    /// Locations of all manifests that are replaced.
    replaced: BTreeSet<String>,
}

impl Merges {
    /// Merges manifests of at most so many bytes.
    pub(crate) fn decide(
        base: &Base,
        list: &[ManifestFile],
        earlier: &[NewManifest],
        limit_bytes: u64,
    ) -> Self {
        let mut merges = Self { again: Vec::new(), groups: Vec::new(), replaced: BTreeSet::new() };
        let settings = MergeSettings::of_table(&base.metadata);
        if !settings.enabled {
            return merges;
        }
        let mut left_bytes = limit_bytes;
        if earlier.iter().any(|manifest| !manifest.replaces.is_empty()) {
            let listed: BTreeSet<&str> = list.iter().map(|row| row.manifest_path.as_str()).collect();
            for manifest in earlier.iter().filter(|manifest| !manifest.replaces.is_empty()) {
                let is_whole = |location: &String| {
                    listed.contains(location.as_str()) && !merges.replaced.contains(location)
                };
                if manifest.replaces.iter().all(is_whole) {
                    merges.replaced.extend(manifest.replaces.iter().cloned());
                    merges.again.push(manifest.clone());
                    let size_bytes = u64::try_from(manifest.row.manifest_length).unwrap_or(u64::MAX);
                    left_bytes = left_bytes.saturating_sub(size_bytes);
                }
            }
        }
        let groups = if merges.replaced.is_empty() {
            plan(list, &settings)
        } else {
            let others = list.iter().filter(|row| !merges.replaced.contains(&row.manifest_path));
            plan(&others.cloned().collect::<Vec<_>>(), &settings)
        };
        for group in groups {
            if let Some(left) = left_bytes.checked_sub(group.size_bytes) {
                left_bytes = left;
                merges.replaced.extend(group.locations.iter().cloned());
                merges.groups.push(group);
            }
        }
        merges
    }

    /// Locations of the manifests that have to be read.
    pub(crate) fn reads(&self) -> Vec<String> {
        self.groups.iter().flat_map(|group| group.locations.iter().cloned()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// How many manifests are replaced.
    pub(crate) fn replaced(&self) -> usize {
        self.replaced.len()
    }

    /// The bytes of the largest group.
    pub(crate) fn largest_bytes(&self) -> u64 {
        self.groups.iter().map(|group| group.size_bytes).max().unwrap_or(0)
    }

    /// The rows of the list that stay: those that are not replaced and have files that are part of the table. A manifest of deleted entries
    /// was there for the snapshot that deleted them.
    pub(crate) fn kept(&self, list: &[ManifestFile]) -> Vec<ManifestFile> {
        let stays =
            |row: &&ManifestFile| row.may_have_live_files() && !self.replaced.contains(&row.manifest_path);
        list.iter().filter(stays).cloned().collect()
    }

    /// Makes the merged manifests, after those that are there already.
    ///
    /// # Errors
    /// `Corrupt` naming a manifest that is damaged; `Unsupported` for one that this build cannot read.
    pub(crate) fn write(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        operation: &'static str,
        created: &mut Vec<NewManifest>,
    ) -> Result<(), Refusal> {
        // Names of earlier attempts are taken, whether what they name is used again or not.
        let mut number = created.len().max(inputs.earlier.len());
        created.extend(self.again.iter().cloned());
        for group in &self.groups {
            created.push(write::merged(group, base, inputs, number, operation)?);
            number = number.saturating_add(1);
        }
        Ok(())
    }
}
