//! Removes temporary files that killed processes left, in the folders that are written to.

use std::sync::Arc;

use super::file_system::{FileKind, FileSystem};
use super::temporary::{is_temporary, join};

/// Younger ones may belong to a live process.
pub(super) const OLD_MS: i64 = 3_600_000;

/// Removes the temporary files of a folder that nobody has written to for an hour before `now_ms`, by the file system's clock.
///
/// That it fails is of no consequence: the next process tries again.
pub(super) fn sweep(fs: &Arc<dyn FileSystem>, folder: &str, now_ms: i64) {
    let Ok(names) = fs.read_folder(folder) else { return };
    for (name, kind) in names {
        if kind != FileKind::File || !is_temporary(&name) {
            continue;
        }
        let path = join(folder, &name);
        let Ok(stat) = fs.metadata(&path) else { continue };
        if stat.modified_ms < now_ms.saturating_sub(OLD_MS) {
            match fs.remove_file(&path) {
                Ok(()) => tracing::debug!(path, "removed the temporary file of a process that was killed"),
                Err(error) => tracing::debug!(path, %error, "an old temporary file stays"),
            }
        }
    }
}
