//! Making manifests of the entries of others.
//!
//! Entries come out of their manifests with what they inherit filled in, deleted ones are left out, all others become existing ones. What a
//! manifest holds besides is held against what its list says of it: nothing that contradicts itself is carried on.

use std::collections::HashSet;

use datashard_spec::avro::{ManifestWriter, WriteOptions};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{ManifestContent, ManifestEntry};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;

use super::fault::Fault;
use super::plan::MergeGroup;
use super::source::{Source, shared_extra_fields};
use crate::action::{finish, header_schema, list_options, of_spec_error};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// Manifests of one partition spec and content whose entries are written anew.
pub(crate) struct Rewriting<'a> {
    sources: Vec<Source<'a>>,
    schema: Schema,
    spec: &'a PartitionSpec,
    content: ManifestContent,
    options: WriteOptions,
    base: &'a Base,
    inputs: &'a Inputs<'a>,
    operation: &'static str,
}

impl<'a> Rewriting<'a> {
    /// Opens manifests that were read.
    ///
    /// # Errors
    /// `Corrupt` naming a manifest that is damaged; `Unsupported` for one that this build cannot read.
    pub(crate) fn open(
        (spec_id, content): (PartitionSpecId, ManifestContent),
        locations: &[String],
        base: &'a Base,
        inputs: &'a Inputs<'a>,
        operation: &'static str,
    ) -> Result<Self, Refusal> {
        let table = &base.metadata;
        let fault = || Fault::new(inputs, operation);
        let wanted: HashSet<&String> = locations.iter().collect();
        let members = inputs.loaded.manifest_list.iter().filter(|row| wanted.contains(&row.manifest_path));
        let mut sources = Vec::with_capacity(locations.len());
        for row in members {
            let bytes = inputs.loaded.manifest(row);
            let bytes =
                bytes.ok_or_else(|| fault().corrupt(&row.manifest_path, "it was not read".to_owned()))?;
            sources.push(Source::new(row, bytes, base, fault())?);
        }
        let spec = table.partition_spec(spec_id).ok_or_else(|| {
            let location = locations.first().map_or("", String::as_str);
            fault().corrupt(location, format!("the table has no partition spec {spec_id}"))
        })?;
        let written = sources.iter().find_map(Source::schema);
        let current: &Schema = table.current_schema();
        let schema = header_schema(table, spec, written.as_ref().unwrap_or(current));
        let options = list_options(base, operation)?.with_extra_fields(shared_extra_fields(sources.iter()));
        Ok(Self { sources, schema: schema.clone(), spec, content, options, base, inputs, operation })
    }

    /// A manifest for some of the entries.
    ///
    /// # Errors
    /// As the writer.
    pub(crate) fn writer(&self) -> Result<RewriteWriter, Refusal> {
        let version = self.base.metadata.format_version();
        let id = self.inputs.snapshot_id;
        let writer = ManifestWriter::new(version, &self.schema, self.spec, self.content, id, &self.options);
        let writer = writer.map_err(|e| of_spec_error(&e, self.operation))?;
        Ok(RewriteWriter { writer, first_row_id: None })
    }

    /// Gives the live entries in order, with what they inherit filled in.
    ///
    /// # Errors
    /// `Corrupt` if an entry is damaged, and what `each` returns.
    pub(crate) fn each_live(
        &self,
        mut each: impl FnMut(&Source<'a>, ManifestEntry) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.sources.iter().try_for_each(|source| source.each_live(|entry| each(source, entry)))
    }
}

/// A manifest of entries that are written anew.
pub(crate) struct RewriteWriter {
    writer: ManifestWriter,
    /// Row ids are in the entries; that of the manifest is for entries that have none.
    first_row_id: Option<i64>,
}

impl RewriteWriter {
    /// Takes an entry over, as an existing one.
    ///
    /// # Errors
    /// `Corrupt` naming its manifest, if it cannot be written again.
    pub(crate) fn existing(&mut self, source: &Source<'_>, entry: ManifestEntry) -> Result<(), Refusal> {
        self.first_row_id = self.first_row_id.into_iter().chain(entry.data_file.first_row_id).min();
        self.writer.existing(entry).map_err(|e| source.fault(&e))
    }

    /// The manifest, as number `number` of the operation, in the place of those that were opened.
    ///
    /// # Errors
    /// As the writer.
    pub(crate) fn finish(self, rewriting: &Rewriting<'_>, number: usize) -> Result<NewManifest, Refusal> {
        let version = rewriting.base.metadata.format_version();
        let mut manifest = finish(self.writer, rewriting.inputs, number, rewriting.operation)?;
        if rewriting.content == ManifestContent::Data && version >= FormatVersion::V3 {
            manifest.row.first_row_id = self.first_row_id;
        }
        Ok(manifest.replacing(rewriting.sources.iter().map(Source::row), version))
    }
}

/// The manifest that takes the place of a group, as number `number` of the operation.
///
/// # Errors
/// `Corrupt` naming a manifest that is damaged; `Unsupported` for one that this build cannot read.
pub(super) fn merged(
    group: &MergeGroup,
    base: &Base,
    inputs: &Inputs<'_>,
    number: usize,
    operation: &'static str,
) -> Result<NewManifest, Refusal> {
    let of = (group.partition_spec_id, group.content);
    let rewriting = Rewriting::open(of, &group.locations, base, inputs, operation)?;
    let mut writer = rewriting.writer()?;
    rewriting.each_live(|source, entry| writer.existing(source, entry))?;
    writer.finish(&rewriting, number)
}
