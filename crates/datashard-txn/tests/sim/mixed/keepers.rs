//! Retiring, sweeping, and a reader that takes its time.

use std::time::Duration;

use datashard_spec::metadata::TableMetadata;
use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::{CommitError, Committer};

use super::replay::check_present;
use super::shelf::missing;
use crate::bystanders::Bystander;
use crate::site::Site;

/// Whether all that the newest version retains is there.
fn check(site: &Site) -> Result<(), String> {
    let annals = site.annals()?;
    check_present(site, &annals, annals.newest()?)
}

impl Bystander {
    /// Retires old versions, again and again.
    pub(crate) async fn keep_versions(mut self) {
        let table = self.open().await;
        loop {
            self.pause().await;
            let options = RetireOptions::default().with_keep(self.chance.within(1, 6));
            if let Err(error) = table.retire(&options).await {
                self.complain("retiring", &error);
            }
        }
    }

    /// Sweeps, again and again; after each time all that is needed has to be there.
    pub(crate) async fn keep_files(mut self) {
        let table = self.open().await;
        let grace = self.site.plan.mixed().grace;
        let mut seen = 0;
        loop {
            self.pause().await;
            // As long as nobody does anything there is little to sweep.
            let sent = self.site.ledger().records.len();
            if sent < seen + 4 && !self.chance.one_in(24) {
                continue;
            }
            seen = sent;
            match table.sweep(&SweepOptions::default().with_grace(grace)).await {
                Ok(report) => {
                    let files = report.data_files.files + report.metadata_files.files;
                    self.site.ledger().swept += files;
                    if files > 0
                        && let Err(what) = check(&self.site)
                    {
                        self.site.ledger().complaints.push(format!("after a sweep: {what}"));
                    }
                }
                Err(error) => self.complain("a sweep", &error),
            }
        }
    }

    fn complain(&self, who: &str, error: &CommitError) {
        if let CommitError::Corrupt { path, reason } = error {
            self.site.ledger().complaints.push(format!("{who} was told that {path} is damaged: {reason}"));
        }
    }

    async fn open(&mut self) -> Committer {
        loop {
            match Committer::open(self.site.table(&self.process), self.site.options(&self.process)).await {
                Ok(table) => return table,
                Err(_) => self.pause().await,
            }
        }
    }
}

/// A file that a reader misses which asked for the newest version so long ago, and was given this one.
pub(crate) fn unreadable(site: &Site, metadata: &TableMetadata, took: Duration) -> Option<String> {
    // Who is slower may be disturbed.
    if site.plan.sweeps && took * 2 > site.plan.mixed().grace {
        return None;
    }
    let current = metadata.current_snapshot().ok()??;
    let held = site.shelf().held(&site.store, current).ok()?;
    missing(&site.store, &held)
}
