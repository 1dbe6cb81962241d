//! Projection by field id: from a file's own columns to the columns that were asked for.
//!
//! # Spec
//! "Column Projection".

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datashard_spec::id::FieldId;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::Schema;
use datashard_spec::value::Value;

use crate::data_error::DataError;

/// Where each column of the read schema comes from: a column of the file, a constant, its initial default, null.
#[derive(Debug, Clone)]
pub(crate) struct Resolution {}

impl Resolution {
    /// Resolves the columns of `read` in a file with columns `file`, by field ids, or by the name mapping where the file has none at all.
    pub(crate) fn new(
        _location: &str,
        _file: &ArrowSchema,
        _read: &Arc<Schema>,
        _constants: &HashMap<FieldId, Option<Value>>,
        _name_mapping: Option<&NameMapping>,
    ) -> Result<Self, DataError> {
        Err(DataError::internal("not there yet"))
    }

    /// The primitive columns of the file to decode, counted depth first over its schema, ascending.
    pub(crate) fn leaves(&self) -> &[usize] {
        &[]
    }

    /// The primitive column of the file that holds a field, and whether a list or map lies above it.
    pub(crate) fn leaf(&self, _id: FieldId) -> Option<usize> {
        None
    }

    /// How to turn batches of the schema that the decoder gives (some or all of the file's columns) into the read schema. With `only`,
    /// just these top-level columns of the read schema.
    pub(crate) fn projector(
        &self,
        _decoded: &ArrowSchema,
        _only: Option<&[FieldId]>,
    ) -> Result<Projector, DataError> {
        Err(DataError::internal("not there yet"))
    }
}

/// Turns batches of a file into batches of the read schema.
#[derive(Debug, Clone)]
pub(crate) struct Projector {}

impl Projector {
    /// The Arrow schema of what comes out.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(ArrowSchema::empty())
    }

    /// A batch in the read schema. Costs nothing for columns whose type did not change.
    pub(crate) fn project(&self, _batch: &RecordBatch) -> Result<RecordBatch, DataError> {
        Err(DataError::internal("not there yet"))
    }
}
