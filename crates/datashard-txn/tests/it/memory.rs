//! Row H3: what a commit to a table of very many files holds in memory is bounded, and the bound can be set.

use datashard_io::{StoreOptions, TablePath, TableStore};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_txn::action::{Append, DeleteFiles, RewriteManifests};
use datashard_txn::{CommitError, CommitOptions, Committer};

use crate::support::rows::endless;

const MANIFESTS: usize = 50;
const FILES: usize = 20_000;
/// A few manifests out of the fifty.
const LIMIT_BYTES: u64 = 1 << 20;

fn location(store: &TableStore, manifest: usize, file: usize) -> String {
    let path = TablePath::parse(&format!("data/part-{manifest:03}-of-many/file-{file:06}.parquet")).unwrap();
    store.location().file(&path)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn h3_commits_to_a_table_of_a_million_files_stay_within_the_memory_they_are_given() {
    block_on(async {
        let store = TableStore::open("memory://txn-memory/many", StoreOptions::new()).await.unwrap();
        let table = endless().with_property("commit.manifest-merge.enabled", "false");
        let (committer, _) = Committer::create(store.clone(), table, CommitOptions::default()).await.unwrap();
        for manifest in 0..MANIFESTS {
            let files = (0..FILES)
                .map(|file| DataFile::new(location(&store, manifest, file), FileFormat::Parquet, 10, 1_000));
            let append = Append::new(SchemaId(0)).with_files(PartitionSpecId(0), files);
            committer.append(append).await.unwrap();
        }
        let options = CommitOptions::default().with_memory_limit_bytes(LIMIT_BYTES);
        let small = Committer::open(store.clone(), options).await.unwrap();

        // It reads every manifest, and keeps of each what it looks for.
        let gone = [location(&store, 3, 17), location(&store, 19, 4_999)];
        small.commit(DeleteFiles::new(gone.clone()), None).await.unwrap();
        // Who holds manifests whole is refused, and told by how much.
        match small.commit(RewriteManifests::new(), None).await {
            Err(CommitError::OutOfMemory { operation, needed_bytes, limit_bytes }) => {
                assert_eq!((operation, limit_bytes), ("rewrite manifests", LIMIT_BYTES));
                assert!(needed_bytes > LIMIT_BYTES, "{needed_bytes}");
            }
            other => panic!("{other:?}"),
        }
        let some = RewriteManifests::new().at_most_bytes(LIMIT_BYTES / 2);
        small.commit(some, None).await.unwrap();
        let summary = |committer: &Committer| {
            let base = committer.base().unwrap();
            base.metadata.current_snapshot().unwrap().unwrap().summary.total_data_files()
        };
        let left = i64::try_from(MANIFESTS * FILES).unwrap() - 2;
        assert_eq!(summary(&small), Some(left));
    });
}
