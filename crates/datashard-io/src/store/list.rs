//! Listings: names in order, each once, and an error rather than a list with holes.
//!
//! What decides about deletions is made from listings, so a store whose answers contradict each other ends the stream with an
//! error. What a listing cannot show is that it is stale: nothing may depend on a name that is *not* in it.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::TableStore;
use super::attempt::{Request, Tries};
use super::classify::{classify, container_word, timed_out};
use super::list_order::{Order, Place};
use crate::error::StoreError;
use crate::location::Scheme;
use crate::path::{TablePath, excerpt};
use crate::request::RequestKind;

/// Names on a page of the stores there are.
const PAGE_NAMES: usize = 1_000;

/// What a listing or a look at a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The file, below the table's location.
    pub path: TablePath,
    /// Size in bytes.
    pub size_bytes: u64,
    /// When it was written, in ms since 1970, by the clock of the store.
    pub modified_ms: i64,
}

impl TableStore {
    /// Lists the files of a folder, or of the whole table, and of the folders below it, sorted by the bytes of their names.
    ///
    /// Some servers, such as SeaweedFS, list folder by folder instead (`a/x` before `a-b/x`); so does this call there.
    ///
    /// Only names after `start_after`, by bytes, are listed; a server that goes by folders may then leave out folders whose name is the
    /// beginning of another's, so use it for names in one folder, or not for decisions about what is absent. A folder that is not there has no files. Costs one LIST for each 1,000 names.
    ///
    /// Names that are no [`TablePath`] are left out with a warning, and so are the empty objects ending in `/` that some tools
    /// leave on buckets in place of folders. A page that fails is asked for again, from the last name seen.
    ///
    /// # Errors
    /// The stream ends with the first: `InvalidData` if names come out of order, as in S3's directory buckets, or if a key is no name
    /// at all, such as one with `//` in it;
    /// `PermissionDenied`; `NotFound` for the bucket; `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    ///
    /// # Examples
    /// ```
    /// use futures_util::TryStreamExt;
    /// # use datashard_io::{TablePath, TableStore, StoreError};
    /// # async fn example(store: TableStore) -> Result<(), StoreError> {
    /// let mut files = store.list(Some(&TablePath::parse("data")?), None);
    /// while let Some(file) = files.try_next().await? {
    ///     println!("{} {}", file.path, file.size_bytes);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(
        &self,
        folder: Option<&TablePath>,
        start_after: Option<&TablePath>,
    ) -> BoxStream<'static, Result<FileInfo, StoreError>> {
        let listing = match Listing::new(self, folder, start_after) {
            Ok(listing) => listing,
            Err(error) => return futures_util::stream::once(async { Err(error) }).boxed(),
        };
        futures_util::stream::unfold(Some(listing), |listing| async move {
            let mut listing = listing?;
            match listing.next().await {
                Ok(Some(file)) => Some((Ok(file), Some(listing))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    /// The first files that [`list`](Self::list) gives, at most `limit` of them and at most 1,000.
    ///
    /// Costs one LIST, but for pages on which all names are such as are left out.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn list_page(
        &self,
        folder: Option<&TablePath>,
        start_after: Option<&TablePath>,
        limit: usize,
    ) -> Result<Vec<FileInfo>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.list(folder, start_after).take(limit.min(PAGE_NAMES)).try_collect().await
    }
}

/// A listing under way.
struct Listing {
    store: TableStore,
    /// The folder, for messages.
    folder: String,
    /// The folder in the store below.
    prefix: Option<Path>,
    /// What the keys of its files begin with: empty, or with a slash at the end.
    below: String,
    /// The caller's: names up to it, by bytes, are not given.
    start: Option<Path>,
    /// The last name seen: where a new request goes on.
    seen: Option<Path>,
    order: Order,
    tries: Tries,
    request: Option<Answers>,
}

/// The answers to one request and those that continue it.
struct Answers {
    stream: BoxStream<'static, object_store::Result<ObjectMeta>>,
    names: usize,
    last: Option<Path>,
    /// It goes on where another broke off, and has shown no new name yet.
    resumed: bool,
}

impl Listing {
    fn new(
        store: &TableStore,
        folder: Option<&TablePath>,
        start_after: Option<&TablePath>,
    ) -> Result<Self, StoreError> {
        let prefix = match folder {
            Some(folder) => store.key(folder)?,
            None => store.inner.prefix.clone(),
        };
        let start = start_after.map(|name| store.key(name)).transpose()?;
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        Ok(Self {
            store: store.clone(),
            folder: folder.map_or_else(String::new, ToString::to_string),
            prefix: (!prefix.is_root()).then_some(prefix),
            below,
            start,
            seen: None,
            order: Order::default(),
            tries: Tries::new(store),
            request: None,
        })
    }

    async fn next(&mut self) -> Result<Option<FileInfo>, StoreError> {
        loop {
            if !self.tries.has_failed() {
                // The caller's own time between two names is nothing the store is to be blamed for.
                self.tries = Tries::new(&self.store);
            }
            let error = match self.answer().await {
                Ok(None) => return Ok(None),
                Ok(Some(object)) => {
                    self.tries = Tries::new(&self.store);
                    match self.file(object)? {
                        Some(file) => return Ok(Some(file)),
                        None => continue,
                    }
                }
                Err(error) => error,
            };
            self.request = None;
            match self.tries.failed(&self.store, &error, error.is_retryable()) {
                Some(pause) => self.store.inner.context.clock.sleep(pause).await,
                None => return self.absent(self.tries.total(&self.store, error)),
            }
        }
    }

    /// The next name, from a new request if none is under way.
    async fn answer(&mut self) -> Result<Option<ObjectMeta>, StoreError> {
        let inner = &*self.store.inner;
        let request = Request::of(RequestKind::List, &self.folder);
        let answers = match &mut self.request {
            Some(answers) => answers,
            None => {
                self.store.count(request);
                tracing::trace!(kind = %request.kind, path = request.path, after = ?self.seen, "listing");
                let stream = match self.seen.as_ref().or(self.start.as_ref()) {
                    Some(after) => inner.store.list_with_offset(self.prefix.as_ref(), after),
                    None => inner.store.list(self.prefix.as_ref()),
                };
                self.request.insert(Answers { stream, names: 0, last: None, resumed: self.seen.is_some() })
            }
        };
        let object = match self.store.within(0, answers.stream.next()).await {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(object))) => object,
            Ok(Some(Err(object_store::Error::InvalidPath { source }))) => {
                return Err(self.bad(excerpt(&source.to_string())));
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(kind = %request.kind, path = request.path, %error, "request failed");
                return Err(classify(error, self.store.call(request)));
            }
            Err(waited) => return Err(timed_out(waited, self.store.call(request))),
        };
        if answers.names == PAGE_NAMES {
            answers.names = 0;
            self.store.count(request);
        }
        answers.names = answers.names.saturating_add(1);
        Ok(Some(object))
    }

    /// What it means that there is nothing to list: in a folder, that it has no files; on a bucket, that there is no bucket.
    fn absent(&self, error: StoreError) -> Result<Option<FileInfo>, StoreError> {
        let location = self.store.location();
        match error {
            StoreError::NotFound { .. } | StoreError::Path(_) => match location.scheme() {
                Scheme::File | Scheme::Memory => Ok(None),
                Scheme::S3 | Scheme::Gcs | Scheme::Azure => Err(StoreError::NoContainer {
                    location: location.to_string(),
                    what: container_word(location),
                }),
            },
            other => Err(other),
        }
    }

    fn disorder(&self, name: &Path) -> StoreError {
        let last = self.request.as_ref().and_then(|answers| answers.last.as_ref()).or(self.seen.as_ref());
        self.bad(format!(
            "`{}` came after `{}`; the store does not list in order, or the listing starts over",
            excerpt(name.as_ref()),
            excerpt(last.map_or("", AsRef::as_ref)),
        ))
    }

    fn bad(&self, detail: String) -> StoreError {
        StoreError::BadListing {
            location: self.store.location().to_string(),
            folder: self.folder.clone(),
            detail,
        }
    }

    /// The file that a name stands for, if it is one to be given.
    fn file(&mut self, object: ObjectMeta) -> Result<Option<FileInfo>, StoreError> {
        let name = &object.location;
        let Some(answers) = &mut self.request else { return Ok(None) };
        if let Some(last) = &answers.last {
            match self.order.place(last, name) {
                Place::After => {}
                Place::AfterByFolders => self.order = Order::Folders,
                Place::Same => {
                    tracing::debug!(key = name.as_ref(), "left out a name that was listed twice");
                    return Ok(None);
                }
                // The client drops the slash at the end of a key, and with it the place that the key has in the order.
                Place::Before if object.size == 0 && format!("{name}/").as_str() > last.as_ref() => {
                    tracing::debug!(key = name.as_ref(), "left out an empty object in place of a folder");
                    return Ok(None);
                }
                Place::Before => return Err(self.disorder(name)),
            }
        }
        answers.last = Some(name.clone());
        if answers.resumed
            && let Some(seen) = &self.seen
        {
            match self.order.place(seen, name) {
                Place::After => answers.resumed = false,
                // Given already by a store that lists by bytes and began too early, or new in one that goes by folders.
                Place::AfterByFolders => return Err(self.disorder(name)),
                Place::Same | Place::Before => return Ok(None),
            }
        }
        self.seen = Some(name.clone());
        if self.start.as_ref().is_some_and(|start| name <= start) {
            return Ok(None);
        }
        let Some(path) = name.as_ref().strip_prefix(&*self.below) else {
            tracing::debug!(key = name.as_ref(), "left out a name that does not lie below the folder");
            return Ok(None);
        };
        let path = if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) };
        match TablePath::parse(&path) {
            Ok(path) => Ok(Some(FileInfo {
                path,
                size_bytes: object.size,
                modified_ms: object.last_modified.timestamp_millis(),
            })),
            Err(error) => {
                tracing::warn!(%error, "left out a file whose name no table uses");
                Ok(None)
            }
        }
    }
}
