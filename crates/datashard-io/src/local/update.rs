//! Replacement of a file if it is still the one that was read, under an advisory lock.
//!
//! No file system compares and replaces in one step. Those who keep to the lock do not overwrite each other; a commit must never
//! rest on it, and none does: the lock is there for the hint, which may be wrong.

use std::io;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{PutResult, UpdateVersion};

use super::etag;
use super::failure::Failure;
use super::file_system::FileStat;
use super::files::{Files, folder_of};
use super::folder::LocalFolder;
use super::read::{open_file, read_range};

/// The file that the lock goes with.
const LOCK: &str = "metadata/_datashard/lock";

enum Updated {
    Yes(String),
    No(&'static str),
}

impl LocalFolder {
    /// Answers [`object_store::PutMode::Update`].
    pub(super) async fn update(
        &self,
        path: &Path,
        parts: Vec<Bytes>,
        version: UpdateVersion,
    ) -> object_store::Result<PutResult> {
        let name = path.as_ref().to_owned();
        let done = self
            .run(move |files| update(files, &name, &parts, version.e_tag.as_deref().unwrap_or_default()))
            .await
            .map_err(|failure| failure.into_object_store(path.as_ref()))?;
        match done {
            Updated::Yes(tag) => Ok(PutResult {
                e_tag: Some(tag),
                version: None,
                extensions: object_store::Extensions::default(),
            }),
            Updated::No(reason) => Err(object_store::Error::Precondition {
                path: path.as_ref().to_owned(),
                source: reason.into(),
            }),
        }
    }
}

fn update(files: &Files, path: &str, parts: &[Bytes], tag: &str) -> Result<Updated, Failure> {
    files.check_root()?;
    let mut lock = files.fs.try_lock(LOCK);
    if lock.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        files.make_folders(folder_of(LOCK))?;
        lock = files.fs.try_lock(LOCK);
    }
    let Some(_held) = lock.map_err(Failure::before)? else {
        return Ok(Updated::No("somebody else is replacing a file"));
    };
    let (file, stat) = match open_file(files, path) {
        Ok(opened) => opened,
        Err(failure) if failure.io_kind() == Some(io::ErrorKind::NotFound) => {
            return Ok(Updated::No("the file does not exist"));
        }
        Err(failure) => return Err(failure),
    };
    let found = if etag::is_of_content(tag) && stat.size_bytes <= etag::HASHED_BYTES {
        etag::of_content(&read_range(&*file, 0..stat.size_bytes)?)
    } else {
        etag::of_stat(&stat)
    };
    if found != tag {
        return Ok(Updated::No("the file was replaced meanwhile"));
    }
    let prepared = files.prepare(path, parts)?;
    let new = tag_of_new(parts, prepared.temporary.file().map(|file| file.metadata()))?;
    files.replace(prepared)?;
    Ok(Updated::Yes(new))
}

fn tag_of_new(parts: &[Bytes], stat: Option<io::Result<FileStat>>) -> Result<String, Failure> {
    let stat = stat.transpose().map_err(Failure::before)?;
    let all = parts.concat();
    match stat {
        Some(stat) if stat.size_bytes > etag::HASHED_BYTES => Ok(etag::of_stat(&stat)),
        _ => Ok(etag::of_content(&all)),
    }
}
