//! [`Loaded`]: files that an operation wanted to see, as they were read.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::manifest::ManifestFile;

use crate::base::Base;
use crate::read::{Finding, Read, ReadKey, Remembered};

/// How many purposes the manifests of one member of a transaction may be read for: reads of others begin at multiples of it.
pub(crate) const PURPOSES: u32 = 1 << 16;

/// Files that an operation wanted to see, as they were read, and what was found in them. Cheap to clone.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The rows of the manifest list of the branch's head, in order; empty without a snapshot.
    pub manifest_list: Arc<Vec<ManifestFile>>,
    files: Arc<Files>,
    /// Of a member of a transaction: which one it is, and what members before it have made.
    member: Option<(u32, Arc<Files>)>,
}

/// What is kept of files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    lists: BTreeMap<String, Arc<Vec<ManifestFile>>>,
    bytes: BTreeMap<ReadKey, Bytes>,
    findings: BTreeMap<ReadKey, Arc<dyn Finding>>,
}

impl Files {
    /// Takes what is kept of a file.
    pub(crate) fn insert(&mut self, read: &Read, remembered: Remembered) {
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
    pub(crate) fn insert_list(&mut self, location: String, rows: Arc<Vec<ManifestFile>>) {
        self.lists.insert(location, rows);
    }

    fn has(&self, key: &ReadKey) -> bool {
        self.bytes.contains_key(key) || self.findings.contains_key(key)
    }
}

impl Loaded {
    /// With these rows of the head's manifest list.
    pub fn new(manifest_list: Vec<ManifestFile>) -> Self {
        Self { manifest_list: Arc::new(manifest_list), ..Self::default() }
    }

    /// The same as member number `member` of a transaction sees it: with these rows of its branch's manifest list, and with what members
    /// before it have made.
    pub(crate) fn of_member(
        &self,
        member: u32,
        manifest_list: Arc<Vec<ManifestFile>>,
        made: Arc<Files>,
    ) -> Self {
        Self { manifest_list, files: Arc::clone(&self.files), member: Some((member, made)) }
    }

    /// The rows of another manifest list that was asked for.
    pub fn list(&self, location: &str) -> Option<&[ManifestFile]> {
        let made = self.member.as_ref().and_then(|(_, made)| made.lists.get(location));
        made.or_else(|| self.files.lists.get(location)).map(|rows| rows.as_slice())
    }

    /// The same, to be kept.
    pub(crate) fn shared_list(&self, location: &str) -> Option<Arc<Vec<ManifestFile>>> {
        self.files.lists.get(location).cloned()
    }

    /// A file that was asked for, if it was kept whole.
    pub fn bytes(&self, read: &Read) -> Option<&Bytes> {
        let made = self.member.as_ref().and_then(|(_, made)| made.bytes.get(&read.key()));
        made.or_else(|| self.files.bytes.get(&self.key(read)?))
    }

    /// A manifest that was asked for with no special purpose, if it was kept whole.
    pub fn manifest(&self, row: &ManifestFile) -> Option<&Bytes> {
        self.bytes(&Read::manifest(row))
    }

    /// What was found in a file that was asked for; `None` if it was not asked for, or something else was kept of it.
    pub fn finding<F: Finding>(&self, read: &Read) -> Option<&F> {
        let made = self.member.as_ref().and_then(|(_, made)| made.findings.get(&read.key()));
        let finding = made.or_else(|| self.files.findings.get(&self.key(read)?))?;
        let finding: &dyn Any = finding.as_ref();
        finding.downcast_ref()
    }

    /// Whether it was read.
    pub fn has(&self, read: &Read) -> bool {
        match read {
            Read::ManifestList { location } => self.list(location).is_some(),
            _ => {
                let made = self.member.as_ref().is_some_and(|(_, made)| made.has(&read.key()));
                made || self.key(read).is_some_and(|key| self.files.has(&key))
            }
        }
    }

    /// Takes what is kept of a file.
    pub fn insert(&mut self, read: &Read, remembered: Remembered) {
        Arc::make_mut(&mut self.files).insert(read, remembered);
    }

    /// Takes the rows of a manifest list.
    pub fn insert_list(&mut self, location: impl Into<String>, rows: Vec<ManifestFile>) {
        Arc::make_mut(&mut self.files).insert_list(location.into(), Arc::new(rows));
    }

    /// The memory that all but manifest lists take, in bytes.
    pub fn size_bytes(&self) -> usize {
        let bytes = self.files.bytes.values().map(Bytes::len);
        let findings = self.files.findings.values().map(|finding| finding.size_bytes());
        bytes.chain(findings).fold(0, usize::saturating_add)
    }

    /// What of it is good for another attempt, on this base. Files are immutable; what was found in them may not hold, and what a later member
    /// of a transaction found depends on those before it.
    pub(crate) fn again(mut self, base: &Base) -> Self {
        self.manifest_list = Arc::default();
        Arc::make_mut(&mut self.files)
            .findings
            .retain(|key, finding| key.purpose() < PURPOSES && finding.holds_for(base));
        self
    }

    /// Under which key it is kept. A member of a transaction has purposes of its own; a part of a file is kept as it was read, for the
    /// transaction to hand on to those who ask.
    fn key(&self, read: &Read) -> Option<ReadKey> {
        match (&self.member, read) {
            (None, _) => Some(read.key()),
            (Some(_), Read::Range { .. }) => None,
            (Some((member, _)), _) => of_member(read, *member).map(|read| read.key()),
        }
    }
}

/// A read of a member of a transaction, as a read of the transaction; `None` if there are more members than purposes.
pub(crate) fn of_member(read: &Read, member: u32) -> Option<Read> {
    match read {
        Read::Manifest { row, purpose } if *purpose < PURPOSES => {
            let purpose = member.checked_mul(PURPOSES)?.checked_add(*purpose)?;
            Some(Read::Manifest { row: Arc::clone(row), purpose })
        }
        Read::Manifest { .. } => None,
        _ => Some(read.clone()),
    }
}
