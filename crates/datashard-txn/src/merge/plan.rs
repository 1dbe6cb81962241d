//! [`plan`]: which manifests go together.
//!
//! The class of a manifest goes by how many live entries it has, not by its bytes: the header alone takes about 8 KB, as much as dozens of
//! entries, and manifests of one entry and of twenty would be alike. So a merge of one class always lands in a higher one, and no entry is
//! written again within a class. Only where entries are so large that the target size cuts a merge short it may stay in its class; it is
//! then half of the target size or more, and left alone from there on.

use std::collections::{BTreeMap, HashMap};

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{ManifestContent, ManifestFile};

use super::settings::MergeSettings;

/// Manifests that are to become one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergeGroup {
    /// The partition spec of all of them.
    pub partition_spec_id: PartitionSpecId,
    /// What all of them hold.
    pub content: ManifestContent,
    /// Their size class: 0 up to 7 entries, 1 up to 63, and so on.
    pub class: u32,
    /// Their locations, in the order of the list.
    pub locations: Vec<String>,
    /// Their bytes together.
    pub size_bytes: u64,
}

/// A manifest and its bytes.
type Member<'l> = (&'l ManifestFile, u64);

/// Which manifests of a list are due to be merged, small classes first.
///
/// Manifests are left alone whose counts are not known, which are encrypted, of half the target size or more, or listed twice.
///
/// # Examples
/// ```
/// use datashard_spec::id::{PartitionSpecId, SnapshotId};
/// use datashard_spec::manifest::ManifestFile;
/// use datashard_txn::merge::{MergeSettings, plan};
///
/// let row = |number: usize| {
///     let mut row = ManifestFile::new(format!("s3://b/t/metadata/m{number}.avro"), 8_300, PartitionSpecId(0), SnapshotId(1));
///     (row.added_files_count, row.existing_files_count) = (Some(1), Some(0));
///     row
/// };
/// let list: Vec<ManifestFile> = (0..8).map(row).collect();
/// assert_eq!(plan(&list, &MergeSettings::default())[0].locations.len(), 8);
/// assert!(plan(&list[1..], &MergeSettings::default()).is_empty());
/// ```
pub fn plan(list: &[ManifestFile], settings: &MergeSettings) -> Vec<MergeGroup> {
    if !settings.enabled {
        return Vec::new();
    }
    let mut times_listed: HashMap<&str, usize> = HashMap::with_capacity(list.len());
    for row in list {
        let times = times_listed.entry(&row.manifest_path).or_default();
        *times = times.saturating_add(1);
    }
    let mut classes: BTreeMap<(u32, PartitionSpecId, i32), Vec<Member<'_>>> = BTreeMap::new();
    for row in list {
        let Some((class, size_bytes)) = class_and_size(row, settings) else { continue };
        if times_listed.get(row.manifest_path.as_str()) == Some(&1) {
            let members = classes.entry((class, row.partition_spec_id, row.content.number())).or_default();
            members.push((row, size_bytes));
        }
    }
    let mut groups = Vec::new();
    for ((class, ..), members) in classes {
        groups.extend(groups_of_class(class, &members, settings));
    }
    groups
}

/// Cuts the manifests of a class into groups, from the end of the list, where the oldest are.
fn groups_of_class(class: u32, members: &[Member<'_>], settings: &MergeSettings) -> Vec<MergeGroup> {
    let fan_in = usize::try_from(settings.fan_in.max(2)).unwrap_or(usize::MAX);
    let mut groups = Vec::new();
    let mut left = members;
    while left.len() >= fan_in {
        let mut size_bytes = 0_u64;
        let mut count = 0_usize;
        for (_, member_bytes) in left.iter().rev().take(fan_in) {
            let sum = size_bytes.saturating_add(*member_bytes);
            if sum > settings.target_size_bytes {
                break;
            }
            size_bytes = sum;
            count = count.saturating_add(1);
        }
        // Each is below half of the target size, so that there are two at least.
        let Some((rest, group)) = left.split_at_checked(left.len().saturating_sub(count.max(1))) else {
            break;
        };
        left = rest;
        if let [(first, _), _, ..] = group {
            groups.push(MergeGroup {
                partition_spec_id: first.partition_spec_id,
                content: first.content,
                class,
                locations: group.iter().map(|(row, _)| row.manifest_path.clone()).collect(),
                size_bytes,
            });
        }
    }
    groups
}

/// The class and the bytes of a manifest that may be merged.
fn class_and_size(row: &ManifestFile, settings: &MergeSettings) -> Option<(u32, u64)> {
    let lacks_row_ids =
        settings.needs_row_ids && row.content == ManifestContent::Data && row.first_row_id.is_none();
    if row.key_metadata.is_some() || lacks_row_ids {
        return None;
    }
    let live = row.added_files_count?.checked_add(row.existing_files_count?)?;
    let class = u32::try_from(live).ok()?.checked_ilog(settings.fan_in.max(2))?;
    let size_bytes = u64::try_from(row.manifest_length).ok()?;
    (size_bytes < settings.target_size_bytes.div_ceil(2)).then_some((class, size_bytes))
}

#[cfg(test)]
mod tests {
    use datashard_spec::id::SnapshotId;

    use super::*;

    fn row(name: &str, live: i32, size_bytes: i64) -> ManifestFile {
        let mut row = ManifestFile::new(name, size_bytes, PartitionSpecId(0), SnapshotId(1));
        (row.added_files_count, row.existing_files_count) = (Some(live), Some(0));
        row
    }

    fn rows(prefix: &str, count: usize, live: i32, size_bytes: i64) -> Vec<ManifestFile> {
        (0..count).map(|number| row(&format!("{prefix}{number}"), live, size_bytes)).collect()
    }

    #[test]
    fn eight_of_a_class_go_together_and_seven_stay() {
        let settings = MergeSettings::default();
        let mut list = rows("small", 7, 7, 9_000);
        list.extend(rows("large", 8, 8, 9_000));
        let groups = plan(&list, &settings);
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].class, groups[0].size_bytes), (1, 72_000));
        assert_eq!(groups[0].locations, (0..8).map(|n| format!("large{n}")).collect::<Vec<_>>());
        assert!(plan(&list, &MergeSettings { enabled: false, ..settings }).is_empty());
    }

    #[test]
    fn the_oldest_go_first_and_several_groups_are_made() {
        let groups = plan(&rows("m", 19, 1, 9_000), &MergeSettings::default());
        let first: Vec<&str> = groups.iter().map(|group| group.locations[0].as_str()).collect();
        assert_eq!(first, ["m11", "m3"]);
    }

    #[test]
    fn specs_and_contents_stay_apart() {
        let mut list = rows("m", 8, 1, 9_000);
        for (row, spec) in list.iter_mut().zip([0, 0, 0, 0, 1, 1, 1, 1]) {
            row.partition_spec_id = PartitionSpecId(spec);
        }
        assert!(plan(&list, &MergeSettings::default()).is_empty());
        let mut list = rows("m", 8, 1, 9_000);
        list[3].content = ManifestContent::Deletes;
        assert!(plan(&list, &MergeSettings::default()).is_empty());
    }

    #[test]
    fn merges_stay_below_the_target_size_and_what_is_half_of_it_is_left_alone() {
        let settings = MergeSettings { target_size_bytes: 1_000, ..MergeSettings::default() };
        let groups = plan(&rows("m", 8, 1, 300), &settings);
        let sizes: Vec<(usize, u64)> = groups.iter().map(|g| (g.locations.len(), g.size_bytes)).collect();
        assert_eq!(sizes, [(3, 900)], "five are left, which are no eight");
        assert!(plan(&rows("m", 20, 1, 500), &settings).is_empty());
        assert_eq!(plan(&rows("m", 8, 1, 499), &settings)[0].locations.len(), 2);
    }

    #[test]
    fn what_cannot_be_merged_is_left_alone() {
        type Change = fn(&mut ManifestFile);
        let changes: [Change; 6] = [
            |row| row.added_files_count = None,
            |row| row.existing_files_count = None,
            |row| row.added_files_count = Some(0),
            |row| row.key_metadata = Some(vec![1]),
            |row| row.manifest_path = "m0".to_owned(),
            |row| (row.added_files_count, row.existing_files_count) = (Some(i32::MAX), Some(1)),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut list = rows("m", 8, 1, 9_000);
            change(&mut list[7]);
            assert!(plan(&list, &MergeSettings::default()).is_empty(), "{number}");
        }
        let mut list = rows("m", 8, 1, 9_000);
        let settings = MergeSettings { needs_row_ids: true, ..MergeSettings::default() };
        assert!(plan(&list, &settings).is_empty());
        list.iter_mut().for_each(|row| row.first_row_id = Some(0));
        assert_eq!(plan(&list, &settings).len(), 1);
    }
}
