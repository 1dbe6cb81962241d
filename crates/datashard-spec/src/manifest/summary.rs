//! Counts and partition summaries of a manifest, gathered while it is written.

use super::{DataFile, FieldSummary, ManifestEntry, ManifestError, ManifestFile, ManifestStatus};
use crate::id::{DataSequenceNumber, SequenceNumber};
use crate::value::Value;

/// Gathers what the row of a manifest in the manifest list says about its entries.
#[derive(Debug, Clone)]
pub struct ManifestSummary {
    added: Count,
    existing: Count,
    deleted: Count,
    fields: Vec<FieldStats>,
    /// Smallest explicit data sequence number of a live entry.
    min_sequence_number: Option<DataSequenceNumber>,
    /// Whether a live entry will inherit the number of the commit.
    inherits: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    files: u64,
    rows: u64,
}

impl ManifestSummary {
    /// For entries with this many partition fields.
    pub fn new(partition_fields: usize) -> Self {
        Self {
            added: Count::default(),
            existing: Count::default(),
            deleted: Count::default(),
            fields: vec![FieldStats::default(); partition_fields],
            min_sequence_number: None,
            inherits: false,
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// `InvalidData` if counts overflow.
    pub fn add(&mut self, entry: &ManifestEntry) -> Result<(), ManifestError> {
        let count = match entry.status {
            ManifestStatus::Added => &mut self.added,
            ManifestStatus::Existing => &mut self.existing,
            ManifestStatus::Deleted => &mut self.deleted,
        };
        count.files = count.files.saturating_add(1);
        count.rows = count
            .rows
            .checked_add(entry.data_file.record_count)
            .ok_or(ManifestError::Overflow { what: "the rows of a manifest" })?;
        if entry.is_live() {
            match entry.data_sequence_number {
                Some(number) => {
                    let smallest = self.min_sequence_number.map_or(number, |smallest| smallest.min(number));
                    self.min_sequence_number = Some(smallest);
                }
                None => self.inherits = true,
            }
        }
        self.add_partition(&entry.data_file);
        Ok(())
    }

    fn add_partition(&mut self, file: &DataFile) {
        for (stats, value) in self.fields.iter_mut().zip(&file.partition) {
            stats.add(value.as_ref());
        }
    }

    /// Whether there is nothing live, so that the manifest is needed by the commit that wrote it only.
    pub fn has_no_live_files(&self) -> bool {
        self.added.files == 0 && self.existing.files == 0
    }

    /// Smallest data sequence number of the live entries, when the commit gets this number.
    ///
    /// # Spec
    /// "Manifest Lists", `min_sequence_number`.
    pub fn min_sequence_number(&self, commit: SequenceNumber) -> SequenceNumber {
        match self.min_sequence_number {
            Some(smallest) if self.inherits => SequenceNumber(smallest.0.min(commit.0)),
            Some(smallest) => SequenceNumber(smallest.0),
            None => commit,
        }
    }

    /// Sets counts and summaries of a manifest's row, and its sequence numbers as of a commit with this number.
    pub fn apply_to(&self, manifest: &mut ManifestFile, commit: SequenceNumber) {
        manifest.sequence_number = commit;
        manifest.min_sequence_number = self.min_sequence_number(commit);
        manifest.added_files_count = Some(self.added.files);
        manifest.existing_files_count = Some(self.existing.files);
        manifest.deleted_files_count = Some(self.deleted.files);
        manifest.added_rows_count = Some(self.added.rows);
        manifest.existing_rows_count = Some(self.existing.rows);
        manifest.deleted_rows_count = Some(self.deleted.rows);
        manifest.partitions = Some(self.fields.iter().map(FieldStats::summary).collect());
    }
}

#[derive(Debug, Clone, Default)]
struct FieldStats {
    contains_null: bool,
    contains_nan: bool,
    range: Option<(Value, Value)>,
    /// A value whose type has no bounds was met, so that bounds would not cover it.
    unbounded: bool,
}

impl FieldStats {
    fn add(&mut self, value: Option<&Value>) {
        let Some(value) = value else {
            self.contains_null = true;
            return;
        };
        // A NaN as a bound would make readers drop files.
        if value.is_nan() {
            self.contains_nan = true;
            return;
        }
        if value.to_binary().is_err() {
            self.unbounded = true;
            return;
        }
        match &mut self.range {
            None => self.range = Some((value.clone(), value.clone())),
            Some((low, high)) => {
                if value < low {
                    *low = value.clone();
                }
                if value > high {
                    *high = value.clone();
                }
            }
        }
    }

    fn summary(&self) -> FieldSummary {
        let range = self.range.as_ref().filter(|_| !self.unbounded);
        FieldSummary {
            contains_null: self.contains_null,
            contains_nan: Some(self.contains_nan),
            lower_bound: range.and_then(|(low, _)| below_zero(low).to_binary().ok()),
            upper_bound: range.and_then(|(_, high)| above_zero(high).to_binary().ok()),
        }
    }
}

/// Readers that take 0.0 and -0.0 for equal, and those that don't, must both find either: a lower bound of zero is
/// written as -0.0.
fn below_zero(low: &Value) -> Value {
    match low {
        Value::Float(0.0) => Value::Float(-0.0),
        Value::Double(0.0) => Value::Double(-0.0),
        other => other.clone(),
    }
}

/// An upper bound of zero is written as +0.0.
fn above_zero(high: &Value) -> Value {
    match high {
        Value::Float(0.0) => Value::Float(0.0),
        Value::Double(0.0) => Value::Double(0.0),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PartitionSpecId, SnapshotId};
    use crate::manifest::{DataContent, FileFormat, ManifestContent};

    fn summary_of(values: &[Option<Value>]) -> FieldSummary {
        let mut summary = ManifestSummary::new(1);
        for value in values {
            let file = DataFile::new(DataContent::Data, "f", FileFormat::Parquet, vec![value.clone()], 2, 1);
            summary.add(&ManifestEntry::added(file)).unwrap();
        }
        let mut manifest =
            ManifestFile::new("m", 1, PartitionSpecId(0), ManifestContent::Data, SnapshotId(1));
        summary.apply_to(&mut manifest, SequenceNumber(5));
        assert_eq!(manifest.added_rows_count, Some(2 * values.len() as u64));
        manifest.partitions.unwrap().remove(0)
    }

    #[test]
    fn trap_11_nan_is_counted_and_never_a_bound() {
        let summary = summary_of(&[Some(Value::Double(f64::NAN)), None, Some(Value::Double(2.0))]);
        assert_eq!((summary.contains_null, summary.contains_nan), (true, Some(true)));
        assert_eq!(summary.lower_bound, Some(2.0_f64.to_le_bytes().to_vec()));
        assert_eq!(summary.upper_bound, summary.lower_bound);
        let only_nan = summary_of(&[Some(Value::Float(f32::NAN))]);
        assert_eq!((only_nan.lower_bound, only_nan.upper_bound), (None, None));
    }

    #[test]
    fn zero_bounds_cover_both_zeros() {
        for zero in [0.0, -0.0] {
            let summary = summary_of(&[Some(Value::Float(zero))]);
            assert_eq!(summary.lower_bound, Some((-0.0_f32).to_le_bytes().to_vec()));
            assert_eq!(summary.upper_bound, Some(0.0_f32.to_le_bytes().to_vec()));
        }
    }

    #[test]
    fn the_smallest_live_number_counts_and_inherited_ones_are_the_commits() {
        let entry = |status, number: Option<i64>| {
            let file = DataFile::new(DataContent::Data, "f", FileFormat::Parquet, Vec::new(), 1, 1);
            let data_sequence_number = number.map(DataSequenceNumber);
            ManifestEntry { status, data_sequence_number, ..ManifestEntry::added(file) }
        };
        let check = |entries: &[ManifestEntry], expected| {
            let mut summary = ManifestSummary::new(0);
            entries.iter().for_each(|entry| summary.add(entry).unwrap());
            assert_eq!(summary.min_sequence_number(SequenceNumber(9)).0, expected);
        };
        use ManifestStatus::{Added, Deleted, Existing};
        check(&[entry(Added, None)], 9);
        check(&[entry(Added, None), entry(Existing, Some(4))], 4);
        check(&[entry(Added, Some(3)), entry(Existing, Some(4))], 3);
        check(&[entry(Deleted, Some(1)), entry(Existing, Some(4))], 4);
        check(&[entry(Deleted, Some(1))], 9);
    }
}
