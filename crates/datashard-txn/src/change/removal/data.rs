//! Which data files go: those that are named, those of partitions, and those whose rows all match a filter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::expr::{
    BoundPredicate, InclusiveMetrics, InclusiveProjection, ManifestEvaluator, StrictMetrics, StrictProjection,
};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{DataFile, ManifestFile};
use datashard_spec::value::Tuple;

use super::Removal;
use super::finding::Filtered;
use super::rewrite::{Fate, rewrite};
use crate::change::checks::{Place, canonical};
use crate::read::Remembered;
use crate::refusal::Refusal;

/// What goes, as manifests and files are held against it.
pub(super) struct Lens<'o> {
    files: Option<&'o BTreeSet<String>>,
    partitions: BTreeMap<PartitionSpecId, BTreeSet<Tuple>>,
    /// A partition without fields goes: that is every file.
    takes_all: bool,
    filter: Option<Filter>,
}

struct Filter {
    is_never: bool,
    metrics: InclusiveMetrics,
    strict_metrics: StrictMetrics,
    by_spec: BTreeMap<PartitionSpecId, BySpec>,
}

struct BySpec {
    manifests: ManifestEvaluator,
    inclusive: InclusiveProjection,
    strict: StrictProjection,
}

impl<'o> Lens<'o> {
    pub(super) fn new(removal: &Removal<'o>, place: Place<'_>) -> Result<Self, Refusal> {
        let table = &place.base.metadata;
        let filter = match removal.filter {
            None => None,
            Some(predicate) => {
                let schema = table.current_schema();
                let bound = match removal.case_sensitive {
                    true => predicate.bind(schema),
                    false => predicate.bind_ignoring_case(schema),
                };
                let bound = bound.map_err(|e| Refusal::Rejected {
                    operation: place.operation,
                    reason: format!("its filter does not fit the table: {e}"),
                })?;
                Some(Filter::new(&bound, place))
            }
        };
        let mut partitions: BTreeMap<PartitionSpecId, BTreeSet<Tuple>> = BTreeMap::new();
        let mut takes_all = false;
        for (spec_id, tuple) in removal.partitions.into_iter().flatten() {
            takes_all |= table.partition_spec(*spec_id).is_some_and(|spec| spec.is_unpartitioned());
            partitions.entry(*spec_id).or_default().insert(canonical(tuple));
        }
        Ok(Self { files: removal.files.filter(|files| !files.is_empty()), partitions, takes_all, filter })
    }

    /// Whether a manifest may list a file that goes.
    pub(super) fn may_hold(&self, row: &ManifestFile) -> bool {
        self.files.is_some()
            || self.takes_all
            || self.partitions.contains_key(&row.partition_spec_id)
            || self.filter.as_ref().is_some_and(|filter| filter.may_hold(row))
    }

    fn fate(&self, spec_id: PartitionSpecId, file: &DataFile) -> Fate {
        let is_named = self.files.is_some_and(|files| files.contains(&file.file_path));
        let is_dropped = || {
            let tuples = self.partitions.get(&spec_id);
            tuples.is_some_and(|tuples| tuples.contains(&canonical(&file.partition)))
        };
        if is_named || self.takes_all || is_dropped() {
            return Fate::Remove;
        }
        self.filter.as_ref().map_or(Fate::Keep, |filter| filter.fate(spec_id, file))
    }
}

impl Filter {
    fn new(bound: &BoundPredicate, place: Place<'_>) -> Self {
        let of_spec = |spec| {
            let inclusive = InclusiveProjection::new(bound, spec);
            let strict = StrictProjection::new(bound, spec);
            BySpec { manifests: ManifestEvaluator::new(inclusive.clone()), inclusive, strict }
        };
        let specs = place.base.metadata.partition_specs().iter();
        Self {
            is_never: bound.is_always_false(),
            metrics: InclusiveMetrics::new(bound),
            strict_metrics: StrictMetrics::new(bound),
            by_spec: specs.map(|spec| (spec.id, of_spec(spec))).collect(),
        }
    }

    fn may_hold(&self, row: &ManifestFile) -> bool {
        if self.is_never {
            return false;
        }
        let (Some(of_spec), Some(summaries)) = (self.by_spec.get(&row.partition_spec_id), &row.partitions)
        else {
            return true;
        };
        let summaries: Vec<_> = summaries.iter().map(Into::into).collect();
        of_spec.manifests.may_match(&summaries)
    }

    fn fate(&self, spec_id: PartitionSpecId, file: &DataFile) -> Fate {
        let of_spec = self.by_spec.get(&spec_id);
        let may_match = of_spec.is_none_or(|of_spec| of_spec.inclusive.may_match(&file.partition));
        if self.is_never || !may_match || !self.metrics.may_match(file) {
            return Fate::Keep;
        }
        let must_match = of_spec.is_some_and(|of_spec| of_spec.strict.must_match(&file.partition));
        if must_match || self.strict_metrics.must_match(file) { Fate::Remove } else { Fate::Partial }
    }
}

/// Looks through a data manifest.
pub(super) fn filter(
    lens: &Lens<'_>,
    place: Place<'_>,
    row: &ManifestFile,
    bytes: &Bytes,
) -> Result<Remembered, Refusal> {
    let metadata = &place.base.metadata;
    let mut found = Filtered {
        found_for: Some((metadata.current_schema_id(), metadata.format_version())),
        ..Filtered::default()
    };
    rewrite(place, row, bytes, &mut found, |entry| lens.fate(row.partition_spec_id, &entry.data_file))?;
    Ok(Remembered::Finding(Arc::new(found)))
}
