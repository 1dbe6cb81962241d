//! Which delete files go: those that are named, and those that are left without anything to delete.
//!
//! A deletion vector, and a position delete file that says of which data file it is, go with their data file; all deletes of a partition go
//! with the partition. Where a manifest is written anew anyway, deletes older than every data file that is left go, too: they reach nothing.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{DataFile, ManifestContent, ManifestFile};

use super::data::{Lens, Partitions};
use super::finding::{After, Filtered, Removed};
use super::rewrite::{Fate, rewrite};
use super::{DeleteFileKey, Removal};
use crate::change::checks::Place;
use crate::read::Remembered;
use crate::refusal::Refusal;

/// Delete files that go.
pub(super) struct Dangling<'a> {
    named: Option<&'a BTreeSet<DeleteFileKey>>,
    lens: Lens<'a>,
    /// Locations of the data files that go. They are looked up, and their order is nobody's.
    data: HashSet<&'a str>,
    partitions: Partitions,
    given_vectors: Option<&'a BTreeSet<String>>,
}

impl<'a> Dangling<'a> {
    pub(super) fn new(
        removal: &Removal<'a>,
        place: Place<'_>,
        removed: impl Iterator<Item = &'a Removed>,
    ) -> Result<Self, Refusal> {
        let mut dangling = Self {
            named: removal.delete_files.filter(|files| !files.is_empty()),
            lens: Lens::new(removal, place)?,
            data: HashSet::new(),
            partitions: Partitions::default(),
            given_vectors: removal.given_vectors,
        };
        let mut last = None;
        for file in removed.flat_map(|removed| &removed.data) {
            dangling.data.insert(&file.location);
            // Files of one partition mostly stand together.
            let partition = Some((file.spec_id, &file.partition));
            if last != partition {
                dangling.partitions.add(file.spec_id, &file.partition, place);
                last = partition;
            }
        }
        Ok(dangling)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.named.is_none() && self.data.is_empty()
    }

    /// Whether a manifest may list a delete file that goes. What deletes rows of one data file is of that file's spec and partition.
    pub(super) fn may_hold(&self, row: &ManifestFile) -> bool {
        self.named.is_some() || self.lens.takes_all() || self.partitions.may_be_in(row)
    }

    fn goes(&self, spec_id: PartitionSpecId, file: &DataFile) -> bool {
        self.named.is_some_and(|named| named.contains(&DeleteFileKey::of(file)))
            || file.referenced_data_file.as_deref().is_some_and(|data| self.data.contains(data))
            || self.lens.takes_partition(spec_id, &file.partition)
    }

    /// Whether it is a deletion vector of a data file that is given another one.
    fn is_second(&self, file: &DataFile) -> bool {
        let given = |data: &String| self.given_vectors.is_some_and(|given| given.contains(data));
        file.is_deletion_vector() && file.referenced_data_file.as_ref().is_some_and(given)
    }
}

/// Looks through a delete manifest.
pub(super) fn filter(
    dangling: &Dangling<'_>,
    after: After,
    place: Place<'_>,
    row: &ManifestFile,
    bytes: &Bytes,
) -> Result<Remembered, Refusal> {
    let mut found = Filtered::for_base(place.base);
    rewrite(place, row, bytes, &mut found, |entry| {
        let file = &entry.data_file;
        let is_obsolete =
            entry.data_sequence_number.is_some_and(|number| number.0 < after.oldest_sequence_number);
        if dangling.goes(row.partition_spec_id, file) {
            Fate::Remove
        } else if dangling.is_second(file) {
            Fate::Second
        } else if is_obsolete {
            // What nothing is left for goes along if the manifest is written anew, and is no reason to do so.
            Fate::RemoveAlong
        } else {
            Fate::Keep
        }
    })?;
    found.after = Some(after);
    Ok(Remembered::Finding(Arc::new(found)))
}

/// A number that no data file of the base is older than: deletes below it reach nothing. It may be lower than needed.
pub(super) fn oldest_data(place: Place<'_>) -> i64 {
    let rows = place.inputs.loaded.manifest_list.iter();
    let data = rows.filter(|row| row.content == ManifestContent::Data && row.may_have_live_files());
    data.map(|row| row.min_sequence_number.map_or(0, |number| number.0)).min().unwrap_or(0)
}
