//! A scan of one snapshot of a fixture, by the steps of the format: manifest list, manifests, data files, deletes.

use std::sync::Arc;

use datashard_io::arrow::array::RecordBatch;
use datashard_io::delete::{DeleteFile, DeleteLoader};
use datashard_io::read::{FileReader, ReadRequest, identity_constants};
use datashard_io::{DataError, InputFile, StoreOptions, TablePath, TableStore};
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::expr::BoundPredicate;
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::manifest::{DataFile, ManifestContent, ManifestFile};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;
use datashard_spec::snapshot::{ManifestLocations, Snapshot};
use futures_util::TryStreamExt;

use crate::fixture::Fixture;

/// How files are read; the rows are to be the same in any case.
#[derive(Debug, Clone)]
pub(crate) struct How {
    pub(crate) batch_rows: usize,
    pub(crate) splits: u64,
    pub(crate) late: bool,
    pub(crate) verify: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { batch_rows: ReadRequest::DEFAULT_BATCH_ROWS, splits: 1, late: true, verify: true }
    }
}

/// A live data file of the snapshot.
pub(crate) struct ScanFile {
    pub(crate) delete: DeleteFile,
}

impl ScanFile {
    pub(crate) fn file(&self) -> &DataFile {
        &self.delete.file
    }
}

/// A snapshot, ready to be read in a schema.
pub(crate) struct Scan {
    pub(crate) schema: Arc<Schema>,
    pub(crate) data: Vec<ScanFile>,
    pub(crate) deletes: Vec<DeleteFile>,
    loader: DeleteLoader,
    name_mapping: Option<Arc<NameMapping>>,
    table_schema: Option<Arc<Schema>>,
    open: Open,
}

/// From the locations of manifests to the files of the fixture, through a store.
#[derive(Clone)]
pub(crate) struct Open {
    store: TableStore,
    inside: String,
}

impl Open {
    pub(crate) async fn new(fixture: &Fixture) -> Self {
        let dir = fixture.dir.canonicalize().unwrap();
        let url = format!("file://{}", dir.to_str().unwrap());
        let store = TableStore::open(&url, StoreOptions::default()).await.unwrap();
        Self { store, inside: format!("/tmp/iceberg-fixtures/{}/", fixture.name) }
    }

    pub(crate) fn input(&self, location: &str) -> Result<InputFile, DataError> {
        let (_, relative) = location.split_once(&self.inside).unwrap();
        Ok(InputFile::new(self.store.clone(), TablePath::parse(relative).unwrap(), location))
    }
}

/// The rows of a snapshot's manifest list; for the oldest tables, made from the paths in the metadata.
fn manifest_list(fixture: &Fixture, locations: &ManifestLocations) -> Vec<ManifestFile> {
    match locations {
        ManifestLocations::List(path) => {
            let bytes = fixture.read(path);
            ManifestListReader::new(&bytes).unwrap().map(|row| row.unwrap()).collect()
        }
        ManifestLocations::Inline(paths) => paths
            .iter()
            .map(|path| {
                let bytes = fixture.read(path);
                let spec_id = ManifestReader::new(&bytes).unwrap().header().partition_spec_id.unwrap();
                let added =
                    ManifestReader::new(&bytes).unwrap().next().unwrap().unwrap().snapshot_id.unwrap();
                ManifestFile::new(path, i64::try_from(bytes.len()).unwrap(), spec_id, added)
            })
            .collect(),
    }
}

impl Scan {
    /// Plans a snapshot (or nothing, of a table without one), to be read in `schema`.
    pub(crate) async fn new(
        fixture: &Fixture,
        metadata: &TableMetadata,
        snapshot: Option<&Snapshot>,
        schema: &Arc<Schema>,
    ) -> Self {
        let (mut data, mut deletes) = (Vec::new(), Vec::new());
        let manifests = snapshot.map(|s| manifest_list(fixture, &s.manifests)).unwrap_or_default();
        for manifest in manifests {
            let bytes = fixture.read(&manifest.manifest_path);
            let spec: &Arc<PartitionSpec> = metadata.partition_spec(manifest.partition_spec_id).unwrap();
            let mut inheritance = manifest.inherit();
            for entry in ManifestReader::new(&bytes).unwrap() {
                let mut entry = entry.unwrap();
                inheritance.apply(&mut entry).unwrap();
                if entry.status.is_live() {
                    let number = entry.data_sequence_number.unwrap();
                    let live = DeleteFile::new(entry.data_file, number, Arc::clone(spec));
                    match manifest.content {
                        ManifestContent::Data => data.push(ScanFile { delete: live }),
                        ManifestContent::Deletes => deletes.push(live),
                    }
                }
            }
        }
        let mapping = metadata.properties().get(NameMapping::PROPERTY);
        let name_mapping = mapping.map(|json| Arc::new(NameMapping::from_json(json).unwrap()));
        let open = Open::new(fixture).await;
        let schemas = std::iter::once(schema).chain(metadata.schemas().iter().rev()).cloned();
        let for_deletes = open.clone();
        let loader = DeleteLoader::new(deletes.clone(), schemas, move |l| for_deletes.input(l));
        Self { schema: Arc::clone(schema), data, deletes, loader, name_mapping, table_schema: None, open }
    }

    /// With the schema that filters are bound to.
    pub(crate) fn with_table_schema(mut self, schema: &Arc<Schema>) -> Self {
        self.table_schema = Some(Arc::clone(schema));
        self
    }

    /// What to read of a data file.
    pub(crate) async fn request(&self, data: &ScanFile, how: &How) -> ReadRequest {
        let live = &data.delete;
        let loader = self.loader.clone().with_verification(how.verify);
        let sequence_number = live.sequence_number;
        let deletes = loader.load(LiveFile { file: &live.file, sequence_number, spec: &live.spec });
        let constants = identity_constants(&live.spec, &self.schema, &live.file.partition);
        let mut request = ReadRequest::new(Arc::clone(&self.schema))
            .with_deletes(Arc::new(deletes.await.unwrap_or_else(|e| panic!("{}: {e}", live.file.file_path))))
            .with_constants(constants)
            .with_data_sequence_number(live.sequence_number)
            .with_partition(&live.spec, &live.file.partition)
            .with_record_count(live.file.record_count)
            .with_batch_rows(how.batch_rows)
            .with_late_materialization(how.late)
            .with_verification(how.verify);
        if let Some(mapping) = &self.name_mapping {
            request = request.with_name_mapping(Arc::clone(mapping));
        }
        if let Some(schema) = &self.table_schema {
            request = request.with_table_schema(Arc::clone(schema));
        }
        if let Some(id) = live.file.first_row_id {
            request = request.with_first_row_id(id);
        }
        request
    }

    /// The batches of a data file.
    pub(crate) async fn batches(
        &self,
        data: &ScanFile,
        filter: Option<&BoundPredicate>,
        how: &How,
    ) -> Vec<RecordBatch> {
        let file = data.file();
        let size = u64::try_from(file.file_size_in_bytes).unwrap();
        let mut request = self.request(data, how).await;
        if let Some(filter) = filter {
            request = request.with_filter(filter.clone());
        }
        let mut batches = Vec::new();
        for split in 0..how.splits {
            let mut request = request.clone();
            if how.splits > 1 {
                request = request.with_byte_range(size * split / how.splits..size * (split + 1) / how.splits);
            }
            let at = |e: DataError| -> Vec<RecordBatch> { panic!("{}: {e}", file.file_path) };
            let input = self.open.input(&file.file_path).unwrap().with_size_bytes(size);
            let reader = FileReader::open(input, &file.file_format, request).await;
            let reader = reader.unwrap_or_else(|e| panic!("{}: {e}", file.file_path));
            let schema = reader.schema();
            let read: Vec<RecordBatch> = reader.into_stream().try_collect().await.unwrap_or_else(at);
            for batch in &read {
                assert_eq!(batch.schema(), schema, "{}", file.file_path);
                assert!((1..=how.batch_rows).contains(&batch.num_rows()), "{}", file.file_path);
            }
            batches.extend(read);
        }
        batches
    }

    /// All rows of the snapshot, as the expectation files write them.
    pub(crate) async fn rows(&self, filter: Option<&BoundPredicate>, how: &How) -> Vec<String> {
        let mut rows = Vec::new();
        for data in &self.data {
            for batch in self.batches(data, filter, how).await {
                rows.extend(crate::fixture_json::rows(&batch, &self.schema));
            }
        }
        rows.sort();
        rows
    }
}
