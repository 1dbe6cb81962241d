//! [`Placed`]: files that an operation adds, with the bytes of those that nobody has written yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::{Location, TablePath};
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, ManifestContent};

use super::files::{Fitting, NewFile, check_places, excerpt};
use super::manifests::refuse;
use crate::base::Base;
use crate::epoch;
use crate::refusal::Refusal;

/// Files that an operation adds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placed {
    pub(crate) data: Vec<NewFile>,
    pub(crate) deletes: Vec<NewFile>,
    pub(crate) payload: Vec<(TablePath, Bytes)>,
}

impl Placed {
    pub(crate) fn add_data(&mut self, schema_id: SchemaId, spec_id: PartitionSpecId, file: DataFile) {
        self.data.push(NewFile { schema_id, spec_id, file: Arc::new(file) });
    }

    pub(crate) fn add_deletes(&mut self, schema_id: SchemaId, spec_id: PartitionSpecId, file: DataFile) {
        self.deletes.push(NewFile { schema_id, spec_id, file: Arc::new(file) });
    }

    /// Bytes that tell them from others, for an operation's fingerprint.
    pub(crate) fn fingerprint(&self) -> impl Iterator<Item = u8> + '_ {
        let all = self.data.iter().chain(&self.deletes);
        all.flat_map(|new| new.file.file_path.bytes().chain([0]))
    }

    /// Whether the files fit the table.
    ///
    /// # Errors
    /// `Rejected` or `Conflict` naming a file that does not.
    pub(crate) fn check(&self, base: &Base, operation: &'static str) -> Result<(), Refusal> {
        let mut fitting = Fitting::new(&base.metadata);
        for (files, content) in
            [(&self.data, ManifestContent::Data), (&self.deletes, ManifestContent::Deletes)]
        {
            for file in files {
                fitting.check(file, content).map_err(|misfit| refuse(misfit, operation))?;
            }
        }
        let mut of = BTreeSet::new();
        let vectors = self.deletes.iter().filter(|new| new.file.is_deletion_vector());
        let mut referenced = vectors.filter_map(|new| new.file.referenced_data_file.as_deref());
        match referenced.find(|data| !of.insert(*data)) {
            Some(twice) => {
                let reason = format!("it brings two deletion vectors for the data file `{}`", excerpt(twice));
                Err(Refusal::Rejected { operation, reason })
            }
            None => Ok(()),
        }
    }

    /// Whether the files lie below the table, each in a place of its own, and the bytes given are theirs.
    ///
    /// # Errors
    /// `Rejected` naming a file that does not.
    pub(crate) fn check_places(&self, location: &Location, operation: &'static str) -> Result<(), Refusal> {
        let all: Vec<NewFile> = self.data.iter().chain(&self.deletes).cloned().collect();
        check_places(&all, &self.payload, location).map_err(|reason| Refusal::Rejected { operation, reason })
    }

    pub(crate) fn oldest_epoch(&self) -> Option<MetadataVersion> {
        let all = self.data.iter().chain(&self.deletes);
        all.filter_map(|new| epoch::of_file(&new.file.file_path)).min()
    }
}

/// The methods that all operations have which add data files.
macro_rules! adds_data {
    ($type:ty) => {
        impl $type {
            /// With a data file that is there, written for this schema and of this partition spec.
            pub fn with_file(
                mut self,
                schema_id: SchemaId,
                spec_id: PartitionSpecId,
                file: DataFile,
            ) -> Self {
                self.placed.add_data(schema_id, spec_id, file);
                self
            }

            /// With a data file that nobody has written yet: the commit writes its bytes to this path, beside the manifest. The path must be
            /// one that was never used, and be the one that the file's location names.
            pub fn with_unwritten_file(
                mut self,
                schema_id: SchemaId,
                spec_id: PartitionSpecId,
                file: DataFile,
                path: TablePath,
                bytes: Bytes,
            ) -> Self {
                self.placed.payload.push((path, bytes));
                self.with_file(schema_id, spec_id, file)
            }
        }
    };
}

/// What every operation is that is made of a [`Change`](crate::change::Change), which its method `change` gives.
macro_rules! is_change {
    () => {
        fn branch(&self) -> &str {
            self.notes.branch()
        }

        fn reads_manifest_list(&self) -> bool {
            true
        }

        fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
            self.change(base)?.reads(base, inputs)
        }

        fn remember(
            &self,
            base: &Base,
            inputs: &Inputs<'_>,
            read: &Read,
            bytes: Bytes,
        ) -> Result<Remembered, Refusal> {
            self.change(base)?.remember(base, inputs, read, bytes)
        }
    };
}

pub(crate) use {adds_data, is_change};
