//! [`OwnWrites`]: manifests that a handle wrote itself, so that a lone writer reads nothing to merge them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::Location;

use crate::produced::NewManifest;
use crate::read::Read;

/// Bytes that are kept, at most. It is enough for the manifests of some 500 small appends, and merging takes them out again.
const LIMIT_BYTES: usize = 4 << 20;

/// Manifests that are kept, at most: with 8 of a size class becoming one, those of nine classes.
const LIMIT: usize = 64;

/// Manifests that a handle wrote lately and that merging has not replaced, newest last. Files are immutable, so what was written is what
/// would be read.
#[derive(Debug)]
pub(crate) struct OwnWrites {
    manifests: VecDeque<(Read, Bytes)>,
    size_bytes: usize,
    limit_bytes: usize,
}

impl OwnWrites {
    /// Nothing yet, of a handle whose commits may hold so many bytes.
    pub(crate) fn new(memory_limit_bytes: u64) -> Self {
        let share = usize::try_from(memory_limit_bytes / 16).unwrap_or(usize::MAX);
        Self { manifests: VecDeque::new(), size_bytes: 0, limit_bytes: share.min(LIMIT_BYTES) }
    }

    /// Those that are kept.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &(Read, Bytes)> {
        self.manifests.iter()
    }

    /// Takes manifests that were written. Those of earlier attempts, which have no bytes, are there already.
    pub(crate) fn note(&mut self, written: &[NewManifest], location: &Location) {
        for manifest in written.iter().filter(|manifest| !manifest.bytes.is_empty()) {
            let mut row = manifest.row.clone();
            row.manifest_path = location.file(&manifest.path);
            self.size_bytes = self.size_bytes.saturating_add(manifest.bytes.len());
            let read = Read::Manifest { row: Arc::new(row), purpose: 0 };
            self.manifests.push_back((read, manifest.bytes.clone()));
        }
        while self.size_bytes > self.limit_bytes || self.manifests.len() > LIMIT {
            let Some((_, bytes)) = self.manifests.pop_front() else { return };
            self.size_bytes = self.size_bytes.saturating_sub(bytes.len());
        }
    }

    /// Forgets what these manifests took the place of.
    pub(crate) fn forget_replaced(&mut self, committed: &[NewManifest]) {
        let replaced =
            |read: &Read| committed.iter().any(|manifest| manifest.replaces.contains_key(read.location()));
        let size_bytes = &mut self.size_bytes;
        self.manifests.retain(|(read, bytes)| {
            let is_kept = !replaced(read);
            if !is_kept {
                *size_bytes = size_bytes.saturating_sub(bytes.len());
            }
            is_kept
        });
    }
}

#[cfg(test)]
mod tests {
    use datashard_io::TablePath;
    use datashard_spec::id::{PartitionSpecId, SnapshotId};
    use datashard_spec::manifest::ManifestFile;
    use datashard_spec::metadata::FormatVersion;

    use super::*;

    fn location() -> Location {
        Location::parse("memory://own-writes/table").unwrap()
    }

    fn manifest(number: usize, size_bytes: usize) -> NewManifest {
        let path = TablePath::parse(&format!("metadata/m{number}.avro")).unwrap();
        let row = ManifestFile::new(location().file(&path), 0, PartitionSpecId(0), SnapshotId(1));
        NewManifest::new(path, vec![0; size_bytes].into(), row)
    }

    fn names(own: &OwnWrites) -> Vec<usize> {
        let number =
            |location: &str| location.rsplit_once('m').unwrap().1.strip_suffix(".avro").unwrap().parse();
        own.manifests().map(|(read, _)| number(read.location()).unwrap()).collect()
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_too_large_ones() {
        let mut own = OwnWrites::new(16 * 100);
        own.note(&[manifest(0, 40), manifest(1, 40), manifest(2, 0)], &location());
        assert_eq!(names(&own), [0, 1]);
        own.note(&[manifest(3, 30)], &location());
        assert_eq!(names(&own), [1, 3]);
        own.note(&[manifest(4, 101)], &location());
        assert!(names(&own).is_empty() && own.size_bytes == 0);
        let many: Vec<_> = (0..100).map(|number| manifest(number, 1)).collect();
        own.note(&many, &location());
        assert_eq!(names(&own), (36..100).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_merged_is_forgotten_with_its_bytes() {
        let mut own = OwnWrites::new(u64::MAX);
        let two = [manifest(0, 40), manifest(1, 50)];
        own.note(&two, &location());
        let merged = manifest(2, 7).replacing([&two[0].row], FormatVersion::V2);
        own.note(std::slice::from_ref(&merged), &location());
        own.forget_replaced(&[merged]);
        assert_eq!((names(&own), own.size_bytes), (vec![1, 2], 57));
    }
}
