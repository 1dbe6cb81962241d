//! [`Merges`]: what of the plan a commit does, given what its earlier attempts did.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::manifest::ManifestFile;

use super::plan::{MergeGroup, plan};
use super::settings::MergeSettings;
use super::{count, write};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::read::Read;
use crate::refusal::Refusal;

/// How much one commit merges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// The most bytes of manifests that are read.
    pub(crate) size_bytes: u64,
    /// How many manifests are read, at most, besides the first group.
    pub(crate) manifests: usize,
}

impl Budget {
    /// Of an append. What is larger gets a commit of its own, so that no append waits for it.
    pub(crate) const INLINE: Self = Self { size_bytes: 1 << 20, manifests: 32 };
    /// Of a commit that does nothing else.
    pub(crate) const SEPARATE: Self = Self { size_bytes: 64 << 20, manifests: 4_096 };
    /// Nothing is merged but what is merged already.
    pub(crate) const NONE: Self = Self { size_bytes: 0, manifests: 0 };
}

/// The merges of one commit.
#[derive(Debug)]
pub(crate) struct Merges {
    /// Merged by an earlier attempt, of manifests that are all still there.
    again: Vec<NewManifest>,
    /// To be merged.
    groups: Vec<MergeGroup>,
    /// Locations of all manifests that are replaced.
    replaced: BTreeSet<String>,
    /// Locations of manifests whose counts are not known, and have to be in the next list.
    uncounted: BTreeSet<String>,
}

impl Merges {
    /// No merges: all manifests of this list stay.
    pub(crate) fn none(base: &Base, list: &[ManifestFile]) -> Self {
        Self {
            again: Vec::new(),
            groups: Vec::new(),
            replaced: BTreeSet::new(),
            uncounted: count::uncounted(base, list),
        }
    }

    /// What is merged of the manifests of this list.
    pub(crate) fn decide(
        base: &Base,
        list: &[ManifestFile],
        earlier: &[NewManifest],
        budget: Budget,
    ) -> Self {
        let mut merges = Self::none(base, list);
        let settings = MergeSettings::of_table(&base.metadata);
        if !settings.enabled {
            return merges;
        }
        // Open numbers of entries are read by the rules of the version: what was merged for another one is merged anew.
        let version = Some(base.metadata.format_version());
        let fitting =
            || earlier.iter().filter(|new| !new.replaces.is_empty() && new.format_version == version);
        if fitting().next().is_some() {
            let listed: BTreeMap<&str, &ManifestFile> =
                list.iter().map(|row| (row.manifest_path.as_str(), row)).collect();
            for manifest in fitting() {
                let is_whole = |location: &String| {
                    let is_same = |row: &&ManifestFile| manifest.can_replace(row);
                    listed.get(location.as_str()).is_some_and(is_same) && !merges.replaced.contains(location)
                };
                if manifest.replaces.keys().all(is_whole) {
                    merges.replaced.extend(manifest.replaces.keys().cloned());
                    merges.again.push(manifest.clone());
                }
            }
        }
        let groups = if merges.replaced.is_empty() {
            plan(list, &settings)
        } else {
            let others = list.iter().filter(|row| !merges.replaced.contains(&row.manifest_path));
            plan(&others.cloned().collect::<Vec<_>>(), &settings)
        };
        let mut left = budget;
        for group in groups {
            let size_bytes = left.size_bytes.checked_sub(group.size_bytes);
            let manifests = left.manifests.checked_sub(group.locations.len());
            // Whatever the fan-in of the table, one group can be merged.
            let manifests = manifests.or_else(|| merges.groups.is_empty().then_some(0));
            if let (Some(size_bytes), Some(manifests)) = (size_bytes, manifests) {
                left = Budget { size_bytes, manifests };
                merges.replaced.extend(group.locations.iter().cloned());
                merges.groups.push(group);
            }
        }
        merges
    }

    /// The manifests that have to be read, of this list.
    pub(crate) fn reads(&self, list: &[ManifestFile]) -> Vec<Read> {
        if self.groups.is_empty() && self.uncounted.is_empty() {
            return Vec::new();
        }
        let merged = self.groups.iter().flat_map(|group| &group.locations);
        let wanted: BTreeSet<&String> = merged.chain(&self.uncounted).collect();
        list.iter().filter(|row| wanted.contains(&row.manifest_path)).map(Read::manifest).collect()
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
    ///
    /// # Errors
    /// `Corrupt` naming a manifest that is damaged, if it had to be read; `Unsupported` for one that this build cannot read.
    pub(crate) fn kept(
        &self,
        inputs: &Inputs<'_>,
        operation: &'static str,
    ) -> Result<Vec<ManifestFile>, Refusal> {
        let list = &inputs.loaded.manifest_list;
        let mut kept = Vec::with_capacity(list.len());
        for row in list.iter().filter(|row| !self.replaced.contains(&row.manifest_path)) {
            let mut row = row.clone();
            if self.uncounted.contains(&row.manifest_path) {
                count::count(&mut row, inputs, operation)?;
            }
            if row.may_have_live_files() {
                kept.push(row);
            }
        }
        Ok(kept)
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
