//! [`Selection`]: which manifests are rewritten, and what earlier attempts made of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{ManifestContent, ManifestFile};

use super::RewriteManifests;
use crate::base::Base;
use crate::merge::MergeSettings;
use crate::produced::NewManifest;

/// Manifests of one partition spec and content that are rewritten together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) partition_spec_id: PartitionSpecId,
    pub(super) content: ManifestContent,
    pub(super) locations: Vec<String>,
    pub(super) size_bytes: u64,
}

/// What is rewritten.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Manifests of earlier attempts that are used again.
    pub(super) again: Vec<NewManifest>,
    /// What is rewritten in this attempt.
    pub(super) groups: Vec<Group>,
    /// Locations of all manifests that others take the place of.
    pub(super) replaced: BTreeSet<String>,
}

impl Selection {
    /// What an earlier attempt rewrote, if all of that is still in the list.
    pub(super) fn again(base: &Base, list: &[ManifestFile], earlier: &[NewManifest]) -> Option<Self> {
        // Open numbers of entries are read by the rules of the version.
        let version = Some(base.metadata.format_version());
        let again: Vec<NewManifest> = earlier
            .iter()
            .filter(|new| !new.replaces.is_empty() && new.format_version == version)
            .cloned()
            .collect();
        let replaced: BTreeSet<String> = again.iter().flat_map(|new| new.replaces.keys().cloned()).collect();
        let listed: HashMap<&String, &ManifestFile> =
            list.iter().map(|row| (&row.manifest_path, row)).collect();
        let is_same = |new: &NewManifest| {
            new.replaces.keys().all(|location| listed.get(location).is_some_and(|row| new.can_replace(row)))
        };
        let is_whole = !again.is_empty() && again.iter().all(is_same);
        is_whole.then(|| Self { again, groups: Vec::new(), replaced })
    }

    /// What is wanted of this list.
    pub(super) fn new(wanted: &RewriteManifests, base: &Base, list: &[ManifestFile]) -> Self {
        let settings = MergeSettings::of_table(&base.metadata);
        let mut times_listed: BTreeMap<&str, usize> = BTreeMap::new();
        for row in list {
            let times = times_listed.entry(&row.manifest_path).or_default();
            *times = times.saturating_add(1);
        }
        let mut groups: BTreeMap<(PartitionSpecId, i32), Group> = BTreeMap::new();
        let mut left_bytes = wanted.at_most_bytes.unwrap_or(u64::MAX);
        // The oldest are at the end of a list.
        for row in list.iter().rev() {
            let Ok(size_bytes) = u64::try_from(row.manifest_length) else { continue };
            let is_data = row.content == ManifestContent::Data;
            // Rows without ids get theirs with the next snapshot, by manifest.
            let lacks_row_ids = settings.needs_row_ids && is_data && row.first_row_id.is_none();
            let is_wanted = (is_data || wanted.has_deletes)
                && row.key_metadata.is_none()
                && !lacks_row_ids
                && wanted.of_spec.is_none_or(|spec_id| spec_id == row.partition_spec_id)
                && wanted.smaller_than_bytes.is_none_or(|limit| size_bytes < limit)
                && row.may_have_live_files()
                && times_listed.get(row.manifest_path.as_str()) == Some(&1);
            if !is_wanted {
                continue;
            }
            let Some(left) = left_bytes.checked_sub(size_bytes) else { break };
            left_bytes = left;
            let group =
                groups.entry((row.partition_spec_id, row.content.number())).or_insert_with(|| Group {
                    partition_spec_id: row.partition_spec_id,
                    content: row.content,
                    locations: Vec::new(),
                    size_bytes: 0,
                });
            group.locations.push(row.manifest_path.clone());
            group.size_bytes = group.size_bytes.saturating_add(size_bytes);
        }
        let most = settings.target_size_bytes.saturating_mul(2);
        let is_due = |group: &Group| group.locations.len() > 1 || group.size_bytes > most;
        let groups: Vec<Group> = groups.into_values().filter(is_due).collect();
        let replaced = groups.iter().flat_map(|group| group.locations.iter().cloned()).collect();
        Self { again: Vec::new(), groups, replaced }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// Whether a manifest has to be read to be rewritten.
    pub(super) fn is_rewritten(&self, row: &ManifestFile) -> bool {
        self.again.is_empty() && self.replaced.contains(&row.manifest_path)
    }
}
