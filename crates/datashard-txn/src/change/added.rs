//! Manifests of the files that a change adds: written once, for all attempts.
//!
//! Nothing in them depends on the version that they are committed in: sequence numbers and row ids stay open until the manifest list is
//! written, so that an attempt that lost costs a list and a metadata file and no more.

use std::collections::BTreeMap;

use datashard_spec::avro::ManifestWriter;
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{ManifestContent, ManifestEntry};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::{TableProperties, commit};
use datashard_spec::schema::Schema;

use crate::action::{Fitting, NewFile, finish_as, list_options, of_spec_error, refuse};
use crate::base::Base;
use crate::epoch;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// The manifests of these files, all of which are data files or all delete files: those of an earlier attempt if there was one, else new
/// ones, one per partition spec unless they grow beyond the size that manifests are to have.
///
/// Data files are of the commit's data sequence number, or of the one given.
///
/// # Errors
/// `Rejected` or `Conflict` if a file cannot be added.
pub(crate) fn added_manifests(
    files: &[NewFile],
    content: ManifestContent,
    number: Option<DataSequenceNumber>,
    base: &Base,
    inputs: &Inputs<'_>,
    operation: &'static str,
) -> Result<Vec<NewManifest>, Refusal> {
    let path = |manifest| epoch::added_path(inputs.epoch, inputs.operation_id, content, manifest);
    // By name: earlier attempts also wrote manifests that were good for them alone.
    let again = |number| {
        let name = epoch::added_name(inputs.operation_id, content, number);
        let mut own = inputs.earlier.iter().filter(|manifest| manifest.replaces.is_empty());
        own.find(|manifest| manifest.path.as_str().ends_with(&name))
    };
    let earlier: Vec<NewManifest> = (0..).map_while(again).cloned().collect();
    if !earlier.is_empty() {
        return Ok(earlier);
    }
    manifests(files, content, number, base, inputs, operation, path)
}

/// New manifests of these files, under these names.
///
/// # Errors
/// As [`added_manifests`].
pub(super) fn manifests(
    files: &[NewFile],
    content: ManifestContent,
    number: Option<DataSequenceNumber>,
    base: &Base,
    inputs: &Inputs<'_>,
    operation: &'static str,
    path: impl Fn(usize) -> String,
) -> Result<Vec<NewManifest>, Refusal> {
    let mut groups: BTreeMap<(PartitionSpecId, SchemaId), (&PartitionSpec, &Schema, Vec<&NewFile>)> =
        BTreeMap::new();
    let mut fitting = Fitting::new(&base.metadata);
    for file in files {
        let (spec, schema) = fitting.check(file, content).map_err(|misfit| refuse(misfit, operation))?;
        let group = groups.entry((spec.id, schema.id())).or_insert_with(|| (spec, schema, Vec::new()));
        group.2.push(file);
    }
    let options = list_options(base, operation)?;
    let properties = TableProperties::new(base.metadata.properties());
    let target_size_bytes = properties.value(&commit::MANIFEST_TARGET_SIZE_BYTES);
    let fail = |e: datashard_spec::SpecError| of_spec_error(&e, operation);
    let begin = |spec, schema| {
        let version = base.metadata.format_version();
        ManifestWriter::new(version, schema, spec, content, inputs.snapshot_id, &options).map_err(fail)
    };
    let mut manifests: Vec<NewManifest> = Vec::new();
    let mut end = |writer| {
        manifests.push(finish_as(writer, inputs, &path(manifests.len()), operation)?);
        Ok::<(), Refusal>(())
    };
    for (spec, schema, files) in groups.into_values() {
        let mut writer = begin(spec, schema)?;
        let header_bytes = writer.length_bytes();
        for file in files {
            let length_bytes = writer.length_bytes();
            let is_full = u64::try_from(length_bytes).is_ok_and(|length| length >= target_size_bytes);
            if is_full && length_bytes > header_bytes {
                end(std::mem::replace(&mut writer, begin(spec, schema)?))?;
            }
            let mut file = file.file.as_ref().clone();
            file.first_row_id = None;
            let mut entry = ManifestEntry::added(file).with_snapshot_id(inputs.snapshot_id);
            entry.data_sequence_number = number;
            writer.write(&entry).map_err(fail)?;
        }
        end(writer)?;
    }
    Ok(manifests)
}
