//! [`DeleteWhere`]: removes the data files whose rows all match a filter.

use bytes::Bytes;
use datashard_spec::expr::Predicate;
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

const NAME: &str = "delete where";

/// Removes the data files whose rows all match a filter, by metadata alone: partitions and column metrics tell which. If a file may hold
/// rows of both kinds, that is a conflict ([`PartialMatch`](crate::ConflictKind::PartialMatch)) which names it: such files have to be read
/// and written anew.
///
/// The filter is about the rows that are there when it is committed: what others append meanwhile goes, too. If nothing matches, nothing is
/// done, and there is no new snapshot.
///
/// # Examples
/// ```
/// use datashard_spec::expr::col;
/// use datashard_txn::action::DeleteWhere;
///
/// let delete = DeleteWhere::new(col("day").less_than("2026-01-01"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct DeleteWhere {
    filter: Predicate,
    case_sensitive: bool,
    notes: Notes,
}

impl DeleteWhere {
    /// A removal of the rows for which the filter is true.
    pub fn new(filter: Predicate) -> Self {
        Self { filter, case_sensitive: true, notes: Notes::default() }
    }

    /// Names in the filter are not told apart by case.
    pub fn ignoring_case(mut self) -> Self {
        self.case_sensitive = false;
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
            removal: Removal {
                filter: Some(&self.filter),
                case_sensitive: self.case_sensitive,
                ..Removal::default()
            },
            checks: Checks::default(),
            extra: Extra::default(),
        })
    }
}

noted!(DeleteWhere);

impl Operation for DeleteWhere {
    is_change!();

    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let filter = self.filter.to_string();
        let notes = self.notes.fingerprint();
        NAME.bytes()
            .chain([0, u8::from(self.case_sensitive)])
            .chain(filter.bytes())
            .chain([0])
            .chain(notes)
            .collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.notes.check(existing(base, NAME)?, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.change(base)?.produce(base, inputs)
    }
}
