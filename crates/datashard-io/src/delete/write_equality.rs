//! [`EqualityDeleteWriter`]: equality-delete files, which name deleted rows by the values of some columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datashard_spec::SpecError;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::FileContent;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{PrimitiveType, Schema, SchemaError, Type};
use datashard_spec::value::Tuple;

use super::columns::select_columns;
use crate::arrow::{conform_batch, schema_to_arrow, type_to_arrow};
use crate::context::Context;
use crate::data_error::DataError;
use crate::store::{DeleteReport, TableStore};
use crate::write::column::Column;
use crate::write::files::{BeginFile, Files};
use crate::write::format::TableFormat;
use crate::write::partition::{Grouping, PartitionKeys, arrow_failed};
use crate::write::partitioned::PartitionedWriter;
use crate::write::{WriteOptions, WriteResult};

/// Bytes of keys that are remembered so as not to write them twice.
const REMEMBERED_BYTES: usize = 64 << 20;

/// Writes equality-delete files: a row is deleted if some row of the file equals it in all equality columns, null being equal to null.
///
/// Such a file hits rows of older commits only, in data files of its own spec and partition: those that were written under an earlier spec
/// of the table are spared. One of an unpartitioned spec hits all partitions of all specs.
///
/// Keys that come again are left out as long as 64 MiB of them can be remembered.
///
/// # Spec
/// "Equality Delete Files".
///
/// # Examples
/// ```
/// # use std::collections::BTreeMap;
/// # use std::sync::Arc;
/// # use datashard_io::arrow::array::{Int64Array, RecordBatch};
/// # use datashard_io::context::Context;
/// use datashard_io::delete::EqualityDeleteWriter;
/// use datashard_io::write::WriteOptions;
/// # use datashard_io::{StoreOptions, TableStore};
/// use datashard_spec::id::FieldId;
/// # use datashard_spec::id::PartitionSpecId;
/// # use datashard_spec::manifest::FileContent;
/// # use datashard_spec::metadata::FormatVersion;
/// # use datashard_spec::partition::PartitionSpec;
/// # use datashard_spec::property::TableProperties;
/// # use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// # use datashard_spec::sort_order::SortOrder;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let schema = Arc::new(Schema::new(vec![
/// #     NestedField::required(1, "id", PrimitiveType::Long),
/// #     NestedField::optional(2, "name", PrimitiveType::String),
/// # ])?);
/// # let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
/// # let set = BTreeMap::new();
/// # let properties = TableProperties::new(&set);
/// # let store = TableStore::open("memory://lake/visits", StoreOptions::new()).await?;
/// # let context = Context::system();
/// let content = FileContent::EqualityDeletes;
/// let (options, _) = WriteOptions::from_properties(&schema, &SortOrder::unsorted(), properties, content)?;
/// let ids = [FieldId(1)];
/// let mut writer = EqualityDeleteWriter::new(
///     &store, &schema, &spec, Some(&ids), &options, FormatVersion::V2, &context,
/// )?;
/// let keys = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![7, 9, 7])) as _)])?;
/// writer.write(&keys).await?;
/// let written = writer.finish().await?;
/// assert_eq!((written.record_count, &*written.files[0].equality_ids), (2, &ids[..]));
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "deletes are in files after `finish` only"]
pub struct EqualityDeleteWriter {
    /// The columns that a batch must have: those of the files, and those that partitions are made of.
    input: Schema,
    /// The columns of the files.
    file: Schema,
    file_arrow: SchemaRef,
    keys: PartitionKeys,
    seen: Seen,
    rows: PartitionedWriter,
}

impl EqualityDeleteWriter {
    /// A writer of deletes by the columns `equality_ids` of `schema`, or, with `None`, by the identifier fields of the schema.
    ///
    /// # Errors
    /// `Unsupported` for a table of version 1, which has no deletes. `InvalidInput` if there are no columns, one does not exist, is no
    /// single value or lies in a list or map, is a float or double (NaN and -0.0 compare differently everywhere: delete by another column,
    /// or by position), or the options are for another content; else as for [`TableWriter::new`](crate::write::TableWriter::new).
    pub fn new(
        store: &TableStore,
        schema: &Arc<Schema>,
        spec: &PartitionSpec,
        equality_ids: Option<&[FieldId]>,
        options: &WriteOptions,
        version: FormatVersion,
        context: &Context,
    ) -> Result<Self, DataError> {
        let ids = equality_columns(schema, equality_ids)?;
        let file = part_of(schema, &ids)?;
        let format = Box::new(TableFormat::new(Arc::new(file.clone()), options));
        Self::with_format(store, (schema, spec), ids, options, version, context, format)
    }

    pub(crate) fn with_format(
        store: &TableStore,
        (schema, spec): (&Schema, &PartitionSpec),
        ids: Vec<FieldId>,
        options: &WriteOptions,
        version: FormatVersion,
        context: &Context,
        format: Box<dyn BeginFile>,
    ) -> Result<Self, DataError> {
        if version == FormatVersion::V1 {
            return Err(DataError::Unsupported {
                place: format!("table of format {version}"),
                what: "writing equality-delete files".to_owned(),
                advice: "upgrade the table to version 2 or later, or write its data files anew".to_owned(),
            });
        }
        super::check_content(options, FileContent::EqualityDeletes)?;
        // Checked against the whole schema: names of partition fields may not be those of other columns.
        PartitionKeys::new(schema, spec)?;
        let sources = spec.fields.iter().filter_map(|field| field.source_id());
        let sources = sources.filter(|id| schema.field_by_id(*id).is_some());
        let input = part_of(schema, &ids.iter().copied().chain(sources).collect::<Vec<_>>())?;
        let file = part_of(schema, &ids)?;
        let keys = PartitionKeys::new(&input, spec)?;
        let seen = Seen::new(&input, &ids)?;
        let file_arrow = schema_to_arrow(&file)?;
        let files = Files::new(store, spec, format, ids, options, context)?;
        let rows = PartitionedWriter::new(files, spec, None, options);
        Ok(Self { input, file, file_arrow, keys, seen, rows })
    }

    /// The columns that batches must have: the equality columns, and those that partitions are made of.
    pub fn input_schema(&self) -> &Schema {
        &self.input
    }

    /// Deletes the rows that equal one of these. A batch has at least the columns of [`input_schema`](Self::input_schema), found by field id,
    /// or by name where it has no ids; others are left aside.
    ///
    /// # Errors
    /// As [`TableWriter::write`](crate::write::TableWriter::write); a missing column is `InvalidInput`, also an optional one.
    ///
    /// # Cancel safety
    /// As [`TableWriter::write`](crate::write::TableWriter::write).
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        self.rows.check_ready()?;
        let batch = conform_batch(&select_columns(batch, &self.input)?, &self.input)?;
        let rows = self.keys.group(&batch)?;
        // Before the keys are remembered as written.
        self.rows.check_order(&rows)?;
        let fresh = self.fresh(&rows).inspect_err(|_| self.seen.forget());
        self.rows.write(Grouping { groups: fresh?, scattered: rows.scattered }).await
    }

    /// The columns of the files, of rows that were not written before.
    fn fresh(&mut self, rows: &Grouping) -> Result<Vec<(Tuple, RecordBatch)>, DataError> {
        let mut groups = Vec::with_capacity(rows.groups.len());
        for (partition, batch) in &rows.groups {
            let fresh = self.seen.without(partition, batch)?;
            if fresh.num_rows() > 0 {
                let columns = select_columns(&fresh, &self.file)?.columns().to_vec();
                let fresh = RecordBatch::try_new(Arc::clone(&self.file_arrow), columns)
                    .map_err(|e| arrow_failed("columns of equality deletes", e))?;
                groups.push((partition.clone(), fresh));
            }
        }
        Ok(groups)
    }

    /// Completes all files and hands them over. They are durable when this returns.
    ///
    /// # Errors
    /// As [`TableWriter::finish`](crate::write::TableWriter::finish).
    ///
    /// # Cancel safety
    /// As [`TableWriter::finish`](crate::write::TableWriter::finish).
    pub async fn finish(&mut self) -> Result<WriteResult, DataError> {
        self.rows.finish().await
    }

    /// As [`TableWriter::abort`](crate::write::TableWriter::abort).
    ///
    /// # Cancel safety
    /// Some files may be deleted and others not.
    pub async fn abort(self) -> DeleteReport {
        self.rows.abort().await
    }
}

/// The columns to compare, each once, checked.
pub(crate) fn equality_columns(
    schema: &Schema,
    given: Option<&[FieldId]>,
) -> Result<Vec<FieldId>, DataError> {
    const WHAT: &str = "equality columns";
    let invalid = |reason: String| Err(DataError::InvalidInput { what: WHAT, reason });
    let asked: Vec<FieldId> = match given {
        Some(ids) => ids.to_vec(),
        None => schema.identifier_field_ids().iter().copied().collect(),
    };
    let mut ids = Vec::with_capacity(asked.len());
    for id in asked {
        let column = Column::find(schema, id, WHAT)?;
        match column.value_type {
            PrimitiveType::Float | PrimitiveType::Double => {
                return invalid(format!(
                    "column `{}` is a {}, and readers differ in how they compare NaN and -0.0: delete by another column, or by position",
                    column.name, column.value_type
                ));
            }
            PrimitiveType::Unknown | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
                return invalid(format!(
                    "column `{}` is a {}, whose values are not compared",
                    column.name, column.value_type
                ));
            }
            _ => {}
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        return invalid("there are none: the schema has no identifier fields, so name columns".to_owned());
    }
    Ok(ids)
}

/// The schema with these fields only, in the structs that they lie in.
fn part_of(schema: &Schema, ids: &[FieldId]) -> Result<Schema, DataError> {
    schema.project(ids).map_err(|source: SchemaError| DataError::Spec {
        place: "equality columns".to_owned(),
        source: Box::new(SpecError::from(source)),
    })
}

/// Keys that were written, by partition.
#[derive(Debug)]
struct Seen {
    columns: Vec<Column>,
    converter: RowConverter,
    keys: HashMap<Tuple, HashSet<Box<[u8]>>>,
    bytes: usize,
    limit_bytes: usize,
}

impl Seen {
    fn new(input: &Schema, ids: &[FieldId]) -> Result<Self, DataError> {
        let columns: Result<Vec<Column>, _> =
            ids.iter().map(|id| Column::find(input, *id, "equality columns")).collect();
        let columns = columns?;
        let field =
            |column: &Column| Ok(SortField::new(type_to_arrow(&Type::Primitive(column.value_type.clone()))?));
        let fields: Result<Vec<SortField>, DataError> = columns.iter().map(field).collect();
        let converter = RowConverter::new(fields?).map_err(|e| arrow_failed("equality keys", e))?;
        Ok(Self { columns, converter, keys: HashMap::new(), bytes: 0, limit_bytes: REMEMBERED_BYTES })
    }

    fn forget(&mut self) {
        (self.keys, self.bytes) = (HashMap::new(), 0);
    }

    /// The rows whose keys were not there before, in this partition and as far back as is remembered.
    fn without(&mut self, partition: &Tuple, batch: &RecordBatch) -> Result<RecordBatch, DataError> {
        let columns: Result<Vec<ArrayRef>, _> = self.columns.iter().map(|column| column.of(batch)).collect();
        let keys = self.converter.convert_columns(&columns?).map_err(|e| arrow_failed("equality keys", e))?;
        if self.bytes > self.limit_bytes {
            self.forget();
        }
        let there = self.keys.entry(partition.clone()).or_default();
        let mut bytes = self.bytes;
        let fresh: BooleanArray = keys
            .iter()
            .map(|key| {
                let new = !there.contains(key.data());
                if new {
                    bytes = bytes.saturating_add(key.data().len()).saturating_add(32);
                    there.insert(key.data().into());
                }
                Some(new)
            })
            .collect();
        self.bytes = bytes;
        filter_record_batch(batch, &fresh).map_err(|e| arrow_failed("rows of equality deletes", e))
    }
}

#[cfg(test)]
mod tests;
