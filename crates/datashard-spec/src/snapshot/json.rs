//! Snapshots from and to JSON.
//!
//! # Spec
//! "Appendix C: JSON serialization", "Table Metadata and Snapshots".

use super::{ManifestLocations, Operation, Snapshot, Summary};
use crate::SpecError;
use crate::id::{SchemaId, SequenceNumber, SnapshotId};
use crate::json::{Json, JsonError, JsonWriter, parse_document};
use crate::metadata::FormatVersion;

impl Snapshot {
    /// Reads the JSON form of any format version.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        Ok(parse_snapshot(Json::root(parse_document(text)?))?)
    }

    /// The JSON form for a table of this format version.
    pub fn to_json(&self, format_version: FormatVersion) -> String {
        let mut writer = JsonWriter::new();
        write_snapshot(self, format_version, &mut writer);
        writer.finish()
    }
}

/// All keys of a snapshot that this version knows.
pub(crate) const KEYS: [&str; 11] = [
    "snapshot-id",
    "parent-snapshot-id",
    "sequence-number",
    "timestamp-ms",
    "manifest-list",
    "manifests",
    "summary",
    "schema-id",
    "first-row-id",
    "added-rows",
    "key-id",
];

pub(crate) fn parse_snapshot(json: Json<'_, '_>) -> Result<Snapshot, JsonError> {
    let mut object = json.object()?;
    let id = SnapshotId(object.require("snapshot-id")?.i64()?);
    // Some writers put -1 where there is no parent.
    let parent_id = object.take("parent-snapshot-id").map(|id| id.i64()).transpose()?;
    let parent_id = parent_id.filter(|id| *id != -1).map(SnapshotId);
    // Missing in v1, and in snapshots that a table brought along from v1.
    let sequence_number = object.take("sequence-number").map(|number| number.i64()).transpose()?.unwrap_or(0);
    let timestamp_ms = object.require("timestamp-ms")?.i64()?;
    let manifests = match object.take("manifest-list") {
        Some(list) => ManifestLocations::List(list.string()?),
        None => match object.take("manifests") {
            Some(paths) => ManifestLocations::Inline(paths.array()?.map(|path| path.string())?),
            None => ManifestLocations::List(object.require("manifest-list")?.string()?),
        },
    };
    let summary = object.take("summary").map(parse_summary).transpose()?.unwrap_or_default();
    let schema_id = object.take("schema-id").map(|id| id.i32()).transpose()?.map(SchemaId);
    let first_row_id = object.take("first-row-id").map(|id| id.i64()).transpose()?;
    let added_rows = object.take("added-rows").map(|rows| rows.i64()).transpose()?;
    let key_id = object.take("key-id").map(|id| id.string()).transpose()?;
    Ok(Snapshot {
        id,
        parent_id,
        sequence_number: SequenceNumber(sequence_number),
        timestamp_ms,
        manifests,
        summary,
        schema_id,
        first_row_id,
        added_rows,
        key_id,
        unknown_keys: object.into_unknown(),
    })
}

fn parse_summary(json: Json<'_, '_>) -> Result<Summary, JsonError> {
    let mut object = json.object()?;
    let operation = object.take("operation").map(|word| word.str()).transpose()?;
    let operation = operation.map(|word| Operation::from(word.as_ref()));
    let entries = object
        .entries()
        .map(|(key, value)| Ok((key.to_owned(), value.string()?)))
        .collect::<Result<_, JsonError>>()?;
    Ok(Summary::from_parts(operation, entries))
}

pub(crate) fn write_snapshot(snapshot: &Snapshot, format_version: FormatVersion, writer: &mut JsonWriter) {
    writer.object(|writer| {
        if format_version > FormatVersion::V1 || snapshot.sequence_number.0 != 0 {
            writer.key("sequence-number").number(snapshot.sequence_number);
        }
        writer.key("snapshot-id").number(snapshot.id);
        // Never null: some readers refuse that.
        if let Some(parent_id) = snapshot.parent_id {
            writer.key("parent-snapshot-id").number(parent_id);
        }
        writer.key("timestamp-ms").number(snapshot.timestamp_ms);
        if !snapshot.summary.is_empty() {
            writer.key("summary").object(|writer| {
                if let Some(operation) = snapshot.summary.operation() {
                    writer.key("operation").string(operation.as_str());
                }
                for (key, value) in snapshot.summary.iter() {
                    writer.key(key).string(value);
                }
            });
        }
        match &snapshot.manifests {
            ManifestLocations::List(location) => writer.key("manifest-list").string(location),
            ManifestLocations::Inline(paths) => {
                writer.key("manifests").array(paths, |writer, path| writer.string(path));
            }
        }
        if let Some(schema_id) = snapshot.schema_id {
            writer.key("schema-id").number(schema_id);
        }
        if let Some(first_row_id) = snapshot.first_row_id {
            writer.key("first-row-id").number(first_row_id);
        }
        if let Some(added_rows) = snapshot.added_rows {
            writer.key("added-rows").number(added_rows);
        }
        if let Some(key_id) = &snapshot.key_id {
            writer.key("key-id").string(key_id);
        }
        writer.unknown(&snapshot.unknown_keys);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expect: &str) {
        let snapshot = Snapshot::from_json(json).unwrap();
        let written = snapshot.to_json(FormatVersion::V3);
        assert_eq!(written, expect, "{json}");
        assert_eq!(Snapshot::from_json(&written).unwrap(), snapshot);
    }

    #[test]
    fn absent_null_and_minus_one_are_no_parent_and_none_is_written_as_null() {
        let expect = r#"{"sequence-number":0,"snapshot-id":1,"timestamp-ms":2,"manifest-list":"l"}"#;
        check(r#"{"snapshot-id":1,"timestamp-ms":2,"manifest-list":"l"}"#, expect);
        check(r#"{"snapshot-id":1,"parent-snapshot-id":null,"timestamp-ms":2,"manifest-list":"l"}"#, expect);
        check(r#"{"snapshot-id":1,"parent-snapshot-id":-1,"timestamp-ms":2,"manifest-list":"l"}"#, expect);
    }

    #[test]
    fn every_key_and_unknown_ones_survive() {
        check(
            r#"{"new":{"x": [1,2]},"key-id":"k","added-rows":9,"first-row-id":8,"schema-id":3,"manifest-list":"l",
               "summary":{"z":"1","operation":"append","a":"2"},"timestamp-ms":4,"parent-snapshot-id":5,
               "snapshot-id":6,"sequence-number":7}"#,
            concat!(
                r#"{"sequence-number":7,"snapshot-id":6,"parent-snapshot-id":5,"timestamp-ms":4,"#,
                r#""summary":{"operation":"append","z":"1","a":"2"},"manifest-list":"l","schema-id":3,"#,
                r#""first-row-id":8,"added-rows":9,"key-id":"k","new":{"x": [1,2]}}"#
            ),
        );
    }

    #[test]
    fn inline_manifests_of_v1_are_kept() {
        let json = r#"{"snapshot-id":1,"timestamp-ms":2,"manifests":["a","b"]}"#;
        let snapshot = Snapshot::from_json(json).unwrap();
        assert_eq!(snapshot.manifests, ManifestLocations::Inline(vec!["a".into(), "b".into()]));
        assert_eq!(snapshot.to_json(FormatVersion::V1), json);
        assert!(
            Snapshot::from_json(r#"{"snapshot-id":1,"timestamp-ms":2}"#).is_err(),
            "neither list nor manifests"
        );
    }

    #[test]
    fn errors_name_the_path() {
        let json = r#"{"snapshot-id":1,"timestamp-ms":2,"manifest-list":"l","summary":{"operation":"append","n":5}}"#;
        let error = Snapshot::from_json(json).unwrap_err().to_string();
        assert_eq!(error, "$.summary.n: expected a string, found 5");
    }
}
