//! [`Operation`]: what a commit does, as pure functions of the version it is built on.
//!
//! An operation never does I/O. It says which files of the base it has to see, what of them it wants to remember, whether it may still be
//! applied, and what the next version holds; the commit loop reads and writes the files. On every new base it is asked anew.

use std::fmt;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::MetadataVersion;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use crate::base::Base;
use crate::inputs::Inputs;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// Something that a commit does to a table.
pub trait Operation: fmt::Debug + Send + Sync {
    /// Its name, for messages: `append`, `set properties`.
    fn name(&self) -> &'static str;

    /// Bytes that differ for operations that differ, such as the files that it adds. They go into the session's digest.
    fn fingerprint(&self) -> Vec<u8>;

    /// The branch that it is about.
    fn branch(&self) -> &str {
        MAIN_BRANCH
    }

    /// Whether the manifest list of the branch's head has to be read.
    fn reads_manifest_list(&self) -> bool {
        false
    }

    /// Files that have to be read besides, given what was read so far (`inputs.loaded`). It is asked again after they were read, until it
    /// names none that was not: what a file holds may lead to others.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let _ = (base, inputs);
        Ok(Vec::new())
    }

    /// What is kept of a file that was read. By default all of it; of many and large files an operation keeps a
    /// [`Finding`](crate::Finding), so that memory holds what was found and not what was read.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        let _ = (base, inputs, read);
        Ok(Remembered::Bytes(bytes))
    }

    /// To where it raises the file floor (R8). By default it leaves it.
    fn file_floor(&self) -> MetadataVersion {
        MetadataVersion(0)
    }

    /// Whether it may be applied to this base, or to none if there is no table. Called for every new base, before anything is read.
    ///
    /// # Errors
    /// Why it may not.
    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal>;

    /// What the next version holds.
    ///
    /// # Errors
    /// Why it cannot be made; a conflict, if what was committed meanwhile stands against it.
    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal>;

    /// Files that are to be written beside the manifests, under unique names: data files that nobody wrote yet.
    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        Vec::new()
    }

    /// The smallest epoch among the files that it adds; `None` if it adds none that has one.
    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        None
    }
}
