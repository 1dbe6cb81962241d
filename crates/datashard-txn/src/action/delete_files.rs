//! [`DeleteFiles`]: removes data files that are named.

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::metadata_form::existing;
use super::placed::is_change;
use crate::base::Base;
use crate::change::checks::Checks;
use crate::change::notes::{Notes, noted};
use crate::change::removal::Removal;
use crate::change::{Change, Extra, Label};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "delete files";

/// Removes data files with all their rows, by their locations. What deletes rows of them alone goes with them.
///
/// Each must be part of the table, unless [`ignoring_missing`](Self::ignoring_missing) is asked for.
///
/// # Examples
/// ```
/// use datashard_txn::action::DeleteFiles;
///
/// let delete = DeleteFiles::new(["s3://b/t/data/e7-0.parquet"]).ignoring_missing();
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct DeleteFiles {
    files: BTreeSet<String>,
    must_exist: bool,
    notes: Notes,
}

impl DeleteFiles {
    /// A removal of the data files at these locations.
    pub fn new(locations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let files = locations.into_iter().map(Into::into).collect();
        Self { files, must_exist: true, notes: Notes::default() }
    }

    /// Files that are not part of the table are passed over.
    pub fn ignoring_missing(mut self) -> Self {
        self.must_exist = false;
        self
    }

    fn change(&self, _: &Base) -> Result<Change<'_>, Refusal> {
        Ok(Change {
            name: NAME,
            label: Label::Fixed(SnapshotOperation::Delete),
            notes: &self.notes,
            added: &[],
            data_sequence_number: None,
            added_deletes: &[],
            removal: Removal { files: Some(&self.files), must_exist: self.must_exist, ..Removal::default() },
            checks: Checks::default(),
            extra: Extra::default(),
        })
    }
}

noted!(DeleteFiles);

impl Operation for DeleteFiles {
    is_change!();

    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let files = self.files.iter().flat_map(|file| file.bytes().chain([0]));
        NAME.bytes()
            .chain([0, u8::from(self.must_exist)])
            .chain(files)
            .chain(self.notes.fingerprint())
            .collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        if self.files.is_empty() {
            return Err(Refusal::Rejected { operation: NAME, reason: "it names no file".to_owned() });
        }
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.change(base)?.produce(base, inputs)
    }
}
