//! Walks over the values of an array that are not null, as runs of neighbours, which compilers turn into wide instructions.

use std::ops::Range;

use arrow::buffer::NullBuffer;

/// Calls `see` with each run of rows that are not null.
pub(super) fn each_run(nulls: Option<&NullBuffer>, rows: usize, mut see: impl FnMut(Range<usize>)) {
    match nulls {
        None => see(0..rows),
        Some(nulls) => nulls.valid_slices().for_each(|(start, end)| see(start..end)),
    }
}

/// The least and the greatest of the values that are not null.
pub(super) fn extremes<T: Copy + Ord>(values: &[T], nulls: Option<&NullBuffer>) -> Option<(T, T)> {
    let mut found: Option<(T, T)> = None;
    each_run(nulls, values.len(), |run| {
        let Some(run) = values.get(run) else { return };
        let Some(first) = run.first() else { return };
        let (mut low, mut high) = found.unwrap_or((*first, *first));
        for value in run {
            low = low.min(*value);
            high = high.max(*value);
        }
        found = Some((low, high));
    });
    found
}

/// The least and the greatest of both; either may be nothing.
pub(super) fn wider<T: Copy + Ord>(a: Option<(T, T)>, b: Option<(T, T)>) -> Option<(T, T)> {
    match (a, b) {
        (Some((low, high)), Some((l, h))) => Some((low.min(l), high.max(h))),
        (one, other) => one.or(other),
    }
}
