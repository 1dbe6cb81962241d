//! [`PartitionKeys`]: which partition each row of a batch belongs to, and the batch taken apart by it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datashard_spec::SpecError;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{PrimitiveType, Schema, Type};
use datashard_spec::transform::Transform;
use datashard_spec::value::Tuple;

use super::column::Column;
use super::transform::transform_column;
use crate::arrow::type_to_arrow;
use crate::arrow::value::value_at;
use crate::data_error::DataError;

/// Computes partition tuples of the rows of batches.
#[derive(Debug)]
pub(crate) struct PartitionKeys {
    fields: Vec<KeyField>,
    /// Makes the rows comparable; `None` if all rows have one tuple.
    converter: Option<RowConverter>,
}

#[derive(Debug)]
struct KeyField {
    /// `None` for a `void` field, which may have lost its column.
    source: Option<Column>,
    transform: Transform,
    result_type: Type,
}

/// The rows of a batch by partition, in the order in which the partitions first come up.
#[derive(Debug)]
pub(crate) struct Grouping {
    /// Tuple and rows, in their order.
    pub(crate) groups: Vec<(Tuple, RecordBatch)>,
    /// The first partition whose rows do not all follow each other.
    pub(crate) scattered: Option<usize>,
}

impl PartitionKeys {
    /// Prepares for batches in the Arrow schema of `schema`.
    ///
    /// # Errors
    /// `InvalidInput` or `Unsupported` if the spec does not fit the schema or is not to be written with.
    pub(crate) fn new(schema: &Schema, spec: &PartitionSpec) -> Result<Self, DataError> {
        let place = || format!("partition spec {}", spec.id);
        spec.check_for_writing(schema)
            .map_err(|error| DataError::Spec { place: place(), source: Box::new(SpecError::from(error)) })?;
        let mut fields = Vec::with_capacity(spec.fields.len());
        let mut sort_fields = Vec::new();
        for field in &spec.fields {
            if field.transform == Transform::Void {
                let (source, result_type) = (None, PrimitiveType::Unknown.into());
                fields.push(KeyField { source, transform: Transform::Void, result_type });
                continue;
            }
            let unsupported = || DataError::Unsupported {
                place: place(),
                what: format!("writing with the transform {} of field `{}`", field.transform, field.name),
                advice:
                    "it comes from a newer version: write with that, or change the table's partition spec"
                        .to_owned(),
            };
            let source_id = field.source_id().filter(|_| !matches!(field.transform, Transform::Unknown(_)));
            let source = Column::find(schema, source_id.ok_or_else(unsupported)?, "partition spec")?;
            let source_type = Type::Primitive(source.value_type.clone());
            let result_type = field.transform.result_type(&source_type).ok_or_else(unsupported)?;
            sort_fields.push(SortField::new(type_to_arrow(&result_type)?));
            fields.push(KeyField { source: Some(source), transform: field.transform.clone(), result_type });
        }
        let converter = if sort_fields.is_empty() {
            None
        } else {
            Some(RowConverter::new(sort_fields).map_err(|e| arrow_failed("partition keys", e))?)
        };
        Ok(Self { fields, converter })
    }

    /// Takes a batch apart. A batch of one partition is handed through as it is.
    pub(crate) fn group(&self, batch: &RecordBatch) -> Result<Grouping, DataError> {
        if batch.num_rows() == 0 {
            return Ok(Grouping { groups: Vec::new(), scattered: None });
        }
        let Some(converter) = &self.converter else {
            let tuple = vec![None; self.fields.len()];
            return Ok(Grouping { groups: vec![(tuple, batch.clone())], scattered: None });
        };
        let columns = self.columns(batch)?;
        let present: Vec<ArrayRef> = columns.iter().flatten().cloned().collect();
        let keys = converter.convert_columns(&present).map_err(|e| arrow_failed("partition keys", e))?;
        let runs = Runs::of(&keys)?;
        if let [(first, _)] = runs.firsts.as_slice() {
            let tuple = self.tuple(&columns, *first)?;
            return Ok(Grouping { groups: vec![(tuple, batch.clone())], scattered: None });
        }
        let scattered = runs.scattered;
        let ordered = match scattered {
            None => batch.clone(),
            Some(_) => {
                let order = UInt32Array::from(runs.order());
                take_record_batch(batch, &order).map_err(|e| arrow_failed("rows of partitions", e))?
            }
        };
        let mut groups = Vec::with_capacity(runs.firsts.len());
        let mut start = 0_usize;
        for (first, count) in &runs.firsts {
            groups.push((self.tuple(&columns, *first)?, ordered.slice(start, *count)));
            start = start.saturating_add(*count);
        }
        Ok(Grouping { groups, scattered })
    }

    /// The transformed columns of the fields, `None` for `void`.
    fn columns(&self, batch: &RecordBatch) -> Result<Vec<Option<ArrayRef>>, DataError> {
        let column = |field: &KeyField| match &field.source {
            None => Ok(None),
            Some(source) => {
                let values = transform_column(&source.of(batch)?, &field.transform, &source.name)?;
                Ok(Some(one_nan(values)))
            }
        };
        self.fields.iter().map(column).collect()
    }

    fn tuple(&self, columns: &[Option<ArrayRef>], row: usize) -> Result<Tuple, DataError> {
        let value = |(field, column): (&KeyField, &Option<ArrayRef>)| match column {
            None => Ok(None),
            Some(values) => value_at(values, &field.result_type, row),
        };
        self.fields.iter().zip(columns).map(value).collect()
    }
}

/// Which rows belong together.
struct Runs {
    /// For each group its first row and how many rows it has, in the order of first rows.
    firsts: Vec<(usize, usize)>,
    /// The group of each row.
    group_of: Vec<usize>,
    /// The first group whose rows do not all follow each other.
    scattered: Option<usize>,
}

impl Runs {
    fn of(keys: &Rows) -> Result<Self, DataError> {
        if u32::try_from(keys.num_rows()).is_err() {
            let reason = format!("{} rows at once are too many: hand in smaller batches", keys.num_rows());
            return Err(DataError::InvalidInput { what: "record batch", reason });
        }
        let mut runs = Self { firsts: Vec::new(), group_of: Vec::new(), scattered: None };
        let mut groups: HashMap<&[u8], usize> = HashMap::new();
        let mut last: Option<(&[u8], usize)> = None;
        for (row, key) in keys.iter().enumerate() {
            let key = key.data();
            let group = match last {
                Some((before, group)) if before == key => group,
                _ => {
                    let next = groups.len();
                    let group = *groups.entry(key).or_insert(next);
                    if group == next {
                        runs.firsts.push((row, 0));
                    } else if runs.scattered.is_none() {
                        runs.scattered = Some(group);
                    }
                    group
                }
            };
            last = Some((key, group));
            runs.group_of.push(group);
            if let Some((_, count)) = runs.firsts.get_mut(group) {
                *count = count.saturating_add(1);
            }
        }
        Ok(runs)
    }

    /// The rows, group by group, each group in its order.
    fn order(&self) -> Vec<u32> {
        let mut rows: Vec<(usize, u32)> = self.group_of.iter().copied().zip(0_u32..).collect();
        rows.sort_by_key(|(group, _)| *group);
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

/// Floats with all NaNs made one, as values of partition tuples are compared.
fn one_nan(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float32 => {
            let floats = values.as_primitive::<Float32Type>();
            if !floats.values().iter().any(|v| v.is_nan()) {
                return values;
            }
            Arc::new(floats.unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN.copysign(1.0) } else { v }))
        }
        DataType::Float64 => {
            let floats = values.as_primitive::<Float64Type>();
            if !floats.values().iter().any(|v| v.is_nan()) {
                return values;
            }
            Arc::new(floats.unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN.copysign(1.0) } else { v }))
        }
        _ => values,
    }
}

/// A failure of a kernel on arrays that were checked before.
pub(crate) fn arrow_failed(what: &str, source: arrow::error::ArrowError) -> DataError {
    DataError::Internal { what: format!("{what}: {source}"), source: Some(Box::new(source)) }
}

#[cfg(test)]
mod tests;
