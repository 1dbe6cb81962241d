//! [`Chain`]: the versions in a bucket and what they refer to, read without requests, each file once.

use std::collections::{BTreeMap, BTreeSet};

use datashard_io::sim::SimStore;
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{MetadataFileName, TableMetadata};
use datashard_spec::snapshot::Snapshot;
use datashard_txn::protocol::CommitState;

use crate::site::content;

/// A version.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) metadata: TableMetadata,
    pub(crate) state: Option<CommitState>,
}

/// The versions that are part of the table, by number, and the boundary below which none is.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) retired: u64,
    pub(crate) versions: BTreeMap<u64, Version>,
}

impl Chain {
    /// Reads all versions from the boundary on.
    pub(crate) fn read(store: &SimStore) -> Result<Self, String> {
        let retired = boundary(store)?;
        let mut versions = BTreeMap::new();
        for key in store.keys() {
            let Some(version) = number(&key).filter(|version| *version >= retired) else { continue };
            let bytes = store.object(&key).unwrap();
            let fail = |e: &dyn std::fmt::Display| format!("{key}: {e}");
            let metadata = TableMetadata::from_bytes(&bytes).map_err(|e| fail(&e))?;
            let state = CommitState::of_properties(metadata.properties(), MetadataVersion(version));
            versions.insert(version, Version { metadata, state: state.map_err(|e| fail(&e))? });
        }
        Ok(Self { retired, versions })
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> Result<(u64, &Version), String> {
        self.versions
            .last_key_value()
            .map(|(number, version)| (*number, version))
            .ok_or("no version".to_owned())
    }

    /// The first retained version that holds something, if the one before it is retained, too, or it is the first of all.
    pub(crate) fn first_with(&self, holds: impl Fn(&TableMetadata) -> bool) -> Option<u64> {
        let (first, _) = self.versions.iter().find(|(_, version)| holds(&version.metadata))?;
        let is_certain = *first == 1 || self.versions.contains_key(&(first - 1));
        is_certain.then_some(*first)
    }
}

/// The retire boundary.
fn boundary(store: &SimStore) -> Result<u64, String> {
    match store.object("table/metadata/_datashard/retired") {
        None => Ok(0),
        Some(text) => String::from_utf8(text.to_vec()).unwrap().parse().map_err(|e| format!("boundary: {e}")),
    }
}

/// The versions from the boundary on are there, without gaps, up to the newest. Gives the boundary.
pub(crate) fn check_numbers(store: &SimStore, newest: u64) -> Result<u64, String> {
    let retired = boundary(store)?;
    let mut numbers: Vec<u64> = store.keys().iter().filter_map(|key| number(key)).collect();
    numbers.retain(|number| *number >= retired);
    numbers.sort_unstable();
    if numbers == Vec::from_iter(retired.max(1)..=newest) {
        return Ok(retired);
    }
    Err(format!(
        "the boundary is {retired}, the newest version {newest}, and there are the versions {numbers:?}"
    ))
}

fn number(key: &str) -> Option<u64> {
    let name = key.strip_prefix("table/metadata/")?;
    let number = name.strip_prefix('v')?.strip_suffix(".metadata.json")?.parse().ok()?;
    (MetadataFileName::file_system(MetadataVersion(number)).to_string() == name).then_some(number)
}

/// The key of a location inside the table.
pub(crate) fn key_of(location: &str) -> Result<String, String> {
    let (_, path) = location.split_once("://sim/").ok_or_else(|| format!("{location} lies elsewhere"))?;
    if path.starts_with("table/") { Ok(path.to_owned()) } else { Err(format!("{location} lies elsewhere")) }
}

/// Live data files by key, how often each is listed, and the snapshot that added it.
pub(crate) type Live = BTreeMap<String, (usize, SnapshotId)>;

/// Reads what snapshots refer to, each manifest once.
pub(crate) struct Files<'a> {
    store: &'a SimStore,
    /// Of each manifest its live entries: key, and the snapshot if it does not inherit that.
    manifests: BTreeMap<String, Vec<(String, Option<SnapshotId>)>>,
    /// Keys of everything that was read or named.
    pub(crate) named: BTreeSet<String>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(store: &'a SimStore) -> Self {
        Self { store, manifests: BTreeMap::new(), named: BTreeSet::new() }
    }

    /// What a snapshot holds. Every file of it has to be there, and whole.
    pub(crate) fn live(&mut self, snapshot: &Snapshot) -> Result<Live, String> {
        let list = key_of(snapshot.manifest_list().ok_or("a snapshot without manifest list")?)?;
        let bytes = self.store.object(&list).ok_or_else(|| format!("{list} is named and not there"))?;
        let rows = ManifestListReader::new(&bytes).map_err(|e| format!("{list}: {e}"))?;
        let rows: Vec<ManifestFile> = rows.collect::<Result<_, _>>().map_err(|e| format!("{list}: {e}"))?;
        self.named.insert(list);
        let mut live = Live::new();
        for row in rows {
            for (key, snapshot_id) in self.manifest(&row)? {
                let entry =
                    live.entry(key.clone()).or_insert((0, snapshot_id.unwrap_or(row.added_snapshot_id)));
                entry.0 += 1;
            }
        }
        Ok(live)
    }

    fn manifest(&mut self, row: &ManifestFile) -> Result<&[(String, Option<SnapshotId>)], String> {
        let key = key_of(&row.manifest_path)?;
        if !self.manifests.contains_key(&key) {
            let entries = self.read(&key, row)?;
            self.named.insert(key.clone());
            self.named.extend(entries.iter().map(|(file, _)| file.clone()));
            self.manifests.insert(key.clone(), entries);
        }
        Ok(&self.manifests[&key])
    }

    fn read(&self, key: &str, row: &ManifestFile) -> Result<Vec<(String, Option<SnapshotId>)>, String> {
        let fail = |e: &dyn std::fmt::Display| format!("{key}: {e}");
        let bytes = self.store.object(key).ok_or_else(|| fail(&"it is named and not there"))?;
        if i64::try_from(bytes.len()).ok() != Some(row.manifest_length) {
            return Err(fail(&format!("it has {} bytes, not {}", bytes.len(), row.manifest_length)));
        }
        let mut entries = Vec::new();
        for entry in ManifestReader::new(&bytes).map_err(|e| fail(&e))? {
            let entry = entry.map_err(|e| fail(&e))?;
            if !entry.status.is_live() {
                continue;
            }
            let file = key_of(&entry.data_file.file_path)?;
            match self.store.object(&file) {
                None => return Err(fail(&format!("data file {file} is named and not there"))),
                Some(bytes) if bytes != content(&file) => {
                    return Err(format!("{file} does not hold its rows"));
                }
                Some(_) => entries.push((file, entry.snapshot_id)),
            }
        }
        Ok(entries)
    }
}

/// Keys of all files that a version's snapshots need.
pub(crate) fn reachable(store: &SimStore, metadata: &TableMetadata) -> Result<BTreeSet<String>, String> {
    let mut files = Files::new(store);
    for snapshot in metadata.snapshots() {
        files.live(snapshot.map_err(|e| e.to_string())?)?;
    }
    Ok(files.named)
}
