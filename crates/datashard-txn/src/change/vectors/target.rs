//! [`Targets`]: data files whose rows are deleted, and delete files that concern them, as a manifest tells; [`Index`]: those of all manifests.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent, ManifestFile};

use super::Vectors;
use crate::base::Base;
use crate::change::checks::{Place, canonical};
use crate::conflict::{Conflict, ConflictKind};
use crate::merge::source::{Fault, Source};
use crate::read::{Finding, Read};
use crate::refusal::Refusal;

/// A live file.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) file: DataFile,
    pub(super) spec_id: PartitionSpecId,
    pub(super) number: DataSequenceNumber,
    /// The snapshot that added it, if that is told.
    pub(super) snapshot_id: Option<SnapshotId>,
    /// The manifest that lists it.
    pub(super) manifest: String,
}

/// Files that concern the deletion of rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets {
    pub(super) data: Vec<Target>,
    /// Deletion vectors of such data files, and position delete files that may be about one.
    pub(super) deletes: Vec<Target>,
    schema_id: Option<SchemaId>,
}

impl Finding for Targets {
    fn size_bytes(&self) -> usize {
        let all = self.data.iter().chain(&self.deletes);
        all.map(|target| target.file.file_path.len().saturating_add(512)).fold(64, usize::saturating_add)
    }

    fn holds_for(&self, base: &Base) -> bool {
        self.schema_id == Some(base.metadata.current_schema_id())
    }
}

impl Targets {
    pub(super) fn of_manifest(
        vectors: &Vectors<'_>,
        place: Place<'_>,
        row: &ManifestFile,
        bytes: &Bytes,
    ) -> Result<Self, Refusal> {
        let source = Source::new(row, bytes, place.base, Fault::new(place.inputs, place.operation))?;
        let mut found = Self { schema_id: Some(place.base.metadata.current_schema_id()), ..Self::default() };
        source.each_live(|entry| {
            let number = entry.data_sequence_number.unwrap_or(DataSequenceNumber(0));
            let is_wanted = match entry.data_file.content {
                FileContent::Data => vectors.concerns(&entry.data_file.file_path),
                FileContent::PositionDeletes => {
                    entry.data_file.referenced_data_file.as_deref().is_none_or(|data| vectors.concerns(data))
                }
                FileContent::EqualityDeletes => false,
            };
            if is_wanted {
                let target = Target {
                    spec_id: row.partition_spec_id,
                    number,
                    snapshot_id: entry.snapshot_id,
                    manifest: row.manifest_path.clone(),
                    // Of metrics nothing is needed.
                    file: bare(entry.data_file),
                };
                match target.file.content {
                    FileContent::Data => found.data.push(target),
                    _ => found.deletes.push(target),
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// All of them, by the data file that they are about: a merge may delete rows of thousands.
#[derive(Debug, Default)]
pub(super) struct Index<'t> {
    data: BTreeMap<&'t str, Vec<&'t Target>>,
    vectors: BTreeMap<&'t str, Vec<&'t Target>>,
    /// Position delete files that say of which data file they are.
    of_one: BTreeMap<&'t str, Vec<&'t Target>>,
    /// Position delete files that may be of several.
    of_several: Vec<&'t Target>,
}

impl<'t> Index<'t> {
    pub(super) fn add(&mut self, found: &'t Targets) {
        for data in &found.data {
            self.data.entry(&data.file.file_path).or_default().push(data);
        }
        for deletes in &found.deletes {
            match deletes.file.referenced_data_file.as_deref() {
                Some(of) if deletes.file.is_deletion_vector() => {
                    self.vectors.entry(of).or_default().push(deletes);
                }
                Some(of) => self.of_one.entry(of).or_default().push(deletes),
                None => self.of_several.push(deletes),
            }
        }
    }

    /// The data file at this location.
    ///
    /// # Errors
    /// `Conflict` if it is not part of the table; `Corrupt` if it is twice.
    pub(super) fn data_file(&self, location: &str, place: Place<'_>) -> Result<&'t Target, Refusal> {
        match self.data.get(location).map(Vec::as_slice) {
            Some([target]) => Ok(target),
            Some([_, target, ..]) => {
                Err(corrupt(target, place, "it lists a data file that another one lists, too"))
            }
            Some([]) | None => {
                let reason = "a data file of which it deletes rows is not part of the table";
                let conflict = Conflict::new(place.operation, ConflictKind::MissingFiles, reason);
                Err(conflict.with_files([location]).into())
            }
        }
    }

    /// The vector of a data file, if it has one.
    ///
    /// # Errors
    /// `Corrupt` if it has two, or one that cannot be its own.
    pub(super) fn vector_of(&self, data: &Target, place: Place<'_>) -> Result<Option<&'t Target>, Refusal> {
        let vector = match self.vectors.get(data.file.file_path.as_str()).map(Vec::as_slice) {
            Some([]) | None => return Ok(None),
            Some([vector]) => *vector,
            Some([_, vector, ..]) => {
                return Err(corrupt(vector, place, "a data file has two deletion vectors"));
            }
        };
        if vector.number < data.number {
            return Err(corrupt(vector, place, "a deletion vector is older than its data file"));
        }
        if !same_partition(vector, data) {
            return Err(corrupt(
                vector,
                place,
                "a deletion vector is of another partition than its data file",
            ));
        }
        Ok(Some(vector))
    }

    /// Position delete files that may delete rows of a data file.
    pub(super) fn position_deletes_of<'s>(
        &'s self,
        data: &'s Target,
    ) -> impl Iterator<Item = &'t Target> + 's {
        let of_one = self.of_one.get(data.file.file_path.as_str()).into_iter().flatten();
        let its = of_one.chain(&self.of_several).copied();
        its.filter(move |target| data.number <= target.number && same_partition(target, data))
    }

    /// The vectors that are there, to be read.
    ///
    /// # Errors
    /// As [`vector_of`](Self::vector_of), and `Corrupt` if a vector does not lie in its file.
    pub(super) fn blobs(&self, vectors: &Vectors<'_>, place: Place<'_>) -> Result<Vec<Read>, Refusal> {
        let mut reads = Vec::new();
        for location in vectors.rows.keys() {
            let data = self.data_file(location, place)?;
            if let Some(vector) = self.vector_of(data, place)? {
                reads.push(blob(vector, place)?);
            }
        }
        Ok(reads)
    }
}

/// Where a vector lies.
///
/// # Errors
/// `Corrupt` if that cannot be.
pub(super) fn blob(vector: &Target, place: Place<'_>) -> Result<Read, Refusal> {
    /// A vector of all rows that a file can have is far smaller.
    const MOST_BYTES: u64 = 1 << 30;
    let file = &vector.file;
    let range = || {
        let offset = u64::try_from(file.content_offset?).ok()?;
        let length_bytes = u64::try_from(file.content_size_in_bytes?).ok()?;
        let end = offset.checked_add(length_bytes)?;
        let is_inside = u64::try_from(file.file_size_in_bytes).is_ok_and(|size| end <= size);
        (is_inside && length_bytes <= MOST_BYTES).then_some((offset, length_bytes))
    };
    let Some((offset, length_bytes)) = range() else {
        return Err(corrupt(vector, place, "a deletion vector does not lie in its file"));
    };
    Ok(Read::Range { location: file.file_path.clone(), offset, length_bytes })
}

pub(super) fn corrupt(target: &Target, place: Place<'_>, what: &str) -> Refusal {
    let reason = format!("{what}: `{}`", crate::action::excerpt(&target.file.file_path));
    Fault::new(place.inputs, place.operation).corrupt(&target.manifest, reason)
}

fn same_partition(a: &Target, b: &Target) -> bool {
    a.spec_id == b.spec_id && canonical(&a.file.partition) == canonical(&b.file.partition)
}

fn bare(file: DataFile) -> DataFile {
    let mut bare =
        DataFile::new(file.file_path, file.file_format, file.record_count, file.file_size_in_bytes)
            .with_content(file.content)
            .with_partition(file.partition);
    bare.referenced_data_file = file.referenced_data_file;
    bare.content_offset = file.content_offset;
    bare.content_size_in_bytes = file.content_size_in_bytes;
    bare
}
