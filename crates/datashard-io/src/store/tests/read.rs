//! Reads: what is believed, how much it costs, and that no range or limit can do harm.

use datashard_spec::error::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::error::StoreError;

const MIB: u64 = 1024 * 1024;

async fn with_file(count: usize) -> (TableStore, Arc<Scripted>, Bytes) {
    let (store, script) = bucket();
    let bytes = some_bytes(count);
    store.put(&path("data/f"), bytes.clone()).await.unwrap();
    (store, script, bytes)
}

#[tokio::test]
async fn b14_body_of_a_wrong_length_is_read_again_once() {
    for wrong in [0, 9, 11] {
        let (store, script, bytes) = with_file(10).await;
        script.next(Get, Act::Body(some_bytes(wrong)));
        assert_eq!(store.read(&path("data/f"), 100).await.unwrap(), bytes);
        assert_eq!(store.counts().get, 2);
    }
}

#[tokio::test]
async fn b14_body_of_a_wrong_length_twice_is_an_error_naming_the_file() {
    for wrong in [9_usize, 11] {
        let (store, script, _) = with_file(10).await;
        for _ in 0..9 {
            script.next(Get, Act::Body(some_bytes(wrong)));
        }
        let error = store.read(&path("data/f"), 100).await.unwrap_err();
        let StoreError::WrongLength { path, expected_bytes: 10, found_bytes, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((path.as_str(), usize::try_from(found_bytes).unwrap()), ("data/f", wrong));
        assert_eq!(store.counts().get, 2);
    }
}

#[tokio::test]
async fn b14_range_of_a_wrong_length_is_read_again_once() {
    let (store, script, bytes) = with_file(10).await;
    script.next(Get, Act::Body(some_bytes(2)));
    assert_eq!(store.read_range(&path("data/f"), 3..7).await.unwrap(), bytes.slice(3..7));
    assert_eq!(store.counts().get, 2);
}

#[tokio::test]
async fn b14_body_that_breaks_off_is_read_again() {
    let (store, script, bytes) = with_file(10).await;
    for count in [0, 5, 9] {
        script.next(Get, Act::BreakAfter(count));
    }
    assert_eq!(store.read(&path("data/f"), 100).await.unwrap(), bytes);
    assert_eq!(store.counts().get, 4);
}

#[tokio::test]
async fn b15_missing_file_is_not_found_by_its_name() {
    let (store, _) = bucket();
    let missing = path("metadata/v7.metadata.json");
    let errors = [
        store.read(&missing, 100).await.unwrap_err(),
        store.read_range(&missing, 0..1).await.unwrap_err(),
        store.read_tail(&missing, 8).await.unwrap_err(),
        store.read_tail(&missing, 0).await.unwrap_err(),
        store.info(&missing).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(matches!(&error, StoreError::NotFound { path, .. } if *path == missing), "{error:?}");
    }
    assert!(!store.exists(&missing).await.unwrap());
    assert_eq!((store.counts().get, store.counts().head), (3, 3));
}

#[tokio::test]
async fn b15_store_that_fails_is_not_a_missing_file() {
    let (store, script) = bucket();
    let store = store.with_retry(RetryPolicy::none());
    for answer in [status(500), status(403)] {
        script.next(Head, Act::Refuse(answer));
        store.exists(&path("a")).await.unwrap_err();
    }
}

#[tokio::test]
async fn too_large_file_is_refused_before_its_bytes_are_taken() {
    let (store, _, bytes) = with_file(1_000).await;
    let error = store.read(&path("data/f"), 999).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size_bytes: 1_000, limit_bytes: 999, .. }), "{error:?}");
    assert_eq!((store.counts().get, store.counts().bytes_read), (1, 0));
    assert_eq!(store.read(&path("data/f"), 1_000).await.unwrap(), bytes);
    assert_eq!(store.counts().bytes_read, 1_000);
}

#[tokio::test]
async fn file_that_announces_more_than_there_is_takes_no_memory_for_it() {
    let (store, script, _) = with_file(10).await;
    for _ in 0..2 {
        script.next(Get, Act::Announce(u64::MAX));
    }
    let error = store.read(&path("data/f"), u64::MAX).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongLength { found_bytes: 10, .. }), "{error:?}");
}

#[tokio::test]
async fn ranges_come_in_the_order_asked_for_and_near_ones_with_one_request() {
    let (store, _, bytes) = with_file(1_000).await;
    let ranges = [700..800, 10..20, 15..30, 0..0, 1_000..1_000, 10..20];
    let found = store.read_ranges(&path("data/f"), &ranges).await.unwrap();
    let expected: Vec<_> = ranges.iter().map(|range| slice(&bytes, range)).collect();
    assert_eq!(found, expected);
    assert_eq!((store.counts().get, store.counts().bytes_read), (1, 790));
}

#[tokio::test]
async fn far_ranges_cost_a_request_each_and_long_ones_one_for_each_sixteen_mebibytes() {
    let (store, _, bytes) = with_file(40 * 1024 * 1024).await;
    let far = [0..10, 2 * MIB..2 * MIB + 10, 39 * MIB..40 * MIB];
    let found = store.read_ranges(&path("data/f"), &far).await.unwrap();
    assert_eq!(found, far.iter().map(|range| slice(&bytes, range)).collect::<Vec<_>>());
    assert_eq!((store.counts().get, store.counts().bytes_read), (3, MIB + 20));
    let before = store.counts();
    let whole = store.read_range(&path("data/f"), 1..40 * MIB).await.unwrap();
    assert!(whole == bytes.slice(1..));
    assert_eq!(store.counts().since(&before).get, 3);
}

#[tokio::test]
async fn no_ranges_cost_no_request() {
    let (store, _) = bucket();
    assert!(store.read_ranges(&path("a"), &[]).await.unwrap().is_empty());
    assert!(store.read_range(&path("a"), 7..7).await.unwrap().is_empty());
    assert_eq!(store.counts().total(), 0);
}

#[tokio::test]
#[expect(clippy::reversed_empty_ranges, reason = "it is what is to be refused")]
async fn ranges_outside_of_the_file_are_refused_with_its_size() {
    let (store, _, _) = with_file(10).await;
    let check = async |range: Range<u64>, size: Option<u64>| {
        let error = store.read_range(&path("data/f"), range.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let StoreError::BadRange { start, end, size_bytes, .. } = error else { panic!("{error:?}") };
        assert_eq!(size_bytes, size, "{range:?}");
        assert!(start <= range.start && end <= range.end, "{range:?}");
    };
    check(5..11, Some(10)).await;
    check(0..u64::MAX, Some(10)).await;
    check(10..11, None).await;
    check(u64::MAX - 1..u64::MAX, None).await;
    let before = store.counts();
    check(7..3, None).await;
    assert_eq!(store.counts(), before);
    let read = store.read_ranges(&path("data/f"), &[0..3, 9..12]).await;
    assert!(matches!(read.unwrap_err(), StoreError::BadRange { .. }));
}

#[tokio::test]
async fn range_that_the_store_refuses_by_status_is_a_bad_range() {
    let (store, script, _) = with_file(10).await;
    script.next(Get, Act::Refuse(status(416)));
    let error = store.read_range(&path("data/f"), 3..4).await.unwrap_err();
    assert!(matches!(error, StoreError::BadRange { start: 3, end: 4, .. }), "{error:?}");
    assert_eq!(store.counts().get, 1);
}

#[tokio::test]
async fn tail_comes_with_the_size_in_one_request() {
    let (store, _, bytes) = with_file(100).await;
    for (count, expected) in [(8, bytes.slice(92..)), (100, bytes.clone()), (u64::MAX, bytes.clone())] {
        let before = store.counts();
        let tail = store.read_tail(&path("data/f"), count).await.unwrap();
        assert_eq!((tail.bytes, tail.size_bytes), (expected, 100));
        assert_eq!(store.counts().since(&before).total(), 1);
    }
    let tail = store.read_tail(&path("data/f"), 0).await.unwrap();
    assert_eq!((tail.bytes.len(), tail.size_bytes), (0, 100));
}

#[tokio::test]
async fn tail_of_an_empty_file_is_empty() {
    let (store, script, _) = with_file(0).await;
    script.next(Get, Act::Refuse(status(416)));
    let tail = store.read_tail(&path("data/f"), 8).await.unwrap();
    assert_eq!((tail.bytes.len(), tail.size_bytes), (0, 0));
    let tail = store.read_tail(&path("data/f"), 8).await.unwrap();
    assert_eq!((tail.bytes.len(), tail.size_bytes), (0, 0));
    assert!(store.read(&path("data/f"), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn tail_is_read_by_size_where_the_store_does_not_count_from_the_end() {
    let (store, _) = table_at("az://lake/t");
    store.put(&path("f"), some_bytes(100)).await.unwrap();
    let tail = store.read_tail(&path("f"), 8).await.unwrap();
    assert_eq!((tail.bytes, tail.size_bytes), (some_bytes(100).slice(92..), 100));
    assert_eq!((store.counts().head, store.counts().get), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ranges_are_what_slicing_the_whole_file_gives(
        size in 0_u64..3_000_000,
        ends in prop::collection::vec((0_u64..3_000_000, 0_u64..3_000_000), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, _, bytes) = with_file(usize::try_from(size).unwrap()).await;
            let ranges: Vec<_> =
                ends.iter().map(|(a, b)| (*a.min(b)).min(size)..(*a.max(b)).min(size)).collect();
            let found = store.read_ranges(&path("data/f"), &ranges).await.unwrap();
            let expected: Vec<_> = ranges.iter().map(|range| slice(&bytes, range)).collect();
            assert!(found == expected, "{ranges:?}");
        });
    }

    #[test]
    fn no_range_and_no_limit_panics(
        size in 0_usize..100,
        ranges in prop::collection::vec((any::<u64>(), any::<u64>()), 0..4),
        small in prop::collection::vec((0_u64..120, 0_u64..120), 0..4),
        limit in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, _, bytes) = with_file(size).await;
            let file = path("data/f");
            let ranges: Vec<_> = ranges.iter().chain(&small).map(|(a, b)| *a..*b).collect();
            for range in &ranges {
                if let Ok(found) = store.read_range(&file, range.clone()).await {
                    assert!(if range.is_empty() { found.is_empty() } else { found == slice(&bytes, range) });
                }
            }
            let _ = store.read_ranges(&file, &ranges).await;
            let whole = store.read(&file, limit).await;
            assert_eq!(whole.is_ok(), limit >= u64::try_from(size).unwrap());
            let tail = store.read_tail(&file, limit).await.unwrap();
            assert!(bytes.ends_with(&tail.bytes));
            let _ = store.list_page(None, None, usize::MAX).await.unwrap();
        });
    }
}
