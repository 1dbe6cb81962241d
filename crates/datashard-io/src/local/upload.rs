//! Uploads in parts: written one after the other to a temporary file, which gets its name at the end.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, UploadPart};

use super::failure::{Failure, Reason};
use super::files::{Files, Prepared};
use super::folder::{LocalFolder, run};

/// An upload under way. Dropped before its end, it leaves nothing.
#[derive(Debug)]
struct Upload {
    files: Arc<Files>,
    path: Path,
    state: Arc<std::sync::Mutex<State>>,
    /// Parts handed in.
    parts: u64,
}

#[derive(Debug)]
struct State {
    /// `None` after the end, or after a part failed.
    prepared: Option<Prepared>,
    /// Parts written: the number of the next.
    written: u64,
    /// Parts that came before their turn.
    early: std::collections::BTreeMap<u64, Vec<Bytes>>,
}

impl LocalFolder {
    /// Answers [`object_store::ObjectStore::put_multipart_opts`].
    pub(super) async fn begin_upload(&self, path: &Path) -> object_store::Result<Box<dyn MultipartUpload>> {
        let name = path.as_ref().to_owned();
        let prepared = self
            .run(move |files| files.begin(&name))
            .await
            .map_err(|failure| failure.into_object_store(path.as_ref()))?;
        let state = State { prepared: Some(prepared), written: 0, early: Default::default() };
        Ok(Box::new(Upload {
            files: Arc::clone(&self.files),
            path: path.clone(),
            state: Arc::new(std::sync::Mutex::new(state)),
            parts: 0,
        }))
    }
}

impl State {
    /// Writes a part, or keeps it until the parts before it were written.
    fn write(&mut self, number: u64, part: Vec<Bytes>) -> Result<(), Failure> {
        self.early.insert(number, part);
        while let Some(part) = self.early.remove(&self.written) {
            let Some(prepared) = &mut self.prepared else { return Err(over()) };
            if let Err(failure) = prepared.temporary.write(&part) {
                // Half a part may be there: the file cannot become whole any more.
                self.prepared = None;
                return Err(failure);
            }
            self.written = self.written.saturating_add(1);
        }
        Ok(())
    }
}

fn over() -> Failure {
    Failure::no(Reason::System(std::io::Error::other("the upload has ended, or one of its parts failed")))
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = self.parts;
        self.parts = self.parts.saturating_add(1);
        let (files, state, path) = (Arc::clone(&self.files), Arc::clone(&self.state), self.path.clone());
        let part: Vec<Bytes> = data.into_iter().collect();
        Box::pin(async move {
            run(&files, move |_| state.lock().unwrap_or_else(PoisonError::into_inner).write(number, part))
                .await
                .map_err(|failure| failure.into_object_store(path.as_ref()))
        })
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        let (state, parts) = (Arc::clone(&self.state), self.parts);
        run(&self.files, move |files| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(prepared) = state.prepared.take().filter(|_| state.written == parts) else {
                return Err(over());
            };
            files.end(&prepared)?;
            files.replace(prepared)
        })
        .await
        .map_err(|failure| failure.into_object_store(self.path.as_ref()))?;
        Ok(PutResult { e_tag: None, version: None, extensions: object_store::Extensions::default() })
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        let state = Arc::clone(&self.state);
        run(&self.files, move |_| {
            let prepared = state.lock().unwrap_or_else(PoisonError::into_inner).prepared.take();
            drop(prepared);
            Ok(())
        })
        .await
        .map_err(|failure| failure.into_object_store(self.path.as_ref()))
    }
}
