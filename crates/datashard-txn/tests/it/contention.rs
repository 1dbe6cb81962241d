//! Many writers of one table, each with one append under way at any time, on a simulated bucket: how long appends take, and whether anybody
//! starves. Time is simulated, so the numbers are the same every time.

use std::time::Duration;

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_txn::{CommitOptions, Committer};

use crate::support::audit::audit;
use crate::support::rows::{row, table};

/// How long each writer goes on.
const LASTS: Duration = Duration::from_secs(20);

/// What came of a race.
#[derive(Debug, Default)]
struct Race {
    /// What each append took, of all writers, sorted.
    took: Vec<Duration>,
    attempts: u32,
    /// Appends of the writer that had the fewest.
    fewest: usize,
    most: usize,
}

impl Race {
    fn percentile(&self, percent: usize) -> Duration {
        let index = (self.took.len() * percent / 100).min(self.took.len() - 1);
        self.took[index]
    }

    fn told(&self) -> String {
        let (p50, p99) = (self.percentile(50).as_millis(), self.percentile(99).as_millis());
        format!(
            "{} appends, p50 {p50} ms, p99 {p99} ms, longest {} ms, attempts per append {:.1}, by writer {} to {}",
            self.took.len(),
            self.percentile(100).as_millis(),
            f64::from(self.attempts) / self.took.len() as f64,
            self.fewest,
            self.most
        )
    }
}

fn race(seed: u64, writers: usize, profile: Profile) -> Race {
    let simulation = Simulation::new(seed);
    let store = SimStore::new(&simulation, profile);
    store.set_log_capacity(0);
    let (main, options) = (store.table(simulation.context()), CommitOptions::default());
    simulation.run(async { Committer::create(main, table(), options).await.unwrap() }).unwrap();
    let writing: Vec<_> = (0..writers)
        .map(|number| {
            let process = simulation.process(&format!("writer{number}"));
            let store = store.table(process.context());
            let clock = process.context().clock;
            process.spawn(async move {
                let committer = Committer::open(store, CommitOptions::default()).await.unwrap();
                let (mut took, mut attempts, started) = (Vec::new(), 0, clock.elapsed());
                while clock.elapsed() - started < LASTS {
                    let begun = clock.elapsed();
                    let append = row(&committer, &format!("{number}-{}", took.len()), "0");
                    attempts += committer.append(append).await.unwrap().attempts;
                    took.push(clock.elapsed() - begun);
                }
                (took, attempts)
            })
        })
        .collect();
    let ended: Vec<(Vec<Duration>, u32)> =
        writing.into_iter().map(|writer| simulation.run(writer).unwrap().unwrap()).collect();
    let audited = simulation.run(audit(&store.table(simulation.context()))).unwrap().unwrap();
    let mut race = Race {
        fewest: ended.iter().map(|(took, _)| took.len()).min().unwrap(),
        most: ended.iter().map(|(took, _)| took.len()).max().unwrap(),
        ..Race::default()
    };
    for (took, attempts) in ended {
        race.took.extend(took);
        race.attempts += attempts;
    }
    assert_eq!(audited.each_once().len(), race.took.len());
    race.took.sort_unstable();
    race
}

/// Nobody gets on at the cost of others: without a pause of the winners the luckiest writer has several times the appends of the unluckiest,
/// and the slowest appends take most of the race.
#[test]
fn twelve_writers_of_a_bucket_all_get_on() {
    let race = race(0, 12, Profile::s3());
    println!("{}", race.told());
    assert!(race.fewest * 3 >= race.most, "{}", race.told());
    assert!(race.percentile(99) < LASTS / 2, "{}", race.told());
    assert!(race.took.len() > 100, "{}", race.told());
}
