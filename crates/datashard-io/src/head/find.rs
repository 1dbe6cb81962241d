//! Finding the newest version: hint and boundary, then rounds of questions, then its content, and the boundary once more.
//!
//! The boundary is read last because versions may be retired while we look. What is retired looks as if it had never been
//! there, so an old version would pass for the newest. If the boundary still lies at or below the version found, then nothing
//! from there on was retired before, and the absent successor had never existed.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use datashard_spec::id::MetadataVersion;
use futures_util::future::{Either, join, select, try_join_all};

use super::search::{Search, Step};
use super::{Head, HeadAfter, HintState, Known, METADATA_LIMIT_BYTES, metadata_path, needs_boundary_check};
use crate::TableStore;
use crate::error::{Acted, StoreError};
use crate::request::RequestKind;

/// How often versions may be retired under the search before it is given up.
const REDISCOVERIES: u32 = 8;
/// How many rounds a search may take. The widest takes 16; more means that versions are created faster than they can be asked for.
const ROUNDS: u32 = 64;

/// What one pass of the search came to.
enum Pass {
    Found(Box<Head>),
    /// No version from the boundary on.
    Nothing,
    /// Versions were retired meanwhile, or one went away before it was read.
    Moved,
}

/// When the boundary is read again before a version found is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fence {
    Always,
    /// Only if the search took so long that versions made after its start may be retired.
    IfOld(Known),
}

impl TableStore {
    /// Finds and reads the newest metadata version; `None` if there is no table here.
    ///
    /// It costs 5 requests if the hint is right (hint, boundary, version, a HEAD of its successor, boundary again: two round trips, and a
    /// small third one while the version's content arrives), and 5 if there is no table. Every further round asks for up to 40 versions at
    /// once; a hint that lags by 100,000, or none at all, takes at most 5 rounds with 140 HEADs. Nothing is listed on object stores;
    /// in a folder reading the boundary is a listing.
    ///
    /// The version was the newest at some moment of the call.
    ///
    /// # Errors
    /// `InvalidData` if a hint or a boundary says that there is a table but no version is found, or if the boundary is damaged;
    /// `Unavailable` if versions come and go faster than they can be followed, or if no version is found and the hint, which then says
    /// whether there is a table, cannot be read for now; else as for a read.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::sync::Arc;
    ///
    /// use bytes::Bytes;
    /// use datashard_io::{Location, TableStore, context::Context, head::metadata_path};
    /// use datashard_spec::id::MetadataVersion;
    ///
    /// let memory = Arc::new(object_store::memory::InMemory::new());
    /// let location = Location::parse("memory://lake/events")?;
    /// let store = TableStore::from_object_store(memory, "events", location, Context::system())?;
    /// assert_eq!(store.find_head().await?, None);
    /// for version in [1, 2, 3] {
    ///     let path = metadata_path(MetadataVersion(version))?;
    ///     assert!(store.create(&path, Bytes::from_static(b"{}")).await?.is_yes());
    /// }
    /// let head = store.find_head().await?.expect("a table");
    /// assert_eq!((head.version, &*head.metadata), (MetadataVersion(3), &b"{}"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn find_head(&self) -> Result<Option<Head>, StoreError> {
        let (mut late_hint, mut asked_again) = (None, false);
        for _ in 0..=REDISCOVERIES {
            let now = self.context().clock.elapsed();
            let (hint, retired) = match late_hint.take() {
                Some(hint) => (hint, self.retired().await),
                None => join(self.read_hint(), self.retired()).await,
            };
            let retired = retired?;
            let search = Search::new(hint.version().map(|version| version.0), retired.0);
            let guess = hint.version().map(|_| search.start());
            let pass = match guess {
                Some(guess) => self.look_at_guess(search, guess, hint.clone(), now).await?,
                None => self.look(search, None, hint.clone(), now, Fence::Always).await?,
            };
            match pass {
                Pass::Found(head) => {
                    tracing::debug!(version = %head.version, hint = ?head.hint, "found the newest version");
                    return Ok(Some(*head));
                }
                Pass::Moved => {}
                Pass::Nothing => {
                    let again = self.retired().await?;
                    if again == retired {
                        match (&hint, retired.0) {
                            (HintState::Missing, 0) => return Ok(None),
                            // It was not waited for long. Now it decides between no table and a damaged one.
                            (HintState::Unreadable { .. }, 0) if !asked_again => {
                                asked_again = true;
                                late_hint = Some(self.read_hint_patiently().await?);
                            }
                            _ => return Err(self.explain_missing(&hint, retired).await),
                        }
                    }
                }
            }
            tracing::debug!("versions were retired during the search for the newest");
        }
        Err(self.gave_up("versions were retired again and again during the search", REDISCOVERIES))
    }

    /// Finds the newest version, given one that was the newest before.
    ///
    /// It costs 1 request if there is none newer, 2 if there is one newer. If the version was known newest for longer than
    /// [`BOUNDARY_CHECK_AGE`](super::BOUNDARY_CHECK_AGE), the boundary is read after that (1 request more), and a version
    /// below it is forgotten: the search then starts anew, as [`find_head`](Self::find_head) does.
    ///
    /// # Errors
    /// As [`find_head`](Self::find_head); `NotFound` if the table is gone.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn find_head_after(&self, known: Known) -> Result<HeadAfter, StoreError> {
        let now = self.context().clock.elapsed();
        let Some(next) = known.version.0.checked_add(1) else { return Ok(HeadAfter::Same(known)) };
        let pass = match self.content(next).await? {
            Some(metadata) => {
                let content = Some((next, metadata));
                let fence = Fence::IfOld(known);
                self.look(Search::above(next), content, HintState::NotRead, now, fence).await?
            }
            None if self.is_old(known) && self.retired().await? > known.version => Pass::Moved,
            None => return Ok(HeadAfter::Same(Known { version: known.version, at: Some(now) })),
        };
        if let Pass::Found(head) = pass {
            return Ok(HeadAfter::Newer(*head));
        }
        tracing::debug!(known = %known.version, "what was known is retired; searching anew");
        match self.find_head().await? {
            Some(head) => Ok(HeadAfter::Newer(head)),
            None => Err(StoreError::NotFound {
                location: self.location().to_string(),
                path: metadata_path(known.version)?,
            }),
        }
    }

    /// Reads a metadata version. One GET.
    ///
    /// A version below the retire boundary may be gone, or be there and not be part of the table.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` if it is larger than [`METADATA_LIMIT_BYTES`]; as for a read.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_version(&self, version: MetadataVersion) -> Result<Bytes, StoreError> {
        self.read(&metadata_path(version)?, METADATA_LIMIT_BYTES).await
    }

    /// The first round with a hint: reads the version it names and asks for its successor, so that a right hint needs no other round.
    async fn look_at_guess(
        &self,
        mut search: Search,
        guess: u64,
        hint: HintState,
        now: Duration,
    ) -> Result<Pass, StoreError> {
        let Some(successor) = guess.checked_add(1) else {
            return self.look(search, None, hint, now, Fence::Always).await;
        };
        let content = pin!(self.content(guess));
        let exists = pin!(self.has(successor));
        let (content, retired) = match select(content, exists).await {
            Either::Left((content, exists)) => {
                let content = content?;
                if exists.await? {
                    search.answer(&[(successor, true)]);
                    return self.look(search, None, hint, now, Fence::Always).await;
                }
                (content, None)
            }
            Either::Right((exists, content)) => {
                if exists? {
                    // The content of an older version is of no use: it need not arrive.
                    search.answer(&[(successor, true)]);
                    return self.look(search, None, hint, now, Fence::Always).await;
                }
                let (content, retired) = join(content, self.retired()).await;
                (content?, Some(retired?))
            }
        };
        search.answer(&[(guess, content.is_some()), (successor, false)]);
        match (content, retired) {
            (Some(metadata), Some(retired)) => Ok(self.judge(guess, metadata, Some(retired), hint, now)),
            (content, _) => {
                let content = content.map(|metadata| (guess, metadata));
                self.look(search, content, hint, now, Fence::Always).await
            }
        }
    }

    /// Asks in rounds until the newest is known, and reads it unless its content is at hand.
    async fn look(
        &self,
        mut search: Search,
        content: Option<(u64, Bytes)>,
        hint: HintState,
        now: Duration,
        fence: Fence,
    ) -> Result<Pass, StoreError> {
        for _ in 0..ROUNDS {
            let newest = match search.step() {
                Step::Nothing => return Ok(Pass::Nothing),
                Step::Newest(newest) => newest,
                Step::Probe(versions) => {
                    let asked = versions
                        .into_iter()
                        .map(async |version| Ok::<_, StoreError>((version, self.has(version).await?)));
                    search.answer(&try_join_all(asked).await?);
                    continue;
                }
            };
            let at_hand = content.filter(|(version, _)| *version == newest).map(|(_, metadata)| metadata);
            let read = async {
                match at_hand {
                    Some(metadata) => Ok(Some(metadata)),
                    None => self.content(newest).await,
                }
            };
            let (metadata, retired) = match fence {
                Fence::Always => {
                    let (metadata, retired) = join(read, self.retired()).await;
                    (metadata?, Some(retired?))
                }
                Fence::IfOld(known) => {
                    let metadata = read.await?;
                    (metadata, if self.is_old(known) { Some(self.retired().await?) } else { None })
                }
            };
            return Ok(match metadata {
                Some(metadata) => self.judge(newest, metadata, retired, hint, now),
                None => Pass::Moved,
            });
        }
        Err(self.gave_up("versions are created faster than they can be asked for", ROUNDS))
    }

    /// A version below the boundary is not part of the table, whatever its file holds.
    fn judge(
        &self,
        version: u64,
        metadata: Bytes,
        retired: Option<MetadataVersion>,
        hint: HintState,
        known_at: Duration,
    ) -> Pass {
        let version = MetadataVersion(version);
        if retired.is_some_and(|retired| version < retired) {
            return Pass::Moved;
        }
        Pass::Found(Box::new(Head { version, metadata, hint, retired, known_at }))
    }

    /// By the time after the last answer, so that slow answers count.
    fn is_old(&self, known: Known) -> bool {
        known.age(self.context().clock.elapsed()).is_none_or(needs_boundary_check)
    }

    async fn content(&self, version: u64) -> Result<Option<Bytes>, StoreError> {
        match self.read_version(MetadataVersion(version)).await {
            Ok(metadata) => Ok(Some(metadata)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn has(&self, version: u64) -> Result<bool, StoreError> {
        self.exists(&metadata_path(MetadataVersion(version))?).await
    }

    /// Something kept changing for as often as it was tried.
    pub(super) fn gave_up(&self, what: &str, times: u32) -> StoreError {
        StoreError::Unavailable {
            request: RequestKind::Get,
            location: self.location().to_string(),
            path: "metadata".to_owned(),
            attempts: times,
            waited_ms: 0,
            acted: Acted::No,
            retry_after: None,
            source: what.to_owned().into(),
        }
    }
}
