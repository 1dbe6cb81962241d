//! [`EqualityDeletes`]: keys of deleted rows, as bytes that are equal exactly where the keys are.
//!
//! Null equals null and nothing else. Floats are equal as in the reference: NaN equals NaN whatever its bits, and -0.0 is not 0.0.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, SortField};
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::schema::{NestedField, Schema, Type};

use crate::arrow::type_to_arrow;
use crate::data_error::DataError;
use crate::read::ColumnPath;

/// What a key costs beyond its bytes: pointers, its sequence number, room in the table.
const KEY_OVERHEAD_BYTES: u64 = 48;

/// Keys of deleted rows over one set of columns, each with the newest commit that deleted it.
///
/// # Spec
/// "Equality Delete Files".
pub struct EqualityDeletes {
    schema: Schema,
    ids: Vec<FieldId>,
    types: Vec<Type>,
    arrow_types: Vec<DataType>,
    paths: Vec<ColumnPath>,
    converter: RowConverter,
    keys: HashMap<Box<[u8]>, DataSequenceNumber>,
    size_bytes: u64,
}

impl EqualityDeletes {
    /// No keys yet, over the columns `ids` of `schema`. Columns may lie in structs.
    ///
    /// # Errors
    /// `InvalidInput` for no column, a column that is not in the schema, lies in a list or map, or is not primitive.
    pub fn new(schema: &Schema, ids: &[FieldId]) -> Result<Self, DataError> {
        let invalid = |reason| DataError::InvalidInput { what: "columns of equality deletes", reason };
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Err(invalid("there are none, so that every row would be equal".to_owned()));
        }
        for id in &ids {
            if schema.field_by_id(*id).is_none() {
                return Err(invalid(format!("column {id} is not in the schema")));
            }
        }
        let selected = schema.select(&ids).map_err(|error| invalid(error.to_string()))?;
        let fields = selected.fields().iter().map(optional).collect();
        let schema = Schema::new(fields).map_err(|error| invalid(error.to_string()))?;
        let (mut types, mut arrow_types, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for id in &ids {
            let column = schema.field_by_id(*id).filter(|field| field.field_type.as_primitive().is_some());
            let path = ColumnPath::new(&schema, *id);
            let (Some(column), Some(path)) = (column, path) else {
                return Err(invalid(format!("column {id} is not primitive, or lies in a list or map")));
            };
            arrow_types.push(type_to_arrow(column.field_type)?);
            types.push(column.field_type.clone());
            paths.push(path);
        }
        let sort_fields = arrow_types.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(sort_fields).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { schema, ids, types, arrow_types, paths, converter, keys: HashMap::new(), size_bytes: 0 })
    }

    /// Adds the rows of a batch, deleted by the commit with this data sequence number. The batch has the columns of
    /// [`schema`](Self::schema), in its order.
    ///
    /// # Errors
    /// `InvalidInput` if the batch has other columns.
    pub fn insert(
        &mut self,
        batch: &RecordBatch,
        sequence_number: DataSequenceNumber,
    ) -> Result<(), DataError> {
        let mut columns = Vec::with_capacity(self.paths.len());
        for (path, expected) in self.paths.iter().zip(&self.arrow_types) {
            let values = path.values(batch.columns())?;
            if values.data_type() != expected {
                return Err(DataError::WrongColumns {
                    place: "equality deletes".to_owned(),
                    reason: format!("a column is {}, not {expected}", values.data_type()),
                });
            }
            columns.push(canonical(values));
        }
        let rows = self.converter.convert_columns(&columns).map_err(unconverted)?;
        for row in &rows {
            let bytes = row.data();
            match self.keys.entry(bytes.into()) {
                Entry::Occupied(mut there) => {
                    let newest = (*there.get()).max(sequence_number);
                    there.insert(newest);
                }
                Entry::Vacant(free) => {
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    self.size_bytes =
                        self.size_bytes.saturating_add(length).saturating_add(KEY_OVERHEAD_BYTES);
                    free.insert(sequence_number);
                }
            }
        }
        Ok(())
    }

    /// The columns to compare and the structs they lie in, all of them optional.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The columns to compare, ascending.
    pub fn field_ids(&self) -> &[FieldId] {
        &self.ids
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// About how many bytes of memory the keys take.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = (&Type, &DataType)> {
        self.types.iter().zip(&self.arrow_types)
    }

    /// For each row whether a commit after `data` deleted it. `columns` are those of [`field_ids`](Self::field_ids), in their types.
    pub(crate) fn hits(
        &self,
        columns: Vec<ArrayRef>,
        data: DataSequenceNumber,
    ) -> Result<impl Fn(usize) -> bool, DataError> {
        let columns: Vec<ArrayRef> = columns.into_iter().map(canonical).collect();
        let rows = self.converter.convert_columns(&columns).map_err(unconverted)?;
        // An equality delete reaches rows strictly older than itself.
        Ok(move |row: usize| self.keys.get(rows.row(row).data()).is_some_and(|delete| data < *delete))
    }
}

impl fmt::Debug for EqualityDeletes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EqualityDeletes")
            .field("field_ids", &self.ids)
            .field("len", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// The field with everything in it optional: old data files may lack columns that the table requires today.
fn optional(field: &NestedField) -> NestedField {
    let mut field = field.clone();
    field.required = false;
    if let Type::Struct(fields) = &mut field.field_type {
        fields.fields = fields.fields.iter().map(optional).collect();
    }
    field
}

/// Values that are equal as bytes exactly where they are equal.
fn canonical(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => {
            let floats = array.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN } else { v }))
        }
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            Arc::new(floats.unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN } else { v }))
        }
        _ => array,
    }
}

fn unconverted(error: arrow::error::ArrowError) -> DataError {
    DataError::Internal {
        what: "columns of equality deletes are not in their types".to_owned(),
        source: Some(Box::new(error)),
    }
}
