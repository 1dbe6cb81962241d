//! Reads from a folder: whole files, ranges, and what is known about a file without reading it.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta};

use super::buffers::{BUFFER_BYTES, Buffers};
use super::etag;
use super::failure::{Failure, Reason};
use super::file_system::{FileStat, OpenFile};
use super::files::{Files, check_kind, check_name};
use super::folder::{LocalFolder, run};

/// Whole files up to this size are read in the call that opens them, larger ones in pieces of it: readers with a limit may want none of them.
const PIECE_BYTES: u64 = 1024 * 1024;

/// What one look at a file gave.
struct Opened {
    meta: ObjectMeta,
    range: Range<u64>,
    content: Content,
}

enum Content {
    Bytes(Bytes),
    File(Arc<dyn OpenFile>),
}

impl LocalFolder {
    /// Answers [`object_store::ObjectStore::get_opts`].
    pub(super) async fn read(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        let name = path.clone();
        let asked = options.clone();
        let opened = if options.head {
            self.run(move |files| head(files, &name)).await
        } else {
            self.run(move |files| open(files, &name, &asked)).await
        };
        let opened = opened.map_err(|failure| failure.into_object_store(path.as_ref()))?;
        let Opened { meta, range, content } = opened;
        options.check_preconditions(&meta)?;
        let payload = match content {
            Content::Bytes(bytes) => stream::once(async move { Ok(bytes) }).boxed(),
            Content::File(file) => self.pieces(path.clone(), file, range.clone()),
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload),
            meta,
            range,
            attributes: object_store::Attributes::default(),
            extensions: object_store::Extensions::default(),
        })
    }

    /// Reads a range piece by piece, as the pieces are asked for.
    fn pieces(
        &self,
        path: Path,
        file: Arc<dyn OpenFile>,
        range: Range<u64>,
    ) -> stream::BoxStream<'static, object_store::Result<Bytes>> {
        let files = Arc::clone(&self.files);
        stream::try_unfold(range, move |left| {
            let (files, file, path) = (Arc::clone(&files), Arc::clone(&file), path.clone());
            async move {
                if left.is_empty() {
                    return Ok(None);
                }
                let end = left.start.saturating_add(PIECE_BYTES).min(left.end);
                let piece = left.start..end;
                let bytes = run(&files, move |_| read_range(&*file, piece))
                    .await
                    .map_err(|failure| failure.into_object_store(path.as_ref()))?;
                Ok(Some((bytes, end..left.end)))
            }
        })
        .boxed()
    }
}

fn head(files: &Files, path: &Path) -> Result<Opened, Failure> {
    check_name(path.as_ref())?;
    let stat = files.fs.metadata(path.as_ref()).map_err(|e| files.read_failure(e))?;
    check_kind(stat.kind)?;
    let meta = object_meta(path.clone(), &stat);
    Ok(Opened { meta, range: 0..stat.size_bytes, content: Content::Bytes(Bytes::new()) })
}

fn open(files: &Files, path: &Path, options: &GetOptions) -> Result<Opened, Failure> {
    let (file, stat) = open_file(files, path.as_ref())?;
    let mut meta = object_meta(path.clone(), &stat);
    let range = match &options.range {
        Some(GetRange::Suffix(count)) => stat.size_bytes.saturating_sub(*count)..stat.size_bytes,
        Some(range) => range.as_range(stat.size_bytes).map_err(|_| {
            let (start, end) = match range {
                GetRange::Bounded(range) => (range.start, range.end),
                GetRange::Offset(start) => (*start, u64::MAX),
                GetRange::Suffix(_) => (0, stat.size_bytes),
            };
            Failure::no(Reason::BadRange { start, end, size: stat.size_bytes })
        })?,
        None => 0..stat.size_bytes,
    };
    // A condition that fails is found out before anything is read, unless it is one on the content.
    let conditions = [&options.if_match, &options.if_none_match];
    let on_content = conditions.into_iter().flatten().any(|tag| etag::is_of_content(tag));
    if !on_content && options.check_preconditions(&meta).is_err() {
        return Ok(Opened { meta, range, content: Content::Bytes(Bytes::new()) });
    }
    let whole = range == (0..stat.size_bytes) && stat.size_bytes <= etag::HASHED_BYTES;
    if on_content && !whole && stat.size_bytes <= etag::HASHED_BYTES {
        let all = read_range(&*file, 0..stat.size_bytes)?;
        meta.e_tag = Some(etag::of_content(&all));
    }
    let count = range.end.saturating_sub(range.start);
    let bytes = if count <= PIECE_BYTES {
        read_range(&*file, range.clone())?
    } else if options.range.is_some() && usize::try_from(count).is_ok_and(|count| count <= BUFFER_BYTES) {
        read_into_buffer(&files.buffers, &*file, range.clone())?
    } else {
        return Ok(Opened { meta, range, content: Content::File(file) });
    };
    if whole && (on_content || conditions.iter().all(|tag| tag.is_none())) {
        meta.e_tag = Some(etag::of_content(&bytes));
    }
    Ok(Opened { meta, range, content: Content::Bytes(bytes) })
}

/// Opens a regular file.
pub(super) fn open_file(files: &Files, path: &str) -> Result<(Arc<dyn OpenFile>, FileStat), Failure> {
    check_name(path)?;
    let file = files.fs.open_file(path).map_err(|e| files.read_failure(e))?;
    let stat = file.metadata().map_err(Failure::before)?;
    check_kind(stat.kind)?;
    Ok((file.into(), stat))
}

/// Reads exactly a range that lies within the file's size.
pub(super) fn read_range(file: &dyn OpenFile, range: Range<u64>) -> Result<Bytes, Failure> {
    let expected = range.end.saturating_sub(range.start);
    let length = usize::try_from(expected)
        .map_err(|_| Failure::before(io::Error::from(io::ErrorKind::OutOfMemory)))?;
    // The size is the file's, not a claim of somebody else's, and callers ask for pieces.
    let mut buffer = vec![0; length];
    fill(file, range.start, &mut buffer)?;
    Ok(buffer.into())
}

/// The same, of at most [`BUFFER_BYTES`], in a buffer that is used again.
fn read_into_buffer(buffers: &Buffers, file: &dyn OpenFile, range: Range<u64>) -> Result<Bytes, Failure> {
    let too_long = || Failure::before(io::Error::from(io::ErrorKind::OutOfMemory));
    let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| too_long())?;
    let mut buffer = buffers.take();
    fill(file, range.start, buffer.first(length).ok_or_else(too_long)?)?;
    Ok(buffer.into_bytes(length))
}

/// Fills a buffer with what follows `start`, to its last byte.
fn fill(file: &dyn OpenFile, start: u64, buffer: &mut [u8]) -> Result<(), Failure> {
    let expected = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
    let length = buffer.len();
    let mut done = 0_usize;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let offset = start.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        match file.read_at(offset, rest) {
            Ok(0) => {
                let found = u64::try_from(done).unwrap_or(u64::MAX);
                return Err(Failure::no(Reason::Shrunk { expected, found }));
            }
            Ok(count) => done = done.saturating_add(count).min(length),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::before(error)),
        }
    }
    Ok(())
}

/// What a listing or a look tells of a file.
pub(super) fn object_meta(location: Path, stat: &FileStat) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: system_time(stat.modified_ms).into(),
        size: stat.size_bytes,
        e_tag: Some(etag::of_stat(stat)),
        version: None,
    }
}

/// Times of files are whatever somebody set: kept between the years 1 and 9999, which every calendar has.
fn system_time(ms: i64) -> SystemTime {
    const YEAR_1_MS: i64 = -62_135_596_800_000;
    const YEAR_9999_MS: i64 = 253_402_300_799_999;
    let ms = ms.clamp(YEAR_1_MS, YEAR_9999_MS);
    let distance = Duration::from_millis(ms.unsigned_abs());
    let time = if ms < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}
