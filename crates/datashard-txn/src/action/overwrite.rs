//! [`Overwrite`]: puts data files in the place of others.

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::expr::{Predicate, StrictMetrics, StrictProjection};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::DataFile;

use super::files::excerpt;
use super::metadata_form::existing;
use super::placed::{Placed, adds_data, is_change};
use crate::base::Base;
use crate::change::checks::{Checks, IsolationLevel, Overwritten, Scope};
use crate::change::notes::{Notes, noted};
use crate::change::removal::Removal;
use crate::change::{Change, Extra, Label};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "overwrite";

/// Puts data files in the place of others: of those that are named, of those whose rows all match a filter, or of both.
///
/// What is written was derived from what was read. So that nothing is lost that others committed in between, name the snapshot that was
/// read ([`validated_from`](Self::validated_from)) and, where the files are named, the rows that were looked at
/// ([`with_conflict_filter`](Self::with_conflict_filter)). Without a snapshot, everything that was ever committed counts as committed in
/// between; on a table that is not empty this mostly is a conflict.
///
/// # Examples
/// ```
/// use datashard_spec::expr::col;
/// use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_txn::IsolationLevel;
/// use datashard_txn::action::Overwrite;
///
/// let file = DataFile::new("s3://b/t/data/e7-0.parquet", FileFormat::Parquet, 100, 4096);
/// let overwrite = Overwrite::new()
///     .removing(["s3://b/t/data/e2-0.parquet"])
///     .with_file(SchemaId(0), PartitionSpecId(0), file)
///     .validated_from(Some(SnapshotId(7)))
///     .with_conflict_filter(col("id").equal_to(3))
///     .at_level(IsolationLevel::Snapshot);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Overwrite {
    placed: Placed,
    files: BTreeSet<String>,
    filter: Option<Predicate>,
    conflict_filter: Option<Predicate>,
    ignores_case: bool,
    since: Option<SnapshotId>,
    level: IsolationLevel,
    within_filter: bool,
    notes: Notes,
}

impl Overwrite {
    /// An overwrite of nothing by nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes the data files at these locations. Each must be part of the table.
    pub fn removing(mut self, locations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.files.extend(locations.into_iter().map(Into::into));
        self
    }

    /// Removes the data files whose rows all match. A file that may hold rows of both kinds is a conflict, unless it is also named.
    pub fn removing_where(mut self, filter: Predicate) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Each file that is added has to lie within the filter of [`removing_where`](Self::removing_where), as its partition or metrics prove.
    pub fn checking_added_files(mut self) -> Self {
        self.within_filter = true;
        self
    }

    /// The rows that were read to find out what to write. By default those of the filter, if nothing is named, else all.
    pub fn with_conflict_filter(mut self, filter: Predicate) -> Self {
        self.conflict_filter = Some(filter);
        self
    }

    /// Names in the filters are not told apart by case.
    pub fn ignoring_case(mut self) -> Self {
        self.ignores_case = true;
        self
    }

    /// The snapshot that was read; `None` for an empty table.
    pub fn validated_from(mut self, snapshot_id: Option<SnapshotId>) -> Self {
        self.since = snapshot_id;
        self
    }

    /// At this isolation level; serializable by default.
    pub fn at_level(mut self, level: IsolationLevel) -> Self {
        self.level = level;
        self
    }

    fn change(&self, _: &Base) -> Result<Change<'_>, Refusal> {
        let case_sensitive = !self.ignores_case;
        let scope = |predicate| Scope::Filter { predicate, case_sensitive };
        let overwritten = Overwritten {
            row_filter: self.filter.as_ref().map(scope),
            conflict_filter: self.conflict_filter.as_ref().map(scope),
            removes_files: !self.files.is_empty(),
        };
        Ok(Change {
            name: NAME,
            label: Label::ByContent,
            notes: &self.notes,
            added: &self.placed.data,
            data_sequence_number: None,
            added_deletes: &[],
            removal: Removal {
                files: Some(&self.files),
                filter: self.filter.as_ref(),
                case_sensitive,
                must_exist: true,
                ..Removal::default()
            },
            checks: Checks::of_overwrite(self.since, self.level, overwritten),
            extra: Extra::default(),
        })
    }

    /// Whether what is added lies within the filter.
    fn check_within(&self, base: &Base) -> Result<(), Refusal> {
        let rejected = |reason: String| Refusal::Rejected { operation: NAME, reason };
        let (true, Some(filter)) = (self.within_filter, &self.filter) else { return Ok(()) };
        let metadata = &base.metadata;
        let schema = metadata.current_schema();
        let bound = if self.ignores_case { filter.bind_ignoring_case(schema) } else { filter.bind(schema) };
        let bound = bound.map_err(|e| rejected(format!("its filter does not fit the table: {e}")))?;
        let metrics = StrictMetrics::new(&bound);
        for new in &self.placed.data {
            let spec = metadata.partition_spec(new.spec_id);
            let by_partition =
                spec.is_some_and(|spec| StrictProjection::new(&bound, spec).must_match(&new.file.partition));
            if !by_partition && !metrics.must_match(new.file.as_ref()) {
                let file = excerpt(&new.file.file_path);
                return Err(rejected(format!("file `{file}` may hold rows that its filter does not match")));
            }
        }
        Ok(())
    }
}

noted!(Overwrite);
adds_data!(Overwrite);

impl Operation for Overwrite {
    is_change!();

    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let files = self.files.iter().flat_map(|file| file.bytes().chain([0]));
        let filters = [&self.filter, &self.conflict_filter].map(|filter| format!("{filter:?}\0"));
        let rest =
            format!("{:?}\0{}\0{}\0{}\0", self.since, self.level, self.ignores_case, self.within_filter);
        let own = NAME.bytes().chain([0]).chain(files).chain([0]).chain(self.placed.fingerprint());
        own.chain(filters.concat().into_bytes())
            .chain(rest.into_bytes())
            .chain(self.notes.fingerprint())
            .collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        let rejected = |reason: &str| Err(Refusal::Rejected { operation: NAME, reason: reason.to_owned() });
        if self.files.is_empty() && self.filter.is_none() {
            return rejected("it removes nothing: to add files only is an append");
        }
        if self.within_filter && self.filter.is_none() {
            return rejected("the files that it adds are to be held against a filter, and it has none");
        }
        self.placed.check(base, NAME)?;
        self.check_within(base)?;
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.placed.check_places(inputs.location, NAME)?;
        self.change(base)?.produce(base, inputs)
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.placed.payload.clone()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.placed.oldest_epoch()
    }
}
