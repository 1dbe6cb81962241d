//! Late materialisation: the columns of the filter first, the others for matching rows only, where few rows match.
//!
//! It costs the filter's columns a second time, so it is tried on one row group and kept up only while it pays.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::concat;
use datashard_spec::expr::BoundPredicate;
use datashard_spec::id::FieldId;
use datashard_spec::schema::Schema;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::rows::{Ranges, count, select};
use crate::arrow::filter::BatchFilter;
use crate::arrow::project::Resolution;
use crate::data_error::DataError;
use crate::file::guard::guard;

/// More matching rows than this, in percent, and all columns are decoded at once.
const MAX_MATCHING_PERCENT: u64 = 10;
/// Shorter runs of matching rows than this, on average, cost more to pick than they save, unless very few rows match.
const MIN_RUN_ROWS: u64 = 4;
const VERY_FEW_PERCENT: u64 = 2;

/// A filter over columns of one file.
#[derive(Debug)]
pub(super) struct Late {
    leaves: Vec<usize>,
    ids: Vec<FieldId>,
    resolution: Arc<Resolution>,
    filter: BatchFilter,
    gave_up: bool,
}

impl Late {
    /// `None` where there is nothing to gain: no columns beside the filter's, or a filter on columns that are not simply in the file.
    pub(super) fn new(
        filter: &BoundPredicate,
        resolution: &Arc<Resolution>,
        all_leaves: &[usize],
    ) -> Result<Option<Self>, DataError> {
        let ids = filter.field_ids();
        let read = resolution.read_schema();
        let mut leaves = Vec::new();
        let mut fields = Vec::new();
        for field in read.fields().iter().filter(|field| ids.contains(&field.id)) {
            let Some(leaf) = resolution.leaf(field.id) else { return Ok(None) };
            leaves.push(leaf);
            fields.push(field.clone());
        }
        leaves.sort_unstable();
        if fields.is_empty() || fields.len() != ids.len() || leaves.len() >= all_leaves.len() {
            return Ok(None);
        }
        let schema =
            Schema::new(fields).map_err(|_| DataError::internal("columns of a schema make a schema"))?;
        let filter = BatchFilter::new(filter, &schema)?;
        Ok(Some(Self { leaves, ids, resolution: Arc::clone(resolution), filter, gave_up: false }))
    }

    pub(super) fn leaves(&self) -> &[usize] {
        &self.leaves
    }

    pub(super) fn is_worth_trying(&self) -> bool {
        !self.gave_up
    }

    /// The rows of `rows` that match, if they are few enough for the others to be left out.
    pub(super) fn matching_rows(
        &mut self,
        file: &str,
        group: usize,
        reader: impl FnOnce(&[usize]) -> Result<ParquetRecordBatchReader, DataError>,
        rows: &Ranges,
    ) -> Result<Option<Ranges>, DataError> {
        let place = || format!("row group {group}");
        let mut reader = reader(&self.leaves)?;
        let mut masks: Vec<BooleanArray> = Vec::new();
        let mut projector = None;
        loop {
            let batch = guard(file, place, || {
                reader.next().transpose().map_err(|error| DataError::undecodable(file, place(), error))
            })?;
            let Some(batch) = batch else { break };
            let projector = match &projector {
                Some(projector) => projector,
                None => projector.insert(self.resolution.projector(&batch.schema(), Some(&self.ids))?),
            };
            masks.push(self.filter.matches(&projector.project(&batch)?)?);
        }
        let decoded = masks.iter().fold(0_usize, |sum, mask| sum.saturating_add(mask.len()));
        if u64::try_from(decoded) != Ok(count(rows)) {
            let reason = format!("it has {decoded} rows where the footer lists {}", count(rows));
            return Err(DataError::corrupt(file, place(), reason));
        }
        let masks: Vec<&dyn Array> = masks.iter().map(|mask| -> &dyn Array { mask }).collect();
        let matching = if masks.is_empty() {
            Ranges::new()
        } else {
            let mask = concat(&masks).map_err(|error| DataError::undecodable(file, place(), error))?;
            select(rows, mask.as_boolean())
        };
        let (kept, all) = (count(&matching), count(rows));
        let percent = |percent: u64| all.saturating_mul(percent) / 100;
        let runs = u64::try_from(matching.len()).unwrap_or(u64::MAX);
        let pays = kept <= percent(VERY_FEW_PERCENT)
            || (kept <= percent(MAX_MATCHING_PERCENT) && kept >= runs.saturating_mul(MIN_RUN_ROWS));
        self.gave_up = !pays;
        Ok(pays.then_some(matching))
    }
}
