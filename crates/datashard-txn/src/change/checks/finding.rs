//! [`Found`]: what a manifest of a newer snapshot tells the checks. A few names and counts, however long the manifest is.

use datashard_spec::avro::{EntryView, ManifestPlanner, ReadOptions};
use datashard_spec::expr::ColumnMetrics;
use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{FileContent, FileFormat, ManifestFile, ManifestStatus};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::{ErrorKind, SpecError};

use bytes::Bytes;

use super::deletes::AddedDelete;
use super::scope::Lens;
use super::{Check, Checks, Place};
use crate::base::Base;
use crate::read::Finding;
use crate::refusal::Refusal;

/// How many files and partitions are kept by name.
const MOST_NAMED: usize = 16;

/// The column of position delete files that names the data file.
pub(super) const FILE_PATH: FieldId = FieldId(2_147_483_546);

/// What a manifest tells the checks.
#[derive(Debug)]
pub(super) struct Found {
    /// The schema that the filters were bound to.
    schema_id: Option<SchemaId>,
    /// By the position of the check.
    checks: Vec<OfCheck>,
    /// How many data files it says were removed.
    pub(super) deleted_files: u64,
}

#[derive(Debug, Default)]
struct OfCheck {
    hits: Hits,
    deletes: Vec<AddedDelete>,
}

/// Files that stand against a check.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    /// How many there are.
    pub(super) count: u64,
    /// The first of them.
    pub(super) files: Vec<String>,
    /// The first of their partitions, as paths.
    pub(super) partitions: Vec<String>,
}

impl Hits {
    pub(super) fn add(&mut self, location: &str, partition: impl FnOnce() -> String) {
        self.count = self.count.saturating_add(1);
        if self.files.len() < MOST_NAMED {
            self.files.push(location.to_owned());
        }
        if self.partitions.len() < MOST_NAMED {
            let partition = partition();
            if !partition.is_empty() && !self.partitions.contains(&partition) {
                self.partitions.push(partition);
            }
        }
    }

    pub(super) fn joined(mut self, other: &Self) -> Self {
        self.count = self.count.saturating_add(other.count);
        let files = MOST_NAMED.saturating_sub(self.files.len());
        self.files.extend(other.files.iter().take(files).cloned());
        for partition in &other.partitions {
            if self.partitions.len() < MOST_NAMED && !self.partitions.contains(partition) {
                self.partitions.push(partition.clone());
            }
        }
        self
    }

    fn size_bytes(&self) -> usize {
        self.files.iter().chain(&self.partitions).map(|text| text.len().saturating_add(24)).sum()
    }
}

impl Found {
    /// Looks through a manifest, entry by entry.
    pub(super) fn of(
        checks: &Checks<'_>,
        lenses: &[Lens],
        place: Place<'_>,
        row: &ManifestFile,
        bytes: &Bytes,
    ) -> Result<Self, Refusal> {
        let fault = |error: &SpecError| of_error(place, row, error);
        let table = &place.base.metadata;
        let spec = table.partition_spec(row.partition_spec_id).map(AsRef::as_ref);
        let mut columns: Vec<FieldId> = lenses.iter().flat_map(Lens::columns).copied().collect();
        columns.push(FILE_PATH);
        let mut options = ReadOptions::default();
        if let Some(spec) = spec {
            options = options.with_partition_type(spec.partition_type(table.current_schema()));
        }
        let mut planner = ManifestPlanner::with_options(bytes, &columns, &options).map_err(|e| fault(&e))?;
        let mut found = Self {
            schema_id: lenses.iter().find_map(Lens::schema_id),
            checks: checks.list.iter().map(|_| OfCheck::default()).collect(),
            deleted_files: 0,
        };
        let at = Manifest { row, spec };
        while let Some(entry) = planner.next_entry().map_err(|e| fault(&e.into()))? {
            if entry.status == ManifestStatus::Deleted && entry.content == FileContent::Data {
                found.deleted_files = found.deleted_files.saturating_add(1);
            }
            for ((check, lens), of_check) in checks.list.iter().zip(lenses).zip(&mut found.checks) {
                check.look_at(&entry, at, lens, of_check);
            }
        }
        Ok(found)
    }

    pub(super) fn hits(&self, position: usize) -> Option<&Hits> {
        self.checks.get(position).map(|of_check| &of_check.hits)
    }

    pub(super) fn deletes(&self, position: usize) -> &[AddedDelete] {
        self.checks.get(position).map_or(&[], |of_check| &of_check.deletes)
    }
}

impl Finding for Found {
    fn size_bytes(&self) -> usize {
        let of_check = |of_check: &OfCheck| {
            let deletes: usize = of_check.deletes.iter().map(AddedDelete::size_bytes).sum();
            of_check.hits.size_bytes().saturating_add(deletes).saturating_add(size_of::<OfCheck>())
        };
        self.checks.iter().map(of_check).fold(size_of::<Self>(), usize::saturating_add)
    }

    fn holds_for(&self, base: &Base) -> bool {
        self.schema_id.is_none_or(|schema_id| schema_id == base.metadata.current_schema_id())
    }
}

/// The manifest that an entry is of.
#[derive(Clone, Copy)]
struct Manifest<'m> {
    row: &'m ManifestFile,
    spec: Option<&'m PartitionSpec>,
}

impl Manifest<'_> {
    fn spec_id(&self) -> PartitionSpecId {
        self.row.partition_spec_id
    }
}

impl Check<'_> {
    fn look_at(&self, entry: &EntryView<'_>, at: Manifest<'_>, lens: &Lens, of_check: &mut OfCheck) {
        let status = entry.status;
        let is_data = entry.content == FileContent::Data;
        let is_vector =
            entry.content == FileContent::PositionDeletes && entry.file_format() == FileFormat::Puffin;
        let stands_against = match self {
            Self::NoAddedFiles(_) => status == ManifestStatus::Added && is_data,
            Self::NoRemovedFiles(_) => status == ManifestStatus::Deleted && is_data,
            Self::FilesExist { files, .. } | Self::Remain(files) => {
                status == ManifestStatus::Deleted && is_data && files.contains(entry.file_path)
            }
            Self::NoAddedDeletes { only_equality, .. } => {
                let counts = !only_equality || entry.content == FileContent::EqualityDeletes;
                status == ManifestStatus::Added && !is_data && counts
            }
            Self::NoDeletesForRemoved { .. } => status == ManifestStatus::Added && !is_data,
            Self::KeepsFiles(_) => false,
            Self::NoAddedVectors(files) => {
                let referenced = entry.referenced_data_file;
                status == ManifestStatus::Added
                    && is_vector
                    && referenced.is_none_or(|referenced| files.contains(referenced))
            }
        };
        if !stands_against || !lens.may_match(at.spec_id(), entry) {
            return;
        }
        if let Self::NoDeletesForRemoved { ignore_equality, .. } = self {
            if !(*ignore_equality && entry.content == FileContent::EqualityDeletes) {
                let bound = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
                of_check.deletes.push(AddedDelete {
                    location: entry.file_path.to_owned(),
                    content: entry.content,
                    spec_id: at.spec_id(),
                    is_global: at.spec.is_some_and(PartitionSpec::is_unpartitioned),
                    partition: super::partition::canonical(entry.partition),
                    sequence_number: AddedDelete::sequence_number(entry, at.row),
                    referenced_data_file: entry.referenced_data_file.map(str::to_owned),
                    lower: bound(entry.lower_bound(FILE_PATH)),
                    upper: bound(entry.upper_bound(FILE_PATH)),
                });
            }
            return;
        }
        let partition = || at.spec.map(|spec| spec.partition_path(entry.partition)).unwrap_or_default();
        of_check.hits.add(named(entry), partition);
    }
}

/// The file that an entry is about: of a deletion vector, the data file and not one Puffin file of many vectors.
fn named<'e>(entry: &EntryView<'e>) -> &'e str {
    match entry.content {
        FileContent::PositionDeletes => entry.referenced_data_file.unwrap_or(entry.file_path),
        FileContent::Data | FileContent::EqualityDeletes => entry.file_path,
    }
}

fn of_error(place: Place<'_>, row: &ManifestFile, error: &SpecError) -> Refusal {
    let location = &row.manifest_path;
    let path = place.inputs.location.relative(location);
    match error.kind() {
        ErrorKind::Unsupported => Refusal::Unsupported {
            operation: place.operation,
            reason: format!("manifest `{}`: {error}", crate::action::excerpt(location)),
        },
        _ => Refusal::Corrupt {
            path: path.map_or_else(|_| location.clone(), |path| path.to_string()),
            reason: error.to_string(),
        },
    }
}
