//! Unused schemas and partition specs go, and none that a snapshot uses, wherever its record is.

use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::transform::Transform;

use super::*;
use crate::action::{DeleteFiles, UpdatePartitionSpec, UpdateSchema};

fn add_column(table: &mut TestTable, name: &str) {
    let column = NewColumn::optional(name, PrimitiveType::String);
    table.commit(&UpdateSchema::new(SchemaUpdate::new().add_column(column))).unwrap();
}

fn schemas(table: &TestTable) -> Vec<i32> {
    table.metadata().schemas().iter().map(|schema| schema.id().0).collect()
}

fn specs(table: &TestTable) -> Vec<i32> {
    table.metadata().partition_specs().iter().map(|spec| spec.id.0).collect()
}

fn expire(keep_last: u32) -> ExpireSnapshots {
    ExpireSnapshots::new().older_than_ms(i64::MAX).keep_last(keep_last)
}

#[test]
fn schemas_that_no_snapshot_uses_go_if_asked_for_and_the_current_one_stays() {
    for version in VERSIONS {
        let mut table = TestTable::create(created(version));
        append_on_days(&mut table, 0, 2..=3);
        add_column(&mut table, "a");
        append_on_days(&mut table, 1, 5..=6);
        add_column(&mut table, "b");
        add_column(&mut table, "c");
        let mut kept = table.clone();
        kept.commit(&expire(1)).unwrap();
        assert_eq!(schemas(&kept), [0, 1, 2, 3], "{version}: unless asked for, all stay");
        table.commit(&expire(1).removing_unused_definitions()).unwrap();
        assert_eq!((ids(&table), schemas(&table)), (vec![6], vec![1, 3]), "{version}");
        assert_eq!(table.metadata().current_schema_id(), SchemaId(3));
        // Ids are not given twice, or files of the one would be read with the other.
        add_column(&mut table, "d");
        assert_eq!(schemas(&table), [1, 3, 4]);
    }
}

#[test]
fn schemas_of_snapshots_in_segments_stay() {
    for version in VERSIONS {
        let keep = created(version).with_property("datashard.history.keep-snapshots", "4");
        let mut table = TestTable::create(keep);
        append_on_days(&mut table, 0, 2..=4);
        add_column(&mut table, "a");
        append_on_days(&mut table, 1, 6..=14);
        add_column(&mut table, "b");
        append_on_days(&mut table, 2, 16..=16);
        add_column(&mut table, "c");
        append_on_days(&mut table, 3, 18..=18);
        assert!(!ids(&table).contains(&4) && ids(&table).contains(&16), "{:?}", ids(&table));
        let properties = |table: &TestTable| table.metadata().properties()[HISTORY].clone();
        let segments = properties(&table);
        table.commit(&expire(1).removing_unused_definitions()).unwrap();
        assert_eq!(ids(&table), [18], "{version}");
        assert_eq!(schemas(&table), [0, 1, 3], "{version}: segments hold snapshots of 0 and 1");
        assert_eq!(properties(&table), segments);
    }
}

#[test]
fn specs_that_a_manifest_of_a_snapshot_names_stay_wherever_its_record_is() {
    for segments in [false, true] {
        let mut create = created(FormatVersion::V2);
        if segments {
            create = create.with_property("datashard.history.keep-snapshots", "2");
        }
        let mut table = TestTable::create(create);
        append_on_days(&mut table, 0, 2..=3);
        // Spec 1 has no files, spec 2 is the default.
        table.commit(&UpdatePartitionSpec::new().add_field("id", Transform::Bucket(4))).unwrap();
        table.commit(&UpdatePartitionSpec::new().add_field("day", Transform::Day)).unwrap();
        let partition = vec![Some(datashard_spec::value::Value::Int(1)), None];
        for day in 6..=9 {
            table.now_ms = day * DAY_MS;
            let file = file(&format!("f{day}")).with_partition(partition.clone());
            table.commit(&Append::new(SchemaId(0)).with_file(PartitionSpecId(2), file)).unwrap();
        }
        assert_eq!(table.metadata().properties().contains_key(HISTORY), segments);
        let before = table.live();
        table.commit(&expire(1).removing_unused_definitions()).unwrap();
        assert_eq!(specs(&table), [0, 2], "the manifests of day 2 and 3 are part of the head");
        assert_eq!(table.live(), before);
        // Nothing of the head is of spec 0 after its files are gone, but history is.
        let gone = ["f2", "f3"].map(|name| format!("{LOCATION}/data/{name}.parquet"));
        let gone = DeleteFiles::new(gone);
        table.commit(&gone).unwrap();
        table
            .commit(
                &Append::new(SchemaId(0))
                    .with_file(PartitionSpecId(2), file("last").with_partition(partition.clone())),
            )
            .unwrap();
        assert!(table.rows().iter().all(|row| row.partition_spec_id == PartitionSpecId(2)));
        table.commit(&expire(1).removing_unused_definitions()).unwrap();
        assert_eq!(specs(&table), if segments { vec![0, 2] } else { vec![2] });
    }
}

#[test]
fn an_append_under_way_whose_schema_was_removed_is_refused_and_a_schema_in_use_again_stays() {
    let mut table = TestTable::create(created(FormatVersion::V2));
    append_on_days(&mut table, 0, 2..=2);
    add_column(&mut table, "a");
    append_on_days(&mut table, 1, 4..=4);
    let table = table.numbered(50);
    let ours = append(0, "ours");
    let lost = table.attempt(&ours, 1, &[]).unwrap();
    let expire = expire(1).removing_unused_definitions();

    let mut first = table.clone().numbered(60);
    first.keep_files(&lost);
    first.commit(&expire).unwrap();
    assert_eq!(schemas(&first), [1]);
    let refusal = first.for_operation(50).attempt(&ours, 2, &TestTable::written(&lost)).unwrap_err();
    assert!(matches!(refusal, Refusal::Conflict(_) | Refusal::Rejected { .. }), "{refusal}");

    // The other way round: what was unused is in use when the expiry comes to be committed.
    let attempt = table.clone().numbered(60).attempt(&expire, 1, &[]).unwrap();
    assert!(attempt.metadata.schema(SchemaId(0)).is_none());
    let mut other = table.clone();
    other.commit(&ours).unwrap();
    let again = other.for_operation(60);
    let next = again.attempt(&expire, 2, &[]).unwrap();
    let head = next.metadata.current_snapshot().unwrap().unwrap();
    assert!(next.metadata.schema(head.schema_id.unwrap()).is_some());
}
