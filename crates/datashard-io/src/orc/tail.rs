//! The tail of a file: postscript, footer, statistics of stripes. Read with one request, a second one if it is long.

use std::sync::Arc;

use bytes::Bytes;
use orc_rust::proto::{Footer, Metadata, PostScript, StripeStatistics};
use prost::Message;

use super::codec::Compression;
use super::fault::{Fault, Place};
use super::types::{self, Column};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;
use crate::read::decoder::OpenOptions;

/// Bytes at the end of a file that are read at first.
const TAIL_BYTES: u64 = 64 * 1024;
/// The first bytes of a file, and a word of its postscript.
const MAGIC: &str = "ORC";
/// Part of the memory that messages may take unpacked: parsed, they need several times as much.
const MESSAGE_SHARE: u64 = 8;
/// More rows for each byte of a stripe than any compression of any encoding can give.
const ROWS_PER_BYTE: u64 = 1 << 24;

/// What the tail of a file says.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) root: Column,
    pub(super) compression: Compression,
    pub(super) stripes: Vec<Stripe>,
    /// Per stripe, if there are any.
    pub(super) statistics: Vec<StripeStatistics>,
    pub(super) row_count: u64,
    /// Rows of a row group; 0 if there are none.
    pub(super) row_group_rows: u64,
    /// Whether bounds of texts can be trusted: those of the first writers cannot (HIVE-8732).
    pub(super) has_text_bounds: bool,
    /// The end of the file, and where it starts.
    pub(super) bytes: Bytes,
    pub(super) start: u64,
}

/// A stripe as the footer tells it, its lengths checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stripe {
    pub(super) number: usize,
    pub(super) first_row: u64,
    pub(super) row_count: u64,
    pub(super) start: u64,
    pub(super) footer_start: u64,
    pub(super) end: u64,
}

/// Reads the tail of a file.
pub(super) async fn read(input: &InputFile, options: &OpenOptions) -> Result<Tail, DataError> {
    let file: Arc<str> = input.location().into();
    let place = Place::part(&file, "postscript");
    let (bytes, size) = input.read_tail(TAIL_BYTES).await?;
    if let Some(known) = input.known_size_bytes().filter(|known| options.verify && *known != size) {
        return Err(DataError::Mismatch {
            file: file.to_string(),
            place: "file".to_owned(),
            what: "length in bytes",
            expected: known.to_string(),
            found: size.to_string(),
        });
    }
    let ends = guard(
        &file,
        || "postscript".to_owned(),
        || Ends::of(&bytes, size).map_err(|fault| place.error(fault, 0)),
    )?;
    let limit_bytes = options.memory_limit_bytes / MESSAGE_SHARE;
    let needed = size.saturating_sub(ends.metadata_start);
    if needed > limit_bytes {
        return Err(Place::part(&file, "footer").error(Fault::TooLarge { bytes: needed, limit_bytes }, 0));
    }
    let start = size.saturating_sub(length(&bytes));
    let (bytes, start) = if ends.metadata_start < start {
        (input.read_range(ends.metadata_start..size).await?, ends.metadata_start)
    } else {
        (bytes, start)
    };
    guard(
        &file,
        || "footer".to_owned(),
        || {
            Tail::parse(&ends, bytes, start, limit_bytes)
                .map_err(|fault| Place::part(&file, "footer").error(fault, 0))
        },
    )
}

/// Where the parts of the tail lie.
struct Ends {
    compression: Compression,
    has_text_bounds: bool,
    metadata_start: u64,
    footer_start: u64,
    footer_end: u64,
}

impl Ends {
    fn of(bytes: &Bytes, size: u64) -> Result<Self, Fault> {
        let last = bytes.last().ok_or_else(|| Fault::damaged("the file is empty"))?;
        let postscript_length = usize::from(*last);
        let end = bytes.len().saturating_sub(1);
        let text = end
            .checked_sub(postscript_length)
            .and_then(|start| bytes.get(start..end))
            .ok_or_else(|| Fault::damaged("the file is shorter than its postscript"))?;
        let postscript = PostScript::decode(text)
            .map_err(|error| Fault::Damaged(format!("no ORC file, or one that was cut off: {error}")))?;
        if postscript.magic.as_deref() != Some(MAGIC) {
            let reason = format!("no ORC file, or one that was cut off: magic is {:?}", postscript.magic);
            return Err(Fault::Damaged(reason));
        }
        if let Some((major, minor)) = postscript.version.first().zip(postscript.version.get(1))
            && (*major > 0 || *minor > 12)
        {
            return Err(Fault::Unsupported(format!("version {major}.{minor} of ORC")));
        }
        let footer_end = size.saturating_sub(length(text)).saturating_sub(1);
        let before = |end: u64, length: Option<u64>, what: &str| {
            let length = length.unwrap_or(0);
            end.checked_sub(length).ok_or_else(|| {
                Fault::Damaged(format!("{what} of {length} bytes where {end} bytes come before"))
            })
        };
        let footer_start = before(footer_end, postscript.footer_length, "a footer")?;
        let metadata_start = before(footer_start, postscript.metadata_length, "statistics")?;
        let has_text_bounds = postscript.writer_version.unwrap_or(0) > 0;
        let compression = Compression::of(&postscript)?;
        Ok(Self { compression, has_text_bounds, metadata_start, footer_start, footer_end })
    }
}

impl Tail {
    fn parse(ends: &Ends, bytes: Bytes, start: u64, limit_bytes: u64) -> Result<Self, Fault> {
        let part = |from: u64, to: u64| {
            let at = |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
            let part = at(from)..at(to);
            if bytes.get(part.clone()).is_none() {
                return Err(Fault::damaged("the footer lies outside of the file"));
            }
            ends.compression.unpack_all(bytes.slice(part), limit_bytes)
        };
        let footer = Footer::decode(part(ends.footer_start, ends.footer_end)?)
            .map_err(|error| Fault::Damaged(error.to_string()))?;
        if footer.encryption.is_some() {
            return Err(Fault::Unsupported("encryption of ORC columns".to_owned()));
        }
        let metadata = Metadata::decode(part(ends.metadata_start, ends.footer_start)?)
            .map_err(|error| Fault::Damaged(format!("statistics: {error}")))?;
        let statistics = metadata.stripe_stats;
        if !statistics.is_empty() && statistics.len() != footer.stripes.len() {
            let reason = format!("{} stripes and statistics of {}", footer.stripes.len(), statistics.len());
            return Err(Fault::Damaged(reason));
        }
        let stripes = stripes(&footer, ends.metadata_start)?;
        Ok(Self {
            root: types::root(&footer.types)?,
            compression: ends.compression,
            stripes,
            statistics,
            row_count: footer.number_of_rows.unwrap_or(0),
            has_text_bounds: ends.has_text_bounds,
            row_group_rows: footer.row_index_stride.unwrap_or(0).into(),
            bytes,
            start,
        })
    }
}

/// The stripes, in the order of the file, each after the one before.
fn stripes(footer: &Footer, limit: u64) -> Result<Vec<Stripe>, Fault> {
    let mut stripes = Vec::with_capacity(footer.stripes.len());
    let (mut first_row, mut free) = (0_u64, 0_u64);
    for (number, given) in footer.stripes.iter().enumerate() {
        let damaged = |reason: String| Fault::Damaged(format!("stripe {number}: {reason}"));
        let start = given.offset.unwrap_or(0);
        let lies = || format!("lies outside of the file or over another (it starts at byte {start})");
        let footer_start = start
            .checked_add(given.index_length.unwrap_or(0))
            .and_then(|end| end.checked_add(given.data_length.unwrap_or(0)))
            .ok_or_else(|| damaged(lies()))?;
        let end = footer_start
            .checked_add(given.footer_length.unwrap_or(0))
            .filter(|end| start >= free && *end <= limit)
            .ok_or_else(|| damaged(lies()))?;
        let row_count = given.number_of_rows.unwrap_or(0);
        if row_count > end.saturating_sub(start).saturating_mul(ROWS_PER_BYTE) {
            return Err(damaged(format!("{row_count} rows in {} bytes", end.saturating_sub(start))));
        }
        stripes.push(Stripe { number, first_row, row_count, start, footer_start, end });
        free = end;
        first_row = first_row.checked_add(row_count).ok_or_else(|| damaged("too many rows".to_owned()))?;
    }
    let said = footer.number_of_rows.unwrap_or(0);
    if first_row != said {
        return Err(Fault::Damaged(format!("the file has {said} rows and its stripes {first_row}")));
    }
    Ok(stripes)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
