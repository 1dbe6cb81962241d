//! Sizes of files and memory, with formats that compress.

use std::sync::Arc;

use datashard_io::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::FileContent;
use datashard_spec::partition::PartitionSpec;

use super::{FORMATS, Table, ids};

/// Rows whose names do not compress well.
fn random_rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let name = |id: i64| {
        let mut state = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def0;
        (0..4).fold(String::new(), |mut name, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            name.push_str(&format!("{state:016x}"));
            name
        })
    };
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("name", Arc::new(StringArray::from_iter_values(ids.map(name)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test]
async fn files_are_closed_near_their_target() {
    for format in FORMATS {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let table = Table::in_memory("target", format, spec).await;
        let target = 1_500_000;
        let set = [
            ("write.target-file-size-bytes", "1500000"),
            ("write.parquet.page-size-bytes", "65536"),
            ("write.parquet.dict-size-bytes", "1024"),
        ];
        let mut writer = table.writer(&table.options(FileContent::Data, &set));
        // One batch of several files.
        writer.write(&random_rows(0..120_000)).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert!(written.files.len() >= 3, "{} files", written.files.len());
        let (_last, full) = written.files.split_last().unwrap();
        for file in full {
            let size = file.file_size_in_bytes;
            // What rows that the format still holds will come to is estimated.
            assert!((target * 9 / 10..=target * 11 / 10).contains(&size), "{format:?}: {size}");
        }
        let mut all = Vec::new();
        for file in &written.files {
            all.extend(ids(&table.read_elsewhere(file).await));
        }
        assert_eq!(all, (0..120_000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn memory_limit_closes_files_of_real_formats() {
    for format in FORMATS {
        let spec = PartitionSpec::builder(&super::schema()).bucket("id", 8).build().unwrap();
        let table = Table::in_memory("memory", format, spec).await;
        let options = table.options(FileContent::Data, &[]);
        let unlimited = table.write(&options, &random_rows(0..20_000)).await;
        assert_eq!(unlimited.files.len(), 8);
        let limited = table.write(&options.with_memory_limit_bytes(200_000), &random_rows(0..20_000)).await;
        assert!(limited.files.len() > 8, "{format:?}: the limit was never reached");
        assert_eq!(limited.record_count, 20_000);
        let mut all = Vec::new();
        for file in &limited.files {
            all.extend(ids(&table.read_elsewhere(file).await));
        }
        all.sort_unstable();
        assert_eq!(all, (0..20_000).collect::<Vec<_>>());
    }
}
