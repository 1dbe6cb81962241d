//! [`RewriteManifests`]: puts the entries of manifests into an order by which scans can pass over whole manifests.

mod clusters;
mod selection;

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary, summary_key};

use self::clusters::rewritten;
use self::selection::Selection;
use super::metadata_change::against;
use super::metadata_form::existing;
use super::snapshot::NewSnapshot;
use crate::base::Base;
use crate::change::notes::{Notes, noted};
use crate::inputs::Inputs;
use crate::merge::Merges;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::Read;
use crate::refusal::Refusal;

const NAME: &str = "rewrite manifests";

/// Writes the entries of manifests anew, those of a partition together, in manifests of `commit.manifest.target-size-bytes`. The rows of the table
/// stay the same, as do sequence numbers, row ids, and the snapshots that added the files.
///
/// Without more being said all data manifests are rewritten, those of each partition spec by themselves; a spec with one manifest that is not
/// too large is left alone. All that is rewritten is in memory at once: [`at_most_bytes`](Self::at_most_bytes) bounds that, and the commit is
/// refused (`OutOfMemory`) beyond the limit of the handle.
///
/// It commutes with appends: what others add meanwhile is kept, and what it wrote is used again. If others took one of its manifests out of the
/// table, it rewrites anew.
///
/// # Examples
/// ```
/// use datashard_spec::id::PartitionSpecId;
/// use datashard_txn::action::RewriteManifests;
///
/// let small = RewriteManifests::new().smaller_than(1 << 20).of_spec(PartitionSpecId(0));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RewriteManifests {
    of_spec: Option<PartitionSpecId>,
    smaller_than_bytes: Option<u64>,
    at_most_bytes: Option<u64>,
    has_deletes: bool,
    notes: Notes,
}

impl RewriteManifests {
    /// All data manifests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only manifests of this partition spec.
    pub fn of_spec(mut self, spec_id: PartitionSpecId) -> Self {
        self.of_spec = Some(spec_id);
        self
    }

    /// Only manifests of fewer bytes.
    pub fn smaller_than(mut self, size_bytes: u64) -> Self {
        self.smaller_than_bytes = Some(size_bytes);
        self
    }

    /// No more than so many bytes of manifests, the oldest first; what is left is for another commit.
    pub fn at_most_bytes(mut self, size_bytes: u64) -> Self {
        self.at_most_bytes = Some(size_bytes);
        self
    }

    /// Manifests of delete files, too.
    pub fn with_delete_manifests(mut self) -> Self {
        self.has_deletes = true;
        self
    }

    fn select(&self, base: &Base, inputs: &Inputs<'_>) -> Selection {
        let list = &inputs.loaded.manifest_list;
        Selection::again(base, list, inputs.earlier).unwrap_or_else(|| Selection::new(self, base, list))
    }
}

noted!(RewriteManifests);

impl Operation for RewriteManifests {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{self:?}").into_bytes()
    }

    fn branch(&self) -> &str {
        self.notes.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let list = &inputs.loaded.manifest_list;
        let selection = self.select(base, inputs);
        let mut reads = Merges::none(base, list).reads(list);
        let is_new = |row: &&ManifestFile| {
            selection.is_rewritten(row) && reads.iter().all(|read| read.location() != row.manifest_path)
        };
        let wanted: Vec<Read> = list.iter().filter(is_new).map(Read::manifest).collect();
        reads.extend(wanted);
        Ok(reads)
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.notes.check(existing(base, NAME)?, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let selection = self.select(base, inputs);
        if selection.is_empty() {
            return Err(against(NAME, inputs, "no manifests are due to be rewritten"));
        }
        let mut created = selection.again.clone();
        for group in &selection.groups {
            rewritten(group, base, inputs, NAME, &mut created)?;
        }
        let mut kept = Merges::none(base, &inputs.loaded.manifest_list).kept(inputs, NAME)?;
        kept.retain(|row| !selection.replaced.contains(&row.manifest_path));
        let entries = created.iter().filter_map(|new| new.row.existing_files_count);
        let entries = entries.fold(0_i64, |sum, count| sum.saturating_add(i64::from(count)));
        let mut summary = Summary::default();
        for (key, value) in self.notes.summary() {
            summary.set(key, value);
        }
        NewSnapshot {
            name: NAME,
            operation: SnapshotOperation::Replace,
            summary: summary
                .with(summary_key::ENTRIES_PROCESSED, entries)
                .with(summary_key::CHANGED_PARTITION_COUNT, 0),
            created,
            kept,
            replaced: selection.replaced.len(),
            target: self.notes.target(),
            base,
            inputs,
        }
        .produce()
    }
}

#[cfg(test)]
mod tests;
