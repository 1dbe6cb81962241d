//! [`Work`]: an operation on its way: its names, what was sent of it, what it wrote, for how long it has been tried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::{StoreError, TablePath};
use datashard_spec::Uuid;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::property::{TableProperties, commit};

use crate::attempt::Attempt;
use crate::base::Base;
use crate::committed::Committed;
use crate::conflict::{Conflict, ConflictKind};
use crate::core::Core;
use crate::error::CommitError;
use crate::identity::{operation_id, snapshot_id};
use crate::inputs::Inputs;
use crate::loaded::Loaded;
use crate::next::NoNext;
use crate::operation::Operation;
use crate::own_writes::OwnWrites;
use crate::produced::NewManifest;
use crate::protocol::{AppKey, CommitId, Found, Generation, Member, OperationTag, Pending, Step};
use crate::read::Remembered;
use crate::token::CommitToken;

/// An operation on its way.
#[derive(Debug)]
pub(crate) struct Work {
    name: &'static str,
    key: Option<AppKey>,
    tag: OperationTag,
    pending: Pending,
    new_generation: Generation,
    operation_id: Uuid,
    snapshot_id: SnapshotId,
    epoch: MetadataVersion,
    table: Option<Uuid>,
    began: Duration,
    timeout: Duration,
    /// Versions sent, whatever came of them.
    sent: u32,
    losses: u32,
    /// Unclear answers and errors in a row.
    troubles: u32,
    attempt_began: Duration,
    /// The last version sent.
    last: Option<Attempt>,
    /// Whether its slot may still turn out to hold it. All slots below hold something else.
    is_open: bool,
    /// Whether it was sent to a slot that nobody has, and the store says that it refused. Then nothing of it is deleted (I3).
    may_arrive: bool,
    made: u32,
    earlier: Vec<NewManifest>,
    /// What earlier attempts read.
    loaded: Loaded,
    written: BTreeSet<TablePath>,
    /// Manifests and manifest lists among them.
    metadata_files: BTreeSet<TablePath>,
}

impl Work {
    pub(crate) fn begin(core: &Core, operation: &dyn Operation, key: Option<AppKey>) -> Self {
        let context = core.context();
        let view = core.view();
        let base = view.as_ref().map(|view| view.base.as_ref());
        let tag = OperationTag::of(context.randomness.next_u64(), &operation.fingerprint());
        let now = context.clock.elapsed();
        let of_table = || {
            let none = BTreeMap::new();
            let properties = base.map_or(&none, |base| base.metadata.properties());
            TableProperties::new(properties).value(&commit::TOTAL_TIMEOUT_MS)
        };
        Self {
            name: operation.name(),
            tag,
            pending: core.session().next(context, tag, key.clone()),
            key,
            new_generation: Generation(context.ids.uuid().as_u128()),
            operation_id: operation_id(context.ids.uuid(), tag, now),
            snapshot_id: snapshot_id(context.randomness.next_u64(), tag),
            epoch: base.map_or(MetadataVersion(0), |base| base.version),
            table: base.and_then(|base| base.metadata.table_uuid()),
            began: now,
            timeout: core.options.timeout.unwrap_or_else(|| Duration::from_millis(of_table())),
            sent: 0,
            losses: 0,
            troubles: 0,
            attempt_began: now,
            last: None,
            is_open: false,
            may_arrive: false,
            made: 0,
            earlier: Vec::new(),
            loaded: Loaded::default(),
            written: BTreeSet::new(),
            metadata_files: BTreeSet::new(),
        }
    }

    /// The operation, to be looked for. Nothing of it is under way unless an attempt is open, and then nothing has to be proved.
    pub(crate) fn pending_mut(&mut self) -> &mut Pending {
        if !self.is_open {
            self.pending.uncommitted = None;
        }
        &mut self.pending
    }

    pub(crate) fn new_generation(&self) -> Generation {
        self.new_generation
    }

    pub(crate) fn age(&self, core: &Core) -> Duration {
        core.context().clock.elapsed().saturating_sub(self.began)
    }

    pub(crate) fn member(&self, operation: &dyn Operation) -> Member {
        Member::direct(self.pending.session, self.pending.number, self.tag)
            .after(self.pending.before)
            .with_key(self.key.clone())
            .with_oldest_epoch(Some(
                operation.oldest_epoch().map_or(self.epoch, |oldest| oldest.min(self.epoch)),
            ))
    }

    pub(crate) fn step(&self, core: &Core, operation: &dyn Operation) -> Step {
        Step {
            commit: CommitId(core.context().ids.uuid().as_u128() ^ u128::from(self.tag.0)),
            generation: self.new_generation,
            file_floor: operation.file_floor(),
        }
    }

    pub(crate) fn inputs<'a>(
        &'a self,
        core: &'a Core,
        base: Option<&Base>,
        loaded: &'a Loaded,
    ) -> Inputs<'a> {
        let last_updated_ms = base.map_or(i64::MIN, |base| base.metadata.last_updated_ms());
        Inputs {
            location: core.store.location(),
            now_ms: core.context().clock.now_ms().max(last_updated_ms),
            snapshot_id: self.snapshot_id,
            operation_id: self.operation_id,
            epoch: self.epoch,
            attempt: self.made.saturating_add(1),
            loaded,
            earlier: &self.earlier,
            key: self.key.as_ref(),
            own: &[],
            rules: core.options.limits.rules,
        }
    }

    /// Manifests that need not be read.
    pub(crate) fn note_own_writes(&mut self, own: &OwnWrites) {
        for (read, bytes) in own.manifests() {
            self.loaded.insert(read, Remembered::Bytes(bytes.clone()));
        }
    }

    /// What earlier attempts read and is good for this base. It is given back by [`note_loaded`](Self::note_loaded).
    pub(crate) fn take_loaded(&mut self, base: &Base) -> Loaded {
        std::mem::take(&mut self.loaded).again(base)
    }

    /// What was read for an attempt.
    pub(crate) fn note_loaded(&mut self, loaded: Loaded) {
        self.loaded = loaded;
    }

    /// The operation is not committed as of this version, so what was sent to its slot or below has lost.
    pub(crate) fn uncommitted_as_of(&mut self, version: MetadataVersion) {
        let is_above = self.last.as_ref().is_some_and(|last| last.base.version > version);
        self.is_open = self.is_open && is_above;
    }

    /// The attempt that may still fill the slot after this base.
    pub(crate) fn open_attempt(&self) -> Option<Attempt> {
        if self.is_open { self.last.clone() } else { None }
    }

    /// Files that are written from now on tell of this base, where the epoch so far lies below its file floor: nothing that was written
    /// before is used then (R4). What the operation itself brings stays as it is.
    pub(crate) fn renew_epoch(&mut self, base: &Base) {
        let floor = base.state.as_ref().map_or(base.version, |state| state.file_floor);
        if self.epoch < floor {
            self.epoch = base.version;
            self.earlier.clear();
            self.loaded = Loaded::default();
        }
    }

    pub(crate) fn note_made(&mut self, core: &Core) {
        self.made = self.made.saturating_add(1);
        self.attempt_began = core.context().clock.elapsed();
    }

    /// What has to be written before the attempt can be sent.
    pub(crate) fn unwritten(&self, operation: &dyn Operation, attempt: &Attempt) -> Vec<(TablePath, Bytes)> {
        let manifests =
            attempt.manifests.iter().map(|manifest| (manifest.path.clone(), manifest.bytes.clone()));
        let all = operation.payload().into_iter().chain(manifests).chain(attempt.files.iter().cloned());
        all.filter(|(path, _)| !self.written.contains(path)).collect()
    }

    /// These files may be there from now on.
    pub(crate) fn note_writing(&mut self, files: &[(TablePath, Bytes)], attempt: &Attempt) {
        self.written.extend(files.iter().map(|(path, _)| path.clone()));
        self.metadata_files.extend(attempt.paths());
    }

    /// The files of this attempt are there: later attempts use its manifests again.
    pub(crate) fn note_written(&mut self, attempt: &Attempt) {
        for manifest in &attempt.manifests {
            if !self.earlier.iter().any(|earlier| earlier.path == manifest.path) {
                self.earlier.push(NewManifest { bytes: Bytes::new(), ..manifest.clone() });
            }
        }
    }

    pub(crate) fn note_sent(&mut self, attempt: &Attempt) {
        self.sent = self.sent.saturating_add(1);
        self.last = Some(attempt.clone());
        self.is_open = true;
    }

    /// The store says that it did not take it. If nothing was sent to that slot before, that is the end of it.
    pub(crate) fn note_refused(&mut self, was_open: bool) {
        self.may_arrive = self.is_open;
        self.is_open = self.is_open && was_open;
    }

    pub(crate) fn renew_session(&mut self, core: &Core) {
        self.pending = core.session().renew(core.context(), &self.pending, self.tag);
    }

    /// What happens to those who take an unclear answer for a failure.
    pub(crate) fn forget_sent(&mut self, core: &Core) {
        self.is_open = false;
        self.renew_session(core);
        self.pending.uncommitted = None;
        self.snapshot_id = snapshot_id(core.context().randomness.next_u64(), self.tag);
    }

    /// Somebody else was faster: the pause before the next attempt.
    ///
    /// # Errors
    /// When the time is up.
    pub(crate) fn lost(&mut self, core: &Core) -> Result<Duration, CommitError> {
        self.losses = self.losses.saturating_add(1);
        self.troubles = 0;
        let time_up = || self.time_up(format!("others committed first {} times", self.losses));
        self.check_time(core, time_up)?;
        if core.most_losses.is_some_and(|most| self.losses >= most) {
            return Err(time_up());
        }
        let took = core.context().clock.elapsed().saturating_sub(self.attempt_began);
        Ok(core.options.pace.after_loss(self.losses, took, core.context().randomness.next_u64()))
    }

    /// The store failed, or its answer settles nothing: the pause before it is asked again.
    ///
    /// # Errors
    /// When the time is up.
    pub(crate) fn trouble(
        &mut self,
        core: &Core,
        error: Option<Arc<StoreError>>,
    ) -> Result<Duration, CommitError> {
        self.troubles = self.troubles.saturating_add(1);
        let retry_after = error.as_ref().and_then(|error| error.retry_after());
        let random = core.context().randomness.next_u64();
        let pause = core.options.pace.after_trouble(self.troubles, retry_after, random);
        self.check_time(core, || match error {
            Some(error) => CommitError::Storage(error),
            None => self.time_up("the store keeps refusing".to_owned()),
        })?;
        Ok(pause)
    }

    /// For how long others are let go first after this commit, if it lost slots to them.
    pub(crate) fn after_win(&self, core: &Core) -> Option<Duration> {
        let took = core.context().clock.elapsed().saturating_sub(self.attempt_began);
        let pause = || core.options.pace.after_win(self.losses, took, core.context().randomness.next_u64());
        (self.losses > 0).then(pause)
    }

    fn time_up(&self, reason: String) -> CommitError {
        CommitError::Conflict(Box::new(Conflict::new(self.name, ConflictKind::TimeUp, reason)))
    }

    fn check_time(&self, core: &Core, otherwise: impl FnOnce() -> CommitError) -> Result<(), CommitError> {
        if self.age(core) < self.timeout { Ok(()) } else { Err(otherwise()) }
    }

    pub(crate) fn refused(&self, core: &Core, no: NoNext) -> CommitError {
        match no {
            NoNext::Refused(refusal) => CommitError::of_refusal(refusal, core.store.location().to_string()),
            NoNext::Ineligible(why) => CommitError::rejected(format!("{}: {}", self.name, ineligible(why))),
        }
    }

    /// The outcome is not known.
    pub(crate) fn unknown(&self, reason: impl Into<String>, source: Option<Arc<StoreError>>) -> CommitError {
        let token = CommitToken { table: self.table, pending: self.pending.clone() };
        CommitError::CommitStateUnknown { token: Box::new(token), reason: reason.into(), source }
    }

    pub(crate) fn committed(&self, version: MetadataVersion, snapshot_id: Option<SnapshotId>) -> Committed {
        Committed { version, snapshot_id, duplicate: false, attempts: self.sent }
    }

    /// The answer for an operation that was found in the table.
    pub(crate) fn found(&self, found: Found, base: &Base) -> Committed {
        match found {
            Found::Session { version } => {
                let attempt = self.last.as_ref().filter(|last| last.base.version == version);
                self.committed(version, attempt.and_then(|attempt| attempt.snapshot_id))
            }
            Found::Key => {
                if self.sent > 0 && base.metadata.has_snapshot(self.snapshot_id) {
                    return self.committed(base.version, Some(self.snapshot_id));
                }
                Committed {
                    version: base.version,
                    snapshot_id: self.key.as_ref().and_then(|key| crate::lookup::snapshot_of_key(base, key)),
                    duplicate: true,
                    attempts: self.sent,
                }
            }
        }
    }

    /// Ends the operation: the session goes on or is given up, and what nobody needs is removed.
    pub(crate) fn settle(
        self,
        core: &Core,
        outcome: Result<Committed, CommitError>,
    ) -> (Result<Committed, CommitError>, Vec<TablePath>) {
        match outcome {
            Ok(committed) => {
                let landed = self.last.as_ref().filter(|last| last.base.version == committed.version);
                match landed.filter(|_| !committed.duplicate) {
                    Some(landed) => {
                        core.session().advance(&self.pending);
                        let needed = landed.paths();
                        let leavings = self.metadata_files.into_iter().filter(|path| !needed.contains(path));
                        (Ok(committed), leavings.collect())
                    }
                    // Which attempt it was is not known, or it was another operation: nothing is touched.
                    None => {
                        if committed.attempts == 0 {
                            core.session().give_back(&self.pending);
                        }
                        (Ok(committed), Vec::new())
                    }
                }
            }
            Err(error @ CommitError::CommitStateUnknown { .. }) => (Err(error), Vec::new()),
            // Something sent may yet arrive: whatever went wrong, that is what has to be known (R10).
            Err(error) if self.is_open => {
                let source = match &error {
                    CommitError::Storage(error) => Some(Arc::clone(error)),
                    _ => None,
                };
                (Err(self.unknown(error.to_string(), source)), Vec::new())
            }
            Err(error) => {
                core.session().give_back(&self.pending);
                // The operation's own files stay: the caller may have sent it before, and that may yet be committed. If nobody refers to
                // them, the collector finds them.
                let leavings = if self.may_arrive { BTreeSet::new() } else { self.metadata_files };
                (Err(error), leavings.into_iter().collect())
            }
        }
    }
}

fn ineligible(why: crate::protocol::Ineligible) -> String {
    use crate::protocol::Ineligible;
    match why {
        Ineligible::OutOfOrder { last } => format!("its session is at number {last}"),
        Ineligible::StagedBelowFloor { floor } => format!("it was staged before version {floor}"),
        Ineligible::FilesBelowFloor { floor } => format!(
            "it adds files that were begun before version {floor}, which may have been collected: write them anew"
        ),
        Ineligible::Exhausted => "no version number is left".to_owned(),
    }
}
