//! What processes wrote to a simulated disk and when, and what of it must be there after the power was lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use datashard_io::sim::disk::SimDisk;
use datashard_io::{Created, TableStore};

use crate::disk_support::{self as support, final_files, path, put_all, version_of, version_path};

/// One write and when it happened, counted in steps of the disk.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) path: String,
    pub(crate) bytes: Bytes,
    pub(crate) begun: usize,
    /// `None` if it did not take place: another one was faster.
    pub(crate) acknowledged: Option<usize>,
}

impl Write {
    pub(crate) fn is_acknowledged_at(&self, moment: usize) -> bool {
        self.acknowledged.is_some_and(|acknowledged| acknowledged <= moment)
    }
}

/// What was done to a disk.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) disk: SimDisk,
    writes: Mutex<Vec<Write>>,
}

impl History {
    pub(crate) fn new(disk: SimDisk) -> Self {
        Self { disk, writes: Mutex::default() }
    }

    pub(crate) fn now(&self) -> usize {
        self.disk.steps().len()
    }

    pub(crate) fn writes(&self) -> MutexGuard<'_, Vec<Write>> {
        self.writes.lock().unwrap()
    }

    pub(crate) async fn put(&self, store: &TableStore, file: &str, length: usize) {
        let (bytes, begun) = (support::content(file, length), self.now());
        store.put(&path(file), bytes.clone()).await.unwrap();
        let acknowledged = Some(self.now());
        self.writes().push(Write { path: file.to_owned(), bytes, begun, acknowledged });
    }

    pub(crate) async fn put_all(&self, store: &TableStore, files: &[(String, Bytes)]) {
        let begun = self.now();
        put_all(store, files).await.unwrap();
        let acknowledged = Some(self.now());
        let written = |(path, bytes): &(String, Bytes)| {
            let (path, bytes) = (path.clone(), bytes.clone());
            Write { path, bytes, begun, acknowledged }
        };
        self.writes().extend(files.iter().map(written));
    }

    /// Creates a version; whether this process won it.
    pub(crate) async fn create(&self, store: &TableStore, version: u64, process: u32) -> bool {
        let file = version_path(version);
        let (bytes, begun) = (support::content(&format!("{file} by {process}"), 60), self.now());
        let created = store.create(&path(&file), bytes.clone()).await.unwrap();
        assert!(!matches!(created, Created::Unclear(_)), "{created:?}");
        let acknowledged = created.is_yes().then(|| self.now());
        self.writes().push(Write { path: file, bytes, begun, acknowledged });
        created.is_yes()
    }

    /// Looks at the disks that a loss of power can leave behind at each moment, at no more than `most` for each. Returns at how many.
    pub(crate) fn replay(&self, most: u64, mut look: impl FnMut(usize, &SimDisk, &str)) -> u32 {
        let mut looked_at = 0;
        for moment in self.disk.moments() {
            let loss = self.disk.power_loss(moment);
            for left in loss.some(most, u64::try_from(moment).unwrap()) {
                let told = format!("power lost after step {moment}, {left:?}");
                look(moment, &loss.leaves(left), &told);
                looked_at += 1;
            }
        }
        looked_at
    }

    /// The steps up to a moment, for messages.
    pub(crate) fn told(&self, moment: usize) -> String {
        let steps = self.disk.steps();
        let told = steps.iter().take(moment).map(|step| format!("  {}: {step}", step.process));
        told.collect::<Vec<_>>().join("\n")
    }

    /// The writes that `counts` says yes to are there, whole.
    pub(crate) fn check_there(
        &self,
        moment: usize,
        files: &BTreeMap<String, Bytes>,
        counts: impl Fn(&Write) -> bool,
        told: &str,
    ) {
        for write in self.writes().iter().filter(|write| counts(write)) {
            let found = files.get(&write.path);
            assert_eq!(found, Some(&write.bytes), "{}: {told}\n{}", write.path, self.told(moment));
        }
    }

    /// All that full durability promises for a moment.
    pub(crate) fn check_full(&self, moment: usize, disk: &SimDisk, told: &str) {
        let files = final_files(disk);
        self.check_there(moment, &files, |write| write.is_acknowledged_at(moment), told);
        let writes = self.writes().clone();
        for (file, bytes) in &files {
            let meant = writes.iter().find(|write| write.path == *file && write.bytes == *bytes);
            let Some(write) = meant else { panic!("{file} is torn: {told}\n{}", self.told(moment)) };
            assert!(write.begun < moment, "{file}: {told}");
            // I1: children are durable before their parent.
            if version_of(file).is_some() {
                let is_child = |child: &Write| child.is_acknowledged_at(write.begun);
                self.check_there(moment, &files, is_child, told);
            }
        }
        let versions = versions(&files);
        assert!(!has_gap(&versions), "{versions:?}: {told}\n{}", self.told(moment));
    }
}

/// The versions there are, oldest first.
pub(crate) fn versions(files: &BTreeMap<String, Bytes>) -> Vec<u64> {
    let mut versions: Vec<u64> = files.keys().filter_map(|file| version_of(file)).collect();
    versions.sort_unstable();
    versions
}

/// Whether a version is there without all those before it.
pub(crate) fn has_gap(versions: &[u64]) -> bool {
    !versions.iter().copied().eq((1..).take(versions.len()))
}
