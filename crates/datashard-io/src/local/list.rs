//! Listings of a folder, in the order of the paths' bytes, as S3 and GCS give them.
//!
//! Folders are read one at a time, as the listing gets to them, and files are looked at in portions: what is in memory is the
//! names of the folders on the way down, not the tree.

use std::io;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta};

use super::failure::Failure;
use super::file_system::FileKind;
use super::files::{Files, check_name};
use super::folder::{LocalFolder, run};
use super::read::object_meta;
use super::temporary::{is_temporary, join};

/// Files that are looked at in one go.
const PORTION: usize = 256;

/// How far a listing has got.
struct Walk {
    /// Only what comes after it; empty for everything.
    after: String,
    /// What is left of each folder on the way down, last first.
    levels: Vec<Level>,
    started: bool,
}

struct Level {
    folder: String,
    /// In reverse order, so that the next is at the end.
    names: Vec<(String, FileKind)>,
}

impl LocalFolder {
    /// Answers [`object_store::ObjectStore::list_with_offset`].
    pub(super) fn walk(
        &self,
        folder: Option<&Path>,
        after: Option<&Path>,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let folder = folder.map(|folder| folder.as_ref().to_owned()).unwrap_or_default();
        let after = after.map(|after| after.as_ref().to_owned()).unwrap_or_default();
        let files = Arc::clone(&self.files);
        let start = Walk { after, levels: vec![Level { folder, names: Vec::new() }], started: false };
        stream::try_unfold(start, move |mut walk| {
            let files = Arc::clone(&files);
            async move {
                let place = walk.levels.last().map(|level| level.folder.clone()).unwrap_or_default();
                let (walk, portion) = run(&files, move |files| {
                    let portion = walk.next_portion(files)?;
                    Ok((walk, portion))
                })
                .await
                .map_err(|failure| failure.into_object_store(&place))?;
                if portion.is_empty() && walk.levels.is_empty() {
                    return Ok::<_, object_store::Error>(None);
                }
                Ok(Some((stream::iter(portion.into_iter().map(Ok)), walk)))
            }
        })
        .try_flatten()
        .boxed()
    }

    /// Answers [`object_store::ObjectStore::list_with_delimiter`].
    pub(super) async fn list_one(&self, folder: Option<&Path>) -> object_store::Result<ListResult> {
        let name = folder.map(|folder| folder.as_ref().to_owned()).unwrap_or_default();
        let place = name.clone();
        self.run(move |files| {
            let mut common_prefixes = Vec::new();
            let mut objects = Vec::new();
            for (name, kind) in sorted_names(files, &name, true)?.into_iter().rev() {
                match kind {
                    FileKind::Folder => common_prefixes.extend(Path::parse(&name)),
                    _ => objects.extend(look(files, &name)?),
                }
            }
            Ok(ListResult { common_prefixes, objects, extensions: object_store::Extensions::default() })
        })
        .await
        .map_err(|failure| failure.into_object_store(&place))
    }
}

impl Walk {
    /// The next files; nothing only at the end.
    fn next_portion(&mut self, files: &Files) -> Result<Vec<ObjectMeta>, Failure> {
        if !self.started {
            self.started = true;
            if let Some(level) = self.levels.last_mut() {
                level.names = sorted_names(files, &level.folder, true)?;
            }
        }
        let mut portion = Vec::new();
        while portion.len() < PORTION
            && let Some(level) = self.levels.last_mut()
        {
            let Some((path, kind)) = level.names.pop() else {
                self.levels.pop();
                continue;
            };
            match kind {
                FileKind::Folder if self.has_passed(&path) => {}
                FileKind::Folder => {
                    // Gone since its name was read: then so are its files.
                    let names = sorted_names(files, &path, false)?;
                    self.levels.push(Level { folder: path, names });
                }
                _ if *path <= *self.after => {}
                _ => portion.extend(look(files, &path)?),
            }
        }
        Ok(portion)
    }

    /// Whether everything in a folder comes before the start.
    fn has_passed(&self, folder: &str) -> bool {
        let folder = format!("{folder}/");
        *folder < *self.after && !self.after.starts_with(&folder)
    }
}

/// Paths in a folder, last first; a folder counts as if its name ended with a slash, as its files' paths do.
///
/// Links, devices and pipes are left out, and so are names that no path of a table has.
fn sorted_names(files: &Files, folder: &str, first: bool) -> Result<Vec<(String, FileKind)>, Failure> {
    if !folder.is_empty() {
        check_name(folder)?;
    }
    let names = match files.fs.read_folder(folder) {
        Ok(names) => names,
        // What does not exist has no files, on a bucket too. A file has none below it either.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || (first && error.kind() == io::ErrorKind::NotADirectory) =>
        {
            files.check_root()?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(Failure::before(error)),
    };
    let mut names: Vec<(String, FileKind)> = names
        .into_iter()
        .filter(|(name, kind)| {
            matches!(kind, FileKind::File | FileKind::Folder)
                && !is_temporary(name)
                && Path::parse(name).is_ok()
        })
        .map(|(name, kind)| (join(folder, &name), kind))
        .collect();
    names.sort_unstable_by(|(a, a_kind), (b, b_kind)| {
        let end = |kind: &FileKind| (*kind == FileKind::Folder).then_some(b'/');
        b.bytes().chain(end(b_kind)).cmp(a.bytes().chain(end(a_kind)))
    });
    Ok(names)
}

/// A file's line in the listing, unless it was deleted or replaced by something else meanwhile.
fn look(files: &Files, path: &str) -> Result<Option<ObjectMeta>, Failure> {
    let stat = match files.fs.metadata(path) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::before(error)),
    };
    if stat.kind != FileKind::File {
        return Ok(None);
    }
    Ok(Path::parse(path).ok().map(|location| object_meta(location, &stat)))
}
