//! A store in memory that follows a script, and a clock that only waiting moves, for the tests of this folder.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

mod any;
mod attempt;
mod clock;
mod delete;
#[cfg(feature = "local")]
mod folder;
mod list;
mod read;
mod upload;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartId, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use uuid::Uuid;

use super::{Parts, RetryPolicy, TableStore};
use crate::context::{Clock, Context, IdSource, Randomness};
use crate::evidence::Answer;
use crate::location::Location;
use crate::path::TablePath;
use crate::request::RequestKind::{self, Delete, Get, Head, List, Put};

/// What happens to a request.
pub(super) enum Act {
    /// Nothing.
    Pass,
    /// It is refused with this answer.
    Refuse(Answer),
    /// It is acted on, and then answered so.
    Lose(Answer),
    /// It is not acted on and never answered.
    Hang,
    /// GET: the body is this one, while its head tells of the true one.
    Body(Bytes),
    /// GET: the body breaks off with an error after so many bytes.
    BreakAfter(usize),
    /// GET and HEAD: the head tells this size, and the whole file is the answer.
    Announce(u64),
    /// LIST: these keys and sizes, and then an error if there is one.
    Keys(Vec<(String, u64)>, Option<Error>),
    /// DELETE: the keys that end so are refused, the others deleted.
    RefuseKeys(&'static str, Answer),
    /// The client panics.
    Panic,
}

/// A store in memory with something to happen to the next requests of each kind.
pub(super) struct Scripted {
    pub(super) memory: InMemory,
    script: Mutex<HashMap<RequestKind, VecDeque<Act>>>,
    clock: Arc<FakeClock>,
    /// When which requests were sent.
    log: Mutex<Vec<(RequestKind, Duration)>>,
}

impl Scripted {
    pub(super) fn next(&self, kind: RequestKind, act: Act) {
        self.script.lock().unwrap().entry(kind).or_default().push_back(act);
    }

    pub(super) fn times(&self, kind: RequestKind) -> Vec<Duration> {
        self.log.lock().unwrap().iter().filter(|(k, _)| *k == kind).map(|(_, time)| *time).collect()
    }

    fn take(&self, kind: RequestKind) -> Option<Act> {
        self.log.lock().unwrap().push((kind, self.clock.elapsed()));
        self.script.lock().unwrap().get_mut(&kind)?.pop_front()
    }

    /// Runs a request as the script has it.
    async fn run<T>(
        &self,
        kind: RequestKind,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        match self.take(kind) {
            None | Some(Act::Pass) => request.await,
            Some(act) => Self::act(act, request).await,
        }
    }

    async fn act<T>(
        act: Act,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        match act {
            Act::Refuse(answer) => Err(said(answer)),
            Act::Lose(answer) => {
                let _ = request.await;
                Err(said(answer))
            }
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("as the script has it"),
            _ => panic!("not for this kind of request"),
        }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl ObjectStore for Scripted {
    async fn put_opts(
        &self,
        key: &Path,
        body: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.run(Put, self.memory.put_opts(key, body, options)).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.run(Put, self.memory.put_multipart_opts(key, options)).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        let kind = if options.head { Head } else { Get };
        let request = self.memory.get_opts(key, options.clone());
        let stream = |chunks: Vec<object_store::Result<Bytes>>| {
            GetResultPayload::Stream(futures_util::stream::iter(chunks).boxed())
        };
        match self.take(kind) {
            None => request.await,
            Some(Act::Body(body)) => Ok(GetResult { payload: stream(vec![Ok(body)]), ..request.await? }),
            Some(Act::BreakAfter(count)) => {
                let result = request.await?;
                let (range, meta) = (result.range.clone(), result.meta.clone());
                let body = result.bytes().await?;
                let chunks = vec![Ok(body.slice(..count)), Err(reset())];
                Ok(GetResult {
                    payload: stream(chunks),
                    range,
                    meta,
                    ..self.memory.get_opts(key, options).await?
                })
            }
            Some(Act::Announce(size)) => {
                let mut result = request.await?;
                result.meta.size = size;
                Ok(result)
            }
            Some(act) => Self::act(act, request).await,
        }
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let memory = self.memory.clone();
        match self.take(Delete) {
            None => memory.delete_stream(keys),
            Some(Act::RefuseKeys(end, answer)) => keys
                .then(move |key| {
                    let (memory, answer) = (memory.clone(), answer.clone());
                    async move {
                        let key = key?;
                        if key.as_ref().ends_with(end) {
                            return Err(said(answer));
                        }
                        let one = futures_util::stream::iter([Ok(key.clone())]).boxed();
                        let _: Vec<_> = memory.delete_stream(one).collect().await;
                        Ok(key)
                    }
                })
                .boxed(),
            Some(act) => Self::act(act, async move {
                let _: Vec<_> = memory.delete_stream(keys).collect().await;
                Ok(Path::default())
            })
            .into_stream()
            .boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.list_from(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.list_from(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> object_store::Result<ListResult> {
        panic!("not asked for")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        panic!("not asked for")
    }
}

impl Scripted {
    fn list_from(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let all = match offset {
            Some(offset) => self.memory.list_with_offset(prefix, offset),
            None => self.memory.list(prefix),
        };
        match self.take(List) {
            None => all,
            Some(Act::Keys(keys, error)) => {
                let keys = keys.into_iter().map(|(key, size)| Ok(object(&key, size)));
                let keys: Vec<_> = keys.chain(error.map(Err)).collect();
                futures_util::stream::iter(keys).boxed()
            }
            // The first so many names come, and then the connection breaks.
            Some(Act::BreakAfter(count)) => {
                all.take(count).chain(futures_util::stream::iter([Err(reset())])).boxed()
            }
            Some(act) => Self::act(act, async { Ok(object("x", 0)) }).into_stream().boxed(),
        }
    }
}

#[async_trait]
impl MultipartStore for Scripted {
    async fn create_multipart(&self, key: &Path) -> object_store::Result<MultipartId> {
        self.run(Put, self.memory.create_multipart(key)).await
    }

    async fn put_part(
        &self,
        key: &Path,
        id: &MultipartId,
        index: usize,
        body: PutPayload,
    ) -> object_store::Result<PartId> {
        self.run(Put, self.memory.put_part(key, id, index, body)).await
    }

    async fn complete_multipart(
        &self,
        key: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> object_store::Result<PutResult> {
        self.run(Put, self.memory.complete_multipart(key, id, parts)).await
    }

    async fn abort_multipart(&self, key: &Path, id: &MultipartId) -> object_store::Result<()> {
        self.run(Delete, self.memory.abort_multipart(key, id)).await
    }
}

fn object(key: &str, size: u64) -> ObjectMeta {
    ObjectMeta {
        location: Path::parse(key).unwrap(),
        last_modified: Default::default(),
        size,
        e_tag: None,
        version: None,
    }
}

/// The error of a client that was answered so.
pub(super) fn said(answer: Answer) -> Error {
    Error::Generic { store: "test", source: answer.into() }
}

fn reset() -> Error {
    let error = io::Error::new(io::ErrorKind::ConnectionReset, "the connection broke");
    Error::Generic { store: "test", source: error.into() }
}

pub(super) fn status(status: u16) -> Answer {
    Answer { status, code: None, message: String::new(), retry_after: None, skew_ms: None }
}

pub(super) fn throttled(retry_after_s: u64) -> Answer {
    Answer { retry_after: Some(Duration::from_secs(retry_after_s)), ..status(503) }
}

pub(super) fn coded(status_: u16, code: &str) -> Answer {
    Answer { code: Some(code.to_owned()), ..status(status_) }
}

/// A clock that only waiting moves.
#[derive(Debug, Default)]
pub(super) struct FakeClock(Arc<Mutex<Duration>>);

impl Clock for FakeClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let time = Arc::clone(&self.0);
        async move { *time.lock().unwrap() += duration }.boxed()
    }
}

/// Random numbers that are all the same: a pause is three quarters of what it may be.
#[derive(Debug, Default)]
struct Steady(AtomicU64);

impl Randomness for Steady {
    fn next_u64(&self) -> u64 {
        u64::MAX / 2
    }
}

impl IdSource for Steady {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(self.0.fetch_add(1, Ordering::Relaxed).into())
    }
}

/// A table at `location` in a scripted store; its files lie below `t/`.
pub(super) fn table_at(location: &str) -> (TableStore, Arc<Scripted>) {
    let clock = Arc::new(FakeClock::default());
    let scripted = Arc::new(Scripted {
        memory: InMemory::new(),
        script: Mutex::default(),
        clock: Arc::clone(&clock),
        log: Mutex::default(),
    });
    let steady = Arc::new(Steady::default());
    let parts = Parts {
        store: scripted.clone(),
        prefix: "t".to_owned(),
        location: Location::parse(location).unwrap(),
        context: Context::new(clock, steady.clone(), steady),
        counters: Arc::default(),
        counted_below: false,
        #[cfg(feature = "local")]
        local: None,
    };
    (TableStore::from_parts(parts, RetryPolicy::default()).unwrap(), scripted)
}

/// A table on a bucket that follows a script.
pub(super) fn bucket() -> (TableStore, Arc<Scripted>) {
    table_at("s3://lake/t")
}

pub(super) fn path(text: &str) -> TablePath {
    TablePath::parse(text).unwrap()
}

/// Some bytes that differ from each other.
pub(super) fn some_bytes(count: usize) -> Bytes {
    let pattern: Vec<u8> = (0..251).collect();
    let mut bytes = pattern.repeat(count / 251 + 1);
    bytes.truncate(count);
    bytes.into()
}

pub(super) fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
}
