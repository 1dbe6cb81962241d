//! [`Ledger`]: every operation that anybody sent, and what its sender was told of it. It outlives crashes, as callers' own records do.

use std::sync::Arc;
use std::time::Duration;

use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitError, CommitToken, Committed, Resolution};

use crate::mixed::Deed;

/// What an operation does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// It adds its files.
    Append,
    /// It adds its files unless an operation with the key was applied.
    Keyed(AppKey),
    /// It sets the property of this name.
    Property(String),
    /// It does these things, and snapshots of it tell this number.
    Deeds(u64, Arc<Vec<Deed>>),
}

/// What the sender knows of an operation.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// Under way; or its sender crashed, or went away without waiting.
    Unheard,
    Committed(Committed),
    /// Definitely not; why, for messages.
    Failed(#[expect(dead_code, reason = "it is shown by `Debug`")] String),
    Unknown(CommitToken),
    /// Not known and never to be known.
    Forgotten(CommitToken),
}

/// An operation.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) what: What,
    /// Keys of the data files that it adds.
    pub(crate) files: Vec<String>,
    pub(crate) fate: Fate,
    /// Whether it was sent at least once with an outcome that nobody heard or knew.
    pub(crate) was_unclear: bool,
}

/// Every operation that anybody sent.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) records: Vec<Record>,
    /// Tables made, as those were told who asked for it.
    pub(crate) tables_made: u64,
    /// The highest version that anybody was told of as committed.
    pub(crate) acknowledged: u64,
    pub(crate) files_named: u64,
    /// Commits that were told to be duplicates.
    pub(crate) duplicates: u64,
    pub(crate) reads: u64,
    /// Files that sweeps deleted.
    pub(crate) swept: u64,
    pub(crate) longest: Duration,
    /// What was found to be wrong while it happened.
    pub(crate) complaints: Vec<String>,
}

impl Ledger {
    /// A number for a file that nobody has used.
    pub(crate) fn file_number(&mut self) -> u64 {
        self.files_named += 1;
        self.files_named
    }

    /// Takes an operation down before it is sent. Gives its number.
    pub(crate) fn begin(&mut self, what: What, files: Vec<String>) -> usize {
        self.records.push(Record { what, files, fate: Fate::Unheard, was_unclear: false });
        self.records.len() - 1
    }

    /// It is sent again.
    pub(crate) fn again(&mut self, record: usize) {
        let record = &mut self.records[record];
        record.was_unclear = true;
        record.fate = Fate::Unheard;
    }

    /// Takes down what its sender was told.
    pub(crate) fn end(&mut self, number: usize, answer: &Result<Committed, CommitError>) {
        let record = &mut self.records[number];
        match answer {
            Ok(committed) => {
                self.acknowledged = self.acknowledged.max(committed.version.0);
                self.duplicates += u64::from(committed.duplicate);
                record.fate = Fate::Committed(*committed);
            }
            Err(CommitError::CommitStateUnknown { token, .. }) => {
                record.was_unclear = true;
                // A token is text, to be kept anywhere.
                record.fate = Fate::Unknown(token.to_string().parse().unwrap());
            }
            Err(CommitError::Corrupt { path, reason }) => {
                self.complaints.push(format!("operation {number} was told that {path} is damaged: {reason}"));
            }
            Err(error) => record.fate = Fate::Failed(error.to_string()),
        }
    }

    /// Takes down what was found out later.
    pub(crate) fn resolved(&mut self, number: usize, token: &CommitToken, resolution: Resolution) {
        match resolution {
            Resolution::Committed(committed) => {
                self.acknowledged = self.acknowledged.max(committed.version.0);
                // Whether an operation with a key was its own is not for its token to tell.
                self.records[number].fate = Fate::Committed(committed);
            }
            Resolution::NotCommitted => {
                let record = &mut self.records[number];
                record.fate = Fate::Failed("resolved as not committed".to_owned());
                record.was_unclear = false;
            }
            Resolution::Open => {}
            Resolution::Forgotten => self.records[number].fate = Fate::Forgotten(token.clone()),
        }
    }
}
