//! [`Source`]: a manifest of the base whose files are carried on, held against what its list says of it.

use bytes::Bytes;
use datashard_spec::SpecError;
use datashard_spec::avro::{ManifestReader, ReadOptions};
use datashard_spec::manifest::{
    ExtraField, FileContent, ManifestContent, ManifestEntry, ManifestFile, ManifestHeader,
};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;

pub(crate) use super::fault::Fault;
use crate::action::excerpt;
use crate::base::Base;
use crate::refusal::Refusal;

/// A manifest of the base whose files are carried on.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    row: &'a ManifestFile,
    bytes: &'a Bytes,
    spec: &'a PartitionSpec,
    options: ReadOptions,
    header: ManifestHeader,
    fault: Fault<'a>,
}

impl<'a> Source<'a> {
    /// Opens a manifest.
    ///
    /// # Errors
    /// `Corrupt` if it contradicts its list or is of a spec that the table does not have; `Unsupported` if this build cannot read it.
    pub(crate) fn new(
        row: &'a ManifestFile,
        bytes: &'a Bytes,
        base: &'a Base,
        fault: Fault<'a>,
    ) -> Result<Self, Refusal> {
        let location = &row.manifest_path;
        let table = &base.metadata;
        let spec = table.partition_spec(row.partition_spec_id).ok_or_else(|| {
            fault.corrupt(
                location,
                format!("it is of partition spec {}, which the table does not have", row.partition_spec_id),
            )
        })?;
        let options = ReadOptions::default().with_partition_type(spec.partition_type(table.current_schema()));
        let reader =
            ManifestReader::with_options(bytes, &options).map_err(|e| fault.of_error(location, &e))?;
        let header = reader.header().clone();
        // What it holds is told by its list and by each entry. Some writers' headers say of delete manifests that they hold data.
        match header.partition_spec_id {
            Some(other) if other != row.partition_spec_id => Err(fault.corrupt(
                location,
                format!(
                    "its list says that it is of partition spec {}, and its header {other}",
                    row.partition_spec_id
                ),
            )),
            _ => Ok(Self { row, bytes, spec, options, header, fault }),
        }
    }

    /// Its row in the manifest list.
    pub(crate) fn row(&self) -> &'a ManifestFile {
        self.row
    }

    /// Its partition spec.
    pub(crate) fn spec(&self) -> &'a PartitionSpec {
        self.spec
    }

    /// The schema of its header, if that can be read.
    pub(crate) fn schema(&self) -> Option<Schema> {
        self.header.schema().ok()
    }

    /// Fields that the format does not name.
    pub(crate) fn extra_fields(&self) -> Vec<ExtraField> {
        self.header.extra_fields.clone()
    }

    /// Gives the live entries in order, with what they inherit filled in.
    ///
    /// # Errors
    /// `Corrupt` if an entry is damaged or of another content, and what `each` returns.
    pub(crate) fn each_live(
        &self,
        mut each: impl FnMut(ManifestEntry) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let location = &self.row.manifest_path;
        let reader = ManifestReader::with_options(self.bytes, &self.options)
            .map_err(|e| self.fault.of_error(location, &e))?;
        let mut inheritance = self.row.inherit();
        for entry in reader {
            let mut entry = entry.map_err(|e| self.fault.of_error(location, &e.into()))?;
            inheritance.apply(&mut entry).map_err(|e| self.fault.corrupt(location, e.to_string()))?;
            self.check(&entry).map_err(|reason| self.fault.corrupt(location, reason))?;
            if entry.status.is_live() {
                each(entry)?;
            }
        }
        Ok(())
    }

    /// A refusal for an entry that cannot be written again.
    pub(crate) fn fault(&self, error: &SpecError) -> Refusal {
        self.fault.of_error(&self.row.manifest_path, error)
    }

    fn check(&self, entry: &ManifestEntry) -> Result<(), String> {
        let file = &entry.data_file;
        let is_data = file.content == FileContent::Data;
        if is_data != (self.row.content == ManifestContent::Data) {
            return Err(format!(
                "it holds {}, and its entry of `{}` is another content",
                self.row.content.as_str(),
                excerpt(&file.file_path)
            ));
        }
        Ok(())
    }
}

/// Fields that the format does not name and of which all manifests that have them say the same.
pub(super) fn shared_extra_fields<'s>(sources: impl Iterator<Item = &'s Source<'s>>) -> Vec<ExtraField> {
    let mut fields: Vec<ExtraField> = Vec::new();
    let mut disputed: Vec<ExtraField> = Vec::new();
    for field in sources.flat_map(|source| &source.header.extra_fields) {
        if fields.contains(field) {
            continue;
        }
        let is_other = |other: &&ExtraField| {
            other.location == field.location
                && (other.name == field.name || (other.id == field.id && other.id.is_some()))
        };
        match fields.iter().find(is_other) {
            Some(other) => disputed.extend([other.clone(), field.clone()]),
            None => fields.push(field.clone()),
        }
    }
    fields.retain(|field| !disputed.contains(field));
    fields
}
