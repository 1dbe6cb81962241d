//! Several handles append to one table at the same time: every row is there once, and the chain has no gaps.

use std::collections::BTreeMap;

use datashard_io::{StoreOptions, TablePath, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat, ManifestStatus};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{CommitError, CommitOptions, Committer, epoch};
use futures_util::future::join_all;

fn create() -> CreateTable {
    CreateTable::new(Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap())
}

/// An append of one file that is written along with the manifest.
fn append(store: &TableStore, version: MetadataVersion, name: &str) -> Append {
    let path = TablePath::parse(&format!("data/{}{name}.parquet", epoch::prefix(version))).unwrap();
    let file = DataFile::new(store.location().file(&path), FileFormat::Parquet, 1, 4);
    Append::new(SchemaId(0)).with_unwritten_file(PartitionSpecId(0), file, path, "rows".into())
}

/// How often each data file is in the current snapshot, and how many rows the summary tells.
async fn files(table: &Committer) -> (BTreeMap<String, usize>, i64) {
    let base = table.refresh().await.unwrap();
    let snapshot = base.metadata.current_snapshot().unwrap().unwrap();
    let store = table.store();
    let read = async |location: &str| {
        let path = store.location().relative(location).unwrap();
        store.read(&path, 1 << 24).await.unwrap()
    };
    let list = read(snapshot.manifest_list().unwrap()).await;
    let mut found = BTreeMap::new();
    for row in ManifestListReader::new(&list).unwrap() {
        let manifest = read(&row.unwrap().manifest_path).await;
        for entry in ManifestReader::new(&manifest).unwrap() {
            let entry = entry.unwrap();
            assert_ne!(entry.status, ManifestStatus::Deleted);
            let path = store.location().relative(&entry.data_file.file_path).unwrap();
            assert!(store.exists(&path).await.unwrap(), "{path}");
            *found.entry(entry.data_file.file_path).or_default() += 1;
        }
    }
    (found, snapshot.summary.total_records().unwrap())
}

async fn race(location: &str, handles: usize, appends: usize) {
    let open = async || TableStore::open(location, StoreOptions::new()).await.unwrap();
    let (first, _) = Committer::create(open().await, create(), CommitOptions::default()).await.unwrap();
    let refused = Committer::create(open().await, create(), CommitOptions::default()).await.unwrap_err();
    assert!(matches!(refused, CommitError::TableExists { .. }), "{refused}");

    let writers = (0..handles).map(async |writer| {
        let table = Committer::open(open().await, CommitOptions::default()).await.unwrap();
        for number in 0..appends {
            let version = table.base().unwrap().version;
            let append = append(table.store(), version, &format!("w{writer}-{number}"));
            let committed = table.append(append).await.unwrap();
            assert!(!committed.duplicate);
        }
        table.flush().await;
    });
    join_all(writers).await;

    let (found, rows) = files(&first).await;
    assert_eq!(found.len(), handles * appends);
    assert!(found.values().all(|times| *times == 1));
    assert_eq!(usize::try_from(rows).unwrap(), handles * appends);
    let newest = first.refresh().await.unwrap();
    assert_eq!(usize::try_from(newest.version.0).unwrap(), handles * appends + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_handles_on_a_store_in_memory_lose_and_double_nothing() {
    race("memory://race/table", 8, 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_handles_on_a_folder_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    race(folder.path().join("table").to_str().unwrap(), 6, 15).await;
}

/// Appends through clones of one handle share commits, and the answers tell the same snapshot.
#[tokio::test]
async fn d18_appends_through_clones_of_a_handle_become_few_commits() {
    let store = TableStore::open("memory://race/group", StoreOptions::new()).await.unwrap();
    let (table, _) = Committer::create(store, create(), CommitOptions::default()).await.unwrap();
    let appends =
        (0..64).map(|number| {
            let table = table.clone();
            async move {
                table.append(append(table.store(), MetadataVersion(1), &format!("{number}"))).await.unwrap()
            }
        });
    let answers = join_all(appends).await;
    let versions: std::collections::BTreeSet<_> = answers.iter().map(|answer| answer.version).collect();
    assert!(versions.len() <= 2, "{versions:?}");
    let (found, rows) = files(&table).await;
    assert_eq!((found.len(), rows), (64, 64));
}
