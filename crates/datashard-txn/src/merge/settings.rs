//! [`MergeSettings`]: what a table's properties say about merging manifests.

use std::collections::BTreeMap;

use datashard_spec::metadata::TableMetadata;
use datashard_spec::property::{Property, TableProperties, commit, datashard};

use super::decide::Budget;

/// How manifests of a table are merged.
///
/// * `commit.manifest-merge.enabled`: whether at all.
/// * `commit.manifest.target-size-bytes`: merged manifests do not grow beyond it, nor beyond 64 MiB, which is what one commit merges.
/// * `datashard.manifest.compaction-threshold`, else `commit.manifest.min-count-to-merge`: how many manifests of a size class there have to
///   be before they are merged, if the table sets it, at least 2; otherwise 8. The classes then grow by the same factor. (Other writers count
///   all manifests of a partition spec, not those of a class, and merge all of them.)
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use datashard_txn::merge::MergeSettings;
///
/// let table = BTreeMap::from([("commit.manifest.min-count-to-merge".to_owned(), "20".to_owned())]);
/// assert_eq!(MergeSettings::of_properties(&table).fan_in, 20);
/// assert_eq!(MergeSettings::of_properties(&BTreeMap::new()), MergeSettings::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergeSettings {
    /// Whether manifests are merged.
    pub enabled: bool,
    /// How many manifests of a class become one, and by what factor classes grow; at least 2.
    pub fan_in: u32,
    /// The size of merged manifests, at most, in bytes.
    pub target_size_bytes: u64,
    /// Whether data manifests without row ids wait until they have them, as in tables of version 3.
    pub needs_row_ids: bool,
}

impl Default for MergeSettings {
    fn default() -> Self {
        Self { enabled: true, fan_in: 8, target_size_bytes: 8 << 20, needs_row_ids: false }
    }
}

impl MergeSettings {
    /// What these properties say. A value that makes no sense counts as absent.
    pub fn of_properties(properties: &BTreeMap<String, String>) -> Self {
        let typed = TableProperties::new(properties);
        let set = |property: &'static Property<u32>| {
            let parsed = typed.parsed(property);
            (properties.contains_key(property.key) && parsed.warning.is_none()).then_some(parsed.value)
        };
        let fan_in = set(&datashard::MANIFEST_COMPACTION_THRESHOLD)
            .or_else(|| set(&commit::MANIFEST_MIN_COUNT_TO_MERGE))
            .unwrap_or(Self::default().fan_in)
            .max(2);
        Self {
            enabled: typed.value(&commit::MANIFEST_MERGE_ENABLED),
            fan_in,
            target_size_bytes: typed
                .value(&commit::MANIFEST_TARGET_SIZE_BYTES)
                .min(Budget::SEPARATE.size_bytes),
            needs_row_ids: false,
        }
    }

    /// What the table says.
    pub fn of_table(table: &TableMetadata) -> Self {
        use datashard_spec::metadata::FormatVersion;
        let needs_row_ids = table.format_version() >= FormatVersion::V3;
        Self { needs_row_ids, ..Self::of_properties(table.properties()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(properties: &[(&str, &str)]) -> MergeSettings {
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        MergeSettings::of_properties(&properties.collect())
    }

    #[test]
    fn f10_values_that_make_no_sense_count_as_absent() {
        for value in ["", "many", "-1", "1e9", "99999999999999999999"] {
            let all = [
                "commit.manifest.min-count-to-merge",
                "datashard.manifest.compaction-threshold",
                "commit.manifest.target-size-bytes",
                "commit.manifest-merge.enabled",
            ];
            assert_eq!(settings(&all.map(|key| (key, value))), MergeSettings::default(), "{value}");
        }
    }

    #[test]
    fn what_the_table_sets_counts_within_limits() {
        let count = "commit.manifest.min-count-to-merge";
        for (value, expect) in [("0", 2), ("1", 2), ("100", 100)] {
            assert_eq!(settings(&[(count, value)]).fan_in, expect);
        }
        let own = "datashard.manifest.compaction-threshold";
        assert_eq!(settings(&[(count, "100"), (own, "16")]).fan_in, 16);
        let target = "commit.manifest.target-size-bytes";
        assert_eq!(settings(&[(target, "1048576")]).target_size_bytes, 1 << 20);
        assert_eq!(settings(&[(target, "10000000000")]).target_size_bytes, 64 << 20);
        assert!(!settings(&[("commit.manifest-merge.enabled", "false")]).enabled);
    }
}
