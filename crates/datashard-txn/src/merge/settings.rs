//! [`MergeSettings`]: what a table's properties say about merging manifests.

use std::collections::BTreeMap;

use datashard_spec::metadata::TableMetadata;
use datashard_spec::property::{Property, TableProperties, commit, datashard};

/// How manifests of a table are merged.
///
/// * `commit.manifest-merge.enabled`: whether at all.
/// * `commit.manifest.target-size-bytes`: merged manifests do not grow beyond it.
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
            target_size_bytes: typed.value(&commit::MANIFEST_TARGET_SIZE_BYTES),
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
