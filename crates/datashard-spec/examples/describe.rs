//! Shows what a table folder holds: schema, partition spec, snapshots, and the manifests and files of the current one.
//!
//! ```sh
//! cargo run --release -p datashard-spec --example describe -- testdata/iceberg-java/v2_basic
//! ```
//!
//! The crate does no I/O; this program brings the bytes.
#![allow(clippy::print_stdout, reason = "a command line program")]

use std::error::Error;
use std::path::{Path, PathBuf};

use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::SnapshotId;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{MetadataFileName, TableMetadata};
use datashard_spec::snapshot::{ManifestLocations, Snapshot};
use datashard_spec::value::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let table = std::env::args().nth(1).ok_or("usage: describe TABLE-FOLDER")?;
    let table = Path::new(&table);
    let newest = newest_metadata(table)?;
    println!("{}", newest.display());
    let metadata = TableMetadata::from_bytes(&std::fs::read(&newest)?)?;
    println!("format {}, location {}", metadata.format_version(), metadata.location());

    println!("\nschema {}", metadata.current_schema().id());
    for field in metadata.current_schema().all_fields() {
        let required = if field.required { " required" } else { "" };
        println!("  {:>3} {}: {}{required}", field.id, field.full_name, field.field_type);
    }
    let spec = metadata.default_partition_spec();
    println!("partition spec {}{}", spec.id, if spec.fields.is_empty() { ": unpartitioned" } else { "" });
    for field in &spec.fields {
        println!("  {} {}: {}", field.field_id, field.name, field.transform);
    }

    println!("\nsnapshots");
    for snapshot in metadata.snapshots() {
        print_snapshot(&metadata, snapshot?);
    }
    if let Some(snapshot) = metadata.current_snapshot()? {
        print_manifests(table, &metadata, snapshot)?;
    }
    Ok(())
}

/// The metadata file with the highest version in the folder.
fn newest_metadata(table: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut newest = None;
    for entry in std::fs::read_dir(table.join("metadata"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(MetadataFileName::parse);
        if let Some(name) = name {
            newest = newest.max(Some((name.version, path)));
        }
    }
    Ok(newest.ok_or("no metadata file in the folder `metadata`")?.1)
}

fn print_snapshot(metadata: &TableMetadata, snapshot: &Snapshot) {
    let refs: Vec<&str> = metadata
        .refs()
        .iter()
        .filter(|(_, reference)| reference.snapshot_id == snapshot.id)
        .map(|(name, _)| name.as_str())
        .collect();
    let operation = snapshot.summary.operation().map_or("", |operation| operation.as_str());
    let at = Value::Timestamptz(snapshot.timestamp_ms.saturating_mul(1000));
    let parent = snapshot.parent_id.map_or(String::new(), |SnapshotId(id)| format!(" after {id}"));
    let refs = if refs.is_empty() { String::new() } else { format!(" <- {}", refs.join(", ")) };
    println!("  {} {at} {operation}{parent}{refs}", snapshot.id);
}

fn print_manifests(
    table: &Path,
    metadata: &TableMetadata,
    snapshot: &Snapshot,
) -> Result<(), Box<dyn Error>> {
    println!("\nmanifests of snapshot {}", snapshot.id);
    let manifests = match &snapshot.manifests {
        ManifestLocations::List(list) => {
            let bytes = std::fs::read(local(table, metadata, list))?;
            ManifestListReader::new(&bytes)?.collect::<Result<Vec<_>, _>>()?
        }
        // The oldest tables name their manifests in the metadata itself.
        ManifestLocations::Inline(paths) => {
            let spec_id = metadata.default_spec_id();
            paths.iter().map(|path| ManifestFile::inline(path, 0, spec_id, snapshot.id)).collect()
        }
    };
    for manifest in manifests {
        println!("  {} ({})", manifest.manifest_path, manifest.content.as_str());
        let bytes = std::fs::read(local(table, metadata, &manifest.manifest_path))?;
        let mut inheritance = manifest.inherit();
        for entry in ManifestReader::new(&bytes)? {
            let mut entry = entry?;
            inheritance.apply(&mut entry)?;
            let file = &entry.data_file;
            let rows = file.record_count;
            println!("    {:<8} {rows:>6} rows {}", entry.status.as_str(), file.file_path);
        }
    }
    Ok(())
}

/// Where a location of the metadata lies here, if the table was moved: what follows the table's own location, or the
/// last two parts of the path.
fn local(table: &Path, metadata: &TableMetadata, location: &str) -> PathBuf {
    let own = metadata.location().trim_end_matches('/');
    match location.strip_prefix(own) {
        Some(inside) => table.join(inside.trim_start_matches('/')),
        None => {
            let mut parts = location.rsplit('/');
            let name = parts.next().unwrap_or_default();
            table.join(parts.next().unwrap_or_default()).join(name)
        }
    }
}
