//! A look at all of a table: the chain of its versions, and every file that a retained snapshot reaches.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use datashard_io::head::METADATA_LIMIT_BYTES;
use datashard_io::{TablePath, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::MetadataVersion;
use datashard_spec::snapshot::Snapshot;
use datashard_txn::Base;
use datashard_txn::protocol::continues;
use futures_util::{StreamExt, TryStreamExt, stream};

const PARALLEL: usize = 16;

/// What was found.
#[derive(Debug)]
pub(crate) struct Audited {
    /// The newest version.
    pub(crate) version: u64,
    /// The rows of the current snapshot, and in how many files each of them is.
    pub(crate) rows: BTreeMap<String, usize>,
}

impl Audited {
    /// The rows, if each is there once.
    pub(crate) fn each_once(&self) -> BTreeSet<&str> {
        let doubled: Vec<_> = self.rows.iter().filter(|(_, count)| **count != 1).collect();
        assert!(doubled.is_empty(), "rows that are there more than once: {doubled:?}");
        self.rows.keys().map(String::as_str).collect()
    }
}

/// The files that a snapshot reaches, by their location.
type Live = BTreeMap<String, i64>;

/// Looks at all of a table.
///
/// An error says what is damaged: a version is missing or does not continue the one before it, a version is there above the newest, a
/// file of a snapshot is missing or cannot be read, a file is there twice, or a snapshot lost files of the one before it.
pub(crate) async fn audit(store: &TableStore) -> Result<Audited, String> {
    let head = store.find_head().await.map_err(|e| e.to_string())?.ok_or("there is no table")?;
    let versions: Vec<u64> = (1..=head.version.0).collect();
    let mut read = stream::iter(versions)
        .map(async |version| {
            let version = MetadataVersion(version);
            let bytes = store.read_version(version).await.map_err(|e| format!("version {version}: {e}"))?;
            Base::read(version, &bytes).map_err(|e| format!("version {version}: {e}"))
        })
        .buffered(PARALLEL);
    let mut newest: Option<Base> = None;
    while let Some(base) = read.try_next().await? {
        if let Some(before) = &newest {
            check_step(before, &base)?;
        }
        newest = Some(base);
    }
    drop(read);
    check_nothing_above(store, head.version).await?;
    let newest = newest.ok_or("there is no version")?;
    check_snapshots(store, &newest).await
}

/// As [`audit`], without versions before the newest, which may be retired.
pub(crate) async fn audit_newest(store: &TableStore) -> Result<Audited, String> {
    let head = store.find_head().await.map_err(|e| e.to_string())?.ok_or("there is no table")?;
    check_nothing_above(store, head.version).await?;
    let newest = Base::read(head.version, &head.metadata).map_err(|e| e.to_string())?;
    check_snapshots(store, &newest).await
}

fn check_step(before: &Base, after: &Base) -> Result<(), String> {
    let version = after.version;
    continues(before.state.as_ref(), after.state.as_ref()).map_err(|e| format!("version {version}: {e}"))?;
    let (old, new) = (&before.metadata, &after.metadata);
    if old.table_uuid() != new.table_uuid() {
        return Err(format!("version {version} is of another table"));
    }
    if old.last_updated_ms() > new.last_updated_ms() {
        return Err(format!("version {version} is older than the one before it"));
    }
    Ok(())
}

/// Versions have no gap: those that are there end with the newest.
async fn check_nothing_above(store: &TableStore, newest: MetadataVersion) -> Result<(), String> {
    let folder = TablePath::parse("metadata").map_err(|e| e.to_string())?;
    let mut names = store.list(Some(&folder), None);
    while let Some(file) = names.try_next().await.map_err(|e| e.to_string())? {
        let number = file.path.as_str().strip_prefix("metadata/v").and_then(|rest| rest.split('.').next());
        if number.and_then(|number| number.parse().ok()).is_some_and(|version: u64| version > newest.0) {
            return Err(format!("`{}` is above the newest version, {newest}", file.path));
        }
    }
    Ok(())
}

async fn check_snapshots(store: &TableStore, newest: &Base) -> Result<Audited, String> {
    let snapshots: Vec<&Snapshot> =
        newest.metadata.snapshots().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let mut manifests = BTreeMap::new();
    let mut files = BTreeMap::new();
    let mut before = Live::new();
    for snapshot in &snapshots {
        let live = live(store, snapshot, &mut manifests).await?;
        // Appends alone are made here, in one line: what was there stays.
        if let Some((lost, _)) = before.iter().find(|(file, _)| !live.contains_key(*file)) {
            return Err(format!("snapshot {} lost `{lost}`", snapshot.id));
        }
        files.extend(live.clone());
        before = live;
    }
    let contents: BTreeMap<String, Bytes> = stream::iter(files)
        .map(async |(location, size)| {
            let bytes = read(store, &location).await?;
            match i64::try_from(bytes.len()) == Ok(size) {
                true => Ok::<_, String>((location, bytes)),
                false => Err(format!("`{location}` has {} bytes, not {size}", bytes.len())),
            }
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    let current = newest.metadata.current_snapshot_id();
    if snapshots.last().map(|snapshot| snapshot.id) != current {
        return Err("the current snapshot is not the last".to_owned());
    }
    let mut rows = BTreeMap::new();
    for location in before.keys() {
        let bytes = contents.get(location).ok_or("a file was not read")?;
        let row = String::from_utf8(bytes.to_vec()).map_err(|e| format!("`{location}`: {e}"))?;
        *rows.entry(row).or_default() += 1;
    }
    Ok(Audited { version: newest.version.0, rows })
}

/// The live files of a snapshot. Manifests that were read stay in `known`.
async fn live(
    store: &TableStore,
    snapshot: &Snapshot,
    known: &mut BTreeMap<String, Vec<(String, i64)>>,
) -> Result<Live, String> {
    let list = snapshot.manifest_list().ok_or("a snapshot without manifest list")?;
    let bytes = read(store, list).await?;
    let reader = ManifestListReader::new(&bytes).map_err(|e| format!("`{list}`: {e}"))?;
    let manifests = reader.collect::<Result<Vec<_>, _>>().map_err(|e| format!("`{list}`: {e}"))?;
    let mut live = Live::new();
    for manifest in manifests {
        let path = &manifest.manifest_path;
        if !known.contains_key(path) {
            let bytes = read(store, path).await?;
            if i64::try_from(bytes.len()) != Ok(manifest.manifest_length) {
                return Err(format!("`{path}` has another length than `{list}` says"));
            }
            let reader = ManifestReader::new(&bytes).map_err(|e| format!("`{path}`: {e}"))?;
            let mut files = Vec::new();
            for entry in reader {
                let entry = entry.map_err(|e| format!("`{path}`: {e}"))?;
                if entry.status.is_live() {
                    files.push((entry.data_file.file_path.clone(), entry.data_file.file_size_in_bytes));
                }
            }
            known.insert(path.clone(), files);
        }
        for (file, size) in known.get(path).into_iter().flatten() {
            if live.insert(file.clone(), *size).is_some() {
                return Err(format!("`{file}` is twice in snapshot {}", snapshot.id));
            }
        }
    }
    Ok(live)
}

async fn read(store: &TableStore, location: &str) -> Result<Bytes, String> {
    let path = store.location().relative(location).map_err(|e| format!("`{location}`: {e}"))?;
    store.read(&path, METADATA_LIMIT_BYTES).await.map_err(|e| format!("`{location}`: {e}"))
}
