//! The other end of a simulated store: its files, its clock, its moods, and its memory of what was asked.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::path::Path;

use super::answer::Answer;
use super::clock::{START_MS, to_ms};
use super::fault::{Effect, Fault, Loss};
use super::flight::{Flight, Plan, Trouble, Waiting};
use super::hash::{mix, mix_bytes, nanos};
use super::objects::{Objects, Operation, Reply};
use super::process::{Process, ProcessId};
use super::profile::Profile;
use super::random_faults::RandomFaults;
use super::request_log::{Answered, LoggedRequest, RequestLog};
use super::schedule::{Core, lock};

/// What all handles of a store share.
pub(super) struct Shared {
    pub(super) core: Arc<Core>,
    pub(super) server: Mutex<Server>,
}

pub(super) struct Server {
    pub(super) objects: Objects,
    pub(super) profile: Profile,
    pub(super) faults: Vec<Fault>,
    pub(super) random_faults: RandomFaults,
    pub(super) log: RequestLog,
    pub(super) partitions: Vec<(ProcessId, Partition)>,
    /// The store's clock minus the simulation's.
    pub(super) clock_offset_ms: i64,
    /// When each name was last written, if the store cares.
    last_writes: BTreeMap<String, u64>,
    random: fastrand::Rng,
}

/// How a process is cut off from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Partition {
    /// Connections are refused at once: certainly not acted on.
    Refused,
    /// Requests vanish: not acted on, and no answer ever.
    Silent,
    /// Requests arrive and are acted on, but no answer comes back.
    OneWay,
}

impl Shared {
    pub(super) fn new(core: &Arc<Core>, profile: Profile) -> Self {
        let random = fastrand::Rng::with_seed(core.random_u64());
        let mut server = Server {
            objects: Objects::default(),
            profile: Profile::instant(),
            faults: Vec::new(),
            random_faults: RandomFaults::none(),
            log: RequestLog::new(10_000),
            partitions: Vec::new(),
            clock_offset_ms: 0,
            last_writes: BTreeMap::new(),
            random,
        };
        server.set_profile(profile);
        Self { core: Arc::clone(core), server: Mutex::new(server) }
    }

    /// Sends a request on behalf of the process whose task is being polled.
    ///
    /// Outside of a running simulation there is nothing that would carry it: it fails as one without a connection.
    pub(super) fn send(self: &Arc<Self>, operation: Operation) -> Result<Waiting, Trouble> {
        let Some(process) = self.core.current() else {
            return Err(Trouble::Connection(io::ErrorKind::ConnectionRefused));
        };
        let now_ns = self.core.now_ns();
        let signed_ms = Process::now_ms(&self.core, process);
        let mut server = lock(&self.server);
        let (number, plan) = server.plan(&operation, process, now_ns);
        let words = mix_bytes(mix(number, now_ns), operation.key().as_bytes());
        self.core.trace(mix(mix(words, process.number()), operation.body_bytes()));
        drop(server);
        Ok(Flight::start(self, operation, signed_ms, number, plan))
    }

    /// The store's time in ms since 1970.
    pub(super) fn now_ms(&self, server: &Server) -> i64 {
        START_MS.saturating_add(to_ms(self.core.now_ns())).saturating_add(server.clock_offset_ms)
    }
}

impl Server {
    pub(super) fn set_profile(&mut self, profile: Profile) {
        self.objects.page_size = profile.page_size.max(1);
        self.objects.delete_needs_file = profile.delete_needs_file;
        self.objects.has_generations = profile.is_gcs;
        self.profile = profile;
    }

    pub(super) fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    /// Decides what will become of a request, and remembers it.
    fn plan(&mut self, operation: &Operation, process: ProcessId, now_ns: u64) -> (u64, Plan) {
        let (kind, key) = (operation.kind(), operation.key());
        let (up_ns, down_ns) = self.profile.draw(kind, operation.body_bytes(), &mut self.random);
        let cut_off = self.partitions.iter().find(|(own, _)| *own == process).map(|(_, how)| match how {
            Partition::Refused => Effect::NoConnection,
            Partition::Silent => Effect::LoseRequest(Loss::Silence),
            Partition::OneWay => Effect::LoseAnswer(Loss::Silence),
        });
        let effect = cut_off
            .or_else(|| self.faults.iter_mut().find_map(|fault| fault.strike(kind, key, process, now_ns)))
            .or_else(|| self.random_faults.draw(kind, &mut self.random));
        let number = self.log.add(|| LoggedRequest {
            kind,
            operation: operation.name(),
            key: key.to_owned(),
            process: Some(process),
            sent: Duration::from_nanos(now_ns),
            acted: None,
            times_acted: 0,
            ended: None,
            answered: Answered::Waiting,
        });
        (number, Plan { up_ns, down_ns, effect })
    }

    /// Whether a request whose caller is gone is acted on.
    pub(super) fn acts_on_abandoned(&mut self) -> bool {
        self.random.u16(..1_000) < self.profile.abandoned_acted_per_mille
    }

    /// What the store says to a request before it looks for the file.
    pub(super) fn refuses(
        &self,
        operation: &Operation,
        signed_ms: i64,
        now_ms: i64,
        now_ns: u64,
    ) -> Option<Answer> {
        let age_ms = signed_ms.abs_diff(now_ms);
        if self.profile.signature_age.is_some_and(|most| Duration::from_millis(age_ms) > most) {
            return Some(Answer::clock_skewed());
        }
        let pause_ns = nanos(self.profile.pause_between_writes);
        let key = written_key(operation).filter(|_| pause_ns > 0)?;
        let last = self.last_writes.get(key.as_ref())?;
        (now_ns < last.saturating_add(pause_ns)).then(Answer::too_many_requests)
    }

    /// Does what a request asks for, or half of it.
    pub(super) fn apply(
        &mut self,
        number: u64,
        operation: &Operation,
        only_half: bool,
        now_ms: i64,
        now_ns: u64,
    ) -> Result<Reply, Answer> {
        if let Some(entry) = self.log.entry(number) {
            entry.acted = Some(Duration::from_nanos(now_ns));
            entry.times_acted = entry.times_acted.saturating_add(1);
        }
        let result = match operation {
            Operation::Delete { keys } if only_half => {
                let half = keys.iter().skip(1).step_by(2).cloned().collect();
                self.objects.apply(&Operation::Delete { keys: half }, now_ms)?;
                let failed = |index: usize| index.is_multiple_of(2).then(Answer::internal_error);
                Ok(Reply::Deleted((0..keys.len()).map(failed).collect()))
            }
            _ => self.objects.apply(operation, now_ms),
        };
        if result.is_ok()
            && !self.profile.pause_between_writes.is_zero()
            && let Some(key) = written_key(operation)
        {
            self.last_writes.insert(key.as_ref().to_owned(), now_ns);
        }
        result
    }
}

/// The name that a request would write.
fn written_key(operation: &Operation) -> Option<&Path> {
    match operation {
        Operation::Put { key, .. } | Operation::Complete { key, .. } | Operation::Copy { to: key, .. } => {
            Some(key)
        }
        _ => None,
    }
}
