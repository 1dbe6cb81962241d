//! Writing manifest lists. A list is written anew for each attempt to commit: the numbers that its manifests leave open
//! are those of the attempt.

use super::codec::Codec;
use super::container::ContainerWriter;
use super::manifest_write::{ExtraWriter, WriteOptions, put_optional, put_optional_bytes};
use super::schema_write;
use super::varint::{put_bytes, put_length, put_long};
use crate::SpecError;
use crate::error::excerpt;
use crate::id::{FieldId, SequenceNumber, SnapshotId};
use crate::manifest::{ExtraLocation, ManifestContent, ManifestError, ManifestFile, field_id};
use crate::metadata::FormatVersion;

/// Writes a manifest list into memory.
///
/// # Spec
/// "Manifest Lists".
pub struct ManifestListWriter {
    version: FormatVersion,
    sequence_number: SequenceNumber,
    container: ContainerWriter,
    extras: ExtraWriter,
}

impl std::fmt::Debug for ManifestListWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestListWriter").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The snapshot that a manifest list is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListSnapshot {
    /// Its id.
    pub snapshot_id: SnapshotId,
    /// The one before it.
    pub parent_snapshot_id: Option<SnapshotId>,
    /// Its sequence number; not used in version 1.
    pub sequence_number: SequenceNumber,
    /// Its first row id (v3).
    pub first_row_id: Option<i64>,
}

impl ListSnapshot {
    /// A snapshot without parent and row ids.
    pub fn new(snapshot_id: SnapshotId, sequence_number: SequenceNumber) -> Self {
        Self { snapshot_id, parent_snapshot_id: None, sequence_number, first_row_id: None }
    }

    /// With this parent.
    #[must_use]
    pub fn with_parent(mut self, parent: SnapshotId) -> Self {
        self.parent_snapshot_id = Some(parent);
        self
    }

    /// With this first row id.
    #[must_use]
    pub fn with_first_row_id(mut self, id: i64) -> Self {
        self.first_row_id = Some(id);
        self
    }
}

impl ManifestListWriter {
    /// The list of a snapshot.
    ///
    /// # Errors
    /// `Unsupported` for a codec that this build does not have.
    pub fn new(
        version: FormatVersion,
        snapshot: ListSnapshot,
        options: &WriteOptions,
    ) -> Result<Self, SpecError> {
        let json = schema_write::list(version, &options.extra_fields);
        let extras = ExtraWriter::new(&options.extra_fields, &json)?;
        let text = |id: Option<i64>| id.map_or_else(|| "null".to_owned(), |id| id.to_string()).into_bytes();
        let mut metadata = vec![
            ("avro.schema".to_owned(), json.into_bytes()),
            ("snapshot-id".to_owned(), text(Some(snapshot.snapshot_id.0))),
            ("parent-snapshot-id".to_owned(), text(snapshot.parent_snapshot_id.map(|id| id.0))),
            ("format-version".to_owned(), version.number().to_string().into_bytes()),
        ];
        if version > FormatVersion::V1 {
            metadata.push(("sequence-number".to_owned(), text(Some(snapshot.sequence_number.0))));
        }
        if version >= FormatVersion::V3 {
            metadata.push(("first-row-id".to_owned(), text(snapshot.first_row_id)));
        }
        Codec::parse(options.codec.as_str())?;
        let container = ContainerWriter::new(
            metadata,
            options.codec,
            options.level,
            options.target_block_bytes,
            options.sync_marker,
        );
        Ok(Self { version, sequence_number: snapshot.sequence_number, container, extras })
    }

    /// Adds a row. Sequence numbers that are still open become the snapshot's.
    ///
    /// # Errors
    /// `InvalidInput` if a count is unknown that the version requires, or the version has no delete manifests.
    pub fn write(&mut self, row: &ManifestFile) -> Result<(), SpecError> {
        let is_v1 = self.version == FormatVersion::V1;
        let fail =
            |field: FieldId, reason| ManifestError::List { path: excerpt(&row.manifest_path), field, reason };
        if is_v1 && row.content == ManifestContent::Deletes {
            return Err(fail(field_id::MANIFEST_CONTENT, "version 1 has no delete files").into());
        }
        let counts = [
            (row.added_files_count.map(i64::from), field_id::ADDED_FILES_COUNT),
            (row.existing_files_count.map(i64::from), field_id::EXISTING_FILES_COUNT),
            (row.deleted_files_count.map(i64::from), field_id::DELETED_FILES_COUNT),
            (row.added_rows_count, field_id::ADDED_ROWS_COUNT),
            (row.existing_rows_count, field_id::EXISTING_ROWS_COUNT),
            (row.deleted_rows_count, field_id::DELETED_ROWS_COUNT),
        ];
        if row.manifest_length < 0 {
            return Err(fail(field_id::MANIFEST_LENGTH, "it is negative").into());
        }
        if let Some((_, field)) = counts.iter().find(|(count, _)| count.is_some_and(|count| count < 0)) {
            return Err(fail(*field, "it is negative").into());
        }
        if let Some((_, field)) = counts.iter().find(|(count, _)| !is_v1 && count.is_none()) {
            return Err(fail(*field, "the version requires it").into());
        }
        let out = &mut self.container.entries;
        let start = out.len();
        put_bytes(out, row.manifest_path.as_bytes());
        put_long(out, row.manifest_length);
        put_long(out, i64::from(row.partition_spec_id.0));
        if !is_v1 {
            put_long(out, i64::from(row.content.number()));
            // Files that inherit get the commit's number, so that of a new manifest has none above it.
            let number = row.sequence_number.unwrap_or(self.sequence_number);
            let smallest = row.min_sequence_number.unwrap_or(self.sequence_number);
            put_long(out, number.0);
            put_long(out, if row.sequence_number.is_none() { smallest.min(number) } else { smallest }.0);
        }
        put_long(out, row.added_snapshot_id.0);
        for (count, _) in counts {
            match count {
                Some(count) if !is_v1 => put_long(out, count),
                count => put_optional(out, count),
            }
        }
        match &row.partitions {
            None => put_long(out, 0),
            Some(summaries) => {
                put_long(out, 1);
                if !summaries.is_empty() {
                    put_length(out, summaries.len());
                }
                for summary in summaries {
                    out.push(u8::from(summary.contains_null));
                    match summary.contains_nan {
                        None => put_long(out, 0),
                        Some(nan) => {
                            put_long(out, 1);
                            out.push(u8::from(nan));
                        }
                    }
                    put_optional_bytes(out, summary.lower_bound.as_deref());
                    put_optional_bytes(out, summary.upper_bound.as_deref());
                    if let Err(e) = self.extras.write(ExtraLocation::FieldSummary, &summary.extras, out) {
                        out.truncate(start);
                        return Err(e.into());
                    }
                }
                put_long(out, 0);
            }
        }
        put_optional_bytes(out, row.key_metadata.as_deref());
        if self.version >= FormatVersion::V3 {
            put_optional(out, row.first_row_id);
        }
        if let Err(e) = self.extras.write(ExtraLocation::Entry, &row.extras, out) {
            out.truncate(start);
            return Err(e.into());
        }
        Ok(self.container.end_entry()?)
    }

    /// The bytes of the list.
    ///
    /// # Errors
    /// `InvalidInput` if the last block cannot be written.
    pub fn finish(self) -> Result<Vec<u8>, SpecError> {
        Ok(self.container.finish()?)
    }
}
