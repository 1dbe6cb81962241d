//! Merges of manifests: beside appends where they are large, and with them where they are small.

use std::time::Duration;

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_io::{TablePath, TableStore};
use datashard_spec::avro::ManifestListReader;
use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_txn::action::Append;
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitOptions, Committer, epoch};

use super::exact;
use crate::support::audit::audit;
use crate::support::costs::{self, cost};
use crate::support::rows::{row, table};

/// Files whose entries take so much room that eight manifests of them are too large for an append to merge.
fn large_append(committer: &Committer, name: &str) -> Append {
    let epoch = epoch::prefix(committer.base().unwrap().version);
    let file = |index: i32| {
        let path = TablePath::parse(&format!("data/{epoch}{name}-{index}.parquet")).unwrap();
        let bound = [(FieldId(1), vec![7; 10_000])].into_iter().collect();
        DataFile::new(committer.store().location().file(&path), FileFormat::Parquet, 1, 1)
            .with_lower_bounds(bound)
    };
    Append::new(SchemaId(0)).with_files(PartitionSpecId(0), (0..16).map(file))
}

/// A table with eight manifests of about 160 KB.
async fn with_large_manifests(store: TableStore, options: CommitOptions) -> Committer {
    let create = table().with_property("write.manifest.compression-codec", "uncompressed");
    let (committer, _) = Committer::create(store, create, options).await.unwrap();
    for number in 0..8 {
        committer.append(large_append(&committer, &number.to_string())).await.unwrap();
    }
    committer
}

async fn manifests(committer: &Committer) -> Vec<(String, i64)> {
    let base = committer.refresh().await.unwrap();
    let list = base.metadata.current_snapshot().unwrap().unwrap().manifest_list().unwrap().to_owned();
    let path = committer.store().location().relative(&list).unwrap();
    let bytes = committer.store().read(&path, 1 << 20).await.unwrap();
    let rows = ManifestListReader::new(&bytes).unwrap().map(Result::unwrap);
    rows.map(|row| (row.manifest_path, row.manifest_length)).collect()
}

/// A commit beside appends: it reads the eight manifests and writes one, the manifest list and the metadata. Dropped, put off or done, it
/// is looked for again only after a while.
#[test]
fn large_manifests_are_merged_beside_appends_once_in_a_while() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options).await;
            kept.forget();
            // The handle looked a moment ago.
            let before = committer.store().counts();
            committer.append(row(&committer, "early", "0")).await.unwrap();
            assert_eq!((cost(committer.store(), &before), kept.count()), (costs::SMALL_APPEND, 1));
            kept.forget();

            clock.sleep(Duration::from_secs(31)).await;
            let before = committer.store().counts();
            committer.append(row(&committer, "due", "0")).await.unwrap();
            assert_eq!(cost(committer.store(), &before), costs::SMALL_APPEND);
            assert_eq!(kept.count(), 2, "the hint and the merge");
            // While it waits, nobody begins another one.
            clock.sleep(Duration::from_secs(31)).await;
            committer.append(row(&committer, "meanwhile", "0")).await.unwrap();
            assert_eq!(kept.count(), 3);
            assert_eq!(manifests(&committer).await.len(), 11);

            // What is put off twice is only hints.
            let before = committer.store().counts();
            kept.run().await;
            let hints = 2 * 2;
            let [put, get, ..] = cost(committer.store(), &before);
            assert!(put <= 4 + hints && get >= 8, "{put} PUTs, {get} GETs");
            let left = manifests(&committer).await;
            assert_eq!(left.len(), 4, "{left:?}");
            assert!(left.iter().any(|(_, length)| *length > 8 * 160_000), "{left:?}");
            kept.forget();

            // The handle knows what was merged: it asks nothing more than ever.
            let before = committer.store().counts();
            committer.append(row(&committer, "after", "0")).await.unwrap();
            assert_eq!(cost(committer.store(), &before), costs::SMALL_APPEND);
            assert_eq!(committer.base().unwrap().version.0, 14);
        })
        .unwrap();
}

#[test]
fn nothing_is_merged_beside_appends_where_that_is_switched_off() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options.with_merge_manifests(false)).await;
            kept.forget();
            clock.sleep(Duration::from_secs(3_600)).await;
            committer.append(row(&committer, "due", "0")).await.unwrap();
            assert_eq!(kept.count(), 1, "the hint");
        })
        .unwrap();
}

/// A merge that others are always faster than ends after three slots, and leaves nothing but files for the collector.
#[test]
fn a_merge_beside_appends_gives_up_when_others_are_faster() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options.clone()).await;
            clock.sleep(Duration::from_secs(31)).await;
            kept.forget();
            committer.append(row(&committer, "due", "0")).await.unwrap();
            let merge = simulation.spawn(async move { kept.run().await });
            // Each of the requests of a merge loses its slot.
            let mut merged = std::pin::pin!(merge);
            let mut appends = 0_i64;
            loop {
                let append = committer.append(row(&committer, &format!("faster-{appends}"), "0"));
                append.await.unwrap();
                appends += 1;
                let ended = futures_util::future::poll_immediate(merged.as_mut()).await.is_some();
                if ended || appends == 100 {
                    break;
                }
            }
            assert!(appends < 20, "it goes on and on");
            assert_eq!(manifests(&committer).await.len() as i64, 8 + 1 + appends, "nothing was merged");
            let base = committer.refresh().await.unwrap();
            let summary = base.metadata.current_snapshot().unwrap().unwrap().summary.clone();
            assert_eq!(summary.count("total-data-files"), Some(8 * 16 + 1 + appends));
        })
        .unwrap();
}

/// A lone writer merges what it wrote itself: one PUT more, and no GET. So do operations with keys.
#[test]
fn a_lone_writers_merges_read_nothing() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let (committer, _) = Committer::create(table_store, table(), options).await.unwrap();
            let mut merges = 0;
            for number in 0..80 {
                kept.forget();
                let before = committer.store().counts();
                let append = row(&committer, &number.to_string(), "0");
                let key = (number % 2 == 0).then(|| AppKey::new("loader", number));
                match key {
                    Some(key) => committer.commit(append, Some(key)).await.unwrap(),
                    None => committer.append(append).await.unwrap(),
                };
                let [put, get, head, list, delete] = cost(committer.store(), &before);
                let there = if number == 0 { (2, 0) } else { (1, 1) };
                assert_eq!(((get, head), list, delete), (there, 0, 0), "append {number}");
                assert!((4..=6).contains(&put), "append {number}: {put} PUTs");
                merges += put - 4;
            }
            assert!(merges >= 9, "{merges}");
            assert_eq!(audit(committer.store()).await.unwrap().each_once().len(), 80);
        })
        .unwrap();
}
