//! The store's time.

use super::*;

#[tokio::test]
async fn e09_time_is_the_stores_own_and_costs_three_requests() {
    let (store, script) = bucket();
    let before = store.store_time_ms().await.unwrap();
    store.put(&path("f"), some_bytes(1)).await.unwrap();
    let written = store.info(&path("f")).await.unwrap().modified_ms;
    let after = store.store_time_ms().await.unwrap();
    // The clock of this side stands still at 1970; the store's does not.
    assert!(1_700_000_000_000 < before && before <= written && written <= after);
    let counts = store.counts();
    assert_eq!((counts.put, counts.head, counts.delete), (3, 3, 2));
    assert_eq!(script.memory.list(None).count().await, 1, "nothing is left of it");
}

#[tokio::test]
async fn time_is_told_even_if_the_file_cannot_be_deleted() {
    let (store, script) = bucket();
    script.next(Delete, Act::Refuse(status(403)));
    assert!(store.store_time_ms().await.unwrap() > 0);
}
