//! [`TableOptions`]: what a table that is to be made looks like.

use datashard_io::arrow::datatypes::Schema as ArrowSchema;
use datashard_io::arrow::schema_from_arrow_with_fresh_ids;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;
use datashard_txn::action::CreateTable;

use crate::error::Error;

/// What a table that is to be made looks like: unpartitioned, unsorted, of format version 2 unless said otherwise.
///
/// # Examples
/// ```
/// use datashard::TableOptions;
/// use datashard::spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let options = TableOptions::new(schema).with_property("comment", "visits of the shop");
/// # Ok::<(), datashard::spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct TableOptions {
    table: CreateTable,
}

impl TableOptions {
    /// A table of this schema. Field ids are given out anew, from 1.
    pub fn new(schema: Schema) -> Self {
        Self { table: CreateTable::new(schema) }
    }

    /// A table for batches of this Arrow schema, such as the first rows have.
    ///
    /// # Errors
    /// As [`schema_from_arrow_with_fresh_ids`]: `Unsupported` names the column whose type the format does not have.
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Self, Error> {
        Ok(Self::new(schema_from_arrow_with_fresh_ids(schema)?))
    }

    /// A table of a schema in the format's own JSON.
    ///
    /// # Errors
    /// `Schema` if the text is not such a schema.
    ///
    /// # Spec
    /// "Appendix C: JSON serialization".
    pub fn from_json(text: &str) -> Result<Self, Error> {
        Ok(Self::new(Schema::from_json(text).map_err(|e| Error::Schema { source: Box::new(e) })?))
    }

    /// Partitioned so; sources are field ids of the schema as given.
    pub fn with_partition_spec(mut self, spec: PartitionSpec) -> Self {
        self.table = self.table.with_partition_spec(spec);
        self
    }

    /// With rows of a file in this order; sources are field ids of the schema as given.
    pub fn with_sort_order(mut self, order: SortOrder) -> Self {
        self.table = self.table.with_sort_order(order);
        self
    }

    /// With this property.
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.table = self.table.with_property(key, value);
        self
    }

    /// With this format version.
    pub fn with_format_version(mut self, version: FormatVersion) -> Self {
        self.table = self.table.with_format_version(version);
        self
    }

    pub(crate) fn into_table(self) -> CreateTable {
        self.table
    }
}
