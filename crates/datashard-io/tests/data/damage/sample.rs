//! Files to damage: those of other writers, with the schemas of their tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datashard_spec::id::FieldId;
use datashard_spec::manifest::FileFormat;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};

/// A good file.
pub(crate) struct Sample {
    pub(crate) location: String,
    pub(crate) format: FileFormat,
    pub(crate) bytes: Vec<u8>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) mapping: Option<Arc<NameMapping>>,
}

impl Sample {
    /// The first file with this ending of a table in `testdata/`, read as the table is now.
    pub(crate) fn of_table(table: &str, ending: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(table);
        let metadata = newest_metadata(&folder);
        let path =
            files(&folder, ending).into_iter().next().unwrap_or_else(|| panic!("no {ending} in {table}"));
        let is_positions = path.to_string_lossy().ends_with(&format!("-deletes.{ending}"));
        let schema = if is_positions { position_deletes() } else { optional(metadata.current_schema()) };
        let mapping = metadata
            .properties()
            .get(NameMapping::PROPERTY)
            .map(|json| Arc::new(NameMapping::from_json(json).unwrap()));
        Self {
            location: format!("memory:///{table}/{}", path.file_name().unwrap().to_str().unwrap()),
            format: match ending {
                "parquet" => FileFormat::Parquet,
                "avro" => FileFormat::Avro,
                "orc" => FileFormat::Orc,
                other => panic!("no format {other}"),
            },
            bytes: std::fs::read(path).unwrap(),
            schema: Arc::new(schema),
            mapping,
        }
    }

    /// A file of our own making.
    pub(crate) fn made(name: &str, format: FileFormat, schema: Schema, bytes: Vec<u8>) -> Self {
        Self { location: format!("memory:///{name}"), format, bytes, schema: Arc::new(schema), mapping: None }
    }
}

fn newest_metadata(folder: &Path) -> TableMetadata {
    let mut newest: Option<(u32, PathBuf)> = None;
    for entry in std::fs::read_dir(folder.join("metadata")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let version = name.strip_prefix('v').and_then(|name| name.strip_suffix(".metadata.json"));
        let Some(version) = version.and_then(|version| version.parse().ok()) else { continue };
        if newest.as_ref().is_none_or(|(newest, _)| version > *newest) {
            newest = Some((version, path));
        }
    }
    TableMetadata::from_json(&std::fs::read(newest.unwrap().1).unwrap()).unwrap()
}

/// Files below a folder, largest first.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("metadata") {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push((std::cmp::Reverse(path.metadata().unwrap().len()), path));
            }
        }
    }
    found.sort();
    found
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| !path.components().any(|part| part.as_os_str() == "metadata"))
        .collect()
}

/// Columns that old files lack are no reason to refuse them here.
fn optional(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let mut field = field.clone();
        field.required = false;
        field
    });
    Schema::new(fields.collect()).unwrap()
}

fn position_deletes() -> Schema {
    const FILE_PATH: FieldId = FieldId(2_147_483_546);
    const POS: FieldId = FieldId(2_147_483_545);
    Schema::new(vec![
        NestedField::required(FILE_PATH.0, "file_path", PrimitiveType::String),
        NestedField::required(POS.0, "pos", PrimitiveType::Long),
    ])
    .unwrap()
}
