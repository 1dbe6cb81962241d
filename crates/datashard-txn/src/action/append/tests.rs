//! Appends over all format versions: what is written is read back by the format's own readers.

mod refused;
mod retained;

use datashard_spec::id::{FieldId, SchemaId, SequenceNumber};
use datashard_spec::manifest::{FileContent, FileFormat, ManifestStatus};
use datashard_spec::metadata::{ApplyContext, FormatVersion, TableUpdate};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::snapshot_ref::{MAIN_BRANCH, SnapshotRef};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

use super::*;
use crate::action::testing::{LOCATION, TestTable, by_id, file, schema, table_path};
use crate::action::{CreateTable, SetProperties};
use crate::lookup::SUMMARY_APP_KEY;
use crate::protocol::AppKey;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];
const SPEC: PartitionSpecId = PartitionSpecId(0);

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(SPEC, file(name))
}

fn reason(refusal: Refusal) -> String {
    refusal.to_string()
}

#[test]
fn an_append_is_read_back_in_every_version() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        table.now_ms = 5_000;
        table.commit(&append("a").with_file(SPEC, file("b"))).unwrap();
        table.now_ms = 4_000;
        let next = table.commit(&append("c")).unwrap();
        assert_eq!(next.manifests.len(), 1);
        let snapshot = table.snapshot();
        let number = |n| if version == FormatVersion::V1 { 0 } else { n };
        assert_eq!(snapshot.sequence_number, SequenceNumber(number(2)));
        assert_eq!(table.metadata().last_sequence_number(), SequenceNumber(number(2)));
        assert_eq!(snapshot.schema_id, Some(SchemaId(0)));
        assert_eq!(snapshot.timestamp_ms, 5_000, "time does not go back");
        assert_eq!(snapshot.parent_id, table.metadata().snapshot_ids().next());
        let live = table.live();
        let numbers: Vec<i64> = live.values().map(|identity| identity.data_sequence_number).collect();
        assert_eq!(numbers, [number(1), number(1), number(2)]);
        let row_ids: Vec<Option<i64>> = live.values().map(|identity| identity.file.first_row_id).collect();
        if version == FormatVersion::V3 {
            assert_eq!(row_ids, [Some(0), Some(10), Some(20)]);
            assert_eq!((snapshot.first_row_id, snapshot.added_rows), (Some(20), Some(10)));
            assert_eq!(table.metadata().next_row_id(), 30);
        } else {
            assert_eq!(row_ids, [None, None, None]);
        }
    }
}

#[test]
fn g7_time_does_not_go_back_behind_the_snapshot_or_the_version_before() {
    let mut table = TestTable::plain(FormatVersion::V2);
    for (now_ms, expect) in [(5_000, 5_000), (4_000, 5_000)] {
        table.now_ms = now_ms;
        table.commit(&append(&format!("{now_ms}"))).unwrap();
        assert_eq!(table.snapshot().timestamp_ms, expect);
    }
    table.now_ms = 9_000;
    table.commit(&SetProperties::new().set("a", "b")).unwrap();
    table.now_ms = 6_000;
    table.commit(&append("late")).unwrap();
    assert_eq!((table.snapshot().timestamp_ms, table.metadata().last_updated_ms()), (9_000, 9_000));
}

#[test]
fn the_summary_counts_what_was_added_and_carries_totals_and_notes() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append("a")).unwrap();
    table.key = Some(AppKey::new("loader", 7));
    table.commit(&append("b").with_file(SPEC, file("c")).with_summary_property("source", "kafka")).unwrap();
    let summary = &table.snapshot().summary;
    assert_eq!(summary.operation(), Some(&SnapshotOperation::Append));
    for (key, expect) in [
        ("source", "kafka"),
        ("added-data-files", "2"),
        ("added-records", "20"),
        ("added-files-size", "2000"),
        ("changed-partition-count", "1"),
        ("manifests-created", "1"),
        ("manifests-kept", "1"),
        ("manifests-replaced", "0"),
        ("total-records", "30"),
        ("total-data-files", "3"),
        ("total-files-size", "3000"),
        ("total-delete-files", "0"),
        ("total-position-deletes", "0"),
        ("total-equality-deletes", "0"),
        (SUMMARY_APP_KEY, "loader:7"),
    ] {
        assert_eq!(summary.get(key), Some(expect), "{key}");
    }
}

#[test]
fn entries_of_a_new_manifest_leave_their_numbers_open() {
    let table = TestTable::plain(FormatVersion::V3);
    let next = table.attempt(&append("a"), 1, &[]).unwrap();
    let mut reader = datashard_spec::avro::ManifestReader::new(&next.manifests[0].bytes).unwrap();
    let entry = reader.next().unwrap().unwrap();
    assert_eq!(entry.status, ManifestStatus::Added);
    assert_eq!((entry.data_sequence_number, entry.file_sequence_number), (None, None));
    assert_eq!(entry.data_file.first_row_id, None);
}

#[test]
fn b7_a_later_attempt_uses_the_manifests_of_an_earlier_one_and_another_list() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        let ours = append("ours");
        let first = table.attempt(&ours, 1, &[]).unwrap();
        table.keep_files(&first);
        let earlier: Vec<NewManifest> =
            first.manifests.iter().map(|new| NewManifest { bytes: Bytes::new(), ..new.clone() }).collect();
        let mut theirs = table.clone();
        theirs.files.clear();
        let other = {
            // The test's names follow from how many operations were adopted: theirs has the next number.
            let mut table = TestTable::plain(version);
            table.commit(&SetProperties::new().set("a", "b")).unwrap();
            table.base = theirs.base.clone();
            table.commit(&append("theirs")).unwrap();
            table
        };
        table.base = other.base.clone();
        table.files.extend(other.files.clone());
        let second = table.attempt(&ours, 2, &earlier).unwrap();
        assert_eq!(second.manifests[0].path, first.manifests[0].path);
        assert!(second.manifests[0].bytes.is_empty(), "nothing is written again");
        let lists = [&first, &second].map(|next| next.manifest_lists[0].0.clone());
        assert_ne!(lists[0], lists[1]);
        table.adopt(&second);
        let live = table.live();
        let paths: Vec<&String> = live.keys().collect();
        assert_eq!(paths, [&file("ours").file_path, &file("theirs").file_path]);
        let numbers: Vec<i64> = live.values().map(|identity| identity.data_sequence_number).collect();
        assert_eq!(numbers, if version == FormatVersion::V1 { [0, 0] } else { [2, 1] });
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for version in VERSIONS {
        let mut table = TestTable::plain(version);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            table.commit(&append(name)).unwrap();
        }
        let [one, two] = [(); 2].map(|()| table.attempt(&append("i"), 1, &[]).unwrap());
        assert_eq!(one.bytes, two.bytes);
        assert_eq!(one.manifest_lists, two.manifest_lists);
        let bytes = |next: &crate::next::Next| -> Vec<Bytes> {
            next.manifests.iter().map(|new| new.bytes.clone()).collect()
        };
        assert_eq!(bytes(&one), bytes(&two));
        assert_eq!(one.manifests.len(), 2, "its own and a merged one");
    }
}

/// A table by `id` whose default spec then became one by day, with the two specs' files.
fn evolved(version: FormatVersion) -> (TestTable, Append) {
    let mut table = TestTable::create(
        CreateTable::new(schema()).with_partition_spec(by_id(0)).with_format_version(version),
    );
    let days = PartitionField::new(FieldId(2), FieldId(1001), "d", Transform::Day);
    let mut fields = by_id(0).fields;
    if version == FormatVersion::V1 {
        fields[0].transform = Transform::Void;
        fields.push(days);
    } else {
        fields = vec![days];
    }
    let updates = [
        TableUpdate::AddPartitionSpec { spec: PartitionSpec::new(PartitionSpecId(0), fields) },
        TableUpdate::SetDefaultPartitionSpec { spec_id: PartitionSpecId::LAST_ADDED },
    ];
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
    let of_day = match version {
        FormatVersion::V1 => vec![None, Some(Value::Date(19_000))],
        _ => vec![Some(Value::Date(19_000))],
    };
    let append = Append::new(SchemaId(0))
        .with_file(PartitionSpecId(0), file("old").with_partition(vec![Some(Value::Int(5))]))
        .with_file(PartitionSpecId(1), file("new").with_partition(of_day));
    (table, append)
}

#[test]
fn d6_files_of_two_specs_get_a_manifest_each() {
    for version in VERSIONS {
        let (mut table, append) = evolved(version);
        table.commit(&append).unwrap();
        let specs: Vec<i32> = table.rows().iter().map(|row| row.partition_spec_id.0).collect();
        assert_eq!(specs, [0, 1]);
        let live = table.live();
        assert_eq!(live[&file("old").file_path].file.partition, [Some(Value::Int(5))]);
        assert_eq!(live[&file("new").file_path].file.partition.last(), Some(&Some(Value::Date(19_000))));
        assert_eq!(table.snapshot().summary.get("changed-partition-count"), Some("2"));
        let bound = table.rows()[0].partitions.as_ref().unwrap()[0].lower_bound.clone();
        assert_eq!(bound, Some(5_i32.to_le_bytes().to_vec()));
    }
}

#[test]
fn d5_a_partition_value_of_before_its_column_was_widened_is_taken() {
    let mut table = TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)));
    let long = Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "day", PrimitiveType::Date),
    ]);
    let updates = [
        TableUpdate::AddSchema { schema: long.unwrap() },
        TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
    ];
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
    let old = file("old").with_partition(vec![Some(Value::Int(5))]);
    table.commit(&Append::new(SchemaId(0)).with_file(SPEC, old)).unwrap();
    assert_eq!(table.live()[&file("old").file_path].file.partition, [Some(Value::Long(5))]);
    assert_eq!(table.snapshot().schema_id, Some(SchemaId(1)));
}

#[test]
fn appends_with_the_same_notes_join_and_others_do_not() {
    let (a, b) = (append("a"), append("b"));
    let noted = append("c").with_summary_property("source", "kafka");
    assert!(a.joins(&b) && noted.joins(&noted.clone()));
    let empty = Append::new(SchemaId(0));
    assert!(!a.joins(&noted) && !a.joins(&empty) && !empty.joins(&a));
    let mut table = TestTable::plain(FormatVersion::V2);
    let next = table.commit(&Append::join(&[&a, &b])).unwrap();
    assert_eq!((next.manifests.len(), table.live().len()), (1, 2));
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn a_large_append_is_spread_over_manifests_of_the_target_size() {
    let mut table = TestTable::create(
        CreateTable::new(schema())
            .with_property("commit.manifest.target-size-bytes", "20000")
            .with_property("write.manifest.compression-codec", "uncompressed"),
    );
    let files = (0..3_000).map(|number| file(&format!("{number:04}")));
    let next = table.commit(&Append::new(SchemaId(0)).with_files(SPEC, files)).unwrap();
    assert!((5..15).contains(&next.manifests.len()), "{}", next.manifests.len());
    assert!(next.manifests.iter().all(|new| new.bytes.len() < 20_000 + (1 << 14) + 1_000));
    assert_eq!(table.live().len(), 3_000);
}
