//! Copies a table folder and writes all of its metadata anew: each metadata file, manifest list and manifest is read to
//! values and encoded from them, under its old name. Other engines must read the copy as they read the table.
//!
//! ```sh
//! cargo run --release -p datashard-spec --example rewrite -- testdata/iceberg-java/v2_basic COPY --codec null
//! ```
//!
//! Data files, delete files and statistics are copied as they are. So are lists and manifests that no metadata file
//! names any more.
#![allow(clippy::print_stdout, reason = "a command line program")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Component, Path, PathBuf};

use datashard_spec::avro::{
    Codec, ListSnapshot, ManifestListReader, ManifestListWriter, ManifestReader, ManifestWriter, ReadOptions,
    WriteOptions,
};
use datashard_spec::id::{PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{ManifestContent, ManifestFile, ManifestStatus};
use datashard_spec::metadata::{MetadataFileName, TableMetadata};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::snapshot::{ManifestLocations, Snapshot};

const USAGE: &str =
    "usage: rewrite FROM-FOLDER TO-FOLDER [--codec deflate|null|snappy|zstd] [--location NEW-LOCATION]";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (mut folders, mut codec, mut location) = (Vec::new(), Codec::Deflate, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--codec" => match arguments.next().ok_or(USAGE)?.as_str() {
                "zstd" => codec = Codec::Zstandard,
                name => codec = Codec::parse(name)?,
            },
            "--location" => location = Some(arguments.next().ok_or(USAGE)?),
            _ => folders.push(PathBuf::from(argument)),
        }
    }
    let [from, to] = folders.as_slice() else { return Err(USAGE.into()) };
    if to.exists() {
        return Err(format!("{} is there already", to.display()).into());
    }
    copy(from, to)?;

    // In order of versions: the version of the format that knew a snapshot first is that of its manifest list.
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(from.join("metadata"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(MetadataFileName::parse);
        if let Some(name) = name {
            versions.push((name.version, name.gzip, path));
        }
    }
    versions.sort();
    let mut copier = Copier {
        from,
        to,
        old_location: String::new(),
        new_location: location,
        codec,
        manifests: BTreeMap::new(),
        lists: BTreeSet::new(),
    };
    for (version, is_gzip, path) in &versions {
        let metadata = TableMetadata::from_bytes(&std::fs::read(path)?)?;
        copier.old_location = metadata.location().trim_end_matches('/').to_owned();
        for snapshot in metadata.snapshots() {
            match copier.snapshot(&metadata, snapshot?) {
                // What only older versions name may have been cleaned up.
                Err(e) if versions.last().is_some_and(|newest| newest.0 > *version) && is_missing(&*e) => {}
                done => done?,
            }
        }
        let metadata = copier.moved_metadata(metadata)?;
        let bytes = if *is_gzip { metadata.to_gzip()? } else { metadata.to_json().into_bytes() };
        std::fs::write(to.join("metadata").join(path.file_name().unwrap_or_default()), bytes)?;
    }
    let (lists, manifests) = (copier.lists.len(), copier.manifests.len());
    println!("{} metadata files, {lists} manifest lists, {manifests} manifests", versions.len());
    Ok(())
}

fn is_missing(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(|e: &std::io::Error| e.kind() == std::io::ErrorKind::NotFound)
}

/// Copies a folder; without Hadoop's checksum files, which would not fit what is written anew.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.extension().is_none_or(|extension| extension != "crc") {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

struct Copier<'a> {
    from: &'a Path,
    to: &'a Path,
    old_location: String,
    new_location: Option<String>,
    codec: Codec,
    /// Old location of each manifest written, and its row as the writer counted it.
    manifests: BTreeMap<String, ManifestFile>,
    /// Old locations of the manifest lists written.
    lists: BTreeSet<String>,
}

impl Copier<'_> {
    fn snapshot(&mut self, metadata: &TableMetadata, snapshot: &Snapshot) -> Result<()> {
        let list = match &snapshot.manifests {
            ManifestLocations::List(list) => list,
            ManifestLocations::Inline(manifests) => {
                for manifest in manifests {
                    let row = ManifestFile::new(manifest.as_str(), 0, PartitionSpecId(0), snapshot.id);
                    self.manifest(metadata, &row)?;
                }
                return Ok(());
            }
        };
        if self.lists.contains(list) {
            return Ok(());
        }
        let mut about = ListSnapshot::new(snapshot.id, snapshot.sequence_number);
        about.parent_snapshot_id = snapshot.parent_id.filter(|id| *id != SnapshotId(-1));
        about.first_row_id = snapshot.first_row_id;

        let bytes = std::fs::read(self.from.join(self.inside(list)?))?;
        let reader = ManifestListReader::new(&bytes)?;
        let options = WriteOptions::default().with_codec(self.codec).with_extra_fields(reader.extra_fields());
        let mut writer = ManifestListWriter::new(metadata.format_version(), about, &options)?;
        for row in reader {
            writer.write(&self.manifest(metadata, &row?)?)?;
        }
        std::fs::write(self.to.join(self.inside(list)?), writer.finish()?)?;
        self.lists.insert(list.clone());
        Ok(())
    }

    /// Writes the manifest of a row, if that was not done yet, and returns the row for the copy: counts, length and
    /// partition summaries as counted anew, the numbers given by a commit as they were.
    fn manifest(&mut self, metadata: &TableMetadata, row: &ManifestFile) -> Result<ManifestFile> {
        let counted = match self.manifests.get(&row.manifest_path) {
            Some(counted) => counted.clone(),
            None => {
                let counted = self.write_manifest(metadata, row)?;
                self.manifests.insert(row.manifest_path.clone(), counted.clone());
                counted
            }
        };
        let mut copy = row.clone();
        copy.manifest_path = counted.manifest_path;
        copy.manifest_length = counted.manifest_length;
        copy.added_files_count = counted.added_files_count;
        copy.existing_files_count = counted.existing_files_count;
        copy.deleted_files_count = counted.deleted_files_count;
        copy.added_rows_count = counted.added_rows_count;
        copy.existing_rows_count = counted.existing_rows_count;
        copy.deleted_rows_count = counted.deleted_rows_count;
        copy.partitions = counted.partitions;
        Ok(copy)
    }

    fn write_manifest(&self, metadata: &TableMetadata, row: &ManifestFile) -> Result<ManifestFile> {
        if self.new_location.is_some() && row.content == ManifestContent::Deletes {
            return Err("delete files name data files inside: a table with deletes cannot be moved".into());
        }
        let inside = self.inside(&row.manifest_path)?;
        let bytes = std::fs::read(self.from.join(&inside))?;
        // Only for manifests that do not say what they are partitioned by.
        let spec = metadata.partition_spec(row.partition_spec_id);
        let spec =
            spec.map_or_else(|| PartitionSpec::unpartitioned(row.partition_spec_id), |s| (**s).clone());
        let partition_type = spec.partition_type(metadata.current_schema());
        let options = ReadOptions::default().with_partition_type(partition_type);
        let reader = ManifestReader::with_options(&bytes, &options)?;
        let header = reader.header().clone();

        let (version, schema) = (header.format_version, header.schema()?);
        let spec = header.partition_spec.unwrap_or(spec);
        let options = WriteOptions::default().with_codec(self.codec).with_extra_fields(header.extra_fields);
        let mut writer =
            ManifestWriter::new(version, &schema, &spec, row.content, row.added_snapshot_id, &options)?;
        for entry in reader {
            let mut entry = entry?;
            if entry.status == ManifestStatus::Added {
                // Some writers number added files themselves; the format leaves that to the list.
                entry.file_sequence_number = None;
            }
            entry.data_file.file_path = self.moved(&entry.data_file.file_path);
            writer.write(&entry)?;
        }
        let (bytes, row) = writer.finish(self.moved(&row.manifest_path))?;
        std::fs::write(self.to.join(&inside), bytes)?;
        Ok(row)
    }

    /// Where a location of the metadata lies in the folder: what follows the table's own location, or the last two
    /// parts of the path. Never outside the folder.
    fn inside(&self, location: &str) -> Result<PathBuf> {
        let inside = match location.strip_prefix(&self.old_location) {
            Some(inside) => PathBuf::from(inside.trim_start_matches('/')),
            None => {
                let mut parts: Vec<&str> = location.rsplit('/').take(2).collect();
                parts.reverse();
                parts.iter().collect()
            }
        };
        if inside.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(inside);
        }
        Err(format!("{location:?} leads out of the folder").into())
    }

    /// The location in the copy.
    fn moved(&self, location: &str) -> String {
        match (&self.new_location, location.strip_prefix(&self.old_location)) {
            (Some(new), Some(inside)) if inside.is_empty() || inside.starts_with('/') => {
                format!("{new}{inside}")
            }
            _ => location.to_owned(),
        }
    }

    /// The metadata with the locations of the copy. In the document each stands as a string of its own.
    fn moved_metadata(&self, metadata: TableMetadata) -> Result<TableMetadata> {
        let Some(new) = &self.new_location else { return Ok(metadata) };
        let mut json = metadata.to_json();
        for end in ['"', '/'] {
            json = json.replace(&format!("\"{}{end}", self.old_location), &format!("\"{new}{end}"));
        }
        Ok(TableMetadata::from_json(json.as_bytes())?)
    }
}
