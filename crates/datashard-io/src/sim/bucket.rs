//! A simulated bucket as a client sees it: calls become requests, and what comes of them becomes what the clients of real buckets
//! would make of it.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::answer::Answer;
use super::flight::Trouble;
use super::multipart::SimUpload;
use super::objects::{Got, Operation, Page, Reply, etag};
use super::process::Process;
use super::store::SimStore;
use crate::request::Counters;

pub(super) const STORE: &str = "SimStore";
/// Requests of one stream of deletions that are under way at the same time, as in the clients of real buckets.
const DELETIONS_AT_ONCE: usize = 10;

impl SimStore {
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
            Reply::Got(got) => Ok(body(*got, self.counters.clone())),
            _ => Err(mixed_up()),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let many = self.server(|server| server.profile.bulk_delete).max(1);
        locations
            .chunks(many)
            .map(move |chunk| {
                let store = store.clone();
                async move {
                    let keys: Result<Vec<Path>> = chunk.into_iter().collect();
                    stream::iter(match keys {
                        Ok(keys) => store.delete_many(keys).await,
                        Err(error) => vec![Err(error)],
                    })
                }
            })
            .buffered(DELETIONS_AT_ONCE)
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

/// What is read of the body is counted as it is read.
fn body(got: Got, counters: Option<Arc<Counters>>) -> GetResult {
    let Got { meta, range, bytes, broken } = got;
    let mut chunks = vec![Ok(bytes)];
    if broken {
        let source = io::Error::from(io::ErrorKind::UnexpectedEof).into();
        chunks.push(Err(object_store::Error::Generic { store: STORE, source }));
    }
    let chunks = stream::iter(chunks).inspect(move |chunk| {
        if let (Ok(bytes), Some(counters)) = (chunk, &counters) {
            counters.received(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
    });
    GetResult {
        payload: GetResultPayload::Stream(chunks.boxed()),
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
