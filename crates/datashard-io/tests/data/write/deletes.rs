//! Deletes of all three kinds, written here, hit what they are meant to when data files are read.

use std::sync::Arc;

use datashard_io::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datashard_io::context::Context;
use datashard_io::delete::{
    DeleteFile, DeleteLoader, Deletes, EqualityDeleteWriter, NewDeletionVector, PositionDeleteWriter,
    write_deletion_vectors,
};
use datashard_io::write::FileLocations;
use datashard_io::{InputFile, OutputFile};
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::puffin::DeletionVector;

use super::{FORMATS, Table, ids, rows, schema};

const DATA: DataSequenceNumber = DataSequenceNumber(1);
const DELETES: DataSequenceNumber = DataSequenceNumber(2);

fn by_bucket() -> PartitionSpec {
    PartitionSpec::builder(&schema()).bucket("id", 3).build().unwrap()
}

/// The deletes of a data file.
async fn deletes_of(table: &Table, data: &DataFile, deletes: &[DataFile]) -> Deletes {
    let spec = Arc::new(table.spec.clone());
    let deletes: Vec<DeleteFile> =
        deletes.iter().map(|file| DeleteFile::new(file.clone(), DELETES, Arc::clone(&spec))).collect();
    let store = table.store.clone();
    let loader = DeleteLoader::new(deletes, [Arc::clone(&table.schema)], move |location| {
        let path = store.location().relative(location).unwrap();
        Ok(InputFile::new(store.clone(), path, location))
    });
    loader.load(LiveFile { file: data, sequence_number: DATA, spec: &spec }).await.unwrap()
}

/// The ids that are left in each data file.
async fn left(table: &Table, data: &[DataFile], deletes: &[DataFile]) -> Vec<Vec<i64>> {
    let mut left = Vec::new();
    for file in data {
        let deletes = deletes_of(table, file, deletes).await;
        left.push(ids(&table.read(file, Some(deletes)).await));
    }
    left
}

/// The ids in each data file.
async fn all(table: &Table, data: &[DataFile]) -> Vec<Vec<i64>> {
    left(table, data, &[]).await
}

#[tokio::test]
async fn position_deletes_hit_their_rows() {
    for format in FORMATS {
        for granularity in ["file", "partition"] {
            let table = Table::in_memory(&format!("positions-{granularity}"), format, by_bucket()).await;
            let target = [("write.target-file-size-bytes", "1500")];
            let data = table.write(&table.options(FileContent::Data, &target), &rows(0..900)).await.files;
            assert!(data.len() > 3, "several data files for each partition");
            let before = all(&table, &data).await;

            let options =
                table.options(FileContent::PositionDeletes, &[("write.delete.granularity", granularity)]);
            let context = Context::system();
            let mut writer =
                PositionDeleteWriter::new(&table.store, &table.spec, &options, FormatVersion::V2, &context)
                    .unwrap();
            for (file, ids) in data.iter().zip(&before) {
                // Every third row, backwards, in two calls.
                let positions: Vec<u64> = (0..ids.len() as u64).filter(|p| p % 3 == 0).rev().collect();
                let (one, two) = positions.split_at(positions.len() / 2);
                writer.delete(&file.partition, &file.file_path, one.to_vec()).await.unwrap();
                writer.delete(&file.partition, &file.file_path, two.to_vec()).await.unwrap();
            }
            let deletes = writer.finish().await.unwrap().files;
            assert_eq!(deletes.len(), if granularity == "file" { data.len() } else { 3 });
            for file in &deletes {
                table.verify(file).await;
                assert_eq!(file.referenced_data_file.is_some(), granularity == "file");
                // Bounds are exact, however long the paths are.
                let bound = |map: &datashard_spec::manifest::BoundMap| {
                    String::from_utf8(map.get(FieldId::DELETE_FILE_PATH).unwrap().to_vec()).unwrap()
                };
                let (lower, upper) = (bound(&file.lower_bounds), bound(&file.upper_bounds));
                assert!(data.iter().any(|data| data.file_path == lower), "{lower}");
                assert!(data.iter().any(|data| data.file_path == upper), "{upper}");
                assert_eq!(lower == upper, granularity == "file");
            }
            let expect: Vec<Vec<i64>> = before
                .iter()
                .map(|ids| ids.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, id)| *id).collect())
                .collect();
            assert_eq!(left(&table, &data, &deletes).await, expect);
        }
    }
}

#[tokio::test]
async fn equality_deletes_hit_equal_rows_of_their_partition() {
    for format in FORMATS {
        let table = Table::in_memory("equality", format, by_bucket()).await;
        let data = table.write(&table.options(FileContent::Data, &[]), &rows(0..300)).await.files;
        let options = table.options(FileContent::EqualityDeletes, &[]);
        let mut writer = EqualityDeleteWriter::new(
            &table.store,
            &table.schema,
            &table.spec,
            None,
            &options,
            FormatVersion::V2,
            &Context::system(),
        )
        .unwrap();
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_000).filter(|id| id % 7 == 0)));
        let keys = RecordBatch::try_from_iter([("id", keys)]).unwrap();
        writer.write(&keys).await.unwrap();
        writer.write(&keys).await.unwrap();
        let deletes = writer.finish().await.unwrap();
        assert_eq!((deletes.files.len(), deletes.record_count), (3, 143));
        for file in &deletes.files {
            table.verify(file).await;
            assert_eq!(file.equality_ids, [FieldId(1)]);
            assert!(file.lower_bounds.get(FieldId(1)).is_some());
        }
        let left: Vec<i64> = left(&table, &data, &deletes.files).await.concat();
        assert_eq!(left.len(), 300 - 43);
        assert!(left.iter().all(|id| id % 7 != 0));
    }
}

#[tokio::test]
async fn equality_deletes_by_a_column_with_nulls_take_null_for_null() {
    for format in FORMATS {
        let spec = PartitionSpec::unpartitioned(datashard_spec::id::PartitionSpecId(0));
        let table = Table::in_memory("equality-null", format, spec).await;
        let data = table.write(&table.options(FileContent::Data, &[]), &rows(0..40)).await.files;
        let options = table.options(FileContent::EqualityDeletes, &[]);
        let (context, by_name) = (Context::system(), [FieldId(2)]);
        let mut writer = EqualityDeleteWriter::new(
            &table.store,
            &table.schema,
            &table.spec,
            Some(&by_name),
            &options,
            FormatVersion::V3,
            &context,
        )
        .unwrap();
        // Rows of the table serve as they are: those with the names "a b" and null.
        writer.write(&rows(0..1)).await.unwrap();
        writer.write(&rows(3..4)).await.unwrap();
        let deletes = writer.finish().await.unwrap().files;
        let left: Vec<i64> = left(&table, &data, &deletes).await.concat();
        assert_eq!(left, (0..40).filter(|id| matches!(id % 4, 1 | 2)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn deletion_vectors_hit_their_rows_and_take_in_older_ones() {
    for format in FORMATS {
        let table = Table::in_memory("vectors", format, by_bucket()).await;
        let data = table.write(&table.options(FileContent::Data, &[]), &rows(0..300)).await.files;
        let before = all(&table, &data).await;
        let options = table.options(FileContent::PositionDeletes, &[]);
        let locations = FileLocations::new(&table.store, &options, &Context::system()).unwrap();
        let mut old: Vec<DeletionVector> = vec![DeletionVector::new(); data.len()];
        for step in [2_u64, 5] {
            let vectors = data
                .iter()
                .zip(&mut old)
                .map(|(file, old)| {
                    let positions = (0..file.record_count as u64).filter(|p| p % step == 0);
                    let mut vector = DeletionVector::from_positions(positions).unwrap();
                    vector.union(old);
                    *old = vector.clone();
                    NewDeletionVector::new(file.file_path.clone(), file.partition.clone(), vector)
                })
                .collect();
            let place = locations.new_shared_file("-deletes.puffin").unwrap();
            let output = OutputFile::new(&table.store, &place.path, place.location.as_str()).unwrap();
            let entries = write_deletion_vectors(output, vectors).await.unwrap();
            for entry in &entries {
                table.verify(entry).await;
            }
            let expect: Vec<Vec<i64>> = before
                .iter()
                .zip(&old)
                .map(|(ids, old)| {
                    let kept = ids.iter().enumerate().filter(|(at, _)| !old.contains(*at as u64));
                    kept.map(|(_, id)| *id).collect()
                })
                .collect();
            assert_eq!(left(&table, &data, &entries).await, expect);
        }
    }
}

#[tokio::test]
async fn deletion_vectors_take_over_from_position_deletes() {
    for format in FORMATS {
        let table = Table::in_memory("take-over", format, by_bucket()).await;
        let data = table.write(&table.options(FileContent::Data, &[]), &rows(0..90)).await.files;
        let before = all(&table, &data).await;
        let options = table.options(FileContent::PositionDeletes, &[]);
        let context = Context::system();
        let mut writer =
            PositionDeleteWriter::new(&table.store, &table.spec, &options, FormatVersion::V2, &context)
                .unwrap();
        for file in &data {
            writer.delete(&file.partition, &file.file_path, [0, 4]).await.unwrap();
        }
        let old = writer.finish().await.unwrap().files;

        let mut vectors = Vec::new();
        for file in &data {
            let mut vector = DeletionVector::from_positions([2]).unwrap();
            vector.union(deletes_of(&table, file, &old).await.positions().unwrap());
            vectors.push(NewDeletionVector::new(file.file_path.clone(), file.partition.clone(), vector));
        }
        let locations = FileLocations::new(&table.store, &options, &context).unwrap();
        let place = locations.new_shared_file("-deletes.puffin").unwrap();
        let output = OutputFile::new(&table.store, &place.path, place.location.as_str()).unwrap();
        let entries = write_deletion_vectors(output, vectors).await.unwrap();

        let expect: Vec<Vec<i64>> = before
            .iter()
            .map(|ids| {
                ids.iter().enumerate().filter(|(at, _)| ![0, 2, 4].contains(at)).map(|(_, id)| *id).collect()
            })
            .collect();
        assert_eq!(left(&table, &data, &entries).await, expect, "alone");
        assert_eq!(left(&table, &data, &[entries, old].concat()).await, expect, "beside the old files");
    }
}
