//! [`Scope`]: the rows that a check is about; [`Lens`]: which manifests and files may be about them.
//!
//! By filter, a file counts unless its partition or its column metrics prove that no row of it matches. By partition, it counts if it is of
//! that very partition of that very spec. Of delete files partitions tell the same; their metrics are of deleted rows, and of those only the
//! columns that an equality delete compares tell anything.

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::avro::EntryView;
use datashard_spec::expr::{
    BoundPredicate, ColumnMetrics, InclusiveMetrics, InclusiveProjection, ManifestEvaluator, Predicate,
};
use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{FileContent, ManifestContent, ManifestFile};
use datashard_spec::value::Tuple;

use super::Place;
use super::partition::{Bounds, canonical};
use crate::refusal::Refusal;

/// The rows that a check is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Scope<'o> {
    /// All there are.
    #[default]
    Everything,
    /// Rows that match a filter.
    Filter {
        /// The filter.
        predicate: &'o Predicate,
        /// Whether names in it are told apart by case.
        case_sensitive: bool,
    },
    /// Rows of these partitions. The partition of a spec without fields is the whole table.
    Partitions(&'o BTreeSet<(PartitionSpecId, Tuple)>),
}

impl<'o> Scope<'o> {
    /// By this filter; everything if there is none.
    pub(crate) fn of_filter(predicate: Option<&'o Predicate>, case_sensitive: bool) -> Self {
        predicate.map_or(Self::Everything, |predicate| Self::Filter { predicate, case_sensitive })
    }
}

/// A scope as manifests and files are held against it.
#[derive(Debug)]
pub(super) enum Lens {
    Everything,
    Filter(Box<Filter>),
    Partitions {
        /// The tuples by spec, in the form that they are compared in, and what manifests must hold to have one of them.
        tuples: BTreeMap<PartitionSpecId, (BTreeSet<Tuple>, Bounds)>,
        /// The specs that have no fields: their equality deletes reach every partition.
        unpartitioned: BTreeSet<PartitionSpecId>,
    },
}

/// A filter, bound to the current schema and projected onto all partition specs.
#[derive(Debug)]
pub(super) struct Filter {
    schema_id: SchemaId,
    is_never: bool,
    metrics: InclusiveMetrics,
    columns: Vec<FieldId>,
    manifests: BTreeMap<PartitionSpecId, ManifestEvaluator>,
    partitions: BTreeMap<PartitionSpecId, InclusiveProjection>,
}

impl Lens {
    pub(super) fn new(scope: Scope<'_>, place: Place<'_>) -> Result<Self, Refusal> {
        let table = &place.base.metadata;
        match scope {
            Scope::Everything => Ok(Self::Everything),
            Scope::Filter { predicate, case_sensitive } => {
                let schema = table.current_schema();
                let bound = match case_sensitive {
                    true => predicate.bind(schema),
                    false => predicate.bind_ignoring_case(schema),
                };
                let bound = bound.map_err(|e| Refusal::Rejected {
                    operation: place.operation,
                    reason: format!("its conflict filter does not fit the table: {e}"),
                })?;
                Ok(Self::Filter(Box::new(Filter::new(&bound, place))))
            }
            Scope::Partitions(partitions) => {
                let specs = table.partition_specs();
                let unpartitioned: BTreeSet<PartitionSpecId> =
                    specs.iter().filter(|spec| spec.is_unpartitioned()).map(|spec| spec.id).collect();
                if partitions.iter().any(|(spec_id, _)| unpartitioned.contains(spec_id)) {
                    return Ok(Self::Everything);
                }
                let mut tuples: BTreeMap<PartitionSpecId, (BTreeSet<Tuple>, Bounds)> = BTreeMap::new();
                for (spec_id, tuple) in partitions {
                    let entry = tuples.entry(*spec_id).or_insert_with(|| {
                        let spec = table.partition_spec(*spec_id);
                        let types = spec.map(|spec| spec.partition_type(table.current_schema()));
                        (BTreeSet::new(), Bounds::new(types.as_ref()))
                    });
                    let tuple = canonical(tuple);
                    entry.1.add(&tuple);
                    entry.0.insert(tuple);
                }
                Ok(Self::Partitions { tuples, unpartitioned })
            }
        }
    }

    /// The columns whose metrics it looks at.
    pub(super) fn columns(&self) -> &[FieldId] {
        match self {
            Self::Filter(filter) => &filter.columns,
            Self::Everything | Self::Partitions { .. } => &[],
        }
    }

    /// The schema that what is found depends on.
    pub(super) fn schema_id(&self) -> Option<SchemaId> {
        match self {
            Self::Filter(filter) => Some(filter.schema_id),
            Self::Everything | Self::Partitions { .. } => None,
        }
    }

    /// Whether a manifest may list a file that it is about.
    pub(super) fn may_hold(&self, row: &ManifestFile) -> bool {
        let spec_id = row.partition_spec_id;
        match self {
            Self::Everything => true,
            Self::Filter(filter) if filter.is_never => false,
            Self::Filter(filter) => {
                let (Some(evaluator), Some(summaries)) = (filter.manifests.get(&spec_id), &row.partitions)
                else {
                    return true;
                };
                let summaries: Vec<_> = summaries.iter().map(Into::into).collect();
                evaluator.may_match(&summaries)
            }
            Self::Partitions { tuples, unpartitioned } => match tuples.get(&spec_id) {
                Some((_, bounds)) => {
                    row.partitions.as_ref().is_none_or(|summaries| bounds.may_meet(summaries))
                }
                None => row.content == ManifestContent::Deletes && unpartitioned.contains(&spec_id),
            },
        }
    }

    /// Whether a file may be about rows of the scope.
    pub(super) fn may_match(&self, spec_id: PartitionSpecId, entry: &EntryView<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Filter(filter) => filter.may_match(spec_id, entry),
            Self::Partitions { tuples, unpartitioned } => match tuples.get(&spec_id) {
                Some((tuples, _)) => tuples.contains(&canonical(entry.partition)),
                None => entry.content == FileContent::EqualityDeletes && unpartitioned.contains(&spec_id),
            },
        }
    }
}

impl Filter {
    fn new(bound: &BoundPredicate, place: Place<'_>) -> Self {
        let table = &place.base.metadata;
        let project = |spec| InclusiveProjection::new(bound, spec);
        let partitions: BTreeMap<_, _> =
            table.partition_specs().iter().map(|spec| (spec.id, project(spec))).collect();
        let evaluator = |projection: &InclusiveProjection| ManifestEvaluator::new(projection.clone());
        Self {
            schema_id: table.current_schema_id(),
            is_never: bound.is_always_false(),
            metrics: InclusiveMetrics::new(bound),
            columns: bound.field_ids(),
            manifests: partitions.iter().map(|(id, projection)| (*id, evaluator(projection))).collect(),
            partitions,
        }
    }

    fn may_match(&self, spec_id: PartitionSpecId, entry: &EntryView<'_>) -> bool {
        if self.is_never {
            return false;
        }
        if let Some(projection) = self.partitions.get(&spec_id)
            && !projection.may_match(entry.partition)
        {
            return false;
        }
        match entry.content {
            FileContent::Data => self.metrics.may_match(entry),
            FileContent::PositionDeletes => true,
            FileContent::EqualityDeletes => self.metrics.may_match(&Compared(entry)),
        }
    }
}

/// The metrics of an equality delete file as far as they hold for the rows that it deletes: those of the columns that it compares.
struct Compared<'e>(&'e EntryView<'e>);

impl Compared<'_> {
    fn of<T>(&self, id: FieldId, metric: impl FnOnce(&EntryView<'_>) -> Option<T>) -> Option<T> {
        if self.0.equality_ids.contains(&id) { metric(self.0) } else { None }
    }
}

impl ColumnMetrics for Compared<'_> {
    fn record_count(&self) -> Option<i64> {
        ColumnMetrics::record_count(self.0)
    }

    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.of(id, |entry| entry.value_count(id))
    }

    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.of(id, |entry| entry.null_count(id))
    }

    fn nan_count(&self, id: FieldId) -> Option<i64> {
        self.of(id, |entry| entry.nan_count(id))
    }

    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        if self.0.equality_ids.contains(&id) { self.0.lower_bound(id) } else { None }
    }

    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        if self.0.equality_ids.contains(&id) { self.0.upper_bound(id) } else { None }
    }
}
