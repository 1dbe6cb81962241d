//! Clean-up as users do it: versions are retired, files swept, with the library's own functions.

use std::time::Duration;

use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::{CommitError, Committer};

use crate::bystanders::Bystander;

impl Bystander {
    /// Retires versions and sweeps files until the world ends.
    pub(crate) async fn keep_house(mut self) {
        let table = loop {
            match Committer::open(self.site.table(&self.process), self.site.options(&self.process)).await {
                Ok(table) => break table,
                Err(_) => self.pause().await,
            }
        };
        loop {
            for _ in 0..8 {
                self.pause().await;
            }
            let outcome = if self.chance.one_in(2) {
                let keep = self.chance.within(1, 6);
                table.retire(&RetireOptions::default().with_keep(keep)).await
            } else {
                let grace =
                    self.chance.pick(&[Duration::ZERO, Duration::from_secs(60), Duration::from_secs(7_200)]);
                table.sweep(&SweepOptions::default().with_grace(grace)).await
            };
            match outcome {
                Ok(report) => {
                    let mut ledger = self.site.ledger();
                    ledger.swept +=
                        report.versions.files + report.data_files.files + report.metadata_files.files;
                }
                Err(CommitError::Corrupt { path, reason }) => {
                    self.site
                        .ledger()
                        .complaints
                        .push(format!("clean-up was told that {path} is damaged: {reason}"));
                }
                Err(_) => {}
            }
        }
    }
}
