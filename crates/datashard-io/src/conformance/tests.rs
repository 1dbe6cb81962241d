//! The suite on memory, and that it fails where it should.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::*;
use crate::context::Context;
use crate::location::Location;
use crate::store::TableStore;

fn memory() -> Subject {
    let bucket = Arc::new(InMemory::new());
    Subject::new("memory", "run", move |table| {
        let bucket: Arc<dyn ObjectStore> = bucket.clone();
        Box::pin(async move {
            let location = Location::parse(&format!("memory://lake/{table}"))?;
            TableStore::from_object_store(bucket, &table, location, Context::system())
        })
    })
}

#[test]
fn cases_have_names_of_their_own() {
    let names: BTreeSet<_> = cases().iter().map(Case::name).collect();
    assert_eq!(names.len(), cases().len());
    assert!(names.len() >= 40, "{}", names.len());
}

#[tokio::test]
async fn every_case_passes_in_memory() {
    let subject = memory();
    let mut failures = Vec::new();
    for case in cases() {
        if let Err(failure) = case.run(&subject).await {
            failures.push(format!("{}: {failure}", case.name()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A suite that nothing can fail shows nothing.
#[tokio::test]
async fn store_said_to_ignore_conditions_fails_when_it_honours_them() {
    let subject = memory().with_abilities(|abilities| abilities.conditional_create = false);
    for case in cases().into_iter().filter(|case| case.creates) {
        let failure = case.run(&subject).await.unwrap_err();
        assert!(failure.detail.contains("ignores conditions"), "{}: {failure}", case.name());
    }
}

/// A store that looks first and writes later passes the probe; the races find it out.
#[cfg(feature = "sim")]
#[test]
fn store_that_is_not_atomic_passes_the_probe_and_fails_the_races() {
    use crate::sim::{Profile, Quirks, SimStore, Simulation};
    let case = cases().into_iter().find(|c| c.name() == "race_of_clients_on_one_name_has_exactly_one_yes");
    let case = case.unwrap();
    let failures = (0..10).filter(|seed| {
        let simulation = Simulation::new(*seed);
        let (store, context) = (SimStore::new(&simulation, Profile::s3()), simulation.context());
        store.set_quirks(Quirks { racy_conditions: true, ..Quirks::default() });
        let subject = Subject::new("racy", "run", move |table| {
            let (store, context) = (Arc::new(store.clone()), context.clone());
            Box::pin(async move {
                let location = Location::parse(&format!("memory://sim/{table}"))?;
                let table = TableStore::from_object_store(store, &table, location, context)?;
                assert!(table.check_capabilities().await?.conditional_create);
                Ok(table)
            })
        });
        simulation.run(case.run(&subject)).unwrap().is_err()
    });
    assert!(failures.count() >= 9);
}
