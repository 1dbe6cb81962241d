//! What a simulated store holds, and what one request does to it: all at once, at one moment.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{CopyMode, GetOptions, ObjectMeta, PutMode, UpdateVersion};

use super::answer::Answer;
use crate::request::RequestKind;

/// A request, as the store gets it.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Put { key: Path, bytes: Bytes, mode: PutMode },
    Get { key: Path, options: Box<GetOptions> },
    List { prefix: String, after: Option<String>, by_folder: bool },
    Delete { keys: Vec<Path> },
    Copy { from: Path, to: Path, mode: CopyMode },
    StartUpload { key: Path },
    Part { key: Path, upload: u64, index: usize, bytes: Bytes },
    Complete { key: Path, upload: u64, parts: Vec<usize> },
    Abort { key: Path, upload: u64 },
}

impl Operation {
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Self::Put { .. }
            | Self::Copy { .. }
            | Self::StartUpload { .. }
            | Self::Part { .. }
            | Self::Complete { .. } => RequestKind::Put,
            Self::Get { options, .. } if options.head => RequestKind::Head,
            Self::Get { .. } => RequestKind::Get,
            Self::List { .. } => RequestKind::List,
            Self::Delete { .. } | Self::Abort { .. } => RequestKind::Delete,
        }
    }

    /// Whether its condition is that nothing has the name.
    pub(super) fn is_create(&self) -> bool {
        matches!(self, Self::Put { mode: PutMode::Create, .. } | Self::Copy { mode: CopyMode::Create, .. })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Put { mode: PutMode::Create, .. } => "create",
            Self::Put { mode: PutMode::Update(_), .. } => "update",
            Self::Put { .. } => "put",
            Self::Get { options, .. } if options.head => "head",
            Self::Get { .. } => "get",
            Self::List { .. } => "list",
            Self::Delete { .. } => "delete",
            Self::Copy { .. } => "copy",
            Self::StartUpload { .. } => "start upload",
            Self::Part { .. } => "part",
            Self::Complete { .. } => "complete upload",
            Self::Abort { .. } => "abort upload",
        }
    }

    /// The key, the prefix of a listing, or the first of the keys.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Put { key, .. }
            | Self::Get { key, .. }
            | Self::Copy { to: key, .. }
            | Self::StartUpload { key }
            | Self::Part { key, .. }
            | Self::Complete { key, .. }
            | Self::Abort { key, .. } => key.as_ref(),
            Self::List { prefix, .. } => prefix,
            Self::Delete { keys } => keys.first().map_or("", Path::as_ref),
        }
    }

    pub(super) fn body_bytes(&self) -> u64 {
        match self {
            Self::Put { bytes, .. } | Self::Part { bytes, .. } => {
                u64::try_from(bytes.len()).unwrap_or(u64::MAX)
            }
            _ => 0,
        }
    }
}

/// What came of a request that was granted.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Written {
        version: u64,
    },
    Got(Box<Got>),
    Page(Page),
    /// One answer for each key, in order; `None` is success.
    Deleted(Vec<Option<Answer>>),
    Upload(u64),
    Done,
}

#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) meta: ObjectMeta,
    pub(super) range: Range<u64>,
    pub(super) bytes: Bytes,
    /// The body's end is an error of the connection.
    pub(super) broken: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) files: Vec<ObjectMeta>,
    pub(super) folders: Vec<Path>,
    /// Where the next page begins; `None` on the last.
    pub(super) next: Option<String>,
}

/// What does not hold on every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Quirks {
    /// Conditions of writes are ignored: every create and every update is granted.
    pub ignores_conditions: bool,
    /// Updates (`If-Match`) are not implemented (501).
    pub without_update: bool,
    /// The check of a condition and the write are two steps with time between them.
    pub racy_conditions: bool,
}

#[derive(Debug, Clone)]
struct Object {
    path: Path,
    bytes: Bytes,
    version: u64,
    modified_ms: i64,
}

#[derive(Debug, Default)]
struct Upload {
    parts: BTreeMap<usize, Bytes>,
}

/// The files of a bucket.
#[derive(Debug, Default)]
pub(super) struct Objects {
    files: BTreeMap<String, Object>,
    uploads: BTreeMap<u64, Upload>,
    /// What listings show while they are frozen.
    frozen: Option<BTreeMap<String, Object>>,
    /// What each key held first, if that is kept.
    first: Option<BTreeMap<String, Bytes>>,
    last_version: u64,
    pub(super) quirks: Quirks,
    pub(super) page_size: usize,
    pub(super) delete_needs_file: bool,
    pub(super) has_generations: bool,
}

type Granted = Result<Reply, Answer>;

impl Objects {
    /// Does what a request asks for.
    pub(super) fn apply(&mut self, operation: &Operation, now_ms: i64) -> Granted {
        match operation {
            Operation::Put { key, bytes, mode } => {
                self.check(key, mode)?;
                Ok(self.write(key, bytes.clone(), now_ms))
            }
            Operation::Get { key, options } => self.get(key, options).map(|got| Reply::Got(Box::new(got))),
            Operation::List { prefix, after, by_folder } => {
                Ok(Reply::Page(self.list(prefix, after.as_deref(), *by_folder)))
            }
            Operation::Delete { keys } => Ok(Reply::Deleted(
                keys.iter()
                    .map(|key| {
                        let gone = self.files.remove(key.as_ref()).is_none();
                        (gone && self.delete_needs_file).then(no_such_key)
                    })
                    .collect(),
            )),
            Operation::Copy { from, to, mode } => {
                let bytes = self.files.get(from.as_ref()).ok_or_else(no_such_key)?.bytes.clone();
                if *mode == CopyMode::Create {
                    self.check(to, &PutMode::Create)?;
                }
                Ok(self.write(to, bytes, now_ms))
            }
            Operation::StartUpload { .. } => {
                self.last_version = self.last_version.saturating_add(1);
                self.uploads.insert(self.last_version, Upload::default());
                Ok(Reply::Upload(self.last_version))
            }
            Operation::Part { upload, index, bytes, .. } => {
                let upload = self.uploads.get_mut(upload).ok_or_else(no_such_upload)?;
                upload.parts.insert(*index, bytes.clone());
                Ok(Reply::Done)
            }
            Operation::Complete { key, upload: id, parts } => {
                let upload = self.uploads.get(id).ok_or_else(no_such_upload)?;
                let mut whole = Vec::new();
                for index in parts {
                    let invalid = || Answer::status(400).with_code("InvalidPart");
                    whole.extend_from_slice(upload.parts.get(index).ok_or_else(invalid)?);
                }
                self.uploads.remove(id);
                Ok(self.write(key, whole.into(), now_ms))
            }
            Operation::Abort { upload, .. } => {
                self.uploads.remove(upload).ok_or_else(no_such_upload).map(|_| Reply::Done)
            }
        }
    }

    /// Whether a write with this condition is granted.
    pub(super) fn check(&self, key: &Path, mode: &PutMode) -> Result<(), Answer> {
        if self.quirks.without_update && matches!(mode, PutMode::Update(_)) {
            return Err(Answer::status(501).with_code("NotImplemented"));
        }
        let there = self.files.get(key.as_ref());
        let holds = self.quirks.ignores_conditions
            || match mode {
                PutMode::Overwrite => true,
                PutMode::Create => there.is_none(),
                PutMode::Update(wanted) => there.is_some_and(|file| self.is_version(file, wanted)),
            };
        if holds { Ok(()) } else { Err(Answer::precondition_failed()) }
    }

    fn is_version(&self, file: &Object, wanted: &UpdateVersion) -> bool {
        // S3 goes by the ETag, GCS by the generation; neither by the other's.
        if self.has_generations {
            wanted.version.as_deref() == Some(&*file.version.to_string())
        } else {
            wanted.e_tag.as_deref() == Some(&*etag(file.version))
        }
    }

    pub(super) fn write(&mut self, key: &Path, bytes: Bytes, now_ms: i64) -> Reply {
        self.last_version = self.last_version.saturating_add(1);
        let version = self.last_version;
        if let Some(first) = &mut self.first {
            first.entry(key.as_ref().to_owned()).or_insert_with(|| bytes.clone());
        }
        let object = Object { path: key.clone(), bytes, version, modified_ms: now_ms };
        self.files.insert(key.as_ref().to_owned(), object);
        Reply::Written { version }
    }

    fn get(&self, key: &Path, options: &GetOptions) -> Result<Got, Answer> {
        let file = self.files.get(key.as_ref()).ok_or_else(no_such_key)?;
        let meta = self.meta(file, true);
        if options.version.is_some() && options.version != meta.version {
            return Err(no_such_key());
        }
        options.check_preconditions(&meta).map_err(|error| match error {
            object_store::Error::NotModified { .. } => Answer::status(304),
            _ => Answer::precondition_failed(),
        })?;
        let range = match &options.range {
            Some(range) => {
                range.as_range(meta.size).map_err(|_| Answer::status(416).with_code("InvalidRange"))?
            }
            None => 0..meta.size,
        };
        let part = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let bytes = match part {
            Some((start, end)) if !options.head && start <= end && end <= file.bytes.len() => {
                file.bytes.slice(start..end)
            }
            _ => Bytes::new(),
        };
        Ok(Got { meta, range, bytes, broken: false })
    }

    fn list(&self, prefix: &str, after: Option<&str>, by_folder: bool) -> Page {
        let files = self.frozen.as_ref().unwrap_or(&self.files);
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut page = Page { files: Vec::new(), folders: Vec::new(), next: None };
        let mut last = None;
        for (key, file) in files.range::<str, _>((start, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(prefix) else { break };
            let folder = by_folder.then(|| rest.split_once('/')).flatten().map(|(folder, _)| folder);
            let folder = folder.and_then(|name| Path::parse(format!("{prefix}{name}")).ok());
            if folder.is_some() && page.folders.last() == folder.as_ref() {
                last = Some(key);
                continue;
            }
            if page.files.len().saturating_add(page.folders.len()) >= self.page_size {
                page.next = last.cloned();
                return page;
            }
            match folder {
                Some(folder) => page.folders.push(folder),
                None => page.files.push(self.meta(file, false)),
            }
            last = Some(key);
        }
        page
    }

    /// GCS does not tell generations in listings.
    fn meta(&self, file: &Object, with_version: bool) -> ObjectMeta {
        ObjectMeta {
            location: file.path.clone(),
            last_modified: system_time(file.modified_ms).into(),
            size: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
            e_tag: Some(etag(file.version)),
            version: (with_version && self.has_generations).then(|| file.version.to_string()),
        }
    }

    pub(super) fn freeze_lists(&mut self) {
        self.frozen = Some(self.files.clone());
    }

    pub(super) fn thaw_lists(&mut self) {
        self.frozen = None;
    }

    pub(super) fn keep_first(&mut self) {
        self.first.get_or_insert_default();
    }

    pub(super) fn first_bytes(&self, key: &str) -> Option<Bytes> {
        self.first.as_ref().and_then(|first| first.get(key)).cloned()
    }

    pub(super) fn bytes(&self, key: &str) -> Option<Bytes> {
        self.files.get(key).map(|file| file.bytes.clone())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        self.files.remove(key).is_some()
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.uploads.len()
    }
}

pub(super) fn etag(version: u64) -> String {
    format!("\"{version:x}\"")
}

fn no_such_key() -> Answer {
    Answer::status(404).with_code("NoSuchKey")
}

fn no_such_upload() -> Answer {
    Answer::status(404).with_code("NoSuchUpload")
}

/// Kept between the years 1 and 9999, which every calendar has.
fn system_time(ms: i64) -> SystemTime {
    let ms = ms.clamp(-62_135_596_800_000, 253_402_300_799_999);
    let far = Duration::from_millis(ms.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let time = if ms < 0 { epoch.checked_sub(far) } else { epoch.checked_add(far) };
    time.unwrap_or(epoch)
}
