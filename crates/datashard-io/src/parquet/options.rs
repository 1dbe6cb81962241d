//! How Parquet files are written, by the properties of a table.

mod bloom;
mod compression;
mod leaf_paths;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datashard_spec::property::parquet as key;
use datashard_spec::property::{
    ColumnProperty, ParquetPageVersion, Property, PropertyValue, PropertyWarning, TableProperties,
};
use datashard_spec::schema::Schema;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

use super::checksum;
use super::row_group::RowGroupLimit;
use leaf_paths::{LeafPath, leaf_paths};

/// Values longer than this are cut in the statistics of column chunks, which then say so. Footers stay small, and in practice all
/// statistics are exact.
const MAX_STATISTICS_BYTES: usize = 4096;
/// Values that the crate encodes between two looks at the size of a page.
const WRITE_BATCH_ROWS: usize = 1024;

/// How to write Parquet files of one schema.
#[derive(Debug, Clone)]
pub(crate) struct ParquetWriteOptions {
    pub(super) row_groups: RowGroupLimit,
    properties: Arc<WriterProperties>,
}

impl ParquetWriteOptions {
    /// By the properties of a table, those of delete files if `deletes`. Properties of columns count for the columns of `schema`.
    ///
    /// Values that make no sense count as the default, with a warning; so do shredded variants, which are not supported: variants are
    /// written whole.
    ///
    /// # Spec
    /// None: a convention that other implementations share.
    pub(crate) fn from_properties(
        schema: &Schema,
        properties: &TableProperties<'_>,
        deletes: bool,
    ) -> (Self, Vec<PropertyWarning>) {
        let mut reader = Reader { properties, warnings: Vec::new() };
        let row_groups = reader.row_groups(deletes);
        let builder = reader.pages(deletes);
        let builder = builder.set_compression(compression::compression(&mut reader, deletes));
        let builder = reader.columns(schema, builder);
        if reader.value(&key::SHRED_VARIANTS) {
            reader.warnings.push(PropertyWarning::new(key::SHRED_VARIANTS.key, "true", "false"));
        }
        (Self { row_groups, properties: Arc::new(builder.build()) }, reader.warnings)
    }

    /// In the words of the crate.
    pub(super) fn writer_properties(&self) -> Arc<WriterProperties> {
        Arc::clone(&self.properties)
    }
}

/// Reads properties and keeps the warnings.
struct Reader<'a> {
    properties: &'a TableProperties<'a>,
    warnings: Vec<PropertyWarning>,
}

impl Reader<'_> {
    fn value<T: PropertyValue>(&mut self, property: &'static Property<T>) -> T {
        let parsed = self.properties.parsed(property);
        self.warnings.extend(parsed.warning);
        parsed.value
    }

    /// The property of delete files, or that of data files.
    fn either<T: PropertyValue>(
        &mut self,
        deletes: bool,
        delete: &'static Property<T>,
        data: &'static Property<T>,
    ) -> T {
        self.value(if deletes { delete } else { data })
    }

    fn size(&mut self, deletes: bool, delete: &'static Property<u64>, data: &'static Property<u64>) -> usize {
        usize::try_from(self.either(deletes, delete, data)).unwrap_or(usize::MAX)
    }

    fn column<T: PropertyValue>(&mut self, property: &ColumnProperty<T>, full_name: &str) -> T {
        let parsed = self.properties.column(property, full_name);
        self.warnings.extend(parsed.warning);
        parsed.value
    }

    fn row_groups(&mut self, deletes: bool) -> RowGroupLimit {
        RowGroupLimit {
            size_bytes: self.either(deletes, &key::DELETE_ROW_GROUP_SIZE_BYTES, &key::ROW_GROUP_SIZE_BYTES),
            check_min_rows: self.either(
                deletes,
                &key::DELETE_ROW_GROUP_CHECK_MIN_RECORD_COUNT,
                &key::ROW_GROUP_CHECK_MIN_RECORD_COUNT,
            ),
            check_max_rows: self.either(
                deletes,
                &key::DELETE_ROW_GROUP_CHECK_MAX_RECORD_COUNT,
                &key::ROW_GROUP_CHECK_MAX_RECORD_COUNT,
            ),
            is_uncompressed: self.value(&key::ROW_GROUP_SIZE_TRACK_UNCOMPRESSED),
        }
    }

    fn pages(&mut self, deletes: bool) -> WriterPropertiesBuilder {
        let page_rows = self.size(deletes, &key::DELETE_PAGE_ROW_LIMIT, &key::PAGE_ROW_LIMIT);
        let version = match self.either(deletes, &key::DELETE_PAGE_VERSION, &key::PAGE_VERSION) {
            ParquetPageVersion::V2 => WriterVersion::PARQUET_2_0,
            _ => WriterVersion::PARQUET_1_0,
        };
        WriterProperties::builder()
            .set_created_by(checksum::CREATED_BY.to_owned())
            .set_writer_version(version)
            .set_data_page_size_limit(self.size(deletes, &key::DELETE_PAGE_SIZE_BYTES, &key::PAGE_SIZE_BYTES))
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows.min(WRITE_BATCH_ROWS))
            .set_dictionary_page_size_limit(self.size(
                deletes,
                &key::DELETE_DICT_SIZE_BYTES,
                &key::DICT_SIZE_BYTES,
            ))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_statistics_truncate_length(Some(MAX_STATISTICS_BYTES))
    }

    fn columns(&mut self, schema: &Schema, mut builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
        for LeafPath { full_name, value_type, path } in leaf_paths(schema) {
            if !self.column(&key::STATS_ENABLED_COLUMN, &full_name) {
                builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            }
            if !self.column(&key::DICT_ENCODING_ENABLED_COLUMN, &full_name) {
                builder = builder.set_column_dictionary_enabled(path.clone(), false);
            }
            builder = bloom::set(self, builder, &full_name, value_type.as_ref(), path);
        }
        builder
    }
}
