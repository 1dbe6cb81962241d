//! Files of tables written by the reference implementation: they open, and have as many rows as they say.

use std::path::Path;

use datashard_spec::manifest::FileFormat;
use datashard_spec::metadata::TableMetadata;
use futures_util::TryStreamExt;

use super::*;
use crate::read::{FileReader, ReadRequest};

fn orc_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for table in [
        "orc_data",
        "types_all_orc",
        "mixed_formats",
        "orc_position_deletes",
        "equality_and_position_deletes",
    ] {
        let mut folders = vec![testdata(&format!("iceberg-java/{table}/data"))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "orc") {
                    found.push(path);
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn every_orc_file_of_other_tables_decodes_in_full() {
    let files = orc_files();
    assert!(files.len() >= 9, "{files:?}");
    for path in files {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let decoder = open(bytes.clone(), MIB).await.unwrap();
        let rows = decoder.row_count().unwrap();
        assert!(rows > 0);
        let has_id =
            |field: &arrow::datatypes::FieldRef| field.metadata().contains_key(crate::arrow::FIELD_ID_KEY);
        assert!(decoder.file_schema().fields().iter().all(has_id), "{}", path.display());
        let (schema, batches) = run(decoder, How::default()).await.unwrap();
        let (batch, positions) = whole(&schema, &batches);
        assert_eq!((batch.num_rows() as u64, positions.len() as u64), (rows, rows), "{}", path.display());
        oracle::check(&bytes, &batch, &path.display().to_string());
    }
}

/// The metadata file that a table's `expected.json` names.
fn metadata(table: &Path) -> TableMetadata {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(table.join("expected.json")).unwrap()).unwrap();
    TableMetadata::from_json(&std::fs::read(table.join(expected["metadata-file"].as_str().unwrap())).unwrap())
        .unwrap()
}

#[tokio::test]
async fn data_files_are_read_in_the_schema_of_their_table() {
    for table in ["orc_data", "types_all_orc", "mixed_formats"] {
        let folder = testdata(&format!("iceberg-java/{table}"));
        let schema = metadata(&folder).current_schema().clone();
        for path in orc_files().into_iter().filter(|path| path.starts_with(&folder)) {
            let bytes = Bytes::from(std::fs::read(&path).unwrap());
            let rows = open(bytes.clone(), MIB).await.unwrap().row_count().unwrap();
            let input = InputFile::in_memory("test.orc", bytes);
            let request = ReadRequest::new(Arc::clone(&schema));
            let reader = FileReader::open(input, &FileFormat::Orc, request).await.unwrap();
            let wanted = crate::arrow::schema_to_arrow(&schema).unwrap();
            assert_eq!(reader.schema(), wanted);
            let batches: Vec<RecordBatch> = reader.into_stream().try_collect().await.unwrap();
            assert!(batches.iter().all(|batch| batch.schema() == wanted));
            assert_eq!(
                batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64,
                rows,
                "{}",
                path.display()
            );
        }
    }
}
