//! Reading the files of the base that an operation has to see.

use std::sync::Arc;

use datashard_io::StoreError;
use datashard_io::head::METADATA_LIMIT_BYTES;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::base::Loaded;
use crate::core::Core;
use crate::error::CommitError;
use crate::operation::Operation;
use crate::view::View;
use crate::work::Work;

/// Requests sent at the same time.
const PARALLEL: usize = 16;

impl Core {
    /// Reads what an operation has to see of the base; the manifest list is then known to the view.
    pub(crate) async fn load(
        &self,
        work: &Work,
        operation: &dyn Operation,
        view: Option<&mut View>,
    ) -> Result<Loaded, CommitError> {
        let Some(view) = view.filter(|_| operation.reads_manifest_list()) else {
            return Ok(Loaded::default());
        };
        let rows = self.rows(view).await?;
        view.rows = Some(Arc::clone(&rows));
        let mut loaded = Loaded::new(rows.to_vec());
        let wanted = operation
            .reads_manifests(&view.base, &loaded.manifest_list, work.earlier())
            .map_err(|refusal| CommitError::of_refusal(refusal, self.store.location().to_string()))?;
        let read = stream::iter(wanted).map(async |location| {
            let path = self.store.location().relative(&location).map_err(StoreError::from)?;
            match self.store.read(&path, METADATA_LIMIT_BYTES).await {
                Ok(bytes) => Ok((location, bytes)),
                Err(StoreError::NotFound { .. }) => {
                    Err(CommitError::corrupt(&path, "the current snapshot needs it and it does not exist"))
                }
                Err(error) => Err(error.into()),
            }
        });
        loaded.manifests = read.buffered(PARALLEL).try_collect().await?;
        Ok(loaded)
    }
}
