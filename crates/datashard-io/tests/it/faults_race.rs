//! Sixteen writers and one name: whatever goes wrong, the name has one winner, and everybody can tell who it is.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::request::RequestKind::{Delete, Put};
use datashard_io::sim::{JoinHandle, Profile, Quirks, RandomFaults};
use datashard_io::{Created, StoreError, TableStore};
use futures_util::future::join_all;

use crate::faults_support::{World, at};

const V1: &str = "metadata/v1.metadata.json";
const WRITERS: usize = 16;

/// What a writer was told, and what it found out.
#[derive(Debug)]
struct Told {
    yes: bool,
    won: bool,
}

/// Creates with bytes of one's own until it is settled whose the name is.
async fn settle(table: TableStore, own: Bytes) -> Told {
    let mut yes = false;
    loop {
        match table.create(&at(V1), own.clone()).await {
            Ok(Created::Yes) => yes = true,
            Ok(Created::No | Created::Unclear(_)) => {}
            Err(error) => assert!(error.is_retryable() && error.definitely_not_done(), "{error}"),
        }
        match table.read(&at(V1), 1_000).await {
            Ok(found) => return Told { yes, won: found == own },
            // The request may still be on its way: the same bytes once more.
            Err(StoreError::NotFound { .. }) => assert!(!yes, "created, and not there"),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}

fn start(world: &World) -> Vec<JoinHandle<Told>> {
    (0..WRITERS)
        .map(|number| {
            let process = world.simulation.process("writer");
            let own = Bytes::from(format!("writer {number} {}", process.context().ids.uuid()));
            process.spawn(settle(world.store.table(process.context()), own))
        })
        .collect()
}

/// Writers that were told "yes", and writers whose bytes are there.
fn race(world: &World) -> (usize, usize) {
    let told: Vec<Told> = world.run(join_all(start(world))).into_iter().map(Result::unwrap).collect();
    (told.iter().filter(|told| told.yes).count(), told.iter().filter(|told| told.won).count())
}

#[test]
fn without_faults_one_of_sixteen_is_told_yes_and_has_won() {
    for seed in 0..50 {
        for profile in [Profile::s3(), Profile::gcs(), Profile::express(), Profile::instant()] {
            let world = World::with(seed, profile.clone());
            assert_eq!(race(&world), (1, 1), "seed {seed}");
            // GCS lets the losers wait out the second in which the winner wrote.
            let most = if profile.is_gcs { 6 * WRITERS } else { WRITERS };
            assert!((WRITERS..=most).contains(&world.sent(Put).len()), "seed {seed}");
        }
    }
}

#[test]
fn b01_to_b08_at_random_leave_exactly_one_winner_in_200_seeds() {
    let (mut yes_of_winner, mut seen) = (0, BTreeMap::new());
    for seed in 0..200 {
        let profile = if seed % 2 == 0 { Profile::s3() } else { Profile::gcs() };
        let world = World::with(seed, profile);
        world.store.set_random_faults(RandomFaults::usual(0.3));
        let (yes, won) = race(&world);
        assert_eq!(won, 1, "seed {seed}: winners by content");
        assert!(yes <= 1, "seed {seed}: {yes} were told yes");
        yes_of_winner += yes;
        // What is still on its way changes nothing any more.
        let held = world.held(V1);
        world.wait(Duration::from_secs(3_600));
        assert_eq!(world.held(V1), held, "seed {seed}");
        assert!(world.sent(Delete).is_empty());
        for request in world.store.requests() {
            *seen.entry(format!("{:?}", request.answered)).or_insert(0) += 1;
        }
    }
    assert!(yes_of_winner < 200, "some winners were not told, or nothing went wrong at all");
    assert!(seen.len() >= 8, "many kinds of answers: {seen:?}");
}

#[test]
fn writers_killed_at_random_leave_at_most_one_winner() {
    for seed in 0..100 {
        let world = World::with(seed, Profile::s3());
        world.store.set_random_faults(RandomFaults::usual(0.2));
        let (mut tasks, mut processes) = (Vec::new(), Vec::new());
        for number in 0..WRITERS {
            let process = world.simulation.process("writer");
            let own = Bytes::from(format!("writer {number}"));
            tasks.push(process.spawn(settle(world.store.table(process.context()), own)));
            processes.push(process);
        }
        for process in &processes {
            if world.simulation.random_u64().is_multiple_of(2) {
                world.wait(Duration::from_millis(world.simulation.random_u64() % 30));
                process.kill();
            }
        }
        let told: Vec<_> = world.run(join_all(tasks));
        let won = told.iter().flatten().filter(|told| told.won).count();
        let alive = told.iter().filter(|told| told.is_ok()).count();
        assert!(won <= 1, "seed {seed}: {won} winners");
        let held = world.held(V1);
        assert!(alive == 0 || held.is_some(), "seed {seed}: whoever lives has seen the end");
        let Some(held) = held else { continue };
        let winner = (0..WRITERS).find(|number| held == format!("writer {number}"));
        let winner = winner.unwrap_or_else(|| panic!("seed {seed}: {held:?} is nobody's"));
        assert_eq!(won == 1, told[winner].is_ok(), "seed {seed}: it knows that it has won, if it lives");
    }
}

/// The checks above would notice: stores that do not keep their promise show several winners, or several that were told yes.
#[test]
fn stores_that_look_first_and_write_later_or_do_not_look_are_caught() {
    let broken = |quirks: Quirks| {
        (0..20)
            .filter(|seed| {
                let world = World::with(*seed, Profile::s3());
                world.store.set_quirks(quirks);
                race(&world).0 > 1
            })
            .count()
    };
    let mut racy = Quirks::default();
    racy.racy_conditions = true;
    let mut ignoring = Quirks::default();
    ignoring.ignores_conditions = true;
    assert_eq!((broken(racy), broken(ignoring)), (20, 20));
}
