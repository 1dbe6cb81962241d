//! [`LocalFolder`] as an [`ObjectStore`]: the library's contract over the folder's steps.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::folder::{LocalFolder, run};

#[async_trait]
impl ObjectStore for LocalFolder {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        let path = location.as_ref().to_owned();
        let bytes = payload.content_length();
        let parts: Vec<Bytes> = payload.into_iter().collect();
        match options.mode {
            PutMode::Create => {
                self.write(bytes, move |files| files.create(files.prepare_create(&path, &parts)?)).await
            }
            PutMode::Overwrite => {
                self.write(bytes, move |files| files.replace(files.prepare(&path, &parts)?)).await
            }
            PutMode::Update(version) => return self.update(location, parts, version).await,
        }
        .map(|()| PutResult { e_tag: None, version: None, extensions: object_store::Extensions::default() })
        .map_err(|failure| failure.into_object_store(location.as_ref()))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.begin_upload(location).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.read(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let files = std::sync::Arc::clone(&self.files);
        locations
            .then(move |location| {
                let files = std::sync::Arc::clone(&files);
                async move {
                    let location = location?;
                    let path = location.as_ref().to_owned();
                    let done = run(&files, move |files| files.delete(&path)).await;
                    done.map_err(|failure| failure.into_object_store(location.as_ref()))?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.walk(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.walk(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.list_one(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        Err(object_store::Error::NotImplemented {
            operation: "copy".to_owned(),
            implementer: "a folder".to_owned(),
        })
    }
}
