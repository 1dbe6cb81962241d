//! Every table of `testdata/` gives its expected rows: now, of every reference and snapshot, with row lineage, filtered, and whatever way it
//! is read.

use std::sync::Arc;

use datashard_spec::expr::{BoundPredicate, Predicate};
use datashard_spec::id::{FieldId, SnapshotId};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::snapshot::Snapshot;
use serde_json::Value as Json;

use crate::fixture::Fixture;
use crate::fixture_json::{self, checksum};
use crate::fixture_scan::{How, Scan};
use crate::fixture_values;

/// The snapshot and the schema that a read of an expectation file is about.
fn target<'m>(metadata: &'m TableMetadata, read: &Json) -> (Option<&'m Snapshot>, Arc<Schema>) {
    match (read["ref"].as_str(), read["snapshot"].as_i64()) {
        (Some(name), _) => {
            let snapshot = metadata.snapshot_of_ref(name).unwrap();
            (Some(snapshot), Arc::clone(metadata.schema_for_ref(name).unwrap()))
        }
        (None, Some(id)) => {
            let id = SnapshotId(id);
            let snapshot = metadata.snapshot(id).unwrap().unwrap();
            (Some(snapshot), Arc::clone(metadata.schema_for_snapshot(id).unwrap()))
        }
        (None, None) => {
            assert_eq!(read["what"], "current");
            (metadata.current_snapshot().unwrap(), Arc::clone(metadata.current_schema()))
        }
    }
}

/// Rows of an expectation file in the form that rows are compared in.
fn sorted(rows: &Json) -> Vec<String> {
    let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(Json::to_string).collect();
    rows.sort();
    rows
}

/// Compares rows and names those that differ.
fn same(found: &[String], expected: &[String], at: &str) {
    if found != expected {
        let missing: Vec<&String> = expected.iter().filter(|row| !found.contains(row)).collect();
        let surplus: Vec<&String> = found.iter().filter(|row| !expected.contains(row)).collect();
        panic!(
            "{at}: missing {missing:#?}\nnot expected {surplus:#?}\n{} rows, {}",
            found.len(),
            expected.len()
        );
    }
}

fn check(read: &Json, rows: &[String], at: &str) {
    if read.get("rows").is_some() {
        same(rows, &sorted(&read["rows"]), at);
    }
    assert_eq!(u64::try_from(rows.len()).unwrap(), read["count"].as_u64().unwrap(), "{at}");
    assert_eq!(checksum(rows), read["checksum"].as_str().unwrap(), "{at}");
}

/// A table with two snapshots that the reference cannot read.
const DROPPED_COLUMN: &str = "equality_deletes_dropped_column";

/// What the reference cannot say, from what it says of the snapshot before: the second snapshot deletes the rows whose `k` is `k1`, the
/// third adds such a row. Both are read with the schema that still has `k`.
fn after_the_delete(fixture: &Fixture, metadata: &TableMetadata, snapshot: &Snapshot) -> Vec<String> {
    let first = &fixture.expected["reads"][1];
    assert_eq!(Some(SnapshotId(first["snapshot"].as_i64().unwrap())), metadata.snapshot_ids().next());
    let rows = first["rows"].as_array().unwrap().iter().filter(|row| row["k"] != "k1");
    let mut rows: Vec<String> = rows.map(Json::to_string).collect();
    if Some(snapshot.id) == metadata.current_snapshot_id() {
        rows.push(serde_json::json!({"id": 50, "k": "k1", "v": 50}).to_string());
    }
    rows.sort();
    assert_eq!(rows.len(), if Some(snapshot.id) == metadata.current_snapshot_id() { 5 } else { 4 });
    rows
}

#[tokio::test]
async fn every_read_of_every_table_gives_the_expected_rows() {
    let (mut tables, mut reads, mut rows_read) = (0, 0, 0);
    for fixture in Fixture::all() {
        let metadata = fixture.metadata();
        for read in fixture.expected["reads"].as_array().unwrap() {
            let at = format!("{}: {} {}", fixture.name, read["what"], read["snapshot"]);
            let (snapshot, schema) = target(&metadata, read);
            let scan = Scan::new(&fixture, &metadata, snapshot, &schema).await;
            let rows = scan.rows(None, &How::default()).await;
            if read.get("error").is_some() {
                assert_eq!(fixture.name, DROPPED_COLUMN, "{at}");
                same(&rows, &after_the_delete(&fixture, &metadata, snapshot.unwrap()), &at);
            } else {
                assert_eq!(i64::from(schema.id().0), read["schema-id"].as_i64().unwrap(), "{at}");
                let columns: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
                assert_eq!(serde_json::json!(columns), read["columns"], "{at}");
                check(read, &rows, &at);
            }
            reads += 1;
            rows_read += rows.len();
        }
        tables += 1;
    }
    assert_eq!((tables, reads), (63, 287));
    assert!(rows_read > 20_000, "only {rows_read} rows");
}

#[tokio::test]
async fn rows_carry_their_lineage() {
    let mut tables = 0;
    for fixture in Fixture::all() {
        let Some(expected) = fixture.expected.get("row-lineage").filter(|rows| rows.is_array()) else {
            continue;
        };
        let metadata = fixture.metadata();
        let mut fields = metadata.current_schema().fields().to_vec();
        let lineage = |id: FieldId, name| NestedField::optional(id.0, name, PrimitiveType::Long);
        fields.push(lineage(FieldId::ROW_ID, "_row_id"));
        fields.push(lineage(FieldId::LAST_UPDATED_SEQUENCE_NUMBER, "_last_updated_sequence_number"));
        let schema = Arc::new(Schema::new(fields).unwrap());
        let snapshot = metadata.current_snapshot().unwrap();
        let scan = Scan::new(&fixture, &metadata, snapshot, &schema).await;
        assert_eq!(scan.rows(None, &How::default()).await, sorted(expected), "{}", fixture.name);
        tables += 1;
    }
    assert_eq!(tables, 4);
}

/// Whether the reference answers this filter wrongly, so that its count is no oracle:
/// - it orders UUIDs as two signed numbers, where the format orders them as unsigned bytes;
/// - it drops row groups of files that lack a column as if the column were null there, whatever its initial default.
fn reference_errs(filter: &Json, bound: &BoundPredicate, schema: &Schema) -> bool {
    bound.field_ids().into_iter().filter_map(|id| schema.field_by_id(id)).any(|field| {
        let has_default = field.field.is_some_and(|field| field.initial_default.is_some());
        has_default || (*field.field_type == PrimitiveType::Uuid.into() && has_range(filter))
    })
}

fn has_range(filter: &Json) -> bool {
    match filter["type"].as_str().unwrap() {
        "and" | "or" => ["left", "right"].iter().any(|side| has_range(&filter[side])),
        "not" => has_range(&filter["child"]),
        "lt" | "lt-eq" | "gt" | "gt-eq" => true,
        _ => false,
    }
}

#[tokio::test]
async fn every_filter_gives_the_rows_that_match_for_certain() {
    let (mut exact, mut evaluated) = (0, 0);
    for fixture in Fixture::all() {
        let Some(filters) = fixture.expected["filters"].as_array() else { continue };
        let metadata = fixture.metadata();
        let schema = metadata.current_schema();
        let current = &fixture.expected["reads"][0];
        let rows = fixture_values::rows(schema, &current["rows"]);
        let scan = Scan::new(&fixture, &metadata, metadata.current_snapshot().unwrap(), schema).await;
        for (number, filter) in filters.iter().enumerate() {
            let text = filter["filter"].to_string();
            let at = format!("{}: {text}", fixture.name);
            let bound = Predicate::from_json(&text).unwrap().bind(schema).unwrap();
            let mut expected: Vec<&str> =
                rows.iter().filter(|row| bound.matches(*row)).map(|row| row.json.as_str()).collect();
            expected.sort_unstable();
            // Late materialisation and small batches by turns.
            let how = How { late: number % 2 == 0, batch_rows: [1, 3, 8192][number % 3], ..How::default() };
            let found = scan.rows(Some(&bound), &how).await;
            assert_eq!(found, expected, "{at}");
            evaluated += 1;
            if !reference_errs(&filter["filter"], &bound, schema)
                && !rows.iter().any(|row| row.is_loose(&bound))
            {
                check(filter, &found, &at);
                exact += 1;
            }
        }
    }
    assert!(exact > 150 && evaluated == 414, "{exact} of {evaluated}");
}

/// A part of the columns with a filter on others, nested ones too: the filter's columns are read and not given out.
#[tokio::test]
async fn filters_test_columns_that_are_not_asked_for() {
    let mut checked = 0;
    for fixture in Fixture::all() {
        let Some(filters) = fixture.expected["filters"].as_array() else { continue };
        let metadata = fixture.metadata();
        let table = metadata.current_schema();
        let snapshot = metadata.current_snapshot().unwrap();
        let whole = Scan::new(&fixture, &metadata, snapshot, table).await;
        for filter in filters.iter().step_by(5) {
            let bound = Predicate::from_json(&filter["filter"].to_string()).unwrap().bind(table).unwrap();
            let tested = bound.field_ids();
            let others: Vec<FieldId> = table
                .all_fields()
                .filter(|field| !field.field_type.is_nested() && !tested.contains(&field.id))
                .filter(|field| {
                    table.with_ancestors(field.id).skip(1).all(|a| matches!(a.field_type, Type::Struct(_)))
                })
                .map(|field| field.id)
                .collect();
            let schema = Arc::new(table.project(&others).unwrap());
            let part = Scan::new(&fixture, &metadata, snapshot, &schema).await.with_table_schema(table);
            let narrow = part.rows(Some(&bound), &How::default()).await;
            let mut expected: Vec<String> = Vec::new();
            for data in &whole.data {
                for batch in whole.batches(data, Some(&bound), &How::default()).await {
                    let rows = fixture_json::rows(&batch, table);
                    let rows = rows.iter().map(|row| serde_json::from_str::<Json>(row).unwrap());
                    expected.extend(rows.map(|row| only(&row, schema.as_struct()).to_string()));
                }
            }
            expected.sort();
            assert_eq!(narrow, expected, "{}: {}", fixture.name, filter["filter"]);
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked}");
}

/// The fields of a row that are in a struct type.
fn only(row: &Json, fields: &StructType) -> Json {
    let part = |field: &NestedField| match (&field.field_type, &row[&field.name]) {
        (Type::Struct(inner), value @ Json::Object(_)) => only(value, inner),
        (_, value) => value.clone(),
    };
    Json::Object(fields.fields.iter().map(|field| (field.name.clone(), part(field))).collect())
}

#[tokio::test]
async fn rows_are_the_same_in_whatever_way_they_are_read() {
    let ways = [
        How { batch_rows: 1, ..How::default() },
        How { batch_rows: 7, splits: 2, ..How::default() },
        How { splits: 3, late: false, ..How::default() },
        How { verify: false, ..How::default() },
    ];
    for fixture in Fixture::all() {
        let metadata = fixture.metadata();
        let current = &fixture.expected["reads"][0];
        let (snapshot, schema) = target(&metadata, current);
        let scan = Scan::new(&fixture, &metadata, snapshot, &schema).await;
        for how in &ways {
            // Tables of thousands of rows are not read row by row.
            if how.batch_rows == 1 && current["count"].as_u64().unwrap() > 1_000 {
                continue;
            }
            check(current, &scan.rows(None, how).await, &format!("{}: {how:?}", fixture.name));
        }
    }
}
