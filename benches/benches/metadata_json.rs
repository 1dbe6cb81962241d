//! Opening and rewriting the metadata of a table with 10,000 snapshots: typed serde_json against ours.
//!
//! The document is what a Java writer makes: twelve entries per summary, and an entry of the snapshot log per snapshot.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may stop at what it does not expect"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashard_spec::id::{SchemaId, SequenceNumber, SnapshotId};
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_spec::snapshot::{Operation, Snapshot, Summary};
use datashard_spec::snapshot_ref::SnapshotRef;
use serde::{Deserialize, Serialize};

const SNAPSHOTS: i64 = 10_000;

/// What most readers do: every part as an owned value.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Typed {
    format_version: i32,
    table_uuid: String,
    location: String,
    last_sequence_number: i64,
    last_updated_ms: i64,
    last_column_id: i32,
    current_schema_id: i32,
    schemas: Vec<serde_json::Value>,
    default_spec_id: i32,
    partition_specs: Vec<serde_json::Value>,
    last_partition_id: i32,
    default_sort_order_id: i32,
    sort_orders: Vec<serde_json::Value>,
    properties: HashMap<String, String>,
    current_snapshot_id: i64,
    refs: HashMap<String, TypedRef>,
    snapshots: Vec<TypedSnapshot>,
    statistics: Vec<serde_json::Value>,
    snapshot_log: Vec<TypedLogEntry>,
    metadata_log: Vec<serde_json::Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct TypedRef {
    snapshot_id: i64,
    r#type: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct TypedSnapshot {
    sequence_number: i64,
    snapshot_id: i64,
    parent_snapshot_id: Option<i64>,
    timestamp_ms: i64,
    summary: HashMap<String, String>,
    manifest_list: String,
    schema_id: Option<i32>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct TypedLogEntry {
    timestamp_ms: i64,
    snapshot_id: i64,
}

/// Ids that look random, positive and all different.
fn snapshot_id(n: i64) -> i64 {
    n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) & i64::MAX
}

fn document() -> String {
    let mut snapshots = String::new();
    let mut log = String::new();
    for n in 1..=SNAPSHOTS {
        let (id, parent, at) = (snapshot_id(n), snapshot_id(n.wrapping_sub(1)), n.wrapping_mul(60_000));
        let comma = if n == 1 { "" } else { "," };
        let parent = if n == 1 { String::new() } else { format!("\"parent-snapshot-id\":{parent},") };
        write!(
            snapshots,
            concat!(
                r#"{}{{"sequence-number":{},"snapshot-id":{},{}"timestamp-ms":{},"summary":{{"operation":"append","#,
                r#""spark.app.id":"local-1700000000000","added-data-files":"4","added-records":"40000","#,
                r#""added-files-size":"1234567","changed-partition-count":"2","total-records":"{}","#,
                r#""total-files-size":"{}","total-data-files":"{}","total-delete-files":"0","#,
                r#""total-position-deletes":"0","total-equality-deletes":"0"}},"manifest-list":"s3://bucket/warehouse/db/"#,
                r#"table/metadata/snap-{}-1-0c6a8e0e-52b4-4d4f-9b69-6dfdc0a1c9a5.avro","schema-id":0}}"#
            ),
            comma,
            n,
            id,
            parent,
            at,
            n.wrapping_mul(40_000),
            n.wrapping_mul(1_234_567),
            n.wrapping_mul(4),
            id,
        )
        .unwrap();
        write!(log, r#"{comma}{{"timestamp-ms":{at},"snapshot-id":{id}}}"#).unwrap();
    }
    let current = snapshot_id(SNAPSHOTS);
    let at = SNAPSHOTS.wrapping_mul(60_000);
    format!(
        concat!(
            r#"{{"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://bucket/warehouse"#,
            r#"/db/table","last-sequence-number":{n},"last-updated-ms":{at},"last-column-id":2,"current-schema-id":0,"#,
            r#""schemas":[{{"type":"struct","schema-id":0,"fields":[{{"id":1,"name":"id","required":true,"type":"long"}},"#,
            r#"{{"id":2,"name":"at","required":false,"type":"timestamptz"}}]}}],"default-spec-id":0,"partition-specs":["#,
            r#"{{"spec-id":0,"fields":[{{"name":"at_day","transform":"day","source-id":2,"field-id":1000}}]}}],"#,
            r#""last-partition-id":1000,"default-sort-order-id":0,"sort-orders":[{{"order-id":0,"fields":[]}}],"#,
            r#""properties":{{"owner":"x"}},"current-snapshot-id":{current},"refs":{{"main":{{"snapshot-id":{current},"#,
            r#""type":"branch"}}}},"snapshots":[{snapshots}],"statistics":[],"snapshot-log":[{log}],"metadata-log":[]}}"#
        ),
        n = SNAPSHOTS,
        at = at,
        current = current,
        snapshots = snapshots,
        log = log,
    )
}

/// One more commit on top.
fn next_version(table: &TableMetadata) -> String {
    let id = SnapshotId(42);
    let next = table.last_sequence_number().0.wrapping_add(1);
    let now_ms = table.last_updated_ms().wrapping_add(60_000);
    let snapshot = Snapshot::new(id, now_ms, "s3://bucket/warehouse/db/table/metadata/snap-42-1.avro")
        .with_parent(table.current_snapshot_id())
        .with_sequence_number(SequenceNumber(next))
        .with_schema_id(SchemaId(0))
        .with_summary(Summary::new(Operation::Append).with("added-records", 1));
    let main = SnapshotRef::branch(id);
    let updates = [
        TableUpdate::AddSnapshot { snapshot },
        TableUpdate::SetSnapshotRef { name: "main".into(), reference: main },
    ];
    let context = ApplyContext::new(now_ms).with_previous_metadata_file("v1.metadata.json");
    table.apply(&updates, &context).expect("an append to the newest snapshot").to_json()
}

fn metadata_json(c: &mut Criterion) {
    let json = document();
    let bytes = u64::try_from(json.len()).unwrap();
    let table = TableMetadata::from_json(json.as_bytes()).unwrap();
    table.check_all().unwrap();
    assert_eq!(TableMetadata::from_json(table.to_json().as_bytes()).unwrap(), table);
    let typed: Typed = serde_json::from_str(&json).unwrap();
    assert_eq!(typed.snapshots.len(), table.snapshot_count());

    let mut group = c.benchmark_group("metadata_json_10k_snapshots");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("open/serde_json_typed", |b| {
        b.iter(|| serde_json::from_slice::<Typed>(black_box(json.as_bytes())).unwrap());
    });
    group.bench_function("open/ours", |b| {
        b.iter(|| TableMetadata::from_json(black_box(json.as_bytes())).unwrap());
    });
    group.bench_function("open_and_current_snapshot/ours", |b| {
        b.iter(|| {
            let table = TableMetadata::from_json(black_box(json.as_bytes())).unwrap();
            table.current_snapshot().unwrap().unwrap().timestamp_ms
        });
    });
    group.bench_function("open_and_write_next/serde_json_typed", |b| {
        b.iter(|| {
            let typed: Typed = serde_json::from_slice(black_box(json.as_bytes())).unwrap();
            serde_json::to_string(&typed).unwrap()
        });
    });
    group.bench_function("open_and_write_next/ours", |b| {
        b.iter(|| next_version(&TableMetadata::from_json(black_box(json.as_bytes())).unwrap()));
    });
    group.bench_function("open_and_check_all/ours", |b| {
        b.iter(|| TableMetadata::from_json(black_box(json.as_bytes())).unwrap().check_all().unwrap());
    });
    group.finish();
}

criterion_group!(benches, metadata_json);
criterion_main!(benches);
