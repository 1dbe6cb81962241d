//! From a URL and options to a store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use object_store::ObjectStore;
use object_store::memory::InMemory;

#[cfg(feature = "cloud")]
use super::RetryPolicy;
use super::options::{Settled, StoreOptions, refuse_others};
use super::{Conditions, Parts, Probe, TableStore};
use crate::error::StoreError;
use crate::location::{Location, Scheme, split_query};
#[cfg(feature = "cloud")]
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

#[cfg(not(feature = "local"))]
async fn open_folder(location: Location, _settled: Settled) -> Result<TableStore, StoreError> {
    Err(lacks_feature(&location, "local"))
}

#[cfg(feature = "local")]
async fn open_folder(location: Location, settled: Settled) -> Result<TableStore, StoreError> {
    use crate::local::{LocalFolder, LocalOptions};
    let Settled { settings, unsafe_single_writer, durability, retry, context } = settled;
    refuse_others(&settings, "folders")?;
    let root = if location.root().is_empty() { "/" } else { location.root() }.to_owned();
    let options =
        LocalOptions::default().with_durability(durability).with_unsafe_single_writer(unsafe_single_writer);
    let of_folder = context.clone();
    let open = move || LocalFolder::open(std::path::Path::new(&root), options, of_folder);
    // A network mount may take its time.
    let folder = match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(open).await.map_err(|error| StoreError::Unavailable {
            request: crate::request::RequestKind::Head,
            location: location.to_string(),
            path: String::new(),
            attempts: 1,
            waited_ms: 0,
            acted: crate::error::Acted::No,
            retry_after: None,
            source: error.into(),
        })??,
        Err(_) => open()?,
    };
    let conditions = Conditions { probe: Probe::known(), unsafe_single_writer };
    let store = TableStore::from_folder(folder, location, context, retry.unwrap_or_default())?;
    Ok(store.with_conditions(conditions))
}

fn open_memory(location: Location, settled: Settled) -> Result<TableStore, StoreError> {
    refuse_others(&settled.settings, "memory")?;
    let store = memory(location.container());
    let conditions = Conditions { probe: Probe::known(), unsafe_single_writer: settled.unsafe_single_writer };
    let parts = Parts {
        store,
        prefix: location.root().to_owned(),
        location,
        context: settled.context,
        counters: Arc::default(),
        counted_below: false,
        #[cfg(feature = "local")]
        local: None,
    };
    Ok(TableStore::from_parts(parts, settled.retry.unwrap_or_default())?.with_conditions(conditions))
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
    let retry = settled.retry.unwrap_or_else(|| {
        let policy = RetryPolicy::default();
        opened.request_timeout.map_or(policy, |timeout| policy.with_request_timeout(timeout))
    });
    let conditions =
        Conditions { probe: Probe::of(&opened.identity), unsafe_single_writer: settled.unsafe_single_writer };
    let parts = Parts {
        store: opened.store,
        prefix: location.root().to_owned(),
        location,
        context: settled.context,
        counters,
        counted_below: true,
        #[cfg(feature = "local")]
        local: None,
    };
    Ok(TableStore::from_parts(parts, retry)?.with_conditions(conditions).with_multipart(opened.multipart))
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

#[cfg(test)]
mod tests;
