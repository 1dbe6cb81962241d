//! What it costs to open a table with a past: round trips are told by a bucket that takes a tenth of a second for each request.

use std::sync::Arc;
use std::time::Duration;

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_txn::maintain::RetireOptions;
use datashard_txn::{Background, CommitOptions, Committer};
use futures_util::future::BoxFuture;

use crate::support::rows::{row, table};

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// Nothing but commits.
#[derive(Debug)]
struct Nobody;

impl Background for Nobody {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(work);
    }
}

#[test]
fn opening_a_table_takes_four_round_trips_and_one_page_of_a_listing_whatever_its_past() {
    let simulation = Simulation::new(1).with_time_limit(Duration::from_secs(1_000_000));
    let bucket = SimStore::new(&simulation, Profile::every(ROUND_TRIP));
    bucket.set_log_capacity(0);
    let options = || CommitOptions::default().with_background(Arc::new(Nobody));
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let store = bucket.table(simulation.context());
            let (committer, _) = Committer::create(store, table(), options()).await.unwrap();
            let mut written = 0;
            for past in [2, 300, 700] {
                for number in written..past {
                    clock.sleep(Duration::from_secs(10)).await;
                    committer.append(row(&committer, &number.to_string(), "0")).await.unwrap();
                }
                written = past;
                committer.retire(&RetireOptions::default()).await.unwrap();
                drop(committer.store().advance_hint(committer.base().unwrap().version).await);
                drop(committer.store().flush_hint().await);

                let (store, began) = (bucket.table(simulation.context()), clock.elapsed());
                let opened = Committer::open(store, options()).await.unwrap();
                assert_eq!((clock.elapsed() - began).as_millis() / ROUND_TRIP.as_millis(), 4, "{past}");
                let counts = opened.store().counts();
                assert_eq!((counts.put, counts.get, counts.head, counts.list), (0, 5, 5, 1), "{past}");
                assert_eq!(opened.base().unwrap().version, committer.base().unwrap().version);
            }
        })
        .unwrap();
}

#[test]
fn bytes_written_per_commit_do_not_grow_with_the_table() {
    let simulation = Simulation::new(2).with_time_limit(Duration::from_secs(1_000_000));
    let bucket = SimStore::new(&simulation, Profile::every(Duration::from_millis(1)));
    bucket.set_log_capacity(0);
    let options = CommitOptions::default().with_background(Arc::new(Nobody));
    simulation
        .run(async {
            let store = bucket.table(simulation.context());
            let (committer, _) = Committer::create(store, table(), options).await.unwrap();
            let mut bytes = Vec::new();
            // As long as it takes until segments of segments are merged.
            for window in 0..4 {
                let before = committer.store().counts();
                for number in 0..500 {
                    let name = format!("{window}-{number}");
                    committer.append(row(&committer, &name, "0")).await.unwrap();
                }
                bytes.push(committer.store().counts().since(&before).bytes_written / 500);
            }
            let (second, last) = (bytes[1], bytes[3]);
            assert!(last * 10 <= second * 11, "{bytes:?}");
        })
        .unwrap();
}
