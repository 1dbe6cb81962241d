//! Uploads: how many requests, what lost answers do, and what is left behind.

use datashard_spec::error::ErrorKind;

use super::*;
use crate::error::StoreError;

const PART: usize = 8 * 1024 * 1024;

/// A bucket whose uploads have numbered parts, as S3 and GCS have them.
fn numbered() -> (TableStore, Arc<Scripted>) {
    let (store, script) = bucket();
    (store.with_multipart(script.clone()), script)
}

/// Uploads `bytes` in pieces; `Err` as soon as one call fails.
async fn upload(store: &TableStore, bytes: &Bytes, piece: usize) -> Result<u64, StoreError> {
    let mut upload = store.upload(&path("f"))?;
    for start in (0..bytes.len()).step_by(piece) {
        upload.write(bytes.slice(start..bytes.len().min(start + piece))).await?;
    }
    assert_eq!(upload.size_bytes(), u64::try_from(bytes.len()).unwrap());
    Ok(upload.finish().await?.size_bytes)
}

async fn stored(store: &TableStore) -> Bytes {
    store.read(&path("f"), u64::MAX).await.unwrap()
}

#[tokio::test]
async fn file_of_at_most_one_part_is_one_request() {
    for size in [0, 1, 1_000, PART - 1, PART] {
        let (store, _) = numbered();
        let bytes = some_bytes(size);
        upload(&store, &bytes, 300_000).await.unwrap();
        assert_eq!(store.counts().total(), 1, "{size}");
        assert!(stored(&store).await == bytes, "{size}");
    }
}

#[tokio::test]
async fn larger_file_is_one_request_for_each_part_and_two_more() {
    let bytes = some_bytes(2 * PART + 5);
    for (store, _) in [numbered(), bucket()] {
        for piece in [usize::MAX / 2, PART, 1_000_003, 10_000] {
            let before = store.counts();
            assert_eq!(
                upload(&store, &bytes, piece.min(bytes.len())).await.unwrap(),
                2 * 8 * 1024 * 1024 + 5
            );
            let cost = store.counts().since(&before);
            assert_eq!((cost.put, cost.total()), (5, 5), "{piece}");
            assert_eq!(cost.bytes_written, 2 * 8 * 1024 * 1024 + 5);
            assert!(stored(&store).await == bytes, "{piece}");
        }
    }
}

#[tokio::test]
async fn nothing_is_visible_before_the_end() {
    let (store, _) = numbered();
    let mut upload = store.upload(&path("f")).unwrap();
    assert_eq!(store.counts().total(), 0);
    upload.write(some_bytes(PART + 1)).await.unwrap();
    assert!(store.counts().put >= 2);
    assert!(!store.exists(&path("f")).await.unwrap());
    drop(upload);
    assert!(!store.exists(&path("f")).await.unwrap());
}

#[tokio::test]
async fn b02_part_whose_answer_is_lost_is_sent_again() {
    for act in [Act::Lose(status(500)), Act::Refuse(throttled(1)), Act::Hang] {
        let (store, script) = numbered();
        let bytes = some_bytes(PART + 5);
        let mut upload = store.upload(&path("f")).unwrap();
        upload.write(bytes.slice(..PART)).await.unwrap();
        script.next(Put, Act::Refuse(status(503)));
        script.next(Put, act);
        upload.write(bytes.slice(PART..)).await.unwrap();
        upload.finish().await.unwrap();
        assert_eq!(store.counts().put, 4 + 2);
        assert!(stored(&store).await == bytes);
    }
}

/// Makes the completion of an upload of two parts behave so, and tells what comes of it.
async fn complete(acts: Vec<Act>, numbered_parts: bool) -> (TableStore, Result<u64, StoreError>) {
    let (store, script) = if numbered_parts { numbered() } else { bucket() };
    let bytes = some_bytes(PART + 5);
    let mut upload = store.upload(&path("f")).unwrap();
    upload.write(bytes.clone()).await.unwrap();
    // The last part is sent by `finish`; it passes first.
    script.next(Put, Act::Pass);
    for act in acts {
        script.next(Put, act);
    }
    let done = upload.finish().await.map(|uploaded| uploaded.size_bytes);
    if done.is_ok() {
        assert!(stored(&store).await == bytes);
    }
    (store, done)
}

#[tokio::test]
async fn b02_completion_whose_answer_is_lost_is_settled_by_the_size() {
    let (store, done) = complete(vec![Act::Lose(status(500))], true).await;
    assert_eq!(done.unwrap(), 8 * 1024 * 1024 + 5);
    assert_eq!((store.counts().put, store.counts().head), (4, 1));
}

#[tokio::test]
async fn b01_completion_that_was_not_acted_on_is_sent_again() {
    for act in [Act::Refuse(status(500)), Act::Hang, Act::Refuse(throttled(1))] {
        let (store, done) = complete(vec![act], true).await;
        done.unwrap();
        assert_eq!((store.counts().put, store.counts().delete), (5, 0));
    }
}

#[tokio::test]
async fn b01_second_completion_of_an_upload_that_is_done_is_a_success() {
    // Throttled is said without a look at the upload, so there is no reason to look; the second time it is unknown.
    let (_, done) =
        complete(vec![Act::Lose(status(429)), Act::Refuse(coded(404, "NoSuchUpload"))], true).await;
    done.unwrap();
}

#[tokio::test]
async fn completion_of_an_upload_that_the_bucket_removed_fails_as_such() {
    let (store, done) = complete(vec![Act::Refuse(coded(404, "NoSuchUpload"))], true).await;
    let error = done.unwrap_err();
    assert!(
        error.definitely_not_done() && error.to_string().contains("no longer knows this upload"),
        "{error}"
    );
    assert_eq!((store.counts().put, store.counts().head), (4, 1));
}

#[tokio::test]
async fn b10_completion_that_is_refused_fails_and_the_parts_are_removed() {
    let (store, done) = complete(vec![Act::Refuse(status(403))], true).await;
    assert_eq!(done.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!((store.counts().put, store.counts().delete), (4, 1));
    assert!(!store.exists(&path("f")).await.unwrap());
}

#[tokio::test]
async fn b09_completion_that_stays_unclear_fails_as_such_and_nothing_is_removed() {
    let acts = (0..100).map(|_| Act::Refuse(status(500))).collect();
    let (store, done) = complete(acts, true).await;
    assert!(!done.unwrap_err().definitely_not_done());
    assert_eq!(store.counts().delete, 0);
}

#[tokio::test]
async fn failed_part_breaks_the_upload() {
    let (store, script) = numbered();
    let mut upload = store.upload(&path("f")).unwrap();
    upload.write(some_bytes(PART)).await.unwrap();
    script.next(Put, Act::Pass);
    script.next(Put, Act::Refuse(status(403)));
    let error = upload.write(some_bytes(PART)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let error = upload.write(some_bytes(1)).await.unwrap_err();
    assert!(error.to_string().contains("earlier part"), "{error}");
    let before = store.counts();
    let error = upload.finish().await.unwrap_err();
    assert!(error.definitely_not_done());
    assert_eq!(store.counts().since(&before).total(), 0);
}

#[tokio::test]
async fn write_that_was_dropped_breaks_the_upload() {
    let (store, script) = table_at("/lake/t");
    let mut upload = store.upload(&path("f")).unwrap();
    upload.write(some_bytes(PART)).await.unwrap();
    script.next(Put, Act::Hang);
    assert!(upload.write(some_bytes(PART)).now_or_never().is_none());
    upload.finish().await.unwrap_err();
    assert!(!store.exists(&path("f")).await.unwrap());
}

#[tokio::test]
async fn aborted_upload_leaves_nothing() {
    let (store, script) = numbered();
    let mut upload = store.upload(&path("f")).unwrap();
    upload.write(some_bytes(2 * PART + 1)).await.unwrap();
    script.next(Delete, Act::Refuse(status(503)));
    upload.abort().await.unwrap();
    assert_eq!(store.counts().delete, 2);
    assert!(!store.exists(&path("f")).await.unwrap());
    let upload = store.upload(&path("f")).unwrap();
    let before = store.counts();
    upload.abort().await.unwrap();
    assert_eq!(store.counts(), before, "there was nothing to remove");
}

#[tokio::test]
async fn at_most_four_parts_are_under_way() {
    // In a folder nothing is given up, so that the parts stay under way.
    let (store, script) = table_at("/lake/t");
    let mut upload = store.with_multipart(script.clone()).upload(&path("f")).unwrap();
    script.next(Put, Act::Pass);
    for _ in 0..20 {
        script.next(Put, Act::Hang);
    }
    assert!(upload.write(some_bytes(10 * PART)).now_or_never().is_none());
    assert_eq!(script.times(Put).len(), 1 + 4);
}
