//! Documents of table metadata, and of the parts that also stand alone: schema, spec, sort order, snapshot, name mapping.

#![no_main]

use std::convert::Infallible;

use datashard_fuzz::{fits, round_trip};
use datashard_spec::metadata::retention::{RetentionOverrides, expired_snapshots};
use datashard_spec::metadata::{
    ApplyContext, FormatVersion, MetadataFileName, TableMetadata, TableRequirement,
};
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::partition::{PartitionSpec, unified_partition_type};
use datashard_spec::schema::{Schema, Type};
use datashard_spec::snapshot::Snapshot;
use datashard_spec::sort_order::SortOrder;
use libfuzzer_sys::fuzz_target;

/// Above the size of an input, so that only compressed ones meet it.
const MAX_BYTES: u64 = 1 << 18;

fn infallible<T>(value: T) -> Result<T, Infallible> {
    Ok(value)
}

fn check_parts(text: &str) {
    if let Ok(schema) = Schema::from_json(text) {
        round_trip(&schema, |schema| infallible(schema.to_json()), |json| Schema::from_json(json));
        check_schema(&schema);
    }
    if let Ok(whole) = Type::from_json(text) {
        round_trip(&whole, |whole| infallible(whole.to_json()), |json| Type::from_json(json));
    }
    if let Ok(mapping) = NameMapping::from_json(text) {
        round_trip(&mapping, |mapping| infallible(mapping.to_json()), |json| NameMapping::from_json(json));
    }
    if let Ok(spec) = PartitionSpec::from_json(text) {
        round_trip(&spec, |spec| infallible(spec.to_json()), |json| PartitionSpec::from_json(json));
        round_trip(
            &spec,
            |spec| infallible(spec.fields_to_json()),
            |json| PartitionSpec::fields_from_json(spec.id, json),
        );
    }
    if let Ok(order) = SortOrder::from_json(text) {
        round_trip(&order, |order| infallible(order.to_json()), |json| SortOrder::from_json(json));
    }
    if let Ok(snapshot) = Snapshot::from_json(text) {
        for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
            let encode = |snapshot: &Snapshot| infallible(snapshot.to_json(version));
            round_trip(&snapshot, encode, |json| Snapshot::from_json(json));
        }
    }
    if let Some(name) = MetadataFileName::parse(text) {
        assert_eq!(MetadataFileName::parse(&name.to_string()), Some(name));
    }
}

fn check_schema(schema: &Schema) {
    for field in schema.all_fields() {
        let found = schema.field_by_id(field.id).expect("a field is found by its id");
        assert_eq!(found.full_name, field.full_name);
        assert!(field.full_name.ends_with(field.name));
    }
    let mapping = NameMapping::from_schema(schema);
    assert_eq!(mapping.updated(schema, schema), mapping, "nothing changed");
    let _ = schema.with_fresh_ids();
    assert!(schema.same_structure(schema));
}

fn check_table(table: &TableMetadata) {
    round_trip(table, |table| infallible(table.to_json()), |json| TableMetadata::from_json(json.as_bytes()));
    let compressed = table.to_gzip().expect("a document compresses");
    assert_eq!(TableMetadata::from_bytes(&compressed).as_ref(), Ok(table));

    // Ids in use are below the counters that give out new ones.
    let mut fields = table.partition_specs().iter().flat_map(|spec| &spec.fields);
    assert!(fields.all(|field| field.field_id <= table.last_partition_id()));
    assert_eq!(table.schema(table.current_schema_id()), Some(table.current_schema()));
    let _ = (table.default_partition_spec(), table.default_sort_order());
    let specs: Vec<_> = table.partition_specs().iter().map(|spec| PartitionSpec::clone(spec)).collect();
    for schema in table.schemas() {
        check_schema(schema);
        let _ = unified_partition_type(&specs, schema);
        for spec in &specs {
            let tuple = spec.partition_type(schema);
            assert_eq!(tuple.fields.len(), spec.fields.len());
            let _ = (spec.check(schema), spec.is_writable());
        }
        for order in table.sort_orders() {
            let _ = order.check(schema);
            assert!(order.satisfies(order));
        }
    }

    let whole = table.check_all();
    for (id, snapshot) in table.snapshot_ids().zip(table.snapshots()) {
        assert!(table.has_snapshot(id));
        // Only what is malformed may have an id other than the quick look at it found.
        let Ok(snapshot) = snapshot else {
            assert!(whole.is_err());
            continue;
        };
        assert_eq!(snapshot.id, id);
        assert_eq!(table.snapshot(id), Ok(Some(snapshot)));
        assert!(table.ancestors(id).count() <= table.snapshot_count());
        assert!(whole.is_err() || table.schema_for_snapshot(id).is_ok());
        assert_eq!(table.is_ancestor(id, id), Ok(true));
        let encode = |snapshot: &Snapshot| infallible(snapshot.to_json(table.format_version()));
        round_trip(snapshot, encode, |json| Snapshot::from_json(json));
    }
    if whole.is_ok() {
        for name in table.refs().keys() {
            assert!(table.snapshot_of_ref(name).is_ok() && table.schema_for_ref(name).is_ok());
        }
        assert!(table.current_snapshot().is_ok());
    }
    for at_ms in [i64::MIN, 0, table.last_updated_ms(), i64::MAX] {
        let _ = table.snapshot_at(at_ms);
    }
    if whole.is_ok() {
        check_expiry(table);
    }
}

/// What expires goes, nothing else does, and then nothing is left to expire.
fn check_expiry(table: &TableMetadata) {
    let now_ms = table.last_updated_ms();
    let overrides = RetentionOverrides::default();
    let Ok(expired) = expired_snapshots(table, now_ms, &overrides) else { return };
    let gone = expired.snapshot_ids.clone();
    let updates = expired.into_updates();
    for requirement in TableRequirement::for_updates(Some(table), &updates) {
        assert_eq!(requirement.check(Some(table)), Ok(()));
    }
    let Ok(next) = table.apply(&updates, &ApplyContext::new(now_ms)) else { return };
    for id in table.snapshot_ids() {
        assert_eq!(next.has_snapshot(id), !gone.contains(&id));
    }
    assert_eq!(next.check_all(), Ok(()));
    round_trip(&next, |table| infallible(table.to_json()), |json| TableMetadata::from_json(json.as_bytes()));
    let again = expired_snapshots(&next, now_ms, &overrides).expect("what was decided once is decided again");
    assert_eq!(again.into_updates(), [], "expiry is done at once");
}

fuzz_target!(|input: &[u8]| {
    if !fits(input) {
        return;
    }
    if let Ok(table) = TableMetadata::from_bytes_up_to(input, MAX_BYTES) {
        check_table(&table);
    }
    if let Ok(text) = str::from_utf8(input) {
        check_parts(text);
    }
});
