//! Deletion vectors written to a Puffin file, of tables of version 3.

use std::collections::HashSet;

use datashard_spec::SpecError;
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::puffin::{DeletionVector, Footer, PuffinError, PuffinWriter};
use datashard_spec::value::Tuple;

use crate::data_error::DataError;
use crate::file::OutputFile;

/// All deleted rows of a data file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewDeletionVector {
    /// The path of the data file as its manifest entry has it, letter by letter.
    pub data_file: String,
    /// The partition tuple of the data file. The entry of the vector goes to a manifest of the data file's spec.
    pub partition: Tuple,
    /// The positions of its deleted rows: those deleted now and those deleted before.
    pub vector: DeletionVector,
}

impl NewDeletionVector {
    /// The deleted rows of a data file.
    pub fn new(data_file: impl Into<String>, partition: Tuple, vector: DeletionVector) -> Self {
        Self { data_file: data_file.into(), partition, vector }
    }
}

/// Writes deletion vectors, one for each data file, as blobs of one Puffin file. Answers an entry for each, in the order given; without vectors
/// there is no file.
///
/// A data file has one vector at a time: a new one has to hold what the old one and the position-delete files that apply held
/// ([`Deletes::positions`](super::Deletes::positions) tells, [`DeletionVector::union`] adds), and replaces them. The files may be of several partitions and specs.
///
/// # Errors
/// `InvalidInput` if a vector is empty, or two are for one data file; nothing is written then. `InvalidData` for a vector that is too large for a
/// blob. Else as [`OutputFile::finish`].
///
/// # Cancel safety
/// A dropped call may leave the file, whole, or none. Nobody refers to it.
///
/// # Spec
/// "Deletion Vectors".
///
/// # Examples
/// ```
/// # use datashard_io::OutputFile;
/// use datashard_io::delete::{NewDeletionVector, write_deletion_vectors};
/// use datashard_spec::puffin::DeletionVector;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let before = DeletionVector::from_positions([3])?;
/// let mut deleted = DeletionVector::from_positions([3, 8])?;
/// deleted.union(&before);
/// let vector = NewDeletionVector::new("s3://lake/t/data/0.parquet", vec![], deleted);
/// let output = OutputFile::in_memory("s3://lake/t/data/0-deletes.puffin");
/// let entries = write_deletion_vectors(output, vec![vector]).await?;
/// assert_eq!(entries[0].record_count, 2);
/// assert!(entries[0].is_deletion_vector());
/// # Ok(()) }
/// ```
pub async fn write_deletion_vectors(
    output: OutputFile,
    vectors: Vec<NewDeletionVector>,
) -> Result<Vec<DataFile>, DataError> {
    check(&vectors)?;
    if vectors.is_empty() {
        output.abort().await?;
        return Ok(Vec::new());
    }
    let location = output.location().to_owned();
    let failed = |error: PuffinError| DataError::Spec {
        place: format!("`{location}`"),
        source: Box::new(SpecError::from(error)),
    };
    let created_by = concat!("datashard ", env!("CARGO_PKG_VERSION"));
    let mut puffin = PuffinWriter::new().with_property(Footer::CREATED_BY, created_by);
    let mut entries = Vec::with_capacity(vectors.len());
    for NewDeletionVector { data_file, partition, vector } in vectors {
        let range = puffin.add_deletion_vector(&data_file, &vector).map_err(failed)?;
        entries.push(
            DataFile::new(location.as_str(), FileFormat::Puffin, long(vector.len()), 0)
                .with_content(FileContent::PositionDeletes)
                .with_partition(partition)
                .with_referenced_data_file(data_file)
                .with_content_offset(long(range.offset))
                .with_content_size_in_bytes(long(range.length)),
        );
    }
    let bytes = puffin.finish().map_err(failed)?.bytes;
    let mut output = output;
    output.write(bytes.into()).await?;
    let written = output.finish().await?;
    tracing::debug!(
        location,
        vectors = entries.len(),
        bytes = written.size_bytes,
        "deletion vectors written"
    );
    for entry in &mut entries {
        entry.file_size_in_bytes = long(written.size_bytes);
        crate::file::record_sha256(entry, &written.sha256);
    }
    Ok(entries)
}

fn check(vectors: &[NewDeletionVector]) -> Result<(), DataError> {
    let mut seen = HashSet::with_capacity(vectors.len());
    for NewDeletionVector { data_file, vector, .. } in vectors {
        let reason = if vector.is_empty() {
            "deletes nothing: leave it out, and remove the old one if there is one"
        } else if !seen.insert(data_file.as_str()) {
            "is the second one: union them, a data file has one at a time"
        } else {
            continue;
        };
        let reason = format!("the one of `{data_file}` {reason}");
        return Err(DataError::InvalidInput { what: "deletion vectors", reason });
    }
    Ok(())
}

/// Counts and sizes as manifests have them; nothing that fits into memory is larger.
fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
