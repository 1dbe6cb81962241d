//! Every metadata file of `testdata/` is read whole, says what its expectation file says, and survives a rewrite.

use datashard_spec::metadata::{FormatVersion, TableMetadata};
use datashard_spec::schema::Schema;
use serde_json::Value as Json;

use crate::fixture::Fixture;

/// Reads a metadata file, compressed or not.
pub(crate) fn load(name: &str, bytes: &[u8]) -> TableMetadata {
    TableMetadata::from_bytes(bytes).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The newest metadata of a table.
pub(crate) fn newest(fixture: &Fixture) -> TableMetadata {
    let (name, bytes) = fixture.metadata_files().pop().unwrap();
    load(&format!("{}/{name}", fixture.name), &bytes)
}

#[test]
fn every_version_reads_whole_and_round_trips_by_value() {
    let mut documents = 0;
    for fixture in Fixture::all() {
        for (name, bytes) in fixture.metadata_files() {
            let read = load(&format!("{}/{name}", fixture.name), &bytes);
            read.check_all().unwrap_or_else(|e| panic!("{}/{name}: {e}", fixture.name));
            let written = read.to_json();
            let again = TableMetadata::from_json(written.as_bytes()).unwrap();
            assert_eq!(read, again, "{}/{name}", fixture.name);
            assert_eq!(written, again.to_json(), "{}/{name}: writing is not stable", fixture.name);
            for snapshot in read.snapshots() {
                let snapshot = snapshot.unwrap();
                assert_eq!(again.snapshot(snapshot.id).unwrap(), Some(snapshot));
            }
            documents += 1;
        }
    }
    assert!(documents > 250, "only {documents} documents");
}

/// Every key and value that Java, ClickHouse or pyiceberg wrote is there again after a rewrite, but for spellings of
/// "none" and keys that the format lets a writer add.
#[test]
fn a_rewrite_drops_nothing_that_others_wrote() {
    for fixture in Fixture::all() {
        for (name, bytes) in fixture.metadata_files() {
            if name.contains(".gz.") {
                continue; // the same writer's plain documents cover it; decompression is tested elsewhere
            }
            let theirs: Json = serde_json::from_slice(&bytes).unwrap();
            let ours: Json = serde_json::from_str(&load(&name, &bytes).to_json()).unwrap();
            contains(&ours, &theirs, &format!("{}/{name}", fixture.name));
        }
    }
}

/// Panics unless everything in `theirs` is in `ours`.
fn contains(ours: &Json, theirs: &Json, at: &str) {
    match theirs {
        Json::Object(keys) => {
            for (key, value) in keys {
                let none = value.is_null() || value == &Json::from(-1) || value == &Json::Array(Vec::new());
                match ours.get(key) {
                    Some(kept) => contains(kept, value, &format!("{at}.{key}")),
                    // One writer says "no snapshot" by a main that points at -1.
                    None if value["snapshot-id"] == -1 => {}
                    None => assert!(
                        none || *value == Json::Object(Default::default()),
                        "{at}.{key} is lost: {value}"
                    ),
                }
            }
        }
        Json::Array(elements) => {
            let kept = ours.as_array().unwrap_or_else(|| panic!("{at} is no array"));
            assert_eq!(kept.len(), elements.len(), "{at}");
            for (i, element) in elements.iter().enumerate() {
                contains(&kept[i], element, &format!("{at}[{i}]"));
            }
        }
        Json::String(text) if text.starts_with("decimal(") => {
            assert_eq!(ours.as_str().unwrap().replace(' ', ""), text.replace(' ', ""), "{at}");
        }
        // Bytes: hexadecimal digits in either case.
        Json::String(text) if at.ends_with("-default") => {
            assert!(ours.as_str().unwrap().eq_ignore_ascii_case(text), "{at}: {ours} {text}");
        }
        other => assert_eq!(ours, other, "{at}"),
    }
}

#[test]
fn schema_spec_version_and_snapshot_are_the_expected_ones() {
    for fixture in Fixture::all() {
        let expected = &fixture.expected;
        let file = expected["metadata-file"].as_str().unwrap().strip_prefix("metadata/").unwrap();
        let (name, bytes) = fixture.metadata_files().into_iter().find(|(name, _)| name == file).unwrap();
        let metadata = load(&name, &bytes);
        let name = &fixture.name;
        let version = metadata.format_version();
        assert_eq!(
            Some(version),
            FormatVersion::from_number(expected["format-version"].as_i64().unwrap()),
            "{name}"
        );
        let current = metadata.current_snapshot_id().map(|id| id.0);
        assert_eq!(current, expected["current-snapshot-id"].as_i64().filter(|id| *id != -1), "{name}");
        let schema = Schema::from_json(&expected["schema"].to_string()).unwrap();
        assert!(metadata.current_schema().same_structure(&schema), "{name}");
        assert_eq!(metadata.current_schema().id(), schema.id(), "{name}");
        let spec: Json = serde_json::from_str(&metadata.default_partition_spec().to_json()).unwrap();
        contains(&spec, &expected["partition-spec"], name);

        // Every read of the expectation file names a snapshot or a ref that is there, with the right schema.
        for read in expected["reads"].as_array().unwrap() {
            let by_ref = read["ref"].as_str().map(|name| metadata.refs()[name].snapshot_id);
            let by_id = read["snapshot"].as_i64().map(datashard_spec::id::SnapshotId);
            let Some(id) = by_ref.or(by_id) else { continue };
            let snapshot =
                metadata.snapshot(id).unwrap().unwrap_or_else(|| panic!("{name}: no snapshot {id}"));
            assert_eq!(snapshot.id, id);
            if let (None, Some(schema_id)) = (read["ref"].as_str(), read["schema-id"].as_i64()) {
                assert_eq!(snapshot.schema_id.map(|id| i64::from(id.0)), Some(schema_id), "{name}: {id}");
            }
        }
    }
}

#[test]
fn refs_and_logs_of_branches_tags_are_the_expected_ones() {
    let metadata = newest(&Fixture::named("branches_tags"));
    let expected = Fixture::named("branches_tags").expected;
    let mut expected: Vec<&str> =
        expected["reads"].as_array().unwrap().iter().filter_map(|read| read["ref"].as_str()).collect();
    expected.push("main");
    expected.sort_unstable();
    let found: Vec<&str> = metadata.refs().keys().map(String::as_str).collect();
    assert_eq!(found, expected);
    assert_eq!(metadata.refs()["main"].snapshot_id, metadata.current_snapshot_id().unwrap());
    assert_eq!(metadata.snapshot_log().last().unwrap().snapshot_id, metadata.current_snapshot_id().unwrap());
}
