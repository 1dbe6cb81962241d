//! [`NewFile`]: a data file that is to be added, and whether it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::{Location, TablePath};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{PrimitiveType, Schema, Type};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

use super::schema_fit::fitting_schema;

/// A data file that is to be added. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct NewFile {
    /// The schema that it was written for.
    pub(super) schema_id: SchemaId,
    /// The spec of its partition tuple.
    pub(super) spec_id: PartitionSpecId,
    pub(super) file: Arc<DataFile>,
}

/// Why a file may not be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is wrong by itself.
    Wrong(String),
    /// The table has changed.
    Changed(String),
}

impl NewFile {
    /// Whether the file may be added to the table as it is now. Gives its spec, and the schema for the header of its manifest.
    pub(super) fn check<'t>(
        &self,
        table: &'t TableMetadata,
    ) -> Result<(&'t PartitionSpec, &'t Schema), Misfit> {
        let file = &self.file;
        let wrong = |what: &str| Err(Misfit::Wrong(format!("file `{}` {what}", excerpt(&file.file_path))));
        if file.content != FileContent::Data {
            return wrong("holds deletes: an append adds rows and nothing else");
        }
        if matches!(file.file_format, FileFormat::Puffin | FileFormat::Unknown(_)) {
            return wrong(&format!(
                "is of the format {}, which is none of data files",
                excerpt(file.file_format.as_str())
            ));
        }
        if file.record_count < 0 {
            return wrong("does not say how many rows it has");
        }
        if file.file_size_in_bytes < 0 {
            return wrong("has a negative size");
        }
        let written = fitting_schema(table, self.schema_id).map_err(Misfit::Changed)?;
        let spec = table.partition_spec(self.spec_id).ok_or_else(|| {
            Misfit::Changed(format!(
                "the table has no partition spec {}, which file `{}` has",
                self.spec_id,
                excerpt(&file.file_path)
            ))
        })?;
        let header = header_schema(table, spec, written);
        let types = spec.partition_type(header);
        if file.partition.len() != types.fields.len() {
            return wrong(&format!(
                "has {} partition values, and spec {} has {} fields",
                file.partition.len(),
                spec.id,
                types.fields.len()
            ));
        }
        for (value, field) in file.partition.iter().zip(&types.fields) {
            if let Some(value) = value
                && !fits(value, &field.field_type)
            {
                return wrong(&format!(
                    "has the partition value {} for `{}`, which is of type {}",
                    excerpt(&value.to_string()),
                    field.name,
                    field.field_type
                ));
            }
        }
        Ok((spec, header))
    }
}

/// Checks where files lie: below the table, no two in one place. Files that come with their bytes lie where those go.
pub(super) fn check_places(
    files: &[NewFile],
    payload: &[(TablePath, Bytes)],
    location: &Location,
) -> Result<(), String> {
    let mut sizes_bytes = BTreeMap::new();
    for NewFile { file, .. } in files {
        let path = location.relative(&file.file_path).map_err(|e| e.to_string())?;
        if sizes_bytes.insert(path.clone(), file.file_size_in_bytes).is_some() {
            return Err(format!("file `{path}` is named twice"));
        }
    }
    let mut given = BTreeSet::new();
    for (path, bytes) in payload {
        match sizes_bytes.get(path) {
            None => return Err(format!("bytes are given for `{path}`, and no file of that name is added")),
            Some(size_bytes) if i64::try_from(bytes.len()) != Ok(*size_bytes) => {
                return Err(format!("file `{path}` says {size_bytes} bytes, and {} are given", bytes.len()));
            }
            Some(_) if !given.insert(path) => return Err(format!("bytes are given for `{path}` twice")),
            Some(_) => {}
        }
    }
    Ok(())
}

/// The schema for the header of a manifest: the current one, unless it has lost a column that the spec takes its values from. Then one that
/// has it, or the types of the values would be unknown to readers.
pub(crate) fn header_schema<'t>(
    table: &'t TableMetadata,
    spec: &PartitionSpec,
    written: &'t Schema,
) -> &'t Schema {
    let has_sources = |schema: &Schema| {
        spec.fields
            .iter()
            .filter(|field| field.transform != Transform::Void)
            .all(|field| field.source_ids.iter().all(|id| schema.field_by_id(*id).is_some()))
    };
    let newest_first = table.schemas().iter().rev().map(AsRef::as_ref);
    let current: &Schema = table.current_schema();
    let mut candidates = [current, written].into_iter().chain(newest_first);
    candidates.find(|schema| has_sources(schema)).unwrap_or(current)
}

/// Whether a value is of the type, or of one that is promoted to it: the column may have been widened since.
fn fits(value: &Value, of: &Type) -> bool {
    match of {
        Type::Primitive(PrimitiveType::Unknown) => false,
        Type::Primitive(primitive) => value.promote(primitive).is_some(),
        _ => false,
    }
}

/// Text from outside, cut to a length fit for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut cut: String = text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        cut.push_str("...");
    }
    cut
}
