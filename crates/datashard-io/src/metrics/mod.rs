//! Column metrics of a file, measured on the rows that go into it.
//!
//! Measured are the primitive columns that structs alone lead to: inside lists and maps a count per file would say nothing about rows.
//! What a null struct hides counts as null, whatever lies in the buffers below it.

mod bounds;
mod floats;
mod leaf;
mod runs;
#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use datashard_spec::manifest::DataFile;
use datashard_spec::property::{MetricsConfig, MetricsMode};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};

use crate::data_error::DataError;
use leaf::Leaf;

/// Measures the columns of batches as they are written: counts of values, nulls and NaNs, and bounds, each as the column's mode wants them.
///
/// Bounds of all values are kept in full and cut only in the end. They obey the order of the format: -0.0 before +0.0, NaN nowhere, uuid
/// and bytes unsigned. A column without any value but nulls and NaNs has none; shapes and variants never have.
///
/// # Spec
/// "Manifests", `data_file`; column metrics modes are a convention that other implementations share.
#[derive(Debug)]
pub(crate) struct MetricsBuilder {
    columns: Vec<Measured>,
    rows: i64,
}

/// A column that is measured, by its place in the batch or in its struct.
#[derive(Debug)]
struct Measured {
    at: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Leaf(Box<Leaf>),
    Struct(Vec<Measured>),
}

impl MetricsBuilder {
    /// Measures columns of `schema` by their modes.
    ///
    /// # Errors
    /// None today: types without metrics are passed over.
    pub(crate) fn new(schema: &Schema, config: &MetricsConfig) -> Result<Self, DataError> {
        Ok(Self { columns: measured(schema.fields(), config), rows: 0 })
    }

    /// Adds the rows of a batch in the Arrow schema of the table.
    ///
    /// # Errors
    /// `InvalidInput` if the batch lacks a column or has one of another type. What was measured so far is then of no use.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        self.rows = self.rows.saturating_add(rows);
        add_columns(&mut self.columns, batch.columns(), None)
    }

    /// The file with counts and bounds.
    ///
    /// # Errors
    /// `Internal` if a bound has no binary form, which every value of these types has.
    pub(crate) fn finish(self, file: DataFile) -> Result<DataFile, DataError> {
        let mut leaves = Vec::new();
        collect_leaves(self.columns, &mut leaves);
        let mut lower = Vec::new();
        let mut upper = Vec::new();
        for leaf in &leaves {
            let (low, high) = leaf.bounds()?;
            lower.extend(low.map(|bytes| (leaf.id, bytes)));
            upper.extend(high.map(|bytes| (leaf.id, bytes)));
        }
        Ok(file
            .with_value_counts(leaves.iter().map(|leaf| (leaf.id, self.rows)).collect())
            .with_null_value_counts(leaves.iter().map(|leaf| (leaf.id, leaf.nulls)).collect())
            .with_nan_value_counts(leaves.iter().filter_map(|leaf| Some((leaf.id, leaf.nans?))).collect())
            .with_lower_bounds(lower.into_iter().collect())
            .with_upper_bounds(upper.into_iter().collect()))
    }
}

fn measured(fields: &[NestedField], config: &MetricsConfig) -> Vec<Measured> {
    let columns = fields.iter().enumerate();
    columns.filter_map(|(at, field)| Some(Measured { at, what: what(field, config)? })).collect()
}

/// How to measure a field, if at all.
fn what(field: &NestedField, config: &MetricsConfig) -> Option<What> {
    let mode = config.mode(field.id);
    let leaf = |leaf: Leaf| (mode != MetricsMode::None).then(|| What::Leaf(Box::new(leaf)));
    match &field.field_type {
        Type::Struct(inner) => {
            let columns = measured(&inner.fields, config);
            (!columns.is_empty()).then_some(What::Struct(columns))
        }
        Type::Variant => leaf(Leaf::counted(field.id)),
        Type::Primitive(PrimitiveType::Unknown) => None,
        Type::Primitive(primitive) => leaf(Leaf::new(field.id, primitive, mode)),
        _ => None,
    }
}

fn add_columns(
    columns: &mut [Measured],
    arrays: &[ArrayRef],
    hidden: Option<&NullBuffer>,
) -> Result<(), DataError> {
    for column in columns {
        let array = arrays.get(column.at).ok_or_else(|| DataError::WrongColumns {
            place: "record batch".to_owned(),
            reason: format!("it has {} columns, and column {} was expected", arrays.len(), column.at),
        })?;
        let nulls = NullBuffer::union(hidden, array.nulls());
        match &mut column.what {
            What::Leaf(leaf) => leaf.add(array, nulls.as_ref())?,
            What::Struct(inner) => {
                let parts = array.as_struct_opt().ok_or_else(|| DataError::WrongColumns {
                    place: "record batch".to_owned(),
                    reason: format!("a struct was expected, and found was {}", array.data_type()),
                })?;
                add_columns(inner, parts.columns(), nulls.as_ref())?;
            }
        }
    }
    Ok(())
}

fn collect_leaves(columns: Vec<Measured>, leaves: &mut Vec<Leaf>) {
    for column in columns {
        match column.what {
            What::Leaf(leaf) => leaves.push(*leaf),
            What::Struct(inner) => collect_leaves(inner, leaves),
        }
    }
}
