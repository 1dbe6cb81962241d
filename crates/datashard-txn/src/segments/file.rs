//! [`SegmentFile`]: the content of a history segment: records of snapshots as the metadata had them, and the log of when each was current.

use std::io::Read;

use bytes::Bytes;
use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A segment unpacks to no more than this.
const MOST_BYTES: u64 = 256 << 20;

const LEVEL: i32 = 3;

/// The form that is read and written here.
const FORM: u32 = 1;

/// As metadata says it where there is none.
const NO_SNAPSHOT: i64 = -1;

/// When a snapshot became the current one; or from when on the log that it was moved with does not tell, and another one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogEntry {
    /// In ms since 1970.
    #[serde(rename = "timestamp-ms")]
    pub(crate) at_ms: i64,
    #[serde(rename = "snapshot-id")]
    snapshot_id: i64,
}

impl LogEntry {
    pub(crate) fn new(at_ms: i64, id: SnapshotId) -> Self {
        Self { at_ms, snapshot_id: id.0 }
    }

    /// The end of what a log tells: the time of the entry that came next and was not moved along. Where that entry is lost later, because its
    /// snapshot expired, nothing is known of the time after this end, and the snapshot before it is not to be taken for the current one.
    pub(super) fn end(at_ms: i64) -> Self {
        Self { at_ms, snapshot_id: NO_SNAPSHOT }
    }

    fn is_end(&self) -> bool {
        self.snapshot_id == NO_SNAPSHOT
    }

    /// `None` at the end of what a log tells.
    pub(super) fn snapshot_id(&self) -> Option<SnapshotId> {
        (!self.is_end()).then_some(SnapshotId(self.snapshot_id))
    }
}

/// A record of a snapshot, with what segments are ordered and named by.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) snapshot: Snapshot,
    /// As the metadata had it.
    json: Box<RawValue>,
}

impl Record {
    /// Reads a record as the metadata has it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let snapshot = Snapshot::from_json(json).map_err(|e| e.to_string())?;
        let json = RawValue::from_string(json.to_owned()).map_err(|e| e.to_string())?;
        Ok(Self { snapshot, json })
    }

    pub(crate) fn sequence_number(&self) -> i64 {
        self.snapshot.sequence_number.0
    }
}

/// The content of a segment.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentFile {
    /// In the order of the metadata.
    pub(crate) records: Vec<Record>,
    /// By time.
    pub(crate) log: Vec<LogEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<R> {
    form: u32,
    #[serde(rename = "snapshot-log")]
    log: Vec<LogEntry>,
    snapshots: Vec<R>,
}

impl SegmentFile {
    /// Reads a segment.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut text = String::new();
        let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|e| e.to_string())?;
        decoder.take(MOST_BYTES.saturating_add(1)).read_to_string(&mut text).map_err(|e| e.to_string())?;
        if u64::try_from(text.len()).is_ok_and(|length| length > MOST_BYTES) {
            return Err(format!("it unpacks to more than {MOST_BYTES} bytes"));
        }
        let wire: Wire<Box<RawValue>> = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if wire.form != FORM {
            return Err(format!("it is of form {}, and this library reads form {FORM}", wire.form));
        }
        let records =
            wire.snapshots.iter().map(|json| Record::parse(json.get())).collect::<Result<_, _>>()?;
        Ok(Self { records, log: wire.log })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None that is known; the compressor says so of bytes in general.
    pub(crate) fn write(&self) -> Result<Bytes, String> {
        let snapshots = self.records.iter().map(|record| &record.json).collect();
        let wire = Wire { form: FORM, log: self.log.clone(), snapshots };
        let text = serde_json::to_vec(&wire).map_err(|e| e.to_string())?;
        let packed = zstd::bulk::compress(&text, LEVEL).map_err(|e| e.to_string())?;
        Ok(Bytes::from(packed))
    }

    /// What several segments hold, oldest first. A snapshot that two of them hold is kept once.
    pub(super) fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::default();
        let mut known = std::collections::BTreeSet::new();
        for part in parts {
            joined.records.extend(part.records.into_iter().filter(|record| known.insert(record.snapshot.id)));
            joined.log.extend(part.log);
        }
        joined.log.sort_by_key(|entry| entry.at_ms);
        joined.log.dedup();
        // Where the next log goes on at once, nothing has ended.
        let next = joined.log.iter().skip(1).map(|entry| Some(entry.at_ms)).chain([None]);
        let goes_on: Vec<bool> = joined
            .log
            .iter()
            .zip(next)
            .map(|(entry, next)| entry.is_end() && next == Some(entry.at_ms))
            .collect();
        let mut goes_on = goes_on.into_iter();
        joined.log.retain(|_| !goes_on.next().unwrap_or(false));
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: i64) -> Record {
        let json = format!(
            "{{\"snapshot-id\":{id},\"sequence-number\":{id},\"timestamp-ms\":{id},\"manifest-list\":\"memory://a/b/l{id}\",\"summary\":{{\"operation\":\"append\"}},\"theirs\":[1,  2]}}"
        );
        Record::parse(&json).unwrap()
    }

    #[test]
    fn records_come_back_as_they_were_unknown_keys_and_spaces_too() {
        let log = vec![LogEntry::new(1, SnapshotId(1)), LogEntry::new(2, SnapshotId(2))];
        let file = SegmentFile { records: vec![record(1), record(2)], log };
        let read = SegmentFile::read(&file.write().unwrap()).unwrap();
        assert_eq!(read.log, file.log);
        let texts = |file: &SegmentFile| -> Vec<String> {
            file.records.iter().map(|record| record.json.get().to_owned()).collect()
        };
        assert_eq!(texts(&read), texts(&file));
        assert_eq!(read.records[1].sequence_number(), 2);
    }

    #[test]
    fn joined_segments_hold_each_snapshot_and_each_entry_once() {
        let part = |ids: &[i64]| SegmentFile {
            records: ids.iter().map(|id| record(*id)).collect(),
            log: ids.iter().map(|id| LogEntry::new(*id, SnapshotId(*id))).collect(),
        };
        let joined = SegmentFile::join([part(&[1, 2]), part(&[2, 3])]);
        let ids: Vec<i64> = joined.records.iter().map(|record| record.snapshot.id.0).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(joined.log.len(), 3);
    }

    #[test]
    fn a_joined_log_ends_in_between_only_where_an_entry_was_lost() {
        let part = |from: i64, to: i64| SegmentFile {
            records: vec![record(from)],
            log: vec![LogEntry::new(from, SnapshotId(from)), LogEntry::end(to)],
        };
        let joined = SegmentFile::join([part(1, 2), part(2, 3), part(4, 5)]);
        let log: Vec<_> = joined.log.iter().map(|entry| (entry.at_ms, entry.snapshot_id())).collect();
        let at = |id: i64| (id, Some(SnapshotId(id)));
        assert_eq!(log, [at(1), at(2), (3, None), at(4), (5, None)]);
    }

    #[test]
    fn f1_f2_damage_is_told_at_every_byte() {
        let file = SegmentFile { records: vec![record(1)], log: vec![LogEntry::new(1, SnapshotId(1))] };
        let bytes = file.write().unwrap();
        for cut in 0..bytes.len() {
            assert!(SegmentFile::read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for text in [
            "",
            "{}",
            "{\"form\":2,\"snapshot-log\":[],\"snapshots\":[]}",
            "{\"form\":1,\"snapshot-log\":[],\"snapshots\":[7]}",
        ] {
            let packed = zstd::bulk::compress(text.as_bytes(), LEVEL).unwrap();
            assert!(SegmentFile::read(&packed).is_err(), "{text}");
        }
    }
}
