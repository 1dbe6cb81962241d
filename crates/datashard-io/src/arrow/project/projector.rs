//! [`Projector`]: batches of a file, column by column, in the read schema.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Fields, Schema as ArrowSchema, SchemaRef};

use super::plan::Plan;
use crate::data_error::DataError;

/// Turns batches of a file into batches of the read schema.
#[derive(Debug, Clone)]
pub(crate) struct Projector {
    location: Arc<str>,
    schema: SchemaRef,
    plans: Arc<[Plan]>,
}

impl Projector {
    pub(super) fn new(location: Arc<str>, plans: Vec<Plan>) -> Self {
        let fields: Fields = plans.iter().map(|plan| Arc::clone(&plan.field)).collect();
        Self { location, schema: Arc::new(ArrowSchema::new(fields)), plans: plans.into() }
    }

    /// The Arrow schema of what comes out.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// A batch in the read schema. Costs nothing for columns whose type did not change.
    ///
    /// # Errors
    /// `InvalidData` for nulls in required columns and for values that the type of today cannot hold.
    pub(crate) fn project(&self, batch: &RecordBatch) -> Result<RecordBatch, DataError> {
        let rows = batch.num_rows();
        let columns: Result<Vec<ArrayRef>, DataError> =
            self.plans.iter().map(|plan| plan.apply(&self.location, batch.columns(), rows, None)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), columns?, &options)
            .map_err(|error| DataError::undecodable(&*self.location, "a batch of rows", error))
    }
}
