//! Planning by the metrics of files that were written: what is pruned holds no match, what must match holds nothing else.

use std::sync::Arc;

use datashard_spec::expr::{InclusiveMetrics, Predicate, StrictMetrics, col};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;
use proptest::sample::select;

use crate::chance;
use crate::sheet::{FORMATS, Sheet, run};

fn question() -> impl Strategy<Value = (Arc<Schema>, Vec<Tuple>, Vec<Predicate>)> {
    (chance::schema(), 1_usize..6)
        .prop_flat_map(|(schema, count)| {
            // Literals come from rows of which the file holds some only.
            let all = chance::rows_of(&schema, count + 4);
            (Just(schema), all, Just(count))
        })
        .prop_flat_map(|(schema, all, count)| {
            let predicates = prop::collection::vec(chance::predicate(&schema, &all), 12);
            (Just(schema), Just(all[..count].to_vec()), predicates)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn files_with_a_match_are_kept_and_files_that_must_match_hold_nothing_else(
        (schema, rows, predicates) in question(),
        mode in select(vec!["none", "counts", "truncate(1)", "truncate(2)", "truncate(16)", "full"]),
    ) {
        run(async {
            for format in FORMATS {
                let sheet = Sheet::new(&schema, format, &[("write.metadata.metrics.default", mode)]).await;
                let file = sheet.write(&rows).await;
                for predicate in &predicates {
                    let bound = predicate.bind(&schema).unwrap();
                    let matching = rows.iter().filter(|row| chance::matches(&bound, &schema, row)).count();
                    if matching > 0 {
                        assert!(InclusiveMetrics::new(&bound).may_match(&file), "{format}: {predicate:?}");
                    }
                    if StrictMetrics::new(&bound).must_match(&file) {
                        assert_eq!(matching, rows.len(), "{format}: {predicate:?}");
                    }
                }
            }
        });
    }
}

#[tokio::test]
async fn files_without_a_match_are_dropped_where_bounds_tell() {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
        NestedField::optional(3, "ratio", PrimitiveType::Double),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows: Vec<Tuple> =
        (10..20).map(|id| vec![Some(Value::Long(id)), Some("same".into()), Some(f64::NAN.into())]).collect();
    for format in FORMATS {
        let file = Sheet::new(&schema, format, &[]).await.write(&rows).await;
        for (predicate, may, must) in [
            (col("id").less_than(10), false, false),
            (col("id").less_than(11), true, false),
            (col("id").less_than(20), true, true),
            (col("id").equal_to(25), false, false),
            (col("name").is_null(), false, false),
            (col("name").starts_with("sam"), true, true),
            (col("name").starts_with("x"), false, false),
            (col("name").not_equal_to("same"), false, false),
            (col("ratio").is_nan(), true, true),
            (col("ratio").greater_than(0.0), false, false),
        ] {
            let bound = predicate.bind(&schema).unwrap();
            assert_eq!(InclusiveMetrics::new(&bound).may_match(&file), may, "{format}: {predicate:?}");
            assert_eq!(StrictMetrics::new(&bound).must_match(&file), must, "{format}: {predicate:?}");
        }
    }
}
