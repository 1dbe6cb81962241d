//! [`DeleteLoader`]: the deletes of a scan, each file loaded when a data file first needs it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use datashard_spec::id::FieldId;
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::Schema;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::cache::Cache;
use super::local_path::unspelled;
use super::position::{self, Positions, ReadSettings};
use super::select::{DeleteFile, Index};
use super::{Deletes, EqualityDeletes, vector};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::read::{FileReader, ReadRequest};

/// Position-delete files up to this size are read whole at once, for all the data files that they cover; of larger ones only what they
/// say of one data file.
const READ_WHOLE_BYTES: i64 = 32 * 1024 * 1024;

/// Delete files that are opened at the same time.
const FILES_AT_ONCE: usize = 4;

/// Makes a file to read of the location that a manifest gives.
type OpenFile = dyn Fn(&str) -> Result<InputFile, DataError> + Send + Sync;

/// Finds and loads the deletes that apply to each data file of a scan. Cheap to clone; clones share what was loaded.
///
/// Sequence numbers, partitions and referenced files decide what applies. A deletion vector stands for all position-delete files of its
/// data file. The spellings `/p`, `file:/p` and `file:///p` of a local path are one.
///
/// Equality deletes compare by value after promotion to the types of the newest schema that has the columns: null equals null and
/// nothing else, NaN equals NaN, -0.0 is not 0.0. Columns that data files lack have their initial default, or null; columns that were
/// dropped from the table are compared still.
///
/// # Spec
/// "Scan Planning", "Row-level Deletes".
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use datashard_io::delete::{DeleteFile, DeleteLoader};
/// use datashard_io::{Bytes, InputFile};
/// use datashard_spec::id::{DataSequenceNumber, PartitionSpecId};
/// use datashard_spec::manifest::applies::LiveFile;
/// use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
/// use datashard_spec::partition::PartitionSpec;
/// use datashard_spec::puffin::DeletionVector;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = Arc::new(PartitionSpec::unpartitioned(PartitionSpecId(0)));
/// let blob = Bytes::from(DeletionVector::from_positions([3, 5])?.serialize()?);
/// let length = i64::try_from(blob.len())?;
/// let vector = DataFile::new("data/v.puffin", FileFormat::Puffin, 2, length)
///     .with_content(FileContent::PositionDeletes)
///     .with_referenced_data_file("data/a.parquet".to_owned())
///     .with_content_offset(0)
///     .with_content_size_in_bytes(length);
/// let deletes = [DeleteFile::new(vector, DataSequenceNumber(2), Arc::clone(&spec))];
/// let loader =
///     DeleteLoader::new(deletes, [], move |location| Ok(InputFile::in_memory(location, blob.clone())));
///
/// let data = DataFile::new("data/a.parquet", FileFormat::Parquet, 10, 1000);
/// let sequence_number = DataSequenceNumber(1);
/// let found = loader.load(LiveFile { file: &data, sequence_number, spec: &spec }).await?;
/// assert_eq!(found.positions().map(DeletionVector::len), Some(2));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DeleteLoader {
    scan: Arc<Scan>,
    name_mapping: Option<Arc<NameMapping>>,
    settings: ReadSettings,
    cache: Arc<Cache<Key, Loaded>>,
}

struct Scan {
    index: Index,
    schemas: Vec<Arc<Schema>>,
    open: Box<OpenFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Vector(usize),
    PositionFile(usize),
    PositionsOf(usize, String),
    Equality(usize),
}

#[derive(Clone)]
enum Loaded {
    Vector(Arc<DeletionVector>),
    Positions(Arc<Positions>),
    Equality(Arc<EqualityDeletes>),
}

impl Loaded {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Vector(vector) => position::size_bytes(vector),
            Self::Positions(positions) => position::total_bytes(positions),
            Self::Equality(keys) => keys.size_bytes(),
        }
    }
}

impl DeleteLoader {
    /// For a scan with these delete files. `schemas` are those of the table: that of the read first, then the others, newest first;
    /// columns of equality deletes are looked up in this order. `open` makes a file to read of the location that a manifest gives.
    pub fn new(
        deletes: impl IntoIterator<Item = DeleteFile>,
        schemas: impl IntoIterator<Item = Arc<Schema>>,
        open: impl Fn(&str) -> Result<InputFile, DataError> + Send + Sync + 'static,
    ) -> Self {
        let limit = ReadRequest::DEFAULT_MEMORY_LIMIT_BYTES;
        Self {
            scan: Arc::new(Scan {
                index: Index::new(deletes),
                schemas: schemas.into_iter().collect(),
                open: Box::new(open),
            }),
            name_mapping: None,
            settings: ReadSettings { verify: true, memory_limit_bytes: limit },
            cache: Arc::new(Cache::new(limit)),
        }
    }

    /// With at most so many bytes of memory for the deletes of one file, and again for what is kept for the next data files; 256 MiB by
    /// default. Forgets what was loaded.
    #[must_use]
    pub fn with_memory_limit_bytes(mut self, bytes: u64) -> Self {
        self.settings.memory_limit_bytes = bytes;
        self.cache = Arc::new(Cache::new(bytes));
        self
    }

    /// Whether checksums of delete files are verified; they are by default. Those of deletion vectors always are.
    #[must_use]
    pub fn with_verification(mut self, verify: bool) -> Self {
        self.settings.verify = verify;
        self
    }

    /// With the columns of equality-delete files without any field ids found by name.
    #[must_use]
    pub fn with_name_mapping(mut self, mapping: Arc<NameMapping>) -> Self {
        self.name_mapping = Some(mapping);
        self
    }

    /// The deletes that apply to a data file, loaded as far as they are not.
    ///
    /// # Errors
    /// `InvalidData` if a delete file is damaged, a data file has two deletion vectors, a deletion vector that may be its does not name its
    /// data file, or columns of equality deletes are unknown;
    /// `InvalidInput` if deletes need more memory than is allowed; as opening and reading the files.
    ///
    /// # Cancel safety
    /// What was loaded whole stays at hand; nothing else is left behind.
    pub async fn load(&self, data: LiveFile<'_>) -> Result<Deletes, DataError> {
        let selected = self.scan.index.select(data)?;
        let mut builder = Deletes::builder();
        if let Some(number) = selected.vector {
            builder = builder.with_shared_positions(self.vector(number).await?);
        }
        let path = unspelled(&data.file.file_path);
        let position_files = stream::iter(selected.position_files);
        let mut position_files =
            pin!(position_files.map(|number| self.positions(number, path)).buffered(FILES_AT_ONCE));
        while let Some(positions) = position_files.try_next().await? {
            if let Some(positions) = positions {
                builder = builder.with_shared_positions(positions);
            }
        }
        for number in selected.equality_groups {
            builder = builder.with_equality(self.equality(number).await?, data.sequence_number);
        }
        Ok(builder.build())
    }

    async fn vector(&self, number: usize) -> Result<Arc<DeletionVector>, DataError> {
        let loaded = self.load_once(Key::Vector(number), async {
            let entry = &self.scan.index.file(number)?.file;
            let input = self.input(&entry.file_path, None)?;
            let vector = vector::read(&input, entry, self.settings.memory_limit_bytes).await?;
            Ok(Loaded::Vector(Arc::new(vector)))
        });
        match loaded.await? {
            Loaded::Vector(vector) => Ok(vector),
            _ => Err(mixed_up()),
        }
    }

    async fn positions(&self, number: usize, path: &str) -> Result<Option<Arc<DeletionVector>>, DataError> {
        let entry = &self.scan.index.file(number)?.file;
        let whole = entry.file_size_in_bytes <= READ_WHOLE_BYTES;
        let key = match whole {
            true => Key::PositionFile(number),
            false => Key::PositionsOf(number, path.to_owned()),
        };
        let loaded = self.load_once(key, async {
            let input = self.input(&entry.file_path, Some(entry.file_size_in_bytes))?;
            let only = (!whole).then_some(path);
            let positions = position::read(input, entry, only, self.settings).await?;
            Ok(Loaded::Positions(Arc::new(positions)))
        });
        match loaded.await? {
            Loaded::Positions(positions) => Ok(positions.get(path).cloned()),
            _ => Err(mixed_up()),
        }
    }

    async fn equality(&self, number: usize) -> Result<Arc<EqualityDeletes>, DataError> {
        let loaded = self.load_once(Key::Equality(number), async {
            Ok(Loaded::Equality(Arc::new(self.read_equality(number).await?)))
        });
        match loaded.await? {
            Loaded::Equality(keys) => Ok(keys),
            _ => Err(mixed_up()),
        }
    }

    async fn load_once(
        &self,
        key: Key,
        load: impl Future<Output = Result<Loaded, DataError>>,
    ) -> Result<Loaded, DataError> {
        self.cache.load(key, load, Loaded::size_bytes).await
    }

    fn input(&self, location: &str, size: Option<i64>) -> Result<InputFile, DataError> {
        let input = (self.scan.open)(location)?;
        Ok(match size.and_then(|size| u64::try_from(size).ok()) {
            Some(size) => input.with_size_bytes(size),
            None => input,
        })
    }

    /// Reads all files of an equality group into one set of keys.
    async fn read_equality(&self, number: usize) -> Result<EqualityDeletes, DataError> {
        let group = self.scan.index.group(number)?;
        let first = group.files.first().map(|first| self.scan.index.file(*first)).transpose()?;
        let location = first.map(|delete| delete.file.file_path.as_str()).unwrap_or_default();
        let mut keys = EqualityDeletes::new(&self.columns(location, &group.ids)?, &group.ids)?;
        let schema = Arc::new(keys.schema().clone());
        let ids = group.ids.as_slice();
        let files = stream::iter(group.files.clone()).map(|number| self.open_keys(number, &schema, ids));
        // Files are opened ahead; their rows come one file after the other.
        let mut files = pin!(files.buffered(FILES_AT_ONCE));
        while let Some((number, reader)) = files.try_next().await? {
            let delete = self.scan.index.file(number)?;
            let mut batches = reader.into_stream();
            while let Some(batch) = batches.try_next().await? {
                keys.insert(&batch, delete.sequence_number)?;
                if keys.size_bytes() > self.settings.memory_limit_bytes {
                    return Err(DataError::TooLarge {
                        file: delete.file.file_path.clone(),
                        place: "equality deletes".to_owned(),
                        bytes: keys.size_bytes(),
                        limit_bytes: self.settings.memory_limit_bytes,
                    });
                }
            }
        }
        Ok(keys)
    }

    async fn open_keys(
        &self,
        number: usize,
        schema: &Arc<Schema>,
        ids: &[FieldId],
    ) -> Result<(usize, FileReader), DataError> {
        let entry = &self.scan.index.file(number)?.file;
        let input = self.input(&entry.file_path, Some(entry.file_size_in_bytes))?;
        let mut request = ReadRequest::new(Arc::clone(schema))
            .with_verification(self.settings.verify)
            .with_memory_limit_bytes(self.settings.memory_limit_bytes)
            .with_record_count(entry.record_count);
        if let Some(mapping) = &self.name_mapping {
            request = request.with_name_mapping(Arc::clone(mapping));
        }
        let reader = FileReader::open(input, &entry.file_format, request).await?;
        for id in ids {
            // Were it read as null, rows that are null there would be deleted.
            if !reader.has_column(*id) && !is_unknown(schema, *id) {
                let reason = format!("it has no column {id}, though its manifest says that it compares it");
                return Err(DataError::corrupt(&entry.file_path, "equality deletes", reason));
            }
        }
        Ok((number, reader))
    }

    /// The columns of equality deletes, each as in the first schema that has it: columns dropped since are in older ones.
    fn columns(&self, location: &str, ids: &[FieldId]) -> Result<Schema, DataError> {
        if ids.is_empty() {
            let reason = "its manifest names no columns to compare";
            return Err(DataError::corrupt(location, "equality deletes", reason));
        }
        // An older schema may have all of them, but some in types that were widened since.
        let has_all = |schema: &&Arc<Schema>| ids.iter().all(|id| schema.field_by_id(*id).is_some());
        if let Some(schema) = self.scan.schemas.first().filter(has_all) {
            return Ok(schema.as_ref().clone());
        }
        let mut fields = Vec::new();
        for id in ids {
            let schema = self.scan.schemas.iter().find(|schema| schema.field_by_id(*id).is_some());
            let schema = schema.ok_or_else(|| {
                let reason = format!("it compares column {id}, which no schema of the table has");
                DataError::corrupt(location, "equality deletes", reason)
            })?;
            crate::read::add_column(&mut fields, schema, *id)?;
        }
        Schema::new(fields).map_err(|error| DataError::Spec {
            place: format!("`{location}`, equality deletes"),
            source: Box::new(error.into()),
        })
    }
}

fn mixed_up() -> DataError {
    DataError::internal("deletes of one kind were kept for those of another")
}

fn is_unknown(schema: &Schema, id: FieldId) -> bool {
    use datashard_spec::schema::{PrimitiveType, Type};
    schema.field_by_id(id).is_some_and(|field| *field.field_type == Type::Primitive(PrimitiveType::Unknown))
}

impl fmt::Debug for DeleteLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteLoader").field("index", &self.scan.index).finish_non_exhaustive()
    }
}
