//! The probe against a store that treats conditional writes as scripted.

use std::collections::VecDeque;
use std::fmt;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::*;
use crate::context::Context;
use crate::evidence::Answer;
use crate::location::Location;
use crate::store::RetryPolicy;

/// What happens to one conditional write.
#[derive(Debug, Clone, Copy)]
enum Put {
    Honest,
    /// The condition is passed by: the write happens and succeeds.
    Ignored,
    /// The write happens, and is said not to have.
    OverwritesAndSaysNo,
    /// The write happens or fails, and the answer is lost.
    Lost,
    /// Delivered twice, and the second answer comes back.
    Twice,
    /// Refused with this status.
    Status(u16),
}

/// Memory that treats conditional writes as scripted, and by the last entry of the script for ever after.
#[derive(Debug)]
struct Scripted {
    memory: InMemory,
    script: Mutex<VecDeque<Put>>,
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripted")
    }
}

fn answer(status: u16) -> object_store::Error {
    let answer =
        Answer { status, code: None, message: "scripted".to_owned(), retry_after: None, skew_ms: None };
    object_store::Error::Generic { store: "scripted", source: Box::new(answer) }
}

#[async_trait]
impl ObjectStore for Scripted {
    async fn put_opts(
        &self,
        location: &object_store::path::Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        if options.mode != PutMode::Create {
            return self.memory.put_opts(location, payload, options).await;
        }
        let next = {
            let mut script = self.script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().copied() }
        };
        let over = PutOptions { mode: PutMode::Overwrite, ..options.clone() };
        match next.unwrap_or(Put::Honest) {
            Put::Honest => self.memory.put_opts(location, payload, options).await,
            Put::Ignored => self.memory.put_opts(location, payload, over).await,
            Put::OverwritesAndSaysNo => {
                self.memory.put_opts(location, payload, over).await?;
                Err(object_store::Error::AlreadyExists {
                    path: location.to_string(),
                    source: "scripted".into(),
                })
            }
            Put::Lost => {
                let _ = self.memory.put_opts(location, payload, options).await;
                Err(answer(500))
            }
            Put::Twice => {
                let _ = self.memory.put_opts(location, payload.clone(), options.clone()).await;
                self.memory.put_opts(location, payload, options).await
            }
            Put::Status(status) => Err(answer(status)),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &object_store::path::Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &object_store::path::Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.memory.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<object_store::path::Path>>,
    ) -> BoxStream<'static, object_store::Result<object_store::path::Path>> {
        self.memory.delete_stream(locations)
    }

    fn list(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> object_store::Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &object_store::path::Path,
        to: &object_store::path::Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}

/// A table on a bucket of its own, and the bucket.
fn table(script: &[Put]) -> (TableStore, Arc<Scripted>) {
    let bucket =
        Arc::new(Scripted { memory: InMemory::new(), script: Mutex::new(script.iter().copied().collect()) });
    let location = Location::parse("memory://lake/t").unwrap();
    let context = Context::system();
    let store = TableStore::from_object_store(bucket.clone(), "t", location, context).unwrap();
    let quick = RetryPolicy {
        deadline: Duration::from_secs(5),
        first_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    (store.with_retry(quick), bucket)
}

fn single_writer(store: &TableStore) -> TableStore {
    let probe = Arc::clone(&store.inner.conditions.probe);
    store.with_conditions(Conditions { probe, unsafe_single_writer: true })
}

async fn names(bucket: &Scripted) -> Vec<String> {
    bucket.memory.list(None).map(|meta| meta.unwrap().location.to_string()).collect().await
}

fn version(n: u64) -> TablePath {
    TablePath::parse(&format!("metadata/v{n}.metadata.json")).unwrap()
}

#[tokio::test]
async fn first_create_costs_four_more_requests_and_every_other_none() {
    let (store, bucket) = table(&[Put::Honest]);
    assert!(store.create(&version(1), Bytes::from_static(b"1")).await.unwrap().is_yes());
    let first = store.counts();
    assert_eq!((first.put, first.get, first.delete, first.head, first.list), (3, 1, 1, 0, 0));
    assert!(store.create(&version(2), Bytes::from_static(b"2")).await.unwrap().is_yes());
    let second = store.counts().since(&first);
    assert_eq!((second.put, second.total()), (1, 1));
    assert_eq!(names(&bucket).await, ["t/metadata/v1.metadata.json", "t/metadata/v2.metadata.json"]);
}

#[tokio::test]
async fn what_was_learned_holds_under_another_retry_policy() {
    let (store, _) = table(&[Put::Honest]);
    store.check_capabilities().await.unwrap();
    let other = store.with_retry(RetryPolicy::none());
    let before = other.counts();
    other.check_capabilities().await.unwrap();
    assert_eq!(other.counts().since(&before).total(), 0);
}

#[tokio::test]
async fn reading_and_plain_writing_never_probe() {
    let (store, bucket) = table(&[Put::Ignored]);
    store.put(&version(1), Bytes::from_static(b"1")).await.unwrap();
    store.read(&version(1), 10).await.unwrap();
    let _ = store.info(&version(2)).await;
    store.delete(&version(1)).await.unwrap();
    let counts = store.counts();
    assert_eq!((counts.put, counts.get, counts.head, counts.delete), (1, 1, 1, 1));
    assert!(names(&bucket).await.is_empty());
}

#[tokio::test]
async fn b13_store_that_ignores_conditions_is_refused_before_the_first_file() {
    for script in [[Put::Ignored], [Put::OverwritesAndSaysNo]] {
        let (store, bucket) = table(&script);
        // The first answer of a store that says `No` to everything could be a request delivered twice; let it tell the truth once.
        bucket.script.lock().unwrap().push_front(Put::Honest);
        let error = store.create(&version(1), Bytes::from_static(b"1")).await.unwrap_err();
        assert!(matches!(error, StoreError::ConditionsIgnored { .. }), "{error:?}");
        assert!(error.definitely_not_done() && !error.is_retryable());
        assert!(error.to_string().contains("memory://lake/t"), "{error}");
        assert!(error.to_string().contains("unsafe_single_writer"), "{error}");
        assert!(names(&bucket).await.is_empty(), "{script:?}");
    }
}

#[tokio::test]
async fn b13_single_writer_may_write_and_is_told() {
    let (store, bucket) = table(&[Put::Ignored]);
    let store = single_writer(&store);
    assert!(!store.check_capabilities().await.unwrap().conditional_create);
    assert!(store.create(&version(1), Bytes::from_static(b"1")).await.unwrap().is_yes());
    assert_eq!(store.counts().put, 3);
    assert_eq!(names(&bucket).await, ["t/metadata/v1.metadata.json"]);
}

#[tokio::test]
async fn b13_what_a_single_writer_learned_still_refuses_others() {
    let (store, _) = table(&[Put::Ignored]);
    single_writer(&store).check_capabilities().await.unwrap();
    let before = store.counts();
    let error = store.create(&version(1), Bytes::new()).await.unwrap_err();
    assert!(matches!(error, StoreError::ConditionsIgnored { .. }), "{error:?}");
    assert_eq!(store.counts().since(&before).total(), 0);
}

#[tokio::test]
async fn b13_bucket_that_was_put_right_is_taken() {
    let (store, bucket) = table(&[Put::Ignored]);
    assert!(store.check_capabilities().await.is_err());
    bucket.script.lock().unwrap().clear();
    assert!(store.check_capabilities().await.unwrap().conditional_create);
}

#[tokio::test]
async fn unclear_answers_are_settled_under_other_names() {
    for script in [
        vec![Put::Lost, Put::Honest],
        vec![Put::Honest, Put::Lost, Put::Honest],
        vec![Put::Twice, Put::Honest],
        vec![Put::Lost, Put::Lost, Put::Twice, Put::Honest],
    ] {
        let (store, bucket) = table(&script);
        assert!(store.check_capabilities().await.unwrap().conditional_create, "{script:?}");
        assert!(names(&bucket).await.is_empty(), "{script:?}");
    }
}

#[tokio::test]
async fn b13_lost_answers_do_not_hide_that_conditions_are_ignored() {
    let (store, _) = table(&[Put::Lost, Put::Ignored]);
    let error = store.check_capabilities().await.unwrap_err();
    assert!(matches!(error, StoreError::ConditionsIgnored { .. }), "{error:?}");
}

#[tokio::test]
async fn b10_probe_that_is_refused_fails_at_once() {
    let (store, _) = table(&[Put::Status(403)]);
    let error = store.create(&version(1), Bytes::new()).await.unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    assert_eq!(store.counts().put, 1);
}

#[tokio::test]
async fn b09_probe_without_a_clear_answer_ends_at_the_deadline_and_the_file_was_not_sent() {
    let (store, bucket) = table(&[Put::Lost]);
    let store = store.with_retry(RetryPolicy {
        deadline: Duration::from_millis(60),
        first_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    });
    let error = store.create(&version(1), Bytes::new()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(error.is_retryable() && error.definitely_not_done(), "{error:?}");
    assert!(names(&bucket).await.is_empty());
}

#[test]
fn stores_on_one_bucket_share_what_is_known_and_others_do_not() {
    let a = Probe::of("http://127.0.0.1:1 lake");
    assert!(Arc::ptr_eq(&a, &Probe::of("http://127.0.0.1:1 lake")));
    assert!(!Arc::ptr_eq(&a, &Probe::of("http://127.0.0.1:1 pond")));
}

#[tokio::test]
async fn known_stores_are_not_probed() {
    let (store, _) = table(&[Put::Ignored]);
    let known = store.with_conditions(Conditions { probe: Probe::known(), unsafe_single_writer: false });
    assert!(known.check_capabilities().await.unwrap().conditional_create);
    assert_eq!(known.counts().total(), 0);
}
