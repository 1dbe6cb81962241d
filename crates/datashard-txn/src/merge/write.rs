//! Making one manifest of several.
//!
//! Entries come out of their manifests with what they inherit filled in, deleted ones are left out, all others become existing ones. What a
//! manifest holds besides is held against what its list says of it: nothing that contradicts itself is carried on.

use datashard_spec::avro::ManifestWriter;
use datashard_spec::manifest::{ManifestContent, ManifestFile};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::Schema;

use super::fault::Fault;
use super::plan::MergeGroup;
use super::source::{Source, shared_extra_fields};
use crate::action::{finish, header_schema, list_options, of_spec_error};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

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
    let table = &base.metadata;
    let fault = || Fault::new(inputs, operation);
    let list = &inputs.loaded.manifest_list;
    let members: Vec<&ManifestFile> =
        list.iter().filter(|row| group.locations.contains(&row.manifest_path)).collect();
    let mut sources = Vec::with_capacity(members.len());
    for row in members {
        let bytes = inputs.loaded.manifest(row);
        let bytes = bytes.ok_or_else(|| fault().corrupt(&row.manifest_path, "it was not read".to_owned()))?;
        sources.push(Source::new(row, bytes, base, fault())?);
    }
    let spec = table.partition_spec(group.partition_spec_id).ok_or_else(|| {
        let location = group.locations.first().map_or("", String::as_str);
        fault().corrupt(location, format!("the table has no partition spec {}", group.partition_spec_id))
    })?;
    let written = sources.iter().find_map(Source::schema);
    let current: &Schema = table.current_schema();
    let schema = header_schema(table, spec, written.as_ref().unwrap_or(current));
    let options = list_options(base, operation)?.with_extra_fields(shared_extra_fields(sources.iter()));
    let version = table.format_version();
    let mut writer = ManifestWriter::new(version, schema, spec, group.content, inputs.snapshot_id, &options)
        .map_err(|e| of_spec_error(&e, operation))?;

    // Row ids are in the entries; that of the manifest is for entries that have none.
    let mut first_row_id = None;
    for source in &sources {
        source.each_live(|entry| {
            first_row_id = first_row_id.into_iter().chain(entry.data_file.first_row_id).min();
            writer.existing(entry).map_err(|e| source.fault(&e))
        })?;
    }
    let mut manifest = finish(writer, inputs, number, operation)?;
    if group.content == ManifestContent::Data && version >= FormatVersion::V3 {
        manifest.row.first_row_id = first_row_id;
    }
    Ok(manifest.replacing(group.locations.clone(), version))
}
