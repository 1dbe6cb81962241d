//! A bucket whose metadata versions are a range of numbers, so that 100,000 of them cost nothing, and a clock that is set by hand.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use datashard_io::context::{Clock, Context, IdSource, Randomness};
use datashard_io::request::RequestCounts;
use datashard_io::{Location, TableStore};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

type Hook = Box<dyn FnMut(&Chain, &str) + Send>;

/// A bucket. Files that were put there by name come first, then the versions of the range.
pub(crate) struct Chain {
    files: InMemory,
    versions: Mutex<RangeInclusive<u64>>,
    /// What happens just before the store looks at a request: `GET metadata/...`.
    hook: Mutex<Option<Hook>>,
    denied: Mutex<BTreeSet<String>>,
    log: Mutex<Vec<String>>,
    /// Every replacement on a condition is refused, as by Ceph 16.
    refuses_updates: AtomicBool,
}

impl Chain {
    pub(crate) fn set_versions(&self, versions: RangeInclusive<u64>) {
        *self.versions.lock().unwrap() = versions;
    }

    pub(crate) fn put(&self, path: &str, content: impl Into<Bytes>) {
        let payload = PutPayload::from_bytes(content.into());
        self.files.put(&Path::from(path), payload).now_or_never().unwrap().unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        self.files.delete(&Path::from(path)).now_or_never().unwrap().unwrap();
    }

    pub(crate) fn hint(&self, content: &str) {
        self.put("metadata/version-hint.text", content.to_owned());
    }

    pub(crate) fn retired(&self, content: &str) {
        self.put("metadata/_datashard/retired", content.to_owned());
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let path = Path::from(path);
        let bytes = async { self.files.get(&path).await.ok()?.bytes().await.ok() }.now_or_never().unwrap()?;
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let list = self.files.list(None).map(|file| file.unwrap().location.to_string());
        list.collect().now_or_never().unwrap()
    }

    pub(crate) fn deny(&self, path: &str) {
        self.denied.lock().unwrap().insert(path.to_owned());
    }

    pub(crate) fn refuse_updates(&self) {
        self.refuses_updates.store(true, Ordering::Relaxed);
    }

    /// Calls `hook` just before each request is looked at.
    pub(crate) fn before(&self, hook: impl FnMut(&Chain, &str) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// The requests since the last call.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn arrived(&self, kind: &str, path: &str) -> Result<()> {
        let request = format!("{kind} {path}");
        self.log.lock().unwrap().push(request.clone());
        // The hook is taken out, so that it may ask the store.
        let hook = self.hook.lock().unwrap().take();
        if let Some(mut hook) = hook {
            hook(self, &request);
            self.hook.lock().unwrap().get_or_insert(hook);
        }
        if self.denied.lock().unwrap().contains(path) {
            return Err(Error::PermissionDenied { path: path.to_owned(), source: "403".into() });
        }
        Ok(())
    }

    fn version(&self, path: &Path) -> Option<GetResult> {
        let number = path.as_ref().strip_prefix("metadata/v")?.strip_suffix(".metadata.json")?;
        let number: u64 = number.parse().ok()?;
        if !self.versions.lock().unwrap().contains(&number) {
            return None;
        }
        let content = content(number);
        let size = u64::try_from(content.len()).unwrap();
        let meta = ObjectMeta {
            location: path.clone(),
            last_modified: Default::default(),
            size,
            e_tag: None,
            version: None,
        };
        Some(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(content)]).boxed()),
            meta,
            range: 0..size,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }
}

/// What a version of the range holds.
pub(crate) fn content(version: u64) -> Bytes {
    Bytes::from(format!("content of {version}"))
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")
    }
}

#[async_trait]
impl ObjectStore for Chain {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.arrived("PUT", path.as_ref())?;
        if matches!(options.mode, PutMode::Update(_)) && self.refuses_updates.load(Ordering::Relaxed) {
            return Err(Error::Precondition { path: path.to_string(), source: "412".into() });
        }
        if matches!(options.mode, PutMode::Update(_)) {
            // S3 says of a condition on a file that is gone that the file is gone.
            self.files.head(path).await?;
        }
        self.files.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.arrived(if options.head { "HEAD" } else { "GET" }, path.as_ref())?;
        match self.files.get_opts(path, options).await {
            Err(Error::NotFound { path: name, source }) => {
                self.version(path).ok_or(Error::NotFound { path: name, source })
            }
            other => other,
        }
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.arrived("LIST", prefix.map_or("", AsRef::as_ref)) {
            Ok(()) => self.files.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

/// A clock that stands still but for those who wait, and that tests set forward.
#[derive(Debug, Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // Timeouts of requests sleep too, so only a sleep that is waited for may move the clock; in memory those are pauses.
        self.advance(duration);
        futures_util::future::ready(()).boxed()
    }
}

#[derive(Debug)]
struct Fixed;

impl Randomness for Fixed {
    fn next_u64(&self) -> u64 {
        0
    }
}

impl IdSource for Fixed {
    fn uuid(&self) -> datashard_spec::Uuid {
        datashard_spec::Uuid::nil()
    }
}

/// A table, the bucket behind it, and its clock.
pub(crate) struct Table {
    pub(crate) store: TableStore,
    pub(crate) chain: Arc<Chain>,
    pub(crate) clock: Arc<HandClock>,
}

impl Table {
    fn at(location: &str, versions: RangeInclusive<u64>) -> Self {
        let chain = Arc::new(Chain {
            files: InMemory::new(),
            versions: Mutex::new(versions),
            hook: Mutex::default(),
            denied: Mutex::default(),
            log: Mutex::default(),
            refuses_updates: AtomicBool::new(false),
        });
        let clock = Arc::new(HandClock::default());
        let context = Context::new(clock.clone(), Arc::new(Fixed), Arc::new(Fixed));
        let location = Location::parse(location).unwrap();
        let store = TableStore::from_object_store(chain.clone(), "", location, context).unwrap();
        Self { store, chain, clock }
    }

    /// On a bucket.
    pub(crate) fn on_bucket(versions: RangeInclusive<u64>) -> Self {
        Self::at("s3://lake/events", versions)
    }

    /// By the rules of a folder.
    pub(crate) fn in_folder(versions: RangeInclusive<u64>) -> Self {
        Self::at("/lake/events", versions)
    }

    /// Another handle on the same files.
    pub(crate) fn other_handle(&self) -> TableStore {
        let context = self.store.context().clone();
        TableStore::from_object_store(self.chain.clone(), "", self.store.location().clone(), context).unwrap()
    }

    /// What `work` comes to, and what it costs as (get, head, put, list, delete).
    pub(crate) async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, [u64; 5]) {
        let before = self.store.counts();
        let done = work.await;
        let RequestCounts { get, head, put, list, delete, .. } = self.store.counts().since(&before);
        (done, [get, head, put, list, delete])
    }
}

/// No versions.
#[expect(clippy::reversed_empty_ranges, reason = "a range without numbers")]
pub(crate) fn nothing() -> RangeInclusive<u64> {
    1..=0
}
