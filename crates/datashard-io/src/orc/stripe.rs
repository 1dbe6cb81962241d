//! A stripe: its footer, where its streams lie, and the bytes of those that are wanted.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use orc_rust::proto::stream::Kind as StreamKind;
use orc_rust::proto::{ColumnEncoding, StripeFooter};
use prost::Message;

use super::fault::{Fault, Place};
use super::tail::{Stripe, Tail};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;

/// A stripe of at most so many bytes is read whole, with one request.
const WHOLE_BYTES: u64 = 1024 * 1024;

/// A stripe whose footer was read.
#[derive(Debug)]
pub(super) struct OpenStripe {
    pub(super) stripe: Stripe,
    pub(super) encodings: Vec<ColumnEncoding>,
    /// Where timestamps without zone were written, if that matters.
    pub(super) zone: Option<String>,
    /// By column and kind.
    places: BTreeMap<(u32, i32), Range<u64>>,
    /// Parts of the file in memory, the start of each first.
    parts: Vec<(u64, Bytes)>,
}

impl OpenStripe {
    /// Reads the footer of a stripe; all of it if it is small.
    pub(super) async fn open(
        input: &InputFile,
        file: &Arc<str>,
        tail: &Tail,
        stripe: Stripe,
        limit_bytes: u64,
    ) -> Result<Self, DataError> {
        let place = Place::part(file, format!("stripe {}", stripe.number));
        let length = stripe.end.saturating_sub(stripe.start);
        let footer_length = stripe.end.saturating_sub(stripe.footer_start);
        let whole = length <= WHOLE_BYTES.min(limit_bytes);
        let range = if whole { stripe.start } else { stripe.footer_start }..stripe.end;
        if footer_length > limit_bytes {
            return Err(place.error(Fault::TooLarge { bytes: footer_length, limit_bytes }, 0));
        }
        let mut parts = vec![(tail.start, tail.bytes.clone())];
        if range.start < tail.start {
            let bytes = input.read_range(range.clone()).await?;
            parts = vec![(range.start, bytes)];
        }
        guard(
            file,
            || place.what.to_string(),
            || Self::parse(tail, stripe, parts, limit_bytes).map_err(|fault| place.error(fault, 0)),
        )
    }

    fn parse(tail: &Tail, stripe: Stripe, parts: Vec<(u64, Bytes)>, limit_bytes: u64) -> Result<Self, Fault> {
        let footer = find(&parts, &(stripe.footer_start..stripe.end))
            .ok_or_else(|| Fault::damaged("the footer of the stripe was not read"))?;
        let footer = tail.compression.unpack_all(footer, limit_bytes)?;
        let footer = StripeFooter::decode(footer).map_err(|error| Fault::Damaged(error.to_string()))?;
        let mut places = BTreeMap::new();
        let mut at = stripe.start;
        for stream in &footer.streams {
            let length = stream.length.unwrap_or(0);
            let end = at.checked_add(length).filter(|end| *end <= stripe.footer_start).ok_or_else(|| {
                Fault::Damaged(format!("a stream of {length} bytes at byte {at} reaches out of the stripe"))
            })?;
            places.insert((stream.column.unwrap_or(0), stream.kind.unwrap_or(0)), at..end);
            at = end;
        }
        Ok(Self { stripe, encodings: footer.columns, zone: footer.writer_timezone, places, parts })
    }

    /// Reads the streams of these columns: what is not in memory yet, near ones with one request.
    pub(super) async fn load(
        &mut self,
        input: &InputFile,
        file: &Arc<str>,
        columns: &HashSet<u32>,
        index: bool,
        limit_bytes: u64,
    ) -> Result<(), DataError> {
        let mut missing: Vec<Range<u64>> = Vec::new();
        let mut bytes = 0_u64;
        for ((column, kind), range) in &self.places {
            let wanted = columns.contains(column) && !range.is_empty() && is_index(*kind) == index;
            if wanted && (!index || *kind == i32::from(StreamKind::RowIndex)) {
                bytes = bytes.saturating_add(range.end.saturating_sub(range.start));
                if find(&self.parts, range).is_none() {
                    missing.push(range.clone());
                }
            }
        }
        if bytes > limit_bytes {
            let place = Place::part(file, format!("stripe {}", self.stripe.number));
            return Err(place.error(Fault::TooLarge { bytes, limit_bytes }, 0));
        }
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in missing {
            match joined.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => joined.push(range),
            }
        }
        let found = input.read_ranges(&joined).await?;
        self.parts.extend(joined.into_iter().map(|range| range.start).zip(found));
        Ok(())
    }

    /// The bytes of a stream; `None` if the stripe has no such stream.
    pub(super) fn stream(&self, column: u32, kind: StreamKind) -> Result<Option<Bytes>, Fault> {
        match self.places.get(&(column, i32::from(kind))) {
            None => Ok(None),
            Some(range) if range.is_empty() => Ok(Some(Bytes::new())),
            Some(range) => {
                find(&self.parts, range).map(Some).ok_or_else(|| Fault::damaged("a stream was not read"))
            }
        }
    }
}

/// Whether streams of this kind lie before the data.
fn is_index(kind: i32) -> bool {
    [StreamKind::RowIndex, StreamKind::BloomFilter, StreamKind::BloomFilterUtf8]
        .iter()
        .any(|index| i32::from(*index) == kind)
}

fn find(parts: &[(u64, Bytes)], range: &Range<u64>) -> Option<Bytes> {
    parts.iter().find_map(|(start, bytes)| {
        let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
        let to = usize::try_from(range.end.checked_sub(*start)?).ok()?;
        bytes.get(from..to)?;
        Some(bytes.slice(from..to))
    })
}
