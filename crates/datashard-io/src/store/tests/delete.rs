//! Deletions, of one and of many.

use datashard_spec::error::ErrorKind;

use super::*;
use crate::error::StoreError;

async fn with_count(count: usize) -> (TableStore, Arc<Scripted>, Vec<TablePath>) {
    let (store, script) = bucket();
    let paths: Vec<_> = (0..count).map(|i| path(&format!("data/{i:06}"))).collect();
    for path in &paths {
        let key = Path::parse(format!("t/{path}")).unwrap();
        script.memory.put_opts(&key, "x".into(), PutOptions::default()).await.unwrap();
    }
    (store, script, paths)
}

async fn left(script: &Scripted) -> usize {
    script.memory.list(None).count().await
}

#[tokio::test]
async fn e10_file_that_is_gone_already_is_no_error() {
    let (store, script, paths) = with_count(1).await;
    store.delete(&paths[0]).await.unwrap();
    store.delete(&paths[0]).await.unwrap();
    script.next(Delete, Act::Refuse(status(404)));
    store.delete(&paths[0]).await.unwrap();
    assert_eq!(store.counts().delete, 3);
    script.next(Delete, Act::RefuseKeys("0", status(404)));
    let report = store.delete_all(paths).await;
    assert!(report.is_complete());
    assert_eq!(report.deleted_count, 1);
}

#[tokio::test]
async fn many_files_go_with_one_request_for_a_thousand() {
    let (store, script, paths) = with_count(2_500).await;
    let report = store.delete_all(paths).await;
    assert!(report.is_complete());
    assert_eq!((report.deleted_count, store.counts().delete, left(&script).await), (2_500, 3, 0));
    assert!(store.delete_all([]).await.is_complete());
    assert_eq!(store.counts().delete, 3);
}

#[tokio::test]
async fn names_are_taken_as_they_are_needed() {
    let (store, script, _) = with_count(0).await;
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let paths = (0..1_000_000_u32).map(move |i| {
        counter.fetch_add(1, Ordering::Relaxed);
        path(&format!("data/{i}"))
    });
    script.next(Delete, Act::Refuse(status(403)));
    let report = store.delete_all(paths).await;
    assert!(report.gave_up && !report.is_complete());
    assert!(taken.load(Ordering::Relaxed) <= 8_000, "{taken:?}");
}

#[tokio::test]
async fn b10_files_refused_one_by_one_for_what_is_refused_to_all_end_the_deletion() {
    let (store, script, _) = with_count(0).await;
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let paths = (0..100_000_u32).map(move |i| {
        counter.fetch_add(1, Ordering::Relaxed);
        path(&format!("data/{i}"))
    });
    for _ in 0..100 {
        script.next(Delete, Act::RefuseKeys("", status(403)));
    }
    let report = store.delete_all(paths).await;
    assert!(report.gave_up && report.deleted_count == 0, "{report:?}");
    assert!(taken.load(Ordering::Relaxed) <= 8_000, "{taken:?}");
}

#[tokio::test]
async fn b17_files_that_are_refused_do_not_keep_the_others() {
    let (store, script, paths) = with_count(100).await;
    script.next(Delete, Act::RefuseKeys("7", status(403)));
    let report = store.delete_all(paths).await;
    assert_eq!((report.deleted_count, report.failed_count, report.gave_up), (90, 10, false));
    assert!(report.failed.iter().all(|(path, error)| {
        path.as_str().ends_with('7')
            && error.kind() == ErrorKind::PermissionDenied
            && error.to_string().contains(path.as_str())
    }));
    assert_eq!((left(&script).await, store.counts().delete), (10, 1));
}

#[tokio::test]
async fn b17_files_that_fail_for_now_are_tried_again_alone() {
    let (store, script, paths) = with_count(100).await;
    script.next(Delete, Act::RefuseKeys("7", status(500)));
    script.next(Delete, Act::RefuseKeys("17", status(500)));
    let report = store.delete_all(paths).await;
    assert!(report.is_complete());
    assert_eq!((report.deleted_count, left(&script).await, store.counts().delete), (100, 0, 3));
}

#[tokio::test]
async fn b17_files_that_fail_until_the_deadline_are_reported() {
    let (store, script, paths) = with_count(100).await;
    for _ in 0..100 {
        script.next(Delete, Act::RefuseKeys("7", throttled(1)));
    }
    let report = store.delete_all(paths).await;
    assert_eq!((report.deleted_count, report.failed_count, left(&script).await), (90, 10, 10));
    for (_, error) in &report.failed {
        assert!(matches!(error, StoreError::Unavailable { attempts: 10.., .. }), "{error:?}");
    }
    assert!(store.counts().delete < 60);
}

#[tokio::test]
async fn b08_throttled_bulk_deletion_is_repeated() {
    let (store, script, paths) = with_count(100).await;
    script.next(Delete, Act::Refuse(throttled(3)));
    script.next(Delete, Act::Lose(status(500)));
    let report = store.delete_all(paths).await;
    assert!(report.is_complete());
    assert_eq!((report.deleted_count, left(&script).await, store.counts().delete), (100, 0, 3));
    assert!(script.times(Delete)[1] >= Duration::from_secs(3));
}

#[tokio::test]
async fn b10_refused_bulk_deletion_names_every_file_and_sends_no_more() {
    for answer in [status(403), coded(404, "NoSuchBucket"), coded(403, "RequestTimeTooSkewed"), status(400)] {
        let (store, script, paths) = with_count(10).await;
        script.next(Delete, Act::Refuse(answer));
        let report = store.delete_all(paths.clone()).await;
        assert!(report.gave_up);
        assert_eq!((report.failed_count, left(&script).await, store.counts().delete), (10, 10, 1));
        let named: Vec<_> = report.failed.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(named, paths);
        let kinds: Vec<_> = report.failed.iter().map(|(_, error)| error.kind()).collect();
        assert!(kinds.iter().all(|kind| *kind == kinds[0] && *kind != ErrorKind::Unavailable), "{kinds:?}");
    }
}

#[tokio::test]
async fn b17_answer_that_the_client_panics_on_is_an_error() {
    let (store, script, paths) = with_count(10).await;
    let store = store.with_retry(RetryPolicy::none());
    script.next(Delete, Act::Panic);
    let report = store.delete_all(paths).await;
    assert_eq!((report.failed_count, report.deleted_count), (10, 0));
}

#[tokio::test]
async fn failures_are_kept_up_to_a_thousand_and_all_counted() {
    let (store, script, paths) = with_count(3_000).await;
    for _ in 0..3 {
        script.next(Delete, Act::RefuseKeys("", status(403)));
    }
    let report = store.delete_all(paths).await;
    assert_eq!((report.failed_count, report.failed.len()), (3_000, 1_000));
}
