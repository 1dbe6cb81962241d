//! Which delete files go: those that are named, and those that are left without anything to delete.
//!
//! A deletion vector, and a position delete file that says of which data file it is, go with their data file. Where a manifest is written
//! anew anyway, deletes older than every data file that is left go, too: they reach nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::{DataFile, ManifestContent, ManifestFile};

use super::finding::{Filtered, Removed};
use super::rewrite::{Fate, rewrite};
use super::{DeleteFileKey, Removal};
use crate::change::checks::Place;
use crate::read::Remembered;
use crate::refusal::Refusal;

/// Delete files that go.
pub(super) struct Dangling<'a> {
    named: Option<&'a BTreeSet<DeleteFileKey>>,
    data: BTreeSet<&'a str>,
}

impl<'a> Dangling<'a> {
    pub(super) fn new(removal: &Removal<'a>, removed: &'a Removed) -> Self {
        let data = removed.data.iter().map(|file| &*file.location).collect();
        Self { named: removal.delete_files.filter(|files| !files.is_empty()), data }
    }

    /// Whether a manifest may list a delete file that goes. Of data files that go, only deletes of their own specs are.
    pub(super) fn may_hold(&self, _: &ManifestFile) -> bool {
        self.named.is_some() || !self.data.is_empty()
    }

    fn goes(&self, file: &DataFile) -> bool {
        self.named.is_some_and(|named| named.contains(&DeleteFileKey::of(file)))
            || file.referenced_data_file.as_deref().is_some_and(|data| self.data.contains(data))
    }
}

/// Looks through a delete manifest.
pub(super) fn filter(
    dangling: &Dangling<'_>,
    place: Place<'_>,
    row: &ManifestFile,
    bytes: &Bytes,
) -> Result<Remembered, Refusal> {
    let fate = |file: &DataFile| if dangling.goes(file) { Fate::Remove } else { Fate::Keep };
    let mut found = Filtered::default();
    let obsolete = oldest_data(place);
    rewrite(place, row, bytes, &mut found, |entry| match fate(&entry.data_file) {
        // What nothing is left for goes along if the manifest is written anew, and is no reason to do so.
        Fate::Keep if entry.data_sequence_number.is_some_and(|number| number.0 < obsolete) => {
            Fate::RemoveAlong
        }
        fate => fate,
    })?;
    Ok(Remembered::Finding(Arc::new(found)))
}

/// A number that no data file of the base is older than: deletes below it reach nothing. It may be lower than needed.
fn oldest_data(place: Place<'_>) -> i64 {
    let rows = place.inputs.loaded.manifest_list.iter();
    let data = rows.filter(|row| row.content == ManifestContent::Data && row.may_have_live_files());
    data.map(|row| row.min_sequence_number.map_or(0, |number| number.0)).min().unwrap_or(0)
}
