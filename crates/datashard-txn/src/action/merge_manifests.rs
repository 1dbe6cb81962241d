//! [`MergeManifests`]: merges manifests in a snapshot of its own.

use datashard_spec::manifest::ManifestFile;
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary, summary_key};
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::metadata_form::existing;
use super::snapshot::{NewSnapshot, Target};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::merge::{Budget, Merges};
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::Read;
use crate::refusal::Refusal;

const NAME: &str = "merge manifests";

/// Merges manifests that appends leave alone because they are large, so that no append waits for it. The rows of the table stay the same.
///
/// It commutes with appends: what others add meanwhile is kept, and what it merged is used again. If others took one of its manifests out of
/// the table, it merges anew.
///
/// # Examples
/// ```
/// use datashard_txn::action::MergeManifests;
///
/// let merge = MergeManifests::new();
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
#[non_exhaustive]
pub struct MergeManifests {}

impl MergeManifests {
    /// A merge of what is due when it is committed.
    pub fn new() -> Self {
        Self {}
    }

    /// Whether manifests are due to be merged that appends leave alone, given the rows of the current snapshot's manifest list.
    pub fn is_due(base: &Base, list: &[ManifestFile]) -> bool {
        Merges::decide(base, list, &[], Budget::SEPARATE).largest_bytes() > Budget::INLINE.size_bytes
    }
}

impl Operation for MergeManifests {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        NAME.as_bytes().to_vec()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let list = &inputs.loaded.manifest_list;
        Ok(Merges::decide(base, list, inputs.earlier, Budget::SEPARATE).reads(list))
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let list = &inputs.loaded.manifest_list;
        let merges = Merges::decide(base, list, inputs.earlier, Budget::SEPARATE);
        if merges.is_empty() {
            let reason = "no manifests are due to be merged".to_owned();
            return Err(Refusal::Rejected { operation: NAME, reason });
        }
        let mut created = Vec::new();
        merges.write(base, inputs, NAME, &mut created)?;
        let entries = created
            .iter()
            .fold(0_i64, |sum, new| sum.saturating_add(new.row.existing_files_count.map_or(0, i64::from)));
        NewSnapshot {
            name: NAME,
            operation: SnapshotOperation::Replace,
            summary: Summary::default()
                .with(summary_key::ENTRIES_PROCESSED, entries)
                .with(summary_key::CHANGED_PARTITION_COUNT, 0),
            created,
            kept: merges.kept(inputs, NAME)?,
            replaced: merges.replaced(),
            target: Target::Head(MAIN_BRANCH),
            base,
            inputs,
        }
        .produce()
    }
}
