//! The end of a file: its footer, and its entry for a manifest.

use datashard_spec::id::FieldId;
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::property::MetricsMode;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};

use super::super::checksum;
use super::{ParquetFileWriter, encode, pass_on};
use crate::data_error::DataError;
use crate::file::{Written, record_sha256};

impl ParquetFileWriter {
    /// Completes the file.
    pub(super) async fn complete(mut self: Box<Self>) -> Result<DataFile, DataError> {
        self.end_row_group().await?;
        let lost = || DataError::internal("a column chunk did not leave in whole");
        let checksums = self.checksums.finish().ok_or_else(lost)?;
        self.file
            .append_key_value_metadata(KeyValue::new(checksum::KEY.to_owned(), checksum::encode(checksums)));
        let row_groups = self.file.flushed_row_groups().to_vec();
        encode(self.output.location(), "footer", || self.file.finish())?;
        pass_on(&mut self.checksums, &mut self.output, self.sink.take()).await?;

        let written = self.output.finish().await?;
        let sizes = column_sizes(&row_groups, &self.leaf_ids);
        let measured = sizes.into_iter().filter(|(id, _)| self.config.mode(*id) != MetricsMode::None);
        let starts = row_groups.iter().filter_map(row_group_start).collect();
        let file =
            entry(&written, self.rows).with_column_sizes(measured.collect()).with_split_offsets(starts);
        self.metrics.finish(file)
    }
}

fn entry(written: &Written, rows: u64) -> DataFile {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (rows, size) = (number(rows), number(written.size_bytes));
    let mut file = DataFile::new(&*written.location, FileFormat::Parquet, rows, size);
    record_sha256(&mut file, &written.sha256);
    file
}

/// Bytes on disk per field: of the columns of the file, by the field that each belongs to.
fn column_sizes(row_groups: &[RowGroupMetaData], leaf_ids: &[FieldId]) -> Vec<(FieldId, i64)> {
    let mut sizes: Vec<(FieldId, i64)> = Vec::new();
    for (at, id) in leaf_ids.iter().enumerate() {
        let chunks = row_groups.iter().filter_map(|row_group| row_group.columns().get(at));
        let size = chunks.fold(0, |sum: i64, chunk| sum.saturating_add(chunk.compressed_size()));
        match sizes.last_mut() {
            Some((last, sum)) if last == id => *sum = sum.saturating_add(size),
            _ => sizes.push((*id, size)),
        }
    }
    sizes
}

/// Where a row group starts: with the dictionary of its first column, if that has one.
fn row_group_start(row_group: &RowGroupMetaData) -> Option<i64> {
    let first = row_group.columns().first()?;
    Some(first.dictionary_page_offset().unwrap_or_else(|| first.data_page_offset()))
}
