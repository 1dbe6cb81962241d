//! Manifests that are damaged, or are not what their list says: a merge names the file and carries nothing on.

use datashard_spec::avro::{ManifestReader, ManifestWriter, WriteOptions};
use datashard_spec::id::{DataSequenceNumber, FileSequenceNumber, SnapshotId};
use datashard_spec::manifest::{ManifestEntry, ManifestStatus};
use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::testing::{by_id, file, schema};

/// A table of which the next append merges eight manifests, and one of them.
fn due() -> (TestTable, String) {
    let mut table = TestTable::plain(FormatVersion::V2);
    appends(&mut table, "a", 8);
    let location = table.rows()[3].manifest_path.clone();
    (table, location)
}

/// The append is refused because of this manifest.
fn check(table: &TestTable, location: &str) -> String {
    match table.attempt(&append("b"), 1, &[]) {
        Err(Refusal::Corrupt { path, reason }) => {
            assert!(location.ends_with(&path), "{path}");
            assert!(path.starts_with("metadata/"), "the path is below the table");
            reason
        }
        other => panic!("{other:?}"),
    }
}

fn manifest(spec: i32, content: ManifestContent, entry: Option<ManifestEntry>) -> Bytes {
    let mut spec = by_id(spec);
    spec.fields.clear();
    let options = WriteOptions::default();
    let mut writer =
        ManifestWriter::new(FormatVersion::V2, &schema(), &spec, content, SnapshotId(1), &options).unwrap();
    entry.iter().for_each(|entry| writer.write(entry).unwrap());
    Bytes::from(writer.finish("m").unwrap().0)
}

#[test]
fn f1_a_truncated_manifest_is_named() {
    let (table, location) = due();
    let bytes = table.files[&location].clone();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let mut table = table.clone();
        table.files.insert(location.clone(), bytes.slice(..length));
        check(&table, &location);
    }
}

#[test]
fn f2_a_flipped_bit_is_an_error_or_changes_no_other_file() {
    let (table, location) = due();
    let bytes = table.files[&location].to_vec();
    let others = table.live().len() - 1;
    for at in (0..bytes.len()).step_by(61) {
        let mut table = table.clone();
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        table.files.insert(location.clone(), Bytes::from(flipped));
        match table.attempt(&append("b"), 1, &[]) {
            Ok(next) => {
                assert!(merged(&next)[0].row.existing_files_count >= Some(i32::try_from(others).unwrap()))
            }
            Err(Refusal::Corrupt { path, .. }) => assert!(location.ends_with(&path)),
            Err(Refusal::Unsupported { reason, .. }) => assert!(reason.contains(&location)),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_manifest_of_another_spec_or_content_than_its_list_says_is_named() {
    let (table, location) = due();
    let live = ManifestEntry::new(ManifestStatus::Added, file("x"));
    for (bytes, expect) in [
        (manifest(7, ManifestContent::Data, Some(live)), "its header 7"),
        (Bytes::from_static(b"no manifest"), ""),
    ] {
        let mut table = table.clone();
        table.files.insert(location.clone(), bytes);
        assert!(check(&table, &location).contains(expect));
    }
}

#[test]
fn entries_that_break_rules_are_named_with_their_manifest() {
    let (table, location) = due();
    let numbers = |status| {
        ManifestEntry::new(status, file("x"))
            .with_snapshot_id(SnapshotId(1))
            .with_data_sequence_number(DataSequenceNumber(1))
            .with_file_sequence_number(FileSequenceNumber(1))
    };
    let good = manifest(0, ManifestContent::Data, Some(numbers(ManifestStatus::Existing)));
    let read = ManifestReader::new(&good).unwrap().count();
    assert_eq!(read, 1);
    // An existing entry without its sequence number: a status is the first byte of an entry, 0 is existing and 2 added.
    let open = ManifestEntry::new(ManifestStatus::Added, file("x")).with_snapshot_id(SnapshotId(1));
    let mut open = manifest_uncompressed(&open).to_vec();
    let block = open.windows(16).position(|window| window == &open[open.len() - 16..]).unwrap() + 16;
    let status = open[block..].iter().skip(2).position(|byte| *byte == 2).unwrap() + block + 2;
    open[status] = 0;
    let mut table = table;
    table.files.insert(location.clone(), Bytes::from(open));
    let reason = check(&table, &location);
    assert!(reason.contains("may not inherit"), "{reason}");
}

fn manifest_uncompressed(entry: &ManifestEntry) -> Bytes {
    let mut spec = by_id(0);
    spec.fields.clear();
    let options = WriteOptions::default().with_codec(datashard_spec::avro::Codec::Null);
    let schema = schema();
    let mut writer = ManifestWriter::new(
        FormatVersion::V2,
        &schema,
        &spec,
        ManifestContent::Data,
        SnapshotId(1),
        &options,
    )
    .unwrap();
    writer.write(entry).unwrap();
    Bytes::from(writer.finish("m").unwrap().0)
}
