//! Metrics by field id, as sorted vectors: a manifest holds millions of them, and hash maps would cost ten times the
//! memory. Where a file names a field twice, the first value counts. Empty and absent are the same.

use crate::id::FieldId;

/// Numbers by field id, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricMap(Vec<(FieldId, i64)>);

impl MetricMap {
    /// The number of a field.
    pub fn get(&self, id: FieldId) -> Option<i64> {
        let at = self.0.binary_search_by_key(&id, |(key, _)| *key).ok()?;
        self.0.get(at).map(|(_, value)| *value)
    }

    /// The fields with their numbers, by ascending id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (FieldId, i64)> {
        self.0.iter().copied()
    }

    /// How many fields have a number.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn from_pairs(mut pairs: Vec<(FieldId, i64)>) -> Self {
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            pairs.sort_by_key(|(id, _)| *id);
            pairs.dedup_by_key(|(id, _)| *id);
        }
        Self(pairs)
    }
}

impl FromIterator<(FieldId, i64)> for MetricMap {
    fn from_iter<I: IntoIterator<Item = (FieldId, i64)>>(pairs: I) -> Self {
        Self::from_pairs(pairs.into_iter().collect())
    }
}

/// Bounds by field id, ascending, as binary single values in one buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoundMap {
    /// Field, and where its bytes end; they start where those before end.
    ends: Vec<(FieldId, usize)>,
    bytes: Vec<u8>,
}

impl BoundMap {
    /// The bound of a field, as a binary single value.
    pub fn get(&self, id: FieldId) -> Option<&[u8]> {
        let at = self.ends.binary_search_by_key(&id, |(key, _)| *key).ok()?;
        self.at(at).map(|(_, bytes)| bytes)
    }

    /// The fields with their bounds, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &[u8])> {
        let mut rest = self.bytes.as_slice();
        let mut start = 0;
        self.ends.iter().map_while(move |(id, end)| {
            let (bytes, after) = rest.split_at_checked(end.saturating_sub(start))?;
            (rest, start) = (after, *end);
            Some((*id, bytes))
        })
    }

    /// How many fields have a bound.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn at(&self, at: usize) -> Option<(FieldId, &[u8])> {
        let (id, end) = *self.ends.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, end)| *end);
        Some((id, self.bytes.get(start..end)?))
    }

    /// Makes room for more bounds. Most of them are numbers of eight bytes.
    #[cfg(feature = "avro")]
    pub(crate) fn reserve(&mut self, count: usize) {
        self.ends.reserve(count);
        self.bytes.reserve(count.saturating_mul(8));
    }

    /// Adds a bound in file order; [`sorted`](Self::sorted) must follow the last one.
    pub(crate) fn push(&mut self, id: FieldId, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push((id, self.bytes.len()));
    }

    /// Puts what was pushed in order.
    pub(crate) fn sorted(self) -> Self {
        if self.ends.is_sorted_by(|a, b| a.0 < b.0) {
            return self;
        }
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_by_key(|(id, _)| *id);
        pairs.dedup_by_key(|(id, _)| *id);
        let mut sorted = Self::default();
        for (id, bytes) in pairs {
            sorted.push(id, bytes);
        }
        sorted
    }
}

impl<B: AsRef<[u8]>> FromIterator<(FieldId, B)> for BoundMap {
    fn from_iter<I: IntoIterator<Item = (FieldId, B)>>(pairs: I) -> Self {
        let mut map = Self::default();
        for (id, bytes) in pairs {
            map.push(id, bytes.as_ref());
        }
        map.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_two_values_counts_and_order_is_by_id() {
        let numbers: MetricMap =
            [(3, 30), (1, 10), (3, 31)].map(|(id, v)| (FieldId(id), v)).into_iter().collect();
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [(FieldId(1), 10), (FieldId(3), 30)]);
        assert_eq!(numbers.get(FieldId(2)), None);
        let bounds: BoundMap =
            [(3, "ccc"), (1, ""), (3, "x"), (2, "bb")].map(|(id, v)| (FieldId(id), v)).into_iter().collect();
        assert_eq!(bounds.len(), 3);
        for (id, bytes) in [(1, ""), (2, "bb"), (3, "ccc")] {
            assert_eq!(bounds.get(FieldId(id)), Some(bytes.as_bytes()));
        }
    }
}
