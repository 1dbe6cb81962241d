//! [`NewFile`]: a data or delete file that is to be added; [`Fitting`]: whether it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_io::{Location, TablePath};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat, ManifestContent};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{PrimitiveType, Schema, StructType, Type};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

use super::delete_file;
use super::schema_fit::fitting_schema;

/// A data or delete file that is to be added. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    /// The schema that it was written for.
    pub(crate) schema_id: SchemaId,
    /// The spec of its partition tuple.
    pub(crate) spec_id: PartitionSpecId,
    pub(crate) file: Arc<DataFile>,
}

/// Why a file may not be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is wrong by itself.
    Wrong(String),
    /// The table has changed.
    Changed(String),
}

/// What a file has to fit: its partition spec, the schema for the header of its manifest, and the types of its partition tuple.
#[derive(Debug)]
struct Form<'t> {
    spec: &'t PartitionSpec,
    header: &'t Schema,
    partition_type: StructType,
}

/// Tells whether files may be added to a table, as it is in one version.
#[derive(Debug)]
pub(crate) struct Fitting<'t> {
    table: &'t TableMetadata,
    /// Thousands of files have few forms.
    forms: BTreeMap<(SchemaId, PartitionSpecId), Result<Form<'t>, String>>,
}

impl<'t> Fitting<'t> {
    pub(crate) fn new(table: &'t TableMetadata) -> Self {
        Self { table, forms: BTreeMap::new() }
    }

    /// Whether the file may be added. Gives its spec, and the schema for the header of its manifest.
    pub(crate) fn check(
        &mut self,
        new: &NewFile,
        content: ManifestContent,
    ) -> Result<(&'t PartitionSpec, &'t Schema), Misfit> {
        let file = &new.file;
        let wrong = |what: &str| Err(Misfit::Wrong(format!("file `{}` {what}", excerpt(&file.file_path))));
        match content {
            ManifestContent::Data if file.content != FileContent::Data => {
                return wrong("holds deletes, where data files are added");
            }
            ManifestContent::Data
                if matches!(file.file_format, FileFormat::Puffin | FileFormat::Unknown(_)) =>
            {
                let format = excerpt(file.file_format.as_str());
                return wrong(&format!("is of the format {format}, which is none of data files"));
            }
            ManifestContent::Data => {}
            ManifestContent::Deletes => {
                if let Err(what) = delete_file::check(file, self.table) {
                    return wrong(&what);
                }
            }
        }
        if file.record_count < 0 {
            return wrong("does not say how many rows it has");
        }
        if file.file_size_in_bytes < 0 {
            return wrong("has a negative size");
        }
        let table = self.table;
        let form = self
            .forms
            .entry((new.schema_id, new.spec_id))
            .or_insert_with(|| Form::of(table, new.schema_id, new.spec_id));
        let form = form.as_ref().map_err(|reason| Misfit::Changed(reason.clone()))?;
        let types = &form.partition_type.fields;
        if file.partition.len() != types.len() {
            let (found, expected) = (file.partition.len(), types.len());
            return wrong(&format!(
                "has {found} partition values, and spec {} has {expected} fields",
                new.spec_id
            ));
        }
        for (value, field) in file.partition.iter().zip(types) {
            if let Some(value) = value
                && !fits(value, &field.field_type)
            {
                let value = excerpt(&value.to_string());
                let (name, of) = (&field.name, &field.field_type);
                return wrong(&format!(
                    "has the partition value {value} for `{name}`, which is of type {of}"
                ));
            }
        }
        Ok((form.spec, form.header))
    }
}

impl<'t> Form<'t> {
    fn of(table: &'t TableMetadata, schema_id: SchemaId, spec_id: PartitionSpecId) -> Result<Self, String> {
        let written = fitting_schema(table, schema_id)?;
        let spec = table
            .partition_spec(spec_id)
            .ok_or_else(|| format!("the table has no partition spec {spec_id}, which the files have"))?;
        let header = header_schema(table, spec, written);
        Ok(Self { spec, header, partition_type: spec.partition_type(header) })
    }
}

/// Checks where files lie: below the table, no two in one place. Files that come with their bytes lie where those go.
pub(crate) fn check_places(
    files: &[NewFile],
    payload: &[(TablePath, Bytes)],
    location: &Location,
) -> Result<(), String> {
    let mut sizes_bytes = BTreeMap::new();
    for NewFile { file, .. } in files {
        let path = location.relative(&file.file_path).map_err(|e| e.to_string())?;
        // One Puffin file may hold the vectors of several data files.
        if file.is_deletion_vector() && sizes_bytes.get(&path) == Some(&file.file_size_in_bytes) {
            continue;
        }
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
