//! [`ReadRequest`]: what to read of a file, and how.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use datashard_spec::expr::BoundPredicate;
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::partition::PartitionSpec;
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
    pub(crate) table_schema: Option<Arc<Schema>>,
    pub(crate) filter: Option<BoundPredicate>,
    pub(crate) deletes: Option<Arc<Deletes>>,
    pub(crate) name_mapping: Option<Arc<NameMapping>>,
    pub(crate) constants: HashMap<FieldId, Option<Value>>,
    pub(crate) byte_range: Option<Range<u64>>,
    pub(crate) first_row_id: Option<i64>,
    pub(crate) data_sequence_number: Option<DataSequenceNumber>,
    pub(crate) spec_id: Option<i32>,
    pub(crate) partition: Option<HashMap<FieldId, Option<Value>>>,
    pub(crate) record_count: Option<i64>,
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

    /// All rows, in these columns. Columns are found by field id; metadata columns are asked for by their reserved ids:
    /// `_file`, `_pos`, `_deleted` (always false), `_spec_id`, `_partition`, `_row_id`, `_last_updated_sequence_number`.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self {
            schema,
            table_schema: None,
            filter: None,
            deletes: None,
            name_mapping: None,
            constants: HashMap::new(),
            byte_range: None,
            first_row_id: None,
            data_sequence_number: None,
            spec_id: None,
            partition: None,
            record_count: None,
            batch_rows: Self::DEFAULT_BATCH_ROWS,
            memory_limit_bytes: Self::DEFAULT_MEMORY_LIMIT_BYTES,
            verify: true,
            late_materialization: true,
        }
    }

    /// With the schema that the filter is bound to, for columns that it tests and that are not asked for. Without it, all columns of the
    /// filter must be among those asked for.
    pub fn with_table_schema(mut self, schema: Arc<Schema>) -> Self {
        self.table_schema = Some(schema);
        self
    }

    /// Only the rows that match for certain. The filter may test columns that are not asked for, see
    /// [`with_table_schema`](Self::with_table_schema); those that are asked for have the types that it was bound to.
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

    /// With the file's partition spec and tuple, for `_spec_id` and `_partition`. Fields of `_partition` that the spec lacks are null.
    pub fn with_partition(mut self, spec: &PartitionSpec, tuple: &[Option<Value>]) -> Self {
        let values = spec.fields.iter().map(|field| field.field_id).zip(tuple.iter().cloned());
        self.spec_id = Some(spec.id.0);
        self.partition = Some(values.collect());
        self
    }

    /// With the number of rows that the manifest tells: a file of another number is refused, if checksums are verified.
    pub fn with_record_count(mut self, rows: i64) -> Self {
        self.record_count = Some(rows);
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
