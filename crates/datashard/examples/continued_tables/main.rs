//! Goes on with tables that others wrote: every operation, one after the other, on copies of them, for other readers to look at every step.
//!
//! `continued_tables TESTDATA begin` puts fresh copies where their metadata says that they lie, and commits; `continued_tables TESTDATA finish`
//! then expires, retires and sweeps; `continued_tables TESTDATA remove` removes the copies. What was done is told as JSON, a line for each step: table, version, and how the rows now follow from those
//! that the table had at first. Rows that are added are the table's own, so that nothing has to be known of its schema.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "it stops at the first surprise, and tells what it did"
)]

mod steps;

use std::path::{Path, PathBuf};
use std::{env, fs};

use datashard::Table;

use crate::steps::Continued;

/// Tables of other writers that all readers read as they are: of the reference in all format versions, of ClickHouse and pyiceberg.
const TABLES: [&str; 17] = [
    "iceberg-java/v1_basic",
    "iceberg-java/v1_partitioned_void",
    "iceberg-java/v1_to_v2",
    "iceberg-java/v2_basic",
    "iceberg-java/v2_to_v3",
    "iceberg-java/cow_ops",
    "iceberg-java/part_evolution",
    "iceberg-java/part_truncate_types",
    "iceberg-java/branches_tags",
    "iceberg-java/maintenance",
    "iceberg-java/many_snapshots",
    "iceberg-java/mor_position_deletes",
    "iceberg-java/v3_deletion_vectors",
    "iceberg-other/clickhouse_basic",
    "iceberg-other/clickhouse_partitioned",
    "iceberg-other/pyiceberg_basic",
    "iceberg-other/pyiceberg_partitioned",
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [testdata, part] = &arguments[..] else {
        panic!("usage: continued_tables TESTDATA begin|finish|remove")
    };
    for table in TABLES {
        let name = table.rsplit('/').next().unwrap();
        let source = Path::new(testdata).join(table);
        let place = place_of(&source);
        if part == "remove" {
            fs::remove_dir_all(&place).unwrap();
            continue;
        }
        if part == "begin" {
            let _ = fs::remove_dir_all(&place);
            copy(&source, &place);
        }
        let opened = Table::open(place.to_str().unwrap()).await;
        let opened = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut continued = Continued::new(opened, name);
        match part.as_str() {
            "begin" => continued.begin().await,
            "finish" => continued.finish().await,
            other => panic!("`{other}` is not begin, finish or remove"),
        }
    }
}

/// Where a table's metadata says that it lies.
fn place_of(table: &Path) -> PathBuf {
    let mut files = fs::read_dir(table.join("metadata")).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.to_string_lossy().ends_with(".metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let location = metadata.get("location").and_then(serde_json::Value::as_str).unwrap();
    let path = location.strip_prefix("file:").unwrap_or(location);
    Path::new("/").join(path.trim_matches('/'))
}

fn copy(from: &Path, to: &PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
