//! What is written, as others see it: whole entries through the Avro library that serves as oracle, and the schemas
//! against those of the Java reference.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value as Json, json};

use super::super::container::Header;
use super::super::schema_write;
use super::round_trip::{any_entry, partition_types, value_of, wide, write_wide};
use super::*;
use crate::json::quote;

/// A value of the oracle without what its logical type makes of it.
fn plain(value: apache_avro::types::Value) -> AvroValue {
    use apache_avro::types::Value as V;
    match value {
        V::Null => AvroValue::Null,
        V::Boolean(v) => AvroValue::Boolean(v),
        V::Int(v) | V::Date(v) => AvroValue::Long(v.into()),
        V::Long(v) | V::TimeMicros(v) | V::TimestampMicros(v) | V::TimestampNanos(v) => AvroValue::Long(v),
        V::Float(v) => AvroValue::Float(v),
        V::Double(v) => AvroValue::Double(v),
        V::Bytes(v) | V::Fixed(_, v) => AvroValue::Bytes(v),
        V::String(v) => AvroValue::String(v),
        V::Decimal(v) => AvroValue::Bytes(Vec::try_from(&v).unwrap()),
        V::Uuid(v) => AvroValue::Bytes(v.as_bytes().to_vec()),
        V::Union(0, inner) if *inner == V::Null => AvroValue::Null,
        V::Union(1, inner) => plain(*inner),
        V::Array(values) => AvroValue::Array(values.into_iter().map(plain).collect()),
        V::Record(fields) => AvroValue::Record(fields.into_iter().map(|(_, value)| plain(value)).collect()),
        other => panic!("{other:?}"),
    }
}

fn oracle(bytes: &[u8]) -> Vec<AvroValue> {
    apache_avro::Reader::new(bytes).unwrap().map(|value| plain(value.unwrap())).collect()
}

fn long(value: Option<i64>) -> AvroValue {
    value.map_or(AvroValue::Null, AvroValue::Long)
}

fn pairs(pairs: impl Iterator<Item = (FieldId, AvroValue)>) -> AvroValue {
    let items: Vec<_> =
        pairs.map(|(id, value)| AvroValue::Record(vec![AvroValue::Long(id.0.into()), value])).collect();
    if items.is_empty() { AvroValue::Null } else { AvroValue::Array(items) }
}

fn numbers(values: Vec<i64>) -> AvroValue {
    if values.is_empty() {
        return AvroValue::Null;
    }
    AvroValue::Array(values.into_iter().map(AvroValue::Long).collect())
}

fn bytes(value: &Option<Vec<u8>>) -> AvroValue {
    value.clone().map_or(AvroValue::Null, AvroValue::Bytes)
}

fn partition_value(value: &Value, of: &PrimitiveType) -> AvroValue {
    match value {
        Value::Boolean(v) => AvroValue::Boolean(*v),
        Value::Int(v) | Value::Date(v) => AvroValue::Long((*v).into()),
        Value::Long(v) | Value::Time(v) | Value::Timestamp(v) | Value::Timestamptz(v) => AvroValue::Long(*v),
        Value::TimestampNs(v) | Value::TimestamptzNs(v) => AvroValue::Long(*v),
        Value::Float(v) => AvroValue::Float(*v),
        Value::Double(v) => AvroValue::Double(*v),
        Value::String(v) => AvroValue::String(v.clone()),
        Value::Uuid(v) => AvroValue::Bytes(v.as_bytes().to_vec()),
        Value::Fixed(v) | Value::Binary(v) => AvroValue::Bytes(v.clone()),
        Value::Decimal(v) => {
            let PrimitiveType::Decimal { precision, .. } = of else { panic!("{of}") };
            let size = if *precision == 9 { 4 } else { 16 };
            AvroValue::Bytes(v.unscaled.to_be_bytes()[16 - size..].to_vec())
        }
        other => panic!("{other:?}"),
    }
}

/// An entry as the format lays it out, column by column.
fn expected(version: FormatVersion, entry: &ManifestEntry, types: &[PrimitiveType]) -> AvroValue {
    let (is_v1, is_v3) = (version == FormatVersion::V1, version >= FormatVersion::V3);
    let file = &entry.data_file;
    let partition = file.partition.iter().zip(types);
    let mut columns = Vec::new();
    if !is_v1 {
        columns.push(AvroValue::Long(file.content.number().into()));
    }
    columns.push(AvroValue::String(file.file_path.clone()));
    columns.push(AvroValue::String(file.file_format.to_string()));
    columns.push(AvroValue::Record(
        partition.map(|(v, of)| v.as_ref().map_or(AvroValue::Null, |v| partition_value(v, of))).collect(),
    ));
    columns.push(AvroValue::Long(file.record_count));
    columns.push(AvroValue::Long(file.file_size_in_bytes));
    if is_v1 {
        columns.push(AvroValue::Long(67_108_864));
    }
    for map in [&file.column_sizes, &file.value_counts, &file.null_value_counts, &file.nan_value_counts] {
        columns.push(pairs(map.iter().map(|(id, value)| (id, AvroValue::Long(value)))));
    }
    for map in [&file.lower_bounds, &file.upper_bounds] {
        columns.push(pairs(map.iter().map(|(id, value)| (id, AvroValue::Bytes(value.to_vec())))));
    }
    columns.push(bytes(&file.key_metadata));
    columns.push(numbers(file.split_offsets.clone()));
    if !is_v1 {
        columns.push(numbers(file.equality_ids.iter().map(|id| id.0.into()).collect()));
    }
    columns.push(long(file.sort_order_id.map(|id| id.0.into())));
    if is_v3 {
        columns.push(long(file.first_row_id));
    }
    if !is_v1 {
        columns.push(file.referenced_data_file.clone().map_or(AvroValue::Null, AvroValue::String));
    }
    if is_v3 {
        columns.push(long(file.content_offset));
        columns.push(long(file.content_size_in_bytes));
    }
    let mut row = vec![AvroValue::Long(entry.status.number().into()), long(entry.snapshot_id.map(|id| id.0))];
    if !is_v1 {
        row.push(long(entry.data_sequence_number.map(|n| n.0)));
        row.push(long(entry.file_sequence_number.map(|n| n.0)));
    }
    row.push(AvroValue::Record(columns));
    AvroValue::Record(row)
}

/// NaNs differ from themselves; their text does not.
fn same(found: &[AvroValue], expected: &[AvroValue], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{what}");
    }
}

#[test]
fn oracle_reads_whole_entries_of_every_version_content_codec_and_type() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    use FormatVersion as V;
    for (version, deletes) in [(V::V1, false), (V::V2, false), (V::V2, true), (V::V3, false), (V::V3, true)] {
        let entries: Vec<_> =
            (0..12).map(|_| any_entry(version, deletes).new_tree(&mut runner).unwrap().current()).collect();
        let expected: Vec<_> =
            entries.iter().map(|entry| expected(version, entry, &partition_types())).collect();
        for codec in CODECS {
            let (bytes, _) = write_wide(version, deletes, &entries, *codec);
            same(&oracle(&bytes), &expected, &format!("{version} {deletes} {codec:?}"));
        }
    }
}

#[test]
fn oracle_reads_partitions_of_every_transform() {
    let transforms = ["void", "bucket[16]", "truncate[3]", "year", "month", "day", "hour"]
        .map(|text| Transform::parse(text).unwrap());
    let (schema, _) = wide();
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        for transform in &transforms {
            for (id, of) in (1..).zip(partition_types()) {
                let Some(result) = transform.result_type(&of.clone().into()) else { continue };
                let result = result.as_primitive().unwrap().clone();
                let field = PartitionField::new(FieldId(id), FieldId(1000), "p.q", transform.clone());
                let spec = PartitionSpec::new(PartitionSpecId(1), vec![field]);
                let (options, content) = (WriteOptions::default(), ManifestContent::Data);
                let mut writer =
                    ManifestWriter::new(version, &schema, &spec, content, SnapshotId(8), &options).unwrap();
                let value = (*transform != Transform::Void).then(|| value_of(&result, -77));
                let entry =
                    ManifestEntry::added(file(1).with_partition(vec![value])).with_snapshot_id(SnapshotId(8));
                writer.write(&entry).unwrap();
                let (bytes, _) = writer.finish("m").unwrap();
                let what = format!("{version} {transform} {of}");
                same(&oracle(&bytes), &[expected(version, &entry, &[result])], &what);
                assert_eq!(read(&bytes).unwrap(), [entry], "{what}");
            }
        }
    }
}

#[test]
fn oracle_reads_whole_lists_of_every_version_and_codec() {
    let (_, mut row) = write(FormatVersion::V3, &entries(5), &WriteOptions::default());
    row.first_row_id = Some(40);
    row.key_metadata = Some(vec![1, 2]);
    let (_, mut other) = write_wide(FormatVersion::V2, true, &[], Codec::Null);
    other.partitions = None;
    other.sequence_number = Some(SequenceNumber(4));
    other.min_sequence_number = Some(SequenceNumber(2));
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let (is_v1, is_v3) = (version == FormatVersion::V1, version >= FormatVersion::V3);
        let rows = if is_v1 { vec![row.clone()] } else { vec![row.clone(), other.clone()] };
        let expected: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut columns = vec![
                    AvroValue::String(row.manifest_path.clone()),
                    AvroValue::Long(row.manifest_length),
                    AvroValue::Long(row.partition_spec_id.0.into()),
                ];
                if !is_v1 {
                    columns.push(AvroValue::Long(row.content.number().into()));
                    columns.push(AvroValue::Long(row.sequence_number.unwrap_or(SEQUENCE).0));
                    columns.push(AvroValue::Long(row.min_sequence_number.unwrap_or(SEQUENCE).0));
                }
                columns.push(AvroValue::Long(row.added_snapshot_id.0));
                for count in [row.added_files_count, row.existing_files_count, row.deleted_files_count] {
                    columns.push(long(count.map(i64::from)));
                }
                for count in [row.added_rows_count, row.existing_rows_count, row.deleted_rows_count] {
                    columns.push(long(count));
                }
                columns.push(row.partitions.as_ref().map_or(AvroValue::Null, |summaries| {
                    let summary = |summary: &FieldSummary| {
                        AvroValue::Record(vec![
                            AvroValue::Boolean(summary.contains_null),
                            summary.contains_nan.map_or(AvroValue::Null, AvroValue::Boolean),
                            bytes(&summary.lower_bound),
                            bytes(&summary.upper_bound),
                        ])
                    };
                    AvroValue::Array(summaries.iter().map(summary).collect())
                }));
                columns.push(bytes(&row.key_metadata));
                if is_v3 {
                    columns.push(long(row.first_row_id));
                }
                AvroValue::Record(columns)
            })
            .collect();
        for codec in CODECS {
            let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
            let options = WriteOptions::default().with_codec(*codec);
            let mut list = ManifestListWriter::new(version, snapshot, &options).unwrap();
            rows.iter().for_each(|row| list.write(row).unwrap());
            same(&oracle(&list.finish().unwrap()), &expected, &format!("{version} {codec:?}"));
        }
    }
}

/// Without descriptions, and fields in the order of their ids: what is left must be the same.
fn bare(json: &mut Json) {
    match json {
        Json::Object(map) => {
            map.remove("doc");
            map.values_mut().for_each(bare);
            if let Some(Json::Array(fields)) = map.get_mut("fields") {
                fields.sort_by_key(|field| field["field-id"].as_i64());
            }
        }
        Json::Array(items) => items.iter_mut().for_each(bare),
        _ => {}
    }
}

#[test]
fn schemas_are_those_that_the_java_reference_writes() {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/iceberg-java");
    let mut seen = std::collections::BTreeMap::new();
    for table in std::fs::read_dir(&tables).unwrap() {
        let Ok(metadata) = std::fs::read_dir(table.unwrap().path().join("metadata")) else { continue };
        for path in metadata.map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|extension| extension != "avro") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let container = Header::parse(&bytes).unwrap();
            let mut java: Json = serde_json::from_str(container.schema_json().unwrap()).unwrap();
            let is_list = java["name"] == "manifest_file";
            let version = match container.value("format-version") {
                Some(b"1") => FormatVersion::V1,
                Some(b"2") => FormatVersion::V2,
                Some(b"3") => FormatVersion::V3,
                other => panic!("{other:?}"),
            };
            let ours = if is_list {
                schema_write::list(version, &[])
            } else {
                let reader = ManifestReader::new(&bytes).unwrap();
                assert!(reader.header().extra_fields.is_empty(), "{path:?}");
                schema_write::manifest(version, &reader.header().partition_type, &[]).unwrap()
            };
            let mut ours: Json = serde_json::from_str(&ours).unwrap();
            bare(&mut java);
            bare(&mut ours);
            if version == FormatVersion::V1 && !is_list {
                // The format requires it in version 1, where nothing inherits; the reference lets it be null.
                assert_eq!(java["fields"][1]["type"], json!(["null", "long"]));
                java["fields"][1] = json!({"name": "snapshot_id", "type": "long", "field-id": 1});
            }
            assert_eq!(ours, java, "{path:?} {version}");
            *seen.entry((version, is_list)).or_insert(0) += 1;
        }
    }
    for kind in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3]
        .iter()
        .flat_map(|v| [(*v, true), (*v, false)])
    {
        assert!(seen.contains_key(&kind), "{kind:?} of {seen:?}");
    }
}

#[test]
fn headers_have_the_keys_that_other_engines_insist_on() {
    for (version, deletes) in
        [(FormatVersion::V1, false), (FormatVersion::V2, true), (FormatVersion::V3, false)]
    {
        let (bytes, _) = write_wide(version, deletes, &[], Codec::Deflate);
        let header = Header::parse(&bytes).unwrap();
        let text = |key| header.value(key).map(|value| String::from_utf8(value.to_vec()).unwrap());
        assert_eq!(text("format-version"), Some(version.number().to_string()));
        assert_eq!(
            (text("schema-id").as_deref(), text("partition-spec-id").as_deref()),
            (Some("0"), Some("4"))
        );
        let content = match (version, deletes) {
            (FormatVersion::V1, _) => None,
            (_, false) => Some("data"),
            (_, true) => Some("deletes"),
        };
        assert_eq!(text("content").as_deref(), content);
        // The fields alone, not the object around them.
        let fields: Json = serde_json::from_str(&text("partition-spec").unwrap()).unwrap();
        assert_eq!(
            fields[0],
            json!({"source-id": 1, "field-id": 1000, "name": "1.p", "transform": "identity"})
        );
        let schema: Json = serde_json::from_str(&text("schema").unwrap()).unwrap();
        assert_eq!(schema["fields"].as_array().unwrap().len(), partition_types().len());
    }
}

#[test]
fn names_that_are_not_legal_are_sanitized_and_kept() {
    let (schema, spec) = wide();
    let json = schema_write::manifest(FormatVersion::V2, &spec.partition_type(&schema), &[]).unwrap();
    let found: Json = serde_json::from_str(&json).unwrap();
    let fields = found["fields"][4]["type"]["fields"][3]["type"]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 17);
    for (number, field) in (1..).zip(fields) {
        assert_eq!(field["name"], format!("_{number}_x2Ep"));
        assert_eq!(field["iceberg-field-name"], format!("{number}.p"));
        assert_eq!(field["field-id"], 999 + number);
        assert_eq!((&field["default"], &field["type"][0]), (&Json::Null, &json!("null")));
    }
    assert!(json.contains(&quote("k117_v118")) && json.contains(r#""logicalType":"map""#));
}
