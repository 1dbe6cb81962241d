//! How manifests and manifest lists are written: codec, names, and what errors become.

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::avro::{Codec, ManifestWriter, WriteOptions};
use datashard_spec::property::{AvroCompression, TableProperties, write};
use datashard_spec::{ErrorKind, SpecError};

use super::files::Misfit;
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::epoch;
use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// Ends a manifest of this operation, as its `number`.
pub(crate) fn finish(
    writer: ManifestWriter,
    inputs: &Inputs<'_>,
    number: usize,
    operation: &'static str,
) -> Result<NewManifest, Refusal> {
    finish_as(writer, inputs, &epoch::manifest_path(inputs.epoch, inputs.operation_id, number), operation)
}

/// Ends a manifest of this operation, under this path below the table.
pub(crate) fn finish_as(
    writer: ManifestWriter,
    inputs: &Inputs<'_>,
    path: &str,
    operation: &'static str,
) -> Result<NewManifest, Refusal> {
    let path = table_path(path, operation)?;
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

pub(crate) fn refuse(misfit: Misfit, operation: &'static str) -> Refusal {
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
