//! Summaries that a manifest's writer collects: counts by status, and what each partition field holds.

use super::entry::{ManifestEntry, ManifestStatus};
use super::error::ManifestError;
use super::extra::Extras;
use super::list::FieldSummary;
use crate::id::DataSequenceNumber;
use crate::schema::{NestedField, PrimitiveType, StructType, Type};
use crate::value::Value;

/// Entries and rows of a manifest by status, and the smallest explicit data sequence number of its live files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestCounts {
    /// Entries with status added.
    pub added_files: i32,
    /// Entries with status existing.
    pub existing_files: i32,
    /// Entries with status deleted.
    pub deleted_files: i32,
    /// Rows of added files.
    pub added_rows: i64,
    /// Rows of existing files.
    pub existing_rows: i64,
    /// Rows of deleted files.
    pub deleted_rows: i64,
    /// The smallest explicit data sequence number of the live files. `None` if all inherit the commit's, which is
    /// greater than any explicit one.
    pub min_data_sequence_number: Option<DataSequenceNumber>,
}

impl ManifestCounts {
    /// Counts an entry.
    ///
    /// # Errors
    /// `InvalidData` if a count passes its range.
    pub fn add(&mut self, entry: &ManifestEntry) -> Result<(), ManifestError> {
        let (files, rows) = match entry.status {
            ManifestStatus::Added => (&mut self.added_files, &mut self.added_rows),
            ManifestStatus::Existing => (&mut self.existing_files, &mut self.existing_rows),
            ManifestStatus::Deleted => (&mut self.deleted_files, &mut self.deleted_rows),
        };
        *files = files.checked_add(1).ok_or(ManifestError::Overflow { what: "the count of files" })?;
        *rows = rows
            // An unknown count, -1, counts for nothing.
            .checked_add(entry.data_file.record_count.max(0))
            .ok_or(ManifestError::Overflow { what: "the count of rows" })?;
        if entry.status.is_live()
            && let Some(number) = entry.data_sequence_number
        {
            let smallest = self.min_data_sequence_number.get_or_insert(number);
            *smallest = number.min(*smallest);
        }
        Ok(())
    }
}

/// Collects the summary of each partition field over the files of a manifest.
///
/// # Examples
/// ```
/// use datashard_spec::manifest::PartitionSummary;
/// use datashard_spec::schema::{NestedField, PrimitiveType, StructType};
/// use datashard_spec::value::Value;
///
/// let partition = StructType::new(vec![NestedField::optional(1000, "x", PrimitiveType::Float)]);
/// let mut summary = PartitionSummary::new(&partition);
/// for value in [None, Some(Value::Float(f32::NAN)), Some(Value::Float(2.0))] {
///     summary.add(&[value])?;
/// }
/// let fields = summary.finish();
/// assert!(fields[0].contains_null);
/// assert_eq!(fields[0].contains_nan, Some(true));
/// assert_eq!(fields[0].upper_bound, Some(2.0_f32.to_le_bytes().to_vec()));
/// # Ok::<(), datashard_spec::manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PartitionSummary {
    fields: Vec<Collected>,
}

#[derive(Debug, Clone)]
struct Collected {
    of: Type,
    contains_null: bool,
    contains_nan: bool,
    bounds: Option<(Value, Value)>,
}

impl PartitionSummary {
    /// Nothing collected yet.
    pub fn new(partition_type: &StructType) -> Self {
        let field = |field: &NestedField| Collected {
            of: field.field_type.clone(),
            contains_null: false,
            contains_nan: false,
            bounds: None,
        };
        Self { fields: partition_type.fields.iter().map(field).collect() }
    }

    /// Takes in the partition tuple of a file. Values that are missing at the end count as null.
    ///
    /// # Errors
    /// `InvalidInput` for a value that is not of its field's type, nor of one that is promoted to it: no bound could
    /// cover it, and readers take a field without bounds for one without values.
    pub fn add(&mut self, partition: &[Option<Value>]) -> Result<(), ManifestError> {
        for (position, field) in self.fields.iter_mut().enumerate() {
            match partition.get(position).and_then(Option::as_ref) {
                None => field.contains_null = true,
                // A NaN bound would make readers prune rows away.
                Some(Value::Float(v)) if v.is_nan() => field.contains_nan = true,
                Some(Value::Double(v)) if v.is_nan() => field.contains_nan = true,
                Some(value) => field.widen(position, value)?,
            }
        }
        Ok(())
    }

    /// The summaries, in the order of the spec's fields.
    pub fn finish(self) -> Vec<FieldSummary> {
        self.fields.into_iter().map(Collected::finish).collect()
    }
}

impl Collected {
    fn widen(&mut self, position: usize, value: &Value) -> Result<(), ManifestError> {
        // A tuple keeps the type that its column had when the file was written; an int and a long have no common order.
        let promoted;
        let value = match (&self.of, value) {
            // The source column is gone: all values are of the type they were written in.
            (Type::Primitive(PrimitiveType::Unknown), value) => value,
            (of, value) if value.matches_type(of) => value,
            (of, value) => {
                promoted = match (of, value) {
                    (Type::Primitive(PrimitiveType::Date), Value::Int(days)) => Some(Value::Date(*days)),
                    (Type::Primitive(of), value) => value.promote(of),
                    _ => None,
                };
                promoted.as_ref().ok_or_else(|| ManifestError::Partition {
                    position,
                    expected: of.to_string(),
                    found: value.to_string(),
                })?
            }
        };
        match &mut self.bounds {
            None => self.bounds = Some((value.clone(), value.clone())),
            Some((lower, upper)) => {
                if value < lower {
                    *lower = value.clone();
                } else if value > upper {
                    *upper = value.clone();
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> FieldSummary {
        let (lower, upper) = self.bounds.unzip();
        FieldSummary {
            contains_null: self.contains_null,
            contains_nan: Some(self.contains_nan),
            extras: Extras::default(),
            lower_bound: lower.map(|value| zero_as(value, true)).and_then(|value| value.to_binary().ok()),
            upper_bound: upper.map(|value| zero_as(value, false)).and_then(|value| value.to_binary().ok()),
        }
    }
}

/// A zero lower bound is written as -0.0, an upper one as +0.0: readers disagree on whether the two are equal.
fn zero_as(value: Value, negative: bool) -> Value {
    match value {
        Value::Float(0.0) => Value::Float(if negative { -0.0 } else { 0.0 }),
        Value::Double(0.0) => Value::Double(if negative { -0.0 } else { 0.0 }),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[Option<Value>]) -> FieldSummary {
        let partition = StructType::new(vec![NestedField::optional(1000, "p", PrimitiveType::Double)]);
        let mut summary = PartitionSummary::new(&partition);
        for value in values {
            summary.add(std::slice::from_ref(value)).unwrap();
        }
        summary.finish().remove(0)
    }

    #[test]
    fn trap_11_nan_is_never_a_bound() {
        let only_nan = summary(&[Some(Value::Double(f64::NAN)), None]);
        assert_eq!(only_nan, FieldSummary::new(true, Some(true)));
        let mixed = summary(&[Some(Value::Double(1.5)), Some(Value::Double(-f64::NAN))]);
        let bound = 1.5_f64.to_le_bytes().to_vec();
        assert_eq!(mixed, FieldSummary::new(false, Some(true)).with_bounds(bound.clone(), bound));
    }

    #[test]
    fn values_of_before_a_promotion_are_ordered_with_later_ones() {
        let check = |of: PrimitiveType, values: [Value; 3], lower: Value, upper: Value| {
            let partition = StructType::new(vec![NestedField::optional(1000, "p", of)]);
            let mut summary = PartitionSummary::new(&partition);
            values.into_iter().for_each(|value| summary.add(&[Some(value)]).unwrap());
            let expect = FieldSummary::new(false, Some(false))
                .with_bounds(lower.to_binary().unwrap(), upper.to_binary().unwrap());
            assert_eq!(summary.finish(), [expect]);
        };
        let longs = [Value::Int(100), Value::Long(5), Value::Int(-7)];
        check(PrimitiveType::Long, longs, Value::Long(-7), Value::Long(100));
        let doubles = [Value::Float(2.5), Value::Double(1.0), Value::Double(0.5)];
        check(PrimitiveType::Double, doubles, Value::Double(0.5), Value::Double(2.5));
        let days = [Value::Int(9), Value::Date(5), Value::Int(1)];
        check(PrimitiveType::Date, days, Value::Date(1), Value::Date(9));
    }

    #[test]
    fn zero_bounds_cover_both_zeros() {
        for zero in [0.0, -0.0] {
            let found = summary(&[Some(Value::Double(zero))]);
            let expect = FieldSummary::new(false, Some(false))
                .with_bounds((-0.0_f64).to_le_bytes().to_vec(), 0.0_f64.to_le_bytes().to_vec());
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn a_value_that_no_bound_could_cover_is_refused() {
        let partition = StructType::new(vec![NestedField::optional(1000, "p", PrimitiveType::Int)]);
        let error = PartitionSummary::new(&partition).add(&[Some(Value::Long(5))]).unwrap_err();
        assert!(matches!(error, ManifestError::Partition { position: 0, .. }), "{error}");
    }
}
