//! Which of a scan's delete files apply to a data file.
//!
//! # Spec
//! "Scan Planning", "Row-level Deletes".

use std::collections::HashMap;
use std::sync::Arc;

use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId};
use datashard_spec::manifest::applies::{LiveFile, delete_applies};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::value::{Tuple, Value};

use super::local_path::{spellings, unspelled};
use crate::data_error::DataError;

/// A live delete file of a snapshot, after inheritance.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeleteFile {
    /// The file, or the deletion vector in a file.
    pub file: Arc<DataFile>,
    /// Its data sequence number.
    pub sequence_number: DataSequenceNumber,
    /// The partition spec of its manifest.
    pub spec: Arc<PartitionSpec>,
}

impl DeleteFile {
    /// A delete file with what its manifest says of it.
    pub fn new(
        file: impl Into<Arc<DataFile>>,
        sequence_number: DataSequenceNumber,
        spec: Arc<PartitionSpec>,
    ) -> Self {
        Self { file: file.into(), sequence_number, spec }
    }
}

/// The delete files of a scan, in groups that are looked up by what they can apply to.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: Vec<Indexed>,
    /// By the one data file that they are for.
    vectors: HashMap<String, Vec<usize>>,
    /// Deletion vectors whose entries do not name their data file, which the format does not allow.
    nameless_vectors: Vec<usize>,
    by_path: HashMap<String, Vec<usize>>,
    /// Position-delete files for any data file of a partition.
    of_partition: HashMap<PartitionKey, Vec<usize>>,
    equality: Vec<EqualityGroup>,
    /// Equality groups by partition, and those that reach all partitions.
    equality_of_partition: HashMap<PartitionKey, Vec<usize>>,
    equality_global: Vec<usize>,
}

/// A partition, such that tuples that are equal after promotion have equal keys.
type PartitionKey = (PartitionSpecId, Tuple);

fn partition_key(spec: PartitionSpecId, tuple: &[Option<Value>]) -> PartitionKey {
    let widest = |value: &Value| match value {
        Value::Int(number) | Value::Date(number) => Value::Long((*number).into()),
        Value::Float(number) => Value::Double((*number).into()),
        other => other.clone(),
    };
    (spec, tuple.iter().map(|value| value.as_ref().map(widest)).collect())
}

/// A delete file, and what decides whether it applies, with paths in one spelling.
#[derive(Debug)]
struct Indexed {
    delete: DeleteFile,
    facts: DataFile,
}

/// Equality-delete files that reach one partition, or all, over one set of columns: their keys go into one set.
#[derive(Debug)]
pub(super) struct EqualityGroup {
    pub(super) ids: Vec<FieldId>,
    pub(super) files: Vec<usize>,
}

/// What applies to one data file, by number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) vector: Option<usize>,
    pub(super) position_files: Vec<usize>,
    pub(super) equality_groups: Vec<usize>,
}

/// What decides whether deletes apply: path and partition, without metrics.
fn facts(file: &DataFile) -> DataFile {
    let mut facts = DataFile::new(
        unspelled(&file.file_path),
        file.file_format.clone(),
        file.record_count,
        file.file_size_in_bytes,
    )
    .with_content(file.content)
    .with_partition(file.partition.clone());
    facts.referenced_data_file = file.referenced_data_file.as_deref().map(|path| unspelled(path).to_owned());
    facts
}

impl Index {
    /// Sorts the delete files of a scan. Entries of data files are left out.
    pub(super) fn new(deletes: impl IntoIterator<Item = DeleteFile>) -> Self {
        let mut index = Self::default();
        for delete in deletes {
            index.add(delete);
        }
        index
    }

    fn add(&mut self, delete: DeleteFile) {
        let at = self.files.len();
        let facts = facts(&delete.file);
        match (delete.file.content, delete.file.is_deletion_vector(), &facts.referenced_data_file) {
            (FileContent::Data, _, _) => return,
            (FileContent::PositionDeletes, true, Some(path)) => {
                self.vectors.entry(path.clone()).or_default().push(at);
            }
            (FileContent::PositionDeletes, true, None) => self.nameless_vectors.push(at),
            (FileContent::PositionDeletes, false, Some(path)) => {
                self.by_path.entry(path.clone()).or_default().push(at);
            }
            (FileContent::PositionDeletes, false, None) => {
                let key = partition_key(delete.spec.id, &facts.partition);
                self.of_partition.entry(key).or_default().push(at);
            }
            (FileContent::EqualityDeletes, _, _) => self.add_equality(&delete, at),
        }
        self.files.push(Indexed { delete, facts });
    }

    fn add_equality(&mut self, delete: &DeleteFile, at: usize) {
        let mut ids = delete.file.equality_ids.clone();
        ids.sort_unstable();
        ids.dedup();
        let numbers = match delete.spec.is_unpartitioned() {
            true => &mut self.equality_global,
            false => {
                let key = partition_key(delete.spec.id, &delete.file.partition);
                self.equality_of_partition.entry(key).or_default()
            }
        };
        for number in numbers.iter() {
            if let Some(group) = self.equality.get_mut(*number).filter(|group| group.ids == ids) {
                group.files.push(at);
                return;
            }
        }
        numbers.push(self.equality.len());
        self.equality.push(EqualityGroup { ids, files: vec![at] });
    }

    /// The delete file of a number.
    pub(super) fn file(&self, number: usize) -> Result<&DeleteFile, DataError> {
        let indexed = self.files.get(number).map(|indexed| &indexed.delete);
        indexed.ok_or_else(|| DataError::internal("a delete file has no number"))
    }

    /// The equality group of a number.
    pub(super) fn group(&self, number: usize) -> Result<&EqualityGroup, DataError> {
        self.equality.get(number).ok_or_else(|| DataError::internal("an equality group has no number"))
    }

    /// What applies to a data file.
    ///
    /// # Errors
    /// `InvalidData` if there are two deletion vectors for it, or one that names no data file may be its: the rows that it deleted would
    /// come back.
    pub(super) fn select(&self, data: LiveFile<'_>) -> Result<Selected, DataError> {
        let data_facts = facts(data.file);
        let data = LiveFile { file: &data_facts, ..data };
        let path = data_facts.file_path.as_str();
        let key = partition_key(data.spec.id, &data_facts.partition);
        let of = |numbers: Option<&Vec<usize>>| -> Vec<usize> {
            let numbers = numbers.into_iter().flatten().copied();
            numbers.filter(|number| self.applies(*number, data)).collect()
        };
        if let Some(vector) = self.nameless_vectors.iter().find_map(|number| self.may_be_of(*number, data)) {
            let reason =
                format!("the entry of a deletion vector does not name its data file, which may be `{path}`");
            return Err(DataError::corrupt(vector, "delete manifests", reason));
        }
        let mut selected = Selected::default();
        match of(self.vectors.get(path)).as_slice() {
            [] => {
                let mut files = of(self.by_path.get(path));
                let mut shared = of(self.of_partition.get(&key));
                shared.retain(|number| self.may_name(*number, path));
                files.append(&mut shared);
                selected.position_files = files;
            }
            // A deletion vector holds all that position-delete files said before it.
            [one] => selected.vector = Some(*one),
            several => {
                let files: Vec<&str> = several
                    .iter()
                    .filter_map(|number| Some(self.files.get(*number)?.delete.file.file_path.as_str()))
                    .collect();
                let reason = format!("it has {} deletion vectors, in {}", several.len(), files.join(", "));
                return Err(DataError::corrupt(path, "delete manifests", reason));
            }
        }
        let of_partition = self.equality_of_partition.get(&key).into_iter().flatten();
        for number in of_partition.chain(&self.equality_global) {
            let files = self.equality.get(*number).map(|group| group.files.as_slice()).unwrap_or_default();
            if files.iter().any(|file| self.applies(*file, data)) {
                selected.equality_groups.push(*number);
            }
        }
        Ok(selected)
    }

    /// The path of a deletion vector, if it would reach the data file, were it the one that it is for.
    fn may_be_of(&self, number: usize, data: LiveFile<'_>) -> Option<&str> {
        let Indexed { delete, facts } = self.files.get(number)?;
        let file = facts.clone().with_referenced_data_file(data.file.file_path.clone());
        let vector = LiveFile { file: &file, sequence_number: delete.sequence_number, spec: &delete.spec };
        delete_applies(vector, data).then_some(delete.file.file_path.as_str())
    }

    fn applies(&self, number: usize, data: LiveFile<'_>) -> bool {
        self.files.get(number).is_some_and(|indexed| {
            let delete = LiveFile {
                file: &indexed.facts,
                sequence_number: indexed.delete.sequence_number,
                spec: &indexed.delete.spec,
            };
            delete_applies(delete, data)
        })
    }

    /// Whether a path may lie between the bounds of a position-delete file's paths. Cut bounds are bounds still.
    fn may_name(&self, number: usize, unspelled: &str) -> bool {
        let Some(file) = self.files.get(number).map(|indexed| &indexed.delete.file) else { return false };
        let lower = file.lower_bounds.get(FieldId::DELETE_FILE_PATH);
        let upper = file.upper_bounds.get(FieldId::DELETE_FILE_PATH);
        spellings(unspelled).iter().any(|path| {
            lower.is_none_or(|lower| lower <= path.as_bytes())
                && upper.is_none_or(|upper| path.as_bytes() <= upper)
        })
    }
}
