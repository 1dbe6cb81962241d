//! Filters: rows that match are never left out, whatever statistics say, and positions stay those of the file.

use std::collections::HashMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datashard_spec::expr::{BoundPredicate, Predicate};
use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema, StructType};

use super::*;
use crate::arrow::filter::BatchFilter;
use crate::arrow::project::Resolution;
use crate::read::decoder::DecodePlan;

fn schema() -> Arc<Schema> {
    let fields = vec![
        NestedField::optional(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "x", PrimitiveType::Double),
        NestedField::optional(3, "k", PrimitiveType::String),
        NestedField::optional(4, "ts", PrimitiveType::Timestamp),
        NestedField::optional(5, "tz", PrimitiveType::Timestamptz),
        NestedField::optional(6, "n", PrimitiveType::Decimal { precision: 20, scale: 1 }),
        NestedField::optional(7, "few", PrimitiveType::Long),
        NestedField::optional(8, "day", PrimitiveType::Date),
        NestedField::optional(9, "flag", PrimitiveType::Boolean),
        NestedField::optional(
            10,
            "s",
            StructType::new(vec![NestedField::optional(11, "a", PrimitiveType::Int)]),
        ),
        NestedField::optional(12, "l", ListType::optional(13, PrimitiveType::Int)),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

pub(super) fn plan(file: &SchemaRef, filter: Option<BoundPredicate>) -> DecodePlan {
    let resolution = Resolution::new("test.orc", file, &schema(), &HashMap::new(), None).unwrap();
    DecodePlan {
        resolution: Arc::new(resolution),
        filter,
        deleted: Vec::new().into(),
        byte_range: None,
        positions: true,
        batch_rows: 333,
        memory_limit_bytes: 16 * MIB,
        verify: true,
        late_materialization: true,
    }
}

/// Ids of the rows that match, their positions, and how many rows were decoded.
async fn matching(
    filter: &BoundPredicate,
    prune: bool,
    change: impl FnOnce(&mut DecodePlan),
) -> (Vec<i64>, Vec<u64>, usize) {
    let mut decoder = open(bytes("groups"), 16 * MIB).await.unwrap();
    let mut plan = plan(decoder.file_schema(), prune.then(|| filter.clone()));
    change(&mut plan);
    let resolution = Arc::clone(&plan.resolution);
    let decoded = decoder.begin(plan).await.unwrap();
    let projector = resolution.projector(&decoded, None).unwrap();
    let test = BatchFilter::new(filter, &schema()).unwrap();
    let (mut ids, mut places, mut rows) = (Vec::new(), Vec::new(), 0);
    while let Some(decoded) = decoder.next().await.unwrap() {
        let batch = projector.project(&decoded.batch).unwrap();
        let all = batch.column(0).as_primitive::<Int64Type>();
        for ((row, position), matches) in
            positions(&decoded).into_iter().enumerate().zip(test.matches(&batch).unwrap().iter())
        {
            if matches.unwrap() {
                ids.push(all.value(row));
                places.push(position);
            }
        }
        rows += batch.num_rows();
    }
    (ids, places, rows)
}

pub(super) fn bind(text: &str) -> BoundPredicate {
    text.parse::<Predicate>().unwrap().bind(&schema()).unwrap()
}

#[tokio::test]
async fn trap_16_positions_survive_pruning_and_no_match_is_lost() {
    for (text, most) in [
        ("id = 3210", 500),
        ("id < 0", 0),
        ("id >= 5999 or id = 0", 1000),
        ("id in (499, 500, 4499, 4500)", 2000),
        ("k = 'k004321'", 500),
        ("k starts with 'k0012'", 500),
        ("k > 'k0059'", 500),
        // Row group 8 holds the highest values of its stripe, and begins with a NaN.
        ("x = 2249.0", 1500),
        ("x > 2240.0 and x < 2249.5", 1500),
        ("x is nan", 6000),
        ("x < 3.0", 2000),
        ("n = 250.0", 500),
        ("n >= 349.8", 500),
        ("n < -249.9", 500),
        ("n in (-200.1, -200.0)", 1000),
        ("few is null", 500),
        ("few is not null and id < 100", 500),
        ("few = 6", 6000),
        ("few = 7", 0),
        ("day = '1970-01-01'", 500),
        ("flag = true", 1000),
        ("flag = false and id < 2500", 2000),
        ("s.a = 3", 500),
        ("s.a is null and id < 10", 500),
        ("not (id > 10)", 500),
        ("ts < '1969-12-01T00:00:01'", 1500),
        ("ts = '1969-12-01T00:08:18.500500'", 1500),
        ("tz > '1969-12-01T01:39:40+00:00'", 1000),
        ("ts > '1969-12-01T01:39:40'", 1000),
        ("day > '1976-01-01' or n < -249.8", 1500),
    ] {
        let filter = bind(text);
        let (all, all_places, rows) = matching(&filter, false, |_| ()).await;
        assert_eq!(rows, 6000);
        let (found, places, rows) = matching(&filter, true, |_| ()).await;
        assert_eq!(found, all, "{text}");
        assert_eq!(places, all_places, "{text}");
        assert!(found.iter().zip(&places).all(|(id, place)| *id as u64 == *place), "{text}");
        assert!(rows <= most, "{text}: {rows} rows decoded");
    }
}

#[tokio::test]
async fn byte_ranges_that_cover_a_file_give_each_row_once_at_its_position() {
    let size = bytes("groups").len() as u64;
    let filter = bind("id >= 0");
    for step in [size / 3, size / 7, 700, size] {
        let (mut ids, mut start) = (Vec::new(), 0);
        while start < size {
            let range = start..(start + step).min(size);
            start = range.end;
            let (found, places, _) = matching(&filter, true, |plan| plan.byte_range = Some(range)).await;
            assert!(found.iter().zip(&places).all(|(id, place)| *id as u64 == *place));
            ids.extend(found);
        }
        assert_eq!(ids, (0..6000).collect::<Vec<_>>(), "{step}");
    }
}

#[tokio::test]
async fn stripes_and_row_groups_that_are_deleted_whole_are_not_decoded() {
    let filter = bind("id < 2000");
    let deleted = vec![0..500, 500..900, 900..1000, 1500..3000, 3100..3200];
    let (ids, places, rows) = matching(&filter, true, |plan| plan.deleted = deleted.clone().into()).await;
    assert_eq!(ids, (1000..1500).collect::<Vec<_>>());
    assert_eq!(places, (1000..1500).collect::<Vec<_>>());
    assert_eq!(rows, 500);
    let filter = bind("id >= 0");
    let (_, _, rows) = matching(&filter, false, |plan| plan.deleted = deleted.into()).await;
    assert_eq!(rows, 3500);
}
