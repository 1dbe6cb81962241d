//! [`Used`]: which schemas and partition specs snapshots that stay are in need of.

use std::collections::BTreeSet;

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::TableUpdate;
use datashard_spec::snapshot::Snapshot;

use crate::action::metadata_change::damaged as malformed;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::read::Read;
use crate::refusal::Refusal;
use crate::segments::{SegmentFile, SegmentIndex, damaged};

/// What snapshots that stay use, those in history segments included.
pub(super) struct Used<'a> {
    base: &'a Base,
    inputs: &'a Inputs<'a>,
    gone: BTreeSet<SnapshotId>,
}

impl<'a> Used<'a> {
    pub(super) fn new(base: &'a Base, inputs: &'a Inputs<'a>, gone: &[SnapshotId]) -> Self {
        Self { base, inputs, gone: gone.iter().copied().collect() }
    }

    /// Segments, and then the manifest lists of all snapshots, if there are specs that may be unused.
    pub(super) fn reads(&self) -> Result<Vec<Read>, Refusal> {
        let segments = self.segments()?;
        if segments.iter().any(|read| !self.inputs.loaded.has(read)) || !self.has_other_specs() {
            return Ok(segments);
        }
        let mut lists = Vec::new();
        for snapshot in self.snapshots()? {
            if let Some(location) = snapshot.manifest_list() {
                lists.push(Read::ManifestList { location: location.to_owned() });
            }
        }
        Ok(lists)
    }

    /// The updates that remove what nobody uses.
    pub(super) fn removals(&self) -> Result<Vec<TableUpdate>, Refusal> {
        let metadata = &self.base.metadata;
        let snapshots = self.snapshots()?;
        let mut schemas: BTreeSet<SchemaId> =
            snapshots.iter().filter_map(|snapshot| snapshot.schema_id).collect();
        schemas.insert(metadata.current_schema_id());
        let ids = metadata.schemas().iter().map(|schema| schema.id());
        let schema_ids: Vec<SchemaId> = ids.filter(|id| !schemas.contains(id)).collect();
        let mut updates = Vec::new();
        if !schema_ids.is_empty() {
            updates.push(TableUpdate::RemoveSchemas { schema_ids });
        }
        if self.has_other_specs() {
            let specs = self.specs(&snapshots)?;
            let ids = metadata.partition_specs().iter().map(|spec| spec.id);
            let spec_ids: Vec<PartitionSpecId> = ids.filter(|id| !specs.contains(id)).collect();
            if !spec_ids.is_empty() {
                updates.push(TableUpdate::RemovePartitionSpecs { spec_ids });
            }
        }
        Ok(updates)
    }

    fn has_other_specs(&self) -> bool {
        self.base.metadata.partition_specs().len() > 1
    }

    fn specs(&self, snapshots: &[Snapshot]) -> Result<BTreeSet<PartitionSpecId>, Refusal> {
        let metadata = &self.base.metadata;
        let mut specs = BTreeSet::from([metadata.default_spec_id()]);
        for snapshot in snapshots {
            let Some(location) = snapshot.manifest_list() else {
                // Its manifests are not looked at: all of the specs may be in use.
                return Ok(metadata.partition_specs().iter().map(|spec| spec.id).collect());
            };
            let rows = self.inputs.loaded.list(location).ok_or_else(|| self.unread(location))?;
            specs.extend(rows.iter().map(|row| row.partition_spec_id));
        }
        Ok(specs)
    }

    /// The snapshots that stay.
    fn snapshots(&self) -> Result<Vec<Snapshot>, Refusal> {
        let mut all = Vec::new();
        for snapshot in self.base.metadata.snapshots() {
            let snapshot = snapshot.map_err(|e| malformed(self.base, &e))?;
            if !self.gone.contains(&snapshot.id) {
                all.push(snapshot.clone());
            }
        }
        for read in self.segments()? {
            let path = read.location().to_owned();
            let bytes = self.inputs.loaded.bytes(&read).ok_or_else(|| self.unread(&path))?;
            let file = SegmentFile::read(bytes).map_err(|reason| Refusal::Corrupt { path, reason })?;
            all.extend(file.records.into_iter().map(|record| record.snapshot));
        }
        Ok(all)
    }

    fn segments(&self) -> Result<Vec<Read>, Refusal> {
        let of_base = |reason| damaged(self.base, reason);
        let index = SegmentIndex::of_properties(self.base.metadata.properties()).map_err(of_base)?;
        let read = |segment: &crate::segments::Segment| {
            let path = segment.path().map_err(of_base)?;
            Ok(Read::File { location: self.inputs.location.file(&path) })
        };
        index.segments.iter().map(read).collect()
    }

    fn unread(&self, location: &str) -> Refusal {
        let path = self.inputs.location.relative(location);
        let path = path.map_or_else(|_| location.to_owned(), |path| path.to_string());
        Refusal::Corrupt { path, reason: "it was not read".to_owned() }
    }
}
