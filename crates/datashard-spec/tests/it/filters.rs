//! Filters of the expectation files: each reads, means the same as JSON and as text, and binds to its table's schema.

use datashard_spec::expr::Predicate;
use datashard_spec::schema::Schema;

use crate::fixture::Fixture;

#[test]
fn every_filter_reads_and_binds() {
    let mut count = 0;
    for fixture in Fixture::all() {
        let Some(filters) = fixture.expected.get("filters") else { continue };
        let schema = Schema::from_json(&fixture.expected["schema"].to_string()).unwrap();
        for filter in filters.as_array().unwrap() {
            let json = filter["filter"].to_string();
            let predicate =
                Predicate::from_json(&json).unwrap_or_else(|e| panic!("{}: {json}: {e}", fixture.name));
            // A decimal comes back as text, which binds to the same.
            let again = Predicate::from_json(&predicate.to_json()).unwrap();
            assert_eq!(again.bind(&schema).unwrap(), predicate.bind(&schema).unwrap(), "{json}");
            assert_eq!(predicate.to_string().parse::<Predicate>().unwrap(), predicate, "{predicate}");
            let bound =
                predicate.bind(&schema).unwrap_or_else(|e| panic!("{}: {predicate}: {e}", fixture.name));
            assert!(bound.is_always_true() || bound.is_always_false() || !bound.field_ids().is_empty());
            count += 1;
        }
    }
    assert!(count > 400, "only {count} filters");
}
