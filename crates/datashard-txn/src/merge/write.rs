//! Making one manifest of several.
//!
//! Entries come out of their manifests with what they inherit filled in, deleted ones are left out, all others become existing ones. What a
//! manifest holds besides is held against what its list says of it: nothing that contradicts itself is carried on.

use datashard_spec::avro::{ManifestReader, ManifestWriter, ReadOptions};
use datashard_spec::manifest::{
    ExtraField, FileContent, ManifestContent, ManifestEntry, ManifestFile, ManifestHeader,
};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Schema;

use super::fault::Fault;
use super::plan::MergeGroup;
use crate::action::header_schema;
use crate::action::{finish, list_options};
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
    let fault = Fault::new(inputs, operation);
    let list = &inputs.loaded.manifest_list;
    let members: Vec<&ManifestFile> =
        list.iter().filter(|row| group.locations.contains(&row.manifest_path)).collect();
    let spec = table.partition_spec(group.partition_spec_id).ok_or_else(|| {
        let location = group.locations.first().map_or("", String::as_str);
        fault.corrupt(
            location,
            format!("it is of partition spec {}, which the table does not have", group.partition_spec_id),
        )
    })?;
    let mut readers = Vec::with_capacity(members.len());
    for row in members {
        readers.push((row, open(row, spec, base, inputs, &fault)?));
    }
    let written = readers.iter().find_map(|(_, reader)| reader.header().schema().ok());
    let current: &Schema = table.current_schema();
    let schema = header_schema(table, spec, written.as_ref().unwrap_or(current));
    let extra_fields = shared_extra_fields(readers.iter().map(|(_, reader)| reader.header()));
    let options = list_options(base, operation)?.with_extra_fields(extra_fields);
    let version = table.format_version();
    let mut writer = ManifestWriter::new(version, schema, spec, group.content, inputs.snapshot_id, &options)
        .map_err(|e| crate::action::of_spec_error(&e, operation))?;

    // Row ids are in the entries; that of the manifest is for entries that have none.
    let mut first_row_id = None;
    for (row, reader) in readers {
        let location = &row.manifest_path;
        let mut inheritance = row.inherit();
        for entry in reader {
            let mut entry = entry.map_err(|e| fault.of_error(location, &e.into()))?;
            inheritance.apply(&mut entry).map_err(|e| fault.corrupt(location, e.to_string()))?;
            check(&entry, row).map_err(|reason| fault.corrupt(location, reason))?;
            if entry.status.is_live() {
                first_row_id = first_row_id.into_iter().chain(entry.data_file.first_row_id).min();
                writer.existing(entry).map_err(|e| fault.of_error(location, &e))?;
            }
        }
    }
    let mut manifest = finish(writer, inputs, number, operation)?;
    if group.content == ManifestContent::Data && version >= FormatVersion::V3 {
        manifest.row.first_row_id = first_row_id;
    }
    Ok(manifest.replacing(group.locations.clone(), version))
}

fn open<'a>(
    row: &ManifestFile,
    spec: &PartitionSpec,
    base: &Base,
    inputs: &Inputs<'a>,
    fault: &Fault<'_>,
) -> Result<ManifestReader<'a>, Refusal> {
    let location = &row.manifest_path;
    let bytes = inputs.loaded.manifest(row);
    let bytes = bytes.ok_or_else(|| fault.corrupt(location, "it was not read".to_owned()))?;
    let options =
        ReadOptions::default().with_partition_type(spec.partition_type(base.metadata.current_schema()));
    let reader = ManifestReader::with_options(bytes, &options).map_err(|e| fault.of_error(location, &e))?;
    let header = reader.header();
    if header.content != row.content {
        let reason = format!(
            "its list says that it holds {}, and its header {}",
            row.content.as_str(),
            header.content.as_str()
        );
        return Err(fault.corrupt(location, reason));
    }
    match header.partition_spec_id {
        Some(other) if other != row.partition_spec_id => Err(fault.corrupt(
            location,
            format!(
                "its list says that it is of partition spec {}, and its header {other}",
                row.partition_spec_id
            ),
        )),
        _ => Ok(reader),
    }
}

fn check(entry: &ManifestEntry, row: &ManifestFile) -> Result<(), String> {
    let file = &entry.data_file;
    let is_data = file.content == FileContent::Data;
    if is_data != (row.content == ManifestContent::Data) {
        return Err(format!(
            "it holds {}, and its entry of `{}` is another content",
            row.content.as_str(),
            crate::action::excerpt(&file.file_path)
        ));
    }
    Ok(())
}

/// Fields that the format does not name and of which all manifests that have them say the same.
fn shared_extra_fields<'h>(headers: impl Iterator<Item = &'h ManifestHeader>) -> Vec<ExtraField> {
    let mut fields: Vec<ExtraField> = Vec::new();
    let mut disputed: Vec<ExtraField> = Vec::new();
    for field in headers.flat_map(|header| &header.extra_fields) {
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
