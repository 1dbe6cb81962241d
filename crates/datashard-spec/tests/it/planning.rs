//! The filters of the expectation files: which rows match, and which files a planner opens for them.

use datashard_spec::expr::{
    BoundPredicate, InclusiveMetrics, InclusiveProjection, ManifestEvaluator, PartitionFieldSummary,
    Predicate, Residual, Row,
};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};
use serde_json::Value as Json;

use crate::expected;
use crate::fixture::Fixture;
use crate::manifests::{LiveFile, Snapshot};
use crate::metadata::newest;

/// A row of an expectation file, by column.
struct ExpectedRow<'a> {
    schema: &'a Schema,
    values: Tuple,
}

impl Row for ExpectedRow<'_> {
    fn value(&self, id: FieldId) -> Option<&Value> {
        let position = self.schema.fields().iter().position(|field| field.id == id)?;
        self.values[position].as_ref()
    }
}

fn rows<'a>(schema: &'a Schema, json: &Json) -> Vec<ExpectedRow<'a>> {
    let value = |row: &Json, field: &datashard_spec::schema::NestedField| {
        expected::value(&field.field_type, &row[&field.name])
    };
    json.as_array()
        .unwrap()
        .iter()
        .map(|row| ExpectedRow { schema, values: schema.fields().iter().map(|f| value(row, f)).collect() })
        .collect()
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

/// Whether the reference may count the row though we don't: comparisons with null are unknown to us, and NaN is in no
/// range, where the reference puts null first and NaN last.
fn is_loose(bound: &BoundPredicate, row: &ExpectedRow<'_>) -> bool {
    let nan = || bound.field_ids().into_iter().any(|id| row.value(id).is_some_and(Value::is_nan));
    bound.evaluate(row).is_none() || nan()
}

#[test]
fn the_expected_number_of_rows_matches_each_filter() {
    let (mut exact, mut bounded, mut no_oracle) = (0, 0, 0);
    for fixture in Fixture::all() {
        let Some(filters) = fixture.expected["filters"].as_array() else { continue };
        let metadata = newest(&fixture);
        let schema = metadata.current_schema();
        let current = &fixture.expected["reads"][0];
        assert_eq!(current["what"], "current");
        if current["rows"].is_null() {
            continue;
        }
        let rows = rows(schema, &current["rows"]);
        for filter in filters {
            let text = filter["filter"].to_string();
            let predicate =
                Predicate::from_json(&text).unwrap_or_else(|e| panic!("{}: {text}: {e}", fixture.name));
            let bound = predicate.bind(schema).unwrap_or_else(|e| panic!("{}: {text}: {e}", fixture.name));
            if reference_errs(&filter["filter"], &bound, schema) {
                no_oracle += 1;
                continue;
            }
            let found = rows.iter().filter(|row| bound.matches(*row)).count();
            let loose = rows.iter().filter(|row| is_loose(&bound, row)).count();
            let expected = usize::try_from(filter["count"].as_u64().unwrap()).unwrap();
            if loose == 0 {
                assert_eq!(found, expected, "{}: {text}", fixture.name);
                exact += 1;
            } else {
                assert!((found..=found + loose).contains(&expected), "{}: {text}: {found}", fixture.name);
                bounded += 1;
            }
        }
    }
    assert!(
        exact > 150 && bounded > 150 && no_oracle < 40,
        "{exact} exact, {bounded} with null or NaN, {no_oracle} without oracle"
    );
}

/// Files that a planner opens: manifest summaries, then partition tuples, then column metrics, then residuals.
fn plan<'s>(snapshot: &'s Snapshot, filter: &BoundPredicate) -> Vec<&'s LiveFile> {
    let metrics = InclusiveMetrics::new(filter);
    let mut planned = Vec::new();
    for manifest in &snapshot.data_manifests {
        let evaluator = ManifestEvaluator::new(InclusiveProjection::new(filter, &manifest.spec));
        let summaries: Vec<PartitionFieldSummary<'_>> =
            manifest.file.partitions.iter().flatten().map(PartitionFieldSummary::from).collect();
        if manifest.file.partitions.is_some() && !evaluator.may_match(&summaries) {
            continue;
        }
        let projection = InclusiveProjection::new(filter, &manifest.spec);
        let residual = Residual::new(filter, &manifest.spec);
        for live in &manifest.live {
            let file = &live.file;
            if projection.may_match(&file.partition)
                && metrics.may_match(file)
                && !residual.for_partition(&file.partition).is_always_false()
            {
                planned.push(live);
            }
        }
    }
    planned
}

#[test]
fn planning_opens_at_most_the_files_of_the_reference() {
    let mut checked = 0;
    for fixture in Fixture::all() {
        let Some(filters) = fixture.expected["filters"].as_array() else { continue };
        let metadata = newest(&fixture);
        let snapshot = Snapshot::current(&fixture, &metadata).unwrap();
        for filter in filters {
            let text = filter["filter"].to_string();
            let bound = Predicate::from_json(&text).unwrap().bind(metadata.current_schema()).unwrap();
            if reference_errs(&filter["filter"], &bound, metadata.current_schema()) {
                continue;
            }
            let planned = plan(&snapshot, &bound).len();
            let reference = usize::try_from(filter["data-files"].as_u64().unwrap()).unwrap();
            assert!(planned <= reference, "{}: {text}: {planned} files, {reference}", fixture.name);
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} filters");
}
