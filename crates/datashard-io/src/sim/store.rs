//! [`SimStore`]: a bucket in memory, strongly consistent, that answers when and how a test wants it to.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::clock::to_ms;
use super::executor::Simulation;
use super::fault::{Answer, Fault, RandomFaults};
use super::flight::Trouble;
use super::multipart::SimUpload;
use super::objects::{Got, Operation, Page, Quirks, Reply, etag};
use super::process::Process;
use super::profile::Profile;
use super::request_log::LoggedRequest;
use super::schedule::lock;
use super::server::{Partition, Server, Shared};
use crate::context::Context;
use crate::location::Location;
use crate::request::Counters;
use crate::store::{Parts, RetryPolicy, TableStore};

const STORE: &str = "SimStore";

/// A bucket in memory. Cheap to clone; clones are the same bucket.
///
/// Strongly consistent, as S3 and GCS are: every request is acted on at one moment between its sending and its answer, and a listing
/// is one view of all names for each of its pages. Works in tasks of its simulation only; elsewhere there is "no connection".
///
/// # Examples
/// ```
/// use bytes::Bytes;
/// use datashard_io::TablePath;
/// use datashard_io::sim::{Profile, SimStore, Simulation};
///
/// let simulation = Simulation::new(1);
/// let store = SimStore::new(&simulation, Profile::s3());
/// let table = store.table(simulation.context());
/// let path = TablePath::parse("metadata/v1.metadata.json")?;
/// let read = simulation.run(async {
///     assert!(table.create(&path, Bytes::from_static(b"{}")).await?.is_yes());
///     table.read(&path, 1_000).await
/// })??;
/// assert_eq!(read, "{}");
/// assert_eq!(store.object("table/metadata/v1.metadata.json"), Some(read));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SimStore {
    shared: Arc<Shared>,
    /// The counters of the table that uses this handle.
    counters: Option<Arc<Counters>>,
}

impl SimStore {
    /// An empty bucket.
    pub fn new(simulation: &Simulation, profile: Profile) -> Self {
        Self { shared: Arc::new(Shared::new(simulation.core(), profile)), counters: None }
    }

    /// A table in this bucket, at `table/`, used by the process that `context` is of. Every table has counters of its own.
    pub fn table(&self, context: Context) -> TableStore {
        self.table_with(context, RetryPolicy::default())
    }

    /// The same with a retry policy of the caller's.
    pub fn table_with(&self, context: Context, retry: RetryPolicy) -> TableStore {
        let counters: Arc<Counters> = Arc::default();
        let store = Self { shared: Arc::clone(&self.shared), counters: Some(Arc::clone(&counters)) };
        let url =
            if self.server(|server| server.profile.is_gcs) { "gs://sim/table" } else { "s3://sim/table" };
        let made = Location::parse(url).map_err(Into::into).and_then(|location| {
            let parts = Parts {
                store: Arc::new(store.clone()),
                prefix: "table".to_owned(),
                location,
                context,
                counters,
                counted_below: true,
                #[cfg(feature = "local")]
                local: None,
            };
            TableStore::from_parts(parts, retry).map(|table| table.with_multipart(Arc::new(store)))
        });
        #[expect(clippy::expect_used, reason = "both texts are constants of the right form")]
        made.expect("a constant location and prefix")
    }

    /// Other times and habits from now on.
    pub fn set_profile(&self, profile: Profile) {
        self.server(|server| server.set_profile(profile));
    }

    /// What does not hold on this store from now on.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.server(|server| server.objects.quirks = quirks);
    }

    /// Adds a fault. Of several that fit one request, the one added first strikes, and only it counts the request.
    pub fn add_fault(&self, fault: Fault) {
        self.server(|server| server.faults.push(fault));
    }

    /// How many of the faults may still strike: those that were to strike a number of times and have not done so yet.
    pub fn faults_left(&self) -> usize {
        self.server(|server| server.faults.iter().filter(|fault| !fault.is_spent()).count())
    }

    /// Removes all faults, random ones too.
    pub fn clear_faults(&self) {
        self.server(|server| {
            server.faults.clear();
            server.random_faults = RandomFaults::none();
        });
    }

    /// Lets faults strike at random from now on, beside those that were added.
    pub fn set_random_faults(&self, faults: RandomFaults) {
        self.server(|server| server.random_faults = faults);
    }

    /// Cuts a process off.
    pub fn partition(&self, process: &Process, how: Partition) {
        self.heal(process);
        self.server(|server| server.partitions.push((process.id(), how)));
    }

    /// Ends what [`partition`](Self::partition) did.
    pub fn heal(&self, process: &Process) {
        self.server(|server| server.partitions.retain(|(own, _)| *own != process.id()));
    }

    /// Listings show the names of now from now on, whatever is written and deleted.
    pub fn freeze_lists(&self) {
        self.server(|server| server.objects.freeze_lists());
    }

    /// Listings are right again.
    pub fn thaw_lists(&self) {
        self.server(|server| server.objects.thaw_lists());
    }

    /// Sets the store's clock so many ms ahead of the simulation's, or behind it if negative. Modification times are by this clock.
    pub fn set_clock_offset_ms(&self, offset_ms: i64) {
        self.server(|server| server.clock_offset_ms = offset_ms);
    }

    /// The store's time in ms since 1970.
    pub fn now_ms(&self) -> i64 {
        self.shared.now_ms(&lock(&self.shared.server))
    }

    /// The bytes of a key, without a request.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.server(|server| server.objects.bytes(key))
    }

    /// All keys in order, without a request.
    pub fn keys(&self) -> Vec<String> {
        self.server(|server| server.objects.keys().cloned().collect())
    }

    /// Puts a file there, without a request.
    ///
    /// # Errors
    /// If the key is none that the client's library takes.
    pub fn insert(&self, key: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let key = Path::parse(key)?;
        let now_ms = self.now_ms();
        self.server(|server| server.objects.write(&key, bytes.into(), now_ms));
        Ok(())
    }

    /// Removes a file, without a request. Says whether it was there.
    pub fn remove(&self, key: &str) -> bool {
        self.server(|server| server.objects.remove(key))
    }

    /// Multipart uploads that were begun and neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.server(|server| server.objects.open_uploads())
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.server(|server| server.log.entries())
    }

    /// How many requests are remembered. Default 10 000; 0 remembers none, which is faster.
    pub fn set_log_capacity(&self, requests: usize) {
        self.server(|server| server.log.resize(requests));
    }

    fn server<T>(&self, of: impl FnOnce(&mut Server) -> T) -> T {
        of(&mut lock(&self.shared.server))
    }

    /// Sends a request and waits for what comes of it.
    pub(super) async fn ask(&self, operation: Operation) -> Result<Reply> {
        let (kind, is_create) = (operation.kind(), operation.is_create());
        if let Some(counters) = &self.counters {
            counters.sent(kind, operation.body_bytes());
        }
        let key = operation.key().to_owned();
        let outcome = match self.shared.send(operation) {
            Ok(waiting) => waiting.await,
            Err(trouble) => Err(trouble),
        };
        outcome.map_err(|trouble| self.error(trouble, key, is_create))
    }

    /// The error that the real clients make of it: the library's own for what it understands, else the answer as it came.
    fn error(&self, trouble: Trouble, path: String, is_create: bool) -> object_store::Error {
        let answer = match trouble {
            Trouble::Connection(kind) => {
                return object_store::Error::Generic { store: STORE, source: io::Error::from(kind).into() };
            }
            Trouble::Answer(answer) => self.with_skew(answer).0,
        };
        let told = || answer.to_string().into();
        let is_of_a_file = matches!(answer.code.as_deref(), None | Some("NoSuchKey" | "NoSuchUpload"));
        match answer.status {
            404 if is_of_a_file => object_store::Error::NotFound { path, source: told() },
            412 if is_create => object_store::Error::AlreadyExists { path, source: told() },
            412 => object_store::Error::Precondition { path, source: told() },
            304 => object_store::Error::NotModified { path, source: told() },
            _ => object_store::Error::Generic { store: STORE, source: answer.into() },
        }
    }

    /// Every answer has a date, so every answer tells how far the clocks are apart.
    fn with_skew(&self, mut answer: Answer) -> Answer {
        if let Some(process) = self.shared.core.current() {
            let own_ms = Process::now_ms(&self.shared.core, process);
            answer.0.skew_ms = Some(own_ms.saturating_sub(self.now_ms()));
        }
        answer
    }

    async fn page(&self, prefix: String, after: Option<String>, by_folder: bool) -> Result<Page> {
        match self.ask(Operation::List { prefix, after, by_folder }).await? {
            Reply::Page(page) => Ok(page),
            _ => Err(mixed_up()),
        }
    }

    fn pages(&self, prefix: Option<&Path>, after: Option<String>) -> BoxStream<'static, Result<Page>> {
        let store = self.clone();
        let prefix = folder(prefix);
        // `None` after the last page; the outer one is the start.
        stream::try_unfold(Some(after), move |state| {
            let (store, prefix) = (store.clone(), prefix.clone());
            async move {
                let Some(after) = state else { return Ok(None) };
                let page = store.page(prefix, after, false).await?;
                let next = page.next.clone().map(Some);
                Ok(Some((page, next)))
            }
        })
        .boxed()
    }

    async fn delete_many(&self, keys: Vec<Path>) -> Vec<Result<Path>> {
        let asked = Operation::Delete { keys: keys.clone() };
        let answers = match self.ask(asked).await {
            Ok(Reply::Deleted(answers)) => answers,
            Ok(_) => return vec![Err(mixed_up())],
            // One error for all of them: it is told once, and the caller cannot tell what was deleted.
            Err(error) => return vec![Err(error)],
        };
        keys.into_iter()
            .zip(answers)
            .map(|(key, answer)| match answer {
                None => Ok(key),
                Some(answer) if answer.0.status == 404 => {
                    Err(self.error(Trouble::Answer(answer), key.into(), false))
                }
                // The answer to a bulk deletion has a code for each file, and the library makes text of it.
                Some(answer) => {
                    let code = answer.0.code.unwrap_or_default();
                    let source = format!("`{key}` was not deleted (code: {code})").into();
                    Err(object_store::Error::Generic { store: STORE, source })
                }
            })
            .collect()
    }
}

#[async_trait]
impl ObjectStore for SimStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let operation = Operation::Put { key: location.clone(), bytes: payload.into(), mode: opts.mode };
        written(self.ask(operation).await?)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let key = location.clone();
        match self.ask(Operation::StartUpload { key: key.clone() }).await? {
            Reply::Upload(upload) => Ok(Box::new(SimUpload::new(self, key, upload))),
            _ => Err(mixed_up()),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = Operation::Get { key: location.clone(), options: Box::new(options) };
        match self.ask(operation).await? {
            Reply::Got(got) => Ok(body(*got)),
            _ => Err(mixed_up()),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let many = self.server(|server| server.profile.bulk_delete).max(1);
        locations
            .chunks(many)
            .then(move |chunk| {
                let store = store.clone();
                async move {
                    let keys: Result<Vec<Path>> = chunk.into_iter().collect();
                    stream::iter(match keys {
                        Ok(keys) => store.delete_many(keys).await,
                        Err(error) => vec![Err(error)],
                    })
                }
            })
            .flatten()
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        files(self.pages(prefix, None))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        files(self.pages(prefix, Some(offset.as_ref().to_owned())))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = folder(prefix);
        let mut result =
            ListResult { common_prefixes: Vec::new(), objects: Vec::new(), extensions: Default::default() };
        let mut after = None;
        loop {
            let page = self.page(prefix.clone(), after, true).await?;
            result.objects.extend(page.files);
            result.common_prefixes.extend(page.folders);
            match page.next {
                None => return Ok(result),
                next => after = next,
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let operation = Operation::Copy { from: from.clone(), to: to.clone(), mode: options.mode };
        self.ask(operation).await.map(|_| ())
    }
}

pub(super) fn written(reply: Reply) -> Result<PutResult> {
    match reply {
        Reply::Written { version } => Ok(PutResult {
            e_tag: Some(etag(version)),
            version: Some(version.to_string()),
            extensions: Default::default(),
        }),
        Reply::Done => Ok(PutResult { e_tag: None, version: None, extensions: Default::default() }),
        _ => Err(mixed_up()),
    }
}

fn body(got: Got) -> GetResult {
    let Got { meta, range, bytes, broken } = got;
    let mut chunks = vec![Ok(bytes)];
    if broken {
        let source = io::Error::from(io::ErrorKind::UnexpectedEof).into();
        chunks.push(Err(object_store::Error::Generic { store: STORE, source }));
    }
    GetResult {
        payload: GetResultPayload::Stream(stream::iter(chunks).boxed()),
        meta,
        range,
        attributes: Default::default(),
        extensions: Default::default(),
    }
}

fn files(pages: BoxStream<'static, Result<Page>>) -> BoxStream<'static, Result<ObjectMeta>> {
    pages
        .flat_map(|page| {
            stream::iter(match page {
                Ok(page) => page.files.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        })
        .boxed()
}

/// The prefix of a folder's keys: a listing of `a` does not show `ab/c`.
fn folder(prefix: Option<&Path>) -> String {
    match prefix {
        Some(prefix) if !prefix.as_ref().is_empty() => format!("{prefix}/"),
        _ => String::new(),
    }
}

pub(super) fn mixed_up() -> object_store::Error {
    let source = io::Error::other("the answer is that of another request").into();
    object_store::Error::Generic { store: STORE, source }
}

impl fmt::Display for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STORE)
    }
}

impl fmt::Debug for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now_ms = to_ms(self.shared.core.now_ns());
        f.debug_struct("SimStore").field("at_ms", &now_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
