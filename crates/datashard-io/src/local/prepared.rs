//! What a folder can do and a bucket cannot: write files ahead of their names, and flush many at once.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;

use super::files::Prepared;
use super::folder::{LocalFolder, run};
use crate::error::Acted;

/// Files that are written and flushed at the same time.
const PARALLEL: usize = 8;
/// Files that are open at the same time.
const BATCH: usize = 64;

impl LocalFolder {
    /// Writes and flushes a file that is to be created, and does not have its name yet; dropped, it is removed.
    pub(crate) async fn prepare(&self, path: &Path, bytes: Bytes) -> object_store::Result<Prepared> {
        let name = path.as_ref().to_owned();
        self.run(move |files| files.prepare_create(&name, &[bytes]))
            .await
            .map_err(|failure| failure.into_object_store(path.as_ref()))
    }

    /// Gives a prepared file its name if nothing has it.
    pub(crate) async fn create_prepared(&self, path: &Path, prepared: Prepared) -> object_store::Result<()> {
        self.run(move |files| files.create(prepared))
            .await
            .map_err(|failure| failure.into_object_store(path.as_ref()))
    }

    /// Writes files, over whatever has their names: contents are flushed in parallel, each folder once.
    pub(crate) async fn put_all(&self, all: Vec<(Path, Bytes)>) -> object_store::Result<()> {
        let mut folders = std::collections::BTreeSet::new();
        let mut placed = false;
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let batch: Vec<(Path, Bytes)> = all.by_ref().take(BATCH).collect();
            let name = batch.first().map(|(path, _)| path.to_string()).unwrap_or_default();
            let done = async {
                let mut prepared = Vec::with_capacity(batch.len());
                let mut writes = stream::iter(batch)
                    .map(|(path, bytes)| {
                        run(&self.files, move |files| files.prepare_one(path.as_ref(), &[bytes]))
                    })
                    .buffered(PARALLEL);
                while let Some(one) = writes.try_next().await? {
                    prepared.push(one);
                }
                self.run(move |files| files.replace_all(prepared)).await
            }
            .await;
            let more = done.map_err(|mut failure| {
                if placed {
                    failure.acted = Acted::Maybe;
                }
                failure.into_object_store(&name)
            })?;
            folders.extend(more);
            placed = true;
        }
        let Some(plan) = self.files.plan(&folders) else { return Ok(()) };
        stream::iter(plan.folders.clone())
            .map(Ok)
            .try_for_each_concurrent(PARALLEL, |folder| async move {
                run(&self.files, move |files| files.flusher.flush_folder(&folder, Acted::Maybe)).await
            })
            .await
            .map_err(|failure| failure.into_object_store(""))?;
        self.run(move |files| files.flusher.fulfilled(&plan))
            .await
            .map_err(|failure| failure.into_object_store(""))
    }

    /// Flushes the name of a file, whoever gave it, and the names of the folders above.
    pub(crate) async fn flush_name(&self, path: &Path) -> object_store::Result<()> {
        let name = path.as_ref().to_owned();
        self.run(move |files| files.flush_name(&name))
            .await
            .map_err(|failure| failure.into_object_store(path.as_ref()))
    }

    /// Flushes what was acknowledged and is not durable yet.
    pub(crate) async fn flush(&self) -> object_store::Result<()> {
        self.run(|files| files.flush()).await.map_err(|failure| failure.into_object_store(""))
    }
}
