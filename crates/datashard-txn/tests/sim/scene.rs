//! [`Scene`]: a small world for one row of the failure catalogue, in which nothing goes wrong but what the test asks for.

use std::time::Duration;

use datashard_io::request::RequestKind;
use datashard_io::sim::{Effect, Fault, LoggedRequest, Process, Profile, SimStore, Simulation};
use datashard_io::store::RetryPolicy;
use datashard_txn::action::Append;
use datashard_txn::protocol::{AppKey, Limits};
use datashard_txn::{CommitError, Committed, Committer, Rules};

use crate::auditor::{Found, STRANGERS, audit};
use crate::ledger::What;
use crate::plan::{Foreign, Mood, Plan};
use crate::site::{Site, create_table};

/// Metadata files.
pub(crate) const METADATA: &str = "*/metadata/v*.metadata.json";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A small world for one row of the catalogue. Its table has the versions 1 and 2.
pub(crate) struct Scene {
    pub(crate) simulation: Simulation,
    pub(crate) site: Site,
}

impl Scene {
    /// With a store that answers after 10 ms.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, Profile::every(ms(10)), |_| {})
    }

    /// With this store, and whatever else is to be as usual or not.
    pub(crate) fn with(seed: u64, profile: Profile, change: impl FnOnce(&mut Plan)) -> Self {
        let scene = Self::without_table(seed, profile, change);
        let process = scene.process("maker");
        let site = scene.site.clone();
        let made = async move {
            let (store, options) = (site.table(&process), site.options(&process));
            let (table, _) = Committer::create(store, create_table(), options).await.unwrap();
            site.ledger().tables_made += 1;
            append(&site, &table).await.unwrap();
            table.flush().await;
        };
        scene.run(made);
        scene
    }

    /// The same without a table.
    pub(crate) fn without_table(seed: u64, profile: Profile, change: impl FnOnce(&mut Plan)) -> Self {
        let simulation = Simulation::new(seed);
        let mut plan = Plan {
            seed,
            mood: Mood::Busy,
            profile,
            limits: Limits::default().with_rules(Rules::all()),
            retry: RetryPolicy::default(),
            timeout: seconds(120),
            strict: false,
            group_limit: 1_024,
            workers: 0,
            lanes: 0,
            operations: 0,
            think: Duration::ZERO,
            readers: 0,
            apps: 0,
            fault_rate: 0.0,
            faults: Vec::new(),
            disturbances: 0,
            longest_pause: Duration::ZERO,
            clones: false,
            retires: false,
            sweeps: false,
            foreign: Foreign::Absent,
            mixed: None,
        };
        change(&mut plan);
        let store = SimStore::new(&simulation, plan.profile.clone());
        for key in STRANGERS {
            store.insert(key, key).unwrap();
        }
        let site = Site::new(store, plan, simulation.process("nemesis"));
        Self { simulation, site }
    }

    pub(crate) fn process(&self, name: &str) -> Process {
        self.simulation.process(name)
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.simulation.run(future).unwrap()
    }

    /// Runs a task of a process.
    pub(crate) fn run_in<T: Send + 'static>(
        &self,
        process: &Process,
        future: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.run(process.spawn(future)).unwrap()
    }

    /// The table, opened by a process that knows nothing yet.
    pub(crate) fn open(&self, process: &Process) -> Committer {
        let (site, own) = (self.site.clone(), process.clone());
        self.run_in(process, async move { open(&site, &own).await })
    }

    /// An append by a process, from its beginning to its end.
    pub(crate) fn append(&self, process: &Process, table: &Committer) -> Result<Committed, CommitError> {
        let (site, table) = (self.site.clone(), table.clone());
        self.run_in(process, async move { append(&site, &table).await })
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.run(self.simulation.context().clock.sleep(time));
    }

    /// The effect befalls the next request of this kind and path.
    pub(crate) fn once(&self, kind: RequestKind, pattern: &str, effect: Effect) {
        self.site.store.add_fault(Fault::on(kind, pattern).doing(effect));
    }

    /// Requests of a kind so far whose key ends so.
    pub(crate) fn sent(&self, kind: RequestKind, contains: &str) -> Vec<LoggedRequest> {
        let requests = self.site.store.requests().into_iter();
        requests.filter(|request| request.kind == kind && request.key.contains(contains)).collect()
    }

    /// Audits the table.
    pub(crate) fn audit(&self) -> Found {
        audit(&self.site).unwrap_or_else(|what| panic!("seed {}: {what}", self.simulation.seed()))
    }
}

/// Opens the table.
pub(crate) async fn open(site: &Site, process: &Process) -> Committer {
    Committer::open(site.table(process), site.options(process)).await.unwrap()
}

/// Appends a file.
pub(crate) async fn append(site: &Site, table: &Committer) -> Result<Committed, CommitError> {
    let (append, files) = site.append(table.store(), 1, None);
    let record = site.ledger().begin(What::Append, files);
    let answer = table.append(append).await;
    site.ledger().end(record, &answer);
    answer
}

/// Appends a file under a key, taken down in the ledger.
pub(crate) async fn append_keyed(
    site: &Site,
    table: &Committer,
    key: &AppKey,
) -> (Append, usize, Result<Committed, CommitError>) {
    let (append, files) = site.append(table.store(), 1, None);
    let record = site.ledger().begin(What::Keyed(key.clone()), files);
    let answer = table.commit(append.clone(), Some(key.clone())).await;
    site.ledger().end(record, &answer);
    (append, record, answer)
}
