//! [`Subject`]: the store under trial, what it is expected to be able to do, and how much of it the suite may ask.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Failure;
use crate::error::StoreError;
use crate::store::TableStore;

type Open = dyn Fn(String) -> BoxFuture<'static, Result<TableStore, StoreError>> + Send + Sync;

/// What a store is expected to be able to do. What it is not able to do, the suite asserts it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// It honours the condition of a conditional write. Where it does not, every create has to be refused. Default `true`.
    pub conditional_create: bool,
    /// It replaces a file only if its content is still the one seen (If-Match). Where it does not, nothing can be retired, and the hint is
    /// moved blindly. Folders do without. Default `true`.
    pub conditional_replace: bool,
    /// Names that one DELETE request takes; 1 where there is no bulk deletion. Default 1,000.
    pub names_per_delete: u64,
    /// Names on one page of a listing. Default 1,000.
    pub names_per_page: u64,
    /// Listings are in the order of the bytes of whole names. Servers that keep folders list a folder's files before those of the
    /// folder `folder-2`, though `-` comes before `/`; there a listing has to be in that order. Default `true`.
    pub lists_by_bytes: bool,
    /// Writes to one name that come faster than so many ms may be refused for a while, as on GCS. Default 0.
    pub write_pause_ms: u64,
    /// The store's times are no finer than so many ms. Default 1,000, as HTTP has it.
    pub time_step_ms: i64,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            conditional_create: true,
            conditional_replace: true,
            names_per_delete: 1_000,
            names_per_page: 1_000,
            lists_by_bytes: true,
            write_pause_ms: 0,
            time_step_ms: 1_000,
        }
    }
}

/// How much the suite asks of a store. A server that is slow where writers meet gets smaller races.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Writers that race for one name. Default 16.
    pub clients: usize,
    /// Names that each race is run for, one after another. Default 8.
    pub rounds: usize,
    /// Names of the long listing. Default 2,100: three pages.
    pub listed: usize,
    /// Names of the bulk deletion. Default 1,500: two requests.
    pub deleted: usize,
    /// Bytes of the large metadata file. Default 8 MiB.
    pub metadata_bytes: usize,
    /// Bytes of the large upload. Default 20 MiB.
    pub upload_bytes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            clients: 16,
            rounds: 8,
            listed: 2_100,
            deleted: 1_500,
            metadata_bytes: 8 << 20,
            upload_bytes: 20 << 20,
        }
    }
}

/// A store under trial: a way to open tables in it.
pub struct Subject {
    name: String,
    run: String,
    tables: AtomicU64,
    open: Arc<Open>,
    abilities: Abilities,
    sizes: Sizes,
}

impl Subject {
    /// A store whose tables `open` opens, each call as a client of its own: what two of them share should be in the store only.
    ///
    /// `open` is given the table's path in the store: `run` and a number, joined by `-`, or that and some characters more. No earlier run on
    /// the same store may have had the same `run`.
    pub fn new(
        name: impl Into<String>,
        run: impl Into<String>,
        open: impl Fn(String) -> BoxFuture<'static, Result<TableStore, StoreError>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            run: run.into(),
            tables: AtomicU64::new(0),
            open: Arc::new(open),
            abilities: Abilities::default(),
            sizes: Sizes::default(),
        }
    }

    /// The same store, expected to have other abilities.
    #[must_use]
    pub fn with_abilities(mut self, change: impl FnOnce(&mut Abilities)) -> Self {
        change(&mut self.abilities);
        self
    }

    /// The same store, asked more or less.
    #[must_use]
    pub fn with_sizes(mut self, change: impl FnOnce(&mut Sizes)) -> Self {
        change(&mut self.sizes);
        self
    }

    /// The store's name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is expected to be able to do.
    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// How much it is asked.
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Waits until a name that was just written may be written again.
    pub(super) async fn pause(&self, store: &TableStore) {
        if self.abilities.write_pause_ms > 0 {
            store.context().clock.sleep(Duration::from_millis(self.abilities.write_pause_ms)).await;
        }
    }

    /// The path of a table that nobody used yet.
    pub(super) fn fresh_name(&self) -> String {
        format!("{}-{}", self.run, self.tables.fetch_add(1, Ordering::Relaxed))
    }

    /// A client of a table that nobody used yet.
    pub(super) async fn fresh(&self) -> Result<TableStore, Failure> {
        self.client(&self.fresh_name()).await
    }

    /// One more client of a table.
    pub(super) async fn client(&self, table: &str) -> Result<TableStore, Failure> {
        Ok((self.open)(table.to_owned()).await?)
    }

    /// As many clients of one fresh table as race for a name, which know what the store is able to do.
    pub(super) async fn racers(&self) -> Result<Vec<TableStore>, Failure> {
        let table = self.fresh_name();
        let mut clients = Vec::new();
        for _ in 0..self.sizes.clients {
            let client = self.client(&table).await?;
            client.check_capabilities().await?;
            clients.push(client);
        }
        Ok(clients)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .field("abilities", &self.abilities)
            .field("sizes", &self.sizes)
            .finish_non_exhaustive()
    }
}
