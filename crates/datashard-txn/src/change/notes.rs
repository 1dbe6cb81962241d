//! [`Notes`]: where a snapshot goes, and the caller's entries of its summary.

use std::collections::BTreeMap;

use datashard_spec::snapshot::summary_key;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use crate::action::{Target, excerpt};
use crate::base::Base;
use crate::lookup::SUMMARY_APP_KEY;
use crate::refusal::Refusal;

/// The key of a summary under which a staged snapshot is found by those who publish it.
pub(crate) const WAP_ID: &str = "wap.id";

/// Where a snapshot goes, and the caller's entries of its summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    branch: Option<String>,
    wap_id: Option<String>,
    summary: BTreeMap<String, String>,
}

impl Notes {
    pub(crate) fn set_branch(&mut self, branch: impl Into<String>) {
        self.branch = Some(branch.into());
    }

    pub(crate) fn stage(&mut self, wap_id: impl Into<String>) {
        let wap_id = wap_id.into();
        self.summary.insert(WAP_ID.to_owned(), wap_id.clone());
        self.wap_id = Some(wap_id);
    }

    pub(crate) fn note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.summary.insert(key.into(), value.into());
    }

    pub(crate) fn branch(&self) -> &str {
        self.branch.as_deref().unwrap_or(MAIN_BRANCH)
    }

    pub(crate) fn target(&self) -> Target<'_> {
        match self.wap_id {
            Some(_) => Target::Staged(self.branch()),
            None => Target::Head(self.branch()),
        }
    }

    pub(crate) fn summary(&self) -> &BTreeMap<String, String> {
        &self.summary
    }

    /// Bytes that tell it from others, for an operation's fingerprint.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        let staged = self.wap_id.as_deref().unwrap_or_default();
        [self.branch(), "\0", staged, "\0"].concat().into_bytes()
    }

    /// Whether a snapshot may go there.
    ///
    /// # Errors
    /// `Rejected` for a tag, for an entry that is not the caller's to set, and for an id under which a snapshot is staged or published already.
    pub(crate) fn check(&self, base: &Base, operation: &'static str) -> Result<(), Refusal> {
        let rejected = |reason: String| Err(Refusal::Rejected { operation, reason });
        let metadata = &base.metadata;
        if metadata.refs().get(self.branch()).is_some_and(|reference| !reference.is_branch()) {
            return rejected(format!(
                "`{}` is a tag: nothing can be committed to it",
                excerpt(self.branch())
            ));
        }
        let own = |key: &&String| is_computed(key) && !(key.as_str() == WAP_ID && self.wap_id.is_some());
        if let Some(key) = self.summary.keys().find(own) {
            return rejected(format!("the summary entry `{}` cannot be set", excerpt(key)));
        }
        let Some(wap_id) = &self.wap_id else { return Ok(()) };
        for snapshot in metadata.snapshots() {
            let snapshot = snapshot.map_err(|e| crate::segments::damaged(base, e.to_string()))?;
            let is_it = |key| snapshot.summary.get(key) == Some(wap_id.as_str());
            if is_it(WAP_ID) || is_it("published-wap-id") {
                return rejected(format!(
                    "snapshot {} has the wap.id `{}` already",
                    snapshot.id,
                    excerpt(wap_id)
                ));
            }
        }
        Ok(())
    }
}

/// Whether a key of a summary is not the caller's to set.
fn is_computed(key: &str) -> bool {
    const PREFIXES: [&str; 6] = ["added-", "deleted-", "removed-", "total-", "manifests-", "partitions."];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || ["operation", SUMMARY_APP_KEY, WAP_ID, "published-wap-id", summary_key::CHANGED_PARTITION_COUNT]
            .contains(&key)
}

/// The methods that all operations have which make a snapshot.
macro_rules! noted {
    ($type:ty) => {
        impl $type {
            /// To this branch, instead of `main`. A branch that is not there begins where `main` is.
            pub fn to_branch(mut self, branch: impl Into<String>) -> Self {
                self.notes.set_branch(branch);
                self
            }

            /// As a snapshot that is part of the table and of no branch, until somebody publishes it by this id (write, audit, publish).
            pub fn staged(mut self, wap_id: impl Into<String>) -> Self {
                self.notes.stage(wap_id);
                self
            }

            /// With an entry for the summary of the snapshot. Counters are computed and cannot be set.
            pub fn with_summary_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.notes.note(key, value);
                self
            }
        }
    };
}

pub(crate) use noted;
