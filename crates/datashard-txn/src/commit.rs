//! The commit loop, as the protocol has it: where does the operation stand, what comes next, children first, then the one name.
//!
//! It decides nothing: [`standing`](Core::standing) and [`next`] do, over values. It moves bytes, and keeps account of what was sent.

use std::sync::Arc;
use std::time::Duration;

use datashard_io::TablePath;
use datashard_io::head::metadata_path;
use datashard_io::store::Created;
use datashard_spec::id::MetadataVersion;
use futures_util::future::{OptionFuture, join3};

use crate::attempt::Attempt;
use crate::committed::Committed;
use crate::core::Core;
use crate::error::CommitError;
use crate::loaded::Loaded;
use crate::next::{Next, NoNext, next};
use crate::operation::Operation;
use crate::protocol::{AppKey, Found, Ineligible, Standing, counts, must_check_boundary};
use crate::rules::Mutation;
use crate::view::View;
use crate::work::Work;

/// Where an operation's manifests are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The store.
    Store,
    /// Memory, those that the handle wrote itself. For operations that keep manifests whole.
    OwnWrites,
}

impl Core {
    /// Commits an operation. Also gives the files that nobody needs any more, now that its outcome is known (R10).
    ///
    /// # Cancel safety
    /// Dropped, it may have committed the operation or not, and what it sent may still arrive. Its number is not used again.
    pub(crate) async fn commit(
        &self,
        operation: &dyn Operation,
        key: Option<AppKey>,
        reading: Reading,
    ) -> (Result<Committed, CommitError>, Vec<TablePath>) {
        let mut work = Work::begin(self, operation, key);
        if reading == Reading::OwnWrites {
            work.note_own_writes(&self.own_writes());
        }
        let outcome = self.drive(&mut work, operation).await;
        work.settle(self, outcome)
    }

    async fn drive(&self, work: &mut Work, operation: &dyn Operation) -> Result<Committed, CommitError> {
        let mut view = self.view();
        let mut is_remembered = view.is_some();
        if !is_remembered {
            view = self.newest(None).await?;
        }
        loop {
            // Is it committed already, or certainly not? (R5, R6)
            match self.stands(work, view.as_ref()).await? {
                Standing::Committed(found) => return self.confirm(work, view.as_ref(), found).await,
                Standing::Uncommitted { new_session: false } => {}
                Standing::Uncommitted { new_session: true } => work.renew_session(self),
                Standing::AskHistory | Standing::Unknown => {
                    return Err(work.unknown("the table does not remember enough to tell", None));
                }
            }
            // What comes next? An attempt whose slot may still be filled by it is sent again as it is. (R1, R3, R4)
            let was_open = work.open_attempt();
            let attempt = match was_open.clone() {
                Some(attempt) => attempt,
                None => {
                    work.note_made(self);
                    if let Some(view) = &view {
                        work.renew_epoch(&view.base);
                    }
                    let loaded = match self.load(work, operation, view.as_mut()).await {
                        // What an old base refers to may have been expired and collected.
                        Err(CommitError::Corrupt { path, reason }) => {
                            let newest = self.look_after(work, view.as_ref()).await?;
                            if view.as_ref().is_some_and(|view| view.base.version == newest.base.version) {
                                // Or all of the table is gone, and nothing can be newer.
                                return match self.newest(None).await? {
                                    Some(_) => Err(CommitError::Corrupt { path, reason }),
                                    None => Err(self.table_is_gone()),
                                };
                            }
                            view = Some(newest);
                            work.lost(self)?;
                            continue;
                        }
                        loaded => loaded?,
                    };
                    let decided = self.decide(work, operation, view.as_ref(), &loaded);
                    work.note_loaded(loaded);
                    match decided {
                        Ok(next) => Attempt::new(next, view.as_ref()),
                        Err(NoNext::Ineligible(Ineligible::OutOfOrder { .. })) => {
                            work.renew_session(self);
                            continue;
                        }
                        Err(no) => {
                            // Whoever does it anew begins from what it was refused on.
                            if let Some(view) = &view {
                                self.note_view(view);
                            }
                            return Err(work.refused(self, no));
                        }
                    }
                }
            };
            // Children before their parent; beside them, whether somebody else was faster.
            let children = work.unwritten(operation, &attempt);
            work.note_writing(&children, &attempt);
            let path = metadata_path(attempt.base.version)?;
            let newest = view.as_ref().map(async |view| match std::mem::take(&mut is_remembered) {
                true => self.newest_since(view).await,
                false => self.newest(Some(view)).await,
            });
            let (written, staged, newest) = join3(
                self.store.put_all(children),
                self.store.stage(&path, attempt.bytes.clone()),
                OptionFuture::from(newest),
            )
            .await;
            written?;
            work.note_written(&attempt);
            self.own_writes().note(&attempt.manifests, self.store.location());
            if let Some(newest) = newest.transpose()? {
                let newest = newest.ok_or_else(|| self.table_is_gone())?;
                let is_newer = view.as_ref().is_none_or(|view| view.base.version != newest.base.version);
                view = Some(newest);
                if is_newer {
                    work.lost(self)?;
                    continue;
                }
            }
            // The commit point.
            let staged = staged?;
            let sent_at = self.context().clock.elapsed();
            work.note_sent(&attempt);
            match staged.create().await {
                Ok(Created::Yes) => {
                    if self.created_counts(work, view.as_ref(), attempt.base.version).await? {
                        self.note_view(&attempt.view(sent_at));
                        if let Some(pause) = work.after_win(self) {
                            self.let_others_go_first(pause);
                        }
                        self.own_writes().forget_replaced(&attempt.manifests);
                        return Ok(work.committed(attempt.base.version, attempt.snapshot_id));
                    }
                    // It lies below the retire boundary, in nobody's table.
                    self.forget_view();
                    view = Some(self.look_after(work, None).await?);
                }
                Ok(Created::No) => {
                    let lost = work.lost(self);
                    if let Ok(pause) = lost {
                        self.context().clock.sleep(pause).await;
                    }
                    let is_at_once = matches!(lost, Ok(Duration::ZERO));
                    view = match self.winner(view.as_ref().filter(|_| is_at_once)).await? {
                        Some(winner) => Some(winner),
                        None => self.after_answer(work, view).await?,
                    };
                    if let Err(time_is_up) = lost {
                        // Somebody has the slot. Whether it is this operation is worth the look, late as it is.
                        return match self.stands(work, view.as_ref()).await? {
                            Standing::Committed(found) => self.confirm(work, view.as_ref(), found).await,
                            _ => Err(time_is_up),
                        };
                    }
                }
                Ok(Created::Unclear(error)) => {
                    if !self.options.limits.rules.upholds(Mutation::AnswersAreTruth) {
                        work.forget_sent(self);
                    }
                    let pause = work.trouble(self, Some(Arc::from(error)))?;
                    self.context().clock.sleep(pause).await;
                    view = self.after_answer(work, view).await?;
                }
                Err(error) => {
                    // The store says that it did nothing. But a request may be delivered twice, and this speak of the second time.
                    if let Ok(Some(newest)) = self.newest(view.as_ref()).await
                        && let Ok(Standing::Committed(found)) = self.stands(work, Some(&newest)).await
                    {
                        return self.confirm(work, Some(&newest), found).await;
                    }
                    work.note_refused(was_open.is_some());
                    return Err(error.into());
                }
            }
        }
    }

    /// Where the operation stands as of the newest version known. Whatever slots it was sent to up to there are then settled.
    async fn stands(&self, work: &mut Work, view: Option<&View>) -> Result<Standing, CommitError> {
        let generation = work.new_generation();
        let Some(view) = view else {
            work.pending_mut().known_uncommitted(MetadataVersion(0), None, generation);
            return Ok(Standing::Uncommitted { new_session: false });
        };
        let standing = self.standing(work.pending_mut(), &view.base, generation).await?;
        if matches!(standing, Standing::Uncommitted { .. }) {
            work.uncommitted_as_of(view.base.version);
        }
        Ok(standing)
    }

    /// The one decision. Pure but for the commit id that it draws.
    fn decide(
        &self,
        work: &Work,
        operation: &dyn Operation,
        view: Option<&View>,
        loaded: &Loaded,
    ) -> Result<Next, NoNext> {
        let base = view.map(|view| view.base.as_ref());
        operation.validate(base).map_err(NoNext::Refused)?;
        let inputs = work.inputs(self, base, loaded);
        next(
            base,
            operation,
            &work.member(operation),
            work.step(self, operation),
            &inputs,
            self.options.limits,
        )
    }

    /// Whether a version counts that the store says it created (R2).
    async fn created_counts(
        &self,
        work: &Work,
        view: Option<&View>,
        version: MetadataVersion,
    ) -> Result<bool, CommitError> {
        let now = self.context().clock.elapsed();
        let age = match view {
            Some(view) => view.known.age(now),
            // Version 1 of a table that was not there when the operation began.
            None => Some(work.age(self)),
        };
        let is_due = must_check_boundary(age, self.options.strict);
        if !is_due || !self.options.limits.rules.upholds(Mutation::NoCheckAfterCreate) {
            return Ok(true);
        }
        Ok(counts(version, self.store.retired().await?))
    }

    /// The version that was faster, where nobody had the time for another one since: whether there is one is asked beside the next writes
    /// anyway.
    async fn winner(&self, view: Option<&View>) -> Result<Option<View>, CommitError> {
        let Some(view) = view else { return Ok(None) };
        match self.successor(view).await {
            // It is asked again, with pauses.
            Err(CommitError::Storage(error)) if error.is_retryable() => Ok(None),
            other => other,
        }
    }

    /// The newest version after an answer that settles nothing by itself (R1): advice, not truth.
    async fn after_answer(&self, work: &mut Work, view: Option<View>) -> Result<Option<View>, CommitError> {
        match view {
            Some(view) => Ok(Some(self.look_after(work, Some(&view)).await?)),
            // Nobody's version 1 was there. If it still is not, the same is sent again.
            None => self.look_for(work, None).await,
        }
    }

    /// The newest version of a table that is there.
    async fn look_after(&self, work: &mut Work, view: Option<&View>) -> Result<View, CommitError> {
        self.look_for(work, view).await?.ok_or_else(|| self.table_is_gone())
    }

    /// The newest version, asked for as long as the store is in trouble and time is left.
    async fn look_for(&self, work: &mut Work, view: Option<&View>) -> Result<Option<View>, CommitError> {
        loop {
            match self.newest(view).await {
                Err(CommitError::Storage(error)) if error.is_retryable() => {
                    let pause: Duration = work.trouble(self, Some(error))?;
                    self.context().clock.sleep(pause).await;
                }
                other => return other,
            }
        }
    }

    /// The operation was found in the table. In a folder a version may be seen before its name is durable.
    async fn confirm(
        &self,
        work: &Work,
        view: Option<&View>,
        found: Found,
    ) -> Result<Committed, CommitError> {
        let view = view.ok_or_else(|| self.table_is_gone())?;
        let version = Self::version_of(found, &view.base);
        self.store.make_name_durable(&metadata_path(version)?).await?;
        self.note_view(view);
        Ok(work.found(found, &view.base))
    }

    fn table_is_gone(&self) -> CommitError {
        self.forget_view();
        CommitError::NoTable { location: self.store.location().to_string() }
    }
}
