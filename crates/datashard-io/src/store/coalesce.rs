//! Which requests to send for many ranges of one file, and how to cut the answers: pure functions over numbers and bytes.
//!
//! On a bucket a request costs about as much time as a megabyte, so near ranges are read together with what lies between them;
//! what is long is cut, so that its parts come side by side.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// When ranges are read together, and when they are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coalesce {
    /// Ranges with at most so many bytes between them are read together.
    pub(super) gap_bytes: u64,
    /// No request asks for more, and no two ranges are joined to more.
    pub(super) request_bytes: u64,
}

/// The requests for `ranges`, in the order of the file, without overlaps. Empty ranges need none.
///
/// They are made one after the other as they are asked for: a range may claim 2^63 bytes, and the first request beyond the
/// file's end puts an end to that.
pub(super) fn plan(ranges: &[Range<u64>], rule: Coalesce) -> impl Iterator<Item = Range<u64>> + Send + use<> {
    let step = rule.request_bytes.max(1);
    spans(ranges, rule).into_iter().flat_map(move |span| {
        let mut next = span.start;
        std::iter::from_fn(move || {
            let start = next;
            next = start.saturating_add(step).min(span.end);
            (start < next).then_some(start..next)
        })
    })
}

/// Ranges that are near, joined. Only what overlaps is joined to more than one request's bytes.
fn spans(ranges: &[Range<u64>], rule: Coalesce) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| range.start < range.end).cloned().collect();
    sorted.sort_unstable_by_key(|range| (range.start, range.end));
    let mut spans: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        let Some(last) = spans.last_mut() else {
            spans.push(range);
            continue;
        };
        let end = last.end.max(range.end);
        let near = range.start <= last.end.saturating_add(rule.gap_bytes);
        let small = end.saturating_sub(last.start) <= rule.request_bytes;
        if range.start < last.end || (near && small) {
            last.end = end;
        } else {
            spans.push(range);
        }
    }
    spans
}

/// Cuts what was asked for out of the answers, which are in the order of the file and have exactly the bytes of their ranges.
///
/// What lies in one answer shares its memory. `None` if the answers do not cover a range.
pub(super) fn assemble(ranges: &[Range<u64>], answers: &[(Range<u64>, Bytes)]) -> Option<Vec<Bytes>> {
    ranges.iter().map(|range| cut(range, answers)).collect()
}

fn cut(range: &Range<u64>, answers: &[(Range<u64>, Bytes)]) -> Option<Bytes> {
    if range.start >= range.end {
        return Some(Bytes::new());
    }
    let first = answers.partition_point(|(answer, _)| answer.end <= range.start);
    let mut joined = BytesMut::new();
    let mut at = range.start;
    for (answer, bytes) in answers.get(first..)? {
        let skip = usize::try_from(at.checked_sub(answer.start)?).ok()?;
        let stop = range.end.min(answer.end);
        let take = usize::try_from(stop.checked_sub(at)?).ok()?;
        let end = skip.checked_add(take)?;
        if end > bytes.len() {
            return None;
        }
        let piece = bytes.slice(skip..end);
        if at == range.start && stop == range.end {
            return Some(piece);
        }
        joined.extend_from_slice(&piece);
        at = stop;
        if at == range.end {
            return Some(joined.freeze());
        }
    }
    None
}
