//! The summary of a snapshot: the operation and an ordered map of strings, counters among them.

use super::{Operation, summary_key};

/// What a commit did: the operation, and counters and notes as strings.
///
/// Order is kept. A document may lack the operation, or the whole summary (v1); then [`operation`](Self::operation) is
/// `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    operation: Option<Operation>,
    entries: Vec<(String, String)>,
}

/// The counters whose total is carried from snapshot to snapshot: total, added, removed.
const TOTALS: [(&str, &str, &str); 6] = [
    (summary_key::TOTAL_RECORDS, summary_key::ADDED_RECORDS, summary_key::DELETED_RECORDS),
    (summary_key::TOTAL_FILES_SIZE, summary_key::ADDED_FILES_SIZE, summary_key::REMOVED_FILES_SIZE),
    (summary_key::TOTAL_DATA_FILES, summary_key::ADDED_DATA_FILES, summary_key::DELETED_DATA_FILES),
    (summary_key::TOTAL_DELETE_FILES, summary_key::ADDED_DELETE_FILES, summary_key::REMOVED_DELETE_FILES),
    (
        summary_key::TOTAL_POSITION_DELETES,
        summary_key::ADDED_POSITION_DELETES,
        summary_key::REMOVED_POSITION_DELETES,
    ),
    (
        summary_key::TOTAL_EQUALITY_DELETES,
        summary_key::ADDED_EQUALITY_DELETES,
        summary_key::REMOVED_EQUALITY_DELETES,
    ),
];

impl Summary {
    /// A summary of this operation, without entries.
    pub fn new(operation: Operation) -> Self {
        Self { operation: Some(operation), entries: Vec::new() }
    }

    pub(super) fn from_parts(operation: Option<Operation>, entries: Vec<(String, String)>) -> Self {
        Self { operation, entries }
    }

    /// With this entry; a former one of the same key is replaced. `operation` sets the operation.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.set(key, value);
        self
    }

    /// Sets an entry; a former one of the same key is replaced in its place. `operation` sets the operation.
    pub fn set(&mut self, key: impl Into<String>, value: impl ToString) {
        let (key, value) = (key.into(), value.to_string());
        if key == "operation" {
            self.operation = Some(Operation::from(value.as_str()));
            return;
        }
        match self.entries.iter_mut().find(|(k, _)| *k == key) {
            Some((_, slot)) => *slot = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(k, _)| k != key);
    }

    /// With the totals that follow from the totals of the snapshot before and from what this one adds and removes.
    ///
    /// `previous` is `None` for a first snapshot. A total that is unknown before, or would be negative, is left out.
    ///
    /// # Spec
    /// "Appendix F: Implementation Notes", optional snapshot summary fields.
    #[must_use]
    pub fn with_totals_after(mut self, previous: Option<&Self>) -> Self {
        for (total, added, removed) in TOTALS {
            let before = match previous {
                Some(previous) => previous.count(total),
                None => Some(0),
            };
            let after = before
                .and_then(|before| before.checked_add(self.count(added).unwrap_or(0)))
                .and_then(|grown| grown.checked_sub(self.count(removed).unwrap_or(0)))
                .filter(|after| *after >= 0);
            match after {
                Some(after) => self.set(total, after),
                None => self.remove(total),
            }
        }
        self
    }

    /// What kind of change it was.
    pub fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    /// The value of a key other than `operation`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// The entries but for `operation`, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is neither an operation nor an entry.
    pub fn is_empty(&self) -> bool {
        self.operation.is_none() && self.entries.is_empty()
    }

    /// The value of a key as a number; `None` also if it is not one.
    pub fn count(&self, key: &str) -> Option<i64> {
        self.get(key)?.parse().ok()
    }

    /// Rows in live data files, deleted ones included.
    pub fn total_records(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_RECORDS)
    }

    /// Live data files.
    pub fn total_data_files(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_DATA_FILES)
    }

    /// Live delete files.
    pub fn total_delete_files(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_DELETE_FILES)
    }

    /// Live position deletes.
    pub fn total_position_deletes(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_POSITION_DELETES)
    }

    /// Live equality-delete rows.
    pub fn total_equality_deletes(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_EQUALITY_DELETES)
    }

    /// Bytes of the live files.
    pub fn total_files_size_bytes(&self) -> Option<i64> {
        self.count(summary_key::TOTAL_FILES_SIZE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_follow_the_previous_ones_and_are_left_out_when_unknown_or_negative() {
        let first = Summary::new(Operation::Append)
            .with(summary_key::ADDED_RECORDS, 10)
            .with(summary_key::ADDED_DATA_FILES, 2)
            .with_totals_after(None);
        assert_eq!(first.total_records(), Some(10));
        assert_eq!(first.total_data_files(), Some(2));
        assert_eq!(first.total_delete_files(), Some(0));
        let second = Summary::new(Operation::Delete)
            .with(summary_key::DELETED_RECORDS, 4)
            .with(summary_key::DELETED_DATA_FILES, 3)
            .with_totals_after(Some(&first));
        assert_eq!(second.total_records(), Some(6));
        assert_eq!(second.total_data_files(), None, "two files cannot lose three");
        let third = Summary::new(Operation::Append).with_totals_after(Some(&second));
        assert_eq!(third.total_data_files(), None, "unknown stays unknown");
        let odd = first.clone().with(summary_key::TOTAL_RECORDS, "many");
        assert_eq!(Summary::new(Operation::Append).with_totals_after(Some(&odd)).total_records(), None);
    }

    #[test]
    fn entries_keep_their_order_and_are_replaced_in_place() {
        let summary = Summary::new(Operation::Append).with("b", 1).with("a", 2).with("b", 3);
        assert_eq!(summary.iter().collect::<Vec<_>>(), [("b", "3"), ("a", "2")]);
        assert_eq!(summary.with("operation", "merge").operation().unwrap().as_str(), "merge");
    }
}
