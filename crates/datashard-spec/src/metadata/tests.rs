//! Tests of reading and writing whole documents, over small inline ones.

use super::*;
use crate::ErrorKind;
use crate::json::JsonError;
use crate::schema::{ListType, NestedField, PrimitiveType, StructType, Type};

/// A v2 table with three snapshots on main, a staged one, a tag, and a key of the future in every object.
pub(super) const V2: &str = r#"{
  "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "s3://b/t",
  "last-sequence-number": 4, "last-updated-ms": 4000000, "last-column-id": 3,
  "current-schema-id": 1,
  "schemas": [
    {"type": "struct", "schema-id": 0, "x-schema": 1,
     "fields": [{"id": 1, "name": "id", "required": true, "type": "long", "x-field": 2}]},
    {"type": "struct", "schema-id": 1, "identifier-field-ids": [1], "fields": [
      {"id": 1, "name": "id", "required": true, "type": "long"},
      {"id": 2, "name": "at", "required": false, "type": "timestamptz"},
      {"id": 3, "name": "who", "required": false, "type": "string"}]}],
  "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "x-spec": 3, "fields": [
      {"name": "at_day", "transform": "day", "source-id": 2, "field-id": 1000, "x-part": 4},
      {"name": "odd", "transform": "zigzag[3]", "source-id": 1, "field-id": 1001}]}],
  "last-partition-id": 1001,
  "default-sort-order-id": 1, "sort-orders": [
      {"order-id": 1, "x-order": 5, "fields": [
        {"transform": "identity", "source-id": 1, "direction": "asc", "null-order": "nulls-first", "x-sort": 6}]},
      {"order-id": 0, "fields": []}],
  "properties": {"owner": "x", "comment": "\u00fc"},
  "current-snapshot-id": 30,
  "refs": {"main": {"snapshot-id": 30, "type": "branch", "max-snapshot-age-ms": 7, "x-ref": 7},
           "t": {"snapshot-id": 10, "type": "tag", "max-ref-age-ms": 9}},
  "snapshots": [
    {"snapshot-id":10,"parent-snapshot-id":-1,"sequence-number":1,"timestamp-ms":1000000,"schema-id":0,
     "manifest-list":"s3://b/t/metadata/snap-10.avro","summary":{"operation":"append","total-records":"5"}, "x-snap" : [ 1, 2 ] },
    {"sequence-number":2,"snapshot-id":20,"parent-snapshot-id":10,"timestamp-ms":2000000,
     "manifest-list":"s3://b/t/metadata/snap-20.avro","summary":{"operation":"mix"},"schema-id":0},
    {"sequence-number":3,"snapshot-id":30,"parent-snapshot-id":20,"timestamp-ms":3000000,
     "manifest-list":"s3://b/t/metadata/snap-30.avro","summary":{"operation":"delete"},"schema-id":1},
    {"sequence-number":4,"snapshot-id":40,"parent-snapshot-id":20,"timestamp-ms":4000000,
     "manifest-list":"s3://b/t/metadata/snap-40.avro","summary":{"operation":"append","wap.id":"w"},"schema-id":1}],
  "snapshot-log": [{"timestamp-ms": 1000000, "snapshot-id": 10, "x-log": {"a": null}},
                   {"snapshot-id": 20, "timestamp-ms": 2000000}, {"snapshot-id": 30, "timestamp-ms": 3000000}],
  "metadata-log": [{"metadata-file": "s3://b/t/metadata/v1.metadata.json", "timestamp-ms": 900000, "x-mlog": 8}],
  "statistics": [{"snapshot-id": 10, "statistics-path": "s", "file-size-in-bytes": 5, "file-footer-size-in-bytes": 4,
    "key-metadata": "aGk=", "x-stat": 9, "blob-metadata": [{"type": "theta", "snapshot-id": 10, "sequence-number": 1,
      "fields": [1, 2], "properties": {"ndv": "5"}, "x-blob": 10}]}],
  "partition-statistics": [{"snapshot-id": 20, "statistics-path": "p", "file-size-in-bytes": 6, "x-pstat": 11}],
  "x-top": {"deep": [[[{}]]]}
}"#;

const V1: &str = r#"{"format-version":1,"location":"/t","last-updated-ms":5,"last-column-id":1,
  "schema":{"type":"struct","fields":[{"id":1,"name":"id","required":true,"type":"long"}]},
  "partition-spec":[{"name":"id_b","transform":"bucket[4]","source-id":1}],"properties":{},
  "current-snapshot-id":7,"snapshots":[{"snapshot-id":7,"timestamp-ms":5,"manifests":["m1","m2"]}]}"#;

pub(super) fn v2() -> TableMetadata {
    TableMetadata::from_json(V2.as_bytes()).unwrap()
}

pub(super) fn v1() -> TableMetadata {
    TableMetadata::from_json(V1.as_bytes()).unwrap()
}

fn error(json: &str) -> SpecError {
    TableMetadata::from_json(json.as_bytes()).expect_err(json)
}

#[test]
fn every_part_of_a_document_is_read() {
    let table = v2();
    table.check_all().unwrap();
    assert_eq!(table.format_version(), FormatVersion::V2);
    assert_eq!(table.current_schema().fields().len(), 3);
    assert_eq!(table.default_sort_order().fields.len(), 1);
    assert_eq!(table.current_snapshot_id(), Some(SnapshotId(30)));
    assert_eq!(table.snapshot_ids().map(|id| id.0).collect::<Vec<_>>(), [10, 20, 30, 40]);
    assert_eq!(table.snapshot(SnapshotId(10)).unwrap().unwrap().parent_id, None);
    assert_eq!(table.snapshot(SnapshotId(11)).unwrap(), None);
    assert_eq!(table.current_snapshot().unwrap().unwrap().parent_id, Some(SnapshotId(20)));
    assert_eq!(table.properties()["comment"], "ü");
    assert_eq!(table.snapshot_log().len(), 3);
    assert_eq!(table.statistics()[0].blobs[0].properties, [("ndv".to_owned(), "5".to_owned())]);
    assert_eq!(table.partition_statistics()[0].path, "p");
}

#[test]
fn documents_read_back_equal_after_writing() {
    for table in [v1(), v2()] {
        let json = table.to_json();
        let again = TableMetadata::from_json(json.as_bytes()).unwrap();
        assert_eq!(again, table);
        assert_eq!(again.to_json(), json);
    }
}

#[test]
fn trap_13_unknown_keys_of_every_object_survive_reading_updating_and_writing() {
    let update = TableUpdate::SetProperties { updates: [("k".to_owned(), "v".to_owned())].into() };
    let upgrade = TableUpdate::UpgradeFormatVersion { format_version: FormatVersion::V3 };
    let table = v2().apply(&[update, upgrade], &ApplyContext::new(5_000_000)).unwrap();
    let json = table.to_json();
    for pair in [
        r#""x-schema":1"#,
        r#""x-field":2"#,
        r#""x-spec":3"#,
        r#""x-part":4"#,
        r#""x-order":5"#,
        r#""x-sort":6"#,
        r#""x-ref":7"#,
        r#""x-mlog":8"#,
        r#""x-stat":9"#,
        r#""x-blob":10"#,
        r#""x-pstat":11"#,
        r#""x-log":{"a": null}"#,
        r#""x-snap" : [ 1, 2 ]"#,
        r#""x-top":{"deep": [[[{}]]]}"#,
        r#""transform":"zigzag[3]""#,
    ] {
        assert_eq!(json.matches(pair).count(), 1, "{pair} in {json}");
    }
}

#[test]
fn trap_30_snapshots_that_were_read_are_written_byte_for_byte_whether_or_not_asked_for() {
    let raw = &V2[V2.find(r#"{"snapshot-id":10,"#).unwrap()..];
    let raw = &raw[..raw.find("[ 1, 2 ] }").unwrap() + "[ 1, 2 ] }".len()];
    let table = v2();
    assert!(table.to_json().contains(raw));
    table.check_all().unwrap();
    assert!(table.to_json().contains(raw));
    assert_eq!(table.snapshot_json(SnapshotId(10)).unwrap(), raw);
    assert_eq!(table.snapshot_json(SnapshotId(11)), None);
    let added = crate::snapshot::Snapshot::new(SnapshotId(50), 5_000_000, "l")
        .with_sequence_number(SequenceNumber(5))
        .with_summary(crate::snapshot::Summary::new(crate::snapshot::Operation::Append));
    let update = TableUpdate::AddSnapshot { snapshot: added.clone() };
    let next = table.apply(&[update], &ApplyContext::new(5_000_000)).unwrap();
    assert_eq!(next.snapshot_json(SnapshotId(50)).unwrap(), added.to_json(FormatVersion::V2));
    let next = table.apply(&[], &ApplyContext::new(5_000_000)).unwrap();
    assert!(next.to_json().contains(raw));
}

#[test]
fn small_keys_come_first_and_snapshots_last() {
    let json = v2().to_json();
    let at = |key: &str| json.find(&format!("{key:?}:")).unwrap();
    let order =
        ["format-version", "table-uuid", "location", "properties", "schemas", "snapshot-log", "snapshots"];
    assert!(order.map(at).is_sorted(), "{json}");
    assert!(json.starts_with(r#"{"format-version":2,"#) && json.ends_with("]}"), "{json}");
}

#[test]
fn v1_defaults_fill_what_early_writers_left_out() {
    let table = v1();
    assert_eq!(table.table_uuid(), None);
    assert_eq!(table.last_sequence_number(), SequenceNumber(0));
    assert_eq!(table.current_schema_id(), SchemaId(0));
    assert_eq!(table.default_partition_spec().fields[0].field_id, FieldId(1000));
    assert_eq!(table.last_partition_id(), FieldId(1000));
    assert!(table.default_sort_order().fields.is_empty());
    assert_eq!(table.refs()["main"], SnapshotRef::branch(SnapshotId(7)));
    let json = table.to_json();
    for key in ["schema", "schemas", "partition-spec", "partition-specs", "last-partition-id", "sort-orders"]
    {
        assert_eq!(json.matches(&format!("\"{key}\":")).count(), 1, "{key} in {json}");
    }
    assert!(!json.contains("sequence-number"), "{json}");
}

#[test]
fn no_current_snapshot_is_minus_one_before_v3_and_absent_in_v3() {
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    for (version, expect) in
        [(FormatVersion::V1, true), (FormatVersion::V2, true), (FormatVersion::V3, false)]
    {
        let builder = TableMetadata::builder(schema.clone(), "/t/", Uuid::from_u128(1), 1);
        let table = builder.with_format_version(version).build().unwrap();
        let json = table.to_json();
        assert_eq!(json.contains(r#""current-snapshot-id":-1"#), expect, "{json}");
        assert_eq!(json.contains("next-row-id"), version == FormatVersion::V3);
        assert_eq!(TableMetadata::from_json(json.as_bytes()).unwrap(), table);
        assert_eq!(table.location(), "/t");
        for none in ["-1", "null"] {
            let json = json.replace(r#""current-snapshot-id":-1,"#, "");
            let json = json.replacen('{', &format!(r#"{{"current-snapshot-id":{none},"#), 1);
            assert_eq!(TableMetadata::from_json(json.as_bytes()).unwrap(), table);
            // As one writer has it.
            let json = json.replace(r#""refs":{}"#, r#""refs":{"main":{"snapshot-id":-1,"type":"branch"}}"#);
            assert_eq!(TableMetadata::from_json(json.as_bytes()).unwrap(), table);
        }
    }
}

#[test]
fn a_new_table_gets_fresh_ids_and_keeps_no_reserved_property() {
    let inner = StructType::new(vec![NestedField::optional(50, "x", PrimitiveType::Int)]);
    let list = ListType::optional(40, inner);
    let fields =
        vec![NestedField::optional(30, "l", list), NestedField::required(20, "id", PrimitiveType::Long)];
    let schema = Schema::new(fields).unwrap().with_identifier_fields([FieldId(20)]).unwrap();
    let field = |source| {
        crate::partition::PartitionField::new(
            FieldId(source),
            FieldId(5),
            "b",
            crate::transform::Transform::Bucket(4),
        )
    };
    let spec = |source| PartitionSpec::new(PartitionSpecId(9), vec![field(source)]);
    let builder = TableMetadata::builder(schema, "/t", Uuid::from_u128(1), 77);
    let properties = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);

    let table =
        builder.clone().with_partition_spec(spec(20)).with_properties(properties("format-version", "3"));
    let table = table.build().unwrap();
    assert_eq!(table.format_version(), FormatVersion::V3);
    assert!(!table.properties().contains_key("format-version"));
    assert_eq!(table.properties()["write.parquet.compression-codec"], "zstd");
    let ids: Vec<_> = table.current_schema().all_fields().map(|f| (f.full_name.to_owned(), f.id.0)).collect();
    let expect =
        [("l", 1), ("l.element", 3), ("l.element.x", 4), ("id", 2)].map(|(n, id)| (n.to_owned(), id));
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>(), expect.iter().collect());
    assert_eq!(table.last_column_id(), FieldId(4));
    assert_eq!(table.current_schema().identifier_field_ids(), &[FieldId(2)].into());
    let made = &table.default_partition_spec().fields[0];
    assert_eq!((made.source_id(), made.field_id), (Some(FieldId(2)), FieldId(1000)));
    assert_eq!((table.last_partition_id(), table.last_updated_ms()), (FieldId(1000), 77));

    for bad in [
        builder.clone().with_partition_spec(spec(21)),
        builder.clone().with_partition_spec(spec(30)),
        builder.clone().with_properties(properties("format-version", "4")),
    ] {
        assert_eq!(bad.build().unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let table = builder.clone().with_properties(properties("uuid", "x")).build().unwrap();
    assert!(!table.properties().contains_key("uuid"), "accepted and not stored");
    let inner = StructType::new(vec![NestedField::optional(1, "b", PrimitiveType::Int)]);
    let fields =
        vec![NestedField::optional(2, "a", inner), NestedField::optional(3, "a.b", PrimitiveType::Int)];
    let ambiguous = TableMetadata::builder(Schema::new(fields).unwrap(), "/t", Uuid::nil(), 1);
    assert_eq!(ambiguous.build().unwrap_err().kind(), ErrorKind::AlreadyExists);
    for (location, expect) in
        [("s3://b/t//", "s3://b/t"), ("file:///", "file:///"), ("file:///t/", "file:///t"), ("/t", "/t")]
    {
        let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
        let table = TableMetadata::builder(schema, location, Uuid::nil(), 1).build().unwrap();
        assert_eq!(table.location(), expect);
    }
    let variant = Schema::new(vec![NestedField::optional(1, "v", Type::Variant)]).unwrap();
    let error = TableMetadata::builder(variant, "/t", Uuid::nil(), 1).build().unwrap_err().to_string();
    assert!(error.contains("version v3"), "{error}");
}

#[test]
fn contradictions_are_refused_with_their_place() {
    let check = |from: &str, to: &str, expect: &str| {
        assert!(V2.contains(from), "{from}");
        let error = error(&V2.replacen(from, to, 1));
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(r#""format-version": 2"#, r#""format-version": 4"#, "version 4 is not supported");
    check(r#""table-uuid": "9c12"#, r#""table-uuid": "zz"#, "$.table-uuid: expected a UUID");
    check(r#""table-uuid""#, r#""table-u""#, r#"$: required key "table-uuid" is missing"#);
    check(
        r#""current-schema-id": 1"#,
        r#""current-schema-id": 5"#,
        "$.current-schema-id: there is no schema 5",
    );
    check(r#""schema-id": 1"#, r#""schema-id": 0"#, "$.schemas: schema 0 occurs twice");
    check(
        r#""default-spec-id": 0"#,
        r#""default-spec-id": 1"#,
        "$.default-spec-id: there is no partition spec 1",
    );
    check(r#""default-sort-order-id": 1"#, r#""default-sort-order-id": 3"#, "there is no sort order 3");
    check(r#""current-snapshot-id": 30"#, r#""current-snapshot-id": 20"#, "20 and main at 30");
    check(r#""current-snapshot-id": 30"#, r#""current-snapshot-id": -1"#, "none and main at 30");
    check(
        r#"{"snapshot-id": 10, "type": "tag""#,
        r#"{"snapshot-id": 11, "type": "tag""#,
        "$.refs.t: there is no snapshot 11",
    );
    check(r#""max-ref-age-ms": 9"#, r#""max-ref-age-ms": 0"#, "$.refs.t.max-ref-age-ms: a retention setting");
    check(r#""type": "branch""#, r#""type": "tag""#, "main is a branch");
    check(r#""snapshot-id":20,"#, r#""snapshot-id":10,"#, "$.snapshots: snapshot 10 occurs twice");
    check(r#""snapshot-id":20,"#, r#""snapshot-id":-20,"#, "$.snapshots[1].snapshot-id: an id is positive");
    check(r#""snapshot-id":20,"#, "", r#"$.snapshots[1]: required key "snapshot-id" is missing"#);
    check(r#""timestamp-ms": 2000000"#, r#""timestamp-ms": 3060001"#, "$.snapshot-log[1]");
    check(r#""last-updated-ms": 4000000"#, r#""last-updated-ms": 2939999"#, "$.snapshot-log[2]");
    check(r#""timestamp-ms": 900000"#, r#""timestamp-ms": 4060001"#, "$.metadata-log[0]");
    check(r#""last-sequence-number": 4"#, r#""last-sequence-number": -1"#, "a counter is not negative");
    // Within the minute that clocks may differ.
    for (from, to) in [
        ("\"timestamp-ms\": 2000000", "\"timestamp-ms\": 3060000"),
        ("4000000, \"last-c", "2940000, \"last-c"),
    ] {
        assert!(V2.contains(from));
        TableMetadata::from_json(V2.replacen(from, to, 1).as_bytes()).unwrap();
    }
}

#[test]
fn malformed_snapshots_are_found_when_asked_for_and_by_checking_all() {
    let check = |from: &str, to: &str, expect: &str| {
        let table = TableMetadata::from_json(V2.replacen(from, to, 1).as_bytes()).unwrap();
        let error = table.check_all().unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
    };
    check(
        r#""timestamp-ms":2000000"#,
        r#""timestamp-ms":"x""#,
        "$.snapshots[1].timestamp-ms: expected a 64-bit",
    );
    check(r#""timestamp-ms":2000000"#, r#""timestamp-ms":1e400"#, "$.snapshots[1].timestamp-ms");
    check(r#""operation":"mix""#, r#""operation":"mix","operation":"a""#, "$.snapshots[1].summary: key");
    check(r#""sequence-number":2"#, r#""sequence-number":5"#, "$.snapshots[1].sequence-number");
    check(r#""schema-id":0}"#, r#""schema-id":8}"#, "$.snapshots[1].schema-id: there is no schema 8");
    check(r#""parent-snapshot-id":-1"#, r#""parent-snapshot-id":30"#, "its own ancestor");
    let table =
        TableMetadata::from_json(V2.replacen(r#""timestamp-ms":2000000"#, r#""t":0"#, 1).as_bytes()).unwrap();
    assert!(table.snapshot(SnapshotId(20)).is_err());
    assert!(table.current_snapshot().is_ok(), "another snapshot does not matter");
}

#[test]
fn cut_at_every_byte_a_document_is_an_error_and_nothing_else() {
    for text in [V1, V2] {
        for end in 0..text.len() {
            let error = TableMetadata::from_json(&text.as_bytes()[..end]).expect_err("cut short");
            assert_eq!(error.kind(), ErrorKind::InvalidData, "cut at {end}: {error}");
        }
    }
}

#[test]
fn one_bit_flipped_anywhere_never_panics() {
    for text in [V1, V2] {
        for at in 0..text.len() {
            for bit in [0x01, 0x10] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= bit;
                if let Ok(table) = TableMetadata::from_json(&bytes) {
                    let _ = table.check_all();
                    assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
                }
            }
        }
    }
}

#[test]
fn hostile_documents_are_typed_errors() {
    let check = |json: String| match error(&json) {
        SpecError::Json(JsonError::TooDeep { .. } | JsonError::Duplicate { .. }) => {}
        SpecError::Json(JsonError::Unexpected { .. } | JsonError::Syntax { .. }) => {}
        other => panic!("{other}"),
    };
    for key in ["format-version", "refs", "snapshots", "snapshot-log", "x-top"] {
        let twice = V2.replacen(&format!("{key:?}:"), &format!("{key:?}: 0, {key:?}:"), 1);
        check(twice);
    }
    check(V2.replacen(r#""snapshots": ["#, r#""snapshots": [], "snapshots": ["#, 1));
    check(V2.replacen(r#""snapshot-log": ["#, r#""snapshot-log": {}, "x": ["#, 1));
    check(V2.replacen(r#"{"snapshot-id": 20, "#, r#"{"snapshot-id": 20, "snapshot-id": 20, "#, 1));
    check(V2.replacen(": 4000000", ": 99999999999999999999999", 1));
    check(V2.replacen(": 4000000", &format!(": 1{}", "0".repeat(1000)), 1));
    let deep = "{\"type\":\"list\",\"element-id\":9,\"element-required\":true,\"element\":".repeat(100_000);
    check(V2.replacen(
        r#""type": "timestamptz""#,
        &format!("\"type\": {deep}\"int\"{}", "}".repeat(100_000)),
        1,
    ));
    check("[".repeat(1_000_000));
    check("7".to_owned());
    check(format!("{V2} x"));
    // In keys that nobody looks into, depth does no harm.
    let nested = format!("\"x-top\": {}{},\"y\":", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let table = TableMetadata::from_json(V2.replacen("\"x-top\":", &nested, 1).as_bytes()).unwrap();
    assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
    assert!(TableMetadata::from_json(b"{\"format-version\": 2, \"\xff\": 1}").is_err());
}

#[test]
fn ancestors_end_at_the_root_at_an_expired_parent_and_in_a_circle() {
    let ids = |table: &TableMetadata, from: i64| -> Vec<i64> {
        table.ancestors(SnapshotId(from)).map(|snapshot| snapshot.unwrap().id.0).collect()
    };
    let table = v2();
    assert_eq!(ids(&table, 30), [30, 20, 10]);
    assert_eq!(ids(&table, 99), [0_i64; 0]);
    assert!(table.is_ancestor(SnapshotId(10), SnapshotId(40)).unwrap());
    assert!(!table.is_ancestor(SnapshotId(30), SnapshotId(40)).unwrap());
    let expired = V2.replacen(r#""parent-snapshot-id":10"#, r#""parent-snapshot-id":9"#, 1);
    assert_eq!(ids(&TableMetadata::from_json(expired.as_bytes()).unwrap(), 30), [30, 20]);
    let circle = V2.replacen(r#""parent-snapshot-id":-1"#, r#""parent-snapshot-id":30"#, 1);
    let circle = TableMetadata::from_json(circle.as_bytes()).unwrap();
    assert_eq!(ids(&circle, 30).len(), 4, "as many steps as there are snapshots");
    assert!(!circle.is_ancestor(SnapshotId(40), SnapshotId(30)).unwrap());
}

#[test]
fn time_travel_follows_the_log_and_does_not_guess() {
    let table = v2();
    let at = |ms| table.snapshot_at(ms).map(|snapshot| snapshot.id.0);
    assert_eq!(at(1_000_000), Ok(10));
    assert_eq!(at(2_999_999), Ok(20));
    assert_eq!(at(i64::MAX), Ok(30), "the staged snapshot 40 was never current");
    let error = at(999_999).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("1000000"), "{error}");
    assert_eq!(v1().snapshot_at(9).unwrap_err().kind(), ErrorKind::NotFound, "no log");
}

#[test]
fn branches_are_read_with_the_current_schema_and_the_rest_with_the_snapshots_own() {
    let table = v2();
    let id = |schema: Result<&Arc<Schema>, SpecError>| schema.map(|schema| schema.id().0);
    assert_eq!(id(table.schema_for_ref("main")), Ok(1));
    assert_eq!(id(table.schema_for_ref("t")), Ok(0));
    assert_eq!(id(table.schema_for_snapshot(SnapshotId(20))), Ok(0));
    assert_eq!(id(v1().schema_for_snapshot(SnapshotId(7))), Ok(0), "the snapshot does not say");
    assert_eq!(id(table.schema_for_ref("u")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(id(table.schema_for_snapshot(SnapshotId(1))).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(table.snapshot_of_ref("t").unwrap().id, SnapshotId(10));
}

#[test]
fn errors_of_every_kind_say_how_to_treat_them() {
    let text = || "x".to_owned();
    let id = SnapshotId(1);
    let number = SequenceNumber;
    let kinds = [
        (MetadataError::FormatVersion { found: 9 }, ErrorKind::Unsupported),
        (MetadataError::Inconsistent { key: text(), reason: "r", found: text() }, ErrorKind::InvalidData),
        (MetadataError::Dangling { key: text(), what: "w", id: 1 }, ErrorKind::InvalidData),
        (MetadataError::DuplicateId { key: "k", what: "w", id: 1 }, ErrorKind::InvalidData),
        (MetadataError::LogOrder { log: "l", index: 1, at_ms: 2, next_ms: 1 }, ErrorKind::InvalidData),
        (MetadataError::Gzip { reason: text() }, ErrorKind::InvalidData),
        (MetadataError::GzipUnsupported, ErrorKind::Unsupported),
        (MetadataError::TooLarge { limit_bytes: 1 }, ErrorKind::InvalidData),
        (MetadataError::NotFound { what: "w", name: text() }, ErrorKind::NotFound),
        (MetadataError::NoSnapshotAt { at_ms: 1, first_ms: None }, ErrorKind::NotFound),
        (MetadataError::AlreadyExists { what: "w", name: text() }, ErrorKind::AlreadyExists),
        (MetadataError::Refused { update: "u", reason: "r", found: text() }, ErrorKind::InvalidInput),
        (
            MetadataError::StaleSequenceNumber { snapshot_id: id, found: number(1), last: number(2) },
            ErrorKind::Conflict,
        ),
        (MetadataError::StaleFirstRowId { snapshot_id: id, found: 1, next: 2 }, ErrorKind::Conflict),
        (
            MetadataError::RequirementNotMet { what: text(), expected: text(), found: text() },
            ErrorKind::Conflict,
        ),
        (MetadataError::TableExists, ErrorKind::AlreadyExists),
        (MetadataError::TableMissing, ErrorKind::NotFound),
    ];
    for (error, kind) in kinds {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            !SpecError::from(error).is_retryable(),
            "the same call fails again: the base must be loaded anew"
        );
    }
}

#[test]
fn times_stay_linear_when_one_object_holds_very_many_keys() {
    let keys: String = (0..50_000).map(|n| format!("\"k{n}\":0,")).collect();
    for place in [r#"{"timestamp-ms": 1000000, "#, r#"{"format-version": 2, "#, r#""properties": {"#] {
        let (head, value) = if place.contains("prop") { (place, "\"v\"") } else { (place, "0") };
        let start = if place.contains("format") { "{\n  \"format-version\": 2, " } else { head };
        assert!(V2.contains(start), "{start}");
        let many = V2.replacen(start, &format!("{start}{}", keys.replace(":0", &format!(":{value}"))), 1);
        let table = TableMetadata::from_json(many.as_bytes()).unwrap();
        assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
        let twice = V2.replacen(start, &format!("{start}\"k\":{value},\"k\":{value},"), 1);
        assert_eq!(error(&twice).kind(), ErrorKind::InvalidData);
    }
}

fn changed(from: &str, to: &str) -> String {
    assert!(V2.contains(from), "{from}");
    V2.replacen(from, to, 1)
}

#[test]
fn main_is_implied_by_the_current_snapshot_also_beside_other_refs() {
    let table = TableMetadata::from_json(changed(r#""main": {"#, r#""other": {"#).as_bytes()).unwrap();
    assert_eq!(table.refs().keys().collect::<Vec<_>>(), ["main", "other", "t"]);
    assert_eq!(table.refs()["main"], SnapshotRef::branch(SnapshotId(30)));
}

#[test]
fn a_last_column_id_below_an_id_in_use_is_raised_but_not_into_the_reserved_ids() {
    let low = changed(r#""last-column-id": 3"#, r#""last-column-id": 2"#);
    let table = TableMetadata::from_json(low.as_bytes()).unwrap();
    assert_eq!(table, v2());
    let reserved = V2.replace(r#"{"id": 3, "name": "who""#, r#"{"id": 2147483540, "name": "_row_id""#);
    let table = TableMetadata::from_json(reserved.as_bytes()).unwrap();
    assert_eq!(table.last_column_id(), FieldId(3));
}

#[test]
fn legacy_keys_of_v1_are_not_carried_along_in_newer_versions() {
    let legacy =
        changed(r#""x-top""#, r#""schema": {"type":"struct","fields":[]}, "partition-spec": [], "x-top""#);
    let table = TableMetadata::from_json(legacy.as_bytes()).unwrap();
    assert_eq!(table, v2());
    assert!(!table.to_json().contains(r#""schema":"#));
}

#[test]
fn known_keys_of_a_snapshot_that_are_null_are_not_written_back() {
    let nulls = changed(
        r#"{"snapshot-id":10,"parent-snapshot-id":-1,"#,
        r#"{"snapshot-id":10,"parent-snapshot-id" : null,"key-id":null,"x":{"parent-snapshot-id":null},"y": null,"#,
    );
    let table = TableMetadata::from_json(nulls.as_bytes()).unwrap();
    let json = table.to_json();
    assert!(
        json.contains(r#"{"snapshot-id":10,"x":{"parent-snapshot-id":null},"y":null,"sequence-number":1,"#),
        "{json}"
    );
    assert!(json.contains(r#""x-snap":[ 1, 2 ]"#), "{json}");
    assert_eq!(TableMetadata::from_json(json.as_bytes()).unwrap(), table);
    // Text is not a key.
    let text = changed(r#""operation":"mix""#, r#""operation":"null""#);
    let table = TableMetadata::from_json(text.as_bytes()).unwrap();
    assert!(table.to_json().contains(r#""summary":{"operation":"null"},"schema-id":0}"#));
}

#[test]
fn whatever_is_wrong_with_a_schema_in_a_document_is_the_fault_of_the_document() {
    let field = r#"{"id": 3, "name": "who", "required": false, "type": "string"}"#;
    for bad in [
        r#"{"id": 1, "name": "who", "required": false, "type": "string"}"#,
        r#"{"id": 3, "name": "at", "required": false, "type": "string"}"#,
        r#"{"id": 3, "name": "who", "required": true, "type": "unknown"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "decimal(99, 2)"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "fixed[-1]"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "int", "initial-default": 3000000000}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "int", "write-default": "x"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "decimal(4, 2)", "write-default": "123.45"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "decimal(4, 2)", "write-default": "1.234"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "date", "write-default": "999999999-01-01"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "timestamp_ns", "write-default": "9999-01-01T00:00:00"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "fixed[2]", "write-default": "00"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "uuid", "write-default": "00"}"#,
        r#"{"id": 3, "name": "who", "required": false, "type": "variant", "write-default": {}}"#,
    ] {
        let error = error(&changed(field, bad));
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{bad}: {error}");
        assert!(error.to_string().contains("$.schemas[1]"), "{bad}: {error}");
    }
    // Names come from outside: they are cut in messages.
    let long =
        format!(r#"{{"id": 3, "name": "{}", "required": true, "type": "unknown"}}"#, "n".repeat(100_000));
    assert!(error(&changed(field, &long)).to_string().len() < 300);
    let error = error(&changed(r#""identifier-field-ids": [1]"#, r#""identifier-field-ids": [2]"#));
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[test]
fn numbers_are_integers_and_nothing_surrounds_the_document() {
    for number in ["4e6", "4000000.0", "NaN", "Infinity", "\"4000000\"", "true", "0x10", "+1"] {
        let error =
            error(&changed(r#""last-updated-ms": 4000000"#, &format!(r#""last-updated-ms": {number}"#)));
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{number}: {error}");
    }
    for text in [format!("{V2}{V2}"), format!("{V2}\0"), format!("\u{feff}{V2}"), format!("{V2},")] {
        assert_eq!(error(&text).kind(), ErrorKind::InvalidData);
    }
    assert_eq!(TableMetadata::from_json(format!("\n\t {V2} \r\n").as_bytes()).unwrap(), v2());
}

#[test]
fn names_repeated_by_nesting_are_bounded_over_all_schemas_of_a_document() {
    let name = "n".repeat(40_000);
    let inner: Vec<_> = (0..1_000)
        .map(|id| format!(r#"{{"id":{},"name":"f{id}","required":false,"type":"int"}}"#, id + 10))
        .collect();
    let field_type = format!(r#"{{"type":"struct","fields":[{}]}}"#, inner.join(","));
    let schema = |id: usize| {
        format!(
            r#"{{"type":"struct","schema-id":{id},"fields":[{{"id":1,"name":"{name}","required":true,"type":{field_type}}}]}},"#
        )
    };
    let document = |count: usize| {
        let schemas: String = (0..count).map(|id| schema(id + 2)).collect();
        changed(r#""schemas": ["#, &format!(r#""schemas": [{schemas}"#))
    };
    TableMetadata::from_json(document(1).as_bytes()).unwrap();
    let error = error(&document(3));
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().starts_with("$.schemas[1]"), "{error}");
}

#[test]
fn properties_of_our_own_come_first() {
    let set = |key: &str| (key.to_owned(), "v".to_owned());
    let updates = [set("a"), set("commit.retry.num-retries"), set("datashard.commit-state"), set("z")].into();
    let update = TableUpdate::SetProperties { updates };
    let table = v2().apply(&[update], &ApplyContext::new(5_000_000)).unwrap();
    let json = table.to_json();
    assert!(json.contains(r#""properties":{"datashard.commit-state":"v","a":"v","#), "{json}");
    assert_eq!(TableMetadata::from_json(json.as_bytes()).unwrap(), table);
}

#[test]
fn a_document_of_very_many_refs_and_definitions_is_read_checked_and_written_in_linear_time() {
    let refs: String =
        (0..30_000).map(|n| format!(r#""r{n}": {{"snapshot-id":20,"type":"branch"}},"#)).collect();
    let specs: String = (1..30_000).map(|n| format!(r#"{{"spec-id":{n},"fields":[]}},"#)).collect();
    let many = changed(r#""refs": {"#, &format!(r#""refs": {{{refs}"#));
    let many = many.replacen(r#""partition-specs": ["#, &format!(r#""partition-specs": [{specs}"#), 1);
    let table = TableMetadata::from_json(many.as_bytes()).unwrap();
    assert_eq!((table.refs().len(), table.partition_specs().len()), (30_002, 30_000));
    assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
    let updates =
        [TableUpdate::RemovePartitionSpecs { spec_ids: (1..30_000).map(PartitionSpecId).collect() }];
    let requirements = TableRequirement::for_updates(Some(&table), &updates);
    assert_eq!(requirements.len(), 30_003, "the table, its default spec, and every branch");
    let next = table.apply(&updates, &ApplyContext::new(5_000_000)).unwrap();
    assert_eq!(next.partition_specs().len(), 1);
    let overrides = retention::RetentionOverrides {
        snapshot_ids: vec![SnapshotId(40); 30_000],
        ..retention::RetentionOverrides::default()
    };
    let expired = retention::expired_snapshots(&next, 4_000_000, &overrides).unwrap();
    assert_eq!(expired.snapshot_ids, [SnapshotId(40)]);
}

#[test]
fn a_new_sorted_table_holds_the_unsorted_order_too() {
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    let order = crate::sort_order::SortOrder::builder(&schema)
        .asc("id", crate::sort_order::NullOrder::First)
        .build()
        .unwrap();
    let table = TableMetadata::builder(schema, "/t", Uuid::nil(), 1).with_sort_order(order).build().unwrap();
    assert_eq!(table.default_sort_order_id(), SortOrderId(1));
    let orders = table.sort_orders().iter().map(|order| (order.id.0, order.fields.len()));
    assert_eq!(orders.collect::<Vec<_>>(), [(0, 0), (1, 1)]);
}
