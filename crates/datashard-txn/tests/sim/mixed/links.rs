//! [`Links`]: by what the operation is known that made a version.

use std::collections::BTreeMap;

use datashard_spec::id::SnapshotId;

use super::change::Kind;
use super::deed::Deed;
use crate::ledger::{Fate, Record, What};

/// By what an operation is known.
pub(super) struct Links {
    pub(super) by_tag: BTreeMap<String, usize>,
    pub(super) by_property: BTreeMap<String, usize>,
    pub(super) by_file: BTreeMap<String, usize>,
    /// What senders were told.
    pub(super) by_version: BTreeMap<u64, usize>,
    /// The version and last snapshot of each operation, as often as it was found.
    pub(super) found: BTreeMap<usize, Vec<(u64, Option<SnapshotId>)>>,
}

impl Links {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut links = Self {
            by_tag: BTreeMap::new(),
            by_property: BTreeMap::new(),
            by_file: BTreeMap::new(),
            by_version: BTreeMap::new(),
            found: BTreeMap::new(),
        };
        for (number, record) in records.iter().enumerate() {
            links.by_file.extend(record.files.iter().map(|key| (key.clone(), number)));
            match &record.what {
                What::Property(name) => {
                    links.by_property.insert(name.clone(), number);
                }
                What::Deeds(tag, deeds) => {
                    links.by_tag.insert(tag.to_string(), number);
                    for deed in deeds.iter() {
                        if let Deed::Change(change) = deed {
                            links.by_tag.insert(change.tag.to_string(), number);
                        }
                        links.by_property.extend(deed.property().map(|name| (name.to_owned(), number)));
                    }
                }
                What::Append | What::Keyed(_) => {}
            }
            if let Fate::Committed(committed) = &record.fate
                && !matches!(record.what, What::Keyed(_) | What::Append)
            {
                links.by_version.insert(committed.version.0, number);
            }
        }
        links
    }
}

/// Whether an operation leaves a mark by which it is found even if its sender was told nothing.
pub(crate) fn leaves_mark(what: &What) -> bool {
    match what {
        What::Deeds(_, deeds) => deeds.iter().any(|deed| match deed {
            Deed::Change(change) => change.kind != Kind::DeleteWhere,
            deed => deed.property().is_some(),
        }),
        _ => true,
    }
}
