//! Every manifest list and manifest of `testdata/` is read whole, round-trips by value, and holds what the expectation
//! files say of the current snapshot: files, partitions, counts, bounds, sequence numbers, row ids, deletes.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::id::FieldId;
use datashard_spec::manifest::{
    BoundMap, DataFile, FileContent, ManifestContent, ManifestEntry, ManifestFile, MetricMap,
    applies::{self, LiveFile as Live},
};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::Type;
use datashard_spec::snapshot::ManifestLocations;
use datashard_spec::value::Value;
use serde_json::Value as Json;

use crate::expected::{self, hex};
use crate::fixture::Fixture;
use crate::metadata::newest;

/// A live file of a snapshot, after inheritance.
pub(crate) struct LiveFile {
    pub(crate) file: DataFile,
    pub(crate) entry: ManifestEntry,
}

/// A manifest with its live files.
pub(crate) struct Manifest {
    pub(crate) file: ManifestFile,
    pub(crate) spec: Arc<PartitionSpec>,
    pub(crate) live: Vec<LiveFile>,
}

/// The manifests of a snapshot.
pub(crate) struct Snapshot {
    pub(crate) data_manifests: Vec<Manifest>,
    pub(crate) delete_manifests: Vec<Manifest>,
}

/// The rows of a snapshot's manifest list; for the oldest tables, made from the paths in the metadata.
fn manifest_list(fixture: &Fixture, locations: &ManifestLocations) -> Vec<ManifestFile> {
    match locations {
        ManifestLocations::List(path) => {
            let bytes = fixture.read(path);
            ManifestListReader::new(&bytes).unwrap().map(|row| row.unwrap()).collect()
        }
        ManifestLocations::Inline(paths) => paths
            .iter()
            .map(|path| {
                let bytes = fixture.read(path);
                let header = ManifestReader::new(&bytes).unwrap().header().clone();
                let spec_id = header.partition_spec_id.unwrap();
                let added =
                    ManifestReader::new(&bytes).unwrap().next().unwrap().unwrap().snapshot_id.unwrap();
                let length = i64::try_from(bytes.len()).unwrap();
                ManifestFile::new(path, length, spec_id, added)
            })
            .collect(),
    }
}

impl Snapshot {
    /// The current snapshot, if there is one.
    pub(crate) fn current(fixture: &Fixture, metadata: &TableMetadata) -> Option<Self> {
        let snapshot = metadata.current_snapshot().unwrap()?;
        let mut found = Self { data_manifests: Vec::new(), delete_manifests: Vec::new() };
        for file in manifest_list(fixture, &snapshot.manifests) {
            let bytes = fixture.read(&file.manifest_path);
            let spec = Arc::clone(metadata.partition_spec(file.partition_spec_id).unwrap());
            let mut inheritance = file.inherit();
            let mut live = Vec::new();
            for entry in ManifestReader::new(&bytes).unwrap() {
                let mut entry = entry.unwrap();
                inheritance.apply(&mut entry).unwrap();
                if entry.status.is_live() {
                    live.push(LiveFile { file: entry.data_file.clone(), entry });
                }
            }
            match file.content {
                ManifestContent::Data => found.data_manifests.push(Manifest { file, spec, live }),
                ManifestContent::Deletes => found.delete_manifests.push(Manifest { file, spec, live }),
            }
        }
        Some(found)
    }

    fn files(manifests: &[Manifest]) -> impl Iterator<Item = (&Manifest, &LiveFile)> {
        manifests.iter().flat_map(|manifest| manifest.live.iter().map(move |live| (manifest, live)))
    }
}

/// Holds a file against its expectation.
fn check_file(
    fixture: &Fixture,
    metadata: &TableMetadata,
    manifest: &Manifest,
    live: &LiveFile,
    expected: &Json,
) {
    let file = &live.file;
    let at = format!("{}: {}", fixture.name, file.file_path);
    let content = match file.content {
        FileContent::Data => "DATA",
        FileContent::PositionDeletes => "POSITION_DELETES",
        FileContent::EqualityDeletes => "EQUALITY_DELETES",
    };
    assert_eq!(content, expected["content"], "{at}");
    assert_eq!(file.file_format.as_str().to_uppercase(), expected["format"].as_str().unwrap(), "{at}");
    assert_eq!(manifest.spec.id.0, i32::try_from(expected["spec-id"].as_i64().unwrap()).unwrap(), "{at}");
    assert_eq!(file.record_count, expected["record-count"].as_i64().unwrap(), "{at}");
    assert_eq!(file.file_size_in_bytes, expected["file-size"].as_i64().unwrap(), "{at}");
    let number = |key: &str| expected[key].as_i64();
    assert_eq!(live.entry.data_sequence_number.map(|n| n.0), number("data-sequence-number"), "{at}");
    assert_eq!(live.entry.file_sequence_number.map(|n| n.0), number("file-sequence-number"), "{at}");
    assert_eq!(
        file.sort_order_id.map_or(0, |id| i64::from(id.0)),
        number("sort-order-id").unwrap_or(0),
        "{at}"
    );
    assert_eq!(file.first_row_id, number("first-row-id"), "{at}");
    assert_eq!(file.content_offset, number("content-offset"), "{at}");
    assert_eq!(file.content_size_in_bytes, number("content-size"), "{at}");
    let referenced = file.referenced_data_file.as_deref().map(|path| fixture.relative(path));
    assert_eq!(referenced.as_deref(), expected["referenced-data-file"].as_str(), "{at}");
    let numbers = |key: &str| -> Vec<i64> {
        expected[key].as_array().map(|a| a.iter().map(|n| n.as_i64().unwrap()).collect()).unwrap_or_default()
    };
    assert_eq!(file.split_offsets, numbers("split-offsets"), "{at}");
    let equality_ids: Vec<i64> = file.equality_ids.iter().map(|id| i64::from(id.0)).collect();
    assert_eq!(equality_ids, numbers("equality-ids"), "{at}");
    check_partition(metadata, manifest, file, expected, &at);
    if expected.get("value-counts").is_none() {
        return; // left out of the expectation files of big tables
    }
    check_counts(&file.value_counts, &expected["value-counts"], &at);
    check_counts(&file.null_value_counts, &expected["null-value-counts"], &at);
    check_counts(&file.nan_value_counts, &expected["nan-value-counts"], &at);
    check_bounds(metadata, &file.lower_bounds, &expected["lower-bounds"], &at);
    check_bounds(metadata, &file.upper_bounds, &expected["upper-bounds"], &at);
}

fn check_partition(
    metadata: &TableMetadata,
    manifest: &Manifest,
    file: &DataFile,
    expected: &Json,
    at: &str,
) {
    let types = manifest.spec.partition_type(metadata.current_schema());
    assert_eq!(file.partition.len(), types.fields.len(), "{at}");
    for (value, field) in file.partition.iter().zip(&types.fields) {
        let expected = &expected["partition"][&field.name];
        match &field.field_type {
            // The source column is gone; the value keeps the type that it was written in.
            Type::Primitive(datashard_spec::schema::PrimitiveType::Unknown) => {
                assert_eq!(value.is_none(), expected.is_null(), "{at}: {}", field.name);
            }
            field_type => {
                assert_eq!(*value, expected::value(field_type, expected), "{at}: {}", field.name);
            }
        }
    }
    let path = manifest.spec.partition_path(&file.partition);
    // The reference shortens timestamps in paths and cuts nothing else; paths are for people and never read back.
    let shortened = file.partition.iter().flatten().any(|value| {
        matches!(value, Value::Timestamp(_) | Value::Timestamptz(_) | Value::TimestampNs(_) | Value::Time(_))
    });
    if !shortened {
        assert_eq!(path, expected["partition-path"].as_str().unwrap(), "{at}");
    }
}

fn check_counts(found: &MetricMap, expected: &Json, at: &str) {
    let found: BTreeMap<String, Json> =
        found.iter().map(|(id, count)| (id.to_string(), Json::from(count))).collect();
    let expected = expected.as_object().cloned().unwrap_or_default();
    assert_eq!(found, expected.into_iter().collect(), "{at}");
}

/// Column types by id, over all schemas of the table: bounds of dropped columns stay in old manifests.
fn column_type(metadata: &TableMetadata, id: FieldId) -> Option<Type> {
    let current = metadata.current_schema().field_by_id(id);
    let any = || metadata.schemas().iter().rev().find_map(|schema| schema.field_by_id(id));
    match id {
        FieldId::DELETE_FILE_PATH => Some(datashard_spec::schema::PrimitiveType::String.into()),
        FieldId::DELETE_POS => Some(datashard_spec::schema::PrimitiveType::Long.into()),
        _ => current.or_else(any).map(|field| field.field_type.clone()),
    }
}

fn check_bounds(metadata: &TableMetadata, found: &BoundMap, expected: &Json, at: &str) {
    let expected = expected.as_object().cloned().unwrap_or_default();
    assert_eq!(found.len(), expected.len(), "{at}");
    for (id, bound) in found.iter() {
        let expected = &expected[&id.to_string()];
        assert_eq!(bound, hex(expected["hex"].as_str().unwrap()), "{at}: column {id}");
        let Some(Type::Primitive(primitive)) = column_type(metadata, id) else { continue };
        if expected["value"].is_null() {
            continue;
        }
        let value =
            Value::bound_from_binary(&primitive, bound).unwrap_or_else(|e| panic!("{at}: column {id}: {e}"));
        let wanted = expected::value(&Type::Primitive(primitive), &expected["value"]);
        assert_eq!(Some(value), wanted, "{at}: column {id}");
    }
}

#[test]
fn the_current_snapshot_holds_the_expected_files_with_the_expected_deletes() {
    let (mut data_files, mut deletes) = (0, 0);
    for fixture in Fixture::all() {
        let metadata = newest(&fixture);
        let plan = fixture.expected["plan"].as_array().unwrap();
        let Some(snapshot) = Snapshot::current(&fixture, &metadata) else {
            assert!(plan.is_empty(), "{}", fixture.name);
            continue;
        };
        let found: Vec<_> = Snapshot::files(&snapshot.data_manifests).collect();
        if fixture.name == "equality_deletes_dropped_column" {
            // The reference cannot plan this one; its expectation file says so and has no plan.
            assert!(fixture.expected["reads"][0]["reference-error"].is_string() && found.len() == 2);
            continue;
        }
        assert_eq!(found.len(), plan.len(), "{}", fixture.name);
        for task in plan {
            let path = task["data-file"]["path"].as_str().unwrap();
            let (manifest, live) = found
                .iter()
                .find(|(_, live)| fixture.relative(&live.file.file_path) == path)
                .unwrap_or_else(|| panic!("{}: {path} is missing", fixture.name));
            check_file(&fixture, &metadata, manifest, live, &task["data-file"]);
            data_files += 1;
            deletes += check_deletes(&fixture, &metadata, &snapshot, (manifest, live), &task["deletes"]);
        }
    }
    assert!(data_files > 200 && deletes > 20, "{data_files} data files, {deletes} deletes");
}

/// Holds the deletes that apply to a data file against their expectation. The reference looks at bounds too, so it may
/// leave out delete files that cannot match; it never has one that we don't.
fn check_deletes(
    fixture: &Fixture,
    metadata: &TableMetadata,
    snapshot: &Snapshot,
    (manifest, live): (&Manifest, &LiveFile),
    expected: &Json,
) -> usize {
    fn as_live<'a>(manifest: &'a Manifest, live: &'a LiveFile) -> Live<'a> {
        let sequence_number = live.entry.data_sequence_number.unwrap();
        Live { file: &live.file, sequence_number, spec: &manifest.spec }
    }
    let data = as_live(manifest, live);
    let applying: Vec<_> = Snapshot::files(&snapshot.delete_manifests)
        .filter(|(manifest, delete)| applies::delete_applies(as_live(manifest, delete), data))
        .collect();
    let expected = expected.as_array().unwrap();
    for delete in expected {
        let path = delete["path"].as_str().unwrap();
        let offset = delete["content-offset"].as_i64();
        let (manifest, found) = applying
            .iter()
            .find(|(_, d)| fixture.relative(&d.file.file_path) == path && d.file.content_offset == offset)
            .unwrap_or_else(|| panic!("{}: {path} does not apply", fixture.name));
        check_file(fixture, metadata, manifest, found, delete);
    }
    expected.len()
}
