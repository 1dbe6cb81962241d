//! Manifests of an operation's own files: written once, for all attempts.
//!
//! Nothing in them depends on the version that they are committed in: sequence numbers and row ids stay open until the manifest list is
//! written, so that an attempt that lost costs a list and a metadata file and no more.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::avro::{Codec, ManifestWriter, WriteOptions};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::ManifestContent;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::{AvroCompression, TableProperties, commit, write};
use datashard_spec::schema::Schema;
use datashard_spec::{ErrorKind, SpecError};

use super::files::{Fitting, Misfit, NewFile};
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::epoch;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// The manifests of these files: those of an earlier attempt if there was one, else new ones, one per partition spec unless they grow
/// beyond the size that manifests are to have.
///
/// # Errors
/// `Rejected` or `Conflict` if a file cannot be added.
pub(super) fn own_manifests(
    files: &[NewFile],
    base: &Base,
    inputs: &Inputs<'_>,
    operation: &'static str,
) -> Result<Vec<NewManifest>, Refusal> {
    let earlier: Vec<NewManifest> =
        inputs.earlier.iter().filter(|manifest| manifest.replaces.is_empty()).cloned().collect();
    if !earlier.is_empty() {
        return Ok(earlier);
    }
    let mut groups: BTreeMap<(PartitionSpecId, SchemaId), (&PartitionSpec, &Schema, Vec<&NewFile>)> =
        BTreeMap::new();
    let mut fitting = Fitting::new(&base.metadata);
    for file in files {
        let (spec, schema) = fitting.check(file).map_err(|misfit| refuse(misfit, operation))?;
        let group = groups.entry((spec.id, schema.id())).or_insert_with(|| (spec, schema, Vec::new()));
        group.2.push(file);
    }
    let options = list_options(base, operation)?;
    let properties = TableProperties::new(base.metadata.properties());
    let target_size_bytes = properties.value(&commit::MANIFEST_TARGET_SIZE_BYTES);
    let begin = |spec, schema| {
        let version = base.metadata.format_version();
        ManifestWriter::new(version, schema, spec, ManifestContent::Data, inputs.snapshot_id, &options)
            .map_err(|e| of_spec_error(&e, operation))
    };
    let mut manifests = Vec::new();
    for (spec, schema, files) in groups.into_values() {
        let mut writer = begin(spec, schema)?;
        let header_bytes = writer.length_bytes();
        for file in files {
            let length_bytes = writer.length_bytes();
            let is_full = u64::try_from(length_bytes).is_ok_and(|length| length >= target_size_bytes);
            if is_full && length_bytes > header_bytes {
                let full = std::mem::replace(&mut writer, begin(spec, schema)?);
                manifests.push(finish(full, inputs, manifests.len(), operation)?);
            }
            writer.add(file.file.as_ref().clone()).map_err(|e| of_spec_error(&e, operation))?;
        }
        manifests.push(finish(writer, inputs, manifests.len(), operation)?);
    }
    Ok(manifests)
}

/// Ends a manifest of this operation, as its `number`.
pub(crate) fn finish(
    writer: ManifestWriter,
    inputs: &Inputs<'_>,
    number: usize,
    operation: &'static str,
) -> Result<NewManifest, Refusal> {
    let path = table_path(&epoch::manifest_path(inputs.epoch, inputs.operation_id, number), operation)?;
    let (bytes, row) =
        writer.finish(inputs.location.file(&path)).map_err(|e| of_spec_error(&e, operation))?;
    Ok(NewManifest::new(path, Bytes::from(bytes), row))
}

/// How manifests and manifest lists are packed, as the table says.
///
/// # Errors
/// `Unsupported` for a codec that this build does not have.
pub(crate) fn list_options(base: &Base, operation: &'static str) -> Result<WriteOptions, Refusal> {
    let properties = TableProperties::new(base.metadata.properties());
    let codec = match properties.value(&write::MANIFEST_COMPRESSION_CODEC) {
        AvroCompression::Uncompressed => Codec::Null,
        AvroCompression::Snappy => Codec::Snappy,
        AvroCompression::Zstd => Codec::Zstandard,
        _ => Codec::Deflate,
    };
    Codec::parse(codec.as_str()).map_err(|e| Refusal::Unsupported {
        operation,
        reason: format!("`{}`: {e}", write::MANIFEST_COMPRESSION_CODEC.key),
    })?;
    let options = WriteOptions::default().with_codec(codec);
    let level =
        properties.value(&write::MANIFEST_COMPRESSION_LEVEL).and_then(|level| u32::try_from(level).ok());
    Ok(level.map_or_else(|| options.clone(), |level| options.clone().with_level(level)))
}

/// A path below the table that was made here.
pub(crate) fn table_path(path: &str, operation: &'static str) -> Result<TablePath, Refusal> {
    TablePath::parse(path).map_err(|e| Refusal::Rejected { operation, reason: e.to_string() })
}

pub(super) fn refuse(misfit: Misfit, operation: &'static str) -> Refusal {
    match misfit {
        Misfit::Wrong(reason) => Refusal::Rejected { operation, reason },
        Misfit::Changed(reason) => Conflict::new(operation, ConflictKind::Schema, reason).into(),
    }
}

pub(crate) fn of_spec_error(error: &SpecError, operation: &'static str) -> Refusal {
    let reason = error.to_string();
    match error.kind() {
        ErrorKind::Unsupported => Refusal::Unsupported { operation, reason },
        _ => Refusal::Rejected { operation, reason },
    }
}
