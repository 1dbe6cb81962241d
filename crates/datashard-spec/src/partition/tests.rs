//! Tests of partition specs.

use super::*;
use crate::error::ErrorKind;
use crate::metadata::FormatVersion;
use crate::schema::{ListType, NestedField, PrimitiveType as P, Schema, StructType, Type};
use crate::value::{Tuple, Value};

fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", P::Long),
        NestedField::optional(2, "ts", P::Timestamptz),
        NestedField::optional(3, "cat", P::String),
        NestedField::optional(4, "place", StructType::new(vec![NestedField::optional(5, "lat", P::Double)])),
        NestedField::optional(6, "tags", ListType::optional(7, P::String)),
        NestedField::optional(8, "p q", P::String),
    ])
    .unwrap()
}

fn field(source: i32, id: i32, name: &str, transform: Transform) -> PartitionField {
    PartitionField::new(FieldId(source), FieldId(id), name, transform)
}

fn spec(id: i32, fields: Vec<PartitionField>) -> PartitionSpec {
    PartitionSpec::new(PartitionSpecId(id), fields)
}

#[test]
fn json_round_trips_with_unknown_keys_and_transforms() {
    let text = concat!(
        r#"{"spec-id":3,"fields":[{"source-id":4,"field-id":1000,"name":"ts_day","transform":"day"},"#,
        r#"{"source-ids":[1,2],"field-id":1001,"name":"z","transform":"zorder[3]","hint":{"a": 1}}],"new":[1]}"#
    );
    let spec = PartitionSpec::from_json(text).unwrap();
    assert_eq!(spec.to_json(), text);
    assert_eq!(spec.fields[1].source_ids, [FieldId(1), FieldId(2)]);
    assert_eq!(spec.fields[1].transform, Transform::Unknown("zorder[3]".into()));
    let fields = spec.fields_to_json();
    assert!(fields.starts_with(r#"[{"source-id":4,"#));
    assert_eq!(PartitionSpec::fields_from_json(spec.id, &fields).unwrap().fields, spec.fields);
}

#[test]
fn v1_fields_without_ids_are_numbered_by_position() {
    let text =
        r#"[{"source-id":1,"name":"a","transform":"identity"},{"source-id":2,"name":"b","transform":"DAY"}]"#;
    let spec = PartitionSpec::fields_from_json(PartitionSpecId(0), text).unwrap();
    assert_eq!(spec.fields, [field(1, 1000, "a", Transform::Identity), field(2, 1001, "b", Transform::Day)]);
}

#[test]
fn malformed_json_is_refused_with_its_path() {
    let check = |text: &str, expect: &str| {
        let error = PartitionSpec::fields_from_json(PartitionSpecId(0), text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(expect), "{error}");
    };
    check("{}", "$: expected an array");
    check(r#"[{"name":"a","transform":"day"}]"#, r#"$[0]: required key "source-id""#);
    check(r#"[{"source-ids":[],"name":"a","transform":"day"}]"#, "$[0]: expected either source-id");
    check(r#"[{"source-id":1,"source-ids":[2],"name":"a","transform":"day"}]"#, "$[0]");
    check(r#"[{"source-id":1,"name":"a","transform":"bucket[0]"}]"#, "$[0].transform");
    check(
        r#"[{"source-id":1,"field-id":1000,"name":"a","transform":"day"},{"source-id":1,"name":"b","transform":"day"}]"#,
        "$[1]: expected a field-id on every",
    );
}

#[test]
fn builder_names_fields_without_parameters() {
    let schema = schema();
    let built = PartitionSpec::builder(&schema)
        .with_spec_id(PartitionSpecId(7))
        .identity("cat")
        .bucket("id", 16)
        .truncate("cat", 4)
        .hour("ts")
        .void("place.lat")
        .field("mine", "id", Transform::Bucket(8))
        .build()
        .unwrap();
    let names: Vec<_> = built.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["cat", "id_bucket", "cat_trunc", "ts_hour", "place.lat_null", "mine"]);
    assert_eq!(built.highest_field_id(), FieldId(1005));
    assert_eq!(built.id, PartitionSpecId(7));
    assert_eq!(PartitionSpec::unpartitioned(PartitionSpecId(0)).highest_field_id(), FieldId(999));
}

#[test]
fn builder_refuses_what_breaks_a_rule() {
    use PartitionError as E;
    let schema = schema();
    let new = || PartitionSpec::builder(&schema);
    assert!(matches!(new().day("nope").build(), Err(E::ColumnNotFound { .. })));
    assert!(matches!(new().field("", "id", Transform::Identity).build(), Err(E::EmptyName { .. })));
    assert!(matches!(new().field("cat", "id", Transform::Identity).build(), Err(E::NameOfColumn { .. })));
    assert!(matches!(new().field("id", "id", Transform::Bucket(4)).build(), Err(E::NameOfColumn { .. })));
    assert!(matches!(new().bucket("id", 4).bucket("id", 8).build(), Err(E::DuplicateName { .. })));
    assert!(matches!(new().day("ts").hour("ts").build(), Err(E::Redundant { .. })));
    assert!(matches!(
        new().identity("id").field("x", "id", Transform::Identity).build(),
        Err(E::Redundant { .. })
    ));
    assert!(matches!(new().identity("place").build(), Err(E::SourceNotAllowed { .. })));
    assert!(matches!(new().identity("tags.element").build(), Err(E::SourceNotAllowed { .. })));
    assert!(matches!(new().day("id").build(), Err(E::TransformNotAllowed { .. })));
    assert!(matches!(new().bucket("id", 0).build(), Err(E::TransformParameter { .. })));
    assert!(matches!(new().bucket("id", u32::MAX).build(), Err(E::TransformParameter { .. })));
    let unknown = new().field("x", "id", Transform::Unknown("zorder".into())).build().unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unsupported);
    assert!(new().field("id", "id", Transform::Void).build().is_ok());
    let missing = spec(0, vec![field(99, 1000, "x", Transform::Day)]).check(&schema).unwrap_err();
    assert!(matches!(missing, E::SourceNotFound { .. }));
    let twice =
        spec(0, vec![field(1, 1000, "x", Transform::Bucket(2)), field(1, 1000, "y", Transform::Bucket(3))]);
    assert!(matches!(twice.check(&schema), Err(E::DuplicateFieldId { .. })));
}

#[test]
fn trap_17_unknown_transform_or_dropped_source_does_not_stop_a_reader() {
    let schema = schema();
    let text = r#"{"spec-id":0,"fields":[
        {"source-id":1,"field-id":1000,"name":"u","transform":"hilbert[2]"},
        {"source-id":99,"field-id":1001,"name":"gone","transform":"identity"},
        {"source-ids":[1,2],"field-id":1002,"name":"multi","transform":"bucket[4]"},
        {"source-id":99,"field-id":1003,"name":"v","transform":"void"}]}"#;
    let spec = PartitionSpec::from_json(text).unwrap();
    assert!(!spec.is_writable());
    let types: Vec<_> =
        spec.partition_type(&schema).fields.into_iter().map(|f| (f.id.0, f.required, f.field_type)).collect();
    let unknown = || Type::from(P::Unknown);
    assert_eq!(
        types,
        [
            (1000, false, P::String.into()),
            (1001, false, unknown()),
            (1002, false, unknown()),
            (1003, false, unknown())
        ]
    );
    assert!(unified_partition_type(&[spec], &schema).is_ok());
}

#[test]
fn trap_06_partition_type_follows_the_schema_and_spec_of_the_header() {
    let header_schema = Schema::new(vec![NestedField::required(1, "id", P::Int)]).unwrap();
    let header = r#"[{"source-id":1,"field-id":1000,"name":"id","transform":"identity"}]"#;
    let header_spec = PartitionSpec::fields_from_json(PartitionSpecId(0), header).unwrap();
    let at_write_time = header_spec.partition_type(&header_schema);
    assert_eq!(at_write_time.fields, [NestedField::optional(1000, "id", P::Int)]);
    // The column is a long by now.
    assert_eq!(header_spec.partition_type(&schema()).fields, [NestedField::optional(1000, "id", P::Long)]);
}

#[test]
fn trap_29_paths_escape_names_and_values() {
    let schema = schema();
    let spec = PartitionSpec::builder(&schema).identity("p q").bucket("id", 4).build().unwrap();
    let check = |value: Option<&str>, expect: &str| {
        let tuple: Tuple = vec![value.map(|text| Value::String(text.to_owned())), Some(Value::Int(3))];
        assert_eq!(spec.partition_path(&tuple), expect);
    };
    check(Some("a b"), "p+q=a+b/id_bucket=3");
    check(Some("a/b"), "p+q=a%2Fb/id_bucket=3");
    check(Some("a%2Fb"), "p+q=a%252Fb/id_bucket=3");
    check(Some("日本"), "p+q=%E6%97%A5%E6%9C%AC/id_bucket=3");
    check(Some(""), "p+q=/id_bucket=3");
    check(None, "p+q=null/id_bucket=3");
    assert_eq!(spec.partition_path(&[]), "p+q=null/id_bucket=null");
    assert_eq!(PartitionSpec::unpartitioned(PartitionSpecId(0)).partition_path(&[]), "");
}

#[test]
fn tuples_compare_floats_by_bits_with_all_nans_equal() {
    let tuple = |v: f64| -> Tuple { vec![Some(Value::Double(v))] };
    assert_eq!(tuple(f64::NAN), tuple(-f64::NAN));
    assert_ne!(tuple(0.0), tuple(-0.0));
}

#[test]
fn equivalence_ignores_ids_but_not_order_or_names() {
    let a = spec(0, vec![field(1, 1000, "a", Transform::Day), field(2, 1001, "b", Transform::Hour)]);
    let b = spec(5, vec![field(1, 1007, "a", Transform::Day), field(2, 1003, "b", Transform::Hour)]);
    assert!(a.is_equivalent(&b));
    let swapped = spec(0, a.fields.iter().rev().cloned().collect());
    assert!(!a.is_equivalent(&swapped));
    assert!(!a.is_equivalent(&spec(0, vec![field(1, 1000, "a", Transform::Day)])));
    assert!(
        !spec(0, vec![field(1, 1000, "a", Transform::Day)])
            .is_equivalent(&spec(0, vec![field(1, 1000, "z", Transform::Day)]))
    );
}

#[test]
fn unified_type_joins_all_specs_by_field_id() {
    let specs = [
        spec(0, vec![field(2, 1000, "x", Transform::Day)]),
        spec(1, vec![field(2, 1000, "x_1000", Transform::Void), field(1, 1001, "x", Transform::Bucket(8))]),
    ];
    let unified = unified_partition_type(&specs, &schema()).unwrap();
    assert_eq!(
        unified.fields,
        [NestedField::optional(1000, "x_1000", P::Date), NestedField::optional(1001, "x", P::Int)]
    );
    let same_name = [
        spec(0, vec![field(2, 1000, "x", Transform::Day)]),
        spec(1, vec![field(1, 1001, "x", Transform::Bucket(8))]),
    ];
    let unified = unified_partition_type(&same_name, &schema()).unwrap();
    assert_eq!(unified.fields[0].name, "x_1000");
    let conflicting = [
        spec(0, vec![field(2, 1000, "x", Transform::Day)]),
        spec(1, vec![field(1, 1000, "y", Transform::Day)]),
    ];
    let error = unified_partition_type(&conflicting, &schema()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn statistics_schema_requires_more_in_v3() {
    let unified = || StructType::new(vec![NestedField::optional(1000, "x", P::Date)]);
    let v2 = partition_statistics_schema(unified(), FormatVersion::V2).unwrap();
    let v3 = partition_statistics_schema(unified(), FormatVersion::V3).unwrap();
    assert!(v2.field_by_name("dv_count").is_none());
    assert!(!v2.field_by_id(FieldId(6)).unwrap().required);
    assert!(v3.field_by_id(FieldId(6)).unwrap().required);
    assert_eq!(v3.field_by_name("dv_count").unwrap().id, FieldId(13));
    assert!(!v3.field_by_name("last_updated_at").unwrap().required);
    let clash = StructType::new(vec![NestedField::optional(2, "x", P::Date)]);
    assert!(partition_statistics_schema(clash, FormatVersion::V2).is_err());
}

mod evolution {
    use super::*;

    fn update<'a>(
        schema: &'a Schema,
        specs: &'a [PartitionSpec],
        v: FormatVersion,
    ) -> PartitionSpecUpdate<'a> {
        let last = specs.last().unwrap();
        PartitionSpecUpdate::new(schema, specs, last.id, last.highest_field_id(), v)
    }

    #[test]
    fn default_names_hold_the_parameters() {
        let schema = schema();
        let specs = [PartitionSpec::unpartitioned(PartitionSpecId(0))];
        let evolved = update(&schema, &specs, FormatVersion::V2)
            .add_field("id", Transform::Bucket(16))
            .add_field("cat", Transform::Truncate(4))
            .add_field("cat", Transform::Identity)
            .add_field("ts", Transform::Month)
            .add_field("place.lat", Transform::Void)
            .build()
            .unwrap();
        let names: Vec<_> = evolved.spec.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id_bucket_16", "cat_trunc_4", "cat", "ts_month", "place.lat_null"]);
        assert_eq!(evolved.last_partition_id, FieldId(1004));
        assert!(evolved.is_new);
    }

    #[test]
    fn v2_drops_removed_fields_and_recycles_their_ids() {
        let schema = schema();
        let mut specs = vec![spec(0, vec![field(2, 1000, "ts_day", Transform::Day)])];
        let next = update(&schema, &specs, FormatVersion::V2)
            .remove_transform("ts", Transform::Day)
            .add_field("id", Transform::Bucket(8))
            .build()
            .unwrap();
        assert_eq!(next.spec, spec(1, vec![field(1, 1001, "id_bucket_8", Transform::Bucket(8))]));
        specs.push(next.spec);
        let next =
            update(&schema, &specs, FormatVersion::V2).add_field("ts", Transform::Day).build().unwrap();
        assert_eq!(next.spec.fields[1], field(2, 1000, "ts_day", Transform::Day));
        assert_eq!(next.last_partition_id, FieldId(1001));
        // Another name is another field.
        let named = update(&schema, &specs, FormatVersion::V2).add_named_field("d", "ts", Transform::Day);
        assert_eq!(named.build().unwrap().spec.fields[1].field_id, FieldId(1002));
    }

    #[test]
    fn equivalent_spec_is_returned_instead_of_a_new_one() {
        let schema = schema();
        let specs = [
            spec(0, vec![field(2, 1000, "ts_day", Transform::Day)]),
            spec(1, vec![field(1, 1001, "id_bucket_8", Transform::Bucket(8))]),
        ];
        let back = update(&schema, &specs, FormatVersion::V2)
            .remove_field("id_bucket_8")
            .add_field("ts", Transform::Day)
            .build()
            .unwrap();
        assert!(!back.is_new);
        assert_eq!(back.spec, specs[0]);
    }

    #[test]
    fn v1_replaces_removed_fields_by_void_and_frees_their_name() {
        let schema = schema();
        let mut specs = vec![spec(0, vec![field(2, 1000, "x", Transform::Day)])];
        let next = update(&schema, &specs, FormatVersion::V1).remove_field("x").build().unwrap();
        assert_eq!(next.spec.fields, [field(2, 1000, "x", Transform::Void)]);
        specs.push(next.spec);
        let next = update(&schema, &specs, FormatVersion::V1)
            .add_named_field("x", "id", Transform::Bucket(4))
            .build()
            .unwrap();
        assert_eq!(
            next.spec.fields,
            [field(2, 1000, "x_1000", Transform::Void), field(1, 1001, "x", Transform::Bucket(4))]
        );
        let gap = [spec(0, vec![field(2, 1005, "x", Transform::Day)])];
        let error = update(&schema, &gap, FormatVersion::V1).rename_field("x", "y").build().unwrap_err();
        assert!(matches!(error, PartitionError::NotSequential { .. }));
    }

    #[test]
    fn table_that_was_v1_revives_a_void_field_under_its_id() {
        let schema = schema();
        let specs = [
            spec(0, vec![field(2, 1000, "x", Transform::Day)]),
            spec(1, vec![field(2, 1000, "x", Transform::Void), field(1, 1001, "b", Transform::Bucket(4))]),
        ];
        let next =
            update(&schema, &specs, FormatVersion::V2).add_field("ts", Transform::Day).build().unwrap();
        assert_eq!(
            next.spec.fields,
            [field(1, 1001, "b", Transform::Bucket(4)), field(2, 1000, "x", Transform::Day)]
        );
    }

    #[test]
    fn removing_and_adding_cancel_out_or_rename() {
        let schema = schema();
        let specs = [spec(0, vec![field(2, 1000, "x", Transform::Day)])];
        let same =
            update(&schema, &specs, FormatVersion::V2).remove_field("x").add_field("ts", Transform::Day);
        assert!(!same.build().unwrap().is_new);
        let renamed = update(&schema, &specs, FormatVersion::V2).remove_field("x").add_named_field(
            "y",
            "ts",
            Transform::Day,
        );
        assert_eq!(renamed.build().unwrap().spec, spec(1, vec![field(2, 1000, "y", Transform::Day)]));
    }

    #[test]
    fn only_added_time_fields_are_redundant() {
        let schema = schema();
        let specs = [spec(0, vec![field(2, 1000, "ts_day", Transform::Day)])];
        let new = || update(&schema, &specs, FormatVersion::V2);
        assert!(new().add_field("ts", Transform::Hour).build().is_ok());
        let two = new().add_field("ts", Transform::Hour).add_field("ts", Transform::Month).build();
        assert!(matches!(two, Err(PartitionError::Redundant { .. })));
        let buckets =
            new().add_field("id", Transform::Bucket(2)).add_field("id", Transform::Bucket(4)).build();
        assert_eq!(buckets.unwrap().spec.fields.len(), 3);
    }

    #[test]
    fn changes_that_exclude_each_other_are_refused() {
        use PartitionError as E;
        let schema = schema();
        let specs =
            [spec(0, vec![field(2, 1000, "x", Transform::Day), field(1, 1001, "y", Transform::Bucket(4))])];
        let new = || update(&schema, &specs, FormatVersion::V2);
        let check = |update: PartitionSpecUpdate<'_>, is: fn(&E) -> bool| {
            let error = update.build().unwrap_err();
            assert!(is(&error), "{error}");
        };
        check(new().remove_field("nope"), |e| matches!(e, E::FieldNotFound { .. }));
        check(new().rename_field("nope", "a"), |e| matches!(e, E::FieldNotFound { .. }));
        check(new().add_field("nope", Transform::Day), |e| matches!(e, E::ColumnNotFound { .. }));
        check(new().add_field("ts", Transform::Day), |e| matches!(e, E::Redundant { .. }));
        check(new().add_named_field("y", "cat", Transform::Identity), |e| {
            matches!(e, E::DuplicateName { .. })
        });
        check(new().rename_field("x", "y"), |e| matches!(e, E::DuplicateName { .. }));
        check(new().rename_field("x", "id"), |e| matches!(e, E::NameOfColumn { .. }));
        let conflict: fn(&E) -> bool = |e| matches!(e, E::ConflictingChanges { .. });
        check(new().remove_field("x").rename_field("x", "z"), conflict);
        check(new().rename_field("x", "z").remove_field("x"), conflict);
        check(new().add_field("cat", Transform::Identity).remove_field("cat"), conflict);
        check(new().add_field("cat", Transform::Identity).rename_field("cat", "c"), conflict);
        check(new().add_field("cat", Transform::Identity).add_field("cat", Transform::Identity), conflict);
        let swapped = new().rename_field("x", "y").rename_field("y", "x").build().unwrap().spec;
        assert_eq!((swapped.fields[0].name.as_str(), swapped.fields[1].name.as_str()), ("y", "x"));
    }

    #[test]
    fn spec_with_an_unknown_transform_cannot_be_evolved() {
        let schema = schema();
        let specs = [spec(0, vec![field(1, 1000, "z", Transform::Unknown("zorder".into()))])];
        let error = update(&schema, &specs, FormatVersion::V2).remove_field("z").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn ids_at_their_limit_are_an_error_not_an_overflow() {
        let schema = schema();
        let specs = [spec(i32::MAX, vec![field(2, i32::MAX, "x", Transform::Day)])];
        for update in [
            update(&schema, &specs, FormatVersion::V2).rename_field("x", "y"),
            update(&schema, &specs, FormatVersion::V2).add_field("id", Transform::Bucket(2)),
        ] {
            assert!(matches!(update.build(), Err(PartitionError::IdsExhausted { .. })));
        }
    }
}
