//! [`AddedDelete`]: a delete file that was added meanwhile, and which of the data files that a change removes it reaches.

use std::collections::BTreeMap;

use datashard_spec::avro::EntryView;
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId};
use datashard_spec::manifest::applies::{equality_delete_applies, position_delete_applies};
use datashard_spec::manifest::{FileContent, ManifestFile};
use datashard_spec::value::Tuple;

use super::finding::Hits;
use super::partition::canonical;
use super::{Place, RemovedFile};

/// A delete file that was added meanwhile.
#[derive(Debug)]
pub(super) struct AddedDelete {
    pub(super) location: String,
    pub(super) content: FileContent,
    pub(super) spec_id: PartitionSpecId,
    /// Whether its spec has no fields: equality deletes then reach all partitions.
    pub(super) is_global: bool,
    /// In its canonical form.
    pub(super) partition: Tuple,
    /// `None` if it is not told: then it reaches data files of any number.
    pub(super) sequence_number: Option<DataSequenceNumber>,
    pub(super) referenced_data_file: Option<String>,
    /// Bounds of the data files that position deletes are for.
    pub(super) lower: Option<Vec<u8>>,
    pub(super) upper: Option<Vec<u8>>,
}

impl AddedDelete {
    /// What the entry says, or inherits as one that was added.
    pub(super) fn sequence_number(entry: &EntryView<'_>, row: &ManifestFile) -> Option<DataSequenceNumber> {
        entry.data_sequence_number.or_else(|| row.sequence_number.map(DataSequenceNumber::from))
    }

    pub(super) fn size_bytes(&self) -> usize {
        let texts =
            self.location.len().saturating_add(self.referenced_data_file.as_ref().map_or(0, String::len));
        let bounds = [&self.lower, &self.upper].into_iter().flatten().map(Vec::len).sum::<usize>();
        let values = self.partition.len().saturating_mul(64);
        size_of::<Self>().saturating_add(texts).saturating_add(bounds).saturating_add(values)
    }

    /// Whether it may delete rows of a data file of its partition.
    fn reaches(&self, file: &RemovedFile<'_>) -> bool {
        let number = self.sequence_number;
        match self.content {
            FileContent::Data => false,
            FileContent::EqualityDeletes => {
                number.is_none_or(|number| equality_delete_applies(number, file.data_sequence_number))
            }
            FileContent::PositionDeletes => {
                let path = file.location.as_bytes();
                number.is_none_or(|number| position_delete_applies(number, file.data_sequence_number))
                    && self.referenced_data_file.as_ref().is_none_or(|referenced| referenced == file.location)
                    && self.lower.as_ref().is_none_or(|lower| lower.as_slice() <= path)
                    && self.upper.as_ref().is_none_or(|upper| upper.as_slice() >= path)
            }
        }
    }
}

/// The removed data files that are reached by deletes which were added meanwhile.
pub(super) fn reached<'f>(
    added: impl Iterator<Item = &'f AddedDelete>,
    removed: &[RemovedFile<'_>],
    ignore_equality: bool,
    place: Place<'_>,
) -> Hits {
    let mut by_file: BTreeMap<&str, Vec<&AddedDelete>> = BTreeMap::new();
    let mut by_partition: BTreeMap<(PartitionSpecId, &Tuple), Vec<&AddedDelete>> = BTreeMap::new();
    let mut global = Vec::new();
    for delete in added {
        let is_equality = delete.content == FileContent::EqualityDeletes;
        if is_equality && ignore_equality {
            continue;
        }
        match &delete.referenced_data_file {
            Some(referenced) if !is_equality => by_file.entry(referenced).or_default().push(delete),
            _ if is_equality && delete.is_global => global.push(delete),
            _ => by_partition.entry((delete.spec_id, &delete.partition)).or_default().push(delete),
        }
    }
    let mut hits = Hits::default();
    if by_file.is_empty() && by_partition.is_empty() && global.is_empty() {
        return hits;
    }
    for file in removed {
        let partition = canonical(file.partition);
        let of_file = by_file.get(file.location).into_iter().flatten();
        let of_partition = by_partition.get(&(file.spec_id, &partition)).into_iter().flatten();
        if of_file.chain(of_partition).chain(&global).any(|delete| delete.reaches(file)) {
            let spec = place.base.metadata.partition_spec(file.spec_id);
            hits.add(file.location, || {
                spec.map(|spec| spec.partition_path(file.partition)).unwrap_or_default()
            });
        }
    }
    hits
}
