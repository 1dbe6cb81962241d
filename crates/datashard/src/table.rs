//! [`Table`]: an open table. Clones are one handle; what they append at the same time becomes one commit.

use std::sync::Arc;

use datashard_io::{StoreOptions, TableStore};
use datashard_txn::{Base, CommitError, CommitOptions, Committer};

use crate::append::Append;
use crate::create::TableOptions;
use crate::error::Error;
use crate::scan::Scan;

/// An open table. Clones are one handle.
///
/// # Examples
/// See the [crate](crate).
#[derive(Debug, Clone)]
pub struct Table {
    committer: Committer,
}

impl Table {
    /// Makes a table at a path or URL and opens it. Store options are taken from the environment.
    ///
    /// # Errors
    /// `AlreadyExists` if there is a table, whoever made it; as opening the store and committing.
    ///
    /// # Cancel safety
    /// The table is there, whole, or not.
    pub async fn create(location: &str, options: TableOptions) -> Result<Self, Error> {
        Self::create_in(open_store(location).await?, options, CommitOptions::default()).await
    }

    /// Opens a table at a path or URL. Store options are taken from the environment.
    ///
    /// # Errors
    /// `NotFound` if there is no table; `InvalidData` if it is damaged; as opening the store.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn open(location: &str) -> Result<Self, Error> {
        Self::open_in(open_store(location).await?, CommitOptions::default()).await
    }

    /// Opens a table, or makes it if there is none. Of several callers one makes it, and all have the same table: that of the first, whose
    /// options count.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create), but for the two that this is about.
    ///
    /// # Cancel safety
    /// The table is there, whole, or not.
    pub async fn open_or_create(location: &str, options: TableOptions) -> Result<Self, Error> {
        Self::open_or_create_in(open_store(location).await?, options, CommitOptions::default()).await
    }

    /// [`create`](Self::create) in a store of one's own.
    ///
    /// # Errors
    /// As `create`.
    ///
    /// # Cancel safety
    /// As `create`.
    pub async fn create_in(
        store: TableStore,
        options: TableOptions,
        commits: CommitOptions,
    ) -> Result<Self, Error> {
        let (committer, _made) = Committer::create(store, options.into_table(), commits).await?;
        Ok(Self { committer })
    }

    /// [`open`](Self::open) in a store of one's own.
    ///
    /// # Errors
    /// As `open`.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn open_in(store: TableStore, commits: CommitOptions) -> Result<Self, Error> {
        Ok(Self { committer: Committer::open(store, commits).await? })
    }

    /// [`open_or_create`](Self::open_or_create) in a store of one's own.
    ///
    /// # Errors
    /// As `open_or_create`.
    ///
    /// # Cancel safety
    /// As `open_or_create`.
    pub async fn open_or_create_in(
        store: TableStore,
        options: TableOptions,
        commits: CommitOptions,
    ) -> Result<Self, Error> {
        match Self::open_in(store.clone(), commits.clone()).await {
            Err(Error::Commit(CommitError::NoTable { .. })) => {}
            opened => return opened,
        }
        match Self::create_in(store.clone(), options, commits.clone()).await {
            Err(Error::Commit(CommitError::TableExists { .. })) => Self::open_in(store, commits).await,
            made => made,
        }
    }

    /// Adds rows or files.
    pub fn append(&self) -> Append {
        Append::new(self.clone())
    }

    /// Reads rows: of the newest snapshot, unless said otherwise.
    pub fn scan(&self) -> Scan {
        Scan::new(self.clone())
    }

    /// The newest version there is. One GET if this handle knows it already.
    ///
    /// # Errors
    /// `NotFound` if the table is gone; `InvalidData` if it is damaged; of the store.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn refresh(&self) -> Result<Arc<Base>, Error> {
        Ok(self.committer.refresh().await?)
    }

    /// Commits of all kinds, a layer below.
    pub fn committer(&self) -> &Committer {
        &self.committer
    }

    /// The table's files, a layer below.
    pub fn store(&self) -> &TableStore {
        self.committer.store()
    }
}

async fn open_store(location: &str) -> Result<TableStore, Error> {
    Ok(TableStore::open(location, StoreOptions::from_env()).await?)
}
