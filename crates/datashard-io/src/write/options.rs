//! [`WriteOptions`]: how files are written, from a table's properties and from code.

use std::sync::Arc;

use datashard_spec::manifest::FileContent;
use datashard_spec::property::{
    DeleteGranularity, MetricsConfig, PropertyWarning, TableProperties, WriteFormat, write,
};
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;

#[cfg(feature = "avro-data")]
use crate::avro::options::AvroWriteOptions;
use crate::data_error::DataError;
#[cfg(feature = "parquet")]
use crate::parquet::options::ParquetWriteOptions;

/// How data or delete files are written.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
///
/// use datashard_io::write::WriteOptions;
/// use datashard_spec::manifest::FileContent;
/// use datashard_spec::property::{TableProperties, WriteFormat};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_spec::sort_order::SortOrder;
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let set = BTreeMap::from([
///     ("write.format.default".to_owned(), "avro".to_owned()),
///     ("write.target-file-size-bytes".to_owned(), "big".to_owned()),
/// ]);
/// let properties = TableProperties::new(&set);
/// let (options, warnings) =
///     WriteOptions::from_properties(&schema, &SortOrder::unsorted(), properties, FileContent::Data)?;
/// assert_eq!(options.format(), WriteFormat::Avro);
/// assert_eq!(options.target_file_size_bytes(), 512 << 20);
/// assert_eq!(warnings[0].key, "write.target-file-size-bytes");
/// let options = options.with_target_file_size_bytes(64 << 20);
/// # assert_eq!(options.target_file_size_bytes(), 64 << 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct WriteOptions {
    pub(crate) content: FileContent,
    pub(crate) format: WriteFormat,
    pub(crate) target_file_size_bytes: u64,
    #[cfg(feature = "avro-data")]
    pub(crate) avro: AvroWriteOptions,
    #[cfg(feature = "parquet")]
    pub(crate) parquet: ParquetWriteOptions,
    pub(crate) metrics: Arc<MetricsConfig>,
    pub(crate) table_location: Option<String>,
    pub(crate) data_path: Option<String>,
    pub(crate) layout: Layout,
    pub(crate) delete_granularity: DeleteGranularity,
    pub(crate) sort_order: SortOrder,
    pub(crate) sort_memory_limit_bytes: usize,
    pub(crate) memory_limit_bytes: usize,
    pub(crate) max_open_files: usize,
    pub(crate) clustered: bool,
    pub(crate) name_prefix: String,
}

/// How the paths of files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Folders of partitions.
    Plain,
    /// Folders of a hash before them, or, not `partitioned`, in their place.
    ObjectStorage { partitioned: bool },
}

impl WriteOptions {
    /// Bytes that open files and rows waiting to be sorted may take where nothing else is said: 512 MiB.
    pub const DEFAULT_MEMORY_LIMIT_BYTES: usize = 512 << 20;
    /// Bytes of one partition's rows waiting to be sorted where nothing else is said: 256 MiB.
    pub const DEFAULT_SORT_MEMORY_LIMIT_BYTES: usize = 256 << 20;
    /// Files open at a time where nothing else is said. Rows of more partitions than this in no order make many small files: sort them by
    /// partition first.
    pub const DEFAULT_MAX_OPEN_FILES: usize = 512;

    /// As the properties of a table say, for files of this content, with `schema` and `sort_order` those of the table now. A value
    /// that makes no sense counts as the default, and a warning tells so.
    ///
    /// # Errors
    /// `Unsupported` if files are to be ORC, which this version reads but does not write, or of a format that this build leaves out.
    pub fn from_properties(
        schema: &Schema,
        sort_order: &SortOrder,
        properties: TableProperties<'_>,
        content: FileContent,
    ) -> Result<(Self, Vec<PropertyWarning>), DataError> {
        let deletes = content != FileContent::Data;
        let mut warnings = Vec::new();
        let format = properties.parsed(&write::FORMAT);
        warnings.extend(format.warning);
        let mut format = format.value;
        let target = if deletes {
            let set = properties.parsed(&write::DELETE_FORMAT);
            warnings.extend(set.warning);
            format = set.value;
            properties.parsed(&write::DELETE_TARGET_FILE_SIZE_BYTES)
        } else {
            properties.parsed(&write::TARGET_FILE_SIZE_BYTES)
        };
        warnings.extend(target.warning);
        check_format(format, if deletes { write::DELETE_FORMAT.key } else { write::FORMAT.key })?;

        let metrics = match content {
            FileContent::PositionDeletes => MetricsConfig::for_position_deletes(),
            FileContent::Data | FileContent::EqualityDeletes => {
                MetricsConfig::new(schema, sort_order, properties)
            }
        };
        warnings.extend(metrics.warnings.iter().cloned());
        let mut checked = |key| {
            let parsed = properties.parsed(key);
            warnings.extend(parsed.warning);
            parsed.value
        };
        let hashed = checked(&write::OBJECT_STORAGE_ENABLED);
        let partitioned = checked(&write::OBJECT_STORAGE_PARTITIONED_PATHS);
        let granularity = properties.parsed(&write::DELETE_GRANULARITY);
        warnings.extend(granularity.warning);
        if let Some(class) = properties.text(&write::LOCATION_PROVIDER_IMPL) {
            tracing::warn!(
                class,
                "write.location-provider.impl names a class of another engine; files go to the usual places"
            );
        }
        #[cfg(feature = "avro-data")]
        let avro = {
            let (options, more) = AvroWriteOptions::from_properties(&properties, deletes);
            warnings.extend(more.into_iter().filter(|_| format == WriteFormat::Avro));
            options
        };
        #[cfg(feature = "parquet")]
        let parquet = {
            let (options, more) = ParquetWriteOptions::from_properties(schema, &properties, deletes);
            // What concerns another format than the one written is of no interest.
            warnings.extend(more.into_iter().filter(|_| format == WriteFormat::Parquet));
            options
        };
        let options = Self {
            content,
            format,
            target_file_size_bytes: target.value,
            #[cfg(feature = "avro-data")]
            avro,
            #[cfg(feature = "parquet")]
            parquet,
            metrics: Arc::new(metrics),
            table_location: None,
            data_path: properties.text(&write::DATA_PATH).map(str::to_owned),
            layout: if hashed { Layout::ObjectStorage { partitioned } } else { Layout::Plain },
            delete_granularity: granularity.value,
            sort_order: if deletes { SortOrder::unsorted() } else { sort_order.clone() },
            sort_memory_limit_bytes: Self::DEFAULT_SORT_MEMORY_LIMIT_BYTES,
            memory_limit_bytes: Self::DEFAULT_MEMORY_LIMIT_BYTES,
            max_open_files: Self::DEFAULT_MAX_OPEN_FILES,
            clustered: false,
            name_prefix: String::new(),
        };
        Ok((options, warnings))
    }

    /// What the files hold.
    pub fn content(&self) -> FileContent {
        self.content
    }

    /// The format of the files.
    pub fn format(&self) -> WriteFormat {
        self.format
    }

    /// The size in bytes at which a file is closed and the next one begun.
    pub fn target_file_size_bytes(&self) -> u64 {
        self.target_file_size_bytes
    }

    /// With files of this format.
    ///
    /// # Errors
    /// As [`from_properties`](Self::from_properties).
    pub fn with_format(mut self, format: WriteFormat) -> Result<Self, DataError> {
        check_format(format, "format")?;
        self.format = format;
        Ok(self)
    }

    /// With files closed at this size in bytes, at least 1. It is measured on what was written; a file may be larger by about a 64th.
    pub fn with_target_file_size_bytes(mut self, bytes: u64) -> Self {
        self.target_file_size_bytes = bytes.max(1);
        self
    }

    /// With this done about columns: what is counted, how bounds are cut.
    pub fn with_metrics(mut self, metrics: MetricsConfig) -> Self {
        self.metrics = Arc::new(metrics);
        self
    }

    /// With the table's location as its metadata spells it (`s3a://`, `file:`), so that manifests name files alike. By default as
    /// the store spells it.
    pub fn with_table_location(mut self, location: impl Into<String>) -> Self {
        self.table_location = Some(location.into());
        self
    }

    /// With data and deletes going to this location, which has to lie below the table. By default to `<table>/data`.
    pub fn with_data_path(mut self, location: impl Into<String>) -> Self {
        self.data_path = Some(location.into());
        self
    }

    /// With position-delete files of one data file each, or of a partition's.
    pub fn with_delete_granularity(mut self, granularity: DeleteGranularity) -> Self {
        self.delete_granularity = granularity;
        self
    }

    /// With rows of a file in this order. Unsorted: they stay as they come. By default in the table's order.
    ///
    /// Rows are held and sorted until [`with_sort_memory_limit_bytes`](Self::with_sort_memory_limit_bytes) is reached; more make a
    /// second sorted run in the same file. A file gets the id of the order only if it is sorted as a whole.
    pub fn with_sort_order(mut self, order: SortOrder) -> Self {
        self.sort_order = order;
        self
    }

    /// With at most so many bytes of rows of one partition held to be sorted; 256 MiB by default.
    pub fn with_sort_memory_limit_bytes(mut self, bytes: usize) -> Self {
        self.sort_memory_limit_bytes = bytes;
        self
    }

    /// With at most so many bytes in open files and in rows held to be sorted; 512 MiB by default. Beyond, the largest open file is closed.
    ///
    /// The bound is looked at after each partition's share of a batch, so one such share comes on top.
    pub fn with_memory_limit_bytes(mut self, bytes: usize) -> Self {
        self.memory_limit_bytes = bytes;
        self
    }

    /// With at most so many files open at a time, at least 1; 512 by default. Beyond, the largest is closed.
    pub fn with_max_open_files(mut self, files: usize) -> Self {
        self.max_open_files = files.max(1);
        self
    }

    /// For rows that come partition by partition: one file is open at a time, and a partition that comes back is an error. By default rows
    /// come in any order, and there is a file open for each of several partitions.
    pub fn with_clustered_rows(mut self, clustered: bool) -> Self {
        self.clustered = clustered;
        self
    }

    /// With names that begin like this: what a commit protocol wants to know of a file that nothing refers to yet. Letters, digits and `-`.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn with_name_prefix(mut self, prefix: &str) -> Result<Self, DataError> {
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let reason =
                format!("`{}` has characters other than letters, digits and `-`", prefix.escape_debug());
            return Err(DataError::InvalidInput { what: "prefix of file names", reason });
        }
        self.name_prefix = prefix.to_owned();
        Ok(self)
    }
}

fn check_format(format: WriteFormat, place: &str) -> Result<(), DataError> {
    let unsupported = |what: &str, advice: &str| DataError::Unsupported {
        place: place.to_owned(),
        what: what.to_owned(),
        advice: advice.to_owned(),
    };
    match format {
        WriteFormat::Parquet if cfg!(feature = "parquet") => Ok(()),
        WriteFormat::Avro if cfg!(feature = "avro-data") => Ok(()),
        WriteFormat::Orc => Err(unsupported(
            "writing ORC",
            "this version reads ORC but does not write it; set the format to parquet or avro, tables may mix formats",
        )),
        WriteFormat::Parquet => Err(unsupported("Parquet in this build", "build with the feature `parquet`")),
        WriteFormat::Avro => Err(unsupported("Avro in this build", "build with the feature `avro-data`")),
        _ => Err(unsupported(format.as_str(), "set the format to parquet or avro")),
    }
}

#[cfg(test)]
mod tests;
