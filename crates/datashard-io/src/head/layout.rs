//! Metadata files that may not lie beside ours: they would fork the table, or are the sign of a catalog that owns it.
//!
//! A compressed `v7.gz.metadata.json` is version 7 to other writers, and `v7.metadata.json` is too: which of both counts
//! depends on who looks.

use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::MetadataFileName;
use futures_util::future::{join, try_join_all};

use super::{HintState, metadata_path};
use crate::TableStore;
use crate::error::StoreError;
use crate::path::{TablePath, excerpt};

const FOLDER: &str = "metadata";
/// A page of a listing.
const PAGE: usize = 1_000;

const GZIP_ADVICE: &str = "write the metadata uncompressed (`write.metadata.compression-codec` = `none`) with the writer that made it, then remove the \
     compressed files";
const CATALOG_ADVICE: &str = "the table belongs to a catalog, which would not see commits made here; write through that catalog, or copy the table";

impl TableStore {
    /// Checks, for writers, that nothing lies beside version `version` and the next one that other readers would take for the same or
    /// for a newer version. Version 0 stands for a table that is yet to be made.
    ///
    /// It costs 4 HEADs and one page of a listing, at once. A catalog's files (`00001-....metadata.json`) are looked for among the
    /// first 1,000 names of the folder, where their zeros sort them.
    ///
    /// # Errors
    /// `InvalidData` naming the file found and what to do; as for a read.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn check_layout(&self, version: MetadataVersion) -> Result<(), StoreError> {
        let versions = [Some(version.0), version.0.checked_add(1)];
        let (compressed, foreign) = join(self.compressed(&versions), self.foreign()).await;
        if let Some(path) = compressed? {
            return Err(self.mixed(format!("`{path}` lies beside uncompressed metadata"), GZIP_ADVICE));
        }
        if let Some(path) = foreign? {
            return Err(self.mixed(format!("`{path}` is the metadata of a catalog's table"), CATALOG_ADVICE));
        }
        Ok(())
    }

    /// The error for a table of which no version is found.
    pub(super) async fn explain_missing(&self, hint: &HintState, retired: MetadataVersion) -> StoreError {
        let first = MetadataVersion(retired.0.max(1));
        let hinted = hint.version().unwrap_or(first).max(first);
        match self.compressed(&[Some(first.0), Some(hinted.0)]).await {
            Ok(None) => {}
            Ok(Some(path)) => {
                return self
                    .mixed(format!("`{path}` is compressed metadata, which is not read"), GZIP_ADVICE);
            }
            Err(error) => return error,
        }
        let says = match hint {
            HintState::Version(version) | HintState::Untidy(version) => format!("the hint says {version}"),
            HintState::Malformed { found } => format!("the hint says `{found}`"),
            HintState::Unreadable { reason } => format!("the hint cannot be read ({reason})"),
            HintState::Missing | HintState::NotRead => "there is no hint".to_owned(),
        };
        match metadata_path(first) {
            Ok(path) => StoreError::Corrupt {
                location: self.location().to_string(),
                path,
                detail: format!(
                    "{says} and the retire boundary is {retired}, but no metadata version from {first} on exists"
                ),
            },
            Err(error) => error.into(),
        }
    }

    /// A compressed file of one of these versions, by its present or its older name.
    async fn compressed(&self, versions: &[Option<u64>]) -> Result<Option<TablePath>, StoreError> {
        let mut paths = Vec::new();
        for version in versions.iter().flatten() {
            for ending in ["gz.metadata.json", "metadata.json.gz"] {
                paths.push(TablePath::parse(&format!("{FOLDER}/v{version}.{ending}"))?);
            }
        }
        paths.dedup();
        let looked_for = paths.into_iter().map(async |path| {
            let exists = self.exists(&path).await?;
            Ok::<_, StoreError>(exists.then_some(path))
        });
        Ok(try_join_all(looked_for).await?.into_iter().flatten().next())
    }

    /// A catalog's metadata file, if one is on the first page of the folder.
    async fn foreign(&self) -> Result<Option<TablePath>, StoreError> {
        let page = self.list_page(Some(&TablePath::parse(FOLDER)?), None, PAGE).await?;
        Ok(page.into_iter().map(|file| file.path).find(|path| {
            let name = MetadataFileName::parse(path.name());
            path.folder() == FOLDER && name.is_some_and(|name| name.unique.is_some())
        }))
    }

    fn mixed(&self, found: String, advice: &'static str) -> StoreError {
        StoreError::MixedLayout { location: self.location().to_string(), found: excerpt(&found), advice }
    }
}
