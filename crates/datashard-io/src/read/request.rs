//! [`ReadRequest`]: what to read of a file, and how.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use datashard_spec::expr::BoundPredicate;
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::Schema;
use datashard_spec::value::Value;

use crate::delete::Deletes;

/// What to read of a data file, and how.
///
/// # Spec
/// "Column Projection", "Row-level Deletes", "Row Lineage".
#[derive(Debug, Clone)]
#[must_use]
pub struct ReadRequest {
    pub(crate) schema: Arc<Schema>,
    pub(crate) filter: Option<BoundPredicate>,
    pub(crate) deletes: Option<Arc<Deletes>>,
    pub(crate) name_mapping: Option<Arc<NameMapping>>,
    pub(crate) constants: HashMap<FieldId, Option<Value>>,
    pub(crate) byte_range: Option<Range<u64>>,
    pub(crate) first_row_id: Option<i64>,
    pub(crate) data_sequence_number: Option<DataSequenceNumber>,
    pub(crate) spec_id: Option<i32>,
    pub(crate) batch_rows: usize,
    pub(crate) memory_limit_bytes: u64,
    pub(crate) verify: bool,
    pub(crate) late_materialization: bool,
}

impl ReadRequest {
    /// Rows of a batch where nothing else is said.
    pub const DEFAULT_BATCH_ROWS: usize = 8_192;
    /// Bytes of a file in flight where nothing else is said: 256 MiB.
    pub const DEFAULT_MEMORY_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

    /// All rows, in these columns. Columns are found by field id; metadata columns (`_file`, `_pos`, `_row_id`,
    /// `_last_updated_sequence_number`) are asked for by their reserved ids.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self {
            schema,
            filter: None,
            deletes: None,
            name_mapping: None,
            constants: HashMap::new(),
            byte_range: None,
            first_row_id: None,
            data_sequence_number: None,
            spec_id: None,
            batch_rows: Self::DEFAULT_BATCH_ROWS,
            memory_limit_bytes: Self::DEFAULT_MEMORY_LIMIT_BYTES,
            verify: true,
            late_materialization: true,
        }
    }

    /// Only the rows that match for certain. The filter may test columns that are not asked for.
    pub fn with_filter(mut self, filter: BoundPredicate) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Without the rows that these deletes hit.
    pub fn with_deletes(mut self, deletes: Arc<Deletes>) -> Self {
        self.deletes = Some(deletes);
        self
    }

    /// With the columns of files without any field ids found by name.
    pub fn with_name_mapping(mut self, mapping: Arc<NameMapping>) -> Self {
        self.name_mapping = Some(mapping);
        self
    }

    /// With values for columns that the file may lack: those of identity partition fields, see
    /// [`identity_constants`](crate::read::identity_constants).
    pub fn with_constants(mut self, constants: HashMap<FieldId, Option<Value>>) -> Self {
        self.constants = constants;
        self
    }

    /// Only the row groups (Parquet), stripes (ORC) or blocks (Avro) that start in these bytes of the file: ranges that cover a file
    /// without overlap give each row once.
    pub fn with_byte_range(mut self, range: Range<u64>) -> Self {
        self.byte_range = Some(range);
        self
    }

    /// With the row id of the file's first row, after inheritance.
    pub fn with_first_row_id(mut self, id: i64) -> Self {
        self.first_row_id = Some(id);
        self
    }

    /// With the file's data sequence number, for `_last_updated_sequence_number`.
    pub fn with_data_sequence_number(mut self, number: DataSequenceNumber) -> Self {
        self.data_sequence_number = Some(number);
        self
    }

    /// With the id of the file's partition spec, for `_spec_id`.
    pub fn with_spec_id(mut self, id: i32) -> Self {
        self.spec_id = Some(id);
        self
    }

    /// With batches of at most so many rows, at least 1; 8,192 by default.
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// With at most so many bytes of the file in memory at a time; 256 MiB by default.
    pub fn with_memory_limit_bytes(mut self, bytes: u64) -> Self {
        self.memory_limit_bytes = bytes;
        self
    }

    /// Whether checksums are verified where the file has them; they are by default.
    pub fn with_verification(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Whether columns that the filter does not test may be decoded for matching rows only. They are by default, where
    /// statistics say that few rows match. Rows are the same in any case.
    pub fn with_late_materialization(mut self, allowed: bool) -> Self {
        self.late_materialization = allowed;
        self
    }
}
