//! Races, and deletes of rows as readers find them.

use std::collections::BTreeSet;

use datashard_spec::id::DataSequenceNumber;
use datashard_spec::manifest::{DataFile, FileContent, FileFormat, ManifestEntry};
use datashard_spec::puffin::{DeletionVector, PuffinWriter};

use super::{LOCATION, TestTable, file};
use crate::conflict::Conflict;
use crate::operation::Operation;
use crate::refusal::Refusal;

impl TestTable {
    /// The table after an operation that was attempted on this one, lost to those of others, and was attempted again.
    pub(crate) fn raced(&self, mine: &dyn Operation, theirs: &[&dyn Operation]) -> Result<Self, Refusal> {
        const MINE: u64 = 500;
        let lost = self.for_operation(MINE).attempt(mine, 1, &[])?;
        let mut other = self.for_operation(600);
        other.key = None;
        other.keep_files(&lost);
        for their in theirs {
            other.commit(*their).unwrap_or_else(|e| panic!("{}: {e}", their.name()));
        }
        let mut again = other.for_operation(MINE);
        again.key.clone_from(&self.key);
        let next = again.attempt(mine, 2, &Self::written(&lost))?;
        again.adopt(&next);
        // Later operations have numbers that none had.
        Ok(again.numbered(700))
    }

    /// The names of the live files, data and deletes; Puffin files once for each vector.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names_on(datashard_spec::snapshot_ref::MAIN_BRANCH)
    }

    /// As [`names`](Self::names), of a branch.
    pub(crate) fn names_on(&self, branch: &str) -> Vec<String> {
        let live = self.live_entries(branch);
        let mut names: Vec<String> = live
            .iter()
            .map(|entry| entry.data_file.file_path.rsplit('/').next().unwrap().replace(".parquet", ""))
            .collect();
        names.sort();
        names
    }

    /// The live entries of a branch, with what they inherit.
    pub(crate) fn live_entries(&self, branch: &str) -> Vec<ManifestEntry> {
        let rows = self.rows_of(branch);
        let entries = rows.iter().flat_map(|row| self.entries(row));
        entries.filter(|entry| entry.status.is_live()).collect()
    }

    /// The live delete files.
    pub(crate) fn deletes(&self) -> Vec<DataFile> {
        let live = self.live_entries(datashard_spec::snapshot_ref::MAIN_BRANCH).into_iter();
        live.map(|entry| entry.data_file).filter(|file| file.content != FileContent::Data).collect()
    }

    /// Rows of a data file that its deletion vector deletes, as a reader finds them: the file has one vector at most.
    pub(crate) fn deleted_rows(&self, name: &str) -> Vec<u64> {
        self.deleted_rows_on(datashard_spec::snapshot_ref::MAIN_BRANCH, name)
    }

    /// As [`deleted_rows`](Self::deleted_rows), on a branch.
    pub(crate) fn deleted_rows_on(&self, branch: &str, name: &str) -> Vec<u64> {
        let data = file(name).file_path;
        let live = self.live_entries(branch);
        let of = |entry: &&ManifestEntry| entry.data_file.file_path == data;
        let target = live.iter().find(of).unwrap_or_else(|| panic!("{name} is not there"));
        let number = |entry: &ManifestEntry| entry.data_sequence_number.unwrap_or(DataSequenceNumber(0));
        let its = live.iter().filter(|entry| {
            entry.data_file.is_deletion_vector()
                && entry.data_file.referenced_data_file.as_ref() == Some(&data)
        });
        let its: Vec<_> = its.collect();
        assert!(its.len() <= 1, "{name} has {} vectors", its.len());
        let Some(entry) = its.first() else { return Vec::new() };
        assert!(number(target) <= number(entry), "the vector reaches its file");
        assert_eq!(target.data_file.partition, entry.data_file.partition);
        self.vector(&entry.data_file).iter().collect()
    }

    /// A deletion vector, read as its entry says.
    pub(crate) fn vector(&self, file: &DataFile) -> DeletionVector {
        let bytes = &self.files[&file.file_path];
        assert_eq!(file.file_size_in_bytes, i64::try_from(bytes.len()).unwrap());
        let from = usize::try_from(file.content_offset.unwrap()).unwrap();
        let length = usize::try_from(file.content_size_in_bytes.unwrap()).unwrap();
        let count = u64::try_from(file.record_count).unwrap();
        DeletionVector::deserialize(&bytes[from..from + length], Some(count)).unwrap()
    }

    /// Deletion vectors that somebody writes into one Puffin file, to be added.
    pub(crate) fn write_vectors(&mut self, puffin: &str, vectors: &[(&str, &[u64])]) -> Vec<DataFile> {
        let path = format!("{LOCATION}/data/{puffin}.puffin");
        let mut writer = PuffinWriter::new();
        let mut written = Vec::new();
        for (name, rows) in vectors {
            let vector = rows_at(rows);
            let range = writer.add_deletion_vector(&file(name).file_path, &vector).unwrap();
            written.push((file(name).file_path, vector.len(), range));
        }
        let bytes = writer.finish().unwrap().bytes;
        let size_bytes = i64::try_from(bytes.len()).unwrap();
        self.files.insert(path.clone(), bytes.into());
        let file = |(data, count, range): (String, u64, datashard_spec::puffin::BlobRange)| {
            DataFile::new(path.clone(), FileFormat::Puffin, i64::try_from(count).unwrap(), size_bytes)
                .with_content(FileContent::PositionDeletes)
                .with_referenced_data_file(data)
                .with_content_offset(i64::try_from(range.offset).unwrap())
                .with_content_size_in_bytes(i64::try_from(range.length).unwrap())
        };
        written.into_iter().map(file).collect()
    }

    /// Paths of all files that were written, below the table.
    pub(crate) fn written_paths(&self) -> BTreeSet<String> {
        self.files.keys().map(|path| path.trim_start_matches(LOCATION).to_owned()).collect()
    }

    /// What the summary of the current snapshot says.
    #[track_caller]
    pub(crate) fn assert_summary(&self, expected: &[(&str, Option<&str>)]) {
        let summary = &self.snapshot().summary;
        for (key, value) in expected {
            assert_eq!(summary.get(key), *value, "{key} of {summary:?}");
        }
    }
}

/// Rows at these positions.
pub(crate) fn rows_at(positions: &[u64]) -> DeletionVector {
    DeletionVector::from_positions(positions.iter().copied()).unwrap()
}

/// The conflict of a refusal that is one.
#[track_caller]
pub(crate) fn conflict_of(refusal: Refusal) -> Conflict {
    match refusal {
        Refusal::Conflict(conflict) => *conflict,
        other => panic!("{other}"),
    }
}

/// Why an operation was rejected, if it was.
#[track_caller]
pub(crate) fn rejection_of(refusal: Refusal) -> String {
    match refusal {
        Refusal::Rejected { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// The file that is damaged, and how, if that is why.
#[track_caller]
pub(crate) fn damage_of(refusal: Refusal) -> (String, String) {
    match refusal {
        Refusal::Corrupt { path, reason } => (path, reason),
        other => panic!("{other}"),
    }
}
