//! The file's columns as Arrow: by its Parquet schema alone, so that an embedded Arrow schema of another writer changes nothing.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::ParquetMetaData;

use super::undecodable;
use crate::data_error::DataError;
use crate::file::guard::guard;

/// What batches are decoded with.
///
/// INT96 timestamps come in microseconds: in nanoseconds, which the decoder would choose, years before 1678 and after 2261 do not fit.
pub(super) fn reader_metadata(
    file: &str,
    metadata: &Arc<ParquetMetaData>,
) -> Result<ArrowReaderMetadata, DataError> {
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let build = |options| {
        guard(
            file,
            || "schema".to_owned(),
            || {
                ArrowReaderMetadata::try_new(Arc::clone(metadata), options)
                    .map_err(|error| undecodable(file, "schema", error))
            },
        )
    };
    let plain = build(options())?;
    let leaves = metadata.file_metadata().schema_descr();
    let is_int96: Vec<bool> =
        leaves.columns().iter().map(|column| column.physical_type() == PhysicalType::INT96).collect();
    if !is_int96.contains(&true) {
        return Ok(plain);
    }
    let mut leaf = 0;
    let fields = in_micros(plain.schema().fields(), &is_int96, &mut leaf);
    build(options().with_schema(Arc::new(ArrowSchema::new(fields))))
}

/// The fields, with the leaves that are INT96 in microseconds. As deep as the decoder's own recursion over the schema went.
fn in_micros(fields: &Fields, is_int96: &[bool], leaf: &mut usize) -> Fields {
    fields.iter().map(|field| field_in_micros(field, is_int96, leaf)).collect()
}

fn field_in_micros(field: &FieldRef, is_int96: &[bool], leaf: &mut usize) -> FieldRef {
    let changed = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(in_micros(fields, is_int96, leaf)),
        DataType::List(element) => DataType::List(field_in_micros(element, is_int96, leaf)),
        DataType::Map(entries, sorted) => DataType::Map(field_in_micros(entries, is_int96, leaf), *sorted),
        other => {
            let int96 = is_int96.get(*leaf).copied().unwrap_or(false);
            *leaf = leaf.saturating_add(1);
            if int96 { DataType::Timestamp(TimeUnit::Microsecond, None) } else { other.clone() }
        }
    };
    Arc::new(Field::clone(field).with_data_type(changed))
}

/// The types of the primitive columns, depth first.
pub(super) fn leaf_types(fields: &Fields) -> Vec<DataType> {
    let mut leaves = Vec::new();
    collect(fields, &mut leaves);
    leaves
}

fn collect(fields: &Fields, leaves: &mut Vec<DataType>) {
    for field in fields {
        match field.data_type() {
            DataType::Struct(fields) => collect(fields, leaves),
            DataType::List(child) | DataType::Map(child, _) => {
                collect(&Fields::from(vec![Arc::clone(child)]), leaves);
            }
            other => leaves.push(other.clone()),
        }
    }
}
