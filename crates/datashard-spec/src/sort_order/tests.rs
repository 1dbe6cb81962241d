//! Tests of sort orders.

use super::*;
use crate::error::ErrorKind;
use crate::schema::{ListType, NestedField, PrimitiveType as P};

fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", P::Long),
        NestedField::optional(2, "ts", P::Timestamptz),
        NestedField::optional(3, "tags", ListType::optional(4, P::String)),
    ])
    .unwrap()
}

fn by(source: i32, transform: Transform) -> SortField {
    SortField::new(FieldId(source), transform, SortDirection::Ascending, NullOrder::First)
}

fn order(fields: Vec<SortField>) -> SortOrder {
    SortOrder::new(SortOrderId(1), fields)
}

#[test]
fn json_round_trips_with_unknown_keys_and_transforms() {
    let text = concat!(
        r#"{"order-id":3,"fields":[{"transform":"bucket[4]","source-id":3,"direction":"desc","null-order":"nulls-last"},"#,
        r#"{"transform":"zorder","source-ids":[1,2],"direction":"asc","null-order":"nulls-first","x":{"a": 1}}],"y":0}"#
    );
    let order = SortOrder::from_json(text).unwrap();
    assert_eq!(order.to_json(), text);
    assert!(!order.is_writable());
    assert_eq!(order.fields[0].direction, SortDirection::Descending);
}

#[test]
fn malformed_json_is_refused_with_its_path() {
    let check = |field: &str, expect: &str| {
        let error = SortOrder::from_json(&format!(r#"{{"order-id":1,"fields":[{field}]}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(
        r#"{"transform":"day","source-id":3,"direction":"up","null-order":"nulls-last"}"#,
        "$.fields[0].direction",
    );
    check(
        r#"{"transform":"day","source-id":3,"direction":"asc","null-order":"last"}"#,
        "$.fields[0].null-order",
    );
    check(r#"{"transform":"day","direction":"asc","null-order":"nulls-last"}"#, "source-id");
    check("3", "$.fields[0]: expected an object");
}

#[test]
fn id_0_is_for_the_unsorted_order_alone() {
    let schema = schema();
    assert_eq!(SortOrder::builder(&schema).build().unwrap(), SortOrder::unsorted());
    let sorted_0 = SortOrder::builder(&schema).with_order_id(SortOrderId(0)).asc("id", NullOrder::First);
    assert!(matches!(sorted_0.build(), Err(PartitionError::SortOrderIdMismatch { fields: 1, .. })));
    let unsorted_1 = SortOrder::builder(&schema).with_order_id(SortOrderId(1));
    assert!(matches!(unsorted_1.build(), Err(PartitionError::SortOrderIdMismatch { fields: 0, .. })));
}

#[test]
fn builder_refuses_sources_that_cannot_be_sorted_by() {
    let schema = schema();
    let build = |source: &str, transform| {
        SortOrder::builder(&schema)
            .field(source, transform, SortDirection::Ascending, NullOrder::First)
            .build()
            .unwrap_err()
    };
    assert_eq!(build("nope", Transform::Identity).kind(), ErrorKind::NotFound);
    assert!(matches!(build("tags", Transform::Identity), PartitionError::SourceNotAllowed { .. }));
    assert!(matches!(build("tags.element", Transform::Identity), PartitionError::SourceNotAllowed { .. }));
    assert!(matches!(build("id", Transform::Day), PartitionError::TransformNotAllowed { .. }));
    assert_eq!(build("id", Transform::Unknown("z".into())).kind(), ErrorKind::Unsupported);
    let dropped = order(vec![by(99, Transform::Identity)]).check(&schema);
    assert!(matches!(dropped, Err(PartitionError::SourceNotFound { .. })));
}

#[test]
fn order_satisfies_its_prefixes_and_a_coarser_last_field() {
    use Transform::{Bucket, Day, Hour, Identity, Truncate};
    let check = |a: &[(i32, Transform)], b: &[(i32, Transform)], expect: bool| {
        let make =
            |fields: &[(i32, Transform)]| order(fields.iter().map(|(id, t)| by(*id, t.clone())).collect());
        assert_eq!(make(a).satisfies(&make(b)), expect, "{a:?} {b:?}");
    };
    check(&[], &[], true);
    check(&[(1, Identity)], &[], true);
    check(&[], &[(1, Identity)], false);
    check(&[(1, Identity), (2, Day)], &[(1, Identity)], true);
    check(&[(1, Identity)], &[(1, Identity), (2, Day)], false);
    check(&[(2, Hour)], &[(2, Day)], true);
    check(&[(2, Day)], &[(2, Hour)], false);
    check(&[(2, Identity)], &[(2, Truncate(3))], true);
    check(&[(2, Identity)], &[(2, Bucket(3))], false);
    check(&[(2, Hour), (1, Identity)], &[(2, Day), (1, Identity)], false);
    let descending =
        order(vec![SortField::new(FieldId(1), Identity, SortDirection::Descending, NullOrder::First)]);
    assert!(!descending.satisfies(&order(vec![by(1, Identity)])));
}

#[test]
fn equivalence_ignores_the_id() {
    let mut a = order(vec![by(1, Transform::Identity)]);
    let b = a.clone();
    a.id = SortOrderId(9);
    assert!(a.is_equivalent(&b));
    assert!(!a.is_equivalent(&SortOrder::unsorted()));
}
