//! Clean-up, as the layer below does it: expiry of snapshots, retiring of versions, sweeping of files.

use datashard_txn::Committed;
use datashard_txn::action::{ExpireSnapshots, RewriteManifests};
use datashard_txn::maintain::{CleanUp, RetireOptions, SweepOptions};

use crate::error::Error;
use crate::table::Table;

impl Table {
    /// Removes snapshots that need not be kept. Their files stay until [`sweep`](Self::sweep).
    ///
    /// # Errors
    /// As committing.
    ///
    /// # Cancel safety
    /// It takes place or not.
    pub async fn expire(&self, what: ExpireSnapshots) -> Result<Committed, Error> {
        Ok(self.committer().commit(what, None).await?)
    }

    /// Puts the entries of manifests into manifests by partition.
    ///
    /// # Errors
    /// As committing.
    ///
    /// # Cancel safety
    /// It takes place or not.
    pub async fn rewrite_manifests(&self, how: RewriteManifests) -> Result<Committed, Error> {
        Ok(self.committer().commit(how, None).await?)
    }

    /// Deletes old versions of the metadata.
    ///
    /// # Errors
    /// Of the store; `InvalidData` if the table is damaged.
    ///
    /// # Cancel safety
    /// Some may be deleted; run again, it goes on.
    pub async fn retire(&self, options: &RetireOptions) -> Result<CleanUp, Error> {
        Ok(self.committer().retire(options).await?)
    }

    /// Deletes files that nothing refers to.
    ///
    /// # Errors
    /// As [`retire`](Self::retire).
    ///
    /// # Cancel safety
    /// As `retire`.
    pub async fn sweep(&self, options: &SweepOptions) -> Result<CleanUp, Error> {
        Ok(self.committer().sweep(options).await?)
    }
}
