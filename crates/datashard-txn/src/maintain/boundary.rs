//! Up to where versions may be retired (R7).

use std::time::Duration;

use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::{MetadataFileName, TableMetadata};

/// A version's file, as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) version: MetadataVersion,
    /// When it was written, in ms since 1970, by the store's clock.
    pub(super) modified_ms: i64,
    pub(super) size_bytes: u64,
}

/// The lowest version that has to stay.
///
/// Kept are the newest `keep`, those that the newest version's log names, and those whose successor is younger than `min_age`: a writer that
/// built on a version not long ago need not look at the boundary, because the slot after it cannot have been filled and emptied meanwhile.
/// `listed` are the versions that are there, in order; where one is missing nothing above it is judged.
pub(super) fn lowest_kept(
    newest: MetadataVersion,
    logged: Option<MetadataVersion>,
    listed: &[Listed],
    keep: u64,
    min_age: Duration,
    now_ms: i64,
) -> MetadataVersion {
    let by_count = newest.0.saturating_sub(keep.max(1).saturating_sub(1));
    let min_age_ms = i64::try_from(min_age.as_millis()).unwrap_or(i64::MAX);
    let mut by_age = listed.first().map_or(MetadataVersion(0), |first| first.version);
    for pair in listed.windows(2) {
        let [version, successor] = pair else { break };
        let follows = version.version.0.checked_add(1) == Some(successor.version.0);
        // A time in the future, or none, says nothing.
        let is_old = successor.modified_ms > 0 && now_ms.saturating_sub(successor.modified_ms) >= min_age_ms;
        if !follows || !is_old {
            break;
        }
        by_age = successor.version;
    }
    let lowest = MetadataVersion(by_count).min(by_age).min(newest);
    logged.map_or(lowest, |logged| lowest.min(logged))
}

/// The oldest version that the metadata log names.
pub(super) fn oldest_logged(metadata: &TableMetadata) -> Option<MetadataVersion> {
    let files = metadata.metadata_log().iter();
    files.filter_map(|entry| version_of(entry.metadata_file.rsplit('/').next().unwrap_or_default())).min()
}

/// The version that a file name stands for; `None` for any other file.
pub(super) fn version_of(name: &str) -> Option<MetadataVersion> {
    let parsed = MetadataFileName::parse(name)?;
    (parsed.unique.is_none() && !parsed.gzip).then_some(parsed.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn listed(versions: impl IntoIterator<Item = (u64, i64)>) -> Vec<Listed> {
        let of =
            |(version, modified_ms)| Listed { version: MetadataVersion(version), modified_ms, size_bytes: 1 };
        versions.into_iter().map(of).collect()
    }

    fn lowest(newest: u64, logged: Option<u64>, all: &[Listed], keep: u64) -> u64 {
        let now_ms = 100 * HOUR_MS;
        let logged = logged.map(MetadataVersion);
        lowest_kept(MetadataVersion(newest), logged, all, keep, Duration::from_secs(3_600), now_ms).0
    }

    #[test]
    fn the_newest_the_logged_and_those_with_a_young_successor_stay() {
        // One version an hour, the newest of this very hour.
        let all = listed((1..=100).map(|version| (version, i64::try_from(version).unwrap() * HOUR_MS)));
        assert_eq!(lowest(100, None, &all, 10), 91);
        assert_eq!(lowest(100, Some(40), &all, 10), 40);
        assert_eq!(lowest(100, None, &all, 1), 99, "the successor of 99 is young");
        assert_eq!(lowest(100, None, &all, 1_000), 0);
        let young = listed((1..=100).map(|version| (version, 100 * HOUR_MS - 1)));
        assert_eq!(lowest(100, None, &young, 10), 1);
    }

    #[test]
    fn nothing_above_a_gap_and_nothing_with_an_impossible_time_is_retired() {
        let gap = listed([(1, HOUR_MS), (2, HOUR_MS), (4, HOUR_MS), (5, HOUR_MS), (6, HOUR_MS)]);
        assert_eq!(lowest(6, None, &gap, 1), 2);
        let future = listed([(1, HOUR_MS), (2, HOUR_MS), (3, 200 * HOUR_MS), (4, HOUR_MS), (5, HOUR_MS)]);
        assert_eq!(lowest(5, None, &future, 1), 2);
        let none = listed([(1, HOUR_MS), (2, 0), (3, HOUR_MS)]);
        assert_eq!(lowest(3, None, &none, 1), 1);
        assert_eq!(lowest(3, None, &[], 1), 0);
    }

    #[test]
    fn only_names_of_versions_are_versions() {
        assert_eq!(version_of("v7.metadata.json"), Some(MetadataVersion(7)));
        for other in
            ["v7.metadata.json.tmp", "00007-a.metadata.json", "version-hint.text", "v7.gz.metadata.json"]
        {
            assert_eq!(version_of(other), None, "{other}");
        }
    }
}
