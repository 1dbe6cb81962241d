//! The file floor: up to where it may rise, and the commit that raises it.

use std::time::Duration;

use datashard_io::TablePath;
use datashard_spec::id::MetadataVersion;
use futures_util::TryStreamExt;

use super::boundary::version_of;
use crate::base::Base;
use crate::core::Core;
use crate::epoch;
use crate::error::CommitError;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::refusal::Refusal;

/// Raises the file floor and changes nothing else. From then on nobody can add a file of an epoch below it (R4).
#[derive(Debug, Clone, Copy)]
pub(super) struct RaiseFileFloor {
    pub(super) to: MetadataVersion,
}

impl Operation for RaiseFileFloor {
    fn name(&self) -> &'static str {
        "raise the file floor"
    }

    fn fingerprint(&self) -> Vec<u8> {
        [b"raise the file floor".as_slice(), &self.to.0.to_le_bytes()].concat()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        base.map(|_| ()).ok_or(Refusal::NoTable)
    }

    fn produce(&self, base: Option<&Base>, _: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.validate(base)?;
        Ok(Produced::new(Content::Updates(Vec::new())))
    }

    fn file_floor(&self) -> MetadataVersion {
        self.to
    }
}

impl Core {
    /// The newest version that is known to have been there `grace` ago: the floor may rise to it without getting in the way of a writer that
    /// began less than `grace` ago.
    ///
    /// Versions of that age may be retired. But a file that is older than `grace` and named after a version tells as much. Also gives the
    /// newest version whose file is that old and still there: what it refers to, readers may have begun to read up to `grace` ago.
    pub(super) async fn oldest_floor(
        &self,
        grace: Duration,
        now_ms: i64,
    ) -> Result<(MetadataVersion, Option<MetadataVersion>), CommitError> {
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let mut files = self.store.list(Some(&TablePath::parse("metadata")?), None);
        let (mut floor, mut then, mut first) = (MetadataVersion(0), None, None::<MetadataVersion>);
        while let Some(file) = files.try_next().await? {
            if file.path.folder() != "metadata" {
                continue;
            }
            let is_old = file.modified_ms > 0 && now_ms.saturating_sub(file.modified_ms) >= grace_ms;
            let version = version_of(file.path.name());
            first = first.into_iter().chain(version).min();
            if is_old {
                floor = version
                    .or_else(|| epoch::of_file(file.path.name()))
                    .map_or(floor, |known| floor.max(known));
                then = then.into_iter().chain(version).max();
            }
        }
        Ok((floor, then.or(first)))
    }
}
