//! What tests of faults share: a simulated bucket with one table, and a few words for what is looked at.

use std::time::Duration;

use bytes::Bytes;
use datashard_io::request::RequestKind;
use datashard_io::sim::{Effect, Fault, LoggedRequest, Profile, SimStore, Simulation};
use datashard_io::{Created, StoreError, TablePath, TableStore};

/// A bucket, and a table in it that the process "main" uses.
pub(crate) struct World {
    pub(crate) simulation: Simulation,
    pub(crate) store: SimStore,
    pub(crate) table: TableStore,
}

impl World {
    /// Every request takes 10 ms.
    pub(crate) fn new() -> Self {
        Self::with(1, Profile::every(Duration::from_millis(10)))
    }

    pub(crate) fn with(seed: u64, profile: Profile) -> Self {
        let simulation = Simulation::new(seed);
        let store = SimStore::new(&simulation, profile);
        let table = store.table(simulation.context());
        Self { simulation, store, table }
    }

    /// The first request of this kind, whatever it asks for, suffers this.
    pub(crate) fn once(&self, kind: RequestKind, effect: Effect) {
        self.store.add_fault(Fault::on(kind, "*").doing(effect));
    }

    /// All requests of this kind suffer this.
    pub(crate) fn always(&self, kind: RequestKind, effect: Effect) {
        self.store.add_fault(Fault::on(kind, "*").always().doing(effect));
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.simulation.run(future).unwrap()
    }

    pub(crate) fn create(&self, path: &str, bytes: &'static str) -> Result<Created, StoreError> {
        self.run(self.table.create(&at(path), Bytes::from_static(bytes.as_bytes())))
    }

    pub(crate) fn put(&self, path: &str, bytes: &'static str) -> Result<(), StoreError> {
        self.run(self.table.put(&at(path), Bytes::from_static(bytes.as_bytes())))
    }

    pub(crate) fn read(&self, path: &str) -> Result<Bytes, StoreError> {
        self.run(self.table.read(&at(path), 1_000_000))
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&self, time: Duration) {
        self.run(self.simulation.context().clock.sleep(time));
    }

    /// What a file of the table holds, without a request.
    pub(crate) fn held(&self, path: &str) -> Option<Bytes> {
        self.store.object(&format!("table/{path}"))
    }

    /// Puts a file there, without a request.
    pub(crate) fn hold(&self, path: &str, bytes: &'static str) {
        self.store.insert(&format!("table/{path}"), bytes).unwrap();
    }

    /// The requests of this kind so far.
    pub(crate) fn sent(&self, kind: RequestKind) -> Vec<LoggedRequest> {
        self.store.requests().into_iter().filter(|request| request.kind == kind).collect()
    }

    /// How many requests of each kind were sent: PUT, GET, HEAD, LIST, DELETE.
    pub(crate) fn counts(&self) -> [usize; 5] {
        let counts = RequestKind::ALL.map(|kind| self.sent(kind).len());
        let counted = self.table.counts();
        let own = [counted.put, counted.get, counted.head, counted.list, counted.delete];
        assert_eq!(counts.map(|n| n as u64), own, "the table counts what it sends");
        counts
    }

    /// The shortest time between the sending of two requests that follow each other.
    pub(crate) fn shortest_pause(&self) -> Duration {
        let sent: Vec<Duration> = self.store.requests().iter().map(|request| request.sent).collect();
        sent.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap()
    }
}

pub(crate) fn at(path: &str) -> TablePath {
    TablePath::parse(path).unwrap()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The error of an answer that is unclear.
pub(crate) fn unclear(created: Result<Created, StoreError>) -> StoreError {
    match created {
        Ok(Created::Unclear(error)) => *error,
        other => panic!("unclear was due, not {other:?}"),
    }
}

pub(crate) fn is_yes(created: Result<Created, StoreError>) -> bool {
    matches!(created, Ok(Created::Yes))
}

pub(crate) fn is_no(created: Result<Created, StoreError>) -> bool {
    matches!(created, Ok(Created::No))
}
