//! Which data files go: those that are named, those of partitions, and those whose rows all match a filter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::expr::{
    BoundPredicate, InclusiveMetrics, InclusiveProjection, ManifestEvaluator, Residual, StrictMetrics,
    StrictProjection,
};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{DataFile, ManifestFile};
use datashard_spec::value::Tuple;

use super::Removal;
use super::finding::Filtered;
use super::rewrite::{Fate, rewrite};
use crate::change::checks::{Bounds, Place, canonical};
use crate::read::Remembered;
use crate::refusal::Refusal;

/// What goes, as manifests and files are held against it.
pub(super) struct Lens<'o> {
    files: Option<&'o BTreeSet<String>>,
    partitions: Partitions,
    /// A partition without fields goes: that is every file.
    takes_all: bool,
    filter: Option<Filter>,
}

/// Partitions by spec, in the form that tuples are compared in, and what manifests must hold to have files of one.
#[derive(Default)]
pub(super) struct Partitions(BTreeMap<PartitionSpecId, (BTreeSet<Tuple>, Bounds)>);

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
    residual: Residual,
}

impl Partitions {
    pub(super) fn add(&mut self, spec_id: PartitionSpecId, tuple: &Tuple, place: Place<'_>) {
        let (tuples, bounds) = self.0.entry(spec_id).or_insert_with(|| {
            let table = &place.base.metadata;
            let spec = table.partition_spec(spec_id);
            let types = spec.map(|spec| spec.partition_type(table.current_schema()));
            (BTreeSet::new(), Bounds::new(types.as_ref()))
        });
        let tuple = canonical(tuple);
        bounds.add(&tuple);
        tuples.insert(tuple);
    }

    /// Whether a manifest may list a file of one.
    pub(super) fn may_be_in(&self, row: &ManifestFile) -> bool {
        self.0.get(&row.partition_spec_id).is_some_and(|(_, bounds)| {
            row.partitions.as_ref().is_none_or(|summaries| bounds.may_meet(summaries))
        })
    }

    fn has(&self, spec_id: PartitionSpecId, tuple: &Tuple) -> bool {
        self.0.get(&spec_id).is_some_and(|(tuples, _)| tuples.contains(&canonical(tuple)))
    }
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
        let mut partitions = Partitions::default();
        let mut takes_all = false;
        for (spec_id, tuple) in removal.partitions.into_iter().flatten() {
            takes_all |= table.partition_spec(*spec_id).is_some_and(|spec| spec.is_unpartitioned());
            partitions.add(*spec_id, tuple, place);
        }
        Ok(Self { files: removal.files.filter(|files| !files.is_empty()), partitions, takes_all, filter })
    }

    /// Whether a manifest may list a file that goes.
    pub(super) fn may_hold(&self, row: &ManifestFile) -> bool {
        self.files.is_some()
            || self.takes_all
            || self.partitions.may_be_in(row)
            || self.filter.as_ref().is_some_and(|filter| filter.may_hold(row))
    }

    /// Whether every file of the table goes.
    pub(super) fn takes_all(&self) -> bool {
        self.takes_all
    }

    /// Whether all data files of a partition go, whatever they hold.
    pub(super) fn takes_partition(&self, spec_id: PartitionSpecId, tuple: &Tuple) -> bool {
        self.takes_all
            || self.partitions.has(spec_id, tuple)
            || self.filter.as_ref().is_some_and(|filter| filter.takes_partition(spec_id, tuple))
    }

    fn fate(&self, spec_id: PartitionSpecId, file: &DataFile) -> Fate {
        let is_named = self.files.is_some_and(|files| files.contains(&file.file_path));
        if is_named || self.takes_partition(spec_id, &file.partition) {
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
            let manifests = ManifestEvaluator::new(inclusive.clone());
            BySpec { manifests, inclusive, strict, residual: Residual::new(bound, spec) }
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

    fn takes_partition(&self, spec_id: PartitionSpecId, tuple: &Tuple) -> bool {
        !self.is_never && self.by_spec.get(&spec_id).is_some_and(|of_spec| of_spec.strict.must_match(tuple))
    }

    /// What becomes of a file whose partition alone does not tell that it goes.
    fn fate(&self, spec_id: PartitionSpecId, file: &DataFile) -> Fate {
        let of_spec = self.by_spec.get(&spec_id);
        let may_match = of_spec.is_none_or(|of_spec| of_spec.inclusive.may_match(&file.partition));
        if self.is_never || !may_match || !self.metrics.may_match(file) {
            return Fate::Keep;
        }
        if self.strict_metrics.must_match(file) {
            return Fate::Remove;
        }
        // What the partition settles need not show in the metrics.
        let Some(of_spec) = of_spec.filter(|_| !file.partition.is_empty()) else { return Fate::Partial };
        let residual = of_spec.residual.for_partition(&file.partition);
        if residual.is_always_false() || !InclusiveMetrics::new(&residual).may_match(file) {
            return Fate::Keep;
        }
        if StrictMetrics::new(&residual).must_match(file) { Fate::Remove } else { Fate::Partial }
    }
}

/// Looks through a data manifest.
pub(super) fn filter(
    lens: &Lens<'_>,
    place: Place<'_>,
    row: &ManifestFile,
    bytes: &Bytes,
) -> Result<Remembered, Refusal> {
    let mut found = Filtered::for_base(place.base);
    rewrite(place, row, bytes, &mut found, |entry| lens.fate(row.partition_spec_id, &entry.data_file))?;
    Ok(Remembered::Finding(Arc::new(found)))
}
