//! The footer: fetched with the end of the file, held against its size, then decoded.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};

use super::footer_shape::{Shape, shape};
use super::undecodable;
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;
use crate::read::decoder::OpenOptions;

/// The end of the file that is fetched first: most footers fit, and small files do whole.
const TAIL_BYTES: u64 = 64 * 1024;
/// Length of the footer, and the magic number.
const END_BYTES: u64 = 8;
const MAGIC: &[u8] = b"PAR1";
const ENCRYPTED_MAGIC: &[u8] = b"PARE";

/// What is known of a file after its end was read.
#[derive(Debug, Clone)]
pub(super) struct Footer {
    pub(super) metadata: Arc<ParquetMetaData>,
    /// The true size of the file.
    pub(super) size_bytes: u64,
    /// The end of the file, and where it starts.
    pub(super) tail: (u64, Bytes),
}

/// Reads the footer: one request, two if it is long.
pub(super) async fn read(input: &InputFile, options: &OpenOptions) -> Result<Footer, DataError> {
    let file = input.location();
    let (tail, size_bytes) = input.read_tail(TAIL_BYTES).await?;
    if options.verify
        && let Some(known) = input.known_size_bytes().filter(|known| *known != size_bytes)
    {
        return Err(DataError::Mismatch {
            file: file.to_owned(),
            place: "whole file".to_owned(),
            what: "length in bytes",
            expected: known.to_string(),
            found: size_bytes.to_string(),
        });
    }
    let footer_bytes = footer_length(file, &tail, size_bytes)?;
    if footer_bytes > options.memory_limit_bytes {
        return Err(DataError::TooLarge {
            file: file.to_owned(),
            place: "footer".to_owned(),
            bytes: footer_bytes,
            limit_bytes: options.memory_limit_bytes,
        });
    }
    let footer_end = size_bytes.saturating_sub(END_BYTES);
    let footer_start = footer_end.saturating_sub(footer_bytes);
    let tail_start = size_bytes.saturating_sub(length(&tail));
    let footer = if footer_start >= tail_start {
        slice(&tail, footer_start.saturating_sub(tail_start), footer_bytes)
    } else {
        Some(input.read_range(footer_start..footer_end).await?)
    };
    let footer = footer.ok_or_else(|| DataError::internal("the footer lies in what was read"))?;
    check_shape(file, &footer)?;
    let metadata = guard(
        file,
        || "footer".to_owned(),
        || {
            ParquetMetaDataReader::decode_metadata(&footer)
                .map_err(|error| undecodable(file, "footer", error))
        },
    )?;
    check(file, &metadata, footer_start)?;
    Ok(Footer { metadata: Arc::new(metadata), size_bytes, tail: (tail_start, tail) })
}

/// The length of the footer, as the end of the file tells it.
fn footer_length(file: &str, tail: &Bytes, size_bytes: u64) -> Result<u64, DataError> {
    let end = tail.len().checked_sub(8).and_then(|start| tail.get(start..));
    let Some((size, magic)) = end.and_then(|end| end.split_first_chunk::<4>()) else {
        let reason = format!("{size_bytes} bytes are too few for a Parquet file");
        return Err(DataError::corrupt(file, "end of the file", reason));
    };
    if magic == ENCRYPTED_MAGIC {
        return Err(DataError::Unsupported {
            place: format!("`{file}`"),
            what: "an encrypted footer".to_owned(),
            advice: "write the table without encryption".to_owned(),
        });
    }
    if magic != MAGIC {
        return Err(DataError::corrupt(
            file,
            "end of the file",
            "it does not end as Parquet files do, with PAR1",
        ));
    }
    let footer_bytes = u64::from(u32::from_le_bytes(*size));
    // Another magic number stands at the start.
    if footer_bytes.saturating_add(END_BYTES).saturating_add(4) > size_bytes {
        let reason = format!("it claims {footer_bytes} bytes, and the file has {size_bytes}");
        return Err(DataError::corrupt(file, "footer", reason));
    }
    Ok(footer_bytes)
}

/// Refuses a footer that the decoder must not see.
fn check_shape(file: &str, footer: &[u8]) -> Result<(), DataError> {
    let unsupported = |what: &str, advice: &str| DataError::Unsupported {
        place: format!("`{file}`"),
        what: what.to_owned(),
        advice: advice.to_owned(),
    };
    match shape(footer) {
        Shape::Sound => Ok(()),
        Shape::Encrypted => Err(unsupported("encryption of columns", "write the table without encryption")),
        Shape::TooDeep => {
            Err(unsupported("a schema of more than 100 groups in each other", "write it with fewer levels"))
        }
        Shape::Broken => {
            Err(DataError::corrupt(file, "footer", "it breaks off, or lists more than it holds"))
        }
    }
}

/// Holds what the footer claims against the file, before anything relies on it.
fn check(file: &str, metadata: &ParquetMetaData, data_end: u64) -> Result<(), DataError> {
    let wrong = |place: String, reason: String| DataError::corrupt(file, place, reason);
    let leaves = metadata.file_metadata().schema_descr().num_columns();
    let mut rows = 0_i64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let place = || format!("row group {number}");
        if group.num_rows() < 0 {
            return Err(wrong(place(), format!("{} rows", group.num_rows())));
        }
        rows = rows
            .checked_add(group.num_rows())
            .ok_or_else(|| wrong(place(), "rows beyond 2^63".to_owned()))?;
        if group.num_columns() != leaves {
            let reason = format!("{} columns, where the schema has {leaves}", group.num_columns());
            return Err(wrong(place(), reason));
        }
        for (leaf, chunk) in group.columns().iter().enumerate() {
            let place = || format!("row group {number}, column {leaf} ({})", chunk.column_path());
            let (start, end) =
                span(chunk).ok_or_else(|| wrong(place(), "offsets that are no offsets".to_owned()))?;
            if start < 4 || end > data_end {
                return Err(wrong(
                    place(),
                    format!("bytes {start} to {end}, and the data ends at {data_end}"),
                ));
            }
            let is_flat = chunk.column_descr().max_rep_level() == 0;
            if chunk.num_values() < 0 || (is_flat && chunk.num_values() != group.num_rows()) {
                let reason = format!("{} values in {} rows", chunk.num_values(), group.num_rows());
                return Err(wrong(place(), reason));
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        let reason = format!("{rows} rows in row groups, {} in all", metadata.file_metadata().num_rows());
        return Err(wrong("footer".to_owned(), reason));
    }
    Ok(())
}

/// Refuses columns of a row group in a codec that is not read.
pub(super) fn check_codecs(
    file: &str,
    metadata: &ParquetMetaData,
    group: usize,
    leaves: &[usize],
) -> Result<(), DataError> {
    let Some(row_group) = metadata.row_groups().get(group) else { return Ok(()) };
    for leaf in leaves {
        let Some(chunk) = row_group.columns().get(*leaf) else { continue };
        if chunk.compression() == Compression::LZO {
            return Err(DataError::Unsupported {
                place: format!("`{file}`, row group {group}, column {leaf} ({})", chunk.column_path()),
                what: "compression with LZO".to_owned(),
                advice: "rewrite the file with zstd or snappy".to_owned(),
            });
        }
    }
    Ok(())
}

/// Where a column chunk starts and ends. Some writers put 0 for "no dictionary page".
pub(super) fn span(chunk: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let dictionary = chunk.dictionary_page_offset().filter(|offset| *offset > 0);
    let start = dictionary.map_or(chunk.data_page_offset(), |offset| offset.min(chunk.data_page_offset()));
    let start = u64::try_from(start).ok()?;
    let end = start.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?;
    Some((start, end))
}

pub(super) fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// `count` bytes from `start` on.
pub(super) fn slice(bytes: &Bytes, start: u64, count: u64) -> Option<Bytes> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(count).ok()?)?;
    (end <= bytes.len()).then(|| bytes.slice(start..end))
}
