//! The snapshot log and the metadata log.
//!
//! The snapshot log has an entry per commit to `main`, so it is as long as the list of snapshots; its entries are read
//! straight from the parser, in the one pass over the document.

use std::fmt::{self, Write as _};

use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::MetadataError;
use crate::id::SnapshotId;
use crate::json::{Json, JsonError, JsonWriter, UnknownKeys};

/// How far the clocks of two writers may be apart, in milliseconds.
pub(super) const CLOCK_TOLERANCE_MS: i64 = 60_000;

/// When a snapshot became the current one.
///
/// # Spec
/// "Table Metadata Fields", `snapshot-log`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotLogEntry {
    /// The snapshot.
    pub snapshot_id: SnapshotId,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: i64,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A metadata file that was replaced.
///
/// # Spec
/// "Table Metadata Fields", `metadata-log`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataLogEntry {
    /// Location of the file.
    pub metadata_file: String,
    /// Its `last-updated-ms`, in milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: i64,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl SnapshotLogEntry {
    pub(super) fn new(snapshot_id: SnapshotId, timestamp_ms: i64) -> Self {
        Self { snapshot_id, timestamp_ms, unknown_keys: UnknownKeys::default() }
    }
}

impl MetadataLogEntry {
    pub(super) fn new(metadata_file: String, timestamp_ms: i64) -> Self {
        Self { metadata_file, timestamp_ms, unknown_keys: UnknownKeys::default() }
    }
}

pub(super) fn parse_metadata_log_entry(json: Json<'_, '_>) -> Result<MetadataLogEntry, JsonError> {
    let mut object = json.object()?;
    Ok(MetadataLogEntry {
        metadata_file: object.require("metadata-file")?.string()?,
        timestamp_ms: object.require("timestamp-ms")?.i64()?,
        unknown_keys: object.into_unknown(),
    })
}

pub(super) fn write_metadata_log_entry(entry: &MetadataLogEntry, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("metadata-file").string(&entry.metadata_file);
        writer.key("timestamp-ms").number(entry.timestamp_ms);
        writer.unknown(&entry.unknown_keys);
    });
}

pub(super) fn write_snapshot_log(entries: &[SnapshotLogEntry], writer: &mut JsonWriter) {
    let mut text = String::new();
    writer.array(entries, |writer, entry| {
        if !entry.unknown_keys.is_empty() {
            writer.object(|writer| {
                writer.key("snapshot-id").number(entry.snapshot_id);
                writer.key("timestamp-ms").number(entry.timestamp_ms);
                writer.unknown(&entry.unknown_keys);
            });
            return;
        }
        text.clear();
        // Writing to a string does not fail.
        let _ =
            write!(text, r#"{{"snapshot-id":{},"timestamp-ms":{}}}"#, entry.snapshot_id, entry.timestamp_ms);
        writer.raw(&text);
    });
}

impl<'de> serde::Deserialize<'de> for Wire {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WireVisitor).map(Wire)
    }
}

/// A snapshot log entry as the parser finds it; apart, so that no public type has serde's traits.
pub(super) struct Wire(pub(super) SnapshotLogEntry);

struct WireVisitor;

impl<'de> Visitor<'de> for WireVisitor {
    type Value = SnapshotLogEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry of snapshot-log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut snapshot_id, mut timestamp_ms) = (None, None);
        let mut unknown: Vec<(String, String)> = Vec::new();
        while let Some(key) = map.next_key::<Name>()? {
            let twice = match key {
                Name::SnapshotId => snapshot_id.replace(map.next_value()?).is_some(),
                Name::TimestampMs => timestamp_ms.replace(map.next_value()?).is_some(),
                Name::Other(key) => {
                    unknown.push((key, map.next_value::<&RawValue>()?.get().to_owned()));
                    false
                }
            };
            if twice {
                return Err(A::Error::custom("a key occurs twice"));
            }
        }
        let mut names: Vec<&str> = unknown.iter().map(|(key, _)| key.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(A::Error::custom("a key occurs twice"));
        }
        Ok(SnapshotLogEntry {
            snapshot_id: SnapshotId(snapshot_id.ok_or_else(|| A::Error::missing_field("snapshot-id"))?),
            timestamp_ms: timestamp_ms.ok_or_else(|| A::Error::missing_field("timestamp-ms"))?,
            unknown_keys: unknown.into_iter().collect(),
        })
    }
}

enum Name {
    SnapshotId,
    TimestampMs,
    Other(String),
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, key: &str) -> Result<Name, E> {
                Ok(match key {
                    "snapshot-id" => Name::SnapshotId,
                    "timestamp-ms" => Name::TimestampMs,
                    other => Name::Other(other.to_owned()),
                })
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Checks that the times of a log, and then the time of the whole, do not go back further than clocks may differ.
pub(super) fn check_order(
    log: &'static str,
    times_ms: impl Iterator<Item = i64>,
    last_updated_ms: i64,
) -> Result<(), MetadataError> {
    let mut previous: Option<(usize, i64)> = None;
    let end = std::iter::once(last_updated_ms);
    for (index, next_ms) in times_ms.chain(end).enumerate() {
        if let Some((index, at_ms)) = previous
            && next_ms < at_ms.saturating_sub(CLOCK_TOLERANCE_MS)
        {
            return Err(MetadataError::LogOrder { log, index, at_ms, next_ms });
        }
        previous = Some((index, next_ms));
    }
    Ok(())
}
