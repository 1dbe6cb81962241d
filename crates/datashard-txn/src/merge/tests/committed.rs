//! The whole way: handles commit to a store, and what is there in the end is read from the store alone.

use std::collections::BTreeSet;

use datashard_io::{StoreOptions, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::manifest::{DataFile, FileFormat};
use futures_util::future::join_all;

use super::*;
use crate::action::CreateTable;
use crate::action::testing::schema;
use crate::{CommitOptions, Committer};

const URL: &str = "memory://merge-committed/table";

async fn live_files(committer: &Committer) -> (usize, Vec<String>) {
    let base = committer.refresh().await.unwrap();
    let store = committer.store();
    let read = async |location: &str| {
        let path = store.location().relative(location).unwrap();
        store.read(&path, 1 << 20).await.unwrap()
    };
    let list = base.metadata.current_snapshot().unwrap().unwrap().manifest_list().unwrap().to_owned();
    let rows: Vec<ManifestFile> =
        ManifestListReader::new(&read(&list).await).unwrap().map(Result::unwrap).collect();
    let mut files = Vec::new();
    for row in &rows {
        let bytes = read(&row.manifest_path).await;
        let live = ManifestReader::new(&bytes).unwrap().map(Result::unwrap).filter(|e| e.status.is_live());
        files.extend(live.map(|entry| entry.data_file.file_path));
    }
    (rows.len(), files)
}

#[tokio::test]
async fn d1_two_handles_append_and_merge_and_every_file_is_there_once() {
    let open = || TableStore::open(URL, StoreOptions::new());
    let create = CreateTable::new(schema());
    let (one, _) = Committer::create(open().await.unwrap(), create, CommitOptions::default()).await.unwrap();
    let two = Committer::open(open().await.unwrap(), CommitOptions::default()).await.unwrap();
    let file = |name: &str| DataFile::new(format!("{URL}/data/{name}.parquet"), FileFormat::Parquet, 10, 100);
    let append = |name: String| Append::new(SchemaId(0)).with_file(SPEC, file(&name));
    for round in 0..20 {
        // One after the other on one handle, so that they do not become one commit.
        let appends = [(&one, "one"), (&two, "two")]
            .map(|(handle, name)| async move { handle.append(append(format!("{name}-{round}"))).await });
        assert!(join_all(appends).await.into_iter().all(|answer| answer.is_ok()));
    }
    let (manifests, files) = live_files(&one).await;
    let distinct: BTreeSet<&String> = files.iter().collect();
    assert_eq!((files.len(), distinct.len()), (40, 40));
    assert!(manifests <= 16, "{manifests} manifests");
    assert_eq!(live_files(&two).await.1.len(), 40);
}
