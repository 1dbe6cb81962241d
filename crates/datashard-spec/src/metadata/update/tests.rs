//! Tests of updates, requirements and retention, on the small v2 table of the document tests.

use super::*;
use crate::ErrorKind;
use crate::id::{FieldId, SequenceNumber};
use crate::metadata::retention::{RetentionOverrides, expired_snapshots};
use crate::metadata::tests::{v1, v2};
use crate::metadata::{BlobMetadata, TableRequirement};
use crate::partition::PartitionField;
use crate::schema::{NestedField, PrimitiveType, StructType, Type};
use crate::snapshot::{ManifestLocations, Operation, Summary};
use crate::transform::Transform;

const NOW_MS: i64 = 5_000_000;

fn apply(table: &TableMetadata, updates: &[TableUpdate]) -> Result<TableMetadata, SpecError> {
    let next = table.apply(updates, &ApplyContext::new(NOW_MS))?;
    // Whatever is made reads back as it is.
    assert_eq!(TableMetadata::from_json(next.to_json().as_bytes()).unwrap(), next);
    next.check_all().unwrap();
    Ok(next)
}

fn refuse(table: &TableMetadata, updates: &[TableUpdate], kind: ErrorKind) {
    let error = apply(table, updates).expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
}

fn snapshot(id: i64, sequence_number: i64) -> Snapshot {
    Snapshot::new(SnapshotId(id), NOW_MS, format!("snap-{id}.avro"))
        .with_sequence_number(SequenceNumber(sequence_number))
        .with_parent(Some(SnapshotId(30)))
        .with_schema_id(SchemaId(1))
        .with_summary(Summary::new(Operation::Append))
}

fn add(snapshot: Snapshot) -> TableUpdate {
    TableUpdate::AddSnapshot { snapshot }
}

fn main_to(id: i64) -> TableUpdate {
    set_ref("main", SnapshotRef::branch(SnapshotId(id)))
}

fn set_ref(name: &str, reference: SnapshotRef) -> TableUpdate {
    TableUpdate::SetSnapshotRef { name: name.to_owned(), reference }
}

fn remove(ids: &[i64]) -> TableUpdate {
    TableUpdate::RemoveSnapshots { snapshot_ids: ids.iter().copied().map(SnapshotId).collect() }
}

fn log(table: &TableMetadata) -> Vec<(i64, i64)> {
    table.snapshot_log().iter().map(|entry| (entry.snapshot_id.0, entry.timestamp_ms)).collect()
}

fn schema(fields: &[(i32, &str)]) -> TableUpdate {
    let column = |(id, name): &(i32, &str)| {
        let column_type = if *name == "at" { PrimitiveType::Timestamptz } else { PrimitiveType::Long };
        NestedField::optional(*id, *name, column_type)
    };
    let fields = fields.iter().map(column).collect();
    TableUpdate::AddSchema { schema: Schema::new(fields).unwrap() }
}

fn spec(fields: &[(i32, i32, &str, Transform)]) -> TableUpdate {
    let field = |(source, id, name, transform): &(i32, i32, &str, Transform)| {
        PartitionField::new(FieldId(*source), FieldId(*id), *name, transform.clone())
    };
    let spec = PartitionSpec::new(PartitionSpecId(77), fields.iter().map(field).collect());
    TableUpdate::AddPartitionSpec { spec }
}

#[test]
fn an_append_moves_main_the_counters_and_both_logs() {
    let table = v2();
    let context = ApplyContext::new(NOW_MS).with_previous_metadata_file("v2.metadata.json");
    let next = table.apply(&[add(snapshot(50, 5)), main_to(50)], &context).unwrap();
    assert_eq!(next.current_snapshot().unwrap().unwrap(), &snapshot(50, 5));
    assert_eq!(next.last_sequence_number(), SequenceNumber(5));
    assert_eq!(log(&next).last(), Some(&(50, NOW_MS)));
    let file = next.metadata_log().last().unwrap();
    assert_eq!(
        (file.metadata_file.as_str(), file.timestamp_ms),
        ("v2.metadata.json", table.last_updated_ms())
    );
    assert_eq!(next.refs()["main"].snapshot_id, SnapshotId(50));
    assert_eq!(table, v2(), "the base is as it was");
}

#[test]
fn snapshots_that_break_a_rule_are_refused_and_stale_ones_are_conflicts() {
    let table = v2();
    refuse(&table, &[add(snapshot(50, 4))], ErrorKind::Conflict);
    refuse(&table, &[add(snapshot(30, 5))], ErrorKind::AlreadyExists);
    refuse(&table, &[add(snapshot(0, 5))], ErrorKind::InvalidInput);
    refuse(&table, &[add(snapshot(50, 0))], ErrorKind::InvalidInput);
    refuse(&table, &[add(snapshot(50, 5).with_schema_id(SchemaId(9)))], ErrorKind::NotFound);
    refuse(&table, &[add(snapshot(50, 5).with_summary(Summary::default()))], ErrorKind::InvalidInput);
    refuse(&table, &[add(snapshot(50, 5).with_parent(Some(SnapshotId(50))))], ErrorKind::InvalidInput);
    let mut inline = snapshot(50, 5);
    inline.manifests = ManifestLocations::Inline(vec!["m".to_owned()]);
    refuse(&table, &[add(inline)], ErrorKind::InvalidInput);
    let replace = |added: i64| {
        let summary =
            Summary::new(Operation::Replace).with("added-records", added).with("deleted-records", 2);
        add(snapshot(50, 5).with_summary(summary))
    };
    refuse(&table, &[replace(3)], ErrorKind::InvalidInput);
    apply(&table, &[replace(2)]).unwrap();
    // Without a parent the number may be that of another history.
    let other = apply(&table, &[add(snapshot(50, 2).with_parent(None))]).unwrap();
    assert_eq!(other.last_sequence_number(), SequenceNumber(4));
    refuse(&v1(), &[add(snapshot(50, 1).with_schema_id(SchemaId(0)))], ErrorKind::InvalidInput);
    apply(&v1(), &[add(snapshot(50, 0).with_schema_id(SchemaId(0))), main_to(50)]).unwrap();
}

#[test]
fn row_ids_need_version_3() {
    refuse(&v2(), &[add(snapshot(50, 5).with_row_ids(0, 5))], ErrorKind::InvalidInput);
}

#[test]
fn trap_10_a_snapshot_made_on_an_old_base_is_a_conflict_on_the_new_one() {
    let base = v2();
    let ours = [add(snapshot(50, 5)), main_to(50)];
    let requirements = TableRequirement::for_updates(Some(&base), &ours);
    let check = |table: &TableMetadata| requirements.iter().try_for_each(|r| r.check(Some(table)));
    check(&base).unwrap();
    let theirs = apply(&base, &[add(snapshot(60, 5)), main_to(60)]).unwrap();
    assert_eq!(check(&theirs).unwrap_err().kind(), ErrorKind::Conflict);
    refuse(&theirs, &ours, ErrorKind::Conflict);
    // Rebuilt on what is there now, it goes through.
    let rebased = snapshot(50, 6).with_parent(Some(SnapshotId(60)));
    apply(&theirs, &[add(rebased), main_to(50)]).unwrap();
}

#[test]
fn row_ids_are_given_out_once() {
    let v3 =
        apply(&v2(), &[TableUpdate::UpgradeFormatVersion { format_version: FormatVersion::V3 }]).unwrap();
    assert_eq!((v3.next_row_id(), v3.format_version()), (0, FormatVersion::V3));
    refuse(&v3, &[add(snapshot(50, 5))], ErrorKind::InvalidInput);
    refuse(&v3, &[add(snapshot(50, 5).with_row_ids(0, -1))], ErrorKind::InvalidInput);
    refuse(&v3, &[add(snapshot(50, 5).with_row_ids(1, i64::MAX))], ErrorKind::InvalidInput);
    let next = apply(&v3, &[add(snapshot(50, 5).with_row_ids(0, 1375)), main_to(50)]).unwrap();
    assert_eq!(next.next_row_id(), 1375);
    refuse(&next, &[add(snapshot(60, 6).with_row_ids(1374, 1))], ErrorKind::Conflict);
    // A staged snapshot moves the counter too, and an empty one does not.
    let next = apply(
        &next,
        &[add(snapshot(60, 6).with_row_ids(1375, 5)), add(snapshot(61, 7).with_row_ids(1380, 0))],
    );
    assert_eq!(next.unwrap().next_row_id(), 1380);
}

#[test]
fn rollback_is_logged_at_the_time_of_the_rollback() {
    let table = apply(&v2(), &[main_to(10)]).unwrap();
    assert_eq!(log(&table), [(10, 1_000_000), (20, 2_000_000), (30, 3_000_000), (10, NOW_MS)]);
    assert_eq!(table.snapshot_id_at(i64::MAX), Ok(SnapshotId(10)));
    // Setting main where it is changes its retention and logs nothing.
    let kept = set_ref("main", SnapshotRef::branch(SnapshotId(10)).with_min_snapshots_to_keep(3));
    assert_eq!(log(&apply(&table, &[kept]).unwrap()), log(&table));
}

#[test]
fn snapshots_that_main_only_passed_through_are_not_logged() {
    let second = snapshot(60, 6).with_parent(Some(SnapshotId(50)));
    let table = apply(&v2(), &[add(snapshot(50, 5)), main_to(50), add(second), main_to(60)]).unwrap();
    assert_eq!(log(&table), [(10, 1_000_000), (20, 2_000_000), (30, 3_000_000), (60, NOW_MS)]);
    assert!(table.has_snapshot(SnapshotId(50)));
}

#[test]
fn trap_18_the_log_starts_after_the_newest_removed_snapshot() {
    let table = apply(&v2(), &[remove(&[20])]).unwrap();
    assert_eq!(log(&table), [(30, 3_000_000)], "10 is still there, but between them is a gap");
    assert_eq!(table.snapshot_at(2_500_000).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(table.has_snapshot(SnapshotId(10)));
    assert_eq!(log(&apply(&v2(), &[remove(&[40])]).unwrap()).len(), 3, "40 was never current");
}

#[test]
fn removing_a_snapshot_takes_its_statistics_and_refs_along() {
    let table = apply(&v2(), &[remove(&[10, 20, 99])]).unwrap();
    assert!(table.statistics().is_empty() && table.partition_statistics().is_empty());
    assert_eq!(table.refs().keys().collect::<Vec<_>>(), ["main"]);
    let empty = apply(&v2(), &[remove(&[30])]).unwrap();
    assert_eq!((empty.current_snapshot_id(), empty.snapshot_log().len()), (None, 0));
    let empty = apply(&v2(), &[TableUpdate::RemoveSnapshotRef { name: "main".to_owned() }]).unwrap();
    assert_eq!(
        (empty.current_snapshot_id(), empty.snapshot_log().len(), empty.snapshot_count()),
        (None, 0, 4)
    );
}

#[test]
fn refs_keep_their_kind_and_point_at_what_is_there() {
    let table = v2();
    let (branch, tag) = (SnapshotRef::branch(SnapshotId(20)), SnapshotRef::tag(SnapshotId(20)));
    refuse(&table, &[set_ref("t", branch.clone())], ErrorKind::InvalidInput);
    refuse(&table, &[set_ref("main", tag.clone())], ErrorKind::InvalidInput);
    refuse(&table, &[set_ref("x", branch.clone().moved_to(SnapshotId(9)))], ErrorKind::NotFound);
    refuse(&table, &[set_ref("x", tag.clone().with_max_ref_age_ms(0))], ErrorKind::InvalidInput);
    refuse(&table, &[set_ref("x", branch.clone().with_min_snapshots_to_keep(-1))], ErrorKind::InvalidInput);
    let next = apply(&table, &[set_ref("x", branch), set_ref("t", tag.clone())]).unwrap();
    assert_eq!(next.refs()["t"], tag);
    assert_eq!(log(&next), log(&table));
}

#[test]
fn equal_schemas_specs_and_orders_are_used_again() {
    let table = v2();
    let again =
        TableUpdate::AddSchema { schema: table.current_schema().as_ref().clone().with_id(SchemaId(9)) };
    let last = TableUpdate::SetCurrentSchema { schema_id: SchemaId(LAST_ADDED) };
    let next = apply(&table, &[again, last.clone()]).unwrap();
    assert_eq!((next.schemas().len(), next.current_schema_id()), (2, SchemaId(1)));
    let next = apply(&table, &[schema(&[(1, "id"), (2, "at"), (7, "n")]), last.clone()]).unwrap();
    assert_eq!((next.current_schema_id(), next.last_column_id()), (SchemaId(2), FieldId(7)));
    refuse(&table, &[last], ErrorKind::NotFound);
    refuse(&table, &[TableUpdate::SetCurrentSchema { schema_id: SchemaId(4) }], ErrorKind::NotFound);

    let last = TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId(LAST_ADDED) };
    let bucket = || (3, 1002, "b", Transform::Bucket(4));
    let next = apply(&table, &[spec(&[bucket()]), last.clone()]).unwrap();
    assert_eq!((next.default_spec_id(), next.last_partition_id()), (PartitionSpecId(1), FieldId(1002)));
    let same = apply(&next, &[spec(&[bucket()]), last]).unwrap();
    assert_eq!(same.partition_specs().len(), 2);

    let last = TableUpdate::SetDefaultSortOrder { sort_order_id: SortOrderId(LAST_ADDED) };
    let add = |order: &SortOrder| TableUpdate::AddSortOrder { order: order.clone() };
    let mut order = table.default_sort_order().as_ref().clone();
    let next = apply(&table, &[add(&order), last.clone()]).unwrap();
    assert_eq!((next.sort_orders().len(), next.default_sort_order_id()), (2, SortOrderId(1)));
    order.fields[0].transform = Transform::Bucket(2);
    let next = apply(&table, &[add(&order), last.clone()]).unwrap();
    assert_eq!(next.default_sort_order_id(), SortOrderId(2));
    order.fields.clear();
    assert_eq!(apply(&table, &[add(&order), last]).unwrap().default_sort_order_id(), SortOrderId(0));
}

#[test]
fn definitions_must_fit_each_other_in_the_end_but_not_in_between() {
    let table = v2();
    let set = TableUpdate::SetCurrentSchema { schema_id: SchemaId(LAST_ADDED) };
    // The default spec needs column 2.
    let narrow = schema(&[(1, "id")]);
    refuse(&table, &[narrow.clone(), set.clone()], ErrorKind::InvalidInput);
    let set_spec = TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId(LAST_ADDED) };
    let next = apply(&table, &[narrow, set, spec(&[]), set_spec]).unwrap();
    assert!(next.default_partition_spec().is_unpartitioned());
    // Ids keep their meaning, names and ids are unique, what is not known is not written.
    refuse(&table, &[spec(&[(1, 1000, "x", Transform::Identity)])], ErrorKind::InvalidInput);
    refuse(
        &table,
        &[spec(&[(1, 1002, "x", Transform::Identity), (2, 1002, "y", Transform::Day)])],
        ErrorKind::InvalidInput,
    );
    refuse(&table, &[spec(&[(1, 1002, "x", Transform::Unknown("u".into()))])], ErrorKind::Unsupported);
    apply(&table, &[spec(&[(2, 1000, "renamed", Transform::Day)])]).unwrap();
    apply(&table, &[spec(&[(2, 1000, "at_day", Transform::Void)])]).unwrap();
    let variant = Schema::new(vec![NestedField::optional(9, "v", Type::Variant)]).unwrap();
    refuse(&table, &[TableUpdate::AddSchema { schema: variant }], ErrorKind::InvalidInput);
    refuse(&table, &[TableUpdate::RemoveSchemas { schema_ids: vec![SchemaId(1)] }], ErrorKind::InvalidInput);
    refuse(
        &table,
        &[TableUpdate::RemovePartitionSpecs { spec_ids: vec![PartitionSpecId(0)] }],
        ErrorKind::InvalidInput,
    );
    assert_eq!(
        table
            .apply(&[TableUpdate::RemoveSchemas { schema_ids: vec![SchemaId(0)] }], &ApplyContext::new(1))
            .unwrap()
            .schemas()
            .len(),
        1
    );
}

#[test]
fn the_format_version_goes_up_only_and_needs_an_identity() {
    let upgrade = |format_version| TableUpdate::UpgradeFormatVersion { format_version };
    let uuid = |n| TableUpdate::AssignUuid { uuid: Uuid::from_u128(n) };
    refuse(&v2(), &[upgrade(FormatVersion::V1)], ErrorKind::InvalidInput);
    refuse(&v1(), &[upgrade(FormatVersion::V2)], ErrorKind::InvalidInput);
    let v2_of_v1 = apply(&v1(), &[uuid(1), upgrade(FormatVersion::V2)]).unwrap();
    assert_eq!(v2_of_v1.current_snapshot().unwrap(), v1().current_snapshot().unwrap(), "old snapshots stay");
    let json = v2_of_v1.to_json();
    assert!(json.contains("last-sequence-number") && !json.contains("\"schema\":"), "{json}");
    let v3_of_v1 = apply(&v1(), &[uuid(1), upgrade(FormatVersion::V3)]).unwrap();
    assert_eq!(v3_of_v1.next_row_id(), 0);
    refuse(&v3_of_v1, &[uuid(2)], ErrorKind::InvalidInput);
    apply(&v3_of_v1, &[uuid(1), upgrade(FormatVersion::V3)]).unwrap();
}

#[test]
fn time_never_goes_back() {
    let table = v2();
    let before = table.last_updated_ms();
    let next = table.apply(&[main_to(10)], &ApplyContext::new(1)).unwrap();
    assert_eq!((next.last_updated_ms(), log(&next).last()), (before, Some(&(10, before))));
    // A writer whose clock is an hour behind still leaves a log that others can load.
    let mut late = snapshot(50, 5);
    late.timestamp_ms = 1;
    let next = apply(&table, &[add(late), main_to(50)]).unwrap();
    assert_eq!(log(&next).last(), Some(&(50, 3_000_000)));
}

#[test]
fn the_metadata_log_keeps_as_many_entries_as_the_property_says() {
    let check = |max: &str, expect: usize| {
        let property = ("write.metadata.previous-versions-max".to_owned(), max.to_owned());
        let mut table = apply(&v2(), &[TableUpdate::SetProperties { updates: [property].into() }]).unwrap();
        for version in 2..9 {
            let context = ApplyContext::new(NOW_MS).with_previous_metadata_file(format!("v{version}"));
            table = table.apply(&[], &context).unwrap();
        }
        assert_eq!(table.metadata_log().len(), expect, "{max}");
        assert_eq!(table.metadata_log().last().unwrap().metadata_file, "v8");
    };
    check("3", 3);
    check("0", 1);
    // What makes no sense is the default, as the warnings about properties say.
    check("-7", 8);
    check("many", 8);
}

#[test]
fn properties_statistics_and_keys_are_set_and_removed() {
    let set = |key: &str| TableUpdate::SetProperties { updates: [(key.to_owned(), "v".to_owned())].into() };
    refuse(&v2(), &[set("current-snapshot-id")], ErrorKind::InvalidInput);
    refuse(&v2(), &[TableUpdate::SetLocation { location: String::new() }], ErrorKind::InvalidInput);
    let removals = vec!["owner".to_owned(), "never there".to_owned()];
    let next = apply(&v2(), &[set("k"), TableUpdate::RemoveProperties { removals }]).unwrap();
    assert_eq!(next.properties().keys().collect::<Vec<_>>(), ["comment", "k"]);

    let blob = BlobMetadata::new("t", SnapshotId(10), SequenceNumber(1), vec![FieldId(1)]);
    let file = |id| StatisticsFile::new(SnapshotId(id), "new", 9, 8).with_blobs(vec![blob.clone()]);
    let next = apply(&v2(), &[TableUpdate::SetStatistics { statistics: file(10) }]).unwrap();
    assert_eq!(next.statistics(), [file(10)], "it replaces the one before");
    refuse(&v2(), &[TableUpdate::SetStatistics { statistics: file(9) }], ErrorKind::NotFound);
    let next = apply(&next, &[TableUpdate::RemoveStatistics { snapshot_id: SnapshotId(10) }]).unwrap();
    assert!(next.statistics().is_empty());
    let partition_statistics = PartitionStatisticsFile::new(SnapshotId(20), "new", 9);
    let next = apply(&v2(), &[TableUpdate::SetPartitionStatistics { partition_statistics }]).unwrap();
    assert_eq!(next.partition_statistics()[0].path, "new");
    let next =
        apply(&next, &[TableUpdate::RemovePartitionStatistics { snapshot_id: SnapshotId(20) }]).unwrap();
    assert!(next.partition_statistics().is_empty());

    let key = |metadata: &str| TableUpdate::AddEncryptionKey { key: EncryptedKey::new("k", metadata) };
    refuse(&v2(), &[key("a")], ErrorKind::InvalidInput);
    let v3 =
        apply(&v2(), &[TableUpdate::UpgradeFormatVersion { format_version: FormatVersion::V3 }, key("a")])
            .unwrap();
    assert_eq!(v3.encryption_keys().len(), 1);
    refuse(&v3, &[key("b")], ErrorKind::AlreadyExists);
    let next = apply(&v3, &[key("a"), TableUpdate::RemoveEncryptionKey { key_id: "k".to_owned() }]).unwrap();
    assert!(next.encryption_keys().is_empty());
}

#[test]
fn requirements_hold_on_the_base_and_fail_on_what_differs() {
    let base = v2();
    let check = |update: TableUpdate, theirs: &[TableUpdate], expect: Result<(), ErrorKind>| {
        let requirements = TableRequirement::for_updates(Some(&base), std::slice::from_ref(&update));
        let all = |table: &TableMetadata| requirements.iter().try_for_each(|r| r.check(Some(table)));
        all(&base).unwrap();
        let table = apply(&base, theirs).unwrap();
        assert_eq!(all(&table).map_err(|e| e.kind()), expect, "{update:?}");
    };
    let new_schema = schema(&[(1, "id"), (2, "at"), (7, "n")]);
    let set_schema = TableUpdate::SetCurrentSchema { schema_id: SchemaId(LAST_ADDED) };
    let new_spec = spec(&[(3, 1002, "b", Transform::Bucket(4))]);
    let set_spec = TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId(LAST_ADDED) };
    let set_order = TableUpdate::SetDefaultSortOrder { sort_order_id: SortOrderId(0) };
    let conflict = Err(ErrorKind::Conflict);
    check(new_schema.clone(), std::slice::from_ref(&new_schema), conflict);
    check(set_schema.clone(), &[new_schema.clone(), set_schema.clone()], conflict);
    check(new_spec.clone(), std::slice::from_ref(&new_spec), conflict);
    check(set_spec.clone(), &[new_spec, set_spec], conflict);
    check(set_order.clone(), std::slice::from_ref(&set_order), conflict);
    check(main_to(20), &[main_to(10)], conflict);
    check(
        set_ref("n", SnapshotRef::tag(SnapshotId(10))),
        &[set_ref("n", SnapshotRef::tag(SnapshotId(20)))],
        conflict,
    );
    check(main_to(20), &[set_ref("n", SnapshotRef::tag(SnapshotId(20)))], Ok(()));
    check(TableUpdate::RemoveSchemas { schema_ids: vec![SchemaId(0)] }, &[main_to(10)], conflict);
    check(TableUpdate::RemovePartitionSpecs { spec_ids: vec![] }, &[main_to(10)], conflict);
    check(remove(&[10]), &[main_to(10)], Ok(()));
    assert_eq!(TableRequirement::for_updates(None, &[]), [TableRequirement::AssertCreate]);
    let exists = TableRequirement::AssertCreate.check(Some(&base)).unwrap_err();
    assert_eq!(exists.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn expiry_keeps_heads_the_newest_and_the_young() {
    let check =
        |table: &TableMetadata, now_ms: i64, overrides: RetentionOverrides, refs: &[&str], ids: &[i64]| {
            let expired = expired_snapshots(table, now_ms, &overrides).unwrap();
            assert_eq!(expired.refs, refs, "at {now_ms} with {overrides:?}");
            assert_eq!(expired.snapshot_ids.iter().map(|id| id.0).collect::<Vec<_>>(), ids, "at {now_ms}");
            let next = apply(table, &expired.into_updates()).unwrap();
            assert!(next.has_snapshot(SnapshotId(30)), "the head of main stays");
        };
    let none = RetentionOverrides::default;
    let older = |ms| RetentionOverrides { older_than_ms: Some(ms), ..none() };
    // Main keeps 7 ms, the tag lives 9 ms; the staged snapshot 40 keeps to the table's five days.
    check(&v2(), 4_000_000, none(), &["t"], &[10, 20]);
    check(&v2(), 1_000_009, none(), &[], &[]);
    check(&v2(), 4_000_000, older(4_000_000), &["t"], &[10, 20]);
    check(&v2(), 4_000_000, older(4_000_001), &["t"], &[10, 20, 40]);
    check(&v2(), i64::MAX, none(), &["t"], &[10, 20, 40]);
    let keep_two = RetentionOverrides { min_snapshots_to_keep: Some(2), ..none() };
    check(&v2(), 4_000_000, keep_two, &["t"], &[10]);
    let named = RetentionOverrides { snapshot_ids: vec![SnapshotId(40)], ..none() };
    check(&v2(), 4_000_000, named, &["t"], &[10, 20, 40]);
    let head = RetentionOverrides { snapshot_ids: vec![SnapshotId(30)], ..none() };
    assert_eq!(expired_snapshots(&v2(), 4_000_000, &head).unwrap_err().kind(), ErrorKind::InvalidInput);
    for off in ["false", "FALSE", "no", ""] {
        let off = TableUpdate::SetProperties { updates: [("gc.enabled".to_owned(), off.to_owned())].into() };
        let off = apply(&v2(), &[off]).unwrap();
        assert_eq!(expired_snapshots(&off, 4_000_000, &none()).unwrap_err().kind(), ErrorKind::InvalidInput);
        check(&off, 4_000_000, none().ignoring_gc_enabled(), &["t"], &[10, 20]);
    }
    // A tag on the way is no walk: what is older still belongs to main, which does not keep it.
    let tag = apply(&v2(), &[set_ref("a", SnapshotRef::tag(SnapshotId(20)))]).unwrap();
    check(&tag, 4_000_000, none(), &["t"], &[10]);
    // Of branches that share history, the one that keeps most decides.
    let few = SnapshotRef::branch(SnapshotId(20)).with_max_snapshot_age_ms(1);
    let many = few.clone().with_min_snapshots_to_keep(2);
    for (a, b) in [(few.clone(), many.clone()), (many, few)] {
        let both = apply(&v2(), &[set_ref("a", a), set_ref("b", b)]).unwrap();
        check(&both, 4_000_000, none(), &["t"], &[]);
    }
}

#[test]
fn an_equivalent_spec_is_used_again_whatever_its_field_ids_and_v1_counts_them() {
    let last = TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId(LAST_ADDED) };
    let second = apply(&v2(), &[spec(&[(3, 1002, "b", Transform::Bucket(4))]), last.clone()]).unwrap();
    // As the builder of specs numbers them, which here is the id of another field.
    let again = apply(&second, &[spec(&[(3, 1000, "b", Transform::Bucket(4))]), last.clone()]).unwrap();
    assert_eq!(again.partition_specs(), second.partition_specs());
    let one = || (1, 1000, "id_b", Transform::Bucket(4));
    let refused = [spec(&[one(), (1, 1002, "id_t", Transform::Truncate(4))])];
    refuse(&v1(), &refused, ErrorKind::InvalidInput);
    let next = apply(&v1(), &[spec(&[one(), (1, 1001, "id_t", Transform::Truncate(4))]), last]).unwrap();
    assert_eq!(next.default_partition_spec().fields.len(), 2);
}

#[test]
fn changes_of_schema_and_spec_start_from_the_table_itself() {
    use crate::schema::evolution::{NewColumn, SchemaUpdate};
    let change = SchemaUpdate::new().add_column(NewColumn::optional("n", PrimitiveType::Int));
    let change = change.apply(&v2().schema_update_base()).unwrap();
    assert_eq!(change.last_column_id, FieldId(4));
    let unreadable = v2().partition_spec_update().add_field("id", Transform::Identity).build().unwrap_err();
    assert_eq!(unreadable.kind(), ErrorKind::Unsupported, "the spec has a transform of the future");
    let table = v1();
    let evolved = table.partition_spec_update().add_field("id", Transform::Identity).build().unwrap();
    let next = apply(&table, &[TableUpdate::AddPartitionSpec { spec: evolved.spec }]).unwrap();
    assert_eq!(next.last_partition_id(), evolved.last_partition_id);
    let set = TableUpdate::SetCurrentSchema { schema_id: SchemaId(LAST_ADDED) };
    let next = apply(&v2(), &[TableUpdate::AddSchema { schema: change.schema }, set]).unwrap();
    assert_eq!((next.last_column_id(), next.current_schema_id()), (FieldId(4), SchemaId(2)));
}

#[test]
fn names_that_lead_to_two_fields_get_into_no_table() {
    let inner = StructType::new(vec![NestedField::optional(5, "b", PrimitiveType::Int)]);
    let fields =
        vec![NestedField::optional(4, "a", inner), NestedField::optional(6, "a.b", PrimitiveType::Int)];
    let schema = Schema::new(fields).unwrap();
    refuse(&v2(), &[TableUpdate::AddSchema { schema }], ErrorKind::AlreadyExists);
}

#[test]
fn an_upgrade_takes_over_keys_of_the_new_version() {
    let with = |keys: &str| {
        let json = v2().to_json().replacen('{', &format!("{{{keys},"), 1);
        TableMetadata::from_json(json.as_bytes()).unwrap()
    };
    let upgrade = [TableUpdate::UpgradeFormatVersion { format_version: FormatVersion::V3 }];
    let keys = r#""next-row-id":7,"encryption-keys":[{"key-id":"k","encrypted-key-metadata":"bQ=="}]"#;
    let v3 = apply(&with(keys), &upgrade).unwrap();
    assert_eq!((v3.next_row_id(), v3.encryption_keys().len()), (7, 1));
    assert!(v3.unknown_keys().get("next-row-id").is_none());
    let v3 = apply(&with(r#""next-row-id":null,"encryption-keys":null"#), &upgrade).unwrap();
    assert_eq!((v3.next_row_id(), v3.encryption_keys().len()), (0, 0));
    refuse(&with(r#""next-row-id":"x""#), &upgrade, ErrorKind::InvalidData);
}

#[test]
fn ids_below_the_first_are_not_gone_on_from() {
    let json = v2()
        .to_json()
        .replace(r#""schema-id":1"#, r#""schema-id":-5"#)
        .replace(r#""schema-id":0"#, r#""schema-id":-2"#);
    let json = json.replace(r#""current-schema-id":1"#, r#""current-schema-id":-5"#);
    let table = TableMetadata::from_json(json.as_bytes()).unwrap();
    let set = TableUpdate::SetCurrentSchema { schema_id: SchemaId(LAST_ADDED) };
    let next = apply(&table, &[schema(&[(1, "id"), (2, "at"), (7, "n")]), set]).unwrap();
    assert_eq!(next.current_schema_id(), SchemaId(0));
}

/// One step of a table's life; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
    Append { timestamp_ms: i64 },
    Stage,
    Rollback(usize),
    Tag(usize),
    Remove(usize),
    DropMain,
    AppendTwice,
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<(Step, i64)>> {
    use proptest::prelude::*;
    let step = prop_oneof![
        4 => (0_i64..9_000_000).prop_map(|timestamp_ms| Step::Append { timestamp_ms }),
        1 => Just(Step::Stage),
        2 => any::<usize>().prop_map(Step::Rollback),
        1 => any::<usize>().prop_map(Step::Tag),
        2 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::DropMain),
        1 => Just(Step::AppendTwice),
    ];
    proptest::collection::vec((step, 0_i64..9_000_000), 1..12)
}

fn updates_of(table: &TableMetadata, step: &Step) -> Vec<TableUpdate> {
    let pick = |n: usize| table.snapshot_ids().nth(n.checked_rem(table.snapshot_count()).unwrap_or(0));
    let next = table.last_sequence_number().0.checked_add(1).unwrap();
    let next_id = next.checked_mul(100).unwrap();
    let new = |offset: i64, timestamp_ms: i64| {
        let (id, number) = (next_id.checked_add(offset).unwrap(), next.checked_add(offset).unwrap());
        let mut snapshot = snapshot(id, number).with_parent(table.current_snapshot_id());
        snapshot.timestamp_ms = timestamp_ms;
        add(snapshot)
    };
    match step {
        Step::Append { timestamp_ms } => vec![new(0, *timestamp_ms), main_to(next_id)],
        Step::AppendTwice => {
            let second = next_id.checked_add(1).unwrap();
            vec![new(0, NOW_MS), main_to(next_id), new(1, NOW_MS), main_to(second)]
        }
        Step::Stage => vec![new(0, NOW_MS)],
        Step::Rollback(n) => pick(*n).map(|id| main_to(id.0)).into_iter().collect(),
        Step::Tag(n) => pick(*n).map(|id| set_ref("t", SnapshotRef::tag(id))).into_iter().collect(),
        Step::Remove(n) => pick(*n).map(|id| remove(&[id.0])).into_iter().collect(),
        Step::DropMain => vec![TableUpdate::RemoveSnapshotRef { name: "main".to_owned() }],
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn any_life_of_a_table_keeps_its_log_true(steps in steps()) {
        let mut table = v2();
        for (step, now_ms) in &steps {
            let updates = updates_of(&table, step);
            let next = table.apply(&updates, &ApplyContext::new(*now_ms)).unwrap();
            next.check_all().unwrap();
            assert_eq!(TableMetadata::from_json(next.to_json().as_bytes()).unwrap(), next);
            assert!(next.last_updated_ms() >= table.last_updated_ms());
            assert!(next.last_sequence_number() >= table.last_sequence_number());
            let log = next.snapshot_log();
            assert!(log.iter().all(|entry| next.has_snapshot(entry.snapshot_id)), "{log:?} after {step:?}");
            assert!(log.is_sorted_by_key(|entry| entry.timestamp_ms), "{log:?} after {step:?}");
            assert_eq!(log.last().map(|entry| entry.snapshot_id), next.current_snapshot_id());
            table = next;
        }
    }
}
