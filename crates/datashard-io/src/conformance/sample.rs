//! Names and contents that the cases use, and looks at a table that several of them take.

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::{Failure, ensure};
use crate::error::StoreError;
use crate::path::TablePath;
use crate::store::{Created, TableStore};

/// More than any file of the suite has.
pub(super) const LIMIT_BYTES: u64 = 1 << 30;

pub(super) fn path(name: &str) -> Result<TablePath, Failure> {
    Ok(TablePath::parse(name)?)
}

pub(super) fn version(n: usize) -> Result<TablePath, Failure> {
    path(&format!("metadata/v{n}.metadata.json"))
}

/// `length` bytes that no other `seed` gives, and no part of which is like another.
pub(super) fn content(seed: usize, length: usize) -> Bytes {
    // xorshift64* over the seed: quick, and without a period within reach.
    let mut state = u64::try_from(seed).unwrap_or(u64::MAX).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length.saturating_add(8));
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    Bytes::from(bytes)
}

pub(super) fn size(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Part of a file, as the range of a read has it.
pub(super) fn slice(bytes: &Bytes, range: std::ops::Range<u64>) -> Result<Bytes, Failure> {
    let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    match bounds {
        Some((start, end)) if start <= end && end <= bytes.len() => Ok(bytes.slice(start..end)),
        _ => Err(Failure::new(format_args!("the case asks for {range:?} of {} bytes", bytes.len()))),
    }
}

/// Creates a file that is not there.
pub(super) async fn create_new(store: &TableStore, path: &TablePath, bytes: &Bytes) -> Result<(), Failure> {
    match store.create(path, bytes.clone()).await? {
        Created::Yes => Ok(()),
        other => Err(Failure::new(format_args!("create of a new `{path}`: {other:?}, not Yes"))),
    }
}

/// Is told that a file exists.
pub(super) async fn create_taken(store: &TableStore, path: &TablePath, bytes: &Bytes) -> Result<(), Failure> {
    match store.create(path, bytes.clone()).await? {
        Created::No => Ok(()),
        other => Err(Failure::new(format_args!("create of a taken `{path}`: {other:?}, not No"))),
    }
}

/// The file has these bytes, and its size says so.
pub(super) async fn holds(store: &TableStore, path: &TablePath, bytes: &Bytes) -> Result<(), Failure> {
    let found = store.read(path, LIMIT_BYTES).await?;
    ensure!(
        found == *bytes,
        "`{path}` has {} bytes that differ from the {} written",
        found.len(),
        bytes.len()
    );
    let info = store.info(path).await?;
    ensure!(
        info.size_bytes == size(bytes) && info.path == *path,
        "info of `{path}`, {} bytes: {info:?}",
        bytes.len()
    );
    ensure!(store.exists(path).await?, "`{path}` is read, and is said not to exist");
    Ok(())
}

/// There is no such file.
pub(super) async fn is_absent(store: &TableStore, path: &TablePath) -> Result<(), Failure> {
    match store.read(path, LIMIT_BYTES).await {
        Err(StoreError::NotFound { path: named, .. }) if named == *path => {}
        other => {
            return Err(Failure::new(format_args!("read of a missing `{path}`: {other:?}")));
        }
    }
    match store.info(path).await {
        Err(StoreError::NotFound { path: named, .. }) if named == *path => {}
        other => return Err(Failure::new(format_args!("info of a missing `{path}`: {other:?}"))),
    }
    ensure!(!store.exists(path).await?, "`{path}` is missing, and is said to exist");
    Ok(())
}

/// Names of a listing, in its order, without files that the store keeps for itself.
pub(super) async fn names(
    store: &TableStore,
    folder: Option<&str>,
    start_after: Option<&TablePath>,
) -> Result<Vec<String>, Failure> {
    let folder = folder.map(path).transpose()?;
    let files: Vec<_> = store.list(folder.as_ref(), start_after).try_collect().await?;
    Ok(files
        .into_iter()
        .map(|file| file.path.as_str().to_owned())
        .filter(|name| !name.starts_with("metadata/_datashard/"))
        .collect())
}
