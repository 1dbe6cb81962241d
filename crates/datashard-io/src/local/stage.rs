//! Files in two steps: written and flushed first, beside others, then named.

use bytes::Bytes;

use super::failure::Failure;
use super::file_system::OpenFile;
use super::files::{Files, Prepared, folder_of};
use super::folder::LocalFolder;
use crate::error::Acted;
use crate::store::Durability;

impl LocalFolder {
    /// Writes and flushes a file that is to be created, all but its name. Whoever calls has read what it builds on.
    pub(crate) async fn stage(&self, path: &str, bytes: Bytes) -> Result<Prepared, Failure> {
        let path = path.to_owned();
        self.run(move |files| files.prepare_create(&path, &[bytes])).await
    }

    /// Gives a staged file its name if nothing has it.
    pub(crate) async fn create_staged(&self, staged: Prepared) -> Result<(), Failure> {
        self.run(move |files| files.create(staged)).await
    }

    /// Writes a file, over whatever has its name; the name is durable only after [`flush_folder_of`](Self::flush_folder_of).
    pub(crate) async fn put_unflushed(&self, path: &str, bytes: Bytes) -> Result<(), Failure> {
        let path = path.to_owned();
        self.run(move |files| files.put_unflushed(&path, bytes)).await
    }

    /// Makes the name of a folder's files durable, where durability is full.
    pub(crate) async fn flush_folder_of(&self, folder: &str) -> Result<(), Failure> {
        if self.options().durability != Durability::Full {
            return Ok(());
        }
        let folder = folder.to_owned();
        self.run(move |files| files.flush_folder(&folder, Acted::Maybe)).await
    }

    /// Removes stale temporary files everywhere below.
    pub(crate) async fn sweep(&self) -> Result<u64, Failure> {
        self.run(Files::sweep_all).await
    }

    /// Makes everything durable that was acknowledged, where durability is in groups.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        self.run(Files::flush_all).await
    }
}

impl Files {
    fn put_unflushed(&self, path: &str, bytes: Bytes) -> Result<(), Failure> {
        let placed = self.place_over(self.prepare(path, &[bytes])?)?;
        let file: Option<Box<dyn OpenFile>> = placed.temporary.placed();
        match self.options.durability {
            Durability::Group { .. } => self.flush_later(file, folder_of(path)),
            Durability::Full | Durability::None => Ok(()),
        }
    }
}
