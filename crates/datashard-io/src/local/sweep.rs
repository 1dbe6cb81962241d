//! Removes temporary files of processes that were killed.
//!
//! Whoever is alive names its file within moments, or drops it. What is an hour old by the folder's own clock has nobody.

use std::time::Duration;

use super::failure::Failure;
use super::file_system::FileKind;
use super::files::Files;
use super::temporary::{is_temporary, join};

/// The age at which a temporary file is nobody's.
pub(crate) const STALE: Duration = Duration::from_secs(3_600);

/// Folders in folders, at most.
const DEEPEST: usize = 64;

impl Files {
    /// Removes the stale temporary files in all folders. Tells how many there were.
    pub(super) fn sweep_all(&self) -> Result<u64, Failure> {
        self.check_root()?;
        // A new file has the folder's time.
        let now_ms = {
            let probe = self.temporary("")?;
            let Some(file) = probe.file() else { return Ok(0) };
            file.metadata().map_err(Failure::before)?.modified_ms
        };
        let mut removed: u64 = 0;
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            removed = removed.saturating_add(self.sweep(&folder, now_ms)?);
            if folder.split('/').count() >= DEEPEST {
                continue;
            }
            for (name, kind) in self.fs.read_folder(&folder).map_err(Failure::before)? {
                if kind == FileKind::Folder {
                    folders.push(join(&folder, &name));
                }
            }
        }
        Ok(removed)
    }

    /// Removes the stale temporary files in one folder; `now_ms` is the folder's time. Tells how many there were.
    pub(super) fn sweep(&self, folder: &str, now_ms: i64) -> Result<u64, Failure> {
        let stale = i64::try_from(STALE.as_millis()).unwrap_or(i64::MAX);
        let mut removed: u64 = 0;
        for (name, kind) in self.fs.read_folder(folder).map_err(Failure::before)? {
            if kind != FileKind::File || !is_temporary(&name) {
                continue;
            }
            let path = join(folder, &name);
            // Another process may have swept it meanwhile.
            let Ok(stat) = self.fs.metadata(&path) else { continue };
            if now_ms.saturating_sub(stat.modified_ms) >= stale && self.fs.remove_file(&path).is_ok() {
                removed = removed.saturating_add(1);
                tracing::info!(%path, "removed a temporary file of a process that died");
            }
        }
        Ok(removed)
    }
}
