//! [`Picked`]: what a snapshot added and removed, as its manifests say.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::avro::{ManifestReader, ReadOptions};
use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent, ManifestFile, ManifestStatus};
use datashard_spec::metadata::FormatVersion;

use super::NAME;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::merge::source::Fault;
use crate::read::Finding;
use crate::refusal::Refusal;

/// What a snapshot added and removed.
#[derive(Debug, Clone, Default)]
pub(super) struct Picked {
    /// The data files that it added, with their specs.
    pub(super) added: Vec<(PartitionSpecId, Arc<DataFile>)>,
    /// Locations of the data files that it removed.
    pub(super) removed: BTreeSet<String>,
    /// Whether it added delete files.
    pub(super) adds_deletes: bool,
    /// What partition tuples were read for.
    found_for: Option<(SchemaId, FormatVersion)>,
}

impl Picked {
    /// Looks through a manifest that the snapshot added.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged; `Unsupported` if this build cannot read it.
    pub(super) fn read(
        row: &ManifestFile,
        bytes: &Bytes,
        base: &Base,
        inputs: &Inputs<'_>,
        source: SnapshotId,
    ) -> Result<Self, Refusal> {
        let fault = Fault::new(inputs, NAME);
        let location = &row.manifest_path;
        let table = &base.metadata;
        let spec_id = row.partition_spec_id;
        let spec = table.partition_spec(spec_id).ok_or_else(|| {
            fault.corrupt(
                location,
                format!("it is of partition spec {spec_id}, which the table does not have"),
            )
        })?;
        let options = ReadOptions::default().with_partition_type(spec.partition_type(table.current_schema()));
        let reader =
            ManifestReader::with_options(bytes, &options).map_err(|e| fault.of_error(location, &e))?;
        let mut inheritance = row.inherit();
        let mut picked =
            Self { found_for: Some((table.current_schema_id(), table.format_version())), ..Self::default() };
        for entry in reader {
            let mut entry = entry.map_err(|e| fault.of_error(location, &e.into()))?;
            inheritance.apply(&mut entry).map_err(|e| fault.corrupt(location, e.to_string()))?;
            if entry.snapshot_id != Some(source) {
                continue;
            }
            let file = entry.data_file;
            match (entry.status, &file.content) {
                (ManifestStatus::Added, FileContent::Data) => picked.added.push((spec_id, Arc::new(file))),
                (ManifestStatus::Added, _) => picked.adds_deletes = true,
                (ManifestStatus::Deleted, FileContent::Data) => {
                    picked.removed.insert(file.file_path);
                }
                // Delete files go with the data files that they are for.
                (ManifestStatus::Deleted | ManifestStatus::Existing, _) => {}
            }
        }
        Ok(picked)
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.added.extend(other.added.iter().cloned());
        self.removed.extend(other.removed.iter().cloned());
        self.adds_deletes |= other.adds_deletes;
    }
}

impl Finding for Picked {
    fn size_bytes(&self) -> usize {
        let metrics = |file: &DataFile| file.file_path.len().saturating_add(512);
        let added = self.added.iter().map(|(_, file)| metrics(file));
        added.chain(self.removed.iter().map(String::len)).fold(64, usize::saturating_add)
    }

    fn holds_for(&self, base: &Base) -> bool {
        self.found_for == Some((base.metadata.current_schema_id(), base.metadata.format_version()))
    }
}
