//! Maps by column: small, sorted, and with few allocations, because a manifest holds six of them for each file.

use crate::id::FieldId;

/// A count for each of some columns, by ascending field id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnCounts(Vec<(FieldId, i64)>);

impl ColumnCounts {
    /// The count of a column.
    pub fn get(&self, column: FieldId) -> Option<i64> {
        let at = self.0.binary_search_by_key(&column, |(id, _)| *id).ok()?;
        self.0.get(at).map(|(_, count)| *count)
    }

    /// All counts, by ascending field id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (FieldId, i64)> {
        self.0.iter().copied()
    }

    /// How many columns have a count.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no column has a count.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(FieldId, i64)> for ColumnCounts {
    /// Sorts by field id; of several counts for one column the last one stays, as in the maps of other readers.
    fn from_iter<I: IntoIterator<Item = (FieldId, i64)>>(counts: I) -> Self {
        let mut counts: Vec<_> = counts.into_iter().collect();
        sort_keeping_last(&mut counts, |(id, _)| *id);
        Self(counts)
    }
}

/// A bound for each of some columns as binary single values, by ascending field id. All bytes share one buffer.
#[derive(Debug, Clone, Default)]
pub struct ColumnBounds {
    /// Where the bytes of each column's bound start and end.
    ranges: Vec<(FieldId, usize, usize)>,
    bytes: Vec<u8>,
}

impl ColumnBounds {
    /// The bound of a column, as a binary single value.
    pub fn get(&self, column: FieldId) -> Option<&[u8]> {
        let at = self.ranges.binary_search_by_key(&column, |(id, _, _)| *id).ok()?;
        let (_, start, end) = self.ranges.get(at)?;
        self.bytes.get(*start..*end)
    }

    /// All bounds, by ascending field id.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &[u8])> {
        self.ranges.iter().filter_map(|(id, start, end)| Some((*id, self.bytes.get(*start..*end)?)))
    }

    /// How many columns have a bound.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether no column has a bound.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds a bound at the end; [`sort`](Self::sort) must follow the last one.
    fn push(&mut self, column: FieldId, bound: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bound);
        self.ranges.push((column, start, self.bytes.len()));
    }

    fn sort(&mut self) {
        sort_keeping_last(&mut self.ranges, |(id, _, _)| *id);
    }
}

impl PartialEq for ColumnBounds {
    /// By column and bytes, wherever the bytes lie.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ColumnBounds {}

impl<B: AsRef<[u8]>> FromIterator<(FieldId, B)> for ColumnBounds {
    /// Sorts by field id; of several bounds for one column the last one stays, as in the maps of other readers.
    fn from_iter<I: IntoIterator<Item = (FieldId, B)>>(bounds: I) -> Self {
        let mut map = Self::default();
        for (column, bound) in bounds {
            map.push(column, bound.as_ref());
        }
        map.sort();
        map
    }
}

/// Sorts by key and drops all but the last of those with one key. Costs a scan where the order is right already.
fn sort_keeping_last<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    if items.is_sorted_by(|a, b| key(a) < key(b)) {
        return;
    }
    items.sort_by_key(&key); // stable, so that the last one given comes last
    items.reverse();
    items.dedup_by(|a, b| key(a) == key(b)); // keeps the first of equals, which was the last
    items.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_sort_and_keep_the_last_of_duplicates() {
        let counts = ColumnCounts::from_iter([(FieldId(3), 1), (FieldId(1), 2), (FieldId(3), 9)]);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(FieldId(1), 2), (FieldId(3), 9)]);
        assert_eq!((counts.get(FieldId(3)), counts.get(FieldId(2))), (Some(9), None));

        let bounds =
            ColumnBounds::from_iter([(FieldId(2), &b"b"[..]), (FieldId(1), b""), (FieldId(2), b"cc")]);
        assert_eq!(bounds.iter().collect::<Vec<_>>(), [(FieldId(1), &b""[..]), (FieldId(2), b"cc")]);
        assert_eq!(bounds, ColumnBounds::from_iter([(FieldId(1), &b""[..]), (FieldId(2), b"cc")]));
    }
}
