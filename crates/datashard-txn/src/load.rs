//! Reading the files of the base that an operation has to see.

use std::sync::Arc;

use bytes::Bytes;
use datashard_io::StoreError;
use datashard_io::head::METADATA_LIMIT_BYTES;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::core::Core;
use crate::error::CommitError;
use crate::loaded::Loaded;
use crate::operation::Operation;
use crate::read::{Read, Remembered};
use crate::segments::Moves;
use crate::view::View;
use crate::work::Work;

/// Requests sent at the same time.
const PARALLEL: usize = 16;

/// Bytes asked for at the same time, unless one file is larger.
const PARALLEL_BYTES: u64 = 64 << 20;

/// What a request gave.
enum Fetched {
    Rows(Vec<ManifestFile>),
    Bytes(Bytes),
}

impl Core {
    /// Reads what an operation has to see of the base; the manifest list of `main` is then known to the view.
    ///
    /// A few files are in memory at a time; of each the operation keeps what it wants, within the handle's limit.
    pub(crate) async fn load(
        &self,
        work: &mut Work,
        operation: &dyn Operation,
        view: Option<&mut View>,
    ) -> Result<Loaded, CommitError> {
        let Some(view) = view else { return Ok(Loaded::default()) };
        let mut loaded = work.take_loaded(&view.base);
        if operation.reads_manifest_list() {
            let rows = if operation.branch() == MAIN_BRANCH {
                let rows = self.rows(view).await?;
                view.rows = Some(Arc::clone(&rows));
                rows
            } else {
                self.rows_of(&view.base, operation.branch()).await?
            };
            loaded.manifest_list = rows;
        }
        let refused = |refusal| CommitError::of_refusal(refusal, self.store.location().to_string());
        let moves = Moves::due(&view.base).map_err(refused)?;
        loop {
            let inputs = work.inputs(self, Some(&view.base), &loaded);
            let mut wanted = operation.reads(&view.base, &inputs).map_err(refused)?;
            if let Some(moves) = &moves {
                wanted.extend(moves.reads(&view.base, &inputs).map_err(refused)?);
            }
            wanted.retain(|read| !loaded.has(read));
            if wanted.is_empty() {
                return Ok(loaded);
            }
            wanted.reverse();
            while !wanted.is_empty() {
                let batch = next_batch(&mut wanted);
                let fetch = stream::iter(batch).map(async |read| Ok((self.fetch(&read).await?, read)));
                let fetched: Vec<(Fetched, Read)> =
                    fetch.buffered(PARALLEL).try_collect::<Vec<_>>().await.map_err(|e: CommitError| e)?;
                for (fetched, read) in fetched {
                    match fetched {
                        Fetched::Rows(rows) => loaded.insert_list(read.location(), rows),
                        Fetched::Bytes(bytes) => {
                            let inputs = work.inputs(self, Some(&view.base), &loaded);
                            let kept = match &read {
                                Read::File { .. } => Remembered::Bytes(bytes),
                                _ => {
                                    operation.remember(&view.base, &inputs, &read, bytes).map_err(refused)?
                                }
                            };
                            loaded.insert(&read, kept);
                        }
                    }
                }
                self.check_memory(operation, &loaded)?;
            }
        }
    }

    async fn fetch(&self, read: &Read) -> Result<Fetched, CommitError> {
        let path = self.store.location().relative(read.location()).map_err(StoreError::from)?;
        let read_bytes = match read {
            Read::ManifestList { .. } => return self.read_list(&path).await.map(Fetched::Rows),
            Read::Range { offset, length_bytes, .. } => {
                let end = offset.checked_add(*length_bytes).ok_or_else(|| {
                    CommitError::corrupt(
                        &path,
                        format!("a part of it is named that begins at {offset} and has {length_bytes} bytes"),
                    )
                })?;
                self.store.read_range(&path, *offset..end).await
            }
            Read::Manifest { .. } | Read::File { .. } => self.store.read(&path, METADATA_LIMIT_BYTES).await,
        };
        match read_bytes {
            Ok(bytes) => Ok(Fetched::Bytes(bytes)),
            Err(StoreError::NotFound { .. }) => {
                Err(CommitError::corrupt(&path, "a snapshot needs it and it does not exist"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn check_memory(&self, operation: &dyn Operation, loaded: &Loaded) -> Result<(), CommitError> {
        let needed_bytes = u64::try_from(loaded.size_bytes()).unwrap_or(u64::MAX);
        let limit_bytes = self.options.memory_limit_bytes;
        if needed_bytes <= limit_bytes {
            return Ok(());
        }
        Err(CommitError::OutOfMemory { operation: operation.name(), needed_bytes, limit_bytes })
    }
}

/// Takes reads that may be under way at the same time off the end.
fn next_batch(wanted: &mut Vec<Read>) -> Vec<Read> {
    let mut batch = Vec::new();
    let mut bytes = 0_u64;
    while let Some(read) = wanted
        .pop_if(|read| batch.is_empty() || bytes.saturating_add(read.expected_bytes()) <= PARALLEL_BYTES)
    {
        bytes = bytes.saturating_add(read.expected_bytes());
        batch.push(read);
    }
    batch
}
