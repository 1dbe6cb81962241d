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
        let bucket = Arc::clone(&bucket) as Arc<dyn ObjectStore>;
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
