//! [`Temporary`]: a file under a name that nobody reads, until it is whole and gets its own.
//!
//! The names start with a dot, as readers of tables skip those, and do not contain the final name, which may already be as
//! long as a name may be.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::failure::Failure;
use super::file_system::{FileSystem, OpenFile};

const START: &str = ".datashard-";
const END: &str = ".tmp";

/// The name of a temporary file.
pub(super) fn name(id: Uuid) -> String {
    format!("{START}{}{END}", id.simple())
}

/// Whether a name is one of ours: exactly what [`name`] makes.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(START)
        .and_then(|rest| rest.strip_suffix(END))
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// A temporary file, removed when dropped unless it [was placed](Self::placed).
#[derive(Debug)]
pub(super) struct Temporary {
    fs: Arc<dyn FileSystem>,
    path: String,
    /// `None` once it was placed.
    file: Option<Box<dyn OpenFile>>,
}

impl Temporary {
    /// Creates one in a folder that exists.
    pub(super) fn create(fs: &Arc<dyn FileSystem>, folder: &str, id: Uuid) -> io::Result<Self> {
        let path = join(folder, &name(id));
        let file = fs.create_file(&path)?;
        Ok(Self { fs: Arc::clone(fs), path, file: Some(file) })
    }

    /// Appends all of `parts`.
    pub(super) fn write(&mut self, parts: &[Bytes]) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        for part in parts {
            let mut rest = &part[..];
            while !rest.is_empty() {
                match file.write(rest) {
                    Ok(0) => return Err(Failure::before(io::ErrorKind::WriteZero.into())),
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Failure::before(error)),
                }
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The open file.
    pub(super) fn file(&self) -> Option<&dyn OpenFile> {
        self.file.as_deref()
    }

    /// The temporary name is gone: what remains is the open file.
    pub(super) fn placed(mut self) -> Option<Box<dyn OpenFile>> {
        self.file.take()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.file.is_none() {
            return;
        }
        if let Err(error) = self.fs.remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path, %error, "a temporary file stays behind until the next sweep");
        }
    }
}

/// A path in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
