//! [`Committer`]: an open table, as far as commits go.

use std::any::Any;
use std::sync::Arc;

use datashard_io::{TableStore, head::metadata_path};
use datashard_spec::id::MetadataVersion;

use crate::action::{Append, CreateTable};
use crate::base::Base;
use crate::commit::Reading;
use crate::committed::{Committed, Resolution};
use crate::core::Core;
use crate::error::CommitError;
use crate::group::{Desk, Job};
use crate::operation::Operation;
use crate::options::CommitOptions;
use crate::protocol::{AppKey, Found, Generation, Standing};
use crate::token::CommitToken;

/// An open table, as far as commits go. Clones are one handle: they share the newest version known, the session and the queue, and what
/// they append at the same time becomes one commit.
#[derive(Debug, Clone)]
pub struct Committer {
    desk: Arc<Desk>,
}

impl Committer {
    /// Makes a table and opens it.
    ///
    /// # Errors
    /// `TableExists`, if there is one, whoever made it; otherwise as [`commit`](Self::commit).
    ///
    /// # Cancel safety
    /// The table is there, whole, or not.
    pub async fn create(
        store: TableStore,
        table: CreateTable,
        options: CommitOptions,
    ) -> Result<(Self, Committed), CommitError> {
        store.check_layout(MetadataVersion(0)).await?;
        let desk = Desk::new(Core::new(store, options, None));
        let committed = desk.enqueue(Job::Alone(Arc::new(table), None, Reading::Store)).await?;
        Ok((Self { desk }, committed))
    }

    /// Opens a table to commit to it. With a right hint it takes four round trips, however many versions and snapshots there are, and no
    /// listing but one page of the metadata folder.
    ///
    /// # Errors
    /// `NoTable`; `Corrupt`; `Storage`, also if files of other writers lie beside ours that make commits unsafe.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn open(store: TableStore, options: CommitOptions) -> Result<Self, CommitError> {
        let core = Core::new(store, options, None);
        let Some(view) = core.open().await? else {
            return Err(CommitError::NoTable { location: core.store.location().to_string() });
        };
        core.note_view(&view);
        Ok(Self { desk: Desk::new(core) })
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.desk.core
    }

    #[cfg(test)]
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The table's files.
    pub fn store(&self) -> &TableStore {
        &self.desk.core.store
    }

    /// The newest version that this handle knows.
    ///
    /// # Errors
    /// `NoTable` if the table is gone.
    pub fn base(&self) -> Result<Arc<Base>, CommitError> {
        self.desk.core.view().map(|view| view.base).ok_or_else(|| self.no_table())
    }

    /// The newest version there is. One GET if this handle knows it already.
    ///
    /// # Errors
    /// `NoTable` if the table is gone; `Corrupt`; `Storage`.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn refresh(&self) -> Result<Arc<Base>, CommitError> {
        match self.desk.core.newest(self.desk.core.view().as_ref()).await? {
            Some(view) => {
                self.desk.core.note_view(&view);
                Ok(view.base)
            }
            None => {
                self.desk.core.forget_view();
                Err(self.no_table())
            }
        }
    }

    /// Appends data files. Appends that clones of this handle make at the same time become one commit and one snapshot.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    ///
    /// # Cancel safety
    /// A dropped call that was not begun yet does not take place. Begun, it goes on for the others of its group, and in the background.
    pub async fn append(&self, append: Append) -> Result<Committed, CommitError> {
        self.desk.enqueue(Job::Append(append)).await
    }

    /// Commits an operation by itself. With a key it is applied at most once, whoever sends it, however often, from whatever process: a
    /// later one is told so ([`Committed::duplicate`]).
    ///
    /// # Errors
    /// `Conflict`, `Rejected`, `Unsupported`, `TableExists`, `NoTable`, `Storage`: the operation is not in the table and never will be.
    /// `CommitStateUnknown`: it may be; [`resolve`](Self::resolve) tells later. `Corrupt`: the table is damaged, and nothing was done.
    ///
    /// # Cancel safety
    /// As [`append`](Self::append).
    pub async fn commit<O: Operation + 'static>(
        &self,
        operation: O,
        key: Option<AppKey>,
    ) -> Result<Committed, CommitError> {
        // An append keeps manifests whole; what others keep of them is theirs to say.
        let any: &dyn Any = &operation;
        let reading = if any.is::<Append>() { Reading::OwnWrites } else { Reading::Store };
        self.desk.enqueue(Job::Alone(Arc::new(operation), key, reading)).await
    }

    /// What became of an operation whose outcome was not known, whoever sent it.
    ///
    /// # Errors
    /// `Rejected` if the token is another table's; `NoTable`, `Corrupt`, `Storage`.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn resolve(&self, token: &CommitToken) -> Result<Resolution, CommitError> {
        let base = self.refresh().await?;
        if let (Some(of_token), Some(of_table)) = (token.table, base.metadata.table_uuid())
            && of_token != of_table
        {
            return Err(CommitError::rejected(format!(
                "the token is of table {of_token}, this is {of_table}"
            )));
        }
        let sent_above = token.pending.uncommitted;
        let mut pending = token.pending.clone();
        let standing = self.desk.core.standing(&mut pending, &base, Generation::default()).await?;
        Ok(match standing {
            Standing::Committed(found) => {
                let version = Core::version_of(found, &base);
                self.desk.core.store.make_name_durable(&metadata_path(version)?).await?;
                let of_key = pending.key.as_ref().and_then(|key| crate::lookup::snapshot_of_key(&base, key));
                Resolution::Committed(Committed {
                    version,
                    snapshot_id: of_key,
                    duplicate: found == Found::Key,
                    attempts: 0,
                })
            }
            // It was sent to the slot after the version as of which it was known not to be committed, and to none above.
            Standing::Uncommitted { .. } => match sent_above {
                Some(known) if base.version > known => Resolution::NotCommitted,
                Some(_) | None => Resolution::Open,
            },
            Standing::AskHistory | Standing::Unknown => Resolution::Forgotten,
        })
    }

    /// Writes the version hint now, if writing it was put off.
    ///
    /// # Cancel safety
    /// The hint is written or not; nothing depends on it.
    pub async fn flush(&self) {
        let flushed = self.desk.core.store.flush_hint().await;
        tracing::debug!(?flushed, "version hint");
    }

    fn no_table(&self) -> CommitError {
        CommitError::NoTable { location: self.desk.core.store.location().to_string() }
    }
}
