//! Files as other writers make them: without ids, under older names, with columns more or less.

use serde_json::json;

use super::surgery::Parts;
use super::*;

/// A manifest of three entries in parts.
fn manifest(version: FormatVersion) -> Parts {
    let entries: Vec<_> = match version {
        FormatVersion::V1 => (1..4).map(|n| ManifestEntry::added(file(n))).collect(),
        _ => entries(3),
    };
    Parts::of(&write(version, &entries, &WriteOptions::default()).0)
}

fn deletes() -> Parts {
    let options = WriteOptions::default();
    let content = ManifestContent::Deletes;
    let mut writer =
        ManifestWriter::new(FormatVersion::V2, &schema(), &spec(), content, SnapshotId(77), &options)
            .unwrap();
    writer.add(file(1).with_content(FileContent::PositionDeletes)).unwrap();
    writer
        .add(file(2).with_content(FileContent::EqualityDeletes).with_equality_ids(vec![FieldId(1)]))
        .unwrap();
    Parts::of(&writer.finish("m").unwrap().0)
}

fn rows() -> Vec<ManifestFile> {
    (1..3)
        .map(|number| {
            let (_, mut row) = write(FormatVersion::V2, &entries(number), &WriteOptions::default());
            row.sequence_number = Some(SequenceNumber(9));
            row.min_sequence_number = Some(SequenceNumber(3));
            row.manifest_path = format!("m{number}");
            row
        })
        .collect()
}

fn list(version: FormatVersion) -> Parts {
    let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
    let mut list = ManifestListWriter::new(version, snapshot, &WriteOptions::default()).unwrap();
    for row in rows() {
        list.write(&row).unwrap();
    }
    Parts::of(&list.finish().unwrap())
}

fn read_list(bytes: &[u8]) -> Result<Vec<ManifestFile>, SpecError> {
    Ok(ManifestListReader::new(bytes)?.collect::<Result<_, _>>()?)
}

/// What the planner says of the same file: nothing, or an error.
fn plan(bytes: &[u8]) -> Result<usize, SpecError> {
    let mut planner = ManifestPlanner::new(bytes, &[FieldId(1), FieldId(3)])?;
    let mut count = 0;
    while planner.next_entry()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn expect_schema_error(result: Result<impl std::fmt::Debug, SpecError>, part: &str) {
    let error = result.unwrap_err();
    assert!(matches!(&error, SpecError::Avro(AvroError::Schema { .. })), "{part}: {error}");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

fn expect_fault(result: Result<impl std::fmt::Debug, SpecError>, at: (u64, FieldId), expected: AvroFault) {
    let error = result.unwrap_err();
    let SpecError::Avro(AvroError::Entry { block: 0, entry, field: Some(field), fault }) = &error else {
        panic!("{at:?}: {error}")
    };
    assert_eq!(((*entry, *field), *fault), (at, expected), "{error}");
}

const REQUIRED: &[(&str, FieldId)] = &[
    ("status", field_id::STATUS),
    ("file_path", field_id::FILE_PATH),
    ("file_format", field_id::FILE_FORMAT),
    ("partition", field_id::PARTITION),
    ("record_count", field_id::RECORD_COUNT),
    ("file_size_in_bytes", field_id::FILE_SIZE_IN_BYTES),
];

#[test]
fn required_columns_that_are_null_or_missing_are_refused_by_name() {
    for (column, id) in REQUIRED {
        let bytes = manifest(FormatVersion::V2).with_null(column).build();
        expect_fault(read(&bytes), (2, *id), AvroFault::Missing);
        expect_fault(plan(&bytes), (2, *id), AvroFault::Missing);
        let bytes = manifest(FormatVersion::V2).without(column).build();
        expect_schema_error(read(&bytes), column);
        expect_schema_error(plan(&bytes), column);
    }
    expect_schema_error(read(&manifest(FormatVersion::V2).without("data_file").build()), "data_file");
    for (column, id) in [
        ("manifest_path", field_id::MANIFEST_PATH),
        ("manifest_length", field_id::MANIFEST_LENGTH),
        ("partition_spec_id", field_id::PARTITION_SPEC_ID),
        ("added_snapshot_id", field_id::ADDED_SNAPSHOT_ID),
    ] {
        for version in [FormatVersion::V1, FormatVersion::V3] {
            expect_fault(read_list(&list(version).with_null(column).build()), (1, id), AvroFault::Missing);
            expect_schema_error(read_list(&list(version).without(column).build()), column);
        }
    }
    // Without contains_null, nulls would be pruned away.
    let bytes = list(FormatVersion::V2).with_null("contains_null").build();
    expect_fault(read_list(&bytes), (1, field_id::PARTITIONS), AvroFault::Missing);
    expect_schema_error(
        read_list(&list(FormatVersion::V2).without("contains_null").build()),
        "contains_null",
    );
}

#[test]
fn columns_that_later_versions_require_have_defaults_only_in_version_1() {
    for column in ["content", "sequence_number"] {
        expect_schema_error(read_list(&list(FormatVersion::V2).without(column).build()), column);
        let mut unversioned = list(FormatVersion::V2).without(column);
        unversioned.metadata.remove("format-version");
        assert_eq!(read_list(&unversioned.build()).unwrap().len(), 2, "{column}");
    }
    let rows = read_list(&list(FormatVersion::V2).without("min_sequence_number").build()).unwrap();
    assert_eq!(rows[0].min_sequence_number, Some(SequenceNumber(0)));
}

#[test]
fn deletes_are_never_taken_for_data() {
    for broken in [deletes().without("content"), deletes().with_null("content")] {
        let bytes = broken.build();
        assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(plan(&bytes).unwrap_err().kind(), ErrorKind::InvalidData);
    }
    let found = read(&manifest(FormatVersion::V2).without("content").build()).unwrap();
    assert!(found.iter().all(|entry| entry.data_file.content == FileContent::Data));
    assert_eq!(read(&deletes().build()).unwrap()[1].data_file.content, FileContent::EqualityDeletes);
}

#[test]
fn negative_numbers_are_refused_but_an_unknown_row_count_is_not() {
    for (column, id) in [
        ("file_size_in_bytes", field_id::FILE_SIZE_IN_BYTES),
        ("sequence_number", field_id::SEQUENCE_NUMBER),
        ("file_sequence_number", field_id::FILE_SEQUENCE_NUMBER),
        ("first_row_id", field_id::FIRST_ROW_ID),
        ("content_offset", field_id::CONTENT_OFFSET),
        ("content_size_in_bytes", field_id::CONTENT_SIZE_IN_BYTES),
    ] {
        let bytes = manifest(FormatVersion::V3).with_number(column, -1).build();
        expect_fault(read(&bytes), (0, id), AvroFault::Value { found: -1 });
        expect_fault(plan(&bytes), (0, id), AvroFault::Value { found: -1 });
    }
    let count = field_id::RECORD_COUNT;
    let bytes = manifest(FormatVersion::V2).with_number("record_count", -2).build();
    expect_fault(read(&bytes), (0, count), AvroFault::Value { found: -2 });
    let bytes = manifest(FormatVersion::V2).with_number("record_count", -1).build();
    let found = read(&bytes).unwrap();
    assert_eq!(found[0].data_file.record_count, -1);
    assert_eq!(crate::expr::ColumnMetrics::record_count(&found[0].data_file), None);
    let mut planner = ManifestPlanner::new(&bytes, &[]).unwrap();
    assert_eq!(crate::expr::ColumnMetrics::record_count(&planner.next_entry().unwrap().unwrap()), None);
    // It can be carried on, but not be added, nor counted for row ids.
    let carried = &found[1..2];
    assert_eq!(carried[0].status, ManifestStatus::Existing);
    assert_eq!(write(FormatVersion::V2, carried, &WriteOptions::default()).1.existing_rows_count, Some(0));
    let refused = |version, entry: &ManifestEntry| {
        let options = WriteOptions::default();
        let content = ManifestContent::Data;
        let mut writer =
            ManifestWriter::new(version, &schema(), &spec(), content, SnapshotId(1), &options).unwrap();
        writer.write(entry).unwrap_err()
    };
    refused(FormatVersion::V2, &found[0]);
    refused(FormatVersion::V3, &found[1]);
    for (column, id) in [
        ("manifest_length", field_id::MANIFEST_LENGTH),
        ("sequence_number", field_id::MANIFEST_SEQUENCE_NUMBER),
        ("min_sequence_number", field_id::MIN_SEQUENCE_NUMBER),
        ("added_files_count", field_id::ADDED_FILES_COUNT),
        ("deleted_rows_count", field_id::DELETED_ROWS_COUNT),
        ("first_row_id", field_id::MANIFEST_FIRST_ROW_ID),
    ] {
        let bytes = list(FormatVersion::V3).with_number(column, -1).build();
        expect_fault(read_list(&bytes), (0, id), AvroFault::Value { found: -1 });
    }
}

#[test]
fn trap_22_columns_resolve_by_id_whatever_they_are_called() {
    let renamed = |parts: Parts| {
        parts.with_schema(|object| {
            if let Some(id) = object.get("field-id").cloned() {
                object.insert("name".to_owned(), json!(format!("f{id}")));
            } else if object.get("type") == Some(&json!("record")) {
                let name = format!("other_{}", object["name"].as_str().unwrap());
                object.insert("name".to_owned(), json!(name));
            }
        })
    };
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let whole = manifest(version);
        let bytes = renamed(whole.clone()).build();
        assert_eq!(read(&bytes).unwrap(), read(&whole.build()).unwrap(), "{version}");
        assert_eq!(plan(&bytes).unwrap(), 3);
        let whole = list(version);
        assert_eq!(read_list(&renamed(whole.clone()).build()).unwrap(), read_list(&whole.build()).unwrap());
    }
}

#[test]
fn trap_22_files_without_ids_resolve_by_name_the_older_ones_too() {
    let without_ids = |parts: Parts| {
        parts.with_schema(|object| {
            object.retain(|key, _| key != "field-id" && key != "element-id");
            let old = match object.get("name").and_then(|name| name.as_str()) {
                Some(name) if name.ends_with("_files_count") => name.replace("files", "data_files"),
                _ => return,
            };
            object.insert("name".to_owned(), json!(old));
        })
    };
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let whole = manifest(version);
        let bytes = without_ids(whole.clone()).build();
        assert_eq!(read(&bytes).unwrap(), read(&whole.build()).unwrap(), "{version}");
        let whole = list(version);
        let found = read_list(&without_ids(whole.clone()).build()).unwrap();
        assert_eq!(found, read_list(&whole.build()).unwrap());
        assert_eq!(found[1].existing_files_count, Some(1));
    }
}

#[test]
fn partition_fields_without_ids_resolve_by_name_and_then_by_place() {
    let whole = manifest(FormatVersion::V2);
    let expected = read(&whole.build()).unwrap();
    // As the field is called in the spec, which is no legal name; sanitized in another way; and with nothing to go by.
    for name in ["when.day", "when_day", "f0"] {
        let bytes = whole
            .clone()
            .with_schema(|object| {
                if object.get("field-id").and_then(|id| id.as_i64()).is_some_and(|id| id >= 1000) {
                    object.remove("field-id");
                    if object.remove("iceberg-field-name").is_some() {
                        object.insert("name".to_owned(), json!(name));
                    }
                }
            })
            .build();
        assert_eq!(read(&bytes).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_file_that_says_nothing_of_its_partitions_is_taken_at_its_word() {
    let mut parts = manifest(FormatVersion::V2);
    let expected = read(&parts.build()).unwrap();
    parts.metadata.clear();
    let bytes = parts.build();
    assert_eq!(read(&bytes).unwrap(), expected);
    let reader = ManifestReader::new(&bytes).unwrap();
    assert_eq!(reader.header().partition_type, spec().partition_type(&schema()));
    // But if it says that there are none, there are none.
    let mut unpartitioned = manifest(FormatVersion::V2);
    unpartitioned.metadata.insert("partition-spec".to_owned(), b"[]".to_vec());
    assert!(read(&unpartitioned.build()).unwrap()[0].data_file.partition.is_empty());
}

#[test]
fn trap_25_zone_of_partition_timestamps_comes_from_the_table() {
    let whole = manifest(FormatVersion::V2);
    let expected = read(&whole.build()).unwrap();
    assert!(matches!(expected[0].data_file.partition[4], Some(Value::Timestamp(_))));
    let set = |utc: Option<bool>| {
        whole.clone().with_schema(|object| {
            if object.remove("adjust-to-utc").is_some()
                && let Some(utc) = utc
            {
                object.insert("adjust-to-utc".to_owned(), json!(utc));
            }
        })
    };
    for utc in [None, Some(false), Some(true)] {
        assert_eq!(read(&set(utc).build()).unwrap(), expected, "{utc:?}");
    }
    let plain = whole.clone().with_schema(|object| {
        if object.get("logicalType") != Some(&json!("map"))
            && object.get("logicalType") != Some(&json!("decimal"))
        {
            object.remove("logicalType");
        }
    });
    assert_eq!(read(&plain.build()).unwrap(), expected);
    for other in ["timestamp-millis", "timestamp-nanos", "time-micros"] {
        let bytes = whole
            .clone()
            .with_schema(|object| {
                if object.get("logicalType") == Some(&json!("timestamp-micros")) {
                    object.insert("logicalType".to_owned(), json!(other));
                }
            })
            .build();
        expect_schema_error(read(&bytes), other);
    }
    let scaled = whole.with_schema(|object| {
        if object.get("logicalType") == Some(&json!("decimal")) {
            object.insert("scale".to_owned(), json!(3));
        }
    });
    expect_schema_error(read(&scaled.build()), "scale");
}

#[test]
fn ints_for_longs_and_unions_the_other_way_round_read_alike() {
    let narrow = |parts: Parts| {
        parts.with_schema(|object| {
            for value in object.values_mut() {
                if *value == json!("long") {
                    *value = json!("int");
                } else if *value == json!(["null", "long"]) {
                    *value = json!(["null", "int"]);
                }
            }
        })
    };
    let (whole, rows) = (manifest(FormatVersion::V3), list(FormatVersion::V3));
    let (expected, expected_rows) = (read(&whole.build()).unwrap(), read_list(&rows.build()).unwrap());
    assert_eq!(read(&narrow(whole.clone()).build()).unwrap(), expected);
    assert_eq!(read(&whole.with_unions_reversed().build()).unwrap(), expected);
    assert_eq!(read_list(&narrow(rows.clone()).build()).unwrap(), expected_rows);
    assert_eq!(read_list(&rows.with_unions_reversed().build()).unwrap(), expected_rows);
}

#[test]
fn lower_case_formats_and_missing_columns_are_fine() {
    let mut parts = manifest(FormatVersion::V2).without("snapshot_id");
    let text = AvroValue::String("parquet".to_owned());
    parts.edit("file_format", |_, _| {}, |values, at| values[at] = text.clone());
    for column in ["column_sizes", "value_counts", "lower_bounds", "split_offsets", "sort_order_id"] {
        parts = parts.without(column);
    }
    let mut entry = read(&parts.build()).unwrap().remove(0);
    assert_eq!(entry.data_file.file_format, FileFormat::Parquet);
    assert_eq!(entry.snapshot_id, None);
    ManifestFile::new("m", 1, PartitionSpecId(3), SnapshotId(5)).inherit().apply(&mut entry).unwrap();
    assert_eq!(entry.snapshot_id, Some(SnapshotId(5)));
    assert!(entry.data_file.column_sizes.is_empty() && entry.data_file.split_offsets.is_empty());
}

#[test]
fn maps_of_another_make_are_refused() {
    let whole = manifest(FormatVersion::V2);
    let change = |of: serde_json::Value, value: AvroValue| {
        let mut parts = whole.clone();
        parts.edit(
            "value_counts",
            |fields, at| fields[at]["type"] = json!(["null", of]),
            |values, at| values[at] = AvroValue::Union(1, Box::new(value.clone())),
        );
        parts.build()
    };
    let pair = |first: &str, second: &str, of: serde_json::Value| {
        json!({"type": "array", "items": {"type": "record", "name": "p", "fields": [
            {"name": first, "type": "int"}, {"name": second, "type": of}]}})
    };
    for bytes in [
        change(json!({"type": "map", "values": "long"}), AvroValue::Map(Vec::new())),
        change(pair("value", "key", json!("long")), AvroValue::Array(Vec::new())),
        change(pair("key", "value", json!(["null", "long"])), AvroValue::Array(Vec::new())),
        change(pair("key", "value", json!("string")), AvroValue::Array(Vec::new())),
    ] {
        expect_schema_error(read(&bytes), "value_counts");
        expect_schema_error(plan(&bytes), "value_counts");
    }
}

#[test]
fn columns_that_are_there_twice_or_in_the_wrong_record_are_refused() {
    let path = json!({"name": "again", "type": "string", "field-id": 100});
    let text = AvroValue::String("elsewhere".to_owned());
    let twice = manifest(FormatVersion::V2).with_column("file_path", path.clone(), text.clone()).build();
    expect_schema_error(read(&twice), "twice");
    let displaced =
        manifest(FormatVersion::V2).without("file_path").with_column("status", path, text).build();
    expect_schema_error(read(&displaced), "displaced");
}

#[test]
fn extra_fields_of_every_record_survive_a_rewrite() {
    let string = |name: &str, id: i32| json!({"name": name, "type": ["null", "string"], "field-id": id});
    let text = |text: &str| AvroValue::Union(1, Box::new(AvroValue::String(text.to_owned())));
    let nested = json!({"name": "tags", "type": {"type": "array", "items": {"type": "record", "name": "tag", "fields": [
        {"name": "a", "type": "double"}, {"name": "b", "type": {"type": "map", "values": "boolean"}}]}}});
    let tags = AvroValue::Array(vec![AvroValue::Record(vec![
        AvroValue::Double(1.5),
        AvroValue::Map(vec![("k".to_owned(), AvroValue::Boolean(true))]),
    ])]);
    let first = manifest(FormatVersion::V2)
        .with_column("file_path", string("datashard_sha256", 9001), text("abc"))
        .with_column("status", string("datashard_note", 9002), text("n"))
        .with_column("file_path", nested, tags.clone())
        .build();
    let entries = read(&first).unwrap();
    assert_eq!(plan(&first).unwrap(), 3);
    let fields = ManifestReader::new(&first).unwrap().header().extra_fields.clone();
    let (second, _) = write(FormatVersion::V3, &entries, &WriteOptions::default().with_extra_fields(fields));
    assert_eq!(read(&second).unwrap(), entries);
    let entry = &entries[2];
    assert_eq!(entry.data_file.extras.by_id(FieldId(9001)).and_then(AvroValue::as_str), Some("abc"));
    assert_eq!(entry.extras.by_id(FieldId(9002)).and_then(AvroValue::as_str), Some("n"));
    assert_eq!(entry.data_file.extras.by_name("tags"), Some(&tags));

    let first = list(FormatVersion::V2)
        .with_column("manifest_path", string("datashard_origin", 9003), text("here"))
        .with_column("contains_null", string("histogram", 9004), text("h"))
        .build();
    let rows = read_list(&first).unwrap();
    assert_eq!(rows[0].extras.by_id(FieldId(9003)).and_then(AvroValue::as_str), Some("here"));
    let summary = &rows[0].partitions.as_ref().unwrap()[1];
    assert_eq!(summary.extras.by_name("histogram").and_then(AvroValue::as_str), Some("h"));
    let fields = ManifestListReader::new(&first).unwrap().extra_fields();
    let options = WriteOptions::default().with_extra_fields(fields);
    let snapshot = ListSnapshot::new(SnapshotId(78), SEQUENCE);
    let mut again = ManifestListWriter::new(FormatVersion::V2, snapshot, &options).unwrap();
    rows.iter().for_each(|row| again.write(row).unwrap());
    assert_eq!(read_list(&again.finish().unwrap()).unwrap(), rows);
}

#[test]
fn extra_fields_that_hide_a_column_are_not_written() {
    let extra = ExtraField::optional_string(ExtraLocation::DataFile, FieldId(9001), "file_path");
    let options = WriteOptions::default().with_extra_fields(vec![extra]);
    let content = ManifestContent::Data;
    let error = ManifestWriter::new(FormatVersion::V2, &schema(), &spec(), content, SnapshotId(1), &options);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn trap_26_partition_lists_carry_their_element_ids() {
    let ids = |parts: &Parts| {
        let mut ids = Vec::new();
        let _ = parts
            .clone()
            .with_schema(|object| ids.extend(object.get("element-id").and_then(|id| id.as_i64())));
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&manifest(FormatVersion::V2)), [133, 136]);
    assert_eq!(ids(&manifest(FormatVersion::V1)), [133]);
    assert_eq!(ids(&list(FormatVersion::V2)), [508]);
}

#[test]
fn entries_of_version_1_manifests_inherit_whatever_their_status() {
    let (bytes, mut row) = write(
        FormatVersion::V1,
        &[ManifestStatus::Existing, ManifestStatus::Added, ManifestStatus::Deleted]
            .map(|status| ManifestEntry::new(status, file(3)).with_snapshot_id(SnapshotId(5))),
        &WriteOptions::default(),
    );
    let inline = ManifestFile::inline("m0.avro", row.manifest_length, PartitionSpecId(3), SnapshotId(9));
    assert!(inline.may_have_live_files() && inline.may_have_deleted_files());
    // As a list of version 2 takes it over.
    row.sequence_number = Some(SequenceNumber(0));
    for manifest in [inline, row] {
        let mut inherit = manifest.inherit();
        for mut entry in read(&bytes).unwrap() {
            inherit.apply(&mut entry).unwrap();
            assert_eq!(entry.snapshot_id, Some(SnapshotId(5)));
            assert_eq!(entry.data_sequence_number, Some(DataSequenceNumber(0)));
            assert_eq!(entry.file_sequence_number, Some(FileSequenceNumber(0)));
        }
    }
    let unnamed = Parts::of(&bytes).without("snapshot_id").build();
    let mut entry = read(&unnamed).unwrap().remove(0);
    ManifestFile::inline("m", 1, PartitionSpecId(3), SnapshotId(9)).inherit().apply(&mut entry).unwrap();
    assert_eq!(entry.snapshot_id, Some(SnapshotId(9)));
}
