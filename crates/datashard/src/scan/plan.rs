//! [`ScanPlan`]: the data files that may hold rows of a scan, found by partition summaries of manifests, partitions, and column metrics.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datashard_io::arrow::datatypes::SchemaRef;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::delete::{DeleteFile, DeleteLoader};
use datashard_io::{Bytes, DataError, TableStore};
use datashard_spec::SpecError;
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::expr::{
    BoundPredicate, InclusiveMetrics, InclusiveProjection, ManifestEvaluator, PartitionFieldSummary,
    Predicate, Residual,
};
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId};
use datashard_spec::manifest::{DataFile, ManifestContent, ManifestFile};
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;
use datashard_spec::snapshot::{ManifestLocations, Snapshot};
use datashard_txn::Base;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::builder::Scan;
use super::files::Files;
use crate::error::Error;
use crate::history;

/// The most that is read of a manifest or manifest list: 1 GiB.
const MANIFEST_LIMIT_BYTES: u64 = 1 << 30;

/// The data files that may hold rows of a scan, in the order in which they are read.
#[derive(Debug)]
#[must_use]
pub struct ScanPlan {
    pub(super) tasks: Vec<ScanTask>,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) schema: Arc<Schema>,
    pub(super) table_schema: Arc<Schema>,
    pub(super) loader: DeleteLoader,
    pub(super) name_mapping: Option<Arc<NameMapping>>,
    pub(super) has_deletes: bool,
    pub(super) files: Files,
    pub(super) scan: Scan,
}

/// A data file to read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScanTask {
    /// The file.
    pub file: Arc<DataFile>,
    /// Its data sequence number.
    pub sequence_number: DataSequenceNumber,
    /// The partition spec that its partition is of.
    pub spec: Arc<PartitionSpec>,
    /// What is left of the filter to test of its rows.
    pub residual: BoundPredicate,
}

/// What the filter says of the files of one partition spec.
struct Pruning {
    spec: Arc<PartitionSpec>,
    manifests: ManifestEvaluator,
    partitions: InclusiveProjection,
    residual: Residual,
}

impl ScanPlan {
    pub(super) async fn make(
        scan: &Scan,
        store: &TableStore,
        base: &Base,
        snapshot: Option<Snapshot>,
        table_schema: Arc<Schema>,
        schema: Arc<Schema>,
    ) -> Result<Self, Error> {
        let metadata = &base.metadata;
        let files = Files::new(store, metadata.location());
        let filter = scan.filter.clone().unwrap_or_else(Predicate::always_true);
        let filter = match scan.case_sensitive {
            true => filter.bind(&table_schema),
            false => filter.bind_ignoring_case(&table_schema),
        };
        let filter = filter.map_err(|e| Error::Filter { source: Box::new(e.into()) })?;
        let metrics = InclusiveMetrics::new(&filter);
        let pruning: BTreeMap<PartitionSpecId, Pruning> =
            metadata.partition_specs().iter().map(|spec| (spec.id, Pruning::new(&filter, spec))).collect();

        let (mut tasks, mut deletes, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        let manifests = match &snapshot {
            Some(snapshot) if !filter.is_always_false() => list(&files, snapshot).await?,
            Some(_) | None => Vec::new(),
        };
        let wanted = manifests.into_iter().filter(|manifest| {
            manifest.may_have_live_files()
                && pruning.get(&manifest.partition_spec_id).is_none_or(|pruning| pruning.may_match(manifest))
        });
        let wanted: Vec<ManifestFile> = wanted.collect();
        let mut read = stream::iter(wanted)
            .map(async |manifest| {
                let path = files.path(&manifest.manifest_path)?;
                let bytes = files.store.read(&path, MANIFEST_LIMIT_BYTES).await?;
                Ok::<(ManifestFile, Bytes), Error>((manifest, bytes))
            })
            .buffered(scan.concurrency);
        while let Some((manifest, bytes)) = read.try_next().await? {
            let damaged = |e: SpecError| Error::corrupt(manifest.manifest_path.as_str(), e);
            let Some(pruning) = pruning.get(&manifest.partition_spec_id) else {
                let what = format!("partition spec {}, which the table lacks", manifest.partition_spec_id);
                return Err(unsupported(&manifest.manifest_path, what));
            };
            let mut inheritance = manifest.inherit();
            for entry in ManifestReader::new(&bytes).map_err(damaged)? {
                let mut entry = entry.map_err(|e| damaged(e.into()))?;
                inheritance.apply(&mut entry).map_err(|e| damaged(e.into()))?;
                if !entry.status.is_live() || !pruning.partitions.may_match(&entry.data_file.partition) {
                    continue;
                }
                let Some(number) = entry.data_sequence_number else {
                    return Err(unsupported(&entry.data_file.file_path, "a file without a sequence number"));
                };
                let (file, spec) = (entry.data_file, Arc::clone(&pruning.spec));
                match manifest.content {
                    ManifestContent::Deletes => deletes.push(DeleteFile::new(file, number, spec)),
                    ManifestContent::Data => {
                        // A file that two manifests list is read once.
                        if metrics.may_match(&file) && seen.insert(file.file_path.clone()) {
                            let residual = pruning.residual.for_partition(&file.partition);
                            let file = Arc::new(file);
                            tasks.push(ScanTask { file, sequence_number: number, spec, residual });
                        }
                    }
                }
            }
        }
        drop(read);

        let mapping =
            metadata.properties().get(NameMapping::PROPERTY).map(|json| NameMapping::from_json(json));
        let mapping = mapping.transpose().map_err(|e| Error::corrupt(history::file_of(base), e))?;
        let name_mapping = mapping.map(Arc::new);
        let schemas = std::iter::once(&table_schema).chain(metadata.schemas().iter().rev()).cloned();
        let (has_deletes, of_deletes) = (!deletes.is_empty(), files.clone());
        #[expect(clippy::result_large_err, reason = "the loader asks for this error")]
        let open = move |file: &str| {
            of_deletes.input(file).map_err(|error| match error {
                Error::Data(error) => *error,
                other => DataError::Unsupported {
                    what: other.to_string(),
                    place: file.to_owned(),
                    advice: "correct the table's location".to_owned(),
                },
            })
        };
        let mut loader = DeleteLoader::new(deletes, schemas, open).with_verification(scan.verify);
        if let Some(mapping) = &name_mapping {
            loader = loader.with_name_mapping(Arc::clone(mapping));
        }
        let scan = scan.clone();
        Ok(Self { tasks, snapshot, schema, table_schema, loader, name_mapping, has_deletes, files, scan })
    }

    /// The files, in the order in which they are read.
    pub fn tasks(&self) -> &[ScanTask] {
        &self.tasks
    }

    /// The snapshot that is read; `None` of a table without one.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// The columns that are read.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The columns of the batches.
    ///
    /// # Errors
    /// `Unsupported` names a type that Arrow batches cannot hold.
    pub fn arrow_schema(&self) -> Result<SchemaRef, Error> {
        Ok(schema_to_arrow(&self.schema)?)
    }
}

impl Pruning {
    fn new(filter: &BoundPredicate, spec: &Arc<PartitionSpec>) -> Self {
        let partitions = InclusiveProjection::new(filter, spec);
        let manifests = ManifestEvaluator::new(partitions.clone());
        Self { spec: Arc::clone(spec), manifests, partitions, residual: Residual::new(filter, spec) }
    }

    /// Deletes are told by their partition too: those of a partition without matches have no rows to delete.
    fn may_match(&self, manifest: &ManifestFile) -> bool {
        let Some(partitions) = &manifest.partitions else { return true };
        let summaries: Vec<_> = partitions
            .iter()
            .map(|field| {
                let (lower, upper) = (field.lower_bound.as_deref(), field.upper_bound.as_deref());
                PartitionFieldSummary::new(field.contains_null, lower, upper).with_nan(field.contains_nan)
            })
            .collect();
        self.manifests.may_match(&summaries)
    }
}

/// The rows of a snapshot's manifest list; for the oldest tables, made of the paths in the metadata.
async fn list(files: &Files, snapshot: &Snapshot) -> Result<Vec<ManifestFile>, Error> {
    let mut manifests = Vec::new();
    match &snapshot.manifests {
        ManifestLocations::List(location) => {
            let bytes = files.store.read(&files.path(location)?, MANIFEST_LIMIT_BYTES).await?;
            let damaged = |e: SpecError| Error::corrupt(location.as_str(), e);
            for row in ManifestListReader::new(&bytes).map_err(damaged)? {
                manifests.push(row.map_err(|e| damaged(e.into()))?);
            }
        }
        ManifestLocations::Inline(locations) => {
            for location in locations {
                let bytes = files.store.read(&files.path(location)?, MANIFEST_LIMIT_BYTES).await?;
                let reader = ManifestReader::new(&bytes).map_err(|e| Error::corrupt(location.as_str(), e))?;
                let spec_id = reader.header().partition_spec_id.unwrap_or(PartitionSpecId(0));
                let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                manifests.push(ManifestFile::inline(location, length, spec_id, snapshot.id));
            }
        }
    }
    Ok(manifests)
}

fn unsupported(place: &str, what: impl Into<String>) -> Error {
    let advice = "the table's metadata is not what its writer meant: check it with the program that wrote it";
    Error::from(DataError::Unsupported {
        what: what.into(),
        place: place.to_owned(),
        advice: advice.to_owned(),
    })
}
