//! [`ReplacePartitions`]: puts data files in the place of all others in their partitions.

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::DataFile;
use datashard_spec::snapshot::Operation as SnapshotOperation;
use datashard_spec::value::Tuple;

use super::metadata_form::existing;
use super::placed::{Placed, adds_data};
use crate::base::Base;
use crate::change::checks::{Checks, IsolationLevel};
use crate::change::notes::{Notes, noted};
use crate::change::removal::Removal;
use crate::change::{Change, Extra, Label};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "replace partitions";

/// Puts data files in the place of all others in their partitions: what other engines call a dynamic overwrite. Files of a spec without
/// fields replace the whole table.
///
/// By default nobody asks what was there, and what others add to the partitions meanwhile is replaced, too. With
/// [`validated_from`](Self::validated_from) what was committed to them since that snapshot is a conflict.
///
/// # Examples
/// ```
/// use datashard_spec::id::{PartitionSpecId, SchemaId};
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_spec::value::Value;
/// use datashard_txn::action::ReplacePartitions;
///
/// let file = DataFile::new("s3://b/t/data/day=7/e7-0.parquet", FileFormat::Parquet, 100, 4096)
///     .with_partition(vec![Some(Value::Date(7))]);
/// let replace = ReplacePartitions::new().with_file(SchemaId(0), PartitionSpecId(0), file);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ReplacePartitions {
    placed: Placed,
    validated: Option<(Option<SnapshotId>, IsolationLevel)>,
    must_be_empty: bool,
    notes: Notes,
}

impl ReplacePartitions {
    /// A replacement of nothing yet.
    pub fn new() -> Self {
        let mut notes = Notes::default();
        notes.note("replace-partitions", "true");
        Self { notes, ..Self::default() }
    }

    /// The snapshot that was read, `None` for an empty table, and the isolation level: what was committed to the partitions since is a
    /// conflict.
    pub fn validated_from(mut self, snapshot_id: Option<SnapshotId>, level: IsolationLevel) -> Self {
        self.validated = Some((snapshot_id, level));
        self
    }

    /// The partitions have to be empty: then it is an append that cannot be made twice.
    pub fn only_appending(mut self) -> Self {
        self.must_be_empty = true;
        self
    }

    fn partitions(&self) -> BTreeSet<(PartitionSpecId, Tuple)> {
        self.placed.data.iter().map(|new| (new.spec_id, new.file.partition.clone())).collect()
    }

    fn with_change<T>(&self, then: impl FnOnce(Change<'_>) -> T) -> T {
        let partitions = self.partitions();
        let checks = self.validated.map_or_else(Checks::default, |(since, level)| {
            Checks::of_replaced_partitions(since, level, &partitions)
        });
        then(Change {
            name: NAME,
            label: Label::Fixed(SnapshotOperation::Overwrite),
            notes: &self.notes,
            added: &self.placed.data,
            data_sequence_number: None,
            added_deletes: &[],
            removal: Removal {
                partitions: Some(&partitions),
                must_be_empty: self.must_be_empty,
                ..Removal::default()
            },
            checks,
            extra: Extra::default(),
        })
    }
}

noted!(ReplacePartitions);
adds_data!(ReplacePartitions);

impl Operation for ReplacePartitions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let rest = format!("{:?}\0{}\0", self.validated, self.must_be_empty);
        let own = NAME.bytes().chain([0]).chain(self.placed.fingerprint());
        own.chain(rest.into_bytes()).chain(self.notes.fingerprint()).collect()
    }

    fn branch(&self) -> &str {
        self.notes.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.with_change(|change| change.reads(base, inputs))
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        self.with_change(|change| change.remember(base, inputs, read, bytes))
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        if self.placed.data.is_empty() {
            let reason = "it adds no file, and so names no partition".to_owned();
            return Err(Refusal::Rejected { operation: NAME, reason });
        }
        self.placed.check(base, NAME)?;
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.placed.check_places(inputs.location, NAME)?;
        self.with_change(|change| change.produce(base, inputs))
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.placed.payload.clone()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.placed.oldest_epoch()
    }
}
