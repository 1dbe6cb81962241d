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
    let held = answers.iter().fold(0_usize, |sum, (_, bytes)| sum.saturating_add(bytes.len()));
    let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
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
        if joined.is_empty() {
            // At once, but for no more than there is.
            joined.reserve(wanted.min(held));
        }
        joined.extend_from_slice(&piece);
        at = stop;
        if at == range.end {
            return Some(joined.freeze());
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
#[expect(clippy::single_range_in_vec_init, reason = "one range is a case, too")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Coalesce = Coalesce { gap_bytes: 10, request_bytes: 100 };

    fn check(ranges: &[Range<u64>], expect: &[Range<u64>]) {
        assert_eq!(plan(ranges, RULE).collect::<Vec<_>>(), expect, "{ranges:?}");
    }

    #[test]
    fn near_ranges_are_joined_and_far_ones_are_not() {
        check(&[], &[]);
        check(&[5..5], &[]);
        check(&[0..5, 15..20], &[0..20]);
        check(&[0..5, 16..20], &[0..5, 16..20]);
        check(&[30..40, 0..5, 7..8], &[0..8, 30..40]);
        check(&[0..50, 10..20, 40..60], &[0..60]);
        check(&[3..4, 3..4, 3..4], &[3..4]);
    }

    #[test]
    fn near_ranges_are_not_joined_to_more_than_one_request() {
        check(&[0..60, 61..120], &[0..60, 61..120]);
        check(&[0..60, 60..100], &[0..100]);
        check(&[0..60, 60..101], &[0..60, 60..101]);
    }

    #[test]
    fn long_and_overlapping_ranges_are_cut() {
        check(&[5..255], &[5..105, 105..205, 205..255]);
        check(&[0..80, 40..130], &[0..100, 100..130]);
        let rule = Coalesce { gap_bytes: 0, request_bytes: 0 };
        assert_eq!(plan(&[0..2], rule).collect::<Vec<_>>(), [0..1, 1..2]);
    }

    #[test]
    fn hostile_range_costs_nothing_until_it_is_asked_for() {
        let mut requests = plan(&[0..u64::MAX, 7..u64::MAX], RULE);
        assert_eq!((requests.next(), requests.next()), (Some(0..100), Some(100..200)));
        let rule = Coalesce { gap_bytes: u64::MAX, request_bytes: u64::MAX };
        assert_eq!(plan(&[0..1, u64::MAX - 1..u64::MAX], rule).count(), 1);
    }

    #[test]
    fn answers_that_do_not_cover_a_range_give_nothing() {
        let answer = |range: Range<u64>, bytes: &'static [u8]| (range, Bytes::from_static(bytes));
        assert_eq!(assemble(&[0..3], &[]), None);
        assert_eq!(assemble(&[0..3], &[answer(0..2, b"ab")]), None);
        assert_eq!(assemble(&[0..3], &[answer(1..3, b"bc")]), None);
        assert_eq!(assemble(&[0..3], &[answer(0..3, b"ab")]), None);
        assert_eq!(assemble(&[0..4], &[answer(0..2, b"ab"), answer(3..4, b"d")]), None);
        assert_eq!(assemble(&[0..3], &[answer(0..2, b"ab"), answer(2..3, b"c")]), Some(vec!["abc".into()]));
    }

    #[test]
    fn ranges_within_one_answer_share_its_memory() {
        let bytes = Bytes::from_static(b"abcdef");
        let cut = assemble(&[2..4], &[(0..6, bytes.clone())]).unwrap();
        assert_eq!(cut[0].as_ptr(), bytes[2..].as_ptr());
    }

    proptest! {
        #[test]
        fn requests_are_sorted_short_and_cover_what_is_asked_for_and_little_more(
            ends in prop::collection::vec((0_u64..2_000, 0_u64..400), 0..20),
            gap_bytes in 0_u64..200,
            request_bytes in 1_u64..500,
        ) {
            let ranges: Vec<_> = ends.iter().map(|(start, length)| *start..start + length).collect();
            let rule = Coalesce { gap_bytes, request_bytes };
            let requests: Vec<_> = plan(&ranges, rule).collect();
            prop_assert!(requests.iter().all(|r| r.start < r.end && r.end - r.start <= request_bytes));
            prop_assert!(requests.is_sorted_by(|a, b| a.end <= b.start), "{requests:?}");
            let asked = |at: u64| ranges.iter().any(|range| range.contains(&at));
            let sent = |at: u64| requests.iter().any(|range| range.contains(&at));
            prop_assert!((0..2_500).all(|at| sent(at) || !asked(at)), "{requests:?}");
            // No run of unasked bytes that is read along is longer than the gap.
            let mut run = 0;
            for at in 0..2_500 {
                run = if sent(at) && !asked(at) { run + 1 } else { 0 };
                prop_assert!(run <= gap_bytes, "{requests:?}");
            }
            let file: Bytes = (0..3_000_u32).map(|i| i.to_le_bytes()[0]).collect();
            let slice = |r: &Range<u64>| file.slice(usize::try_from(r.start).unwrap()..usize::try_from(r.end).unwrap());
            let answers: Vec<_> = requests.iter().map(|range| (range.clone(), slice(range))).collect();
            let expected: Vec<_> =
                ranges.iter().map(|range| if range.is_empty() { Bytes::new() } else { slice(range) }).collect();
            prop_assert_eq!(assemble(&ranges, &answers), Some(expected));
        }
    }
}
