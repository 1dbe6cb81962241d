//! Counts that a manifest list does not have: lists of version 1 may leave them out, lists of later versions must have them.

use std::collections::BTreeSet;

use datashard_spec::avro::ManifestReader;
use datashard_spec::manifest::{ManifestCounts, ManifestFile};
use datashard_spec::metadata::FormatVersion;

use super::fault::Fault;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::refusal::Refusal;

/// Locations of the manifests that have to be counted before the table's version can list them.
pub(super) fn uncounted(base: &Base, list: &[ManifestFile]) -> BTreeSet<String> {
    if base.metadata.format_version() == FormatVersion::V1 {
        return BTreeSet::new();
    }
    let lacks_counts = |row: &&ManifestFile| {
        let files = [row.added_files_count, row.existing_files_count, row.deleted_files_count];
        let rows = [row.added_rows_count, row.existing_rows_count, row.deleted_rows_count];
        files.contains(&None) || rows.contains(&None)
    };
    list.iter().filter(lacks_counts).map(|row| row.manifest_path.clone()).collect()
}

/// Counts the entries of a manifest.
///
/// # Errors
/// `Corrupt` if it is damaged; `Unsupported` if this build cannot read it.
pub(super) fn count(
    row: &mut ManifestFile,
    inputs: &Inputs<'_>,
    operation: &'static str,
) -> Result<(), Refusal> {
    let fault = Fault::new(inputs, operation);
    let location = row.manifest_path.clone();
    let bytes = inputs.loaded.manifest(row);
    let bytes = bytes.ok_or_else(|| fault.corrupt(&location, "it was not read".to_owned()))?;
    let mut counts = ManifestCounts::default();
    for entry in ManifestReader::new(bytes).map_err(|e| fault.of_error(&location, &e))? {
        let entry = entry.map_err(|e| fault.of_error(&location, &e.into()))?;
        counts.add(&entry).map_err(|e| fault.corrupt(&location, e.to_string()))?;
    }
    row.added_files_count = Some(counts.added_files);
    row.existing_files_count = Some(counts.existing_files);
    row.deleted_files_count = Some(counts.deleted_files);
    row.added_rows_count = Some(counts.added_rows);
    row.existing_rows_count = Some(counts.existing_rows);
    row.deleted_rows_count = Some(counts.deleted_rows);
    Ok(())
}
