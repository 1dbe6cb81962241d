//! Entries by partition: which manifest each goes to.
//!
//! Partitions are counted first and laid out one after the other in their order; then that row of entries is cut into manifests of the same
//! number of entries. So a partition is in as few manifests as possible, and a manifest holds a range of partitions.

use std::collections::BTreeMap;

use datashard_spec::value::Tuple;

use super::selection::Group;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::merge::{MergeSettings, Rewriting};
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// Makes the manifests that take the place of a group, after those that are there already.
///
/// # Errors
/// `Corrupt` naming a manifest that is damaged; `Unsupported` for one that this build cannot read.
pub(super) fn rewritten(
    group: &Group,
    base: &Base,
    inputs: &Inputs<'_>,
    operation: &'static str,
    created: &mut Vec<NewManifest>,
) -> Result<(), Refusal> {
    let of = (group.partition_spec_id, group.content);
    let rewriting = Rewriting::open(of, &group.locations, base, inputs, operation)?;
    let mut layout = Layout::default();
    rewriting.each_live(|_, entry| {
        layout.count(entry.data_file.partition);
        Ok(())
    })?;
    let target_size_bytes = MergeSettings::of_table(&base.metadata).target_size_bytes;
    let manifests = layout.divide(group.size_bytes, target_size_bytes);
    let mut writers = (0..manifests).map(|_| rewriting.writer()).collect::<Result<Vec<_>, _>>()?;
    rewriting.each_live(|source, entry| match writers.get_mut(layout.place(&entry.data_file.partition)) {
        Some(writer) => writer.existing(source, entry),
        None => Ok(()),
    })?;
    for writer in writers {
        // Names of earlier attempts are taken, whether what they name is used again or not.
        let number = inputs.earlier.len().saturating_add(created.len());
        created.push(writer.finish(&rewriting, number)?);
    }
    Ok(())
}

/// How many entries the partitions have, and where they go.
#[derive(Debug, Default)]
struct Layout {
    /// For each partition, how many entries it has; once divided, where its next entry lies in the row of all.
    partitions: BTreeMap<Tuple, usize>,
    entries: usize,
    entries_per_manifest: usize,
}

impl Layout {
    fn count(&mut self, partition: Tuple) {
        let count = self.partitions.entry(partition).or_default();
        *count = count.saturating_add(1);
        self.entries = self.entries.saturating_add(1);
    }

    /// Decides how many manifests there are, at least one.
    fn divide(&mut self, size_bytes: u64, target_size_bytes: u64) -> usize {
        let manifests = size_bytes.div_ceil(target_size_bytes.max(1)).max(1);
        let manifests = usize::try_from(manifests).unwrap_or(usize::MAX).min(self.entries.max(1));
        self.entries_per_manifest = self.entries.div_ceil(manifests).max(1);
        let mut begin = 0_usize;
        for place in self.partitions.values_mut() {
            let end = begin.saturating_add(*place);
            *place = begin;
            begin = end;
        }
        // Rounded up, fewer may be enough.
        self.entries.div_ceil(self.entries_per_manifest).max(1)
    }

    /// The manifest of the next entry of a partition.
    fn place(&mut self, partition: &Tuple) -> usize {
        let Some(next) = self.partitions.get_mut(partition) else { return 0 };
        let place = next.checked_div(self.entries_per_manifest).unwrap_or(0);
        *next = next.saturating_add(1);
        place
    }
}

#[cfg(test)]
mod tests {
    use datashard_spec::value::Value;

    use super::*;

    #[test]
    fn partitions_lie_one_after_the_other_and_are_cut_into_equal_manifests() {
        let of = |value: i32| vec![Some(Value::Int(value))];
        let mut layout = Layout::default();
        for value in [3, 1, 3, 2, 1, 3, 1] {
            layout.count(of(value));
        }
        assert_eq!(layout.divide(300, 100), 3);
        let places: Vec<usize> =
            [3, 1, 3, 2, 1, 3, 1].into_iter().map(|value| layout.place(&of(value))).collect();
        // In order: 1 1 1 | 2 3 3 | 3.
        assert_eq!(places, [1, 0, 1, 1, 0, 2, 0]);
    }

    #[test]
    fn there_are_never_more_manifests_than_entries() {
        let mut layout = Layout::default();
        layout.count(Vec::new());
        layout.count(Vec::new());
        assert_eq!(layout.divide(1_000, 1), 2);
        assert_eq!(Layout::default().divide(1_000, 1), 1);
    }
}
