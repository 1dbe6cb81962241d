//! [`SimStore`]: a bucket in memory, strongly consistent, that answers when and how a test wants it to.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;

use super::bucket::STORE;
use super::clock::to_ms;
use super::executor::Simulation;
use super::fault::Fault;
use super::objects::Quirks;
use super::process::Process;
use super::profile::Profile;
use super::random_faults::RandomFaults;
use super::request_log::LoggedRequest;
use super::schedule::lock;
use super::server::{Partition, Server, Shared};
use crate::context::Context;
use crate::error::StoreError;
use crate::location::Location;
use crate::request::Counters;
use crate::store::{Conditions, Parts, Probe, RetryPolicy, TableStore};

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
    pub(super) shared: Arc<Shared>,
    /// The counters of the table that uses this handle.
    pub(super) counters: Option<Arc<Counters>>,
}

impl SimStore {
    /// An empty bucket.
    pub fn new(simulation: &Simulation, profile: Profile) -> Self {
        Self { shared: Arc::new(Shared::new(simulation.core(), profile)), counters: None }
    }

    /// A table in this bucket, at `table/`, used by the process that `context` is of. Every table has counters of its own.
    ///
    /// It takes for granted that the bucket honours conditions, so that its first write costs one request like all others.
    pub fn table(&self, context: Context) -> TableStore {
        self.table_with(context, RetryPolicy::default())
    }

    /// The same with a retry policy of the caller's.
    pub fn table_with(&self, context: Context, retry: RetryPolicy) -> TableStore {
        #[expect(clippy::expect_used, reason = "the path is a constant of the right form")]
        self.open("table", context, retry, Probe::known()).expect("a table at a constant path")
    }

    /// A table at another path of this bucket, which before its first create finds out whether the bucket honours conditions,
    /// as tables on real buckets do.
    ///
    /// # Errors
    /// `InvalidInput` if the path is none.
    pub fn unproven_table(&self, path: &str, context: Context) -> Result<TableStore, StoreError> {
        self.open(path, context, RetryPolicy::default(), Arc::default())
    }

    fn open(
        &self,
        path: &str,
        context: Context,
        retry: RetryPolicy,
        probe: Arc<Probe>,
    ) -> Result<TableStore, StoreError> {
        let counters: Arc<Counters> = Arc::default();
        let store = Self { shared: Arc::clone(&self.shared), counters: Some(Arc::clone(&counters)) };
        let scheme = if self.server(|server| server.profile.is_gcs) { "gs" } else { "s3" };
        let parts = Parts {
            store: Arc::new(store.clone()),
            prefix: path.to_owned(),
            location: Location::parse(&format!("{scheme}://sim/{path}"))?,
            context,
            counters,
            counted_below: true,
            #[cfg(feature = "local")]
            local: None,
        };
        let conditions = Conditions { probe, unsafe_single_writer: false };
        let table = TableStore::from_parts(parts, retry)?;
        Ok(table.with_multipart(Arc::new(store)).with_conditions(conditions))
    }

    /// Other times and habits from now on.
    pub fn set_profile(&self, profile: Profile) {
        self.server(|server| server.set_profile(profile));
    }

    /// What does not hold on this store from now on.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.server(|server| server.objects.quirks = quirks);
    }

    /// Adds a fault. Of several that fit one request, the one added first strikes; those after it do not see the request.
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

    /// From here on, what each key holds first is kept for [`first_object`](Self::first_object), whatever becomes of it.
    pub fn keep_first_objects(&self) {
        self.server(|server| server.objects.keep_first());
    }

    /// The bytes that a key held first, even if it was deleted or written anew since; `None` unless
    /// [`keep_first_objects`](Self::keep_first_objects) was called before it was written.
    pub fn first_object(&self, key: &str) -> Option<Bytes> {
        self.server(|server| server.objects.first_bytes(key))
    }

    /// All keys in order, without a request.
    pub fn keys(&self) -> Vec<String> {
        self.server(|server| server.objects.keys().cloned().collect())
    }

    /// Puts a file there, without a request.
    ///
    /// # Errors
    /// If the key is none that the client's library takes.
    pub fn insert(&self, key: &str, bytes: impl Into<Bytes>) -> object_store::Result<()> {
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

    pub(super) fn server<T>(&self, of: impl FnOnce(&mut Server) -> T) -> T {
        of(&mut lock(&self.shared.server))
    }
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
