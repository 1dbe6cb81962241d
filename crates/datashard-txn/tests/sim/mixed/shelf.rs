//! [`Shelf`]: what snapshots hold, read from the bucket without requests, each file once.
//!
//! It reads what files held first, whether or not they are still there: names are never used twice, and what is gone is asked of
//! [`missing`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datashard_io::sim::SimStore;
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId, SequenceNumber, SnapshotId};
use datashard_spec::manifest::applies::{LiveFile, delete_applies};
use datashard_spec::manifest::{DataFile, FileContent, ManifestEntry, ManifestFile};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::snapshot::Snapshot;
use datashard_spec::transform::Transform;

use super::rows::{Row, lines};
use crate::chain::key_of;

/// A live data file, and the rows of it that no delete reaches.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) file: Arc<DataFile>,
    pub(crate) spec_id: PartitionSpecId,
    /// The snapshot that added it.
    pub(crate) added_by: Option<SnapshotId>,
    /// With their positions.
    pub(crate) rows: Vec<(u64, Row)>,
}

/// What a snapshot holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) live: Vec<Live>,
    /// All rows.
    pub(crate) rows: BTreeSet<Row>,
    /// Keys of all files that it needs, its manifest list included.
    pub(crate) named: BTreeSet<String>,
}

/// An entry with what it inherited.
#[derive(Debug, Clone)]
struct Entry {
    file: Arc<DataFile>,
    spec: Arc<PartitionSpec>,
    number: DataSequenceNumber,
    added_by: Option<SnapshotId>,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    lists: BTreeMap<String, Arc<Held>>,
    manifests: BTreeMap<(String, Option<SequenceNumber>), Arc<Vec<Entry>>>,
}

impl Shelf {
    /// What a snapshot holds, or held when it was made.
    pub(crate) fn held(&mut self, store: &SimStore, snapshot: &Snapshot) -> Result<Arc<Held>, String> {
        let list = key_of(snapshot.manifest_list().ok_or("a snapshot without manifest list")?)?;
        if let Some(held) = self.lists.get(&list) {
            return Ok(Arc::clone(held));
        }
        let fail = |what: String| format!("snapshot {}: {what}", snapshot.id);
        let bytes = first(store, &list).map_err(fail)?;
        let rows = ManifestListReader::new(&bytes).map_err(|e| format!("{list}: {e}"))?;
        let rows: Vec<ManifestFile> = rows.collect::<Result<_, _>>().map_err(|e| format!("{list}: {e}"))?;
        let mut held = Held::default();
        held.named.insert(list.clone());
        let mut entries = Vec::new();
        for row in &rows {
            held.named.insert(key_of(&row.manifest_path)?);
            entries.extend(self.manifest(store, row).map_err(fail)?.iter().cloned());
        }
        for entry in &entries {
            let key = key_of(&entry.file.file_path)?;
            if !held.named.insert(key.clone()) && !entry.file.is_deletion_vector() {
                return Err(fail(format!("{key} is there twice")));
            }
        }
        held.live = visible(store, &entries).map_err(fail)?;
        for (_, row) in held.live.iter().flat_map(|live| &live.rows) {
            if !held.rows.insert(*row) {
                return Err(fail(format!("the row {row:?} is there twice; once is enough")));
            }
        }
        let held = Arc::new(held);
        self.lists.insert(list, Arc::clone(&held));
        Ok(held)
    }

    fn manifest(&mut self, store: &SimStore, row: &ManifestFile) -> Result<Arc<Vec<Entry>>, String> {
        let key = (key_of(&row.manifest_path)?, row.sequence_number);
        if let Some(entries) = self.manifests.get(&key) {
            return Ok(Arc::clone(entries));
        }
        let bytes = first(store, &key.0)?;
        let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", key.0);
        if i64::try_from(bytes.len()).ok() != Some(row.manifest_length) {
            return Err(fail(&format!("it has {} bytes, not {}", bytes.len(), row.manifest_length)));
        }
        // Only its number matters, and that it has a field.
        let field = PartitionField::new(FieldId(1), FieldId(1_000), "fours", Transform::Truncate(4));
        let spec = Arc::new(PartitionSpec::new(row.partition_spec_id, vec![field]));
        let mut inheritance = row.inherit();
        let mut entries = Vec::new();
        for entry in ManifestReader::new(&bytes).map_err(|e| fail(&e))? {
            let mut entry: ManifestEntry = entry.map_err(|e| fail(&e))?;
            inheritance.apply(&mut entry).map_err(|e| fail(&e))?;
            if entry.status.is_live() {
                entries.push(Entry {
                    number: entry.data_sequence_number.ok_or_else(|| fail(&"an entry without number"))?,
                    added_by: entry.snapshot_id,
                    file: Arc::new(entry.data_file),
                    spec: Arc::clone(&spec),
                });
            }
        }
        let entries = Arc::new(entries);
        self.manifests.insert(key, Arc::clone(&entries));
        Ok(entries)
    }
}

fn first(store: &SimStore, key: &str) -> Result<bytes::Bytes, String> {
    store.first_object(key).ok_or_else(|| format!("{key} is named and was never there"))
}

/// Files that are needed and not there.
pub(crate) fn missing(store: &SimStore, held: &Held) -> Option<String> {
    held.named.iter().find(|key| store.object(key).is_none()).cloned()
}

/// The rows of a data file.
pub(crate) fn rows_of(store: &SimStore, key: &str) -> Result<Vec<Row>, String> {
    let row =
        |(key, value): (String, i64)| Ok((key.parse().map_err(|_| format!("`{key}` is no key"))?, value));
    lines(&first(store, key)?)?.into_iter().map(row).collect()
}

fn visible(store: &SimStore, entries: &[Entry]) -> Result<Vec<Live>, String> {
    let (data, deletes): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.file.content == FileContent::Data);
    let mut all = Vec::new();
    for entry in data {
        let rows = rows_of(store, &key_of(&entry.file.file_path)?)?;
        if i64::try_from(rows.len()).ok() != Some(entry.file.record_count) {
            return Err(format!("{} has {} rows", entry.file.file_path, rows.len()));
        }
        let mut rows: Vec<(u64, Row)> = (0..).zip(rows).collect();
        let of = LiveFile { file: &entry.file, sequence_number: entry.number, spec: &entry.spec };
        let reach = |delete: &&&Entry| {
            let by = LiveFile { file: &delete.file, sequence_number: delete.number, spec: &delete.spec };
            delete_applies(by, of)
        };
        let reaching: Vec<&Entry> = deletes.iter().filter(reach).copied().collect();
        let vectors = reaching.iter().filter(|delete| delete.file.is_deletion_vector()).count();
        if vectors > 1 {
            return Err(format!("{} has {vectors} deletion vectors", entry.file.file_path));
        }
        for delete in reaching {
            apply(store, delete, &entry.file.file_path, &mut rows)?;
        }
        all.push(Live {
            file: Arc::clone(&entry.file),
            spec_id: entry.spec.id,
            added_by: entry.added_by,
            rows,
        });
    }
    Ok(all)
}

fn apply(store: &SimStore, delete: &Entry, location: &str, rows: &mut Vec<(u64, Row)>) -> Result<(), String> {
    let key = key_of(&delete.file.file_path)?;
    let bytes = first(store, &key)?;
    if delete.file.is_deletion_vector() {
        let vector = vector(&bytes, &delete.file).ok_or_else(|| format!("{key} is no deletion vector"))?;
        if i64::try_from(vector.len()).ok() != Some(delete.file.record_count) {
            return Err(format!("{key} deletes {} rows", vector.len()));
        }
        rows.retain(|(position, _)| !vector.contains(*position));
        return Ok(());
    }
    let lines = lines(&bytes)?;
    if delete.file.content == FileContent::EqualityDeletes {
        rows.retain(|(_, (key, _))| lines.iter().all(|(gone, _)| *gone != key.to_string()));
    } else {
        let is_gone = |position: u64| {
            lines.iter().any(|(of, gone)| of == location && u64::try_from(*gone) == Ok(position))
        };
        rows.retain(|(position, _)| !is_gone(*position));
    }
    Ok(())
}

fn vector(bytes: &[u8], file: &DataFile) -> Option<DeletionVector> {
    let from = usize::try_from(file.content_offset?).ok()?;
    let to = from + usize::try_from(file.content_size_in_bytes?).ok()?;
    DeletionVector::deserialize(bytes.get(from..to)?, None).ok()
}
