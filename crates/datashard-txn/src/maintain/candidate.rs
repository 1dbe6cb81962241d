//! Whether a file may be deleted if nothing refers to it: a function of its name and its age.
//!
//! What a file is called tells whose it is. Files of ours carry the version that their writer knew, and the file floor says whether they may
//! still be added. Of other writers' files nothing is known but their age. Everything else in the folder is somebody's own business.

use std::time::Duration;

use datashard_io::TablePath;
use datashard_spec::id::MetadataVersion;

use crate::epoch;
use crate::segments::is_segment;

/// What is swept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The file floor of a version that stands.
    pub(super) floor: MetadataVersion,
    /// The store's time when the sweep began, in ms since 1970.
    pub(super) now_ms: i64,
    /// Files younger than this stay: readers of expired snapshots may still be at them.
    pub(super) min_age: Duration,
    /// Other writers' files go when they are at least this old; `None` leaves them.
    pub(super) foreign_age: Option<Duration>,
}

/// What is to be done with a file that nothing refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes.
    Delete(Kind),
    /// It stays for now: it is young, or a writer may add it.
    Keep,
    /// It is another writer's, and stays.
    Foreign,
    /// It is none of a table's files.
    NotOurs,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A data or delete file.
    Data,
    /// A manifest, a manifest list, statistics.
    Metadata,
}

/// Judges a file by its name and age.
pub(super) fn judge(path: &TablePath, modified_ms: i64, rules: &Rules) -> Verdict {
    let Some(kind) = kind(path) else { return Verdict::NotOurs };
    let age_ms = rules.now_ms.saturating_sub(modified_ms);
    // A time before 1970, none, or one in the future tells no age.
    let is_old =
        |age: Duration| modified_ms > 0 && i64::try_from(age.as_millis()).is_ok_and(|age| age_ms >= age);
    match epoch::of_file(path.name()) {
        Some(epoch) if epoch < rules.floor && is_old(rules.min_age) => Verdict::Delete(kind),
        Some(_) => Verdict::Keep,
        None => match rules.foreign_age {
            Some(age) if is_old(age.max(rules.min_age)) => Verdict::Delete(kind),
            _ => Verdict::Foreign,
        },
    }
}

/// What kind of a table's files it is by its place and name; `None` if it is none that is ever swept: versions and the hint, which retiring
/// looks after; the folder of this library's own; whatever else people keep beside their tables.
fn kind(path: &TablePath) -> Option<Kind> {
    if is_segment(path) {
        return Some(Kind::Metadata);
    }
    let (first, rest) = path.as_str().split_once('/')?;
    let hidden = |part: &str| part.starts_with('_') || part.starts_with('.');
    if rest.split('/').any(hidden) {
        return None;
    }
    let (_, extension) = path.name().rsplit_once('.')?;
    match first {
        "data" => matches!(extension, "parquet" | "avro" | "orc" | "puffin").then_some(Kind::Data),
        "metadata" if path.folder() == "metadata" => {
            matches!(extension, "avro" | "puffin" | "stats").then_some(Kind::Metadata)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn judged(path: &str, age_ms: i64, foreign_days: Option<u64>) -> Verdict {
        let now_ms = 100 * DAY_MS;
        let rules = Rules {
            floor: MetadataVersion(10),
            now_ms,
            min_age: Duration::from_secs(3_600),
            foreign_age: foreign_days.map(|days| Duration::from_secs(days * 86_400)),
        };
        judge(&TablePath::parse(path).unwrap(), now_ms - age_ms, &rules)
    }

    #[test]
    fn files_of_ours_go_below_the_floor_when_they_are_no_longer_young() {
        for (path, kind) in [
            ("data/e9-00000-5f.parquet", Kind::Data),
            ("data/day=7/e9-00000-5f.orc", Kind::Data),
            ("data/0101/0101/1100/10101010-e9-00000-5f.avro", Kind::Data),
            ("metadata/e9-5f-m0.avro", Kind::Metadata),
            ("metadata/snap-5-1-e9-5f.avro", Kind::Metadata),
            ("metadata/_datashard/history/e9-1-25-5f-1.json.zst", Kind::Metadata),
        ] {
            assert_eq!(judged(path, DAY_MS, None), Verdict::Delete(kind), "{path}");
            assert_eq!(judged(path, 60_000, None), Verdict::Keep, "{path} is young");
            assert_eq!(
                judged(&path.replace("e9-", "e10-"), 50 * DAY_MS, None),
                Verdict::Keep,
                "{path} at the floor"
            );
        }
    }

    #[test]
    fn e6_files_of_other_writers_go_by_age_and_only_when_asked_for() {
        for path in [
            "data/00000-0-5f.parquet",
            "metadata/5f-m0.avro",
            "metadata/snap-5-1-5f.avro",
            "metadata/a.stats",
        ] {
            assert_eq!(judged(path, 50 * DAY_MS, None), Verdict::Foreign, "{path}");
            assert_eq!(judged(path, 2 * DAY_MS, Some(3)), Verdict::Foreign, "{path}");
            assert!(matches!(judged(path, 4 * DAY_MS, Some(3)), Verdict::Delete(_)), "{path}");
        }
    }

    #[test]
    fn e8_what_else_lies_in_the_folder_is_left_alone() {
        for path in [
            "README.md",
            "e1-x.parquet",
            "exports/e1-x.parquet",
            "manifests_archive/e1-x-m0.avro",
            "metadata/archive/e1-x-m0.avro",
            "data/_SUCCESS",
            "data/_staging/e1-x.parquet",
            "data/.hidden/e1-x.parquet",
            "data/e1-x.csv",
            "data/e1-x",
            "metadata/v1.metadata.json",
            "metadata/version-hint.text",
            "metadata/_datashard/retired",
            "metadata/_datashard/e1-x.avro",
            "metadata/_datashard/e1-x.json.zst",
            "metadata/_datashard/history/old/e1-x.json.zst",
        ] {
            assert_eq!(judged(path, 50 * DAY_MS, Some(3)), Verdict::NotOurs, "{path}");
        }
    }

    #[test]
    fn e9_times_that_cannot_be_tell_no_age() {
        for path in ["data/e9-x.parquet", "data/x.parquet"] {
            for modified_ms in [0, -DAY_MS, 200 * DAY_MS] {
                let verdict = judged(path, 100 * DAY_MS - modified_ms, Some(3));
                assert!(matches!(verdict, Verdict::Keep | Verdict::Foreign), "{path} {modified_ms}");
            }
        }
    }
}
