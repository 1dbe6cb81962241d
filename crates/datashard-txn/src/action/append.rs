//! [`Append`]: adds data files.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, ManifestContent};
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary, summary_key};
use datashard_spec::value::Tuple;

use super::files::{Fitting, NewFile, check_places};
use super::manifests::refuse;
use super::metadata_form::existing;
use super::snapshot::NewSnapshot;
use crate::base::Base;
use crate::change::added::added_manifests;
use crate::change::notes::{Notes, noted};
use crate::epoch;
use crate::inputs::Inputs;
use crate::merge::{Budget, Merges};
use crate::operation::Operation;
use crate::produced::{NewManifest, Produced};
use crate::read::Read;
use crate::refusal::Refusal;

const NAME: &str = "append";

/// Adds data files to the head of `main` or of another branch, in one snapshot. It never conflicts with other appends, whatever it adds.
///
/// The files are there already, or come with their bytes and are written beside the manifests. Each keeps its partition spec; it may have
/// been written for an older schema, as long as its rows still fit the current one.
///
/// Along the way it merges small manifests of earlier commits, see [`merge`](crate::merge).
///
/// # Examples
/// ```
/// use datashard_spec::id::{PartitionSpecId, SchemaId};
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_txn::action::Append;
///
/// let file = DataFile::new("s3://b/t/data/e7-0.parquet", FileFormat::Parquet, 100, 4096);
/// let append = Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file).with_summary_property("source", "kafka");
/// assert_eq!(append.file_count(), 1);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Append {
    schema_id: SchemaId,
    files: Vec<NewFile>,
    payload: Vec<(TablePath, Bytes)>,
    notes: Notes,
}

impl Append {
    /// An append of files written for this schema of the table.
    pub fn new(schema_id: SchemaId) -> Self {
        Self { schema_id, files: Vec::new(), payload: Vec::new(), notes: Notes::default() }
    }

    /// With a file that is there, of this partition spec.
    pub fn with_file(mut self, spec_id: PartitionSpecId, file: DataFile) -> Self {
        self.files.push(NewFile { schema_id: self.schema_id, spec_id, file: Arc::new(file) });
        self
    }

    /// With files that are there, of this partition spec.
    pub fn with_files(self, spec_id: PartitionSpecId, files: impl IntoIterator<Item = DataFile>) -> Self {
        files.into_iter().fold(self, |append, file| append.with_file(spec_id, file))
    }

    /// With a file that nobody has written yet: the commit writes its bytes to this path, beside the manifest. The path must be one that
    /// was never used, and be the one that the file's location names.
    pub fn with_unwritten_file(
        mut self,
        spec_id: PartitionSpecId,
        file: DataFile,
        path: TablePath,
        bytes: Bytes,
    ) -> Self {
        self.payload.push((path, bytes));
        self.with_file(spec_id, file)
    }

    /// How many files it adds.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// How many rows it adds.
    pub fn record_count(&self) -> i64 {
        self.files.iter().fold(0, |rows: i64, new| rows.saturating_add(new.file.record_count.max(0)))
    }

    /// Several appends as one.
    pub(crate) fn join(appends: &[&Self]) -> Self {
        let mut joined = Self::new(appends.first().map_or(SchemaId(0), |append| append.schema_id));
        for append in appends {
            joined.files.extend(append.files.iter().cloned());
            joined.payload.extend(append.payload.iter().cloned());
            joined.notes = append.notes.clone();
        }
        joined
    }

    /// Whether both may be parts of one snapshot: its summary is then that of either, and neither is refused for adding nothing or for an id
    /// that another snapshot has.
    pub(crate) fn joins(&self, other: &Self) -> bool {
        self.notes == other.notes
            && !self.notes.is_staged()
            && !self.files.is_empty()
            && !other.files.is_empty()
    }

    fn added(&self) -> Summary {
        let mut summary = Summary::default();
        for (key, value) in self.notes.summary() {
            summary.set(key, value);
        }
        let size_bytes =
            self.files.iter().fold(0_i64, |sum, new| sum.saturating_add(new.file.file_size_in_bytes));
        let partitions: BTreeSet<(PartitionSpecId, &Tuple)> =
            self.files.iter().map(|new| (new.spec_id, &new.file.partition)).collect();
        summary
            .with(summary_key::ADDED_DATA_FILES, self.files.len())
            .with(summary_key::ADDED_RECORDS, self.record_count())
            .with(summary_key::ADDED_FILES_SIZE, size_bytes)
            .with(summary_key::CHANGED_PARTITION_COUNT, partitions.len())
    }
}

noted!(Append);

impl Operation for Append {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let paths = self.files.iter().flat_map(|new| new.file.file_path.bytes().chain([0]));
        NAME.bytes().chain([0]).chain(paths).chain(self.notes.fingerprint()).collect()
    }

    fn branch(&self) -> &str {
        self.notes.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let list = &inputs.loaded.manifest_list;
        Ok(Merges::decide(base, list, inputs.earlier, budget(inputs.earlier)).reads(list))
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        if self.files.is_empty() {
            return rejected("it adds no file".to_owned());
        }
        self.notes.check(base, NAME)?;
        let mut fitting = Fitting::new(&base.metadata);
        for file in &self.files {
            fitting.check(file, ManifestContent::Data).map_err(|misfit| refuse(misfit, NAME))?;
        }
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        if let Err(reason) = check_places(&self.files, &self.payload, inputs.location) {
            return rejected(reason);
        }
        let list = &inputs.loaded.manifest_list;
        let merges = Merges::decide(base, list, inputs.earlier, budget(inputs.earlier));
        let mut created = added_manifests(&self.files, ManifestContent::Data, None, base, inputs, NAME)?;
        merges.write(base, inputs, NAME, &mut created)?;
        NewSnapshot {
            name: NAME,
            operation: SnapshotOperation::Append,
            summary: self.added(),
            created,
            kept: merges.kept(inputs, NAME)?,
            replaced: merges.replaced(),
            target: self.notes.target(),
            base,
            inputs,
        }
        .produce()
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.payload.clone()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.files.iter().filter_map(|new| epoch::of_file(&new.file.file_path)).min()
    }
}

/// An append that lost begins no merge: it would read manifests before each attempt, and lose to those who do not.
fn budget(earlier: &[NewManifest]) -> Budget {
    if earlier.is_empty() { Budget::INLINE } else { Budget::NONE }
}

fn rejected<T>(reason: String) -> Result<T, Refusal> {
    Err(Refusal::Rejected { operation: NAME, reason })
}

#[cfg(test)]
mod tests;
