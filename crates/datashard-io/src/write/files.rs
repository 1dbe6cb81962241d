//! [`Files`]: opens the files of one writer, and remembers them for the case that they are to be removed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use datashard_spec::id::FieldId;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::value::Value;

use super::format_writer::FormatWriter;
use super::location::FileLocations;
use super::options::WriteOptions;
use crate::context::Context;
use crate::data_error::DataError;
use crate::file::{HeldBytes, OutputFile};
use crate::path::TablePath;
use crate::store::{DeleteReport, TableStore};

/// Begins files of one format and schema.
pub(crate) trait BeginFile: Send + Sync {
    /// A writer of a new file.
    fn begin(&self, output: OutputFile) -> Result<Box<dyn FormatWriter>, DataError>;

    /// What names of such files end with, the dot included.
    fn extension(&self) -> &'static str;
}

/// The files of one writer: where they go, what all of them have in common, and which there are.
pub(crate) struct Files {
    store: TableStore,
    locations: FileLocations,
    spec: PartitionSpec,
    format: Box<dyn BeginFile>,
    content: FileContent,
    equality_ids: Vec<FieldId>,
    target_size_bytes: u64,
    /// Files that are, or may be, there, and that nobody else knows of.
    written: Mutex<Vec<TablePath>>,
}

/// A file being written.
pub(crate) struct OpenFile {
    pub(crate) writer: Box<dyn FormatWriter>,
    /// Rows written so far.
    pub(crate) rows: u64,
    on_its_way: HeldBytes,
    path: TablePath,
    location: String,
}

impl Files {
    pub(crate) fn new(
        store: &TableStore,
        spec: &PartitionSpec,
        format: Box<dyn BeginFile>,
        equality_ids: Vec<FieldId>,
        options: &WriteOptions,
        context: &Context,
    ) -> Result<Self, DataError> {
        Ok(Self {
            store: store.clone(),
            locations: FileLocations::new(store, options, context)?,
            spec: spec.clone(),
            format,
            content: options.content,
            equality_ids,
            target_size_bytes: options.target_file_size_bytes.max(1),
            written: Mutex::default(),
        })
    }

    /// The size in bytes at which a file is full.
    pub(crate) fn target_size_bytes(&self) -> u64 {
        self.target_size_bytes
    }

    /// Begins a file of a partition.
    pub(crate) fn begin(&self, partition: &[Option<Value>]) -> Result<OpenFile, DataError> {
        let marker = if self.content == FileContent::Data { "" } else { "-deletes" };
        let suffix = format!("{marker}{}", self.format.extension());
        let place = self.locations.new_file(&self.spec, partition, &suffix)?;
        let output = OutputFile::new(&self.store, &place.path, place.location.as_str())?;
        tracing::debug!(location = place.location, "file begun");
        Ok(OpenFile {
            on_its_way: output.held_bytes(),
            writer: self.format.begin(output)?,
            rows: 0,
            path: place.path,
            location: place.location,
        })
    }

    /// Completes a file: its entry, with everything but order and referenced file set.
    pub(crate) async fn finish(
        &self,
        file: OpenFile,
        partition: &[Option<Value>],
    ) -> Result<DataFile, DataError> {
        // From here on the file may be there, whatever the answer is.
        self.written().push(file.path);
        let mut entry = file.writer.finish().await.inspect_err(|error| {
            tracing::warn!(location = file.location, %error, "file not completed");
        })?;
        entry.content = self.content;
        entry.partition = partition.to_vec();
        entry.equality_ids.clone_from(&self.equality_ids);
        tracing::debug!(
            location = file.location,
            rows = entry.record_count,
            bytes = entry.file_size_in_bytes,
            "file written"
        );
        Ok(entry)
    }

    /// Gives open files up, and deletes those that were completed, or may have been, since the last [`hand_over`](Self::hand_over).
    pub(crate) async fn abort(&self, open: Vec<OpenFile>) -> DeleteReport {
        let mut given_up = Vec::new();
        for file in open {
            match file.writer.abort().await {
                Ok(()) => {}
                Err(DataError::Store(error)) => given_up.push((file.path, error)),
                Err(error) => {
                    tracing::warn!(location = file.location, %error, "file not given up in order");
                }
            }
        }
        let paths = std::mem::take(&mut *self.written());
        let mut report = DeleteReport::default();
        if !paths.is_empty() {
            report = self.store.delete_all(paths).await;
        }
        let failed = u64::try_from(given_up.len()).unwrap_or(u64::MAX);
        report.failed_count = report.failed_count.saturating_add(failed);
        report.failed.append(&mut given_up);
        report
    }

    /// Forgets the files: they are the caller's now.
    pub(crate) fn hand_over(&self) {
        self.written().clear();
    }

    fn written(&self) -> MutexGuard<'_, Vec<TablePath>> {
        // A list of paths is whole whatever happened while it was held.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFile {
    /// Bytes of memory held: rows in the format's hands, and bytes that the store has not yet taken.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.writer.memory_bytes().saturating_add(self.on_its_way.now())
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("locations", &self.locations)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile").field("location", &self.location).finish_non_exhaustive()
    }
}
