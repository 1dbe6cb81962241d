//! The simulated bucket passes the suite that real ones have to pass, so that what holds on it holds on them.

use std::sync::Arc;
use std::time::Duration;

use datashard_io::conformance::{Subject, cases};
use datashard_io::sim::{Profile, Quirks, SimStore, Simulation};

/// A simulated bucket; each table in it is used by a process of its own.
fn subject(simulation: &Arc<Simulation>, store: &SimStore) -> Subject {
    let (simulation, store) = (Arc::clone(simulation), store.clone());
    Subject::new("simulated bucket", "run", move |table| {
        let context = simulation.process(&table).context();
        let opened = store.unproven_table(&table, context);
        Box::pin(async move { opened })
    })
}

#[test]
fn the_simulated_bucket_keeps_every_promise_of_the_suite() {
    // The suite writes a name twice within a second and counts requests; GCS would have some of them sent again.
    let mut gcs = Profile::gcs();
    gcs.pause_between_writes = Duration::ZERO;
    let profiles = [(Profile::s3(), 1_000), (Profile::express(), 1_000), (gcs, 1)];
    for (seed, (profile, names_per_delete)) in (1..).zip(profiles) {
        let simulation = Arc::new(Simulation::new(seed));
        let store = SimStore::new(&simulation, profile);
        let subject = subject(&simulation, &store)
            .with_abilities(|abilities| abilities.names_per_delete = names_per_delete);
        for case in cases() {
            let outcome = simulation.run(case.run(&subject)).unwrap();
            assert!(outcome.is_ok(), "{}: {outcome:?}", case.name());
        }
    }
}

#[test]
fn b13_a_bucket_that_ignores_conditions_is_refused_by_every_create() {
    let simulation = Arc::new(Simulation::new(1));
    let store = SimStore::new(&simulation, Profile::s3());
    let mut quirks = Quirks::default();
    quirks.ignores_conditions = true;
    store.set_quirks(quirks);
    let subject =
        subject(&simulation, &store).with_abilities(|abilities| abilities.conditional_create = false);
    for case in cases() {
        let outcome = simulation.run(case.run(&subject)).unwrap();
        assert!(outcome.is_ok(), "{}: {outcome:?}", case.name());
    }
}
