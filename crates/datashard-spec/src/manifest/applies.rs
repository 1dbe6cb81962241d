//! Which deletes reach which data files.
//!
//! # Spec
//! "Scan Planning", "Row-level Deletes".

use super::{DataFile, FileContent, FileFormat};
use crate::id::{DataSequenceNumber, PartitionSpecId};
use crate::partition::PartitionSpec;
use crate::value::Value;

/// A live file with what its manifest says of it, after inheritance.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "these facts decide whether a delete applies")]
pub struct LiveFile<'a> {
    /// The file.
    pub file: &'a DataFile,
    /// Its data sequence number.
    pub sequence_number: DataSequenceNumber,
    /// The partition spec of its manifest.
    pub spec: &'a PartitionSpec,
}

/// Whether position deletes or a deletion vector of one sequence number reach a data file of another: also those of the
/// same commit.
pub fn position_delete_applies(delete: DataSequenceNumber, data: DataSequenceNumber) -> bool {
    data <= delete
}

/// Whether equality deletes of one sequence number reach a data file of another: only files strictly older, so that a
/// commit can delete a key and write it anew.
pub fn equality_delete_applies(delete: DataSequenceNumber, data: DataSequenceNumber) -> bool {
    data < delete
}

/// Whether the delete file `delete` must be applied when `data` is read, judging by content, sequence numbers,
/// partitions and referenced files.
///
/// Bounds are not looked at: a delete that applies by these rules may still hit no row. That a deletion vector replaces
/// position delete files for its data file is for the caller to see, who knows all deletes of the snapshot.
pub fn delete_applies(delete: LiveFile<'_>, data: LiveFile<'_>) -> bool {
    let same_partition = || {
        same_spec(delete.spec.id, data.spec.id) && same_tuple(&delete.file.partition, &data.file.partition)
    };
    match (delete.file.content, &delete.file.file_format) {
        (FileContent::Data, _) => false,
        (FileContent::PositionDeletes, FileFormat::Puffin) => {
            delete.file.referenced_data_file.as_deref() == Some(data.file.file_path.as_str())
                && position_delete_applies(delete.sequence_number, data.sequence_number)
                && same_partition()
        }
        (FileContent::PositionDeletes, _) => {
            position_delete_applies(delete.sequence_number, data.sequence_number)
                && delete.file.referenced_data_file.as_ref().is_none_or(|path| *path == data.file.file_path)
                && same_partition()
        }
        (FileContent::EqualityDeletes, _) => {
            equality_delete_applies(delete.sequence_number, data.sequence_number)
                && (delete.spec.is_unpartitioned() || same_partition())
        }
    }
}

/// Deletes never reach files written under another spec, even one with equal fields.
fn same_spec(a: PartitionSpecId, b: PartitionSpecId) -> bool {
    a == b
}

/// Tuples of one spec keep the types that their columns had when the files were written: values are equal if they are
/// after promotion.
fn same_tuple(a: &[Option<Value>], b: &[Option<Value>]) -> bool {
    let same = |(a, b): (&Option<Value>, &Option<Value>)| match (a, b) {
        (Some(Value::Int(int)), Some(Value::Long(long)))
        | (Some(Value::Long(long)), Some(Value::Int(int))) => i64::from(*int) == *long,
        (Some(Value::Float(float)), Some(double @ Value::Double(_)))
        | (Some(double @ Value::Double(_)), Some(Value::Float(float))) => {
            Value::Double((*float).into()) == *double
        }
        (Some(Value::Int(days)), Some(Value::Date(date)))
        | (Some(Value::Date(date)), Some(Value::Int(days))) => days == date,
        (a, b) => a == b,
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FieldId;
    use crate::partition::PartitionField;
    use crate::transform::Transform;

    fn file(content: FileContent, format: FileFormat, partition: i32) -> DataFile {
        DataFile { content, ..DataFile::new("data/f", format, 1, 1) }
            .with_partition(vec![Some(Value::Int(partition))])
    }

    fn spec(id: i32) -> PartitionSpec {
        let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
        PartitionSpec::new(PartitionSpecId(id), vec![field])
    }

    #[test]
    fn trap_15_an_equality_delete_spares_rows_of_its_own_commit() {
        let applies =
            |delete, data| equality_delete_applies(DataSequenceNumber(delete), DataSequenceNumber(data));
        assert!(applies(5, 4));
        assert!(!applies(5, 5), "an upsert would lose the rows it has just written");
        assert!(position_delete_applies(DataSequenceNumber(5), DataSequenceNumber(5)));
        assert!(!position_delete_applies(DataSequenceNumber(5), DataSequenceNumber(6)));
    }

    #[test]
    fn deletes_reach_files_of_before_a_promotion() {
        let check = |old: Value, new: Value, expected| {
            let spec = spec(1);
            let mut data = file(FileContent::Data, FileFormat::Parquet, 0);
            data.partition = vec![Some(old.clone())];
            let mut delete = file(FileContent::EqualityDeletes, FileFormat::Parquet, 0);
            delete.partition = vec![Some(new.clone())];
            let live =
                |file, number| LiveFile { file, sequence_number: DataSequenceNumber(number), spec: &spec };
            assert_eq!(delete_applies(live(&delete, 2), live(&data, 1)), expected, "{old:?} {new:?}");
            assert_eq!(same_tuple(&data.partition, &delete.partition), expected);
            assert_eq!(same_tuple(&delete.partition, &data.partition), expected);
        };
        check(Value::Int(7), Value::Long(7), true);
        check(Value::Int(7), Value::Long(7 + (1 << 32)), false);
        check(Value::Float(0.1), Value::Double(0.1_f32.into()), true);
        check(Value::Float(f32::NAN), Value::Double(f64::NAN), true);
        check(Value::Float(0.1), Value::Double(0.1), false);
        check(Value::Int(7), Value::Date(7), true);
        check(Value::Int(7), Value::Timestamp(7), false);
        check(Value::decimal(7, 2), Value::decimal(7, 2), true);
        assert!(!same_tuple(&[None], &[]));
        assert!(same_tuple(&[None], &[None]));
        assert!(!same_tuple(&[None], &[Some(Value::Int(0))]));
    }

    #[test]
    fn deletes_stay_within_spec_partition_and_referenced_file() {
        let (here, other, unpartitioned) =
            (spec(1), spec(2), PartitionSpec::unpartitioned(PartitionSpecId(0)));
        let data = file(FileContent::Data, FileFormat::Parquet, 1);
        let data = LiveFile { file: &data, sequence_number: DataSequenceNumber(3), spec: &here };
        let check = |delete: &DataFile, sequence, spec, expected| {
            let delete = LiveFile { file: delete, sequence_number: DataSequenceNumber(sequence), spec };
            assert_eq!(delete_applies(delete, data), expected, "{delete:?}");
        };
        let positions = file(FileContent::PositionDeletes, FileFormat::Parquet, 1);
        check(&positions, 3, &here, true);
        check(&positions, 2, &here, false);
        check(&positions, 3, &other, false);
        check(&positions, 3, &unpartitioned, false);
        check(&file(FileContent::PositionDeletes, FileFormat::Parquet, 2), 3, &here, false);
        let elsewhere = DataFile { referenced_data_file: Some("data/g".to_owned()), ..positions.clone() };
        check(&elsewhere, 3, &here, false);
        let vector = DataFile {
            referenced_data_file: Some("data/f".to_owned()),
            ..file(FileContent::PositionDeletes, FileFormat::Puffin, 1)
        };
        check(&vector, 3, &here, true);
        check(&DataFile { referenced_data_file: None, ..vector }, 3, &here, false);
        let equality = file(FileContent::EqualityDeletes, FileFormat::Parquet, 1);
        check(&equality, 4, &here, true);
        check(&equality, 3, &here, false);
        check(&equality, 4, &other, false);
        check(&equality, 4, &unpartitioned, true);
    }
}
