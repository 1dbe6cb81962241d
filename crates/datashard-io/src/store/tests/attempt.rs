//! When requests are repeated, how long that takes, and what is said at the end.

use std::time::Duration;

use super::*;
use crate::error::StoreError;
use crate::store::retry::{Failed, next_delay};

const NO_JITTER: fn(Duration) -> Duration = |most| most;

fn pause(policy: &RetryPolicy, attempts: u32, waited_ms: u64, asked_ms: Option<u64>) -> Option<u64> {
    let failed = Failed {
        attempts,
        waited: Duration::from_millis(waited_ms),
        retry_after: asked_ms.map(Duration::from_millis),
    };
    next_delay(policy, failed, NO_JITTER).map(|pause| u64::try_from(pause.as_millis()).unwrap())
}

#[test]
fn pauses_double_up_to_the_longest() {
    let policy = RetryPolicy::default();
    let pauses: Vec<_> = (1..=9).map(|attempts| pause(&policy, attempts, 0, None).unwrap()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    assert_eq!(pause(&policy, u32::MAX, 0, None), Some(10_000));
}

#[test]
fn b08_pause_is_at_least_what_the_store_asks_for() {
    let policy = RetryPolicy::default();
    assert_eq!(pause(&policy, 1, 0, Some(5_000)), Some(5_100));
    assert_eq!(pause(&policy, 9, 0, Some(5_000)), Some(10_000));
    assert_eq!(pause(&policy, 1, 0, Some(0)), Some(100));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let policy = RetryPolicy::default();
    assert_eq!(pause(&policy, 1, 59_900, None), Some(100));
    assert_eq!(pause(&policy, 1, 59_901, None), None);
    assert_eq!(pause(&policy, 1, 0, Some(60_000)), None);
    assert_eq!(pause(&RetryPolicy::none(), 1, 0, None), None);
    assert_eq!(pause(&policy, 1, u64::MAX, Some(u64::MAX)), None);
}

#[test]
fn b08_policy_without_pauses_still_leaves_the_store_alone() {
    let policy = RetryPolicy::default().with_first_delay(Duration::ZERO).with_longest_delay(Duration::ZERO);
    assert_eq!(pause(&policy, 1, 0, None), Some(1));
    assert_eq!(pause(&policy, 7, 0, Some(0)), Some(1));
}

#[tokio::test]
async fn b08_throttled_request_waits_as_asked_and_then_succeeds() {
    let (store, script) = bucket();
    store.put(&path("a"), some_bytes(3)).await.unwrap();
    for _ in 0..5 {
        script.next(Get, Act::Refuse(throttled(2)));
    }
    assert_eq!(store.read(&path("a"), 10).await.unwrap(), some_bytes(3));
    let times = script.times(Get);
    assert_eq!((times.len(), store.counts().get), (6, 6));
    assert!(times.is_sorted_by(|a, b| *b - *a >= Duration::from_secs(2)), "{times:?}");
    assert!(*times.last().unwrap() < Duration::from_secs(15), "{times:?}");
}

#[tokio::test]
async fn b08_wait_longer_than_the_deadline_fails_at_once_and_is_told() {
    let (store, script) = bucket();
    script.next(Get, Act::Refuse(throttled(600)));
    let error = store.read(&path("a"), 10).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert!(error.to_string().contains("asked to be left alone for 600000 ms"), "{error}");
    assert!(error.is_retryable());
    assert_eq!(script.times(Get), [Duration::ZERO]);
    assert_eq!(store.context().clock.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn b09_store_that_fails_for_ever_is_given_up_at_the_deadline() {
    let (store, script) = bucket();
    for _ in 0..100 {
        script.next(Put, Act::Refuse(status(500)));
    }
    let error = store.put(&path("a"), some_bytes(3)).await.unwrap_err();
    let StoreError::Unavailable { attempts, waited_ms, .. } = error else { panic!("{error:?}") };
    let sent = script.times(Put);
    assert_eq!((u32::try_from(sent.len()).unwrap(), store.counts().put), (attempts, attempts.into()));
    assert!((10..=20).contains(&attempts), "{attempts}");
    assert!((50_000..=60_000).contains(&waited_ms), "{waited_ms}");
    assert!(sent.iter().all(|time| *time <= Duration::from_secs(60)), "{sent:?}");
    assert!(!error.definitely_not_done());
}

#[tokio::test]
async fn b09_doubt_of_an_early_attempt_stays_when_later_ones_were_certainly_refused() {
    let (store, script) = bucket();
    script.next(Put, Act::Lose(status(500)));
    for _ in 0..100 {
        script.next(Put, Act::Refuse(status(429)));
    }
    let error = store.put(&path("a"), some_bytes(3)).await.unwrap_err();
    assert!(!error.definitely_not_done(), "{error:?}");
}

#[tokio::test]
async fn b10_refusals_for_good_are_not_repeated() {
    for answer in [
        status(401),
        status(403),
        status(400),
        status(501),
        coded(404, "NoSuchBucket"),
        coded(403, "RequestTimeTooSkewed"),
    ] {
        let (store, script) = bucket();
        script.next(Get, Act::Refuse(answer.clone()));
        let error = store.read(&path("a"), 10).await.unwrap_err();
        assert!(!error.is_retryable() && error.definitely_not_done(), "{error:?}");
        assert_eq!(store.counts().total(), 1, "{answer:?}");
        assert_eq!(store.context().clock.elapsed(), Duration::ZERO);
    }
}

#[tokio::test]
async fn b12_request_without_an_answer_is_given_up_and_sent_again() {
    let (store, script) = bucket();
    store.put(&path("a"), some_bytes(3)).await.unwrap();
    script.next(Get, Act::Hang);
    assert_eq!(store.read(&path("a"), 10).await.unwrap(), some_bytes(3));
    let times = script.times(Get);
    assert_eq!(times.len(), 2);
    assert!(times[1] >= Duration::from_secs(30), "{times:?}");
}

#[tokio::test]
async fn large_bodies_are_given_more_time() {
    let (store, script) = bucket();
    let store = store.with_retry(RetryPolicy::none());
    script.next(Put, Act::Hang);
    store.put(&path("a"), some_bytes(1_280 * 1024)).await.unwrap_err();
    assert_eq!(store.context().clock.elapsed(), Duration::from_secs(30 + 20));
}

#[tokio::test]
async fn calls_in_a_folder_are_not_given_up() {
    let (store, script) = table_at("/lake/t");
    script.next(Get, Act::Hang);
    let read = store.read(&TablePath::parse("a").unwrap(), 10).now_or_never();
    assert!(read.is_none());
    assert_eq!(store.context().clock.elapsed(), Duration::ZERO);
    let (store, script) = bucket();
    script.next(Get, Act::Hang);
    assert!(store.read(&path("a"), 10).now_or_never().is_some(), "on a bucket, time has passed");
}
