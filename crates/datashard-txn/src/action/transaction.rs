//! [`Transaction`]: several operations in one commit.

mod member;
mod staging;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::MetadataVersion;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use self::staging::{Progress, Staging};
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "transaction";

/// More operations than any transaction has.
const MOST_MEMBERS: usize = 10_000;

/// Several operations in one commit: all of them are applied or none, and nobody sees the table in between.
///
/// Each is applied to what the ones before it have made of the table, in the order in which they were added. So an append may follow the change
/// of the schema that its files need, a table can be emptied and filled anew, and two branches can move at once. Each operation that makes a
/// snapshot makes one of its own. If others commit first, all are applied anew to what those left, and each decides for itself whether it still
/// may be; a refusal says which operation it was.
///
/// What a member validates is what *others* have committed: snapshots of members before it do not stand against it.
///
/// A transaction begins with a table that is there: it does not make one.
///
/// # Examples
/// ```
/// use datashard_spec::id::{PartitionSpecId, SchemaId};
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_spec::schema::PrimitiveType;
/// use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
/// use datashard_txn::action::{Append, SetProperties, Transaction, UpdateSchema};
///
/// let note = SchemaUpdate::new().add_column(NewColumn::optional("note", PrimitiveType::String));
/// let file = DataFile::new("s3://b/t/data/e7-0.parquet", FileFormat::Parquet, 100, 4096);
/// let transaction = Transaction::new()
///     .with(UpdateSchema::new(note))
///     .with(Append::new(SchemaId(1)).with_file(PartitionSpecId(0), file))
///     .with(SetProperties::new().set("loaded-until", "2026-01-31"));
/// assert_eq!(transaction.len(), 3);
/// ```
#[must_use]
pub struct Transaction {
    members: Vec<Arc<dyn Operation>>,
    /// How far the members have been applied in this attempt. It follows from the base and the inputs: no more than the memory of a pure
    /// function, which would otherwise apply the first members anew for each file that a later one reads.
    staging: Mutex<Option<Staging>>,
}

impl Transaction {
    /// No operation yet.
    pub fn new() -> Self {
        Self { members: Vec::new(), staging: Mutex::new(None) }
    }

    /// And then this operation.
    pub fn with<O: Operation + 'static>(self, operation: O) -> Self {
        self.with_shared(Arc::new(operation))
    }

    /// And then this operation.
    pub fn with_shared(mut self, operation: Arc<dyn Operation>) -> Self {
        self.members.push(operation);
        self
    }

    /// And then those of another transaction.
    pub fn and(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member whose branch's manifest list is read along with the base.
    fn first_reader(&self) -> Option<&Arc<dyn Operation>> {
        self.members.iter().find(|member| member.reads_manifest_list())
    }

    /// Goes on applying the members as far as that is possible with what was read, and then does something with what came of it.
    fn staged<T>(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        then: impl FnOnce(&mut Staging, Progress) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut kept = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let mut staging = match kept.take() {
            Some(staging) if staging.is_of(base, inputs) => staging,
            _ => Staging::new(base, inputs, &self.members, self.branch()),
        };
        let progress = staging.advance(inputs)?;
        let result = then(&mut staging, progress);
        *kept = Some(staging);
        result
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Transaction {
    fn clone(&self) -> Self {
        Self { members: self.members.clone(), staging: Mutex::new(None) }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("members", &self.members).finish_non_exhaustive()
    }
}

impl Operation for Transaction {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let mut bytes = NAME.as_bytes().to_vec();
        for member in &self.members {
            let of_member = member.fingerprint();
            // With its length, so that no two lists of members give the same bytes.
            bytes.extend(u64::try_from(of_member.len()).unwrap_or(u64::MAX).to_le_bytes());
            bytes.extend(of_member);
        }
        bytes
    }

    fn branch(&self) -> &str {
        self.first_reader().map_or(MAIN_BRANCH, |member| member.branch())
    }

    fn reads_manifest_list(&self) -> bool {
        self.first_reader().is_some()
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.staged(base, inputs, |_, progress| match progress {
            Progress::Wanted(reads) => Ok(reads),
            Progress::Done => Ok(Vec::new()),
        })
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        // A part of a file is handed on when the one who asked for it goes on.
        let Read::Manifest { row, purpose } = read else { return Ok(Remembered::Bytes(bytes)) };
        self.staged(base, inputs, |staging, _| staging.remember(inputs, row, *purpose, bytes))
    }

    fn file_floor(&self) -> MetadataVersion {
        self.members.iter().map(|member| member.file_floor()).max().unwrap_or(MetadataVersion(0))
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        let rejected = |reason: String| Err(Refusal::Rejected { operation: NAME, reason });
        let count = self.members.len();
        if count > MOST_MEMBERS {
            return rejected(format!("it has {count} operations, and {MOST_MEMBERS} are allowed"));
        }
        match self.members.first() {
            // Of the others it is seen when those before them are applied.
            Some(first) => first.validate(base).map_err(|refusal| member::name(refusal, 0, count)),
            None => rejected("it has no operations".to_owned()),
        }
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.staged(base, inputs, |staging, progress| match progress {
            Progress::Done => Ok(staging.produced()),
            Progress::Wanted(reads) => Err(Refusal::Corrupt {
                path: reads.first().map(|read| read.location().to_owned()).unwrap_or_default(),
                reason: "it was not read".to_owned(),
            }),
        })
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.members.iter().flat_map(|member| member.payload()).collect()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.members.iter().filter_map(|member| member.oldest_epoch()).min()
    }
}

#[cfg(test)]
mod tests;
