//! [`State`]: what a snapshot holds, down to the rows, as any reader of the format finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datashard_io::sim::SimStore;
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::manifest::{DataFile, FileContent, ManifestFile};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::snapshot::Snapshot;
use datashard_spec::value::{Tuple, Value};

use crate::chain::key_of;
use crate::site::content;

/// A data file in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) spec: i32,
    pub(crate) partition: Tuple,
    /// Its rows, by numbers of which each row that was ever written has one of its own.
    pub(crate) rows: Arc<Vec<u64>>,
    /// Positions of rows that are deleted.
    pub(crate) deleted: BTreeSet<u64>,
}

impl Held {
    /// The value of the first partition field, which every file has.
    pub(crate) fn part(&self) -> i32 {
        match self.partition.first() {
            Some(Some(Value::Int(part))) => *part,
            other => panic!("{other:?} is no value of the partition"),
        }
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = u64> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(at, _)| !self.deleted.contains(&(*at as u64))).map(|(_, row)| *row)
    }
}

/// What a snapshot holds, by the keys of its data files.
pub(crate) type State = BTreeMap<String, Held>;

/// The rows of a partition.
pub(crate) fn rows_of(state: &State, part: i32) -> BTreeSet<u64> {
    state.values().filter(|held| held.part() == part).flat_map(Held::live).collect()
}

/// All rows.
pub(crate) fn all_rows(state: &State) -> BTreeSet<u64> {
    state.values().flat_map(Held::live).collect()
}

/// A live entry of a manifest.
#[derive(Debug, Clone)]
struct Entry {
    key: String,
    spec: i32,
    file: DataFile,
}

/// Reads what snapshots hold, without requests, each manifest once. Every file has to be there.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    manifests: BTreeMap<String, Arc<Vec<Entry>>>,
}

impl Reader {
    /// What a snapshot holds, given what rows were written into which file.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub(crate) fn state(
        &mut self,
        store: &SimStore,
        written: &BTreeMap<String, Arc<Vec<u64>>>,
        snapshot: &Snapshot,
    ) -> Result<State, String> {
        let list = key_of(snapshot.manifest_list().ok_or("a snapshot without manifest list")?)?;
        let fail = |e: &dyn std::fmt::Display| format!("snapshot {}: {list}: {e}", snapshot.id);
        let bytes = store.object(&list).ok_or_else(|| fail(&"it is named and not there"))?;
        let rows = ManifestListReader::new(&bytes).map_err(|e| fail(&e))?;
        let rows: Vec<ManifestFile> = rows.collect::<Result<_, _>>().map_err(|e| fail(&e))?;
        let mut state = State::new();
        let mut vectors = Vec::new();
        for row in &rows {
            let entries = self.manifest(store, row).map_err(|e| fail(&e))?;
            for Entry { key, spec, file } in entries.iter() {
                if file.content != FileContent::Data {
                    vectors.push(file.clone());
                    continue;
                }
                let rows = written.get(key).ok_or_else(|| fail(&format!("nobody wrote {key}")))?;
                let held = Held {
                    spec: *spec,
                    partition: file.partition.clone(),
                    rows: Arc::clone(rows),
                    deleted: BTreeSet::new(),
                };
                if state.insert(key.clone(), held).is_some() {
                    return Err(fail(&format!("{key} is listed twice: once is enough")));
                }
            }
        }
        for vector in vectors {
            let of = key_of(vector.referenced_data_file.as_deref().ok_or("deletes of no file")?)?;
            let Some(held) = state.get_mut(&of) else {
                return Err(fail(&format!("a deletion vector of {of} outlives it")));
            };
            if !held.deleted.is_empty() {
                return Err(fail(&format!("{of} has two deletion vectors")));
            }
            held.deleted = positions(store, &vector).map_err(|e| fail(&e))?;
        }
        Ok(state)
    }

    fn manifest(&mut self, store: &SimStore, row: &ManifestFile) -> Result<Arc<Vec<Entry>>, String> {
        let key = key_of(&row.manifest_path)?;
        if let Some(entries) = self.manifests.get(&key) {
            return Ok(Arc::clone(entries));
        }
        let fail = |e: &dyn std::fmt::Display| format!("{key}: {e}");
        let bytes = store.object(&key).ok_or_else(|| fail(&"it is named and not there"))?;
        if i64::try_from(bytes.len()).ok() != Some(row.manifest_length) {
            return Err(fail(&format!("it has {} bytes, not {}", bytes.len(), row.manifest_length)));
        }
        let mut entries = Vec::new();
        for entry in ManifestReader::new(&bytes).map_err(|e| fail(&e))? {
            let entry = entry.map_err(|e| fail(&e))?;
            if !entry.status.is_live() {
                continue;
            }
            let key = key_of(&entry.data_file.file_path)?;
            let is_there = match (store.object(&key), entry.data_file.content) {
                (Some(bytes), FileContent::Data) => bytes == content(&key),
                (there, _) => there.is_some(),
            };
            if !is_there {
                return Err(fail(&format!("{key} is named and not there")));
            }
            entries.push(Entry { key, spec: row.partition_spec_id.0, file: entry.data_file });
        }
        let entries = Arc::new(entries);
        self.manifests.insert(key, Arc::clone(&entries));
        Ok(entries)
    }
}

/// The positions of a deletion vector.
fn positions(store: &SimStore, vector: &DataFile) -> Result<BTreeSet<u64>, String> {
    let key = key_of(&vector.file_path)?;
    let bytes = store.object(&key).ok_or_else(|| format!("{key} is named and not there"))?;
    let (Some(offset), Some(length)) = (vector.content_offset, vector.content_size_in_bytes) else {
        return Err(format!("{key}: a deletion vector has a place in its file"));
    };
    let from = usize::try_from(offset).unwrap();
    let blob = bytes.slice(from..from + usize::try_from(length).unwrap());
    let count = u64::try_from(vector.record_count).ok();
    let vector = DeletionVector::deserialize(&blob, count).map_err(|e| format!("{key}: {e}"))?;
    Ok(vector.iter().collect())
}
