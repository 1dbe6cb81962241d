//! [`Loaded`]: files that an operation wanted to see, as they were read.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::ManifestFile;

use crate::base::Base;
use crate::read::{Finding, Read, ReadKey, Remembered};

/// Files that an operation wanted to see, as they were read, and what was found in them.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The rows of the manifest list of the branch's head, in order; empty without a snapshot.
    pub manifest_list: Vec<ManifestFile>,
    lists: BTreeMap<String, Arc<Vec<ManifestFile>>>,
    bytes: BTreeMap<ReadKey, Bytes>,
    findings: BTreeMap<ReadKey, Arc<dyn Finding>>,
}

impl Loaded {
    /// With these rows of the head's manifest list.
    pub fn new(manifest_list: Vec<ManifestFile>) -> Self {
        Self { manifest_list, ..Self::default() }
    }

    /// The rows of another manifest list that was asked for.
    pub fn list(&self, location: &str) -> Option<&[ManifestFile]> {
        self.lists.get(location).map(|rows| rows.as_slice())
    }

    /// A file that was asked for, if it was kept whole.
    pub fn bytes(&self, read: &Read) -> Option<&Bytes> {
        self.bytes.get(&read.key())
    }

    /// A manifest that was asked for with no special purpose, if it was kept whole.
    pub fn manifest(&self, row: &ManifestFile) -> Option<&Bytes> {
        self.bytes(&Read::manifest(row))
    }

    /// What was found in a file that was asked for; `None` if it was not asked for, or something else was kept of it.
    pub fn finding<F: Finding>(&self, read: &Read) -> Option<&F> {
        let finding: &dyn Any = self.findings.get(&read.key())?.as_ref();
        finding.downcast_ref()
    }

    /// Whether it was read.
    pub fn has(&self, read: &Read) -> bool {
        match read {
            Read::ManifestList { location } => self.lists.contains_key(location),
            _ => {
                let key = read.key();
                self.bytes.contains_key(&key) || self.findings.contains_key(&key)
            }
        }
    }

    /// Takes what is kept of a file.
    pub fn insert(&mut self, read: &Read, remembered: Remembered) {
        match remembered {
            Remembered::Bytes(bytes) => {
                self.bytes.insert(read.key(), bytes);
            }
            Remembered::Finding(finding) => {
                self.findings.insert(read.key(), finding);
            }
        }
    }

    /// Takes the rows of a manifest list.
    pub fn insert_list(&mut self, location: impl Into<String>, rows: Vec<ManifestFile>) {
        self.lists.insert(location.into(), Arc::new(rows));
    }

    /// The memory that all but manifest lists take, in bytes.
    pub fn size_bytes(&self) -> usize {
        let bytes = self.bytes.values().map(Bytes::len);
        let findings = self.findings.values().map(|finding| finding.size_bytes());
        bytes.chain(findings).fold(0, usize::saturating_add)
    }

    /// What of it is good for another attempt, on this base. Files are immutable; what was found in them may not hold.
    pub(crate) fn again(mut self, base: &Base) -> Self {
        self.manifest_list.clear();
        self.findings.retain(|_, finding| finding.holds_for(base));
        self
    }
}
