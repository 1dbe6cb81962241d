//! [`Merged`]: the vectors that come of rows to be deleted and of vectors that are there, and the Puffin file that they are in.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::puffin::{DeletionVector, PuffinError, PuffinWriter};

use super::Vectors;
use super::target::{Index, Target, blob, corrupt};
use crate::action::{NewFile, excerpt, table_path};
use crate::change::Extra;
use crate::change::checks::{Place, canonical, unread};
use crate::change::removal::DeleteFileKey;
use crate::conflict::{Conflict, ConflictKind};
use crate::epoch;
use crate::refusal::Refusal;

/// What comes of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Merged {
    /// The new vectors and their file.
    pub(crate) extra: Extra,
    /// Delete files whose deletes are in the new vectors.
    pub(crate) obsolete: BTreeSet<DeleteFileKey>,
}

pub(super) fn merge(vectors: &Vectors<'_>, targets: &Index<'_>, place: Place<'_>) -> Result<Merged, Refusal> {
    let mut merged = Merged { obsolete: obsolete(vectors, targets, place)?, ..Merged::default() };
    for (location, new) in &vectors.brought {
        check_brought(vectors, targets, targets.data_file(location, place)?, new, place)?;
    }
    let mut writer = PuffinWriter::new();
    let mut written: Vec<(&Target, u64, u64, u64)> = Vec::new();
    for (location, rows) in vectors.rows {
        let data = targets.data_file(location, place)?;
        let vector = one(vectors, targets, data, rows, place)?;
        let range = writer.add_deletion_vector(location, &vector).map_err(|e| unwritable(&e, place))?;
        written.push((data, vector.len(), range.offset, range.length));
    }
    if written.is_empty() {
        return Ok(merged);
    }
    let inputs = place.inputs;
    let path = epoch::puffin_path(inputs.epoch, inputs.operation_id, inputs.attempt);
    let path = table_path(&path, place.operation)?;
    let puffin = writer.finish().map_err(|e| unwritable(&e, place))?;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let size_bytes = i64::try_from(puffin.bytes.len()).unwrap_or(i64::MAX);
    for (data, count, offset, length) in written {
        let file = DataFile::new(inputs.location.file(&path), FileFormat::Puffin, number(count), size_bytes)
            .with_content(FileContent::PositionDeletes)
            .with_partition(data.file.partition.clone())
            .with_referenced_data_file(data.file.file_path.clone())
            .with_content_offset(number(offset))
            .with_content_size_in_bytes(number(length));
        merged.extra.deletes.push(NewFile {
            schema_id: place.base.metadata.current_schema_id(),
            spec_id: data.spec_id,
            file: Arc::new(file),
        });
    }
    merged.extra.files.push((path, Bytes::from(puffin.bytes)));
    Ok(merged)
}

/// The vector of a data file with these rows, too.
/// Delete files whose deletes are in the new vectors.
pub(super) fn obsolete(
    vectors: &Vectors<'_>,
    targets: &Index<'_>,
    place: Place<'_>,
) -> Result<BTreeSet<DeleteFileKey>, Refusal> {
    let mut obsolete = BTreeSet::new();
    for location in vectors.rows.keys() {
        let data = targets.data_file(location, place)?;
        if let Some(vector) = targets.vector_of(data, place)? {
            obsolete.insert(DeleteFileKey::of(&vector.file));
        }
        // One that does not say of which data file it is may be about others, too.
        let its = targets.position_deletes_of(data).filter(|other| other.file.referenced_data_file.is_some());
        obsolete.extend(its.map(|other| DeleteFileKey::of(&other.file)));
    }
    Ok(obsolete)
}

fn one(
    vectors: &Vectors<'_>,
    targets: &Index<'_>,
    data: &Target,
    rows: &DeletionVector,
    place: Place<'_>,
) -> Result<DeletionVector, Refusal> {
    let location = &data.file.file_path;
    let is_outside = |last: u64| u64::try_from(data.file.record_count).is_ok_and(|count| last >= count);
    if let Some(last) = rows.max().filter(|last| is_outside(*last)) {
        let (file, count) = (excerpt(location), data.file.record_count);
        let reason = format!("it deletes row {last} of `{file}`, which has {count} rows, counted from 0");
        return Err(Refusal::Rejected { operation: place.operation, reason });
    }
    let mut all = DeletionVector::new();
    let vector = targets.vector_of(data, place)?;
    if let Some(vector) = vector {
        let read = blob(vector, place)?;
        let bytes = place.inputs.loaded.bytes(&read).ok_or_else(|| unread(place, read.location()))?;
        let count = u64::try_from(vector.file.record_count).ok();
        let there = DeletionVector::deserialize(bytes, count)
            .map_err(|e| corrupt(vector, place, &format!("a deletion vector is damaged ({e})")))?;
        all.union(&there);
    } else {
        for deletes in targets.position_deletes_of(data) {
            let key = (deletes.file.file_path.clone(), location.clone());
            let folded = vectors.folded.get(&key).ok_or_else(|| not_folded(deletes, location, place))?;
            all.union(folded);
        }
    }
    if let Some(row) = rows.iter().find(|row| all.contains(*row)) {
        let reason = format!("row {row} of a data file, which it deletes, is deleted already");
        let mut conflict = Conflict::new(place.operation, ConflictKind::SameRows, reason);
        // It has the rows of those before it, too: who deleted it first is not told anywhere.
        conflict.snapshot_id = vector.and_then(|vector| vector.snapshot_id);
        return Err(conflict.with_files([location.as_str()]).into());
    }
    all.union(rows);
    Ok(all)
}

/// Whether a vector that somebody has written can be the only one of its data file, and be found to be its own.
fn check_brought(
    vectors: &Vectors<'_>,
    targets: &Index<'_>,
    data: &Target,
    new: &NewFile,
    place: Place<'_>,
) -> Result<(), Refusal> {
    let location = &data.file.file_path;
    let is_of_partition =
        new.spec_id == data.spec_id && canonical(&new.file.partition) == canonical(&data.file.partition);
    if !is_of_partition {
        let (vector, file) = (excerpt(&new.file.file_path), excerpt(location));
        let reason = format!(
            "the deletion vector in `{vector}` is not of the partition of its data file `{file}`, which is of spec {}",
            data.spec_id
        );
        return Err(Refusal::Rejected { operation: place.operation, reason });
    }
    let goes = |target: &Target| vectors.removed.contains(&DeleteFileKey::of(&target.file));
    if targets.vector_of(data, place)?.is_some_and(|other| !goes(other)) {
        let reason = "it brings a deletion vector for a data file that has another one";
        let conflict = Conflict::new(place.operation, ConflictKind::AddedDeletes, reason);
        return Err(conflict.with_files([location]).into());
    }
    // Readers pass over position delete files where there is a vector.
    let is_told = |other: &Target| {
        vectors.folded.contains_key(&(other.file.file_path.clone(), location.clone())) || goes(other)
    };
    match targets.position_deletes_of(data).find(|other| !is_told(other)) {
        Some(other) => Err(not_folded(other, location, place)),
        None => Ok(()),
    }
}

fn not_folded(deletes: &Target, data: &str, place: Place<'_>) -> Refusal {
    Refusal::Unsupported {
        operation: place.operation,
        reason: format!(
            "position delete file `{}` may delete rows of `{}`, and would count no longer beside a deletion vector: its positions have to be given",
            excerpt(&deletes.file.file_path),
            excerpt(data)
        ),
    }
}

fn unwritable(error: &PuffinError, place: Place<'_>) -> Refusal {
    Refusal::Rejected { operation: place.operation, reason: error.to_string() }
}
