//! From a URL and options to a store.

use std::collections::BTreeMap;
#[cfg(feature = "cloud")]
use std::sync::LazyLock;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use object_store::ObjectStore;
use object_store::memory::InMemory;

#[cfg(feature = "cloud")]
use super::options::Setting;
use super::options::{Settled, StoreOptions, refuse_others};
use super::{Conditions, Parts, Probe, RetryPolicy, TableStore};
use crate::error::StoreError;
use crate::location::{Location, Scheme, split_query};
use crate::request::Counters;

impl TableStore {
    /// Opens the place where a table lies or shall lie. Nothing is read or written: whether a bucket exists and whether it may be used
    /// shows with the first request.
    ///
    /// `url` is a path (`./dir`, `/dir`) or a URL: `file:///dir`, `s3://bucket/path`, `s3a://`, `gs://`, `az://container/path`,
    /// `abfss://container@account.dfs.core.windows.net/path`, or `memory://name/path`. All stores on `memory://name` share their files for
    /// the life of the process. The query of a URL holds options: `s3://bucket/path?region=eu-west-1`.
    ///
    /// # Errors
    /// `InvalidInput` for a location that is none, and for options that are unknown, have bad values or contradict each other;
    /// `Unsupported` if the build lacks the feature for the scheme, naming it; for folders what opening them says.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    ///
    /// # Examples
    /// ```
    /// use datashard_io::{Created, StoreOptions, TablePath, TableStore};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let store = TableStore::open("memory://example/events", StoreOptions::new()).await?;
    /// let path = TablePath::parse("metadata/v1.metadata.json")?;
    /// assert!(store.create(&path, "{}".into()).await?.is_yes());
    ///
    /// let same = TableStore::open("memory://example/events", StoreOptions::new()).await?;
    /// assert_eq!(same.read(&path, 1_000).await?, "{}");
    /// # Ok::<(), datashard_io::StoreError>(())
    /// # }).unwrap();
    /// ```
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let (base, query) = split_query(url);
        let location = Location::parse(base)?;
        let settled = options.settle(&location, query)?;
        match location.scheme() {
            Scheme::File => open_folder(location, settled).await,
            Scheme::Memory => open_memory(location, settled),
            Scheme::S3 | Scheme::Gcs | Scheme::Azure => open_bucket(location, settled),
        }
    }
}

async fn open_folder(location: Location, settled: Settled) -> Result<TableStore, StoreError> {
    refuse_others(&settled.settings, "folders")?;
    Err(lacks_feature(&location, "local"))
}

fn open_memory(location: Location, settled: Settled) -> Result<TableStore, StoreError> {
    refuse_others(&settled.settings, "memory")?;
    let store = memory(location.container());
    assemble(store, location, settled, None, Arc::default(), false, Probe::known())
}

/// The memory of a name, made if need be; it lives as long as the process.
fn memory(name: &str) -> Arc<dyn ObjectStore> {
    static MEMORIES: OnceLock<Mutex<BTreeMap<String, Arc<InMemory>>>> = OnceLock::new();
    let mut memories = MEMORIES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let memory: Arc<InMemory> = Arc::clone(memories.entry(name.to_owned()).or_default());
    memory
}

#[cfg(not(feature = "cloud"))]
fn open_bucket(location: Location, _settled: Settled) -> Result<TableStore, StoreError> {
    Err(lacks_feature(&location, feature_of(location.scheme())))
}

#[cfg(feature = "cloud")]
fn open_bucket(location: Location, settled: Settled) -> Result<TableStore, StoreError> {
    let counters = Arc::<Counters>::default();
    let surroundings =
        crate::cloud::Surroundings { context: settled.context.clone(), counters: Arc::clone(&counters) };
    let settings = &settled.settings;
    let probe = Probe::of(&identity(&location, settings));
    let opened = match location.scheme() {
        #[cfg(feature = "s3")]
        Scheme::S3 => crate::cloud::s3::open(&location, settings, &surroundings)?,
        #[cfg(feature = "gcs")]
        Scheme::Gcs => crate::cloud::gcs::open(&location, settings, &surroundings)?,
        #[cfg(feature = "azure")]
        Scheme::Azure => crate::cloud::azure::open(&location, settings, &surroundings)?,
        other => {
            let _ = (settings, &surroundings);
            return Err(lacks_feature(&location, feature_of(other)));
        }
    };
    assemble(opened.store, location, settled, opened.request_timeout, counters, true, probe)
}

/// What tells one bucket from another of its name: the kind of store, and the settings that say where it is.
#[cfg(feature = "cloud")]
fn identity(location: &Location, settings: &[Setting]) -> String {
    use std::hash::{BuildHasher, RandomState};
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut identity = format!("{:?} {}", location.scheme(), location.container());
    for setting in settings {
        let (name, value) = (setting.name(), setting.value());
        if ["endpoint", "endpoint_url", "base_url", "account_name"].iter().any(|end| name.ends_with(end)) {
            identity.push_str(&format!(" {}", value.trim().trim_end_matches('/')));
        } else if name.contains("service_account") {
            // It may hold an address; and a key, which is kept nowhere.
            identity.push_str(&format!(" {:x}", SEED.hash_one(value)));
        }
    }
    identity
}

fn assemble(
    store: Arc<dyn ObjectStore>,
    location: Location,
    settled: Settled,
    request_timeout: Option<std::time::Duration>,
    counters: Arc<Counters>,
    counted_below: bool,
    probe: Arc<Probe>,
) -> Result<TableStore, StoreError> {
    let retry = settled.retry.unwrap_or_else(|| {
        let policy = RetryPolicy::default();
        request_timeout.map_or(policy, |timeout| policy.with_request_timeout(timeout))
    });
    let prefix = location.root().to_owned();
    let conditions = Conditions { probe, unsafe_single_writer: settled.unsafe_single_writer };
    let parts = Parts { store, prefix, location, context: settled.context, counters, counted_below };
    Ok(TableStore::from_parts(parts, retry)?.with_conditions(conditions))
}

fn feature_of(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::File | Scheme::Memory => "local",
        Scheme::S3 => "s3",
        Scheme::Gcs => "gcs",
        Scheme::Azure => "azure",
    }
}

fn lacks_feature(location: &Location, feature: &'static str) -> StoreError {
    StoreError::Unsupported {
        what: "this kind of location",
        place: location.to_string(),
        reason: format!("this build lacks the feature `{feature}` of datashard-io"),
    }
}
