//! A table in memory: operations are applied to it by [`next`], the files that they make are kept, and everything is read back with the
//! format's own readers.

pub(crate) mod raced;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::{Location, TablePath};
use datashard_spec::Uuid;
use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileFormat, ManifestEntry, ManifestFile};
use datashard_spec::metadata::{FormatVersion, TableMetadata};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::snapshot::{Operation as SnapshotOperation, Snapshot, Summary};
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_spec::transform::Transform;

use super::CreateTable;
use super::snapshot::{NewSnapshot, Target};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::loaded::Loaded;
use crate::next::{Next, NoNext, next};
use crate::operation::Operation;
use crate::produced::{NewManifest, Produced};
use crate::protocol::{AppKey, CommitId, Generation, Limits, Member, OperationTag, SessionId, Step};
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::segments::Moves;

pub(crate) const LOCATION: &str = "memory://actions/table";

/// A table and its files.
#[derive(Debug, Clone)]
pub(crate) struct TestTable {
    pub(crate) base: Option<Base>,
    pub(crate) location: Location,
    pub(crate) files: BTreeMap<String, Bytes>,
    pub(crate) now_ms: i64,
    pub(crate) key: Option<AppKey>,
    /// The rules in force.
    pub(crate) rules: Rules,
    operations: u64,
}

impl TestTable {
    /// No table yet.
    pub(crate) fn none() -> Self {
        Self {
            base: None,
            location: Location::parse(LOCATION).unwrap(),
            files: BTreeMap::new(),
            now_ms: 1_000,
            key: None,
            rules: Rules::all(),
            operations: 0,
        }
    }

    pub(crate) fn create(table: CreateTable) -> Self {
        let mut test = Self::none();
        test.commit(&table).unwrap();
        test
    }

    /// A table of version `format_version` with the columns `id` and `day`, unpartitioned.
    pub(crate) fn plain(format_version: FormatVersion) -> Self {
        Self::create(CreateTable::new(schema()).with_format_version(format_version))
    }

    /// With operations numbered from here: what tells their files and snapshots apart.
    pub(crate) fn numbered(mut self, number: u64) -> Self {
        self.operations = number.saturating_sub(1);
        self
    }

    /// The table as the operation of this number sees it: ids and names follow from that, and stay from attempt to attempt.
    pub(crate) fn for_operation(&self, number: u64) -> Self {
        Self { operations: number.saturating_sub(1), ..self.clone() }
    }

    /// Applies an operation in one attempt.
    pub(crate) fn commit(&mut self, operation: &dyn Operation) -> Result<Next, Refusal> {
        let next = self.attempt(operation, 1, &[])?;
        self.adopt(&next);
        Ok(next)
    }

    /// What the operation makes of the table as it is, in its attempt number `attempt`.
    pub(crate) fn attempt(
        &self,
        operation: &dyn Operation,
        attempt: u32,
        earlier: &[NewManifest],
    ) -> Result<Next, Refusal> {
        let mut loaded = Loaded::default();
        self.attempt_after(operation, attempt, earlier, &mut loaded)
    }

    /// As [`attempt`](Self::attempt), with what earlier attempts read.
    pub(crate) fn attempt_after(
        &self,
        operation: &dyn Operation,
        attempt: u32,
        earlier: &[NewManifest],
        loaded: &mut Loaded,
    ) -> Result<Next, Refusal> {
        let base = self.base.as_ref();
        operation.validate(base)?;
        self.load(operation, attempt, earlier, loaded)?;
        let number = self.operations.saturating_add(1);
        let inputs = self.inputs(attempt, earlier, loaded);
        let tag = OperationTag::of(number, &operation.fingerprint());
        let member = Member::direct(SessionId(number), 1, tag).with_key(self.key.clone());
        let step = Step {
            commit: CommitId(u128::from(number)),
            generation: Generation(1),
            file_floor: MetadataVersion(0),
        };
        next(base, operation, &member, step, &inputs, Limits::default().with_sessions(4)).map_err(|no| {
            match no {
                NoNext::Refused(refusal) => refusal,
                NoNext::Ineligible(why) => panic!("{why:?}"),
            }
        })
    }

    /// Locations of the files that it reads besides the manifest list.
    pub(crate) fn reads(&self, operation: &dyn Operation, earlier: &[NewManifest]) -> Vec<String> {
        self.load(operation, 1, earlier, &mut Loaded::default()).unwrap()
    }

    fn inputs<'a>(&'a self, attempt: u32, earlier: &'a [NewManifest], loaded: &'a Loaded) -> Inputs<'a> {
        let number = self.operations.saturating_add(1);
        Inputs {
            location: &self.location,
            now_ms: self.now_ms,
            snapshot_id: SnapshotId(i64::try_from(number).unwrap()),
            operation_id: Uuid::from_u128(u128::from(number)),
            epoch: self.base.as_ref().map_or(MetadataVersion(0), |base| base.version),
            attempt,
            loaded,
            earlier,
            key: self.key.as_ref(),
            own: &[],
            rules: self.rules,
        }
    }

    /// Reads as the commit loop does.
    fn load(
        &self,
        operation: &dyn Operation,
        attempt: u32,
        earlier: &[NewManifest],
        loaded: &mut Loaded,
    ) -> Result<Vec<String>, Refusal> {
        let mut reads = Vec::new();
        let Some(base) = self.base.as_ref() else { return Ok(reads) };
        *loaded = std::mem::take(loaded).again(base);
        if operation.reads_manifest_list() {
            loaded.manifest_list = Arc::new(self.rows_of(operation.branch()));
        }
        loop {
            let inputs = self.inputs(attempt, earlier, loaded);
            let mut wanted = operation.reads(base, &inputs)?;
            if let Some(moves) = Moves::due(base)? {
                wanted.extend(moves.reads(base, &inputs)?);
            }
            wanted.retain(|read| !loaded.has(read));
            if wanted.is_empty() {
                return Ok(reads);
            }
            for read in wanted {
                let mut bytes = self.files[read.location()].clone();
                if let Read::ManifestList { location } = &read {
                    loaded.insert_list(location, rows_of_list(&bytes));
                    continue;
                }
                if let Read::Range { offset, length_bytes, .. } = &read {
                    let from = usize::try_from(*offset).unwrap();
                    bytes = bytes.slice(from..from + usize::try_from(*length_bytes).unwrap());
                }
                if let Read::File { .. } = &read {
                    loaded.insert(&read, Remembered::Bytes(bytes));
                    continue;
                }
                let kept = operation.remember(base, &self.inputs(attempt, earlier, loaded), &read, bytes)?;
                loaded.insert(&read, kept);
                reads.push(read.location().to_owned());
            }
        }
    }

    /// The attempt is committed. What is adopted is read from its bytes.
    pub(crate) fn adopt(&mut self, next: &Next) {
        self.keep_files(next);
        let base = Base::read(next.version, &next.bytes).unwrap();
        assert_eq!(base.metadata, next.metadata);
        self.base = Some(base);
        self.operations = self.operations.saturating_add(1);
        if next.snapshot_id.is_some() && next.snapshot_id == next.metadata.current_snapshot_id() {
            assert_eq!(self.rows(), next.rows, "a reader sees the rows that the next commit is built on");
        }
    }

    /// What an attempt wrote is there, whether it was committed or not.
    pub(crate) fn keep_files(&mut self, next: &Next) {
        let manifests = next.manifests.iter().map(|new| (new.path.clone(), new.bytes.clone()));
        for (path, bytes) in manifests.chain(next.manifest_lists.clone()).chain(next.files.clone()) {
            if !bytes.is_empty() {
                // A manifest of an earlier attempt comes with its bytes once more, and is not written again.
                let before = self.files.insert(self.location.file(&path), bytes.clone());
                assert!(before.is_none_or(|before| before == bytes), "{path} is written once");
            }
        }
    }

    /// The manifests of an attempt that lost, as later ones are given them.
    pub(crate) fn written(lost: &Next) -> Vec<NewManifest> {
        lost.manifests.iter().map(|new| NewManifest { bytes: Bytes::new(), ..new.clone() }).collect()
    }

    pub(crate) fn base(&self) -> &Base {
        self.base.as_ref().unwrap()
    }

    pub(crate) fn metadata(&self) -> &TableMetadata {
        &self.base().metadata
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.metadata().current_snapshot().unwrap().unwrap()
    }

    /// The rows of the current manifest list.
    pub(crate) fn rows(&self) -> Vec<ManifestFile> {
        self.rows_of(MAIN_BRANCH)
    }

    /// The rows of the manifest list of a branch's head.
    pub(crate) fn rows_of(&self, branch: &str) -> Vec<ManifestFile> {
        let Some(snapshot) = self.base().head(branch).unwrap() else { return Vec::new() };
        rows_of_list(&self.files[snapshot.manifest_list().unwrap()])
    }

    /// The entries of a manifest, with what they inherit.
    pub(crate) fn entries(&self, row: &ManifestFile) -> Vec<ManifestEntry> {
        let mut inheritance = row.inherit();
        let reader = ManifestReader::new(&self.files[&row.manifest_path]).unwrap();
        let resolve = |entry: Result<ManifestEntry, _>| {
            let mut entry = entry.unwrap();
            inheritance.apply(&mut entry).unwrap();
            entry
        };
        reader.map(resolve).collect()
    }

    /// The live files by path, with what tells who they are: sequence numbers, snapshot, row id, partition spec and the file itself.
    pub(crate) fn live(&self) -> BTreeMap<String, Identity> {
        let mut live = BTreeMap::new();
        for row in self.rows() {
            assert_eq!(row.manifest_length, i64::try_from(self.files[&row.manifest_path].len()).unwrap());
            for entry in self.entries(&row).into_iter().filter(|entry| entry.status.is_live()) {
                let identity = Identity {
                    snapshot_id: entry.snapshot_id.unwrap(),
                    data_sequence_number: entry.data_sequence_number.unwrap().0,
                    file_sequence_number: entry.file_sequence_number.map(|number| number.0),
                    partition_spec_id: row.partition_spec_id,
                    file: entry.data_file.clone(),
                };
                let before = live.insert(entry.data_file.file_path.clone(), identity);
                assert!(before.is_none(), "{} is there twice", entry.data_file.file_path);
            }
        }
        live
    }
}

/// What must not change about a file while it is part of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) snapshot_id: SnapshotId,
    pub(crate) data_sequence_number: i64,
    pub(crate) file_sequence_number: Option<i64>,
    pub(crate) partition_spec_id: PartitionSpecId,
    pub(crate) file: DataFile,
}

/// A required `id` and an optional `day`.
pub(crate) fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Int),
        NestedField::optional(2, "day", PrimitiveType::Date),
    ])
    .unwrap()
}

/// By `id`, as it is.
pub(crate) fn by_id(spec: i32) -> PartitionSpec {
    let field = PartitionField::new(
        datashard_spec::id::FieldId(1),
        datashard_spec::id::FieldId(1000),
        "id",
        Transform::Identity,
    );
    PartitionSpec::new(PartitionSpecId(spec), vec![field])
}

/// A file of 10 rows.
pub(crate) fn file(name: &str) -> DataFile {
    DataFile::new(format!("{LOCATION}/data/{name}.parquet"), FileFormat::Parquet, 10, 1_000)
}

pub(crate) fn table_path(path: &str) -> TablePath {
    TablePath::parse(path).unwrap()
}

/// A snapshot of these manifests, for operations that tests make up.
pub(crate) fn produce_snapshot(
    name: &'static str,
    operation: SnapshotOperation,
    summary: Summary,
    created: Vec<NewManifest>,
    kept: Vec<ManifestFile>,
    base: &Base,
    inputs: &Inputs<'_>,
) -> Result<Produced, Refusal> {
    let target = Target::Head(MAIN_BRANCH);
    NewSnapshot { name, operation, summary, created, kept, replaced: 0, target, base, inputs }.produce()
}

fn rows_of_list(bytes: &[u8]) -> Vec<ManifestFile> {
    ManifestListReader::new(bytes).unwrap().map(Result::unwrap).collect()
}
