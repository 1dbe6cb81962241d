//! Which delete files apply to a data file.

use std::sync::Arc;

use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId};
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::manifest::{BoundMap, DataFile, FileContent, FileFormat};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

use crate::data_error::DataError;
use crate::delete::DeleteFile;
use crate::delete::select::{Index, Selected};

fn spec(id: i32) -> Arc<PartitionSpec> {
    let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
    Arc::new(PartitionSpec::new(PartitionSpecId(id), vec![field]))
}

fn file(path: &str, content: FileContent, format: FileFormat, partition: i32) -> DataFile {
    DataFile::new(path, format, 1, 100)
        .with_content(content)
        .with_partition(vec![Some(Value::Int(partition))])
}

fn positions(path: &str) -> DataFile {
    file(path, FileContent::PositionDeletes, FileFormat::Parquet, 1)
}

fn vector(path: &str, of: &str) -> DataFile {
    file(path, FileContent::PositionDeletes, FileFormat::Puffin, 1).with_referenced_data_file(of.to_owned())
}

fn equality(path: &str, ids: &[i32]) -> DataFile {
    file(path, FileContent::EqualityDeletes, FileFormat::Avro, 1)
        .with_equality_ids(ids.iter().map(|id| FieldId(*id)).collect())
}

fn delete(file: DataFile, sequence: i64) -> DeleteFile {
    DeleteFile::new(file, DataSequenceNumber(sequence), spec(1))
}

/// What applies to the data file `path` of partition 1 and sequence number 5.
fn select(deletes: Vec<DeleteFile>, path: &str) -> Result<Selected, DataError> {
    let data = file(path, FileContent::Data, FileFormat::Orc, 1);
    let spec = spec(1);
    Index::new(deletes).select(LiveFile { file: &data, sequence_number: DataSequenceNumber(5), spec: &spec })
}

fn position_files(deletes: Vec<DeleteFile>, path: &str) -> Vec<usize> {
    select(deletes, path).unwrap().position_files
}

#[test]
fn spellings_of_a_local_path_name_one_data_file() {
    for data in ["/t/f", "file:/t/f", "file:///t/f"] {
        for named in ["/t/f", "file:/t/f", "file:///t/f"] {
            let deletes = vec![delete(vector("v", named), 5)];
            assert_eq!(select(deletes, data).unwrap().vector, Some(0), "{data} {named}");
            let one = positions("p").with_referenced_data_file(named.to_owned());
            assert_eq!(position_files(vec![delete(one, 5)], data), [0], "{data} {named}");
            let bounds: BoundMap =
                [(FieldId::DELETE_FILE_PATH, named.as_bytes().to_vec())].into_iter().collect();
            let one = positions("p").with_lower_bounds(bounds.clone()).with_upper_bounds(bounds);
            assert_eq!(position_files(vec![delete(one, 5)], data), [0], "{data} {named}");
        }
    }
    assert_eq!(select(vec![delete(vector("v", "/t/g"), 5)], "/t/f").unwrap(), Selected::default());
}

#[test]
fn a_deletion_vector_stands_for_position_deletes_and_not_for_equality_deletes() {
    let deletes = vec![
        delete(positions("p"), 9),
        delete(equality("e", &[1]), 9),
        delete(vector("v", "f"), 6),
        delete(vector("w", "g"), 6),
    ];
    let expected = Selected { vector: Some(2), position_files: vec![], equality_groups: vec![0] };
    assert_eq!(select(deletes.clone(), "f").unwrap(), expected);
    let expected = Selected { vector: None, position_files: vec![0], equality_groups: vec![0] };
    assert_eq!(select(deletes, "h").unwrap(), expected);
    // A vector that is older than the data file is for another file of that name, long gone.
    let old = vec![delete(vector("v", "f"), 4), delete(positions("p"), 5)];
    assert_eq!(position_files(old, "f"), [1]);
}

#[test]
fn two_deletion_vectors_for_a_data_file_are_damage() {
    let deletes = vec![delete(vector("v", "f"), 6), delete(vector("w", "f"), 7)];
    let error = select(deletes, "f").unwrap_err();
    assert_eq!(error.to_string(), "`f`, delete manifests: it has 2 deletion vectors, in v, w");
}

#[test]
fn a_deletion_vector_that_names_no_data_file_is_damage_for_those_it_may_be_of() {
    let nameless = |sequence| {
        let mut vector = vector("v", "f");
        vector.referenced_data_file = None;
        delete(vector, sequence)
    };
    let error = select(vec![nameless(5)], "f").unwrap_err();
    assert_eq!(error.kind(), datashard_spec::error::ErrorKind::InvalidData);
    assert_eq!(
        error.to_string(),
        "`v`, delete manifests: the entry of a deletion vector does not name its data file, which may be `f`"
    );
    // Older than the data file, or of another partition, it is none of its concern.
    assert_eq!(select(vec![nameless(4)], "f").unwrap(), Selected::default());
    let mut elsewhere = nameless(5);
    elsewhere.spec = spec(2);
    assert_eq!(select(vec![elsewhere], "f").unwrap(), Selected::default());
}

#[test]
fn bounds_of_paths_leave_out_files_for_other_data_files() {
    let between = |lower: &str, upper: &str| {
        let bound = |text: &str| -> BoundMap {
            [(FieldId::DELETE_FILE_PATH, text.as_bytes().to_vec())].into_iter().collect()
        };
        delete(positions("p").with_lower_bounds(bound(lower)).with_upper_bounds(bound(upper)), 5)
    };
    assert_eq!(position_files(vec![between("s3://b/a", "s3://b/c")], "s3://b/b"), [0]);
    assert!(position_files(vec![between("s3://b/c", "s3://b/d")], "s3://b/b").is_empty());
    assert!(position_files(vec![between("s3://b/a", "s3://b/az")], "s3://b/b").is_empty());
    // Cut bounds: the lower one is a prefix, the upper one was rounded up.
    assert_eq!(position_files(vec![between("s3:", "s3;")], "s3://b/b"), [0]);
}

#[test]
fn equality_deletes_of_one_partition_and_the_same_columns_are_one_group() {
    let unpartitioned = Arc::new(PartitionSpec::unpartitioned(PartitionSpecId(0)));
    let global = equality("g", &[2]).with_partition(Vec::new());
    let mut other = equality("o", &[2]);
    other.partition = vec![Some(Value::Int(2))];
    let deletes = vec![
        delete(equality("a", &[2, 1]), 4),
        delete(equality("b", &[1, 2]), 6),
        delete(equality("c", &[2]), 5),
        delete(other, 9),
        DeleteFile::new(global, DataSequenceNumber(6), unpartitioned),
    ];
    let index = Index::new(deletes.clone());
    let groups: Vec<Vec<usize>> = (0..4).map(|group| index.group(group).unwrap().files.clone()).collect();
    assert_eq!(groups, [vec![0, 1], vec![2], vec![3], vec![4]]);
    assert!(index.group(4).is_err());
    // The group of `c` is of the same commit as the data file.
    assert_eq!(select(deletes, "f").unwrap().equality_groups, [0, 3]);
}
