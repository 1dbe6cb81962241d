//! [`FileLocations`]: where new files go and what they are called.
//!
//! Names are new each time (a writer's UUID and a counter), and nothing is ever read back from one: folders are for people and for
//! buckets that spread load by key.

use std::sync::atomic::{AtomicU64, Ordering};

use datashard_spec::partition::PartitionSpec;
use datashard_spec::transform::bucket;
use datashard_spec::value::Value;
use uuid::Uuid;

use super::options::{Layout, WriteOptions};
use crate::context::Context;
use crate::data_error::DataError;
use crate::error::StoreError;
use crate::path::TablePath;
use crate::store::TableStore;

/// The longest name of a folder that file systems take, in bytes.
const MAX_FOLDER_BYTES: usize = 255;
/// The longest path of partition folders, in bytes. Keys of buckets have 1,024, and the table and the file name need some.
const MAX_PARTITION_BYTES: usize = 512;

/// Where a file lies: in the store, and by the name that manifests give it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileLocation {
    /// Its path below the table.
    pub path: TablePath,
    /// Its whole name, spelled as the table's location or its property `write.data.path` is.
    pub location: String,
}

/// Gives out the locations of one writer's files. No two are ever equal, those of other writers included.
///
/// | layout | location |
/// |---|---|
/// | plain | `<data>/<partition>/<name>` |
/// | object storage | `<data>/<hash>/<partition>/<name>` |
/// | the same, without partitions in paths | `<data>/<hash>-<name>` |
///
/// `<data>` is `<table>/data`, or what `write.data.path` says. A value too long for a folder's name is cut: files are told apart by their
/// names.
///
/// # Spec
/// None: a convention that other implementations share.
///
/// # Examples
/// ```
/// # use std::collections::BTreeMap;
/// use datashard_io::context::Context;
/// use datashard_io::write::{FileLocations, WriteOptions};
/// # use datashard_io::{StoreOptions, TableStore};
/// # use datashard_spec::manifest::FileContent;
/// # use datashard_spec::partition::PartitionSpec;
/// # use datashard_spec::property::TableProperties;
/// # use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// # use datashard_spec::sort_order::SortOrder;
/// use datashard_spec::value::Value;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let schema = Schema::new(vec![NestedField::optional(1, "city", PrimitiveType::String)])?;
/// # let set = BTreeMap::new();
/// # let (properties, order) = (TableProperties::new(&set), SortOrder::unsorted());
/// # let (options, _) = WriteOptions::from_properties(&schema, &order, properties, FileContent::Data)?;
/// # let store = TableStore::open("memory://lake/visits", StoreOptions::new()).await?;
/// let spec = PartitionSpec::builder(&schema).identity("city").build()?;
/// let locations = FileLocations::new(&store, &options, &Context::system())?;
/// let file = locations.new_file(&spec, &[Some(Value::from("São Paulo"))], ".parquet")?;
/// assert_eq!(file.path.folder(), "data/city=S%C3%A3o+Paulo");
/// assert!(file.location.starts_with("memory://lake/visits/data/city=S%C3%A3o+Paulo/00000-"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FileLocations {
    store: TableStore,
    /// The folder of data below the table; empty if it is the table's own.
    folder: String,
    /// The same as manifests spell it, without a slash at the end.
    data: String,
    layout: Layout,
    prefix: String,
    writer: Uuid,
    counter: AtomicU64,
}

impl FileLocations {
    /// The locations of a new writer's files, by the options' data path and layout.
    ///
    /// # Errors
    /// `InvalidInput` if the table's location in the options is not where `store` lies. `Unsupported` if data is to go outside of the
    /// table: a [`TableStore`] reaches what lies below it only.
    pub fn new(store: &TableStore, options: &WriteOptions, context: &Context) -> Result<Self, DataError> {
        let table = options.table_location.clone().unwrap_or_else(|| store.location().to_string());
        let table = table.trim_end_matches('/');
        if store.location().relative(&format!("{table}/f")).is_err() {
            let reason =
                format!("`{table}` is not the place of the store that was handed in, {}", store.location());
            return Err(DataError::InvalidInput { what: "table location", reason });
        }
        let data = match &options.data_path {
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => format!("{table}/data"),
        };
        let inside = store.location().relative(&format!("{data}/f"));
        let folder = inside.map_err(|_| DataError::Unsupported {
            place: "table property write.data.path".to_owned(),
            what: format!("the data location `{data}`, which is not below the table at {table},"),
            advice: "a store reaches the files below its table only: set the property to a whole location below the table, or remove it"
                .to_owned(),
        })?;
        Ok(Self {
            store: store.clone(),
            folder: folder.folder().to_owned(),
            data,
            layout: options.layout,
            prefix: options.name_prefix.clone(),
            writer: context.ids.uuid(),
            counter: AtomicU64::new(0),
        })
    }

    /// The location of a new file of this partition. `suffix` ends its name: `.parquet`, `-deletes.parquet`.
    ///
    /// # Errors
    /// `InvalidInput` if the suffix has characters that no path may have.
    pub fn new_file(
        &self,
        spec: &PartitionSpec,
        partition: &[Option<Value>],
        suffix: &str,
    ) -> Result<FileLocation, DataError> {
        self.place(&self.layout.path(&partition_folders(spec, partition), &self.new_name(suffix)))
    }

    /// The location of a new file that belongs to several partitions, such as a Puffin file of deletion vectors.
    ///
    /// # Errors
    /// As [`new_file`](Self::new_file).
    pub fn new_shared_file(&self, suffix: &str) -> Result<FileLocation, DataError> {
        self.place(&self.layout.path("", &self.new_name(suffix)))
    }

    fn new_name(&self, suffix: &str) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{}{number:05}-{}{suffix}", self.prefix, self.writer)
    }

    fn place(&self, path: &str) -> Result<FileLocation, DataError> {
        let below = if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) };
        let below = TablePath::parse(&below).map_err(StoreError::from)?;
        let mut location = format!("{}/{path}", self.data);
        // In a `file:` URL with escapes of its own, those of partition folders would be resolved too.
        if self.store.location().relative(&location).ok().as_ref() != Some(&below) {
            location = self.store.location().file(&below);
        }
        Ok(FileLocation { path: below, location })
    }
}

impl Layout {
    /// The path of a file below the data location.
    fn path(self, folders: &str, name: &str) -> String {
        let plain = if folders.is_empty() { name.to_owned() } else { format!("{folders}/{name}") };
        match self {
            Self::Plain => plain,
            Self::ObjectStorage { partitioned: true } => format!("{}/{plain}", hash_folders(&plain)),
            Self::ObjectStorage { partitioned: false } => format!("{}-{name}", hash_folders(name)),
        }
    }
}

/// Folders that spread names evenly: twenty bits of the name's hash, as three folders of four and one of eight.
fn hash_folders(name: &str) -> String {
    let bits = bucket::hash_bytes(name.as_bytes()).cast_unsigned();
    let part = |shift: u32, mask: u32| bits >> shift & mask;
    format!("{:04b}/{:04b}/{:04b}/{:08b}", part(16, 0xf), part(12, 0xf), part(8, 0xf), part(0, 0xff))
}

/// The folders of a partition, empty if there is one partition only.
fn partition_folders(spec: &PartitionSpec, partition: &[Option<Value>]) -> String {
    if spec.is_unpartitioned() {
        return String::new();
    }
    let mut folders = String::new();
    for folder in spec.partition_path(partition).split('/') {
        let folder = cut(folder);
        if folders.len().saturating_add(folder.len()) >= MAX_PARTITION_BYTES {
            break;
        }
        if !folders.is_empty() {
            folders.push('/');
        }
        folders.push_str(folder);
    }
    folders
}

/// A folder's name, no longer than allowed. It is ASCII; an escape is kept whole or left out.
fn cut(folder: &str) -> &str {
    let Some(kept) = folder.get(..MAX_FOLDER_BYTES).filter(|_| folder.len() > MAX_FOLDER_BYTES) else {
        return folder;
    };
    match kept.rfind('%') {
        Some(escape) if kept.len().saturating_sub(escape) < 3 => kept.get(..escape).unwrap_or(kept),
        _ => kept,
    }
}

#[cfg(test)]
mod tests;
